"""The columns of a table, the table, and targets of any size: measured on the training part, kept in the model file."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pellucid as pl
from pellucid.data.columns import as_words
from pellucid.losses import ElementwiseLoss

NAN = float("nan")
KINDS = [("age", float), ("port", "U4"), ("fare", float)]
ROWS = [(20.0, "S", 7.0), (NAN, "C", 500.0), (40.0, "", 30.0), (60.0, "S", 8.0), (30.0, "Q", 0.0)]


def people() -> np.ndarray:
    return np.array(ROWS, KINDS)


# ---- numbers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fill", "value"), [("median", 35.0), ("mean", 37.5), (-1, -1.0), (0.5, 0.5)])
def test_a_missing_number_is_filled_and_marked(fill, value):
    column = pl.Number.fit("age", [20.0, NAN, 40.0, 60.0, 30.0], fill=fill, scale="none")
    assert (column.fill, column.mark, column.shift, column.scale) == (value, True, 0.0, 1.0)
    assert column([NAN, 50.0, None]).tolist() == [[value, 1.0], [50.0, 0.0], [value, 1.0]]


def test_without_missing_numbers_there_is_no_mark_but_a_stand_in():
    column = pl.Number.fit("age", [1.0, 2.0, 9.0], scale="none")
    assert column.names == ("age",)
    assert column([NAN, 4.0]).tolist() == [[2.0], [4.0]]


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40), st.booleans())
def test_standardised_numbers_have_mean_0_and_deviation_1(x, log):
    y = pl.Number.fit("x", x, log=log)(np.array(x))
    assert y.shape == (len(x), 1)
    assert np.isfinite(y).all()
    if np.std(x) > 1e-3 * (1 + np.abs(x).max()):
        np.testing.assert_allclose([y.mean(), y.std()], [0.0, 1.0], atol=1e-6)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40, unique=True))
def test_min_and_max_become_0_and_1(x):
    y = pl.Number.fit("x", x, scale="minmax")(np.array(x))
    assert y.min() == 0.0
    assert y.max() == pytest.approx(1.0)


def test_the_logarithm_is_there_for_every_number_and_keeps_the_order():
    x = np.array([-1e9, -3.0, -0.5, 0.0, 0.5, 3.0, 1e9])
    y = pl.Number("x", log=True)(x).ravel()
    np.testing.assert_allclose(y[4:], np.log1p(x[4:]))
    np.testing.assert_allclose(y, -y[::-1])
    assert (np.diff(y) > 0).all()


def test_only_the_training_part_is_measured():
    column = pl.Number.fit("x", [0.0, 2.0])
    assert column([1000.0]).item() == 999.0
    words = pl.Category.fit("w", ["a", "b"])
    assert words(["c", "a"]).tolist() == [[0.0, 0.0], [1.0, 0.0]]


def test_a_column_without_any_number_is_zeros():
    column = pl.Number.fit("x", [NAN, NAN])
    assert column([NAN, NAN]).tolist() == [[0.0, 1.0], [0.0, 1.0]]


@pytest.mark.parametrize("options", [{"fill": "mode"}, {"scale": "robust"}, {"fill": None}])
def test_an_unknown_way_is_refused(options):
    with pytest.raises(pl.UsageError, match="x: "):
        pl.Number.fit("x", [1.0, 2.0], **options)


def test_words_where_numbers_belong_name_the_column():
    with pytest.raises(pl.DataError, match="Column 'age' must hold numbers"):
        pl.Number("age")(np.array(["old", "young"]))


# ---- words -----------------------------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from(["", "a", "bb", "ccc", "é", "B"]), min_size=1, max_size=60), st.integers(1, 5))
def test_every_word_of_the_training_part_has_exactly_one_1(words, least):
    column = pl.Category.fit("w", words, least=least)
    y = column(words)
    assert y.shape == (len(words), len(column.names))
    assert (y.sum(axis=1) == 1.0).all()
    for row, word in zip(y, words, strict=True):
        k = int(row.argmax())
        assert (column.words[k] == word) if k < len(column.words) else (words.count(word) < least)
    new = column(["never"])
    assert new.sum() == float(column.others)


@given(st.lists(st.sampled_from(["", "a", "bb", "ccc"]), min_size=1, max_size=60))
def test_a_frequency_is_the_share_of_the_commonest(words):
    y = pl.Frequency.fit("w", words)(np.array([*words, "never"]))
    most = max(words.count(word) for word in words)
    np.testing.assert_allclose(y.ravel(), [*[words.count(word) / most for word in words], 0.0])


def test_cells_of_any_kind_are_words():
    assert as_words(np.array(["a", None, NAN, 3, True], object)).tolist() == ["a", "", "", "3", "True"]
    assert as_words([1.5, NAN]).tolist() == ["1.5", ""]


def test_a_longer_word_than_any_that_was_learned_is_new():
    assert pl.Category.fit("w", np.array(["ab"]))(np.array(["abc"])).tolist() == [[0.0]]


# ---- the table -------------------------------------------------------------------------------------------------------


def test_columns_stand_side_by_side_by_name():
    table = pl.Table.fit(people(), target="survived")
    assert table.names == ("age", "age is missing", "port=(empty)", "port=C", "port=Q", "port=S", "fare")
    assert (table.width, table.target) == (7, "survived")
    y = table(people())
    assert (y.shape, y.dtype) == ((5, 7), np.float32)
    np.testing.assert_allclose(y[:, [0, 6]].mean(axis=0), 0.0, atol=1e-6)
    assert y[:, 2:6].argmax(axis=1).tolist() == [3, 1, 0, 3, 2]


def test_order_and_other_columns_do_no_harm():
    table, x = pl.Table.fit(people()), people()
    other = np.empty(len(x), [("fare", float), ("name", "U9"), ("port", "U4"), ("age", float)])
    for name in x.dtype.names:
        other[name] = x[name]
    np.testing.assert_array_equal(table(other), table(x))
    dicts = [dict(zip(x.dtype.names, row, strict=True)) for row in ROWS]
    dicts[1]["age"] = None
    np.testing.assert_array_equal(table(dicts), table(x))
    rows = np.array([list(row) for row in ROWS], object)
    np.testing.assert_array_equal(table(rows), table(x))


def test_rows_without_names_are_counted():
    x = np.array([[1.0, NAN], [3.0, 5.0]])
    table = pl.Table.fit(x)
    assert table.names == ("0", "1", "1 is missing")
    assert table(x).tolist() == [[-1.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    with pytest.raises(pl.ShapeError, match="another number of columns"):
        table(np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (np.array([(1.0, "S")], [("age", float), ("port", "U1")]), "no column 'fare'.*there are age, port"),
        ([{"age": 1.0, "fare": 2.0}], "no column 'port'"),
        (np.array(["a", "b"], object), "records, dicts or rows"),
        (np.array([["a", "b"]], object), "records, dicts or rows"),
    ],
    ids=["records", "dicts", "words", "rows"],
)
def test_what_is_lacking_is_named(x, text):
    with pytest.raises(pl.DataError, match=text):
        pl.Table.fit(people())(x)


def model_of_people(**options) -> pl.Model:
    table = pl.Table.fit(people(), "survived")
    return pl.Model(
        pl.Dense(2),
        loss=pl.SoftmaxCrossEntropy(),
        input_shape=table.width,
        prepare=table,
        classes=("no", "yes"),
        **options,
    )


def test_a_model_learns_from_raw_records_and_keeps_its_preparation(tmp_path):
    model = model_of_people()
    data = pl.Data(people(), np.array([0, 1, 0, 1, 1]), ("no", "yes"), columns=("age", "port", "fare"))
    assert repr(data) == "Data(5 samples of 3 columns, 2 classes)"
    history = model.fit(data, epochs=30, optimizer=pl.Adam(0.1), batch_size=2, verbose=False)
    assert history[-1]["loss"] < 0.5 * history[0]["loss"]
    model.save(tmp_path / "m.safetensors")
    twin = pl.load(tmp_path / "m.safetensors")
    assert twin.prepare == model.prepare
    np.testing.assert_array_equal(twin.predict(people()), model.predict(people()))
    np.testing.assert_array_equal(twin.predict([{"port": "S", "age": 20, "fare": 7.0}]), model.predict(people()[:1]))
    said = twin.summary()
    for line in (
        "before the first layer: 3 columns as 7 numbers",
        "  age: (x - 37) / 13.266; 35 where it is missing, and a mark",
        "  port: a column for each of (empty), C, Q, S",
    ):
        assert line in said


def test_a_checkpoint_knows_its_records(tmp_path):
    def start(x):
        return pl.train(model_of_people(), (x, np.array([0, 1, 0, 1, 1])), epochs=3, batch_size=2)

    first = start(people())
    for event in first:
        if isinstance(event, pl.EpochDone) and event.epoch == 1:
            break
    pl.save_checkpoint(first, tmp_path / "c.safetensors")
    again = pl.resume(start(people()), tmp_path / "c.safetensors")
    whole = start(people())
    for training in (again, whole):
        assert list(training)
    np.testing.assert_array_equal(again.model.theta, whole.model.theta)
    other = people()
    other["port"][0] = "Q"
    with pytest.raises(pl.DataError, match="data"):
        pl.resume(start(other), tmp_path / "c.safetensors")


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({"kind": "Number", "name": "x", "scale": 0.0}, "above 0"),
        ({"kind": "Number", "name": "x", "scale": NAN}, "above 0"),
        ({"kind": "Number", "name": 3}, "name"),
        ({"kind": "Frequency", "name": "x", "words": ["a"], "shares": [0.5, 0.5]}, "as many shares"),
        ({"kind": "Frequency", "name": "x", "words": [], "shares": []}, "as many shares"),
        ({"kind": "Table", "columns": [{"kind": "Pixels", "shape": [3]}]}, "columns"),
        ({"kind": "Table", "columns": "age"}, "columns"),
    ],
)
def test_a_description_that_cannot_be_is_refused(said, text):
    with pytest.raises(pl.DataError, match=text):
        pl.rebuild(said)


def test_a_table_that_does_not_fit_its_network_is_refused(tmp_path):
    model = model_of_people()
    model.prepare = pl.Table((pl.Number("age"),))
    model.save(tmp_path / "m.safetensors")
    with pytest.raises(pl.FileError, match="gives 1 numbers a row, and its input_shape is"):
        pl.load(tmp_path / "m.safetensors")


def test_descriptions_come_back():
    table = pl.Table(
        (
            pl.Number("a", 1.0, 2.0, 3.0, True, True),
            pl.Category("b", ("x", ""), True),
            pl.Frequency("c", ("y",), (1.0,)),
        ),
        "t",
    )
    assert pl.rebuild(pl.describe(table)) == table


# ---- targets of any size ---------------------------------------------------------------------------------------------


def houses(n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 3))
    return x, 200_000 + 100_000 * np.tanh(x[:, 0] + x[:, 1] * x[:, 2])


@pytest.mark.parametrize(
    "inner", [pl.MeanSquaredError(), pl.MeanAbsoluteError(), pl.Huber()], ids=lambda v: type(v).__name__
)
@pytest.mark.parametrize("optimizer", [pl.Adam(0.01), pl.SGD(0.05)], ids=lambda v: type(v).__name__)
def test_a_large_target_is_learned_and_answered_in_its_unit(inner: ElementwiseLoss, optimizer):
    x, t = houses()
    layers = (pl.Dense(32), pl.Tanh(), pl.Dense(1))
    model = pl.Model(*layers, loss=pl.Scaled.fit(t, inner), input_shape=3)
    model.fit(x, t, epochs=120, batch_size=32, optimizer=optimizer, verbose=False)
    figures = model.evaluate(x, t, [pl.r2, pl.mean_absolute_error])
    assert figures["r2"] > 0.9
    assert figures["mean_absolute_error"] < 25_000
    assert 1e5 < float(model.predict(x).mean()) < 3e5


def test_scaling_is_what_one_would_do_by_hand():
    x, t = houses(64)
    mean, std = t.mean(), t.std()
    inside = pl.Model(pl.Dense(4), pl.Tanh(), pl.Dense(1), loss=pl.Scaled.fit(t), input_shape=3)
    by_hand = pl.Model(pl.Dense(4), pl.Tanh(), pl.Dense(1), loss=pl.MeanSquaredError(), input_shape=3)
    inside.fit(x, t, epochs=5, verbose=False)
    by_hand.fit(x, (t - mean) / std, epochs=5, verbose=False)
    np.testing.assert_allclose(inside.theta, by_hand.theta, rtol=1e-5)
    np.testing.assert_allclose(inside.predict(x), by_hand.predict(x) * std + mean, rtol=1e-6)


def test_small_differences_of_large_targets_are_not_rounded_away():
    t = 1.7e9 + np.array([0.0, 1.0, 2.0, 3.0])
    loss = pl.Scaled.fit(t)
    z = ((t - t.mean()) / t.std()).astype(np.float32)[:, None]
    assert loss.forward(z, t)[0].mean < 1e-12


def test_targets_of_several_outputs_are_scaled_each():
    t = np.array([[1.0, 1000.0], [3.0, 3000.0]])
    loss = pl.Scaled.fit(t)
    assert (loss.mean, loss.std) == ((2.0, 2000.0), (1.0, 1000.0))
    np.testing.assert_array_equal(loss.link(np.array([[1.0, -1.0]])), [[3.0, 1000.0]])
    assert pl.rebuild(pl.describe(loss)) == loss


def test_scaled_targets_that_cannot_be():
    assert pl.Scaled.fit([5.0, 5.0]).std == 1.0
    with pytest.raises(pl.DataError, match="finite"):
        pl.Scaled.fit([1.0, NAN])
    with pytest.raises(pl.DataError, match="there must be some"):
        pl.Scaled.fit([])
    with pytest.raises(pl.UsageError, match="above 0"):
        pl.Scaled(std=0.0).forward(np.zeros((1, 1)), np.zeros(1))


def test_a_large_target_without_scaling_is_noted():
    x, t = houses(20)
    model = pl.Model(pl.Dense(1), input_shape=3)
    noted = [event.text for event in pl.train(model, (x, t), epochs=1) if isinstance(event, pl.Noted)]
    assert any("pl.Scaled.fit(t)" in text and "fresh network" in text for text in noted)
    model = pl.Model(pl.Dense(1), input_shape=3, loss=pl.Scaled.fit(t))
    noted = [event.text for event in pl.train(model, (x, t), epochs=1) if isinstance(event, pl.Noted)]
    assert not any("Scaled" in text for text in noted)
