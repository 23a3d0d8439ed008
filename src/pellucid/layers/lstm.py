"""A state with a memory beside it, which changes by addition: what is written stays until a gate forgets it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from pellucid import kernels
from pellucid.base.arrays import Array, Cache, Shape, sum_rows
from pellucid.base.init import Init
from pellucid.base.params import Param, param
from pellucid.base.run import Run
from pellucid.layers.recurrent import Recurrent, choose


@dataclass(frozen=True)
class ForgetBias(Init):
    """0 for every gate but the forget gate (the second of four blocks), which gets `value`."""

    value: float

    def __call__(self, rng: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
        b = np.zeros(shape)
        K = shape[0] // 4
        b[K : 2 * K] = self.value
        return b


@dataclass
class LSTM(Recurrent):
    """c = f * c' + i * g      h = o * tanh(c)      c', h' are before the step      (Hochreiter and Schmidhuber 1997)

    a = x Wx + h' Wh + b (N, 4 K)      in blocks of K columns, in the order i, f, g, o
    i, f, o = sigmoid of their blocks      write, keep, show      (the forget gate f: Gers et al. 2000)
    g       = tanh of its block            what would be written

    dc  = dc_next + dh * o (1 - tanh(c)^2)      the memory was read by the next step and shown by this one
    da_i = dc * g * i (1 - i)     da_f = dc * c' * f (1 - f)
    da_g = dc * i * (1 - g^2)     da_o = dh * tanh(c) * o (1 - o)
    dc' = dc * f                  the road of the memory: no weights on it, so a gradient comes far
    dh' = da Wh^T
    dWx = sum_t x^T da   dWh = sum_t h'^T da   db = sum da      over all steps, which share one set
    dx  = da Wx^T

    Gate order and numbers are PyTorch's (and Keras's), with one bias: theirs are two, which only ever add up. So
    Wx = weight_ih^T, Wh = weight_hh^T, b = bias_ih + bias_hh.

    A skipped step (by `mask_value`, or where `run.mask` is false) carries h and c over, and gets no gradient.

    Args:
        units: K, the numbers in the state, and in the memory.
        sequence: give out the state after every step (N, T, K), and not only after the last (N, K). Default false.
        mask_value: a step whose features all equal this is skipped. Default None: no step is.
        init: Wx's first values. Default "glorot".
        recurrent_init: Wh's first values. Default "orthogonal".
        forget_bias: the forget gate's first bias: above 0, it remembers before it has learned to. Default 1.

    Raises:
        ShapeError: for an input that is no sequence, a sequence of length 0, or a mask of another shape.

    >>> import pellucid as pl
    >>> model = pl.Model(pl.LSTM(1, sequence=True), input_shape=(3, 1))
    >>> lstm = model.layers[0]
    >>> lstm.Wx[:], lstm.Wh[:], lstm.b[:] = [[9, 0, 3, 0]], 0.0, [-5, 5, 0, 5]      # an input of 1 is written and kept
    >>> model.predict([[[1.0], [0.0], [0.0]]]).round(2)
    array([[[0.75],
            [0.74],
            [0.74]]], dtype=float32)
    """

    gates: ClassVar[int] = 4
    units: int
    sequence: bool = False
    mask_value: float | None = None
    init: str | Init = "glorot"
    recurrent_init: str | Init = "orthogonal"
    forget_bias: float = 1.0
    Wx: Array = param()
    Wh: Array = param()
    b: Array = param()
    dWx: Array = param()
    dWh: Array = param()
    db: Array = param()

    def params(self, x: Shape) -> dict[str, Param]:
        wanted = super().params(x)
        return wanted | {"b": replace(wanted["b"], init=ForgetBias(self.forget_bias))}

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        x, real = self.enter(x, run)
        T, N, _ = x.shape
        K = self.units
        # sigmoid(a) = tanh(a / 2) / 2 + 1 / 2: with the halves in the weights, one tanh makes all four gates.
        half = np.repeat(np.asarray([0.5, 0.5, 1.0, 0.5], x.dtype), K)  # (4 K,)
        rest, Wh = 1.0 - half, self.Wh * half
        gates = kernels.active().times(x, self.Wx * half)  # (T, N, 4 K); from x, until the loop makes gates of it
        gates += self.b * half
        H, C = np.zeros((T + 1, N, K), x.dtype), np.zeros((T + 1, N, K), x.dtype)
        S = np.empty((T, N, K), x.dtype)  # tanh(c) of every step
        for t in range(T):
            a = gates[t]  # (N, 4 K), a view
            a += H[t] @ Wh
            np.tanh(a, out=a)
            a *= half
            a += rest
            i, f, g, o = (a[:, k * K : (k + 1) * K] for k in range(4))
            c = f * C[t]  # (N, K)
            c += i * g
            np.tanh(c, out=S[t])
            h = o * S[t]
            if real is not None:
                c, h = choose(real[t], c, C[t]), choose(real[t], h, H[t])
            C[t + 1], H[t + 1] = c, h
        return self.leave(H), {"x": x, "H": H, "C": C, "S": S, "gates": gates, "real": real}

    def through_time(self, dy: Array, cache: Cache) -> Array:
        H, C, S, real, K = cache["H"], cache["C"], cache["S"], cache["real"], self.units
        T, N, _ = H[1:].shape
        gates = cache["gates"]
        i, f, g, o = (gates[:, :, k * K : (k + 1) * K] for k in range(4))  # (T, N, K) each
        parts: Array = (gates * gates).reshape(T, N, 4, K)  # da but for the factors dc and dh, for all steps at once
        np.subtract(gates.reshape(T, N, 4, K), parts, out=parts)  # y (1 - y), right for i, f and o
        parts[:, :, 0] *= g
        parts[:, :, 1] *= C[:-1]
        parts[:, :, 2] = i * (1.0 - g * g)
        parts[:, :, 3] *= S
        shown = o * (1.0 - S * S)  # (T, N, K), how dh reaches dc
        if real is not None:
            parts *= real[:, :, :, None]
        da = parts.reshape(T, N, 4 * K)
        dh, each = self.arriving(dy, H)
        dc, back = np.zeros_like(H[0]), np.ascontiguousarray(self.Wh.T)
        for t in reversed(range(T)):
            if each is not None:
                dh = dh + each[t]
            d = dc + dh * shown[t]  # (N, K)
            parts[t, :, :3] *= d[:, None]
            parts[t, :, 3] *= dh
            before = da[t] @ back  # (N, K)
            if real is None:
                dc, dh = d * f[t], before
            else:
                dc, dh = choose(real[t], d * f[t], dc), choose(real[t], before, dh)
        self.write(da, da, cache)
        self.db[:] = sum_rows(da)
        return da
