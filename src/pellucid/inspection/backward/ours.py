"""Layers in Pellucid's own form: `y, cache = forward(x, run)` and `dx = backward(dy, cache)`, which writes self.dW.

The layer is copied and bound in a small model of float64, because that is where its arrays live.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import PellucidError, UsageError
from pellucid.base.run import Run
from pellucid.base.seeds import stream
from pellucid.inspection.backward import making
from pellucid.inspection.backward.calling import Chance
from pellucid.inspection.backward.draws import like
from pellucid.inspection.backward.subject import Body, Subject, Words, X, as_real
from pellucid.layers.compose import walk
from pellucid.layers.layer import Layer
from pellucid.model import Model

SQUARE = 10  # draws from this number on have as many outputs as inputs
SHAPES = ((4,), (6, 6, 2), (5, 4))


class OurSubject(Subject):
    """A `pl.Layer`.

    Args:
        layer: the layer, or its class.
        x: inputs, or None.
        training: how it is run.
        args: with which a class is made, or None to guess.
    """

    def __init__(self, layer: Any, x: Any = None, training: bool = True, args: tuple[Any, ...] | None = None) -> None:
        if isinstance(layer, type):
            layer = layer(*args) if args is not None else making.instance(layer, 0)
        self.layer: Layer = layer
        self.training = training
        self.name = type(layer).__name__
        self.x = as_real(x) if x is not None else self._some()
        if self.x.ndim < 2:
            raise UsageError(
                f"{self.name} takes a batch: the first axis is the sample. The input's shape is {self.x.shape}."
            )
        self.whole_input = self._wants_ids()
        body = self.body(0)
        names = list(body.params())
        one = {n: n.rsplit(".", 1)[-1] for n in names}
        self.words = Words(
            'cache["x"]',
            "y",
            "dy",
            {n: f"self.{one[n]}" for n in names},
            {X: "dx"}
            | {n: f"self.d{one[n]}[:]" if "." not in n else f"{n.rsplit('.', 1)[0]}.d{one[n]}" for n in names},
        )

    def _some(self) -> Array:
        rng = np.random.default_rng(0)
        known = vars(self.layer).get("W")
        shapes = ((known.shape[0],), *SHAPES) if isinstance(known, np.ndarray) and known.ndim == 2 else SHAPES
        for shape in shapes:
            for x in (rng.standard_normal((5, *shape)), rng.integers(0, 2, (5, *shape)).astype(np.float64)):
                try:
                    Model(_unbound(self.layer, (1, *shape)), input_shape=shape, dtype=np.float64).net.forward(x, Run())
                except (PellucidError, ValueError, IndexError):
                    continue
                return np.asarray(x)
        raise UsageError(f"No input that was tried fits {self.name}. Give some: pl.check_backward(layer, x).")

    def _wants_ids(self) -> bool:
        """Whether the inputs are whole numbers that must not be nudged."""
        if not np.array_equal(self.x, np.floor(self.x)):
            return False
        body = self.body(0)
        try:
            body.forward(self.x + 0.3)
        except (PellucidError, IndexError, ValueError):
            return True
        return False

    def body(self, draw: int) -> OurBody:
        return OurBody(self, draw)

    def input(self, n: int, body: Body, rng: np.random.Generator) -> Array:
        if self.whole_input:
            return np.asarray(rng.choice(self.x.ravel(), (n, *self.x.shape[1:])))
        return like(self.x, n, rng)


def _unbound(layer: Layer, shape: tuple[int, ...]) -> Layer:
    """A copy without arrays of a model."""
    twin = copy.deepcopy(layer)
    for one, at in [(twin, shape), *((inner, s) for _, inner, s in walk(twin, shape))]:
        for name in (*one.params(at), *one.buffers(at)):
            for copied in (name, "d" + name):
                vars(one).pop(copied, None)
    return twin


class OurBody(Body):
    """The layer alone in a model."""

    def __init__(self, subject: OurSubject, draw: int) -> None:
        shape = subject.x.shape[1:]
        layer = _unbound(subject.layer, (1, *shape))
        if draw >= SQUARE and hasattr(layer, "units"):
            vars(layer)["units"] = shape[-1]
        self.model = Model(layer, input_shape=shape, dtype=np.float64, seed=3 + draw)
        self.subject, self.layer, self.draw = subject, layer, draw
        self.cache: Any = None
        self.sums = {}
        if not draw:
            for path in self.model.slots:
                held = _held(subject.layer, path)
                if held is not None:
                    self._view(path)[...] = held
        rng = stream(draw, "buffers")
        self.model.buffers[:] += 0.2 * rng.random(self.model.buffers.size)
        self.chance = _Noise(draw)

    def _view(self, path: str) -> Array:
        slot = self.model.slots[path]
        return self.model.theta[slot.at].reshape(slot.shape)

    def params(self) -> dict[str, Array]:
        return {_short(path): self._view(path).copy() for path in self.model.slots}

    def put(self, params: dict[str, Array]) -> None:
        for path in self.model.slots:
            if _short(path) in params:
                self._view(path)[...] = params[_short(path)]

    def forward(self, x: Any) -> Array:
        assert isinstance(self.chance, _Noise)
        y, self.cache = self.layer.forward(x, Run(training=self.subject.training, rng=self.chance.rng))
        return np.array(y)

    def backward(self, dy: Array) -> dict[str, Any]:
        said: dict[str, Any] = {X: np.array(self.layer.backward(dy, self.cache))}
        for path, slot in self.model.slots.items():
            said[_short(path)] = self.model.grad[slot.at].reshape(slot.shape).copy()
        return said


def _short(path: str) -> str:
    """A slot's path without the layer itself: "W" for "0.dense.W"."""
    return path.split(".", 2)[2]


def _held(layer: Layer, path: str) -> Array | None:
    """The layer's own array, if it belongs to a model already."""
    *inside, name = _short(path).split(".")
    for i in range(0, len(inside), 2):
        layer = layer.children()[".".join(inside[i : i + 2])]
    value = vars(layer).get(name)
    return value if isinstance(value, np.ndarray) else None


class _Noise(Chance):
    """The one stream that a layer of ours may draw from, and the global ones in case it does not keep to that."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.rng = stream(seed, "noise")
        self.generators.append(self.rng)
