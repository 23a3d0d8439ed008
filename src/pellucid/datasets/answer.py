"""Which column of a table is the answer: the one that was named, or the one whose name says so.

Nothing else is guessed. Where no name tells, the columns of few values are named as candidates, and a person chooses.
"""

from __future__ import annotations

from itertools import islice

from pellucid.base.errors import DataError
from pellucid.datasets.sheet import ANSWERS, MISSING, Sheet

KNOWN = (  # names of the answer in well-known tables
    "survived", "species", "variety", "diagnosis", "outcome", "churn", "quality", "price", "saleprice",
    "median_house_value", "medv",
)  # fmt: skip
LOOKED = 2_000  # rows that are read to find candidates
MOST_VALUES = 20  # different ones that a candidate has
LISTED = 8


def find_target(sheet: Sheet, target: str | int | None) -> int | None:
    """The target column's index; None if it was not given and no name tells."""
    if isinstance(target, str) and target.strip() in sheet.header:
        return sheet.header.index(target.strip())
    try:
        at = None if target is None else int(target)
    except ValueError:
        raise DataError(which(sheet, f"has no column {target!r}")) from None
    if at is not None:
        if not -sheet.width <= at < sheet.width:
            raise DataError(which(sheet, f"has no column with the index {at}"))
        return at % sheet.width
    lower = [name.lower() for name in sheet.header]
    answers, known = ([name for name in names if name in lower] for names in (ANSWERS, KNOWN))
    if len(answers) > 1 and answers[-1] == "y":
        answers.pop()  # beside a column "label", y is a measurement
    likely = known if known and answers in ([], ["class"], ["y"]) else answers  # a class may be that of a cabin
    if len(likely) > 1:
        raise DataError(which(sheet, f"has several columns that may be the answer: {' and '.join(likely)}"))
    return lower.index(likely[0]) if likely else None


def which(sheet: Sheet, problem: str) -> str:
    """The message of a table whose answer is not known."""
    if sheet.header:
        columns = f"The columns are {', '.join(sheet.header[:40])}{', ...' if sheet.width > 40 else ''}."
    else:
        columns = f"Its {sheet.width} columns have no names, but indices: 0 to {sheet.width - 1}, and -1 is the last."
    return f"{sheet.name} {problem}. {columns} Say which is to be learned: --target COLUMN, or target=... in Python."


def unknown(sheet: Sheet) -> DataError:
    """The error of a table that does not say which column is the answer, with the columns that may be."""
    seen: list[set[str]] = [set() for _ in range(sheet.width)]
    for _, cells in islice(sheet.rows(), LOOKED):
        for values, cell in zip(seen, cells, strict=False):
            if len(values) <= MOST_VALUES and cell.strip().lower() not in MISSING:
                values.add(cell.strip())
    few = [i for i, values in enumerate(seen) if 2 <= len(values) <= MOST_VALUES]
    said = [f"{sheet.header[i] if sheet.header else i} ({len(seen[i])})" for i in few[:LISTED]]
    more = ", ..." if len(few) > LISTED else ""
    text = which(sheet, "does not say which column is the answer")
    return DataError(text + (f" Of few different values are {', '.join(said)}{more}." if said else ""))
