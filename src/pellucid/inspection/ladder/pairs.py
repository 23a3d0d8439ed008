"""The last layer and the loss: pairs that run without an error and learn badly or not at all.

Nothing is trained here. A loss says which form of output it wants; the last layer says which it gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.run import PREDICT
from pellucid.inspection.finding import Finding
from pellucid.inspection.ladder.case import Case, probabilities
from pellucid.inspection.ladder.change import rebuilt, unbound
from pellucid.inspection.ladder.rung import Found, Seen
from pellucid.layers import Dense, Dropout, ReLU, Sigmoid, Softmax, Tanh
from pellucid.layers.layer import Layer
from pellucid.losses import (
    CategoricalCrossEntropy,
    ClassLoss,
    Loss,
    MeanSquaredError,
    Scaled,
    SigmoidCrossEntropy,
    SoftmaxCrossEntropy,
)

REACH: dict[type[Layer], tuple[float, float]] = {
    Sigmoid: (0.0, 1.0),
    Softmax: (0.0, 1.0),
    Tanh: (-1.0, 1.0),
    ReLU: (0.0, float("inf")),
}

TYPED = {
    "SoftmaxCrossEntropy": "--loss softmax-cross-entropy",
    "SigmoidCrossEntropy": "--loss sigmoid-cross-entropy",
}


def examine(case: Case) -> Seen:
    """Whether the last layer gives what the loss wants."""
    last, loss = case.model.layers[-1], case.model.loss
    if isinstance(last, Dropout) and last.drop:
        return _seen(case, _dropout_last(case, last))
    if isinstance(loss, SoftmaxCrossEntropy) and case.model.output_shape[-1] == 1:
        return _seen(case, _one_output(case))
    if isinstance(last, Softmax) and case.model.output_shape[-1] == 1:
        return _seen(case, _one_share(case))
    if isinstance(last, Softmax) and isinstance(loss, SoftmaxCrossEntropy):
        return _seen(case, _twice(case, "softmax", "SoftmaxCrossEntropy", "is at most e / (e + C - 1)"))
    if isinstance(last, Sigmoid) and isinstance(loss, SigmoidCrossEntropy):
        return _seen(case, _twice(case, "sigmoid", "SigmoidCrossEntropy", "lies between 0.5 and 0.73"))
    if isinstance(loss, SoftmaxCrossEntropy | SigmoidCrossEntropy) and isinstance(last, ReLU):
        return _seen(case, _relu_last(case))
    if isinstance(loss, SoftmaxCrossEntropy | SigmoidCrossEntropy) and isinstance(last, Tanh | Sigmoid):
        return _seen(case, _bounded(case, last))
    if probabilities(case.model):
        return _seen(case, _no_probabilities(case))
    if classes_as_values(case):
        return _seen(case, _squared(case))
    return _seen(case, _out_of_reach(case, last))


def _seen(case: Case, found: Found | None) -> Seen:
    last = case.model.layers[-1].kind
    return Seen(
        f"{last} into {name_of(case.model.loss)}: " + ("they fit" if found is None else "they do not fit"), found
    )


def name_of(loss: Loss) -> str:
    """The loss's name, that of the inner one where it is scaled."""
    return type(loss.loss if isinstance(loss, Scaled) else loss).__name__


def without_last(case: Case, layers: Sequence[Layer] = (), loss: Loss | None = None) -> Case:
    """The case with other layers (or none) in place of the last one, and another loss if one is given."""
    kept = unbound(case.model)[:-1]
    return case.but(model=rebuilt(case.model, [*kept, *layers], loss=loss or case.model.loss))


def _written(case: Case, loss: str, layers: int = 1) -> str:
    """The end of the network in code: its last layers without the very last, and the loss."""
    before = [type(layer).__name__ for layer in case.model.layers[:-layers]]
    units = f"({case.model.output_shape[-1]})" if before and before[-1] == "Dense" else "()"
    return f"pl.Model(..., pl.{before[-1]}{units}, loss=pl.{loss}(), ...)" if before else f"loss=pl.{loss}()"


def _twice(case: Case, bend: str, loss: str, limit: str) -> Found:
    finding = Finding(
        f"{bend} twice",
        f"The network ends in a {bend.capitalize()} layer, and {loss} takes the {bend} of that once more.",
        (f"of numbers between 0 and 1 the {bend} {limit}, so no answer is ever sure and the gradient is faint",),
        f"Leave the {bend.capitalize()} layer out: {loss} takes scores, and predict gives probabilities all the same.",
        _written(case, loss),
    )
    return Found(finding, without_last(case))


