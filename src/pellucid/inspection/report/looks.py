"""What a network looks like at one step: its first weights as pictures, or what it says in the plane or on a line.

Numbers only; what they look like is made when the page is: the scales must be the same for all steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np

from pellucid.base.arrays import Array, Shape
from pellucid.data.batches import Data
from pellucid.inspection.plot.plane import Boundary
from pellucid.inspection.plot.samples import picture_shape
from pellucid.inspection.report.subject import some
from pellucid.layers import Conv2D
from pellucid.losses import BinaryCrossEntropy, ClassLoss, SigmoidCrossEntropy
from pellucid.model import Model

FINE, LINE = 56, 121  # places along each axis of the plane; along a line
POINTS = 300  # samples that are drawn
UNITS = 16  # tiles of weights


@dataclass(frozen=True)
class Look:
    """What can be seen of a network.

    `kind` says which: "weights": `values` (n, H, W) are tiles called `names`. "plane": `values` (H, W) is the answered
    class and `sure` (H, W) how sure; or `values` is the answer itself and `sure` None. "line": `values` (n,) are the
    answers along it. `xs` and `ys` are the places, and `right` of `of` points are in the region of their class.
    """

    kind: Literal["weights", "plane", "line"]
    values: Array
    names: tuple[str, ...] = ()
    sure: Array | None = None
    xs: Array | None = None
    ys: Array | None = None
    right: int = 0
    of: int = 0


def look_at(model: Model, data: Data) -> Look | None:
    """What can be seen of a model, or None."""
    data = some(data, 5 * POINTS)
    x, t = np.asarray(data.x), np.asarray(data.t)
    if x.dtype.names is None and x.ndim == 2 and x.shape[1] == 2 and _one_answer(model):
        return _plane(model, data)
    if x.dtype.names is None and x.ndim == 2 and x.shape[1] == 1 and model.output_shape == (1,) and t.size == len(x):
        xs = np.linspace(float(x.min()), float(x.max()), LINE)
        return Look("line", np.asarray(model.predict(xs[:, None]), float).ravel(), xs=xs)
    return _weights(model)


def _one_answer(model: Model) -> bool:
    return model.output_shape == (1,) or (isinstance(model.loss, ClassLoss) and len(model.output_shape) == 1)


def _plane(model: Model, data: Data) -> Look:
    with np.errstate(all="ignore"):
        found = Boundary.of(model, data.x, data.t, FINE)
    if not isinstance(model.loss, ClassLoss | SigmoidCrossEntropy | BinaryCrossEntropy) or found.right is None:
        return Look("plane", found.answers[..., 0], found.names, None, found.xs, found.ys)
    best, K = found.answers.argmax(axis=-1), found.answers.shape[-1]
    sure = np.clip((found.answers.max(axis=-1) - 1.0 / K) / (1.0 - 1.0 / K), 0.0, 1.0)
    right, of = int(found.right.sum()), len(found.right)
    return Look("plane", best.astype(np.uint8), found.names, sure.astype(np.float16), found.xs, found.ys, right, of)


def _weights(model: Model) -> Look | None:
    """The first weights as pictures: of a convolution its filters, of a dense layer what each unit looks for."""
    for path, slot in model.slots.items():
        if not slot.decay:
            continue
        W = model.theta[slot.at].reshape(slot.shape)
        layer = model.net.children().get(path.partition(".W")[0])
        if isinstance(layer, Conv2D) and W.ndim == 4:
            return _filters(W, path)
        shape = picture_shape(model)
        if W.ndim != 2 or shape is None or len(W) != prod(shape):
            return None
        return _units(W, path, shape)
    return None


def _units(W: Array, path: str, shape: Shape) -> Look:
    """A tile for each unit; where the pictures have colours, one for each of them too."""
    channels = shape[2] if len(shape) == 3 else 1
    count = min(W.shape[1], UNITS if channels == 1 else UNITS // 2)
    tiles = W[:, :count].T.reshape(count, shape[0], shape[1], channels).transpose(3, 0, 1, 2)
    names = [f"unit {k}" + (f", channel {c}" if channels > 1 else "") for c in range(channels) for k in range(count)]
    flat = tiles.reshape(-1, shape[0], shape[1]).astype(np.float32)
    return Look("weights", flat, tuple(f"{path}, {name}" for name in names))


def _filters(W: Array, path: str) -> Look | None:
    kh, kw, C, O = W.shape
    if kh * kw < 4:
        return None
    channels = C if C <= 3 else 1
    filters = min(O, UNITS if channels == 1 else 8)
    tiles = W[:, :, :channels, :filters].transpose(2, 3, 0, 1).reshape(-1, kh, kw)
    names = [f"filter {o}" + (f", channel {c}" if C > 1 else "") for c in range(channels) for o in range(filters)]
    return Look("weights", tiles.astype(np.float32), tuple(f"{path}, {name}" for name in names))
