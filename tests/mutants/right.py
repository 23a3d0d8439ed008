"""Right implementations in the styles that people write: none of them may ever be called wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any


class InLoops:
    """Dense, one product at a time."""

    def __init__(self, n_inputs: int, n_neurons: int) -> None:
        rng = np.random.default_rng(1)
        self.weights = rng.standard_normal((n_inputs, n_neurons))
        self.biases = [0.0] * n_neurons
        self.biases = np.array(self.biases)

    def forward(self, inputs: Array) -> Array:
        self.inputs = inputs
        out = np.zeros((len(inputs), self.weights.shape[1]))
        for n, row in enumerate(inputs):
            for k in range(out.shape[1]):
                out[n, k] = sum(row[d] * self.weights[d, k] for d in range(len(row))) + self.biases[k]
        self.output = out
        return out

    def backward(self, dvalues: Array) -> Array:
        self.dweights = np.zeros_like(self.weights)
        self.dbiases = np.zeros_like(self.biases)
        self.dinputs = np.zeros(self.inputs.shape)
        for n, d in enumerate(dvalues):
            self.dweights += np.outer(self.inputs[n], d)
            self.dbiases += d
            self.dinputs[n] = self.weights @ d
        return self.dinputs


class WithEinsum:
    """Dense with weights (out, in), a bias as a row, and short names."""

    def __init__(self, fan_in: int, fan_out: int) -> None:
        self.W = np.random.default_rng(2).standard_normal((fan_out, fan_in))
        self.b = np.zeros((1, fan_out))

    def forward(self, X: Array) -> Array:
        self.X = X
        return np.einsum("nd,kd->nk", X, self.W) + self.b

    def backward(self, dY: Array) -> Array:
        self.dW = np.einsum("nk,nd->kd", dY, self.X)
        self.db = np.einsum("nk->k", dY)[None]
        return np.einsum("nk,kd->nd", dY, self.W)


class WithParamsAndGrads:
    """Dense with its parameters and gradients in lists, whose arrays are written in place."""

    def __init__(self, W: Array, b: Array) -> None:
        self.params = [W, b]
        self.grads = [np.zeros_like(W), np.zeros_like(b)]
        self.x: Any = None

    def forward(self, x: Array) -> Array:
        W, b = self.params
        self.x = x
        return np.dot(x, W) + b

    def backward(self, dout: Array) -> Array:
        W, _ = self.params
        self.grads[0][...] = np.dot(self.x.T, dout)
        self.grads[1][...] = np.sum(dout, axis=0)
        return np.dot(dout, W.T)


class WithDicts:
    """Dense with dicts of parameters and gradients, a tanh, and a gradient that is cleared by zero_grad."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        rng = np.random.default_rng(3)
        self.params = {"W": rng.standard_normal((n_inputs, n_outputs)), "b": np.zeros(n_outputs)}
        self.grads = {name: np.zeros_like(p) for name, p in self.params.items()}

    def zero_grad(self) -> None:
        for g in self.grads.values():
            g[...] = 0.0

    def forward(self, x: Array) -> Array:
        self.x = x
        self.y = np.tanh(x @ self.params["W"] + self.params["b"])
        return self.y

    def backward(self, grad: Array) -> Array:
        dz = grad * (1 - self.y**2)
        self.grads["W"] += self.x.T @ dz
        self.grads["b"] += dz.sum(axis=0)
        return dz @ self.params["W"].T


class InSingle:
    """A dense layer that computes in float32 throughout."""

    def __init__(self, n_inputs: int, n_neurons: int) -> None:
        self.weights = (0.1 * np.random.default_rng(4).standard_normal((n_inputs, n_neurons))).astype(np.float32)
        self.biases = np.zeros((1, n_neurons), dtype=np.float32)

    def forward(self, inputs: Array) -> None:
        self.inputs = np.asarray(inputs, np.float32)
        self.output = self.inputs @ self.weights.astype(np.float32) + self.biases.astype(np.float32)

    def backward(self, dvalues: Array) -> None:
        d = np.asarray(dvalues, np.float32)
        self.dweights = self.inputs.T @ d
        self.dbiases = d.sum(axis=0, keepdims=True)
        self.dinputs = d @ self.weights.astype(np.float32).T


class SingleGradients:
    """forward in float64, gradients stored as float32."""

    def forward(self, inputs: Array) -> None:
        self.output = 1 / (1 + np.exp(-inputs))

    def backward(self, dvalues: Array) -> None:
        self.dinputs = (dvalues * self.output * (1 - self.output)).astype(np.float32)


