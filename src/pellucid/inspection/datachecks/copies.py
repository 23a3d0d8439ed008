"""Samples of a part set aside that stand in the training part too: a network is praised for remembering them.

Equal samples are found by their bytes. Then pictures are compared as pictures (`alike`), rows of numbers up to
rounding. Rows of coarse columns are equal by chance, and nothing is said about those: two men of third class with no
known age are two men. So a row counts only if chance would hardly make its like (`chance`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.seeds import stream
from pellucid.data.batches import Data
from pellucid.inspection.datachecks.alike import pictures_alike
from pellucid.inspection.datachecks.case import FEW, Case, missing, percent
from pellucid.inspection.datachecks.near import nearest
from pellucid.inspection.finding import Finding

PICTURES, SHARE = 0.001, 0.005  # of a part must be found before anything is said: equal pictures; all else
LEAST = 2  # samples
MEASURED, MORE = 3, 4  # of fewer columns of measurements, rows come near one another sooner: more samples are needed
TIMES = 5.0  # as many as chance would make
LOOKED = 3_000  # samples of a part for which near ones are looked for
TOLERANCE = 0.02  # of a column's deviation: beyond it two numbers are not the same number rounded
PLATEAU = 4.0  # within a quarter of the tolerance there are about as many pairs if they are copies
WINDOW = 10.0  # times the tolerance: so far around a number it is counted how common its like is
RARE = 0.1  # rows that chance alone would make equal to a given row
WIDE = 48  # columns; rows of more are first compared by so many sums of their numbers
BUT = 3  # columns at most, and one in four, in which neighbours differ: some columns follow from others
CROWD = 200  # rows at most for which chance is measured
GONE = 7.77  # deviations; what stands for a missing cell
KNOWN = 5_000  # training rows on which the commonness of values is measured


@dataclass(frozen=True)
class Twins:
    """What was found in one part.

    Args:
        part: its name.
        rows: its samples that are in the training part too.
        twins: for each its sample of the training part.
        looked: how many of the part's samples were looked at.
        how: in which way they are alike, if they are not equal.
    """

    part: str
    rows: Array
    twins: Array
    looked: int
    how: str = ""


def duplicates(case: Case) -> Finding | None:
    """Samples that are in the training part and, equal to the last bit, in a part set aside."""
    share = SHARE if case.picture is None else PICTURES
    found = [twins for name in case.aside if _enough(twins := equal_twins(case, name), share)]
    return _finding("duplicates across the split", "stand in the training part too", found)


def near_duplicates(case: Case) -> Finding | None:
    """Samples nearly equal to one in the training part: pictures moved by a pixel or saved again, rows rounded."""
    found = [twins for name in case.aside if _enough(twins := near_twins(case, name), SHARE)]
    return _finding("near-duplicates across the split", "are nearly equal to one of the training part", found)


def _enough(twins: Twins, share: float, least: int = LEAST) -> bool:
    return len(twins.rows) >= max(least, share * twins.looked)


def _finding(name: str, what: str, found: list[Twins]) -> Finding | None:
    if not found:
        return None
    said = [f"{len(f.rows):,} of {f.looked:,} {f.part} samples ({percent(len(f.rows), f.looked)})" for f in found]
    first = found[0]
    pairs = [
        f"{i} is training sample {j}" for i, j in zip(first.rows[:4].tolist(), first.twins[:4].tolist(), strict=True)
    ]
    evidence = [f"{first.part} sample {', '.join(pairs)}, counted from 0" + (", ..." if len(first.rows) > 4 else "")]
    if first.how:
        evidence.insert(0, first.how)
    return Finding(
        name,
        f"{' and '.join(said)} {what}.",
        (*evidence, "a network is praised for remembering them; the figure on them says nothing about new samples"),
        "Remove copies, or divide before copying and keep what belongs together in one part.",
        "pl.split(data, 0.1, groups=which_belong_together)",
    )


# ---- equal to the last bit -------------------------------------------------------------------------------------------


def equal_twins(case: Case, name: str) -> Twins:
    """The samples of a part that the training part has too, without those that chance makes equal."""
    at, part = case.equal[name], case.aside[name]
    rows = np.flatnonzero(at >= 0)
    if len(rows) and case.picture is None and part.x.ndim <= 2:
        a, b = as_rows(case.train, part)
        rows = rows[not_by_chance(a, b, rows, 0.0)]
    return Twins(name, rows, at[rows], len(part))


# ---- rows of numbers -------------------------------------------------------------------------------------------------


def as_rows(train: Data, part: Data) -> tuple[Array, Array]:
    """Every sample as a row (N, D), float64, in deviations of the training part's columns.

    A word is a number drawn for it and a missing cell a number of its own, so that what differs is far apart.
    """
    if train.x.dtype.names is None:
        pairs = list(zip(*(p.x.reshape(len(p), -1).astype(np.float64).T for p in (train, part)), strict=True))
    else:
        pairs = [(train.x[name], part.x[name]) for name in train.x.dtype.names]
    columns = [_in_deviations(a, b) for a, b in pairs]
    return np.stack([a for a, _ in columns], axis=1), np.stack([b for _, b in columns], axis=1)


def _in_deviations(a: Array, b: Array) -> tuple[Array, Array]:
    if a.dtype.kind == "U":
        words, codes = np.unique(np.concatenate([a, b]), return_inverse=True)
        drawn = stream(0, "doctor").normal(0.0, 3.0, len(words))[codes]
        return drawn[: len(a)], drawn[len(a) :]
    there = a[~missing(a)]
    mean, std = (float(there.mean()), float(there.std())) if len(there) else (0.0, 1.0)
    return tuple(np.where(missing(z), GONE, (z - mean) / (std or 1.0)) for z in (a, b))  # type: ignore[return-value]


def not_by_chance(a: Array, b: Array, rows: Array, tolerance: float) -> Array:
    """Which of the rows of b (M, D) that agree with one of a (N, D) would hardly do so by chance: booleans."""
    some = b[:: max(1, len(b) // CROWD)]
    chances = chance(a, some, tolerance)
    expected = float(np.where(chances < RARE, chances, 0.0).mean()) * len(b)
    step = max(1, len(rows) // CROWD)  # of many rows some are looked at, and the others are dealt out like them
    rare = np.resize(np.repeat(chance(a, b[rows[::step]], tolerance) < RARE, step), len(rows))
    return np.asarray(rare & (rare.sum() >= TIMES * expected))


def chance(a: Array, rows: Array, tolerance: float) -> Array:
    """How many rows of a (N, D) chance alone would make agree with each of these (M, D), beside real copies of it.

    If the columns had nothing in common, that would be N times the product of how common each value is. Where they
    have, some rows agree in nearly all columns: then chance has to do only the rest. Within a small tolerance there are
    few numbers or none, and what is counted there is itself chance, so they are counted in a window and dealt out; in
    one column by itself, and among the rows that are in the window with all their columns.
    """
    N, few = len(a), max(1, min(a.shape[1] // 4, BUT))
    if a.shape[1] > WIDE:  # some of the columns are enough: all of them agree still more seldom
        at = stream(0, "doctor").choice(a.shape[1], WIDE, replace=False)
        a, rows, few = a[:: max(1, N // KNOWN), at], rows[:, at], 0
    least = np.array([_shared(column) for column in a.T]) / len(a)
    found = np.empty(len(rows))
    for i, row in enumerate(rows):
        far = np.abs(a - row)  # (N, D)
        far = far[(far > tolerance).any(axis=1)]
        others, around = far <= tolerance, far <= WINDOW * tolerance
        agree, within = others.sum(axis=0), around.sum(axis=0)
        common = np.maximum(np.maximum(agree, within / WINDOW) / len(a), least)
        near = others[others.shape[1] - others.sum(axis=1) <= few]
        rest = np.where(near, 1.0, common).min(axis=1, initial=1.0)
        cells = WINDOW ** float((within > agree).sum()) - 1.0  # the window in tolerances, without the one in its middle
        crowd = float(around.all(axis=1).sum()) / max(cells, 1.0)
        found[i] = max(N * float(common.prod()), float(rest.sum()), crowd)
    return found


def _shared(column: Array) -> float:
    """The share of a column's cells whose value another cell has too: 0 for measurements, 1 for marks and words."""
    counts = np.unique(column, return_counts=True)[1]
    return float(counts[counts > 1].sum() / len(column))


