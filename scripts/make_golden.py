"""Writes tests/golden/torch.npz: PyTorch's own answers, frozen, so that the tests need no PyTorch. Needs torch.

    python scripts/make_golden.py             # writes the file
    python scripts/make_golden.py --check     # computes everything again and compares with the file

Everything is float64 on one thread, and every input is drawn by NumPy from a seed written here, so any machine makes
the same numbers again: with the same torch to the bit, with another to about the last three digits (--check allows a
relative 1e-12). The file holds torch's and NumPy's version. Nothing here imports Pellucid.

Where the two libraries mean different things by one word, the script translates, and says so in a comment: Linear's
weights are (out, in) there and (in, out) here; momentum agrees only while the rate is constant, because torch's
velocity does not carry the rate; AdaGrad's eps is 1e-10 there and given here; one-cycle ends one step earlier there.
"""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

FILE = Path(__file__).resolve().parents[1] / "tests" / "golden" / "torch.npz"
N = 5
Tensor = torch.Tensor
Parameters = dict[str, Tensor]
Arrays = dict[str, np.ndarray]


def tensor(a: np.ndarray | list[float]) -> Tensor:
    return torch.tensor(a, dtype=torch.float64)


# ---- layers: name -> (one sample's shape, parameters' shapes, the function) ------------------------------------------


def linear(x: Tensor, p: Parameters, name: str = "") -> Tensor:
    return F.linear(x, p[f"{name}W"].T, p.get(f"{name}b"))  # torch's weights are (out, in)


def dropped(x: Tensor, p: Parameters) -> Tensor:
    u = tensor(np.random.default_rng(7).random(tuple(x.shape)))  # the table's noise; torch draws other numbers
    return x * (u >= 0.4) / (1.0 - 0.4)


def concat(x: Tensor, p: Parameters) -> Tensor:
    branches = [linear(x, p, "0.dense."), torch.sigmoid(linear(x, p, "1.sequential.0.dense.")), F.relu(x)]
    return torch.cat(branches, dim=-1)


W43, b3 = {"W": (4, 3)}, {"b": (3,)}
LAYERS: dict[str, tuple[tuple[int, ...], dict[str, tuple[int, ...]], Callable[[Tensor, Parameters], Tensor]]] = {
    "dense": ((4,), W43 | b3, linear),
    "dense_one_unit": ((4,), {"W": (4, 1), "b": (1,)}, linear),
    "dense_without_bias": ((4,), W43, linear),
    "dense_on_sequences": ((2, 4), W43 | b3, linear),
    "relu": ((4,), {}, lambda x, p: F.relu(x)),
    "relu_on_pictures": ((2, 3, 2), {}, lambda x, p: F.relu(x)),
    "leaky_relu": ((4,), {}, lambda x, p: F.leaky_relu(x, 0.2)),
    "elu": ((4,), {}, lambda x, p: F.elu(x, 1.5)),
    "sigmoid": ((4,), {}, lambda x, p: torch.sigmoid(x)),
    "tanh": ((4,), {}, lambda x, p: torch.tanh(x)),
    "silu": ((4,), {}, lambda x, p: F.silu(x)),
    "gelu": ((4,), {}, lambda x, p: F.gelu(x)),
    "softmax": ((4,), {}, lambda x, p: F.softmax(x, dim=-1)),
    "softmax_of_many": ((70,), {}, lambda x, p: F.softmax(x, dim=-1)),
    "softmax_on_sequences": ((2, 4), {}, lambda x, p: F.softmax(x, dim=-1)),
    "dropout": ((4,), {}, dropped),
    "flatten": ((2, 3, 2), {}, lambda x, p: torch.flatten(x, 1)),
    "reshape": ((6,), {}, lambda x, p: x.reshape(-1, 2, 3)),
    "sequential": (
        (4,),
        {"0.dense.W": (4, 3), "0.dense.b": (3,), "2.dense.W": (3, 2), "2.dense.b": (2,)},
        lambda x, p: linear(torch.tanh(linear(x, p, "0.dense.")), p, "2.dense."),
    ),
    "residual": (
        (4,),
        {"0.dense.W": (4, 3), "0.dense.b": (3,), "2.dense.W": (3, 4), "2.dense.b": (4,)},
        lambda x, p: x + linear(F.gelu(linear(x, p, "0.dense.")), p, "2.dense."),
    ),
    "concat": (
        (4,),
        {"0.dense.W": (4, 2), "0.dense.b": (2,), "1.sequential.0.dense.W": (4, 3), "1.sequential.0.dense.b": (3,)},
        concat,
    ),
    "concat_on_sequences": (
        (2, 4),
        {"0.dense.W": (4, 3), "0.dense.b": (3,)},
        lambda x, p: torch.cat([linear(x, p, "0.dense."), torch.tanh(x)], dim=-1),
    ),
}


