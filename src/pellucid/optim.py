"""How the parameters move, given their gradient: each optimizer is its paper's formula on one flat vector.

Sorted in order of increasing complexity. The learning rate comes first, a number or a schedule. `start` makes the
state for a vector, `step` moves it; the state's arrays are plain attributes under the paper's letters.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from pellucid import kernels
from pellucid.base.arrays import Array, vector
from pellucid.base.errors import UsageError
from pellucid.base.seeds import stream
from pellucid.schedules import Schedule, as_schedule


def state() -> Any:
    """A dataclass field that `start` fills."""
    return field(init=False, repr=False, compare=False)


def clip_norm(grad: Array, limit: float) -> float:
    """Shorten `grad` in place to length `limit` if it is longer, keeping its direction; the length before is returned.

    >>> g = np.array([3.0, 4.0]); clip_norm(g, 1.0), g
    (5.0, array([0.6, 0.8]))
    """
    length = float(np.sqrt(grad @ grad))
    if length > limit:
        grad *= limit / length
    return length


@dataclass
class Optimizer(ABC):
    """The parent. `vectors` names the state's arrays, all of theta's length.

    Args:
        lr: the learning rate: a number, or a function from the step (counted from 0) to a number.
    """

    lr: float | Schedule = 1e-3
    t: int = field(init=False, default=0, repr=False, compare=False)  # steps done
    vectors: ClassVar[tuple[str, ...]] = ()

    def start(self, theta: Array, decays: Array | None = None, seed: int = 0) -> None:
        """Forget the past and make ready for this vector.

        Args:
            theta: the parameters, as one vector.
            decays: 1 where weight decay applies, 0 where it does not, in theta's shape. Default 1 everywhere.
            seed: for optimizers that draw random numbers.
        """
        self._check()
        self.t = 0
        for i, name in enumerate(self.vectors):
            setattr(self, name, vector(theta.size, theta.dtype, lane=2 + i).reshape(theta.shape))

    def step(self, theta: Array, grad: Array, loss: Callable[[], float] | None = None) -> None:
        """Move `theta` in place by one step. `loss()` gives the loss at theta as it stands, for those who ask."""
        rate = self.rate
        self.t += 1
        self.move(theta, grad, rate, loss)

    @abstractmethod
    def move(self, theta: Array, grad: Array, lr: float, loss: Callable[[], float] | None) -> None:
        """The formula. `self.t` counts from 1 here, as the papers do."""

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return as_schedule(self.lr)(self.t)

    def _check(self) -> None:
        if not self.rate >= 0:
            raise UsageError(
                f"The learning rate is {self.rate!r}, but it must be 0 or more: the optimizer already walks downhill. "
                "Common values are 0.001 for Adam and 0.1 for SGD."
            )
        for name in ("momentum", "beta1", "beta2", "rho"):
            value = getattr(self, name, 0.0)
            if not 0.0 <= value < 1.0:
                raise UsageError(f"{type(self).__name__}'s {name} is {value!r}; it must be at least 0 and below 1.")
        for name in ("eps", "weight_decay"):
            value = getattr(self, name, 0.0)
            if not value >= 0.0:
                raise UsageError(f"{type(self).__name__}'s {name} is {value!r}; it must be 0 or more.")


@dataclass
class RandomSearch(Optimizer):
    """theta' = theta + lr * u, u standard normal; keep it if L(theta') < L(theta), else stay

    Needs no gradient at all, and shows what one is worth: the number of tries grows with the number of parameters.
    Both losses are taken on the same batch, so a lucky batch cannot pass for progress.

    >>> theta, f = np.array([3.0]), RandomSearch(0.5)
    >>> f.start(theta)
    >>> for _ in range(200): f.step(theta, theta, loss=lambda: float(theta @ theta))
    >>> bool(abs(theta[0]) < 0.1)
    True
    """

    rng: np.random.Generator = state()

    def start(self, theta: Array, decays: Array | None = None, seed: int = 0) -> None:
        super().start(theta, decays, seed)
        self.rng = stream(seed, "random search")

    def move(self, theta: Array, grad: Array, lr: float, loss: Callable[[], float] | None) -> None:
        if loss is None:
            raise UsageError("RandomSearch compares losses, so step() needs loss=, a function that gives the loss.")
        here, before = theta.copy(), loss()
        theta += lr * self.rng.standard_normal(theta.shape).astype(theta.dtype)
        if not loss() < before:
            theta[:] = here


@dataclass
class SGD(Optimizer):
    """v = momentum v - lr g;   theta += v      Nesterov: theta += momentum v - lr g

    Without momentum: theta -= lr g. The velocity v carries the learning rate, so that a change of the rate does not
    change what is already rolling (Sutskever et al. 2013).

    Args:
        lr: the learning rate. Default 0.01.
        momentum: how much of the last step is repeated, 0 to below 1. Default 0.
        nesterov: look ahead along the velocity. Default false.

    >>> theta, f = np.array([1.0]), SGD(0.1, momentum=0.5)
    >>> f.start(theta); f.step(theta, np.array([1.0])); f.step(theta, np.array([1.0]))
    >>> theta        # 1 - 0.1 - (0.05 + 0.1)
    array([0.75])
    """

    lr: float | Schedule = 0.01
    momentum: float = 0.0
    nesterov: bool = False
    v: Array = state()
    vectors: ClassVar[tuple[str, ...]] = ("v",)

    def move(self, theta: Array, grad: Array, lr: float, loss: Callable[[], float] | None) -> None:
        step = lr * grad
        if self.momentum:
            self.v *= self.momentum
            self.v -= step
            if not self.nesterov:
                theta += self.v
                return
            theta += self.momentum * self.v
        theta -= step


@dataclass
class AdaGrad(Optimizer):
    """s += g^2;   theta -= lr g / (sqrt(s) + eps)      (Duchi et al. 2011)

    Each parameter has its own rate, which shrinks with all the gradient it has ever seen and never grows again.

    Args:
        lr: the learning rate. Default 0.01.
        eps: against division by 0. Default 1e-8.

    >>> theta, f = np.array([1.0]), AdaGrad(0.1)
    >>> f.start(theta); f.step(theta, np.array([5.0]))
    >>> theta.round(6)
    array([0.9])
    """

    lr: float | Schedule = 0.01
    eps: float = 1e-8
    s: Array = state()
    vectors: ClassVar[tuple[str, ...]] = ("s",)

    def move(self, theta: Array, grad: Array, lr: float, loss: Callable[[], float] | None) -> None:
        self.s += grad * grad
        theta -= lr * grad / (np.sqrt(self.s) + self.eps)


@dataclass
class RMSprop(Optimizer):
    """s = rho s + (1 - rho) g^2;   theta -= lr g / (sqrt(s) + eps)      (Tieleman and Hinton 2012)

    AdaGrad with a memory that fades, so that the rate can recover.

    Args:
        lr: the learning rate. Default 0.001.
        rho: how much of the memory stays at each step. Default 0.9.
        eps: against division by 0. Default 1e-8.

    >>> theta, f = np.array([1.0]), RMSprop(0.1, rho=0.75)
    >>> f.start(theta); f.step(theta, np.array([5.0]))
    >>> theta.round(6)
    array([0.8])
    """

    rho: float = 0.9
    eps: float = 1e-8
    s: Array = state()
    vectors: ClassVar[tuple[str, ...]] = ("s",)

    def move(self, theta: Array, grad: Array, lr: float, loss: Callable[[], float] | None) -> None:
        self.s += (1.0 - self.rho) * (grad * grad - self.s)
        theta -= lr * grad / (np.sqrt(self.s) + self.eps)


@dataclass
class Adam(Optimizer):
    """m += (1 - beta1) (g - m);   v += (1 - beta2) (g^2 - v)      (Kingma and Ba 2015)

    mh = m / (1 - beta1^t);   vh = v / (1 - beta2^t);   theta -= lr mh / (sqrt(vh) + eps)

    m is the gradient's running mean and v that of its square. Both start at 0 and are too small at first by exactly
    the factors that the second line divides out. The step is about lr in size whatever the gradient's scale.

    Args:
        lr: the learning rate. Default 0.001.
        beta1: how much of m stays at each step. Default 0.9.
        beta2: how much of v stays at each step. Default 0.999.
        eps: against division by 0, outside the root. Default 1e-8.

    >>> theta, f = np.array([1.0]), Adam(0.1)
    >>> f.start(theta); f.step(theta, np.array([5.0]))
    >>> theta.round(6)        # the first step has length lr
    array([0.9])
    """

    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    m: Array = state()
    v: Array = state()
    vectors: ClassVar[tuple[str, ...]] = ("m", "v")

    def move(self, theta: Array, grad: Array, lr: float, loss: Callable[[], float] | None) -> None:
        kernels.active().adam(theta, grad, self.m, self.v, lr, self.beta1, self.beta2, self.eps, self.t)


@dataclass
class AdamW(Adam):
    """theta -= lr weight_decay theta, then Adam's step      (Loshchilov and Hutter 2019)

    The decay does not pass through Adam's division, so every weight shrinks by the same share. Biases do not decay.

    Args:
        lr, beta1, beta2, eps: as Adam's.
        weight_decay: the share (times lr) by which weights shrink at each step. Default 0.01.

    >>> theta, f = np.array([1.0]), AdamW(0.1, weight_decay=0.5)
    >>> f.start(theta); f.step(theta, np.array([5.0]))
    >>> theta.round(6)        # 1 - 0.1 * 0.5 - 0.1
    array([0.85])
    """

    weight_decay: float = 0.01
    decays: Array | None = field(init=False, default=None, repr=False, compare=False)

    def start(self, theta: Array, decays: Array | None = None, seed: int = 0) -> None:
        super().start(theta, decays, seed)
        self.decays = decays

    def move(self, theta: Array, grad: Array, lr: float, loss: Callable[[], float] | None) -> None:
        shrink = lr * self.weight_decay * theta
        theta -= shrink if self.decays is None else shrink * self.decays
        super().move(theta, grad, lr, loss)
