"""Words that are executed: generated pages are fresh, code blocks run, links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path
from types import ModuleType

import pytest

from pellucid.cli import main
from pellucid.cli.environment import Environment, console

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SLOW = ("mnist", "fashion", "cd ", "make ", "pip ", "git ", "system --tune", "my_digit")


def make_docs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_docs", ROOT / "scripts" / "make_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_pages_are_fresh() -> None:
    assert make_docs().stale() == [], "run python scripts/make_docs.py"


def blocks(language: str) -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        for kind, code in BLOCK.findall(page.read_text("utf-8")):
            if kind == language:
                found.append((page.name, code))
    return found


@pytest.mark.parametrize(("page", "code"), blocks("python"), ids=lambda v: v[:20] if isinstance(v, str) else "")
def test_python_in_the_docs_runs(page: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(code, page, "exec"), {"__name__": "__docs__"})


def commands() -> list[str]:
    lines = [line for _, code in blocks("sh") for line in code.splitlines()]
    return [line for line in lines if line.startswith("pellucid ") and not any(word in line for word in SLOW)]


def test_commands_in_the_docs_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every quick command of the docs, in their order, in one folder, as a reader would type them."""
    monkeypatch.chdir(tmp_path)
    assert len(commands()) >= 3
    for line in commands():
        words = shlex.split(line.split("#")[0])[1:]
        with (tmp_path / "out.txt").open("w") as out:
            code = main(words, Environment(stdout=console(file=out), stderr=console(file=out)))
        assert code == 0, f"{line}\n{(tmp_path / 'out.txt').read_text()}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}, which is not there"
