"""How long one training step of a small CNN takes: 28x28x1, batch 64, Adam.

    python benchmarks/cnn_step.py [--quick] [--parts]

conv 3x3x32, ReLU, max-pool 2, conv 3x3x64, ReLU, max-pool 2, dense 128, ReLU, dense 10, softmax cross-entropy. PyTorch
runs in its default layout and in channels_last, which is how Pellucid lays out pictures. How the times are taken and
compared is in contest.py.

The last line is the floor: the matrix products of the second convolution alone, over patches that are there already,
written into arrays that are there already. --parts prints how Pellucid's own step divides among the layers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from contest import (
    FAST,
    NUMPY,
    WARM_UP,
    Batch,
    Competitor,
    Jax,
    Pellucid,
    Torch,
    Weights,
    drawn,
    introduce,
    options,
    race,
)

N, STEPS = 64, 20
SHAPES = ((3, 3, 1, 32), (32,), (3, 3, 32, 64), (64,), (1600, 128), (128,), (128, 10), (10,))


def pellucid() -> Any:
    import pellucid as pl

    return pl.Model(
        pl.Conv2D(32, 3), pl.ReLU(), pl.MaxPool2D(), pl.Conv2D(64, 3), pl.ReLU(), pl.MaxPool2D(),
        pl.Flatten(), pl.Dense(128), pl.ReLU(), pl.Dense(10),
        loss=pl.SoftmaxCrossEntropy(), input_shape=(28, 28, 1),
    )  # fmt: skip


def torch() -> Any:
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(1600, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip


def jax(p: Any, x: Any) -> Any:
    """The scores of pictures x; W and b of conv, conv, dense, dense in our layout."""
    from jax import lax, nn

    for W, b in (p[0:2], p[2:4]):
        x = nn.relu(lax.conv_general_dilated(x, W, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")) + b)
        x = lax.reduce_window(x, -np.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    return nn.relu(x.reshape(len(x), -1) @ p[4] + p[5]) @ p[6] + p[7]


def there(i: int, w: Any) -> Any:
    """Our i-th array in PyTorch's layout: channels before places, outputs before inputs."""
    if i == 4:  # the rows of the first dense layer are places and channels
        w = w.reshape(5, 5, 64, 128).transpose(2, 0, 1, 3).reshape(1600, 128)
    return np.ascontiguousarray(w.transpose(3, 2, 0, 1) if w.ndim == 4 else w.T)


def here(i: int, w: Any) -> Any:
    """PyTorch's i-th array in our layout."""
    w = w.transpose(2, 3, 1, 0) if w.ndim == 4 else w.T
    return w.reshape(64, 5, 5, 128).transpose(1, 2, 0, 3).reshape(1600, 128) if i == 4 else w


class Products(Competitor):
    """The floor: one product forward and two backward, 8 pictures at a time."""

    def start(self, weights: Weights) -> None:
        rng, places = np.random.default_rng(0), 8 * 11 * 11
        self.W = weights[2].reshape(288, 64)
        self.P, self.dy = rng.random((places, 288), np.float32), rng.random((places, 64), np.float32)
        self.y, self.dP, self.dW = np.empty_like(self.dy), np.empty_like(self.P), np.empty_like(self.W)

    def train(self, batches: Any) -> None:
        for _ in range(len(batches) * N // 8):
            np.dot(self.P, self.W, out=self.y)
            np.dot(self.P.T, self.dy, out=self.dW)
            np.dot(self.dy, self.W.T, out=self.dP)

    def weights(self) -> None:
        return None


COMPETITORS: dict[str, tuple[str, Callable[[], Competitor]]] = {
    NUMPY: ("pellucid", lambda: Pellucid(pellucid, "reference")),
    FAST: ("numba", lambda: Pellucid(pellucid, "jit")),
    "PyTorch, default layout": ("torch", lambda: Torch(torch, there, here)),
    "PyTorch, channels_last": ("torch", lambda: Torch(torch, there, here, channels_last=True)),
    "JAX jit, donated buffers": ("jax", lambda: Jax(jax)),
    "second convolution's products": ("numpy", Products),
}


def draw(batch: int = N, count: int = WARM_UP + STEPS) -> tuple[Weights, list[Batch]]:
    """First weights, and different batches with random labels."""
    rng = np.random.default_rng(N)
    weights = drawn(rng, *SHAPES)
    return weights, [(rng.random((batch, 28, 28, 1), np.float32), rng.integers(0, 10, batch)) for _ in range(count)]


def main() -> None:
    asked = options("How long one training step of a small CNN takes, beside PyTorch and JAX.").parse_args()
    introduce()
    race(f"One step of the CNN, batch {N}", COMPETITORS, *draw(), asked)


if __name__ == "__main__":
    main()
