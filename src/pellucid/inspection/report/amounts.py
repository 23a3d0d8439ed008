"""How much the page shows, and what is left out first where it would become too large."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Amounts:
    """How much of everything is shown.

    Args:
        steps: every so manieth of the chosen steps, 1 for all.
        looks: what the network looked like at a step.
        behind: samples behind a cell of the confusion matrix.
        depth: levels of a ledger.
        terms: terms of a sum in a ledger.
    """

    steps: int = 1
    looks: bool = True
    behind: int = 12
    depth: int = 5
    terms: int = 12
    left_out: tuple[str, ...] = ()

    def less(self, said: str, **changes: object) -> Amounts:
        """The same with less of something, and what that is."""
        return replace(self, left_out=(*self.left_out, said), **changes)  # type: ignore[arg-type]


def thinner() -> Iterator[Amounts]:
    """From all that there is to very little; what goes first is missed least.

    >>> [amounts.behind for amounts in thinner()]
    [12, 6, 6, 6, 3, 3, 3, 1, 0, 0]
    """
    now = Amounts()
    yield now
    for said, changes in (
        ("of the samples behind a number of the confusion matrix, 6 are shown instead of 12", {"behind": 6}),
        ("every second of the chosen steps", {"steps": 2}),
        ("levels of the ledgers below the third", {"depth": 3}),
        ("3 samples are shown instead of 6", {"behind": 3}),
        ("what the network looked like at each step", {"looks": False}),
        ("terms of the ledgers' sums but the largest 6", {"terms": 6}),
        ("one sample is shown instead of 3", {"behind": 1}),
        ("the samples behind the confusion matrix", {"behind": 0}),
        ("every second of the steps that remained, and the ledgers below the first level", {"steps": 4, "depth": 1}),
    ):
        now = now.less(said, **changes)
        yield now
