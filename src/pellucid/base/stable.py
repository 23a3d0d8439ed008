"""Functions whose textbook form overflows, written so that they do not.

`e^1000` is infinite in any float. Each function here is algebraically the textbook's, rearranged so that the exponent
is never positive. Losses and activations share them, so that the same number is never computed in two ways.
"""

from __future__ import annotations

import numpy as np

from pellucid.base.arrays import Array, max_last, sum_last


def sigmoid(x: Array) -> Array:
    """`1 / (1 + e^-x)`, as `(1 + tanh(x / 2)) / 2`, which is the same function and never overflows.

    >>> sigmoid(np.array([-1e4, 0.0, 1e4]))
    array([0. , 0.5, 1. ])
    """
    y = np.tanh(0.5 * x)
    y += 1.0
    y *= 0.5
    return np.asarray(y)


def softplus(x: Array) -> Array:
    """`log(1 + e^x)`, as `max(x, 0) + log(1 + e^-|x|)`.

    >>> softplus(np.array([-1e4, 1e4]))
    array([    0., 10000.])
    """
    return np.asarray(np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))))


def softmax(x: Array) -> Array:
    """`e^x_k / sum_j e^x_j` over the last axis; the largest x is taken off first, which cancels in the quotient.

    >>> softmax(np.array([[1e4, 1e4]]))
    array([[0.5, 0.5]])
    """
    e = np.exp(x - max_last(x))  # (..., K), between 0 and 1
    e /= sum_last(e)
    return np.asarray(e)


def log_softmax(x: Array) -> Array:
    """`log softmax(x)`, without the detour through probabilities that may round to 0.

    >>> log_softmax(np.array([[0.0, -1e4]]))
    array([[     0., -10000.]])
    """
    s = x - max_last(x)  # (..., K), at most 0
    return np.asarray(s - np.log(sum_last(np.exp(s))))


def log_sum_exp(x: Array) -> Array:
    """`log sum_k e^x_k` over the last axis, which stays with length 1.

    >>> log_sum_exp(np.array([[1e4, 1e4]]))
    array([[10000.69314718]])
    """
    top = max_last(x)
    return np.asarray(top + np.log(sum_last(np.exp(x - top))))
