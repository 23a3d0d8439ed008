"""What an opener sees of a trace, and the table of all openers.

A view gives columns of numbers out of a layer's arrays; each number is a line that can be opened in turn. `x` and `dy`
are opened where they were made: x by the layer before (or it is an input), dy by the layer behind (or by the loss).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.params import Penalty
from pellucid.inspection.lines import Line
from pellucid.inspection.openings import Column, Function, Given, Opening, Sum, by_sample
from pellucid.inspection.trace import Node, NoSuchPath, Scores, Trace, nearest
from pellucid.layers.compose import Concat
from pellucid.layers.layer import Layer

Index = tuple[int, ...]
Opener = Callable[["View", str, Index], Opening | None]
Worked = dict[str, Callable[["View"], Array]]  # arrays that are not on the tape but worked out from it, by name

FIRST_AXIS, SECOND_AXIS = ("dy", "dqkv"), ("da", "de")  # deltas whose first, or second, axis is the batch
OPENERS: dict[type, Opener] = {}
WORKED: dict[type, Worked] = {}
ROOTS: dict[str, Callable[[Trace, str, str, Index], Opening | None]] = {}  # "loss", "update"
EXTRA: dict[str, Callable[[Trace, str, str], Array | None]] = {}  # arrays that are found in another way
SCALES: dict[str, Callable[[Trace, str, str, Index], float]] = {}  # see Line.tolerance


def opens(*kinds: type, worked: Worked | None = None) -> Callable[[Opener], Opener]:
    """Put a function into the table, as the opener of these kinds of layers (or losses) and of their children."""

    def put(opener: Opener) -> Opener:
        for kind in kinds:
            OPENERS[kind] = opener
            WORKED[kind] = worked or {}
        return opener

    return put


class View:
    """A layer's part of a trace (or the loss's), as its opener sees it."""

    def __init__(self, trace: Trace, owner: str) -> None:
        self.trace, self.owner = trace, owner
        self.part: Node | Scores = trace.scores if owner == "loss" else trace.nodes[owner]
        self.layer: Any = trace.model.loss if owner == "loss" else trace.layer(owner)

    @property
    def cache(self) -> dict[str, Any]:
        """What the layer kept between forward and backward."""
        return self.part.cache

    def __getitem__(self, name: str) -> Array:
        return find_array(self.trace, self.owner, name)

    def has(self, name: str) -> bool:
        """Whether the layer has this parameter or buffer."""
        return isinstance(self.part, Node) and name in self.part.params

    def pick(self, name: str, *index: Any) -> Column:
        """Numbers of one of the layer's arrays: one for each place that the index arrays name together."""
        array = self[name]
        at = np.broadcast_arrays(*(np.asarray(i, np.intp).ravel() for i in index)) if index else []

        def line(i: int) -> Line:
            return self.line(name, tuple(int(k[i]) for k in at))

        axis = 0 if name in FIRST_AXIS else 1 if name in SECOND_AXIS else None
        samples = at[axis] if axis is not None and len(at) > axis else None
        return Column(array[tuple(at)] if at else array, line, samples)

    def line(self, name: str, index: Index) -> Line:
        """One number of one of the layer's arrays."""
        return line_at(self.trace, self.owner, name, index)

    def number(self, label: str, value: float, words: str = "a constant") -> Column:
        """A constant factor, such as 1/N."""
        return Column(value, lambda i: Line(label, value, Given(words), trace=self.trace))

    def function(
        self, label: Callable[[int], str], values: Any, formula: str, args: Callable[[int], Sequence[Line]]
    ) -> Column:
        """Factors that are functions of other numbers, such as a bend's derivative."""
        values = np.atleast_1d(np.asarray(values, np.float64))

        def line(i: int) -> Line:
            return Line(label(i), float(values[i]), Function(formula, lambda: args(i)), trace=self.trace)

        return Column(values, line)

    def rows(self, name: str, last: int = 1) -> tuple[Array, ...]:
        """Every index of an array's axes but the last ones, as flat index arrays."""
        return everywhere(self[name].shape[: self[name].ndim - last])


def everywhere(shape: Sequence[int]) -> tuple[Array, ...]:
    """All places of a shape, as one flat index array an axis.

    >>> everywhere((2, 2))
    (array([0, 0, 1, 1]), array([0, 1, 0, 1]))
    """
    return tuple(i.ravel() for i in np.indices(tuple(shape)))


