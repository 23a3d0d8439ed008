"""A picture file as bytes, grey or in colour, and a grey picture as MNIST would have it.

A network that learned MNIST knows white strokes on black, 20 pixels tall, centred by their mass. A photographed or
drawn digit is none of that; shown as it is, it is misread. `as_digit` does to it what was done to MNIST's own digits.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.base.arrays import Array
from pellucid.base.errors import DataError, ShapeError, UsageError
from pellucid.datasets.reading import opened

MOST_PIXELS = 50_000_000
ROOM = 1 << 20  # pixels that are made numbers at one time
BOX, SIDE = 20, 28  # the stroke fits into 20 x 20, in a picture of 28 x 28
FAINT = 0.1  # of the darkest ink; less is dust and the noise of compression
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")
BRIGHTNESS = np.array([0.299, 0.587, 0.114])  # how bright full red, green and blue are to the eye
LEAST_CONTRAST = 16  # of 255; a picture with less shows nothing


def read_picture(path: str | os.PathLike[str]) -> Array:
    """A picture file as grey bytes (H, W), 0 black and 255 white; PNG and whatever else Pillow reads.

    Colours become their brightness. What is transparent is laid on white or black, from which the strokes stand out.

    Args:
        path: the file.

    Raises:
        UsageError: if Pillow is not installed.
        DataError: if the file is missing, damaged, no picture, or has more than 50 million pixels.
    """
    return _read(path, _grey)


def read_colours(path: str | os.PathLike[str]) -> Array:
    """A picture file as bytes of red, green and blue (H, W, 3); a grey one has three equal channels.

    What is transparent is laid on white or black, as by `read_picture`.

    Args:
        path: the file.

    Raises:
        UsageError: if Pillow is not installed.
        DataError: if the file is missing, damaged, no picture, or has more than 50 million pixels.
    """
    return _read(path, _colours)


def _read(path: str | os.PathLike[str], as_bytes: Callable[[Any], Array]) -> Array:
    """A picture file, opened with Pillow, as what `as_bytes` makes of it; whatever goes wrong becomes one error."""
    try:
        from PIL import Image, ImageOps, UnidentifiedImageError
    except ImportError:
        raise UsageError("Reading pictures needs Pillow, which is not here: pip install 'pellucid[data]'") from None
    with opened(path):
        pass  # a missing or empty file, in words
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Pillow finds odd but can read
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise Image.DecompressionBombError
                return as_bytes(ImageOps.exif_transpose(picture))
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise DataError(f"{path} claims more than {MOST_PIXELS:,} pixels and was not read. Make it smaller.") from None
    except UnidentifiedImageError:
        raise DataError(f"{path} is not a picture that can be read. PNG, JPEG, BMP, GIF, TIFF and WebP can.") from None
    except (OSError, SyntaxError, ValueError, ArithmeticError, LookupError, TypeError, EOFError) as error:
        # Pillow's readers of damaged files raise nearly anything.
        raise DataError(f"{path} is a damaged picture: {error}. Save it again.") from None


def as_digit(picture: Array) -> Array:
    """A grey picture of one digit, of any size, as MNIST would have it: bytes (28, 28), white on black.

    Whether the strokes are dark or light is seen from the border. Then the background is taken off, the strokes are cut
    out, scaled to fit 20 x 20 with their proportions kept, and laid so that their centre of mass is in the middle.

    Args:
        picture: (H, W), any real type.

    Raises:
        ShapeError: if it is not one grey picture.
        DataError: if nothing is drawn on it.

    >>> picture = np.full((100, 80), 255, np.uint8)
    >>> picture[20:80, 30:40] = 0                       # a dark upright stroke, left of the middle
    >>> digit = as_digit(picture)
    >>> np.flatnonzero(digit.any(axis=1))[[0, -1]], np.flatnonzero(digit.any(axis=0))[[0, -1]]
    (array([ 4, 23]), array([13, 15]))
    """
    ink = _ink(np.asarray(picture))
    strong = ink > FAINT * ink.max()
    rows, columns = np.flatnonzero(strong.any(axis=1)), np.flatnonzero(strong.any(axis=0))
    cut = np.where(strong, ink, 0.0)[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    H, W = cut.shape
    h, w = max(1, round(BOX * H / max(H, W))), max(1, round(BOX * W / max(H, W)))
    small = _scaling(H, h) @ cut @ _scaling(W, w).T  # (h, w)
    top, left = _offset(small.sum(axis=1)), _offset(small.sum(axis=0))
    digit = np.zeros((SIDE, SIDE), np.uint8)
    digit[top : top + h, left : left + w] = np.rint(small * (255.0 / small.max()))
    return digit


def resized(picture: Array, shape: tuple[int, int]) -> Array:
    """A picture (H, W) or (H, W, C) in another size, each new pixel the mean of what it covers; nothing is cut.

    >>> resized(np.array([[0, 255], [255, 0]], np.uint8), (1, 2))
    array([[128, 128]], dtype=uint8)
    """
    H, W, *channels = picture.shape
    flat, down, step = picture.reshape(H, -1), _scaling(H, shape[0]), max(1, ROOM // max(H, 1))
    pieces = [down @ flat[:, i : i + step] for i in range(0, flat.shape[1], step)]  # each is made of numbers for itself
    lines = np.concatenate(pieces, axis=1).reshape(shape[0], W, -1)  # (h, W, C)
    small = (_scaling(W, shape[1]) @ lines).reshape(*shape, *channels)  # (h, w, C)
    return np.asarray(np.rint(small).clip(0, 255), np.uint8)


def _ink(picture: Array) -> Array:
    """How much each pixel differs from the background, towards the strokes' side: (H, W), 0 where nothing is drawn."""
    if picture.ndim != 2 or picture.size == 0 or picture.dtype.kind not in "biuf":
        raise ShapeError(f"as_digit takes one grey picture (H, W), not {picture.dtype} of shape {picture.shape}.")
    x = picture.astype(np.float64)
    if not np.isfinite(x).all():
        raise DataError("The picture holds NaN or infinite numbers.")
    background = float(np.median(np.concatenate([x[0], x[-1], x[:, 0], x[:, -1]])))
    low, high = x.min(), x.max()
    full = 1.0 if picture.dtype.kind == "b" or (picture.dtype.kind == "f" and high <= 1.0) else 255.0
    if (high - low) * 255.0 < LEAST_CONTRAST * full:
        raise DataError("The picture is empty: nothing on it stands out from the background. Draw a digit first.")
    dark_strokes = background - low > high - background
    return np.maximum(background - x if dark_strokes else x - background, 0.0)


