"""A row of the suite's table: what one recipe reached, or why it did not. Plain numbers and words, for JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from math import isfinite
from typing import Any

from pellucid.base.errors import DataError

DONE, MISSING, FAILED = "done", "missing", "failed"
NOT_STORED = ("kept",)


@dataclass(frozen=True)
class Row:
    """What became of one recipe.

    Args:
        name, data: the recipe's name and its set's.
        state: "done", "missing" (the set is not on this machine) or "failed".
        trouble: for the last two, why, and what helps.
        network: in a few words; parameters: how many numbers one such network has.
        epochs, networks: how often each sample was seen, and by how many networks a pair of parts.
        seconds: for learning and judging, without reading the set, as the clock on the wall counts.
        learned, judged: how many samples; divided: how they were told apart.
        measure: "accuracy" or "r2"; score: what was reached, as a share.
        error, unit: for values, by how much the answers are off on average, and in what.
        aim: what was to be reached; before: what others did, pairs of a figure and whose.
        quick: whether only a part was learned.
        fingerprint: the recipe's; versions: of what computed; machine: on which.
        kept: whether the row is from an earlier run, and nothing was computed now.

    >>> row = Row("iris", "iris", "done", measure="accuracy", score=0.9733, aim=0.96)
    >>> row.figure, row.reached, row.plain()["score"]
    ('97.33 %', True, 0.9733)
    """

    name: str
    data: str
    state: str
    trouble: str = ""
    network: str = ""
    parameters: int = 0
    epochs: int = 0
    networks: int = 1
    seconds: float = 0.0
    learned: int = 0
    judged: int = 0
    divided: str = ""
    measure: str = ""
    score: float | None = None
    error: float | None = None
    unit: str = ""
    aim: float | None = None
    before: tuple[tuple[str, str], ...] = ()
    quick: bool = False
    fingerprint: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    machine: str = ""
    kept: bool = False

    @property
    def figure(self) -> str:
        """What was reached, as a person reads it; "" if nothing was."""
        if self.score is None:
            return ""
        return percent(self.score) if self.measure == "accuracy" else f"R2 {self.score:.3f}"

    @property
    def reached(self) -> bool | None:
        """Whether the aim was reached; None if there is none, or only a part was learned, or the set is not here."""
        if self.quick or self.aim is None or self.state == MISSING:
            return None
        return self.score is not None and self.score >= self.aim

    @property
    def bad(self) -> bool:
        """Whether this row makes the whole suite fail."""
        return self.state == FAILED or self.reached is False

    def plain(self) -> dict[str, Any]:
        """The row as JSON can hold it."""
        return {name: value for name, value in asdict(self).items() if name not in NOT_STORED}


def percent(share: float) -> str:
    """A share as two digits after the point tell it.

    >>> percent(0.98765)
    '98.77 %'
    """
    return f"{100 * share:.2f} %"


def row_from(said: Any) -> Row:
    """The row that `Row.plain` made.

    Raises:
        DataError: if it is none.
    """
    if not isinstance(said, dict):
        raise DataError(f"a row should be an object with names, not {type(said).__name__}")
    known = {f.name: f.type for f in fields(Row) if f.name not in NOT_STORED}
    if strange := sorted(set(said) - set(known)):
        raise DataError(f"a row holds {', '.join(map(repr, strange[:4]))}, which this version does not know")
    for name, value in said.items():
        if not _fits(str(known[name]), value):
            raise DataError(f"the row {said.get('name')!r} says {name} is {value!r:.60}")
    if not {"name", "data", "state"} <= set(said) or said["state"] not in (DONE, MISSING, FAILED):
        raise DataError("a row should have a name, its data, and a state: done, missing or failed")
    before = tuple((str(figure), str(who)) for figure, who in said.get("before", ()))
    return Row(**(said | {"before": before}))


def _fits(kind: str, value: Any) -> bool:
    """Whether a value from a file is of the kind that the field has."""
    if kind.startswith("float"):
        number = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
        return number or (value is None and kind.endswith("None"))
    if kind.startswith("tuple"):
        return isinstance(value, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in value)
    if kind.startswith("dict"):
        return isinstance(value, dict) and all(isinstance(part, str) for part in value.values())
    plain: dict[str, type] = {"str": str, "int": int, "bool": bool}
    return type(value) is plain[kind]
