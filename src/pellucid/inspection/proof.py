"""The proof of a cure: the same short training twice, without the cure and with it, and both curves beside each other.

A cure that is only named must be believed. A cure that was tried can be looked at, also when it did not help.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, log
from typing import Any

BARS = "▁▂▃▄▅▆▇█"
BROKEN = "×"
WIDE = 10.0  # curves that differ more are drawn by their logarithm
WIDTH = 40  # columns of a curve in the terminal


@dataclass(frozen=True)
class Proof:
    """What was measured along two short trainings from the same start.

    Args:
        measure: what the curves count: "validation loss", "validation accuracy".
        steps: after which steps it was measured, 0 for the start.
        before: the curve without the cure; a number that is not finite ends it.
        after: the curve with the cure.
        helped: whether the cure made a difference for the better that is worth the words.
        says: both curves in one sentence.

    >>> proof = Proof("validation loss", (0, 10, 20), (2.3, 2.4, 2.3), (2.3, 1.1, 0.4), True, "2.3 becomes 0.4.")
    >>> print(proof)
    proof: 2.3 becomes 0.4.
      validation loss over 20 steps
        without  ███  2.3 to 2.3
        with     █▃▁  2.3 to 0.4
    """

    measure: str
    steps: tuple[int, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]
    helped: bool
    says: str

    def __str__(self) -> str:
        both = [v for v in (*self.before, *self.after) if isfinite(v)]
        low, high = min(both, default=0.0), max(both, default=1.0)
        wide = low > 0 and high > WIDE * low
        lines = [f"proof: {self.says}", f"  {self.measure} over {self.steps[-1]} steps" + ", each bar a factor" * wide]
        for name, curve in (("without", self.before), ("with", self.after)):
            end = f"{curve[0]:.3g} to {curve[-1]:.3g}" if isfinite(curve[-1]) else f"{curve[0]:.3g}, then not finite"
            end = end if isfinite(curve[0]) else "refused"
            drawn = [log(v) if isfinite(v) and v > 0 else v for v in curve] if wide else curve
            lines.append(f"    {name:<7}  {sparkline(drawn, (log(low), log(high)) if wide else (low, high))}  {end}")
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """The proof as plain values."""
        return {
            "measure": self.measure,
            "steps": list(self.steps),
            "before": list(self.before),
            "after": list(self.after),
            "helped": self.helped,
            "says": self.says,
        }


def sparkline(values: Sequence[float], scale: tuple[float, float] | None = None) -> str:
    """Numbers as a row of bars, the least the lowest; what is not finite is a cross.

    >>> sparkline([0.0, 1.0, 2.0, float("nan")])
    '▁▅█×'
    """
    if len(values) > WIDTH:
        values = [values[i * (len(values) - 1) // (WIDTH - 1)] for i in range(WIDTH)]
    finite = [v for v in values if isfinite(v)]
    low, high = scale or (min(finite, default=0.0), max(finite, default=1.0))
    span = (high - low) or 1.0
    return "".join(BARS[round((v - low) / span * (len(BARS) - 1))] if isfinite(v) else BROKEN for v in values)
