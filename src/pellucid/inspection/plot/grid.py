"""A table of what a picture shows: as text in aligned columns, and as HTML with headers that a screen reader speaks."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any


@dataclass(frozen=True)
class Grid:
    """Rows of cells under headers. Numbers are written in four digits, whole ones as they are, None as a dash.

    >>> print(Grid("Two epochs", ("epoch", "loss"), ((1, 0.512345), (2, None))).text())
    Two epochs
    epoch    loss
        1  0.5123
        2       -
    """

    caption: str
    headers: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def cells(self) -> list[list[str]]:
        """Every cell as it is written."""
        return [[written(value) for value in row] for row in self.rows]

    def text(self) -> str:
        """Aligned columns: words to the left, numbers to the right."""
        lines = [list(self.headers), *self.cells()]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.headers))]
        words = [any(_is_word(row[i]) for row in self.rows) for i in range(len(self.headers))]
        sides = ["<" if left else ">" for left in words]
        drawn = [
            "  ".join(f"{c:{s}{w}}" for c, s, w in zip(line, sides, widths, strict=True)).rstrip() for line in lines
        ]
        return "\n".join([self.caption, *drawn] if self.caption else drawn)

    def html(self) -> str:
        """A table element, its first column the rows' headers.

        >>> print(Grid("", ("a", "b"), (("<x>", 1),)).html().replace("<tb", "\\n<tb"))
        <table><thead><tr><th scope="col">a</th><th scope="col">b</th></tr></thead>
        <tbody><tr><th scope="row">&lt;x&gt;</th><td>1</td></tr></tbody></table>
        """
        head = "".join(f'<th scope="col">{escape(name)}</th>' for name in self.headers)
        body = "".join(
            f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(c)}</td>" for c in rest)}</tr>'
            for first, *rest in self.cells()
        )
        caption = f"<caption>{escape(self.caption)}</caption>" if self.caption else ""
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def written(value: Any) -> str:
    """A cell's text.

    >>> written(0.000123456), written(1234), written(float("nan")), written(None), written("cat")
    ('0.0001235', '1,234', 'nan', '-', 'cat')
    >>> written(0.5), written(1000.0)
    ('0.5000', '1000')
    """
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"{value:,}"
    return f"{float(value):#.4g}".removesuffix(".") if value else "0"


def _is_word(value: Any) -> bool:
    if not isinstance(value, str) or value == "-":
        return False
    try:
        float(value.replace(",", ""))
    except ValueError:
        return True
    return False
