"""What a data set looks like: its size, one sample, its answers and how many of each, what is missing, some of it.

Figures come from `facts`, which is also what programs get; the rest draws them in characters.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.cli.show import fitted, gallery
from pellucid.cli.telling import MARGIN
from pellucid.data.batches import Data
from pellucid.datasets import Stream
from pellucid.datasets.pictures import BRIGHTNESS

BAR = 30  # characters of the longest bar
MOST_BARS = 20  # of more classes than this only the largest and the smallest are shown
LOOKED_AT = 2000  # samples, of a data set that stays on the disk
BINS = 8  # of values there are no classes to count; so many intervals are counted instead
MOST_COLUMNS = 12  # names of columns that are listed; more are not read
PLANE = (44, 18)  # columns and lines of a drawing of points
MARKS = "o+x#*%@&$="
FAINT = 64  # bytes that reach no further are not meant to go up to 255


def in_memory(data: Data) -> Data:
    """The data; of those that stay on the disk, some from the first to the last."""
    if not isinstance(data, Stream):
        return data
    some = data[np.unique(np.linspace(0, len(data) - 1, LOOKED_AT).astype(np.int64))]
    return Data(some.x[:], some.t, some.classes, columns=some.columns, name=some.name, target=some.target)


def facts(train: Data, test: Data | None) -> dict[str, Any]:
    """The figures of a data set as plain data."""
    parts = {"train": train} | ({} if test is None else {"test": test})
    found: dict[str, Any] = {
        "samples": {name: len(part) for name, part in parts.items()},
        "shape": list(train.x.shape[1:]) or [len(train.x.dtype.names or ())],
        "dtype": str(train.x.dtype) if train.x.dtype.names is None else "records",
        "columns": list(train.columns),
        "missing": {name: n for part in parts.values() for name, n in missing(part).items()},
    }
    if train.classes:
        found["classes"] = {name: dict(zip(part.classes, counts(part), strict=True)) for name, part in parts.items()}
    else:
        t = train.t.astype(np.float64)
        found["values"] = {"least": float(t.min()), "mean": float(t.mean()), "most": float(t.max())}
    return found


def counts(data: Data) -> list[int]:
    """How many samples each class has."""
    return [int(n) for n in np.bincount(data.t, minlength=len(data.classes))]


def missing(data: Data) -> dict[str, int]:
    """The columns in which something is missing, and in how many rows."""
    if data.x.dtype.names is not None:
        found = {name: int(np.sum(_empty(data.x[name]))) for name in data.x.dtype.names}
    elif data.x.ndim == 2 and data.x.dtype.kind == "f" and not isinstance(data, Stream):
        names = data.columns or tuple(f"column {i + 1}" for i in range(data.x.shape[1]))
        found = dict(zip(names, np.isnan(data.x).sum(axis=0).tolist(), strict=True))
    else:
        found = {}
    return {name: n for name, n in found.items() if n}


def _empty(cells: Array) -> Array:
    return np.isnan(cells) if cells.dtype.kind == "f" else cells == ""


def describe(train: Data, test: Data | None, answer: str = "answer") -> list[str]:
    """Samples, one sample, answers and what is missing, a line each, each with its word in the margin."""
    aside = f" to learn from, {len(test):,} to be judged on" if test is not None else ", in one piece"
    gone = {name: n for part in (train, test) if part is not None for name, n in missing(part).items()}
    empty = "; ".join(f"{name} in {n:,}" for name, n in gone.items()) or "nothing"
    if train.classes:
        kind = f"one of {len(train.classes)} classes"
    else:
        t = train.t.astype(np.float64)
        kind = f"a value, from {t.min():g} to {t.max():g}, {t.mean():.6g} on average"
    said = {"samples": f"{len(train):,}{aside}", "one is": _one(train), "missing": empty}
    said["answer"] = f"{answer}: {kind}" if answer != "answer" else kind
    return [f"{word:<{MARGIN}}{text}" for word, text in said.items()]


def _one(data: Data) -> str:
    """One sample in words."""
    looked = f" in {LOOKED_AT:,} that were looked at" if isinstance(data, Stream) and len(data) > LOOKED_AT else ""
    data = in_memory(data)
    shape, names = data.x.shape[1:], data.columns
    if data.x.ndim >= 3:
        channels = shape[2] if data.x.ndim == 4 else 1
        kind = {1: "grey", 3: "in colour"}.get(channels, f"with {channels} channels")
        return f"a picture of {'x'.join(map(str, shape[:2]))} {kind}, from {data.x.min()} to {data.x.max()}{looked}"
    listed = ", ".join(names[:MOST_COLUMNS]) + (", ..." if len(names) > MOST_COLUMNS else "")
    if data.x.dtype.names is not None:
        words = sum(data.x.dtype[name].kind == "U" for name in data.x.dtype.names)
        held = [f"{n} {what}{'s' * (n != 1)}" for n, what in ((len(names) - words, "number"), (words, "word")) if n]
        return f"{' and '.join(held)}: {listed}"
    return f"{shape[0]} number{'s' * (shape[0] > 1)}" + (f": {listed}" if names else "")


def balance(train: Data, test: Data | None, unicode: bool) -> list[str]:
    """A bar a class, as long as the class is large; or, for values, a bar an interval."""
    if train.classes:
        rows = list(zip(train.classes, counts(train), counts(test) if test else [0] * len(train.classes), strict=True))
        if len(rows) > MOST_BARS:
            rows.sort(key=lambda row: -row[1])
            rows = [*rows[: MOST_BARS // 2], *rows[-MOST_BARS // 2 :]]
    else:
        t = train.t.astype(np.float64).ravel()
        edges = np.histogram_bin_edges(t, BINS)
        many = [np.histogram(part.t.astype(np.float64), edges)[0].tolist() for part in (train, test or train)]
        names = [f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges)]
        rows = list(zip(names, *many, strict=True))
    left = min(max(len(row[0]) for row in rows), 24)
    longest = max(max(row[1] for row in rows), 1)
    lines = []
    for name, count, aside in rows:
        bar = ("█" if unicode else "#") * max(round(BAR * count / longest), count > 0)
        lines.append(f"{name[:left]:<{left}}  {count:>7,}" + (f" + {aside:<6,}" if test else "") + f"  {bar}".rstrip())
    return lines


def samples(data: Data, count: int, unicode: bool, columns: int, answer: str = "answer") -> list[str]:
    """Some samples: pictures, points in the plane, or rows of the table; of each class one, then more of each."""
    data = in_memory(data)
    if data.x.ndim in (3, 4):
        picks = one_of_each(data, count)
        top = float(data.x.max()) if data.x.dtype != np.uint8 or data.x.max() < FAINT else 255.0
        images = [drawn_from(image, top or 1.0) for image in data.x[picks]]
        return gallery(images, [_answer(data, i) for i in picks.tolist()], unicode, columns)
    if data.x.dtype.names is None and data.x.shape[1:] == (2,) and 1 < len(data.classes) <= len(MARKS):
        return plane(data.x, data.t, data.classes)
    return table(data, one_of_each(data, count), columns, answer) if data.x.ndim < 3 else []


def drawn_from(image: Array, full: float = 255.0) -> Array:
    """A picture of any kind as grey bytes that a terminal has room for."""
    return fitted(_grey(image), full)


def _grey(image: Array) -> Array:
    """A picture (H, W), or one with channels (H, W, C) as its brightness."""
    if image.ndim == 2:
        return image
    return np.asarray(image @ BRIGHTNESS if image.shape[-1] == len(BRIGHTNESS) else image.mean(axis=-1))


def one_of_each(data: Data, count: int) -> Array:
    """The first sample of every class, then the second of every class, and so on; without classes the first ones."""
    if not data.classes:
        return np.arange(min(count, len(data)))
    rank = np.empty(len(data), np.intp)
    for k in range(len(data.classes)):
        mine = np.flatnonzero(data.t == k)
        rank[mine] = np.arange(len(mine))
    return np.lexsort((data.t, rank))[:count]


def _answer(data: Data, i: int) -> str:
    return data.classes[int(data.t[i])] if data.classes else f"{float(np.ravel(data.t[i])[0]):g}"


def plane(x: Array, t: Array, classes: Sequence[str]) -> list[str]:
    """Points in the plane, a mark a class.

    >>> for line in plane(np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([0, 1]), ("a", "b"))[::PLANE[1] - 1]: print(line)
                                               +
    o
    """
    width, height = PLANE
    low = x.min(axis=0)
    spread = np.where(np.ptp(x, axis=0) > 0, np.ptp(x, axis=0), 1.0)
    at = np.rint((x - low) / spread * (width - 1, height - 1)).astype(int)
    grid = [[" "] * width for _ in range(height)]
    for (column, line), k in zip(at.tolist(), t.tolist(), strict=True):
        grid[height - 1 - line][column] = MARKS[k]
    marks = ", ".join(f"{MARKS[k]} is {name}" for k, name in enumerate(classes))
    return ["".join(row).rstrip() for row in grid] + ["", marks]


def table(data: Data, picks: Array, columns: int, answer: str = "answer") -> list[str]:
    """Rows of a table with their answers; columns that do not fit are left out at the end."""
    fields = data.x.dtype.names
    names = [*data.columns] or [f"x{i + 1}" for i in range(data.x.shape[1])]
    rows = [[answer, *names]]
    for i in picks.tolist():
        cells = list(data.x[i].tolist())
        rows.append([_answer(data, i), *(_cell(cell) for cell in cells)])
    widths = [max(len(row[j]) for row in rows) for j in range(len(rows[0]))]
    shown = len(widths)
    while shown > 2 and sum(widths[:shown]) + 2 * (shown - 1) + 5 > columns:
        shown -= 1
    words = [0] + ([j + 1 for j, name in enumerate(fields) if data.x.dtype[name].kind == "U"] if fields else [])
    more = "  ..." if shown < len(widths) else ""
    return [
        "  ".join(
            cell.ljust(width) if j in words else cell.rjust(width)
            for j, (cell, width) in enumerate(zip(row[:shown], widths[:shown], strict=True))
        ).rstrip()
        + more
        for row in rows
    ]


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value or "-"
    return "-" if value != value else f"{value:g}"
