"""Where training starts: the initial weights.

A layer that sums D products makes its output's variance D times that of one product. Each scheme picks the weights'
variance so that numbers neither grow nor fade on their way through many layers; they differ in which way they look
(forward, backward, both) and in which activation follows. Sorted from the plainest to the most refined.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import prod, sqrt

import numpy as np

from pellucid.base.arrays import Array, Shape
from pellucid.base.errors import UsageError


class Init(ABC):
    """Draws a parameter's first values from a random stream.

    `fan_in` is how many numbers are summed into one output, `fan_out` how many outputs one input reaches.
    """

    @abstractmethod
    def __call__(self, rng: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array: ...


@dataclass(frozen=True)
class Constant(Init):
    """Every number is `value`: 0 for biases, 1 for scales.

    >>> Constant(1.0)(np.random.default_rng(0), (2,), 1, 1)
    array([1., 1.])
    """

    value: float = 0.0

    def __call__(self, rng: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
        return np.full(shape, self.value)


@dataclass(frozen=True)
class Normal(Init):
    """`std` times a standard normal, whatever the layer's size. The book's choice, with std 0.01.

    >>> bool(abs(Normal(0.01)(np.random.default_rng(0), (500, 20), 500, 20).std() - 0.01) < 0.0003)
    True
    """

    std: float = 0.01

    def __call__(self, rng: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
        return rng.normal(0.0, self.std, shape)


@dataclass(frozen=True)
class LeCun(Init):
    """Normal with variance `1 / fan_in`: the sum of fan_in products keeps the inputs' variance (LeCun et al. 1998).

    For layers followed by tanh, SELU or nothing.

    >>> bool(abs(LeCun()(np.random.default_rng(0), (400, 30), 400, 30).std() - 0.05) < 0.002)
    True
    """

    def __call__(self, rng: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
        return rng.normal(0.0, sqrt(1.0 / fan_in), shape)


@dataclass(frozen=True)
class He(Init):
    """Normal with variance `2 / fan_in`: twice LeCun's, because ReLU sets half of the outputs to 0 (He et al. 2015).

    >>> bool(abs(He()(np.random.default_rng(0), (800, 30), 800, 30).std() - 0.05) < 0.002)
    True
    """

    def __call__(self, rng: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
        return rng.normal(0.0, sqrt(2.0 / fan_in), shape)


@dataclass(frozen=True)
class Glorot(Init):
    """Uniform with variance `2 / (fan_in + fan_out)`: a compromise between forward and backward (Glorot 2010).

    The limit of the uniform distribution is `sqrt(6 / (fan_in + fan_out))`. For sigmoid and tanh.

    >>> bool(np.abs(Glorot()(np.random.default_rng(0), (4, 2), 4, 2)).max() <= 1.0)
    True
    """

    def __call__(self, rng: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
        limit = sqrt(6.0 / (fan_in + fan_out))
        return rng.uniform(-limit, limit, shape)


@dataclass(frozen=True)
class Orthogonal(Init):
    """A random rotation times `gain`: it keeps the length of every vector exactly (Saxe et al. 2014).

    All axes but the last are taken as one; the shorter side's vectors are orthonormal.

    >>> W = Orthogonal()(np.random.default_rng(0), (4, 3), 4, 3)
    >>> bool(np.allclose(W.T @ W, np.eye(3)))
    True
    """

    gain: float = 1.0

    def __call__(self, rng: np.random.Generator, shape: Shape, fan_in: int, fan_out: int) -> Array:
        rows, columns = prod(shape[:-1]), shape[-1]
        tall = rng.normal(size=(max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(tall)
        q = q * np.sign(np.diagonal(r))  # makes the rotation unique, hence uniformly distributed
        return np.asarray(self.gain * (q if rows >= columns else q.T).reshape(shape))


NAMED: dict[str, Init] = {
    "zeros": Constant(0.0),
    "ones": Constant(1.0),
    "normal": Normal(),
    "lecun": LeCun(),
    "he": He(),
    "glorot": Glorot(),
    "orthogonal": Orthogonal(),
}


def find_init(init: str | Init) -> Init:
    """The initialiser of this name, or the one that was given.

    >>> find_init("he")
    He()
    """
    if isinstance(init, Init):
        return init
    if init not in NAMED:
        raise UsageError(f"There is no initialiser {init!r}. The names are {', '.join(NAMED)}; or give a pl.Init.")
    return NAMED[init]
