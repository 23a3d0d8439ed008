"""Making a trace: one step by the model's own functions, and what its tape holds, under the layers' paths."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import ShapeError
from pellucid.base.run import Run
from pellucid.base.seeds import stream
from pellucid.inspection.trace import INSIDE, Node, Scores, Trace, Update
from pellucid.layers.compose import Step, masked
from pellucid.model import Model
from pellucid.optim import Adam, Optimizer, clip_norm


def trace(
    model: Model,
    x: Any,
    t: Any,
    optimizer: Optimizer | None = None,
    *,
    weights: Any = None,
    mask: Any = None,
    training: bool = True,
    clip: float | None = None,
    seed: int = 0,
    apply: bool = False,
) -> Trace:
    """Make one step of training and keep every number of it.

    Args:
        model: the network; afterwards as it was, unless `apply`.
        x: raw inputs (N, ...); whatever preparation the model carries is applied.
        t: targets.
        optimizer: how the parameters move; if it has moved this model before, from the state it is in. Default a fresh
            `Adam(1e-3)`.
        weights: one number a sample, or None.
        mask: which time steps (N, T) are real, or None.
        training: as in training (dropout drops, batch norm looks at the batch), or as in prediction. Default true.
        clip: the greatest length of the gradient, as in `pl.train`. Default no limit.
        seed: what dropout draws follows from it, as in `pl.train`.
        apply: leave the step's result in the model and in the optimizer. Default false.

    Raises:
        ShapeError: if x does not fit the model.
        DataError: if t does not fit the loss.

    >>> import pellucid as pl
    >>> model = pl.Model(pl.Dense(3), pl.ReLU(), pl.Dense(2), loss=pl.SoftmaxCrossEntropy(), input_shape=(4,))
    >>> trace = pl.trace(model, np.eye(4), [0, 1, 1, 0])
    >>> trace
    Trace(4 samples, loss 0.844434; 3 layers: 0.dense, 1.relu, 2.dense)
    >>> trace["1.relu"].dy.shape, trace["0.dense.dW"].shape, trace.update["0.dense.W"].shape
    ((4, 3), (4, 3), (4, 3))
    >>> bool((trace["0.dense"].x.T @ trace["0.dense"].dy == trace["0.dense"].dW).all())
    True
    """
    twin = model.copy()
    t = twin.loss.targets(np.asarray(t), (len(t), *twin.output_shape))
    x = np.array(twin.check_input(np.asarray(twin.prepared(np.asarray(x)))))
    if len(x) != len(t) or len(x) == 0:
        raise ShapeError(f"A trace needs as many targets as inputs, and at least one: {len(t)} and {len(x)}.")
    w, m = (None if a is None else np.array(a) for a in (weights, mask))
    rng = stream(seed, "noise")
    with np.errstate(all="ignore"):  # a number that overflows is shown, as training shows it
        found = record(twin, x, t, masked(twin.net, Run(training=training, rng=rng), m), w, None)
    chosen = Adam(1e-3) if optimizer is None else optimizer
    own = copy.deepcopy(chosen)
    if own.t == 0 or any(np.shape(getattr(own, name, ())) != twin.theta.shape for name in own.vectors):
        own.start(twin.theta, twin.decays(), seed)
    if clip is not None:
        clip_norm(twin.grad, clip)

    def loss() -> float:
        z, _ = twin.net.forward(x, masked(twin.net, Run(tape=False), m))
        return twin.loss.forward(z, t, w)[0].mean + sum(p.value(twin.theta[at]) for at, p in twin.penalties)

    before, rate = state(own, twin.theta), own.rate
    own.step(twin.theta, twin.grad, loss=loss)
    found.update = Update(own, rate, own.t, twin.grad.copy(), before, state(own, twin.theta), dict(twin.slots))
    if apply:
        model.theta[:], model.grad[:], model.buffers[:] = twin.theta, twin.grad, twin.buffers
        vars(chosen).update(vars(copy.deepcopy(own)))
    twin.theta[:], twin.grad[:] = found.theta, found.grad
    found._model = twin
    return found


def record(
    model: Model,
    x: Array,
    t: Array,
    run: Run,
    weights: Array | None,
    pattern: Model | None,
    kept: list[Any] | None = None,
) -> Trace:
    """Forward, loss and backward of this very model, with every array kept; what it returned is left in `kept`."""
    noise = None if run.rng is None else dict(run.rng.bit_generator.state)
    watched = Run(training=run.training, rng=run.rng, keep=True, mask=run.mask)
    theta, buffers = model.theta.copy(), model.buffers.copy()
    tally, cache, loss_cache = Model.forward_backward(model, x, t, watched, weights)
    if kept is not None:
        kept[:] = [tally, cache, loss_cache]
    dz = cache["tape"][-1].dy if cache["tape"] else model.loss.backward(loss_cache)
    z = cache["tape"][-1].y
    plain = model.loss.forward(z, t, weights)[0]
    scores = Scores(z, t, dz, loss_cache, float(plain.total), float(plain.n))
    grad = model.grad.copy()
    named: dict[str, dict[str, Array]] = {}
    for slots, vector, d in ((model.slots, theta, ""), (model.slots, grad, "d"), (model.buffer_slots, buffers, "")):
        for path, slot in slots.items():
            owner, _, name = path.rpartition(".")
            named.setdefault(owner, {})[d + name] = vector[slot.at].reshape(slot.shape)
    nodes = {path: _node(path, step, named.get(path, {})) for path, step in unrolled(cache["tape"])}
    return Trace(
        pattern or model,
        nodes,
        scores,
        tally.mean,
        theta,
        grad,
        x=x,
        weights=weights,
        mask=run.mask,
        training=run.training,
        noise=noise,
    )


def _node(path: str, step: Step, params: dict[str, Array]) -> Node:
    cache = {name: value for name, value in step.cache.items() if name not in INSIDE}
    x, y, dy, dx = (np.asarray(a) for a in (step.x, step.y, step.dy, step.dx))
    return Node(path, x, y, dy, dx, cache, params)


def unrolled(tape: list[Step], path: str = "") -> Iterator[tuple[str, Step]]:
    """Every step of a tape with its layer's path, containers before their content."""
    for i, step in enumerate(tape):
        full = f"{path}{i}.{step.layer.kind}"
        yield full, step
        if "tape" in step.cache:
            yield from unrolled(step.cache["tape"], full + ".")


def state(optimizer: Optimizer, theta: Array) -> dict[str, Array]:
    """A copy of theta and of the optimizer's vectors, by name."""
    return {"theta": theta.copy()} | {name: getattr(optimizer, name).copy() for name in optimizer.vectors}
