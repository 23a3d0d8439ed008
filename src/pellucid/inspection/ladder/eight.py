"""Eight samples: a network that cannot learn even these by heart will not learn more of them.

Nothing holds it back here: no dropout, no penalty, no augmentation, and Adam at several rates.
"""

from __future__ import annotations

import numpy as np

from pellucid.base.seeds import stream
from pellucid.data.batches import Data
from pellucid.inspection.finding import Finding
from pellucid.inspection.ladder.case import Case
from pellucid.inspection.ladder.change import unrestrained
from pellucid.inspection.ladder.course import course
from pellucid.inspection.ladder.rung import Found, Seen
from pellucid.optim import Adam

STEPS = 300
LEARNED = 0.4  # of the loss of knowing nothing
RATES = (0.01, 0.1, 0.001)


def eight(case: Case) -> Data:
    """Eight samples that differ in their inputs, of as many classes as there are."""
    x = np.asarray(case.probe.x)
    ids = case.ids(case.probe)
    order = stream(case.seed, "eight").permutation(len(x))
    if ids is not None:
        turn = {int(i): int((ids[order[:k]] == ids[i]).sum()) for k, i in enumerate(order)}
        order = np.array(sorted(order.tolist(), key=lambda i: turn[int(i)]))
    chosen: list[int] = []
    seen: set[bytes] = set()
    for i in order.tolist():
        raw = x[i].tobytes() if hasattr(x[i], "tobytes") else bytes(str(x[i]), "utf-8")
        if raw not in seen:
            seen.add(raw)
            chosen.append(i)
        if len(chosen) == 8:
            break
    return case.probe[np.array(chosen)]


def examine(case: Case) -> Seen:
    """Whether the network learns eight samples by heart."""
    few = eight(case)
    alone = case.but(data=few, validation=few, model=unrestrained(case.model), augment=None, clip=None, batch_size=8)
    limit = LEARNED * max(alone.chance, 1e-12)
    if alone.chance <= 1e-9:
        return Seen("their targets are all the same")
    curves = {}
    for rate in RATES:
        done = course(alone.but(optimizer=Adam(rate)), STEPS, enough=lambda loss: loss < limit)
        if not done.diverged and done.losses[-1] < limit:
            return Seen(f"learned by heart in {len(done.losses)} step{'s' * (len(done.losses) != 1)}")
        curves[f"loss at a rate of {rate:g}"] = tuple(done.losses)
    best = min(min(curve) for curve in curves.values())
    hidden = sum("W" in slot.path.rpartition(".")[2] for slot in case.model.slots.values()) - 1
    finding = Finding(
        "cannot learn eight samples",
        f"After {STEPS} steps on the same {len(few)} samples the loss is still {best:.3g}; knowing nothing gives "
        f"{alone.chance:.3g}.",
        (
            "no dropout, no penalty, and Adam at rates of 0.001, 0.01 and 0.1",
            f"the network has {case.model.theta.size:,} parameters and {hidden} hidden layer{'s' * (hidden != 1)}",
        ),
        "Give it a hidden layer with a bend, or more units; or look for where the inputs are lost on their way.",
        case.code("pl.Model(pl.Dense(64), pl.ReLU(), ..., ...)", "--layers 64,..."),
        curves,
    )
    return Seen(f"not learned in {STEPS} steps", Found(finding, _larger(case)))


def _larger(case: Case) -> Case | None:
    """The case with a hidden layer more, where the network is rows in and rows out."""
    from pellucid.inspection.ladder.change import rebuilt, unbound
    from pellucid.layers import Dense, ReLU

    if len(case.model.input_shape) != 1 or case.takes_ids:
        return None
    return case.but(model=rebuilt(case.model, [Dense(64), ReLU(), *unbound(case.model)], fresh=True))
