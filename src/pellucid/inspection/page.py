"""A ledger line as HTML: in a notebook, and as a page that opens offline from a file.

What can be opened is a `<details>`: the keyboard opens it, a screen reader reads it, and nothing needs a script. The
drawing shows the terms as bars, negative to the left and positive to the right, and the list beside it says the same in
numbers. Colours follow the reader's light or dark mode.
"""

from __future__ import annotations

from html import escape
from math import isfinite

from pellucid.inspection.lines import Line
from pellucid.inspection.tree import Row, fmt, head, rows_of, title

DEPTH, MOST, OPEN = 5, 12, 4  # how deep a page goes, how many terms a sum shows, how many of them can be opened
BARS, WIDTH, HIGH = 12, 640, 22

MORE = ' <i class="soft">…</i>'  # there is something below that is not drawn
STYLE = """
.ledger { --ink: #1c2330; --soft: #5b6575; --ground: #ffffff; --edge: #d6dbe3; --plus: #1f6fb2; --minus: #b04f00;
  color: var(--ink); background: var(--ground); font: 15px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
  padding: 1rem; max-width: 72rem; }
@media (prefers-color-scheme: dark) {
  .ledger { --ink: #e6e9ef; --soft: #a3adbd; --ground: #14181f; --edge: #353d4a; --plus: #6db3f2; --minus: #f0a35e; } }
.ledger h1, .ledger h3 { font-size: 1.2rem; margin: 0 0 .25rem; }
.ledger p { margin: .25rem 0; }
.ledger ul { list-style: none; margin: 0; padding-left: 1.5rem; border-left: 1px solid var(--edge); }
.ledger > ul { border: 0; padding-left: 0; }
.ledger li { padding: .1rem 0; }
.ledger li > span { padding-left: 1.15em; }
.ledger summary { cursor: pointer; min-height: 24px; }
.ledger summary:focus-visible { outline: 2px solid var(--plus); outline-offset: 2px; }
.ledger .plus { color: var(--plus); } .ledger .minus { color: var(--minus); } .ledger .soft { color: var(--soft); }
.ledger code { background: none; color: inherit; font: inherit; }
.ledger svg { max-width: 100%; height: auto; margin: .75rem 0; }
.ledger svg text { fill: var(--ink); font: 13px ui-monospace, Menlo, Consolas, monospace; }
.ledger svg .plus { fill: var(--plus); } .ledger svg .minus { fill: var(--minus); }
.ledger svg line { stroke: var(--soft); }
@media (forced-colors: active) { .ledger svg .plus, .ledger svg .minus { fill: CanvasText; } }
"""


def fragment(line: Line, depth: int = DEPTH, most: int = MOST) -> str:
    """A line as a piece of HTML that brings its own style, for a notebook's cell."""
    return f"<style>{STYLE}</style>{body(line, depth, most)}"


def page(line: Line, depth: int = DEPTH, most: int = MOST, remarks: tuple[str, ...] = ()) -> str:
    """A line as a whole page, which needs nothing else.

    >>> import pellucid as pl
    >>> text = page(pl.ledger(pl.trace(pl.Model(pl.Dense(1), input_shape=(1,)), [[1.0]], [[0.0]]), "loss"))
    >>> "<details" in text, "<script" in text, "http" in text.replace("http://www.w3.org/2000/svg", "")
    (True, False, False)
    """
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="color-scheme" content="light dark">\n<title>{escape(title(line))}</title>\n'
        f"<style>\nbody {{ margin: 0; background: #ffffff; }}\n"
        f"@media (prefers-color-scheme: dark) {{ body {{ background: #14181f; }} }}\n{STYLE}</style>\n</head>\n"
        f"<body>\n{body(line, depth, most, remarks, 'main')}\n</body>\n</html>\n"
    )


def body(line: Line, depth: int, most: int, remarks: tuple[str, ...] = (), tag: str = "div", level: int = 1) -> str:
    """The number as a heading of this level, its drawing, its terms, and the source line that computed it."""
    first, formula = head(line)
    parts = [f"<h{level}>{_coloured(first, line.value)}</h{level}>", f"<p><code>{escape(formula.strip())}</code></p>"]
    parts += [f'<p class="soft">{escape(text)}</p>' for text in remarks]
    parts += [bars(line), _list(rows_of(line, depth, most, OPEN))]
    if line.source:
        place = f"{line.source.file}, line {line.source.line}"
        parts.append(f'<p class="soft">computed by {escape(place)}:</p><p><code>{escape(line.source.text)}</code></p>')
    return f'<{tag} class="ledger">' + "\n".join(parts) + f"</{tag}>"


def _list(rows: list[Row]) -> str:
    return "<ul>" + "".join(f"<li>{_item(row)}</li>" for row in rows) + "</ul>" if rows else ""


def _item(row: Row) -> str:
    if row.line.how == "product":
        words = f'<code>{escape(row.words)}</code> <span class="soft">{escape(row.remark)} =</span> '
    else:
        words = f"<code>{escape(row.words)}</code> "
    words += _coloured(fmt(row.line.value), row.line.value)
    if row.remark and row.line.how != "product":
        words += f' <span class="soft">{escape(row.remark)}</span>'
    if row.rows:
        return f"<details><summary>{words}</summary>{_list(row.rows)}</details>"
    return f"<span>{words}{MORE if row.more else ''}</span>"


def _coloured(text: str, value: float) -> str:
    kind = "plus" if value > 0 else "minus" if value < 0 else "soft"
    return f'<b class="{kind}">{escape(text)}</b>'


def bars(line: Line) -> str:
    """The largest terms as bars around a line of 0; for what is no sum, nothing."""
    terms = line.largest(BARS)
    if not terms:
        return ""
    top = max((abs(term.value) for term in terms if isfinite(term.value)), default=0.0) or 1.0
    middle, half, high = WIDTH * 0.66, WIDTH * 0.2, HIGH * len(terms)
    drawn = []
    for i, term in enumerate(terms):
        long, y = half * min(abs(term.value) / top, 1.0) if isfinite(term.value) else half, HIGH * i
        left = middle - long if term.value < 0 else middle
        edge = left - 6 if term.value < 0 else left + long + 6
        anchor = "end" if term.value < 0 else "start"
        label = term.label if len(term.label) <= 32 else term.label[:31] + "…"
        drawn.append(
            f'<text x="0" y="{y + 15}">{escape(label)}</text>'
            f'<rect class="{"minus" if term.value < 0 else "plus"}" x="{left:.1f}" y="{y + 4}" width="{long:.1f}" '
            f'height="{HIGH - 8}" rx="2"/>'
            f'<text x="{edge:.1f}" y="{y + 15}" text-anchor="{anchor}">{escape(fmt(term.value))}</text>'
        )
    said = f"The terms of {title(line)} as bars around 0; the list below has the same numbers."
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {high}" width="{WIDTH}" height="{high}" '
        f'role="img" aria-label="{escape(said)}"><line x1="{middle}" y1="0" x2="{middle}" y2="{high}"/>'
        + "".join(drawn)
        + "</svg>"
    )
