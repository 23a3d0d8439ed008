"""The options that change training pictures, the same for every verb that has them, and what is made of them.

They are applied in one order, whatever the order in which they were typed: mirrored, then moved in one go (turned,
scaled, slanted, cropped, bent), shifted, then painted on (strokes, noise, a hole), and mixed at last.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    import pellucid as pl
    from pellucid.base.arrays import Array
    from pellucid.data.augment import Augment

OPTIONS: tuple[tuple[str, Any, str, str], ...] = (  # option, type, what its number is, help
    ("--shift", int, "PIXELS", "move by up to so many pixels, anew in every epoch"),
    ("--rotate", float, "DEGREES", "turn by up to so many degrees"),
    ("--scale", float, "SHARE", "make larger or smaller by up to this share, such as 0.1"),
    ("--shear", float, "SHARE", "slant by up to so many pixels sideways for each one up, such as 0.2"),
    ("--crop", float, "SHARE", "take a part of at least this share of each side, such as 0.8, and enlarge it"),
    ("--elastic", float, "PIXELS", "bend as if drawn on rubber; nodes 7 pixels apart move by up to so many"),
    ("--stroke", float, "PIXELS", "make strokes thicker or thinner by up to so many pixels, such as 0.5"),
    ("--noise", float, "SHARE", "add noise; its deviation is this share of a full pixel, such as 0.05"),
    ("--cutout", int, "PIXELS", "put a square hole of this side anywhere"),
    ("--mixup", float, "STRENGTH", "lay each over another and ask for both in proportion, such as 0.2"),
)
FLIP = "For pictures: mirror left to right, or not, by a coin. Wrong for digits and letters."
ENLARGE = "For pictures: train on 5 of each, shifted by a pixel in four directions, or on 13, all within two steps."
BORDER = 2000  # pictures whose borders are looked at
DARK = 0.25  # of the brightest pixel; zeros beside such a border are no bars


@dataclass(frozen=True, kw_only=True)
class Augmenting:
    """What was typed about changes of pictures; None where nothing was. The fields are the options."""

    flip: bool = False
    rotate: float | None = None
    scale: float | None = None
    shear: float | None = None
    crop: float | None = None
    elastic: float | None = None
    shift: int | None = None
    stroke: float | None = None
    noise: float | None = None
    cutout: int | None = None
    mixup: float | None = None
    enlarge: str | None = None


def augment_options(enlarge: bool) -> Callable[[Any], Any]:
    """The options as a decorator; `enlarge` is for those who train."""

    def add(command: Any) -> Any:
        if enlarge:
            command = click.option("--enlarge", type=click.Choice(["5", "13"]), help=ENLARGE)(command)
        for name, kind, metavar, words in reversed(OPTIONS):
            command = click.option(name, type=kind, metavar=metavar, help=f"For pictures: {words}.")(command)
        return click.option("--flip", is_flag=True, help=FLIP)(command)

    return add


def typed(options: Augmenting) -> list[str]:
    """The options of this kind that were typed, 0 counted as nothing."""
    return [f"--{f.name}" for f in fields(Augmenting) if getattr(options, f.name)]


def build_augment(
    options: Augmenting, usual_shift: int, data: pl.Data, name: str, full: float | None
) -> tuple[Augment | None, list[str]]:
    """What changes the training pictures, or None, and each change in words.

    Args:
        options: what was typed.
        usual_shift: the shift where none was typed.
        data: the training part; the pictures' border says what moves in at an edge.
        name: what the data are called.
        full: the value of a full pixel.

    Raises:
        UsageError: if the data are no pictures, or a number cannot be meant.
    """
    import numpy as np

    import pellucid as pl
    from pellucid.base.seeds import stream
    from pellucid.data.chain import changed

    check_pictures_for(options, usual_shift, data, name)
    if data.x.ndim < 3:
        return None, []
    fill = border(data.x)
    grey = np.round((255.0 if full is None else full) / 2.0).item()
    shift = usual_shift if options.shift is None else options.shift
    given: list[tuple[Any, Callable[[Any], Any], str]] = [
        (options.flip, lambda _: pl.Flip(), "mirrored or not"),
        (options.rotate, lambda v: pl.Rotate(v, fill), "turned by up to {} degrees"),
        (options.scale, lambda v: pl.Scale(v, fill), "scaled by up to {}"),
        (options.shear, lambda v: pl.Shear(v, fill), "slanted by up to {}"),
        (options.crop, lambda v: pl.Crop(v, fill), "cropped to {} and more"),
        (options.elastic, lambda v: pl.Elastic(v, fill=fill), "bent by up to {} pixel"),
        (shift, lambda v: pl.Shift(v, fill), "shifted by up to {} pixel"),
        (options.stroke, lambda v: pl.Stroke(v), "strokes wider or thinner by up to {} pixel"),
        (options.noise, lambda v: pl.Noise(v, full), "noise of {}"),
        (options.cutout, lambda v: pl.Cutout(v, 0.0 if fill == 0 else grey), "a hole of {} pixel"),
        (options.mixup, lambda v: pl.Mixup(v), "mixed with strength {}"),
    ]
    steps = [make(value) for value, make, _ in given if value]
    words = [text.format(f"{v:g}") + "s" * (text.endswith("pixel") and v != 1) for v, _, text in given if v]
    if not steps:
        return None, []
    augment = steps[0] if len(steps) == 1 else pl.Chain(*steps)
    t = np.zeros((min(2, len(data)), 2))
    changed(augment, (data.x[:2], t, None), stream(0, "trial"), (2,))  # what cannot be meant is said now
    return augment, words


def check_pictures_for(options: Augmenting, usual_shift: int, data: pl.Data, name: str) -> None:
    """Refuse changes of pictures where there are none, and a shift out of the picture."""
    from pellucid.base.errors import UsageError

    said = typed(options)
    if said and data.x.ndim < 3:
        rows = f"rows of {data.x.shape[1:]} numbers" if data.x.dtype.names is None else "the rows of a table"
        verb = "changes" if len(said) == 1 else "change"
        raise UsageError(f"{' and '.join(said)} {verb} pictures, and {name} holds {rows}. Leave it out.")
    shift = usual_shift if options.shift is None else options.shift
    if shift and not 0 <= shift < min(data.x.shape[1:3]):
        sides = "x".join(map(str, data.x.shape[1:3]))
        raise UsageError(f"--shift is a number of pixels, from 0 to less than a picture's side ({sides}), not {shift}.")


def border(x: Array) -> float | None:
    """What lies outside of these pictures: 0 if their borders are dark, else None, for the nearest pixel.

    >>> import numpy as np
    >>> border(np.zeros((1, 3, 3))), border(np.ones((1, 3, 3)))
    (0.0, None)
    """
    import numpy as np

    some = x[:BORDER]
    edges = [some[:, 0], some[:, -1], some[:, :, 0], some[:, :, -1]]
    median = float(np.median(np.concatenate([edge.ravel() for edge in edges])))
    return 0.0 if median <= DARK * float(some.max()) else None
