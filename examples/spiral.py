"""The book's spiral: three arms of 100 points each, and a network that must follow them, not learn them by heart.

    python examples/spiral.py        # a few seconds

On 300 points a network soon knows each point and is right about only four of five fresh ones. The points differ from
their arms by a normal number of 0.2 in the angle: that much is known about how they came to be. So in every epoch each
point is turned a little, anew, by such a number times 2.5, as the arms wind; the network sees arms instead of points.
Over 5 seeds that takes it from 85.6 % to 89.9 % of 3,000 fresh points, of which about 91 % can be known at all.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import pellucid as pl

Augment = Callable[[np.ndarray, np.random.Generator], np.ndarray]
DEVIATION = 2.5 * 0.2  # of the angle, as the points were drawn


def turn(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Points (N, 2), each turned around the centre by a normal number."""
    a = DEVIATION * rng.standard_normal(len(x))
    sin, cos = np.sin(a), np.cos(a)
    return np.stack([x[:, 0] * cos + x[:, 1] * sin, x[:, 1] * cos - x[:, 0] * sin], axis=1)


def learn(seed: int, epochs: int, units: int, augment: Augment | None) -> tuple[float, float]:
    """Train one network on one spiral, and return the shares of right answers: on its points, on 3,000 fresh ones."""
    points, fresh = pl.datasets.spiral(100, seed=seed), pl.datasets.spiral(1000, seed=1000 + seed)
    model = pl.Model(
        pl.Dense(units), pl.ReLU(), pl.Dense(units), pl.ReLU(), pl.Dense(3),
        loss=pl.SoftmaxCrossEntropy(), input_shape=2, seed=seed,
    )  # fmt: skip
    steps = epochs * -(-len(points) // 100)
    optimizer = pl.AdamW(pl.one_cycle(0.01, steps), weight_decay=0.01)
    for _ in pl.train(model, points, optimizer=optimizer, epochs=epochs, batch_size=100, seed=seed, augment=augment):
        pass
    known, new = (model.evaluate(data.x, data.t)["accuracy"] for data in (points, fresh))
    return known, new


def main(seeds: int = 5, epochs: int = 1000, units: int = 64) -> tuple[float, float]:
    """Print each seed's shares, plain and turned, and return the means on fresh points: plain, turned."""
    found = []
    for seed in range(seeds):
        plain, turned = learn(seed, epochs, units, None), learn(seed, epochs, units, turn)
        said = [f"{known:.1%} of its points, {fresh:.1%} of fresh ones" for known, fresh in (plain, turned)]
        print(f"seed {seed}   plain: {said[0]}   turned: {said[1]}")
        found.append((plain[1], turned[1]))
    means = [float(mean) for mean in np.mean(found, axis=0)]
    print(f"mean of {seeds} seeds on 3,000 fresh points: plain {means[0]:.1%}, turned {means[1]:.1%}.")
    return means[0], means[1]


if __name__ == "__main__":
    main()
