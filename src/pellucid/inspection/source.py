"""Which line of the library computed a number: found in the layer's own source, so that it is never out of date."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pellucid.inspection.trace import Trace

HOME = Path(__file__).resolve().parents[1]


class Source(str):
    """A line of source as "layers/dense.py: y += self.b[None]"; `file`, `line` (its number) and `text` apart."""

    file: str
    line: int
    text: str

    def __new__(cls, file: str, line: int, text: str) -> Source:
        made = str.__new__(cls, f"{file}: {text}")
        made.file, made.line, made.text = file, line, text
        return made


def source_of(trace: Trace, owner: str, name: str) -> Source | None:
    """The line that computed an array, or None if the source is not to be had."""
    param, dot, rest = name.partition(".")
    if owner == "loss":
        known = {"loss": ("forward", r"\btotal\s*="), "dz": ("backward", r"\bdz\s*=")}
        wanted = known.get(name, ("forward", rf"\b{name}\b.*="))
        kind: type = type(trace.model.loss)
    elif dot and param != "cache":
        if trace.update is None or trace.update.optimizer is None:
            return None
        letter = r"theta\s*[-+]=" if rest in ("step", "after") else rf"self\.{rest.removesuffix('.before')}\b"
        kind, wanted = type(trace.update.optimizer), ("move", letter + r"|\.adam\(")
    else:
        kind = type(trace.layer(owner))
        params = trace.nodes[owner].params
        if name[0] == "d" and name[1:] in params:
            wanted = ("", rf"self\.{name}\b(?!:)")
        elif name == "y":
            wanted = ("forward", r"^\s*y(, \w+)* =|^\s*return ")
        elif name == "dx":
            wanted = ("backward", r"^\s*return |^\s*dx\b")
        else:
            wanted = ("", rf"\b{rest or name}(\[.*\])?(, \w+)*\s*[-+*]?=[^=]")
    return _search(kind, *wanted)


@lru_cache(maxsize=256)
def _search(kind: type, method: str, pattern: str) -> Source | None:
    found = None
    for text, number, file in _lines(kind, method):
        if re.search(pattern, text):
            found = Source(file, number, text.strip())
            if not re.match(r"\s*return ", text):
                return found
    return found


def _lines(kind: type, method: str) -> Iterator[tuple[str, int, str]]:
    """The code of a class's methods (or of one), its own before its parents'; docstrings left out."""
    for parent in kind.__mro__[:-2]:
        for name, function in vars(parent).items():
            if not inspect.isfunction(function) or (method and name != method):
                continue
            try:
                lines, first = inspect.getsourcelines(function)
                path = Path(inspect.getsourcefile(function) or "").resolve()
            except (OSError, TypeError):
                continue
            file = str(path.relative_to(HOME)) if path.is_relative_to(HOME) else path.name
            quoted = False
            for i, text in enumerate(lines):
                marks = text.count('"""')
                if not quoted and not marks and i:
                    yield text, first + i, file.replace("\\", "/")
                quoted = quoted != (marks == 1)
