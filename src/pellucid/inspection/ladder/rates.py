"""The learning-rate range test: the same short training from the same start, at rates a factor of ten apart.

The reader's own rate is judged by what the others reach in as many steps, and by how far it moves the weights: a step
of about a thousandth of their length is usual.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np

from pellucid.base.run import EVALUATE
from pellucid.inspection.finding import Finding
from pellucid.inspection.ladder.case import Case
from pellucid.inspection.ladder.course import at_rate, course, paced
from pellucid.inspection.ladder.rung import Found, Seen
from pellucid.model import Model
from pellucid.optim import RandomSearch
from pellucid.schedules import as_schedule, cosine

STEPS = 60
FACTORS = tuple(10.0**k for k in range(-8, 9))
MANY = 1e-4  # so far down each is tried, and further to a rate of LEAST; above 1 only up to a rate of MOST
LEAST, MOST = 1e-3, 10.0
LEARNED = 0.8  # a rate is as good as the best if it gains this share of what the best gains
FAR = 0.15  # weights that move by less than this share in the whole training stay where they began
NEAR, NOISE = 0.01, 0.02  # so near is hopeless, also if the best gains little so soon, but more than this share
EARLY = 0.1  # a rate that has all but gone after this part of the training falls too soon
WILD = 0.1  # a step that moves the weights by more than this share of their length
TIGHT = 50.0  # gradients so many times as long as clip are steered by clip alone


@dataclass(frozen=True)
class Tried:
    """One rate: the loss after the short training, and the share by which a step moved the weights."""

    factor: float
    loss: float
    moved: float


def tried(case: Case, factor: float) -> Tried:
    """Train for a few steps with the rate multiplied by this."""
    done = course(at_rate(case, factor, STEPS), STEPS)
    end = float("inf") if done.diverged else case.loss_of(done.model, case.probe)
    return Tried(factor, end if isfinite(end) else float("inf"), done.moved)


def schedule(case: Case) -> Seen:
    """Whether the rate is still there when it is needed."""
    rate, steps = as_schedule(case.optimizer.lr), case.planned
    peak, later = case.peak, [rate(int(steps * part)) for part in (EARLY, 0.2, 0.5)]
    said = f"{peak:.3g} at its highest, {rate(max(steps - 1, 0)):.3g} at the end of {steps:,} steps"
    if peak <= 0 or steps < 20 or max(later) > 0.01 * peak:
        return Seen(said)
    gone = next(i for i in range(steps) if rate(i) < 0.01 * peak and i > 0)
    finding = Finding(
        "rate falls too soon",
        f"The learning rate falls below a hundredth of its highest value after {gone} of {steps:,} steps.",
        ("what comes after learns next to nothing", "a schedule counts steps, that is batches, and not epochs"),
        "Let the schedule end with the training.",
        case.code(f"optimizer=pl.{type(case.optimizer).__name__}(pl.cosine({peak:g}, {steps}))", "--schedule cosine"),
        {"rate": tuple(rate(int(i)) for i in np.linspace(0, steps - 1, 60))},
    )
    return Seen(said, Found(finding, case.but(optimizer=paced(case.optimizer, cosine(peak, steps)))))


def clip(case: Case) -> Seen:
    """Whether the limit on the gradient's length leaves anything to the gradient."""
    if case.clip is None:
        return Seen("no limit")
    lengths: list[float] = []

    def length(model: Model) -> float:
        few = case.probe[: case.batch]
        x, t = case.prepared(few)
        twin = model.copy()
        twin.loss_and_grad(x, t, EVALUATE)
        lengths.append(float(np.sqrt(twin.grad @ twin.grad)))
        return lengths[-1]

    course(case, 20, {"length": length}, every=5)
    middle = float(np.median(lengths))
    said = f"the gradient's length is {middle:.2g}, its limit {case.clip:g}"
    scaled = hasattr(case.optimizer, "eps")  # these divide by the gradient's size, so a short one is as good
    if not isfinite(middle) or middle < TIGHT * case.clip or scaled:
        return Seen(said)
    finding = Finding(
        "clip too tight",
        f"The gradient is about {middle:.2g} long and is shortened to {case.clip:g} in every step.",
        (
            f"that is the same as a rate {middle / case.clip:,.0f} times lower",
            "clip is for the rare step that is far too long",
        ),
        "Give clip a limit that most gradients do not reach.",
        case.code(f"clip={2 * middle:.1g}", f"--clip {2 * middle:.1g}"),
        {"gradient's length": tuple(lengths)},
    )
    return Seen(said, Found(finding, case.but(clip=2 * middle)))


