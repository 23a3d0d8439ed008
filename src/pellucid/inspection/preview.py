"""What an augmentation makes of pictures, to be looked at before an hour of training believes it.

A digit that left its frame, a 6 that became a 9, black bars in white paper: a glance at a sheet finds what no figure
tells. Each row begins with a picture as it is; then comes each change by itself, then all of them together.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import ShapeError, UsageError
from pellucid.base.seeds import stream
from pellucid.data.augment import Augment, check_pictures
from pellucid.data.batches import Data
from pellucid.data.chain import Chain, changed
from pellucid.store import write_atomically

SIDE, LEAST = 84, 64  # pixels of a small picture and the least width of a column, on the sheet
GAP, LINE, MARGIN = 8, 15, 12  # between cells, the height of a line of text, and around everything
PAPER, INK, EDGE = 255, 40, 190  # shades of grey


@dataclass(frozen=True)
class Preview:
    """Pictures and what an augmentation makes of them; `pl.preview` makes it.

    Args:
        heads: what was done in each column; the first is nothing.
        pictures: (R, K, H, W) or (R, K, H, W, C), row by row: the parent first, then its copies.
        captions: a word for each picture, (R, K): the class, or what a mixture is made of; may be empty.
        full: the value of a full pixel.

    >>> seen = Preview(("as it is", "Flip"), np.zeros((1, 2, 4, 4)), (("a", ""),))
    >>> seen
    Preview(1 picture of 4x4, as it is, Flip)
    """

    heads: tuple[str, ...]
    pictures: Array
    captions: tuple[tuple[str, ...], ...]
    full: float = 255.0

    def __repr__(self) -> str:
        R, _, H, W = self.pictures.shape[:4]
        return f"Preview({R} picture{'s' * (R > 1)} of {H}x{W}, {', '.join(self.heads)})"

    def bytes(self) -> Array:
        """The pictures as bytes, 0 to 255."""
        shades = np.asarray(self.pictures, np.float64) * (255.0 / self.full)
        return np.asarray(np.rint(shades.clip(0.0, 255.0)), np.uint8)

    def png(self) -> Any:
        """The sheet as the bytes of a PNG file.

        Raises:
            UsageError: if Pillow is not installed.
        """
        try:
            from PIL import Image, ImageDraw, ImageFont
        except ImportError:
            raise UsageError("A sheet needs Pillow, which is not here: pip install 'pellucid[data]'") from None
        shades = self.bytes()
        R, K, H, W, *C = shades.shape
        font = ImageFont.load_default()
        zoom = max(1, SIDE // max(H, W))
        h, w = zoom * H, zoom * W
        words = [[head, *(row[k] for row in self.captions)] for k, head in enumerate(self.heads)]
        wide = [max(w + 2, LEAST, *(int(font.getlength(word)) + 2 for word in column)) for column in words]
        high = h + 2 + LINE * any(any(row) for row in self.captions)
        size = (2 * MARGIN + sum(wide) + GAP * (K - 1), 2 * MARGIN + LINE + R * (high + GAP) - GAP)
        sheet = Image.new("RGB", size, (PAPER,) * 3)
        pen = ImageDraw.Draw(sheet)
        left = MARGIN
        for k in range(K):
            pen.text((left, MARGIN - 2), self.heads[k], (INK,) * 3, font)
            for r in range(R):
                top = MARGIN + LINE + r * (high + GAP)
                pen.rectangle((left, top, left + w + 1, top + h + 1), outline=(EDGE,) * 3)
                picture = shades[r, k, ..., 0] if C == [1] else shades[r, k]
                sheet.paste(Image.fromarray(picture).resize((w, h), Image.Resampling.NEAREST), (left + 1, top + 1))
                pen.text((left, top + h + 2), self.captions[r][k], (INK,) * 3, font)
            left += wide[k] + GAP
        file = io.BytesIO()
        sheet.save(file, "PNG", optimize=True)
        return file.getvalue()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the sheet as a PNG file; needs Pillow, from the extra `data`."""
        write_atomically(path, self.png())

    def _repr_png_(self) -> Any:
        return self.png()


