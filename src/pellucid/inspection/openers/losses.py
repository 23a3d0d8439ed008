"""Openers of the losses: a sample's share of the loss, and the gradient with which everything backwards begins.

The loss's part of a trace has the arrays z (the scores), t, dz, y (probabilities or values), and, worked out on demand,
`rows` (each sample's part, before the division by N), `T` (the targets in z's shape), and `parts` (one number's).
"""

from __future__ import annotations

import numpy as np

from pellucid.base.arrays import Array
from pellucid.inspection.lines import Line
from pellucid.inspection.openers.view import ROOTS, Index, View, children, handed, opens
from pellucid.inspection.openings import Column, Function, Given, Opening, Sum
from pellucid.inspection.trace import Trace
from pellucid.losses import (
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
    Scaled,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
)
from pellucid.losses.classes import ClassLoss
from pellucid.losses.loss import Loss, share
from pellucid.losses.numbers import ElementwiseLoss


def _rows(v: View) -> Array:
    """Each sample's weighted part of the loss, by the loss's own function in float64."""
    z, t, w = v["z"].astype(np.float64), v["t"], v.trace.weights
    totals = [
        v.layer.forward(z[n : n + 1], t[n : n + 1], None if w is None else w[n : n + 1])[0].total for n in range(len(z))
    ]
    return np.array(totals, np.float64)


def _T(v: View) -> Array:
    """The targets in the shape of the scores: class ids become rows with a single 1."""
    t, z = v.layer.targets(v["t"], v["z"].shape), v["z"]
    if isinstance(v.layer, Scaled):  # as the loss inside sees them
        return np.asarray((t.astype(np.float64) - np.asarray(v.layer.mean)) / np.asarray(v.layer.std))
    return np.asarray(t if t.shape == z.shape else np.eye(z.shape[-1])[t], np.float64)


def _weights(v: View) -> Array:
    """One weight a row of scores, 1 where there are none."""
    w = v.cache["weights"]
    if isinstance(v.layer, ClassLoss):
        rows = v["z"].shape[:-1]
        return np.ones(rows) if w is None else np.asarray(w, np.float64).reshape(rows)
    return np.ones(len(v["z"])) if w is None else np.asarray(w, np.float64)


def _parts(v: View) -> Array:
    """What one number adds to a sample's part, before its weight."""
    z, T = v["z"].astype(np.float64), v["T"]
    if isinstance(v.layer, ElementwiseLoss):
        return np.asarray(v.layer.parts(z, T)[0])
    if isinstance(v.layer, SoftmaxCrossEntropy):
        return np.asarray(v["lse"][..., None] - z)
    return np.asarray(-np.log(np.clip(z, v.layer.eps, 1.0 - v.layer.eps)))


def _lse(v: View) -> Array:
    z = v["z"].astype(np.float64)
    top = z.max(axis=-1, keepdims=True)
    return np.asarray(np.log(np.exp(z - top).sum(axis=-1)) + top[..., 0])


WORKED = {
    "rows": _rows,
    "T": _T,
    "w": _weights,
    "parts": _parts,
    "lse": _lse,
    "d": lambda v: v["z"].astype(np.float64) - v["T"],
}


def _kind(v: View) -> Loss:
    """The loss itself, or the one inside where the targets are only scaled."""
    return v.layer.loss if isinstance(v.layer, Scaled) else v.layer


def _weight(v: View, *row: int) -> tuple[Column, ...]:
    """The weight of a row as a factor; none where all weigh the same."""
    return () if v.cache["weights"] is None else (v.pick("w", *row),)


@opens(Loss, worked={"rows": _rows})
def any_loss(v: View, name: str, at: Index) -> Opening | None:
    """A loss that nobody wrote an opener for: only how z came to be."""
    if name == "z":
        return _scores(v, at)
    if name == "rows":
        return Function(f"{type(v.layer).__name__} of one sample", lambda: _largest(v, at[0]))
    if name == "dz":
        return Function(f"{type(v.layer).__name__}.backward", lambda: _largest(v, at[0]))
    return Given("a target") if name == "t" else None


