"""The ledger: its terms add up to the number shown, every road ends, and a nudge agrees, for every layer and loss."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pellucid as pl
from pellucid.inspection.lines import Line
from pellucid.inspection.openers.view import WORKED, find_array
from pellucid.inspection.trace import NoSuchPath, Trace
from tests.cases import LAYERS, LOSSES, OPTIMIZERS, LayerCase, LossCase, OptimizerCase
from tests.test_trace import T, X, network, targets

DEEPEST = 400  # levels; a road that is longer than this does not end


def spots(shape: tuple[int, ...], count: int, seed: int = 0) -> Iterator[tuple[int, ...]]:
    size = int(np.prod(shape))
    rng = np.random.default_rng(seed)
    for i in range(size) if size <= count else rng.choice(size, count, replace=False):
        yield tuple(int(k) for k in np.unravel_index(i, shape))


def at(path: str, spot: tuple[int, ...]) -> str:
    return f"{path}[{','.join(map(str, spot))}]" if spot else path


def adds_up(line: Line) -> None:
    """A sum's terms add up to it, a product's factors multiply to it, exactly as the ledger promises."""
    if line.terms:
        assert abs(line.total - line.value) <= line.tolerance, (
            f"{line.path or line.label}: {line.total} is not {line.value}"
        )
    if line.how == "product":
        assert np.prod([f.value for f in line.factors]) == pytest.approx(line.value, rel=1e-12, abs=1e-300)


def walk_down(line: Line, rng: np.random.Generator) -> list[Line]:
    """One road from a number to where it ends, a turn at each fork by chance."""
    road = [line]
    while True:
        adds_up(line)
        below = line.terms if line.how == "sum" else line.factors
        if not below:
            return road
        line = below[int(rng.integers(len(below)))]
        road.append(line)
        assert len(road) < DEEPEST, f"{road[0].path} never ends: {[x.label for x in road[-6:]]}"


def ends_well(line: Line) -> bool:
    return line.how == "given" or (line.how == "function" and not line.factors)


def names(trace: Trace, path: str) -> list[str]:
    kind = type(trace.layer(path))
    worked = next((WORKED[k] for k in kind.__mro__ if k in WORKED), {})
    return [*trace[path].names, *worked]


# ---- layers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("case", LAYERS, ids=lambda c: c.name)
def test_the_terms_of_every_layers_numbers_add_up(case: LayerCase, dtype: Any) -> None:
    model = case.model(dtype)
    trace = pl.trace(model, case.inputs(dtype=dtype), targets(model), training=case.training)
    rng = np.random.default_rng(7)
    opened = 0
    for path in trace.paths:
        for name in names(trace, path):
            array = find_array(trace, path, name)
            for spot in spots(array.shape, 6):
                line = pl.ledger(trace, at(f"{path}.{name}", spot))
                assert line.value == pytest.approx(float(array[spot]), abs=0)
                adds_up(line)
                opened += bool(line.terms)
                for _ in range(3):
                    assert ends_well(walk_down(line, rng)[-1])
    assert opened


MUST_BE_SUMS = {"dW", "db", "dWx", "dWh", "dbx", "dbh", "dWo", "dbo", "dg"}


@pytest.mark.parametrize("case", LAYERS, ids=lambda c: c.name)
def test_nothing_is_left_unsaid_about_the_librarys_layers(case: LayerCase) -> None:
    """No number of a layer ends in "there is no opener"; gradients of parameters are always sums."""
    model = case.model()
    trace = pl.trace(model, case.inputs(), targets(model), training=case.training)
    for path in trace.paths:
        for name in names(trace, path):
            array = find_array(trace, path, name)
            for spot in spots(array.shape, 8, seed=1):
                line = pl.ledger(trace, at(f"{path}.{name}", spot))
                assert "no opener" not in line.formula, line.path
                if name in MUST_BE_SUMS:
                    assert line.how == "sum"
                if name == "dx":
                    assert line.how == "sum" or line.value == 0.0


@pytest.mark.parametrize("case", LAYERS, ids=lambda c: c.name)
def test_a_nudge_agrees_with_every_layers_backward(case: LayerCase) -> None:
    model = case.model()
    trace = pl.trace(model, case.inputs(), targets(model), training=case.training)
    path = trace.paths[0]
    params = [name for name in trace[path].params if name[0] == "d" and name[1:] in trace[path].params]
    for name in [*params, "dy", *([] if case.ids else ["dx"])]:
        array = trace[f"{path}.{name}"]
        for spot in spots(array.shape, 2, seed=2):
            found = pl.ledger(trace, at(f"{path}.{name}", spot)).nudge()
            assert found == pytest.approx(float(array[spot]), rel=2e-6, abs=2e-8), f"{path}.{name}{spot}"


def test_a_nudge_inside_containers_and_of_parameters() -> None:
    model = pl.Model(
        pl.Concat(pl.Dense(3), pl.Sequential(pl.Dense(2), pl.Tanh())),
        pl.Residual(pl.Dense(5), pl.Dropout(0.4)),
        pl.Dense(3),
        loss=pl.SoftmaxCrossEntropy(),
        input_shape=(4,),
        penalty=pl.L2(0.01) + pl.L1(0.001),
    )
    trace = pl.trace(model, X, T, weights=np.linspace(0.5, 2.0, 6))
    for path in ("0.concat.1.sequential.0.dense.dW[3,1]", "0.concat.1.sequential.1.tanh.dy[2,1]",
                 "0.concat.0.dense.dx[1,1]", "1.residual.1.dropout.dx[0,2]", "1.residual.0.dense.W[0,1]",
                 "1.residual.dy[4,4]", "loss.dz[3,1]", "loss.z[0,0]", "2.dense.db[2]"):  # fmt: skip
        found = pl.ledger(trace, path).nudge()
        assert found == pytest.approx(found.backward, rel=2e-5, abs=1e-7), path
        assert found.digits > 4 or abs(found.backward) < 1e-6
        assert "backward says" in str(found)


def test_what_cannot_be_nudged_says_so() -> None:
    trace = pl.trace(network(), X, T)
    for path in ("loss", "0.dense.W.m[0,0]", "3.batchnorm.mu[0,0]", "loss.y[0,0]"):
        with pytest.raises(pl.UsageError, match="not nudged"):
            pl.ledger(trace, path).nudge()
    with pytest.raises(pl.UsageError, match="no number of an array"):
        pl.ledger(trace, "0.dense.dW[0,0]").terms[0].nudge()
    ids = pl.Model(pl.Embedding(3, 2), input_shape=(2,))
    with pytest.raises(pl.UsageError, match="ids"):
        pl.ledger(pl.trace(ids, [[0, 1]], np.zeros((1, 2, 2))), "0.embedding.dx[0,0]").nudge()


def test_masked_sequences_can_be_opened() -> None:
    rng = np.random.default_rng(3)
    x, mask = rng.normal(size=(3, 5, 2)), np.array([[1, 1, 1, 0, 0], [1, 0, 1, 1, 1], [1, 1, 1, 1, 1]])
    layers = [pl.SimpleRNN(3, sequence=True), pl.GRU(3, sequence=True), pl.LSTM(4, sequence=True)]
    model = pl.Model(*layers, pl.MultiHeadAttention(2), pl.GRU(2), input_shape=(5, 2), dtype=np.float64)
    trace = pl.trace(model, x, rng.normal(size=(3, 2)), mask=mask)
    for path in trace.paths:
        for name in names(trace, path):
            for spot in spots(find_array(trace, path, name).shape, 12):
                line = pl.ledger(trace, at(f"{path}.{name}", spot))
                adds_up(line)
                assert ends_well(walk_down(line, np.random.default_rng(1))[-1])


# ---- losses, optimizers, penalties -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("case", LOSSES, ids=lambda c: c.name)
def test_the_terms_of_every_loss_add_up(case: LossCase, dtype: Any) -> None:
    z, t, w = case.draw()
    model = pl.Model(pl.Reshape(case.shape), loss=case.make(), input_shape=case.shape, dtype=dtype)
    trace = pl.trace(model, z, t, weights=w)
    rng = np.random.default_rng(0)
    for name in ("dz", "z", "y", "parts", "rows"):
        for spot in spots(find_array(trace, "loss", name).shape, 10):
            line = pl.ledger(trace, at(f"loss.{name}", spot))
            adds_up(line)
            assert ends_well(walk_down(line, rng)[-1])
            if name == "dz":
                assert line.how == "sum"
                assert line.nudge() == pytest.approx(line.value, rel=1e-4 if dtype == np.float32 else 1e-6, abs=2e-7)
    line = pl.ledger(trace, "loss")
    assert line.value == trace.loss
    assert len(line.terms) == len(z)
    adds_up(line)
    for _ in range(10):
        assert ends_well(walk_down(line, rng)[-1])


@pytest.mark.parametrize("case", OPTIMIZERS, ids=lambda c: c.name)
def test_the_terms_of_every_update_add_up(case: OptimizerCase) -> None:
    for model in (network(), network(dtype=np.float64)):
        optimizer = case.make(0.05)
        optimizer.start(model.theta, model.decays(), seed=0)
        for _ in range(2):
            pl.trace(model, X, T, optimizer, apply=True)
        trace = pl.trace(model, X, T, optimizer, clip=0.3)
        rng = np.random.default_rng(0)
        for name in ("step", "after", "g", *optimizer.vectors, *(f"{v}.before" for v in optimizer.vectors)):
            for spot in ((0, 0), (1, 2), (3, 4)):
                line = pl.ledger(trace, at(f"0.dense.W.{name}", spot))
                adds_up(line)
                assert ends_well(walk_down(line, rng)[-1])
                known = case.name != "random_search" and "before" not in name
                assert line.how == "sum" or not known or (name == "v" and line.value == 0.0)


def test_penalties_are_terms_of_the_gradient_and_of_the_loss() -> None:
    model = network(penalty=pl.L2(0.1), dtype=np.float64)
    trace = pl.trace(model, X, T)
    line = pl.ledger(trace, "0.dense.dW[1,2]")
    adds_up(line)
    assert line.terms[-1].label == "L2's pull"
    assert line.terms[-1].value == pytest.approx(0.2 * model.theta[0:20].reshape(4, 5)[1, 2])
    assert len(line.terms) == len(X) + 1
    adds_up(pl.ledger(trace, "0.dense.db[1]"))
    loss = pl.ledger(trace, "loss")
    adds_up(loss)
    assert loss.terms[-1].label == "L2"


# ---- large sums, places, words ---------------------------------------------------------------------------------------


@given(st.integers(1, 1500), st.integers(0, 10))
def test_of_a_large_sum_the_largest_come_first_and_the_rest_is_one_line(width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    model = pl.Model(pl.Dense(1), input_shape=(width,), dtype=np.float64, seed=seed)
    line = pl.ledger(pl.trace(model, rng.normal(size=(1, width)), [[1.0]]), "0.dense.y[0,0]")
    seen = 0
    while True:
        adds_up(line)
        shown = [term for term in line.terms if term.stands_for == 1]
        seen += len(shown)
        if not [term for term in line.terms if term.stands_for > 1]:
            break
        sizes = [abs(term.value) for term in shown]
        assert sizes == sorted(sizes, reverse=True)
        line = line.terms[-1]
        assert line.label == f"{width + 1 - seen:,} smaller terms"
    assert seen == width + 1


@given(st.data())
def test_any_number_of_a_digits_network_can_be_opened(data: st.DataObject) -> None:
    trace = TRACE
    path = data.draw(st.sampled_from(["0.dense", "1.relu", "2.dropout", "3.dense"]))
    name = data.draw(st.sampled_from([n for n in trace[path].names if "cache" not in n]))
    spot = tuple(data.draw(st.integers(0, size - 1)) for size in trace[f"{path}.{name}"].shape)
    line = pl.ledger(trace, at(f"{path}.{name}", spot))
    road = walk_down(line, np.random.default_rng(data.draw(st.integers(0, 1000))))
    assert ends_well(road[-1])


TRACE = pl.trace(
    pl.Model(
        pl.Dense(16), pl.ReLU(), pl.Dropout(0.2), pl.Dense(10), loss=pl.SoftmaxCrossEntropy(), input_shape=(784,),
        prepare=pl.Pixels((784,)),
    ),
    pl.datasets.digits()[1].x[:8],
    pl.datasets.digits()[1].t[:8],
)  # fmt: skip


def test_a_product_is_opened_by_opening_its_delta() -> None:
    line = pl.ledger(TRACE, "0.dense.dW[406,12]")
    assert [term.label for term in line.terms][:2] == ["x[0, 406] × dy[0, 12]", "x[1, 406] × dy[1, 12]"]
    for term in line.terms:
        assert term.terms
        assert term.total == pytest.approx(term.value, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize(
    ("path", "error", "said"),
    [
        ("0.dense.dW[784,12]", pl.ShapeError, r"its shape is \(784, 16\), so the last place is \[783, 15\]"),
        ("0.dense.dW[2]", pl.ShapeError, r"\(784, 16\)"),
        ("0.dense.dW", pl.ShapeError, r"\(784, 16\)"),
        ("0.dense.dW[a,b]", NoSuchPath, "no number's path"),
        ("0.dense.dW[1,,2]", NoSuchPath, "whole numbers"),
        ("0.dense", NoSuchPath, "name one of its arrays"),
        ("loss[3]", NoSuchPath, "name one of its arrays"),
        ("9.dense.dW[0,0]", NoSuchPath, "Did you mean"),
        ("0.dense.dV[0,0]", NoSuchPath, "Did you mean"),
        ("", NoSuchPath, "no number's path"),
    ],
)
def test_a_wrong_place_is_answered_with_the_right_ones(path: str, error: type, said: str) -> None:
    with pytest.raises(error, match=said):
        pl.ledger(TRACE, path)


def test_negative_places_count_from_the_end() -> None:
    assert pl.ledger(TRACE, "0.dense.dW[-1,-1]").path == "0.dense.dW[783, 15]"


SOURCES = [
    ("0.dense.dW[0,0]", "layers/dense.py", "out=self.dW"),
    ("0.dense.db[0]", "layers/dense.py", "self.db[:] ="),
    ("0.dense.y[0,0]", "layers/dense.py", "y = kernels.active().times(x, self.W)"),
    ("0.dense.dx[0,0]", "layers/dense.py", "kernels.active().times(dy, self.W.T)"),
    ("1.relu.dx[0,0]", "layers/activations.py", "relu_backward"),
    ("2.dropout.cache.mask[0,0]", "layers/dropout.py", "mask"),
    ("loss.dz[0,0]", "losses/classes.py", "dz = "),
    ("loss", "losses/classes.py", "total = "),
    ("0.dense.W.m[0,0]", "optim.py", "adam("),
]


@pytest.mark.parametrize(("path", "file", "text"), SOURCES)
def test_the_source_line_is_the_one_that_runs(path: str, file: str, text: str) -> None:
    source = pl.ledger(TRACE, path).source
    assert source is not None
    assert source.file == file
    assert text in source.text
    from pellucid.inspection.source import HOME

    assert (HOME / file).read_text().splitlines()[source.line - 1].strip() == source.text


@pytest.mark.parametrize("case", LAYERS, ids=lambda c: c.name)
def test_every_layers_gradients_have_a_source(case: LayerCase) -> None:
    model = case.model()
    trace = pl.trace(model, case.inputs(), targets(model), training=case.training)
    for path in model.slots:
        owner, _, name = path.rpartition(".")
        source = pl.ledger(trace, at(f"{owner}.d{name}", (0,) * trace[path].ndim)).source
        assert source is not None
        assert f"self.d{name}" in source.text
    for name in ("y", "dx"):
        assert pl.ledger(trace, at(f"{trace.paths[0]}.{name}", (0,) * trace[trace.paths[0]].y.ndim if name == "y"
                                   else (0,) * trace[trace.paths[0]].x.ndim)).source is not None  # fmt: skip


class Scale(pl.Layer):
    """A layer of somebody's own, for which nobody wrote an opener."""

    def forward(self, x: Any, run: pl.Run) -> Any:
        return 3.0 * x, {}

    def backward(self, dy: Any, cache: Any) -> Any:
        return 3.0 * dy


