"""What the columns of a table are worth to a network, as a small table with bars."""

from __future__ import annotations

import numpy as np

import pellucid as pl
from pellucid.cli.environment import Environment
from pellucid.cli.telling import MARGIN, say_line

SHOWN = 8  # columns; the rest is told in one line
MANY = 60  # columns; of more each is shuffled once
TOO_MANY = 500  # columns; of more nobody reads what each is worth
REPEATS = 5


def columns_of(model: pl.Model, data: pl.Data) -> int:
    """How many named columns the network looks at; 0 for pictures and for numbers without names."""
    if isinstance(model.prepare, pl.Table):
        return len(model.prepare.columns)
    return len(data.columns) if data.x.ndim == 2 else 0


def unlearned(*parts: pl.Data | None) -> pl.Data:
    """The parts that were set aside, as one: the more rows, the surer the figures."""
    there = [part for part in parts if part is not None]
    first = there[0]
    return pl.Data(
        np.concatenate([part.x for part in there]),
        np.concatenate([part.t for part in there]),
        first.classes,
        columns=first.columns,
        name=first.name,
        target=first.target,
    )


def tell_worth(env: Environment, model: pl.Model, data: pl.Data, which: str, seed: int = 0) -> None:
    """Which columns matter, measured on these rows: nothing where there are no columns with names."""
    count = columns_of(model, data)
    if not 2 <= count <= TOO_MANY:
        return
    found = pl.importance(model, data.x, data.t, REPEATS if count <= MANY else 1, seed)
    what = "the share of right answers" if found.figure == "accuracy" else f"the mean absolute error{_unit(data)}"
    change = "falls" if found.figure == "accuracy" else "grows"
    unicode = (env.stdout.encoding or "").lower().startswith("utf")
    say_line(
        env,
        f"{'columns':<{MARGIN}}by how much {what} {change} if these are shuffled, on the {len(data):,} rows {which}:",
    )
    for line in found.lines(SHOWN, "█" if unicode else "#"):
        env.say(f"{'':<{MARGIN}}  {line}")
    rest = found.shares[SHOWN:]
    if rest:
        env.say(f"{'':<{MARGIN}}  and {len(rest)} more, each of less")
    env.event(
        "importance",
        figure=found.figure,
        value=found.value,
        samples=found.samples,
        columns=[{"names": list(share.columns), "loss": share.loss, "spread": share.spread} for share in found],
    )


def _unit(data: pl.Data) -> str:
    return f" of {data.target}" if data.target else ""