def _scores(v: View, at: Index) -> Opening:
    """The scores are the last layer's outputs."""
    return handed(v.trace, children(v.trace, "")[-1], "y", at)


def _largest(v: View, n: int) -> list[Line]:
    z = v["z"][n]
    order = np.argsort(-np.abs(z), axis=None, kind="stable")[:12]
    return [v.line("z", (n, *(int(i) for i in np.unravel_index(k, z.shape)))) for k in order]


def _ends(v: View, name: str, at: Index) -> Opening | None:
    """What all losses share."""
    if name == "z":
        return _scores(v, at)
    if name in ("t", "T"):
        return Given("a target, (t - mean) / std" if name == "T" and isinstance(v.layer, Scaled) else "a target")
    return Given("a weight") if name == "w" else None


# ---- losses of numbers -----------------------------------------------------------------------------------------------


@opens(MeanSquaredError, MeanAbsoluteError, Huber, BinaryCrossEntropy, SigmoidCrossEntropy, Scaled, worked=WORKED)
def elementwise(v: View, name: str, at: Index) -> Opening | None:
    """L = 1/N sum_n l_n with l_n = 1/K sum_k l(z[n, k], t[n, k])."""
    K = v["z"][:1].size
    if name == "rows":
        inner = tuple(i.ravel() for i in np.indices(v["z"].shape[1:]))
        share_ = v.number(f"1/{K}", 1.0 / K, "1/K: the mean over a sample's outputs")
        formula = "w / K sum_k l(z[n, k], t[n, k])"
        return Sum(formula, (*_weight(v, at[0]), share_, v.pick("parts", at[0], *inner)))
    minus, d = v.number("-1", -1.0), (v.pick("z", *at),) if name in ("d", "dz", "parts", "y") else ()
    if name == "d":
        return Sum("z - t", d, (minus, v.pick("T", *at)))
    if name == "parts":
        return _one(v, at)
    if name == "y":
        link = "sigmoid(z)" if isinstance(v.layer, SigmoidCrossEntropy) else "z"
        if isinstance(v.layer, Scaled):
            link = "mean + std z"
        return Function(link, lambda: [v.line("z", at)]) if link != "z" else Sum("z", d)
    if name != "dz":
        return _ends(v, name, at)
    NK = (*_weight(v, at[0]), v.number("1/(N K)", share(v.trace.scores.n) / K, "1/(N K), or 1 / (K times all weights)"))
    if isinstance(_kind(v), MeanSquaredError):
        return Sum("2 (z - t) / (N K)", (v.number("2", 2.0), *NK, v.pick("d", *at)))
    if isinstance(_kind(v), SigmoidCrossEntropy):
        return Sum("(p - t) / (N K)", (*NK, v.pick("y", *at)), (minus, *NK, v.pick("T", *at)))
    slope = float(v.layer.parts(v["z"][at].reshape(1), v["T"][at].astype(v["z"].dtype).reshape(1))[1][0])
    slopes: dict[type[Loss], tuple[str, str]] = {
        MeanAbsoluteError: ("sign(z - t)", "sign(z - t): 1, -1, or 0 at the target"),
        Huber: ("clip(z - t)", "z - t, at most delta in size"),
        BinaryCrossEntropy: ("(q - t)/(q (1 - q))", "(q - t) / (q (1 - q)), 0 outside the clip"),
    }
    words = next(slopes[kind] for kind in type(_kind(v)).__mro__ if kind in slopes)
    factor = v.function(lambda i: words[0], slope, words[1], lambda i: [v.line("z", at), v.line("T", at)])
    return Sum(f"{words[0]} / (N K)", (*NK, factor))


