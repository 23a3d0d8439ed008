"""What a loss's backward would have said with each mistake.

Most losses are a link and a distance: probabilities or values p = link(x), and how far they are from the targets. Which
link and which distance it is, is found by comparing the true gradient with those that are known.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.stable import sigmoid, softmax
from pellucid.inspection.backward.suspects import INPUT_FOR_OUTPUT, OUTPUT_FOR_INPUT, TRUE, Lineup

Pull = Callable[[Array, Array], Array]


def _softmax_pull(x: Array, g: Array) -> Array:
    p = softmax(x)
    return np.asarray(p * (g - np.sum(g * p, axis=-1, keepdims=True)))


def _sigmoid_pull(x: Array, g: Array) -> Array:
    p = sigmoid(x)
    return np.asarray(g * p * (1.0 - p))


# link: (the link, its Jacobian transposed times g, the slope of the same with the output in the input's place)
LINKS: dict[str, tuple[Callable[[Array], Array], Pull]] = {
    "identity": (lambda x: x, lambda x, g: g),
    "softmax": (softmax, _softmax_pull),
    "sigmoid": (sigmoid, _sigmoid_pull),
    "tanh": (np.tanh, lambda x, g: np.asarray(g * (1.0 - np.tanh(x) ** 2))),
}

# distance: its derivative with respect to p, but for a constant
DISTANCES: dict[str, Callable[[Array, Array], Array]] = {
    "square": lambda p, T: p - T,
    "cross-entropy": lambda p, T: -T / p,
    "binary cross-entropy": lambda p, T: (p - T) / (p * (1.0 - p)),
    "absolute": lambda p, T: np.sign(p - T),
}


@dataclass(frozen=True)
class Formula:
    """What the true gradient was recognised as: c link'(x) distance'(link(x), T)."""

    link: str
    distance: str
    c: float


def recognise(x: Array, T: Array | None, truth: Array) -> Formula | None:
    """The link and the distance, or None.

    >>> x, T = np.array([[0.3, -1.0]]), np.array([[1.0, 0.0]])
    >>> recognise(x, T, (softmax(x) - T) / 3)
    Formula(link='softmax', distance='cross-entropy', c=0.333333333333)
    """
    if T is None or T.shape != x.shape:
        return None
    at = np.isfinite(truth)
    usual = [("softmax", "cross-entropy"), ("sigmoid", "binary cross-entropy")]  # of several that fit, these are meant
    for link, distance in [*product(["identity"], DISTANCES), *usual, *product(LINKS, DISTANCES)]:
        f, pull = LINKS[link]
        with np.errstate(all="ignore"):
            g = pull(x, DISTANCES[distance](f(x), T))[at]
        if not np.isfinite(g).all() or not g.size or not np.abs(g).max() > 1e-9:
            continue
        c = float((truth[at] @ g) / (g @ g))
        if np.abs(truth[at] - c * g).max() <= 2e-5 * np.abs(truth[at]).max() and abs(c) > 1e-12:
            return Formula(link, distance, round(c, 12))
    return None


def loss_suspects(x: Array, T: Array | None, truth: Array, before: tuple[Array, Array] | None, name: str) -> Lineup:
    """All suspects for a loss's gradient.

    Args:
        x: the outputs that the loss was given.
        T: the targets in x's shape, if they have one.
        truth: the true gradient.
        before: what backward said in the trial before on the same object, and the truth with that trial's outputs.
        name: what the gradient is called.
    """
    lineup = Lineup()
    add, N = lineup.add, len(x)
    add(TRUE, "", truth, cost=0)
    for label, n in (("the first", 0), ("the last", N - 1)):
        only = np.where(np.isfinite(truth), 0.0, np.nan)
        only[n] = truth[n]
        add(f"only {label}", "one sample only", only, label, 2)
        add(f"row {label}", "one sample only", truth[n], label, 2)
    if truth.ndim >= 2:
        add("turned", "transposed", truth.T)
        add("turned in shape", "transposed", truth.T.reshape(truth.shape), cost=2)
    stale, old = before if before is not None else (np.zeros(()), truth)
    add("stale", "stale gradient added", truth + (stale if stale.shape == truth.shape else 0.0), scaled=False)
    add("old input", "wrong input cached", old, "those of the forward before")
    formula = recognise(x, T, truth)
    if formula is not None and T is not None:
        with np.errstate(all="ignore"):
            _linked(x, T, formula, lineup)
    return lineup


def _linked(x: Array, T: Array, formula: Formula, lineup: Lineup) -> None:
    add, c = lineup.add, formula.c
    f, pull = LINKS[formula.link]
    p, slope = f(x), DISTANCES[formula.distance]
    g = slope(p, T)
    soft = formula.link == "softmax"
    if formula.distance == "square":
        add("no target", "p instead of p - y", c * pull(x, p))
    if (formula.link, formula.distance) in (("softmax", "cross-entropy"), ("sigmoid", "binary cross-entropy")):
        add("no target", "p instead of p - y", c * p)
    if formula.link == "identity":
        if formula.distance == "cross-entropy":
            add(
                "bend twice",
                "softmax Jacobian applied twice",
                c * (p - T),
                "this is the gradient before the softmax",
                2,
            )
        if formula.distance == "binary cross-entropy":
            add(
                "bend twice",
                "activation derivative applied twice",
                c * (p - T),
                "this is the gradient before the sigmoid",
                2,
            )
        return
    missing = "softmax Jacobian missing" if soft else "activation derivative missing"
    twice = "softmax Jacobian applied twice" if soft else "activation derivative applied twice"
    add("no bend", missing, c * g)
    if soft:
        add("diagonal", missing, c * g * p * (1.0 - p), "only its diagonal p (1 - p) is there")
        add("diagonal of difference", twice, c * (p - T) * p * (1.0 - p), "its diagonal p (1 - p), once more", 2)
    add("bend twice", twice, c * pull(x, pull(x, g)))
    add("at output", OUTPUT_FOR_INPUT, c * pull(p, g))
    if formula.link == "sigmoid":
        add("at input", INPUT_FOR_OUTPUT, c * g * x * (1.0 - x))
    if formula.link == "tanh":
        add("at input", INPUT_FOR_OUTPUT, c * g * (1.0 - x * x))
    if soft and x.ndim == 2:
        for label, q in (("the batch", softmax(x.T).T), ("all numbers", softmax(x.reshape(1, -1)).reshape(x.shape))):
            add(f"axis {label}", "softmax over the wrong axis", c * (q - T), f"backward's p sums to 1 over {label}")