def near_twins(case: Case, name: str) -> Twins:
    """The samples of a part that are nearly equal to one of the training part, without the equal ones."""
    train, part = case.train, case.aside[name]
    nothing = Twins(name, np.empty(0, int), np.empty(0, int), min(len(part), LOOKED))
    if (
        train.x.dtype.names != part.x.dtype.names
        or train.x.shape[1:] != part.x.shape[1:]
        or len(train) < FEW
        or not train.x[:1].size
    ):
        return nothing
    rows = np.flatnonzero(case.equal[name] < 0)
    if len(rows) > LOOKED:
        rows = np.sort(stream(0, "doctor").choice(rows, LOOKED, replace=False))
    if not len(rows):
        return nothing
    looked = len(rows) if len(part) > LOOKED else len(part)
    if case.picture is not None:
        at, how = pictures_alike(train.x, part.x[rows], case.picture)
        return Twins(name, rows[at >= 0], at[at >= 0], looked, how)
    if train.x.dtype.names is None and (train.x.dtype.kind not in "f" or train.x.ndim > 2):
        return nothing  # whole numbers are not rounded
    a, b = as_rows(train, part)
    at, difference = _within(a, b[rows], TOLERANCE)
    hits = np.flatnonzero(at >= 0)
    if len(hits):
        hits = hits[not_by_chance(a, b[rows], hits, TOLERANCE)]
    result = Twins(name, rows[hits], at[hits], looked, _how(difference[hits]))
    measured = sum(_shared(column) < 0.5 for column in a.T)
    if not _enough(result, SHARE, LEAST if measured >= MEASURED else MORE) or _dense(a, b[rows[hits]]):
        return nothing
    return result


