"""Openers of the recurrent layers: a step's numbers, and how a gradient comes back through time.

Inside the layers time is the first axis. What the layers do not keep is worked out from what they keep: `a`, the sums
before the bends; `da` by the layer's own backward; `dh`, the gradient of each step's state; `dc` that of the LSTM's
memory; `de`, in the GRU, that of the state's part of the sums.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.inspection.openers.view import View, Worked, everywhere, opens
from pellucid.inspection.openings import Column, Function, Given, Opening, Sum
from pellucid.layers import GRU, LSTM, SimpleRNN

BLOCKS = {SimpleRNN: "h", LSTM: "ifgo", GRU: "rzn"}  # what the blocks of K columns are called
TANH = "hgn"  # which of them a tanh bends; the others have a sigmoid


def real(v: View, t: int, n: int) -> bool:
    """Whether this step of this sample was read, and not skipped."""
    mask = v.cache["real"]
    return mask is None or bool(mask[t, n, 0])


def block(v: View, j: int) -> tuple[str, int]:
    """The block that a column belongs to, and the unit in it."""
    i, k = divmod(j, v.layer.units)
    return BLOCKS[next(kind for kind in BLOCKS if isinstance(v.layer, kind))][i], k


def gate(v: View, which: str, t: int, n: int, k: int) -> Column:
    """A gate's value at a step."""
    names = BLOCKS[LSTM if isinstance(v.layer, LSTM) else GRU]
    return v.pick("cache.gates", t, n, names.index(which) * v.layer.units + k)


def _da(v: View) -> Array:
    """The gradient of X Wx, by the layer's own backward, which writes into the trace's own copy of the model."""
    names = [name for name in vars(v.layer) if name[0] == "d" and name[1:] in vars(v.layer)]
    kept = {name: getattr(v.layer, name).copy() for name in names}
    out = v.layer.through_time(v["dy"], v.cache)
    for name, array in kept.items():
        getattr(v.layer, name)[:] = array
    return np.asarray(out)


def _a(v: View) -> Array:
    """What the bends are given, (T, N, G K)."""
    x, H = v["cache.x"].astype(np.float64), v["cache.H"][:-1].astype(np.float64)
    if not isinstance(v.layer, GRU):
        return np.asarray(x @ v["Wx"] + H @ v["Wh"] + v["b"])
    K = v.layer.units
    a, c = x @ v["Wx"] + v["bx"], H @ v["Wh"] + v["bh"]
    c[..., 2 * K :] *= v["cache.gates"][..., :K]
    return np.asarray(a + c)


def _de(v: View) -> Array:
    """The gradient of H Wh: da, but the GRU's reset gate stands before its proposal."""
    de = v["da"].astype(np.float64)
    if isinstance(v.layer, GRU):
        K = v.layer.units
        de[..., 2 * K :] *= v["cache.gates"][..., :K]
    return de


def _dh(v: View) -> Array:
    """The gradient of the state after each step (T, N, K), all roads added."""
    de, dy = v["de"], v["dy"].astype(np.float64)
    T, N, _ = de.shape
    K, Wh = v.layer.units, v["Wh"].astype(np.float64)
    dh = np.zeros((T, N, K))
    read = np.ones((T, N, 1), bool) if v.cache["real"] is None else v.cache["real"]
    for t in reversed(range(T)):
        if v.layer.sequence:
            dh[t] = dy[:, t]
        elif t == T - 1:
            dh[t] = dy
        if t + 1 < T:
            back = de[t + 1] @ Wh.T
            if isinstance(v.layer, GRU):
                back = back + dh[t + 1] * v["cache.gates"][t + 1, :, K : 2 * K]
            dh[t] += np.where(read[t + 1], back, dh[t + 1])
    return dh


def _dc(v: View) -> Array:
    """The gradient of the LSTM's memory after each step (T, N, K)."""
    dh, gates, S, K = v["dh"], v["cache.gates"].astype(np.float64), v["cache.S"].astype(np.float64), v.layer.units
    T = len(dh)
    dc = np.zeros_like(dh)
    read = np.ones((*dh.shape[:2], 1), bool) if v.cache["real"] is None else v.cache["real"]
    for t in reversed(range(T)):
        dc[t] = read[t] * dh[t] * gates[t, :, 3 * K :] * (1.0 - S[t] ** 2)
        if t + 1 < T:
            dc[t] += np.where(read[t + 1], dc[t + 1] * gates[t + 1, :, K : 2 * K], dc[t + 1])
    return dc


