"""Layers that read a sequence step by step and carry a state along: what they share, and the simplest of them.

Read this file first, then gru.py and lstm.py, whose states are guarded by gates. The loop over time is the only loop:
what comes from the inputs is one product for all steps before it, and the weights' gradients are products after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from pellucid import kernels
from pellucid.base.arrays import Array, Cache, Shape, keep_freed_memory, sum_rows
from pellucid.base.check import check_mask
from pellucid.base.errors import DataError, ShapeError, UsageError, draw_shapes
from pellucid.base.init import Constant, Init, find_init
from pellucid.base.params import Param, param
from pellucid.base.run import Run
from pellucid.layers.layer import Layer


class Recurrent(Layer):
    """What recurrent layers share: shapes, parameters, which steps are skipped, and the way out of the time loop.

    Inside, time is the first axis, so that a step's numbers lie together in memory: x (T, N, D).
    """

    reads_mask: ClassVar[bool] = True
    gates: ClassVar[int] = 1  # how many blocks of K columns the weights have
    units: int
    sequence: bool
    mask_value: float | None
    init: str | Init
    recurrent_init: str | Init
    Wx: Array
    Wh: Array
    dWx: Array
    dWh: Array

    def params(self, x: Shape) -> dict[str, Param]:
        D, K, G = x[-1], self.units, self.gates
        return {
            "Wx": Param((D, G * K), find_init(self.init), (D, K)),
            "Wh": Param((K, G * K), find_init(self.recurrent_init), (K, K)),
            "b": Param((G * K,), Constant(0.0), decay=False),
        }

    def output_shape(self, x: Shape) -> Shape:
        name = type(self).__name__
        if not isinstance(self.units, int) or self.units < 1:
            raise UsageError(f"{name} needs a whole number of units, 1 or more; it was given {self.units!r}.")
        check_sequences(name, x)
        return (x[0], x[1], self.units) if self.sequence else (x[0], self.units)

    def enter(self, x: Array, run: Run) -> tuple[Array, Array | None]:
        """x with time first (T, N, D), and which steps are read (T, N, 1), or None if all are."""
        keep_freed_memory()
        real = None if self.mask_value is None else (x != self.mask_value).any(axis=-1)  # (N, T)
        if run.mask is not None:
            mask = time_mask(run.mask, x)
            real = mask if real is None else real & mask
        return np.ascontiguousarray(x.transpose(1, 0, 2)), None if real is None else real.T[:, :, None]

    def leave(self, H: Array) -> Array:
        """The output, from the states H (T + 1, N, K) of which the first is the one before the first step."""
        return np.ascontiguousarray(H[1:].transpose(1, 0, 2)) if self.sequence else H[-1].copy()

    def arriving(self, dy: Array, H: Array) -> tuple[Array, Array | None]:
        """dh after the last step, and what each step's own output adds to it (T, N, K), or None."""
        return (np.zeros_like(H[0]), dy.transpose(1, 0, 2)) if self.sequence else (dy, None)

    def write(self, da: Array, dc: Array, cache: Cache) -> None:
        """The weights' gradients, from the gradients of X Wx and of H Wh, (T, N, G K) each."""
        x, before, columns = cache["x"], cache["H"][:-1], da.shape[-1]
        np.dot(x.reshape(-1, x.shape[-1]).T, da.reshape(-1, columns), out=self.dWx)
        np.dot(before.reshape(-1, self.units).T, dc.reshape(-1, columns), out=self.dWh)

    def through_time(self, dy: Array, cache: Cache) -> Array:
        """The parameters' gradients are written; da, the gradient of X Wx (T, N, G K), is given back."""
        raise NotImplementedError

    def backward(self, dy: Array, cache: Cache) -> Array:
        dx = kernels.active().times(self.through_time(dy, cache), self.Wx.T)  # (T, N, D)
        return np.ascontiguousarray(dx.transpose(1, 0, 2))

    def backward_params(self, dy: Array, cache: Cache) -> None:
        self.through_time(dy, cache)


def check_sequences(who: str, x: Shape) -> None:
    """Whether x is (N, T, D) with a time step or more; what it may have meant if it is not, and the way out."""
    if len(x) != 3:
        steps = x[1] if len(x) > 1 else 1
        meant = (steps, prod(x[2:]))
        ids = ", or pl.Embedding if they are ids" if len(x) == 2 else ""
        raise ShapeError(
            f"{who} takes sequences: samples, time steps, features.\n"
            + draw_shapes((None, *x[1:]), (None, *meant))
            + f"\nIf the {'numbers of a row' if len(x) < 3 else 'rows'} are the time steps, put pl.Reshape({meant}) "
            f"before it{ids}."
        )
    if x[1] < 1:
        raise ShapeError(
            f"{who} cannot read a sequence of length 0; it needs one time step or more.\n"
            + draw_shapes((None, *x[1:]), (None, 1, x[2]), "given", "at least")
        )