class Cubes(pl.Loss):
    """A loss of somebody's own."""

    def forward(self, z: Any, t: Any, weights: Any = None) -> Any:
        return pl.Tally(float((np.abs(z - t) ** 3).sum()), float(len(z))), {"z": z, "t": t, "y": z}

    def backward(self, cache: Any) -> Any:
        d = cache["z"] - cache["t"]
        return 3.0 * d * np.abs(d) / len(d)

    def targets(self, t: Any, z: Any) -> Any:
        return np.asarray(t)


def test_layers_and_losses_of_ones_own_are_functions_of_what_goes_in() -> None:
    model = pl.Model(pl.Dense(3), Scale(), loss=Cubes(), input_shape=(4,), dtype=np.float64)
    trace = pl.trace(model, X, np.zeros((6, 3)))
    line = pl.ledger(trace, "1.scale.y[0,1]")
    assert line.how == "function"
    assert {f.label for f in line.factors} == {"x[0, 0]", "x[0, 1]", "x[0, 2]"}
    rng = np.random.default_rng(0)
    for path in ("0.dense.dW[0,0]", "1.scale.dx[0,0]", "loss", "loss.dz[0,0]", "loss.z[0,0]"):
        assert ends_well(walk_down(pl.ledger(trace, path), rng)[-1])
    assert pl.ledger(trace, "0.dense.dW[1,1]").nudge() == pytest.approx(trace["0.dense.dW"][1, 1], rel=1e-6)
    assert pl.ledger(trace, "1.scale.dx[2,1]").nudge() == pytest.approx(trace["1.scale.dx"][2, 1], rel=1e-6)


