"""A network, its loss, its parameters: what is trained, asked and saved.

The heart is `loss_and_grad`: forward, loss, loss backward, backward. Everything else is how people reach it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import Field, fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid import metrics as metric
from pellucid.base.arrays import Array, Cache, Shape, as_rows
from pellucid.base.check import check_mask, conform
from pellucid.base.errors import DataError, UsageError
from pellucid.base.params import Allocator, Penalty, Slot
from pellucid.base.run import EVALUATE, PREDICT, Run
from pellucid.base.seeds import stream
from pellucid.base.tally import Tally
from pellucid.layers.compose import Sequential, masked, walk
from pellucid.layers.layer import Layer
from pellucid.losses import BinaryCrossEntropy, ClassLoss, Loss, MeanSquaredError, SigmoidCrossEntropy

if TYPE_CHECKING:
    from pellucid.events import History

Metric = Callable[[Array, Array], float]


class Model:
    """Layers in a row, with a loss.

    Args:
        layers: the layers, in the order in which the numbers pass them.
        loss: how wrong an answer is. Default `MeanSquaredError()`.
        input_shape: the shape of one sample, without the batch: (784,) or (28, 28, 1).
        seed: the initial weights follow from it. Default 0.
        dtype: the type of every number inside. Default float32; float64 for gradient checks.
        penalty: a penalty on all weights (not the biases), such as `pl.L2(1e-4)`. Default none.
        prepare: what is done to raw input before the first layer, by fit, evaluate and predict. Default nothing.
        classes: the classes' names, in the order of their ids. Default none.

    Attributes:
        theta: all parameters, one vector (P,). Every layer's W and b are views into it.
        grad: all their gradients, one vector (P,), overwritten by each backward pass.
        buffers: numbers that are kept but not trained, one vector.
        slots: where each parameter lives in theta, by path.
        history: what training recorded, one dict an epoch.

    Raises:
        ShapeError: where two layers do not fit, with both shapes.

    >>> import pellucid as pl
    >>> model = pl.Model(pl.Dense(3), pl.ReLU(), pl.Dense(2), loss=pl.SoftmaxCrossEntropy(), input_shape=(4,))
    >>> model
    Model(Dense(3), ReLU(), Dense(2); 23 parameters)
    >>> model.predict(np.zeros((1, 4)))
    array([[0.5, 0.5]], dtype=float32)
    """

    def __init__(
        self,
        *layers: Layer,
        loss: Loss | None = None,
        input_shape: Shape | int,
        seed: int = 0,
        dtype: Any = np.float32,
        penalty: Penalty | None = None,
        prepare: Callable[[Array], Array] | None = None,
        classes: Sequence[str] = (),
    ) -> None:
        if not layers:
            raise UsageError("A model needs at least one layer: pl.Model(pl.Dense(10), ..., input_shape=(784,)).")
        for layer in layers:
            if not isinstance(layer, Layer):
                raise UsageError(f"{layer!r} is not a layer. Write pl.Dense(128), with the name of a class and ().")
        self.net = Sequential(*layers)
        self.loss = loss if loss is not None else MeanSquaredError()
        self.input_shape: Shape = (input_shape,) if isinstance(input_shape, int) else tuple(input_shape)
        self.seed, self.dtype, self.penalty = seed, np.dtype(dtype), penalty
        if self.dtype.kind != "f" or self.dtype.itemsize < 4:
            raise UsageError(f"A model computes with real numbers: dtype float32 or float64, not {self.dtype}.")
        self.prepare, self.classes = prepare, tuple(classes)
        self.history: History | list[dict[str, Any]] = []
        self._bind()

    def _bind(self) -> None:
        wanted, kept = Allocator(self.dtype), Allocator(self.dtype)
        self.output_shape: Shape = _output_shape(self.net, self.input_shape)
        for path, layer, shape in walk(self.net, (1, *self.input_shape)):
            for name, p in layer.params(shape).items():
                wanted.ask(layer, path, name, p, gradient=True)
            for name, p in layer.buffers(shape).items():
                kept.ask(layer, path, name, p, gradient=False)
        rng = stream(self.seed, "init")
        self.theta, self.grad, slots = wanted.allocate(rng)
        self.buffers, _, buffer_slots = kept.allocate(rng)
        self.slots: dict[str, Slot] = {slot.path: slot for slot in slots}
        self.buffer_slots: dict[str, Slot] = {slot.path: slot for slot in buffer_slots}
        whole = [(s.at, self.penalty) for s in slots if self.penalty is not None and s.decay]
        own = [(s.at, s.penalty) for s in slots if s.penalty is not None]
        self.penalties: list[tuple[slice, Penalty]] = whole + own

    # ---- the heart --------------------------------------------------------------------------------------------------

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, in order."""
        return self.net.layers

    def loss_and_grad(self, x: Array, t: Array, run: Run = EVALUATE, weights: Array | None = None) -> Tally:
        """The loss of a batch; its gradient is left in `grad`.

        Args:
            x: inputs (N, *input_shape), already prepared.
            t: targets, in a form that the loss takes.
            run: how the pass is run. Default: as in evaluation, nothing is dropped.
            weights: one number a sample, or None.

        Returns:
            The loss as a sum and a count; `.mean` is the reported loss, penalties included.
        """
        return self.forward_backward(x, t, run, weights)[0]

    def forward_backward(
        self, x: Array, t: Array, run: Run, weights: Array | None = None
    ) -> tuple[Tally, Cache, Cache]:
        """`loss_and_grad` with everything it computed: the loss, the network's cache and the loss's cache."""
        z, cache = self.net.forward(self.check_input(x), run)
        tally, loss_cache = self.loss.forward(z, t, weights)
        self.net.backward_params(self.loss.backward(loss_cache), cache)
        if self.penalties:
            tally += Tally(self.add_penalties() * tally.n, 0.0)
        return tally, cache, loss_cache

    def add_penalties(self) -> float:
        """Add the penalties' gradients to `grad`; their value is returned."""
        value = 0.0
        for at, penalty in self.penalties:
            value += penalty.value(self.theta[at])
            self.grad[at] += penalty.gradient(self.theta[at])
        return value

    def check_input(self, x: Array) -> Array:
        """x in the model's own type, or an error that draws both shapes."""
        return conform(x, self.input_shape, self.dtype)

    # ---- how people reach it -----------------------------------------------------------------------------------------

    def fit(self, x: Any, t: Any = None, **options: Any) -> History:
        """Train, and print about twenty lines on the way; see `pellucid.fit.fit` for the arguments.

        >>> import pellucid as pl
        >>> model = pl.Model(pl.Dense(1), input_shape=(1,))
        >>> x = np.linspace(-1, 1, 64)[:, None]
        >>> history = model.fit(x, 3 * x, epochs=200, optimizer=pl.Adam(0.1), verbose=False)
        >>> history[-1]["loss"] < 1e-6
        True
        """
        from pellucid.fit import fit  # fit stands on model, so it is fetched when it is wanted

        return fit(self, x, t, **options)

    def evaluate(
        self,
        x: Array,
        t: Array,
        metrics: Iterable[Metric] | None = None,
        batch_size: int = 1024,
        weights: Array | None = None,
        mask: Array | None = None,
    ) -> dict[str, float]:
        """The loss and the metrics on all of these samples, with nothing dropped.

        Args:
            x: raw inputs (N, ...).
            t: targets.
            metrics: functions of (predictions, targets). Default: those that suit the loss.
            batch_size: how many samples are in memory at a time; the result does not depend on it.
            weights: one number a sample, or None. They count in the loss, not in the metrics.
            mask: which time steps (N, T) are real, or None: all are.

        Returns:
            {"loss": ..., "accuracy": ...}, a name for each metric.
        """
        x, t = as_rows(x), np.asarray(t)
        if len(x) != len(t) or len(x) == 0:
            raise DataError(f"evaluate needs as many targets as inputs, and at least one: {len(t)} and {len(x)}.")
        check_mask(mask, x)
        t = self.loss.targets(t, (len(t), *self.output_shape))
        tally, answers = Tally(), list[Array]()
        for i in range(0, len(x), batch_size):
            at = slice(i, i + batch_size)
            run = masked(self.net, PREDICT, None if mask is None else mask[at])
            z, _ = self.net.forward(self.check_input(self.prepared(x[at])), run)
            part, cache = self.loss.forward(z, t[at], None if weights is None else weights[at])
            tally, answers = tally + part, [*answers, cache["y"]]
        penalty = sum(p.value(self.theta[at]) for at, p in self.penalties)
        y = np.concatenate(answers)
        chosen = default_metrics(self.loss) if metrics is None else metrics
        return {"loss": tally.mean + penalty} | {metric.metric_name(f): float(f(y, t)) for f in chosen}

    def predict(self, x: Any, batch_size: int = 1024, mask: Any = None) -> Array:
        """What the network says: probabilities for a loss of classes, values for a loss of numbers.

        Args:
            x: raw inputs (N, ...); whatever preparation the model carries is applied.
            batch_size: how many samples are in memory at a time.
            mask: which time steps (N, T) are real, or None: all are.

        Returns:
            (N, K), in the model's type.
        """
        x = as_rows(x)
        check_mask(mask, x)
        if len(x) <= batch_size:
            run = masked(self.net, PREDICT, mask)
            return self.loss.link(self.net.forward(self.check_input(self.prepared(x[:])), run)[0])
        parts = [slice(i, i + batch_size) for i in range(0, len(x), batch_size)]
        return np.concatenate([self.predict(x[at], mask=None if mask is None else mask[at]) for at in parts])

    def prepared(self, x: Array) -> Array:
        """Raw input as the first layer wants it."""
        return x if self.prepare is None else self.prepare(x)

    def save(self, path: Any) -> None:
        """Write the model file: numbers and a description, no code. See `pellucid.store`."""
        from pellucid.store import save

        save(self, path)

    def copy(self, dtype: Any = None) -> Model:
        """A second model with the same numbers in arrays of its own.

        Args:
            dtype: the type of the second model's numbers. Default the same; float64 for what must be exact.
        """
        twin = copy.copy(self)
        twin.dtype = self.dtype if dtype is None else np.dtype(dtype)
        twin.net = copy.deepcopy(self.net)
        for _, layer, shape in walk(twin.net, (1, *self.input_shape)):
            for name in (*layer.params(shape), *layer.buffers(shape)):
                for copied in (name, "d" + name):  # no longer views of one vector, so they are bound anew
                    vars(layer).pop(copied, None)
        twin._bind()
        twin.theta[:], twin.grad[:], twin.buffers[:] = self.theta, self.grad, self.buffers
        twin.history = copy.deepcopy(self.history)
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Model:
        return self.copy()

    def decays(self) -> Array:
        """1 where weight decay applies, 0 where it does not; in theta's shape."""
        out = np.zeros_like(self.theta)
        for slot in self.slots.values():
            out[slot.at] = slot.decay
        return out

    def summary(self) -> str:
        """The network as a table: each layer with its output's shape and its parameters, then the loss."""
        from pellucid.inspection.summary import summary  # a view from above, fetched when it is wanted

        return summary(self)

    def __repr__(self) -> str:
        inside = ", ".join(_short(layer) for layer in self.layers)
        return f"Model({inside}; {self.theta.size:,} parameters)"


def default_metrics(loss: Loss) -> tuple[Metric, ...]:
    """The metrics that suit a loss: accuracy for classes, R^2 for measurements.

    >>> [f.__name__ for f in default_metrics(MeanSquaredError())]
    ['r2']
    """
    if isinstance(loss, ClassLoss):
        return (metric.accuracy,)
    if isinstance(loss, SigmoidCrossEntropy | BinaryCrossEntropy):
        return (metric.binary_accuracy,)
    return (metric.r2,)


def _output_shape(net: Sequential, input_shape: Shape) -> Shape:
    shape: Shape = (1, *input_shape)
    for i, layer in enumerate(net.layers):
        try:
            shape = layer.output_shape(shape)
        except UsageError as error:
            raise type(error)(f"Layer {i}.{layer.kind} does not fit. {error}") from None
    return shape[1:]


def _short(layer: Layer) -> str:
    known: tuple[Field[Any], ...] = fields(layer) if is_dataclass(layer) else ()
    value = next((getattr(layer, f.name) for f in known if f.init), None)
    return f"{type(layer).__name__}({value if isinstance(value, int | float) else ''})"
