"""The whole corpus: every mistake in every layer, shape, batch and seed where it can be made; and the right ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

import pellucid as pl
import pellucid.book as nnfs
from tests import cases
from tests.mutants import activations, dense, functions, losses, optimizers, ours, right, styles
from tests.mutants.case import Case

SHAPES = ((6, 4, 3), (4, 2, 5), (7, 5, 2))  # (samples, inputs, outputs)
SQUARES = ((6, 4, 4), (5, 3, 3))
BATCHES = ((6, 4, 0), (5, 3, 1), (8, 5, 2))  # (samples, columns, seed)
Made = tuple[Any, Any, Any]


def x_of(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng([*shape, seed]).standard_normal(shape)


def mutants() -> Iterator[Case]:
    """Every mutant."""
    yield from _dense()
    yield from _functions()
    yield from _activations()
    yield from _losses()
    yield from _optimizers()
    yield from _ours()
    yield from (case for case in styles.cases() if case.mistake)


def _layer(bent: str, steps: dict[str, Any], shape: tuple[int, int, int], l1: float = 0.0, l2: float = 0.0) -> Made:
    n, d, k = shape
    return dense.mutant(bent, steps)(d, k, l1, l2), x_of(n, d), None


def _dense() -> Iterator[Case]:
    for bent in dense.BENDS:
        for mistake, variants in dense.FOR_ALL.items():
            for what, steps in variants:
                for shape in SHAPES:
                    if what == "dvalues by the bend" and bent == "linear":
                        continue
                    yield Case(mistake, f"dense {bent} {what} {shape}", partial(_layer, bent, steps, shape))
        for mistake, variants in dense.SQUARE.items():
            for what, steps in variants:
                for shape in SQUARES:
                    yield Case(mistake, f"dense {bent} {what} {shape}", partial(_layer, bent, steps, shape))
        for mistake, variants in dense.BENT.items():
            for what, steps in variants:
                for shape in SHAPES:
                    if bent not in ("linear", "softmax"):
                        yield Case(mistake, f"dense {bent} {what} {shape}", partial(_layer, bent, steps, shape))
    for mistake, by_bend in dense.OF_ONE.items():
        for bent, variants in by_bend.items():
            for what, steps in variants:
                for shape in SHAPES:
                    yield Case(mistake, f"dense {bent} {what} {shape}", partial(_layer, bent, steps, shape))
    for mistake, variants in dense.REGULARISED.items():
        for what, steps in variants:
            for bent in ("linear", "relu", "tanh"):
                for l1, l2 in ((0.0, 5e-4), (1e-4, 5e-4), (1e-3, 0.0)):
                    if l2 or mistake != "factor 2 of the square":
                        made = partial(_layer, bent, steps, SHAPES[0], l1, l2)
                        yield Case(mistake, f"dense {bent} {what} {l1} {l2}", made)


def _functions() -> Iterator[Case]:
    forms: tuple[Callable[..., Any], ...] = (functions.by_name, functions.by_cache, functions.by_dict)
    for form in forms:
        for bent in ("linear", "relu", "sigmoid", "tanh"):
            for mistake, variants in functions.MISTAKES.items():
                for what, gradients in variants:
                    if mistake == "activation derivative missing" and bent == "linear":
                        continue
                    yield Case(
                        mistake,
                        f"{form.__name__} {bent} {what}",
                        lambda form=form, bent=bent, g=gradients: (form(bent, g), None, None),  # type: ignore[misc]
                    )


def _activations() -> Iterator[Case]:
    for mistake, by_bend in activations.RULES.items():
        for name, rules in by_bend.items():
            for i, rule in enumerate(rules):
                for n, k, seed in BATCHES:
                    x = x_of(n, k, seed=seed)
                    label = f"{name} {i} {(n, k)}"
                    yield Case(
                        mistake, f"activation {label}", lambda r=rule, m=name, x=x: (activations.book(m, r)(), x, None)
                    )  # type: ignore[misc]
                if mistake != "argument overwritten":
                    yield Case(mistake, f"pair {name} {i}", lambda r=rule, m=name: (activations.pair(m, r), None, None))  # type: ignore[misc]
    for name in activations.ALL:
        for n, k, seed in BATCHES:
            x = x_of(n, k, seed=seed)
            yield Case(
                "wrong input cached",
                f"activation {name}",
                lambda m=name, x=x: (activations.book(m, once=True)(), x, None),
            )  # type: ignore[misc]
            yield Case(
                "stale gradient added",
                f"activation {name}",
                lambda m=name, x=x: (activations.book(m, stale=True)(), x, None),
            )  # type: ignore[misc]
    for axis in (0, None):
        for n, k, seed in BATCHES:
            x = x_of(n, k, seed=seed)
            yield Case(
                "softmax over the wrong axis",
                f"softmax forward {axis}",
                lambda a=axis, x=x: (activations.softmax_of(a)(), x, None),
            )  # type: ignore[misc]
    named = {
        "redrawn": "mask from the wrong array",
        "dvalues": "mask from the wrong array",
        "inputs": "mask from the wrong array",
    }
    for mistake in ("dropout scale missing", "redrawn", "dvalues", "inputs", "sign", "argument overwritten"):
        for own in (False, True):
            for n, k, seed in BATCHES:
                for rate in (0.2, 0.5):
                    x = x_of(n, k + 2, seed=seed)
                    made = lambda m=mistake, o=own, r=rate, x=x: (activations.dropout(m)(r, o), x, None)  # noqa: E731
                    yield Case(named.get(mistake, mistake), f"dropout {mistake} {rate} {own}", made)


def _losses() -> Iterator[Case]:
    def rules(kind: str) -> Iterator[tuple[str, losses.Rule]]:
        yield from losses.FACTORS.items()
        if kind not in (*losses.CLASSES, "sum_of_squares"):
            yield from losses.PER_OUTPUT.items()
        if kind in ("mse", "sum_of_squares", "sigmoid_mse"):
            yield from losses.SQUARES.items()
        if kind in ("mse", "sum_of_squares", "softmax_ce", "sigmoid_ce", "sigmoid_mse"):
            yield from losses.NO_TARGET.items()
        for mistake, linked in losses.LINKED.get(kind, {}).items():
            for rule in linked:
                yield mistake, rule

    for kind in losses.KINDS:
        for mistake, rule in rules(kind):
            for n, k, seed in BATCHES:
                for hot in (False, True) if kind in losses.CLASSES else (False,):
                    x, t = losses.data(kind, n, k, seed, hot)
                    label = f"{kind} {(n, k)}{' one-hot' if hot else ''}"
                    yield Case(mistake, f"loss {label}", lambda a=kind, r=rule, x=x, t=t: (losses.book(a, r)(), x, t))  # type: ignore[misc]
                    if seed == 0:
                        for back in (False, True):
                            yield Case(
                                mistake,
                                f"loss pair {label}",
                                lambda a=kind, r=rule, x=x, t=t, b=back: (losses.pair(a, r, b), x, t),
                            )  # type: ignore[misc]
        for memory, mistake in (
            ("stale", "stale gradient added"),
            ("overwrite", "argument overwritten"),
            ("once", "wrong input cached"),
        ):
            for n, k, seed in BATCHES:
                x, t = losses.data(kind, n, k, seed)
                if kind == "mae" and memory == "once":
                    continue  # the sign of another input is often the same
                yield Case(
                    mistake, f"loss {kind}", lambda a=kind, m=memory, x=x, t=t: (losses.book(a, memory=m)(), x, t)
                )  # type: ignore[misc]
    for axis in (0, None):
        for n, k, seed in BATCHES:
            x, t = losses.data("softmax_ce", n, k, seed)
            yield Case(
                "softmax over the wrong axis",
                f"loss forward {axis}",
                lambda a=axis, x=x, t=t: (losses.softmax_forward_over(a)(), x, t),
            )  # type: ignore[misc]


def _optimizers() -> Iterator[Case]:
    for form in (optimizers.book, optimizers.with_dicts, optimizers.function):
        for mistake, kinds in optimizers.MISTAKES.items():
            for kind in kinds:
                for lr, eps in ((0.05, 1e-7), (1e-3, 1e-8), (0.3, 1e-6)):
                    if form is optimizers.function and kind == "sgd" and mistake == "":
                        continue
                    yield Case(
                        mistake.split(",")[0],
                        f"{form.__name__} {kind} {lr} {eps}",
                        lambda f=form, k=kind, m=mistake, lr=lr, e=eps: (f(k, m, lr, e), None, None),  # type: ignore[misc]
                    )


def _ours() -> Iterator[Case]:
    for name, (_, shape, _) in ours.PARAMETERS.items():
        x = (
            x_of(5, *shape)
            if name != "Embedding"
            else np.random.default_rng(0).integers(0, 6, (5, *shape)).astype(float)
        )
        for mistake, what, make in ours.with_parameters(name):
            yield Case(mistake, f"pl.{name} {what}", lambda make=make, x=x: (make(), x, None))  # type: ignore[misc]
    for name, (_, shape) in ours.PLAIN.items():
        for mistake, what, make in ours.without_parameters(name):
            for seed in (0, 1):
                x = x_of(5, *shape, seed=seed)
                yield Case(mistake, f"pl.{name} {what}", lambda make=make, x=x: (make(), x, None))  # type: ignore[misc]
    for d, k in ((4, 3), (3, 5), (4, 4)):
        x = x_of(6, d)
        yield Case("weights updated before use", f"pl.Dense {d} {k}", lambda k=k, x=x: (ours.UpdatesFirst(k), x, None))  # type: ignore[misc]
    for d in (3, 4, 5):
        yield Case("transposed", f"pl.Dense dx {d}", lambda d=d: (ours.Untransposed(d), x_of(6, d), None))  # type: ignore[misc]
    for kind in (pl.MeanSquaredError, pl.MeanAbsoluteError, pl.Huber, pl.SigmoidCrossEntropy, pl.SoftmaxCrossEntropy):
        for mistake, loss in ours.losses(kind):
            for n, k, seed in BATCHES:
                name = (
                    "softmax_ce"
                    if kind is pl.SoftmaxCrossEntropy
                    else "sigmoid_ce"
                    if kind is pl.SigmoidCrossEntropy
                    else "mse"
                )
                z, t = losses.data(name, n, k, seed)
                yield Case(mistake, f"pl.{kind.__name__}", lambda loss=loss, z=z, t=t: (loss, z, t))  # type: ignore[misc]
                yield Case(
                    mistake, f"model with {kind.__name__}", lambda loss=loss, z=z, t=t, k=k: (_model(loss, k), z, t)
                )  # type: ignore[misc]
    for mistake, penalty in ours.PENALTIES.items():
        yield Case(mistake, "penalty", lambda p=penalty: (p(0.1), None, None))  # type: ignore[misc]
        yield Case(
            mistake,
            "model with a penalty",
            lambda p=penalty: (_model(None, 4, penalty=p(0.1)), x_of(7, 4), x_of(7, 4, seed=1)),
        )  # type: ignore[misc]
    for mistake, model in (("regulariser missing", ours.PenaltyForgotten), ("regulariser doubled", ours.PenaltyTwice)):
        yield Case(
            mistake, "model", lambda m=model: (_model(None, 4, m, penalty=pl.L2(0.1)), x_of(7, 4), x_of(7, 4, seed=1))
        )  # type: ignore[misc]


def _model(loss: pl.Loss | None, k: int, kind: type[pl.Model] = pl.Model, **options: Any) -> pl.Model:
    return kind(pl.Dense(5), pl.Tanh(), pl.Dense(k), loss=loss, input_shape=(k,), seed=1, **options)


# ---- right ----------------------------------------------------------------------------------------------------------


def right_ones() -> Iterator[Case]:
    """Every right implementation."""
    yield from (case for case in styles.cases() if not case.mistake)
    for case in cases.LAYERS:
        yield Case("", f"pl {case.name}", lambda c=case: (c.make(), c.inputs(), None))  # type: ignore[misc]
    for loss in [*cases.LOSSES, *cases.ONE_OUTPUT]:
        yield Case("", f"pl {loss.name}", lambda c=loss: (c.make(), *c.draw()[:2]))  # type: ignore[misc]
    for optimizer in cases.OPTIMIZERS[1:]:
        yield Case("", f"pl {optimizer.name}", lambda c=optimizer: (c.make(c.lr), None, None))  # type: ignore[misc]
        yield Case("", f"pl {optimizer.name} falling", lambda c=optimizer: (c.make(c.schedule()), None, None))  # type: ignore[misc]
    for name in nnfs.__all__:
        kind = getattr(nnfs, name)
        if isinstance(kind, type) and name.startswith(("Activation_", "Layer_D", "Loss_", "Optimizer_")):
            yield Case("", f"book {name}", lambda k=kind: (k, None, None))  # type: ignore[misc]
    for bent in dense.BENDS:
        for shape in (*SHAPES, *SQUARES):
            for l1, l2 in ((0.0, 0.0), (1e-4, 5e-4)):
                yield Case("", f"dense {bent}", partial(_layer, bent, {}, shape, l1, l2))
        yield Case("", f"activation {bent}", lambda m=bent: (activations.book(m)(), x_of(6, 4), None))  # type: ignore[misc]
        for form in (functions.by_name, functions.by_cache, functions.by_dict):
            yield Case("", f"{form.__name__} {bent}", lambda f=form, m=bent: (f(m, functions.right), None, None))  # type: ignore[misc]
        yield Case("", f"pair {bent}", lambda m=bent: (activations.pair(m), None, None))  # type: ignore[misc]
    for own in (False, True):
        for rate in (0.2, 0.5):
            yield Case("", f"dropout {own}", lambda o=own, r=rate: (activations.dropout()(r, o), x_of(6, 5), None))  # type: ignore[misc]
    for kind in losses.KINDS:
        for n, k, seed in BATCHES:
            for hot in (False, True):
                x, t = losses.data(kind, n, k, seed, hot)
                yield Case("", f"loss {kind}", lambda a=kind, x=x, t=t: (losses.book(a)(), x, t))  # type: ignore[misc]
                for back in (False, True):
                    yield Case(
                        "", f"loss pair {kind}", lambda a=kind, x=x, t=t, b=back: (losses.pair(a, reverse=b), x, t)
                    )  # type: ignore[misc]
    for form in (optimizers.book, optimizers.with_dicts, optimizers.function):
        for kind in optimizers.KINDS:
            for lr, eps in ((0.05, 1e-7), (1e-3, 1e-8)):
                yield Case(
                    "", f"{form.__name__} {kind}", lambda f=form, k=kind, lr=lr, e=eps: (f(k, "", lr, e), None, None)
                )  # type: ignore[misc]
    for name, make in right.OBJECTS:
        yield Case("", name, lambda make=make: (make(), None, None))  # type: ignore[misc]
        yield Case("", f"{name}, own inputs", lambda make=make: (make(), x_of(6, 4), None))  # type: ignore[misc]
    conv = lambda: (right.convolution_pair(), (x_of(5, 7), x_of(3)), None)  # noqa: E731
    yield Case("", "a convolution as functions", conv)
    for kind in (pl.SoftmaxCrossEntropy, pl.SigmoidCrossEntropy, pl.MeanSquaredError):
        for penalty in (None, pl.L2(0.01), pl.L1(0.01) + pl.L2(0.1)):
            yield Case("", f"model {kind.__name__}", lambda a=kind, p=penalty: (_model(a(), 4, penalty=p), None, None))  # type: ignore[misc]
