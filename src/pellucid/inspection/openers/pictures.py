"""Openers of the layers for pictures: which pixel met which weight, and where.

`Window` says where a window stands: a pixel at row r of the padded picture is seen at place i of the window at h where
`r = h s + i d`. Padding is 0 and makes no term.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.inspection.openers.view import Index, View, everywhere, opens
from pellucid.inspection.openings import Column, Opening, Sum
from pellucid.layers import AvgPool2D, Conv1D, Conv2D, ConvTranspose2D, GlobalAvgPool2D, MaxPool2D, UpSample2D
from pellucid.layers.window import Window


def sees(at: Window, h: int, w: int) -> tuple[Array, Array, Array, Array]:
    """What the window at (h, w) sees of the picture: i, j in the window, and the pixel's row and column."""
    i, j = everywhere(at.kernel)
    r = h * at.stride[0] + i * at.dilation[0] - at.pads[0][0]
    q = w * at.stride[1] + j * at.dilation[1] - at.pads[1][0]
    inside = (r >= 0) & (r < at.inside[0]) & (q >= 0) & (q < at.inside[1])
    return i[inside], j[inside], r[inside], q[inside]


def seen_by(at: Window, r: int, q: int) -> tuple[Array, Array, Array, Array]:
    """Which windows see the pixel at (r, q): i, j in the window, and the window's h and w."""
    i, j = everywhere(at.kernel)
    down, right = r + at.pads[0][0] - i * at.dilation[0], q + at.pads[1][0] - j * at.dilation[1]
    h, w = down // at.stride[0], right // at.stride[1]
    there = (down % at.stride[0] == 0) & (right % at.stride[1] == 0)
    there &= (h >= 0) & (h < at.out[0]) & (w >= 0) & (w < at.out[1])
    return i[there], j[there], h[there], w[there]


def places(at: Window, i: int, j: int) -> tuple[Array, Array, Array, Array]:
    """Every window whose place (i, j) lies in the picture: h, w, and the pixel's row and column."""
    h, w = everywhere(at.out)
    r = h * at.stride[0] + i * at.dilation[0] - at.pads[0][0]
    q = w * at.stride[1] + j * at.dilation[1] - at.pads[1][0]
    inside = (r >= 0) & (r < at.inside[0]) & (q >= 0) & (q < at.inside[1])
    return h[inside], w[inside], r[inside], q[inside]


def over(count: Array | range, *others: Array) -> tuple[Array, ...]:
    """Every pair of one of `count` and one place: flat index arrays."""
    size = len(others[0])
    return (np.repeat(np.asarray(count), size), *(np.tile(o, len(count)) for o in others))


