"""What the check says: a row for each array, and for each mistake its evidence and its repair.

The report is made of plain values, so that it prints, goes into JSON, and can be asked.
"""

from __future__ import annotations

import textwrap
from dataclasses import asdict, dataclass
from math import log10
from typing import Any, Literal

from pellucid.inspection.backward.mistakes import MISTAKES, UNKNOWN

Verdict = Literal["right", "wrong", "not checked"]
WIDTH = 110


@dataclass(frozen=True)
class ArrayReport:
    """What was found out about one array that backward reports.

    Args:
        name: what it is called there: "dweights".
        verdict: "right", "wrong" or "not checked".
        numbers: how many of its numbers were compared, over all draws.
        error: the largest difference, relative to the array's largest number.
        mistakes: the names of what is wrong; empty if no rule was recognised.
        remark: what else is to be said.
    """

    name: str
    verdict: Verdict
    numbers: int = 0
    error: float = 0.0
    mistakes: tuple[str, ...] = ()
    remark: str = ""

    def __str__(self) -> str:
        if self.verdict == "wrong":
            words = ", ".join(self.mistakes) or UNKNOWN.removeprefix("wrong, ")
            return f"WRONG        {words}" + (f" ({self.remark})" if self.remark else "")
        if self.verdict == "not checked":
            return f"not checked  {self.remark}"
        digits = min(16.0, -log10(max(self.error, 1e-16)))
        return f"right        {self.numbers:,} numbers, agree to {digits:.1f} digits" + (
            f"; {self.remark}" if self.remark else ""
        )


@dataclass(frozen=True)
class Finding:
    """One mistake, in one or several arrays.

    Args:
        name: its name, one of `MISTAKES`; or "wrong, by an unknown rule".
        arrays: where it is.
        evidence: numbers that show it, one sentence a line.
        repair: code that is right.
    """

    name: str
    arrays: tuple[str, ...]
    evidence: tuple[str, ...] = ()
    repair: str = ""

    @property
    def meaning(self) -> str:
        """What the mistake is, in a sentence."""
        return MISTAKES.get(self.name, "No rule that this check knows gives these numbers; here they are.")

    def __str__(self) -> str:
        lines = [f"{self.name}: {', '.join(self.arrays)}"]
        lines += _block("what", self.meaning)
        for i, line in enumerate(self.evidence):
            lines += _block("" if i else "evidence", line)
        for i, line in enumerate(self.repair.splitlines()):
            lines.append(f"  {'' if i else 'repair':<10}{line}".rstrip())
        return "\n".join(lines)


def _block(head: str, text: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=f"  {head:<10}", subsequent_indent=" " * 12, break_long_words=False
    )


@dataclass(frozen=True)
class BackwardReport:
    """The answer of `pl.check_backward`: print it, or ask `report.ok` and `report.mistakes`.

    >>> import numpy as np
    >>> import pellucid as pl
    >>> report = pl.check_backward(pl.Tanh(), np.ones((2, 3)))
    >>> report.ok, report.mistakes
    (True, ())

    Args:
        subject: what was checked.
        how: in which draws, in words.
        arrays: one report for each array.
        findings: one for each mistake.
        notes: what else is worth knowing, and no mistake.
        what: what is judged: "backward pass", "update".
    """

    subject: str
    how: str
    arrays: tuple[ArrayReport, ...]
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    what: str = "backward pass"

    @property
    def ok(self) -> bool:
        """Nothing is wrong, and something could be compared."""
        return not self.findings and any(row.verdict == "right" for row in self.arrays)

    @property
    def mistakes(self) -> tuple[str, ...]:
        """The names of the mistakes, each once."""
        return tuple(dict.fromkeys(finding.name for finding in self.findings))

    def __getitem__(self, name: str) -> ArrayReport:
        """The report of this array."""
        for row in self.arrays:
            if row.name == name:
                return row
        raise KeyError(f"{name!r} was not checked; there are {', '.join(row.name for row in self.arrays)}")

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values, for programs."""
        return {
            "subject": self.subject,
            "ok": self.ok,
            "how": self.how,
            "arrays": [asdict(row) for row in self.arrays],
            "mistakes": [asdict(finding) | {"meaning": finding.meaning} for finding in self.findings],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        width = max((len(row.name) for row in self.arrays), default=0)
        lines = [f"{self.subject}: {self.how}", ""]
        lines += [f"{row.name:<{width}}  {row}" for row in self.arrays]
        for finding in self.findings:
            lines += ["", str(finding)]
        lines += [""] + [line for note in self.notes for line in textwrap.wrap("Note: " + note, WIDTH)]
        wrong = [row.name for row in self.arrays if row.verdict == "wrong"]
        wrong = [] if wrong == [self.what] else wrong
        if self.ok:
            lines.append(f"The {self.what} is right.")
        elif wrong or self.findings:
            lines.append(f"The {self.what} is wrong" + (f" in {', '.join(wrong)}." if wrong else "."))
        else:
            lines.append("Nothing could be compared.")
        return "\n".join(lines)
