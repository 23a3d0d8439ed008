"""What looking inside costs: making a trace, opening its numbers, and training when nobody looks.

    python benchmarks/trace.py [--quick]

The network is that of the embedded digits, 784-128-10. Aims: a trace in 50 ms, a line opened in 20 ms, and no more than
2 % of a training step when tracing is off. Off, there is nothing of it in a step; the two halves of that comparison
take turns, one on a model that was never watched and one on a model after a block of `pl.tracing`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import pellucid as pl
from common import machine, table, title

PATHS = ("0.dense.dW[406,12]", "0.dense.y[0,12]", "2.dense.dx[0,12]", "loss", "loss.dz[0,7]", "0.dense.W.step[406,12]")
STEPS = 100  # in one turn of a training


def network() -> pl.Model:
    return pl.Model(pl.Dense(128), pl.ReLU(), pl.Dense(10), loss=pl.SoftmaxCrossEntropy(), input_shape=(784,))


def timed(work: Callable[[], Any], repeats: int) -> tuple[float, float]:
    """The median and the minimum of a work's milliseconds; the first, which compiles and fills caches, not counted."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(1000.0 * (time.perf_counter() - start))
    return median(times), min(times)


def opened(trace: pl.Trace) -> None:
    """A number, its terms, and the factors of each."""
    for path in PATHS:
        for term in pl.ledger(trace, path).terms:
            for factor in term.factors:
                assert factor.terms is not None


def steps(model: pl.Model, x: Any, t: Any) -> float:
    """Microseconds a training step."""
    training = pl.train(model, (x, t), optimizer=pl.Adam(1e-4), epochs=1000, batch_size=128)
    next(training), next(training)
    start = time.perf_counter()
    for _ in range(STEPS):
        next(training)
    return 1e6 * (time.perf_counter() - start) / STEPS


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a fast look")
    repeats = 10 if parser.parse_args().quick else 50
    rng = np.random.default_rng(0)
    x, t = rng.random((128 * (STEPS + 2), 784), np.float32), rng.integers(0, 10, 128 * (STEPS + 2))
    model = network()

    title("Looking inside, milliseconds")
    rows = []
    for N in (4, 128):
        rows.append((f"a trace, batch {N}", *timed(lambda N=N: pl.trace(model, x[:N], t[:N]), repeats)))
        trace = pl.trace(model, x[:N], t[:N])
        a, b = timed(lambda trace=trace: opened(trace), repeats)
        rows.append((f"a line opened, with its terms' factors, batch {N}", a / len(PATHS), b / len(PATHS)))
        rows.append((f"a nudge, batch {N}", *timed(lambda trace=trace: pl.ledger(trace, PATHS[0]).nudge(), repeats)))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "a.trace"
        rows.append(("a trace saved, batch 128", *timed(lambda: trace.save(file), repeats)))
        rows.append((f"read again ({file.stat().st_size / 1e6:.1f} MB)", *timed(lambda: pl.load_trace(file), repeats)))
    print(table(("what", "median", "minimum"), [(name, f"{a:.2f}", f"{b:.2f}") for name, a, b in rows]))

    plain, watched = network(), network()
    with pl.tracing(watched, every=1000, most=1):
        steps(watched, x, t)
    turns: dict[str, list[float]] = {"never watched": [], "after tracing": [], "while tracing": []}
    for _ in range(repeats):
        turns["never watched"].append(steps(plain, x, t))
        turns["after tracing"].append(steps(watched, x, t))
        with pl.tracing(watched, most=1):
            turns["while tracing"].append(steps(watched, x, t))
    title("A training step at batch 128, microseconds")
    print(table(("who", "median", "minimum"), [(n, f"{median(v):.0f}", f"{min(v):.0f}") for n, v in turns.items()]))
    off = min(turns["after tracing"]) / min(turns["never watched"]) - 1.0
    print(f"\ntracing off costs {100 * off:+.1f} % of a step, by the minima\n")
    print(machine())


if __name__ == "__main__":
    main()
