"""Data sets, their order, their parts, their preparation and their augmentation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pellucid as pl
from pellucid.data.batches import as_data, check_finite, order


def numbered(n: int, classes: int = 0) -> pl.Data:
    """Samples that know their number."""
    names = tuple("abcdefgh"[:classes])
    return pl.Data(np.arange(n)[:, None], np.arange(n) % classes if classes else np.arange(n) * 2.0, names)


# ---- data ------------------------------------------------------------------------------------------------------------


def test_data_take_pairs_triples_lists_and_themselves():
    x, t, w = [[1.0], [2.0]], [0, 1], [1.0, 2.0]
    for data in (as_data((x, t)), as_data([x, t]), as_data(x, t), as_data(pl.Data(np.array(x), np.array(t)))):
        assert data.x.tolist() == x
        assert data.t.tolist() == t
        assert data.weights is None
        assert len(data) == 2
    assert as_data((x, t, w)).weights.tolist() == w
    assert as_data((x, t, None)).weights is None


def test_parts_of_data_keep_what_belongs_together():
    data = pl.Data(np.arange(6)[:, None], np.arange(6), ("a",), np.arange(6) / 10, ("c",), "mine")
    part = data[np.array([4, 1])]
    assert (part.x.ravel().tolist(), part.t.tolist(), part.weights.tolist()) == ([4, 1], [4, 1], [0.4, 0.1])
    assert (part.classes, part.columns, part.name) == (("a",), ("c",), "mine")
    assert data[2:].t.tolist() == [2, 3, 4, 5]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: pl.Data(np.zeros((3, 1)), np.zeros(2)), "data has 3 inputs but 2 targets"),
        (lambda: pl.Data(np.zeros((0, 1)), np.zeros(0)), "data is empty"),
        (lambda: pl.Data(np.zeros((3, 1)), np.zeros(3), weights=np.zeros(2)), r"weights must be 3 numbers.*\(2,\)"),
        (lambda: as_data(np.zeros((3, 1))), r"must be a pair \(x, t\).*not ndarray"),
        (lambda: as_data((1,), name="validation"), "validation must be a pair"),
    ],
)
def test_data_that_do_not_belong_together_are_refused(make, text):
    with pytest.raises(pl.DataError, match=text):
        make()


def test_a_number_that_is_not_finite_is_named_by_row_and_column():
    x = np.zeros((5, 3))
    x[3, 1] = np.nan
    with pytest.raises(pl.DataError, match="data holds nan in x at row 3, column 1"):
        check_finite(pl.Data(x, np.zeros(5)))
    with pytest.raises(pl.DataError, match="in x at row 3, column 'width'"):
        check_finite(pl.Data(x, np.zeros(5), columns=("length", "width", "height")))
    t = np.zeros(5)
    t[4] = -np.inf
    with pytest.raises(pl.DataError, match="sales holds -inf in t at row 4"):
        check_finite(pl.Data(np.zeros((5, 3)), t, name="sales"))
    pictures = np.zeros((4, 2, 2))
    pictures[2, 1, 0] = np.inf
    with pytest.raises(pl.DataError, match=r"inf in x at row 2, column \(1, 0\)"):
        check_finite(pl.Data(pictures, np.zeros(4)))


@pytest.mark.parametrize("row", [0, 4])
def test_the_first_and_the_last_row_are_looked_at(row):
    x = np.zeros((5, 2))
    x[row, 0] = np.inf
    with pytest.raises(pl.DataError, match=f"inf in x at row {row}, column 0"):
        check_finite(pl.Data(x, np.zeros(5)))


def test_finite_data_and_whole_numbers_pass():
    check_finite(pl.Data(np.zeros((5, 3), np.uint8), np.zeros(5)))
    check_finite(pl.Data(np.full((5, 3), 1e308), np.zeros(5, int)))


def test_a_bad_number_far_down_a_large_array_is_found():
    x = np.zeros((3_000, 3_000), np.float32)
    x[2_999, 17] = np.nan
    with pytest.raises(pl.DataError, match="row 2999, column 17"):
        check_finite(pl.Data(x, np.zeros(3_000)))


# ---- order -----------------------------------------------------------------------------------------------------------


@given(st.integers(1, 200), st.integers(0, 99), st.integers(0, 99))
def test_an_order_holds_every_sample_once_and_follows_from_seed_and_epoch(n, seed, epoch):
    found = order(n, seed, epoch).tolist()
    assert sorted(found) == list(range(n))
    assert order(n, seed, epoch).tolist() == found
    if n > 20:
        assert order(n, seed, epoch + 1).tolist() != found
        assert order(n, seed + 1, epoch).tolist() != found


def test_orders_are_pinned():
    assert order(8, 0, 0).tolist() == [6, 4, 3, 1, 2, 7, 0, 5]
    assert order(8, 0, 1).tolist() == [1, 6, 7, 3, 2, 4, 0, 5]


def test_samples_change_company_from_epoch_to_epoch():
    first, second = (set(order(100, 0, epoch)[:10].tolist()) for epoch in (0, 1))
    assert len(first & second) < 6


# ---- split -----------------------------------------------------------------------------------------------------------


@given(n=st.integers(2, 120), share=st.floats(0.01, 0.99), classes=st.integers(0, 5), seed=st.integers(0, 9))
def test_the_parts_are_disjoint_and_together_the_whole(n, share, classes, seed):
    rest, aside = pl.split(numbered(n, classes), share, seed)
    a, b = set(rest.x.ravel().tolist()), set(aside.x.ravel().tolist())
    assert not a & b
    assert a | b == set(range(n))
    assert len(aside) == min(max(round(share * n), 1), n - 1)
    expected = aside.x.ravel() % classes if classes else aside.x.ravel() * 2.0
    assert aside.t.tolist() == expected.tolist()  # every sample kept its own target


@given(sizes=st.lists(st.integers(1, 60), min_size=2, max_size=5), share=st.sampled_from([0.1, 0.2, 0.5]))
def test_every_class_is_set_aside_in_proportion(sizes, share):
    t = np.repeat(np.arange(len(sizes)), sizes)
    data = pl.Data(np.zeros((len(t), 1)), t, tuple("abcde"[: len(sizes)]))
    _, aside = pl.split(data, share)
    for k, size in enumerate(sizes):
        assert abs(int((aside.t == k).sum()) - share * size) <= 1.0


def test_a_split_follows_its_seed_and_keeps_weights():
    data = pl.Data(np.arange(50)[:, None], np.arange(50), weights=np.arange(50) * 2.0)
    assert pl.split(data, 0.3, 1)[1].t.tolist() == pl.split(data, 0.3, 1)[1].t.tolist()
    assert pl.split(data, 0.3, 1)[1].t.tolist() != pl.split(data, 0.3, 2)[1].t.tolist()
    rest, _ = pl.split(data, 0.3)
    np.testing.assert_array_equal(rest.weights, rest.t * 2.0)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_a_share_that_cannot_be_meant_is_refused(share):
    with pytest.raises(pl.UsageError, match="between 0 and 1"):
        pl.split(numbered(10), share)


def test_one_sample_cannot_be_split():
    with pytest.raises(pl.UsageError, match="cannot be split"):
        pl.split(numbered(1), 0.5)


# ---- folds -----------------------------------------------------------------------------------------------------------


@given(groups=st.lists(st.integers(0, 12), min_size=2, max_size=80), k=st.integers(2, 6), seed=st.integers(0, 5))
def test_every_sample_is_judged_once_and_no_group_is_divided(groups, k, seed):
    of = np.array(groups)
    if len(set(groups)) < k:
        with pytest.raises(pl.UsageError, match=f"{len(set(groups))} groups cannot be dealt out to {k} folds"):
            pl.group_folds(of, k, seed)
        return
    judged, sizes = [], []
    for learn, judge in pl.group_folds(of, k, seed):
        assert sorted([*learn.tolist(), *judge.tolist()]) == list(range(len(groups)))
        assert not set(of[learn].tolist()) & set(of[judge].tolist())
        assert len(learn)
        judged += judge.tolist()
        sizes.append(len(judge))
    assert sorted(judged) == list(range(len(groups)))
    assert len(sizes) == k
    assert min(sizes) >= 1
    assert max(sizes) - min(sizes) <= np.bincount(of).max()


def test_folds_take_words_and_follow_their_seed():
    names = [f"patient {i % 9}" for i in range(45)]
    first = [judge.tolist() for _, judge in pl.group_folds(names, 3)]
    assert first == [judge.tolist() for _, judge in pl.group_folds(np.array(names), 3)]
    assert first != [judge.tolist() for _, judge in pl.group_folds(names, 3, seed=1)]
    assert [len(judge) for judge in first] == [15, 15, 15]


def test_folds_that_cannot_be_meant_are_refused():
    for k in (1, 0, 2.0, True):
        with pytest.raises(pl.UsageError, match="2 or more"):
            pl.group_folds([1, 2, 3], k)
    with pytest.raises(pl.UsageError, match=r"one group a sample \(N,\), but its shape is \(2, 2\)"):
        pl.group_folds(np.zeros((2, 2)), 2)


# ---- splits by group and by time, three parts, folds -----------------------------------------------------------------


@given(groups=st.lists(st.integers(0, 9), min_size=2, max_size=80), share=st.floats(0.05, 0.9), seed=st.integers(0, 5))
def test_no_group_is_divided_and_the_share_is_met_as_nearly_as_can_be(groups, share, seed):
    data = pl.Data(np.arange(len(groups))[:, None], np.array(groups) % 2, ("a", "b"))
    if len(set(groups)) < 2:
        with pytest.raises(pl.UsageError, match="one group"):
            pl.split(data, share, seed, groups=groups)
        return
    rest, aside = pl.split(data, share, seed, groups=groups)
    a, b = rest.x.ravel(), aside.x.ravel()
    assert sorted([*a.tolist(), *b.tolist()]) == list(range(len(groups)))
    of = np.array(groups)
    assert not set(of[a].tolist()) & set(of[b].tolist())
    assert min(len(a), len(b)) > 0
    assert abs(len(b) - share * len(groups)) <= max(np.bincount(of).max(), share * len(groups))


@given(times=st.lists(st.integers(0, 12), min_size=2, max_size=80), share=st.floats(0.05, 0.9))
def test_what_is_set_aside_is_later_than_all_the_rest(times, share):
    data = pl.Data(np.array(times)[:, None], np.zeros(len(times)))
    if len(set(times)) < 2:
        with pytest.raises(pl.UsageError, match="one time"):
            pl.split(data, share, times=times)
        return
    rest, aside = pl.split(data, share, times=times)
    assert len(rest) + len(aside) == len(times)
    assert rest.x.max() < aside.x.min()


def test_dates_are_times():
    data = pl.Data(np.arange(4)[:, None], np.arange(4))
    assert pl.split(data, 0.25, times=["2024-02", "2023-12", "2024-11", "2024-03"])[1].t.tolist() == [2]


@given(n=st.integers(3, 150), validation=st.floats(0.05, 0.4), test=st.floats(0.05, 0.4), seed=st.integers(0, 5))
def test_three_parts_are_disjoint_and_of_their_sizes(n, validation, test, seed):
    data = pl.Data(np.arange(n)[:, None], np.arange(n) % 3, ("a", "b", "c"))
    parts = pl.three_parts(data, validation, test, seed)
    assert sorted(i for part in parts for i in part.x.ravel().tolist()) == list(range(n))
    for part, share in zip(parts[1:], (validation, test), strict=True):
        assert abs(len(part) - share * n) <= 1.0
        assert len(part) >= 1


def test_three_parts_by_group_and_by_time():
    data = pl.Data(np.arange(60)[:, None], np.zeros(60))
    groups = np.arange(60) // 6
    parts = [set(groups[part.x.ravel()].tolist()) for part in pl.three_parts(data, 0.2, 0.2, groups=groups)]
    assert [len(part) for part in parts] == [6, 2, 2]
    assert len(set.union(*parts)) == 10
    learn, choose, judge = (part.x.ravel() for part in pl.three_parts(data, 0.2, 0.2, times=np.arange(60)[::-1]))
    assert judge.max() < choose.min() <= choose.max() < learn.min()


@given(t=st.lists(st.integers(0, 3), min_size=2, max_size=90), k=st.integers(2, 6), seed=st.integers(0, 5))
def test_folds_judge_every_sample_once_with_every_class_in_proportion(t, k, seed):
    ids = np.array(t)
    if len(t) < k:
        with pytest.raises(pl.UsageError, match=f"{len(t)} samples cannot be dealt out to {k} folds"):
            pl.folds(ids, k, seed)
        return
    judged, counts = [], []
    for learn, judge in pl.folds(ids, k, seed):
        assert sorted([*learn.tolist(), *judge.tolist()]) == list(range(len(t)))
        judged += judge.tolist()
        counts.append(np.bincount(ids[judge], minlength=4))
    assert sorted(judged) == list(range(len(t)))
    assert len(counts) == k
    assert np.ptp([c.sum() for c in counts]) <= 1
    assert np.ptp(counts, axis=0).max() <= 1


def test_folds_of_values_and_folds_that_cannot_be_meant():
    assert [len(judge) for _, judge in pl.folds(np.linspace(0, 1, 11), 5)] == [3, 2, 2, 2, 2]
    for k in (1, 0, 2.0, True):
        with pytest.raises(pl.UsageError, match="2 or more"):
            pl.folds([1, 2, 3], k)


def test_a_split_that_cannot_be_meant_is_refused():
    data = numbered(6)
    with pytest.raises(pl.UsageError, match="groups or by times"):
        pl.split(data, 0.5, groups=[1] * 6, times=[1] * 6)
    for name in ("groups", "times"):
        with pytest.raises(pl.UsageError, match=r"a sample, 6, not an array of shape \(2,\)"):
            pl.split(data, 0.5, **{name: [1, 2]})


# ---- prepare ---------------------------------------------------------------------------------------------------------


def test_pixels_are_divided_and_brought_into_shape():
    x = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    for shape in ((6,), (2, 3), (2, 3, 1)):
        y = pl.Pixels(shape)(x)
        assert y.shape == (2, *shape)
        assert y.dtype == np.float32
        np.testing.assert_allclose(y.ravel(), np.arange(12) / 255, rtol=1e-6)
    np.testing.assert_allclose(pl.Pixels((6,), full=16.0)(x).max(), 11 / 16)
    assert pl.Pixels((6,))(x[:0]).shape == (0, 6)


def test_pictures_of_another_size_are_drawn():
    with pytest.raises(pl.ShapeError, match=r"(?s)size that the network was trained on.*\(N, 3, 3\).*\(N, +4\)"):
        pl.Pixels((4,))(np.zeros((2, 3, 3), np.uint8))


def test_standardised_columns_have_mean_0_and_deviation_1_on_the_training_part():
    x = np.random.default_rng(0).normal([3.0, -100.0, 1e4], [0.1, 7.0, 500.0], (200, 3))
    prepare = pl.Standardize.fit(x)
    y = prepare(x)
    np.testing.assert_allclose(y.mean(axis=0), 0.0, atol=1e-5)
    np.testing.assert_allclose(y.std(axis=0), 1.0, rtol=1e-5)
    assert y.dtype == np.float32
    np.testing.assert_allclose(prepare(x[:1]), ((x[:1] - x.mean(axis=0)) / x.std(axis=0)), rtol=1e-5)  # not fitted anew
    assert prepare == pl.Standardize.fit(x)


def test_a_constant_column_becomes_0():
    x = np.array([[1.0, 5.0], [2.0, 5.0]])
    assert pl.Standardize.fit(x)(x)[:, 1].tolist() == [0.0, 0.0]


def test_another_number_of_columns_is_drawn():
    with pytest.raises(pl.ShapeError, match="another number of columns"):
        pl.Standardize.fit(np.zeros((4, 2)))(np.zeros((4, 3)))


# ---- augment ---------------------------------------------------------------------------------------------------------


def where(pictures: np.ndarray) -> set[tuple[int, int]]:
    """How far the single lit pixel of each picture stands from the middle of a 7x7 one."""
    return {(int(i) - 3, int(j) - 3) for _, i, j, *_ in np.argwhere(pictures)}


@pytest.mark.parametrize("channels", [(), (2,)])
@pytest.mark.parametrize("pixels", [0, 1, 2])
def test_a_shift_moves_by_every_distance_up_to_its_pixels(pixels, channels):
    x = np.zeros((300, 7, 7, *channels), np.uint8)
    x[:, 3, 3] = 200
    y = pl.Shift(pixels)(x, np.random.default_rng(0))
    assert y.shape == x.shape
    assert y.dtype == np.uint8
    steps = range(-pixels, pixels + 1)
    assert where(y) == {(i, j) for i in steps for j in steps}
    assert y.sum(dtype=int) == x.sum(dtype=int)  # nothing was lost on the way: the picture is wide enough


def test_zeros_move_in_and_what_leaves_is_gone():
    x = np.full((200, 3, 3), 9)
    y = pl.Shift(1)(x, np.random.default_rng(0))
    assert set(np.unique(y)) == {0, 9}
    assert {int((picture == 9).sum()) for picture in y} == {9, 6, 4}
    for picture in y:  # whole rows and columns of zeros, at the edges
        rows, columns = (picture == 0).all(axis=1), (picture == 0).all(axis=0)
        assert not rows[1]
        assert not columns[1]
        assert (picture[~rows][:, ~columns] == 9).all()


def test_every_picture_has_its_own_move_and_keeps_its_channels_together():
    x = np.random.default_rng(1).integers(1, 255, (50, 5, 5, 3)).astype(np.uint8)
    y = pl.Shift(1)(x, np.random.default_rng(0))
    moves = np.random.default_rng(0).integers(0, 3, (2, 50)) - 1
    assert len({tuple(move) for move in moves.T.tolist()}) > 5
    for n, (down, right) in enumerate(moves.T.tolist()):
        wide = np.pad(x[n], ((1, 1), (1, 1), (0, 0)))
        np.testing.assert_array_equal(y[n], wide[1 + down : 6 + down, 1 + right : 6 + right])


def test_a_shift_follows_its_stream_and_leaves_its_input_alone():
    x = np.random.default_rng(1).random((20, 6, 6))
    x.flags.writeable = False
    first = pl.Shift(2)(x, np.random.default_rng(5))
    np.testing.assert_array_equal(first, pl.Shift(2)(x, np.random.default_rng(5)))
    assert not np.array_equal(first, pl.Shift(2)(x, np.random.default_rng(6)))


def test_a_shift_that_cannot_be_meant_is_refused():
    with pytest.raises(pl.UsageError, match="0 or more, not -1"):
        pl.Shift(-1)(np.zeros((1, 3, 3)), np.random.default_rng(0))
    with pytest.raises(pl.ShapeError, match=r"Shift changes pictures.*shape \(5, 784\)"):
        pl.Shift(1)(np.zeros((5, 784)), np.random.default_rng(0))


@pytest.mark.parametrize("vertical", [False, True])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_a_flip_mirrors_about_half_of_the_pictures(channels, vertical):
    x = np.random.default_rng(1).integers(0, 255, (400, 4, 5, *channels)).astype(np.uint8)
    y = pl.Flip(vertical)(x, np.random.default_rng(0))
    assert y.dtype == np.uint8
    forms = {"as it was": x, "sideways": x[:, :, ::-1], "over": x[:, ::-1], "both": x[:, ::-1, ::-1]}
    counts = dict.fromkeys(forms, 0)
    for n in range(len(x)):
        same = [name for name, form in forms.items() if np.array_equal(y[n], form[n])]
        assert len(same) == 1
        counts[same[0]] += 1
    expected = {"as it was": 100, "sideways": 100, "over": 100, "both": 100}
    if not vertical:
        expected = {"as it was": 200, "sideways": 200, "over": 0, "both": 0}
    for name, count in expected.items():
        assert abs(counts[name] - count) < (40 if count else 1)


def test_a_flip_follows_its_stream_and_leaves_its_input_alone():
    x = np.random.default_rng(1).random((30, 6, 6))
    x.flags.writeable = False
    first = pl.Flip(vertical=True)(x, np.random.default_rng(5))
    np.testing.assert_array_equal(first, pl.Flip(vertical=True)(x, np.random.default_rng(5)))
    assert not np.array_equal(first, pl.Flip(vertical=True)(x, np.random.default_rng(6)))
    assert not np.shares_memory(first, x)


def test_a_chain_is_its_steps_in_their_order():
    x = np.random.default_rng(1).integers(0, 255, (20, 6, 6, 3)).astype(np.uint8)
    x.flags.writeable = False
    rng = np.random.default_rng(5)
    expected = pl.Shift(2)(pl.Flip()(x, rng), rng)
    np.testing.assert_array_equal(pl.Chain(pl.Flip(), pl.Shift(2))(x, np.random.default_rng(5)), expected)
    rng = np.random.default_rng(5)
    other = pl.Flip()(pl.Shift(2)(x, rng), rng)
    np.testing.assert_array_equal(pl.Chain(pl.Shift(2), pl.Flip())(x, np.random.default_rng(5)), other)
    assert not np.array_equal(expected, other)
    assert pl.Chain()(x, np.random.default_rng(5)) is x


def test_equal_chains_are_equal_and_say_so():
    chain = pl.Chain(pl.Flip(), pl.Shift(4))
    assert chain == pl.Chain(pl.Flip(), pl.Shift(4))
    assert hash(chain) == hash(pl.Chain(pl.Flip(), pl.Shift(4)))
    for other in (pl.Chain(pl.Shift(4), pl.Flip()), pl.Chain(pl.Flip(vertical=True), pl.Shift(4)), pl.Chain(pl.Flip())):
        assert chain != other
        assert repr(chain) != repr(other)
    with pytest.raises(AttributeError):
        chain.steps = ()


def test_only_pictures_are_flipped():
    with pytest.raises(pl.ShapeError, match=r"Flip changes pictures.*shape \(5, 784\)"):
        pl.Flip()(np.zeros((5, 784)), np.random.default_rng(0))


@pytest.mark.parametrize("bad", [np.nan, -1.0])
def test_a_weight_is_a_number_of_0_or_more(bad):
    with pytest.raises(pl.DataError, match="weight 1 is"):
        pl.Data(np.zeros((3, 1)), np.zeros(3), weights=np.array([1.0, bad, 1.0]))


def test_whole_number_targets_are_split_in_proportion_without_names_too():
    rest, aside = pl.split(pl.Data(np.zeros((100, 1)), np.array([0] * 90 + [1] * 10)), 0.2)
    assert np.bincount(aside.t).tolist() == [18, 2]
    assert np.bincount(rest.t).tolist() == [72, 8]
