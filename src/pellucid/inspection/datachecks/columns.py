"""Columns that tell nothing, tell it twice, tell the answer, or are not there: constant, alike, leaking, missing."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, combinations

import numpy as np

from pellucid.base.arrays import Array
from pellucid.datasets.infer import numbers_the_rows
from pellucid.datasets.leaks import gives_away
from pellucid.inspection.datachecks.case import FEW, Case, listed, missing, percent, rows_of
from pellucid.inspection.datachecks.targets import number_rows
from pellucid.inspection.finding import Finding

MOST_COLUMNS = 500  # of more, columns are not compared with the answer one by one
SAMPLE = 500  # rows on which columns are compared first
MOST_WORDS = 200  # of a column with more different values, a renaming is not looked for
ALIKE = 1.0 - 1e-9  # a correlation beyond is the same numbers in another unit
STANDS_FOR = (-1.0, -9.0, -99.0, -999.0, -9999.0, 99.0, 999.0, 9999.0, -888.0, -8888.0, 99999.0, -99999.0)
TABLE = "pl.Model(..., prepare=pl.Table.fit(x))"
FAR = 3.0  # times the range of the others away from them: a number that stands for "missing"


def constant_columns(case: Case) -> Finding | None:
    """Columns that are the same in every row of the training part."""
    same = [name for name, cells in case.columns() if len(cells) >= 2 and _is_constant(cells)]
    if not same:
        return None
    many = len(same) > 1
    return Finding(
        "constant columns",
        f"{listed(same)} {'are' if many else 'is'} the same in every row of the training part.",
        ("what does not change tells nothing apart, and a new value there was never learned",),
        f"Leave {'them' if many else 'it'} out.",
        " ".join(f"--drop {name}" for name in same[:3]) if case.train.columns else "",
    )


def _is_constant(cells: Array) -> bool:
    there = cells[~missing(cells)]
    return len(there) == 0 or (len(there) == len(cells) and bool((there == there[0]).all()))


def duplicate_columns(case: Case) -> Finding | None:
    """Columns that say the same: equal, in another unit, or the same values under other names."""
    columns = [(name, cells) for name, cells in case.columns() if not _is_constant(cells)]
    if len(case.train) < FEW:
        return None
    pairs = dict[str, str]()
    for how, a, b in (*_straight(columns), *_renamed(columns)):
        if b not in pairs and a not in pairs:
            pairs[b] = f"{b} is {a}{how}"
    if not pairs:
        return None
    many = "s say" if len(pairs) > 1 else " says"
    return Finding(
        "duplicate columns",
        f"{len(pairs)} column{many} what another says: {listed(list(pairs.values()))}.",
        ("a column that stands there twice counts twice, and neither can be judged alone",),
        f"Leave {'them' if len(pairs) > 1 else 'it'} out.",
        " ".join(f"--drop {name}" for name in list(pairs)[:3]) if case.train.columns else "",
    )


def _straight(columns: list[tuple[str, Array]]) -> Iterator[tuple[str, str, str]]:
    """Pairs of columns of numbers that are equal or in another unit."""
    numbers = [(name, cells) for name, cells in columns if cells.dtype.kind in "fiub"]
    if len(numbers) < 2:
        return
    few = slice(None, None, max(1, len(numbers[0][1]) // SAMPLE))
    z = np.stack([_standard(np.nan_to_num(cells[few].astype(np.float64))) for _, cells in numbers])  # (D, n)
    near = np.triu(np.abs(z @ z.T) / z.shape[1] > ALIKE, 1)
    for i, j in np.argwhere(near).tolist():
        (a, x), (b, y) = numbers[i], numbers[j]
        gaps = missing(x)
        if len(np.unique(x[~gaps])) < 3 or (gaps != missing(y)).any():
            continue  # two values each: that is a renaming
        x, y = x[~gaps].astype(np.float64), y[~gaps].astype(np.float64)
        if (x == y).all():
            yield "", a, b
        elif abs(float(_standard(x) @ _standard(y))) / len(x) > ALIKE:
            yield " in another unit", a, b


def _renamed(columns: list[tuple[str, Array]]) -> Iterator[tuple[str, str, str]]:
    """Pairs of columns of few values each, where every value of one stands for one of the other."""
    alike: dict[tuple[int, ...], list[tuple[str, Array, Array]]] = {}  # columns by how often their values stand there
    for name, cells in columns:
        values, at, counts = np.unique(cells, return_inverse=True, return_counts=True)
        if 2 <= len(values) <= min(MOST_WORDS, len(cells) // 5):
            alike.setdefault(tuple(sorted(counts.tolist())), []).append((name, at, values))
    for (a, i, u), (b, j, v) in chain.from_iterable(combinations(same, 2) for same in alike.values()):
        if len(np.unique(i * len(v) + j)) == len(u):
            equal = u.dtype.kind == v.dtype.kind and bool((u[i] == v[j]).all())
            yield "" if equal else " under other names", a, b


def _standard(x: Array) -> Array:
    spread = float(x.std())
    return np.asarray((x - x.mean()) / (spread if spread > 1e-12 * max(1.0, float(np.abs(x).max())) else np.inf))


def missing_values(case: Case) -> Finding | None:
    """Cells that are empty or nan."""
    columns, x = list(case.columns()), case.train.x
    if not columns and x.dtype.kind == "f" and x.size:
        columns = [("the inputs", np.where(np.isnan(x.reshape(len(x), -1)).any(axis=1), np.nan, 0.0))]
    gone, lacking = list[str](), np.zeros(len(x), np.bool_)
    for name, cells in columns:
        empty = missing(cells)
        if count := int(empty.sum()):
            gone.append(f"{name} in {rows_of(count)} ({percent(count, len(cells))})")
            lacking |= empty
    if not gone:
        return None
    evidence = [f"{rows_of(int(lacking.sum()))} of {len(x):,} lack something"]
    if x.dtype.names is None:
        evidence.append("one nan makes every weight nan")
    return Finding(
        "missing values",
        f"Cells are missing: {listed(gone)}.",
        tuple(evidence),
        "Fill them with the column's median and mark them, as a pl.Table does.",
        TABLE if columns[0][0] != "the inputs" else "",
    )


def stand_ins(case: Case) -> Finding | None:
    """Numbers such as -999 that stand for an empty cell."""
    stand, lacking = list[str](), np.zeros(len(case.train), np.bool_)
    for name, cells in case.columns():
        if (value := _stands_for(cells)) is not None:
            stand.append(f"{name} is {value:g} in {rows_of(int((cells == value).sum()))}")
            lacking |= cells == value
    if not stand:
        return None
    return Finding(
        "numbers for missing values",
        f"Numbers stand for missing cells: {listed(stand)}.",
        (
            f"{rows_of(int(lacking.sum()))} of {len(lacking):,} lack something",
            "such a number lies far from all others of its column and would be taken for a measurement",
        ),
        "Make them nan or empty. A pl.Table then fills them with the column's median and marks them.",
        TABLE,
    )


def _stands_for(cells: Array) -> float | None:
    """A number such as -999 that several rows hold, far from all others."""
    if cells.dtype.kind not in "fi":
        return None
    cells = cells[~missing(cells)]
    if len(cells) < FEW:
        return None
    ends = [float(cells.min()), float(cells.max())]
    for value in ends:
        if value not in STANDS_FOR or abs(value) < 9:
            continue
        others = cells[cells != value]
        if len(others) < FEW or len(others) > len(cells) - 2 or len(np.unique(others)) < 3:
            continue
        low, high = float(others.min()), float(others.max())
        if max(low - value, value - high) > FAR * (high - low):
            return value
    return None


def target_leak(case: Case) -> Finding | None:
    """A column that tells the answer: the target under another name, or a number that follows from it."""
    data, columns = case.as_classes, list(case.columns())
    if not 2 <= len(columns) <= MOST_COLUMNS or number_rows(case) is not None:
        return None
    target = case.train.target or "the target"
    found = {}
    for name, cells in columns:
        cells = cells if cells.dtype.kind in "fU" else cells.astype(np.float64)
        leak = gives_away(cells, data, target) if not missing(cells).all() else None
        if leak is not None and (leak.certain or case.train.columns):
            found[name] = leak
    if not found:
        return None
    evidence = tuple(f"{name} {leak.words}" for name, leak in list(found.items())[:4])
    return Finding(
        "target leak",
        f"{listed(list(found))} {'give' if len(found) > 1 else 'gives'} {target} away.",
        evidence,
        "Leave out what is not known before the answer is.",
        " ".join(f"--drop {name}" for name in list(found)[:3]) if case.train.columns else "",
    )


def identifier_columns(case: Case) -> Finding | None:
    """Columns that only number the rows, so that a network may learn the row instead of the answer."""
    names = [
        name
        for name, cells in case.columns()
        if cells.dtype.kind in "fiu" and len(cells) >= FEW and _numbers(name, cells)
    ]
    if not names:
        return None
    return Finding(
        "identifier columns",
        f"{listed(names)} {'number' if len(names) > 1 else 'numbers'} the rows: another whole number in each.",
        ("the place of a row in a file tells nothing about a new row, and tells the class if the file is sorted",),
        f"Leave {'them' if len(names) > 1 else 'it'} out.",
        " ".join(f"--drop {name}" for name in names[:3]) if case.train.columns else "",
    )


def _numbers(name: str, cells: Array) -> bool:
    there = cells[~missing(cells)].astype(np.float64)
    return len(there) == len(cells) and numbers_the_rows(name, there)
