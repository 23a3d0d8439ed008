"""How long one training step of two small networks of sequences takes: an LSTM, and a block of causal attention.

    python benchmarks/sequence_step.py [--quick] [--parts] [--only lstm|attention]

The LSTM reads 32 steps of 64 numbers into 128 units; a dense layer of 10 answers after the last step. The attention
block is that of most language models: x + attention(layer norm x), 4 heads over 64 steps of 64 numbers, then x + (layer
norm, dense 256, ReLU, dense 64); a dense layer of 10 answers after every step. Batch 32, softmax cross-entropy, Adam.

PyTorch runs its own nn.LSTM and nn.MultiheadAttention. Its LSTM has two biases that only ever add up; the second is
kept at 0, or its sum would learn twice as fast. How the times are taken and compared is in contest.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from contest import FAST, NUMPY, WARM_UP, Competitor, Pellucid, Torch, drawn, introduce, options, race

N, D, K, STEPS = 32, 64, 10, 20
T_LSTM, UNITS = 32, 128
T, HEADS, INNER = 64, 4, 256


def lstm() -> Any:
    import pellucid as pl

    return pl.Model(pl.LSTM(UNITS), pl.Dense(K), loss=pl.SoftmaxCrossEntropy(), input_shape=(T_LSTM, D))


def torch_lstm() -> Any:
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.head = nn.LSTM(D, UNITS, batch_first=True), nn.Linear(UNITS, K)
            with torch.no_grad():
                self.lstm.bias_hh_l0.zero_()
            self.lstm.bias_hh_l0.requires_grad_(False)

        def forward(self, x: Any) -> Any:
            return self.head(self.lstm(x)[0][:, -1])

    return Net()


def attention() -> Any:
    import pellucid as pl

    return pl.Model(
        pl.Residual(pl.LayerNorm(), pl.MultiHeadAttention(HEADS, causal=True)),
        pl.Residual(pl.LayerNorm(), pl.Dense(INNER), pl.ReLU(), pl.Dense(D)),
        pl.Dense(K),
        loss=pl.SoftmaxCrossEntropy(), input_shape=(T, D),
    )  # fmt: skip


def torch_attention() -> Any:
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.attention = nn.LayerNorm(D), nn.MultiheadAttention(D, HEADS, batch_first=True)
            self.inner = nn.Sequential(nn.LayerNorm(D), nn.Linear(D, INNER), nn.ReLU(), nn.Linear(INNER, D))
            self.head = nn.Linear(D, K)
            mask = nn.Transformer.generate_square_subsequent_mask(T)
            self.register_buffer("mask", mask)

        def forward(self, x: Any) -> Any:
            q = self.norm(x)
            x = x + self.attention(q, q, q, attn_mask=self.mask, is_causal=True, need_weights=False)[0]
            return self.head(x + self.inner(x))

    return Net()


def turned(i: int, w: Any) -> Any:
    """A matrix from our layout to PyTorch's, or back: outputs before inputs."""
    return np.ascontiguousarray(w.T)


def four(ours: Callable[[], Any], theirs: Callable[[], Any]) -> dict[str, tuple[str, Callable[[], Competitor]]]:
    return {
        NUMPY: ("pellucid", lambda: Pellucid(ours, "reference")),
        FAST: ("numba", lambda: Pellucid(ours, "jit")),
        "PyTorch": ("torch", lambda: Torch(theirs, turned, turned)),
    }


def main() -> None:
    parser = options("How long one training step of an LSTM and of an attention block takes, beside PyTorch.")
    parser.add_argument("--only", choices=["lstm", "attention"], help="one of the two")
    asked = parser.parse_args()
    introduce()
    rng, count = np.random.default_rng(N), WARM_UP + STEPS
    if asked.only != "attention":
        shapes = ((D, 4 * UNITS), (UNITS, 4 * UNITS), (4 * UNITS,), (UNITS, K), (K,))
        batches = [(rng.standard_normal((N, T_LSTM, D), np.float32), rng.integers(0, K, N)) for _ in range(count)]
        weights = [w * np.float32(0.5) for w in drawn(rng, *shapes)]
        race(f"One step of the LSTM, batch {N}", four(lstm, torch_lstm), weights, batches, asked)
    if asked.only != "lstm":
        block = ((D,), (D,), (D, 3 * D), (3 * D,), (D, D), (D,))
        shapes = (*block, (D,), (D,), (D, INNER), (INNER,), (INNER, D), (D,), (D, K), (K,))
        weights = drawn(rng, *shapes)
        weights[0][:] = weights[6][:] = 1.0  # the layer norms' gains
        batches = [(rng.standard_normal((N, T, D), np.float32), rng.integers(0, K, (N, T))) for _ in range(count)]
        race(f"One step of the attention block, batch {N}", four(attention, torch_attention), weights, batches, asked)


if __name__ == "__main__":
    main()
