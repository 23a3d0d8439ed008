"""A finding: something that is wrong with data or a training, how it is known, and what helps.

The doctor of data and the doctor of trainings both speak in findings, so that the terminal, a report and a screen show
them in one way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from textwrap import indent
from types import MappingProxyType
from typing import Any

from pellucid.inspection.proof import Proof

NOTHING: Mapping[str, tuple[float, ...]] = MappingProxyType({})


@dataclass(frozen=True)
class Finding:
    """What was found, with its evidence and its cure.

    Args:
        name: the finding's own name, the same each time: "unscaled inputs".
        says: one sentence for a person, with the figures.
        evidence: further sentences: what was measured, and what would be usual.
        cure: one sentence on what helps; empty where nothing is known.
        code: the cure as Python or as options of the command line; empty where there is none.
        curves: what can be drawn of it: the name of a curve and its numbers, in the order of steps or of layers.
        proof: what a short training showed without the cure and with it; None if the cure was not tried.

    >>> print(Finding("unscaled inputs", "The inputs reach 255.", ("usual are -1 to 1",), "Scale them.", "x / 255"))
    unscaled inputs: The inputs reach 255.
      usual are -1 to 1
      cure: Scale them.
          x / 255
    """

    name: str
    says: str
    evidence: tuple[str, ...] = ()
    cure: str = ""
    code: str = ""
    curves: Mapping[str, tuple[float, ...]] = field(default_factory=lambda: NOTHING)
    proof: Proof | None = None

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.says}", *(f"  {line}" for line in self.evidence)]
        if self.cure:
            lines.append(f"  cure: {self.cure}")
        if self.code:
            lines.append(indent(self.code, "      "))
        if self.proof is not None:
            lines.append(indent(str(self.proof), "  "))
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """The finding as plain values, for JSON.

        >>> Finding("unscaled inputs", "The inputs reach 255.").as_dict()["name"]
        'unscaled inputs'
        """
        return {
            "name": self.name,
            "says": self.says,
            "evidence": list(self.evidence),
            "cure": self.cure,
            "code": self.code,
            "curves": {name: list(numbers) for name, numbers in self.curves.items()},
            "proof": None if self.proof is None else self.proof.as_dict(),
        }
