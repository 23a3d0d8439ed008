"""Objects in the book's form, and the many forms like it.

`forward(inputs)` leaves `.output` or returns it, perhaps with a cache; `backward(dvalues)` leaves `.dinputs, .dweights,
.dbiases`, or returns them. Which attributes are parameters is found by looking: an array `p` for which backward makes
a `dp`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import UsageError
from pellucid.inspection.backward import making
from pellucid.inspection.backward.calling import (
    BIASES,
    CACHES,
    GRADIENTS,
    RATES,
    TRAINING,
    WEIGHTS,
    Chance,
    call,
    offer,
    parameters,
    required,
    twin,
)
from pellucid.inspection.backward.draws import like
from pellucid.inspection.backward.nudge import jacobian
from pellucid.inspection.backward.places import Place, get, gradient_places, has, places, put, written
from pellucid.inspection.backward.subject import Body, Subject, Words, X, as_real, in_order

OUTPUT_AT = ("output", "outputs", "out", "y", "Y", "a", "A", "activation", "result")
INPUT_GRADIENT_AT = (
    "dinputs",
    "dinput",
    "dx",
    "dX",
    "d_inputs",
    "d_x",
    "grad_input",
    "grad_inputs",
    "input_grad",
    "dA",
)
FORWARD = ("forward", "__call__", "forward_pass")
BACKWARD = ("backward", "backprop", "backward_pass", "backpropagate")
STRENGTHS = {"weights": "weight_regularizer", "biases": "bias_regularizer"}
REMEMBERED = ("grads", "gradients", "grad", "inputs", "input", "x", "X", "z", "Z", *OUTPUT_AT)  # no parameters
RATE = 0.5  # what a backward that asks for a learning rate is given
PENALTY = ("penalty", "regularization_loss", "regularisation_loss", "reg_loss", "regularization", "penalty_loss")
LOOSE = ("l2", "l1", "lambda_", "lam", "lmbda", "reg", "reg_strength", "l2_lambda", "l2_reg", "weight_decay", "lambd")
ZERO = ("zero_grad", "zero_gradients", "zero_grads", "reset_grads", "reset_gradients")


def method(thing: Any, names: tuple[str, ...]) -> Any:
    """The first of these methods that there is, or None."""
    return next((getattr(thing, n) for n in names if callable(getattr(thing, n, None))), None)


class ObjectSubject(Subject):
    """An object with forward and backward, or its class.

    Args:
        thing: the object or the class.
        x: the caller's inputs, or None.
        args: with which a class is made, or None to guess.
    """

    def __init__(self, thing: Any, x: Any = None, args: tuple[Any, ...] | None = None) -> None:
        self.kind = thing if isinstance(thing, type) else None
        self.thing = None if self.kind else thing
        self.args, self.free = args, self.kind is not None and args is None
        self.name = thing.__name__ if self.kind else type(thing).__name__
        self.x, self.given = None if x is None else as_real(x), x is not None
        self.places: dict[str, list[Place]] = {}
        self.gradients: dict[str, Place] = {}
        made = self._new(0)
        body = ObjectBody(self, made, {})
        if self.x is None:
            self.x = making.some_input(body, [a.shape for a in places(made).values()])
        self._look()

    def _new(self, draw: int) -> Any:
        if self.kind is None:
            return twin(self.thing)
        if self.args is not None:
            return self.kind(*self.args)
        width = self.x.shape[-1] if self.x is not None and self.given and self.x.ndim > 1 else None
        return making.instance(self.kind, draw, width)

    def _look(self) -> None:
        """One pass, to see which arrays are parameters and where their gradients are left."""
        assert self.x is not None
        thing = self._new(0)
        before = {place: (array, array.copy()) for place, array in places(thing).items()}
        body = ObjectBody(self, thing, {})
        y = body.forward(self.x[: min(len(self.x), 5)].copy())
        owned = [place for place, (array, old) in before.items() if array.shape == old.shape]
        result: Any = None
        with contextlib.suppress(Exception):  # what is wrong with it is for the trials to say
            result = body.run_backward(np.ones_like(y))
        count = len(result) if isinstance(result, tuple | list) else 0
        ids: dict[int, str] = {}
        for place in owned:
            array = before[place][0]
            name = (
                place[0]
                if place[1] is None
                else str(place[1])
                if isinstance(place[1], str)
                else f"{place[0]}[{place[1]}]"
            )
            if id(array) in ids:
                self.places[ids[id(array)]].append(place)
                continue
            at = next((g for g in gradient_places(place) if has(thing, g)), None)
            plain = name.lower() in WEIGHTS + BIASES
            if at is None and not plain and not count > 1:
                continue
            if place[0] in REMEMBERED or (at is None and not plain):
                continue
            ids[id(array)] = name
            self.places[name] = [place]
            if at is not None:
                self.gradients[name] = at
        input_at = next((n for n in INPUT_GRADIENT_AT if hasattr(thing, n)), None)
        if input_at is not None and not isinstance(result, np.ndarray) and not count:
            self.gradients[X] = (input_at, None)
        self.words = self._words(thing)

    def _words(self, thing: Any) -> Words:
        dy = [p.name for p in parameters(method(thing, BACKWARD))]
        held = [n for n in ("inputs", "input", "x", "X") if hasattr(thing, n)]
        out = [n for n in OUTPUT_AT if hasattr(thing, n)]
        gradients = {name: "self." + written(at) for name, at in self.gradients.items()}
        return Words(
            "self." + held[0] if held else "x",
            "self." + out[0] if out else "y",
            dy[0] if dy else "dy",
            {name: "self." + written(at[0]) for name, at in self.places.items()},
            {X: "self.dinputs" if "dvalues" in dy else "dx"} | {name: f"d{name}" for name in self.places} | gradients,
        )

    def body(self, draw: int) -> Body:
        thing = self._new(draw)
        return ObjectBody(self, thing, self.places)

    def input(self, n: int, body: Body, rng: np.random.Generator) -> Array:
        assert self.x is not None
        loose = self.free and not self.given and self.x.ndim == 2
        shape = self.x.shape[1:]
        if loose and body.params():
            shape = making.some_input(body, [p.shape for p in body.params().values()]).shape[1:]
        elif loose:
            shape = (3 + n % 4,)
        return like(self.x, n, rng, shape)


class ObjectBody(Body):
    """One such object."""

    def __init__(self, subject: ObjectSubject, thing: Any, at: dict[str, list[Place]]) -> None:
        self.subject, self.thing, self.at = subject, thing, at
        self.chance = Chance(thing, type(thing).forward if hasattr(type(thing), "forward") else thing)
        self.cache: Any = None
        self.y: Any = None
        self.sums = {}
        held = [n for n in LOOSE if isinstance(getattr(thing, n, None), float) and getattr(thing, n)]
        self.loose = float(getattr(thing, held[0])) if held and at else 0.0
        for name, stem in STRENGTHS.items():
            both = [float(getattr(thing, f"{stem}_{kind}", 0) or 0) for kind in ("l1", "l2")]
            if name in at and any(both):
                self.sums[name] = (both[0], both[1])

    def strengthen(self, l1: float, l2: float) -> None:
        """Make the penalties that are there so strong that their slope is seen."""
        if self.loose:
            self.loose = l2
            for name in LOOSE:
                if isinstance(getattr(self.thing, name, None), float):
                    setattr(self.thing, name, l2)
        for name, (one, two) in self.sums.items():
            self.sums[name] = (l1 if one else 0.0, l2 if two else 0.0)
            for kind, value in zip(("l1", "l2"), self.sums[name], strict=True):
                if value:
                    setattr(self.thing, f"{STRENGTHS[name]}_{kind}", value)

    def cost(self, params: dict[str, Array]) -> dict[str, tuple[Array, Array]]:
        function = method(self.thing, PENALTY)
        if function is None or required(function) or self.sums:
            return super().cost(params)
        found = {}
        for name, w in params.items():

            def value(a: Array, name: str = name) -> Array:
                self.put({name: a})
                return np.asarray([float(function())])

            self.put(params)
            slope = jacobian(value, w, value(w), False, np.random.default_rng(0)).pull(np.ones(1))
            if np.any(np.abs(slope) > 1e-7):
                found[name] = (np.zeros_like(w), slope)
        self.put(params)
        return found

    def params(self) -> dict[str, Array]:
        return {name: np.array(get(self.thing, at[0]), np.float64) for name, at in self.at.items()}

    def put(self, params: dict[str, Array]) -> None:
        for name, value in params.items():
            fresh = np.array(value, np.float64)
            for place in self.at[name]:
                put(self.thing, place, fresh)

    def forward(self, x: Any) -> Array:
        function = method(self.thing, FORWARD)
        if function is None:
            raise UsageError(f"{self.subject.name} has no method forward, so there is nothing to check.")
        result = call(function, [x], offer(TRAINING, True), f"{self.subject.name}.forward")
        self.cache = None
        if isinstance(result, tuple) and result:
            result, self.cache = result[0], result[1] if len(result) == 2 else result[1:]
        if result is None:
            at = next((n for n in OUTPUT_AT if isinstance(getattr(self.thing, n, None), np.ndarray)), None)
            if at is None:
                raise UsageError(
                    f"{self.subject.name}.forward returns nothing and leaves no .output: one of them is needed."
                )
            result = getattr(self.thing, at)
        self.y = as_real(result)
        return np.array(self.y)

    def run_backward(self, dy: Array) -> Any:
        """Call backward; what it returns."""
        function = method(self.thing, BACKWARD)
        if function is None:
            raise UsageError(f"{self.subject.name} has no method backward, so there is nothing to check.")
        zero = method(self.thing, ZERO)
        if zero is not None and not parameters(zero):
            zero()
        offers = offer(TRAINING, True) | offer(CACHES, self.cache) | offer(GRADIENTS, dy) | offer(RATES, RATE)
        return call(function, [dy], offers, f"{self.subject.name}.backward")

    def backward(self, dy: Array) -> dict[str, Any]:
        before = self.params()
        result = self.run_backward(dy)
        names = [X, *self.at]
        shapes = {X: np.shape(self.y)} | {name: p.shape for name, p in self.params().items()}
        said: dict[str, Any] = {}
        if isinstance(result, tuple | list) and len(result) > 1:
            said = in_order(tuple(result), names, shapes)
        elif isinstance(result, Mapping):
            said = {n: v for n in names for k, v in result.items() if str(k).lower().lstrip("d_") == n.lower()}
        elif result is not None:
            said = {X: result[0] if isinstance(result, tuple | list) else result}
        at = {X: [(n, None) for n in INPUT_GRADIENT_AT]} | {n: gradient_places(p[0]) for n, p in self.at.items()}
        for name in names:
            places_ = [self.subject.gradients[name]] if name in self.subject.gradients else at[name]
            place = next((p for p in places_ if has(self.thing, p)), None)
            if name not in said and place is not None:
                said[name] = get(self.thing, place)
        if any(p.name.lower() in RATES for p in parameters(method(self.thing, BACKWARD))):
            # A backward that is given a learning rate updates: its gradient is what it subtracted, over the rate.
            moved = {name: (before[name] - after) / RATE for name, after in self.params().items() if name not in said}
            said |= {name: step for name, step in moved.items() if np.any(step)}
        return {name: np.array(value) for name, value in said.items() if value is not None}
