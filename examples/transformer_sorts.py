"""A small causal transformer learns to sort: it reads five digits and a colon, then says the digits in order.

    python examples/transformer_sorts.py        # about a quarter of a minute

It writes as every language model does: one token at a time, each from all that stands before it. The lists that it is
asked at the end were not in its training, so it cannot know them by heart.
"""

from __future__ import annotations

import numpy as np

import pellucid as pl

DIGITS, COLON = 5, 10  # how many digits a list has; the token after them
T = 2 * DIGITS  # 3 1 4 1 5 : 1 1 3 4, and the last answer needs no place: nothing is read after it


def lists(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """n lists as tokens (n, T), and what should be said next at each place, one-hot (n, T, 10)."""
    digits = np.random.default_rng(seed).integers(0, 10, (n, DIGITS))
    answer = np.sort(digits, axis=1)
    x = np.hstack([digits, np.full((n, 1), COLON), answer[:, :-1]])  # (n, T)
    t = np.zeros((n, T, 10), np.float32)
    t[:, DIGITS:] = np.eye(10)[answer]  # a row of zeros teaches nothing: the list itself cannot be foretold
    return x, t


def block(units: int, heads: int) -> tuple[pl.Layer, pl.Layer]:
    """Look around, then think; each added to what was there before."""
    return (
        pl.Residual(pl.LayerNorm(), pl.MultiHeadAttention(heads, causal=True)),
        pl.Residual(pl.LayerNorm(), pl.Dense(4 * units), pl.GELU(), pl.Dense(units)),
    )


def transformer(units: int, heads: int, blocks: int) -> pl.Model:
    return pl.Model(
        pl.Embedding(COLON + 1, units),
        pl.PositionalEncoding(),
        *(layer for _ in range(blocks) for layer in block(units, heads)),
        pl.LayerNorm(),
        pl.Dense(10),
        loss=pl.SoftmaxCrossEntropy(),
        input_shape=(T,),
    )


def say(model: pl.Model, digits: np.ndarray) -> np.ndarray:
    """What the model answers to lists (N, DIGITS), token by token. Places to the right are not seen, so 0 will do."""
    x = np.hstack([digits, np.full((len(digits), 1), COLON), np.zeros((len(digits), DIGITS), int)])
    for place in range(DIGITS, T):
        x[:, place + 1] = model.predict(x[:, :T])[:, place].argmax(axis=1)
    return x[:, DIGITS + 1 :]


def main(n: int = 20_000, epochs: int = 4, units: int = 32, heads: int = 4, blocks: int = 2) -> float:
    """Train, show a few answers, and return the share of new lists that are sorted without a mistake."""
    x, t = lists(n, seed=0)
    model = transformer(units, heads, blocks)
    steps = epochs * -(-n // 128)
    model.fit(x, t, epochs=epochs, optimizer=pl.Adam(pl.one_cycle(5e-3, steps)), metrics=(), clip=1.0)
    seen = {tuple(row) for row in x[:, :DIGITS].tolist()}
    new = [row for row in lists(1000, seed=1)[0][:, :DIGITS].tolist() if tuple(row) not in seen]
    answers = say(model, np.array(new))
    right = float((answers == np.sort(new, axis=1)).all(axis=1).mean())
    for row, answer in zip(new[:5], answers[:5].tolist(), strict=True):
        print(*row, ":", *answer, "" if answer == sorted(row) else "   (wrong)")
    print(f"{right:.1%} of {len(new)} lists that it had never seen are sorted without a mistake.")
    return right


if __name__ == "__main__":
    main()
