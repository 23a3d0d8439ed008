"""Shuffled labels: where nothing can be learned, a validation part that is answered well has been seen before.

Every label is drawn anew, but equal rows get equal labels. A network can then learn the training rows by heart and
nothing else: validation rows are answered by chance, unless they are training rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from math import sqrt

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.seeds import stream
from pellucid.data.batches import Data
from pellucid.data.split import split
from pellucid.inspection.finding import Finding
from pellucid.inspection.ladder.case import Case
from pellucid.inspection.ladder.change import unrestrained
from pellucid.inspection.ladder.course import course
from pellucid.inspection.ladder.rung import Found, Seen
from pellucid.metrics import class_ids
from pellucid.optim import Adam

STEPS = 200
SAMPLES = 128
KNOWN = 0.9  # a network that learns fewer by heart cannot tell
SURE = 4.0  # deviations above chance
NATURAL = 0.7  # where fewer of the training rows differ, equal rows are in the nature of the data


def examine(case: Case) -> Seen:
    """Whether the validation part is new to the network."""
    ids = case.ids(case.data)
    if ids is None or not case.classes:
        return _values(case)
    keys, other = _keys(case.data), _keys(case.validation)
    if len(set(keys)) < NATURAL * len(keys):
        return Seen("left out: many rows are equal by their nature")
    limit = sorted(keys)[min(SAMPLES, len(keys)) - 1]  # the rows with the smallest keys, so that equal ones meet
    mine = [i for i, key in enumerate(keys) if key <= limit]
    theirs = [i for i, key in enumerate(other) if key <= limit] or list(range(min(SAMPLES, len(other))))
    if len(theirs) < 8:
        return Seen("left out: too few validation samples")
    classes = min(case.classes, 4)
    label = dict(_labels(sorted({*keys, *other}), case.seed, classes))
    learn, judge = case.data[np.array(mine)], case.validation[np.array(theirs)]
    learn, judge = (
        _with(case, learn, [label[keys[i]] for i in mine]),
        _with(case, judge, [label[other[i]] for i in theirs]),
    )
    free = case.but(
        model=unrestrained(case.model), data=learn, validation=judge, optimizer=Adam(0.01), batch_size=64, clip=1.0,
        augment=None,
    )  # fmt: skip
    done = course(free, STEPS)
    known = _right(case, learn, class_ids(done.model.predict(learn.x)))
    right, who = _right(case, judge, class_ids(done.model.predict(judge.x))), "the network is"
    if known < KNOWN:  # too small to learn them by heart; what lies nearest always does
        near = nearest(case.prepared(learn)[0], case.prepared(judge)[0])
        right, who = _right(case, judge, np.asarray(case.ids(learn))[near]), "the nearest rows are"
    chance, n = 1 / classes, len(judge)
    said = f"{who} right on {100 * right:.0f} % of validation; chance among {classes} is {100 * chance:.0f} %"
    if right <= chance + SURE * sqrt(chance * (1 - chance) / n):
        return Seen(said)
    return Seen(said, Found(_finding(who, right, chance, n), _apart(case, keys, other), other_samples=True))


def _labels(keys: list[bytes], seed: int, classes: int) -> Iterator[tuple[bytes, int]]:
    drawn = stream(seed, "shuffled labels").integers(0, classes, len(keys))
    yield from zip(keys, drawn.tolist(), strict=True)


def _keys(data: Data) -> list[bytes]:
    """A short digest of each row."""
    x = np.ascontiguousarray(data.x)
    return [hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in x]


def _with(case: Case, data: Data, ids: list[int]) -> Data:
    """The samples with other classes, in the form in which theirs were."""
    t, new = np.asarray(data.t), np.array(ids)
    if t.ndim == 2 and t.shape[1] > 1:
        return replace(data, t=np.eye(t.shape[1], dtype=t.dtype)[new], weights=None)
    return replace(data, t=new.reshape(t.shape).astype(t.dtype), weights=None)


def _right(case: Case, data: Data, answers: Array) -> float:
    return float((np.asarray(case.ids(data)) == answers).mean())


def nearest(learned: Array, asked: Array) -> Array:
    """For each row that is asked about, which of those that were learned lies nearest."""
    a, b = (np.asarray(rows, np.float64).reshape(len(rows), -1) for rows in (asked, learned))
    return np.asarray(((b * b).sum(axis=1) - 2 * a @ b.T).argmin(axis=1))


def _finding(who: str, right: float, chance: float, n: int) -> Finding:
    return Finding(
        "validation leaks",
        f"With shuffled labels {who} right on {100 * right:.0f} % of the validation part; chance is "
        f"{100 * chance:.0f} %.",
        (f"{n} validation samples; such a figure can only come from samples that were learned",),
        "Divide the data before anything else is done, and look for rows that stand in both parts.",
        "data, validation = pl.split(data, 0.2)",
        {"right on validation": (right,), "chance": (chance,)},
    )


def _apart(case: Case, keys: list[bytes], other: list[bytes]) -> Case | None:
    """The case with a validation part that was not learned."""
    known = set(keys)
    new = [i for i, key in enumerate(other) if key not in known]
    if len(new) >= 8:
        return case.but(validation=case.validation[np.array(new)])
    if len(case.data) < 20:
        return None
    data, validation = split(case.data, 0.2, case.seed)
    return case.but(data=data, validation=validation)


def _values(case: Case) -> Seen:
    """The same for measured values: targets are drawn anew, and R^2 on validation must not be far above 0."""
    if case.classes:
        return Seen("left out: a sample has several labels")
    keys, other = _keys(case.data), _keys(case.validation)
    if len(set(keys)) < NATURAL * len(keys):
        return Seen("left out: many rows are equal by their nature")
    both = set(keys) & set(other)
    share = sum(key in both for key in other) / len(other)
    said = f"{100 * share:.0f} % of the validation rows are training rows"
    if share < 0.2:
        return Seen(said)
    finding = Finding(
        "validation leaks",
        f"{100 * share:.0f} % of the validation rows stand in the training part too.",
        ("what was learned by heart is answered well, so the validation loss says nothing about new samples",),
        "Divide the data before anything else is done.",
        "data, validation = pl.split(data, 0.2)",
    )
    return Seen(said, Found(finding, _apart(case, keys, other), other_samples=True))
