"""What backward would have said with each mistake: the arrays with which the reported ones are compared.

Every suspect is built from the true computation with one step changed. A suspect that cannot be told from the truth in
one batch (one sample, say) is told from it in another: a mistake is named only if it fits all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.stable import softmax
from pellucid.inspection.backward.calling import BIASES
from pellucid.inspection.backward.mistakes import known
from pellucid.inspection.backward.nudge import jacobian
from pellucid.inspection.backward.parts import Parts
from pellucid.inspection.backward.subject import X
from pellucid.inspection.backward.trial import Trial

TRUE = ""  # the key of the truth itself, which may still be scaled


@dataclass(frozen=True)
class Suspect:
    """One array that backward may have said.

    Args:
        name: the mistake; "" for the truth.
        value: the array; NaN where it is not known.
        note: a detail of this variant, for the evidence.
        cost: how far-fetched it is; of two that fit the cheaper one is named.
        scaled: it may also be scaled by N, K, 2 or -1.
    """

    name: str
    value: Array
    note: str = ""
    cost: int = 1
    scaled: bool = True


class Lineup(dict[str, Suspect]):
    """Suspects by a key that is the same in every trial."""

    def add(
        self, key: str, mistake: str, value: Array | None, note: str = "", cost: int = 1, scaled: bool = True
    ) -> None:
        """One more, unless it cannot be built here."""
        if value is not None:
            self[key] = Suspect(known(mistake) if mistake else "", np.asarray(value), note, cost, scaled)


def suspects(trial: Trial, parts: Parts | None, name: str) -> Lineup:
    """All suspects for one array."""
    lineup = Lineup()
    add, truth = lineup.add, trial.truth[name]
    add(TRUE, "", truth, cost=0)
    _regularised(trial, name, lineup)
    _summed(trial, parts, name, lineup)
    _remembered(trial, parts, name, lineup)
    if parts is not None:
        for key, mistake, dz, note in bent_wrongly(trial, parts):
            add(key, mistake, parts.down(dz, trial).get(name), note)
        _wrong_factor(trial, parts, name, lineup)
    if name == X:
        _masked(trial, lineup)
    return lineup


def _regularised(trial: Trial, name: str, lineup: Lineup) -> None:
    add = lineup.add
    if name not in trial.cost:
        return
    one, two = trial.cost[name]
    data = trial.truth[name] - one - two
    add("no cost", "regulariser missing", data, scaled=False)
    if np.any(one) and np.any(two):
        add("no l1", "regulariser missing", data + two, "that of L1", scaled=False)
        add("no l2", "regulariser missing", data + one, "that of L2", scaled=False)
        add("l1 twice", "regulariser doubled", data + 2.0 * one + two, "that of L1", scaled=False)
        add("l2 twice", "regulariser doubled", data + one + 2.0 * two, "that of L2", scaled=False)
        add("l2 sign", "sign", data + one - two, "of the L2 regulariser", 2, scaled=False)
        add("l1 sign", "sign", data - one + two, "of the L1 regulariser", 2, scaled=False)
    add("cost twice", "regulariser doubled", data + 2.0 * (one + two), scaled=False)
    add(
        "half of l2",
        "factor 2 of the square",
        data + one + 0.5 * two,
        "in the regulariser's slope, 2 l w",
        scaled=False,
    )
    add("cost sign", "sign", data - one - two, "of the regulariser", 2, scaled=False)


def _summed(trial: Trial, parts: Parts | None, name: str, lineup: Lineup) -> None:
    add = lineup.add
    j, dy, N, truth = trial.jacobians[name], trial.dy, trial.N, trial.truth[name]
    cost = sum(trial.cost[name]) if name in trial.cost else 0.0
    for label, n in (("the first", 0), ("the last", N - 1)):
        only = np.zeros_like(dy)
        only[n] = dy[n]
        add(f"only {label}", "one sample only", j.pull(only) + cost, label, 2)
        if name == X:
            add(f"row {label}", "one sample only", truth[n], label, 2)
    if truth.ndim >= 2 and max(truth.shape) > 1:
        add("turned", "transposed", truth.T)
        add("turned in shape", "transposed", truth.T.reshape(truth.shape), cost=2)
    if name == X:
        return
    if N > 1:
        add("unsummed", "not summed over the batch", j.pull_samples(dy), "one gradient for each sample")
    add("mean", "averaged instead of summed", truth / N if N > 1 else truth, scaled=False)
    if name in trial.cost:
        add("mean and cost", "averaged instead of summed", (truth - cost) / N + cost, scaled=False)
    vector = sum(n > 1 for n in truth.shape) <= 1
    if vector and truth.size > 1:
        total = np.nansum(truth) if np.isfinite(truth).all() else np.nan
        sole = name.lower() in BIASES or (parts is not None and name == parts.b)
        if sole:
            for label, value in (("the sum", total), ("the mean", total / truth.size)):
                add(f"scalar {label}", "bias gradient a scalar", np.full((1,), value), f"{label} of all", 2)
                add(
                    f"filled {label}",
                    "bias gradient a scalar",
                    np.full(truth.shape, value),
                    f"{label} of all, in each place",
                    2,
                )
        if parts is not None and name == parts.b and N > 1:
            dz = parts.slope_times(parts.z, dy)
            add("other axis", "not summed over the batch", dz.sum(axis=-1), "summed over the outputs instead", 2)


def _remembered(trial: Trial, parts: Parts | None, name: str, lineup: Lineup) -> None:
    add = lineup.add
    truth, before = trial.truth[name], trial.before
    if before is None:
        add("stale", "stale gradient added", truth, scaled=False)
        add("old input", "wrong input cached", truth, "that of the first forward")
        add("old x", "wrong input cached", truth, "that of the first forward")
    else:
        if name in before.said and before.said[name].shape == truth.shape:
            add(
                "stale",
                "stale gradient added",
                truth + before.said[name],
                "the last one's is still in it",
                scaled=False,
            )
        cost = sum(trial.cost[name]) if name in trial.cost else 0.0
        add(
            "old input", "wrong input cached", before.jacobians[name].pull(trial.dy) + cost, "that of the first forward"
        )
        if parts is not None and parts.affine and name != X:
            dz = parts.slope_times(parts.z, trial.dy)
            add("old x", "wrong input cached", parts.down(dz, trial, before.x)[name], "that of the first forward")
        else:
            add(
                "old x", "wrong input cached", before.jacobians[name].pull(trial.dy) + cost, "that of the first forward"
            )
    if name == X:
        _updated(trial, parts, lineup)


def _updated(trial: Trial, parts: Parts | None, lineup: Lineup) -> None:
    """dX with the weights that stood there when backward had returned."""
    changed = [n for n, a in trial.after.items() if not np.array_equal(a, trial.params[n])]
    if not changed:
        return
    note = f"{', '.join(changed)} had been changed"
    if trial.jacobians[X].entries.size == trial.x.size:
        y = trial.forward(trial.x, trial.after)
        j = jacobian(lambda a: trial.forward(a, trial.after), trial.x, y, False, np.random.default_rng(0))
        lineup.add("new weights", "weights updated before use", j.pull(trial.dy), note)
    if parts is not None and parts.affine:
        dz = parts.slope_times(parts.z, trial.dy)
        dx = parts.down(dz, trial, W=parts.matrix(trial.after))[X]
        lineup.add("new weights below", "weights updated before use", dx, note)


def bent_wrongly(trial: Trial, parts: Parts) -> Iterator[tuple[str, str, Array, str]]:
    """(key, mistake, the gradient at the sum z with that mistake, detail): everything that goes wrong at the bend."""
    z, y, dy = parts.z, trial.y, trial.dy
    if parts.name == "linear":
        return
    right = parts.slope_times(z, dy)
    if parts.softmax:
        yield "no bend", "softmax Jacobian missing", dy, ""
        yield "diagonal", "softmax Jacobian missing", dy * y * (1.0 - y), "only its diagonal y (1 - y) is there"
        yield "bend twice", "softmax Jacobian applied twice", parts.slope_times(z, right), ""
        for label, axis in (("the batch", 0), ("all numbers", None)):
            shared = np.sum(dy * y, axis=axis, keepdims=True)
            yield f"axis {label}", "softmax over the wrong axis", y * (dy - shared), f"backward sums over {label}"
        p = softmax(y)
        yield "at output", OUTPUT_FOR_INPUT, p * (dy - np.sum(dy * p, axis=-1, keepdims=True)), ""
        yield "at input", INPUT_FOR_OUTPUT, z * (dy - np.sum(dy * z, axis=-1, keepdims=True)), ""
        return
    yield "no bend", "activation derivative missing", dy, ""
    if parts.name not in ("relu", "leaky relu"):
        yield "bend twice", "activation derivative applied twice", parts.slope_times(z, right), ""
        yield "at output", OUTPUT_FOR_INPUT, parts.slope_times(y, dy), ""
    if parts.from_output is not None:
        yield "at input", INPUT_FOR_OUTPUT, dy * parts.from_output(z), ""
    if parts.name in ("relu", "leaky relu", "elu"):
        wrong = {"the upstream gradient": dy, "the input": trial.x} if parts.affine else {"the upstream gradient": dy}
        for label, array in wrong.items():
            if array.shape == dy.shape:
                yield (
                    f"mask of {label}",
                    "mask from the wrong array",
                    parts.slope_times(_off_zero(array), dy),
                    f"that of {label}",
                )
        yield "inverted", "mask inverted", parts.slope_times(_off_zero(-z), dy), ""


OUTPUT_FOR_INPUT = "derivative taken at the output instead of the input"
INPUT_FOR_OUTPUT = "derivative taken at the input instead of the output"


def _off_zero(a: Array) -> Array:
    return np.where(np.abs(a) < 1e-5, 1e-5 * np.where(a < 0, -1.0, 1.0), a)


def _wrong_factor(trial: Trial, parts: Parts, name: str, lineup: Lineup) -> None:
    add = lineup.add
    """x W + b with another x or another W in one of the products."""
    if not parts.affine:
        return
    dz = parts.slope_times(parts.z, trial.dy)
    M = parts.matrix(trial.params)
    if name == X and M.shape[0] == M.shape[1]:
        add("W not turned", "transposed", parts.down(dz, trial, W=M.T)[X], "W and its transpose are exchanged")
    if name == parts.W:
        other = {"the output": trial.y, "the sum before the bend": parts.z, "the samples in reverse": trial.x[::-1]}
        other |= {f"the sample {word}": np.roll(trial.x, by, axis=0) for word, by in (("before", 1), ("after", -1))}
        for label, x in other.items():
            add(f"x is {label}", "wrong input cached", parts.down(dz, trial, x)[name], label)


def _masked(trial: Trial, lineup: Lineup) -> None:
    add = lineup.add
    """Dropout and its kin: every number is either stopped or let through with one factor."""
    j = trial.jacobians[X]
    if trial.x.shape != trial.y.shape or trial.params or j.entries.size != trial.x.size:
        return
    rows = j.rows.reshape(len(j.entries), -1)
    factor = np.diagonal(rows).reshape(trial.x.shape)
    open_, size = np.abs(factor) > 1e-9, float(np.abs(factor).max(initial=0.0))
    if np.abs(rows - np.diag(np.diagonal(rows))).max(initial=0.0) > 1e-6 or not open_.any():
        return
    if open_.all() and not trial.random:  # a mask that is drawn may for once let all through
        return
    if np.abs(factor[open_] - size).max() > 1e-4 * size:
        return
    if abs(size - 1.0) > 1e-3:
        add("no scale", "dropout scale missing", np.where(open_, trial.dy, 0.0), f"forward multiplies by {size:.4g}")
        add("no scale here", "dropout scale missing", trial.dy * open_ / size, f"backward divides by {size:.4g}")
        add("scale twice", "dropout scale missing", trial.dy * open_ * size**2, "it is there twice", 3)
    said = np.asarray(trial.said.get(X))
    if said.shape != trial.x.shape or said.dtype.kind != "f":
        return
    ratio = said / trial.dy
    passed = ratio[open_]
    if (
        trial.random
        and np.ptp(passed) < 1e-4 * abs(passed[0])
        and passed[0] > 0
        and np.abs(ratio[~open_]).max(initial=0.0) < 1e-6
    ):
        note = f"forward multiplies by {size:.4g}, backward by {passed[0]:.4g}"
        add("two scales", "dropout scale missing", said, note, 1, scaled=False)
    for scale in {size, 1.0}:
        two_valued = np.all((np.abs(ratio) < 1e-6) | (np.abs(ratio - scale) < 1e-4 * scale))
        if two_valued:
            add(
                "another mask",
                "mask from the wrong array",
                said,
                "drawn anew, or taken from elsewhere",
                4,
                scaled=False,
            )
