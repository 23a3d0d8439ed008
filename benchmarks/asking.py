"""What the benchmarks of one prediction share: how the turns are taken, and how it is seen that all say the same."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from common import installed, machine, ratio, seconds, table, take_turns, title
from pellucid import kernels

NUMPY, FAST = "Pellucid, NumPy alone", "Pellucid, fast extra"
KERNELS = {NUMPY: "reference", FAST: "jit"}
WARM_UP = 20  # questions before the clock starts
Ask = Callable[[Any], Any]  # one sample -> probabilities


def race(
    competitors: Mapping[str, tuple[str, Callable[[], Ask]]], X: Sequence[Any], what: str, truth: Ask, digits: int
) -> None:
    """Ask everybody about each sample of X in turn, and print the table.

    Args:
        competitors: by name, the modules it needs and the function that makes it.
        X: the samples.
        what: what is asked, for the title.
        truth: gives the probabilities that all must give.
        digits: of the microseconds, behind the point.
    """
    parser = argparse.ArgumentParser(description=f"{what} asked: how long it takes, beside the peers.")
    parser.add_argument("--quick", action="store_true", help="3 repetitions instead of 15")
    asked = parser.parse_args()
    names, missing = installed(competitors)
    made = {name: competitors[name][1]() for name in names}

    def choose(name: str) -> Ask:
        if name in KERNELS:
            kernels.use(KERNELS[name])
        return made[name]

    expected = [truth(x) for x in X[:3]]
    for name in names:
        if not np.allclose([choose(name)(x) for x in X[:3]], expected, atol=1e-5):
            raise SystemExit(f"{name} gives other probabilities, so its time means nothing.")

    def turn(name: str) -> float:
        ask = choose(name)
        for x in X[:WARM_UP]:
            ask(x)
        return seconds(lambda: [ask(x) for x in X]) / len(X)

    times = take_turns(names, turn, 3 if asked.quick else 15)
    print(machine())
    for text in missing:
        print(text)
    title(f"{what} asked")
    rows = []
    for name, taken in times.items():
        against = [ratio(taken, times[us]) if us in times else "-" for us in (NUMPY, FAST)]
        rows.append([name, *(f"{value * 1e6:.{digits}f}" for value in (np.median(taken), min(taken))), *against])
    print(table(("who", "median us", "min us", "/ NumPy alone", "/ fast extra"), rows))
    print("ratios of the medians / of the minima; above 1 means slower than Pellucid")
