"""The house stays as it was planned: floors, sizes, words. What this measures is described in docs/architecture.md."""

from __future__ import annotations

import ast
import inspect
import io
import os
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

import pellucid as pl

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "pellucid"
FILES = sorted(SOURCE.rglob("*.py"))

# The floors. A module may import its own floor's (except where strangers) and what is below.
FLOORS = {
    "_version": 0,
    "base": 0,
    "kernels": 1,
    "layers": 2,
    "losses": 2,
    "metrics": 2,
    "penalties": 2,
    "optim": 2,
    "schedules": 2,
    "model": 3,
    "data": 4,
    "train": 4,
    "fit": 4,
    "events": 4,
    "diverged": 4,
    "describe": 4,
    "store": 4,
    "checkpoint": 4,
    "inspection": 5,
    "datasets": 5,
    "recipes": 5,
    "suite": 5,
    "book": 5,
    "cli": 6,
    "__main__": 6,
}
STRANGERS = ("layers", "losses", "metrics", "penalties")  # rooms of floor 2 that do not know each other
OUTSIDE = {  # what else a room may import at the top of its files
    "base": {"numpy"},
    "kernels": {"numpy", "numba"},
    "cli": {"numpy", "click", "rich", "pellucid"},
}
READING_PATH = (
    "layers/layer.py", "layers/dense.py", "base/stable.py", "layers/activations.py", "losses/loss.py",
    "losses/classes.py", "layers/compose.py",
    "base/params.py", "model.py", "optim.py", "data/batches.py", "train.py",
)  # fmt: skip
OTHERS = (  # layers beyond a dense network: pages of one kind, each read by itself, so counted by themselves
    "attention", "conv", "correlate", "deconv", "embedding", "gru", "lstm", "norm", "pool", "recurrent", "resize",
    "window",
)  # fmt: skip
KINDS = (
    "augment",
    "columns",
    "mixing",
    "paint",
    "pictures",
    "resample",
    "warp",
)  # of columns and pictures, of changes of a picture
CATALOGUE = {f"layers/{name}.py" for name in OTHERS} | {f"data/{name}.py" for name in KINDS}
CORE_LINES, CATALOGUE_LINES, READING_LINES, TOKENS_A_LINE = 2_500, 1_600, 1_000, 11.0
LAZY = {"model": {"fit", "store", "inspection"}}  # said aloud where it happens


def room(path: Path) -> str:
    first = path.relative_to(SOURCE).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> list[tuple[str, bool]]:
    """Every module that a file imports, and whether it does so at the top (and not for types alone)."""
    found = []
    tree = ast.parse(path.read_text())
    top: set[int] = set()
    for node in tree.body:
        if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
            top |= {id(inner) for inner in ast.walk(node) if not isinstance(node, ast.FunctionDef | ast.ClassDef)}
    hidden = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "pellucid" else [f"pellucid.{alias.name}" for alias in node.names]
            found += [(name, id(node) in top) for name in names]
    return found


@pytest.mark.parametrize(
    "path", [p for p in FILES if p != SOURCE / "__init__.py"], ids=lambda p: str(p.relative_to(SOURCE))
)
def test_no_floor_knows_what_is_above_it(path: Path) -> None:
    mine = room(path)
    for name, _ in imports(path):
        parts = name.split(".")
        if parts[0] != "pellucid" or len(parts) == 1:
            assert parts[0] != "pellucid" or FLOORS[mine] == 6, f"{mine} imports the whole of pellucid"
            continue
        other = parts[1]
        if other in LAZY.get(mine, set()):
            continue
        assert other in FLOORS, f"{other} has no floor yet: give it one here and in docs/architecture.md"
        assert FLOORS[other] <= FLOORS[mine], f"{mine} (floor {FLOORS[mine]}) imports {other} (floor {FLOORS[other]})"
        assert not (mine != other and mine in STRANGERS and other in STRANGERS), f"{mine} and {other} are strangers"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_only_the_core_libraries_are_imported_at_the_top(path: Path) -> None:
    allowed = OUTSIDE.get(room(path), {"numpy"}) | {"pellucid"}
    for name, at_top in imports(path):
        first = name.split(".")[0]
        if at_top and first not in sys.stdlib_module_names:
            assert first in allowed, (
                f"{first} is imported at the top of {path.name}; import it in the function that needs it"
            )
    if path.name == "jit.py":
        return
    assert "numba" not in {name.split(".")[0] for name, at_top in imports(path) if at_top}


