"""How long one training step takes: 784-128-10, ReLU, softmax cross-entropy, Adam.

    python benchmarks/step.py [--quick] [--only WORDS] [--batches SIZES]

Everybody starts from the same weights, sees the same batches in the same order and does the same number of steps.
Each timed repetition starts afresh, and its batches and labels are random and many. A network that trains on one batch
again and again learns it by heart, its gradients become denormal numbers, and everything gets slow for no good reason.
At the end all must have arrived at the same weights, or they did not do the same work: the column "apart" is the
distance from Pellucid's weights, as a share of the way from the first weights to there.

The last line of each table is the floor: the five matrix products of the step alone, written into arrays that are
there already. No step that computes with this BLAS can be faster.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np

from common import installed, machine, ratio, seconds, table, take_turns, title
from contest import FAST, NUMPY, Competitor

D, H, K = 784, 128, 10
RATE, BETA1, BETA2, EPS = 1e-3, 0.9, 0.999, 1e-8
STEPS = {32: 300, 128: 150, 512: 60}  # timed steps a repetition, by batch size
WARM_UP = 5  # steps before the clock starts
SAME = 0.05  # how far apart the weights may end, as a share of the way; Keras and scikit-learn place eps elsewhere
FLOOR = "the five products alone"
Weights = tuple[Any, Any, Any, Any]  # W1 (D, H), b1 (H,), W2 (H, K), b2 (K,)
Batch = tuple[Any, Any]  # x (N, D), t (N,)


class Pellucid(Competitor):
    def __init__(self, kernels: str) -> None:
        import pellucid as pl

        self.pl, self.kernels = pl, kernels

    def start(self, weights: Weights) -> None:
        from pellucid import kernels

        kernels.use(self.kernels)
        pl = self.pl
        self.model = pl.Model(pl.Dense(H), pl.ReLU(), pl.Dense(K), loss=pl.SoftmaxCrossEntropy(), input_shape=(D,))
        self.model.theta[:] = np.concatenate([w.ravel() for w in weights])
        self.optimizer = pl.Adam(RATE, BETA1, BETA2, EPS)
        self.optimizer.start(self.model.theta)

    def train(self, batches: Any) -> None:
        model, optimizer, run = self.model, self.optimizer, self.pl.Run(training=True)
        for x, t in batches:
            model.loss_and_grad(x, t, run)
            optimizer.step(model.theta, model.grad)

    def weights(self) -> Weights:
        first, _, last = self.model.layers
        return first.W.copy(), first.b.copy(), last.W.copy(), last.b.copy()


class Torch(Competitor):
    def __init__(self) -> None:
        import torch

        self.torch = torch

    def start(self, weights: Weights) -> None:
        torch = self.torch
        self.net = torch.nn.Sequential(torch.nn.Linear(D, H), torch.nn.ReLU(), torch.nn.Linear(H, K))
        with torch.no_grad():
            for parameter, w in zip(self.net.parameters(), weights, strict=True):
                parameter.copy_(torch.from_numpy(w.T.copy()))
        self.optimizer = torch.optim.Adam(self.net.parameters(), RATE, (BETA1, BETA2), EPS, fused=True)

    def own(self, batches: Sequence[Batch]) -> Any:
        return [(self.torch.from_numpy(x), self.torch.from_numpy(t)) for x, t in batches]

    def train(self, batches: Any) -> None:
        net, optimizer, loss = self.net, self.optimizer, self.torch.nn.functional.cross_entropy
        for x, t in batches:
            optimizer.zero_grad()
            loss(net(x), t).backward()
            optimizer.step()

    def weights(self) -> Weights:
        W1, b1, W2, b2 = (p.detach().numpy().T.copy() for p in self.net.parameters())
        return W1, b1, W2, b2


class Compiled(Competitor):
    """A step that JAX compiled: the state goes in and the next one comes out."""

    jax: Any
    step: Callable[[Any, Any, Any], tuple[Any, Any]]
    state: Any

    def train(self, batches: Any) -> None:
        state, step = self.state, self.step
        for x, t in batches:
            state, _ = step(state, x, t)
        self.state = self.jax.block_until_ready(state)

    def weights(self) -> Weights:
        W1, b1, W2, b2 = (np.array(w) for w in self.state[0])
        return W1, b1, W2, b2


class Jax(Compiled):
    def __init__(self) -> None:
        import jax
        import jax.numpy as jnp

        def loss(p: Weights, x: Any, t: Any) -> Any:
            W1, b1, W2, b2 = p
            z = jax.nn.relu(x @ W1 + b1) @ W2 + b2
            return -jnp.take_along_axis(jax.nn.log_softmax(z), t[:, None], axis=1).mean()

        def step(state: Any, x: Any, t: Any) -> tuple[Any, Any]:
            p, m, v, count = state
            value, g = jax.value_and_grad(loss)(p, x, t)
            count = count + 1
            m = jax.tree.map(lambda m, g: m + (1 - BETA1) * (g - m), m, g)
            v = jax.tree.map(lambda v, g: v + (1 - BETA2) * (g * g - v), v, g)
            c1, c2 = 1 - BETA1**count, jnp.sqrt(1 - BETA2**count)
            p = jax.tree.map(lambda p, m, v: p - RATE * c2 / c1 * m / (jnp.sqrt(v) + EPS * c2), p, m, v)
            return (p, m, v, count), value

        self.jax, self.jnp = jax, jnp
        self.step = jax.jit(step, donate_argnums=0)  # the old state's memory becomes the new one's

    def start(self, weights: Weights) -> None:
        p = tuple(self.jnp.array(w) for w in weights)
        zeros = [tuple(self.jnp.zeros_like(w) for w in p) for _ in range(2)]
        self.state = (p, *zeros, self.jnp.float32(0))

    def own(self, batches: Sequence[Batch]) -> Any:
        return [(self.jnp.asarray(x), self.jnp.asarray(t.astype(np.int32))) for x, t in batches]


class Keras(Competitor):
    """Keras's own call for one step."""

    def __init__(self) -> None:
        import keras

        layers = [keras.layers.Dense(H, activation="relu"), keras.layers.Dense(K)]
        self.keras, self.net = keras, keras.Sequential([keras.Input((D,)), *layers])
        self.optimizer = keras.optimizers.Adam(RATE, BETA1, BETA2, EPS)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self.net.compile(optimizer=self.optimizer, loss=loss)
        self.optimizer.build(self.net.trainable_variables)
        self.first = [np.array(keras.ops.convert_to_numpy(v)) for v in self.optimizer.variables]

    def start(self, weights: Weights) -> None:
        self.net.set_weights(weights)
        for variable, value in zip(self.optimizer.variables, self.first, strict=True):
            variable.assign(value)

    def own(self, batches: Sequence[Batch]) -> Any:
        import jax.numpy as jnp

        return [(jnp.asarray(x), jnp.asarray(t.astype(np.int32))) for x, t in batches]

    def train(self, batches: Any) -> None:
        for x, t in batches:
            self.net.train_on_batch(x, t)

    def weights(self) -> Weights:
        W1, b1, W2, b2 = (np.array(w) for w in self.net.get_weights())
        return W1, b1, W2, b2


