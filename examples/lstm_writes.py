"""An LSTM reads a nursery rhyme letter by letter, learns which letter comes next, and then writes on its own.

    python examples/lstm_writes.py        # a few seconds

A sample is a stretch of the rhyme; its target is the same stretch one letter on. With `sequence=True` the LSTM gives an
answer after every letter, so each stretch teaches as many letters as it is long.
"""

from __future__ import annotations

import numpy as np

import pellucid as pl

RHYME = """This is the house that Jack built.

This is the malt
That lay in the house that Jack built.

This is the rat,
That ate the malt
That lay in the house that Jack built.

This is the cat,
That killed the rat,
That ate the malt
That lay in the house that Jack built.

This is the dog,
That worried the cat,
That killed the rat,
That ate the malt
That lay in the house that Jack built.
"""
LETTERS = sorted(set(RHYME))


def stretches(T: int) -> tuple[np.ndarray, np.ndarray]:
    """Every stretch of T letters as ids (N, T), and the same stretch one letter on."""
    ids = np.array([LETTERS.index(letter) for letter in RHYME])
    rows = np.lib.stride_tricks.sliding_window_view(ids, T + 1)  # (N, T + 1)
    return rows[:, :-1], rows[:, 1:]


def write(model: pl.Model, start: str, count: int, seed: int) -> str:
    """`start` and `count` letters more, each drawn from what the model thinks of the last T."""
    rng, text, T = np.random.default_rng(seed), start, model.input_shape[0]
    for _ in range(count):
        last = [LETTERS.index(letter) for letter in text[-T:]]
        p = model.predict([last])[0, -1].astype(float)  # (K,)
        text += LETTERS[rng.choice(len(LETTERS), p=p / p.sum())]
    return text


def main(T: int = 24, units: int = 64, epochs: int = 40) -> float:
    """Train, print what the network writes, and return the share of next letters that it foretells."""
    x, t = stretches(T)
    model = pl.Model(
        pl.Embedding(len(LETTERS), 16),
        pl.LSTM(units, sequence=True),
        pl.Dense(len(LETTERS)),
        loss=pl.SoftmaxCrossEntropy(),
        input_shape=(T,),
    )
    untrained = write(model, RHYME[:T], 60, seed=0)[T:]
    model.fit(x, t, epochs=epochs, batch_size=32, optimizer=pl.Adam(5e-3), clip=1.0)
    foretold = model.evaluate(x, t)["accuracy"]
    print(f"\nBefore training it wrote: {untrained!r}")
    print(f"Now it foretells {foretold:.0%} of the letters, and writes, after {RHYME[:T]!r}:\n")
    print(write(model, RHYME[:T], 300, seed=0)[T:])
    return foretold


if __name__ == "__main__":
    main()
