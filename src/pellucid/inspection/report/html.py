"""Pieces of HTML, made by small functions. Text goes through `esc`; what is a piece of HTML already does not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from math import isfinite
from typing import Any

from pellucid.inspection.plot.grid import Grid

LONGEST = 80  # letters of a name; what is longer is cut, so that no name can fill the page
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def clean(text: Any, most: int = LONGEST) -> str:
    """A name as it may be shown: no letters that are not seen or that turn the line around, and not too long.

    >>> clean("a\\u202eb"), clean("x" * 9, 5)
    ('a�b', 'xxxx…')
    """
    said = UNSEEN.sub("\ufffd", str(text))
    return said if len(said) <= most else said[: most - 1] + "…"


def esc(text: Any, most: int = 2000) -> str:
    """Text for HTML, also inside of an attribute.

    >>> esc('<b> & "c"')
    '&lt;b&gt; &amp; &quot;c&quot;'
    """
    return escape(clean(text, most), quote=True)


def tag(name: str, inside: str = "", **attributes: Any) -> str:
    """An element; `class_` and `aria_label` are written without their underscore, None and False are left out.

    >>> tag("p", "text", class_="soft", aria_label="a < b", hidden=True)
    '<p class="soft" aria-label="a &lt; b" hidden>text</p>'
    """
    said = []
    for key, value in attributes.items():
        key = key.rstrip("_").replace("_", "-")
        if value is True:
            said.append(f" {key}")
        elif value is not None and value is not False:
            said.append(f' {key}="{esc(value)}"')
    return f"<{name}{''.join(said)}>{inside}</{name}>"


def para(text: str, kind: str | None = None) -> str:
    """A paragraph of text."""
    return tag("p", esc(text), class_=kind)


def scroll(inside: str, label: str) -> str:
    """A place that scrolls by itself when it is too wide, and can be reached by keyboard to be scrolled."""
    return tag("div", inside, class_="scroll", role="group", tabindex=0, aria_label=label)


def table(
    caption: str,
    headers: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    raw: bool = False,
    hide: bool = False,
    kind: str | None = None,
) -> str:
    """A table with a caption and headers; the first column is the rows' headers.

    Args:
        caption: what it is, and what its scrolling place is called.
        headers: the columns' names.
        rows: the cells: text, or with `raw` pieces of HTML.
        hide: show the caption to screen readers only.
        kind: a class; a table of words is written to the left, one of numbers to the right.
    """
    write = str if raw else esc
    head = "".join(tag("th", esc(name), scope="col") for name in headers)
    body = []
    for first, *rest in rows:
        cells = "".join(f"<td>{write(cell)}</td>" for cell in rest)
        body.append(f'<tr><th scope="row">{write(first)}</th>{cells}</tr>')
    title = tag("caption", esc(caption), class_="unseen" if hide else None)
    whole = f"{title}<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody>"
    return scroll(tag("table", whole, class_=kind), caption)


def grid(found: Grid, caption: str | None = None) -> str:
    """A table of a plot's text twin."""
    return table(caption or found.caption, [clean(h) for h in found.headers], found.cells())


def opened(summary: str, inside: str, *, kind: str | None = None, id_: str | None = None, open_: bool = False) -> str:
    """What is opened by click or Enter; the summary is text."""
    return tag("details", f"<summary>{esc(summary)}</summary>{inside}", class_=kind, id=id_, open=open_)


def code(text: str, label: str = "Code") -> str:
    """Lines of code, in a place that scrolls by itself."""
    inside = tag("code", escape(UNSEEN.sub("\ufffd", text)))
    return tag("pre", inside, role="group", tabindex=0, aria_label=label)


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Names and what they are, as a list; the second is a piece of HTML."""
    inside = "".join(f"<div><dt>{esc(name)}</dt><dd>{said}</dd></div>" for name, said in pairs if said)
    return tag("dl", inside, class_="facts")


def share(value: float | None) -> str:
    """A share in percent.

    >>> share(0.9312), share(None), share(float("nan"))
    ('93.1 %', '-', 'nan')
    """
    if value is None:
        return "-"
    return f"{100 * value:.1f} %" if isfinite(value) else str(value)


def number(value: float | None) -> str:
    """A number in four digits, with its sign; nothing is a dash.

    >>> number(0.000123456), number(-1234.5), number(None), number(0.0), number(float("inf"))
    ('0.0001235', '-1,234', '-', '0', 'inf')
    """
    if value is None:
        return "-"
    if value == 0 or not isfinite(value):
        return "0" if value == 0 else str(float(value))
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e9 else f"{value:.4g}"


def figure(name: str, value: float | None) -> str:
    """A figure of a history or an evaluation as people write it: an accuracy in percent.

    >>> figure("val_accuracy", 0.5), figure("loss", 0.25)
    ('50.0 %', '0.25')
    """
    return share(value) if name.endswith("accuracy") else number(value)


def counted(count: int, what: str) -> str:
    """A count and its noun.

    >>> counted(1, "step"), counted(1200, "step")
    ('1 step', '1,200 steps')
    """
    return f"{count:,} {what}{'s' * (count != 1)}"
