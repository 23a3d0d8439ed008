"""The doctor of data: what is wrong with a data set, found before a training is spent on it.

Networks fail mostly on their data: pixels left at 0 to 255, test sets that hold shifted copies of the training set, a
test part that was scaled by itself. Each check is a page of `datachecks/`; here they are called in the order in which
a person should read what they say. It speaks only when it has something to say.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np

from pellucid.base.arrays import Array, Rows
from pellucid.base.errors import UsageError
from pellucid.data.batches import Data, as_data
from pellucid.data.split import split
from pellucid.inspection.datachecks import columns, copies, scale, targets
from pellucid.inspection.datachecks.case import FEW, Case
from pellucid.inspection.datachecks.names import names_begin_alike
from pellucid.inspection.finding import Finding
from pellucid.model import Model

Check = Callable[[Case], Finding | None]
CHECKS: dict[str, Check] = {
    "missing values": columns.missing_values,
    "numbers for missing values": columns.stand_ins,
    "unscaled inputs": scale.unscaled_inputs,
    "test part scaled by itself": scale.scaled_by_itself,
    "duplicates across the split": copies.duplicates,
    "near-duplicates across the split": copies.near_duplicates,
    "target leak": columns.target_leak,
    "labels look like an identifier": targets.labels_number_the_rows,
    "too few rows a class": targets.few_samples,
    "class imbalance": targets.class_imbalance,
    "constant columns": columns.constant_columns,
    "duplicate columns": columns.duplicate_columns,
    "identifier columns": columns.identifier_columns,
}
NAMES = "file names begin alike"
RUNS, RUN = 20, 100  # of samples that stay on the disk, so many runs of so many are looked at
GONE = ("None", "nan", "NaT", "<NA>")  # how the objects that stand for a missing cell are written
DRAWN = 0.2  # of data in one piece, drawn by chance to be compared with the rest


@dataclass(frozen=True)
class DataReport:
    """What the doctor of data found. Printed, it is text for a person; it is true if there is nothing to say.

    Args:
        findings: what was found, the worst first.
        looked: what was looked for, by the names of the findings.
        samples: how many samples each part has.
        seconds: how long it took.

    >>> import pellucid as pl
    >>> report = pl.check_data(pl.datasets.iris())
    >>> report.ok, report.names, len(report.looked)
    (True, (), 13)
    """

    findings: tuple[Finding, ...]
    looked: tuple[str, ...]
    samples: dict[str, int]
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def names(self) -> tuple[str, ...]:
        """The findings by their names."""
        return tuple(finding.name for finding in self.findings)

    def without(self, *names: str) -> DataReport:
        """The report without what is said elsewhere."""
        kept = tuple(finding for finding in self.findings if finding.name not in names)
        return DataReport(kept, tuple(name for name in self.looked if name not in names), self.samples, self.seconds)

    def __getitem__(self, name: str) -> Finding:
        """The finding of this name."""
        if name not in self.looked:
            raise UsageError(f"{name!r} is not looked for. What is: {', '.join(self.looked)}.")
        for finding in self.findings:
            if finding.name == name:
                return finding
        raise UsageError(f"{name!r} was looked for and not found.")

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        samples = " + ".join(f"{count:,} {part}" for part, count in self.samples.items())
        if self.ok:
            return f"Nothing was found in {samples} samples. Looked for: {', '.join(self.looked)}."
        return "\n\n".join(str(finding) for finding in self.findings)


def check_data(
    train: Any, validation: Any = None, test: Any = None, *, model: Model | None = None, files: Sequence[str] = ()
) -> DataReport:
    """Look for what makes a network fail before it is trained: in the data, and between their parts.

    Looked for are missing values, and numbers that stand for them; inputs that nobody scales; a part that was scaled by
    its own figures; samples of the other parts that stand in the training part too, equal or nearly so (pictures moved
    by a pixel or saved again, rows rounded); columns that give the answer away, are constant, say the same or number
    the rows; answers that number the rows; rare classes. Inputs in a `pl.Data` are raw, their preparation is still to
    come; those of a pair are taken as what the network will see. Equal samples are looked for among all, nearly equal
    ones for up to 3,000 of each part; of samples that stay on the disk, some 2,000 of each part are looked at.

    Args:
        train: what is learned from: a pair (x, t), a triple (x, t, weights) or a `pl.Data`.
        validation, test: what is set aside, in the same forms. Without either, a fifth that is drawn by chance is
            compared with the rest.
        model: the network that is to learn from them; its preparation counts for the size of the inputs.
        files: the names of the files that the samples came from, if they were divided by chance.

    Raises:
        DataError: if a part is no data set.

    >>> import numpy as np, pellucid as pl
    >>> rng = np.random.default_rng(0)
    >>> x, t = rng.normal(size=(100, 4)), np.arange(100) % 2
    >>> report = pl.check_data((x[:90], t[:90]), test=(x[80:], t[80:]))
    >>> print(report["duplicates across the split"].says)
    10 of 20 test samples (50 %) stand in the training part too.
    """
    start = time.perf_counter()
    data = _taken(train, "the training part")
    given = {"validation": validation, "test": test}
    aside = {name: _taken(part, f"the {name} part") for name, part in given.items() if part is not None}
    samples = {"training": len(data), **{name: len(part) for name, part in aside.items()}}
    if not aside and len(data) >= 2 * FEW:
        data, drawn = split(data, DRAWN, groups=data.parents)
        aside = {"drawn": drawn}
    case = Case(data, aside, model, bare=not isinstance(train, Data))
    with np.errstate(all="ignore"):  # numbers that overflow are found as such
        found = [check(case) for check in CHECKS.values()]
    looked = list(CHECKS)
    if files:
        found.append(names_begin_alike(files, len(data.classes)))
        looked.append(NAMES)
    said = tuple(finding for finding in found if finding is not None)
    return DataReport(said, tuple(looked), samples, time.perf_counter() - start)


def _taken(part: Any, name: str) -> Data:
    """A part as a data set in memory, with words where a data frame's records hold objects."""
    data = in_memory(as_data(part, name=name))
    x, t = data.x, np.asarray(data.t)
    if x.dtype.names is not None and any(x.dtype[field].kind in "OM" for field in x.dtype.names):
        cells = {field: _without_objects(x[field]) for field in x.dtype.names}
        x = np.empty(len(x), [(field, column.dtype) for field, column in cells.items()])
        for field, column in cells.items():
            x[field] = column
    return replace(data, x=x, t=_without_objects(t)) if x is not data.x or t.dtype.hasobject else data


def _without_objects(cells: Array) -> Array:
    """A column of objects as numbers if all that is there are numbers, else as words; what is missing as nan or ''.

    Dates are words too, as they are in a file.
    """
    if cells.dtype.kind == "M":
        return np.where(np.isnat(cells), "", cells.astype(np.str_))
    if cells.dtype != object or cells.ndim != 1:
        return cells
    there = [None if not isinstance(cell, str) and str(cell) in GONE else cell for cell in cells.tolist()]
    if all(cell is None or isinstance(cell, Real) for cell in there):
        return np.array([np.nan if cell is None else float(cell) for cell in there])
    return np.array(["" if cell is None else str(cell) for cell in there], np.str_)


def in_memory(data: Data) -> Data:
    """The data as they are; of samples that stay on the disk some, in memory: runs of neighbours, read fast."""
    if not isinstance(data.x, Rows):
        return data
    step = max(1, len(data) // RUNS)
    at = (np.arange(0, len(data), step)[:, None] + np.arange(min(step, RUN))).ravel()
    at = at[at < len(data)]
    return Data(data.x[at], data.t[at], data.classes, columns=data.columns, name=data.name, target=data.target)