def test_a_gradient_is_opened_sample_by_sample() -> None:
    """Where a weight is used at many places, a sample's part is one line, which is a sum over its places."""
    rng = np.random.default_rng(0)
    model = pl.Model(
        pl.Conv2D(2, 3), pl.Flatten(), pl.Dense(2), input_shape=(8, 8, 1), dtype=np.float64, penalty=pl.L2(0.1)
    )
    trace = pl.trace(model, rng.normal(size=(3, 8, 8, 1)), rng.normal(size=(3, 2)))
    line = pl.ledger(trace, "0.conv2d.dW[1,2,0,1]")
    assert [term.label for term in line.terms] == [*(f"sample {n}, 36 places" for n in range(3)), "L2's pull"]
    x, dy = trace["0.conv2d"].x, trace["0.conv2d"].dy
    for n, term in enumerate(line.terms[:3]):
        assert term.value == pytest.approx(float((x[n, 1:7, 2:8, 0] * dy[n, ..., 1]).sum()), rel=1e-12)
        assert len(term.terms) == 36
        adds_up(term)
    rnn = pl.Model(pl.LSTM(3), input_shape=(5, 2), dtype=np.float64)
    trace = pl.trace(rnn, rng.normal(size=(4, 5, 2)), np.zeros((4, 3)))
    line = pl.ledger(trace, "0.lstm.dWx[0,1]")
    assert [term.label for term in line.terms] == [f"sample {n}, 5 places" for n in range(4)]


