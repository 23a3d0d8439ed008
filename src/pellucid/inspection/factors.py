"""The gradient sample by sample, without a loop over samples: each sample's part is a product of what came in and dy.

    Dense    dW[n] = X[n]^T dY[n]                 the batch's dW is their sum; for one row an outer product
    Conv2D   dW[n] = patches(X[n])^T dY[n]        summed over the places of this one picture

Two factors are kept instead of the product, because much can be asked of them alone: one weight's part is one column of
each, and the scalar product of two samples' gradients is (x_i . x_j) (dy_i . dy_j). Passes are made as in a prediction:
dropout drops nothing and BatchNorm uses its running statistics. In training BatchNorm mixes the samples of a batch, and
no sample has a gradient of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid import kernels
from pellucid.base.arrays import Array, Cache, Shape
from pellucid.base.errors import DataError, UsageError
from pellucid.base.run import Run
from pellucid.data.batches import as_data
from pellucid.inspection.tape import unrolled
from pellucid.inspection.trace import NoSuchPath, nearest
from pellucid.layers import Conv1D, Conv2D, ConvTranspose2D, Dense, Layer
from pellucid.layers.compose import masked, walk
from pellucid.layers.window import Window
from pellucid.model import Model

PART = 256  # samples whose arrays are in memory at a time
MOST = 4 << 30  # bytes of gradients that are made at once
KNOWN = (Dense, Conv1D, Conv2D, ConvTranspose2D)


@dataclass(frozen=True)
class Factors:
    """dW[n] = sum_p rows[n, g, p]^T deltas[n, g, p], for the groups g of a convolution; db[n] = sum_p dy[n, p].

    p are the places of a picture or the steps of a sequence; of a plain dense layer there is one.
    """

    rows: Array  # (N, G, P, K)
    deltas: Array  # (N, G, P, O / G)
    dy: Array  # (N, P', number of biases)
    shape: Shape  # W's own
    swapped: bool = False  # a transposed convolution: W's last two axes are the other way round

    def weights(self) -> Array:
        """Each sample's dW, (N, *W's shape)."""
        product = np.matmul(self.rows.transpose(0, 1, 3, 2), self.deltas)  # (N, G, K, O / G)
        shape = (*self.shape[:-2], self.shape[-1], self.shape[-2]) if self.swapped else self.shape
        W = product.transpose(0, 2, 1, 3).reshape(len(product), *shape)
        return np.asarray(W.swapaxes(-1, -2) if self.swapped else W)

    def weights_into(self, out: Array, scale: float) -> None:
        """`scale` times each sample's dW, written into an array (N, *W's shape)."""
        if self.rows.shape[1:3] == (1, 1) and not self.swapped:
            # Outer products at once where they belong: a matrix product and a second array take ten times as long.
            rows, deltas = self.rows[:, 0, 0, :, None] * scale, self.deltas[:, 0, 0, None, :]
            np.multiply(rows, deltas, out=out.reshape(len(out), rows.shape[1], deltas.shape[2]))
        else:
            np.multiply(self.weights(), scale, out=out)

    def biases(self) -> Array:
        """Each sample's db, (N, O)."""
        return np.asarray(self.dy.sum(axis=1))

    def one(self, index: tuple[int, ...]) -> Array:
        """Each sample's part of one weight's gradient, (N,): two columns are enough for it."""
        if self.swapped:
            index = (*index[:-2], index[-1], index[-2])
        shape = (*self.shape[:-2], self.shape[-1], self.shape[-2]) if self.swapped else self.shape
        k = int(np.ravel_multi_index(index[:-1], shape[:-1]))
        g, o = divmod(index[-1], self.deltas.shape[-1])
        return np.asarray((self.rows[:, g, :, k] * self.deltas[:, g, :, o]).sum(axis=1))

    def along(self, other: Factors) -> Array:
        """The scalar product of each sample's dW with the dW of one other sample, (N,)."""
        if self.rows.shape[1:3] == (1, 1):  # (x_n . x) (dy_n . dy)
            return np.asarray(
                (self.rows[:, 0, 0] @ other.rows[0, 0, 0]) * (self.deltas[:, 0, 0] @ other.deltas[0, 0, 0])
            )
        dW = np.matmul(other.rows[0].transpose(0, 2, 1), other.deltas[0])  # (G, K, O / G)
        return np.asarray((np.matmul(self.rows, dW) * self.deltas).sum(axis=(1, 2, 3)))


def factors_of(layer: Layer, cache: Cache, dy: Array) -> Factors:
    """The factors of a dense layer or a convolution, from what its forward kept and dL/dy."""
    x, N = cache["x"], len(dy)
    if isinstance(layer, Dense):
        rows, deltas = x.reshape(N, 1, -1, x.shape[-1]), dy.reshape(N, 1, -1, dy.shape[-1])
        return Factors(rows, deltas, deltas[:, 0], layer.W.shape)
    assert isinstance(layer, Conv1D | Conv2D | ConvTranspose2D)
    plain = dy.reshape(N, -1, dy.shape[-1])
    if isinstance(layer, ConvTranspose2D):  # its forward is a convolution's dX, so dy is what the window sees
        return Factors(_seen(dy, cache["window"], 1), x.reshape(N, 1, -1, x.shape[-1]), plain, layer.W.shape, True)
    pictures = x[:, None] if isinstance(layer, Conv1D) else x
    G = layer.groups
    deltas = plain.reshape(N, plain.shape[1], G, -1).transpose(0, 2, 1, 3)
    return Factors(_seen(pictures, cache["window"], G), deltas, plain, layer.W.shape)


