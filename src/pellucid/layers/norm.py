"""Layers that bring numbers to mean 0 and variance 1, and then let the network choose another mean and variance.

The three differ only in what the mean runs over: BatchNorm takes each feature over the batch, LayerNorm each sample
(or time step) over its features, GroupNorm each sample over some of its channels and all places of the picture.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from math import prod

import numpy as np

from pellucid import kernels
from pellucid.base.arrays import Array, Cache, Shape, keep_freed_memory, sum_last, sum_rows
from pellucid.base.errors import ShapeError, UsageError, draw_shapes
from pellucid.base.init import Constant
from pellucid.base.params import Param, param
from pellucid.base.run import Run
from pellucid.layers.layer import Layer


class Norm(Layer):
    """Y = g Xh + b      Xh = (X - mu) r   mu = mean X   r = 1 / sqrt(mean (X - mu)^2 + eps)   g, b (D,)

    E  = g dY                                 what reaches Xh
    dX = r (E - mean E - Xh mean(E * Xh))     both means run over what mu's mean ran over
    dg = sum_n dY * Xh                        g[d] scales feature d everywhere, so every place adds its part
    db = sum_n dY                             and so for b

    Two parts are taken off E because each x moved its neighbours as well: raising one x raises mu (the first mean) and
    widens the spread (the second). What is left of E is what changes no mean and no variance.
    """

    eps: float
    g: Array
    b: Array
    dg: Array
    db: Array

    def params(self, x: Shape) -> dict[str, Param]:
        D = x[-1]
        return {"g": Param((D,), Constant(1.0), decay=False), "b": Param((D,), Constant(0.0), decay=False)}

    def output_shape(self, x: Shape) -> Shape:
        name = type(self).__name__
        if len(x) < 2:
            raise ShapeError(f"{name} needs a last axis of features.\n" + draw_shapes((None, *x[1:]), (None, 1)))
        if not self.eps > 0:
            raise UsageError(f"{name}'s eps keeps it from dividing by 0, so it is above 0, not {self.eps!r}.")
        return x

    def _shifted(self, xh: Array) -> Array:
        keep_freed_memory()
        y = self.g * xh
        y += self.b
        return np.asarray(y)

    def _rate(self, var: Array) -> Array:
        return np.asarray(1.0 / np.sqrt(var + self.eps))


@dataclass
class BatchNorm(Norm):
    """Y = g Xh + b      Xh = (X - mu) r   r = 1 / sqrt(var + eps)   X, Y (N, ..., D)   g, b (D,)

    mu, var: in training those of the batch, over all axes but the last; else the running `mean` and `var` below.

    E  = g dY
    dX = r (E - mean E - Xh mean(E * Xh))     in training: each x moved the mean and the spread of the whole batch;
       = g r (dY - db / n - Xh dg / n)        g is one number a feature, so both means are known from db and dg
    dX = r E                                  else: mu and r are constants
    dg = sum_n dY * Xh                        g[d] scales feature d in every sample, so every sample adds its part
    db = sum_n dY

    mean <- (1 - momentum) mean + momentum mu                  after each pass in training; buffers, not parameters
    var  <- (1 - momentum) var + momentum var * n / (n - 1)    n numbers went into it; the unbiased estimate

    (Ioffe and Szegedy 2015; the same numbers as PyTorch.) A sample's output depends on its company in the batch; a
    batch with one number a feature has no spread, so training on it is refused.

    Args:
        momentum: the share of the new batch in the running numbers (_not_ that of the old ones). Default 0.1.
        eps: added to the variance, so that a constant feature does not divide by 0. Default 1e-5.

    Raises:
        ShapeError: in training on a single number a feature.

    >>> import pellucid as pl
    >>> model = pl.Model(pl.BatchNorm(), input_shape=(1,))
    >>> y, _ = model.layers[0].forward(np.array([[1.0], [3.0]], np.float32), pl.Run(training=True))
    >>> y.round(3), model.layers[0].mean
    (array([[-1.],
           [ 1.]], dtype=float32), array([0.2], dtype=float32))
    """

    momentum: float = 0.1
    eps: float = 1e-5
    g: Array = param()
    b: Array = param()
    dg: Array = param()
    db: Array = param()
    mean: Array = param()
    var: Array = param()

    def buffers(self, x: Shape) -> dict[str, Param]:
        return {"mean": Param((x[-1],), Constant(0.0)), "var": Param((x[-1],), Constant(1.0))}

    def output_shape(self, x: Shape) -> Shape:
        if not 0.0 < self.momentum <= 1.0:
            raise UsageError(f"BatchNorm's momentum is the new batch's share: 0 < momentum <= 1, not {self.momentum}.")
        return super().output_shape(x)

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        if not run.training:
            r = self._rate(self.var)  # (D,)
            xh = (x - self.mean) * r  # (N, ..., D)
            return self._shifted(xh), {"xh": xh, "r": r, "fixed": True}
        n = prod(x.shape[:-1])
        if n < 2:
            raise ShapeError(
                "BatchNorm in training compares the samples of a batch, and this batch has one number a feature.\n"
                + draw_shapes(x.shape, (2, *x[0].shape), "given", "at least")
                + "\nGive two samples or more: choose a batch_size that leaves no batch of one at an epoch's end."
            )
        keep_freed_memory()
        y, xh, mu, var, r = kernels.active().batch_norm(x, self.g, self.b, self.eps)
        self.mean += self.momentum * (mu - self.mean)
        self.var += self.momentum * (var * (n / (n - 1)) - self.var)
        return y, {"xh": xh, "r": r}

    def backward(self, dy: Array, cache: Cache) -> Array:
        gr = self.g * cache["r"]  # (D,)
        dx, self.dg[:], self.db[:] = kernels.active().batch_norm_backward(dy, cache["xh"], gr)
        return np.asarray(dy * gr if "fixed" in cache else dx)

    def backward_params(self, dy: Array, cache: Cache) -> None:
        self.backward(dy, cache)


class SampleNorm(Norm):
    """A norm that looks at one sample at a time: what LayerNorm and GroupNorm share."""

    @abstractmethod
    def average(self, x: Array) -> Array:
        """The mean over what belongs together, in a shape that can be subtracted from x."""

    def forward(self, x: Array, run: Run) -> tuple[Array, Cache]:
        xh = x - self.average(x)  # (N, ..., D)
        r = self._rate(self.average(xh * xh))
        xh *= r
        return self._shifted(xh), {"xh": xh, "r": r}

    def backward(self, dy: Array, cache: Cache) -> Array:
        self.backward_params(dy, cache)
        xh, r = cache["xh"], cache["r"]
        E = self.g * dy  # (N, ..., D)
        spread = xh * self.average(E * xh)
        E -= self.average(E)
        E -= spread
        E *= r
        return np.asarray(E)

    def backward_params(self, dy: Array, cache: Cache) -> None:
        self.dg[:] = sum_rows(dy * cache["xh"])
        self.db[:] = sum_rows(dy)


@dataclass
class LayerNorm(SampleNorm):
    """Y = g Xh + b      Xh = (X - mu) r   r = 1 / sqrt(var + eps)   X, Y (N, ..., D)   g, b (D,)

    mu, var: over the last axis, for every sample (and time step, and pixel) by itself.

    E  = g dY
    dX = r (E - mean E - Xh mean(E * Xh))     each x moved the mean and the spread of its own row
    dg = sum_n dY * Xh                        g[d] scales feature d in every row, so every row adds its part
    db = sum_n dY

    (Ba et al. 2016.) It does not look at other samples, so it is the same in training and after, for any batch.

    Args:
        eps: added to the variance, so that a constant row does not divide by 0. Default 1e-5.

    >>> import pellucid as pl
    >>> pl.Model(pl.LayerNorm(), input_shape=(4,)).predict([[1.0, 2.0, 3.0, 4.0]]).round(3)
    array([[-1.342, -0.447,  0.447,  1.342]], dtype=float32)
    """

    eps: float = 1e-5
    g: Array = param()
    b: Array = param()
    dg: Array = param()
    db: Array = param()

    def average(self, x: Array) -> Array:
        return np.asarray(sum_last(x) * (1.0 / x.shape[-1]))  # (N, ..., 1)


@dataclass
class GroupNorm(SampleNorm):
    """Y = g Xh + b      Xh = (X - mu) r   r = 1 / sqrt(var + eps)   X, Y (N, H, W, C)   g, b (C,)

    mu, var: for each sample and each group of C / groups neighbouring channels, over those channels and all places.

    E  = g dY
    dX = r (E - mean E - Xh mean(E * Xh))     each x moved the mean and the spread of its own sample's group
    dg = sum_n dY * Xh                        g[c] scales channel c at every place of every sample
    db = sum_n dY

    (Wu and He 2018.) For pictures in batches too small for BatchNorm. One group is LayerNorm over the whole picture,
    C groups look at every channel by itself. Any number of axes may stand between the first and the last.

    Args:
        groups: how many groups the channels are divided into.
        eps: added to the variance, so that a constant group does not divide by 0. Default 1e-5.

    Raises:
        ShapeError: if the channels cannot be divided into so many groups.

    >>> import pellucid as pl
    >>> pl.Model(pl.GroupNorm(2), input_shape=(4,)).predict([[1.0, 2.0, 30.0, 40.0]]).round(3)
    array([[-1.,  1., -1.,  1.]], dtype=float32)
    """

    groups: int
    eps: float = 1e-5
    g: Array = param()
    b: Array = param()
    dg: Array = param()
    db: Array = param()

    def output_shape(self, x: Shape) -> Shape:
        if not isinstance(self.groups, int) or self.groups < 1:
            raise UsageError(f"GroupNorm needs a whole number of groups, 1 or more; it was given {self.groups!r}.")
        if x[-1] % self.groups:
            raise ShapeError(
                f"GroupNorm cannot divide {x[-1]} channels into {self.groups} groups of one size.\n"
                + draw_shapes((None, *x[1:]), (*[None] * (len(x) - 1), -(-x[-1] // self.groups) * self.groups))
            )
        return super().output_shape(x)

    def average(self, x: Array) -> Array:
        N, C = len(x), x.shape[-1]
        places = x.reshape(N, -1, C)  # (N, H W, C)
        sums = np.ones((1, places.shape[1]), x.dtype) @ places  # (N, 1, C)
        means = sums.reshape(N, self.groups, -1).mean(axis=2) * (1.0 / places.shape[1])  # (N, groups)
        return np.repeat(means, C // self.groups, axis=1).reshape(N, *[1] * (x.ndim - 2), C)  # (N, 1, 1, C)
