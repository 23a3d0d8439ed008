"""The folder of a suite's results: suite.json for programs and for `--resume`, suite.md for people, a plot a set.

Every file is written whole or not at all, after every set, so that a run that is killed loses at most the set under
way. Rows of sets that do not run now stay as they are.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from pellucid.base.errors import DataError, FileError, UsageError
from pellucid.recipes.row import DONE, MISSING, Row, row_from
from pellucid.store import write_atomically

FORMAT = 1
JSON, PAGE = "suite.json", "suite.md"
LARGEST = 16 << 20  # bytes that a suite.json may have
HEADS = ("set", "network", "parameters", "epochs", "seconds", "test", "judged on", "others before", "aim")
RIGHT = {2, 3, 4, 5}  # columns of numbers


def read_results(folder: Path, quick: bool) -> dict[str, Row]:
    """The rows in a folder, by their names; none if nothing was written there yet.

    Raises:
        FileError: if what is there is damaged.
        UsageError: if the folder holds quick results and these are not, or the other way round.
    """
    file = folder / JSON
    if not file.exists():
        return {}
    cure = f"Remove {file}, or name another folder with --output."
    try:
        if file.stat().st_size > LARGEST:
            raise DataError(f"it has more than {LARGEST:,} bytes")
        said = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(said, dict) or said.get("format") != FORMAT or not isinstance(said.get("rows"), list):
            raise DataError(f"it should be an object with format {FORMAT} and rows")
        rows = {row.name: row for row in map(row_from, said["rows"])}
    except OSError as error:
        raise FileError(f"{file} could not be read: {error.strerror or error}.") from None
    except (DataError, ValueError, RecursionError) as error:
        raise FileError(f"{file} holds no results of a suite: {error}. {cure}") from None
    if any(row.quick != quick for row in rows.values()):
        there, now = ("a full run", "quick ones") if quick else ("quick runs", "those of a full run")
        raise UsageError(f"{folder} holds the results of {there}, and {now} do not belong beside them. {cure}")
    return rows


def write_results(folder: Path, rows: Iterable[Row]) -> None:
    """Write suite.json and suite.md, each atomically."""
    rows = list(rows)
    text = json.dumps({"format": FORMAT, "rows": [row.plain() for row in rows]}, indent=1, allow_nan=False)
    write_atomically(folder / JSON, (text + "\n").encode())
    plots = {row.name: f"{row.name}.png" for row in rows if (folder / f"{row.name}.png").is_file()}
    write_atomically(folder / PAGE, page(rows, plots).encode())


def check_folder(folder: Path) -> None:
    """Say now, not after an hour, that the results cannot be written."""
    there = folder.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise FileError(f"{folder} cannot hold the results: {there} is not a folder. Name another with --output.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise FileError(f"{folder} cannot hold the results: you may not write into {there}. Name another folder.")


def page(rows: list[Row], plots: Mapping[str, str]) -> str:
    """The table as Markdown, with the machine and the versions that it is from, and the plots below."""
    lines = ["# The suite", ""]
    if any(row.quick for row in rows):
        lines += ["Quick: small parts of the sets and few epochs, so the aims are not checked.", ""]
    lines += [*markdown(rows), ""]
    sources: dict[str, list[str]] = {}
    for row in rows:
        if row.state == DONE:
            sources.setdefault(source(row), []).append(row.name)
    for words, names in sources.items():
        lines += [f"{'Measured' if len(sources) == 1 else ', '.join(names)}: {words}.", ""]
    lines += [f"![{name}: learning curves, and answers beside the truth]({plot})" for name, plot in plots.items()]
    return "\n".join(lines).rstrip() + "\n"


def markdown(rows: Iterable[Row]) -> list[str]:
    """The lines of the table; they stand in suite.md and in docs/suite.md.

    >>> print(markdown([Row("iris", "iris", "missing", "not here", aim=0.96)])[-1])
    | iris |  |  |  |  | not here |  |  | 96 % |
    """
    marks = [("---:" if j in RIGHT else "---") for j in range(len(HEADS))]
    lines = [f"| {' | '.join(HEADS)} |", f"| {' | '.join(marks)} |"]
    for row in rows:
        lines.append("| " + " | ".join(cell.replace("|", "/") for cell in _cells(row)) + " |")
    return lines


def _cells(row: Row) -> tuple[str, ...]:
    before = "; ".join(f"{figure} ({who})" for figure, who in row.before)
    if row.state != DONE:
        word = "" if row.state == MISSING else f"{row.state}: "
        return (row.name, row.network, "", "", "", f"{word}{' '.join(row.trouble.split())}", "", before, aim_of(row))
    off = "" if row.error is None else f", off by {row.error:,.4g} {row.unit}".rstrip()
    if row.error is not None and row.error >= 1000:
        off = f", off by {row.error:,.0f} {row.unit}".rstrip()
    missed = " (aim missed)" if row.reached is False else ""
    network = f"{row.networks} x {row.network}" if row.networks > 1 else row.network
    return (
        row.name, network, f"{row.parameters:,}", str(row.epochs), f"{row.seconds:,.1f}", f"{row.figure}{off}{missed}",
        f"{row.judged:,} ({row.divided})", before, aim_of(row),
    )  # fmt: skip


def aim_of(row: Row) -> str:
    """The aim in the unit of the figure; "" if there is none."""
    if row.aim is None:
        return ""
    return f"{row.aim:.2f}" if row.measure == "r2" else f"{100 * row.aim:g} %"


def source(row: Row) -> str:
    """The machine and the versions that a row is from, in words."""
    versions = ", ".join(f"{name} {version}" for name, version in row.versions.items() if name != "kernels")
    kernels = row.versions.get("kernels", "")
    return f"{row.machine}; {versions}" + (f", Pellucid's {kernels} kernels" if kernels else "")