def _scaling(size: int, wanted: int) -> NDArray[np.float64]:
    """The matrix (wanted, size) that scales an axis: each new pixel is the weighted mean of the old ones near it."""
    step = size / wanted
    centres = (np.arange(wanted) + 0.5) * step - 0.5
    near = np.abs(centres[:, None] - np.arange(size)) / max(step, 1.0)
    weights = np.maximum(1.0 - near, 0.0)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _offset(mass: Array) -> int:
    """Where a strip of this mass must begin so that its centre of mass is in the middle, and all of it inside."""
    centre = float(mass @ np.arange(len(mass)) / mass.sum())
    return int(min(max(round(SIDE / 2 - centre), 0), SIDE - len(mass)))


def _grey(picture: Any) -> Array:
    """A Pillow picture of any mode as grey bytes (H, W)."""
    if _deep(picture):
        return _bytes(np.asarray(picture))
    if _transparent(picture):
        return _laid(picture, lambda colours: colours @ BRIGHTNESS)
    if picture.mode not in ("1", "L", "P", "RGB"):
        picture = picture.convert("RGB")
    return np.array(picture.convert("L"))


def _colours(picture: Any) -> Array:
    """A Pillow picture of any mode as bytes (H, W, 3)."""
    if _deep(picture):
        return np.repeat(_bytes(np.asarray(picture))[..., None], 3, axis=2)
    if _transparent(picture):
        return _laid(picture, lambda colours: colours)
    return np.array(picture.convert("RGB"))


def _deep(picture: Any) -> bool:
    return picture.mode in ("I", "F") or picture.mode.startswith("I;16")


def _transparent(picture: Any) -> bool:
    return "transparency" in picture.info or picture.mode in ("LA", "PA", "RGBA", "La", "RGBa")


def _laid(picture: Any, finish: Callable[[Array], Array]) -> Array:
    """A picture with transparent parts, laid on white if its strokes are dark, else on black; finished to bytes."""
    pixels = np.asarray(picture.convert("RGBA"))  # (H, W, 4)
    rows = max(1, ROOM // max(1, pixels.shape[1]))
    blocks = [pixels[i : i + rows] for i in range(0, len(pixels), rows)]
    seen = sum(int(block[..., 3].sum(dtype=np.int64)) for block in blocks)
    bright = sum(float(((block[..., :3] @ BRIGHTNESS) * block[..., 3]).sum()) for block in blocks)
    behind = 255.0 if seen == 0 or bright / seen < 127.5 else 0.0
    done = np.empty((len(pixels), *finish(np.zeros((1, pixels.shape[1], 3))).shape[1:]), np.uint8)
    for i, block in enumerate(blocks):
        alpha = block[..., 3:] / 255.0
        done[i * rows : i * rows + len(block)] = np.rint(finish(block[..., :3] * alpha + behind * (1.0 - alpha)))
    return done


def _bytes(deep: Array) -> Array:
    """Grey values of more than 8 bits as bytes. White is 65,535; in a looser format it is the next that fits."""
    deep = np.nan_to_num(deep)
    high = float(deep.max(initial=0.0))
    whites = {"u": (65535.0,), "i": (255.0, 65535.0), "f": (1.0, 255.0, 65535.0)}[deep.dtype.kind]
    white = next((white for white in whites if high <= white), high)
    return np.asarray(np.rint(np.clip(deep / white, 0.0, 1.0) * 255.0), np.uint8)
