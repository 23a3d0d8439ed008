"""The ledger: any number of a trace, and the full arithmetic that makes it, down to the inputs and to the loss.

    line = pl.ledger(trace, "0.dense.dW[406,12]")
    print(line)              # the number, its terms, the largest of them opened, the source line that computed it
    line.terms[0].factors    # the numbers that a term multiplies, each a line again
    line.nudge()             # what the loss really does when the weight moves

What a number is made of is said by one small opener a kind of layer, in `openers/`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pellucid.base.errors import ShapeError
from pellucid.inspection import openers  # noqa: F401 - fills the table
from pellucid.inspection.lines import Line
from pellucid.inspection.openers.losses import loss_line
from pellucid.inspection.openers.view import Index, line_at
from pellucid.inspection.trace import NoSuchPath, Trace

PLACE = re.compile(r"^\s*(?P<path>[^\[\]]+?)\s*(?:\[(?P<index>[-\d,\s]*)\])?\s*$")


def ledger(trace: Trace, path: str) -> Line:
    """Open one number of a trace.

    Args:
        trace: a recorded step, from `pl.trace`.
        path: the number: "0.dense.dW[2,3]" (a weight's gradient), "1.relu.y[0,5]" (an output), "2.dense.dx[0,5]" (a
            delta), "loss", "loss.dz[0,7]", "0.dense.W.m[2,3]" (an optimizer's moment), "0.dense.W.step[2,3]" (how far
            the weight moved).

    Raises:
        UsageError: for a path that is not in the trace; the nearest ones are named.
        ShapeError: for an index that is outside of the array; its shape is shown.

    >>> import numpy as np, pellucid as pl
    >>> model = pl.Model(pl.Dense(1), input_shape=(2,), dtype=np.float64)
    >>> model.layers[0].W[:] = [[2.0], [3.0]]
    >>> print(pl.ledger(pl.trace(model, [[1.0, 10.0]], [[30.0]]), "0.dense.y[0,0]"))
    y[0, 0] of 0.dense = 32
      = sum_d x[n, d] W[d, 0] + b[0]
      x[0, 0] × W[0, 0]  1 × 2 = 2
      x[0, 1] × W[1, 0]  10 × 3 = 30
      b[0]  0    a parameter
      computed by layers/dense.py: y = kernels.active().times(x, self.W)  # (N, K)
    """
    found = PLACE.match(path)
    if found is None:
        raise NoSuchPath(f"{path!r} is no number's path. Write the array and the place, such as 0.dense.dW[2,3].")
    name, index = found["path"], found["index"]
    if name == "loss" and not index:
        return loss_line(trace)
    if name in trace.nodes or name == "loss":
        names = ["z", "dz"] if name == "loss" else trace.nodes[name].names
        raise NoSuchPath(
            f"{name} is a layer; name one of its arrays, such as {name}.{names[-1]}[...]: {', '.join(names)}."
        )
    owner, array = trace.split(name)
    shape = trace.array(owner, array).shape
    try:
        place = [int(i) for i in index.split(",")] if index and index.strip() else []
    except ValueError:
        raise NoSuchPath(f"{path!r}: a place is whole numbers with commas between, such as [2,3].") from None
    return line_at(trace, owner, array, check_index(name, shape, place))


def check_index(path: str, shape: tuple[int, ...], index: Sequence[int]) -> Index:
    """The index, if the array has such a place; negative ones count from the end."""
    if len(index) == len(shape) and all(-size <= i < size for i, size in zip(index, shape, strict=True)):
        return tuple(int(i) % size for i, size in zip(index, shape, strict=True))
    if not shape:
        raise ShapeError(f"{path} is one number; leave the [...] out.")
    example = ", ".join(str(size - 1) for size in shape)
    raise ShapeError(
        f"{path} has no [{', '.join(map(str, index))}]: its shape is {shape}, so the last place is [{example}]."
    )
