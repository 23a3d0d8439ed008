"""Openers of the embedding and of the positions."""

from __future__ import annotations

import numpy as np

from pellucid.base.run import Run
from pellucid.inspection.openers.view import Index, View, opens
from pellucid.inspection.openings import Given, Opening, Sum
from pellucid.layers import Embedding, PositionalEncoding


@opens(Embedding)
def embedding(v: View, name: str, at: Index) -> Opening | None:
    """Y[n, t] = W[x[n, t]]."""
    ids, pad = v.cache["ids"], v.layer.pad
    if name == "dx":
        return Given("0: an id cannot move a little")
    if name == "y":
        *n, k = at
        row = int(ids[tuple(n)])
        if row == pad:
            return Given(f"0: the id {pad} fills up")
        return Sum(f"W[x] with the id x = {row}", (v.pick("W", row, k),))
    if name == "dW":
        row, k = at
        places = np.nonzero(ids == row)
        if row == pad or not len(places[0]):
            why = "its output is always 0" if row == pad else "it is nowhere in this batch"
            return Sum(f"the id {row}: {why}", (v.number("0", 0.0, f"the id {row}: {why}"),))
        return Sum(f"sum of dy[n, t, {k}] over the places of the id {row}", (v.pick("dy", *places, k),))
    return None


@opens(PositionalEncoding)
def positional(v: View, name: str, at: Index) -> Opening | None:
    """Y[n, t] = X[n, t] + P[t]."""
    if name == "dx":
        return Sum("dy", (v.pick("dy", *at),))
    if name != "y":
        return None
    place = v.layer.forward(np.zeros((1, *v["x"].shape[1:]), v["x"].dtype), Run())[0][0, at[1], at[2]]
    return Sum("x + P", (v.pick("x", *at),), (v.number(f"P[{at[1]}, {at[2]}]", place, "the place's pattern"),))