def code_lines(path: Path) -> tuple[int, int]:
    """(lines with code, tokens in them): docstrings, comments and blank lines do not count."""
    source = path.read_text()
    words: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            string = node.body[0]
            words |= set(range(string.lineno, (string.end_lineno or string.lineno) + 1))
    skip = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING}
    lines: set[int] = set()
    count = inside = 0  # Python 3.12 began to cut f-strings into pieces; here each is one token, as it was before
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in skip or token.type == tokenize.ENDMARKER or token.start[0] in words:
            continue
        name = tokenize.tok_name[token.type]
        inside += (name == "FSTRING_START") - (name == "FSTRING_END")
        count += not inside
        lines |= set(range(token.start[0], token.end[0] + 1))
    return len(lines), count


def test_the_core_can_be_read_in_an_evening() -> None:
    rooms = [p for p in FILES if p.name != "__init__.py" and FLOORS[room(p)] <= 4 and room(p) != "kernels"]
    sizes = {str(p.relative_to(SOURCE)): code_lines(p) for p in rooms}
    assert sizes.keys() >= CATALOGUE
    core = sum(lines for name, (lines, _) in sizes.items() if name not in CATALOGUE)
    catalogue = sum(sizes[name][0] for name in CATALOGUE)
    tokens = sum(count for name, (_, count) in sizes.items() if name not in CATALOGUE) / core
    path = sum(code_lines(SOURCE / name)[0] for name in READING_PATH)
    print(f"\ncore {core}, catalogue {catalogue}, reading path {path} code lines; {tokens:.1f} tokens a line")
    assert core <= CORE_LINES
    assert catalogue <= CATALOGUE_LINES
    assert path <= READING_LINES
    assert tokens <= TOKENS_A_LINE


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_a_file_says_why_it_exists_and_is_not_too_long(path: Path) -> None:
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text)), "the first thing in a file is why it exists"
    if path.name == "__init__.py" and path.parent == SOURCE:
        return
    assert len(text.splitlines()) <= 300, "one idea a file: split it"


PUBLIC = sorted(name for name in vars(pl) if not name.startswith("_") and callable(getattr(pl, name)))


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_explained(name: str) -> None:
    thing = getattr(pl, name)
    words = inspect.getdoc(thing)
    assert words, f"pl.{name} has no docstring"
    assert len(words.split()) >= 5
    if inspect.isclass(thing):
        for method, function in vars(thing).items():
            if callable(function) and not method.startswith("_"):
                assert inspect.getdoc(getattr(thing, method)), f"pl.{name}.{method} has no docstring"


NEEDS_NO_EXAMPLE = {
    "Layer",
    "Loss",
    "Init",
    "Penalty",
    "Optimizer",
    "Event",
    "Step",
    "Param",
    "Run",
}  # parents, records
RECORDS = {"Noted", "StepDone", "Stopped", "EpochDone"}


@pytest.mark.parametrize("name", [n for n in PUBLIC if n not in NEEDS_NO_EXAMPLE | RECORDS])
def test_every_public_name_has_an_example_that_runs(name: str) -> None:
    thing = getattr(pl, name)
    if inspect.isclass(thing) and issubclass(thing, Exception):
        return
    module = sys.modules[thing.__module__]
    assert ">>>" in (inspect.getdoc(thing) or "") or f"pl.{name}" in (module.__doc__ or ""), f"pl.{name} has no example"


def test_every_public_name_is_exported_one_a_line() -> None:
    for line in (SOURCE / "__init__.py").read_text().splitlines():
        if line.startswith("from"):
            assert re.fullmatch(r"from pellucid[\w.]* import (\w+) as \1", line), line


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_in_the_reference(name: str) -> None:
    assert f"`{name}`" in (ROOT / "docs" / "reference.md").read_text(), f"docs/reference.md does not mention {name}"


def test_importing_changes_nothing_and_loads_nothing_heavy() -> None:
    script = (
        "import os, sys; before = dict(os.environ); import pellucid; assert dict(os.environ) == before; "
        "print([m for m in ('numba', 'safetensors', 'rich', 'click', 'PIL', 'scipy', 'threading_', 'socket') "
        "if m in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert out.stdout.strip() == "[]"


def test_no_generated_address_or_path_of_a_machine_is_in_the_repository() -> None:
    words = re.compile(r"https?://(?:pypi|files\.pythonhosted|registry\.npmjs)|/(?:home|root)/\w+")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    for name in listed.stdout.split():
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".txt", ".yml", ".json", ""} and path.is_file():
            assert not words.search(path.read_text(errors="replace")), f"{name} holds an address or a machine's path"
