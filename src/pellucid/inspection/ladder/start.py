"""The weights as they stand, before anything is learned: are they finite, do they differ, how wrong is the network?

A network that knows nothing should say about the same for every sample, and its loss is then ln C for C classes or the
targets' variance for values. A loss far above that is a network that is sure of nonsense.
"""

from __future__ import annotations

import numpy as np

from pellucid.base.run import Run
from pellucid.base.seeds import stream
from pellucid.inspection.finding import Finding
from pellucid.inspection.ladder.case import Case
from pellucid.inspection.ladder.change import rebuilt, well_begun
from pellucid.inspection.ladder.rung import Found, Seen
from pellucid.layers.compose import masked, walk

TIMES = 3.0  # so many times ln C is too much
TIMES_VALUES = 30.0  # for values, where a first guess as large as the targets is usual


def finite(case: Case) -> Seen:
    """Whether every weight is a finite number."""
    bad = [path for path, slot in case.model.slots.items() if not np.isfinite(case.model.theta[slot.at]).all()]
    if not bad:
        return Seen(f"{case.model.theta.size:,} parameters, all finite")
    finding = Finding(
        "weights not finite",
        f"{bad[0]} holds numbers that are not finite" + (f", and so do {len(bad) - 1} others." if bad[1:] else "."),
        ("every answer of the network is then nan, whatever goes in",),
        "Begin with fresh weights, or with the checkpoint before.",
        "model = pl.Model(...)",
    )
    return Seen("not all finite", Found(finding, case.but(model=rebuilt(case.model, fresh=True))))


def alike(case: Case) -> Seen:
    """Whether the units of a layer differ: two that are alike and are told the same stay alike for ever."""
    twin = case.model.copy()
    few = case.probe[: min(64, len(case.probe))]
    x, t = case.prepared(few)
    run = masked(twin.net, Run(training=True, rng=stream(case.seed, "noise")), few.mask)
    twin.loss_and_grad(x, t, run)
    worst, count = "", 0
    for path, layer, _ in walk(twin.net, (1, *twin.input_shape)):
        if "W" not in getattr(type(layer), "__dataclass_fields__", {}):
            continue
        W, dW = (a.reshape(-1, a.shape[-1]) for a in (layer.W, layer.dW))
        K = W.shape[1]
        if K > 1 and np.ptp(W, axis=1).max() == 0 and np.allclose(dW, dW[:, :1], atol=1e-9):
            worst, count = worst or path, K
    if not worst:
        return Seen("the units of every layer differ")
    finding = Finding(
        "units all alike",
        f"All {count} units of {worst} have the same weights and get the same gradient, so they stay one unit.",
        ("units must begin differently to become different: that is why weights begin at random",),
        "Draw the first weights at random; the biases may begin at 0.",
        'pl.Dense(units, init="he")',
    )
    return Seen("units alike", Found(finding, case.but(model=well_begun(case.model))))


def loss(case: Case) -> Seen:
    """Whether the loss at the start is about that of knowing nothing."""
    trained = bool(case.model.history)
    measured, chance = case.loss_of(case.model, case.probe), case.chance
    name = f"ln {case.classes}" if case.classes else "the targets' variance"
    said = f"{measured:.3g}, and {name} is {chance:.3g}"
    if chance <= 0:
        return Seen(said + ": the targets are all the same")
    if trained or measured <= (TIMES * chance + 0.5 if case.classes else TIMES_VALUES * chance + 1e-6):
        return Seen(said)
    z = case.model.net.forward(case.prepared(case.probe)[0], Run())[0]
    finding = Finding(
        "loss too high at the start",
        f"Before anything is learned the loss is {measured:.4g}; knowing nothing gives {chance:.3g} ({name}).",
        (f"the scores have a deviation of {float(z.std()):.3g}; about 1 is usual", "the weights begin too large"),
        'Begin with smaller weights: init="he" takes the layer\'s size into account.',
        'pl.Dense(units, init="he")',
        {"loss at the start": (measured,), "loss of knowing nothing": (chance,)},
    )
    return Seen(said, Found(finding, case.but(model=well_begun(case.model))))
