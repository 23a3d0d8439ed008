"""A picture file as bytes, grey or in colour, whatever its kind: deep, with a palette, transparent, turned by a note.

What is done to it then, before a network sees it, is in `data.pictures`.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import DataError, UsageError
from pellucid.data.pictures import BRIGHTNESS, ROOM
from pellucid.datasets.reading import opened

MOST_PIXELS = 50_000_000
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")


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
