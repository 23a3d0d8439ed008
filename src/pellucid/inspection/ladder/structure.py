"""What can be read off the layers without running them."""

from __future__ import annotations

from collections.abc import Iterator

from pellucid.inspection.finding import Finding
from pellucid.inspection.ladder.case import Case
from pellucid.inspection.ladder.change import rebuilt, unbound
from pellucid.inspection.ladder.rung import Found, Seen
from pellucid.layers import BatchNorm, Dense, Dropout, ReLU
from pellucid.layers.compose import walk
from pellucid.layers.layer import Layer


def examine(case: Case) -> Seen:
    """Whether the layers stand in an order that makes sense."""
    layers = case.model.layers
    found = _straight(case) or _lone_sample(case)
    return Seen(f"{len(layers)} layers" + (": nothing unusual" if found is None else ""), found)


def _straight(case: Case) -> Found | None:
    """Two dense layers with nothing between them are one, unless the first is a narrow passage."""
    shape, places, bent = case.model.input_shape, list[str](), list[Layer]()
    for i, ((a, b), mine) in enumerate(zip(_pairs(case.model.layers), unbound(case.model), strict=False)):
        bent.append(mine)
        if isinstance(a, Dense) and isinstance(b, Dense) and a.units >= min(shape[-1], b.units):
            places.append(f"{i}.dense")
            bent.append(ReLU())
        shape = a.output_shape((1, *shape))[1:]
    if not places:
        return None
    first = case.model.layers[int(places[0].partition(".")[0])]
    units = first.units if isinstance(first, Dense) else 0
    finding = Finding(
        "no bend between layers",
        f"Nothing bends the numbers behind {' and '.join(places)}: with the next dense layer each is only one.",
        (f"x W1 W2 is x W with W = W1 W2, so the {units} units between them add nothing",),
        "Put an activation between them.",
        f"pl.Dense({units}), pl.ReLU(), pl.Dense(...)",
    )
    return Found(finding, case.but(model=rebuilt(case.model, [*bent, unbound(case.model)[-1]])))


def _pairs(layers: tuple[Layer, ...]) -> Iterator[tuple[Layer, Layer]]:
    """Neighbours; a Dropout between two layers bends nothing."""
    for i, layer in enumerate(layers[:-1]):
        after = next((other for other in layers[i + 1 :] if not isinstance(other, Dropout)), layers[-1])
        yield layer, after


def _lone_sample(case: Case) -> Found | None:
    """Batch norm cannot take the spread of one number."""
    shapes = [
        (path, shape) for path, layer, shape in walk(case.model.net, (1, *case.model.input_shape))
        if isinstance(layer, BatchNorm) and len(shape) == 2
    ]  # fmt: skip
    rest = len(case.data) % case.batch_size
    if not shapes or (case.batch != 1 and rest != 1):
        return None
    last = f"{len(case.data):,} samples in batches of {case.batch_size} leave a last batch of one"
    size = max(case.batch_size, 8)
    while len(case.data) % size == 1:
        size += 1
    finding = Finding(
        "batch norm on one sample",
        f"{shapes[0][0]} takes the spread of a batch, and "
        + ("a batch is one sample." if case.batch == 1 else f"{last}."),
        ("one number has no spread, so training is refused at that batch",),
        f"Use batches of {size}.",
        case.code(f"batch_size={size}", f"--batch-size {size}"),
    )
    return Found(finding, case.but(batch_size=size))
