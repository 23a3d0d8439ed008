"""What changing a batch costs beside the training step that it is for, and what SciPy takes for the same.

    python benchmarks/augment.py [--quick]

A batch is 128 grey pictures of 28 x 28 bytes, and the step that of the digits' network, 784-128-10; the same for 128
colour pictures of 32 x 32, without a step, because a network for those takes many times as long. SciPy's ndimage turns
one picture at a time (affine_transform), or looks up a whole batch by coordinates (map_coordinates), which are made
beforehand and not counted. Figures are medians and minima in microseconds; all take turns.
"""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

import pellucid as pl
from common import machine, seconds, table, take_turns, title
from pellucid.data.chain import changed

N = 128
CHANGES: dict[str, Any] = {
    "Shift 1": pl.Shift(1),
    "Flip": pl.Flip(),
    "Rotate 15": pl.Rotate(15),
    "Rotate, Scale, Shear, Crop joined": pl.Chain(pl.Rotate(15), pl.Scale(0.1), pl.Shear(0.1), pl.Crop(0.9)),
    "the same four apart": None,  # made below
    "Elastic 4": pl.Elastic(4),
    "Rotate and Elastic joined": pl.Chain(pl.Rotate(15), pl.Elastic(4)),
    "Stroke 0.5": pl.Stroke(0.5),
    "Noise 0.1": pl.Noise(0.1),
    "Cutout 8": pl.Cutout(8),
    "Mixup 0.2": pl.Mixup(0.2),
}


def works(x: Any) -> dict[str, Callable[[], Any]]:
    """Everything that changes the batch x, by its name."""
    rng, t = np.random.default_rng(0), np.random.default_rng(1).integers(0, 10, len(x))
    found: dict[str, Callable[[], Any]] = {}
    for name, change in CHANGES.items():
        steps = CHANGES["Rotate, Scale, Shear, Crop joined"].steps if change is None else (change,)

        def work(steps: Any = steps) -> None:
            batch: Any = (x, t, None)
            for step in steps:
                batch = changed(step, batch, rng, (10,))

        found[name] = work
    return found | scipys(x)


def scipys(x: Any) -> dict[str, Callable[[], Any]]:
    """The same turn by SciPy, if it is there."""
    if importlib.util.find_spec("scipy") is None:
        return {}
    from scipy import ndimage

    H, W, *C = x.shape[1:]
    one = pl.Rotate(15).draw(len(x), H, W, np.random.default_rng(0)).A
    middle = np.array([(H - 1) / 2, (W - 1) / 2])
    A, b = one[:, :2, :2], middle - one[:, :2, :2] @ middle
    places = np.einsum("nkl,lij->nkij", A, np.indices((H, W))) + b[:, :, None, None]
    batch = np.broadcast_to(np.arange(len(x))[:, None, None], (len(x), H, W))
    stack = np.stack([batch, places[:, 0], places[:, 1]]).astype(np.float32)
    planes = [x[..., c] for c in range(C[0])] if C else [x]

    def apart() -> None:
        for plane in planes:
            for k in range(len(plane)):
                ndimage.affine_transform(plane[k], A[k], b[k], order=1, mode="nearest")

    def whole() -> None:
        for plane in planes:
            ndimage.map_coordinates(plane, stack, order=1, mode="nearest")

    return {"SciPy, affine_transform of each": apart, "SciPy, map_coordinates of all": whole}


def step() -> Callable[[], Any]:
    """A training step on a batch of digits that nothing changes."""
    x, t = np.zeros((N * 50, 28, 28), np.uint8), np.zeros(N * 50, int)
    layers = pl.Dense(128), pl.ReLU(), pl.Dense(10)
    model = pl.Model(*layers, loss=pl.SoftmaxCrossEntropy(), input_shape=(784,), prepare=pl.Pixels((784,)))
    training = pl.train(model, (x, t), optimizer=pl.Adam(1e-4), epochs=1_000_000, batch_size=N)

    def one() -> None:
        while not isinstance(next(training), pl.StepDone):
            pass

    return one


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a fast look")
    turns, inside = (5, 10) if parser.parse_args().quick else (20, 40)
    print(machine())
    for what, shape in (("28 x 28, grey", (28, 28)), ("32 x 32, in colour", (32, 32, 3))):
        x = np.random.default_rng(0).integers(0, 255, (N, *shape)).astype(np.uint8)
        all_ = ({"a training step": step()} if len(shape) == 2 else {}) | works(x)
        for work in all_.values():
            work()  # what is compiled or kept is so now
        times: dict[str, list[float]] = {name: [] for name in all_}

        def turn(name: str, all_: Any = all_, times: Any = times) -> float:
            taken = [1e6 * seconds(all_[name]) for _ in range(inside)]
            times[name] += taken
            return median(taken)

        take_turns([*all_], turn, turns, pause=0.02)
        title(f"{N} pictures of {what}: microseconds a batch")
        beside = min(times["a training step"]) if "a training step" in times else None
        rows = [
            (name, f"{median(t):.0f}", f"{min(t):.0f}", *([f"{min(t) / beside:.2f}"] if beside else []))
            for name, t in times.items()
        ]
        print(table(("what", "median", "minimum", *(["of a step"] if beside else [])), rows))


if __name__ == "__main__":
    main()
