"""Small data sets for the set-ups, each drawn from its own seed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

import pellucid as pl

Array = Any


def clouds(n: int = 240, classes: int = 3, d: int = 4, apart: float = 2.5, seed: int = 0) -> pl.Data:
    """Normal clouds around random centres, one a class."""
    rng = np.random.default_rng(seed)
    t = np.arange(n) % classes
    centres = rng.normal(0, apart / np.sqrt(2), (classes, d))
    x = (centres[t] + rng.normal(0, 1, (n, d))) / np.sqrt(1 + apart**2 / 2)
    return pl.Data(x.astype(np.float32), t, tuple(map(str, range(classes))))


def rings(n: int = 300, seed: int = 0) -> pl.Data:
    """A class inside a ring of the other: yes or no."""
    rng = np.random.default_rng(seed)
    t = np.arange(n) % 2
    r = np.where(t == 0, rng.uniform(0, 0.8, n), rng.uniform(1.2, 2.0, n))
    a = rng.uniform(0, 2 * np.pi, n)
    return pl.Data(np.stack([r * np.cos(a), r * np.sin(a)], 1).astype(np.float32), t, ("inside", "outside"))


def curve(n: int = 300, noise: float = 0.05, seed: int = 0) -> pl.Data:
    """Measured values: a bent function of two inputs."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (n, 2))
    t = np.sin(3 * x[:, 0]) * x[:, 1] + x[:, 1] + rng.normal(0, noise, n)
    return pl.Data(x.astype(np.float32), t.astype(np.float32)[:, None])


def pictures(n: int = 160, classes: int = 3, side: int = 8, seed: int = 0) -> pl.Data:
    """Small pictures: a bar in one of three directions, with noise, from 0 to 1."""
    rng = np.random.default_rng(seed)
    x, t = rng.uniform(0, 0.3, (n, side, side, 1)), np.arange(n) % classes
    for i in range(n):
        at = int(rng.integers(1, side - 1))
        if t[i] == 0:
            x[i, at, :, 0] += 0.7
        elif t[i] == 1:
            x[i, :, at, 0] += 0.7
        else:
            x[i, np.arange(side), np.arange(side), 0] += 0.7
    return pl.Data(x.astype(np.float32), t, tuple(map(str, range(classes))))


def sequences(n: int = 200, steps: int = 8, seed: int = 0) -> pl.Data:
    """Sequences of two numbers: whether the first column's sum is above 0."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, (n, steps, 2)).astype(np.float32)
    return pl.Data(x, (x[:, :, 0].sum(axis=1) > 0).astype(np.int64), ("below", "above"))


def words(n: int = 500, steps: int = 5, vocabulary: int = 12, seed: int = 0) -> pl.Data:
    """Sequences of ids: whether one of the first three words is among them."""
    rng = np.random.default_rng(seed)
    x, t = rng.integers(3, vocabulary, (n, steps)), np.arange(n) % 2
    for i in np.flatnonzero(t):
        x[i, rng.integers(steps)] = rng.integers(3)
    return pl.Data(x, t, ("without", "with"))


def noisy(data: pl.Data, share: float, seed: int = 1) -> pl.Data:
    """The same with a share of the labels replaced by another class."""
    rng, t = np.random.default_rng(seed), data.t.copy()
    at = rng.permutation(len(t))[: round(share * len(t))]
    t[at] = (t[at] + rng.integers(1, len(data.classes), len(at))) % len(data.classes)
    return replace(data, t=t)


def one_hot(data: pl.Data) -> pl.Data:
    return replace(data, t=np.eye(len(data.classes), dtype=np.float32)[data.t])