def layers() -> Arrays:
    """Output, input gradient and parameter gradients of each layer, for a random dy."""
    out: Arrays = {}
    for i, (name, (shape, wanted, f)) in enumerate(LAYERS.items()):
        rng = np.random.default_rng([1, i])
        x = tensor(rng.normal(size=(N, *shape))).requires_grad_()
        p = {key: tensor(0.5 * rng.normal(size=s)).requires_grad_() for key, s in wanted.items()}
        y = f(x, p)
        dy = tensor(rng.normal(size=tuple(y.shape)))
        y.backward(dy)
        out |= {
            f"layer/{name}/{key}": a.detach().numpy() for key, a in (("x", x), ("dy", dy), ("y", y), ("dx", x.grad))
        }
        for key, a in p.items():
            out |= {f"layer/{name}/p/{key}": a.detach().numpy(), f"layer/{name}/dp/{key}": a.grad.numpy()}
    return out


# ---- losses: name -> (one sample's shape, kind of scores, kind of targets, weighted, the function of z, t, w) --------


def of_numbers(f: Callable[..., Tensor]) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """The weighted mean over the samples of the mean over each sample's numbers."""
    return lambda z, t, w: (f(z, t, reduction="none").flatten(1).mean(1) * w).sum() / w.sum()


def class_first(z: Tensor) -> Tensor:
    return z.movedim(-1, 1)  # torch wants (N, K, T), here it is (N, T, K)


def of_rows(z: Tensor, t: Tensor, w: Tensor) -> Tensor:
    rows = F.cross_entropy(class_first(z), t if t.dtype == torch.int64 else class_first(t), reduction="none")
    w = w.reshape(-1, *[1] * (rows.ndim - 1)).expand(rows.shape)
    return (rows * w).sum() / w.sum()


def log_of_probabilities(z: Tensor, t: Tensor, w: Tensor) -> Tensor:
    rows = F.nll_loss(class_first(torch.log(z)), t, reduction="none")
    w = w.reshape(-1, *[1] * (rows.ndim - 1)).expand(rows.shape)
    return (rows * w).sum() / w.sum()