def _one(v: View, at: Index) -> Opening:
    """l(z, t) of one number."""
    if isinstance(_kind(v), MeanSquaredError):
        return Sum("(z - t)^2", (v.pick("d", *at), v.pick("d", *at)))
    values: dict[type[Loss], str] = {
        MeanAbsoluteError: "|z - t|",
        Huber: "(z - t)^2 / 2 near the target, a straight line far out",
        BinaryCrossEntropy: "-(t log q + (1 - t) log(1 - q))",
        SigmoidCrossEntropy: "log(1 + e^z) - t z",
    }
    words = next(values[kind] for kind in type(_kind(v)).__mro__ if kind in values)
    return Function(words, lambda: [v.line("z", at), v.line("T", at)])


# ---- losses of classes -----------------------------------------------------------------------------------------------


@opens(SoftmaxCrossEntropy, CategoricalCrossEntropy, worked=WORKED)
def classes(v: View, name: str, at: Index) -> Opening | None:
    """L = -1/N sum_n sum_k T[n, k] log p[n, k]."""
    z = v["z"]
    K, every = z.shape[-1], np.arange(z.shape[-1])
    fused = isinstance(v.layer, SoftmaxCrossEntropy)
    if name == "rows":
        *places, k = (i.ravel() for i in np.indices(z.shape[1:]))
        there = v["T"][(at[0], *places, k)] != 0.0
        where = (at[0], *(p[there] for p in places))
        weight = () if v.cache["weights"] is None else (v.pick("w", *where),)
        return Sum("sum_k T (-log p)", (*weight, v.pick("T", *where, k[there]), v.pick("parts", *where, k[there])))
    row = at[:-1]
    if name == "parts":
        if not fused:
            return Function("-log q, q the probability, clipped", lambda: [v.line("z", at)])
        return Sum("log sum_j e^z[j] - z[k]", (v.pick("lse", *row),), (v.number("-1", -1.0), v.pick("z", *at)))
    if name == "lse":
        return Function("log sum_j e^z[j]", lambda: [v.line("z", (*at, int(j))) for j in every])
    if name == "y":
        if not fused:
            return Sum("z", (v.pick("z", *at),))
        order = (at[-1], *(j for j in range(K) if j != at[-1]))
        return Function(f"softmax(z[n])[{at[-1]}]", lambda: [v.line("z", (*row, j)) for j in order])
    if name != "dz":
        return _ends(v, name, at)
    N = (*_weight(v, *row), v.number("1/N", share(v.trace.scores.n), "1/N, or 1 over the sum of all weights"))
    minus, T = v.number("-1", -1.0), v.pick("T", *at)
    if fused:
        whole = float(v["T"][row].sum())
        more = () if whole == 1.0 else (v.number("sum_k T", whole, "the sum of the row's shares"),)
        return Sum("(p - T) / N", (*N, *more, v.pick("y", *at)), (minus, *N, T))
    slope = 1.0 / float(z[at]) if v.layer.eps < z[at] < 1.0 - v.layer.eps else 0.0
    factor = v.function(lambda i: "1/q", slope, "1/q, 0 outside the clip", lambda i: [v.line("z", at)])
    return Sum("-T / q / N", (minus, *N, T, factor))


# ---- the loss itself -------------------------------------------------------------------------------------------------


def loss_line(trace: Trace) -> Line:
    """The reported loss as a line: every sample's part over N, then the penalties."""
    return Line("loss", trace.loss, lambda: _loss(trace), path="loss", trace=trace, at=("loss", "loss", ()))


def _loss(trace: Trace) -> Sum:
    v = View(trace, "loss")
    one = v.number("1/N", share(trace.scores.n), "1/N, or 1 over the sum of all weights")
    found = Sum("1/N sum_n l[n]", (one, v.pick("rows", np.arange(len(trace.x)))))
    for at, penalty in trace.model.penalties:
        cost = v.number(type(penalty).__name__, penalty.value(trace.theta[at]), f"{penalty!r} of the weights")
        found = found + Sum(f"{penalty!r}", (cost,))
    return found


def _root(trace: Trace, owner: str, name: str, at: Index) -> Opening | None:
    return _loss(trace) if (owner, name) == ("loss", "loss") else None


ROOTS["loss"] = _root
