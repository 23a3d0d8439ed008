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
from typing import Any

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


# ---- recurrent layers ------------------------------------------------------------------------------------------------


def recurrent(kind: type[torch.nn.RNNBase], K: int, sequence: bool) -> Call:
    def f(x: Tensor, p: Parameters, kept: Parameters) -> Tensor:
        y, h = called(kind, K, x, p)
        return y if sequence else h[0]

    return f


def called(kind: type[torch.nn.RNNBase], K: int, x: Any, p: Parameters) -> tuple[Any, Tensor]:
    """The outputs and the last state h."""
    layer = kind(len(p["Wx"]), K, batch_first=True).double()
    zero = torch.zeros_like(p["bh"] if "bh" in p else p["b"])
    weights = {
        "weight_ih_l0": p["Wx"].T,
        "weight_hh_l0": p["Wh"].T,
        "bias_ih_l0": p["bx"] if "bx" in p else p["b"],
        "bias_hh_l0": p.get("bh", zero),
    }
    y, last = torch.func.functional_call(layer, weights, (x,))
    return y, last[0] if kind is torch.nn.LSTM else last


def weights(G: int, D: int, K: int) -> Shapes:
    biases = {"bx": (G * K,), "bh": (G * K,)} if G == 3 else {"b": (G * K,)}
    return {"Wx": (D, G * K), "Wh": (K, G * K)} | biases


for name, kind, G in (("simple_rnn", torch.nn.RNN, 1), ("gru", torch.nn.GRU, 3), ("lstm", torch.nn.LSTM, 4)):
    case(name, (4, 2), weights(G, 2, 3), recurrent(kind, 3, False))
    case(name + "_sequence", (4, 2), weights(G, 2, 3), recurrent(kind, 3, True))
case("simple_rnn_one_step", (1, 3), weights(1, 3, 2), recurrent(torch.nn.RNN, 2, False))

LENGTHS = [4, 1, 3, 2, 4]


def shorter() -> Arrays:
    """Sequences of several lengths in one batch: the last state of each, and the gradients. Under short/NAME/."""
    out: Arrays = {"short/lengths": np.array(LENGTHS)}
    for i, (name, kind, G) in enumerate((("gru", torch.nn.GRU, 3), ("lstm", torch.nn.LSTM, 4))):
        rng = np.random.default_rng([5, i])
        x = tensor(rng.normal(size=(N, 4, 2))).requires_grad_()
        p = {key: tensor(0.5 * rng.normal(size=s)).requires_grad_() for key, s in weights(G, 2, 3).items()}
        packed = torch.nn.utils.rnn.pack_padded_sequence(x, torch.tensor(LENGTHS), True, enforce_sorted=False)
        y = called(kind, 3, packed, p)[1][0]
        dy = tensor(rng.normal(size=tuple(y.shape)))
        y.backward(dy)
        for key, a in {"x": x, "dy": dy, "y": y, "dx": x.grad}.items():
            out[f"short/{name}/{key}"] = a.detach().numpy()
        for key, a in p.items():
            out |= {f"short/{name}/p/{key}": a.detach().numpy(), f"short/{name}/dp/{key}": a.grad.numpy()}
    return out


# ---- attention -------------------------------------------------------------------------------------------------------


def attention(heads: int, causal: bool) -> Call:
    def f(x: Tensor, p: Parameters, kept: Parameters) -> Tensor:
        layer = torch.nn.MultiheadAttention(x.shape[-1], heads, batch_first=True).double()
        names = {"in_proj_weight": p["W"].T, "in_proj_bias": p["b"]}
        names |= {"out_proj.weight": p["Wo"].T, "out_proj.bias": p["bo"]}
        hidden = torch.triu(torch.ones(x.shape[1], x.shape[1], dtype=torch.bool), 1) if causal else None
        return torch.func.functional_call(layer, names, (x, x, x), {"attn_mask": hidden, "need_weights": False})[0]

    return f


def projections(D: int) -> Shapes:
    return {"W": (D, 3 * D), "b": (3 * D,), "Wo": (D, D), "bo": (D,)}


case("attention", (3, 4), projections(4), attention(2, False))
case("attention_one_head", (3, 3), projections(3), attention(1, False))
case("attention_causal", (4, 4), projections(4), attention(2, True))


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
    main(FILE, answers, shorter)
