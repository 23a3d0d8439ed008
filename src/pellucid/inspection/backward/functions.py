"""A pair of functions: `forward(x, w, b)` and `backward(dy, ...)`.

What backward asks for besides dy is found by its names: forward's own arguments, the output, or the cache that forward
returned beside the output.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import UsageError
from pellucid.inspection.backward.calling import (
    BIASES,
    CACHES,
    GRADIENTS,
    INPUTS,
    OUTPUTS,
    TRAINING,
    WEIGHTS,
    Chance,
    call,
    offer,
    parameters,
    required,
)
from pellucid.inspection.backward.draws import like
from pellucid.inspection.backward.making import ROWS, SIZES
from pellucid.inspection.backward.subject import Body, Subject, Words, X, as_real, in_order

Function = Callable[..., Any]


class PairSubject(Subject):
    """Two functions.

    Args:
        forward, backward: the functions.
        x: the input, or a tuple of all of forward's arguments, or None.
    """

    owns_params = False

    def __init__(self, forward: Function, backward: Function, x: Any = None) -> None:
        self.forward, self.backward = forward, backward
        self.name = getattr(forward, "__name__", "forward")
        names = required(forward)
        self.x_name, self.param_names = (names[0], names[1:]) if names else ("x", [])
        self.values: dict[str, Array] = {}
        if isinstance(x, tuple):
            if len(x) != len(names):
                raise UsageError(
                    f"{self.name} takes {len(names)} arguments ({', '.join(names)}), and {len(x)} were given."
                )
            self.values = {name: as_real(value) for name, value in zip(self.param_names, x[1:], strict=True)}
            x = x[0]
        self.x = None if x is None else as_real(x)
        self.free, self.given = not self.values, x is not None
        self.layout = 0
        self.slope = ""
        if self.param_names and self.free:
            self.layout = self._find_layout()
        elif self.x is None:
            self.x = np.random.default_rng(0).standard_normal((ROWS, 4))
        dy = [p.name for p in parameters(backward)]
        if not self.param_names and len(dy) == 1 and dy[0].lower() not in GRADIENTS:
            self.slope = self._slope_of()
        keys = self._returned_keys()
        gradients = {X: keys.get(X, f"d{self.x_name}")} | {n: keys.get(n, f"d{n}") for n in self.param_names}
        self.words = Words(self.x_name, "y", dy[0] if dy else "dy", {n: n for n in self.param_names}, gradients)

    def _slope_of(self) -> str:
        """Whether a derivative of one argument is written for the input or for the output: by trying, then by name."""
        assert self.x is not None
        x = np.random.default_rng(0).standard_normal((ROWS, 3)) + 0.01
        y = np.asarray(self.forward(x))
        with suppress(Exception):
            true = (np.asarray(self.forward(x + 1e-6)) - np.asarray(self.forward(x - 1e-6))) / 2e-6
            for name, argument in (("input", x), ("output", y)):
                if np.allclose(self.backward(argument.copy()), true, rtol=1e-4, atol=1e-6):
                    return name
        name = parameters(self.backward)[0].name.lower()
        return "output" if name in OUTPUTS and name != self.x_name.lower() else "input"

    def _returned_keys(self) -> dict[str, str]:
        body = self.body(0)
        try:
            y = body.forward(self.input(ROWS, body, np.random.default_rng(0)))
            result = body.call_backward(np.ones_like(y))
        except Exception:  # what is wrong with it is for the trials to say
            return {}
        return {name: key for key, name in matched(result, self).items()} if isinstance(result, Mapping) else {}

    def shapes(self, draw: int, layout: int) -> list[tuple[int, ...]]:
        """The shapes of the parameters: a matrix, then vectors; some people write (K, D) or a row for the bias."""
        D, K = SIZES[draw % len(SIZES)]
        if self.x is not None and self.x.ndim > 1:
            D = self.x.shape[-1]
        matrix = ((D, K), (D, K), (K, D), (K, D))[layout % 4]
        vector = ((K,), (1, K))[layout % 2]
        if layout == 5:  # samples in columns: W X + b
            matrix, vector = (K, D), (K, 1)
        if layout == 4:  # scales and shifts as wide as the input
            return [(D,)] * len(self.param_names)
        return [vector if n.lower() in BIASES or i else matrix for i, n in enumerate(self.param_names)]

    def _find_layout(self) -> int:
        said: Exception | None = None
        for layout in range(6):
            self.layout = layout
            body = self.body(0)
            try:
                body.forward(self.input(ROWS, body, np.random.default_rng(0)))
            except Exception as error:  # another layout may fit
                said = error
                continue
            return layout
        raise UsageError(
            f"No shapes that were tried fit {self.name}({self.x_name}, {', '.join(self.param_names)}): {said}. Give "
            "all its arguments as a tuple: pl.check_backward((forward, backward), (x, w, b))."
        )

    def body(self, draw: int) -> PairBody:
        rng = np.random.default_rng([draw, 11])
        if self.values:
            return PairBody(self, {n: np.array(v, np.float64) for n, v in self.values.items()})
        shapes = self.shapes(draw, self.layout)
        return PairBody(self, {n: rng.standard_normal(s) for n, s in zip(self.param_names, shapes, strict=True)})

    def input(self, n: int, body: Body, rng: np.random.Generator) -> Array:
        if self.x is not None:
            return like(self.x, n, rng)
        matrix = next((p.shape for p in body.params().values() if p.ndim == 2 and 1 not in p.shape), None)
        vector = next((p.shape[-1] for p in body.params().values() if p.ndim), 4)
        if self.layout == 5 and matrix is not None:
            return rng.standard_normal((matrix[1], n))
        width = matrix[self.layout // 2 % 2] if matrix is not None else vector
        return like(np.zeros((1, width)), n, rng)


class PairBody(Body):
    """The functions with their parameters."""

    def __init__(self, subject: PairSubject, params: dict[str, Array]) -> None:
        self.subject, self.own = subject, params
        self.chance = Chance(subject.forward, subject.backward)
        self.cache: Any = None
        self.x: Any = None
        self.y: Any = None
        self.sums = {}

    def params(self) -> dict[str, Array]:
        return {name: value.copy() for name, value in self.own.items()}

    def put(self, params: dict[str, Array]) -> None:
        for name, value in params.items():
            self.own[name] = np.array(value, np.float64)

    def forward(self, x: Any) -> Array:
        s = self.subject
        result = call(s.forward, [x, *self.own.values()], offer(TRAINING, True), s.name)
        self.x, self.cache = x, None
        if isinstance(result, tuple) and result:
            result, self.cache = result[0], result[1] if len(result) == 2 else result[1:]
        if result is None:
            raise UsageError(f"{s.name} returned nothing: it must return its output.")
        self.y = as_real(result)
        return np.array(self.y)

    def call_backward(self, dy: Array) -> Any:
        """What backward returns."""
        s = self.subject
        if s.slope:  # a derivative f'(x) and not a backward: the chain rule is the caller's
            return dy * np.asarray(s.backward(self.x if s.slope == "input" else self.y))
        offers = offer(INPUTS, self.x) | offer(OUTPUTS, self.y) | offer(GRADIENTS, dy) | offer(TRAINING, True)
        for name, value in self.own.items():
            alike = next((g for g in (WEIGHTS, BIASES) if name.lower() in g), (name.lower(),))
            offers |= offer(alike, value)
        offers |= {s.x_name.lower(): self.x}
        if self.cache is not None:
            offers |= offer(CACHES, self.cache)
        names = [p.name.lower() for p in parameters(s.backward)]
        first = [dy]
        if names and names[0] not in GRADIENTS and (at := [n for n in names if n in GRADIENTS and n not in OUTPUTS]):
            offers |= {at[0]: dy}  # dy is not the first argument here
            first = []
        return call(s.backward, first, offers, getattr(s.backward, "__name__", "backward"))

    def backward(self, dy: Array) -> dict[str, Any]:
        result = self.call_backward(dy)
        names = [X, *self.own]
        shapes = {X: np.shape(self.x)} | {n: p.shape for n, p in self.own.items()}
        if isinstance(result, Mapping):
            by_key = matched(result, self.subject)
            said = {name: result[key] for key, name in by_key.items()}
        elif isinstance(result, tuple | list) and len(result) > 1:
            said = in_order(tuple(result), names, shapes)
        else:
            said = {X: result[0] if isinstance(result, tuple | list) else result}
        return {name: np.array(value) for name, value in said.items() if value is not None}


def matched(result: Mapping[Any, Any], subject: PairSubject) -> dict[Any, str]:
    """The keys of a dict of gradients, each with the name of what it is the gradient of."""
    found = {}
    for key in result:
        low = str(key).lower().removeprefix("grad_").removesuffix("_grad").removeprefix("d_")
        low = low.removeprefix("d") if low not in (n.lower() for n in subject.param_names) else low
        if low in (subject.x_name.lower(), *INPUTS):
            found[key] = X
        for name in subject.param_names:
            group = next((g for g in (WEIGHTS, BIASES) if name.lower() in g), (name.lower(),))
            if low in group:
                found[key] = name
    return found
