"""The numbers behind the plots, which need NumPy alone: held against arrays that were computed here in another way."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import pellucid as pl
from pellucid.inspection.plot import watch as watching
from pellucid.inspection.plot.grid import Grid
from pellucid.inspection.plot.palette import colour, marker
from pellucid.inspection.plot.samples import as_pictures, picture_shape
from pellucid.inspection.trace import NoSuchPath

RNG = np.random.default_rng(0)


def classifier(K: int = 3, D: int = 4, **options: Any) -> pl.Model:
    loss = options.pop("loss", pl.SoftmaxCrossEntropy())
    return pl.Model(pl.Dense(5), pl.ReLU(), pl.Dense(K), loss=loss, input_shape=(D,), **options)


# ---- tables ----------------------------------------------------------------------------------------------------------


def test_a_tables_columns_are_aligned_words_left_and_numbers_right() -> None:
    text = Grid("What", ("name", "n", "share"), (("cat", 3, "5.0"), ("a dog", 1200, "-"))).text().splitlines()
    assert text == ["What", "name       n  share", "cat        3    5.0", "a dog  1,200      -"]


def test_a_tables_html_has_a_header_for_each_column_and_row() -> None:
    html = Grid("a & b", ("x", "y"), ((1, 2.0), (3, None))).html()
    assert html.count('<th scope="col">') == 2
    assert html.count('<th scope="row">') == 2
    assert "<caption>a &amp; b</caption>" in html
    assert "<td>2.000</td>" in html
    assert "<td>-</td>" in html


# ---- curves ----------------------------------------------------------------------------------------------------------


def rows(*losses: float | None) -> list[dict[str, Any]]:
    return [{"epoch": i, "loss": 0.1, "val_loss": v, "lr": 0.1} for i, v in enumerate(losses, start=1)]


def test_curves_name_the_best_finite_epoch() -> None:
    picture = pl.plot.Curves.of(rows(3.0, math.nan, 1.0, 2.0))
    assert picture.best == 2
    assert picture.broken == [2]
    assert "lowest 1.000 at epoch 3" in picture.says
    assert "Not finite at epoch 2." in picture.says


def test_curves_of_one_epoch_of_none_and_of_a_model_that_never_had_one() -> None:
    assert pl.plot.Curves.of(rows(3.0)).says == "1 epoch: validation loss 3.000."
    with pytest.raises(pl.UsageError, match="no epoch"):
        pl.plot.Curves.of([])
    with pytest.raises(pl.UsageError, match="Train first"):
        pl.plot.Curves.of(classifier())
    broken = pl.plot.Curves.of(rows(math.nan, math.inf))
    assert broken.best is None
    assert broken.says == "Validation loss was never finite in 2 epochs."


def test_a_figure_that_began_later_is_a_gap_and_not_a_zero() -> None:
    picture = pl.plot.Curves.of([{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.0, "val_loss": 3.0}])
    assert picture.columns["val_loss"] == (None, 3.0)
    assert picture.tables()[0].cells()[0] == ["1", "2.000", "-"]


def test_a_long_history_is_thinned_but_keeps_its_first_its_last_and_its_best_epoch() -> None:
    losses = [float(100 - i) for i in range(100)]
    losses[52] = 0.5
    table = pl.plot.Curves.of(rows(*losses)).tables()[0]
    kept = [row[0] for row in table.rows]
    assert {1, 53, 100} <= set(kept)
    assert len(kept) <= 42
    assert "one in 3" in table.caption


def test_a_rate_that_never_changes_is_no_panel() -> None:
    history = rows(1.0, 2.0)
    assert list(pl.plot.Curves.of(history).panels()) == ["loss"]
    history[1]["lr"] = 0.05
    assert pl.plot.Curves.of(history).panels() == {"loss": ["loss", "val_loss"], "lr": ["lr"]}


# ---- confusion -------------------------------------------------------------------------------------------------------


def test_the_confusion_matrix_and_the_samples_behind_its_mistakes() -> None:
    model = classifier(K=4)
    x, t = RNG.standard_normal((60, 4)), RNG.integers(0, 4, 60)
    picture = pl.plot.Confusion.of(model, x, t)
    y = model.predict(x)
    answers = y.argmax(axis=1)
    for i in range(4):
        for j in range(4):
            assert picture.C[i, j] == ((t == i) & (answers == j)).sum()
    counts = [m.count for m in picture.mistakes]
    assert counts == sorted(counts, reverse=True)
    assert len(counts) == 6
    assert counts[0] == (picture.C * (1 - np.eye(4))).max()
    for mistake in picture.mistakes:
        assert len(mistake.samples) == min(mistake.count, 5)
        for n in mistake.samples:
            assert (t[n], answers[n]) == (mistake.truth, mistake.answer)
        sure = y[list(mistake.samples)].max(axis=1)
        assert (np.diff(sure) <= 0).all()
    table = picture.tables()[0]
    assert table.headers == ("class", "0", "1", "2", "3", "right, %")
    assert [list(row[1:-1]) for row in table.rows] == picture.C.tolist()
    assert picture.pictures is None


def test_targets_may_be_one_hot_and_a_single_output_is_yes_or_no() -> None:
    model = classifier(K=3)
    x, t = RNG.standard_normal((20, 4)), RNG.integers(0, 3, 20)
    assert (pl.plot.Confusion.of(model, x, np.eye(3)[t]).C == pl.plot.Confusion.of(model, x, t).C).all()
    yes = classifier(K=1, loss=pl.SigmoidCrossEntropy())
    C = pl.plot.Confusion.of(yes, x, t % 2).C
    answers = yes.predict(x)[:, 0] >= 0.5
    assert C.tolist() == [[((t % 2 == i) & (answers == j)).sum() for j in (0, 1)] for i in (0, 1)]
    assert (pl.plot.Confusion.of(yes, x, (t % 2)[:, None]).C == C).all()


def test_the_pictures_behind_the_cells_are_those_samples() -> None:
    prepare = pl.Pixels((12,), picture=(3, 4))
    model = pl.Model(pl.Dense(2), loss=pl.SoftmaxCrossEntropy(), input_shape=(12,), prepare=prepare)
    x = RNG.integers(0, 256, (9, 3, 4)).astype(np.uint8)
    picture = pl.plot.Confusion.of(model, x, 1 - model.predict(x).argmax(axis=1))  # all of them wrong
    chosen = [n for m in picture.mistakes for n in m.samples]
    assert picture.pictures is not None
    assert np.allclose(picture.pictures, x[chosen] / 255.0)


def test_a_model_without_a_mistake_and_one_that_learned_values() -> None:
    model = classifier()
    x = RNG.standard_normal((10, 4))
    assert "There is no mistake." in pl.plot.Confusion.of(model, x, model.predict(x).argmax(axis=1)).says
    with pytest.raises(pl.UsageError, match="learns values"):
        pl.plot.Confusion.of(pl.Model(pl.Dense(1), input_shape=(4,)), x, np.zeros(10))
    with pytest.raises(pl.DataError, match="as many targets"):
        pl.plot.Confusion.of(model, x, [0])


def test_what_counts_as_a_picture() -> None:
    grey = pl.Model(pl.Conv2D(2, 2), pl.Flatten(), pl.Dense(2), input_shape=(5, 4, 1))
    colours = pl.Model(pl.Conv2D(2, 2), pl.Flatten(), pl.Dense(2), input_shape=(5, 4, 3))
    assert picture_shape(grey) == (5, 4)
    assert picture_shape(colours) == (5, 4, 3)
    assert picture_shape(classifier()) is None
    shown = as_pictures(colours, np.arange(120).reshape(2, 5, 4, 3))
    assert shown is not None
    assert shown.shape == (2, 5, 4, 3)
    assert (shown.min(), shown.max()) == (0.0, 1.0)
    assert as_pictures(grey, np.zeros((2, 7))) is None


# ---- boundary --------------------------------------------------------------------------------------------------------


def test_the_boundary_holds_what_the_model_says_at_each_place() -> None:
    model = classifier(D=2)
    x, t = RNG.standard_normal((30, 2)), RNG.integers(0, 3, 30)
    picture = pl.plot.Boundary.of(model, x, t, fine=9)
    for i, j in ((0, 0), (8, 3), (4, 7)):
        assert np.allclose(picture.answers[i, j], model.predict([[picture.xs[j], picture.ys[i]]])[0], atol=1e-6)
    assert picture.xs[0] < x[:, 0].min() < x[:, 0].max() < picture.xs[-1]
    assert picture.right is not None
    assert (picture.right == (model.predict(x).argmax(axis=1) == t)).all()
    assert picture.shares.sum() == pytest.approx(1.0)
    points = picture.tables()[0]
    assert [row[1] for row in points.rows] == np.bincount(t, minlength=3).tolist()
    plane = picture.tables()[1]
    top = model.predict(
        np.stack([picture.xs[np.linspace(0, 8, 11).round().astype(int)], [picture.ys[-1]] * 11], axis=1)
    )
    assert list(plane.rows[0][1:]) == [str(k) for k in top.argmax(axis=1)]


def test_a_single_yes_or_no_output_has_two_regions_and_a_value_has_heights() -> None:
    yes = classifier(K=1, D=2, loss=pl.SigmoidCrossEntropy())
    picture = pl.plot.Boundary.of(yes, [[0.0, 0.0], [1.0, 2.0]], [0, 1], fine=5)
    assert picture.answers.shape == (5, 5, 2)
    assert np.allclose(picture.answers.sum(axis=-1), 1.0)
    values = pl.plot.Boundary.of(pl.Model(pl.Dense(1), input_shape=(2,)), [[0.0, 0.0], [1.0, 2.0]], [0.5, 1.5], fine=5)
    assert values.right is None
    assert values.answers.shape == (5, 5, 1)
    assert "the targets from 0.5 to 1.5" in values.says


def test_a_boundary_is_for_two_inputs() -> None:
    with pytest.raises(pl.ShapeError, match="layer_map"):
        pl.plot.Boundary.of(classifier(), np.zeros((3, 4)), [0, 1, 2])
    with pytest.raises(pl.UsageError, match="one answer"):
        pl.plot.Boundary.of(pl.Model(pl.Dense(2), input_shape=(2,)), np.zeros((3, 2)), np.zeros((3, 2)))


# ---- weights ---------------------------------------------------------------------------------------------------------


def test_the_weights_into_a_unit_are_a_picture_where_the_inputs_are_pixels() -> None:
    model = pl.Model(pl.Dense(6), pl.ReLU(), pl.Dense(2), input_shape=(12,), prepare=pl.Pixels((12,), picture=(3, 4)))
    W = model.layers[0].W
    W[:] *= np.arange(1, 7)
    tiles = pl.plot.Tiles.weights(model, "0.dense", most=3)
    order = np.argsort(-np.linalg.norm(W, axis=0))[:3]
    assert tiles.labels == tuple(f"unit {k}" for k in order)
    for tile, k in zip(tiles.values, order, strict=True):
        assert (tile == W[:, k].reshape(3, 4)).all()
    assert "The 3 of 6 units" in tiles.says
    assert tiles.scale == np.abs(W[:, order]).max()
    assert pl.plot.Tiles.weights(model, "2.dense").values.shape == (1, 6, 2)  # what comes in is no picture any more
    assert pl.plot.Tiles.weights(model, "2.dense.W", picture=(3, 2)).values.shape == (2, 3, 2)
    assert pl.plot.Tiles.weights(model, "0.dense.b").values.shape == (1, 1, 6)


def test_filters_are_a_tile_for_each_filter_and_channel() -> None:
    model = pl.Model(pl.Conv2D(3, (2, 5)), pl.Flatten(), pl.Dense(1), input_shape=(6, 6, 2))
    W = model.layers[0].W
    tiles = pl.plot.Tiles.filters(model, "0.conv2d")
    assert tiles.values.shape == (6, 2, 5)
    place = tiles.labels.index("filter 2, channel 1")
    assert (tiles.values[place] == W[:, :, 1, 2]).all()
    assert (tiles.rows, tiles.columns) == (2, 3)  # a row a channel
    assert pl.plot.Tiles.weights(model, "0.conv2d").labels == tiles.labels
    few = pl.plot.Tiles.filters(model, "0.conv2d", most=2)
    assert "Filters 0 to 0 of 3, channels 0 to 1 of 2" in few.says


def test_filters_of_a_sequence_and_what_has_none() -> None:
    model = pl.Model(pl.Conv1D(4, 3), pl.Flatten(), pl.Dense(1), input_shape=(8, 2))
    assert pl.plot.Tiles.filters(model, "0.conv1d").values.shape == (8, 1, 3)
    with pytest.raises(pl.UsageError, match="no convolution's filters"):
        pl.plot.Tiles.filters(model, "2.dense")
    with pytest.raises(NoSuchPath, match="Did you mean"):
        pl.plot.Tiles.weights(model, "0.conv2d")
    with pytest.raises(pl.UsageError, match="not the pixels"):
        pl.plot.Tiles.weights(model, "2.dense", picture=(3, 3))


def test_the_text_of_weights_counts_signs_and_what_is_not_finite() -> None:
    model = pl.Model(pl.Dense(2), input_shape=(2,))
    model.layers[0].W[:] = [[1.0, -3.0], [np.nan, 0.0]]
    tiles = pl.plot.Tiles.weights(model, "0.dense")
    assert tiles.scale == 3.0
    assert "1 of 4 weights are positive, 1 are negative. Not finite: 1." in tiles.says
    assert tiles.tables()[1].headers == ("input \\ output", "0", "1")


# ---- a watched training ----------------------------------------------------------------------------------------------

FINITE = arrays(np.float64, st.integers(1, 60), elements=st.floats(-1e6, 1e6, width=32))


@given(FINITE, st.integers(0, 5))
def test_every_number_is_counted_once_and_in_its_own_bin(x: Any, more: int) -> None:
    found = watching.Values.of(x)
    wide = found.widened(found.reach + more)
    assert found.total == wide.total == len(x)
    assert found.zeros == (x == 0).sum()
    edges = np.ldexp(np.arange(-128, 129) / 128, wide.reach)
    for i in np.flatnonzero(wide.counts):
        inside = (x >= edges[i]) & (x < edges[i + 1]) & (x != 0)
        assert wide.counts[i] == inside.sum()
    assert found.mean == pytest.approx(x.mean())


@given(FINITE)
def test_sizes_are_counted_by_powers_of_two(x: Any) -> None:
    found = watching.Sizes.of(x)
    assert found.total == len(x)
    some = np.abs(x[x != 0])
    inside = some[(some > 2.0**-60) & (some < 2.0**30)]
    assert sum(found.counts[16:]) >= len(inside)
    for value in inside:
        place = int(np.floor((np.log2(value) + 64) * 4))
        assert found.counts[place] >= 1
    assert found.typical == pytest.approx(float(np.sqrt(np.mean(x * x))))


def test_numbers_that_are_not_finite_are_counted_apart() -> None:
    x = np.array([np.nan, np.inf, -np.inf, 0.0, 2.0])
    assert (watching.Values.of(x).broken, watching.Values.of(x).counts.sum()) == (3, 1)
    assert (watching.Sizes.of(x).broken, watching.Sizes.of(x).counts.sum()) == (3, 1)
    assert math.isnan(watching.Values.of(np.array([np.nan])).mean)


def training(epochs: int = 2, seed: int = 0) -> pl.Training:
    x, t = np.random.default_rng(1).standard_normal((20, 4)), np.arange(20) % 3
    model = pl.Model(
        pl.Dense(5), pl.ReLU(), pl.Dropout(0.3), pl.Dense(3), loss=pl.SoftmaxCrossEntropy(), input_shape=(4,)
    )
    return pl.train(model, (x, t), optimizer=pl.Adam(0.01), epochs=epochs, batch_size=4, seed=seed)


def test_a_watched_training_makes_the_same_bits_and_leaves_nothing_behind() -> None:
    plain, looked = training(), training()
    watch = pl.plot.watched(looked, every=3)
    kinds = [type(event).__name__ for event in watch]
    assert kinds == [type(event).__name__ for event in plain]
    assert (plain.model.theta == looked.model.theta).all()
    assert type(looked.model) is pl.Model
    assert type(looked.optimizer) is pl.Adam
    assert [m.step for m in watch.moments] == [1, 4, 7, 10]


def test_a_moment_holds_the_steps_own_numbers() -> None:
    looked, traced = training(), training()
    watch = pl.plot.watched(looked, every=4)
    for _ in watch:
        pass
    with pl.tracing(traced) as traces:
        for _ in traced:
            pass
    for moment in watch.moments:
        trace = traces[moment.step - 1]
        assert moment.y["1.relu"].mean == pytest.approx(float(trace["1.relu"].y.mean()))
        assert moment.y["1.relu"].zeros == (trace["1.relu"].y == 0).sum()
        assert moment.dy["3.dense"].typical == pytest.approx(float(np.sqrt((trace["3.dense"].dy ** 2).mean())))
        assert moment.grad["0.dense.W"].total == 20
        W, step = trace["0.dense"].W, trace.update["0.dense.W"]
        assert moment.ratio["0.dense.W"] == pytest.approx(float(np.linalg.norm(step) / np.linalg.norm(W)))
        assert set(moment.ratio) == {"0.dense.W", "3.dense.W"}


def test_leaving_a_watched_training_early_leaves_the_model_as_it_was() -> None:
    looked = training()
    for event in pl.plot.watched(looked, every=1):
        if isinstance(event, pl.StepDone) and event.step == 2:
            break
    assert type(looked.model) is pl.Model
    rest = [event for event in looked if isinstance(event, pl.StepDone)]
    assert [event.step for event in rest] == [3, 4, 5, 6, 7, 8, 9, 10]


def test_histograms_over_steps_share_their_bins() -> None:
    watch = pl.plot.watched(training(epochs=3), every=2)
    list(watch)
    for kind in ("activations", "gradients", "weight gradients"):
        picture = pl.plot.Histograms.of(watch, kind)
        for panel in picture.panels.values():
            assert panel.share.shape == (len(picture.steps), len(panel.at) - 1)
            assert (panel.share.sum(axis=1) + panel.zeros <= 1 + 1e-9).all()
            assert (np.diff(panel.at) > 0).all()
    picture = pl.plot.Histograms.of(watch)
    relu = picture.panels["1.relu"]
    assert np.allclose(relu.share.sum(axis=1) + relu.zeros, 1.0, atol=5e-3)
    assert [row[0] for row in picture.tables()[0].rows] == ["0.dense", "1.relu", "2.dropout", "3.dense"]
    assert picture.tables()[1].rows[-1][0] == picture.steps[-1]


def test_the_ratios_are_those_of_the_watch_and_need_an_update() -> None:
    watch = pl.plot.watched(training(), every=5)
    list(watch)
    picture = pl.plot.Ratios.of(watch)
    assert picture.ratio["0.dense.W"] == tuple(m.ratio["0.dense.W"] for m in watch.moments)
    assert "b moved by 0.5000" in pl.plot.Ratios((1,), {"a": (math.nan,), "b": (0.5,)}).says
    with pytest.raises(pl.UsageError, match="Iterate the watch"):
        pl.plot.Ratios.of(pl.plot.watched(training()))
    model = classifier()
    with pl.tracing(model) as traces:
        model.fit(np.zeros((4, 4)), [0, 1, 2, 0], epochs=1, verbose=False)
    with pytest.raises(pl.UsageError, match="no update"):
        pl.plot.Ratios.of(traces)
    with pytest.raises(pl.UsageError, match="'weights'"):
        pl.plot.Histograms.of(traces, "weights")
    with pytest.raises(pl.UsageError, match="every is a whole number"):
        pl.plot.watched(training(), every=0)


# ---- the loss around the weights -------------------------------------------------------------------------------------


def test_the_surface_is_the_loss_at_those_weights_and_the_model_stays() -> None:
    model = classifier()
    x, t = RNG.standard_normal((12, 4)), RNG.integers(0, 3, 12)
    before = model.theta.copy()
    d1, d2 = RNG.standard_normal((2, model.theta.size))
    picture = pl.plot.Surface.of(model, x, t, (d1, d2), reach=0.5, steps=3)
    assert (model.theta == before).all()
    twin = model.copy()
    for i, b in enumerate((-0.5, 0.0, 0.5)):
        for j, a in enumerate((-0.5, 0.0, 0.5)):
            twin.theta[:] = before + a * d1 + b * d2
            assert picture.loss[i, j] == pytest.approx(twin.evaluate(x, t, ())["loss"], rel=1e-5)
    assert picture.loss[1, 1] == pytest.approx(model.evaluate(x, t, ())["loss"], rel=1e-6)
    assert list(picture.tables()[0].rows[0][1:]) == picture.loss[2].tolist()  # the top row is the greatest b


def test_random_directions_are_scaled_by_filter_and_follow_from_the_seed() -> None:
    model = pl.Model(pl.Conv2D(3, 2), pl.BatchNorm(), pl.Flatten(), pl.Dense(2), input_shape=(4, 4, 2))
    d = pl.plot.random_direction(model, seed=4)
    for path, slot in model.slots.items():
        part, W = (v[slot.at].reshape(slot.shape) for v in (d, model.theta))
        if path.endswith(".W"):
            axes = tuple(range(W.ndim - 1))
            assert np.allclose((part**2).sum(axis=axes), (W**2).sum(axis=axes))
        else:
            assert not part.any()
    assert (d == pl.plot.random_direction(model, seed=4)).all()
    assert not np.allclose(d, pl.plot.random_direction(model, seed=4, which=1))
    assert not np.allclose(d, pl.plot.random_direction(model, seed=5))


def test_a_surface_that_is_not_finite_everywhere_says_so() -> None:
    model = pl.Model(pl.Dense(1, bias=False), input_shape=(1,))
    model.theta[:] = 1.0
    picture = pl.plot.Surface.of(model, [[1.0]], [0.0], ([1e38], [0.0]), reach=3.0, steps=3)
    assert not np.isfinite(picture.loss[0, 0])
    assert "not finite (hatched)" in picture.says
    with pytest.raises(pl.ShapeError, match="one number for each parameter"):
        pl.plot.Surface.of(model, [[1.0]], [0.0], ([1.0, 2.0], [0.0, 1.0]))
    with pytest.raises(pl.UsageError, match="reach"):
        pl.plot.Surface.of(model, [[1.0]], [0.0], reach=0)


# ---- optimizers ------------------------------------------------------------------------------------------------------


def test_adams_numbers_are_those_of_its_paper() -> None:
    g = RNG.standard_normal(7)
    path = pl.plot.Walks.on_gradients(g, [pl.Adam(0.1, beta1=0.8, beta2=0.95)], start=2.0).paths[
        "Adam 0.1, beta1 0.8, beta2 0.95"
    ]
    m = v = 0.0
    w = 2.0
    for i, gradient in enumerate(g.tolist(), start=1):
        m, v = 0.8 * m + 0.2 * gradient, 0.95 * v + 0.05 * gradient**2
        mh, vh = m / (1 - 0.8**i), v / (1 - 0.95**i)
        dw = -0.1 * mh / (math.sqrt(vh) + 1e-8)
        w += dw
        wanted = {"g": gradient, "m": m, "v": v, "mh": mh, "vh": vh, "dw": dw, "w": w}
        for name, value in wanted.items():
            assert path[name][i - 1] == pytest.approx(value, rel=1e-9), name


def test_every_optimizer_gets_the_same_gradients_or_walks_its_own_slope() -> None:
    same = pl.plot.Walks.on_gradients([1.0, -2.0, 0.5])
    assert all(path["g"].tolist() == [1.0, -2.0, 0.5] for path in same.paths.values())
    assert same.paths["SGD"]["w"].tolist() == pytest.approx([-0.1, 0.1, 0.05])
    assert same.paths["SGD, momentum"]["velocity"].tolist() == pytest.approx([-0.1, 0.11, 0.049])
    assert same.paths["AdaGrad"]["s"].tolist() == [1.0, 5.0, 5.25]
    own = pl.plot.Walks.on_slope(lambda w: 2 * w, {"plain": pl.SGD(0.25)}, start=8.0, steps=3)
    assert own.paths["plain"]["g"].tolist() == [16.0, 8.0, 4.0]
    assert own.paths["plain"]["w"].tolist() == [4.0, 2.0, 1.0]
    assert own.says == "The same slope, from w = 8. After 3 steps: plain w 1.000."


def test_a_weight_of_a_model_is_followed_in_copies_of_it() -> None:
    model = classifier()
    before = model.theta.copy()
    x, t = RNG.standard_normal((8, 4)), RNG.integers(0, 3, 8)
    walks = pl.plot.Walks.on_model(model, x, t, "2.dense.W[3,1]", [pl.SGD(0.5), pl.AdamW(0.1)], steps=4)
    assert (model.theta == before).all()
    twin, rule = model.copy(), pl.AdamW(0.1)
    rule.start(twin.theta, twin.decays())
    for i in range(4):
        twin.loss_and_grad(x, t)
        assert walks.paths["AdamW 0.1"]["g"][i] == pytest.approx(twin.layers[2].dW[3, 1], rel=1e-5)
        rule.step(twin.theta, twin.grad)
        assert walks.paths["AdamW 0.1"]["w"][i] == pytest.approx(twin.layers[2].W[3, 1], rel=1e-5)


def test_optimizers_that_are_alike_are_numbered_and_wrong_calls_are_told() -> None:
    assert list(pl.plot.Walks.on_gradients([1.0], [pl.SGD(0.1), pl.SGD(0.1)]).paths) == ["1. SGD 0.1", "2. SGD 0.1"]
    given = pl.Adam(0.1)
    pl.plot.Walks.on_gradients([1.0], [given])
    assert given.t == 0  # what was given is copied
    with pytest.raises(pl.ShapeError, match="one number a step"):
        pl.plot.Walks.on_gradients([[1.0]])
    with pytest.raises(pl.UsageError, match="none was given"):
        pl.plot.Walks.on_gradients([1.0], [])
    for path in ("2.dense.W", "2.dense.W[9,0]", "2.dense.W[1]"):
        with pytest.raises(pl.UsageError, match=r"has the shape \(5, 3\)"):
            pl.plot.Walks.on_model(classifier(), np.zeros((1, 4)), [0], path)
    with pytest.raises(NoSuchPath, match="Did you mean"):
        pl.plot.Walks.on_model(classifier(), np.zeros((1, 4)), [0], "2.dens.W[0,0]")


# ---- the house -------------------------------------------------------------------------------------------------------


def test_a_hundred_classes_differ_in_colour_or_marker() -> None:
    assert len({(colour(k), marker(k)) for k in range(100)}) == 100


def test_a_wrong_name_lists_the_right_ones_and_dir_has_them() -> None:
    with pytest.raises(AttributeError, match="optimizer_paths"):
        _ = pl.plot.nothing
    for name in pl.plot.WHERE:
        assert name in dir(pl.plot)
        assert getattr(pl.plot, name).__doc__


def test_the_numbers_need_no_matplotlib_and_the_figure_says_what_is_missing() -> None:
    script = (
        "import sys; sys.modules['matplotlib'] = None; sys.modules['sklearn'] = None; import pellucid as pl\n"
        "picture = pl.plot.Curves.of([{'epoch': 1, 'loss': 0.5}]); print(picture.text())\n"
        "try: picture.figure()\n"
        "except pl.UsageError as error: print(error)\n"
        "try: pl.plot.Cloud.of(pl.Model(pl.Dense(2), input_shape=(2,)), 'input', [[0, 1], [1, 0], [1, 1]], [0, 1, 2])\n"
        "except pl.UsageError as error: print(error)\n"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert "1 epoch: loss 0.5000." in out
    assert out.count("pip install 'pellucid[plot]'") == 2
    assert "matplotlib, which is not installed" in out
    assert "scikit-learn, which is not installed" in out