class JacobianInALoop:
    """Softmax with one Jacobian a sample, as the book derives it."""

    def forward(self, inputs: Array) -> None:
        e = np.exp(inputs - np.max(inputs, axis=1, keepdims=True))
        self.output = e / np.sum(e, axis=1, keepdims=True)

    def backward(self, dvalues: Array) -> None:
        self.dinputs = np.empty_like(dvalues)
        for i, (y, d) in enumerate(zip(self.output, dvalues, strict=True)):
            y = y.reshape(-1, 1)
            self.dinputs[i] = np.dot(np.diagflat(y) - np.dot(y, y.T), d)


class MaskedCopy:
    """ReLU as most people write it."""

    def forward(self, inputs: Array) -> None:
        self.inputs = inputs
        self.output = np.maximum(0, inputs)

    def backward(self, dvalues: Array) -> None:
        self.dinputs = dvalues.copy()
        self.dinputs[self.inputs <= 0] = 0


class KeepsAMask:
    """ReLU that remembers a mask and returns what it computes."""

    def forward(self, x: Array) -> Array:
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout: Array) -> Array:
        dx = dout.copy()
        dx[self.mask] = 0
        return dx


class BatchNormalisation:
    """Batch normalisation with scale and shift, the long way."""

    def __init__(self, features: int) -> None:
        self.gamma, self.beta = np.ones(features), np.zeros(features)
        self.running_mean, self.running_var = np.zeros(features), np.ones(features)

    def forward(self, x: Array, train_flg: bool = True) -> Array:
        mu, var = x.mean(axis=0), x.var(axis=0)
        self.running_mean = 0.9 * self.running_mean + 0.1 * mu
        self.running_var = 0.9 * self.running_var + 0.1 * var
        self.xc, self.std = x - mu, np.sqrt(var + 1e-7)
        self.xn = self.xc / self.std
        return self.gamma * self.xn + self.beta

    def backward(self, dout: Array) -> Array:
        n = len(dout)
        self.dbeta, self.dgamma = dout.sum(axis=0), (self.xn * dout).sum(axis=0)
        dxn = self.gamma * dout
        return (n * dxn - dxn.sum(axis=0) - self.xn * (dxn * self.xn).sum(axis=0)) / (n * self.std)


class Upcast:
    """Swish with its slope from the product rule."""

    def __call__(self, x: Array) -> Array:
        self.x, self.s = x, 1 / (1 + np.exp(-x))
        return x * self.s

    def backward(self, dy: Array) -> Array:
        return dy * (self.s + self.x * self.s * (1 - self.s))


class TrainsItself:
    """A dense layer that learns inside backward, after its gradients are computed."""

    def __init__(self, n_inputs: int, n_neurons: int) -> None:
        self.weights = np.random.default_rng(5).standard_normal((n_inputs, n_neurons))
        self.biases = np.zeros((1, n_neurons))

    def forward(self, inputs: Array) -> None:
        self.inputs = inputs
        self.output = inputs @ self.weights + self.biases

    def backward(self, dvalues: Array) -> None:
        self.dinputs = dvalues @ self.weights.T
        self.dweights = self.inputs.T @ dvalues
        self.dbiases = dvalues.sum(axis=0, keepdims=True)
        self.weights = self.weights - 0.1 * self.dweights
        self.biases = self.biases - 0.1 * self.dbiases


def relu_pair() -> tuple[Any, Any]:
    return lambda x: np.maximum(x, 0), lambda dout, x: dout * (x > 0)


def convolution_pair() -> tuple[Any, Any]:
    """A convolution over one axis, valid, one channel."""

    def conv_forward(x: Array, w: Array) -> Array:
        return np.stack([np.convolve(row, w, "valid") for row in x])

    def conv_backward(dout: Array, x: Array, w: Array) -> tuple[Array, Array]:
        dx = np.stack([np.convolve(d, w[::-1], "full") for d in dout])
        dw = sum(np.convolve(row[::-1], d, "valid") for row, d in zip(x, dout, strict=True))
        return dx, dw

    return conv_forward, conv_backward


OBJECTS: list[tuple[str, Any]] = [
    ("loops", lambda: InLoops(4, 3)),
    ("class in loops", lambda: InLoops),
    ("einsum, turned", lambda: WithEinsum(4, 3)),
    ("class with einsum", lambda: WithEinsum),
    ("params and grads", lambda: WithParamsAndGrads(np.ones((4, 3)), np.zeros(3))),
    ("class with params and grads", lambda: WithParamsAndGrads),
    ("dicts and zero_grad", lambda: WithDicts(4, 3)),
    ("float32", lambda: InSingle(4, 3)),
    ("float32 gradients", lambda: SingleGradients()),
    ("Jacobian in a loop", lambda: JacobianInALoop()),
    ("mask on a copy", lambda: MaskedCopy()),
    ("keeps a mask", lambda: KeepsAMask()),
    ("batch normalisation", lambda: BatchNormalisation(4)),
    ("called", lambda: Upcast()),
    ("learns inside backward", lambda: TrainsItself(4, 3)),
    ("relu as functions", relu_pair),
]
