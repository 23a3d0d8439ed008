"""What a rung of the ladder answers: what it looked at, and what it found, if anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pellucid.inspection.finding import Finding
from pellucid.inspection.ladder.case import Case


@dataclass(frozen=True)
class Found:
    """A finding with the case in which it is cured.

    Args:
        finding: what is said.
        cured: the case as it would be with the cure; None where only the reader can help.
        other_samples: whether the cure is to measure on other samples; the proof then shows both measurements.
        stops: whether everything above would only repeat this.
    """

    finding: Finding
    cured: Case | None = None
    stops: bool = False
    other_samples: bool = False


@dataclass(frozen=True)
class Seen:
    """What was looked at, in a few words with the figures; and what was found, one thing at a time."""

    says: str
    found: Found | None = None


Rung = Callable[[Case], Seen]
