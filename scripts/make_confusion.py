"""Writes the generated parts of docs/check.md: the example's report, the list of mistakes, the confusion table.

python scripts/make_confusion.py            # all of it, which takes a few minutes
python scripts/make_confusion.py --quick    # the report and the list; the table stays as it is
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.mutants import corpus  # noqa: E402
from tests.mutants.case import Case  # noqa: E402

from pellucid.inspection.backward.mistakes import MISTAKES  # noqa: E402
from pellucid.inspection.check_backward import check_backward  # noqa: E402

PAGE = ROOT / "docs" / "check.md"
RIGHT = "(a right implementation)"


def said_of(case: Case) -> str:
    """What the check says about a case: the names, or "right"."""
    subject, x, t = case.make()
    report = check_backward(subject, x, t)
    return "right" if report.ok else " and ".join(sorted(report.mistakes)) or "nothing could be compared"


def measure(cases: Iterable[Case]) -> dict[str, Counter[str]]:
    """How often each answer was given, by the true mistake."""
    table: dict[str, Counter[str]] = {}
    for case in cases:
        table.setdefault(case.mistake or RIGHT, Counter())[said_of(case)] += 1
    return table


def wanted(mistake: str) -> str:
    """The answer that is right."""
    return "right" if mistake == RIGHT else mistake


def shown(table: dict[str, Counter[str]]) -> str:
    """The table as Markdown: the diagonal as a number, everything off it in words."""
    order = [RIGHT, *(name for name in MISTAKES if name in table)]
    lines = ["| what it is | cases | named exactly | said instead |", "| --- | ---: | ---: | --- |"]
    for name in order:
        answers = table[name]
        others = ", ".join(f"{said} ({n})" for said, n in answers.most_common() if said != wanted(name))
        lines.append(f"| {name} | {sum(answers.values())} | {answers[wanted(name)]} | {others} |")
    mutants = [name for name in order if name != RIGHT]
    cases = sum(sum(table[name].values()) for name in mutants)
    exact = sum(table[name][name] for name in mutants)
    right = table[RIGHT]
    last = (
        f"Of {cases:,} mutants {exact:,} are named exactly ({100 * exact / cases:.1f} %); of {sum(right.values())} "
        f"right implementations {sum(right.values()) - right['right']} are called wrong."
    )
    return "\n".join([*lines, "", last])


def mistakes() -> str:
    """The list of the names with a sentence each."""
    lines = ["| name | what it is |", "| --- | --- |"]
    return "\n".join(lines + [f"| `{name}` | {text.replace('|', chr(92) + '|')} |" for name, text in MISTAKES.items()])


def example(page: str) -> str:
    """What the example on the page prints."""
    code = re.findall(r"<!-- example -->\n```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)[0]
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "check.md", "exec"), {"__name__": "__docs__"})
    return f"```text\n{out.getvalue().rstrip()}\n```"


def filled(page: str, name: str, text: str) -> str:
    """The page with the part between two marks replaced."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    head, _, rest = page.partition(begin)
    _, _, tail = rest.partition(end)
    assert tail, f"docs/check.md lacks the marks {begin} and {end}"
    return f"{head}{begin}\n{text}\n{end}{tail}"


def part(page: str, name: str) -> str:
    """What stands between two marks."""
    return page.partition(f"<!-- begin {name} -->\n")[2].partition(f"\n<!-- end {name} -->")[0]


if __name__ == "__main__":
    text = PAGE.read_text("utf-8")
    text = filled(text, "example", example(text))
    text = filled(text, "mistakes", mistakes())
    if "--quick" not in sys.argv:
        table = shown(measure([*corpus.right_ones(), *corpus.mutants()]))
        print(table)
        text = filled(text, "confusion", table)
    PAGE.write_text(text, "utf-8")
