"""What the benchmarks of one training step share: who competes, and how it is found out that all did the same work.

Everybody starts from the same weights and sees the same random batches in the same order; each timed turn starts
afresh. All must arrive at the same weights: the column "apart" is the distance from Pellucid's, as a share of the way
from the first weights to there.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np

from common import installed, machine, ratio, seconds, table, take_turns, title

RATE, BETA1, BETA2, EPS = 1e-3, 0.9, 0.999, 1e-8
WARM_UP = 3  # steps before the clock starts
SAME = 0.05
NUMPY, FAST = "Pellucid, NumPy alone", "Pellucid, fast extra"
Weights = list[Any]  # in Pellucid's order and layout
Batch = tuple[Any, Any]  # x, t


class Competitor:
    """One way to train a network."""

    def start(self, weights: Weights) -> None:
        """Take these weights and forget all earlier steps."""
        raise NotImplementedError

    def own(self, batches: Sequence[Batch]) -> Any:
        """The batches in the form that suits this library best; not timed."""
        return batches

    def train(self, batches: Any) -> None:
        """One step a batch; comes back when all are really done."""
        raise NotImplementedError

    def weights(self) -> Weights | None:
        """The weights as they stand, in our layout; None if this one does not learn."""
        raise NotImplementedError


class Pellucid(Competitor):
    """A Pellucid model with the kernels of this name; `build` is called for each start."""

    def __init__(self, build: Callable[[], Any], kernels: str) -> None:
        self.build, self.kernels = build, kernels

    def start(self, weights: Weights) -> None:
        import pellucid as pl
        from pellucid import kernels

        kernels.use(self.kernels)
        self.model = self.build()
        self.model.theta[:] = np.concatenate([w.ravel() for w in weights])
        self.optimizer, self.run = pl.Adam(RATE, BETA1, BETA2, EPS), pl.Run(training=True)
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
    """A PyTorch network with its fused Adam. Pictures are given to it as (N, C, H, W) in the layout asked for."""

    def __init__(
        self,
        build: Callable[[], Any],
        there: Callable[[int, Any], Any],
        here: Callable[[int, Any], Any],
        channels_last: bool = False,
    ) -> None:
        """`there` and `here` bring the i-th of the learned arrays from our layout to PyTorch's, and back."""
        import torch

        self.torch, self.build, self.there, self.here = torch, build, there, here
        self.layout = torch.channels_last if channels_last else torch.contiguous_format

    def start(self, weights: Weights) -> None:
        torch = self.torch
        self.net = self.build()
        self.learned = [p for p in self.net.parameters() if p.requires_grad]
        with torch.no_grad():
            for i, (parameter, w) in enumerate(zip(self.learned, weights, strict=True)):
                parameter.copy_(torch.from_numpy(self.there(i, w)))
        if any(p.ndim == 4 for p in self.learned):
            self.net = self.net.to(memory_format=self.layout)
        self.optimizer = torch.optim.Adam(self.learned, RATE, (BETA1, BETA2), EPS, fused=True)

    def own(self, batches: Sequence[Batch]) -> Any:
        torch = self.torch

        def tensor(x: Any) -> Any:
            if x.ndim < 4:
                return torch.from_numpy(x)
            return torch.from_numpy(x.transpose(0, 3, 1, 2).copy()).contiguous(memory_format=self.layout)

        return [(tensor(x), torch.from_numpy(t)) for x, t in batches]

    def train(self, batches: Any) -> None:
        loss = self.torch.nn.functional.cross_entropy
        for x, t in batches:
            self.optimizer.zero_grad()
            z = self.net(x)
            loss(z.reshape(-1, z.shape[-1]), t.reshape(-1)).backward()
            self.optimizer.step()

    def weights(self) -> Weights:
        return [self.here(i, p.detach().numpy()) for i, p in enumerate(self.learned)]


