"""Every step of a sequence looks at all others and takes from each as much as it finds worth: one product away."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

import numpy as np

from pellucid import kernels
from pellucid.base.arrays import Array, Cache, Shape, keep_freed_memory, sum_last, sum_rows
from pellucid.base.errors import ShapeError, UsageError, draw_shapes
from pellucid.base.init import Constant, Init, find_init
from pellucid.base.params import Param, param
from pellucid.base.run import Run
from pellucid.base.stable import softmax
from pellucid.layers.layer import Layer
from pellucid.layers.recurrent import check_sequences, time_mask


@dataclass
class MultiHeadAttention(Layer):
    """Y = O Wo + bo      X, Y (N, T, D)   W (D, 3 D)   b (3 D,)   Wo (D, D)   bo (D,)      (Vaswani et al. 2017)

    [Q, K, V] = X W + b      one product; each is cut into heads of d = D / heads columns: (N, heads, T, d)
    S = Q K^T / sqrt(d)      how well step t's question fits step s's key (N, heads, T, T)
    A = softmax(S)           over s: how much t takes from each s; 0 where t may not look
    O = A V                  the heads side by side again (N, T, D)

    dO = dY Wo^T
    dV = A^T dO                           what s offered was taken by every t, so all t add up
    dA = dO V^T
    dS = A * (dA - sum_s dA * A)          softmax's whole Jacobian: a row of A has a fixed sum
    dQ = dS K / sqrt(d)                   t's question was asked of every s
    dK = dS^T Q / sqrt(d)                 s's key was tried by every t
    dX = [dQ, dK, dV] W^T                 X played all three parts
    dW = X^T [dQ, dK, dV]    db = sum [dQ, dK, dV]    dWo = O^T dY    dbo = sum dY      over all samples and steps

    The division by sqrt(d) keeps the variance of a sum of d products at 1, so that softmax does not saturate at the
    start. Where `run.mask` (N, T) is false, nobody looks at that step. A step that may look at nothing takes 0.

    Args:
        heads: how many questions each step asks at once; they divide the D features among them.
        causal: a step sees itself and what came before, never what comes after. Default false.
        init: the weights' first values. Default "glorot".

    Raises:
        ShapeError: if D cannot be divided by heads, for an input that is no sequence, or a mask of another shape.

    >>> import pellucid as pl
    >>> model = pl.Model(pl.MultiHeadAttention(1, causal=True), input_shape=(3, 1))
    >>> attention = model.layers[0]
    >>> attention.W[:], attention.Wo[:] = [[0, 0, 1]], 1.0      # no preference: the mean of what has been seen
    >>> model.predict([[[3.0], [5.0], [1.0]]])
    array([[[3.],
            [4.],
            [3.]]], dtype=float32)
    """

    reads_mask: ClassVar[bool] = True
    heads: int
    causal: bool = False
    init: str | Init = "glorot"
    W: Array = param()
    b: Array = param()
    Wo: Array = param()
    bo: Array = param()
    dW: Array = param()
    db: Array = param()
    dWo: Array = param()
    dbo: Array = param()

    def params(self, x: Shape) -> dict[str, Param]:
        D, init = x[-1], find_init(self.init)
        return {
            "W": Param((D, 3 * D), init, (D, D)),
            "b": Param((3 * D,), Constant(0.0), decay=False),
            "Wo": Param((D, D), init, (D, D)),
            "bo": Param((D,), Constant(0.0), decay=False),
        }

    def output_shape(self, x: Shape) -> Shape:
        if not isinstance(self.heads, int) or self.heads < 1:
            raise UsageError(f"MultiHeadAttention needs a whole number of heads, 1 or more, not {self.heads!r}.")
        check_sequences("MultiHeadAttention", x)
        if x[2] % self.heads:
            nearest = -(-x[2] // self.heads) * self.heads
            raise ShapeError(
                f"MultiHeadAttention cannot divide {x[2]} features among {self.heads} heads.\n"
                + draw_shapes((None, *x[1:]), (None, x[1], nearest), "given", "for example")
            )
        return x

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        keep_freed_memory()
        q, k, v = self._cut(kernels.active().times(x, self.W) + self.b)  # (N, heads, T, d) each
        s = q @ k.swapaxes(-1, -2)  # (N, heads, T, T)
        s *= 1.0 / sqrt(q.shape[-1])
        seen = self._seen(x, run)
        if seen is not None:
            np.copyto(s, 0.5 * np.finfo(s.dtype).min, where=~seen)
        a = softmax(s)
        if run.mask is not None:
            a *= seen  # a step that sees nothing has equal scores, and yet takes nothing
        o = (a @ v).swapaxes(1, 2).reshape(x.shape)  # (N, T, D)
        return kernels.active().times(o, self.Wo) + self.bo, {"x": x, "q": q, "k": k, "v": v, "a": a, "o": o}

    def backward(self, dy: Array, cache: Cache) -> Array:
        return np.asarray(kernels.active().times(self.through(dy, cache), self.W.T))  # (N, T, D)

    def backward_params(self, dy: Array, cache: Cache) -> None:
        self.through(dy, cache)

    def through(self, dy: Array, cache: Cache) -> Array:
        """The parameters' gradients are written; [dQ, dK, dV] (N, T, 3 D) is given back."""
        q, k, v, a = cache["q"], cache["k"], cache["v"], cache["a"]
        N, h, T, d = q.shape
        do = kernels.active().times(dy, self.Wo.T).reshape(N, T, h, d).swapaxes(1, 2)  # (N, heads, T, d)
        ds = do @ v.swapaxes(-1, -2)  # (N, heads, T, T); first dA
        ds -= sum_last(ds * a)
        ds *= a
        ds *= 1.0 / sqrt(d)
        parts = np.empty((N, T, 3, h, d), dy.dtype)
        for i, part in enumerate((ds @ k, ds.swapaxes(-1, -2) @ q, a.swapaxes(-1, -2) @ do)):
            parts[:, :, i] = part.swapaxes(1, 2)
        D = dy.shape[-1]
        dqkv = parts.reshape(N, T, 3 * D)
        np.dot(cache["x"].reshape(-1, D).T, dqkv.reshape(-1, 3 * D), out=self.dW)
        np.dot(cache["o"].reshape(-1, D).T, dy.reshape(-1, D), out=self.dWo)
        self.db[:], self.dbo[:] = sum_rows(dqkv), sum_rows(dy)
        return dqkv

    def _cut(self, qkv: Array) -> Array:
        N, T, D3 = qkv.shape
        return qkv.reshape(N, T, 3, self.heads, D3 // (3 * self.heads)).transpose(2, 0, 3, 1, 4)  # (3, N, heads, T, d)

    def _seen(self, x: Array, run: Run) -> Array | None:
        """Which steps s each step t may look at: (N, 1, T, T), with axes of length 1 where it does not matter."""
        T = x.shape[1]
        past = np.tri(T, dtype=bool) if self.causal else None  # (T, T)
        if run.mask is None:
            return past
        real = time_mask(run.mask, x)[:, None, None, :]  # (N, 1, 1, T)
        return real if past is None else real & past
