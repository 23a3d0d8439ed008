"""A set-up: its name, how it is made, and what the doctor must say first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pellucid as pl


@dataclass(frozen=True)
class SetUp:
    """One training that was not made yet.

    Args:
        says: what it is, in a few words.
        make: gives (model, data) and what else `pl.doctor` is told.
        expected: the name of the first finding; "" for a healthy one.
    """

    says: str
    make: Callable[[], tuple[pl.Model, pl.Data, dict[str, Any]]]
    expected: str = ""

    def examine(self, **more: Any) -> pl.Diagnosis:
        model, data, told = self.make()
        return pl.doctor(model, data, **{"seconds": None, **told, **more})


def network(*layers: pl.Layer, loss: pl.Loss, inputs: Any, **more: Any) -> pl.Model:
    return pl.Model(*layers, loss=loss, input_shape=inputs, **more)