WORKED: Worked = {"a": _a, "da": _da, "de": _de, "dh": _dh}


@opens(SimpleRNN, worked=WORKED)
@opens(GRU, worked=WORKED)
@opens(LSTM, worked=WORKED | {"dc": _dc})
def recurrent(v: View, name: str, at: Any) -> Opening | None:
    """One number of a recurrent layer."""
    T, N, _ = v["cache.x"].shape
    match name:
        case "y":
            n, *step, k = at
            return Sum("the state after the step", (v.pick("cache.H", (step[0] if step else T - 1) + 1, n, k),))
        case "cache.x":
            return Sum("x with time first", (v.pick("x", at[1], at[0], at[2]),))
        case "cache.H" | "cache.C" if v["cache.H"].shape == v[name].shape:
            return _kept(v, name, *at)
        case "cache.S":
            t, n, k = at
            return Function("tanh(c)", lambda: [v.line("cache.C", (t + 1, n, k))])
        case "cache.C":
            return _sum_h(v, at[0], at[1], at[2] + 2 * v.layer.units)
        case "cache.gates":
            return _bent(v, *at)
        case "a":
            return _sum_x(v, *at)
        case "dx":
            n, t, d = at
            every = np.arange(v["Wx"].shape[1])
            return Sum(f"sum_j Wx[{d}, j] da[t, n, j]", (v.pick("Wx", d, every), v.pick("da", t, n, every)))
        case "dWx":
            rows = everywhere((T, N))
            return Sum("sum_tn x[t, n, d] da[t, n, j]", (v.pick("cache.x", *rows, at[0]), v.pick("da", *rows, at[1])))
        case "dWh":
            rows, inner = everywhere((T, N)), "de" if isinstance(v.layer, GRU) else "da"
            before = v.pick("cache.H", *rows, at[0])
            return Sum(f"sum_tn h[t, n, k] {inner}[t, n, j]", (before, v.pick(inner, *rows, at[1])))
        case "db" | "dbx" | "dbh":
            inner = "de" if name == "dbh" else "da"
            return Sum(f"sum_tn {inner}[t, n, j]", (v.pick(inner, *everywhere((T, N)), at[0]),))
        case "de":
            t, n, j = at
            which, k = block(v, j)
            reset = (gate(v, "r", t, n, k),) if isinstance(v.layer, GRU) and which == "n" else ()
            return Sum("da, times the reset gate for the proposal", (*reset, v.pick("da", t, n, j)))
        case "dh":
            return _state_back(v, *at)
        case "dc":
            return _memory_back(v, *at)
        case "da":
            if not real(v, at[0], at[1]):
                return Given("0: this step was skipped")
            return _bend_back(v, *at)
    return None


# ---- forward ---------------------------------------------------------------------------------------------------------


def _kept(v: View, name: str, t: int, n: int, k: int) -> Opening:
    """A state, or the LSTM's memory, after step t - 1."""
    if t == 0:
        return Given("0: there is nothing before the first step")
    s = t - 1
    if not real(v, s, n):
        return Sum("this step was skipped: as before", (v.pick(name, s, n, k),))
    if name == "cache.C":
        forget, write = (gate(v, "f", s, n, k), v.pick(name, s, n, k)), (gate(v, "i", s, n, k), gate(v, "g", s, n, k))
        return Sum("f c' + i g", forget, write)
    if isinstance(v.layer, LSTM):
        return Sum("o tanh(c)", (gate(v, "o", s, n, k), v.pick("cache.S", s, n, k)))
    if isinstance(v.layer, GRU):
        z, new = gate(v, "z", s, n, k), gate(v, "n", s, n, k)
        return Sum("n - z n + z h'", (new,), (v.number("-1", -1.0), z, new), (z, v.pick(name, s, n, k)))
    return Function("tanh(a)", lambda: [v.line("a", (s, n, k))])


def _bent(v: View, t: int, n: int, j: int) -> Opening:
    which, _ = block(v, j)
    return Function(f"{'tanh' if which in TANH else 'sigmoid'}(a)", lambda: [v.line("a", (t, n, j))])


def _sum_x(v: View, t: int, n: int, j: int) -> Sum:
    """a[t, n, j], what a bend is given."""
    d = np.arange(v["Wx"].shape[0])
    bias = "bx" if isinstance(v.layer, GRU) else "b"
    product = (v.pick("cache.x", t, n, d), v.pick("Wx", d, j))
    own = Sum(f"sum_d x[d] Wx[d, {j}] + {bias}[{j}]", product, (v.pick(bias, j),))
    if isinstance(v.layer, GRU):
        which, k = block(v, j)
        if which == "n":
            return own + Sum("r c", (gate(v, "r", t, n, k), v.pick("cache.C", t, n, k)))
    return own + _sum_h(v, t, n, j)