def _dropout_last(case: Case, last: Dropout) -> Found:
    finding = Finding(
        "dropout before the loss",
        f"Dropout({last.drop:g}) is the last layer, so in every step {100 * last.drop:.0f} % of the answers become 0.",
        ("a hidden unit can be replaced by others; an answer cannot",),
        "Put Dropout between hidden layers, or leave it out.",
        _written(case, type(case.model.loss).__name__),
    )
    return Found(finding, without_last(case))


def _one_output(case: Case) -> Found:
    finding = Finding(
        "softmax over one output",
        "The network has one output, and the softmax of a single number is always 1: the loss is 0, whatever it says.",
        ("nothing can be learned from a loss that never changes",),
        "For a yes-or-no answer use SigmoidCrossEntropy; for C classes give the last layer C units.",
        "loss=pl.SigmoidCrossEntropy()",
    )
    kept = unbound(case.model)
    if isinstance(kept[-1], Softmax):
        kept = kept[:-1]
    return Found(finding, _if_it_fits(case, kept, SigmoidCrossEntropy()))


def _one_share(case: Case) -> Found:
    finding = Finding(
        "softmax over one output",
        "A Softmax layer stands behind a single unit, and the softmax of one number is always 1.",
        ("the network says 1 for every sample",),
        "For a yes-or-no answer end in scores and use SigmoidCrossEntropy; for values leave the Softmax out.",
        _written(case, "SigmoidCrossEntropy"),
    )
    t = np.unique(case.probe.t)
    loss = SigmoidCrossEntropy() if set(t.tolist()) <= {0, 1} else MeanSquaredError()
    return Found(finding, _if_it_fits(case, unbound(case.model)[:-1], loss))


def _if_it_fits(case: Case, layers: Sequence[Layer], loss: Loss) -> Case | None:
    """The case with these layers and this loss, if its targets suit them."""
    t = case.data.t
    if isinstance(loss, SigmoidCrossEntropy) and (t.min() < 0 or t.max() > 1):
        return None
    return case.but(model=rebuilt(case.model, layers, loss=loss))


def _relu_last(case: Case) -> Found:
    y = case.model.net.forward(case.prepared(case.probe)[0], PREDICT)[0]
    finding = Finding(
        "relu before the loss",
        f"ReLU is the last layer before {name_of(case.model.loss)}, so no score can be below 0.",
        (
            f"{100 * float((y == 0).mean()):.0f} % of the scores are exactly 0 now; such a score has no gradient",
            "a wrong answer is ruled out by a score far below 0, which is cut off here",
        ),
        "Leave the last ReLU out: the loss takes scores of any sign.",
        _written(case, name_of(case.model.loss)),
    )
    return Found(finding, without_last(case))


def _bounded(case: Case, last: Layer) -> Found:
    low, high = REACH[type(last)]
    K = case.model.output_shape[-1]
    most = np.e ** (high - low) / (np.e ** (high - low) + K - 1) if K > 1 else 1 / (1 + np.e**-high)
    finding = Finding(
        "bounded scores",
        f"A {type(last).__name__} layer keeps the scores between {low:g} and {high:g}, so no answer can be sure.",
        (f"the highest probability that the network can give is {100 * most:.0f} %",),
        f"Leave the last {type(last).__name__} out: {name_of(case.model.loss)} takes scores of any size.",
        _written(case, name_of(case.model.loss)),
    )
    return Found(finding, without_last(case))


def _no_probabilities(case: Case) -> Found | None:
    """Losses that want probabilities must be given some."""
    x = case.prepared(case.probe)[0]
    y = np.asarray(case.model.net.forward(x, PREDICT)[0], np.float64)
    sums = y.sum(axis=-1)
    many = isinstance(case.model.loss, CategoricalCrossEntropy)
    if y.min() >= 0 and y.max() <= 1 and (not many or np.allclose(sums, 1.0, atol=1e-3)):
        return None
    layer, fused = ("Softmax", "SoftmaxCrossEntropy") if many else ("Sigmoid", "SigmoidCrossEntropy")
    kept = unbound(case.model)
    if isinstance(kept[-1], ReLU | Tanh):
        kept = kept[:-1]
    finding = Finding(
        "scores instead of probabilities",
        f"{name_of(case.model.loss)} takes probabilities, but the network gives numbers from {y.min():.3g} to "
        f"{y.max():.3g}.",
        ("outside 0 to 1 they are clipped, and where they are clipped the gradient is 0",),
        f"Use {fused}, which takes scores; or end in a {layer} layer.",
        f"loss=pl.{fused}()",
    )
    loss = SoftmaxCrossEntropy() if many else SigmoidCrossEntropy()
    return Found(finding, case.but(model=rebuilt(case.model, kept, loss=loss)))


