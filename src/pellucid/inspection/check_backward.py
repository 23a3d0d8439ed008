"""Check anyone's backward pass, and name the mistake.

A backward pass that is wrong often still learns, only worse, so a falling loss proves nothing. What proves something is
to nudge every input of forward and to see what the output really does. And what helps is to hear which mistake it was.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.base.errors import UsageError
from pellucid.base.params import Penalty
from pellucid.inspection.backward.calling import TARGETS, required, undisturbed
from pellucid.inspection.backward.functions import PairSubject
from pellucid.inspection.backward.layers import check_layer
from pellucid.inspection.backward.loss_check import check_loss
from pellucid.inspection.backward.losses import SLOPE, VALUE, LossSubject
from pellucid.inspection.backward.networks import check_network, check_penalty, is_network
from pellucid.inspection.backward.objects import FORWARD, ObjectSubject, method
from pellucid.inspection.backward.optimizers import check_optimizer, is_optimizer
from pellucid.inspection.backward.ours import OurSubject
from pellucid.inspection.backward.report import BackwardReport
from pellucid.inspection.backward.torch_form import TorchLoss, TorchSubject, is_module, plain
from pellucid.layers.layer import Layer
from pellucid.losses.loss import Loss


def check_backward(
    subject: Any, x: Any = None, t: Any = None, *, args: tuple[Any, ...] | None = None, seed: int = 0
) -> BackwardReport:
    """Compare what a backward pass says with what a nudge of forward does, and name the mistake if they differ.

    The true gradient is found by moving every number a little, in float64. If the reported one is another, it is
    compared with what each known mistake would have said, in several draws that differ in size and numbers; only a
    mistake that explains all of them is named. Kinks (ReLU at 0) and the rounding of float32 are no mistakes. The
    subject itself is not touched: copies are run.

    Args:
        subject: what is checked, in one of these forms.
            A layer or activation: an object or class with `forward(inputs)`, which leaves `.output` or returns it, and
            `backward(dvalues)`, which leaves `.dinputs`, `.dweights`, `.dbiases` or returns them; a `pl.Layer`; a pair
            of functions `(forward, backward)` such as `forward(x, w, b)` and `backward(dy, x, w, b)`.
            A loss: an object or class with `forward(y_pred, y_true)` and `backward(dvalues, y_true)`, a `pl.Loss`, or a
            pair of functions. An optimizer, which is compared with the published formula. A `torch.nn.Module`.
            A network with its loss: a `pl.Model`, a list of layers that ends in a loss, or an object that has both.
        x: inputs (N, ...) as the subject takes them, or None to draw some. For a pair of functions also a tuple of all
            of forward's arguments.
        t: targets, for losses and networks; None to draw some where the kind is clear.
        args: with which a class is made; None to guess from the names of its arguments.
        seed: the draws follow from it.

    Returns:
        A report: `.ok`, `.mistakes` (their names), `str(report)` with the evidence and the repair.

    Raises:
        UsageError: if the subject has none of these forms, or its forward fails.

    >>> class Dense:
    ...     def __init__(self, n_inputs, n_neurons):
    ...         self.weights = 0.01 * np.random.randn(n_inputs, n_neurons)
    ...         self.biases = np.zeros((1, n_neurons))
    ...     def forward(self, inputs):
    ...         self.inputs = inputs
    ...         self.output = inputs @ self.weights + self.biases
    ...     def backward(self, dvalues):
    ...         self.dweights = self.inputs.T @ dvalues
    ...         self.dbiases = np.sum(dvalues)
    ...         self.dinputs = dvalues @ self.weights.T
    >>> report = check_backward(Dense(4, 3))
    >>> report.ok, report.mistakes, report["dweights"].verdict
    (False, ('bias gradient a scalar',), 'right')
    """
    with undisturbed(seed):
        return _checked(subject, x, t, args, seed)


def _checked(subject: Any, x: Any, t: Any, args: tuple[Any, ...] | None, seed: int) -> BackwardReport:
    if isinstance(subject, Penalty):
        return check_penalty(subject, seed)
    if is_module(subject):
        if t is not None:
            return check_loss(TorchLoss(subject), plain(x), np.asarray(plain(t)), seed)
        module = TorchSubject(subject, x)
        return check_layer(module, module.x, seed)
    if is_network(subject):
        return check_network(subject, x, t, seed)
    if is_optimizer(subject):
        return check_optimizer(subject, args, seed)
    if t is not None or is_loss(subject):
        outputs = None if x is None else np.asarray(x, np.float64)
        return check_loss(LossSubject(subject, args), outputs, None if t is None else np.asarray(t), seed)
    if isinstance(subject, Layer) or (isinstance(subject, type) and issubclass(subject, Layer)):
        return _layer(subject, x, args, seed)
    if isinstance(subject, tuple):
        if len(subject) != 2 or not all(map(callable, subject)):
            raise UsageError("A pair of functions is (forward, backward). A network is a list of layers and a loss.")
        pair = PairSubject(*subject, x=x)
        return check_layer(pair, pair.x if x is not None else None, seed)
    if method(subject, FORWARD) is None:
        raise UsageError(
            f"{subject!r} cannot be checked: it has no forward. Give a layer, a loss, an optimizer, a network, or a "
            "pair of functions (forward, backward)."
        )
    thing = ObjectSubject(subject, x, args)
    return check_layer(thing, thing.x, seed)


def is_loss(subject: Any) -> bool:
    """Whether this is a loss: its forward takes targets beside the outputs.

    >>> import pellucid as pl
    >>> is_loss(pl.Huber()), is_loss(pl.ReLU()), is_loss((lambda y_pred, y_true: 0.0, lambda y_pred, y_true: 0.0))
    (True, False, True)
    """
    if isinstance(subject, Loss) or (isinstance(subject, type) and issubclass(subject, Loss)):
        return True
    function = subject[0] if isinstance(subject, tuple) else method(subject, VALUE)
    if function is None or (not isinstance(subject, tuple) and method(subject, SLOPE) is None):
        return False
    names = [n.lower() for n in required(function)][1 if isinstance(subject, type) else 0 :]
    return len(names) == 2 and (names[1] in TARGETS or (names[0] in TARGETS and names[0] != "y"))


def _layer(layer: Any, x: Any, args: tuple[Any, ...] | None, seed: int) -> BackwardReport:
    """A layer of ours, as in training; if it is different in evaluation, that too."""
    subject = OurSubject(layer, x, True, args)
    report = check_layer(subject, subject.x, seed)
    if not report.ok:
        return report
    calm = OurSubject(layer, x, False, args)
    other = check_layer(calm, calm.x, seed)
    return report if other.ok else other
