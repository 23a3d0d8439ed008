"""Openers of the containers: a container's numbers are its children's."""

from __future__ import annotations

from pellucid.inspection.openers.view import Index, View, children, handed, offset, opens, same
from pellucid.inspection.openings import Opening, Sum
from pellucid.layers import Concat, Residual, Sequential


@opens(Sequential)
def sequential(v: View, name: str, at: Index) -> Opening | None:
    """Y is the last child's, dX the first child's."""
    row = children(v.trace, v.owner)
    if name not in ("y", "dx"):
        return None
    if not row:
        return handed(v.trace, v.owner, "x" if name == "y" else "dy", at)
    return handed(v.trace, row[-1] if name == "y" else row[0], name, at)


@opens(Residual)
def residual(v: View, name: str, at: Index) -> Opening | None:
    """Y = X + F(X): two roads."""
    if name not in ("y", "dx"):
        return None
    around, row = "x" if name == "y" else "dy", children(v.trace, v.owner)
    own = (v.pick(around, *at),)
    if not row:
        return Sum(f"{around} + {around}", own, own)
    return Sum(around, own) + same(v.trace, row[-1] if name == "y" else row[0], name, at)


@opens(Concat)
def concat(v: View, name: str, at: Index) -> Opening | None:
    """Y is one branch's, dX the sum of all branches'."""
    row = children(v.trace, v.owner)
    if name == "dx":
        parts = [same(v.trace, branch, "dx", at) for branch in row]
        return Sum("the sum over the branches", *(block for part in parts for block in part.blocks))
    if name != "y":
        return None
    mine = max(row, key=lambda b: (first := offset(v.trace, v.owner, b)) <= at[-1] and first + 1)
    return same(v.trace, mine, "y", (*at[:-1], at[-1] - offset(v.trace, v.owner, mine)))
