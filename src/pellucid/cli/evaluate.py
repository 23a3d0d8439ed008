"""`pellucid evaluate MODEL DATA`: measure a saved network on data with known answers."""

from __future__ import annotations

from typing import Any

import click

from pellucid.cli.environment import Environment, json_option
from pellucid.cli.status import Status

EXAMPLES = """\b
Examples:
  pellucid evaluate digits.safetensors digits
  pellucid evaluate mnist.safetensors path/to/mnist --part train
  pellucid evaluate titanic.safetensors titanic.csv --columns
"""


@click.command(epilog=EXAMPLES, short_help="Measure a saved network on data with known answers.")
@click.argument("model", type=click.Path())
@click.argument("data")
@click.option(
    "--part",
    type=click.Choice(["test", "train", "all"]),
    default="test",
    show_default=True,
    help="Which part. Data that come in one piece are measured whole.",
)
@click.option("--target", help="For a table: the column with the answers. Default: the one that was learned.")
@click.option("--columns", is_flag=True, help="For a table: which columns matter, by shuffling each of them.")
@click.option("--seed", type=int, default=0, show_default=True, help="For spiral, sine, ...: which points are drawn.")
@json_option
@click.pass_obj
def command(env: Environment, model: str, data: str, part: str, target: str | None, columns: bool, seed: int) -> Status:
    """Measure the network in the file MODEL on DATA, which is named as for `pellucid train`."""
    import pellucid as pl
    from pellucid.base.errors import UsageError
    from pellucid.cli.plan import metrics_for, with_targets
    from pellucid.cli.report import named, report
    from pellucid.cli.tables import load_any, strange
    from pellucid.cli.worth import columns_of, tell_worth
    from pellucid.data.batches import check_finite

    net = named(pl.load(model))
    train, test = load_any(data, target, seed, net.prepare, None, env)
    parts = {"train": (train,), "test": (test or train,), "all": (train, test)}[part]
    samples = _joined([p for p in parts if p is not None])
    check_finite(samples)
    if isinstance(net.prepare, pl.Table):
        for text in strange(samples.x, net.prepare):
            env.warn(f"{data}: {text}")
    samples = with_targets(net, same_classes(net, same_columns(net, samples), data))
    y = net.predict(samples.x)
    figures: dict[str, Any] = {"loss": net.evaluate(samples.x, samples.t, ())["loss"]}
    figures |= {f.__name__: float(f(y, samples.t)) for f in metrics_for(net)}
    which = "" if test is None or part == "all" else f", the {part} part"
    env.say(f"data      {data}: {len(samples):,} samples{which}")
    report(env, net, samples, y, figures, what="all" if test is None else part)
    if columns:
        if columns_of(net, samples) < 2:
            raise UsageError(f"--columns is for tables with named columns, and {data} is none.")
        tell_worth(env, net, samples, f"of {data}", seed)
    env.event("evaluated", model=str(model), data=data, samples=len(samples), **figures)
    return Status.DONE


def _joined(parts: list[Any]) -> Any:
    import numpy as np

    from pellucid.data.batches import Data

    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    return Data(
        np.concatenate([p.x for p in parts]),
        np.concatenate([p.t for p in parts]),
        first.classes,
        None,
        first.columns,
        first.name,
    )


def same_columns(net: Any, samples: Any) -> Any:
    """A table's columns in the order in which the model learned them, found by their names."""
    from dataclasses import replace

    from pellucid.base.errors import DataError
    from pellucid.data.prepare import Standardize
    from pellucid.datasets.rows import positions

    known = net.prepare.columns if isinstance(net.prepare, Standardize) else ()
    if not known or not samples.columns or samples.columns == known:
        return samples
    if len(known) == len(samples.columns) and (positions(known) or positions(samples.columns)):
        return samples  # one of them has no names but positions
    if missing := [name for name in known if name not in samples.columns]:
        raise DataError(
            f"{samples.name} lacks columns that the network was trained on: {', '.join(missing[:8])}. "
            f"It has {', '.join(samples.columns[:8])}{', ...' if len(samples.columns) > 8 else ''}."
        )
    return replace(samples, x=samples.x[:, [samples.columns.index(name) for name in known]], columns=known)


def same_classes(net: Any, samples: Any, data: str) -> Any:
    """The samples with class ids in the model's numbering; an error if a class is unknown to it."""
    from pellucid.base.errors import DataError
    from pellucid.cli.tables import as_values
    from pellucid.datasets import renumber

    samples = samples if net.classes else as_values(samples)
    if bool(net.classes) != bool(samples.classes):
        learned, has = ("classes", "measured values") if net.classes else ("values", "classes")
        raise DataError(f"The model learned {learned}, but the target of {data} is {has}: it cannot be measured on it.")
    return renumber(samples, net.classes) if net.classes else samples