def preview(augment: Augment, pictures: Any, copies: int = 4, seed: int = 0, *, full: float | None = None) -> Preview:
    """What an augmentation makes of some pictures: a sheet to look at.

    Args:
        augment: what changes pictures. Of a `pl.Chain`, each step is shown by itself too.
        pictures: (N, H, W) or (N, H, W, C), or a `pl.Data`, whose classes are written below; a few.
        copies: how many columns show the whole augmentation. Default 4.
        seed: the changes follow from it.
        full: the value of a full pixel. Default 255 for whole numbers, 1 for fractions.

    Raises:
        ShapeError: if these are no pictures.

    >>> import pellucid as pl
    >>> x = np.zeros((2, 8, 8), np.uint8)
    >>> seen = preview(pl.Chain(pl.Flip(), pl.Rotate(20)), x, copies=2)
    >>> seen.heads, seen.pictures.shape
    (('as it is', 'Flip', 'Rotate 20', 'together 1', 'together 2'), (2, 5, 8, 8))
    """
    if isinstance(copies, bool) or not isinstance(copies, int | np.integer) or copies < 1:
        raise UsageError(f"copies is how many columns show the whole, a whole number from 1, not {copies!r}.")
    data = pictures if isinstance(pictures, Data) else None
    x = np.asarray(pictures) if data is None else data.x
    check_pictures("A preview", x)
    if x.ndim > 4 or len(x) == 0 or (x.ndim == 4 and x.shape[3] not in (1, 3)):
        raise ShapeError(f"A preview shows some grey or coloured pictures (N, H, W[, 1 or 3]), not {x.shape}.")
    steps = augment.steps if isinstance(augment, Chain) else ()
    alone = [(short(step), step) for step in steps] if len(steps) > 1 else []
    whole = "together" if alone else short(augment)
    columns = [*alone, *((f"{whole} {i}" if alone else whole, augment) for i in range(1, copies + 1))]
    classes = data.classes if data is not None and data.t.ndim == 1 else ()
    t = np.eye(max(len(classes), 1))[data.t if data is not None and classes else np.zeros(len(x), int)]
    shown, captions = [x], [[_mixture(row, classes) for row in t]]
    for i, (_, step) in enumerate(columns):
        y, u, _ = changed(step, (x, t, None), stream(seed, "preview", i), t.shape[1:])
        shown.append(y)
        mixed = (u != t).any(axis=1)
        captions.append([_mixture(row, classes) if new else "" for row, new in zip(u, mixed, strict=True)])
    most = (1.0 if x.dtype.kind == "f" else 255.0) if full is None else full
    heads = ("as it is", *(head for head, _ in columns))
    return Preview(heads, np.stack(shown, axis=1), tuple(zip(*captions, strict=True)), most)


def short(step: Any) -> str:
    """A change in a word and its strength.

    >>> import pellucid as pl
    >>> short(pl.Rotate(15)), short(pl.Flip()), short(preview)
    ('Rotate 15', 'Flip', 'preview')
    """
    if not is_dataclass(step) or isinstance(step, type):
        return str(getattr(step, "__name__", type(step).__name__))
    first = next((getattr(step, f.name) for f in fields(step)), None)
    strength = f" {first:g}" if isinstance(first, int | float) and not isinstance(first, bool) else ""
    return type(step).__name__ + strength


def _mixture(shares: Array, classes: Sequence[str]) -> str:
    """What a picture is: its class, or both of a mixture."""
    if not classes:
        return ""
    parts = [(float(shares[k]), classes[k]) for k in np.argsort(-shares) if shares[k] > 0.005]
    return parts[0][1] if len(parts) == 1 else " + ".join(f"{name} ({100 * share:.0f} %)" for share, name in parts)