class Jax(Competitor):
    """A function `scores(weights, x)` trained by JAX: a compiled step whose new state takes the old one's memory."""

    def __init__(self, scores: Callable[[Any, Any], Any]) -> None:
        import jax
        import jax.numpy as jnp

        def loss(p: Any, x: Any, t: Any) -> Any:
            return -jnp.take_along_axis(jax.nn.log_softmax(scores(p, x)), t[..., None], axis=-1).mean()

        def step(state: Any, x: Any, t: Any) -> Any:
            p, m, v, count = state
            g = jax.grad(loss)(p, x, t)
            count = count + 1
            m = jax.tree.map(lambda m, g: m + (1 - BETA1) * (g - m), m, g)
            v = jax.tree.map(lambda v, g: v + (1 - BETA2) * (g * g - v), v, g)
            c1, c2 = 1 - BETA1**count, jnp.sqrt(1 - BETA2**count)
            p = jax.tree.map(lambda p, m, v: p - RATE * c2 / c1 * m / (jnp.sqrt(v) + EPS * c2), p, m, v)
            return p, m, v, count

        self.jax, self.jnp = jax, jnp
        self.step = jax.jit(step, donate_argnums=0)

    def start(self, weights: Weights) -> None:
        p, m, v = ([self.jnp.array(w * share) for w in weights] for share in (1, 0, 0))
        self.state = (p, m, v, self.jnp.float32(0))

    def own(self, batches: Sequence[Batch]) -> Any:
        return [(self.jnp.asarray(x), self.jnp.asarray(t.astype(np.int32))) for x, t in batches]

    def train(self, batches: Any) -> None:
        state, step = self.state, self.step
        for x, t in batches:
            state = step(state, x, t)
        self.state = self.jax.block_until_ready(state)

    def weights(self) -> Weights:
        return [np.array(w) for w in self.state[0]]


def drawn(rng: np.random.Generator, *shapes: tuple[int, ...]) -> Weights:
    """First weights for these shapes: as He drew them where there are inputs to count, 0 for a single row."""
    weights: Weights = []
    for shape in shapes:
        if len(shape) == 1:
            weights.append(np.zeros(shape, np.float32))
        else:
            weights.append((rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[:-1]))).astype(np.float32))
    return weights


def apart(weights: Weights, ours: Weights, first: Weights) -> float:
    """How far these weights are from ours, as a share of our way from the first ones."""
    a, b, start = (np.concatenate([w.ravel() for w in group]) for group in (weights, ours, first))
    return float(np.linalg.norm(a - b) / np.linalg.norm(b - start))


def options(what: str) -> argparse.ArgumentParser:
    """The options of every such benchmark."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--quick", action="store_true", help="3 repetitions instead of 15")
    parser.add_argument("--parts", action="store_true", help="how Pellucid's own step divides among the layers")
    return parser


def race(
    heading: str,
    competitors: Mapping[str, tuple[str, Callable[[], Competitor]]],
    weights: Weights,
    batches: Sequence[Batch],
    asked: argparse.Namespace,
) -> None:
    """Let everybody train on the batches, in turns; print the table, and fail if somebody did other work.

    Args:
        heading: what stands over the table.
        competitors: by name, the modules that one needs, and how it is made.
        weights: the first weights.
        batches: the first WARM_UP are not timed.
        asked: `quick` and `parts`.
    """
    names, missing = installed(competitors)
    made = {name: competitors[name][1]() for name in names}
    own = {name: (c.own(batches[:WARM_UP]), c.own(batches[WARM_UP:])) for name, c in made.items()}
    steps = len(batches) - WARM_UP

    def turn(name: str) -> float:
        made[name].start([w.copy() for w in weights])
        made[name].train(own[name][0])
        return seconds(lambda: made[name].train(own[name][1])) / steps

    title(heading)
    for text in missing:
        print(text)
    for name in made:
        turn(name)  # compilers and caches; not counted
    times = take_turns(names, turn, 3 if asked.quick else 15)
    ends = {name: w for name, c in made.items() if (w := c.weights()) is not None}
    distance = {name: apart(w, ends[NUMPY], weights) for name, w in ends.items()}
    rows = []
    for name, taken in times.items():
        row = [name, f"{median(taken) * 1e3:.2f}", f"{min(taken) * 1e3:.2f}"]
        row += [ratio(taken, times[us]) if us in times else "-" for us in (NUMPY, FAST)]
        rows.append([*row, f"{distance[name]:.4f}" if name in distance else "-"])
    print(table(("who", "median ms", "min ms", "/ NumPy alone", "/ fast extra", "apart"), rows))
    if asked.parts:
        for name in (NUMPY, FAST):
            if isinstance(mine := made.get(name), Pellucid):
                mine.start([w.copy() for w in weights])
                print(f"\n{name}: milliseconds by layer")
                divided = [(part, f"{f:.2f}", f"{b:.2f}") for part, (f, b) in mine.parts(batches).items()]
                print(table(("part", "forward", "backward"), divided))
    far = [name for name, share in distance.items() if not share < SAME]
    if far:
        raise SystemExit(f"{' and '.join(far)} ended elsewhere: not the same work was done, so the times mean nothing.")


def introduce() -> None:
    """Where the numbers come from, and how the ratios are to be read."""
    print(machine())
    print("ratios     of the medians / of the minima; above 1 means slower than Pellucid")