@opens(Conv2D, Conv1D)
def conv(v: View, name: str, at: Index) -> Opening | None:
    """Y[n, h, w, o] = sum_ijc X[n, h s + i d, w s + j d, c] W[i, j, c, o] + b[o]."""
    window: Window = v.cache["window"]
    flat = isinstance(v.layer, Conv1D)  # a picture of height 1, whose height is no axis
    *_, part, O = v["W"].shape
    G = v["x"].shape[-1] // part

    def pick(array: str, n: Any, r: Any, q: Any, c: Any) -> Column:
        return v.pick(array, n, q, c) if flat else v.pick(array, n, r, q, c)

    def weight(i: Any, j: Any, c: Any, o: Any) -> Column:
        return v.pick("W", j, c, o) if flat else v.pick("W", i, j, c, o)

    if name in ("y", "dx"):
        n, h, w, o = (at[0], 0, *at[1:]) if flat else at
    if name == "y":
        i, j, r, q = sees(window, h, w)
        first = o // (O // G) * part
        c, i, j, r, q = over(range(part), i, j, r, q)
        found = Sum(
            f"sum_ijc x[{n}, {h} s + i d, {w} s + j d, c] W[i, j, c, {o}]",
            (pick("x", n, r, q, c + first), weight(i, j, c, o)),
        )
        return found + Sum(f"b[{o}]", (v.pick("b", o),)) if v.has("b") else found
    if name == "dx":
        i, j, rows, columns = seen_by(window, h, w)
        group = o // part
        f, i, j, rows, columns = over(range(O // G), i, j, rows, columns)
        f = f + group * (O // G)
        return Sum(
            "sum_ijo W[i, j, c, o] dy[n, h, w, o] over the windows that see this pixel",
            (weight(i, j, o % part, f), pick("dy", n, rows, columns, f)),
        )
    if name == "dW":
        i_, j_, c_, o_ = (0, *at) if flat else at
        ns, hs, ws, r, q = over(range(len(v["x"])), *places(window, i_, j_))
        first = o_ // (O // G) * part
        x, dy = pick("x", ns, r, q, c_ + first), pick("dy", ns, hs, ws, o_)
        return Sum(f"sum_nhw x[n, h s + {i_} d, w s + {j_} d, {c_}] dy[n, h, w, {o_}]", (x, dy))
    if name == "db":
        return Sum(f"sum_nhw dy[n, h, w, {at[0]}]", (v.pick("dy", *v.rows("dy"), at[0]),))
    return None


@opens(ConvTranspose2D)
def deconv(v: View, name: str, at: Index) -> Opening | None:
    """Y[n, h s + i, w s + j, o] += sum_c X[n, h, w, c] W[i, j, c, o]; then b[o] everywhere."""
    window: Window = v.cache["window"]  # that of the convolution from Y to X
    _, _, C, O = v["W"].shape
    if name == "y":
        n, r, q, o = at
        c, i, j, h, w = over(range(C), *seen_by(window, r, q))
        found = Sum(
            f"sum_hwc x[n, h, w, c] W[i, j, c, {o}] over what was spread to here",
            (v.pick("x", n, h, w, c), v.pick("W", i, j, c, o)),
        )
        return found + Sum(f"b[{o}]", (v.pick("b", o),)) if v.has("b") else found
    if name == "dx":
        m, h_, w_, c_ = at
        f, i, j, rows, columns = over(range(O), *sees(window, h_, w_))
        formula = f"sum_ijo W[i, j, {c_}, o] dy[n, {h_} s + i, {w_} s + j, o]"
        return Sum(formula, (v.pick("W", i, j, c_, f), v.pick("dy", m, rows, columns, f)))
    if name == "dW":
        i_, j_, c_, o_ = at
        ns, hs, ws, rs, qs = over(range(len(v["x"])), *places(window, i_, j_))
        formula = f"sum_nhw x[n, h, w, {c_}] dy[n, h s + {i_}, w s + {j_}, {o_}]"
        return Sum(formula, (v.pick("x", ns, hs, ws, c_), v.pick("dy", ns, rs, qs, o_)))
    if name == "db":
        return Sum(f"sum_nhw dy[n, h, w, {at[0]}]", (v.pick("dy", *v.rows("dy"), at[0]),))
    return None


@opens(MaxPool2D)
def max_pool(v: View, name: str, at: Index) -> Opening | None:
    """Y is the window's largest number; dY goes to the winner."""
    window: Window = v.cache["window"]
    winner = v.cache["winner"]
    n, r, q, c = at
    if name == "y":
        i, j = divmod(int(winner[at]), window.kernel[1])
        place = r * window.stride[0] + i - window.pads[0][0], q * window.stride[1] + j - window.pads[1][0]
        return Sum("the largest number that the window sees", (v.pick("x", n, *place, c),))
    if name == "dx":
        i_, j_, h, w = seen_by(window, r, q)
        won = winner[n, h, w, c] == i_ * window.kernel[1] + j_
        if not won.any():
            return Sum("it won in no window", (v.number("0", 0.0, "it won in no window"),))
        return Sum("sum of dy over the windows in which it won", (v.pick("dy", n, h[won], w[won], c),))
    return None


@opens(AvgPool2D)
def avg_pool(v: View, name: str, at: Index) -> Opening | None:
    """Y is the mean of what the window sees of the picture."""
    window: Window = v.cache["window"]
    n, h, w, c = at
    if name == "y":
        _, _, r, q = sees(window, h, w)
        return Sum("sum_ij x / count", (v.number(f"1/{len(r)}", 1.0 / len(r)), v.pick("x", n, r, q, c)))
    if name == "dx":
        _, _, hs, ws = seen_by(window, h, w)
        if not len(hs):
            return Sum("no window sees it", (v.number("0", 0.0, "no window sees it"),))
        counts = [len(sees(window, int(a), int(b))[0]) for a, b in zip(hs, ws, strict=True)]
        share = v.function(lambda i: f"1/{counts[i]}", 1.0 / np.array(counts), "1 / count", lambda i: [])
        return Sum("sum of dy / count over the windows that see it", (share, v.pick("dy", n, hs, ws, c)))
    return None


@opens(GlobalAvgPool2D)
def global_avg(v: View, name: str, at: Index) -> Opening | None:
    """Y[n, c] = mean_hw X[n, h, w, c]."""
    _, H, W, _ = v["x"].shape
    share = v.number(f"1/{H * W}", 1.0 / (H * W))
    if name == "y":
        return Sum("sum_hw x[n, h, w, c] / (H W)", (share, v.pick("x", at[0], *everywhere((H, W)), at[1])))
    return Sum("dy[n, c] / (H W)", (share, v.pick("dy", at[0], at[3]))) if name == "dx" else None


@opens(UpSample2D)
def upsample(v: View, name: str, at: Index) -> Opening | None:
    """Each pixel becomes a block."""
    a, b = v.cache["size"]
    n, h, w, c = at
    if name == "y":
        return Sum("the nearest pixel", (v.pick("x", n, h // a, w // b, c),))
    if name != "dx":
        return None
    i, j = everywhere((a, b))
    return Sum(f"sum_ij dy[n, {h} s + i, {w} s + j, c]", (v.pick("dy", n, h * a + i, w * b + j, c),))
