"""`pellucid data augment DATA`: what the training pictures would look like, before anything is trained on them."""

from __future__ import annotations

from typing import Any

import click

from pellucid.cli.augmenting import Augmenting, augment_options, build_augment
from pellucid.cli.environment import Environment, json_option
from pellucid.cli.status import Status

EXAMPLES = """\b
Examples:
  pellucid data augment digits --rotate 15 --elastic 4
  pellucid data augment digits --rotate 15 --elastic 4 --shift 1 --output sheet.png
  pellucid data augment cifar10 --flip --crop 0.8 --cutout 8 --output sheet.png
"""
FEW, MANY = 2, 10  # pictures that are drawn in the terminal, and on a sheet, if nobody says how many


@click.command("augment", epilog=EXAMPLES, short_help="What changed training pictures look like.")
@click.argument("data")
@augment_options(enlarge=False)
@click.option("--samples", type=click.IntRange(1), help="How many pictures. Default 2, or 10 on a sheet.")
@click.option("--copies", type=click.IntRange(1), default=4, show_default=True, help="Columns with all changes.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="The changes follow from it.")
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="Write a sheet here, a PNG file.")
@json_option
@click.pass_obj
def augment_command(
    env: Environment, /, data: str, samples: int | None, copies: int, seed: int, output: str | None, **said: Any
) -> Status:
    """What the options of `pellucid train` that change pictures make of some pictures of DATA.

    A row begins with a picture as it is, then each change by itself, then all of them together, some times. Without
    `--output` they are drawn in the terminal.
    """
    import numpy as np

    import pellucid as pl
    from pellucid.base.errors import UsageError
    from pellucid.cli.portrait import FAINT, drawn_from, one_of_each
    from pellucid.cli.show import gallery
    from pellucid.cli.tables import load_any
    from pellucid.cli.usual import usual_for

    train, _ = load_any(data, None, seed)
    usual = usual_for(data, train)
    top = float(train.x.max()) if train.x.ndim >= 3 else 1.0
    full = 255.0 if train.x.dtype == np.uint8 and top > FAINT else top or 1.0
    augment, words = build_augment(Augmenting(**said), usual.shift, train, data, full)
    if augment is None:
        raise UsageError("Nothing would be changed. Say what shall: --rotate 15, --shift 1, --elastic 4, --flip, ...")
    count = samples or (FEW if output is None else MANY)
    picked = train[one_of_each(train, count)]
    seen = pl.preview(augment, picked, copies, seed, full=full)
    env.say(f"pictures  {', '.join(words)}")
    env.event("augment", data=data, augment=pl.describe(augment), pictures=len(picked), columns=seen.heads)
    if output is not None:
        seen.save(output)
        env.say(f"written   {output}: {len(picked)} pictures, {len(seen.heads)} columns")
        env.event("written", file=output)
        return Status.DONE
    unicode = (env.stdout.encoding or "").lower().startswith("utf")
    for row, captions in zip(seen.bytes(), seen.captions, strict=True):
        env.say("")
        heads = [head if not word else f"{head}: {word}" for head, word in zip(seen.heads, captions, strict=True)]
        for line in gallery([drawn_from(picture) for picture in row], heads, unicode, min(env.stdout.width, 160) - 2):
            env.say(f"  {line}".rstrip())
    return Status.DONE
