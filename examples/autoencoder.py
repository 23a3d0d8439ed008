"""An autoencoder squeezes each picture of a digit through a few numbers and learns to draw it again from them.

    python examples/autoencoder.py        # a few seconds

Nobody tells it what matters in a picture: its target is its own input. Its rival is the best linear squeeze into as
many numbers, principal components. What the bends of the network add is the difference between the two errors.
"""

from __future__ import annotations

import numpy as np

import pellucid as pl

SHADES = " .:-=+*#%@"


def pictures(n: int) -> tuple[np.ndarray, np.ndarray]:
    """The embedded digits as rows of 784 numbers between 0 and 1: n to learn from, and those set aside."""
    learn, aside = pl.datasets.digits()
    return learn.x[:n].reshape(-1, 784) / 255.0, aside.x.reshape(-1, 784) / 255.0


def components(learn: np.ndarray, aside: np.ndarray, code: int) -> np.ndarray:
    """`aside` drawn again from its `code` principal components."""
    mean = learn.mean(axis=0)
    _, _, directions = np.linalg.svd(learn - mean, full_matrices=False)
    V = directions[:code].T  # (784, code)
    return mean + (aside - mean) @ V @ V.T


def side_by_side(*rows: np.ndarray) -> str:
    """Pictures of 784 numbers as letters, every second row of pixels, beside each other."""
    lines = []
    for y in range(2, 26, 2):
        shades = [[SHADES[min(9, int(10 * v))] for v in row.reshape(28, 28)[y].clip(0, 1)] for row in rows]
        lines.append("   ".join("".join(line) for line in shades))
    return "\n".join(lines)


def main(n: int = 4000, code: int = 8, hidden: int = 256, epochs: int = 40) -> tuple[float, float]:
    """Train, draw a digit before and after, and return the two mean squared errors: the network's, the rival's."""
    learn, aside = pictures(n)
    model = pl.Model(
        pl.Dense(hidden), pl.ReLU(), pl.Dense(code),       # the squeeze
        pl.Dense(hidden), pl.ReLU(), pl.Dense(784),        # and back
        loss=pl.SigmoidCrossEntropy(), input_shape=784,
    )  # fmt: skip
    model.fit(learn, learn, epochs=epochs, optimizer=pl.Adam(2e-3), metrics=())
    again, linear = model.predict(aside), components(learn, aside, code)
    errors = [float(np.mean((drawn - aside) ** 2)) for drawn in (again, linear)]
    print(f"\nA digit, the network's drawing from {code} numbers, and that from {code} principal components:\n")
    print(side_by_side(aside[0], again[0], linear[0]))
    print(f"\nMean squared error on {len(aside)} new pictures: network {errors[0]:.4f}, components {errors[1]:.4f}.")
    return errors[0], errors[1]


if __name__ == "__main__":
    main()
