"""How long the matrix products of training take here: `python -m pellucid.inspection.products` prints them as JSON.

It is a program of its own because a BLAS chooses its kernels once, when it is loaded: each choice needs a process.
The works are those of one step of the network 784-128-10 (forward, and both products of backward), and one large cube.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import numpy as np

from pellucid.base.arrays import Array
from pellucid.inspection.machine import find_blas

BATCHES = (32, 128, 512)
CUBE = 1024
WORKS = (*(f"batch {N}" for N in BATCHES), f"{CUBE} x {CUBE}")


def step(N: int) -> Callable[[], Array]:
    """The products of one step at batch size N, as one function to be timed."""
    rng = np.random.default_rng(0)
    D, H, K = 784, 128, 10
    x, h, dz, W1, W2 = (rng.random(s, np.float32) for s in ((N, D), (N, H), (N, K), (D, H), (H, K)))

    def work() -> Array:
        np.dot(x, W1)  # (N, H)
        np.dot(h, W2)  # (N, K)
        np.dot(h.T, dz)  # (H, K)
        dh = np.dot(dz, W2.T)  # (N, H)
        return np.asarray(np.dot(x.T, dh))  # (D, H)

    return work


def cube(size: int) -> Callable[[], Array]:
    """The product of two square matrices."""
    a, b = np.random.default_rng(0).random((2, size, size), np.float32)
    return lambda: np.asarray(np.dot(a, b))


def best_time(work: Callable[[], object], seconds: float = 0.08, least: int = 5) -> float:
    """The shortest of many runs: whatever else the machine does can only make a run longer.

    >>> best_time(lambda: None, seconds=0.001) < 0.1
    True
    """
    work()
    best, spent, runs = float("inf"), 0.0, 0
    while spent < seconds or runs < least:
        start = time.perf_counter()
        work()
        took = time.perf_counter() - start
        best, spent, runs = min(best, took), spent + took, runs + 1
    return best


def correct() -> bool:
    """Whether a product is exact on small whole numbers, where float32 has nothing to round.

    >>> correct()
    True
    """
    a = np.arange(60 * 170).reshape(60, 170) % 7
    b = np.arange(170 * 50).reshape(170, 50) % 5
    return bool(np.array_equal(a.astype(np.float32) @ b.astype(np.float32), a @ b))


def measure(seconds: float = 0.08) -> dict[str, object]:
    """The kernels in use, whether they are correct, and the seconds of each work."""
    works = [*(step(N) for N in BATCHES), cube(CUBE)]
    times = {name: best_time(work, seconds) for name, work in zip(WORKS, works, strict=True)}
    return {"core": find_blas().core, "correct": correct(), "seconds": times}


if __name__ == "__main__":
    print(json.dumps(measure()))
