"""Other hands: layers, losses and optimizers in the styles of courses and notebooks, right and with a slip each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tests.mutants.case import Case

Array = Any
X, IDS = np.random.default_rng(9).standard_normal((6, 4)), np.array([0, 2, 1, 3, 3, 0])


class Affine:
    """W and b are given, gradients stay on the object, dx comes back."""

    def __init__(self, W: Array, b: Array) -> None:
        self.W, self.b = W, b
        self.x: Any = None
        self.dW: Any = None
        self.db: Any = None

    def forward(self, x: Array) -> Array:
        self.x = x
        return np.dot(x, self.W) + self.b

    def backward(self, dout: Array) -> Array:
        dx = np.dot(dout, self.W.T)
        self.dW = np.dot(self.x.T, dout)
        self.db = np.sum(dout, axis=0)
        return dx


class SumsTheOtherAxis(Affine):
    def backward(self, dout: Array) -> Array:
        dx = super().backward(dout)
        self.db = np.sum(dout, axis=1)
        return dx


class Turned(Affine):
    def backward(self, dout: Array) -> Array:
        dx = super().backward(dout)
        self.dW = np.dot(dout.T, self.x)
        return dx


class Accumulates(Affine):
    def backward(self, dout: Array) -> Array:
        if self.dW is None:
            self.dW, self.db = np.zeros_like(self.W), np.zeros_like(self.b)
        self.dW += np.dot(self.x.T, dout)
        self.db += np.sum(dout, axis=0)
        return np.dot(dout, self.W.T)


class StepsFirst(Affine):
    def backward(self, dout: Array) -> Array:
        self.dW, self.db = np.dot(self.x.T, dout), np.sum(dout, axis=0)
        self.W -= 0.1 * self.dW
        self.b -= 0.1 * self.db
        return np.dot(dout, self.W.T)


class KeepsTheFirst(Affine):
    def forward(self, x: Array) -> Array:
        if self.x is None:
            self.x = x
        return np.dot(x, self.W) + self.b


class KeepsItsOutput(Affine):
    def forward(self, x: Array) -> Array:
        self.x = np.dot(x, self.W) + self.b
        return self.x


class LastSampleWins(Affine):
    def backward(self, dout: Array) -> Array:
        dx = super().backward(dout)
        for x, d in zip(self.x, dout, strict=True):
            self.dW = np.outer(x, d)
        return dx


class Averages(Affine):
    def backward(self, dout: Array) -> Array:
        dx = super().backward(dout)
        self.dW /= len(dout)
        self.db /= len(dout)
        return dx


class Sigmoid:
    def forward(self, x: Array) -> Array:
        self.out = 1 / (1 + np.exp(-x))
        return self.out

    def backward(self, dout: Array) -> Array:
        return dout * (1.0 - self.out) * self.out


class SigmoidOfSigmoid(Sigmoid):
    def backward(self, dout: Array) -> Array:
        s = 1 / (1 + np.exp(-self.out))
        return dout * s * (1 - s)


class SigmoidOfScores(Sigmoid):
    def forward(self, x: Array) -> Array:
        self.x = x
        return super().forward(x)

    def backward(self, dout: Array) -> Array:
        return dout * self.x * (1 - self.x)


class Relu:
    def forward(self, x: Array) -> Array:
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout: Array) -> Array:
        dx = dout.copy()
        dx[self.mask] = 0
        return dx


class ReluInPlace(Relu):
    def backward(self, dout: Array) -> Array:
        dout[self.mask] = 0
        return dout


class ReluOfUpstream(Relu):
    def backward(self, dout: Array) -> Array:
        dx = dout.copy()
        dx[dout <= 0] = 0
        return dx


class ReluOnItsInput(Relu):
    def forward(self, x: Array) -> Array:
        self.mask = x <= 0
        x[self.mask] = 0
        return x


class SoftmaxWithLoss:
    def __init__(self) -> None:
        self.loss: Any = None
        self.y: Any = None
        self.t: Any = None

    def probabilities(self, x: Array) -> Array:
        e = np.exp(x - x.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def forward(self, x: Array, t: Array) -> Any:
        self.t, self.y = t, self.probabilities(x)
        self.loss = -np.sum(np.log(self.y[np.arange(len(x)), t] + 1e-7)) / len(x)
        return self.loss

    def backward(self, dout: float = 1) -> Array:
        dx = self.y.copy()
        dx[np.arange(len(self.t)), self.t] -= 1
        return dx / len(self.t)


class LossNotDivided(SoftmaxWithLoss):
    def backward(self, dout: float = 1) -> Array:
        return super().backward() * len(self.t)


class LossWithoutTarget(SoftmaxWithLoss):
    def backward(self, dout: float = 1) -> Array:
        return self.y / len(self.t)


class LossOverColumns(SoftmaxWithLoss):
    def probabilities(self, x: Array) -> Array:
        e = np.exp(x - x.max(axis=0))
        return e / e.sum(axis=0)


class LossWithoutSoftmax(SoftmaxWithLoss):
    def backward(self, dout: float = 1) -> Array:
        d = np.zeros_like(self.y)
        at = np.arange(len(self.t)), self.t
        d[at] = -1 / self.y[at]
        return d / len(self.t)


class Squares:
    """loss and grad, a mean over everything."""

    def loss(self, predicted: Array, actual: Array) -> Any:
        return np.mean((predicted - actual) ** 2)

    def grad(self, predicted: Array, actual: Array) -> Array:
        return 2 * (predicted - actual) / predicted.size


class SumOfSquares(Squares):
    def loss(self, predicted: Array, actual: Array) -> Any:
        return np.sum((predicted - actual) ** 2)

    def grad(self, predicted: Array, actual: Array) -> Array:
        return 2 * (predicted - actual)


class HalfSquares(Squares):
    def grad(self, predicted: Array, actual: Array) -> Array:
        return (predicted - actual) / predicted.size


class Ridge:
    """A dense layer with an L2 penalty under names of its own; `times` is 2 if it is right."""

    def __init__(self, times: float = 2.0) -> None:
        self.W, self.b = np.random.default_rng(3).standard_normal((4, 3)), np.zeros(3)
        self.l2, self.times = 0.1, times

    def penalty(self) -> Any:
        return self.l2 * np.sum(self.W**2)

    def forward(self, x: Array) -> Array:
        self.x = x
        return x @ self.W + self.b

    def backward(self, d: Array) -> Array:
        self.dW, self.db = self.x.T @ d + self.times * self.l2 * self.W, d.sum(axis=0)
        return d @ self.W.T


class Shrinks:
    """A strength whose convention nobody states: w, 2 w and nothing are all right."""

    def __init__(self, times: float) -> None:
        self.W, self.reg, self.times = np.random.default_rng(4).standard_normal((4, 3)), 0.05, times

    def forward(self, x: Array) -> Array:
        self.x = x
        return x @ self.W

    def backward(self, d: Array) -> Array:
        self.dW = self.x.T @ d + self.times * self.reg * self.W
        return d @ self.W.T


class OneColumn:
    """One sample at a time, a column, and learning inside backward."""

    def __init__(self) -> None:
        rng = np.random.default_rng(5)
        self.weights, self.bias = rng.standard_normal((2, 3)), rng.standard_normal((2, 1))

    def forward(self, input: Array) -> Array:
        self.input = input
        return np.dot(self.weights, self.input) + self.bias

    def backward(self, output_gradient: Array, learning_rate: float) -> Array:
        weights_gradient = np.dot(output_gradient, self.input.T)
        input_gradient = np.dot(self.weights.T, output_gradient)
        self.weights -= learning_rate * weights_gradient
        self.bias -= learning_rate * output_gradient
        return input_gradient


class Unrolled:
    """A recurrent layer over (N, T, D) that gives its last state."""

    def __init__(self) -> None:
        rng = np.random.default_rng(6)
        self.Wx, self.Wh, self.b = 0.5 * rng.standard_normal((3, 4)), 0.5 * rng.standard_normal((4, 4)), np.zeros(4)

    def forward(self, x: Array) -> Array:
        self.x, self.h = x, [np.zeros((len(x), 4))]
        for t in range(x.shape[1]):
            self.h.append(np.tanh(x[:, t] @ self.Wx + self.h[-1] @ self.Wh + self.b))
        return self.h[-1]

    def backward(self, dh: Array) -> Array:
        self.dWx, self.dWh, self.db = np.zeros_like(self.Wx), np.zeros_like(self.Wh), np.zeros_like(self.b)
        dx = np.zeros_like(self.x)
        for t in reversed(range(self.x.shape[1])):
            dz = dh * (1 - self.h[t + 1] ** 2)
            self.dWx += self.x[:, t].T @ dz
            self.dWh += self.h[t].T @ dz
            self.db += dz.sum(axis=0)
            dx[:, t] = dz @ self.Wx.T
            dh = dz @ self.Wh.T
        return dx


def conv_forward(x: Array, w: Array, b: Array) -> Array:
    k, h, v = len(w), x.shape[1], x.shape[2]
    out = np.zeros((len(x), h - k + 1, v - k + 1, w.shape[3]))
    for i in range(h - k + 1):
        for j in range(v - k + 1):
            out[:, i, j] = np.tensordot(x[:, i : i + k, j : j + k], w, 3)
    return out + b


def conv_backward(dy: Array, x: Array, w: Array, b: Array) -> tuple[Array, Array, Array]:
    k, dx, dw = len(w), np.zeros_like(x), np.zeros_like(w)
    for i in range(dy.shape[1]):
        for j in range(dy.shape[2]):
            dw += np.tensordot(x[:, i : i + k, j : j + k], dy[:, i, j], ([0], [0]))
            dx[:, i : i + k, j : j + k] += np.tensordot(dy[:, i, j], w, ([1], [3]))
    return dx, dw, dy.sum(axis=(0, 1, 2))


def conv(change: Callable[..., Any]) -> tuple[Any, Any]:
    def backward(dy: Array, x: Array, w: Array, b: Array) -> Any:
        return change(*conv_backward(dy, x, w, b), dy, x, w, b)

    return conv_forward, backward


def margin(x: Array, y: Array) -> Any:
    at = np.arange(len(x)), y
    m = np.maximum(0, x - x[at][:, None] + 1)
    m[at] = 0
    return m.sum() / len(x)


def margin_slope(x: Array, y: Array) -> Array:
    at = np.arange(len(x)), y
    d = (x - x[at][:, None] + 1 > 0).astype(float)
    d[at] = 0
    d[at] -= d.sum(axis=1)
    return d / len(x)


class AdamOfLists:
    def __init__(self, lr: float = 1e-3, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8, slip: str = "") -> None:
        self.lr, self.b1, self.b2, self.eps, self.slip = lr, b1, b2, eps, slip
        self.t, self.m, self.v = 0, list[Array](), list[Array]()

    def step(self, params: list[Array], grads: list[Array]) -> None:
        if not self.m:
            self.m, self.v = [np.zeros_like(p) for p in params], [np.zeros_like(p) for p in params]
        self.t += 1
        for i, (p, g) in enumerate(zip(params, grads, strict=True)):
            self.m[i] = self.b1 * self.m[i] + (1 - self.b1) * g
            self.v[i] = self.b2 * self.v[i] + (1 - self.b2) * g**2
            a, b = 1 - self.b1**self.t, 1 - self.b2**self.t
            m, v = (self.m[i] * a, self.v[i] * b) if self.slip == "multiplied" else (self.m[i] / a, self.v[i] / b)
            p -= self.lr * m / (np.sqrt(v + self.eps) if self.slip == "inside" else np.sqrt(v) + self.eps)


class AdamFolded:
    """The correction in the rate; the betas are not kept."""

    def __init__(self, lr: float = 0.01, turned: bool = False) -> None:
        self.lr, self.turned, self.iter = lr, turned, 0
        self.m: Any = None

    def update(self, params: dict[str, Array], grads: dict[str, Array]) -> None:
        if self.m is None:
            self.m, self.v = ({k: np.zeros_like(p) for k, p in params.items()} for _ in range(2))
        self.iter += 1
        rate = np.sqrt(1 - 0.999**self.iter) / (1 - 0.9**self.iter)
        for k in params:
            self.m[k] += 0.1 * (grads[k] - self.m[k])
            self.v[k] += 0.001 * (grads[k] ** 2 - self.v[k])
            params[k] -= self.lr * (1 / rate if self.turned else rate) * self.m[k] / (np.sqrt(self.v[k]) + 1e-7)


class Momentum:
    def __init__(self, lr: float = 0.01, momentum: float = 0.9, back: float = 1.0) -> None:
        self.lr, self.momentum, self.back = lr, momentum, back
        self.v: Any = None

    def update(self, params: dict[str, Array], grads: dict[str, Array]) -> None:
        self.v = self.v or {k: np.zeros_like(p) for k, p in params.items()}
        for k in params:
            self.v[k] = self.back * self.momentum * self.v[k] - self.lr * grads[k]
            params[k] += self.v[k]


def _affine(kind: type[Affine], d: int = 4, k: int = 3) -> Affine:
    return kind(np.random.default_rng([d, k]).standard_normal((d, k)), np.zeros(k))


def cases() -> Iterator[Case]:
    """Right ones have the mistake ""."""
    affine = {
        "": Affine, "not summed over the batch": SumsTheOtherAxis, "transposed": Turned,
        "one sample only": LastSampleWins,
        "stale gradient added": Accumulates, "weights updated before use": StepsFirst,
        "wrong input cached": KeepsTheFirst, "averaged instead of summed": Averages,
    }  # fmt: skip
    for mistake, kind in affine.items():
        yield Case(mistake, kind.__name__, lambda k=kind: (_affine(k), None, None))  # type: ignore[misc]
        yield Case(mistake, f"class {kind.__name__}", lambda k=kind: (k, None, None))  # type: ignore[misc]
        yield Case(mistake, f"square {kind.__name__}", lambda k=kind: (_affine(k, 4, 4), X, None))  # type: ignore[misc]
    yield Case("wrong input cached", "keeps its output", lambda: (_affine(KeepsItsOutput), None, None))
    plain: list[tuple[str, type]] = [
        ("", Sigmoid), ("", Relu), ("argument overwritten", ReluInPlace), ("argument overwritten", ReluOnItsInput),
        ("mask from the wrong array", ReluOfUpstream),
        ("derivative taken at the output instead of the input", SigmoidOfSigmoid),
        ("derivative taken at the input instead of the output", SigmoidOfScores),
    ]  # fmt: skip
    for mistake, form in plain:
        yield Case(mistake, form.__name__, lambda k=form: (k(), X, None))  # type: ignore[misc]
    of_classes: list[tuple[str, type]] = [
        ("", SoftmaxWithLoss), ("missing 1/N", LossNotDivided), ("p instead of p - y", LossWithoutTarget),
        ("softmax over the wrong axis", LossOverColumns), ("softmax Jacobian missing", LossWithoutSoftmax),
    ]  # fmt: skip
    for mistake, form in of_classes:
        yield Case(mistake, form.__name__, lambda k=form: (k(), X, IDS))  # type: ignore[misc]
        yield Case(mistake, f"class {form.__name__}", lambda k=form: (k, None, None))  # type: ignore[misc]
    for mistake, form in (("", Squares), ("", SumOfSquares), ("factor 2 of the square", HalfSquares)):
        yield Case(mistake, form.__name__, lambda k=form: (k(), X, X[::-1].copy()))  # type: ignore[misc]
    yield Case("", "margins", lambda: ((margin, margin_slope), X, IDS))
    yield Case("missing 1/N", "margins", lambda: ((margin, lambda x, y: margin_slope(x, y) * len(x)), X, IDS))
    yield Case("sign", "margins", lambda: ((margin, lambda x, y: -margin_slope(x, y)), X, IDS))
    for mistake, times in (("", 2.0), ("regulariser missing", 0.0), ("regulariser doubled", 4.0)):
        yield Case(mistake, "ridge", lambda n=times: (Ridge(n), None, None))  # type: ignore[misc]
    for mistake, times in (("", 0.0), ("", 1.0), ("", 2.0), ("regulariser doubled", 4.0)):
        yield Case(mistake, "a strength alone", lambda n=times: (Shrinks(n), None, None))  # type: ignore[misc]
    yield Case("", "one column", lambda: (OneColumn(), X[:3, :1], None))
    yield Case("", "one column, drawn", lambda: (OneColumn(), None, None))
    yield Case("", "unrolled", lambda: (Unrolled(), np.random.default_rng(7).standard_normal((4, 3, 3)), None))
    yield from _convolutions()
    yield from _optimizers()


def _convolutions() -> Iterator[Case]:
    rng = np.random.default_rng(8)
    args = rng.standard_normal((3, 5, 5, 2)), rng.standard_normal((3, 3, 2, 3)), np.zeros(3)
    changes: list[tuple[str, Callable[..., Any]]] = [
        ("", lambda dx, dw, db, *_: (dx, dw, db)),
        ("sign", lambda dx, dw, db, *_: (-dx, dw, db)),
        ("averaged instead of summed", lambda dx, dw, db, dy, *_: (dx, dw / len(dy), db)),
        ("bias gradient a scalar", lambda dx, dw, db, *_: (dx, dw, db.sum())),
        ("one sample only", lambda dx, dw, db, dy, x, w, b: (dx, conv_backward(dy[:1], x[:1], w, b)[1], db)),
    ]
    for mistake, change in changes:
        yield Case(mistake, "convolution", lambda c=change: (conv(c), args, None))  # type: ignore[misc]


def _optimizers() -> Iterator[Case]:
    slips = {"": "", "bias correction multiplied": "multiplied", "epsilon inside the root": "inside"}
    for mistake, slip in slips.items():
        yield Case(mistake, "Adam of lists", lambda s=slip: (AdamOfLists(slip=s), None, None))  # type: ignore[misc]
    yield Case("", "Adam, folded", lambda: (AdamFolded, None, None))
    yield Case("bias correction multiplied", "Adam, folded", lambda: (AdamFolded(turned=True), None, None))
    yield Case("", "momentum", lambda: (Momentum, None, None))
    yield Case("momentum sign", "momentum", lambda: (Momentum(back=-1.0), None, None))
