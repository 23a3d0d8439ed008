"""Which form is it? Everybody's code is brought to the check that fits: layer, loss, optimizer, network."""

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
from pellucid.inspection.backward.networks import check_container, check_network, check_penalty, is_network
from pellucid.inspection.backward.objects import FORWARD, ObjectSubject, method
from pellucid.inspection.backward.optimizers import check_optimizer, is_optimizer
from pellucid.inspection.backward.ours import OurSubject
from pellucid.inspection.backward.report import BackwardReport
from pellucid.inspection.backward.torch_form import TorchLoss, TorchSubject, is_module, plain
from pellucid.layers.layer import Layer
from pellucid.losses.loss import Loss


def checked(subject: Any, x: Any, t: Any, args: tuple[Any, ...] | None, seed: int) -> BackwardReport:
    """The report; the arguments are those of `pl.check_backward`."""
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
        return check_container(subject.layer, report, subject.x, seed) if subject.layer.children() else report
    calm = OurSubject(layer, x, False, args)
    other = check_layer(calm, calm.x, seed)
    return report if other.ok else other
