"""The formulas of normalisation, embedding, recurrent layers and attention, for the tape to differentiate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.oracle.dense import sigmoid, softmax
from tests.oracle.tape import Num, concatenate, sqrt, tanh, where

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


# A step: the input's part of a (N, G K), the state before, the parameters; the state after. All states start at 0.
Step = Callable[[Num, tuple[Num, ...], dict[str, Any]], tuple[Num, ...]]


def recurrent(step: Step, sequence: bool = False) -> Formula:
    """p may hold "mask" (N, T): where it is 0, the state is that before the step."""

    def formula(x: Num, p: dict[str, Any]) -> Num:
        N, T, _ = x.shape
        states = tuple(Num(np.zeros((N, p["Wh"].shape[0]))) for _ in range(2))
        out = []
        for t in range(T):
            after = step(x[:, t], states, p)
            if "mask" in p:
                after = tuple(where(p["mask"][:, t, None], a, b) for a, b in zip(after, states, strict=True))
            states = after
            out.append(states[0].reshape(N, 1, -1))
        return concatenate(out, axis=1) if sequence else states[0]

    return formula


def rnn(x: Num, state: tuple[Num, ...], p: dict[str, Any]) -> tuple[Num, ...]:
    return tanh(x @ p["Wx"] + state[0] @ p["Wh"] + p["b"]), state[1]


def gru(x: Num, state: tuple[Num, ...], p: dict[str, Any]) -> tuple[Num, ...]:
    h, K = state[0], state[0].shape[1]
    a, c = x @ p["Wx"] + p["bx"], h @ p["Wh"] + p["bh"]
    r, z = sigmoid(a[:, :K] + c[:, :K]), sigmoid(a[:, K : 2 * K] + c[:, K : 2 * K])
    n = tanh(a[:, 2 * K :] + r * c[:, 2 * K :])
    return (1.0 - z) * n + z * h, state[1]


def lstm(x: Num, state: tuple[Num, ...], p: dict[str, Any]) -> tuple[Num, ...]:
    h, c = state
    K = h.shape[1]
    a = x @ p["Wx"] + h @ p["Wh"] + p["b"]
    i, f, g, o = (a[:, k * K : (k + 1) * K] for k in range(4))
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    return sigmoid(o) * tanh(c), c


def attention(heads: int, causal: bool = False) -> Formula:
    """p may hold "mask" (N, T): where it is 0, nobody looks. Every step must see one step at least."""

    def formula(x: Num, p: dict[str, Any]) -> Num:
        T, D = x.shape[1:]
        d = D // heads
        hidden = np.triu(np.full((T, T), -np.inf), 1) if causal else np.zeros((T, T))
        if "mask" in p:
            hidden = hidden + np.where(p["mask"], 0.0, -np.inf)[:, None, :]
        qkv, out = x @ p["W"] + p["b"], []
        for j in range(heads):
            q, k, v = (qkv[:, :, i * D + j * d : i * D + (j + 1) * d] for i in range(3))
            out.append(softmax(q @ k.transpose(0, 2, 1) / d**0.5 + hidden) @ v)
        return concatenate(out) @ p["Wo"] + p["bo"]

    return formula


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
    "simple_rnn": recurrent(rnn),
    "simple_rnn_sequence": recurrent(rnn, sequence=True),
    "simple_rnn_one_step": recurrent(rnn),
    "gru": recurrent(gru),
    "gru_sequence": recurrent(gru, sequence=True),
    "lstm": recurrent(lstm),
    "lstm_sequence": recurrent(lstm, sequence=True),
    "attention": attention(2),
    "attention_one_head": attention(1),
    "attention_causal": attention(2, causal=True),
    "embedding": looked_up,
    "embedding_with_pad": lambda x, p: looked_up(x, p) * (x.value != 1)[..., None],
    "embedding_of_tables": looked_up,
    "positional_encoding": lambda x, p: x + waves(*x.shape[1:]),
    "positional_encoding_of_odd_width": lambda x, p: x + waves(*x.shape[1:]),
}
