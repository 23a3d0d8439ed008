"""One real training step with everything it computed: forward, loss, backward, update, every array under its path.

No layer has a hook. The tape keeps its arrays because the run says so (`Run(keep=True)`), and the step is made by the
model's own functions, so its numbers are those of training, to the bit. The step is made on a twin: the model and the
optimizer are afterwards as they were.

    trace = pl.trace(model, x[:4], t[:4])
    trace["1.relu"].dy, trace["0.dense"].dW, trace.loss, trace.update["0.dense.W"]
"""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import numpy as np

from pellucid.base.arrays import Array, Cache
from pellucid.base.errors import UsageError
from pellucid.base.run import Run
from pellucid.layers.compose import masked
from pellucid.layers.layer import Layer
from pellucid.model import Model
from pellucid.optim import Optimizer

INSIDE = ("tape", "keep")  # what a container's cache holds for the tape alone


class NoSuchPath(UsageError, LookupError):
    """A path that a trace does not have; the message offers the nearest ones."""


@dataclass(eq=False)
class Node:
    """One layer's part of a step: `x`, `y`, `dy`, `dx`, `cache`, and its parameters with their gradients by name.

    The parameters are those that the forward pass used, before the update.
    """

    path: str
    x: Array
    y: Array
    dy: Array
    dx: Array
    cache: Cache
    params: dict[str, Array] = field(default_factory=dict)  # W, b, dW, db, and buffers
    owner: Trace | None = field(default=None, repr=False)

    @property
    def layer(self) -> Layer:
        """The layer, in the trace's own copy of the model."""
        assert self.owner is not None
        return self.owner.layer(self.path)

    @property
    def names(self) -> list[str]:
        """The names of its arrays."""
        cached = [f"cache.{k}" for k, v in self.cache.items() if isinstance(v, np.ndarray)]
        return ["x", "y", "dy", "dx", *self.params, *cached]

    def __getattr__(self, name: str) -> Any:
        params = self.__dict__.get("params", {})
        if name in params:
            return params[name]
        raise AttributeError(f"{self.__dict__.get('path')} has no {name!r}; it has {', '.join(self.names)}")

    def __repr__(self) -> str:
        return f"Node({self.path}: {', '.join(self.names)})"


@dataclass(eq=False)
class Scores:
    """The loss's part of a step.

    `z` are the scores (the network's outputs), `t` the targets, `dz` is dL/dz, `y` what a person reads of the scores,
    and `n` what the sum over the batch is divided by.
    """

    z: Array
    t: Array
    dz: Array
    cache: Cache
    total: float
    n: float

    @property
    def y(self) -> Array:
        """The scores as a person reads them: probabilities, or the values themselves."""
        return np.asarray(self.cache["y"])


@dataclass(eq=False)
class Update:
    """The optimizer's part of a step: its state before and after, and how far the parameters moved.

    `before` and `after` hold "theta" and the optimizer's own vectors ("m", "v") by name; `grad` is the gradient that it
    was given, after clipping. `update["0.dense.W"]` is the step of one array.
    """

    optimizer: Optimizer | None  # None: not known, so its formula cannot be shown
    rate: float
    t: int  # which step it was, counted from 1
    grad: Array
    before: dict[str, Array]
    after: dict[str, Array]
    slots: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def step(self) -> Array:
        """How far theta moved, one vector (P,)."""
        with np.errstate(invalid="ignore"):  # a number that is not finite is shown as it is
            return np.asarray(self.after["theta"] - self.before["theta"])

    def __getitem__(self, path: str) -> Array:
        """The step of one parameter array."""
        if path not in self.slots:
            raise NoSuchPath(f"The update has no array {path!r}. {nearest(path, list(self.slots))}")
        return self.of(path, self.step)

    def of(self, path: str, vector: Array) -> Array:
        """The part of a vector of theta's length that belongs to a parameter array."""
        slot = self.slots[path]
        return np.asarray(vector[slot.at].reshape(slot.shape))


