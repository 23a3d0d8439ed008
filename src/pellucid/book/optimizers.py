"""The book's optimizers: the formula is the Pellucid optimizer's; what each layer remembers lies on the layer.

`pre_update_params`, `update_params(layer)` for each layer, `post_update_params`: the book's three calls a step. A layer
may be any object with weights, biases, dweights and dbiases; its memory gets the book's names (weight_momentums,
weight_cache, bias_momentums, bias_cache), in arrays of the parameters' shapes. Sorted by increasing complexity.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from pellucid import optim
from pellucid.base.arrays import Array
from pellucid.base.errors import UsageError
from pellucid.book.chapters import chapters
from pellucid.book.part import same_type
from pellucid.book.rounding import twin
from pellucid.schedules import inverse_decay


class Optimizer:
    """The parent of the four.

    Attributes:
        learning_rate, decay, iterations: as in the book; iterations counts the steps done.
        current_learning_rate: learning_rate / (1 + decay * iterations), set by `pre_update_params`.
    """

    memory: ClassVar[dict[str, str]] = {}  # the formula's letter -> the book's name, without weight_ or bias_

    def __init__(self, learning_rate: float, decay: float) -> None:
        self.learning_rate = self.current_learning_rate = learning_rate
        self.decay, self.iterations = decay, 0
        self.rule().start(np.zeros(0))  # says what is wrong with an argument

    def rule(self) -> optim.Optimizer:
        """The Pellucid optimizer with this one's settings as they stand."""
        raise NotImplementedError

    def letters(self) -> dict[str, str]:
        """The parts of `memory` that are in use."""
        return self.memory

    @chapters({"10": "()"})
    def pre_update_params(self) -> None:
        """Once a step, first: the learning rate of this step."""
        if self.decay:
            self.current_learning_rate = self.learning_rate * inverse_decay(1.0, self.decay)(self.iterations)

    @chapters({"10": "(layer)"})
    def update_params(self, layer: Any) -> None:
        """Move one layer's weights and biases, in place."""
        rule = self.rule()
        rule.t = self.iterations + 1
        for kind, array, gradient in (("weight", "weights", "dweights"), ("bias", "biases", "dbiases")):
            if not hasattr(layer, gradient):
                raise UsageError(
                    f"update_params needs a layer with weights, biases, dweights and dbiases, but this "
                    f"{type(layer).__name__} has no {gradient}. Call backward first, and only dense layers are updated."
                )
            w = getattr(layer, array)
            theta = w.reshape(-1)
            state = {letter: f"{kind}_{name}" for letter, name in self.letters().items()}
            for letter, name in state.items():
                if not hasattr(layer, name):
                    setattr(layer, name, np.zeros_like(w))
                setattr(rule, letter, _flat(getattr(layer, name), theta))
            rule.move(theta, _flat(getattr(layer, gradient), theta), self.current_learning_rate, None)
            for letter, name in state.items():
                setattr(layer, name, getattr(rule, letter).reshape(w.shape))
            if not np.may_share_memory(theta, w):
                w[...] = theta.reshape(w.shape)

    @chapters({"10": "()"})
    def post_update_params(self) -> None:
        """Once a step, last."""
        self.iterations += 1


def _flat(array: Any, theta: Array) -> Array:
    return np.ascontiguousarray(same_type(array, theta)).reshape(-1)


class Optimizer_SGD(Optimizer):
    """`pl.SGD`.

    Args:
        learning_rate: default 1.0.
        decay: default 0.
        momentum: default 0.

    >>> optimizer = Optimizer_SGD(decay=0.1)
    >>> for _ in range(11): optimizer.pre_update_params(); optimizer.post_update_params()
    >>> optimizer.current_learning_rate, optimizer.iterations
    (0.5, 11)
    """

    memory: ClassVar[dict[str, str]] = {"v": "momentums"}

    @chapters({"10": "(learning_rate=1.0, decay=0.0, momentum=0.0)"})
    def __init__(self, learning_rate: float = 1.0, decay: float = 0.0, momentum: float = 0.0) -> None:
        self.momentum = momentum
        super().__init__(learning_rate, decay)

    def rule(self) -> optim.Optimizer:
        """pl.SGD with these settings."""
        return optim.SGD(self.learning_rate, self.momentum)

    def letters(self) -> dict[str, str]:
        """Nothing is remembered without momentum."""
        return self.memory if self.momentum else {}


class Optimizer_Adagrad(Optimizer):
    """`pl.AdaGrad`.

    Args:
        learning_rate: default 1.0.
        decay: default 0.
        epsilon: default 1e-7.

    >>> Optimizer_Adagrad().epsilon
    1e-07
    """

    memory: ClassVar[dict[str, str]] = {"s": "cache"}

    @chapters({"10": "(learning_rate=1.0, decay=0.0, epsilon=1e-7)"})
    def __init__(self, learning_rate: float = 1.0, decay: float = 0.0, epsilon: float = 1e-7) -> None:
        self.epsilon = epsilon
        super().__init__(learning_rate, decay)

    def rule(self) -> optim.Optimizer:
        """pl.AdaGrad with these settings."""
        return optim.AdaGrad(self.learning_rate, self.epsilon)


class Optimizer_RMSprop(Optimizer):
    """`pl.RMSprop`.

    Args:
        learning_rate: default 0.001.
        decay: default 0.
        epsilon: default 1e-7.
        rho: default 0.9.

    >>> Optimizer_RMSprop(rho=0.999).rho
    0.999
    """

    memory: ClassVar[dict[str, str]] = {"s": "cache"}

    @chapters({"10": "(learning_rate=0.001, decay=0.0, epsilon=1e-7, rho=0.9)"})
    def __init__(
        self, learning_rate: float = 0.001, decay: float = 0.0, epsilon: float = 1e-7, rho: float = 0.9
    ) -> None:
        self.epsilon, self.rho = epsilon, rho
        super().__init__(learning_rate, decay)

    def rule(self) -> optim.Optimizer:
        """pl.RMSprop with these settings."""
        return twin(optim.RMSprop)(self.learning_rate, self.rho, self.epsilon)


class Optimizer_Adam(Optimizer):
    """`pl.Adam`, with the book's epsilon.

    Args:
        learning_rate: default 0.001.
        decay: default 0.
        epsilon: default 1e-7.
        beta_1: default 0.9.
        beta_2: default 0.999.

    >>> from types import SimpleNamespace
    >>> layer = SimpleNamespace(weights=np.ones((1, 1)), biases=np.zeros((1, 1)))
    >>> layer.dweights, layer.dbiases = np.array([[5.0]]), np.array([[0.0]])
    >>> optimizer = Optimizer_Adam(learning_rate=0.1)
    >>> optimizer.pre_update_params(); optimizer.update_params(layer); optimizer.post_update_params()
    >>> layer.weights.round(6), layer.weight_momentums        # the first step has length 0.1
    (array([[0.9]]), array([[0.5]]))
    """

    memory: ClassVar[dict[str, str]] = {"m": "momentums", "v": "cache"}

    @chapters({"10": "(learning_rate=0.001, decay=0.0, epsilon=1e-7, beta_1=0.9, beta_2=0.999)"})
    def __init__(
        self,
        learning_rate: float = 0.001,
        decay: float = 0.0,
        epsilon: float = 1e-7,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
    ) -> None:
        self.epsilon, self.beta_1, self.beta_2 = epsilon, beta_1, beta_2
        super().__init__(learning_rate, decay)

    def rule(self) -> optim.Optimizer:
        """pl.Adam with these settings."""
        return twin(optim.Adam)(self.learning_rate, self.beta_1, self.beta_2, self.epsilon)
