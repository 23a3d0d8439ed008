"""Changes of pictures: what all of them promise, what each one does, and copies that know their parent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pellucid as pl
from pellucid import kernels
from pellucid.base.arrays import Array
from pellucid.data.chain import changed
from pellucid.data.resample import Map, Warp, net

CHANGES: dict[str, Any] = {  # each strong enough to change every picture that is not even
    "shift": pl.Shift(2),
    "flip": pl.Flip(vertical=True),
    "rotate": pl.Rotate(60),
    "scale": pl.Scale(0.5),
    "shear": pl.Shear(0.5),
    "crop": pl.Crop(0.5),
    "elastic": pl.Elastic(4, spacing=3),
    "stroke": pl.Stroke(1.5),
    "noise": pl.Noise(0.3),
    "cutout": pl.Cutout(3),
    "one after the other": pl.Chain(pl.Flip(), pl.Rotate(20), pl.Scale(0.2), pl.Shift(1), pl.Noise(0.1)),
}
NOTHING: dict[str, Any] = {  # strength zero
    "shift": pl.Shift(0),
    "rotate": pl.Rotate(0),
    "scale": pl.Scale(0),
    "shear": pl.Shear(0),
    "crop": pl.Crop(1.0),
    "elastic": pl.Elastic(0),
    "stroke": pl.Stroke(0),
    "noise": pl.Noise(0),
    "cutout": pl.Cutout(0),
    "joined": pl.Chain(pl.Rotate(0), pl.Scale(0), pl.Elastic(0), pl.Shift(0)),
    "no step": pl.Chain(),
}
every = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
both_kernels = pytest.mark.parametrize(
    "name", ["reference", pytest.param("jit", marks=pytest.mark.skipif(not kernels.available(), reason="needs numba"))]
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@st.composite
def pictures(draw: Any) -> Array:
    """A few pictures of any small size, grey or in colour, bytes or fractions from 0 to 1."""
    shape = [draw(st.integers(1, 5)), draw(st.integers(1, 9)), draw(st.integers(1, 9))]
    shape += draw(st.sampled_from([[], [1], [3]]))
    kind = draw(st.sampled_from([np.uint8, np.float32, np.float64]))
    x = rng(draw(st.integers(0, 99))).random(shape)
    return (x * 255).astype(np.uint8) if kind is np.uint8 else x.astype(kind)


@every
@settings(max_examples=30, deadline=None)
@given(x=pictures(), seed=st.integers(0, 99))
def test_what_every_change_promises(change, x, seed):
    """The same seed gives the same bits; shape and type are kept; no value leaves the range; the input stays."""
    x.flags.writeable = False
    before = x.copy()
    y = change(x, rng(seed))
    np.testing.assert_array_equal(y, change(x, rng(seed)))
    assert y.shape == x.shape
    assert y.dtype == x.dtype
    full = 255 if x.dtype == np.uint8 else 1
    assert y.min() >= -1e-6
    assert y.max() <= full + 1e-6
    np.testing.assert_array_equal(x, before)


@every
def test_another_seed_gives_other_pictures_and_each_picture_has_its_own_change(change):
    one = rng(1).random((1, 30, 30))
    x = np.repeat(one, 48, axis=0)  # three pieces
    y = change(x, rng(0))
    assert not np.array_equal(y, change(x, rng(1)))
    assert len({picture.tobytes() for picture in y}) > 3
    assert not np.array_equal(y[:16], y[16:32])


@pytest.mark.parametrize("change", NOTHING.values(), ids=NOTHING.keys())
@settings(max_examples=20, deadline=None)
@given(x=pictures())
def test_strength_zero_changes_nothing(change, x):
    np.testing.assert_array_equal(change(x, rng()), x)


@every
def test_a_batch_is_its_pieces(change):
    """However many pictures are looked up at a time, the result is the same."""
    x = rng(1).random((64, 30, 30)).astype(np.float32)  # more than one piece
    y = change(x, rng(0))
    assert np.abs(y - x).max() > 0.05
    tail = change(np.concatenate([x[:40], 1 - x[40:]]), rng(0))
    np.testing.assert_array_equal(y[:40], tail[:40])


# ---- maps ------------------------------------------------------------------------------------------------------------


def set_angle(degrees: float) -> Any:
    """A turn by exactly so many degrees."""

    class Exactly:
        def uniform(self, low: float, high: float, size: int) -> Array:
            return np.full(size, degrees)

    return Exactly()


@both_kernels
@pytest.mark.parametrize("channels", [(), (3,)])
def test_a_quarter_turn_is_numpys(channels, name):
    x = rng().random((3, 7, 7, *channels)).astype(np.float32)
    kernels.use(name)
    try:
        y = pl.Rotate(90)(x, set_angle(90))
    finally:
        kernels.use("")
    turned = [np.rot90(x, k, axes=(1, 2)) for k in (1, 3)]
    assert min(np.abs(y - one).max() for one in turned) < 1e-5


@both_kernels
@pytest.mark.parametrize("fill", [None, 0.0, 0.7])
def test_maps_are_what_scipy_computes(name, fill):
    """Each picture on its own, by SciPy, against all at once."""
    ndimage = pytest.importorskip("scipy.ndimage", reason="SciPy is the resampling that ours is held against")
    x = rng(2).random((6, 9, 11)).astype(np.float32)
    warp = pl.Rotate(70, fill)
    one = warp.draw(6, 9, 11, rng(3))
    kernels.use(name)
    try:
        y = warp(x, rng(3))
    finally:
        kernels.use("")
    middle = np.array([4.0, 5.0])
    for k in range(6):
        A, b = one.A[k, :2, :2], one.A[k, :2, 2] + middle - one.A[k, :2, :2] @ middle
        if fill is None:
            theirs = ndimage.affine_transform(x[k], A, b, order=1, mode="nearest")
        else:
            wide = np.pad(x[k], 20, constant_values=fill)  # SciPy's own border does not blend
            theirs = ndimage.affine_transform(wide, A, A @ [-20, -20] + b + 20, order=1, mode="nearest")[20:-20, 20:-20]
        np.testing.assert_allclose(y[k], theirs, atol=2e-5)


def test_an_elastic_net_is_what_scipy_computes():
    ndimage = pytest.importorskip("scipy.ndimage", reason="SciPy is the resampling that ours is held against")
    x = rng(2).random((3, 14, 17))
    warp = pl.Elastic(3, spacing=5)
    nodes = warp.draw(3, 14, 17, rng(4)).nodes
    assert nodes is not None
    y = warp(x, rng(4))
    for k in range(3):
        d = [net(14, 5) @ nodes[k, axis] @ net(17, 5).T for axis in (0, 1)]
        places = np.indices((14, 17)) + np.array(d)
        np.testing.assert_allclose(y[k], ndimage.map_coordinates(x[k], places, order=1, mode="nearest"), atol=1e-4)


@given(st.integers(1, 60), st.integers(1, 20))
def test_no_point_moves_farther_than_its_nodes(size, spacing):
    shares = net(size, spacing)
    assert (shares >= 0).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)
    assert np.abs(np.diff(shares, axis=0)).max(initial=0) <= 1 / spacing  # neighbours move alike


def test_neighbours_in_a_chain_are_looked_up_once(monkeypatch):
    """Joined maps blur once: a turn there and back again is nearly nothing, while done apart it softens."""
    looked = []
    real = kernels.active().look_up
    monkeypatch.setattr(kernels.active(), "look_up", lambda *given: looked.append(1) or real(*given))
    x = rng().random((2, 9, 9))
    pl.Chain(pl.Rotate(20), pl.Scale(0.2), pl.Shear(0.1), pl.Crop(0.9), pl.Elastic(2), pl.Shift(1))(x, rng())
    assert len(looked) == 1
    pl.Chain(pl.Rotate(20), pl.Shift(1), pl.Rotate(20))(x, rng())
    assert len(looked) == 3
    pl.Chain(pl.Rotate(20), pl.Scale(0.2, fill=0))(x, rng())  # what lies outside differs, so they cannot be joined
    assert len(looked) == 5


class Turn(Warp):
    """A quarter turn, for the order of maps."""

    fill = None

    def draw(self, N, H, W, rng):
        A = np.zeros((N, 3, 3))
        A[:, 0, 1], A[:, 1, 0], A[:, 2, 2] = -1, 1, 1
        return Map(A)


class Right(Turn):
    """A pixel to the right."""

    def draw(self, N, H, W, rng):
        A = np.tile(np.eye(3), (N, 1, 1))
        A[:, 1, 2] = -1
        return Map(A)


@pytest.mark.parametrize("steps", [(Turn(), Right()), (Right(), Turn()), (Right(), Turn(), Turn(), Right())])
def test_joined_maps_are_the_steps_in_their_order(steps):
    x = np.zeros((1, 7, 7))
    x[0, 2, 4] = 1
    apart = x
    for step in steps:
        apart = step(apart, rng())
    np.testing.assert_allclose(pl.Chain(*steps)(x, rng()), apart, atol=1e-6)
    assert apart.sum() == 1


@pytest.mark.parametrize("warp", [pl.Rotate, pl.Scale, pl.Shear, pl.Elastic, pl.Shift])
@pytest.mark.parametrize("ground", [0, 255])
def test_even_ground_stays_even_whatever_its_shade(warp, ground):
    """Nothing black moves into white paper, and nothing wraps around."""
    x = np.full((30, 8, 8), ground, np.uint8)
    strong = {pl.Rotate: 45, pl.Scale: 1.0, pl.Shear: 1.0, pl.Elastic: 2, pl.Shift: 3}[warp]
    assert (warp(strong, fill=None)(x, rng()) == ground).all()
    seen = warp(strong, fill=255 - ground)(x, rng())
    assert (seen != ground).any()
    assert (seen[:, 4, 4] == ground).all()


def test_what_leaves_on_one_side_does_not_come_back_on_the_other():
    x = np.zeros((200, 9, 9), np.uint8)
    x[:, :, 0] = 255  # a stripe at the left edge
    for change in (pl.Rotate(20, fill=0), pl.Scale(0.3, fill=0), pl.Shift(2), pl.Elastic(3, fill=0)):
        assert change(x, rng())[:, :, 6:].max() == 0


@pytest.mark.parametrize("name", ["rotate", "scale", "shear", "crop", "elastic", "stroke"])
def test_whole_numbers_are_rounded_not_cut(name):
    x = rng(1).integers(0, 255, (6, 9, 9)).astype(np.uint8)
    exact = CHANGES[name](x.astype(np.float64), rng(3))
    rounded = 2 if name == "stroke" else 1  # times: strokes after each pixel
    np.testing.assert_allclose(CHANGES[name](x, rng(3)), exact, atol=0.501 * rounded)


def test_scales_are_larger_and_smaller_and_as_many():
    x = np.zeros((400, 21, 21))
    x[:, 10, 7:14] = 1
    widths = pl.Scale(0.5)(x, rng())[:, 10].sum(axis=1) / 7
    assert widths.max() == pytest.approx(1.5, abs=0.06)
    assert widths.min() == pytest.approx(1 / 1.5, abs=0.06)
    assert 150 < (widths > 1).sum() < 250


def test_a_mirror_twice_is_none():
    x = rng().random((50, 4, 5, 3))
    for flip in (pl.Flip(), pl.Flip(vertical=True)):
        np.testing.assert_array_equal(flip(flip(x, rng(3)), rng(3)), x)


def test_a_crop_shows_a_part_and_nothing_beside():
    ramp = np.broadcast_to(np.arange(20.0)[:, None], (300, 20, 20)).copy()
    y = pl.Crop(0.5)(ramp, rng())
    steps = np.diff(y[:, :, 0], axis=1)
    np.testing.assert_allclose(steps, steps[:, :1].repeat(19, axis=1), atol=1e-5)  # a straight part of the ramp
    assert steps.min() >= 0.5 - 1e-5
    assert steps.max() <= 1
    assert y.min() >= 0
    assert y.max() <= 19
    assert y[:, 0, 0].min() < 0.5
    assert y[:, -1, 0].max() > 18.5


# ---- paint -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [(), (2,)])
def test_strokes_grow_and_shrink_as_grey_morphology(channels):
    ndimage = pytest.importorskip("scipy.ndimage", reason="SciPy is the morphology that ours is held against")
    x = rng(1).integers(0, 255, (40, 9, 8, *channels)).astype(np.uint8)

    class Whole:
        """Two whole pixels, thicker and thinner by turns."""

        def uniform(self, low, high, size):
            return np.where(np.arange(size) % 2, 2.0, -2.0)

    y = pl.Stroke(2)(x, Whole())
    cross = ndimage.generate_binary_structure(2, 1).reshape(3, 3, *[1] * len(channels))
    for n in range(len(x)):
        f = ndimage.grey_dilation if n % 2 else ndimage.grey_erosion
        np.testing.assert_array_equal(y[n], f(f(x[n], footprint=cross), footprint=cross))


def test_part_of_a_pixel_is_part_of_the_way():
    x = np.zeros((1, 9, 9))
    x[0, 4, 4] = 8

    class Half:
        def uniform(self, low, high, size):
            return np.array([1.5])

    y = pl.Stroke(2)(x, Half())[0]
    assert y[4, 4:8].tolist() == [8, 8, 4, 0]
    assert y[3, 5] == 4  # two steps away, once up and once to the side


def test_strokes_dark_on_light_are_treated_as_light_on_dark():
    x = rng(1).random((40, 9, 8))
    forth = pl.Stroke(1)(x, rng(5))

    class Mirror:
        def uniform(self, low, high, size):
            return -np.random.default_rng(5).uniform(low, high, size)

    back = 1 - pl.Stroke(1)(1 - x, Mirror())
    np.testing.assert_allclose(forth, back, atol=1e-6)


def test_noise_has_its_deviation_and_knows_what_full_is():
    for x, options, full in (
        (np.full((20, 30, 30), 128, np.uint8), {}, 255),
        (np.full((20, 30, 30), 0.5, np.float32), {}, 1),
        (np.full((20, 30, 30), 8.0), {"full": 16}, 16),
    ):
        grain = pl.Noise(0.1, **options)(x, rng()) - x.astype(float)
        assert grain.std() == pytest.approx(0.1 * full, rel=0.03)
        assert abs(grain.mean()) < 0.01 * full


def test_a_hole_is_a_square_anywhere():
    x = np.full((500, 10, 12), 9, np.uint8)
    y = pl.Cutout(4, fill=1)(x, rng())
    assert set(np.unique(y)) == {1, 9}
    sizes = {(int((p == 1).any(axis=1).sum()), int((p == 1).any(axis=0).sum())) for p in y}
    assert max(sizes) == (4, 4)
    assert all(2 <= h <= 4 and 2 <= w <= 4 for h, w in sizes)  # its middle is inside
    assert ((y == 1).any(axis=0)).all()  # every place is hit
    for p in y[:50]:
        rows, columns = (p == 1).any(axis=1), (p == 1).any(axis=0)
        assert (p[rows][:, columns] == 1).all()


# ---- mixing ----------------------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(x=pictures(), strength=st.floats(0, 3), seed=st.integers(0, 99), weighted=st.booleans())
def test_a_mixture_keeps_what_it_is_made_of(x, strength, seed, weighted):
    t = rng(seed).integers(0, 4, len(x))
    w = rng(seed).random(len(x)) if weighted else None
    y, u, v = pl.Mixup(strength).mix((x, t, w), rng(seed), (4,))
    assert y.shape == x.shape
    assert y.dtype == x.dtype
    np.testing.assert_allclose(u.sum(axis=1), 1, atol=1e-5)
    if not weighted:
        assert v is None
        assert (u[np.arange(len(t)), t] >= 0.5 - 1e-6).all()  # the sample itself is the larger part
        np.testing.assert_array_equal(u, pl.Mixup(strength).mix((x, np.eye(4)[t], None), rng(seed), (4,))[1])
    if strength == 0:
        np.testing.assert_array_equal(y, x)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_of_a_mixture_is_the_mixture_of_losses(weighted):
    """L(z, mixed t) = the loss of either, times its share and its weight."""
    x, z, t = rng(1).random((7, 2, 2)), rng(2).normal(size=(7, 3)), rng(3).integers(0, 3, 7)
    w = rng(4).random(7) + 0.1 if weighted else np.ones(7)
    y, u, v = pl.Mixup(1.0).mix((x, t, w if weighted else None), rng(5), (3,))
    draws = rng(5)
    other, share = draws.permutation(7), draws.beta(1, 1, 7)
    share = np.maximum(share, 1 - share)
    log_p = np.log(np.exp(z) / np.exp(z).sum(axis=1, keepdims=True))
    first, second = -log_p[np.arange(7), t], -log_p[np.arange(7), t[other]]
    expected = (share * w * first + (1 - share) * w[other] * second).sum()
    assert pl.SoftmaxCrossEntropy().forward(z, u, v)[0].total == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(y, share[:, None, None] * x + (1 - share)[:, None, None] * x[other], rtol=1e-5)


def test_numbers_to_predict_are_mixed_too_and_a_chain_mixes_at_its_place():
    x, t = rng(1).random((6, 3, 3)), np.arange(6.0)[:, None]
    y, u, _ = changed(pl.Chain(pl.Flip(), pl.Mixup(1.0), pl.Shift(1)), (x, t, None), rng(2), (1,))
    draws = rng(2)
    flipped = pl.Flip()(x, draws)
    mixed, expected, _ = pl.Mixup(1.0).mix((flipped, t, None), draws, (1,))
    np.testing.assert_array_equal(u, expected)
    np.testing.assert_array_equal(y, pl.Shift(1)(mixed, draws))
    assert not np.array_equal(u, t)


def test_a_chain_that_mixes_joins_its_maps_too():
    x, t = rng(1).random((6, 9, 9)), np.arange(6) % 3
    steps = pl.Rotate(30), pl.Scale(0.4), pl.Elastic(3)
    y, u, _ = changed(pl.Chain(*steps, pl.Mixup(1.0)), (x, t, None), rng(2), (3,))
    draws = rng(2)
    expected = pl.Mixup(1.0).mix((pl.Chain(*steps)(x, draws), t, None), draws, (3,))
    np.testing.assert_array_equal(y, expected[0])
    np.testing.assert_array_equal(u, expected[1])


def test_training_on_mixtures_asks_for_both_and_a_pause_changes_nothing(tmp_path):
    x, t = rng(1).integers(0, 255, (40, 6, 6)).astype(np.uint8), rng(2).integers(0, 3, 40)
    seen = []

    def start(augment):
        layers = pl.Dense(8), pl.ReLU(), pl.Dense(3)
        loss = pl.SoftmaxCrossEntropy()
        model = pl.Model(*layers, loss=loss, input_shape=(36,), prepare=pl.Pixels((36,)), seed=0)
        real = model.forward_backward
        model.forward_backward = lambda x, t, *rest: seen.append(t) or real(x, t, *rest)
        return pl.train(model, (x, t), epochs=3, batch_size=16, augment=augment, metrics=[pl.accuracy])

    chain = pl.Chain(pl.Rotate(10), pl.Elastic(2), pl.Mixup(0.4))
    whole = start(chain)
    list(whole)
    assert all(batch.shape[1:] == (3,) for batch in seen)
    assert any(((batch > 0.01) & (batch < 0.99)).any() for batch in seen)
    first = start(chain)
    for event in first:
        if isinstance(event, pl.StepDone) and event.step == 4:
            break
    pl.save_checkpoint(first, tmp_path / "checkpoint")
    second = pl.resume(start(pl.Chain(pl.Rotate(10), pl.Elastic(2), pl.Mixup(0.4))), tmp_path / "checkpoint")
    list(second)
    np.testing.assert_array_equal(second.model.theta, whole.model.theta)
    with pytest.raises(pl.DataError, match=r"augment.steps\[2\].strength \(checkpoint 0.4, now its default\)"):
        pl.resume(start(pl.Chain(pl.Rotate(10), pl.Elastic(2), pl.Mixup())), tmp_path / "checkpoint")


def test_mixup_without_targets_is_refused():
    for change in (pl.Mixup(), pl.Chain(pl.Flip(), pl.Mixup())):
        with pytest.raises(pl.UsageError, match="Mixup mixes targets as well as pictures"):
            change(np.zeros((2, 3, 3)), rng())


# ---- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [*CHANGES.values(), pl.Mixup(0.3), pl.Rotate(fill=0.0), pl.Chain(pl.Chain())])
def test_a_change_is_described_and_rebuilt(change):
    assert pl.rebuild(pl.describe(change)) == change
    assert hash(change) == hash(pl.rebuild(pl.describe(change)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (pl.Rotate(-1), "Rotate's degrees is a number from 0 to 180, not -1"),
        (pl.Rotate(float("nan")), "Rotate's degrees is a number from 0 to 180, not nan"),
        (pl.Scale(9), "Scale's share"),
        (pl.Shear(-0.1), "Shear's share"),
        (pl.Crop(0), r"Crop's share is a number from 0.01 to 1, not 0"),
        (pl.Crop(1.1), "Crop's share"),
        (pl.Elastic(-1), "Elastic's pixels"),
        (pl.Elastic(1, spacing=0), "Elastic's spacing is a number at least 1, not 0"),
        (pl.Noise(2), "Noise's share"),
        (pl.Stroke(-1), "Stroke's pixels"),
        (pl.Stroke(float("inf")), "Stroke's pixels"),
        (pl.Cutout(-1), "Cutout's pixels"),
        (pl.Mixup(-1), "Mixup's strength"),
    ],
)
def test_a_strength_that_cannot_be_meant_is_refused(change, words):
    with pytest.raises(pl.UsageError, match=words):
        changed(change, (np.zeros((2, 5, 5)), np.zeros(2, int), None), rng(), (3,))


@pytest.mark.parametrize("change", [*CHANGES.values(), pl.Mixup()])
def test_what_has_no_height_and_width_is_refused(change):
    with pytest.raises(pl.ShapeError, match=r"changes pictures.*shape \(5, 784\)"):
        changed(change, (np.zeros((5, 784)), np.zeros(5, int), None), rng(), (3,))


# ---- copies ----------------------------------------------------------------------------------------------------------


def drawings(n: int = 20) -> pl.Data:
    x = np.zeros((n, 7, 7), np.uint8)
    x[:, 3, 3] = np.arange(n) + 1
    return pl.Data(x, np.arange(n) % 2, ("a", "b"), weights=np.arange(n) + 1.0)


@pytest.mark.parametrize(("times", "steps"), [(1, 0), (5, 1), (13, 2), (25, 3)])
def test_copies_stand_at_every_place_within_so_many_steps(times, steps):
    data = drawings()
    more = pl.enlarge(data, times)
    assert len(more) == times * len(data)
    np.testing.assert_array_equal(more.x[: len(data)], data.x)  # first all as they are
    np.testing.assert_array_equal(more.parents, np.tile(np.arange(len(data)), times))
    np.testing.assert_array_equal(more.t, data.t[more.parents])
    np.testing.assert_array_equal(more.weights, data.weights[more.parents])
    places = {(i, j) for i in range(-3, 4) for j in range(-3, 4) if abs(i) + abs(j) <= steps}
    for parent in range(len(data)):
        mine = more.x[more.parents == parent]
        assert (mine.max(axis=(1, 2)) == parent + 1).all()  # each copy shows its own parent
        assert {(int(i) - 3, int(j) - 3) for _, i, j in np.argwhere(mine)} == places


def test_copies_by_any_change_and_copies_of_copies():
    data = drawings()
    more = pl.enlarge(data, 3, pl.Rotate(40), seed=4)
    np.testing.assert_array_equal(more.x[:20], data.x)
    np.testing.assert_array_equal(more.x, pl.enlarge(data, 3, pl.Rotate(40), seed=4).x)
    assert not np.array_equal(more.x, pl.enlarge(data, 3, pl.Rotate(40), seed=5).x)
    again = pl.enlarge(more[30:50], 5)
    np.testing.assert_array_equal(again.parents, np.tile(more.parents[30:50], 5))  # of the first, not of a copy


def test_numbers_of_copies_that_cannot_be():
    with pytest.raises(pl.UsageError, match=r"make 5 of each picture .*, not 4"):
        pl.enlarge(drawings(), 4)
    with pytest.raises(pl.UsageError, match="whole number from 1, not 0"):
        pl.enlarge(drawings(), 0)
    with pytest.raises(pl.ShapeError, match="enlarge changes pictures"):
        pl.enlarge(pl.Data(np.zeros((4, 9)), np.zeros(4, int)), 5)


def test_a_split_never_divides_a_family():
    data = replace(pl.enlarge(drawings(), 5), weights=None)
    for make in (
        lambda: pl.split(data, 0.2),
        lambda: pl.three_parts(data),
        lambda: pl.split(data, 0.2, times=np.arange(100)),
        lambda: pl.Model(pl.Dense(2), input_shape=(49,)).fit(data, validation=0.1, epochs=1, verbose=False),
    ):
        with pytest.raises(pl.UsageError, match=r"copies of its samples.*Split first and enlarge the training part"):
            make()
    rest, aside = pl.split(data, 0.2, groups=data.parents)
    assert not set(rest.parents) & set(aside.parents)
    assert len(rest) == 80
    for learn, judge in pl.group_folds(data.parents, 4):
        assert not set(data.parents[learn]) & set(data.parents[judge])
    first, second = pl.split(drawings(), 0.2)
    assert len(pl.enlarge(first, 5)) == 80  # the honest way: nothing is in the way
    assert second.parents is None


# ---- the sheet -------------------------------------------------------------------------------------------------------


def test_a_preview_shows_each_step_and_all_together():
    x = rng().integers(0, 255, (3, 8, 6)).astype(np.uint8)
    seen = pl.preview(pl.Chain(pl.Flip(), pl.Rotate(30)), x, copies=2)
    assert seen.heads == ("as it is", "Flip", "Rotate 30", "together 1", "together 2")
    assert seen.pictures.shape == (3, 5, 8, 6)
    np.testing.assert_array_equal(seen.pictures[:, 0], x)
    flips = [x, x[:, :, ::-1]]
    assert all(any(np.array_equal(seen.pictures[n, 1], form[n]) for form in flips) for n in range(3))
    assert not np.array_equal(seen.pictures[:, 3], seen.pictures[:, 4])
    np.testing.assert_array_equal(seen.pictures, pl.preview(pl.Chain(pl.Flip(), pl.Rotate(30)), x, copies=2).pictures)
    assert pl.preview(pl.Rotate(30), x, copies=2).heads == ("as it is", "Rotate 30", "Rotate 30")


def test_a_preview_names_what_is_mixed():
    data = pl.Data(rng().random((4, 5, 5, 3)), np.array([0, 1, 2, 0]), ("ant", "bee", "cat"))
    seen = pl.preview(pl.Mixup(2.0), data, copies=3)
    assert [row[0] for row in seen.captions] == ["ant", "bee", "cat", "ant"]
    mixed = [word for row in seen.captions for word in row[1:] if "+" in word]
    assert mixed
    for word in mixed:
        shares = [int(part.split("(")[1].split()[0]) for part in word.split(" + ")]
        assert sum(shares) in (99, 100, 101)


@pytest.mark.parametrize("shape", [(28, 28), (8, 8), (32, 32, 3), (9, 7, 1), (120, 100, 3)])
def test_a_sheet_holds_the_pictures_as_they_are(shape, tmp_path):
    Image = pytest.importorskip("PIL.Image", reason="the sheet is drawn with Pillow")
    x = rng().integers(0, 255, (2, *shape)).astype(np.uint8)
    seen = pl.preview(pl.Shift(1), x, copies=2)
    seen.save(tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as file:
        sheet = np.asarray(file).astype(int)
    assert sheet.ndim == 3
    zoom = max(1, 84 // max(shape[:2]))
    for r in range(2):
        cell = seen.bytes()[r, 1].reshape(*shape[:2], -1).repeat(zoom, 0).repeat(zoom, 1)
        cell = np.broadcast_to(cell, (*cell.shape[:2], 3)).astype(int)
        h, w = cell.shape[:2]
        corner = (sheet[:-h, :-w] == cell[0, 0]).all(axis=2) & (sheet[h - 1 : -1, w - 1 : -1] == cell[-1, -1]).all(
            axis=2
        )
        assert any(np.array_equal(sheet[i : i + h, j : j + w], cell) for i, j in np.argwhere(corner)), r
    assert seen._repr_png_().startswith(b"\x89PNG")


def test_a_preview_of_no_pictures_is_refused():
    for x in (np.zeros((3, 784)), np.zeros((0, 5, 5)), np.zeros((1, 5, 5, 2))):
        with pytest.raises(pl.ShapeError):
            pl.preview(pl.Flip(), x)
    with pytest.raises(pl.UsageError, match="copies"):
        pl.preview(pl.Flip(), np.zeros((1, 5, 5)), copies=0)