def find_array(trace: Trace, owner: str, name: str) -> Array:
    """One array of a layer's part (or the loss's); unknown names get the nearest ones offered."""
    part: Any = trace.scores if owner == "loss" else trace.nodes.get(owner)
    if part is None:
        raise NoSuchPath(f"The trace has no layer {owner!r}. {nearest(owner, trace.paths)}")
    if name.startswith("cache.") and isinstance(part.cache.get(name[6:]), np.ndarray):
        return np.asarray(part.cache[name[6:]])
    if isinstance(part, Node) and name in part.params:
        return part.params[name]
    if name in (("z", "t", "dz", "y") if owner == "loss" else ("x", "y", "dy", "dx")):
        return np.asarray(getattr(part, name))
    if (owner, name) in trace.memo:
        return np.asarray(trace.memo[owner, name])
    for find in EXTRA.values():
        found = find(trace, owner, name)
        if found is not None:
            return found
    kind: Any = type(trace.model.loss if owner == "loss" else trace.layer(owner))
    worked = _of(WORKED, kind) or {}
    if name not in worked:
        own = [f"cache.{k}" for k, v in part.cache.items() if isinstance(v, np.ndarray)]
        names = [*(["z", "t", "dz", "y", *own] if owner == "loss" else part.names), *worked]
        raise NoSuchPath(f"{owner} has no array {name!r}. {nearest(name, names)}")
    with np.errstate(all="ignore"):
        trace.memo[owner, name] = worked[name](View(trace, owner))
    return np.asarray(trace.memo[owner, name])


def line_at(trace: Trace, owner: str, name: str, index: Index) -> Line:
    """One number of the trace as a line."""
    array = find_array(trace, owner, name)
    label = f"{name.removeprefix('cache.')}{_square(index)}"
    return Line(
        label,
        float(array[index]),
        lambda: open_number(trace, owner, name, index),
        path=f"{owner}.{name}{_square(index)}",
        trace=trace,
        at=(owner, name, index),
        scale=_scale(trace, owner, name, index, array),
    )


def _scale(trace: Trace, owner: str, name: str, index: Index, array: Array) -> float:
    """How large are the numbers whose rounding is in this one; see `Line.tolerance`."""
    if (owner, name) in trace.memo:
        return float(np.abs(array).max(initial=0.0))  # worked out from rounded numbers
    return max((size(trace, owner, name, index) for size in SCALES.values()), default=0.0)


def _square(index: Index) -> str:
    return f"[{', '.join(map(str, index))}]" if index else ""


def open_number(trace: Trace, owner: str, name: str, index: Index) -> Opening:
    """What one number is made of."""
    for root in ROOTS.values():
        found = root(trace, owner, name, index)
        if found is not None:
            return found
    view = View(trace, owner)
    if owner != "loss" and name in ("x", "dy"):
        made = (before if name == "x" else behind)(trace, owner, index)
        return Given("an input of the network") if made is None else handed(trace, *made)
    if view.has(name) and not (name[0] == "d" and view.has(name[1:])):
        buffer = any(f"{owner}.{name}" == path for path in trace.model.buffer_slots)
        return Given("a running number, kept from the batches before" if buffer else "a parameter")
    opener = _of(OPENERS, type(view.layer))
    found = None if opener is None else opener(view, name, index)
    if found is None and name.startswith("cache."):
        return kept(view, name, index)
    if found is None:
        found = unknown(view, name, index)
    if isinstance(found, Sum) and view.has(name) and name[0] == "d":
        return by_sample(_with_penalties(view, name[1:], index, found))
    return found


def handed(trace: Trace, owner: str, name: str, index: Index) -> Opening:
    """The number is another one, handed on: it is opened as that one, whose path the formula begins with."""
    found = open_number(trace, owner, name, index)
    own = f"{owner}.{name}{_square(index)}"
    found.formula = found.formula if ".".join((owner, name)) in found.formula else f"{own} = {found.formula}"
    return found


def same(trace: Trace, owner: str, name: str, index: Index) -> Sum:
    """The number is another one, handed on."""
    line = line_at(trace, owner, name, index)
    return Sum(line.path, (Column(line.value, lambda i: line),))


