"""What networks that did not see a sample say about it: labels that they surely contradict, or cannot tell.

The samples are dealt out into three parts, and each part is answered by a network that learned the other two. Where
classes overlap, the answers that disagree with the labels are unsure ones. Where labels are wrong, they are as sure as
the rest.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.seeds import stream
from pellucid.data.batches import Data
from pellucid.inspection.finding import Finding
from pellucid.inspection.ladder.case import PROBE, Case, some
from pellucid.inspection.ladder.change import rebuilt
from pellucid.inspection.ladder.course import course
from pellucid.inspection.ladder.rung import Found, Seen
from pellucid.metrics import class_ids
from pellucid.model import Model
from pellucid.optim import Adam

STEPS = 150
EVERY = 10
PARTS = 3
ROUNDS = 2  # other parts and other first weights each time
MANY = 0.02  # suspects below this share of the samples are what any data have
# Of the wrong answers, this share is as sure as half of the right ones; where classes overlap 0.05 to 0.2 are.
AS_SURE = 0.4
HALF = 0.5  # of what could be known must be known by networks that judge labels
TOO_SURE = 0.08
LISTED = 8
LEAST = 60  # samples, below which nothing is said


def examine(case: Case) -> Seen:
    """Whether the labels can be told from the inputs, and whether some of them are surely contradicted."""
    data = some(case.data, 2 * PROBE, case.seed, "labels")
    ids = case.ids(data)
    if ids is None or len(data) < LEAST:
        return Seen("left out: too few samples" if ids is not None else "measured values have no labels")
    p = np.mean([held_out(case.but(data=data), len(data), turn) for turn in range(ROUNDS)], axis=0)  # (N, K)
    y = class_ids(p)
    sure = p.max(axis=1) if p.shape[1] > 1 else np.maximum(p[:, 0], 1 - p[:, 0])
    right = y == ids
    commonest = float(np.bincount(ids).max()) / len(ids)
    accuracy = float(right.mean())
    said = f"{100 * accuracy:.0f} % of the samples are answered right by networks that did not see them"
    margin = 2.0 * np.sqrt(commonest * (1 - commonest) / len(ids))
    if accuracy < commonest + margin:
        near = neighbours(case.prepared(data)[0], ids)
        if near < commonest + margin and len(data) >= 100 and len(np.unique(ids)) > 1 and commonest < 0.9:
            return Seen(said, Found(_nothing(accuracy, near, commonest), None, stops=True))
        return Seen(said + f" ({100 * commonest:.0f} % by always saying the commonest)")
    if float(sure.mean()) > accuracy + TOO_SURE:
        return Seen(said + ", but they are too sure of themselves to judge single labels")
    suspect = np.flatnonzero(~right & (sure >= np.median(sure[right])))
    said += f"; {len(suspect)} of {len(ids)} labels are surely contradicted"
    told_apart = commonest + HALF * (1 - commonest)
    if len(suspect) < max(5, MANY * len(ids), AS_SURE * int((~right).sum())) or accuracy < told_apart:
        return Seen(said)
    worst = suspect[np.argsort(-sure[suspect], kind="stable")][:LISTED]
    names = case.data.classes or tuple(map(str, range(max(case.classes, int(ids.max()) + 1))))
    known = _places(case, data)
    listed = ", ".join(f"{known[i]} ({names[ids[i]]}, rather {names[int(y[i])]})" for i in worst)
    kept = np.setdiff1d(np.arange(len(data)), suspect)
    finding = Finding(
        "label noise",
        f"{len(suspect)} of {len(ids)} labels ({100 * len(suspect) / len(ids):.1f} %) are contradicted by networks "
        "that did not see them and are sure.",
        (
            f"the first suspects, by their row: {listed}",
            "where classes only overlap, such answers would be unsure; these are as sure as the right ones",
        ),
        "Look at these rows and mend or remove their labels.",
        f"suspects = {known[worst].tolist()}",
        {"sureness of the suspects": tuple(float(v) for v in np.sort(sure[suspect])[::-1])},
    )
    cleaned = case.but(data=data[kept], validation=case.validation)
    return Seen(said, Found(finding, cleaned))


def _places(case: Case, data: object) -> Array:
    """The rows of the training part that were looked at."""
    n = len(case.data)
    if n <= 2 * PROBE:
        return np.arange(n)
    return np.sort(stream(case.seed, "labels").permutation(n)[: 2 * PROBE])


def held_out(case: Case, n: int, turn: int = 0) -> Array:
    """For every sample the answer of a network that did not learn it, at the step where such answers were best.

    Later ones would be too sure: a network that knows its own samples by heart is sure of all others too.
    """
    part = stream(case.seed, "parts", turn).permutation(n) % PARTS
    model = rebuilt(case.model, fresh=True, seed=case.model.seed + turn)  # one that has learned none of them
    answers: dict[int, Array] = {}
    losses: dict[int, float] = {}
    for k in range(PARTS):
        rest, aside = np.flatnonzero(part != k), np.flatnonzero(part == k)
        left = case.data[aside]
        learn = case.but(
            model=model, data=case.data[rest], optimizer=Adam(0.01), batch_size=min(64, max(2, len(rest) - 1)), clip=1.0
        )
        step = iter(range(0, STEPS + EVERY, EVERY))

        def answer(model: Model, left: Data = left, aside: Array = aside, step: Iterator[int] = step) -> float:
            at, loss = next(step), case.loss_of(model, left)
            out = np.asarray(model.predict(left.x), np.float64).reshape(len(left), -1)
            answers.setdefault(at, np.zeros((n, out.shape[1])))[aside] = out
            losses[at] = losses.get(at, 0.0) + loss * len(left)
            return loss

        course(learn, STEPS, {"loss": answer}, every=EVERY)
    best = min(losses, key=lambda at: losses[at] if np.isfinite(losses[at]) else float("inf"))
    return np.nan_to_num(answers[best])


def neighbours(x: Array, ids: Array, k: int = 5) -> float:
    """How often the five nearest other samples tell the class."""
    rows = np.asarray(x, np.float64).reshape(len(x), -1)
    rows = (rows - rows.mean(axis=0)) / np.where(rows.std(axis=0) > 0, rows.std(axis=0), 1.0)
    square = (rows * rows).sum(axis=1)
    apart = square[:, None] + square[None] - 2 * rows @ rows.T  # (N, N)
    np.fill_diagonal(apart, np.inf)
    near = np.argpartition(apart, k, axis=1)[:, :k]
    votes = np.zeros((len(ids), int(ids.max()) + 1))
    for column in near.T:
        votes[np.arange(len(ids)), ids[column]] += 1
    return float((votes.argmax(axis=1) == ids).mean())


def _nothing(accuracy: float, near: float, commonest: float) -> Finding:
    return Finding(
        "labels do not follow inputs",
        f"Networks answer {100 * accuracy:.0f} % of the samples right that they did not see; always saying the "
        f"commonest class gives {100 * commonest:.0f} %.",
        (f"the five nearest samples are no better: {100 * near:.0f} %",),
        "Look whether inputs and labels are in the same order: shuffled, sorted or joined one without the other.",
        "order = rng.permutation(len(x)); x, t = x[order], t[order]",
    )