class KerasCompiled(Compiled, Keras):
    """Keras's fastest form: its guide's own loop around a compiled stateless step."""

    def __init__(self) -> None:
        super().__init__()
        import jax

        net, optimizer, keras = self.net, self.optimizer, self.keras

        def loss(trainable: Any, fixed: Any, x: Any, t: Any) -> tuple[Any, Any]:
            z, fixed = net.stateless_call(trainable, fixed, x, training=True)
            return keras.ops.mean(keras.losses.sparse_categorical_crossentropy(t, z, from_logits=True)), fixed

        def step(state: Any, x: Any, t: Any) -> tuple[Any, Any]:
            trainable, fixed, slots = state
            (value, fixed), gradients = jax.value_and_grad(loss, has_aux=True)(trainable, fixed, x, t)
            trainable, slots = optimizer.stateless_apply(slots, gradients, trainable)
            return (trainable, fixed, slots), value

        self.jax, self.step = jax, jax.jit(step, donate_argnums=0)

    def start(self, weights: Weights) -> None:
        import jax.numpy as jnp

        self.state: Any = [jnp.array(w) for w in weights], [], [jnp.array(value) for value in self.first]


class ScikitLearn(Competitor):
    def start(self, weights: Weights) -> None:
        from sklearn.neural_network import MLPClassifier

        self.net = MLPClassifier((H,), alpha=0.0, learning_rate_init=RATE, batch_size=32, shuffle=False)
        self.net.partial_fit(np.zeros((32, D), np.float32), np.arange(32) % K, classes=np.arange(K))
        for mine, w in zip((*self.net.coefs_, *self.net.intercepts_), (*weights[::2], *weights[1::2]), strict=True):
            mine[:] = w
        adam = self.net._optimizer  # its arrays exist only after a first step, which is undone here
        adam.t = 0
        for state in (*adam.ms, *adam.vs):
            state[:] = 0

    def own(self, batches: Sequence[Batch]) -> Any:
        self.net_batch = len(batches[0][0])
        return np.concatenate([x for x, _ in batches]), np.concatenate([t for _, t in batches])

    def train(self, batches: Any) -> None:
        x, t = batches
        self.net.batch_size = self.net_batch
        self.net.partial_fit(x, t)  # all in one call: a call for every batch spends most of its time on checks

    def weights(self) -> Weights:
        (W1, W2), (b1, b2) = self.net.coefs_, self.net.intercepts_
        return W1, b1, W2, b2


class Products(Competitor):
    """The floor: two products forward, three backward, into arrays that exist; nothing else."""

    def start(self, weights: Weights) -> None:
        self.W1, _, self.W2, _ = weights
        self.dW1, self.dW2 = np.empty_like(self.W1), np.empty_like(self.W2)
        self.rng = np.random.default_rng(0)

    def train(self, batches: Any) -> None:
        N = len(batches[0][0])
        W1, W2, dW1, dW2 = self.W1, self.W2, self.dW1, self.dW2
        h, dh = np.empty((N, H), np.float32), np.empty((N, H), np.float32)
        z, dz = np.empty((N, K), np.float32), self.rng.random((N, K), np.float32)
        for x, _ in batches:
            np.dot(x, W1, out=h)  # (N, H)
            np.dot(h, W2, out=z)  # (N, K)
            np.dot(h.T, dz, out=dW2)  # (H, K)
            np.dot(dz, W2.T, out=dh)  # (N, H)
            np.dot(x.T, dh, out=dW1)  # (D, H)

    def weights(self) -> None:
        return None