def _how(difference: Array) -> str:
    if not len(difference):
        return ""
    return (
        f"they differ by at most {100 * float(difference.max()):.2g} % of a column's deviation in any column: "
        "the same numbers, rounded or shaken"
    )


def _within(a: Array, b: Array, tolerance: float) -> tuple[Array, Array]:
    """For each row of b a row of a that differs in no column by more than the tolerance, and by how much it differs."""
    u, v, radius = _sketches(a, b, tolerance)
    at, _ = nearest(u, v, radius)
    difference = np.abs(a[at] - b).max(axis=1)
    at = np.where((at >= 0) & (difference <= tolerance), at, -1)
    return at, difference


def _sketches(a: Array, b: Array, tolerance: float) -> tuple[Array, Array, float]:
    """Shorter rows that are about as far from one another, and how far those within the tolerance can be."""
    D = a.shape[1]
    radius = max(tolerance * np.sqrt(D), 1e-3)  # what is less is the rounding of the search
    if D > WIDE:
        down = stream(0, "doctor").normal(size=(D, WIDE)) / np.sqrt(WIDE)
        a, b, radius = a @ down, b @ down, 1.5 * radius
    return a.astype(np.float32), b.astype(np.float32), float(radius)


def _dense(a: Array, b: Array) -> bool:
    """Whether rows lie so close that within a larger radius there are many more: then near is not a copy."""
    u, v, radius = _sketches(a, b[:300], TOLERANCE)
    counts = np.zeros(2)
    squares = np.einsum("nd,nd->n", u, u)
    for i in range(0, len(v), 32):
        d = squares - 2.0 * v[i : i + 32] @ u.T + np.einsum("nd,nd->n", v[i : i + 32], v[i : i + 32])[:, None]
        counts += [(d <= (PLATEAU * radius) ** 2).sum(), (d <= radius**2).sum()]
    return bool(counts[0] >= 2.0 * counts[1])
