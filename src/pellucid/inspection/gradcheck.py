"""Is the backward pass right? Nobody has to believe it: nudge a parameter, and see what the loss really does.

A derivative says how the loss changes when one number moves a little. So move it a little, both ways, and divide:
`(L(w + h) - L(w - h)) / 2h`. The model is copied to float64 for this, because in float32 the difference of two nearly
equal losses is mostly rounding. The loss that is nudged is the very value that training reports, penalties included.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite, log10
from typing import Any, Literal

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import UsageError
from pellucid.base.params import Slot
from pellucid.base.run import Run
from pellucid.base.seeds import stream
from pellucid.model import Model

STEPS = (1e-5, 1e-6, 1e-7)  # how far a number is moved; the next one is tried where the last one does not agree
AGREE = 1e-6  # the relative error up to which two derivatives are the same
ROUNDING = 4e-15  # how exact a loss of about 1 is in float64
KINKED = 0.1  # a jump of the slope that is still so large, at a hundredth of the step, is a kink
EVERYTHING = "all parameters"

Verdict = Literal["right", "wrong", "on a kink"]


@dataclass(frozen=True)
class Nudge:
    """One derivative, said by the backward pass and found by a nudge.

    Args:
        at: the number's index in its array; None for a random direction, in which all numbers move at once.
        backward: what the backward pass says.
        nudge: what the loss did.
        error: their difference, relative to the larger of the two.
        verdict: "right", "wrong" or "on a kink".
    """

    at: tuple[int, ...] | None
    backward: float
    nudge: float
    error: float
    verdict: Verdict

    def __str__(self) -> str:
        place = "along a random direction" if self.at is None else f"at {list(self.at)}"
        digits = 3 if f"{self.backward:+.3g}" != f"{self.nudge:+.3g}" else 9
        return f"{place}: backward says {self.backward:+.{digits}g}, the nudge says {self.nudge:+.{digits}g}"


@dataclass(frozen=True)
class Row:
    """What was found out about one parameter array: some of its numbers one by one, and all of them at once.

    Args:
        path: the array: "0.dense.W".
        size: how many numbers it has.
        nudges: every comparison that was made.
    """

    path: str
    size: int
    nudges: tuple[Nudge, ...]

    @property
    def ok(self) -> bool:
        """No comparison is wrong."""
        return not self.count("wrong")

    @property
    def checked(self) -> int:
        """How many of the numbers were nudged one by one."""
        return sum(nudge.at is not None for nudge in self.nudges)

    @property
    def worst(self) -> Nudge:
        """The comparison with the largest error: of the wrong ones if there are any, and not on a kink if possible."""
        order: dict[Verdict, int] = {"wrong": 2, "right": 1, "on a kink": 0}
        return max(self.nudges, key=lambda nudge: (order[nudge.verdict], nudge.error))

    @property
    def error(self) -> float:
        """The largest relative error, kinks left out."""
        return max((nudge.error for nudge in self.nudges if nudge.verdict != "on a kink"), default=0.0)

    def count(self, verdict: Verdict) -> int:
        """How many comparisons ended so."""
        return sum(nudge.verdict == verdict for nudge in self.nudges)

    def __str__(self) -> str:
        wrong, kinks = self.count("wrong"), self.count("on a kink")
        if wrong:
            more = f" ({wrong} of {len(self.nudges)} comparisons are wrong)" if wrong > 1 else ""
            return f"wrong      {self.worst}{more}"
        if kinks == len(self.nudges):
            return "on a kink  no derivative here: the slopes to the two sides differ"
        what = f"{self.checked:,} of {self.size:,} numbers checked" if self.checked else "a random direction checked"
        digits = f"agree to {min(16.0, -log10(max(self.error, 1e-16))):.1f} digits"
        return f"right      {what}, {digits}" + (f"; {kinks} on a kink" if kinks else "")


@dataclass(frozen=True)
class Report:
    """The answer of `pl.check_gradients`: print it, or ask `report.ok`.

    >>> import pellucid as pl
    >>> model = pl.Model(pl.Dense(2), pl.Tanh(), pl.Dense(1), input_shape=(3,))
    >>> report = pl.check_gradients(model, [[1.0, 2.0, 3.0]], [1.0])
    >>> report.ok, [row.path for row in report.rows][:2]
    (True, ['all parameters', '0.dense.W'])

    Args:
        loss: the loss at which everything was nudged.
        rows: first all parameters together, then one row for each array.
    """

    loss: float
    rows: tuple[Row, ...]

    @property
    def ok(self) -> bool:
        """Nothing is wrong, and something could be compared."""
        return all(row.ok for row in self.rows) and any(row.count("right") for row in self.rows)

    def __getitem__(self, path: str) -> Row:
        """The row of this array."""
        for row in self.rows:
            if row.path == path:
                return row
        raise KeyError(f"{path!r} was not checked; there are {', '.join(row.path for row in self.rows)}")

    def __str__(self) -> str:
        width = max(len(row.path) for row in self.rows)
        lines = [f"{row.path:<{width}}  {row}" for row in self.rows]
        wrong = [row.path for row in self.rows if not row.ok and row.path != EVERYTHING]
        if wrong:
            last = f"The gradient is wrong in {', '.join(wrong)}."
        elif self.ok:
            kinked = [row.path for row in self.rows if not row.count("right")]
            last = f"No mistake was found; on a kink: {', '.join(kinked)}." if kinked else "The gradient is right."
        else:
            last = "The gradient could not be confirmed."
        return "\n".join([f"Gradients at a loss of {self.loss:.6g}, by backward and by nudges:", *lines, last])


def check_gradients(model: Model, x: Any, t: Any, weights: Any = None, seed: int = 0, numbers: int = 25) -> Report:
    """Compare the gradient that the backward pass leaves in `model.grad` with what the loss does under a nudge.

    Checked are a random direction through all parameters, then for each array a random direction through it and
    `numbers` of its entries one by one: half of them those of the largest gradient, half at random. The pass is that
    of training, with the same dropout mask every time. The model itself is not touched.

    Two derivatives agree if they differ by less than a millionth (1e-6) of the larger one. Below a size of 4e-4 (times
    the loss, if that is above 1) a nudge of 1e-5 is no more exact than that, so the error is measured against this
    size. Where they do not agree, the nudge is made with 1e-6 and 1e-7 before the entry is called wrong.

    ReLU at 0, |w| at 0 or a clipped probability have two slopes, one to each side, and no derivative: an entry whose
    two one-sided slopes do not come together as the nudge shrinks is marked "on a kink", and is no mistake.

    Args:
        model: the model, of any type; the check computes in float64.
        x: raw inputs (N, ...); a handful of samples is enough.
        t: targets.
        weights: one number a sample, or None.
        seed: the dropout mask, the directions and the choice of entries follow from it.
        numbers: how many entries of each array are nudged one by one. Default 25.

    Raises:
        UsageError: if the model has no parameters, or its loss here is not finite.

    >>> import pellucid as pl
    >>> model = pl.Model(pl.Dense(3), pl.Tanh(), pl.Dense(2), loss=pl.SoftmaxCrossEntropy(), input_shape=(4,))
    >>> report = check_gradients(model, np.eye(4), np.array([0, 1, 1, 0]))
    >>> report.ok, report["0.dense.W"].checked
    (True, 12)
    >>> print(report)        # doctest: +ELLIPSIS
    Gradients at a loss of 1.46198, by backward and by nudges:
    all parameters  right      a random direction checked, agree to ... digits
    0.dense.W       right      12 of 12 numbers checked, agree to ... digits
    0.dense.b       right      3 of 3 numbers checked, agree to ... digits
    2.dense.W       right      6 of 6 numbers checked, agree to ... digits
    2.dense.b       right      2 of 2 numbers checked, agree to ... digits
    The gradient is right.
    """
    twin = model.copy(dtype=np.float64)
    if not twin.theta.size:
        raise UsageError("This model has no parameters, so it has no gradient to check: give it a layer such as Dense.")
    x, t = twin.prepared(np.asarray(x)), np.asarray(t)
    w = None if weights is None else np.asarray(weights, np.float64)

    def loss() -> float:
        return twin.loss_and_grad(x, t, Run(training=True, rng=stream(seed, "noise")), w).mean

    here = loss()
    if not isfinite(here):
        raise UsageError(f"The loss is {here} at these parameters. A gradient can be checked only where it is finite.")
    grad, rng = twin.grad.copy(), stream(seed, "gradient check")
    probe = Probe(twin.theta, grad, loss, here)
    rows = [Row(EVERYTHING, grad.size, (probe.direction(slice(0, grad.size), rng),))]
    for path, slot in twin.slots.items():
        entries = _chosen(np.abs(grad[slot.at]), numbers, rng)
        nudges = [probe.direction(slot.at, rng), *(probe.entry(slot, int(i)) for i in entries)]
        rows.append(Row(path, grad[slot.at].size, tuple(nudges)))
    return Report(here, tuple(rows))


def _chosen(size: Array, count: int, rng: np.random.Generator) -> Array:
    """Which entries to nudge: all if they are few, else half the largest ones and half any others, in order."""
    if len(size) <= count:
        return np.arange(len(size))
    falling = np.argsort(-size, kind="stable")
    largest, others = falling[: count // 2], falling[count // 2 :]
    return np.sort(np.concatenate([largest, rng.choice(others, count - count // 2, replace=False)]))


@dataclass(frozen=True)
class Probe:
    """Moves some of the parameters and compares what the loss does with what the gradient says.

    Args:
        theta: the parameters, moved and put back.
        grad: what the backward pass says about them.
        loss: gives the loss at theta as it stands.
        here: the loss at theta as it was.
    """

    theta: Array
    grad: Array
    loss: Callable[[], float]
    here: float

    def entry(self, slot: Slot, i: int) -> Nudge:
        """One number of an array."""
        at = tuple(int(k) for k in np.unravel_index(i, slot.shape))
        return self._nudge(at, slice(slot.at.start + i, slot.at.start + i + 1), np.ones(1))

    def direction(self, at: slice, rng: np.random.Generator) -> Nudge:
        """All numbers in `at` at once, along a random direction of length 1."""
        d = rng.standard_normal(self.grad[at].size)
        return self._nudge(None, at, d / np.sqrt(d @ d))

    def _nudge(self, name: tuple[int, ...] | None, at: slice, d: Array) -> Nudge:
        said = float(self.grad[at] @ d)
        found, error, jump, noise = self._slope(at, d, STEPS[0], said)
        if error <= AGREE and jump <= 0.01 * abs(found) + noise:
            return Nudge(name, said, found, error, "right")
        for step in STEPS[1:]:
            closer, closer_error, last_jump, noise = self._slope(at, d, step, said)
            if closer_error < error:
                found, error = closer, closer_error
        if last_jump > KINKED * jump and last_jump > noise:
            return Nudge(name, said, found, error, "on a kink")
        return Nudge(name, said, found, error, "right" if error <= AGREE else "wrong")

    def _slope(self, at: slice, d: Array, step: float, said: float) -> tuple[float, float, float, float]:
        """The slope along d; its relative error; by how much its two sides differ; what of that may be rounding."""
        before = self.theta[at].copy()
        h = step * max(1.0, float(np.abs(before).max()))
        self.theta[at] = before + h * d
        right = (self.loss() - self.here) / h
        self.theta[at] = before - h * d
        left = (self.here - self.loss()) / h
        self.theta[at] = before
        found, rounding = 0.5 * (left + right), ROUNDING * max(1.0, abs(self.here)) / h
        error = abs(found - said) / max(abs(found), abs(said), rounding / AGREE)
        return found, error, abs(right - left), 4.0 * rounding