CLASS_WEIGHTS = tensor([0.5, 1.0, 2.5])
LOSSES: dict[str, tuple[tuple[int, ...], str, str, bool, Callable[[Tensor, Tensor, Tensor], Tensor]]] = {
    "mse": ((3,), "scores", "values", False, lambda z, t, w: F.mse_loss(z, t)),
    "mse_weighted": ((3,), "scores", "values", True, of_numbers(F.mse_loss)),
    "mse_on_pictures": ((2, 3), "scores", "values", True, of_numbers(F.mse_loss)),
    "mae": ((3,), "scores", "values", False, lambda z, t, w: F.l1_loss(z, t)),
    "mae_weighted": ((3,), "scores", "values", True, of_numbers(F.l1_loss)),
    "huber": ((3,), "scores", "values", False, lambda z, t, w: F.huber_loss(z, t, delta=0.7)),
    "huber_weighted": (
        (3,), "scores", "values", True, of_numbers(lambda z, t, reduction: F.huber_loss(z, t, reduction, delta=0.7)),
    ),
    "bce": ((3,), "probabilities", "yes or no", False, lambda z, t, w: F.binary_cross_entropy(z, t)),
    "bce_weighted": ((3,), "probabilities", "shares", True, of_numbers(F.binary_cross_entropy)),
    "sigmoid_ce": (
        (3,), "scores", "yes or no", False, lambda z, t, w: F.binary_cross_entropy_with_logits(z, t),
    ),
    "sigmoid_ce_shares": ((3,), "scores", "shares", True, of_numbers(F.binary_cross_entropy_with_logits)),
    "categorical_ce": ((3,), "shares", "ids", False, log_of_probabilities),
    "categorical_ce_on_sequences": ((2, 3), "shares", "ids", True, log_of_probabilities),
    "softmax_ce": ((3,), "scores", "ids", False, lambda z, t, w: F.cross_entropy(z, t)),
    "softmax_ce_weighted": ((3,), "scores", "ids", True, of_rows),
    "softmax_ce_one_hot": ((3,), "scores", "one-hot", False, lambda z, t, w: F.cross_entropy(z, t)),
    "softmax_ce_shares": ((3,), "scores", "shares", True, of_rows),
    # With class weights and ids both divide by the sum of the weights; with shares torch divides by N: so only ids.
    "softmax_ce_class_weights": ((3,), "scores", "ids", False, lambda z, t, w: F.cross_entropy(z, t, CLASS_WEIGHTS)),
    "softmax_ce_on_sequences": ((2, 3), "scores", "ids", False, lambda z, t, w: F.cross_entropy(class_first(z), t)),
    "softmax_ce_on_sequences_weighted": ((2, 3), "scores", "ids", True, of_rows),
    "softmax_ce_on_sequences_shares": ((2, 3), "scores", "shares", True, of_rows),
}  # fmt: skip


def draw(rng: np.random.Generator, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    if kind == "ids":
        return rng.integers(0, shape[-1], shape[:-1])
    if kind == "one-hot":
        return np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]
    if kind == "shares":
        return rng.dirichlet(np.ones(shape[-1]), shape[:-1])
    if kind == "yes or no":
        return rng.integers(0, 2, shape).astype(np.float64)
    if kind == "probabilities":
        return rng.uniform(0.05, 0.95, shape)
    return (2.0 if kind == "scores" else 1.0) * rng.normal(size=shape)


def losses() -> Arrays:
    """Value and gradient of each loss."""
    out: Arrays = {}
    for i, (name, (shape, scores, targets, weighted, f)) in enumerate(LOSSES.items()):
        rng = np.random.default_rng([2, i])
        z = tensor(draw(rng, scores, (N, *shape))).requires_grad_()
        t, w = draw(rng, targets, (N, *shape)), rng.uniform(0.5, 2.0, N) if weighted else np.ones(N)
        value = f(z, torch.tensor(t), tensor(w))
        value.backward()
        out |= {f"loss/{name}/z": z.detach().numpy(), f"loss/{name}/t": t, f"loss/{name}/dz": z.grad.numpy()}
        out[f"loss/{name}/value"] = np.array(value.item())
        if weighted:
            out[f"loss/{name}/w"] = w
    return out


# ---- optimizers: twenty steps on the table's small problem -----------------------------------------------------------