def time_mask(mask: Array, x: Array) -> Array:
    """The mask that a run carries, as booleans (N, T); an error draws both shapes if it is not that of x."""
    check_mask(mask, x, "run.mask")
    mask = np.asarray(mask)
    real = mask.astype(bool)
    if not (real == mask).all():
        bad = mask[real != mask][0]
        raise DataError(f"run.mask says of each step whether it is real, true or false (1 or 0), and it holds {bad}.")
    return real


def choose(real: Array | None, new: Array, old: Array) -> Array:
    """`new` where the step is read, `old` where it is skipped."""
    return new if real is None else np.where(real, new, old)


@dataclass
class SimpleRNN(Recurrent):
    """h_t = tanh(x_t Wx + h_(t-1) Wh + b)      x (N, T, D)   Wx (D, K)   Wh (K, K)   b, h_0 = 0 (K,)      (Elman 1990)

    Y = h_T, or all of h_1 ... h_T with sequence=True

    dh_t = dY_t + da_(t+1) Wh^T      h_t was given out, and was also read by the next step: both roads add up
    da_t = dh_t * (1 - h_t^2)        through the bend, as in Tanh
    dWx = sum_t x_t^T da_t           one Wx serves every step, so every step adds its part; inside, the batch is summed
    dWh = sum_t h_(t-1)^T da_t
    db  = sum_t sum_n da_t
    dx_t = da_t Wx^T

    The gradient of a far past goes through Wh^T once for every step between: it fades or grows like a power. GRU and
    LSTM have a road that avoids this; and clip=1.0 in training keeps it from growing.

    A skipped step carries its state over: h_t = h_(t-1), so dh_(t-1) = dh_t, and its input gets no gradient. Skipped is
    what `mask_value` says, and where `run.mask` (N, T) is false.

    Args:
        units: K, the numbers in the state.
        sequence: give out the state after every step (N, T, K), and not only after the last (N, K). Default false.
        mask_value: a step whose features all equal this is skipped. Default None: no step is.
        init: Wx's first values. Default "glorot".
        recurrent_init: Wh's first values. Default "orthogonal": it neither stretches nor shrinks the state.

    Raises:
        ShapeError: for an input that is no sequence, a sequence of length 0, or a mask of another shape.

    >>> import pellucid as pl
    >>> model = pl.Model(pl.SimpleRNN(1, sequence=True), input_shape=(3, 1))
    >>> rnn = model.layers[0]
    >>> rnn.Wx[:], rnn.Wh[:] = 1.0, 0.5
    >>> model.predict([[[1.0], [0.0], [0.0]]]).round(3)
    array([[[0.762],
            [0.363],
            [0.18 ]]], dtype=float32)
    """

    units: int
    sequence: bool = False
    mask_value: float | None = None
    init: str | Init = "glorot"
    recurrent_init: str | Init = "orthogonal"
    Wx: Array = param()
    Wh: Array = param()
    b: Array = param()
    dWx: Array = param()
    dWh: Array = param()
    db: Array = param()

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        x, real = self.enter(x, run)
        T, N, _ = x.shape
        a = kernels.active().times(x, self.Wx)  # (T, N, K)
        a += self.b
        H = np.zeros((T + 1, N, self.units), x.dtype)
        for t in range(T):
            h = np.tanh(a[t] + H[t] @ self.Wh)  # (N, K)
            H[t + 1] = h if real is None else choose(real[t], h, H[t])
        return self.leave(H), {"x": x, "H": H, "real": real}

    def through_time(self, dy: Array, cache: Cache) -> Array:
        H, real = cache["H"], cache["real"]
        dh, each = self.arriving(dy, H)
        da: Array = 1.0 - H[1:] * H[1:]  # (T, N, K)
        if real is not None:
            da *= real
        back = np.ascontiguousarray(self.Wh.T)
        for t in reversed(range(len(da))):
            if each is not None:
                dh = dh + each[t]
            da[t] *= dh
            before = da[t] @ back  # (N, K)
            dh = before if real is None else choose(real[t], before, dh)
        self.write(da, da, cache)
        self.db[:] = sum_rows(da)
        return da
