"""Tables larger than memory: a CSV file is read once or twice, and its rows go as numbers into a file of their own.

Text cannot be read from its middle, and to parse it anew in every epoch would cost more than the training. So the rows
are written once, each as long as the other, into a file without a name, which the system removes when this process
ends, however it ends. From there they are read like a .npy file. A table of numbers alone is written at first reading.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import DataError
from pellucid.data.table import Table
from pellucid.datasets.answers import Answers
from pellucid.datasets.chunks import Chunk, as_floats, chunks
from pellucid.datasets.labels import class_ids, numbered
from pellucid.datasets.pixeltable import check_label, pixel_blocks, pixel_label
from pellucid.datasets.rawfile import RawFile
from pellucid.datasets.records import LONGEST_WORD, Seen, kinds_of, stray
from pellucid.datasets.scratch import Scratch
from pellucid.datasets.sheet import MISSING, Sheet, check_header, open_sheet
from pellucid.datasets.stream import Stream, streamed
from pellucid.datasets.tables import find_target, has_class_line, not_numbers, which

Tell = Callable[[str, int], None]
LARGE_TEXT = {False: 256 << 20, True: 64 << 20}  # bytes from which a table is streamed by itself; packed: True


def is_large(path: Path) -> bool:
    """Whether a table is so large that its rows should stay on the disk."""
    return path.stat().st_size > LARGE_TEXT[path.name.lower().endswith(".gz")]


def stream_table(
    path: str | os.PathLike[str],
    target: str | int | None = None,
    like: Table | None = None,
    threads: int = 0,
    tell: Tell = lambda doing, rows: None,
) -> Stream:
    """A table whose rows stay on the disk. What they are is what `read_table` makes of the file.

    Args:
        path: the file, packed with gzip or not.
        target: the target column's name or index. Default: as for `read_csv`, or what `like` says.
        like: a trained model's preparation, which tells the columns of numbers from those of words.
        threads: how many threads load ahead of the step.
        tell: called with what is being done, and with how many rows it is done.

    Raises:
        DataError: if the file is missing or no table, a cell contradicts its column, or the disk has no room.
    """
    sheet, head = open_sheet(path)
    check_header(sheet)
    if has_class_line(head, sheet.first):
        raise DataError(f"{path} has a line of class names first. Such tables are small: read it whole.")
    if target is None and like is not None and like.target:
        if like.target not in sheet.header:
            raise DataError(which(sheet, f"has no column {like.target!r}, the answer that the network learned"))
        target = like.target
    at, label = find_target(sheet, target), pixel_label(sheet)
    if label is not None and (at == label or not sheet.header):
        return _pictures(sheet, label if at is None else at, at is None, threads, tell)
    if at is None:
        raise DataError(which(sheet, "does not say which column is the answer"))
    if sheet.width < 2:
        raise DataError(f"{sheet.name} has one column only; at least one more is needed to learn from.")
    return _table(path, sheet, at, None if like is None or not sheet.header else kinds_of(like), threads, tell)


def _table(
    path: str | os.PathLike[str], sheet: Sheet, at: int, kinds: Mapping[str, bool] | None, threads: int, tell: Tell
) -> Stream:
    """The columns beside column `at`, and the targets in it."""
    columns = sheet.header or tuple(map(str, range(sheet.width)))
    if kinds is not None and (lacking := [name for name in kinds if name not in columns]):
        raise DataError(f"{sheet.name} lacks columns that the network was trained on: {', '.join(lacking[:8])}.")
    chosen = [(i, n) for i, n in enumerate(columns) if i != at and (kinds is None or n in kinds)]
    others = [i for i, _ in chosen]
    seen, answers, clean = {i: Seen() for i in [*others, at]}, Answers(sheet, at), 0
    with Scratch(sheet.name) as rows:
        for chunk in chunks(sheet):
            answers.add(chunk)
            tell("reading", answers.rows)
            clean += len(chunk) if chunk.numbers is not None else 0
            if chunk.numbers is not None and clean == answers.rows:  # so far all are numbers: they are written now
                rows.write(chunk.numbers[:, others])
            elif chunk.numbers is None:
                look(sheet, at, chunk, seen)
        t, classes = answers.finish()
        for s in seen.values():
            s.numbers += clean
        if (seen[at].commas and seen[at].is_number) and not clean:
            raise stray(sheet, at, seen[at])
        numeric = {i: seen[i].is_number if kinds is None else kinds[columns[i]] for i in others}
        for i in others:
            if numeric[i] and seen[i].other and sheet.header:
                raise stray(sheet, i, seen[i])
        longest = {i: LONGEST_WORD if clean else seen[i].longest for i in others}
        fields = np.dtype([(n, "f8" if numeric[i] else f"U{longest[i]}") for i, n in chosen])
        if clean < answers.rows or not all(numeric.values()):
            rows.start(answers.rows * fields.itemsize)
            again, _ = open_sheet(path)
            for chunk in chunks(again, plain=all(numeric.values())):
                rows.write(records(chunk, chosen, fields))
                tell("writing as numbers", chunk.row)
        if sheet.header:
            place = RawFile(sheet.name, rows.take(), 0, (answers.rows,), fields, check=False)
        else:
            names = tuple(n for _, n in chosen)
            place = RawFile(sheet.name, rows.take(), 0, (answers.rows, len(chosen)), np.dtype(np.float64), names)
    return streamed(place, threads, t=t, classes=classes, columns=tuple(n for _, n in chosen), target=columns[at])


def look(sheet: Sheet, at: int, chunk: Chunk, seen: Mapping[int, Seen]) -> None:
    """See what the cells of some rows are; a table without a header holds finite numbers alone."""
    for i, column in seen.items():
        if not sheet.header and i != at:
            values = as_floats(chunk.cells[i])
            if values is None or not np.isfinite(values).all():
                rows = [[c for j, c in enumerate(row) if j != at] for row in zip(*chunk.cells, strict=True)]
                raise not_numbers(sheet, at, rows, chunk.row, chunk.lines)
        column.add_all(chunk.row, chunk.lines, chunk.cells[i])


def records(chunk: Chunk, chosen: list[tuple[int, str]], fields: np.dtype[Any]) -> Array:
    """Some rows as records."""
    out = np.empty(len(chunk), fields)
    for i, name in chosen:
        number = fields[name].kind == "f"
        if chunk.numbers is not None:
            out[name] = chunk.numbers[:, i]
            continue
        values = as_floats(chunk.cells[i]) if number else None
        if values is None:
            cells = [cell.strip() for cell in chunk.cells[i]]
            missing = [cell.lower() in MISSING for cell in cells]
            empty = "nan" if number else ""
            out[name] = np.array([empty if m else c for m, c in zip(missing, cells, strict=True)])
        else:
            out[name] = values
    return out


def _pictures(sheet: Sheet, label: int, guessed: bool, threads: int, tell: Tell) -> Stream:
    """A table of pixels as pictures, a byte a pixel."""
    side, ids = int((sheet.width - 1) ** 0.5), list[Array]()
    with Scratch(sheet.name) as rows:
        for pixels, labels in pixel_blocks(sheet, label):
            rows.write(pixels)
            ids.append(labels)
            tell("reading", sum(map(len, ids)))
        t = class_ids(np.concatenate(ids), sheet.name)
        check_label(sheet, t, guessed)
        place = RawFile(sheet.name, rows.take(), 0, (len(t), side, side), np.dtype(np.uint8))
    return streamed(place, threads, t=t, classes=numbered(t))
