"""What a layer is made of, found by looking at its numbers: `y = bend(x W + b)`, or a bend alone.

Many mistakes are made at the joint of the two. To say what such a mistake would compute, the joint must be known: the
sum z before the bend, and the bend as a function that can be given anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.normal import normal_cdf
from pellucid.base.stable import sigmoid, softmax
from pellucid.inspection.backward.subject import X
from pellucid.inspection.backward.trial import ROUGH, Trial

Bend = Callable[[Array], Array]
NEAR, ROUGHLY = 1e-7, 2e-5  # how near two outputs are that are the same: in float64, in float32

# name: (the bend, its slope as a function of its output or None, how the slope is written in code)
BENDS: dict[str, tuple[Bend, Bend | None, str]] = {
    "linear": (lambda z: z, None, "1"),
    "relu": (lambda z: np.maximum(z, 0.0), None, "({y} > 0)"),
    "sigmoid": (sigmoid, lambda y: y * (1.0 - y), "{y} * (1 - {y})"),
    "tanh": (np.tanh, lambda y: 1.0 - y * y, "(1 - {y} ** 2)"),
    "softplus": (lambda z: np.logaddexp(z, 0.0), lambda y: 1.0 - np.exp(-y), "(1 - np.exp(-{y}))"),
    "silu": (lambda z: z * sigmoid(z), None, ""),
    "gelu": (lambda z: z * normal_cdf(z), None, ""),
}


@dataclass(frozen=True)
class Parts:
    """The parts of one trial.

    Args:
        z: what goes into the bend.
        name: the bend: "relu", "softmax", ...; "" if it is none that is known.
        bend: the bend as a function.
        from_output: the slope as a function of the output, or None.
        W, b: the names of the weights and biases, "" if there are none.
        turned: W is (K, D), so that z = x W^T.
    """

    z: Array
    name: str
    bend: Bend
    from_output: Bend | None
    W: str = ""
    b: str = ""
    turned: bool = False

    @property
    def affine(self) -> bool:
        """Whether there is an x W + b."""
        return bool(self.W)

    @property
    def softmax(self) -> bool:
        """Whether the bend is a softmax over the rows."""
        return self.name == "softmax"

    def slope_times(self, u: Array, dy: Array) -> Array:
        """The bend's Jacobian at u, transposed, times dy."""
        if self.softmax:
            p = softmax(u)
            return np.asarray(p * (dy - np.sum(dy * p, axis=-1, keepdims=True)))
        h = 1e-6
        return np.asarray(dy * (self.bend(u + h) - self.bend(u - h)) / (2.0 * h))

    def down(self, dz: Array, trial: Trial, x: Array | None = None, W: Array | None = None) -> dict[str, Array]:
        """The gradients of x, W and b if dz were the gradient of the sum."""
        if not self.affine:
            return {X: dz}
        x = trial.x if x is None else x
        W = self.matrix(trial.params) if W is None else W
        flat, dflat = x.reshape(-1, x.shape[-1]), dz.reshape(-1, dz.shape[-1])
        out = {self.W: dflat.T @ flat if self.turned else flat.T @ dflat}
        if W.shape[-1] == dz.shape[-1]:
            out[X] = dz @ W.T
        if self.b:
            out[self.b] = dflat.sum(axis=0).reshape(trial.params[self.b].shape)
        return out

    def matrix(self, params: dict[str, Array]) -> Array:
        """W as (D, K)."""
        return params[self.W].T if self.turned else params[self.W]


def find_parts(trial: Trial) -> Parts | None:
    """The parts, or None if the layer is of another kind."""
    x, y = trial.x, trial.y
    if not trial.params:
        return _bent(x, y, trial) if x.shape == y.shape else None
    if x.ndim < 2:
        return None
    for W, value in trial.params.items():
        for turned in (False, True):
            M = value.T if turned else value
            if value.ndim != 2 or M.shape[0] != x.shape[-1] or M.shape[1] != y.shape[-1]:
                continue
            others = [b for b, v in trial.params.items() if b != W and v.size == M.shape[1]]
            for b in [*others, ""]:
                z = x @ M + (trial.params[b].reshape(-1) if b else 0.0)
                if len(trial.params) != 1 + bool(b):
                    continue
                bent = _bent(z, y, trial) or (_probed(z, y, trial, W, b) if b and z.shape == y.shape else None)
                if bent is not None:
                    return Parts(z, bent.name, bent.bend, bent.from_output, W, b, turned)
    return None


def _bent(z: Array, y: Array, trial: Trial) -> Parts | None:
    """The known bend that makes y of z."""
    if z.shape != y.shape:
        return None
    for name, (bend, from_output, _) in BENDS.items():
        if _same(bend(z), y, trial):
            return Parts(z, name, bend, from_output)
    if z.ndim > 1 and _same(softmax(z), y, trial):
        return Parts(z, "softmax", softmax, None)
    low = z < 0
    if low.any() and not low.all() and _same(y[~low], z[~low], trial):
        for name, base in (("leaky relu", z[low]), ("elu", np.expm1(z[low]))):
            a = float((y[low] @ base) / (base @ base))
            if _same(a * base, y[low], trial):
                return Parts(z, name, _leaky(a) if name == "leaky relu" else _elu(a), _elu_from_output(a, name))
    if not trial.params and _elementwise(trial):
        return Parts(z, "", lambda u: trial.forward(u, {}), None)
    return None


def _leaky(a: float) -> Bend:
    return lambda u: np.where(u > 0, u, a * u)


def _elu(a: float) -> Bend:
    return lambda u: np.where(u > 0, u, a * np.expm1(np.minimum(u, 0.0)))


def _elu_from_output(a: float, name: str) -> Bend | None:
    return (lambda y: np.where(y > 0, 1.0, y + a)) if name == "elu" else None


def _probed(z: Array, y: Array, trial: Trial, W: str, b: str) -> Parts | None:
    """A bend that is not known, seen through the layer itself: with W = 0 the output is bend(b)."""

    def bend(u: Array) -> Array:
        rows = u.reshape(-1, u.shape[-1])
        zero = {W: np.zeros_like(trial.params[W])}
        out = [trial.forward(trial.x, zero | {b: row.reshape(trial.params[b].shape)})[0] for row in rows]
        return np.asarray(out).reshape(u.shape)

    return Parts(z, "", bend, None) if _same(bend(z), y, trial) else None


def _elementwise(trial: Trial) -> bool:
    """Whether every output depends on its own input alone."""
    j = trial.jacobians.get(X)
    if j is None:
        return False
    rows = np.nan_to_num(j.rows.reshape(len(j.entries), -1)).copy()
    rows[np.arange(len(rows)), j.entries] = 0.0
    return float(np.abs(rows).max(initial=0.0)) < 1e-6


def _same(a: Array, b: Array, trial: Trial) -> bool:
    near = ROUGHLY if trial.tolerance == ROUGH else NEAR
    return a.shape == b.shape and bool(np.abs(a - b).max(initial=0.0) <= near * (1.0 + np.abs(b).max(initial=0.0)))
