"""Another network of the same layers: without one of them, with a new one, with fresh weights."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from pellucid.layers import Dropout, SpatialDropout2D
from pellucid.layers.compose import walk
from pellucid.layers.layer import Layer
from pellucid.model import Model


def unbound(model: Model) -> list[Layer]:
    """Copies of the model's layers that belong to no model yet."""
    net = copy.deepcopy(model.net)
    for _, layer, shape in walk(net, (1, *model.input_shape)):
        for name in (*layer.params(shape), *layer.buffers(shape)):
            for bound in (name, "d" + name):
                vars(layer).pop(bound, None)
    return list(net.layers)


def rebuilt(model: Model, layers: Iterable[Layer] | None = None, *, fresh: bool = False, **changes: Any) -> Model:
    """A model of these layers with the other's settings, and with its weights if they fit and are not to be fresh.

    Args:
        model: the other.
        layers: unbound layers. Default copies of the model's own.
        fresh: draw new weights. Default false.
        changes: what else is different: loss, penalty, prepare.
    """
    known = ("loss", "input_shape", "seed", "dtype", "penalty", "prepare", "classes")
    settings: dict[str, Any] = {name: getattr(model, name) for name in known} | changes
    made = Model(*(unbound(model) if layers is None else layers), **settings)
    if not fresh and _shapes(made) == _shapes(model):
        made.theta[:], made.buffers[:] = model.theta, model.buffers
    return made


def _shapes(model: Model) -> list[tuple[int, ...]]:
    return [slot.shape for slot in (*model.slots.values(), *model.buffer_slots.values())]


def unpenalised(model: Model) -> list[Layer]:
    """Copies of the layers without penalties of their own, which belong to no model yet."""
    layers = unbound(model)
    for layer in _all(layers):
        for name in ("penalty", "bias_penalty"):
            if getattr(layer, name, None) is not None:
                setattr(layer, name, None)
    return layers


def unrestrained(model: Model) -> Model:
    """The same network without dropout and penalties, which a test of what it can learn must not be held back by."""
    return rebuilt(dropped(model, 0.0), unpenalised(dropped(model, 0.0)), penalty=None)


def dropped(model: Model, drop: float) -> Model:
    """The same network with this share in every dropout layer."""
    layers = unbound(model)
    for layer in _all(layers):
        if isinstance(layer, Dropout | SpatialDropout2D):
            layer.drop = drop
    return rebuilt(model, layers)


def drops(model: Model) -> list[float]:
    """The shares of all dropout layers."""
    return [layer.drop for layer in _all(model.layers) if isinstance(layer, Dropout | SpatialDropout2D)]


def _all(layers: Iterable[Layer]) -> list[Layer]:
    found: list[Layer] = []
    for layer in layers:
        found += [layer, *_all(layer.children().values())]
    return found


def well_begun(model: Model, init: str | None = None) -> Model:
    """The same network with fresh weights, drawn as each kind of layer does when nothing is said.

    Args:
        model: the network.
        init: an initialiser for the dense and convolution layers. Default their own default.
    """
    layers = unbound(model)
    for layer in _all(layers):
        known = getattr(type(layer), "__dataclass_fields__", {})
        for name in ("init", "recurrent_init"):
            if name in known:
                setattr(layer, name, known[name].default)
        if init is not None and "W" in known and "init" in known:
            layer.init = init  # type: ignore[attr-defined]
    return rebuilt(model, layers, fresh=True)
