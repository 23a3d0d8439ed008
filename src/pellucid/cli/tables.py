"""What the command line does for tables: read them, look at their columns, and say what was found."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import pellucid as pl
from pellucid.base.arrays import Array
from pellucid.base.errors import DataError, UsageError
from pellucid.base.seeds import stream
from pellucid.cli.folders import is_folder, load_folder
from pellucid.datasets import Stream, infer, load, read_table
from pellucid.datasets.infer import Inferred
from pellucid.datasets.load import NAMED, TABLES
from pellucid.datasets.tablestream import is_large, stream_table
from pellucid.inspection.summary import plainly

if TYPE_CHECKING:
    from pellucid.cli.environment import Environment
    from pellucid.cli.plan import Options

SORTABLE = re.compile(r"\d{4}-\d{2}(-\d{2})?([ T].*)?")  # dates that stand in their order when they are sorted as words
WHOLE = re.compile(r"-?\d+")
MOST_THREADS = 8  # that load ahead; more would only wait for the disk
SAMPLE = 50_000  # rows on which the columns of a table that stays on the disk are inferred and measured
MOST_CLASSES = 8  # more are not listed
OF_VALUES = ("mse", "mae", "huber")  # with them, numbers in the target of a table are values


def load_any(
    data: str,
    target: str | None,
    seed: int,
    prepare: Any = None,
    on_disk: bool | None = False,
    env: Environment | None = None,
    options: Options | None = None,
) -> tuple[pl.Data, pl.Data | None]:
    """A data set by its name or path; a table or a folder with whatever it holds, as a trained preparation knows it.

    With `on_disk` None, what is large stays on the disk; it is loaded ahead, by as many threads as there are cores.
    With a loss of values among the options, whole numbers in the target of a table are values, however few they are.
    """
    train, test = _load(data, target, seed, prepare, on_disk, env, options)
    if options is not None and options.loss in OF_VALUES:
        return as_values(train), test
    return train, test


def _load(
    data: str,
    target: str | None,
    seed: int,
    prepare: Any,
    on_disk: bool | None,
    env: Environment | None,
    options: Options | None,
) -> tuple[pl.Data, pl.Data | None]:
    threads = min(os.cpu_count() or 1, MOST_THREADS)
    if target is None and is_folder(data):
        return load_folder(data, prepare, options, on_disk, threads), None
    if data in NAMED or not Path(data).is_file() or not data.lower().removesuffix(".gz").endswith(TABLES):
        return load(data, target=target, seed=seed, stream=on_disk, threads=threads)
    if prepare is not None and not isinstance(prepare, pl.Table):
        return load(data, target=target, seed=seed, stream=False)  # whose rows are numbers, not records
    if on_disk or (on_disk is None and is_large(Path(data))):
        if env is None:
            return stream_table(data, target, prepare, threads), None
        with env.progress("reading the table", None) as bar:
            return stream_table(data, target, prepare, threads, lambda d, n: bar(n, f"{d}, {n:,} rows")), None
    return read_table(data, target, prepare), None


def as_values(data: pl.Data) -> pl.Data:
    """A table whose classes are numbers, with the numbers themselves as its target; all other data as they are.

    >>> data = pl.Data(np.zeros((3, 1)), np.array([1, 0, 1]), ("7", "9"), target="rings")
    >>> as_values(data).t.tolist(), as_values(data).classes
    ([9.0, 7.0, 9.0], ())
    """
    if not _counts(data):
        return data
    return replace(data, t=np.array([float(name) for name in data.classes])[data.t], classes=())


def _counts(data: pl.Data) -> bool:
    """Whether the classes of a table, not of a table of pixels, are whole numbers."""
    return bool(data.target and data.classes and data.x.ndim < 3) and all(map(WHOLE.fullmatch, data.classes))


def check_table_options(options: Options, data: pl.Data) -> None:
    """Refuse options that are for tables with named columns, where there are none."""
    names = data.x.dtype.names
    said = {"--keep": options.keep, "--drop": options.drop, "--group": options.group, "--time": options.time}
    used = [name for name, value in said.items() if value]
    if used and names is None:
        raise UsageError(f"{used[0]} names a column of a table with a header, and {options.data} is none.")
    for name, column in (("--group", options.group), ("--time", options.time)):
        if column is not None and column not in (names or ()):
            raise DataError(f"{data.name} has no column {column!r} for {name}. It has {', '.join((names or ())[:20])}.")
    if options.group is not None and options.time is not None:
        raise UsageError("--group and --time each say how the rows are divided. Give one of them.")


def check_classes(data: pl.Data) -> None:
    """Refuse what nothing can be learned from: a single sample, samples without numbers, a single class; and a class
    with a single sample, which cannot be both learned and tested."""
    if len(data) < 2:
        raise DataError(f"{data.name} holds one sample only. Some are learned from and others tested on.")
    if data.x.dtype.names is None and 0 in data.x.shape[1:]:
        raise DataError(f"{data.name}: its samples have the shape {data.x.shape[1:]}, so there are no numbers in them.")
    if not data.classes:
        return
    counts = np.bincount(data.t, minlength=len(data.classes))
    row, column = ("sample", "") if data.x.dtype.names is None else ("row", f"column {data.target!r} ")
    if (counts > 0).sum() == 1:
        raise DataError(
            f"{data.name}: {column}holds {data.classes[int(counts.argmax())]!r} in every {row}: it has one class, so "
            f"there is nothing to tell apart. Name another target, or add {row}s with another answer."
        )
    alone = np.flatnonzero(counts == 1)
    if len(alone):
        k = int(alone[0])
        where = int(np.flatnonzero(data.t == k)[0]) + 1
        more = f", and so have {len(alone) - 1} others" if len(alone) > 2 else ", and so has 1 other"
        more = more if len(alone) > 1 else ""
        measured = " If these numbers are values and no classes, train with --loss mse." if _counts(data) else ""
        raise DataError(
            f"{data.name}: the class {data.classes[k]!r} {'of ' if column else ''}{column}has one {row} only ({row} "
            f"{where}){more}. A class is learned from some {row}s and tested on others. Add {row}s of it, join it with "
            f"another class, or remove it.{measured}"
        )


def strange(x: Array, table: pl.Table) -> Iterator[str]:
    """What new rows hold that training never saw, and what is made of it: a sentence for each such column.

    >>> x = np.array([(np.nan, "Mars")], [("age", float), ("planet", "U9")])
    >>> for text in strange(x, pl.Table((pl.Number("age", fill=30.0), pl.Category("planet", ("Earth",))))): print(text)
    age is missing in 1 row, which it never was in training; 30 stands in for it.
    planet is 'Mars' in 1 row, which training never saw; it counts as none of the words that were learned.
    """
    if x.dtype.names is None:
        return
    for column in table.columns:
        cells = x[column.name]
        if isinstance(column, pl.Number):
            count = int(np.isnan(cells).sum())
            if count and not column.mark:
                filled = f"which it never was in training; {column.fill:.4g} stands in for it."
                yield f"{column.name} is missing in {count:,} row{'s' * (count > 1)}, {filled}"
            continue
        new = cells[~np.isin(cells, np.array(column.words, np.str_))]
        if not len(new):
            continue
        word, more = f"{str(new[0])!r}" if new[0] else "missing", len(np.unique(new)) - 1
        rows = f"{len(new):,} row{'s' * (len(new) > 1)}"
        known = "none of the words that were learned" if isinstance(column, pl.Category) else "the rarest of all"
        others, never = f"other new word{'s' * (more > 1)}", "which training never saw"
        if isinstance(column, pl.Category) and column.others:
            known, others = "one of the rare words", "more"
            never = "too rare in training for a column of its own, or new"
        others = f" (and {more} {others})" if more else ""
        yield f"{column.name} is {word}{others} in {rows}, {never}; it counts as {known}."


def inferred_for(options: Options, data: pl.Data) -> Inferred | None:
    """What the columns of a table are, found on the training part; None for other data."""
    if data.x.dtype.names is None:
        return None
    drop = dict.fromkeys(options.drop, "as you said")
    if options.group is not None:
        drop[options.group] = "it says which rows belong together"
    if options.time is not None:
        drop[options.time] = "it says which rows are later; what is later than all that was learned is new to a network"
    return infer(sampled(data, options.seed), keep=options.keep, drop=drop)


def sampled(data: pl.Data, seed: int) -> pl.Data:
    """The data themselves; of a table that stays on the disk, rows that chance chooses, in memory."""
    if not isinstance(data, Stream):
        return data
    count = min(SAMPLE, len(data))
    some = data[np.sort(stream(seed, "infer").permutation(len(data))[:count])]
    return pl.Data(some.x[:], some.t, some.classes, columns=some.columns, name=some.name, target=some.target)


def times_of(options: Options, data: pl.Data) -> Array:
    """The column that says when each row was, in a form that can be sorted."""
    times: Array = data.x[str(options.time)]
    bad = np.isnan(times) if times.dtype.kind == "f" else np.array([not SORTABLE.fullmatch(t) for t in times.tolist()])
    if bad.any():
        i = int(bad.argmax())
        raise DataError(
            f"{data.name}: --time {options.time} holds {str(times[i])!r} in row {i + 1}. Times are numbers, or dates "
            "written year first, such as 2024-03-31, in every row."
        )
    return times


def table_lines(inferred: Inferred, data: pl.Data, guessed: bool) -> Iterator[str]:
    """What was found, a line each: the target, the columns by their kind, what is left out and why."""
    guess = " (guessed by its name; --target names another)" if guessed else ""
    yield f"{'target':<9} {data.target}{guess}: {_target(data)}"
    if isinstance(data, Stream) and len(data) > SAMPLE:
        yield f"{'columns':<9} inferred and measured on {SAMPLE:,} of the rows to train, chosen by chance"
    for head, line in inferred.lines():
        yield f"{head:<9} {line}"


def _target(data: pl.Data) -> str:
    if not data.classes:
        least, most, mean = (plainly(float(v)) for v in (data.t.min(), data.t.max(), data.t.mean()))
        return f"values from {least} to {most}, {mean} on average; scaled inside, reported as they are"
    ids = data.t if data.t.ndim == 1 else data.t.argmax(axis=1)  # one-hot rows, for a loss of numbers
    shares = 100 * np.bincount(ids, minlength=len(data.classes)) / len(data)
    said = [f"{name} ({share:.0f} %)" for name, share in zip(data.classes, shares, strict=True)]
    more = f", and {len(said) - MOST_CLASSES} more" if len(said) > MOST_CLASSES else ""
    return f"{len(said)} classes: {', '.join(said[:MOST_CLASSES])}{more}"
