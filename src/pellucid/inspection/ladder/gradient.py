"""Predicted against achieved: if the gradient is right, a small step downhill lowers the loss by what it says.

A step of -h g changes the loss by -h |g|^2 to first order. It is made for each array by itself, in float64 on a copy,
and both ways, so that the second order cancels. What the loss really did, divided by what was predicted, is then 1.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.run import Run
from pellucid.base.seeds import stream
from pellucid.inspection.finding import Finding
from pellucid.inspection.ladder.case import Case
from pellucid.inspection.ladder.rung import Found, Seen
from pellucid.layers.compose import masked

STEPS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-8, 1e-10, 1e-12)  # of the weights' length; small where it bends much
SEEN = 1e-11  # a change by less than this share of the loss is rounding
RIGHT = 0.05  # how far from 1 the ratio may be
SAMPLES = 64


def examine(case: Case) -> Seen:
    """Whether the loss falls as the gradient says, array by array."""
    twin = case.model.copy(dtype=np.float64)
    twin.theta[:] += _aside(twin.theta, stream(case.seed, "aside"))
    few = case.probe[: min(SAMPLES, len(case.probe))]
    x = twin.check_input(np.asarray(twin.prepared(few.x)))
    t = twin.loss.targets(few.t, (len(few), *twin.output_shape))

    def loss() -> float:
        run = masked(twin.net, Run(training=True, rng=stream(case.seed, "noise")), few.mask)
        return twin.loss_and_grad(x, t, run, few.weights).mean

    with np.errstate(all="ignore"):
        here = loss()
        grad = twin.grad.copy()
        if not isfinite(here) or not np.isfinite(grad).all():
            return Seen("the loss is not finite here")
        rng, ratios = stream(case.seed, "directions"), dict[str, float]()
        for path, slot in twin.slots.items():
            ratio = _ratio(twin.theta[slot.at], grad[slot.at], loss, here, rng)
            if ratio is not None:
                ratios[path] = ratio
    wrong = {path: ratio for path, ratio in ratios.items() if abs(ratio - 1) > RIGHT}
    if not wrong:
        middle = float(np.median(list(ratios.values()))) if ratios else 1.0
        return Seen(f"small steps lower the loss by {middle:.3f} of what the gradient predicts")
    path, ratio = max(wrong.items(), key=lambda item: abs(item[1] - 1))
    finding = Finding(
        "wrong gradient",
        f"A small step along the gradient of {path} lowers the loss by {ratio:.2f} of what the gradient predicts.",
        (
            f"{len(wrong)} of {len(ratios)} arrays are off: {', '.join(list(wrong)[:6])}",
            "the mistake is in the backward pass of the layer above the first of these that is right, or in its own",
        ),
        "Check the layer that you wrote; the check names the mistake.",
        "print(pl.check_gradients(model, x[:8], t[:8])); print(pl.check_backward(MyLayer))",
        {"achieved / predicted": tuple(ratios.values())},
    )
    return Seen(f"{len(wrong)} arrays off", Found(finding, None, stops=True))


def _aside(theta: Array, rng: np.random.Generator) -> Array:
    """A thousandth aside: biases of 0 put units whose inputs were dropped on ReLU's kink, which has no derivative."""
    return 1e-3 * max(float(np.sqrt(np.mean(theta * theta))), 0.01) * rng.standard_normal(theta.shape)


def _ratio(theta: Array, g: Array, loss: Callable[[], float], here: float, rng: np.random.Generator) -> float | None:
    """Achieved over predicted for one array; the best of several steps. None where neither changes anything."""
    before, square = theta.copy(), float(g @ g)
    size = float(np.sqrt(before @ before)) or 1.0
    if square == 0:  # then a nudge must not change the loss either
        d = rng.standard_normal(theta.size)
        h = 1e-5 * size / float(np.sqrt(d @ d))
        theta[:] = before + h * d
        right = loss() - here
        theta[:] = before - h * d
        left = here - loss()
        theta[:] = before
        changed = 0.5 * abs(right + left)
        kink = abs(right - left) > changed
        return 0.0 if changed > 1e-8 * max(abs(here), 1e-3) and not kink else None
    best: float | None = None
    for part in STEPS:
        h = part * size / float(np.sqrt(square))
        predicted = h * square
        if predicted < SEEN * max(abs(here), 1e-3):
            break
        theta[:] = before - h * g
        down = loss()
        theta[:] = before + h * g
        ratio = (loss() - down) / (2 * predicted)
        theta[:] = before
        if best is None or abs(ratio - 1) < abs(best - 1):
            best = ratio
        if abs(best - 1) <= RIGHT:
            break
    return best