class Trace:
    """A recorded step; `pl.trace` makes one (see tape.py). Everything in it is a copy of its own.

    `trace["0.dense"]` is a layer's part, `trace["0.dense.dW"]` one array, `trace.loss` the reported loss,
    `trace["loss"]` the loss's part, `trace.update` the optimizer's. `trace.paths` lists the layers.

    >>> import pellucid as pl
    >>> trace = pl.trace(pl.Model(pl.Dense(1), pl.Tanh(), input_shape=(2,)), [[1.0, 2.0]], [[0.5]])
    >>> isinstance(trace, pl.Trace), trace.paths, trace["0.dense"].names
    (True, ['0.dense', '1.tanh'], ['x', 'y', 'dy', 'dx', 'W', 'b', 'dW', 'db', 'cache.x'])
    """

    def __init__(
        self,
        model: Model,
        nodes: dict[str, Node],
        scores: Scores,
        loss: float,
        theta: Array,
        grad: Array,
        *,
        x: Array,
        weights: Array | None = None,
        mask: Array | None = None,
        training: bool = True,
        noise: dict[str, Any] | None = None,
        step: int = 1,
    ) -> None:
        self.nodes, self.scores, self.loss = nodes, scores, loss
        self.theta, self.grad, self.x, self.weights, self.mask = theta, grad, x, weights, mask
        self.training, self.noise, self.step = training, noise, step
        self.update: Update | None = None
        self.memo: dict[Any, Any] = {}  # what openers have worked out
        self._pattern, self._model = model, None if model.theta is not theta else model
        for node in nodes.values():
            node.owner = self

    @property
    def model(self) -> Model:
        """A copy of the model with the parameters that the forward pass used."""
        if self._model is None:
            self._model = self._pattern.copy()
            self._model.theta[:], self._model.grad[:] = self.theta, self.grad
        return self._model

    @property
    def paths(self) -> list[str]:
        """The layers, in the order in which the numbers pass them; containers before their content."""
        return list(self.nodes)

    def layer(self, path: str) -> Layer:
        """The layer at a path."""
        layer: Layer = self.model.net
        parts = path.split(".")
        for i in range(0, len(parts), 2):
            layer = layer.children()[".".join(parts[i : i + 2])]
        return layer

    def __getitem__(self, path: str) -> Any:
        """A layer's part ("1.relu"), the loss's ("loss"), or one array ("1.relu.dy", "loss.dz", "0.dense.W.m")."""
        if path in self.nodes:
            return self.nodes[path]
        if path == "loss":
            return self.scores
        return self.array(*self.split(path))

    def split(self, path: str) -> tuple[str, str]:
        """An array's path as (the layer's path or "loss", the array's name)."""
        owners = [p for p in [*self.nodes, "loss"] if path.startswith(p + ".")]
        if not owners:
            close = [*self.nodes, "loss", *(f"{p}.{n}" for p, node in self.nodes.items() for n in node.names)]
            raise NoSuchPath(f"The trace has no {path!r}. {nearest(path, close)}")
        owner = max(owners, key=len)
        return owner, path[len(owner) + 1 :]

    def array(self, owner: str, name: str) -> Array:
        """One array of a layer or of the loss, by its name; unknown names get the nearest ones offered."""
        from pellucid.inspection.openers import find_array  # which know the arrays that are worked out on demand

        return find_array(self, owner, name)

    def run(self, rng: Any = None) -> Run:
        """The kind of pass that was traced, with its random stream put back to where it stood."""
        if rng is None and self.noise is not None:
            bits = getattr(np.random, self.noise["bit_generator"])()
            bits.state = self.noise
            rng = np.random.Generator(bits)
        return masked(self.model.net, Run(training=self.training, rng=rng), self.mask)

    def save(self, path: Any) -> None:
        """Write the trace as one plain file; `pl.load_trace` reads it. See docs/trace.md for what is in it."""
        from pellucid.inspection.tracefile import save_trace

        save_trace(self, path)

    def __repr__(self) -> str:
        N, count = len(self.x), len(self.nodes)
        return f"Trace({N} sample{'s' * (N != 1)}, loss {self.loss:.6g}; {count} layers: {', '.join(self.nodes)})"


def nearest(path: str, known: list[str], say: int = 3) -> str:
    """The names that look most like a wrong one.

    >>> nearest("0.dens", ["0.dense", "1.relu"])
    'Did you mean 0.dense?'
    """
    small = {name.lower(): name for name in reversed(known)}
    close = [small[name] for name in get_close_matches(path.lower(), small, n=say, cutoff=0.5)]
    if close:
        return f"Did you mean {' or '.join(close)}?"
    return f"There {'are' if len(known) != 1 else 'is'} {', '.join(known[:12])}{', ...' if len(known) > 12 else ''}."