def _seen(x: Array, at: Window, G: int) -> Array:
    """What each window sees, (N, G, P, kh kw C / G)."""
    p = kernels.active().patches(at.pad(x), at.kernel, at.stride, at.dilation)  # (N, Ho, Wo, kh, kw, C)
    p = p.reshape(len(x), at.out[0] * at.out[1], at.kernel[0] * at.kernel[1], G, -1)
    return np.asarray(p.transpose(0, 3, 1, 2, 4).reshape(len(x), G, p.shape[1], -1))


def traceable(model: Model) -> dict[str, Layer]:
    """The layers whose gradient can be had sample by sample, by path."""
    layers = walk(model.net, (1, *model.input_shape))
    return {path: layer for path, layer, _ in layers if isinstance(layer, KNOWN)}


def each_part(
    model: Model, x: Any, t: Any, paths: Sequence[str], weights: Any = None, mask: Any = None
) -> Iterator[tuple[slice, float, dict[str, Factors]]]:
    """A slice of the samples, what their mean loss was divided by, and the factors of the layers at these paths.

    The gradients are those of the slice's own mean loss; times that divisor they are those of the sum.
    """
    data = as_data((np.asarray(x), np.asarray(t), weights))
    twin = model.copy()  # backward writes into its gradient, not into the model's
    targets = twin.loss.targets(data.t, (len(data), *twin.output_shape))
    for i in range(0, len(data), PART):
        at = slice(i, min(i + PART, len(data)))
        run = masked(twin.net, Run(keep=True), None if mask is None else np.asarray(mask)[at])
        z, cache = twin.net.forward(twin.check_input(np.asarray(twin.prepared(data.x[at]))), run)
        w = None if data.weights is None else data.weights[at]
        tally, loss_cache = twin.loss.forward(z, targets[at], w)
        twin.net.backward(twin.loss.backward(loss_cache), cache)
        steps = dict(unrolled(cache["tape"]))
        yield at, tally.n, {p: factors_of(steps[p].layer, steps[p].cache, np.asarray(steps[p].dy)) for p in paths}


def array_at(model: Model, path: str) -> tuple[str, str]:
    """An array's path as (its layer's path, "W" or "b"), refused with the reason if it has no parts by sample."""
    full = path if path in model.slots else f"{path}.W"
    if full not in model.slots:
        raise NoSuchPath(f"The model has no weights {path!r}. {nearest(path, list(model.slots))}")
    owner, _, name = full.rpartition(".")
    known = traceable(model)
    if owner not in known:
        raise UsageError(
            f"{full} has no gradient by sample here: this is known of dense layers and convolutions. "
            f"Those of this model are {', '.join(known) or 'none'}."
        )
    return owner, name


def per_sample_gradients(model: Model, x: Any, t: Any, path: str, *, weights: Any = None, mask: Any = None) -> Array:
    """Each sample's part of an array's gradient, (N, *shape): their sum is the batch's gradient.

    The parts are those of the mean loss, so the division by N (or by the sum of the weights) is in each. Penalties
    belong to no sample and are not in them. The pass is one of prediction: nothing is dropped, BatchNorm uses its
    running statistics. No sample is looped over: Dense multiplies x[n] by dy[n], a convolution the patches of x[n].

    Args:
        model: the model; it stays as it is.
        x, t: raw inputs (N, ...) and targets.
        path: a weight or bias array of a dense layer or convolution: "0.dense.W", "0.dense.b"; "0.dense" means its W.
        weights: one number a sample, or None.
        mask: which time steps (N, T) are real, or None.

    Raises:
        NoSuchPath: if there is no such array; the nearest names are offered.
        UsageError: if the layer is of another kind.
        DataError: if so many samples at once would need more than 4 GB.

    >>> import pellucid as pl
    >>> model = pl.Model(pl.Dense(3), pl.Tanh(), pl.Dense(1), input_shape=(2,))
    >>> x, t = np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([0.0, 1.0])
    >>> parts = pl.per_sample_gradients(model, x, t, "0.dense.W")
    >>> tally = model.loss_and_grad(x, t)
    >>> parts.shape, bool(np.allclose(parts.sum(axis=0), model.layers[0].dW))
    ((2, 2, 3), True)
    """
    owner, name = array_at(model, path)
    slot = model.slots[f"{owner}.{name}"]
    size = len(x) * (slot.at.stop - slot.at.start) * model.dtype.itemsize
    if size > MOST:
        raise DataError(
            f"{len(x):,} gradients of shape {slot.shape} are {size / 1e9:.1f} GB. Give fewer samples at a time, or ask "
            "pl.blame, which does not make them."
        )
    found, total = np.empty((len(x), *slot.shape), model.dtype), 0.0
    for at, n, factors in each_part(model, x, t, [owner], weights, mask):
        one = factors[owner]
        if name == "W":
            one.weights_into(found[at], n)
        else:
            found[at] = one.biases() * n
        total += n
    found *= 1.0 / total if total else 0.0
    return found
