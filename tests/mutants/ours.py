"""Layers, losses and penalties in Pellucid's own form, with one mistake."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import pellucid as pl

Array = Any


def _after(kind: type[pl.Layer], change: Callable[[Any, Array, Array], Array]) -> type[pl.Layer]:
    """The layer whose backward ends with a change: (layer, dy, dx) -> dx."""

    class Mutant(kind):  # type: ignore[misc, valid-type]
        def backward(self, dy: Array, cache: Any) -> Array:
            return change(self, dy, super().backward(dy, cache))

    Mutant.__name__ = kind.__name__
    return Mutant


def _scale(name: str, factor: Callable[[Array], float]) -> Callable[[Any, Array, Array], Array]:
    def change(layer: Any, dy: Array, dx: Array) -> Array:
        gradient = getattr(layer, name)
        gradient *= factor(dy)
        return dx

    return change


def _stale(names: tuple[str, ...]) -> Callable[[type[pl.Layer]], type[pl.Layer]]:
    def make(kind: type[pl.Layer]) -> type[pl.Layer]:
        class Mutant(kind):  # type: ignore[misc, valid-type]
            def backward(self, dy: Array, cache: Any) -> Array:
                before = {n: getattr(self, n).copy() for n in names}
                dx = super().backward(dy, cache)
                for n, old in before.items():
                    getattr(self, n)[...] += old
                return dx

        Mutant.__name__ = kind.__name__
        return Mutant

    return make


def _overwrite(layer: Any, dy: Array, dx: Array) -> Array:
    dy *= 2.0
    return dx


def _old_cache(kind: type[pl.Layer]) -> type[pl.Layer]:
    class Mutant(kind):  # type: ignore[misc, valid-type]
        def forward(self, x: Array, run: pl.Run) -> tuple[Array, Any]:
            y, cache = super().forward(x, run)
            if "first" not in vars(self):
                self.first = cache
            return y, self.first

    Mutant.__name__ = kind.__name__
    return Mutant


class UpdatesFirst(pl.Dense):
    """Moves its weights before dX is computed."""

    def backward(self, dy: Array, cache: Any) -> Array:
        self.backward_params(dy, cache)
        self.W -= 0.5 * self.dW
        return dy @ self.W.T


class Untransposed(pl.Dense):
    """dX = dY W."""

    def backward(self, dy: Array, cache: Any) -> Array:
        self.backward_params(dy, cache)
        return dy @ self.W


PARAMETERS: dict[str, tuple[Callable[[], pl.Layer], tuple[int, ...], str]] = {  # how it is made, its input, its bias
    "Dense": (lambda: pl.Dense(3), (4,), "db"),
    "Conv2D": (lambda: pl.Conv2D(2, 2), (4, 4, 2), "db"),
    "LayerNorm": (lambda: pl.LayerNorm(), (5,), ""),
    "GRU": (lambda: pl.GRU(3), (3, 2), ""),
    "Embedding": (lambda: pl.Embedding(6, 3), (4,), ""),
}
PLAIN: dict[str, tuple[Callable[[], pl.Layer], tuple[int, ...]]] = {
    "ReLU": (pl.ReLU, (4,)),
    "Tanh": (pl.Tanh, (4,)),
    "GELU": (pl.GELU, (4,)),
    "SiLU": (pl.SiLU, (2, 3)),
    "Softmax": (pl.Softmax, (4,)),
    "MaxPool2D": (lambda: pl.MaxPool2D(2), (4, 4, 2)),
}


def mutate(layer: pl.Layer, to: Callable[[type[pl.Layer]], type[pl.Layer]]) -> pl.Layer:
    """The same layer as an object of the mutated class."""
    layer.__class__ = to(type(layer))
    return layer


def with_parameters(name: str) -> list[tuple[str, str, Callable[[], pl.Layer]]]:
    """(mistake, what, how it is made) for a layer that has parameters."""
    make, _, _ = PARAMETERS[name]
    probe = pl.Model(make(), input_shape=PARAMETERS[name][1])
    grads = ["d" + path.rsplit(".", 1)[-1] for path in probe.slots]
    found: list[tuple[str, str, Callable[[], pl.Layer]]] = []

    def add(mistake: str, what: str, to: Callable[[type[pl.Layer]], type[pl.Layer]]) -> None:
        found.append((mistake, what, lambda: mutate(make(), to)))

    for g in grads:
        add("sign", g, lambda kind, g=g: _after(kind, _scale(g, lambda dy: -1.0)))  # type: ignore[misc]
        add("averaged instead of summed", g, lambda kind, g=g: _after(kind, _scale(g, lambda dy: 1 / len(dy))))  # type: ignore[misc]
        add("stale gradient added", g, lambda kind, g=g: _stale((g,))(kind))  # type: ignore[misc]
    add("argument overwritten", "dy", lambda kind: _after(kind, _overwrite))
    if name != "Embedding":
        add("sign", "dx", lambda kind: _after(kind, lambda layer, dy, dx: -dx))
    if name in ("Dense", "LayerNorm"):
        add("wrong input cached", "the first", _old_cache)
    return found


def without_parameters(name: str) -> list[tuple[str, str, Callable[[], pl.Layer]]]:
    """The same for a layer without."""
    make, _ = PLAIN[name]
    found: list[tuple[str, str, Callable[[], pl.Layer]]] = []

    def add(mistake: str, to: Callable[[type[pl.Layer]], type[pl.Layer]]) -> None:
        found.append((mistake, "", lambda: mutate(make(), to)))

    add("sign", lambda kind: _after(kind, lambda layer, dy, dx: -dx))
    add("extra 1/N", lambda kind: _after(kind, lambda layer, dy, dx: dx / len(dy)))
    add("argument overwritten", lambda kind: _after(kind, _overwrite))
    add("wrong input cached", _old_cache)
    if name not in ("Softmax", "MaxPool2D"):
        add("activation derivative missing", lambda kind: _after(kind, lambda layer, dy, dx: dy.copy()))
    if name == "Softmax":
        add("softmax Jacobian missing", lambda kind: _after(kind, lambda layer, dy, dx: dy.copy()))
    return found


def _loss_after(kind: type[pl.Loss], change: Callable[[Any, Array], Array]) -> pl.Loss:
    class Mutant(kind):  # type: ignore[misc, valid-type]
        def backward(self, cache: Any) -> Array:
            return change(cache, super().backward(cache))

    Mutant.__name__ = kind.__name__
    return Mutant()


def losses(kind: type[pl.Loss]) -> list[tuple[str, pl.Loss]]:
    """(mistake, loss) for a loss of ours."""
    found = [
        ("sign", _loss_after(kind, lambda cache, dz: -dz)),
        ("missing 1/N", _loss_after(kind, lambda cache, dz: dz * cache["n"])),
        ("extra 1/N", _loss_after(kind, lambda cache, dz: dz / cache["n"])),
    ]
    if issubclass(kind, pl.MeanSquaredError | pl.Huber | pl.SigmoidCrossEntropy):
        found.append(("missing 1/K", _loss_after(kind, lambda cache, dz: dz * dz.shape[-1])))
    if issubclass(kind, pl.MeanSquaredError):
        found.append(("factor 2 of the square", _loss_after(kind, lambda cache, dz: 0.5 * dz)))
    if issubclass(kind, pl.SoftmaxCrossEntropy):
        found.append(("p instead of p - y", _loss_after(kind, lambda cache, dz: cache["p"] / cache["n"])))
    return found


class NoSlope(pl.L2):
    """A penalty whose value counts and whose gradient does not."""

    def gradient(self, w: Array) -> Array:
        return np.zeros_like(w)


class TwiceTheSlope(pl.L2):
    """A penalty whose gradient counts twice."""

    def gradient(self, w: Array) -> Array:
        return 2.0 * super().gradient(w)


class HalfTheSlope(pl.L2):
    """l w, as if the penalty were half the square."""

    def gradient(self, w: Array) -> Array:
        return 0.5 * super().gradient(w)


PENALTIES = {
    "regulariser missing": NoSlope,
    "regulariser doubled": TwiceTheSlope,
    "factor 2 of the square": HalfTheSlope,
}


class PenaltyForgotten(pl.Model):
    """A model that reports its penalties and leaves them out of the gradient."""

    def add_penalties(self) -> float:
        return sum(penalty.value(self.theta[at]) for at, penalty in self.penalties)


class PenaltyTwice(pl.Model):
    """A model that adds its penalties' gradients twice."""

    def add_penalties(self) -> float:
        super().add_penalties()
        return super().add_penalties()
