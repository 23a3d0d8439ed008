"""How long one training step of a small CNN takes: 28x28x1, batch 64, Adam.

    python benchmarks/cnn_step.py [--quick] [--parts]

conv 3x3x32, ReLU, max-pool 2, conv 3x3x64, ReLU, max-pool 2, dense 128, ReLU, dense 10, softmax cross-entropy. PyTorch
runs in its default layout and in channels_last, which is how Pellucid lays out pictures. Everybody starts from the same
weights, sees the same random batches in the same order, and must arrive at the same weights: the column "apart" is the
distance from Pellucid's, as a share of the way from the first weights to there.

The last line is the floor: the matrix products of the second convolution alone, over patches that are there already,
written into arrays that are there already. --parts prints how Pellucid's own step divides among the layers.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import numpy as np

from common import installed, machine, ratio, seconds, table, take_turns, title

N, STEPS, WARM_UP = 64, 20, 3
RATE = 1e-3
SAME = 0.05
NUMPY, FAST, FLOOR = "Pellucid, NumPy alone", "Pellucid, fast extra", "second convolution's products"
Weights = list[Any]  # W and b of conv, conv, dense, dense, in Pellucid's layout
Batch = tuple[Any, Any]  # x (N, 28, 28, 1), t (N,)


class Competitor:
    """One way to train this network."""

    def start(self, weights: Weights) -> None:
        """Take these weights and forget all earlier steps."""
        raise NotImplementedError

    def own(self, batches: Sequence[Batch]) -> Any:
        """The batches in the form that suits this library best; not timed."""
        return batches

    def train(self, batches: Any) -> None:
        """One step a batch."""
        raise NotImplementedError

    def weights(self) -> Weights | None:
        """The weights as they stand, in our layout; None if this one does not learn."""
        raise NotImplementedError


class Pellucid(Competitor):
    def __init__(self, kernels: str) -> None:
        self.kernels = kernels

    def start(self, weights: Weights) -> None:
        import pellucid as pl
        from pellucid import kernels

        kernels.use(self.kernels)
        self.model = pl.Model(
            pl.Conv2D(32, 3), pl.ReLU(), pl.MaxPool2D(), pl.Conv2D(64, 3), pl.ReLU(), pl.MaxPool2D(),
            pl.Flatten(), pl.Dense(128), pl.ReLU(), pl.Dense(10),
            loss=pl.SoftmaxCrossEntropy(), input_shape=(28, 28, 1),
        )  # fmt: skip
        self.model.theta[:] = np.concatenate([w.ravel() for w in weights])
        self.optimizer, self.run = pl.Adam(RATE), pl.Run(training=True)
        self.optimizer.start(self.model.theta)

    def train(self, batches: Any) -> None:
        for x, t in batches:
            self.model.loss_and_grad(x, t, self.run)
            self.optimizer.step(self.model.theta, self.model.grad)

    def weights(self) -> Weights:
        return [self.model.theta[slot.at].reshape(slot.shape).copy() for slot in self.model.slots.values()]

    def parts(self, batches: Sequence[Batch]) -> dict[str, tuple[float, float]]:
        """Milliseconds forward and backward of each layer: the median over the batches."""
        layers = self.model.net.children()
        taken: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in (*layers, "loss", "Adam")}

        def timed(name: str, back: int, f: Callable[..., Any], *arguments: Any) -> Any:
            start = time.perf_counter()
            answer = f(*arguments)
            taken[name][back].append(time.perf_counter() - start)
            return answer

        first = next(iter(layers))
        for x, t in batches:
            tape: list[Any] = []
            for name, layer in layers.items():
                x, cache = timed(name, 0, layer.forward, x, self.run)
                tape.append(cache)
            _, cache = timed("loss", 0, self.model.loss.forward, x, t)
            dy = timed("loss", 1, self.model.loss.backward, cache)
            for name, layer in reversed(layers.items()):
                dy = timed(name, 1, layer.backward_params if name == first else layer.backward, dy, tape.pop())
            timed("Adam", 0, self.optimizer.step, self.model.theta, self.model.grad)
        return {name: (median(f) * 1e3, median(b or [0.0]) * 1e3) for name, (f, b) in taken.items()}


class Torch(Competitor):
    def __init__(self, channels_last: bool) -> None:
        import torch

        self.torch = torch
        self.layout = torch.channels_last if channels_last else torch.contiguous_format

    def start(self, weights: Weights) -> None:
        torch, nn = self.torch, self.torch.nn
        self.net = nn.Sequential(
            nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(1600, 128), nn.ReLU(), nn.Linear(128, 10),
        )  # fmt: skip
        with torch.no_grad():
            for parameter, w in zip(self.net.parameters(), map(there, range(8), weights), strict=True):
                parameter.copy_(torch.from_numpy(w))
        self.net = self.net.to(memory_format=self.layout)
        self.optimizer = torch.optim.Adam(self.net.parameters(), RATE, fused=True)

    def own(self, batches: Sequence[Batch]) -> Any:
        torch = self.torch
        xs = [
            torch.from_numpy(x.transpose(0, 3, 1, 2).copy()).contiguous(memory_format=self.layout) for x, _ in batches
        ]
        return [(x, torch.from_numpy(t)) for x, (_, t) in zip(xs, batches, strict=True)]

    def train(self, batches: Any) -> None:
        for x, t in batches:
            self.optimizer.zero_grad()
            self.torch.nn.functional.cross_entropy(self.net(x), t).backward()
            self.optimizer.step()

    def weights(self) -> Weights:
        return [here(i, p.detach().numpy()) for i, p in enumerate(self.net.parameters())]


def there(i: int, w: Any) -> Any:
    """Our i-th array in PyTorch's layout: channels before places, outputs before inputs."""
    if i == 4:  # the rows of the first dense layer are places and channels
        w = w.reshape(5, 5, 64, 128).transpose(2, 0, 1, 3).reshape(1600, 128)
    return np.ascontiguousarray(w.transpose(3, 2, 0, 1) if w.ndim == 4 else w.T)


