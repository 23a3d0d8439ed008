"""Traces of a training under way: every step that `fit` or `train` makes inside the block is kept.

    with pl.tracing(model, optimizer) as traces:
        model.fit(x, t, epochs=1, optimizer=optimizer)
    traces[0]["0.dense"].dW

The block gives this one model (and optimizer) a class of its own in which one method also remembers; at its end they
are as they were. Nothing else is touched, and outside of such a block tracing costs nothing, because it is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from pellucid.base.errors import UsageError
from pellucid.inspection.tape import record, state
from pellucid.inspection.trace import Trace, Update
from pellucid.model import Model
from pellucid.optim import Optimizer
from pellucid.train import Training


@contextmanager
def tracing(
    model: Model | Training, optimizer: Optimizer | None = None, *, every: int = 1, most: int = 1000
) -> Iterator[list[Trace]]:
    """Keep a trace of the training steps that are made inside the block; the steps are the same, to the bit.

    Args:
        model: the model that is trained, or a `pl.Training` (which knows its optimizer).
        optimizer: the one that trains it, so that its state and the gradient after clipping are kept too. Without it
            a trace has no `update`.
        every: keep only every so manieth step. Default 1.
        most: keep at most so many, the latest; a step of a large network is many megabytes. Default 1000.

    >>> import numpy as np, pellucid as pl
    >>> model, adam = pl.Model(pl.Dense(1), input_shape=(1,)), pl.Adam(0.1)
    >>> with pl.tracing(model, adam) as traces:
    ...     history = model.fit(np.ones((4, 1)), np.ones(4), epochs=3, optimizer=adam, verbose=False)
    >>> [trace.step for trace in traces], bool((traces[-1].update.after["theta"] == model.theta).all())
    ([1, 2, 3], True)
    """
    if every < 1 or most < 1:
        raise UsageError(f"every and most are whole numbers of 1 or more, not {every!r} and {most!r}.")
    watched = model.model if isinstance(model, Training) else model
    optimizer = model.optimizer if isinstance(model, Training) else optimizer
    pattern, traces, count = watched.copy(), list[Trace](), 0
    plain = None if optimizer is None else replace(optimizer)  # its arguments, without the state

    def forward_backward(usual: Any, x: Any, t: Any, run: Any, weights: Any = None) -> Any:
        nonlocal count
        count += 1
        if (count - 1) % every or not run.training:
            return usual(x, t, run, weights)
        kept: list[Any] = []
        found = record(watched, watched.check_input(x), t, run, weights, pattern, kept)
        found.step = count
        traces.append(found)
        del traces[:-most]
        return tuple(kept)

    def step(usual: Any, theta: Any, grad: Any, loss: Any = None) -> None:
        assert optimizer is not None
        mine = traces and theta is watched.theta and traces[-1].step == count
        if not mine:
            usual(theta, grad, loss)
            return
        before, used, rate = state(optimizer, theta), grad.copy(), optimizer.rate
        usual(theta, grad, loss)
        after = state(optimizer, theta)
        traces[-1].update = Update(plain, rate, optimizer.t, used, before, after, dict(watched.slots))

    with ExitStack() as stack:
        stack.enter_context(_instead(watched, "forward_backward", forward_backward))
        if optimizer is not None:
            stack.enter_context(_instead(optimizer, "step", step))
        yield traces


@contextmanager
def _instead(thing: Any, name: str, work: Callable[..., Any]) -> Iterator[None]:
    """Inside the block this one object's method is `work`, which is given the usual method first."""
    kind = type(thing)

    def method(self: Any, *args: Any, **options: Any) -> Any:
        usual = getattr(kind, name).__get__(self)
        return work(usual, *args, **options) if self is thing else usual(*args, **options)  # a copy is not watched

    thing.__class__ = type(kind.__name__, (kind,), {name: method, "__doc__": kind.__doc__})
    try:
        yield
    finally:
        thing.__class__ = kind
