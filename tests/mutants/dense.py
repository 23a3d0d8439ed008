"""Dense layers in the book's form, alone or with their activation; each mutant overrides one step.

The steps of a right backward: `bend` (dz from dvalues), then `weights_gradient`, `biases_gradient`, `inputs_gradient`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any
BENDS = ("linear", "relu", "leaky", "sigmoid", "tanh", "elu", "softmax")


def bend(name: str, z: Array) -> Array:
    if name == "linear":
        return z.copy()
    if name == "relu":
        return np.maximum(0, z)
    if name == "leaky":
        return np.where(z > 0, z, 0.1 * z)
    if name == "sigmoid":
        return 1 / (1 + np.exp(-z))
    if name == "tanh":
        return np.tanh(z)
    if name == "elu":
        return np.where(z > 0, z, np.exp(np.minimum(z, 0)) - 1)
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def unbend(name: str, z: Array, y: Array, dy: Array) -> Array:
    """The bend's derivative; it is given what goes in (z) and what comes out (y), and takes the one it needs."""
    if name == "linear":
        return dy.copy()
    if name == "relu":
        return dy * (z > 0)
    if name == "leaky":
        return dy * np.where(z > 0, 1.0, 0.1)
    if name == "sigmoid":
        return dy * y * (1 - y)
    if name == "tanh":
        return dy * (1 - y**2)
    if name == "elu":
        return dy * np.where(z > 0, 1.0, y + 1)
    return y * (dy - (dy * y).sum(axis=1, keepdims=True))


