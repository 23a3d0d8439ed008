"""What people would rather look at than read: pictures, a confusion table, a bar."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pellucid.base.arrays import Array
from pellucid.datasets import resized

SHADES = " ░▒▓█"
PLAIN = " .:*#"  # for a terminal that has no blocks
SIDE = 28  # a picture that is shown is at most so wide and high
LONGEST_LABEL = 28


def picture(image: Array, unicode: bool = True, margin: int = 4) -> list[str]:
    """A grey picture (H, W), 0 to 255, as lines of text; a character is two pixels high, as it is on a screen.

    >>> for line in picture(np.kron(np.eye(2), np.full((4, 4), 255)), margin=0): print(line)
    ████
    ████
        ████
        ████
    """
    H, W = image.shape
    inner = image[margin : H - margin, margin : W - margin].astype(float)
    if len(inner) % 2:
        inner = np.vstack([inner, inner[-1:]])
    pairs = inner.reshape(len(inner) // 2, 2, inner.shape[1]).mean(axis=1)
    shades = SHADES if unicode else PLAIN
    levels = np.ceil(pairs / 255.0 * (len(shades) - 1) - 0.15).clip(0, len(shades) - 1).astype(int)
    return ["".join(shades[k] for k in row).rstrip() for row in levels]


def fitted(image: Array, full: float = 255.0, side: int = SIDE) -> Array:
    """A grey picture in bytes, made smaller if it is wider or higher than `side`; 0 is black and `full` white.

    >>> fitted(np.array([[0.0, 1.0], [1.0, 0.5]]), full=1.0).tolist(), fitted(np.zeros((28, 100))).shape
    ([[0, 255], [255, 128]], (8, 28))
    """
    grey = np.clip(np.asarray(image, float) * (255.0 / full), 0.0, 255.0)
    shape = tuple(max(1, round(n * min(1.0, side / max(grey.shape)))) for n in grey.shape)
    return np.asarray(resized(grey, (shape[0], shape[1])))


def side_by_side(blocks: Sequence[list[str]], width: int, gap: int = 3) -> list[str]:
    """Blocks of lines next to each other, each `width` wide.

    >>> side_by_side([["ab", "c"], ["d"]], width=2)
    ['ab   d', 'c']
    """
    height = max(len(block) for block in blocks)
    rows = []
    for i in range(height):
        cells = [(block[i] if i < len(block) else "").ljust(width) for block in blocks]
        rows.append((" " * gap).join(cells).rstrip())
    return rows


def confusion(C: Array, classes: Sequence[str], columns: int = 100) -> list[str]:
    """The confusion table: a row a true class, a column an answer; a dot is 0, so that the mistakes stand out.

    Args:
        C: how often each true class (row) was answered with each class (column).
        classes: their names.
        columns: how wide it may be. Names are cut to fit; if that is not enough there is no table.

    >>> for line in confusion(np.array([[5, 0], [2, 7]]), ("cat", "dog")): print(line)
         cat  dog   right
    cat    5    .   100 %
    dog    2    7    78 %
    """
    names = [name[:10] for name in classes]
    left = max(len(name) for name in names)
    least = max(3, *(len(str(v)) for v in C.ravel()))
    room = (columns - left - 8) // len(names) - 2
    cell = min(max(least, *(len(name) for name in names)), room)
    if cell < least:
        return []
    lines = [" " * left + "".join(f"  {name[:cell]:>{cell}}" for name in names) + "   right"]
    for i, name in enumerate(names):
        cells = "".join(f"  {v if v else '.':>{cell}}" for v in C[i].tolist())
        total = int(C[i].sum())
        share = f"{100 * C[i, i] / total:.0f} %" if total else "-"
        lines.append(f"{name:<{left}}{cells}  {share:>6}")
    return lines


def chosen(answers: Array, truth: Array, count: int) -> Array:
    """Which test samples to show: right ones of different classes, and two wrong ones among them if there are any."""
    wrong = np.flatnonzero(answers != truth)[:2]
    right = [np.flatnonzero((answers == truth) & (truth == k))[:1] for k in np.unique(truth)]
    firsts = np.concatenate([*right, np.empty(0, int)]).astype(int)
    keep = firsts[: max(count - len(wrong), 0)]
    return np.insert(keep, min(1, len(keep)), wrong[:count])


def gallery(images: Sequence[Array], labels: Sequence[str], unicode: bool, columns: int, margin: int = 0) -> list[str]:
    """Pictures of one size with their labels below, as many in a row as fit."""
    width = max(images[0].shape[1] - 2 * margin, *(min(len(label), LONGEST_LABEL) for label in labels))
    each = max(1, (columns + 3) // (width + 3))
    lines: list[str] = []
    for i in range(0, len(images), each):
        blocks = [
            [*picture(image, unicode, margin), label[:width]]
            for image, label in zip(images[i : i + each], labels[i : i + each], strict=True)
        ]
        lines += [*side_by_side(blocks, width), ""]
    return lines[:-1]