def classes_as_values(case: Case) -> bool:
    """Whether a loss of measured values is given classes: one-hot rows, or ids of data whose classes have names."""
    if case.classes or isinstance(case.model.loss, ClassLoss):
        return False
    t = np.asarray(case.probe.t)
    return one_hot(t) or bool(case.data.classes or case.model.classes) or yes_no(t)


def one_hot(t: Array) -> bool:
    """Whether every row holds a single 1 and otherwise 0, and not always at the same place."""
    if t.ndim != 2 or t.shape[1] < 2 or not np.isin(t, (0, 1)).all():
        return False
    return bool((t.sum(axis=1) == 1).all()) and len(np.unique(t.argmax(axis=1))) > 1


def yes_no(t: Array) -> bool:
    """Whether there is one target a sample, 0 or 1, stored as whole numbers or truth values."""
    return t.size == len(t) and t.dtype.kind in "biu" and set(np.unique(t).tolist()) == {0, 1}


def _squared(case: Case) -> Found:
    t = np.asarray(case.data.t)
    loss, kept, changes = name_of(case.model.loss), unbound(case.model), case.data
    better: Loss
    if one_hot(t):
        K, better = t.shape[1], SoftmaxCrossEntropy()
        changes = replace(case.data, t=t.argmax(axis=1))
        says = f"The targets are one-hot rows of {K} classes, and {loss} compares them as measured values."
    else:
        K = len(case.data.classes or case.model.classes) or 2
        says = f"The targets are the numbers of {K} classes, and {loss} compares them as measured values."
        better = SoftmaxCrossEntropy() if K > 2 or case.model.output_shape[-1] > 1 else SigmoidCrossEntropy()
    bend = isinstance(kept[-1], Sigmoid | Softmax | Tanh | ReLU)
    fits = one_hot(t) or isinstance(better, SigmoidCrossEntropy)
    name = type(better).__name__
    finding = Finding(
        "squared error on classes",
        says,
        (
            "a squared error hardly punishes a sure wrong answer"
            + ("; and its gradient fades where the last layer saturates" if bend else ""),
        )
        + (() if fits else ("class 2 is not twice class 1: the numbers are names",)),
        f"Use {name}" + ("" if fits else f", with {K} units in the last layer") + ".",
        case.code(f"loss=pl.{name}()", TYPED[name]),
    )
    if not fits:
        kept = [*kept[: -2 if bend else -1], Dense(K)]
    elif bend:
        kept = kept[:-1]
    validation = (
        replace(case.validation, t=np.asarray(case.validation.t).argmax(axis=1)) if one_hot(t) else case.validation
    )
    return Found(finding, case.but(model=rebuilt(case.model, kept, loss=better), data=changes, validation=validation))


def _out_of_reach(case: Case, last: Layer) -> Found | None:
    """Targets that the last layer can never say."""
    loss = case.model.loss
    if type(last) not in REACH or isinstance(loss, ClassLoss) or case.yes_or_no:
        return None
    t = np.asarray(case.prepared(case.probe)[1], np.float64)
    if isinstance(loss, Scaled):
        t = (t - np.asarray(loss.mean)) / np.asarray(loss.std)
    low, high = REACH[type(last)]
    room = 0.02 * (1.0 if high == float("inf") else high - low)
    outside = float(((t < low - room) | (t > high + room)).mean())
    if outside < 0.01:
        return None
    ends = f"{low:g} and {high:g}" if np.isfinite(high) else f"{low:g} and above"
    finding = Finding(
        "targets out of reach",
        f"The last layer, {type(last).__name__}, gives numbers between {ends}, but the targets run from {t.min():.3g} "
        f"to {t.max():.3g}.",
        (f"{100 * outside:.0f} % of the targets can never be met",),
        f"Leave the last {type(last).__name__} out: a measured value wants a last layer without a bend.",
        _written(case, name_of(loss)),
    )
    return Found(finding, without_last(case))
