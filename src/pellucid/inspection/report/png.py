"""Small pictures as PNG files inside of the page. A PNG is a few numbers in chunks, and zlib: no library is needed."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np

from pellucid.base.arrays import Array
from pellucid.inspection.plot.palette import DEEP_MINUS, DEEP_PLUS, GROUND, MINUS, PLUS, rgb

LEVELS = 7  # shades on each side of 0, so that a pixel with a sign takes half a byte
GAP = "#8a93a3"
SIGNED = np.array(
    [
        np.array([np.interp(k / LEVELS, (-1.0, -0.5, 0.0, 0.5, 1.0), channel) for channel in
                  zip(*map(rgb, (DEEP_MINUS, MINUS, GROUND, PLUS, DEEP_PLUS)), strict=True)])
        for k in range(-LEVELS, LEVELS + 1)
    ]
)  # fmt: skip


def png(pixels: Array) -> bytes:
    """A picture (H, W) in grey or (H, W, 3) in colour, bytes from 0 to 255.

    >>> png(np.zeros((2, 3), np.uint8))[:4], len(png(np.zeros((28, 28), np.uint8))) < 100
    (b'\\x89PNG', True)
    """
    kind = 0 if pixels.ndim == 2 else 2
    return _file(pixels.shape[1], pixels.shape[0], 8, kind, [row.tobytes() for row in np.asarray(pixels, np.uint8)])


def indexed(places: Array, colours: Array) -> bytes:
    """A picture of at most 256 colours: `places` (H, W) are rows of `colours` (n, 3), numbers from 0 to 1.

    >>> indexed(np.eye(2, dtype=int), np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]))[:4]
    b'\\x89PNG'
    """
    H, W = places.shape
    depth = 4 if len(colours) <= 16 else 8
    places = np.asarray(places, np.uint8)
    if depth == 4:
        even = np.pad(places, ((0, 0), (0, W % 2)))
        places = even[:, 0::2] << 4 | even[:, 1::2]
    palette = np.rint(np.clip(colours, 0.0, 1.0) * 255).astype(np.uint8).tobytes()
    return _file(W, H, depth, 3, [row.tobytes() for row in places], _chunk(b"PLTE", palette))


def signed(values: Array, scale: float) -> bytes:
    """Numbers (H, W) as colours: orange to -scale, white at 0, blue to +scale; nan is a gap, in grey.

    >>> signed(np.array([[-1.0, 0.0, 1.0]]), 1.0)[:4]
    b'\\x89PNG'
    """
    parts = np.clip(np.nan_to_num(values / (scale or 1.0)), -1.0, 1.0)
    places = np.where(np.isnan(values), 2 * LEVELS + 1, np.rint(parts * LEVELS).astype(int) + LEVELS)
    return indexed(places, np.vstack([SIGNED, rgb(GAP)]))


def uri(content: bytes) -> str:
    """A PNG file as an address that holds it."""
    return "data:image/png;base64," + base64.b64encode(content).decode()


def sheet(tiles: Array, columns: int, gap: int = 1) -> Array:
    """Tiles (n, H, W) side by side on one sheet, nan between them.

    >>> sheet(np.ones((3, 2, 2)), 2).shape
    (5, 5)
    """
    n, H, W = tiles.shape
    rows = -(-n // columns)
    out = np.full((rows * (H + gap) - gap, min(columns, n) * (W + gap) - gap), np.nan)
    for i, tile in enumerate(tiles):
        r, c = divmod(i, columns)
        out[r * (H + gap) : r * (H + gap) + H, c * (W + gap) : c * (W + gap) + W] = tile
    return out


def _file(width: int, height: int, depth: int, kind: int, rows: list[bytes], before: bytes = b"") -> bytes:
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + before + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