def examine(case: Case) -> Seen:
    """Whether the rate is one at which this network learns."""
    if isinstance(case.optimizer, RandomSearch) or not case.model.theta.size:
        return Seen("this optimizer has none")
    peak = case.peak
    if peak <= 0:
        return Seen("0: nothing moves", _too_low(case.but(optimizer=paced(case.optimizer, 1e-3)), [], 0.0, 1e-3))
    start = case.loss_of(case.model, case.probe)
    low, high = min(MANY, LEAST / peak), max(10.0, MOST / peak)
    all_tried = {factor: tried(case, factor) for factor in FACTORS if low <= factor <= high}
    own, best = all_tried[1.0], min(all_tried.values(), key=lambda one: one.loss)
    said = f"{peak:.3g} moves the weights by {own.moved:.1g} of their length a step"
    said += f"; {peak * best.factor:.2g} learns fastest"
    if not isfinite(best.loss):
        return Seen("the loss is not finite at any rate")
    curve = sorted(all_tried.values(), key=lambda one: one.factor)
    lower = [one for one in curve if one.factor < 1]
    calm = advised(lower, start)
    lost = own.loss > start - 0.05 * abs(start) or own.loss > 2.0 * calm.loss + 0.05 * case.chance
    if calm.loss < 0.9 * start and lost and (own.loss > 1.2 * calm.loss + 0.02 * case.chance):
        return Seen(said, _too_high(case, curve, start, own, calm))
    distance = own.moved * case.planned
    gained, could = start - own.loss, start - best.loss
    stuck = (distance < FAR and could > 0.1 * start) or (distance < NEAR and could > NOISE * start)
    if best.factor > 1 and gained < 0.1 * could and stuck:
        higher = [one for one in curve if one.factor > 1]
        return Seen(said, _too_low(case, curve, distance, peak * advised(higher, start).factor))
    return Seen(said)


def advised(curve: list[Tried], start: float) -> Tried:
    """The lowest rate that gains about as much on the loss at the start as the best of those that are not wild."""
    tame = [one for one in curve if one.moved <= WILD and isfinite(one.loss)] or curve
    best = min(tame, key=lambda one: one.loss)
    return next(one for one in tame if one is best or one.loss <= start - LEARNED * (start - best.loss))


def _table(case: Case, curve: list[Tried]) -> tuple[str, ...]:
    peak = case.peak
    words = [
        f"{float(f'{peak * one.factor:.1g}'):g}: " + (f"{one.loss:.3g}" if isfinite(one.loss) else "not finite")
        for one in curve
    ]
    return (f"the loss after {STEPS} steps at each rate: {', '.join(words)}",) if words else ()


def _cure(case: Case, rate: float) -> tuple[str, Case]:
    """The cure in code, and the case with it: the same schedule around the other peak."""
    factor, old = rate / max(case.peak, 1e-300), as_schedule(case.optimizer.lr)
    code = case.code(f"optimizer={case.rated.format(rate)}", f"--lr {rate:g}")

    def scaled(step: int) -> float:
        return factor * old(step)

    constant = not callable(case.optimizer.lr)
    return code, case.but(optimizer=paced(case.optimizer, rate if constant else scaled))


def _too_high(case: Case, curve: list[Tried], start: float, own: Tried, calm: Tried) -> Found:
    rate = float(f"{case.peak * calm.factor:.1g}")
    code, cured = _cure(case, rate)
    end = f"ends at {own.loss:.3g}" if isfinite(own.loss) else "is no longer finite"
    finding = Finding(
        "learning rate too high",
        f"With a rate of {case.peak:g} the loss starts at {start:.3g} and {end} after {STEPS} steps; with {rate:g} "
        f"it is {calm.loss:.3g}.",
        (
            *_table(case, curve),
            f"a step moves the weights by {own.moved:.2g} of their length; 0.001 is usual, above 0.1 is wild"
            if isfinite(own.moved)
            else "a step throws the weights out of all bounds",
        ),
        f"Lower the rate to {rate:g}.",
        code,
        {"loss by rate, lowest first": tuple(one.loss for one in curve)},
    )
    return Found(finding, cured)


def _too_low(case: Case, curve: list[Tried], distance: float, rate: float) -> Found:
    rate = float(f"{rate:.1g}")
    code, cured = _cure(case, rate)
    finding = Finding(
        "learning rate too low",
        f"At this rate the weights move by at most {100 * distance:.2g} % of their length in {case.planned:,} steps.",
        (*_table(case, curve), "a step of about 0.001 of their length is usual"),
        f"Raise the rate to {rate:g}" + (", or train much longer." if distance else "."),
        code,
        {"loss by rate, lowest first": tuple(one.loss for one in curve)},
    )
    return Found(finding, cured)
