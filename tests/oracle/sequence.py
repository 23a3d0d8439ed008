"""The formulas of normalisation, embedding, recurrent layers and attention, for the tape to differentiate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.oracle.tape import Num, sqrt

Formula = Callable[[Num, dict[str, Any]], Num]


def standardized(x: Num, axis: tuple[int, ...]) -> Num:
    d = x - x.mean(axis, keepdims=True)
    return d / sqrt((d * d).mean(axis, keepdims=True) + 1e-5)


def over(*axes: int) -> Formula:
    """Normalised over these axes."""
    return lambda x, p: standardized(x, axes) * p["g"] + p["b"]


def group_norm(groups: int) -> Formula:
    def formula(x: Num, p: dict[str, Any]) -> Num:
        parts = standardized(x.reshape(len(x.value), -1, groups, x.shape[-1] // groups), (1, 3))
        return parts.reshape(*x.shape) * p["g"] + p["b"]

    return formula


def fixed_batch_norm(x: Num, p: dict[str, Any]) -> Num:
    return (x - p["mean"]) / (p["var"] + 1e-5) ** 0.5 * p["g"] + p["b"]


FORMULAS: dict[str, Formula] = {
    "batch_norm": fixed_batch_norm,
    "batch_norm_on_pictures": fixed_batch_norm,
    "batch_norm_training": over(0, 1),
    "batch_norm_training_on_pictures": over(0, 1, 2),
    "layer_norm": over(-1),
    "layer_norm_on_sequences": over(-1),
    "group_norm": group_norm(2),
    "group_norm_one_group": group_norm(1),
    "group_norm_each_channel": group_norm(3),
    "group_norm_on_rows": group_norm(2),
}
