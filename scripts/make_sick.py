"""Writes the generated parts of docs/doctor.md: what the examples print, the table of the sick, the healthy.

python scripts/make_sick.py
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.sick.case import SetUp  # noqa: E402
from tests.sick.corpus import SICK  # noqa: E402
from tests.sick.healthy import HEALTHY  # noqa: E402

PAGE = ROOT / "docs" / "doctor.md"


def row(one: SetUp) -> str:
    """One sick set-up: what it is, what is found first, what the proof of its cure says."""
    diagnosis = one.examine(prove=True)
    first = diagnosis.findings[0] if diagnosis.findings else None
    name = "" if first is None else first.name
    proof = "only the reader can help" if first is None or first.proof is None else first.proof.says
    return f"| {one.says} | `{name}` | {proof} |"


def sick() -> str:
    """The table."""
    lines = ["| what is wrong | found first | the cure, tried |", "| --- | --- | --- |"]
    return "\n".join(lines + [row(one) for one in SICK])


def healthy() -> str:
    """The list, which fails if one of them gets a finding."""
    for one in HEALTHY:
        assert one.examine().ok, f"{one.says} gets a finding"
    return "\n".join(f"- {one.says}" for one in HEALTHY)


def examples(page: str) -> str:
    """The page with what each example prints, between the marks below it."""
    for name, code in re.findall(r"<!-- example (\w+) -->\n```python\n(.*?)^```", page, re.M | re.S):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(code, "doctor.md", "exec"), {"__name__": "__docs__"})
        page = filled(page, name, f"```text\n{out.getvalue().rstrip()}\n```")
    return page


def filled(page: str, name: str, text: str) -> str:
    """The page with the part between two marks replaced."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    head, _, rest = page.partition(begin)
    _, _, tail = rest.partition(end)
    assert tail, f"docs/doctor.md lacks the marks {begin} and {end}"
    return f"{head}{begin}\n{text}\n{end}{tail}"


if __name__ == "__main__":
    text = examples(PAGE.read_text("utf-8"))
    text = filled(text, "sick", sick())
    text = filled(text, "healthy", healthy())
    PAGE.write_text(text, "utf-8")
