"""What training says while it runs: plain records, to print, to plot, or to leave the loop on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Event:
    """The parent of all events."""


@dataclass(slots=True)
class Noted(Event):
    """Something a person should know once: inputs that were not scaled, a type that was converted."""

    text: str


@dataclass(slots=True)
class StepDone(Event):
    """One batch was learned. `step` counts from 1 over the whole training; `loss` is the batch's, before the update."""

    step: int
    epoch: int
    loss: float
    lr: float


@dataclass(slots=True)
class EpochDone(Event):
    """Every sample was seen once more.

    `loss` and `metrics` are means over the epoch's batches, each measured as it was learned, so with the weights of
    that moment; the validation's are measured at the end of the epoch on all of it. `epoch` counts from 1.
    """

    epoch: int
    step: int
    loss: float
    metrics: dict[str, float] = field(default_factory=dict)
    val_loss: float | None = None
    val_metrics: dict[str, float] = field(default_factory=dict)
    lr: float = 0.0
    seconds: float = 0.0

    def row(self) -> dict[str, Any]:
        """What the history keeps: everything but the clock, so that the same training has the same history.

        >>> EpochDone(1, 32, 0.5, {"accuracy": 0.9}, 0.6, {"accuracy": 0.8}, 0.1).row()
        {'epoch': 1, 'loss': 0.5, 'accuracy': 0.9, 'val_loss': 0.6, 'val_accuracy': 0.8, 'lr': 0.1}
        """
        row: dict[str, Any] = {"epoch": self.epoch, "loss": self.loss, **self.metrics}
        if self.val_loss is not None:
            row["val_loss"] = self.val_loss
            row |= {f"val_{name}": value for name, value in self.val_metrics.items()}
        return row | {"lr": self.lr}


@dataclass(slots=True)
class Stopped(Event):
    """Training ended before its last epoch, and why."""

    reason: str


class History(list[dict[str, Any]]):
    """The training so far: one dict an epoch, which a data frame takes as it is; a column by its name.

    >>> history = History([{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.4}])
    >>> history["loss"], history[0]
    ([0.5, 0.4], {'epoch': 1, 'loss': 0.5})
    """

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            if self and not any(key in row for row in self):
                raise KeyError(f"{key!r} is not in this history; it has {', '.join(super().__getitem__(0))}")
            return [row.get(key) for row in self]
        return super().__getitem__(key)
