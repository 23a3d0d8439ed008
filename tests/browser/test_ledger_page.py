"""The page of one opened number, in a real browser: nothing in anyone's way, and everything by keyboard."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import pellucid as pl
from pellucid.inspection.page import page as ledger_page
from tests.browser.conftest import Open, barriers

rng = np.random.default_rng(0)
MODEL = pl.Model(pl.Dense(5), pl.ReLU(), pl.Dense(3), loss=pl.SoftmaxCrossEntropy(), input_shape=(4,))
TRACE = pl.trace(MODEL, rng.normal(size=(4, 4)), np.array([0, 1, 2, 1]), pl.Adam())
LINES = ("0.dense.dW[2,3]", "loss", "1.relu.y[0,2]", "0.dense.W.step[2,3]")


def html(address: str) -> str:
    return ledger_page(pl.ledger(TRACE, address), remarks=("How this number was made.",))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("address", LINES)
def test_nothing_is_in_anyones_way(open_page: Open, address: str, scheme: str):
    page = open_page(html(address), color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")  # what is hidden is not judged
    assert barriers(page) == []


def test_it_is_opened_and_closed_by_keyboard(open_page: Open):
    page = open_page(html("0.dense.dW[2,3]"))
    page.keyboard.press("Tab")
    focused = "document.activeElement"
    assert page.evaluate(f"{focused}.tagName") == "SUMMARY"
    was = page.evaluate(f"{focused}.parentElement.open")
    page.keyboard.press("Enter")
    assert page.evaluate(f"{focused}.parentElement.open") != was
    page.keyboard.press("Space")
    assert page.evaluate(f"{focused}.parentElement.open") == was
    assert page.evaluate(f"getComputedStyle({focused}).outlineStyle") != "none"  # one sees where one is


def test_every_term_can_be_reached_by_tab(open_page: Open):
    page = open_page(html("loss"))
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    terms = page.locator("summary").count()
    reached: set[Any] = set()
    for _ in range(terms):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("[...document.querySelectorAll('summary')].indexOf(document.activeElement)"))
    assert reached == set(range(terms))


@pytest.mark.parametrize("width", [320, 1280])
def test_it_fits_a_telephone_and_a_desk(open_page: Open, width: int):
    page = open_page(html("0.dense.dW[2,3]"), viewport={"width": width, "height": 700})
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    targets = page.evaluate("[...document.querySelectorAll('summary')].map(s => s.getBoundingClientRect().height)")
    assert min(targets) >= 24  # large enough for a finger