START, GOAL = [0.8, -1.5, 0.3, 2.0, -0.4], [0.5, 0.25, -1.0, 1.5, 0.0]
CURVATURE = [1.0, 0.3, 3.0, 0.05, 10.0]
STEPS, LR = 20, 0.05
Optimizers = dict[str, Callable[[list[Tensor]], torch.optim.Optimizer]]
OPTIMIZERS: Optimizers = {
    "sgd": lambda p: torch.optim.SGD(p, LR),
    "sgd_momentum": lambda p: torch.optim.SGD(p, LR, momentum=0.9),  # the same while the rate is constant
    "sgd_nesterov": lambda p: torch.optim.SGD(p, LR, momentum=0.9, nesterov=True),
    "adagrad": lambda p: torch.optim.Adagrad(p, LR, eps=1e-6),  # torch's own default is 1e-10
    "rmsprop": lambda p: torch.optim.RMSprop(p, LR, alpha=0.8, eps=1e-8),  # eps outside the root, as here
    "adam": lambda p: torch.optim.Adam(p, LR),
    "adam_other_betas": lambda p: torch.optim.Adam(p, LR, (0.8, 0.95), 1e-4),
    "adamw": lambda p: torch.optim.AdamW(p, LR, weight_decay=0.1),
}
SCHEDULED: Optimizers = {  # with the rate LR / (1 + 0.2 step); momentum would differ, see above
    "sgd": OPTIMIZERS["sgd"],
    "adagrad": OPTIMIZERS["adagrad"],
    "rmsprop": OPTIMIZERS["rmsprop"],
    "adam": OPTIMIZERS["adam"],
    "adamw": OPTIMIZERS["adamw"],
}


def walk(make: Callable[[list[Tensor]], torch.optim.Optimizer], decay: float) -> np.ndarray:
    theta, path = tensor(START).requires_grad_(), []
    goal, curvature = tensor(GOAL), tensor(CURVATURE)
    optimizer = make([theta])
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0 / (1.0 + decay * step))
    for _ in range(STEPS):
        optimizer.zero_grad()
        (curvature * (theta - goal) ** 2 / 2.0 + theta**4 / 40.0).sum().backward()
        optimizer.step()
        schedule.step()
        path.append(theta.detach().numpy().copy())
    return np.array(path)


def optimizers() -> Arrays:
    """The parameters after each step; the gradient is torch's own."""
    constant = {f"optimizer/{name}": walk(make, 0.0) for name, make in OPTIMIZERS.items()}
    return constant | {f"optimizer/{name}/scheduled": walk(make, 0.2) for name, make in SCHEDULED.items()}


# ---- schedules -------------------------------------------------------------------------------------------------------

lr = torch.optim.lr_scheduler
SCHEDULES: dict[str, tuple[int, Callable[[torch.optim.Optimizer], lr.LRScheduler]]] = {
    "cosine": (30, lambda o: lr.CosineAnnealingLR(o, T_max=29, eta_min=0.02)),  # to its end; torch's then rises again
    "step_decay": (25, lambda o: lr.StepLR(o, step_size=7, gamma=0.3)),
    "exponential": (25, lambda o: lr.ExponentialLR(o, gamma=0.9)),
    "warmup": (12, lambda o: lr.LinearLR(o, start_factor=1 / 8, total_iters=7)),  # (step + 1) / 8 of the rate
    # torch's cycle reaches its top one step before pct_start * total_steps and its end at total_steps - 1: in our words
    # one_cycle(1.0, steps=49, rise=14 / 49). Its final rate is a share of the first, ours of the peak: 25 * 400 = 1e4.
    "one_cycle": (
        50,
        lambda o: lr.OneCycleLR(o, 1.0, total_steps=50, pct_start=0.3, div_factor=25, final_div_factor=400),
    ),
}


def schedules() -> Arrays:
    """The rates of each schedule, starting from 1."""
    out: Arrays = {}
    for name, (steps, make) in SCHEDULES.items():
        optimizer = torch.optim.SGD([tensor([0.0]).requires_grad_()], 1.0)
        schedule, rates = make(optimizer), []
        for step in range(steps):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if step < steps - 1:
                schedule.step()
        out[f"schedule/{name}"] = np.array(rates)
    return out


