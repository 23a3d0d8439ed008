"""How long one training step of a small residual network takes: 16x16 pictures of 3 colours, batch 32, Adam.

    python benchmarks/resnet_step.py [--quick] [--parts]

conv 3x3x32, batch norm, ReLU; then the block: x + (conv 3x3, batch norm, ReLU, conv 3x3, batch norm), ReLU; then the
mean of all places and a dense layer of 10, softmax cross-entropy. The block works on (32, 16, 16, 32). PyTorch runs in
its default layout and in channels_last. How the times are taken and compared is in contest.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from contest import FAST, NUMPY, WARM_UP, Batch, Competitor, Pellucid, Torch, Weights, drawn, introduce, options, race

N, SIDE, C, STEPS = 32, 16, 32, 20
SHAPES = ((3, 3, 3, C), (C,), (C,), *(((3, 3, C, C), (C,), (C,)) * 2), (C, 10), (10,))
GAINS = (1, 4, 7)  # a batch norm's gains, which begin at 1


def pellucid() -> Any:
    import pellucid as pl

    def conv() -> pl.Layer:
        return pl.Conv2D(C, 3, padding="same", bias=False)

    return pl.Model(
        conv(), pl.BatchNorm(), pl.ReLU(),
        pl.Residual(conv(), pl.BatchNorm(), pl.ReLU(), conv(), pl.BatchNorm()), pl.ReLU(),
        pl.GlobalAvgPool2D(), pl.Dense(10),
        loss=pl.SoftmaxCrossEntropy(), input_shape=(SIDE, SIDE, 3),
    )  # fmt: skip


def torch() -> Any:
    from torch import nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Sequential(
                nn.Conv2d(C, C, 3, padding=1, bias=False), nn.BatchNorm2d(C), nn.ReLU(),
                nn.Conv2d(C, C, 3, padding=1, bias=False), nn.BatchNorm2d(C),
            )  # fmt: skip

        def forward(self, x: Any) -> Any:
            return x + self.inner(x)

    return nn.Sequential(
        nn.Conv2d(3, C, 3, padding=1, bias=False), nn.BatchNorm2d(C), nn.ReLU(), Block(), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(C, 10),
    )  # fmt: skip


def there(i: int, w: Any) -> Any:
    """Our array in PyTorch's layout: channels before places, outputs before inputs."""
    return np.ascontiguousarray(w.transpose(3, 2, 0, 1) if w.ndim == 4 else w.T)


def here(i: int, w: Any) -> Any:
    """PyTorch's array in our layout."""
    return w.transpose(2, 3, 1, 0) if w.ndim == 4 else w.T


COMPETITORS: dict[str, tuple[str, Callable[[], Competitor]]] = {
    NUMPY: ("pellucid", lambda: Pellucid(pellucid, "reference")),
    FAST: ("numba", lambda: Pellucid(pellucid, "jit")),
    "PyTorch, default layout": ("torch", lambda: Torch(torch, there, here)),
    "PyTorch, channels_last": ("torch", lambda: Torch(torch, there, here, channels_last=True)),
}


def draw() -> tuple[Weights, list[Batch]]:
    """First weights, and different batches with random labels."""
    rng = np.random.default_rng(N)
    weights = drawn(rng, *SHAPES)
    for i in GAINS:
        weights[i][:] = 1.0
    count, shape = WARM_UP + STEPS, (N, SIDE, SIDE, 3)
    return weights, [(rng.random(shape, np.float32), rng.integers(0, 10, N)) for _ in range(count)]


def main() -> None:
    asked = options("How long one training step of a small residual network takes, beside PyTorch.").parse_args()
    introduce()
    race(f"One step of the residual network, batch {N}", COMPETITORS, *draw(), asked)


if __name__ == "__main__":
    main()