def here(i: int, w: Any) -> Any:
    """PyTorch's i-th array in our layout."""
    w = w.transpose(2, 3, 1, 0) if w.ndim == 4 else w.T
    return w.reshape(64, 5, 5, 128).transpose(1, 2, 0, 3).reshape(1600, 128) if i == 4 else w


class Products(Competitor):
    """The floor: one product forward and two backward, 8 pictures at a time."""

    def start(self, weights: Weights) -> None:
        rng, places = np.random.default_rng(0), 8 * 11 * 11
        self.W = weights[2].reshape(288, 64)
        self.P, self.dy = rng.random((places, 288), np.float32), rng.random((places, 64), np.float32)
        self.y, self.dP, self.dW = np.empty_like(self.dy), np.empty_like(self.P), np.empty_like(self.W)

    def train(self, batches: Any) -> None:
        for _ in range(len(batches) * N // 8):
            np.dot(self.P, self.W, out=self.y)
            np.dot(self.P.T, self.dy, out=self.dW)
            np.dot(self.dy, self.W.T, out=self.dP)

    def weights(self) -> None:
        return None


COMPETITORS: dict[str, tuple[str, Callable[[], Competitor]]] = {
    NUMPY: ("pellucid", lambda: Pellucid("reference")),
    FAST: ("numba", lambda: Pellucid("jit")),
    "PyTorch, default layout": ("torch", lambda: Torch(channels_last=False)),
    "PyTorch, channels_last": ("torch", lambda: Torch(channels_last=True)),
    FLOOR: ("numpy", Products),
}


def draw() -> tuple[Weights, list[Batch]]:
    """First weights as He drew them, and different batches with random labels."""
    rng = np.random.default_rng(N)
    weights: Weights = []
    for *shape, fan_in in ((3, 3, 1, 32, 9), (3, 3, 32, 64, 288), (1600, 128, 1600), (128, 10, 128)):
        weights += [
            (rng.standard_normal(shape) * np.sqrt(2 / fan_in)).astype(np.float32),
            np.zeros(shape[-1], np.float32),
        ]
    return weights, [(rng.random((N, 28, 28, 1), np.float32), rng.integers(0, 10, N)) for _ in range(WARM_UP + STEPS)]


def apart(weights: Weights, ours: Weights, first: Weights) -> float:
    """How far these weights are from ours, as a share of our way from the first ones."""
    a, b, start = (np.concatenate([w.ravel() for w in group]) for group in (weights, ours, first))
    return float(np.linalg.norm(a - b) / np.linalg.norm(b - start))


def main() -> None:
    parser = argparse.ArgumentParser(description="How long one training step of a small CNN takes, beside PyTorch.")
    parser.add_argument("--quick", action="store_true", help="3 repetitions instead of 15")
    parser.add_argument("--parts", action="store_true", help="how Pellucid's step divides among the layers")
    asked = parser.parse_args()
    names, missing = installed(COMPETITORS)
    made = {name: COMPETITORS[name][1]() for name in names}
    print(machine())
    print("ratios     of the medians / of the minima; above 1 means slower than Pellucid")
    for text in missing:
        print(text)
    weights, batches = draw()
    own = {name: (c.own(batches[:WARM_UP]), c.own(batches[WARM_UP:])) for name, c in made.items()}

    def turn(name: str) -> float:
        made[name].start([w.copy() for w in weights])
        made[name].train(own[name][0])
        return seconds(lambda: made[name].train(own[name][1])) / STEPS

    for name in made:
        turn(name)  # compilers and caches; not counted
    times = take_turns(names, turn, 3 if asked.quick else 15)
    ends = {name: w for name, c in made.items() if (w := c.weights()) is not None}
    distance = {name: apart(w, ends[NUMPY], weights) for name, w in ends.items()}
    rows = []
    for name, taken in times.items():
        row = [name, f"{median(taken) * 1e3:.1f}", f"{min(taken) * 1e3:.1f}"]
        row += [ratio(taken, times[us]) if us in times else "-" for us in (NUMPY, FAST)]
        rows.append([*row, f"{distance[name]:.4f}" if name in distance else "-"])
    title(f"One step of the CNN, batch {N}")
    print(table(("who", "median ms", "min ms", "/ NumPy alone", "/ fast extra", "apart"), rows))
    if asked.parts:
        for name in (NUMPY, FAST):
            if isinstance(mine := made.get(name), Pellucid):
                mine.start([w.copy() for w in weights])
                title(f"{name}: milliseconds by layer")
                divided = [(part, f"{f:.2f}", f"{b:.2f}") for part, (f, b) in mine.parts(batches).items()]
                print(table(("part", "forward", "backward"), divided))
    far = [name for name, share in distance.items() if not share < SAME]
    if far:
        raise SystemExit(f"{' and '.join(far)} ended elsewhere: not the same work was done, so the times mean nothing.")


if __name__ == "__main__":
    main()
