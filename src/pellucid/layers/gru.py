"""A state with two gates: one says how much of the past is looked at, one how much of it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pellucid import kernels
from pellucid.base.arrays import Array, Cache, Shape, sum_rows
from pellucid.base.init import Init
from pellucid.base.params import Param, param
from pellucid.base.run import Run
from pellucid.base.stable import sigmoid
from pellucid.layers.recurrent import Recurrent, choose


@dataclass
class GRU(Recurrent):
    """h = (1 - z) * n + z * h'      h' is the state before the step, h the one after      (Cho et al. 2014)

    a = x Wx + bx (N, 3 K)    c = h' Wh + bh (N, 3 K)      both in blocks of K columns, in the order r, z, n
    r = sigmoid(a_r + c_r)       the reset gate: how much of the past the proposal looks at
    z = sigmoid(a_z + c_z)       the update gate: how much of the past is kept
    n = tanh(a_n + r * c_n)      the proposal

    dn = dh * (1 - z)     da_n = dn * (1 - n^2)            dc_n = da_n * r
    dz = dh * (h' - n)    da_z = dc_z = dz * z (1 - z)
    dr = da_n * c_n       da_r = dc_r = dr * r (1 - r)
    dh' = dh * z + dc Wh^T      the state's own road, and the road through the gates
    dWx = sum_t x^T da   dWh = sum_t h'^T dc   dbx = sum da   dbh = sum dc      over all steps, which share one set
    dx  = da Wx^T

    Where z is near 1 the state, and its gradient, pass unchanged: a memory over many steps.

    This is PyTorch's (and cuDNN's) variant: the reset gate comes after the product with Wh, and so the proposal's two
    biases are not the same thing as one. The paper multiplies h' before. Gate order, signs and numbers are PyTorch's:
    Wx = weight_ih^T, Wh = weight_hh^T, bx = bias_ih, bh = bias_hh.

    A skipped step (by `mask_value`, or where `run.mask` is false) carries its state over, and gets no gradient.

    Args:
        units: K, the numbers in the state.
        sequence: give out the state after every step (N, T, K), and not only after the last (N, K). Default false.
        mask_value: a step whose features all equal this is skipped. Default None: no step is.
        init: Wx's first values. Default "glorot".
        recurrent_init: Wh's first values. Default "orthogonal".

    Raises:
        ShapeError: for an input that is no sequence, a sequence of length 0, or a mask of another shape.

    >>> import pellucid as pl
    >>> model = pl.Model(pl.GRU(1, sequence=True), input_shape=(3, 1))
    >>> gru = model.layers[0]
    >>> gru.Wx[:], gru.Wh[:], gru.bx[1] = [[0, -9, 3]], 0.0, 4.0      # an input of 1 opens the gate, 0 keeps it shut
    >>> model.predict([[[1.0], [0.0], [0.0]]]).round(2)
    array([[[0.99],
            [0.97],
            [0.95]]], dtype=float32)
    """

    gates: ClassVar[int] = 3
    units: int
    sequence: bool = False
    mask_value: float | None = None
    init: str | Init = "glorot"
    recurrent_init: str | Init = "orthogonal"
    Wx: Array = param()
    Wh: Array = param()
    bx: Array = param()
    bh: Array = param()
    dWx: Array = param()
    dWh: Array = param()
    dbx: Array = param()
    dbh: Array = param()

    def params(self, x: Shape) -> dict[str, Param]:
        wanted = super().params(x)
        bias = wanted.pop("b")
        return wanted | {"bx": bias, "bh": bias}

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        x, real = self.enter(x, run)
        T, N, _ = x.shape
        K = self.units
        a = kernels.active().times(x, self.Wx)  # (T, N, 3 K); becomes the gates r, z, n
        a += self.bx
        H = np.zeros((T + 1, N, K), x.dtype)
        C = np.empty((T, N, K), x.dtype)  # c_n of every step
        for t in range(T):
            c = H[t] @ self.Wh + self.bh  # (N, 3 K)
            C[t] = c[:, 2 * K :]
            rz = sigmoid(a[t, :, : 2 * K] + c[:, : 2 * K])
            r, z = rz[:, :K], rz[:, K:]
            n = np.tanh(a[t, :, 2 * K :] + r * C[t])
            a[t, :, : 2 * K], a[t, :, 2 * K :] = rz, n
            h = n + z * (H[t] - n)
            H[t + 1] = h if real is None else choose(real[t], h, H[t])
        return self.leave(H), {"x": x, "H": H, "gates": a, "C": C, "real": real}

    def through_time(self, dy: Array, cache: Cache) -> Array:
        H, C, real, K = cache["H"], cache["C"], cache["real"], self.units
        T, N, _ = H[1:].shape
        r, z, n = (cache["gates"][:, :, i * K : (i + 1) * K] for i in range(3))  # (T, N, K) each
        parts = np.empty((T, N, 3, K), H.dtype)  # da but for the factor dh, for all steps at once
        parts[:, :, 2] = (1.0 - z) * (1.0 - n * n)
        parts[:, :, 1] = (H[:-1] - n) * z * (1.0 - z)
        parts[:, :, 0] = parts[:, :, 2] * C * r * (1.0 - r)
        if real is not None:
            parts *= real[:, :, :, None]
        da, dc = parts.reshape(T, N, 3 * K), np.empty((T, N, 3 * K), H.dtype)
        dh, each = self.arriving(dy, H)
        back = np.ascontiguousarray(self.Wh.T)  # (3 K, K)
        for t in reversed(range(T)):
            if each is not None:
                dh = dh + each[t]
            parts[t] *= dh[:, None]
            dc[t] = da[t]
            dc[t, :, 2 * K :] *= r[t]
            before = dh * z[t] + dc[t] @ back  # (N, K)
            dh = before if real is None else choose(real[t], before, dh)
        self.write(da, dc, cache)
        self.dbx[:], self.dbh[:] = sum_rows(da), sum_rows(dc)
        return da
