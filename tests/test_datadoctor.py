"""The doctor of data: a table of sick data sets, each found by its name, and healthy ones about which it is silent."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import pellucid as pl
from pellucid.base.arrays import Array
from pellucid.inspection.datachecks import alike, near
from pellucid.inspection.datachecks.case import Case
from pellucid.inspection.datadoctor import CHECKS
from tests.datasets.files import published

Parts = tuple[Any, Any]  # the training part and the test part
RNG = np.random.default_rng


def table(n: int = 300, d: int = 5, seed: int = 0) -> tuple[Array, Array]:
    """Rows of measurements, and a class that follows from them."""
    x = RNG(seed).normal(size=(n, d))
    return x, (x[:, 0] + x[:, 1] > 0).astype(int)


def halves(x: Array, t: Array, test: int = 100) -> Parts:
    return (x[:-test], t[:-test]), (x[-test:], t[-test:])


def named(x: Array, t: Array, classes: tuple[str, ...] = ("no", "yes"), **more: Any) -> pl.Data:
    return pl.Data(x, t, classes, columns=tuple(f"c{j}" for j in range(x.shape[1])), **more)


def drawings(n: int = 240, seed: int = 0) -> tuple[Array, Array]:
    """Strokes on an empty frame, as bytes (n, 28, 28): no two alike."""
    rng = RNG(seed)
    x = np.zeros((n, 28, 28), np.uint8)
    for picture in x:
        for _ in range(4):
            i, j = rng.integers(4, 17, 2)
            h, w = rng.integers(2, 8, 2)
            picture[i : i + h, j : j + w] = rng.integers(120, 256)
    return x, np.arange(n) % 2


def photos(n: int = 240, side: int = 32) -> tuple[Array, Array]:
    """Smooth colours up to the edge, as bytes (n, side, side, 3)."""
    low = RNG(3).random((n, 5, 5, 3))
    weights = np.maximum(0, 1 - np.abs(np.linspace(0, 4, side)[:, None] - np.arange(5)))  # (side, 5)
    x = np.einsum("ai,nijc,bj->nabc", weights, low, weights)
    return np.rint(255 * x).astype(np.uint8), np.arange(n) % 2


def moved(x: Array, down: int, right: int) -> Array:
    """Pictures moved, with what comes in empty."""
    H, W = x.shape[1:3]
    y = np.zeros_like(x)
    rows, columns = slice(max(down, 0), H + min(down, 0)), slice(max(right, 0), W + min(right, 0))
    from_rows, from_columns = slice(max(-down, 0), H + min(-down, 0)), slice(max(-right, 0), W + min(-right, 0))
    y[:, rows, columns] = x[:, from_rows, from_columns]
    return y


def saved_again(x: Array, quality: int) -> Array:
    Image = pytest.importorskip("PIL.Image", reason="saving pictures again needs Pillow")
    done = []
    for picture in x:
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=quality)
        done.append(np.asarray(Image.open(file)))
    return np.array(done)


def with_copies(pictures: tuple[Array, Array], copies: Callable[[Array], Array]) -> Parts:
    """40 of 200 training pictures come back in the test part as `copies` makes them, among 40 others."""
    x, t = pictures
    test = np.concatenate([copies(x[:40]), x[200:]]), np.concatenate([t[:40], t[200:]])
    return pl.Data(x[:200], t[:200], ("a", "b")), pl.Data(*test, ("a", "b"))


def sick_column(change: Callable[[Array, Array], Array], name: bool = True) -> Parts:
    x, t = table()
    x = change(x.copy(), t)
    train, test = halves(x, t)
    return (named(*train), named(*test)) if name else (train, test)


def put(j: int, values: Any) -> Callable[[Array, Array], Array]:
    def change(x: Array, t: Array) -> Array:
        x[:, j] = values(x, t) if callable(values) else values
        return x

    return change


def some(j: int, at: slice, value: float) -> Callable[[Array, Array], Array]:
    def change(x: Array, t: Array) -> Array:
        x[at, j] = value
        return x

    return change


def records(n: int = 200, seed: int = 1, **columns: Any) -> pl.Data:
    rng = RNG(seed)
    cells = {"weight": rng.normal(70, 9, n), "coat": rng.choice(["grey", "brown", "white"], n)} | columns
    x = np.empty(n, [(name, "f8" if np.asarray(c).dtype.kind == "f" else "U9") for name, c in cells.items()])
    for name, c in cells.items():
        x[name] = c
    return pl.Data(x, rng.integers(0, 2, n), ("cat", "dog"), columns=tuple(cells), target="kind")


def own_scale(scale: Callable[[Array], Array]) -> Parts:
    """Both parts scaled by their own figures."""
    rng = RNG(2)
    x, t = rng.gamma(2.0, 3.0, size=(300, 6)), rng.integers(0, 2, 300)
    return (scale(x[:200]), t[:200]), (scale(x[200:]), t[200:])


def rare(counts: list[int]) -> Parts:
    t = np.repeat(np.arange(len(counts)), counts)
    x = RNG(0).normal(size=(len(t), 4)) + t[:, None]
    return (x, t), (x[::3] + 0.5, t[::3])


SICK: dict[str, tuple[str, Callable[[], Parts]]] = {
    # inputs
    "pixels from 0 to 255": (
        "unscaled inputs",
        lambda: halves(drawings()[0].reshape(-1, 784).astype(float), drawings()[1], 40),
    ),
    "bytes given as they are": ("unscaled inputs", lambda: halves(*drawings(), 40)),
    "one large column": ("unscaled inputs", lambda: sick_column(put(2, lambda x, t: 1000 * x[:, 2]), name=False)),
    # columns
    "a constant column": ("constant columns", lambda: sick_column(put(2, 7.0))),
    "a constant column of an array": ("constant columns", lambda: sick_column(put(2, 0.0), name=False)),
    "a column of one word": ("constant columns", lambda: (records(coat=["grey"] * 200), records(seed=2))),
    "a column twice": ("duplicate columns", lambda: sick_column(put(2, lambda x, t: x[:, 3]))),
    "a column in inches": ("duplicate columns", lambda: sick_column(put(2, lambda x, t: 2 - x[:, 3] / 2.54))),
    "a column under other names": (
        "duplicate columns",
        lambda: (
            records(
                fur=np.where(records().x["coat"] == "grey", "a", np.where(records().x["coat"] == "brown", "b", "c"))
            ),
            records(),
        ),
    ),
    "missing numbers": ("missing values", lambda: sick_column(some(1, slice(0, 9), np.nan))),
    "missing numbers of an array": ("missing values", lambda: sick_column(some(1, slice(0, 9), np.nan), name=False)),
    "missing words": ("missing values", lambda: (records(coat=["", *["grey", "brown"] * 99, ""]), records(seed=2))),
    "-999 for missing": ("numbers for missing values", lambda: sick_column(some(1, slice(0, 9), -999.0))),
    "-999 and nan for missing": (
        "numbers for missing values",
        lambda: sick_column(lambda x, t: some(1, slice(9, 12), np.nan)(some(1, slice(0, 9), -999.0)(x, t), t)),
    ),
    "a missing pixel": (
        "missing values",
        lambda: halves(np.where(np.arange(784).reshape(28, 28) == 5, np.nan, drawings()[0] / 255.0), drawings()[1], 40),
    ),
    "the target as a column": ("target leak", lambda: sick_column(put(2, lambda x, t: t), name=False)),
    "the target among a hundred columns": (
        "target leak",
        lambda: (lambda x, t: halves(np.where(np.arange(100) == 7, t[:, None], x), t))(*table(d=100)),
    ),
    "the target in another unit": ("target leak", lambda: sick_column(put(2, lambda x, t: 3.0 * t + 1.0))),
    "the target in words": (
        "target leak",
        lambda: (records(sound=np.where(records().t, "woof", "meow")), records(seed=2)),
    ),
    "a value computed from the target": (
        "target leak",
        lambda: halves(np.c_[table()[0], np.log(RNG(6).random(300) + 1)], np.exp(3 * np.log(RNG(6).random(300) + 1))),
    ),
    "the number of the row": ("identifier columns", lambda: sick_column(put(2, lambda x, t: np.arange(len(x))))),
    # between the parts
    "test rows in training": (
        "duplicates across the split",
        lambda: ((table()[0], table()[1]), (table()[0][40:120], table()[1][40:120])),
    ),
    "a few test rows in training": (
        "duplicates across the split",
        lambda: (
            (table()[0], table()[1]),
            tuple(map(np.concatenate, zip((table()[0][:3], table()[1][:3]), table(97, seed=9), strict=True))),
        ),
    ),
    "test rows in training, of iris": (
        "duplicates across the split",
        lambda: (pl.datasets.iris(), pl.datasets.iris()[30:90]),
    ),
    "rows with words in training": ("duplicates across the split", lambda: (records(), records()[:50])),
    "copied before it was divided": (
        "duplicates across the split",
        lambda: (named(*(np.concatenate([part] * 3) for part in table())), None),
    ),
    "test rows rounded": (
        "near-duplicates across the split",
        lambda: (table(), (table()[0][:100].round(2), table()[1][:100])),
    ),
    "test rows shaken": (
        "near-duplicates across the split",
        lambda: (table(d=60), (table(d=60)[0][:100] + 1e-4 * RNG(5).normal(size=(100, 60)), table()[1][:100])),
    ),
    "training in single precision": (
        "near-duplicates across the split",
        lambda: ((table()[0].astype(np.float32), table()[1]), (table()[0][:100], table()[1][:100])),
    ),
    "the same pictures": ("duplicates across the split", lambda: with_copies(drawings(), lambda x: x)),
    "pictures moved right": (
        "near-duplicates across the split",
        lambda: with_copies(drawings(), lambda x: moved(x, 0, 1)),
    ),
    "pictures moved up and left": (
        "near-duplicates across the split",
        lambda: with_copies(drawings(), lambda x: moved(x, -1, -1)),
    ),
    "pictures moved, as rows of shares": (
        "near-duplicates across the split",
        lambda: tuple(
            (part.x.reshape(len(part), -1) / np.float32(255), part.t)
            for part in with_copies(drawings(), lambda x: moved(x, 1, 0))
        ),
    ),
    "photos moved": ("near-duplicates across the split", lambda: with_copies(photos(), lambda x: moved(x, 1, 0))),
    "pictures saved again": (
        "near-duplicates across the split",
        lambda: with_copies(drawings(), lambda x: saved_again(x, 75)),
    ),
    "photos saved again": (
        "near-duplicates across the split",
        lambda: with_copies(photos(), lambda x: saved_again(x, 75)),
    ),
    "pictures moved and saved again": (
        "near-duplicates across the split",
        lambda: with_copies(drawings(), lambda x: saved_again(moved(x, 1, 0), 85)),
    ),
    "a test part of shares, training of bytes": (
        "test part scaled by itself",
        lambda: ((drawings()[0] / 1.0, drawings()[1]), (drawings(60, 8)[0] / 255.0, drawings(60, 8)[1])),
    ),
    "rows of another unit": (
        "test part scaled by itself",
        lambda: (table(), (100 * table(90, seed=4)[0], table(90, seed=4)[1])),
    ),
    "standardised by itself": (
        "test part scaled by itself",
        lambda: own_scale(lambda x: (x - x.mean(axis=0)) / x.std(axis=0)),
    ),
    "standardised by itself, over N - 1": (
        "test part scaled by itself",
        lambda: own_scale(lambda x: ((x - x.mean(axis=0)) / x.std(axis=0, ddof=1)).astype(np.float32)),
    ),
    "standardised as a whole by itself": (
        "test part scaled by itself",
        lambda: own_scale(lambda x: (x - x.mean()) / x.std()),
    ),
    "from 0 to 1 by itself": (
        "test part scaled by itself",
        lambda: own_scale(lambda x: (x - x.min(axis=0)) / np.ptp(x, axis=0)),
    ),
    # the answers
    "97 of 100 in one class": ("class imbalance", lambda: rare([485, 15])),
    "a class of 20 beside one of 300": ("class imbalance", lambda: rare([300, 250, 20])),
    "a class of three": ("too few rows a class", lambda: rare([40, 30, 3])),
    "a class that was never learned": (
        "too few rows a class",
        lambda: (rare([40, 30])[0], (RNG(1).normal(size=(20, 4)), np.arange(20) % 3)),
    ),
    "two classes in three rows": (
        "too few rows a class",
        lambda: ((np.array([[0.3], [-0.4], [0.5]]), np.array([0, 1, 0])), (np.array([[0.1]]), np.array([1]))),
    ),
    "a class for each row": (
        "labels look like an identifier",
        lambda: (named(table(60)[0], np.arange(60), tuple(f"n{i}" for i in range(60))), None),
    ),
    "numbers of the rows as values": (
        "labels look like an identifier",
        lambda: (named(table(300)[0], 1.0 + np.arange(300), ()), None),
    ),
}


BESIDES = {  # what is true of them as well
    "a test part of shares, training of bytes": ("unscaled inputs",),
    "a class of three": ("class imbalance",),
    "-999 and nan for missing": ("missing values",),
}


@pytest.mark.parametrize("name", SICK)
def test_what_is_sick_is_found_by_its_name(name: str) -> None:
    finding, make = SICK[name]
    train, test = make()
    report = pl.check_data(train, test=test)
    assert finding in report.names
    assert set(report.names) <= {finding, *BESIDES.get(name, ())}, str(report)
    said = report[finding]
    assert said.says.endswith(".")
    assert said.evidence
    assert said.cure.endswith(".")


def random_rows(seed: int) -> Parts:
    rng = RNG(seed)
    return halves(rng.normal(size=(500, 7)), rng.integers(0, 3, 500))


def bits(seed: int) -> Parts:
    rng = RNG(seed)
    return halves(rng.integers(0, 2, (3000, 12)), rng.integers(0, 2, 3000), 600)


def coarse(seed: int) -> Parts:
    """Ten marks of five steps each, which go together: many rows are equal, and nobody copied one."""
    rng = RNG(seed)
    level = rng.normal(size=(2000, 1))
    x = np.clip(np.rint(level + 0.5 * rng.normal(size=(2000, 10))), -2, 2)
    return halves(x, (level[:, 0] > 0).astype(int), 400)


def along_a_curve(seed: int) -> Parts:
    u = RNG(seed).random(2000)
    x = np.stack([u, np.sin(9 * u), np.cos(7 * u), u * u], axis=1)
    return halves(x, np.rint(RNG(seed).random(2000)), 400)


def of_few_measurements(seed: int, copied: int = 0, **columns: Any) -> Parts:
    """A small table of words and a measurement; in the test part some rows come back shaken."""
    rng = RNG(seed)
    data = records(200, seed, weight=rng.normal(size=200), sex=rng.choice(["m", "f"], 200), **columns)
    train, x = data[:160], data.x[160:].copy()
    x[:copied] = train.x[:copied]
    x["weight"][:copied] += 1e-3 * rng.normal(size=copied)
    return train, replace(data[160:], x=x)


def divided(data: pl.Data) -> Parts:
    return pl.split(data, 0.2, seed=3)


def prepared(parts: Parts) -> Parts:
    """Standardised as it should be: both parts by the training part."""
    (x, t), (y, u) = ((p.x, p.t) for p in parts)
    prepare = pl.Standardize.fit(x)
    return (prepare(x), t), (prepare(y), u)


def from_0_to_1(parts: Parts) -> Parts:
    (x, t), (y, u) = ((p.x, p.t) for p in parts)
    low, width = x.min(axis=0), np.ptp(x, axis=0)
    return ((x - low) / width, t), ((y - low) / width, u)


HEALTHY: dict[str, Callable[[], Parts]] = {
    "iris": lambda: (pl.datasets.iris(), None),
    "iris, divided": lambda: divided(pl.datasets.iris()),
    "iris, standardised": lambda: prepared(divided(pl.datasets.iris())),
    "iris, from 0 to 1": lambda: from_0_to_1(divided(pl.datasets.iris())),
    "wine": lambda: divided(pl.datasets.wine()),
    "wine, standardised": lambda: prepared(divided(pl.datasets.wine())),
    "wine, from 0 to 1": lambda: from_0_to_1(divided(pl.datasets.wine())),
    "digits": lambda: pl.datasets.digits(),
    "digits in shares": lambda: tuple((p.x / 255.0, p.t) for p in pl.datasets.digits()),
    "digits as rows": lambda: tuple((p.x.reshape(-1, 784) / np.float32(255), p.t) for p in pl.datasets.digits()),
    "digits, moved anew": lambda: tuple(
        (pl.Shift(1)(p.x, RNG(i)) / 255.0, p.t) for i, p in enumerate(pl.datasets.digits())
    ),
    "drawings": lambda: halves(drawings()[0] / 255.0, drawings()[1], 40),
    "photos": lambda: halves(photos()[0] / 255.0, photos()[1], 40),
    "spiral": lambda: pl.datasets.load("spiral"),
    "vertical": lambda: pl.datasets.load("vertical"),
    "sine": lambda: pl.datasets.load("sine"),
    "xor": lambda: pl.datasets.load("xor"),
    "moons": lambda: pl.datasets.load("moons"),
    "a truth table": lambda: ((np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])), None),
    "a value for each of three rows": lambda: ((np.array([[0.3], [-0.4], [0.5]]), np.array([3, 1, 2])), None),
    "a line": lambda: ((np.linspace(-1, 1, 64)[:, None], 3 * np.linspace(-1, 1, 64)), None),
    "random rows": lambda: random_rows(0),
    "random rows again": lambda: random_rows(1),
    "random bits": lambda: bits(0),
    "marks of five steps": lambda: coarse(0),
    "marks again": lambda: coarse(1),
    "points on a curve": lambda: along_a_curve(0),
    "one-hot classes": lambda: tuple((x, np.eye(3)[t]) for x, t in random_rows(2)),
    "ids of words": lambda: halves(RNG(0).integers(0, 500, (400, 12)), RNG(1).integers(0, 2, 400)),
    "a hundred columns": lambda: halves(RNG(0).normal(size=(300, 100)), RNG(1).integers(0, 2, 300)),
    "a table of words": lambda: divided(records()),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_about_what_is_healthy_it_is_silent(name: str) -> None:
    train, test = HEALTHY[name]()
    report = pl.check_data(train, test=test)
    assert report.ok, str(report)
    assert str(report).startswith("Nothing was found in ")
    assert set(report.looked) == set(CHECKS)


def test_rows_of_few_measurements_are_near_by_chance_and_copies_are_found_all_the_same() -> None:
    near = "near-duplicates across the split"
    for seed in range(40):
        steps = RNG(100 + seed).integers(0, 5, 200) * 1.0
        for more in ({}, {"steps": steps}):
            assert near not in pl.check_data(*of_few_measurements(seed, **more)).names, f"{seed} {more.keys()}"
    for seed in range(5):
        height = RNG(100 + seed).normal(size=200)
        assert near in pl.check_data(*of_few_measurements(seed, copied=8, height=height)).names


def test_of_penguins_and_titanic_only_what_is_true_is_said() -> None:
    assert pl.check_data(*pl.three_parts(pl.datasets.penguins())).names == ("missing values",)
    titanic = pl.datasets.read_table(published("tables", "titanic.csv"), "survived")
    for seed in range(3):
        report = pl.check_data(*pl.three_parts(titanic, seed=seed))
        assert report.names == ("missing values", "target leak", "duplicate columns")
        assert report["target leak"].says == "alive gives survived away."
        assert "class is pclass under other names" in report["duplicate columns"].says


@pytest.mark.parametrize("name", ["breast_cancer.csv", "california_housing.csv", "mpg.csv"])
def test_published_tables_are_healthy(name: str) -> None:
    target = {"california_housing.csv": "median_house_value", "mpg.csv": "mpg"}.get(name)
    data = pl.datasets.read_table(published("tables", name), target)
    for seed in range(2):
        assert set(pl.check_data(*pl.three_parts(data, seed=seed)).names) <= {"missing values"}


def test_mnist_is_healthy_and_copies_put_into_it_are_found() -> None:
    train, test = pl.datasets.mnist(published("mnist"))
    report = pl.check_data(train, test=test)
    assert report.ok, str(report)
    assert report.seconds < 30  # 0.4 on a machine at rest; this only notices a search through all pairs
    x = test.x.copy()
    x[:300] = moved(train.x[5000:5300], 0, 1)
    found = pl.check_data(train, test=replace(test, x=x))
    assert found.names == ("near-duplicates across the split",)
    assert 60 <= int(found["near-duplicates across the split"].says.split()[0]) <= 120  # of 3,000 that are looked at


# ---- how it is told --------------------------------------------------------------------------------------------------


def test_twins_are_named_by_their_places() -> None:
    train, test = with_copies(drawings(), lambda x: moved(x, 0, 1)[::-1])
    finding = pl.check_data(train, test=test)["near-duplicates across the split"]
    assert finding.says == "40 of 80 test samples (50 %) are nearly equal to one of the training part."
    assert finding.evidence[0] == "40 are equal after a move by a pixel"
    assert finding.evidence[1].startswith("test sample 0 is training sample 39, 1 is training sample 38, ")


def test_each_part_is_compared() -> None:
    x, t = table()
    report = pl.check_data((x[:200], t[:200]), validation=(x[190:250], t[190:250]), test=(x[100:200], t[100:200]))
    assert report.names == ("duplicates across the split",)
    assert report["duplicates across the split"].says == (
        "10 of 60 validation samples (17 %) and 100 of 100 test samples (100 %) stand in the training part too."
    )
    assert report.samples == {"training": 200, "validation": 60, "test": 100}


def test_a_report_is_asked_by_name() -> None:
    report = pl.check_data(*rare([485, 15])[:1])
    assert not report
    assert report.names == tuple(finding.name for finding in report) == ("class imbalance",)
    assert report["class imbalance"].says == "'0' has 388 of 400 training samples, '1' has 12."
    assert "always answering '0' would be right in 97 %" in report["class imbalance"].evidence
    assert report.without("class imbalance").ok
    with pytest.raises(pl.UsageError, match="was looked for and not found"):
        report["target leak"]
    with pytest.raises(pl.UsageError, match=r"is not looked for\. What is: missing values, "):
        report["typo"]


def test_the_weights_of_its_code_balance_the_classes() -> None:
    (x, t), _ = rare([300, 30])
    code = pl.check_data((x, t))["class imbalance"].code
    assert code.startswith("weights = (len(t) / (np.bincount(t) * len(np.unique(t))))[t] ")
    weights = (len(t) / (np.bincount(t) * len(np.unique(t))))[t]
    np.testing.assert_allclose([weights[t == 0].sum(), weights[t == 1].sum(), weights.sum()], [165, 165, 330])


def test_the_preparation_of_a_model_counts() -> None:
    x, t = drawings()
    layers = (pl.Dense(2),)
    raw = pl.Model(*layers, loss=pl.SoftmaxCrossEntropy(), input_shape=(28, 28))
    good = pl.Model(pl.Dense(2), loss=pl.SoftmaxCrossEntropy(), input_shape=784, prepare=pl.Pixels((784,)))
    data = pl.Data(x, t, ("a", "b"))
    assert pl.check_data(data, model=raw).names == ("unscaled inputs",)
    assert pl.check_data(data, model=good).ok
    assert pl.check_data((x, t), model=good).ok
    assert pl.check_data(data).ok, "bytes in a Data are still to be prepared"
    words = pl.Model(pl.Embedding(500, 4), pl.Flatten(), pl.Dense(2), input_shape=(12,))
    assert pl.check_data((RNG(0).integers(0, 500, (400, 12)) * 1.0, np.arange(400) % 2), model=words).ok


def test_records_of_objects_as_a_data_frame_makes_them_are_read_as_words_and_numbers() -> None:
    data = records()
    fields = [("weight", "f8"), ("coat", object), ("legs", object), ("born", "M8[s]")]
    x = np.empty(len(data), fields)
    x["weight"], x["coat"] = data.x["weight"], data.x["coat"]
    x["legs"], x["born"] = RNG(0).integers(2, 5, len(x)), np.datetime64("2024-01-01") + RNG(1).integers(0, 900, len(x))
    assert pl.check_data((x, data.t)).ok
    assert pl.check_data((x, data.t), test=(x[:50], data.t[:50])).names == ("duplicates across the split",)
    x["coat"][:3], x["legs"][:2] = None, np.nan
    found = pl.check_data((x.view(np.recarray)[:160], data.t[:160]), test=(x[160:], data.t[160:]))
    assert found.names == ("missing values",)
    assert found["missing values"].says == "Cells are missing: coat in 3 rows (1.9 %), legs in 2 rows (1.2 %)."


def test_no_data_set_is_too_strange() -> None:
    for x, t in (
        (np.zeros((1, 1)), [0]),
        (np.zeros((3, 2)), [0, 1, 0]),
        (np.zeros((50, 8, 8)), np.arange(50) % 2),
        (np.zeros((50, 0)), np.zeros(50)),
        (RNG(0).normal(size=(50, 4)), RNG(0).normal(size=(50, 3))),
        (RNG(0).normal(size=(50, 5, 2)), np.zeros((50, 5))),
        (np.full((50, 4), np.nan), np.zeros(50)),
        (RNG(0).normal(size=(50, 4)) > 0, np.arange(50) > 20),
        (np.full((50, 4), 1e300) * RNG(0).normal(size=(50, 4)), np.zeros(50)),
        (RNG(0).normal(size=50), RNG(1).normal(size=50)),
    ):
        for test in (None, (x, t)):
            str(pl.check_data((x, t), test=test))


# ---- the searches ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("d", [1, 2, 7, 30])
def test_nearest_is_the_nearest_of_all(d: int) -> None:
    rng = RNG(d)
    a, b = (rng.normal(size=(n, d)).astype(np.float32) for n in (400, 300))
    b[:50] = a[:50] + 0.01 * rng.normal(size=(50, d)).astype(np.float32)
    all_far = np.sqrt(((a[:, None].astype(np.float64) - b[None]) ** 2).sum(axis=2))  # (400, 300)
    radius = float(np.quantile(all_far.min(axis=0), 0.6))
    at, far = near.nearest(a, b, radius)
    found = all_far.min(axis=0) <= radius
    assert 100 < found.sum() < 300
    np.testing.assert_array_equal(at[found], all_far.argmin(axis=0)[found])
    np.testing.assert_allclose(far[found], all_far.min(axis=0)[found], rtol=1e-4, atol=1e-6)
    assert (at[~found] == -1).all()
    assert np.isinf(far[~found]).all()


def test_a_move_does_not_change_how_strong_the_waves_are() -> None:
    x, _ = drawings(30)
    matrix = alike._waves((28, 28, 1), fade=False)
    here = alike._strengths(x, matrix)
    np.testing.assert_allclose(alike._strengths(moved(x, 2, -1), matrix), here, atol=1e-4)
    assert np.abs(here[1:] - here[:-1]).max(axis=1).min() > 0.02, "and they tell pictures apart"


def test_one_sample_in_many_is_no_news() -> None:
    x, t = table(1000)
    report = pl.check_data((x, t), test=(np.concatenate([x[:1], RNG(8).normal(size=(499, 5))]), t[:500]))
    assert report.ok, "one of 500"


def test_a_case_knows_its_columns() -> None:
    case = Case(records(), {})
    assert [name for name, _ in case.columns()] == ["weight", "coat"]
    assert case.picture is None
    pictures = Case(pl.Data(*drawings()), {})
    assert pictures.picture == (28, 28, 1)
    assert not list(pictures.columns())


def test_of_samples_on_the_disk_some_are_looked_at(tmp_path) -> None:
    x, t = drawings(4000)
    np.save(tmp_path / "big_x.npy", x)
    np.save(tmp_path / "big_t.npy", np.where(np.arange(4000) % 50, 0, 1))
    data = pl.datasets.stream(tmp_path / "big_x.npy")
    report = pl.check_data(data, test=(x[:50], t[:50]))
    assert report.samples == {"training": 2000, "test": 50}
    assert set(report.names) == {"class imbalance", "duplicates across the split"}