def _sum_h(v: View, t: int, n: int, j: int) -> Sum:
    """The state's part of a sum: h' Wh, and in the GRU its own bias."""
    k = np.arange(v.layer.units)
    own = Sum(f"sum_k h'[k] Wh[k, {j}]", (v.pick("cache.H", t, n, k), v.pick("Wh", k, j)))
    return own + Sum(f"bh[{j}]", (v.pick("bh", j),)) if isinstance(v.layer, GRU) else own


# ---- backward --------------------------------------------------------------------------------------------------------


def _state_back(v: View, t: int, n: int, k: int) -> Sum:
    """dh: what the step gave out, and what the next step read."""
    T = len(v["cache.x"])
    parts: list[tuple[Column, ...]] = []
    if v.layer.sequence:
        parts.append((v.pick("dy", n, t, k),))
    elif t == T - 1:
        parts.append((v.pick("dy", n, k),))
    if t + 1 < T and not real(v, t + 1, n):
        parts.append((v.pick("dh", t + 1, n, k),))
    elif t + 1 < T:
        j = np.arange(v["Wh"].shape[1])
        inner = "de" if isinstance(v.layer, GRU) else "da"
        parts.append((v.pick("Wh", k, j), v.pick(inner, t + 1, n, j)))
        if isinstance(v.layer, GRU):
            parts.append((gate(v, "z", t + 1, n, k), v.pick("dh", t + 1, n, k)))
    return Sum("dy of this step + sum_j Wh[k, j] da of the next step", *parts)


def _memory_back(v: View, t: int, n: int, k: int) -> Sum:
    """dc: what the step showed of the memory, and what the next step kept of it."""
    parts: list[tuple[Column, ...]] = []
    if real(v, t, n):
        shown = v.line("cache.S", (t, n, k))
        slope = v.function(lambda i: "tanh'", 1.0 - shown.value**2, "1 - tanh(c)^2", lambda i: [shown])
        parts.append((gate(v, "o", t, n, k), slope, v.pick("dh", t, n, k)))
    if t + 1 < len(v["cache.x"]):
        kept = (gate(v, "f", t + 1, n, k),) if real(v, t + 1, n) else ()
        parts.append((*kept, v.pick("dc", t + 1, n, k)))
    return Sum("o (1 - tanh(c)^2) dh + f dc of the next step", *parts)


def _bend_back(v: View, t: int, n: int, j: int) -> Sum:
    """da: through the bend of this column."""
    which, k = block(v, j)
    own = v.line("cache.H", (t + 1, n, k)) if which == "h" else v.line("cache.gates", (t, n, j))
    y = own.value
    tanh = which in TANH
    label, words = ("tanh'", "1 - y^2") if tanh else ("sigmoid'", "y (1 - y)")
    slope: Any = v.function(lambda i: label, 1.0 - y * y if tanh else y * (1.0 - y), words, lambda i: [own])
    K = v.layer.units
    dh = v.pick("dh", t, n, k)
    if which == "h":
        return Sum("dh (1 - h^2)", (slope, dh))
    if isinstance(v.layer, LSTM):
        dc = v.pick("dc", t, n, k)
        match which:
            case "i":
                return Sum("dc g i (1 - i)", (gate(v, "g", t, n, k), slope, dc))
            case "f":
                return Sum("dc c' f (1 - f)", (v.pick("cache.C", t, n, k), slope, dc))
            case "g":
                return Sum("dc i (1 - g^2)", (gate(v, "i", t, n, k), slope, dc))
        return Sum("dh tanh(c) o (1 - o)", (v.pick("cache.S", t, n, k), slope, dh))
    minus = v.number("-1", -1.0)
    match which:
        case "n":
            return Sum("dh (1 - z) (1 - n^2)", (slope, dh), (minus, gate(v, "z", t, n, k), slope, dh))
        case "z":
            before, new = v.pick("cache.H", t, n, k), gate(v, "n", t, n, k)
            return Sum("dh (h' - n) z (1 - z)", (before, slope, dh), (minus, new, slope, dh))
    return Sum("da_n c r (1 - r)", (v.pick("cache.C", t, n, k), slope, v.pick("da", t, n, 2 * K + k)))
