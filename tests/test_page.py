"""A ledger drawn: what a tree and a page show adds up, ends, and can be read without a script or a network."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest

import pellucid as pl
from pellucid.inspection.lines import Line
from pellucid.inspection.page import fragment, page
from pellucid.inspection.tree import Row, as_text, flat, rows_of
from tests.cases import LAYERS, LayerCase
from tests.test_ledger import TRACE, at
from tests.test_trace import targets

VOID = {"meta", "rect", "line", "br"}


class Checked(HTMLParser):
    """Reads HTML and refuses what is not well nested, or would fetch or run something."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert tag not in ("script", "link", "img", "iframe")
        for name, value in attrs:
            assert not name.startswith("on")
            assert name not in ("src", "href")
            assert "url(" not in (value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def check(text: str) -> Checked:
    parser = Checked()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    return parser


def adds_up(line: Line, rows: list[Row]) -> None:
    """What is drawn below a sum adds up to the number above it."""
    if line.how == "sum" and rows:
        assert sum(row.line.value for row in rows) == pytest.approx(line.value, rel=1e-5, abs=line.tolerance + 1e-12)
    for row in rows:
        if row.line.how == "sum":
            adds_up(row.line, row.rows)


@pytest.mark.parametrize("case", LAYERS, ids=lambda c: c.name)
def test_every_layer_can_be_drawn(case: LayerCase) -> None:
    model = case.model()
    trace = pl.trace(model, case.inputs(), targets(model), training=case.training)
    path = trace.paths[0]
    params = [name for name in trace[path].params if name[0] == "d" and name[1:] in trace[path].params]
    for name in ("y", "dx", *params):
        line = pl.ledger(trace, at(f"{path}.{name}", (0,) * trace[f"{path}.{name}"].ndim))
        adds_up(line, rows_of(line, 4))
        assert as_text(line).count("\n") >= 2
        json.dumps(line.document(), allow_nan=False)
        if name in ("y", *params[:1]):
            check(page(line, depth=3))


def test_a_page_is_whole_and_a_fragment_brings_its_style() -> None:
    line = pl.ledger(TRACE, "0.dense.dW[406,12]")
    whole = check(page(line, remarks=("<b>not markup</b>",)))
    assert {"main", "details", "summary", "svg", "h1", "title"} <= set(whole.tags)
    assert "&lt;b&gt;not markup" in page(line, remarks=("<b>not markup</b>",))
    assert "prefers-color-scheme: dark" in page(line)
    assert line._repr_html_() == fragment(line)
    assert "<style>" in fragment(line)
    check(fragment(line))


def test_a_number_is_opened_once() -> None:
    line = pl.ledger(TRACE, "3.dense.y[0,1]")
    opened = [row.line.path for _, row in flat(rows_of(line, 8, open_=8)) if row.rows and row.line.path]
    assert opened
    assert len(opened) == len(set(opened))


def test_the_rest_is_counted() -> None:
    line = pl.ledger(TRACE, "0.dense.y[0,1]")
    *shown, rest = rows_of(line, 1, most=8)
    assert len(shown) == 8
    assert rest.line.label == "777 smaller terms"
    assert rest.more
    document = line.document(1, most=8)
    assert (document["count"], document["rest"]["count"], len(document["terms"])) == (785, 777, 8)
    total = sum(term["value"] for term in document["terms"]) + document["rest"]["value"]
    assert total == pytest.approx(document["value"], abs=1e-6)