# ---- one whole training ----------------------------------------------------------------------------------------------

SAMPLES, FEATURES, HIDDEN, CLASSES, BATCH, EPOCHS = 96, 6, (16, 8), 3, 20, 6


def training() -> Arrays:
    """6-16-8-3 with ReLU and tanh, cross-entropy, Adam(0.01), batches of 20 and a last one of 16, in a fixed order."""
    rng = np.random.default_rng(3)
    t = np.arange(SAMPLES) % CLASSES
    x = rng.normal(size=(SAMPLES, FEATURES)) + 1.5 * np.eye(CLASSES, FEATURES)[t]
    orders = np.array([rng.permutation(SAMPLES) for _ in range(EPOCHS)])
    sizes = (FEATURES, *HIDDEN, CLASSES)
    p, out = [], {"training/x": x, "training/t": t, "training/orders": orders}
    for i, (D, K) in enumerate(pairwise(sizes)):
        W, b = rng.normal(size=(D, K)) * np.sqrt(2.0 / D), 0.1 * rng.normal(size=K)
        out |= {f"training/first/{2 * i}.dense.W": W, f"training/first/{2 * i}.dense.b": b}
        p += [tensor(W.T).requires_grad_(), tensor(b).requires_grad_()]
    optimizer, curve = torch.optim.Adam(p, 0.01), []
    X, T = tensor(x), torch.tensor(t)
    for order in orders:
        for at in np.split(order, range(BATCH, SAMPLES, BATCH)):
            optimizer.zero_grad()
            hidden = torch.tanh(F.linear(F.relu(F.linear(X[at], p[0], p[1])), p[2], p[3]))
            loss = F.cross_entropy(F.linear(hidden, p[4], p[5]), T[at])
            loss.backward()
            optimizer.step()
            curve.append(loss.item())
    for i in range(3):
        W, b = p[2 * i].detach().numpy().T, p[2 * i + 1].detach().numpy()
        out |= {f"training/last/{2 * i}.dense.W": W, f"training/last/{2 * i}.dense.b": b}
    return out | {"training/curve": np.array(curve)}


# ---- the file --------------------------------------------------------------------------------------------------------


def compute(*parts: Callable[[], Arrays]) -> Arrays:
    torch.set_num_threads(1)
    numbers: Arrays = {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for part in parts:
            numbers |= part()
    versions = {"version/torch": np.array(torch.__version__), "version/numpy": np.array(np.__version__)}
    return {key: np.asarray(a, order="C") for key, a in (versions | numbers).items()}


def write(numbers: Arrays, path: Path = FILE) -> None:
    """Atomically: a temporary file beside it, then a rename."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **numbers)
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(buffer.getvalue())
    os.replace(temporary, path)
    print(f"{path.name}: {len(numbers)} arrays, {path.stat().st_size:,} bytes, torch {torch.__version__}")


def check(numbers: Arrays, path: Path = FILE) -> int:
    """0 if the file holds these numbers, else 1; every array that differs is named."""
    with np.load(path, allow_pickle=False) as stored:
        bad = sorted(set(stored.files) ^ set(numbers))
        for key in set(stored.files) & set(numbers):
            old, new = stored[key], numbers[key]
            same = np.array_equal(old, new) if old.dtype.kind != "f" else np.allclose(new, old, rtol=1e-12, atol=1e-14)
            if not same and not key.startswith("version/"):
                bad.append(key)
    print(f"{len(numbers)} arrays compared; " + (f"different: {', '.join(bad)}" if bad else "all the same"))
    return 1 if bad else 0


def main(path: Path, *parts: Callable[[], Arrays]) -> None:
    """Write the file, or with --check compare it."""
    if "--check" in sys.argv[1:]:
        sys.exit(check(compute(*parts), path))
    write(compute(*parts), path)


if __name__ == "__main__":
    main(FILE, layers, losses, optimizers, schedules, training)
