"""The page about a training in a real browser: nothing in anyone's way, steps and mistakes by keyboard alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pl
from tests.browser.conftest import Open, barriers

rng = np.random.default_rng(0)
X = rng.integers(0, 256, (60, 8, 8)).astype(np.uint8)
T = (X[:, 2, 2].astype(int) + X[:, 3, 3]) // 171
NAMES = ("low", "middle", "high")
FOCUSED = "document.activeElement"
KINDS = ("pictures", "plane", "line", "model", "sick")


def _recorded(folder: Path, model: pl.Model, data: Any, validation: Any = None, **options: Any) -> pl.Recording:
    training = pl.train(model, data, validation=validation, metrics=(), **options)
    list(pl.record(training, folder))
    return pl.open_recording(folder, data, validation=validation)


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The pages of some trainings, each made once."""
    made: dict[str, str] = {}

    def page(kind: str) -> str:
        if kind not in made:
            made[kind] = _page(kind, tmp_path_factory.mktemp(kind)).html
        return made[kind]

    return page


def _page(kind: str, folder: Path) -> pl.Page:
    last = pl.Dense(1 if kind == "line" else 3)
    if kind in ("pictures", "model", "sick"):
        layers = [pl.Dense(9), pl.ReLU(), last, *([pl.Softmax()] if kind == "sick" else [])]
        options: dict[str, Any] = {"prepare": pl.Pixels((64,), picture=(8, 8)), "classes": NAMES}
        model = pl.Model(*layers, loss=pl.SoftmaxCrossEntropy(), input_shape=64, **options)
        data, validation = pl.Data(X, T, NAMES), pl.Data(X[:30] // 2, T[:30], NAMES)
        if kind == "model":
            return pl.report(model, validation, training=data, doctor=1)
        return pl.report(
            _recorded(folder / "a.run", model, data, validation, epochs=3, batch_size=16, optimizer=pl.Adam(0.01)),
            steps=5, doctor=20 if kind == "sick" else 0, prove=True,
        )  # fmt: skip
    data, size = (pl.datasets.spiral(), 2) if kind == "plane" else (pl.datasets.sine(), 1)
    loss = pl.SoftmaxCrossEntropy() if kind == "plane" else None
    model = pl.Model(pl.Dense(9), pl.Tanh(), last, loss=loss, input_shape=size)
    return pl.report(_recorded(folder / "a.run", model, data, epochs=3, batch_size=100), steps=5, doctor=0)


def open_all(page: Any) -> None:
    """Everything is shown, because what is hidden is not judged; the inside of a ledger has a test of its own."""
    page.evaluate("""document.querySelectorAll('.moment, .cell').forEach(d => { d.hidden = false; });
        document.querySelectorAll('details:not(.ledger details)').forEach(d => { d.open = true; })""")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_in_anyones_way(open_page: Open, html: Callable[[str], str], kind: str, scheme: str) -> None:
    page = open_page(html(kind), color_scheme=scheme)
    open_all(page)
    assert barriers(page) == []


def test_it_opens_without_a_script(open_page: Open, html: Callable[[str], str]) -> None:
    page = open_page(html("pictures"), java_script_enabled=False)
    assert not page.locator("#controls").is_visible()
    assert page.locator("noscript p").is_visible()
    first = page.locator(".moment").first
    assert not first.locator("img").is_visible()
    first.locator("> summary").click()
    assert first.locator("img").is_visible()
    cell = page.locator(".cell").first
    cell.locator("> summary").click()
    assert cell.locator("img").first.is_visible()


@pytest.mark.parametrize("kind", ["pictures", "plane", "line"])
def test_the_slider_by_keyboard_changes_the_text_and_the_picture(
    open_page: Open, html: Callable[[str], str], kind: str
) -> None:
    page = open_page(html(kind))
    seen = page.locator(".moment:visible")
    look = seen.locator("img, .plane").first
    page.locator("#scrub").focus()
    page.keyboard.press("Home")
    assert page.locator("#now").inner_text().startswith("before the first step, epoch 1")
    begin, text, at = look.inner_html() or look.get_attribute("src"), seen.inner_text(), cursor(page)
    page.keyboard.press("ArrowRight")
    second = page.locator(".moment").nth(1).get_attribute("id") or ""
    assert page.locator("#now").inner_text().startswith(f"step {second[5:]}, epoch 1, loss ")
    assert page.locator("#scrub").get_attribute("aria-valuetext") == page.locator("#now").inner_text()
    page.keyboard.press("End")
    last = int(page.locator("#scrub").get_attribute("max") or 0)
    assert page.locator("#scrub").input_value() == str(last)
    assert seen.count() == 1
    assert seen.inner_text() != text
    assert (look.inner_html() or look.get_attribute("src")) != begin
    assert cursor(page) > at
    page.keyboard.press("ArrowLeft")
    assert page.locator("#scrub").input_value() == str(last - 1)


def cursor(page: Any) -> float:
    return float(page.locator("#cursor").get_attribute("x1"))


def test_the_buttons_step_by_enter_space_and_arrows(open_page: Open, html: Callable[[str], str]) -> None:
    page = open_page(html("pictures"))
    value = page.locator("#scrub").input_value
    last = int(value())
    assert page.locator("#on").get_attribute("aria-disabled") == "true"
    page.locator("#back").focus()
    for key in ("Enter", "Space", "ArrowLeft"):
        page.keyboard.press(key)
    assert int(value()) == last - 3
    assert page.locator("#on").get_attribute("aria-disabled") == "false"
    page.locator("#on").focus()
    for key in ("ArrowRight", "Enter"):
        page.keyboard.press(key)
    assert int(value()) == last - 1
    assert page.locator("#now").get_attribute("role") == "status"


def test_a_link_to_a_step_shows_it(open_page: Open, html: Callable[[str], str]) -> None:
    page = open_page(html("pictures"))
    page.get_by_text("The chosen steps as a table").click()
    link = page.locator('a[href^="#step-"]').nth(2)
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.getElementById('scrub').value === '2'")
    assert page.locator(link.get_attribute("href") or "").is_visible()


def test_a_cell_opens_by_enter_and_escape_leads_back(open_page: Open, html: Callable[[str], str]) -> None:
    page = open_page(html("pictures"))
    link = page.locator(".matrix a").last
    target = (link.get_attribute("href") or "")[1:]
    assert target
    link.focus()
    page.keyboard.press("Enter")
    opened = page.locator(".cell:visible")
    assert opened.count() == 1
    assert opened.get_attribute("id") == target
    assert opened.locator("img").first.is_visible()
    assert page.evaluate(f"{FOCUSED}.parentElement.id") == target
    assert link.get_attribute("aria-current") == "true"
    page.keyboard.press("Escape")
    assert page.locator(".cell:visible").count() == 0
    assert page.evaluate(f"{FOCUSED}.hash") == f"#{target}"


def test_one_sees_where_one_is_and_can_skip_to_the_report(open_page: Open, html: Callable[[str], str]) -> None:
    page = open_page(html("pictures"))
    page.keyboard.press("Tab")
    assert page.evaluate(f"{FOCUSED}.className") == "skip"
    assert page.evaluate(f"{FOCUSED}.getBoundingClientRect().left") >= 0
    page.keyboard.press("Enter")
    assert page.evaluate(f"{FOCUSED}.id") == "main"
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate(f"getComputedStyle({FOCUSED}).outlineStyle") != "none"


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("kind", KINDS)
def test_it_fits_a_telephone_and_a_desk(open_page: Open, html: Callable[[str], str], kind: str, width: int) -> None:
    page = open_page(html(kind), viewport={"width": width, "height": 700})
    targets = "a:not(.skip), button, input, summary"
    small = f"""[...document.querySelectorAll({targets!r})].filter(e => e.checkVisibility()).map(
        e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()]).filter(([_, r]) => r.height < 24 || r.width < 24)"""
    assert page.evaluate(small) == []  # large enough for a finger
    open_all(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    wide = """[...document.querySelectorAll('.scroll, pre')].filter(e => e.scrollWidth > e.clientWidth + 1).every(
        e => e.tabIndex === 0 && e.getAttribute('aria-label'))"""
    assert page.evaluate(wide)  # what scrolls can be reached


def test_it_is_printed_without_its_controls(open_page: Open, html: Callable[[str], str]) -> None:
    page = open_page(html("pictures"), color_scheme="dark")
    page.emulate_media(media="print")
    for hidden in ("nav", "#controls", ".skip"):
        assert not page.locator(hidden).is_visible()
    assert page.locator("main").is_visible()
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground in ("rgb(255, 255, 255)", "rgba(0, 0, 0, 0)")
    assert not page.get_by_role("table", name="The chosen steps").is_visible()
    assert page.pdf().startswith(b"%PDF")
    assert page.get_by_role("table", name="The chosen steps").is_visible()  # on paper nothing can be opened


def test_with_forced_colours_and_without_motion_it_can_be_read(open_page: Open, html: Callable[[str], str]) -> None:
    page = open_page(html("pictures"), forced_colors="active", reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    names = (("fill", ".chart .line"), ("stroke", ".chart .line"), ("stroke", ".chart .grid"), ("color", "body"))
    fill, line, grid, ink = (
        page.evaluate(f"getComputedStyle(document.querySelector({query!r})).{name}") for name, query in names
    )
    assert fill == "none"
    assert line == ink != grid  # the reader's own colour
