"""A real browser for the pages that Pellucid writes: Chromium without a window, driven as a person would.

A page must work from a file with nobody to ask: any line in the browser's console and any request that is not the file
itself fails the test. Chromium comes from the system (Debian and Ubuntu: `apt install chromium`); where there is none,
these tests are skipped and say so.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (  # a browser that asks nobody anything
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
Open = Callable[..., Any]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, or the test is skipped."""
    path = os.environ.get("PELLUCID_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"no Chromium here (looked for {', '.join(NAMES)}; the variable PELLUCID_CHROMIUM names another)")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is missing: no browser can be driven")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """`open_page(html, **options)` opens a text as a page from a file; the options are the browser context's."""
    contexts, complaints = [], []

    def opened(html: str, **options: Any) -> Any:
        file = tmp_path / f"page{len(contexts)}.html"
        file.write_text(html, encoding="utf-8")
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("request", lambda asked: complaints.extend([f"request: {asked.url}"] * outside(asked.url, file)))
        page.goto(file.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints, complaints


def outside(url: str, file: Path) -> bool:
    """Whether an address is neither the page itself nor written inside it."""
    return not (url.split("#")[0] == file.as_uri() or url.startswith(("data:", "blob:", "about:")))


def barriers(page: Any) -> list[str]:
    """What axe-core finds that would stop somebody: the rule, and where."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is missing")
    found = axe.Axe().run(page).response["violations"]
    return [f"{rule['id']}: {rule['help']}: {node['html'][:120]}" for rule in found for node in rule["nodes"]]
