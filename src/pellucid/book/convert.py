"""From the book's objects to a `pl.Model` and back: the same numbers, the same answers.

A Softmax before its cross-entropy becomes `pl.SoftmaxCrossEntropy` on scores, a Sigmoid before its own
`pl.SigmoidCrossEntropy`, and a Linear nothing: Pellucid's losses know their last step, and `predict` takes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pellucid import layers as pellucid_layers
from pellucid import losses as pellucid_losses
from pellucid.base.errors import UsageError
from pellucid.base.init import Normal
from pellucid.base.params import Penalty
from pellucid.book import activations, losses
from pellucid.book.layers import Layer_Dense, Layer_Dropout, Layer_Input
from pellucid.model import Model as PellucidModel
from pellucid.penalties import L1, L2, Both

BENDS: dict[type, type[pellucid_layers.Layer]] = {
    activations.Activation_ReLU: pellucid_layers.ReLU,
    activations.Activation_Sigmoid: pellucid_layers.Sigmoid,
    activations.Activation_Softmax: pellucid_layers.Softmax,
}
LOSSES: dict[type, type[pellucid_losses.Loss]] = {
    losses.Loss_CategoricalCrossentropy: pellucid_losses.CategoricalCrossEntropy,
    losses.Loss_BinaryCrossentropy: pellucid_losses.BinaryCrossEntropy,
    losses.Loss_MeanSquaredError: pellucid_losses.MeanSquaredError,
    losses.Loss_MeanAbsoluteError: pellucid_losses.MeanAbsoluteError,
}
Fusion = dict[tuple[type[pellucid_layers.Layer], type[pellucid_losses.Loss]], type[pellucid_losses.Loss]]
FUSED: Fusion = {  # the last layer and its loss -> one loss on scores
    (pellucid_layers.Softmax, pellucid_losses.CategoricalCrossEntropy): pellucid_losses.SoftmaxCrossEntropy,
    (pellucid_layers.Sigmoid, pellucid_losses.BinaryCrossEntropy): pellucid_losses.SigmoidCrossEntropy,
}
USUAL: dict[type, type[pellucid_losses.Loss]] = {  # the loss that belongs to a last layer, where none is named
    pellucid_layers.Softmax: pellucid_losses.CategoricalCrossEntropy,
    pellucid_layers.Sigmoid: pellucid_losses.BinaryCrossEntropy,
}


def to_pellucid(network: Any, loss: Any = None) -> PellucidModel:
    """A `pl.Model` with the same parameters, regularizers and answers. Its arrays are its own.

    Args:
        network: a Model of the book, or a list of its layers and activations in order.
        loss: the loss, for a list. Default the one that belongs to the last activation.

    Raises:
        UsageError: for a class of your own, whose Pellucid twin is not known.

    >>> from pellucid.book import init, Activation_ReLU, Activation_Softmax
    >>> init()
    >>> model = to_pellucid([Layer_Dense(2, 8), Activation_ReLU(), Layer_Dense(8, 3), Activation_Softmax()])
    >>> model, model.loss
    (Model(Dense(8), ReLU(), Dense(3); 51 parameters), SoftmaxCrossEntropy(class_weights=None))
    """
    parts, loss = (network, loss) if isinstance(network, Sequence) else (network.layers, network.loss)
    parts = [part for part in parts if not isinstance(part, Layer_Input | activations.Activation_Linear)]
    if parts and isinstance(parts[-1], activations.Activation_Softmax_Loss_CategoricalCrossentropy):
        parts[-1:] = [parts[-1].activation]
    dense = [part for part in parts if isinstance(part, Layer_Dense)]
    if not dense:
        raise UsageError("to_pellucid needs at least one Layer_Dense: it says how many inputs the network takes.")
    stack = [_layer(part) for part in parts]
    last = type(stack[-1])
    kind = USUAL.get(last, pellucid_losses.MeanSquaredError) if loss is None else _loss(loss)
    if (last, kind) in FUSED:
        kind, stack = FUSED[last, kind], stack[:-1]
    model = PellucidModel(*stack, loss=kind(), input_shape=(len(dense[0].weights),), dtype=dense[0].weights.dtype)
    model.theta[:] = np.concatenate([a.ravel() for part in dense for a in part.get_parameters()])
    return model


def _layer(part: Any) -> pellucid_layers.Layer:
    if isinstance(part, Layer_Dense):
        return pellucid_layers.Dense(
            part.weights.shape[1],
            Normal(0.01),
            penalty=_penalty(part.weight_regularizer_l1, part.weight_regularizer_l2),
            bias_penalty=_penalty(part.bias_regularizer_l1, part.bias_regularizer_l2),
        )
    if isinstance(part, Layer_Dropout):
        return pellucid_layers.Dropout(part.layer.drop)
    if type(part) not in BENDS:
        raise UsageError(
            f"to_pellucid does not know a Pellucid layer for {type(part).__name__}. It knows Layer_Dense, "
            f"Layer_Dropout, Layer_Input, Activation_Linear, {', '.join(kind.__name__ for kind in BENDS)}."
        )
    return BENDS[type(part)]()


def _loss(loss: Any) -> type[pellucid_losses.Loss]:
    if isinstance(loss, activations.Activation_Softmax_Loss_CategoricalCrossentropy):
        loss = loss.loss
    if type(loss) not in LOSSES:
        known = ", ".join(kind.__name__ for kind in LOSSES)
        raise UsageError(f"to_pellucid does not know a Pellucid loss for {type(loss).__name__}; it knows {known}.")
    return LOSSES[type(loss)]


def _penalty(l1: float, l2: float) -> Penalty | None:
    if l1 and l2:
        return L1(l1) + L2(l2)
    return L1(l1) if l1 else L2(l2) if l2 else None


def book_layers(model: PellucidModel) -> tuple[list[Any], Any]:
    """The way back: the book's layers and loss with the numbers of a `pl.Model` of dense layers.

    >>> import pellucid as pl
    >>> from pellucid.base.init import Normal
    >>> parts, loss = book_layers(pl.Model(pl.Dense(2), loss=pl.SoftmaxCrossEntropy(), input_shape=(3,)))
    >>> [type(part).__name__ for part in parts], type(loss).__name__
    (['Layer_Dense', 'Activation_Softmax'], 'Loss_CategoricalCrossentropy')
    """
    kind: type[pellucid_losses.Loss] = type(model.loss)
    whole = next((pair for pair, fused in FUSED.items() if fused is kind), None)
    stack = [*model.layers, *([whole[0]()] if whole else [])]
    parts = [_part(layer, model.penalty) for layer in stack]
    if isinstance(parts[-1], Layer_Dense):
        parts.append(activations.Activation_Linear())
    back = {twin: own for own, twin in LOSSES.items()}
    if whole:
        kind = whole[1]
    if kind not in back:
        raise UsageError(f"The book has no {kind.__name__}. Load this model with pl.load(path).")
    return parts, back[kind]()


def _part(layer: pellucid_layers.Layer, whole: Penalty | None) -> Any:
    if isinstance(layer, pellucid_layers.Dense) and layer.bias:
        part = Layer_Dense.holding(layer.W, layer.b)
        for penalty in (whole, layer.penalty):
            _regularize(part, "weight", penalty)
        _regularize(part, "bias", layer.bias_penalty)
        return part
    if isinstance(layer, pellucid_layers.Dropout):
        return Layer_Dropout(layer.drop)
    for own, twin in BENDS.items():
        if type(layer) is twin:
            return own()
    raise UsageError(f"The book has no layer like {layer!r}. Load this model with pl.load(path).")


def _regularize(part: Layer_Dense, kind: str, penalty: Penalty | None) -> None:
    if isinstance(penalty, Both):
        _regularize(part, kind, penalty.first)
        _regularize(part, kind, penalty.second)
    elif isinstance(penalty, L1 | L2):
        name = f"{kind}_regularizer_{type(penalty).__name__.lower()}"
        setattr(part, name, getattr(part, name) + penalty.strength)
    elif penalty is not None:
        raise UsageError(f"The book has no penalty like {penalty!r}. Load this model with pl.load(path).")
