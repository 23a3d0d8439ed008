"""The layers for pictures as loops over nested lists of numbers: every window is visited, every product is added.

Padding is never written down here: a place outside the picture is simply left out of the sums.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.reference.layers import Named, Numbers, Twin, flat

Pair = tuple[int, int]
Spot = tuple[int, int, int, int, int, int]  # h, w in the output; i, j in the window; the place in the picture


def size(x: Numbers) -> tuple[int, int, int, int]:
    return len(x), len(x[0]), len(x[0][0]), len(x[0][0][0])


def zeros(*shape: int) -> Numbers:
    return [zeros(*shape[1:]) for _ in range(shape[0])] if shape else 0.0


def outputs(inside: int, reach: int, stride: int, pad: int | str) -> tuple[int, int]:
    """How many places there are along one axis, and how much is padded before the first."""
    if pad == "same":
        places = (inside + stride - 1) // stride
        return places, max((places - 1) * stride + reach - inside, 0) // 2
    before = 0 if pad == "valid" else int(pad)
    return (inside + 2 * before - reach) // stride + 1, before


class Slide:
    """A window sliding over a picture: its kernel, stride, padding, dilation, each (along height, along width)."""

    def __init__(self, kernel: Pair, stride: Pair = (1, 1), pad: int | str | Pair = "valid", dilation: Pair = (1, 1)):
        self.kernel, self.stride, self.dilation = kernel, stride, dilation
        self.pad = pad if isinstance(pad, tuple) else (pad, pad)

    def places(self, H: int, W: int) -> tuple[Pair, Pair]:
        """((Ho, padded above), (Wo, padded to the left))."""
        reach = [d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True)]
        return outputs(H, reach[0], self.stride[0], self.pad[0]), outputs(W, reach[1], self.stride[1], self.pad[1])

    def spots(self, H: int, W: int) -> Iterator[Spot]:
        """Every (h, w, i, j) whose pixel is in the picture, and that pixel."""
        (Ho, top), (Wo, left) = self.places(H, W)
        for h in range(Ho):
            for w in range(Wo):
                for i in range(self.kernel[0]):
                    for j in range(self.kernel[1]):
                        a = h * self.stride[0] + i * self.dilation[0] - top
                        b = w * self.stride[1] + j * self.dilation[1] - left
                        if 0 <= a < H and 0 <= b < W:
                            yield h, w, i, j, a, b


def conv2d(slide: Slide, groups: int = 1) -> Twin:
    def links(x: Numbers, W: Numbers) -> Iterator[tuple[int, int, int, int, int, int, int, int, int, int]]:
        """Every n, h, w, o, and with it i, j, c in W and a, b, channel in x."""
        N, height, width, C = size(x)
        O = len(W[0][0][0])
        for n in range(N):
            for h, w, i, j, a, b in slide.spots(height, width):
                for o in range(O):
                    g = o // (O // groups)
                    for c in range(C // groups):
                        yield n, h, w, o, i, j, c, a, b, g * (C // groups) + c

    def forward(x: Numbers, p: Named) -> Numbers:
        N, H, W, _ = size(x)
        (Ho, _), (Wo, _) = slide.places(H, W)
        O = len(p["W"][0][0][0])
        y = zeros(N, Ho, Wo, O)
        for n, h, w, o, i, j, c, a, b, channel in links(x, p["W"]):
            y[n][h][w][o] += x[n][a][b][channel] * p["W"][i][j][c][o]
        for n in range(N):
            for h in range(Ho):
                for w in range(Wo):
                    for o in range(O):
                        y[n][h][w][o] += p["b"][o] if "b" in p else 0.0
        return y

    def backward(x: Numbers, p: Named, dy: Numbers) -> tuple[Numbers, Named]:
        dx, dW = zeros(*size(x)), zeros(*size(p["W"]))
        for n, h, w, o, i, j, c, a, b, channel in links(x, p["W"]):
            dx[n][a][b][channel] += dy[n][h][w][o] * p["W"][i][j][c][o]
            dW[i][j][c][o] += x[n][a][b][channel] * dy[n][h][w][o]
        return dx, {"W": dW, "b": bias(dy)} if "b" in p else {"W": dW}

    return Twin(forward, backward)


def bias(dy: Numbers) -> list[float]:
    numbers, O = flat(dy), size(dy)[3]
    return [sum(numbers[o::O]) for o in range(O)]


def conv1d(slide: Slide, groups: int = 1) -> Twin:
    """A sequence is a picture of height 1."""
    two = conv2d(slide, groups)

    def high(p: Named) -> Named:
        return p | {"W": [p["W"]]}

    def backward(x: Numbers, p: Named, dy: Numbers) -> tuple[Numbers, Named]:
        dx, grads = two.backward([[s] for s in x], high(p), [[s] for s in dy])
        return [s[0] for s in dx], grads | {"W": grads["W"][0]}

    return Twin(lambda x, p: [s[0] for s in two.forward([[s] for s in x], high(p))], backward)


def deconv2d(kernel: Pair, stride: Pair, out: Pair, crop: Pair) -> Twin:
    """Every number of x spread over a window of y, whose height and width are `out`; `crop` is lost above and left."""

    def links(x: Numbers, W: Numbers) -> Iterator[tuple[int, int, int, int, int, int, int, int, int]]:
        N, height, width, C = size(x)
        for n in range(N):
            for h in range(height):
                for w in range(width):
                    for i in range(kernel[0]):
                        for j in range(kernel[1]):
                            a, b = h * stride[0] + i - crop[0], w * stride[1] + j - crop[1]
                            if 0 <= a < out[0] and 0 <= b < out[1]:
                                for c in range(C):
                                    for o in range(len(W[0][0][0])):
                                        yield n, h, w, i, j, c, o, a, b

    def forward(x: Numbers, p: Named) -> Numbers:
        O = len(p["W"][0][0][0])
        y = [[[[p["b"][o] for o in range(O)] for _ in range(out[1])] for _ in range(out[0])] for _ in x]
        for n, h, w, i, j, c, o, a, b in links(x, p["W"]):
            y[n][a][b][o] += x[n][h][w][c] * p["W"][i][j][c][o]
        return y

    def backward(x: Numbers, p: Named, dy: Numbers) -> tuple[Numbers, Named]:
        dx, dW = zeros(*size(x)), zeros(*size(p["W"]))
        for n, h, w, i, j, c, o, a, b in links(x, p["W"]):
            dx[n][h][w][c] += dy[n][a][b][o] * p["W"][i][j][c][o]
            dW[i][j][c][o] += x[n][h][w][c] * dy[n][a][b][o]
        return dx, {"W": dW, "b": bias(dy)}

    return Twin(forward, backward)


# ---- pooling ---------------------------------------------------------------------------------------------------------

Share = Callable[[list[float]], list[float]]  # how much of the output each number of a window is


def pool(slide: Slide, value: Callable[[list[float]], float], share: Share) -> Twin:
    def windows(x: Numbers) -> Iterator[tuple[int, int, int, int, list[Pair]]]:
        """Every n, h, w, c and the pixels that the window holds there."""
        N, H, W, C = size(x)
        seen: dict[Pair, list[Pair]] = {}
        for h, w, _, _, a, b in slide.spots(H, W):
            seen.setdefault((h, w), []).append((a, b))
        return ((n, h, w, c, spots) for n in range(N) for (h, w), spots in seen.items() for c in range(C))

    def forward(x: Numbers, p: Named) -> Numbers:
        N, H, W, C = size(x)
        (Ho, _), (Wo, _) = slide.places(H, W)
        y = zeros(N, Ho, Wo, C)
        for n, h, w, c, spots in windows(x):
            y[n][h][w][c] = value([x[n][a][b][c] for a, b in spots])
        return y

    def backward(x: Numbers, p: Named, dy: Numbers) -> tuple[Numbers, Named]:
        dx = zeros(*size(x))
        for n, h, w, c, spots in windows(x):
            shares = share([x[n][a][b][c] for a, b in spots])
            for (a, b), s in zip(spots, shares, strict=True):
                dx[n][a][b][c] += s * dy[n][h][w][c]
        return dx, {}

    return Twin(forward, backward)


def max_pool(slide: Slide) -> Twin:
    return pool(slide, max, lambda seen: [1.0 if k == seen.index(max(seen)) else 0.0 for k in range(len(seen))])


def avg_pool(slide: Slide) -> Twin:
    return pool(slide, lambda seen: sum(seen) / len(seen), lambda seen: [1.0 / len(seen)] * len(seen))


def global_avg_forward(x: Numbers, p: Named) -> Numbers:
    N, H, W, C = size(x)
    return [[sum(x[n][h][w][c] for h in range(H) for w in range(W)) / (H * W) for c in range(C)] for n in range(N)]


def global_avg_backward(x: Numbers, p: Named, dy: Numbers) -> tuple[Numbers, Named]:
    N, H, W, C = size(x)
    return [[[[dy[n][c] / (H * W) for c in range(C)] for _ in range(W)] for _ in range(H)] for n in range(N)], {}


global_avg = Twin(global_avg_forward, global_avg_backward)


# ---- larger pictures, dropped channels -------------------------------------------------------------------------------


def upsample(a: int, b: int) -> Twin:
    def forward(x: Numbers, p: Named) -> Numbers:
        N, H, W, _ = size(x)
        return [[[x[n][h // a][w // b] for w in range(W * b)] for h in range(H * a)] for n in range(N)]

    def backward(x: Numbers, p: Named, dy: Numbers) -> tuple[Numbers, Named]:
        N, H, W, C = size(x)
        dx = zeros(N, H, W, C)
        for n in range(N):
            for h in range(H * a):
                for w in range(W * b):
                    for c in range(C):
                        dx[n][h // a][w // b][c] += dy[n][h][w][c]
        return dx, {}

    return Twin(forward, backward)


def spatial_dropout(drop: float) -> Twin:
    """p["u"] holds a number for each pixel; the layer draws one for each channel of each picture, so the first N C."""

    def masked(x: Numbers, u: Numbers) -> Numbers:
        N, H, W, C = size(x)
        drawn = flat(u)
        mask = [[1.0 / (1.0 - drop) if drawn[n * C + c] >= drop else 0.0 for c in range(C)] for n in range(N)]
        return [
            [[[x[n][h][w][c] * mask[n][c] for c in range(C)] for w in range(W)] for h in range(H)] for n in range(N)
        ]

    return Twin(lambda x, p: masked(x, p["u"]), lambda x, p, dy: (masked(dy, p["u"]), {}))
