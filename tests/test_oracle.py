"""Every layer and loss once more: the tape of tests/oracle/ differentiates the formula, and must agree with backward.

A file in tests/oracle/ gives formulas in a dict `FORMULAS`: the layer case's name -> f(x, p), p its parameters and
buffers by name. A new file is found by itself; a case without a formula fails.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

import numpy as np
import pytest

from tests import oracle
from tests.cases import LAYERS, LOSSES, NOISE
from tests.oracle import dense, tape
from tests.oracle.tape import Num
from tests.tools import slope

MODULES = [import_module(f"tests.oracle.{found.name}") for found in pkgutil.iter_modules(oracle.__path__)]
FORMULAS = {name: f for module in MODULES for name, f in getattr(module, "FORMULAS", {}).items()}
EXACT = {"rtol": 1e-11, "atol": 1e-13}


def test_every_layer_case_has_a_formula():
    assert {case.name for case in LAYERS} == FORMULAS.keys()


@pytest.mark.parametrize("case", LAYERS, ids=lambda case: case.name)
def test_layer(case):
    model, x = case.model(), case.inputs()
    p = {name: Num(values) for name, values in case.named(model, model.theta).items()}
    kept = {name: values.copy() for name, values in case.buffers(model).items()}
    noise = {"u": np.random.default_rng(NOISE).random(x.shape)} if case.training else {}
    source = Num(x)
    expected = FORMULAS[case.name](source, p | kept | noise)
    y, cache = model.layers[0].forward(x, case.run())
    np.testing.assert_allclose(y, expected.value, **EXACT)
    dy = np.random.default_rng(1).normal(size=y.shape)
    expected.backward(dy)
    np.testing.assert_allclose(model.layers[0].backward(dy, cache), source.grad, **EXACT)
    for name, g in case.named(model, model.grad).items():
        np.testing.assert_allclose(g, p[name].grad, **EXACT, err_msg=name)


@pytest.mark.parametrize("case", LOSSES, ids=lambda case: case.name)
def test_loss(case):
    formula = dense.LOSSES[max((name for name in dense.LOSSES if case.name.startswith(name)), key=len)]
    z, t, w = case.draw()
    source = Num(z)
    expected = formula(source, t, np.ones(len(z)) if w is None else w)
    loss = case.make()
    tally, cache = loss.forward(z, t, w)
    assert tally.mean == pytest.approx(float(expected.value), rel=1e-12)
    expected.backward()
    np.testing.assert_allclose(loss.backward(cache), source.grad, **EXACT)


A = np.random.default_rng(0).uniform(0.5, 2.0, (2, 3, 4))
B = np.random.default_rng(1).uniform(0.5, 2.0, (4, 3))
OPERATIONS = {
    "repeated": lambda a, b: (a + b.transpose(1, 0)) * a - b[0].reshape(3, 1) / a,
    "number_first": lambda a, b: 2.0 - 3.0 / a + 1.5 * a + 0.5 - a,
    "array_first": lambda a, b: A * a + A / a - (A - a),
    "product": lambda a, b: a @ b,
    "product_of_matrices": lambda a, b: b @ a[0],
    "functions": lambda a, b: tape.exp(-a) + tape.log(a) * tape.tanh(a) + tape.sqrt(a),
    "maximum": lambda a, b: tape.maximum(a, b.transpose(1, 0)) + tape.maximum(a, 1.0),
    "largest": lambda a, b: a.max(axis=1) + a.max(axis=1, keepdims=True)[:, 0],
    "sums": lambda a, b: a.sum(axis=(0, 2)) + a.mean(axis=1, keepdims=True).sum() + b.mean(axis=0) + a.sum(),
    "taken_twice": lambda a, b: a[:, [0, 2, 2]] * b[np.array([1, 1, 0])].reshape(3, 3)[:, :1],
    "side_by_side": lambda a, b: tape.concatenate([a, a * a, b.reshape(1, 3, 4)], axis=0),
    "bordered": lambda a, b: tape.pad(a, [(0, 0), (1, 2), (0, 1)], 7.0) * 3.0,
    "chosen": lambda a, b: tape.where(A > 1.0, a, b.transpose(1, 0)),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_tape_itself_agrees_with_nudges(name):
    f = OPERATIONS[name]
    a, b = Num(A), Num(B)
    y = f(a, b)
    dy = np.random.default_rng(2).normal(size=y.shape)
    y.backward(dy)
    for source, values, other in ((a, A, lambda x: f(Num(x), Num(B))), (b, B, lambda x: f(Num(A), Num(x)))):
        nudged = slope(lambda x, other=other: float((other(x).value * dy).sum()), values)
        np.testing.assert_allclose(source.grad, nudged, rtol=1e-7, atol=1e-8)
    first = a.grad.copy()
    y.backward(dy)
    np.testing.assert_array_equal(a.grad, first)  # backward starts afresh
