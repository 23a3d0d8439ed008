"""Writes tests/golden/torch_vision.npz: PyTorch's answers for the layers that take pictures.

    python scripts/make_golden_vision.py             # writes the file
    python scripts/make_golden_vision.py --check     # computes everything again and compares with the file

As make_golden.py, whose tools it uses. Translated are: pictures, whose channels are the second axis there and the last
one here; a convolution's weights, which are (out, in, height, width) there and (height, width, in, out) here; a
transposed convolution's, which are (in, out, height, width) there; "same" with a stride, which torch refuses, as zeros
put around the picture; averages, which count the padding there unless they are told not to.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from make_golden import Arrays, N, Parameters, Tensor, main, tensor

FILE = Path(__file__).resolve().parents[1] / "tests" / "golden" / "torch_vision.npz"
Shapes = dict[str, tuple[int, ...]]
Call = Callable[[Tensor, Parameters], Tensor]
Pair = tuple[int, int]
Pads = tuple[int, int, int, int]  # left, right, top, bottom, as torch's pad takes them
CASES: dict[str, tuple[tuple[int, ...], Shapes, Call]] = {}


def channels_first(f: Call) -> Call:
    """f on channels as the second axis."""
    return lambda x, p: f(x.movedim(-1, 1), p).movedim(1, -1)


def conv(stride: Pair = (1, 1), pads: Pads = (0, 0, 0, 0), dilation: Pair = (1, 1), groups: int = 1) -> Call:
    return channels_first(
        lambda x, p: F.conv2d(F.pad(x, pads), p["W"].permute(3, 2, 0, 1), p.get("b"), stride, 0, dilation, groups)
    )


def conv1(stride: int = 1, pads: Pair = (0, 0), dilation: int = 1, groups: int = 1) -> Call:
    return channels_first(
        lambda x, p: F.conv1d(F.pad(x, pads), p["W"].permute(2, 1, 0), p.get("b"), stride, 0, dilation, groups)
    )


def deconv(stride: Pair = (1, 1), padding: int = 0) -> Call:
    return channels_first(lambda x, p: F.conv_transpose2d(x, p["W"].permute(2, 3, 0, 1), p["b"], stride, padding))


def max_pool(size: Pair, stride: Pair, pads: Pads = (0, 0, 0, 0)) -> Call:
    return channels_first(lambda x, p: F.max_pool2d(F.pad(x, pads, value=-torch.inf), size, stride))


def avg_pool(size: Pair, stride: Pair, padding: int = 0) -> Call:
    return channels_first(lambda x, p: F.avg_pool2d(x, size, stride, padding, count_include_pad=False))


def upsample(x: Tensor, p: Parameters) -> Tensor:
    return F.interpolate(x, scale_factor=(2.0, 3.0), mode="nearest")


def dropped(x: Tensor, p: Parameters) -> Tensor:
    u = tensor(np.random.default_rng(7).random((len(x), 1, 1, x.shape[-1])))  # the table's noise, not torch's
    return x * (u >= 0.4) / (1.0 - 0.4)


def weights(*shape: int, bias: bool = True) -> Shapes:
    return {"W": shape, "b": shape[-1:]} if bias else {"W": shape}


CASES |= {
    "conv2d": ((4, 3, 2), weights(2, 2, 2, 3), conv()),
    "conv2d_one_channel": ((4, 4, 1), weights(3, 3, 1, 2), conv(pads=(1, 1, 1, 1))),
    "conv2d_many_channels": ((1, 3, 8), weights(1, 2, 8, 2), conv()),
    "conv2d_of_single_pixels": ((2, 2, 2), weights(1, 1, 2, 3), conv()),
    "conv2d_same": ((3, 4, 2), weights(2, 3, 2, 2), conv(pads=(1, 1, 0, 1))),
    "conv2d_strided": ((5, 4, 2), weights(3, 3, 2, 2, bias=False), conv((2, 1), (1, 1, 1, 1))),
    "conv2d_dilated": ((4, 4, 2), weights(2, 2, 2, 2), conv((2, 2), (2, 2, 1, 1), (2, 3))),
    "conv2d_groups": ((3, 2, 6), weights(2, 2, 3, 4), conv(pads=(1, 1, 1, 1), groups=2)),
    "conv2d_depthwise": ((3, 3, 3), weights(2, 2, 1, 3), conv(groups=3)),
    "conv1d": ((5, 2), weights(2, 2, 3), conv1()),
    "conv1d_strided": ((6, 4), weights(3, 2, 4, bias=False), conv1(2, (1, 2), 2, 2)),
    "conv1d_padded": ((3, 2), weights(4, 2, 2), conv1(pads=(2, 2))),
    "deconv2d": ((3, 2, 3), weights(2, 3, 3, 2), deconv()),
    "deconv2d_same": ((2, 2, 3), weights(4, 4, 3, 2), deconv((2, 2), 1)),
    "deconv2d_strided": ((2, 3, 2), weights(3, 3, 2, 1), deconv((2, 1), 1)),
    "max_pool": ((4, 5, 2), {}, max_pool((2, 2), (2, 2))),
    "max_pool_overlapping": ((4, 3, 2), {}, max_pool((3, 2), (1, 1))),
    "max_pool_same": ((4, 3, 2), {}, max_pool((3, 3), (2, 2), (1, 1, 0, 1))),
    "avg_pool": ((5, 4, 2), {}, avg_pool((2, 2), (2, 2))),
    "avg_pool_padded": ((4, 3, 2), {}, avg_pool((3, 3), (2, 1), 1)),
    "global_avg_pool": ((2, 3, 4), {}, lambda x, p: F.adaptive_avg_pool2d(x.movedim(-1, 1), 1).flatten(1)),
    "upsample": ((2, 2, 2), {}, channels_first(upsample)),
    "spatial_dropout": ((2, 2, 3), {}, dropped),
}


def answers() -> Arrays:
    """Output, input gradient and parameter gradients of each case, for a random dy."""
    out: Arrays = {}
    for i, (name, (shape, wanted, f)) in enumerate(CASES.items()):
        rng = np.random.default_rng([5, i])
        x = tensor(rng.normal(size=(N, *shape))).requires_grad_()
        p = {key: tensor(0.5 * rng.normal(size=s)).requires_grad_() for key, s in wanted.items()}
        y = f(x, p)
        dy = tensor(rng.normal(size=tuple(y.shape)))
        y.backward(dy)
        assert x.grad is not None
        found = {"x": x.detach(), "dy": dy, "y": y.detach(), "dx": x.grad}
        found |= {f"p/{key}": a.detach() for key, a in p.items()}
        found |= {f"dp/{key}": a.grad for key, a in p.items() if a.grad is not None}
        out |= {f"layer/{name}/{key}": a.numpy() for key, a in found.items()}
    return out


if __name__ == "__main__":
    main(FILE, answers)
