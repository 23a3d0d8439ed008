"""A `torch.nn.Module`: its gradients are autograd's, so what is checked is a backward of its own inside.

PyTorch is imported here alone, and only if a module is given, so it is there.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.inspection.backward.calling import Chance, twin
from pellucid.inspection.backward.draws import like
from pellucid.inspection.backward.losses import LossBody, LossSubject
from pellucid.inspection.backward.making import some_input
from pellucid.inspection.backward.subject import Body, Subject, Words, X, as_real


def is_module(thing: Any) -> bool:
    """Whether this is a torch module, without importing torch to find out."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(thing, torch.nn.Module)


class TorchSubject(Subject):
    """A module.

    Args:
        module: the module.
        x: inputs, or None.
    """

    def __init__(self, module: Any, x: Any = None) -> None:
        self.module = module
        self.name = type(module).__name__
        names = [name for name, _ in module.named_parameters()]
        gradients = {X: "x.grad"} | {n: f"{n}.grad" for n in names}
        self.words = Words("x", "y", "dy", {n: n for n in names}, gradients)
        shapes = [tuple(p.shape) for _, p in module.named_parameters()]
        self.x = as_real(plain(x)) if x is not None else some_input(TorchBody(self), [s for s in shapes if s])

    def body(self, draw: int) -> Body:
        return TorchBody(self)

    def input(self, n: int, body: Body, rng: np.random.Generator) -> Array:
        return like(self.x, n, rng)


def plain(x: Any) -> Any:
    """A tensor as an array; anything else as it is."""
    return x.detach().cpu().numpy() if hasattr(x, "detach") else x


class TorchBody(Body):
    """A copy of the module in float64, on the processor."""

    def __init__(self, subject: TorchSubject) -> None:
        import torch

        self.torch, self.subject = torch, subject
        self.module = twin(subject.module).double().cpu()
        self.chance = Chance()
        self.sums = {}
        self.x: Any = None
        self.y: Any = None

    def params(self) -> dict[str, Array]:
        return {name: p.detach().numpy().copy() for name, p in self.module.named_parameters()}

    def put(self, params: dict[str, Array]) -> None:
        with self.torch.no_grad():
            for name, p in self.module.named_parameters():
                if name in params:
                    p.copy_(self.torch.from_numpy(np.array(params[name], np.float64)))

    def forward(self, x: Any) -> Array:
        self.x = self.torch.from_numpy(np.array(x, np.float64)).requires_grad_(True)
        self.y = self.module(self.x)
        return np.array(self.y.detach().numpy())

    def backward(self, dy: Array) -> dict[str, Any]:
        self.module.zero_grad()
        self.y.backward(self.torch.from_numpy(np.array(dy)))
        said = {name: p.grad.numpy().copy() for name, p in self.module.named_parameters() if p.grad is not None}
        return said | ({X: self.x.grad.numpy().copy()} if self.x.grad is not None else {})


class TorchLoss(LossSubject):
    """A module that is a loss: it takes outputs and targets."""

    def __init__(self, module: Any) -> None:
        self.thing, self.pair = module, None
        self.name = type(module).__name__
        self.gradient, self.x, self.t = "input.grad", "input", "target"

    def fresh(self) -> LossBody:
        """A copy in float64."""
        return TorchLossBody(self, twin(self.thing).double().cpu())


class TorchLossBody(LossBody):
    """One copy of the loss, and the graph of its last value."""

    def forward(self, x: Array, t: Array) -> float:
        import torch

        goal = torch.from_numpy(np.array(t))
        self.leaf = torch.from_numpy(np.array(x, np.float64)).requires_grad_(True)
        self.value = self.thing(self.leaf, goal.double() if goal.is_floating_point() else goal).mean()
        return float(self.value.detach())

    def backward(self, x: Array, t: Array, dvalues: Array) -> Any:
        self.value.backward()
        return self.leaf.grad.numpy().copy()
