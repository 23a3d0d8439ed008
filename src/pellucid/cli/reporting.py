"""`pellucid report RUN [DATA] -o run.html`: one page about a training, which opens offline from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pellucid.cli.environment import Environment, json_option
from pellucid.cli.status import Status

EXAMPLES = """\b
Examples:
  pellucid train digits --record digits.run
  pellucid report digits.run
  pellucid report digits.run -o page.html --steps 20 --doctor 0
  pellucid report digits.safetensors digits -o page.html
"""
ENDINGS = (".html", ".htm")


@click.command(epilog=EXAMPLES, short_help="Write one HTML page about a training.")
@click.argument("run", type=click.Path())
@click.argument("data", required=False)
@click.option("--output", "-o", type=click.Path(), help="Where the page goes. Default RUN's name with .html.")
@click.option(
    "--steps",
    type=click.IntRange(2, 400),
    default=40,
    show_default=True,
    help="At most so many steps of a recording can be scrubbed to.",
)
@click.option(
    "--doctor",
    type=click.FloatRange(min=0),
    default=20.0,
    show_default=True,
    metavar="SECONDS",
    help="About how long the doctor may take; 0 leaves it out.",
)
@click.option("--prove", is_flag=True, help="Let the doctor try each cure: a short training without it and with it.")
@click.option(
    "--size",
    type=click.FloatRange(min=0, min_open=True),
    default=5.0,
    show_default=True,
    metavar="MB",
    help="The most that the page may take; what is too much is left out, and the page says what.",
)
@click.option(
    "--target", help="For a model and a table: the column with the answers. Default: the one that was learned."
)
@click.option("--seed", type=int, default=0, show_default=True, help="For a model and spiral, ...: which points.")
@json_option
@click.pass_obj
def command(
    env: Environment,
    /,
    run: str,
    data: str | None,
    output: str | None,
    steps: int,
    doctor: float,
    prove: bool,
    size: float,
    target: str | None,
    seed: int,
) -> Status:
    """Write one HTML page about RUN: a summary, the curves, what the doctor found, the mistakes with the samples behind
    them, a slider over the steps, numbers opened, and how to have all of it again.

    RUN is a recording, a folder that `pellucid train --record` wrote; DATA then only says where its data are now, if
    they have moved. Or RUN is a model file, which has no steps, and DATA names the samples that it is asked about.

    The page is one file that needs no network.
    """
    import pellucid as pl
    from pellucid.base.errors import UsageError
    from pellucid.cli.writable import check_writable

    place = output or f"{Path(run).name.removesuffix('.safetensors').removesuffix('.run') or 'report'}.html"
    if not place.lower().endswith(ENDINGS):
        raise UsageError(f"{place!r}: a page is written as {' or '.join(ENDINGS)}; give --output a name that ends so.")
    check_writable(Path(place), data or "")
    options: dict[str, Any] = {"steps": steps, "doctor": doctor, "prove": prove, "megabytes": size}
    options |= _model(run, data, target, seed) if Path(run).is_file() else _recording(env, run, data)
    with env.progress("reporting", total=2 * steps + 6) as bar:
        done = iter(range(1000))
        page = pl.report(**options, told=lambda what: bar(next(done), what))
    page.save(place)
    for text in page.notes:
        env.say(f"note      {text}")
    for text in page.left_out:
        env.say(f"left out  {text}")
    env.say(f"written   {place}: {page.size / 1e6:.2f} MB, opens in any browser, offline", style="bold")
    env.event("reported", run=run, file=place, bytes=page.size, notes=page.notes, left_out=page.left_out)
    return Status.DONE


def _recording(env: Environment, run: str, data: str | None) -> dict[str, Any]:
    """A recording with its data; without them, if they are not at hand and nobody said where they are."""
    import pellucid as pl
    from pellucid.base.errors import PellucidError
    from pellucid.cli.replaying import open_with_data

    recording = pl.open_recording(run)  # what is no recording is an error
    try:
        recording, plan = open_with_data(run, data)
    except PellucidError as error:
        if data is not None:
            raise
        env.warn(f"No step of {run} is recomputed, because its data could not be had. {error}")
        return {"run": recording}
    return {"run": recording, "data": plan.test, "part": "test"}


def _model(run: str, data: str | None, target: str | None, seed: int) -> dict[str, Any]:
    """A model, the samples that it is asked about, and those that it was trained on."""
    from dataclasses import replace

    import pellucid as pl
    from pellucid.base.errors import UsageError
    from pellucid.cli.evaluate import same_classes, same_columns
    from pellucid.cli.plan import with_targets
    from pellucid.cli.report import named
    from pellucid.cli.tables import load_any
    from pellucid.data.batches import check_finite

    net = named(pl.load(run))
    if data is None:
        raise UsageError(f"{run} is a model; name the samples that it is asked about too: pellucid report {run} DATA.")
    parts = []
    for found in load_any(data, target, seed, net.prepare):
        if found is not None:
            check_finite(found)
            parts.append(replace(with_targets(net, same_classes(net, same_columns(net, found), data)), name=data))
    part = "test" if len(parts) == 2 else "whole"
    return {"run": run, "data": parts[-1], "part": part, "training": parts[0]}
