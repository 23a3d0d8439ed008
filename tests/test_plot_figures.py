"""What is drawn: figures hold the numbers, the words and the signs that they should, and are written whole or not."""

from __future__ import annotations

import io
import math
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pl
from pellucid.inspection.plot import palette

pytest.importorskip("matplotlib", reason="figures are drawn with matplotlib, the extra plot")

RNG = np.random.default_rng(0)


def classifier(K: int = 3, D: int = 2, **options: Any) -> pl.Model:
    loss = options.pop("loss", pl.SoftmaxCrossEntropy())
    return pl.Model(pl.Dense(5), pl.ReLU(), pl.Dense(K), loss=loss, input_shape=(D,), **options)


def labels(ax: Any) -> list[str]:
    return [t.get_text() for t in ax.get_xticklabels()]


def texts(figure: Any) -> str:
    """Every word that stands in a figure, once it is drawn."""
    from matplotlib.text import Text

    figure.draw_without_rendering()
    return "\n".join(t.get_text() for t in figure.findobj(Text) if t.get_text())


def drawn(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    assert buffer.getvalue().startswith(b"\x89PNG")
    return buffer.getvalue()


HISTORY = [
    {"epoch": i, "loss": 2.0 / i, "val_loss": 2.5 / i, "accuracy": 1 - 1 / i, "lr": 0.1 / i} for i in range(1, 6)
]


def test_curves_are_the_history_in_panels_with_labels() -> None:
    figure = pl.plot.curves(HISTORY)
    loss, accuracy, rate = figure.axes
    lines = {line.get_label(): line for line in loss.lines}
    assert lines["training"].get_ydata().tolist() == [row["loss"] for row in HISTORY]
    assert lines["validation"].get_ydata().tolist() == [row["val_loss"] for row in HISTORY]
    assert lines["best epoch"].get_xydata().tolist() == [[5.0, 0.5]]
    assert lines["training"].get_linestyle() != lines["validation"].get_linestyle()
    assert lines["training"].get_marker() != lines["validation"].get_marker()
    assert accuracy.lines[0].get_ydata().tolist() == [100 * row["accuracy"] for row in HISTORY]
    assert [ax.get_ylabel() for ax in figure.axes] == ["loss", "accuracy, %", "learning rate"]
    assert all(ax.get_xlabel() == "epoch" for ax in figure.axes)
    assert rate.lines[0].get_ydata()[-1] == pytest.approx(0.02)
    assert figure.data.says in texts(figure).replace("\n", " ")
    drawn(figure)


def test_what_is_not_finite_is_marked_where_it_happened() -> None:
    history = [dict(row) for row in HISTORY]
    history[2]["loss"], history[3]["val_loss"] = math.nan, math.inf
    figure = pl.plot.curves(history)
    cross = next(line for line in figure.axes[0].lines if line.get_label() == "not finite")
    assert list(cross.get_xdata()) == [3, 4]
    assert cross.get_marker() == "x"
    assert np.isnan(figure.axes[0].lines[0].get_ydata()[2])
    drawn(figure)


def test_one_epoch_is_a_point_inside_its_panel_and_a_wide_loss_is_logarithmic() -> None:
    ax = pl.plot.curves(HISTORY[:1]).axes[0]
    low, high = ax.get_ylim()
    assert low == 0.0 < 2.5 < high
    figure = pl.plot.curves([{"epoch": 1, "loss": 100.0}, {"epoch": 2, "loss": 0.1}])
    assert figure.axes[0].get_yscale() == "log"
    assert "log scale" in figure.axes[0].get_ylabel()
    assert pl.plot.curves([{"epoch": 1, "loss": math.nan}]).axes[0].lines[0].get_ydata().size == 1


def test_right_cells_are_blue_and_framed_and_wrong_ones_orange() -> None:
    from matplotlib.patches import Rectangle

    model = classifier()
    x = RNG.standard_normal((30, 2))
    t = model.predict(x).argmax(axis=1)
    wrong = int(np.flatnonzero(t == t[0])[0])
    t[wrong] = (t[wrong] + 1) % 3
    figure = pl.plot.confusion(model, x, t)
    ax = figure.axes[0]
    image, C = ax.images[0].get_array(), figure.data.C
    blue = [image[i, i, 2] > image[i, i, 0] for i in range(3) if C[i, i]]
    assert blue
    assert all(blue)
    i, j = np.argwhere(C * (1 - np.eye(3)) > 0)[0]
    assert image[i, j, 0] > image[i, j, 2]
    assert (image[C == 0] == 1.0).all()
    assert sum(isinstance(patch, Rectangle) and not patch.get_fill() for patch in ax.patches) == 3
    numbers = [text.get_text() for text in ax.texts]
    assert sorted(n for n in numbers if n.isdigit()) == sorted(str(v) for v in C.ravel() if v)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("answer", "true class")
    drawn(figure)


@pytest.mark.parametrize("K", [2, 10, 30, 60])
def test_any_number_of_classes_and_names_with_dollars_can_be_drawn(K: int) -> None:
    names = tuple(f"the class of all things that cost $x_{k} or $more_{k}" for k in range(K))
    model = classifier(K, classes=names)
    x, t = RNG.standard_normal((3 * K, 2)), np.arange(3 * K) % K
    figure = pl.plot.confusion(model, x, t)
    assert len(figure.axes[0].get_xticks()) == (K if K <= 50 else 0)
    shown = labels(figure.axes[0])
    assert len(set(shown)) == len(shown)  # cut in the middle, they still differ
    assert names[0] in figure.data.text()  # the twin has them whole
    drawn(figure)
    drawn(pl.plot.boundary(model, x, t))


def test_the_pictures_behind_the_cells_stand_in_a_sheet() -> None:
    prepare = pl.Pixels((16,), picture=(4, 4))
    model = pl.Model(pl.Dense(2), loss=pl.SoftmaxCrossEntropy(), input_shape=(16,), prepare=prepare, classes=("a", "b"))
    x = RNG.integers(0, 256, (12, 4, 4)).astype(np.uint8)
    figure = pl.plot.confusion(model, x, 1 - model.predict(x).argmax(axis=1))
    sheet = figure.axes[1].images[0].get_array()
    assert np.allclose(sheet[:4, :4, 0], figure.data.pictures[0])
    first = figure.data.mistakes[0]
    name = f"{figure.data.classes[first.truth]} → {figure.data.classes[first.answer]}\n{first.count} times"
    assert figure.axes[1].get_yticklabels()[0].get_text() == name
    drawn(figure)


def test_regions_points_and_rings_of_a_boundary() -> None:
    model = classifier(classes=("one", "two", "three"))
    x, t = RNG.standard_normal((40, 2)), np.arange(40) % 3
    figure = pl.plot.boundary(model, x, t)
    ax = figure.axes[0]
    groups = {group.get_label(): group for group in ax.collections}
    for k, name in enumerate(("one", "two", "three")):
        assert np.allclose(groups[name].get_offsets(), x[t == k])
    rings = groups["in a wrong region"]
    assert np.allclose(rings.get_offsets(), x[model.predict(x).argmax(axis=1) != t])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("input 0", "input 1")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["one", "two", "three", "in a wrong region"]
    drawn(figure)


def test_a_tables_columns_name_the_axes_and_values_are_heights() -> None:
    prepare = pl.Standardize.fit(np.array([[0.0, 1.0], [4.0, 9.0]]), ("age $", "weight"))
    model = pl.Model(pl.Dense(1), input_shape=(2,), prepare=prepare)
    figure = pl.plot.boundary(model, np.array([[0.0, 1.0], [4.0, 9.0]]), [1.0, 2.0])
    assert figure.axes[0].get_xlabel() == r"age \$"
    assert figure.axes[1].get_ylabel() == "answer (field) and target (points)"
    drawn(figure)
    constant = pl.Model(pl.Dense(1), input_shape=(2,))
    constant.theta[:] = 0.0
    drawn(pl.plot.boundary(constant, [[0.0, 0.0], [0.0, 0.0]], [0.0, 0.0]))


def test_weights_share_a_scale_around_zero_and_negative_ones_have_a_dash() -> None:
    model = pl.Model(pl.Dense(2), input_shape=(3,))
    model.layers[0].W[:] = [[1.0, -2.0], [0.5, -0.5], [0.0, 0.01]]
    figure = pl.plot.weights(model, "0.dense")
    ax = figure.axes[0]
    assert ax.images[0].get_clim() == (-2.0, 2.0)
    assert ax.images[0].get_array().tolist() == model.layers[0].W.tolist()
    assert sorted(map(tuple, ax.collections[0].get_offsets().tolist())) == [(1.0, 0.0), (1.0, 1.0)]
    minus, zero, plus = palette.signed()([0.0, 0.5, 1.0])
    assert minus[0] > minus[2]
    assert plus[2] > plus[0]
    assert np.allclose(zero[:3], 1.0, atol=0.02)
    drawn(figure)


def test_tiles_of_units_and_of_filters_have_their_names() -> None:
    model = pl.Model(pl.Dense(3), input_shape=(64,), prepare=pl.Pixels((64,), picture=(8, 8)))
    figure = pl.plot.weights(model, "0.dense")
    titles = {ax.get_title() for ax in figure.axes}
    assert {"unit 0", "unit 1", "unit 2"} <= titles
    drawn(figure)
    conv = pl.Model(pl.Conv2D(2, 3), pl.Flatten(), pl.Dense(1), input_shape=(5, 5, 3))
    figure = pl.plot.filters(conv, "0.conv2d")
    assert [ax.get_ylabel() for ax in figure.axes[:6]] == ["channel 0", "", "channel 1", "", "channel 2", ""]
    assert [ax.get_title() for ax in figure.axes[:2]] == ["filter 0", "filter 1"]
    drawn(figure)


def watch() -> Any:
    x, t = np.random.default_rng(1).standard_normal((16, 2)), np.arange(16) % 3
    found = pl.plot.watched(pl.train(classifier(), (x, t), epochs=3, batch_size=8), every=2)
    list(found)
    return found


def test_histograms_over_steps_are_fields_and_of_one_step_bars() -> None:
    seen = watch()
    for kind in ("activations", "gradients", "weight gradients"):
        figure = pl.plot.histograms(seen, kind)
        field = figure.axes[0].collections[0].get_array()
        panel = next(iter(figure.data.panels.values()))
        assert np.allclose(np.asarray(field).reshape(panel.share.T.shape) ** 2, panel.share.T)
        drawn(figure)
    figure = pl.plot.histograms(pl.trace(classifier(), RNG.standard_normal((8, 2)), np.arange(8) % 3))
    ax = figure.axes[0]
    assert ax.get_title(loc="left") == "0.dense"
    for bar in ax.patches:
        below = bar.get_x() + bar.get_width() <= 1e-9
        assert (bar.get_hatch() == "////") == below  # the sign by stripes too
    heights = sum(bar.get_height() for bar in ax.patches)
    assert heights == pytest.approx(100.0)
    drawn(figure)


def test_update_ratios_are_lines_on_a_logarithmic_scale() -> None:
    figure = pl.plot.ratios(watch())
    ax = figure.axes[0]
    assert ax.get_yscale() == "log"
    lines = {line.get_label(): line.get_ydata() for line in ax.lines}
    assert tuple(lines["2.dense.W"]) == figure.data.ratio["2.dense.W"]
    assert ax.get_xlabel() == "step"
    drawn(figure)


def test_the_surface_is_drawn_with_its_lowest_place_and_its_holes() -> None:
    model = classifier()
    figure = pl.plot.surface(model, RNG.standard_normal((9, 2)), np.arange(9) % 3, steps=5)
    lines = {line.get_label(): line.get_xydata().tolist() for line in figure.axes[0].lines}
    i, j = np.unravel_index(figure.data.loss.argmin(), (5, 5))
    assert lines["lowest"] == [[figure.data.a[j], figure.data.b[i]]]
    assert lines["the weights"] == [[0.0, 0.0]]
    assert figure.axes[1].get_ylabel() == "loss"
    drawn(figure)
    one = pl.Model(pl.Dense(1, bias=False), input_shape=(1,))
    for far in (1e38, math.nan):
        drawn(pl.plot.surface(one, [[1.0]], [0.0], directions=([far], [1.0]), steps=3, reach=3.0))
    drawn(pl.plot.surface(one, [[1.0]], [0.0], steps=1))


def test_what_a_layer_makes_of_samples_in_the_plane() -> None:
    pytest.importorskip("sklearn", reason="principal components are scikit-learn's, the extra plot")
    model = classifier(classes=("a", "b", "c"))
    x, t = RNG.standard_normal((30, 2)), np.arange(30) % 3
    cloud = pl.plot.Cloud.of(model, "1.relu", x, t)
    y = np.maximum(x @ model.layers[0].W + model.layers[0].b, 0)
    centred = y - y.mean(axis=0)
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    assert np.allclose(np.abs(cloud.points), np.abs(centred @ axes[:2].T), atol=1e-5)
    assert np.allclose(cloud.kept, (sizes**2 / (sizes**2).sum())[:2], atol=1e-6)
    far = np.linalg.norm(cloud.points[:, None] - cloud.points[None], axis=-1) + 1e9 * np.eye(30)
    assert (cloud.near == (t[far.argmin(axis=1)] == t)).all()
    figure = pl.plot.layer_map(model, "1.relu", x, t)
    groups = {group.get_label(): group.get_offsets() for group in figure.axes[0].collections}
    assert np.allclose(groups["b"], cloud.points[t == 1])
    assert figure.axes[0].get_xlabel().startswith("component 1 (")
    drawn(figure)
    values = pl.Model(pl.Dense(1), input_shape=(2,))
    drawn(pl.plot.layer_map(values, "0.dense", x, t.astype(float)))
    with pytest.raises(LookupError, match=r"no layer '1\.rel'"):
        pl.plot.layer_map(model, "1.rel", x, t)
    with pytest.raises(pl.UsageError, match="'umap'"):
        pl.plot.layer_map(model, "1.relu", x, t, how="umap")
    with pytest.raises(pl.DataError, match="the same of every sample"):
        pl.plot.layer_map(model, "input", np.ones((5, 2)), [0, 1, 2, 0, 1])


def test_tsne_keeps_clusters_together_and_follows_from_its_seed() -> None:
    pytest.importorskip("sklearn", reason="t-SNE is scikit-learn's, the extra plot")
    model = classifier()
    t = np.arange(24) % 2
    x = RNG.standard_normal((24, 2)) * 0.05 + np.where(t[:, None] == 1, 8.0, -8.0)
    first, again = (pl.plot.Cloud.of(model, "input", x, t, how="tsne", seed=3) for _ in range(2))
    assert (first.points == again.points).all()
    assert first.near.all()
    assert first.names == ("first dimension", "second dimension")


def test_optimizer_paths_are_one_line_an_optimizer_in_each_panel() -> None:
    figure = pl.plot.optimizer_paths(lambda w: 2 * w, start=3.0, steps=9)
    titles = [ax.get_title(loc="left") for ax in figure.axes if ax.get_visible()]
    assert titles[0] == "g, gradient"
    assert sorted(titles) == sorted(set(titles))
    step = next(ax for ax in figure.axes if ax.get_title(loc="left") == "dw, step of the weight")
    lines = {line.get_label(): list(line.get_ydata()) for line in step.lines}
    assert lines["Adam"] == figure.data.paths["Adam"]["dw"].tolist()
    assert len({(line.get_color(), line.get_marker()) for line in step.lines[1:]}) == 5
    drawn(figure)
    model = classifier()
    drawn(pl.plot.optimizer_paths(model, [[1.0, 2.0]], [1], "0.dense.W[0,0]", steps=2, optimizers=[pl.SGD(1e9)]))
    with pytest.raises(pl.UsageError, match="a batch and a weight"):
        pl.plot.optimizer_paths(model)


# ---- files -----------------------------------------------------------------------------------------------------------


def test_files_are_written_whole_with_their_words(tmp_path: Path) -> None:
    figure = pl.plot.curves(HISTORY)
    for ending, start in ((".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")):
        pl.plot.save(figure, tmp_path / f"curves{ending}")
        assert (tmp_path / f"curves{ending}").read_bytes().startswith(start)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curves.pdf", "curves.png", "curves.svg"]
    svg = (tmp_path / "curves.svg").read_text("utf-8")
    assert f"<title>Learning curves</title><desc>{figure.data.says}</desc>" in svg
    assert '<svg role="img" ' in svg
    assert figure.data.says.encode() in (tmp_path / "curves.png").read_bytes()


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture, path = pl.plot.Curves.of(HISTORY), tmp_path / "curves.png"
    path.write_bytes(b"old")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(pl.FileError, match="No space left"):
        picture.save(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(pl.UsageError, match=r"\.png, \.svg, \.pdf"):
        picture.save(tmp_path / "curves.gif")


def test_the_same_numbers_make_the_same_picture_in_any_thread_and_no_setting_changes() -> None:
    import sys

    import matplotlib

    before, backend = dict(matplotlib.rcParams), "matplotlib.pyplot" in sys.modules
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(drawn(pl.plot.curves(HISTORY)))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    assert found[0] == found[1]
    assert dict(matplotlib.rcParams) == before
    assert ("matplotlib.pyplot" in sys.modules) == backend


def test_a_notebook_shows_the_figure_and_a_small_one_is_drawn_too() -> None:
    figure = pl.plot.curves(HISTORY)
    assert figure._repr_png_().startswith(b"\x89PNG")
    model = classifier(10, classes=tuple(f"class number {k}" for k in range(10)))
    x, t = RNG.standard_normal((20, 2)), np.arange(20) % 10
    for picture in (pl.plot.Curves.of(HISTORY), pl.plot.Confusion.of(model, x, t), pl.plot.Boundary.of(model, x, t)):
        small = picture.figure((3.6, 2.8))
        assert small.get_size_inches().tolist() == [3.6, 2.8]
        drawn(small)