COMPETITORS: dict[str, tuple[str, Callable[[], Competitor]]] = {
    NUMPY: ("pellucid", lambda: Pellucid("reference")),
    FAST: ("numba", lambda: Pellucid("jit")),
    "PyTorch eager, fused Adam": ("torch", Torch),
    "JAX jit, donated": ("jax", Jax),
    "Keras on JAX, compiled step": ("keras jax", KerasCompiled),
    "Keras on JAX, train_on_batch": ("keras jax", Keras),
    "scikit-learn, partial_fit": ("sklearn", ScikitLearn),
    FLOOR: ("numpy", Products),
}


def draw(N: int, steps: int) -> tuple[Weights, list[Batch]]:
    """First weights as He drew them, and `steps` different batches with random labels."""
    rng = np.random.default_rng(N)
    W1 = (rng.standard_normal((D, H)) * np.sqrt(2 / D)).astype(np.float32)
    W2 = (rng.standard_normal((H, K)) * np.sqrt(2 / H)).astype(np.float32)
    weights = W1, np.zeros(H, np.float32), W2, np.zeros(K, np.float32)
    return weights, [(rng.standard_normal((N, D), np.float32), rng.integers(0, K, N)) for _ in range(steps)]


def apart(weights: Weights, ours: Weights, first: Weights) -> float:
    """How far these weights are from ours, as a share of our way from the first ones."""
    there, here, start = (np.concatenate([w.ravel() for w in group]) for group in (weights, ours, first))
    return float(np.linalg.norm(there - here) / np.linalg.norm(here - start))


def measure(made: dict[str, Competitor], N: int, repeats: int) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Seconds a step for everybody, one number a repetition; and how far apart they ended."""
    steps = STEPS.get(N) or max(20, 20_000 // N)
    weights, batches = draw(N, WARM_UP + steps)
    own = {name: (c.own(batches[:WARM_UP]), c.own(batches[WARM_UP:])) for name, c in made.items()}

    def turn(name: str) -> float:
        made[name].start(tuple(w.copy() for w in weights))
        made[name].train(own[name][0])
        return seconds(lambda: made[name].train(own[name][1])) / steps

    for name in made:
        turn(name)  # compilers and caches; not counted
    times = take_turns(list(made), turn, repeats)
    ends = {name: w for name, c in made.items() if (w := c.weights()) is not None}
    ours = ends.get(NUMPY) or next(iter(ends.values()))
    return times, {name: apart(w, ours, weights) for name, w in ends.items()}


def report(N: int, times: dict[str, list[float]], distance: dict[str, float]) -> None:
    """The table for one batch size."""
    rows = []
    for name, taken in times.items():
        row = [name, f"{np.median(taken) * 1e6:.0f}", f"{min(taken) * 1e6:.0f}"]
        row += [ratio(taken, times[us]) if us in times else "-" for us in (NUMPY, FAST)]
        rows.append([*row, f"{distance[name]:.4f}" if name in distance else "-"])
    title(f"One step, batch {N}")
    print(table(("who", "median us", "min us", "/ NumPy alone", "/ fast extra", "apart"), rows))
    for us in (NUMPY, FAST):
        if us in times and FLOOR in times:
            print(f"distance to the floor, {us}: {ratio(times[us], times[FLOOR])} times the five products")
    far = [name for name, share in distance.items() if not share < SAME]
    if far:
        raise SystemExit(f"{' and '.join(far)} ended elsewhere: not the same work was done, so the times mean nothing.")


def main() -> None:
    parser = argparse.ArgumentParser(description="How long one training step takes, beside the peers.")
    parser.add_argument("--quick", action="store_true", help="3 repetitions instead of 15")
    parser.add_argument("--only", default="", help="those whose name holds one of these words: pellucid,torch")
    parser.add_argument("--batches", default="32,128,512", help="batch sizes. Default 32,128,512")
    asked = parser.parse_args()
    words = [word for word in asked.only.lower().split(",") if word]
    chosen = {name: c for name, c in COMPETITORS.items() if not words or any(word in name.lower() for word in words)}
    if not chosen:
        raise SystemExit(f"--only {asked.only} names nobody; there are: {', '.join(COMPETITORS)}. Separate by commas.")
    names, missing = installed(chosen)
    made = {name: chosen[name][1]() for name in names}
    print(machine())
    print("ratios     of the medians / of the minima; above 1 means slower than Pellucid")
    for text in missing:
        print(text)
    for N in map(int, asked.batches.split(",")):
        report(N, *measure(made, N, 3 if asked.quick else 15))


if __name__ == "__main__":
    main()