def before(trace: Trace, owner: str, index: Index) -> tuple[str, str, Index] | None:
    """Which number a layer's x is: of the layer before, or of the container around it; None for the network's input."""
    parent, older, _ = _place(trace, owner)
    if older is not None:
        return older, "y", index
    return None if not parent else (parent, "x", index)


def behind(trace: Trace, owner: str, index: Index) -> tuple[str, str, Index]:
    """Which number a layer's dy is: dx of the layer behind, or dy of the container around it, or dz of the loss."""
    parent, _, younger = _place(trace, owner)
    if younger is not None:
        return younger, "dx", index
    if parent and isinstance(trace.layer(parent), Concat):
        return parent, "dy", (*index[:-1], index[-1] + offset(trace, parent, owner))
    return (parent, "dy", index) if parent else ("loss", "dz", index)


def offset(trace: Trace, parent: str, child: str) -> int:
    """The first of a Concat's columns that belongs to this branch."""
    columns = 0
    for name in trace.layer(parent).children():
        if f"{parent}.{name}" == child:
            break
        columns += trace.nodes[f"{parent}.{name}"].y.shape[-1]
    return columns


def children(trace: Trace, owner: str) -> list[str]:
    """The paths of the layers right inside a container ("" is the whole network)."""
    layer: Layer = trace.model.net if not owner else trace.layer(owner)
    return [f"{owner}.{name}" if owner else name for name in layer.children()]


def _place(trace: Trace, owner: str) -> tuple[str, str | None, str | None]:
    """The container around a layer, the layer before it and the layer behind it, where there are such."""
    parent = ".".join(owner.split(".")[:-2])
    if parent and isinstance(trace.layer(parent), Concat):
        return parent, None, None
    row = children(trace, parent)
    i = row.index(owner)
    return parent, row[i - 1] if i else None, row[i + 1] if i + 1 < len(row) else None


def kept(view: View, name: str, index: Index) -> Opening:
    """A number that forward left for backward: mostly it is the layer's input or output."""
    array = view[name]
    for other in ("x", "y", "z"):
        if (other == "z") == (view.owner == "loss") and np.array_equal(array, view[other]):
            return handed(view.trace, view.owner, other, index)
    return Given("left by the forward pass for the backward pass")


def unknown(view: View, name: str, index: Index) -> Opening:
    """A kind of layer that nobody wrote an opener for: what goes in is said, if not how."""
    made = {"y": ("forward", "x"), "dx": ("backward", "dy")}
    if name not in made or view.owner == "loss":
        own = type(view.layer).__name__
        return Given(f"made by {own}, for whose {name} there is no opener")
    function, argument = made[name]
    array = view[argument][index[0]]
    largest = np.argsort(-np.abs(array), axis=None, kind="stable")[:12]
    places = [tuple(int(k) for k in np.unravel_index(i, array.shape)) for i in largest]

    def args() -> list[Line]:
        return [view.line(argument, (index[0], *place)) for place in places]

    return Function(f"{type(view.layer).__name__}.{function} of {argument}[{index[0]}]", args)


def _with_penalties(view: View, name: str, index: Index, found: Sum) -> Sum:
    """A weight's gradient has one more term for each penalty on it."""
    model, path = view.trace.model, f"{view.owner}.{name}"
    slot = model.slots[path]
    spot = slot.at.start + int(np.ravel_multi_index(index, slot.shape))
    for at, penalty in model.penalties:
        if at.start <= spot < at.stop:
            key = ("penalty", path, repr(penalty))
            if key not in view.trace.memo:
                view.trace.memo[key] = penalty.gradient(view.trace.theta[at])
            value = float(view.trace.memo[key][spot - at.start])
            found = found + Sum(f"{penalty!r}", (_pull(view, penalty, value, view.line(name, index)),))
    return found


def _pull(view: View, penalty: Penalty, value: float, own: Line) -> Column:
    label = f"{type(penalty).__name__}'s pull"
    return view.function(lambda i: label, value, f"{penalty!r}.gradient", lambda i: [own])


def _of(table: dict[type, Any], kind: type) -> Any:
    return next((table[parent] for parent in kind.__mro__ if parent in table), None)
