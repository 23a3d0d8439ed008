"""The compiled kernels against the reference: the same names, the same signatures, the same values."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pellucid as pl
from pellucid import kernels
from pellucid.kernels import reference

needs_numba = pytest.mark.skipif(not kernels.available(), reason="numba is missing: there is nothing to compare")
both_types = pytest.mark.parametrize("dtype", [np.float32, np.float64])
Arguments = Callable[[st.DataObject, Any], tuple[Any, ...]]


def public(module: ModuleType) -> dict[str, FunctionType]:
    """The functions that a kernel module gives to others."""
    own = inspect.getmembers(module, lambda f: inspect.isfunction(f) and f.__module__ == module.__name__)
    return {name: f for name, f in own if not name.startswith("_")}


def jit() -> ModuleType:
    from pellucid.kernels import jit

    return jit


# ---- arguments for every kernel: who adds a kernel adds how it is drawn ----------------------------------------------


def softmax_arguments(data: st.DataObject, dtype: Any) -> tuple[Any, ...]:
    n, k = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 80))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    z = (10.0 ** data.draw(st.integers(-3, 4)) * rng.normal(size=(n, k))).astype(dtype)
    kind = data.draw(st.sampled_from(["ids", "bytes", "shares"]))
    if kind == "shares":
        return z, rng.dirichlet(np.ones(k), n).astype(dtype)
    return z, rng.integers(0, k, n).astype(np.int64 if kind == "ids" else np.uint8)


def adam_arguments(data: st.DataObject, dtype: Any) -> tuple[Any, ...]:
    size = data.draw(st.sampled_from([1, 2, 7, 100, 65_536, 65_537, 140_000]))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    theta, grad, m = (rng.normal(size=size).astype(dtype) for _ in range(3))
    v = (rng.normal(size=size) ** 2).astype(dtype)
    lr, t = data.draw(st.sampled_from([0.0, 1e-3, 0.5])), data.draw(st.integers(1, 2000))
    return theta, grad, m, v, lr, 0.9, 0.999, 1e-8, t


def numbers(data: st.DataObject, dtype: Any, count: int) -> tuple[Any, ...]:
    """`count` arrays of one shape of up to three axes; some numbers are exactly 0, some sets larger than SMALL."""
    shape = data.draw(st.sampled_from([(1, 1), (3, 10), (1, 128), (513, 10), (2, 3, 4), (64, 128)]))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    drawn = [(10.0 ** data.draw(st.integers(-3, 3)) * rng.normal(size=shape)).astype(dtype) for _ in range(count)]
    for array in drawn:
        array.flat[0] = 0.0
    return tuple(drawn)


def window(data: st.DataObject, dtype: Any) -> tuple[Any, ...]:
    """Pictures, and a window with stride and dilation that fits on them; some numbers are equal."""
    pair = st.tuples(st.integers(1, 3), st.integers(1, 3))
    kernel, stride, dilation = data.draw(pair), data.draw(pair), data.draw(pair)
    extra, c = data.draw(pair), data.draw(st.sampled_from([1, 2, 9, 16]))
    size = [d * (k - 1) + 1 + e for k, d, e in zip(kernel, dilation, extra, strict=True)]
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    return rng.normal(size=(data.draw(st.integers(1, 3)), *size, c)).round(1).astype(dtype), kernel, stride, dilation


def fold_arguments(data: st.DataObject, dtype: Any) -> tuple[Any, ...]:
    x, kernel, stride, dilation = window(data, dtype)
    p = reference.patches(x, kernel, stride, dilation)
    if data.draw(st.booleans()):  # the layout in which layers give it
        p = np.ascontiguousarray(p.transpose(3, 4, 0, 1, 2, 5)).transpose(2, 3, 4, 0, 1, 5)
    return p, x.shape, stride, dilation


def max_pool_backward_arguments(data: st.DataObject, dtype: Any) -> tuple[Any, ...]:
    x, size, stride, _ = window(data, dtype)
    y, winner = reference.max_pool(x, size, stride)
    return y, winner, x.shape, size, stride


def batch_norm_arguments(data: st.DataObject, dtype: Any) -> tuple[Any, ...]:
    """More rows than are summed at a time, too; and a constant feature, whose spread is 0."""
    shape = data.draw(st.sampled_from([(2, 1), (3, 10), (600, 5), (2, 3, 4, 7), (257, 33)]))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x, (g, b) = rng.normal(3.0, 2.0, shape).astype(dtype), rng.normal(size=(2, shape[-1])).astype(dtype)
    x[..., 0] = 2.0
    return x, g, b, 1e-5


def batch_norm_backward_arguments(data: st.DataObject, dtype: Any) -> tuple[Any, ...]:
    x, g, b, eps = batch_norm_arguments(data, dtype)
    xh = reference.batch_norm(x, g, b, eps)[1]
    return np.random.default_rng(1).normal(size=x.shape).astype(dtype), xh, g


def times_arguments(data: st.DataObject, dtype: Any) -> tuple[Any, ...]:
    """Rows with few, half and no zeros: one, several, in a sequence, and against a matrix that lies the other way."""
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    D, K = data.draw(st.sampled_from([(1, 1), (3, 4), (200, 200), (331, 128), (5000, 7)]))
    rows = data.draw(st.sampled_from([(1,), (2,), (0,), (1, 3)]))
    x = rng.normal(size=(*rows, D)) * (rng.random((*rows, D)) < data.draw(st.sampled_from([0.0, 0.01, 0.3, 0.5, 1.0])))
    W = rng.normal(size=(D, K)).astype(dtype) / 20
    return x.astype(dtype), W if data.draw(st.booleans()) else np.asfortranarray(W)


def look_up_arguments(data: st.DataObject, dtype: Any) -> tuple[Any, ...]:
    """Pictures, and places inside of them, on their pixels, at their edges and outside."""
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    N, H, W, C, h, w = (data.draw(st.integers(low, 6)) for low in (1, 2, 2, 1, 1, 1))
    rows, columns = (rng.uniform(-2, size + 1, (N, h, w)).astype(np.float32) for size in (H, W))
    rows[:, 0], columns[:, 0] = data.draw(st.integers(-1, H)), data.draw(st.integers(-1, W))
    return rng.normal(size=(N, H, W, C)).astype(dtype), rows, columns


ARGUMENTS: dict[str, Arguments] = {
    "times": times_arguments,
    "relu": lambda data, dtype: numbers(data, dtype, 1),
    "relu_backward": lambda data, dtype: numbers(data, dtype, 2),
    "select": lambda data, dtype: ((condition := numbers(data, dtype, 2))[0] > 0, *condition),
    "normal_cdf": lambda data, dtype: numbers(data, dtype, 1),
    "softmax": lambda data, dtype: numbers(data, dtype, 1),
    "softmax_cross_entropy": softmax_arguments,
    "batch_norm": batch_norm_arguments,
    "batch_norm_backward": batch_norm_backward_arguments,
    "patches": window,
    "fold": fold_arguments,
    "max_pool": lambda data, dtype: window(data, dtype)[:3],
    "max_pool_backward": max_pool_backward_arguments,
    "look_up": look_up_arguments,
    "adam": adam_arguments,
}


def test_every_kernel_has_arguments_here():
    assert public(reference).keys() == ARGUMENTS.keys()


@needs_numba
def test_names_and_signatures_agree():
    assert public(jit()).keys() <= public(reference).keys()
    for name, f in public(reference).items():  # what has not earned a twin is there as the reference itself
        assert inspect.signature(getattr(jit(), name)) == inspect.signature(f), name


def test_fold_is_the_transpose_of_patches():
    """<patches(x), p> = <x, fold(p)> for any x and p: what makes it the derivative."""
    rng = np.random.default_rng(0)
    for kernel, stride, dilation in (((2, 3), (1, 1), (1, 1)), ((3, 2), (2, 1), (1, 2)), ((1, 1), (2, 3), (1, 1))):
        for c in (2, 20):
            x = rng.normal(size=(2, 7, 6, c))
            seen = reference.patches(x, kernel, stride, dilation)
            p = rng.normal(size=seen.shape)
            assert np.sum(seen * p) == pytest.approx(
                np.sum(x * reference.fold(p, x.shape, stride, dilation)), rel=1e-12
            )


def several(out: Any) -> tuple[Any, ...]:
    """What a kernel gave back, as a tuple: nothing, one array or several."""
    return () if out is None else out if isinstance(out, tuple) else (out,)


@needs_numba
@pytest.mark.parametrize("name", ARGUMENTS)
@both_types
@settings(max_examples=30)
@given(data=st.data())
def test_values_agree(name, dtype, data):
    given_ = ARGUMENTS[name](data, dtype)
    ours, theirs = ([a.copy() if isinstance(a, np.ndarray) else a for a in given_] for _ in range(2))
    out, twin_out = getattr(reference, name)(*ours), getattr(jit(), name)(*theirs)
    tolerance = {"rtol": 2e-5, "atol": 2e-6} if dtype == np.float32 else {"rtol": 1e-12, "atol": 1e-14}
    results = zip([*ours, *several(out)], [*theirs, *several(twin_out)], strict=True)
    for mine, twin in results:  # what was given (a kernel may work in place) and what came back
        if isinstance(mine, np.ndarray):
            assert mine.dtype == twin.dtype
            assert mine.shape == twin.shape
            np.testing.assert_allclose(twin, mine, **tolerance)


@pytest.mark.parametrize("module", ["reference", pytest.param("jit", marks=needs_numba)])
@both_types
def test_kernels_keep_the_numbers_type_and_leave_read_only_arguments_alone(module, dtype):
    kernel = kernels.use(module)
    z, t = np.random.default_rng(0).normal(size=(4, 3)).astype(dtype), np.array([0, 1, 2, 0])
    z.flags.writeable = t.flags.writeable = False
    rows, p = kernel.softmax_cross_entropy(z, t)
    assert rows.dtype == p.dtype == dtype
    theta, m, v = (np.ones(3, dtype) for _ in range(3))
    grad = np.ones(3, dtype)
    grad.flags.writeable = False
    assert kernel.adam(theta, grad, m, v, 0.1, 0.9, 0.999, 1e-8, 1) is None
    assert theta.dtype == dtype


def test_the_choice_of_kernels():
    assert kernels.use("reference") is kernels.active() is reference
    fastest = "jit" if kernels.available() else "reference"
    assert kernels.use("").__name__ == f"pellucid.kernels.{fastest}"
    with pytest.raises(pl.UsageError, match="PELLUCID_KERNELS is 'cuda'"):
        kernels.use("cuda")


def test_jit_without_numba_is_refused_with_the_way_out(monkeypatch):
    monkeypatch.setattr(kernels, "available", lambda: False)
    with pytest.raises(pl.UsageError, match=r"pip install 'pellucid\[fast\]'"):
        kernels.use("jit")
    assert kernels.use("") is reference


def test_importing_the_library_imports_no_numba():
    code = "import sys, pellucid; print(sorted({'numba', 'torch', 'PIL'} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
