"""The doctor of data on the command line: before every training, and as `pellucid data check`.

In a training it says only what nobody else says there: what is missing in a table, what tells the answer and what is
left out is told with the columns, and unscaled inputs are a note of the training.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

import pellucid as pl
from pellucid.cli.environment import Environment
from pellucid.cli.folders import file_names, is_folder
from pellucid.cli.telling import MARGIN, say_line
from pellucid.inspection.datadoctor import in_memory

if TYPE_CHECKING:
    from pellucid.cli.plan import Options, Plan
    from pellucid.inspection.datadoctor import DataReport

TOLD = ("missing values", "target leak", "constant columns", "identifier columns")  # with a table's columns


def check_plan(plan: Plan, options: Options) -> DataReport:
    """What is wrong with the data of a training, as far as it is not said elsewhere."""
    train, *aside = (part and used(part, plan) for part in (plan.data, plan.validation, plan.test))
    assert train is not None
    report = pl.check_data(train, *aside, model=plan.training.model, files=_files(options)).without("unscaled inputs")
    return report.without(*TOLD) if plan.inferred is not None else report


def check_loaded(options: Options, loaded: tuple[pl.Data, pl.Data | None]) -> DataReport:
    """What is wrong with data that are divided as a training would divide them."""
    from pellucid.cli.plan import divide

    return pl.check_data(*divide(options, loaded), files=_files(options))


def _files(options: Options) -> list[str]:
    """The names of a folder's pictures, if they are divided by chance."""
    return file_names(options.data) if options.group_by is None and is_folder(options.data) else []


def used(part: pl.Data, plan: Plan) -> pl.Data:
    """A part with those columns only that the network sees."""
    part = in_memory(part)
    if plan.inferred is None:
        return part
    names = [column.name for column in plan.inferred.table.columns]
    x = np.empty(len(part), [(name, part.x.dtype[name]) for name in names])
    for name in names:
        x[name] = part.x[name]
    return replace(part, x=x, columns=tuple(names))


def tell_findings(env: Environment, report: DataReport) -> None:
    """Each finding with its evidence and what helps; nothing where nothing was found."""
    for finding in report:
        say_line(env, f"{'warning':<{MARGIN}}{finding.name}: {finding.says}", style="bold yellow")
        for line in finding.evidence:
            say_line(env, f"{'':<{MARGIN}}{line}")
        options = f" ({finding.code})" if finding.code.startswith("--") else ""
        if finding.cure:
            say_line(env, f"{'':<{MARGIN}}what helps: {finding.cure.removesuffix('.')}{options}")
        env.event("finding", **finding.as_dict())
