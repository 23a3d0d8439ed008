"""The formulas of normalisation, embedding, recurrent layers and attention, for the tape to differentiate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

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


def looked_up(x: Num, p: dict[str, Any]) -> Num:
    return p["W"][x.value.astype(int)]


def waves(T: int, D: int) -> Any:
    """sin and cos side by side as one complex number: e^(i angle) = cos + i sin."""
    turns = np.exp(1j * np.outer(np.arange(T), 10_000.0 ** (-np.arange(0, D, 2) / D)))
    return np.stack([turns.imag, turns.real], axis=-1).reshape(T, -1)[:, :D]


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
    "embedding": looked_up,
    "embedding_with_pad": lambda x, p: looked_up(x, p) * (x.value != 1)[..., None],
    "embedding_of_tables": looked_up,
    "positional_encoding": lambda x, p: x + waves(*x.shape[1:]),
    "positional_encoding_of_odd_width": lambda x, p: x + waves(*x.shape[1:]),
}