def test_it_is_fast() -> None:
    """A trace of the digits network in 50 ms and a line in 20 ms, by the best of several on a busy machine."""
    model = pl.Model(pl.Dense(128), pl.ReLU(), pl.Dense(10), loss=pl.SoftmaxCrossEntropy(), input_shape=(784,))
    x, t = np.random.default_rng(0).random((128, 784), np.float32), np.arange(128) % 10
    traces, lines = [], []
    for _ in range(7):
        start = time.perf_counter()
        trace = pl.trace(model, x, t)
        traces.append(time.perf_counter() - start)
        start = time.perf_counter()
        terms = pl.ledger(trace, "0.dense.dW[406,12]").terms
        lines.append(time.perf_counter() - start)
        assert len(terms) == 25
    assert min(traces) < 0.05
    assert min(lines) < 0.02


def test_numbers_that_are_not_finite_can_be_opened() -> None:
    model = network()
    model.theta[3], model.theta[7] = np.inf, np.nan
    trace = pl.trace(model, X, T)
    assert not np.isfinite(trace.loss)
    line = pl.ledger(trace, "0.dense.y[0,2]")
    assert [term.label for term in line.largest(1) if np.isnan(term.value)] == ["x[0, 1] × W[1, 2]"]
    for path in ("0.dense.dW[1,1]", "loss", "3.batchnorm.dx[0,0]", "0.dense.W.step[1,1]", "4.dense.y[0,0]"):
        line = pl.ledger(trace, path)
        assert "nan" in str(line) or np.isfinite(line.value)
        assert "nan" in line._repr_html_() or np.isfinite(line.value)
    with pytest.raises(pl.UsageError, match="not finite"):
        pl.ledger(trace, "0.dense.dW[1,1]").nudge()
