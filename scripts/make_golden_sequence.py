"""Writes tests/golden/torch_sequence.npz: PyTorch's answers for normalisation, embedding, recurrent layers, attention.

    python scripts/make_golden_sequence.py             # writes the file
    python scripts/make_golden_sequence.py --check     # computes everything again and compares with the file

As make_golden.py, whose tools it uses. Translated are: weights, which are (out, in) there; pictures, whose channels
are the second axis there and the last one here; a recurrent layer's two biases, which add up to our one (except in the
GRU, which has both); and where attention has one product for query, key and value, its weights.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from make_golden import Arrays, N, Parameters, Tensor, main, tensor

FILE = Path(__file__).resolve().parents[1] / "tests" / "golden" / "torch_sequence.npz"
Shapes = dict[str, tuple[int, ...]]
Call = Callable[[Tensor, Parameters, Parameters], Tensor]  # of x, the parameters, and the buffers, which it may change
CASES: dict[str, tuple[tuple[int, ...], Shapes, Shapes, int, Call]] = {}


def case(
    name: str, shape: tuple[int, ...], wanted: Shapes, f: Call, buffers: Shapes | None = None, ids: int = 0
) -> None:
    CASES[name] = (shape, wanted, buffers or {}, ids, f)


def channels_first(f: Call) -> Call:
    """f on channels as the second axis."""
    return lambda x, p, kept: f(x.movedim(-1, 1), p, kept).movedim(1, -1)


# ---- normalisation ---------------------------------------------------------------------------------------------------


def batch_norm(training: bool, momentum: float) -> Call:
    return channels_first(
        lambda x, p, kept: F.batch_norm(x, kept["mean"], kept["var"], p["g"], p["b"], training, momentum, 1e-5)
    )


def group_norm(groups: int) -> Call:
    return channels_first(lambda x, p, kept: F.group_norm(x, groups, p["g"], p["b"]))


def scales(D: int) -> Shapes:
    return {"g": (D,), "b": (D,)}


def running(D: int) -> Shapes:
    return {"mean": (D,), "var": (D,)}


case("batch_norm", (3,), scales(3), batch_norm(False, 0.1), running(3))
case("batch_norm_on_pictures", (2, 3, 2), scales(2), batch_norm(False, 0.3), running(2))
case("batch_norm_training", (2, 3), scales(3), batch_norm(True, 0.1), running(3))
case("batch_norm_training_on_pictures", (2, 3, 2), scales(2), batch_norm(True, 0.3), running(2))
for name, shape in (("layer_norm", (4,)), ("layer_norm_on_sequences", (2, 4))):
    case(name, shape, scales(4), lambda x, p, kept: F.layer_norm(x, (4,), p["g"], p["b"]))
case("group_norm", (2, 3, 4), scales(4), group_norm(2))
case("group_norm_one_group", (2, 2, 3), scales(3), group_norm(1))
case("group_norm_each_channel", (2, 2, 3), scales(3), group_norm(3))
case("group_norm_on_rows", (6,), scales(6), group_norm(2))


# ---- embedding -------------------------------------------------------------------------------------------------------


def padded(x: Tensor, p: Parameters, kept: Parameters) -> Tensor:
    with torch.no_grad():
        p["W"][1] = 0.0  # torch gives back the row of the pad as it is, and makes it 0 when a layer is built
    return F.embedding(x, p["W"], padding_idx=1)


def encoded(x: Tensor, p: Parameters, kept: Parameters) -> Tensor:
    """As in PyTorch's tutorial of transformers; torch itself has no such layer."""
    T, D = x.shape[1:]
    position = torch.arange(T, dtype=torch.float64).unsqueeze(1)
    rate = torch.exp(torch.arange(0, D, 2, dtype=torch.float64) * (-np.log(10000.0) / D))
    table = torch.zeros(T, D, dtype=torch.float64)
    table[:, 0::2] = torch.sin(position * rate)
    table[:, 1::2] = torch.cos(position * rate)[:, : D // 2]
    return x + table


case("embedding", (4,), {"W": (6, 3)}, lambda x, p, kept: F.embedding(x, p["W"]), ids=6)
case("embedding_with_pad", (5,), {"W": (4, 3)}, padded, ids=4)
case("embedding_of_tables", (2, 3), {"W": (3, 2)}, lambda x, p, kept: F.embedding(x, p["W"]), ids=3)
case("positional_encoding", (3, 4), {}, encoded)
case("positional_encoding_of_odd_width", (4, 3), {}, encoded)


def answers() -> Arrays:
    """Output, gradients, and the buffers before and after, of each case, for a random dy."""
    out: Arrays = {}
    for i, (name, (shape, wanted, buffers, ids, f)) in enumerate(CASES.items()):
        rng = np.random.default_rng([4, i])
        drawn = rng.integers(0, ids, (N, *shape)) if ids else rng.normal(size=(N, *shape))
        x = torch.tensor(drawn) if ids else tensor(drawn).requires_grad_()
        p = {key: tensor(0.5 * rng.normal(size=s)).requires_grad_() for key, s in wanted.items()}
        kept = {key: tensor(rng.uniform(0.5, 1.5, s)) for key, s in buffers.items()}
        out |= {f"layer/{name}/buffer/{key}": a.numpy().copy() for key, a in kept.items()}
        y = f(x, p, kept)
        dy = tensor(rng.normal(size=tuple(y.shape)))
        y.backward(dy)
        out |= {f"layer/{name}/{key}": a.detach().numpy() for key, a in (("x", x), ("dy", dy), ("y", y))}
        out |= {f"layer/{name}/after/{key}": a.numpy() for key, a in kept.items()}
        if x.grad is not None:
            out[f"layer/{name}/dx"] = x.grad.numpy()
        for key, a in p.items():
            out |= {f"layer/{name}/p/{key}": a.detach().numpy(), f"layer/{name}/dp/{key}": a.grad.numpy()}
    return out


if __name__ == "__main__":
    main(FILE, answers)