class Dense:
    """output = bend(inputs weights + biases), right."""

    bent = "linear"

    def __init__(self, n_inputs: int, n_neurons: int, l1: float = 0.0, l2: float = 0.0, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.weights = 0.1 * rng.standard_normal((n_inputs, n_neurons))
        self.biases = np.zeros((1, n_neurons))
        self.weight_regularizer_l1, self.weight_regularizer_l2 = l1, l2

    def remember(self, inputs: Array) -> None:
        self.inputs = inputs

    def forward(self, inputs: Array, training: bool = True) -> None:
        self.remember(inputs)
        self.z = np.dot(inputs, self.weights) + self.biases
        self.output = bend(self.bent, self.z)

    def bend(self, dvalues: Array) -> Array:
        return unbend(self.bent, self.z, self.output, dvalues)

    def weights_gradient(self, dz: Array) -> Array:
        return np.dot(self.inputs.T, dz)

    def biases_gradient(self, dz: Array) -> Array:
        return np.sum(dz, axis=0, keepdims=True)

    def inputs_gradient(self, dz: Array) -> Array:
        return np.dot(dz, self.weights.T)

    def cost(self) -> Array:
        l1, l2 = self.weight_regularizer_l1, self.weight_regularizer_l2
        return l1 * np.where(self.weights < 0, -1.0, 1.0) + 2 * l2 * self.weights

    def backward(self, dvalues: Array) -> None:
        dz = self.bend(dvalues)
        self.dweights = self.weights_gradient(dz)
        self.dbiases = self.biases_gradient(dz)
        if self.weight_regularizer_l1 or self.weight_regularizer_l2:
            self.dweights = self.dweights + self.cost()
        self.dinputs = self.inputs_gradient(dz)


def _steps(**steps: Any) -> dict[str, Any]:
    return steps


def _update_first(self: Dense, dvalues: Array) -> None:
    dz = self.bend(dvalues)
    self.dweights, self.dbiases = self.weights_gradient(dz), self.biases_gradient(dz)
    self.weights -= 0.5 * self.dweights
    self.biases -= 0.5 * self.dbiases
    self.dinputs = self.inputs_gradient(dz)


def _accumulate(which: tuple[str, ...]) -> Any:
    def backward(self: Dense, dvalues: Array) -> None:
        before = {name: getattr(self, name, 0.0) for name in which}
        Dense.backward(self, dvalues)
        for name in which:
            setattr(self, name, getattr(self, name) + before[name])

    return backward


def _remember_once(self: Dense, inputs: Array) -> None:
    if not hasattr(self, "inputs"):
        self.inputs = inputs


def _write_upstream(self: Dense, dvalues: Array) -> Array:
    dvalues[:] = unbend(self.bent, self.z, self.output, dvalues)
    return dvalues


def _overwrite_doubled(self: Dense, dvalues: Array) -> None:
    Dense.backward(self, dvalues)
    dvalues *= 0.5


def _clip_inputs(self: Dense, inputs: Array) -> None:
    Dense.remember(self, inputs.copy())
    np.clip(inputs, -1.0, 1.0, out=inputs)


def _all_over(factor: Any) -> Any:
    def bend_(self: Dense, dvalues: Array) -> Array:
        return Dense.bend(self, dvalues) * factor(dvalues)

    return bend_


# mistake: [(what, the steps that are replaced)]
FOR_ALL = {
    "sign": [
        ("in all", _steps(bend=_all_over(lambda d: -1.0))),
        ("in dweights", _steps(weights_gradient=lambda s, dz: -s.inputs.T @ dz)),
        ("in dbiases", _steps(biases_gradient=lambda s, dz: -dz.sum(axis=0, keepdims=True))),
        ("in dinputs", _steps(inputs_gradient=lambda s, dz: -dz @ s.weights.T)),
    ],
    "extra 1/N": [
        ("in all", _steps(bend=_all_over(lambda d: 1 / len(d)))),
        ("in dinputs", _steps(inputs_gradient=lambda s, dz: dz @ s.weights.T / len(dz))),
    ],
    "averaged instead of summed": [
        ("dweights", _steps(weights_gradient=lambda s, dz: s.inputs.T @ dz / len(dz))),
        ("dbiases", _steps(biases_gradient=lambda s, dz: dz.mean(axis=0, keepdims=True))),
        (
            "both",
            _steps(
                weights_gradient=lambda s, dz: s.inputs.T @ dz / len(dz),
                biases_gradient=lambda s, dz: dz.mean(axis=0, keepdims=True),
            ),
        ),
    ],
    "transposed": [("dweights", _steps(weights_gradient=lambda s, dz: dz.T @ s.inputs))],
    "not summed over the batch": [
        ("dbiases", _steps(biases_gradient=lambda s, dz: dz)),
        ("dbiases over the outputs", _steps(biases_gradient=lambda s, dz: dz.sum(axis=1, keepdims=True))),
        ("dweights", _steps(weights_gradient=lambda s, dz: s.inputs[:, :, None] * dz[:, None, :])),
    ],
    "one sample only": [
        ("dweights, the last", _steps(weights_gradient=lambda s, dz: np.outer(s.inputs[-1], dz[-1]))),
        ("dweights, the first", _steps(weights_gradient=lambda s, dz: np.outer(s.inputs[0], dz[0]))),
        ("dbiases, the first", _steps(biases_gradient=lambda s, dz: dz[:1])),
        ("dbiases, the last", _steps(biases_gradient=lambda s, dz: dz[-1:])),
    ],
    "bias gradient a scalar": [
        ("sum", _steps(biases_gradient=lambda s, dz: np.sum(dz))),
        ("mean", _steps(biases_gradient=lambda s, dz: np.mean(dz.sum(axis=0)))),
        ("in each place", _steps(biases_gradient=lambda s, dz: np.full_like(s.biases, dz.sum()))),
    ],
    "stale gradient added": [
        ("dweights", _steps(backward=_accumulate(("dweights",)))),
        ("dweights and dbiases", _steps(backward=_accumulate(("dweights", "dbiases")))),
        ("dbiases", _steps(backward=_accumulate(("dbiases",)))),
    ],
    "wrong input cached": [
        ("the first", _steps(remember=_remember_once)),
        ("reversed", _steps(weights_gradient=lambda s, dz: s.inputs[::-1].T @ dz)),
    ],
    "weights updated before use": [("in backward", _steps(backward=_update_first))],
    "argument overwritten": [
        ("dvalues by the bend", _steps(bend=_write_upstream)),
        ("dvalues at the end", _steps(backward=_overwrite_doubled)),
        ("inputs clipped", _steps(remember=_clip_inputs)),
    ],
}
SQUARE = {
    "transposed": [
        ("dinputs", _steps(inputs_gradient=lambda s, dz: dz @ s.weights)),
        ("square dweights", _steps(weights_gradient=lambda s, dz: dz.T @ s.inputs)),
    ],
    "wrong input cached": [("the output", _steps(weights_gradient=lambda s, dz: s.output.T @ dz))],
}
BENT = {
    "activation derivative missing": [("", _steps(bend=lambda s, d: d.copy()))],
}
OF_ONE = {  # mistake: {bend: [(what, steps)]}
    "derivative taken at the output instead of the input": {
        "sigmoid": [("", _steps(bend=lambda s, d: d * (t := 1 / (1 + np.exp(-s.output))) * (1 - t)))],
        "tanh": [("", _steps(bend=lambda s, d: d * (1 - np.tanh(s.output) ** 2)))],
        "elu": [("", _steps(bend=lambda s, d: d * np.where(s.output > 0, 1.0, np.exp(s.output))))],
    },
    "derivative taken at the input instead of the output": {
        "sigmoid": [("", _steps(bend=lambda s, d: d * s.z * (1 - s.z)))],
        "tanh": [("", _steps(bend=lambda s, d: d * (1 - s.z**2)))],
    },
    "mask from the wrong array": {
        "relu": [("dvalues", _steps(bend=lambda s, d: d * (d > 0)))],
        "leaky": [("dvalues", _steps(bend=lambda s, d: d * np.where(d > 0, 1.0, 0.1)))],
    },
    "softmax Jacobian missing": {
        "softmax": [
            ("", _steps(bend=lambda s, d: d.copy())),
            ("but its diagonal", _steps(bend=lambda s, d: d * s.output * (1 - s.output))),
        ]
    },
    "softmax Jacobian applied twice": {
        "softmax": [
            ("", _steps(bend=lambda s, d: unbend("softmax", s.z, s.output, unbend("softmax", s.z, s.output, d))))
        ]
    },
    "softmax over the wrong axis": {
        "softmax": [
            ("in backward", _steps(bend=lambda s, d: s.output * (d - (d * s.output).sum(axis=0, keepdims=True)))),
            ("all in backward", _steps(bend=lambda s, d: s.output * (d - (d * s.output).sum()))),
        ]
    },
}
REGULARISED = {
    "regulariser missing": [("", _steps(cost=lambda s: 0.0 * s.weights))],
    "regulariser doubled": [("", _steps(cost=lambda s: 2 * Dense.cost(s)))],
    "factor 2 of the square": [
        ("half", _steps(cost=lambda s: Dense.cost(s) - s.weight_regularizer_l2 * s.weights)),
    ],
}


def mutant(bent: str, steps: dict[str, Any]) -> type[Dense]:
    """The class with some of its steps replaced; with none it is right."""
    return type("Layer_Dense", (Dense,), {"bent": bent} | steps)
