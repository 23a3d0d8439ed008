"""A ledger line as text, as plain data, and as the rows that the terminal and the page draw.

At each level the largest terms are shown and the largest of them is opened, down to a depth; what is not shown is
counted and added up, so that what stands there always adds up to the number above it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Any

from pellucid.inspection.lines import Line

OPENED = 4  # terms of a sum that a document opens, the largest


@dataclass
class Row:
    """One line of a drawn ledger: its words, its number, a remark, and the rows below it."""

    line: Line
    words: str
    remark: str = ""
    rows: list[Row] = field(default_factory=list)
    more: bool = False  # there is something below that is not drawn


def fmt(value: float) -> str:
    """A number in four digits.

    >>> fmt(0.012345678), fmt(-3.0), fmt(0.0)
    ('0.01235', '-3', '0')
    """
    return f"{value:.4g}" if value else "0"


def size(value: float) -> float:
    """How large a number is; what is not finite is larger than anything."""
    return abs(value) if isfinite(value) else inf


def title(line: Line) -> str:
    """What the line is: "dL/dW[406, 12] of 0.dense"."""
    if line.at is None:
        return line.label
    owner, name, _ = line.at
    derivative = name[0] == "d" and name not in ("d",) and "." not in name
    what = line.label if not derivative else f"d{'L/d' + line.label[1:]}"
    return what if name == "loss" else f"{what} of {'the loss' if owner == 'loss' else owner}"


def rows_of(line: Line, depth: int, most: int = 8, open_: int = 1, seen: set[str] | None = None) -> list[Row]:
    """What stands below a line: its terms, and below the largest of them their factors, `depth` levels down.

    Args:
        line: the line.
        depth: how many levels.
        most: how many terms of a sum are shown.
        open_: how many of a level's rows are opened, the largest first.
        seen: the paths of what stands open already; a number is opened once.
    """
    if depth <= 0:
        return []
    seen = {line.path} if seen is None else seen
    shown = line.largest(most) if line.how == "sum" else line.factors
    falling = sorted(range(len(shown)), key=lambda i: (shown[i].stands_for > 1, -size(shown[i].value)))
    openable = [i for i in falling if can_open(shown[i]) and shown[i].stands_for == 1]
    opened = set(openable[:open_])
    return [_row(part, depth - 1 if i in opened else 0, most, open_, seen) for i, part in enumerate(shown)]


def can_open(line: Line) -> bool:
    """Whether there is anything below."""
    if line.how == "product":
        return any(can_open(factor) for factor in line.factors)
    return line.how != "given"


def _row(line: Line, depth: int, most: int, open_: int, seen: set[str]) -> Row:
    if line.how == "product":
        factors = [f for f in line.factors if can_open(f)]
        values = " × ".join(_signed(f.value) for f in line.factors)
        row = Row(line, line.label, values, more=bool(factors))
        if depth > 0:
            row.rows = [_row(factor, depth, most, open_, seen) for factor in factors]
        return row
    own = canonical(line)
    again = depth > 0 and own in seen
    remark = line.formula if (line.how != "sum" or depth > 0) and not again else ""
    row = Row(line, line.label, f"= {remark}" if remark and line.how != "given" else remark, more=can_open(line))
    if again and row.more:
        row.remark, row.more = "as above", False
    elif depth > 0:
        seen.add(own)
        row.rows = rows_of(line, depth, most, open_, seen)
    return row


def canonical(line: Line) -> str:
    """Where the number is, in one word for all of its names; without a path it is itself only."""
    return line.path or str(id(line))


def _signed(value: float) -> str:
    return fmt(value) if not value < 0 else f"({fmt(value)})"


def said(row: Row) -> str:
    """A row in words, without what is below it."""
    if row.line.how == "product":
        return f"{row.words}  {row.remark} = {fmt(row.line.value)}"
    text = f"{row.words}  {fmt(row.line.value)}"
    return f"{text}    {row.remark}" if row.remark else text


def head(line: Line) -> list[str]:
    """The first lines: the number, and the formula that makes it."""
    first = f"{title(line)} = {fmt(line.value)}"
    return [first, f"  = {line.formula}" if line.how in ("sum", "function") else f"  {line.formula}"]


def foot(line: Line) -> list[str]:
    """The last lines: the source."""
    return [f"  computed by {line.source}"] if line.source else []


def as_text(line: Line, depth: int = 2, most: int = 8) -> str:
    """A line and what is below it, indented."""
    lines = head(line)
    for level, row in flat(rows_of(line, depth, most)):
        mark = " >" if row.more and not row.rows else ""
        lines.append("  " * (level + 1) + said(row) + mark)
    return "\n".join(lines + foot(line))


def flat(rows: list[Row], level: int = 0) -> Iterator[tuple[int, Row]]:
    """Every row with its level, in the order in which they are read."""
    for row in rows:
        yield level, row
        yield from flat(row.rows, level + 1)


def document(line: Line, depth: int = 3, most: int = 12, seen: set[str] | None = None) -> dict[str, Any]:
    """A line as plain data: label, value, how, formula, path, source, and its terms or factors down to `depth`.

    As in a drawing, of a sum's terms the largest are opened, and a number is opened once.
    """
    seen = set[str]() if seen is None else seen
    said_: dict[str, Any] = {"label": line.label, "value": line.value, "how": line.how}
    if line.path:
        said_["path"] = line.path
    if line.how != "product":
        said_["formula"] = line.formula
    if line.source is not None:
        said_["source"] = {"file": line.source.file, "line": line.source.line, "text": line.source.text}
    own = canonical(line)
    if depth <= 0 or own in seen:
        return said_ | ({"more": True} if can_open(line) else {})
    seen.add(own)
    if line.how == "sum":
        shown = line.largest(most)
        falling = sorted(range(len(shown)), key=lambda i: -size(shown[i].value))
        levels = dict.fromkeys(falling[:OPENED], depth - 1)
        said_["count"] = sum(term.stands_for for term in shown)
        said_["terms"] = [
            document(term, levels.get(i, 0), most, seen) for i, term in enumerate(shown) if term.stands_for == 1
        ]
        for rest in (term for term in shown if term.stands_for > 1):
            said_["rest"] = {"count": rest.stands_for, "value": rest.value}
    elif line.factors:
        level = depth if line.how == "product" else depth - 1
        said_["factors"] = [document(factor, level, most, seen) for factor in line.factors[:most]]
    return said_
