"""The samples behind a number: pictures as pictures, rows of a table as rows, points as their coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.data.batches import Data
from pellucid.inspection.plot.samples import as_pictures
from pellucid.inspection.report.html import clean, esc, number, table, tag
from pellucid.inspection.report.png import png, uri
from pellucid.model import Model

COLUMNS, LETTERS = 12, 40  # of a table's row: columns that are shown, letters of a cell
SIDE = 64  # pixels of a picture's side; a larger one is made smaller


class Behind:
    """Shows samples of a data set.

    Args:
        model: whose preparation tells what a picture is.
        data: the samples.
    """

    def __init__(self, model: Model, data: Data) -> None:
        self.data = data
        self.pictures: Array | None = None
        x = np.asarray(data.x)
        if x.dtype.names is None and x.dtype.kind in "fiub" and as_pictures(model, x[:1]) is not None:
            self.pictures, self.model = x, model

    def show(self, which: Sequence[int], words: Sequence[str], label: str, heads: tuple[str, ...], cells: Any) -> str:
        """Some samples.

        Args:
            which: their numbers.
            words: for pictures: what stands below each.
            label: what they are, in words.
            heads: for rows: the columns before the sample's own.
            cells: for rows: what stands in these columns, a row a sample.
        """
        if not len(which):
            return ""
        if self.pictures is not None:
            return self._pictures(which, words)
        names, rows = self._rows(which)
        body = [(i, *cell, *row) for i, cell, row in zip(which, cells, rows, strict=True)]
        return table(label, ("sample", *heads, *names), body, hide=True)

    def _pictures(self, which: Sequence[int], words: Sequence[str]) -> str:
        assert self.pictures is not None
        drawn = as_pictures(self.model, self.pictures[list(which)])
        assert drawn is not None
        every = -(-max(drawn.shape[1:3]) // SIDE)
        small = np.rint(255 * drawn[:, ::every, ::every]).astype(np.uint8)
        said = []
        for i, picture, text in zip(which, small, words, strict=True):
            alt = f"sample {i}: {text}"
            image = f'<img src="{uri(png(picture))}" width="56" height="56" alt="{esc(alt)}">'
            said.append(tag("figure", image + tag("figcaption", f"{esc(text)} <span>#{i}</span>")))
        return tag("div", "".join(said), class_="pictures")

    def _rows(self, which: Sequence[int]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        x = self.data.x[list(which)]
        if x.dtype.names is not None:
            names = tuple(x.dtype.names)[:COLUMNS]
            rows = [tuple(_cell(row[name]) for name in names) for row in x]
            return tuple(clean(n, LETTERS) for n in names), rows
        flat = x.reshape(len(x), -1)
        known = self.data.columns if len(self.data.columns) == flat.shape[1] else range(flat.shape[1])
        names = tuple(clean(n if isinstance(n, str) else f"x[{n}]", LETTERS) for n in known)[:COLUMNS]
        return names, [tuple(_cell(v) for v in row[:COLUMNS]) for row in flat]

    @property
    def left_out(self) -> int:
        """How many columns of a row are not shown."""
        x = self.data.x
        if self.pictures is not None:
            return 0
        return max(0, (len(x.dtype.names) if x.dtype.names is not None else int(np.prod(x.shape[1:]))) - COLUMNS)


def _cell(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return number(float(value))
    return clean(value, LETTERS)
