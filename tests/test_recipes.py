"""The recipes and their suite: the same trainings as the examples and the commands, rows that stay, sets that fail."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pl
from pellucid.cli.plan import Options, make_plan
from pellucid.datasets import places
from pellucid.datasets.catalog import CATALOG
from pellucid.recipes import (
    MLP,
    RECIPES,
    Before,
    Cycle,
    Falling,
    Folds,
    HeldOut,
    Judged,
    Learning,
    Quick,
    Recipe,
    Row,
    carry_out,
    plot,
    results,
)
from pellucid.recipes import suite as suite_module
from pellucid.recipes.networks import Network
from pellucid.recipes.row import row_from
from pellucid.recipes.run import Outcome, begin
from tests.datasets.files import write_pair

PICTURE = plot.picture
NAMED = {recipe.name: recipe for recipe in RECIPES}
EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
TINY = Recipe(
    "tiny", "iris", MLP((4,)), Falling(0.05, 0.9), epochs=3, batch_size=30, divide=HeldOut(0.2),
    aim=0.5, before=(Before("96.7", "somebody"),), quick=Quick(60, epochs=2),
)  # fmt: skip


@pytest.fixture(autouse=True)
def _no_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without data but what is in the package."""
    monkeypatch.setenv("PELLUCID_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(places, "SYSTEM", ())
    monkeypatch.setattr(places, "_scikit", lambda: None)
    monkeypatch.setattr(plot, "picture", lambda *_: b"drawn")  # drawing takes longer than these trainings


def rows(recipes: list[Recipe], **options: Any) -> list[Row]:
    return [event.row for event in pl.suite(recipes=recipes, **options) if isinstance(event, Judged)]


def outcome(recipe: Recipe, quick: bool = False) -> Outcome:
    *_, last = carry_out(recipe, quick)
    assert isinstance(last, Outcome)
    return last


def stripes(folder: Path, train: int = 60, test: int = 40) -> Path:
    """MNIST's four files with something to learn: digit k is bright in rows 2k to 2k + 2."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for part, count in (("train", train), ("t10k", test)):
        t = np.arange(count) % 10
        x = rng.integers(0, 60, (count, 28, 28))
        for k in range(10):
            x[t == k, 2 * k + 2 : 2 * k + 5] += 150
        write_pair(folder, part, x, t)
    return folder


# ---- what they are --------------------------------------------------------------------------------------------------


def test_every_recipe_has_a_name_of_its_own_and_a_set_of_the_catalogue() -> None:
    assert len(NAMED) == len(RECIPES)
    assert {recipe.data for recipe in RECIPES} == {
        "iris", "digits", "mnist", "fashion_mnist", "malaria", "cifar10", "california_housing", "diabetes", "titanic"
    }  # fmt: skip
    assert all(recipe.data in CATALOG for recipe in RECIPES)
    aims = {"iris": 0.96, "mnist-dense": 0.988, "mnist-cnn": 0.993, "fashion-dense": 0.9, "fashion-cnn": 0.925,
            "malaria": 0.96, "cifar10": 0.82, "california": 0.8, "titanic": 0.8}  # fmt: skip
    assert {recipe.name: recipe.aim for recipe in RECIPES if recipe.aim is not None} == aims


def test_a_fingerprint_changes_with_what_is_learned_and_with_nothing_else() -> None:
    prints = [recipe.fingerprint(quick) for recipe in RECIPES for quick in (False, True)]
    assert len(set(prints)) == len(prints)
    mine = NAMED["malaria"]
    for change in ({"epochs": 7}, {"network": MLP((3,))}, {"smoothing": 0.2}, {"augment": None}, {"networks": 1}):
        assert replace(mine, **change).fingerprint() != mine.fingerprint()
    told = replace(mine, aim=0.1, before=(), unit="m", quick=Quick(epochs=1))
    assert told.fingerprint() == mine.fingerprint()
    assert told.fingerprint(quick=True) != mine.fingerprint(quick=True)


class Caught(Exception):
    """The arguments with which an example asked for its training."""


def asked_by(name: str, monkeypatch: pytest.MonkeyPatch, *words: Any, **options: Any) -> pl.Training:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)

    def caught(*said: Any, **more: Any) -> None:
        raise Caught(pl.Training(*said, **more))

    with monkeypatch.context() as patch:
        patch.setattr(pl, "train", caught)
        with pytest.raises(Caught) as found:
            example.main(*words, **options)
    training = found.value.args[0]
    assert isinstance(training, pl.Training)
    return training


def assert_same(one: pl.Training, other: pl.Training) -> None:
    """Two trainings that end at the same weights."""
    np.testing.assert_array_equal(one.model.theta, other.model.theta)
    assert pl.describe(one.model.layers) == pl.describe(other.model.layers)
    assert pl.describe(one.model.loss) == pl.describe(other.model.loss)
    assert pl.describe(one.model.penalty) == pl.describe(other.model.penalty)
    assert pl.describe(one.optimizer) == pl.describe(other.optimizer)
    np.testing.assert_array_equal(one.data.x, other.data.x)
    np.testing.assert_array_equal(one.t, other.t)
    np.testing.assert_array_equal(one.model.prepared(one.data.x[:20]), other.model.prepared(other.data.x[:20]))
    assert (one.epochs, one.batch_size, one.seed, one.augment) == (
        other.epochs, other.batch_size, other.seed, other.augment
    )  # fmt: skip


def first(recipe: Recipe, seed: int = 0) -> pl.Training:
    learn, judge = next(recipe.divide(recipe.data))
    return begin(recipe, learn, judge, recipe.epochs, seed)


def test_the_examples_train_as_the_recipes_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert_same(asked_by("cnn_digits", monkeypatch), first(NAMED["digits-cnn"]))
    folder = tmp_path / "data" / "cifar-10"
    folder.mkdir(parents=True)
    records = np.random.default_rng(0).integers(0, 256, (400, 3073), np.uint8)
    records[:, 0] %= 10
    with (folder / "data_batch_1.bin").open("wb") as file:
        file.write(records[:300].tobytes())
        file.truncate(10_000 * 3073)
    (folder / "data_batch_2_first100.bin").write_bytes(records[300:].tobytes())
    assert_same(asked_by("resnet_cifar", monkeypatch, str(folder)), first(NAMED["cifar10"]))


def test_the_cells_are_learned_as_in_the_example(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="needs Pillow: pip install 'pellucid[data]'")
    rng, cells = np.random.default_rng(0), tmp_path / "data" / "malaria"
    for n in range(40):
        folder = cells / ("Parasitized" if n % 2 else "Uninfected")
        folder.mkdir(parents=True, exist_ok=True)
        cell = rng.integers(0, 256, (10, 10, 3), np.uint8)
        image.fromarray(cell).save(folder / f"C{n % 7}P7ThinF_IMG_{n}.png")
    assert_same(asked_by("malaria", monkeypatch, str(cells)), first(NAMED["malaria"], seed=1))
    judged = [len(judge) for _, judge in NAMED["malaria"].divide("malaria")]
    assert sum(judged) == 40
    few = replace(NAMED["malaria"], epochs=1, networks=2, divide=replace(NAMED["malaria"].divide, count=2))
    with monkeypatch.context() as patch:
        seeds: list[int] = []

        def listen(recipe: Recipe, learn: pl.Data, judge: pl.Data, epochs: int, seed: int) -> pl.Training:
            seeds.append(seed)
            return begin(recipe, learn, judge, epochs, seed)

        patch.setattr("pellucid.recipes.run.begin", listen)
        found = outcome(few)
    assert seeds == [1, 101, 2, 102]
    assert (len(found.t), len(found.histories), found.networks) == (40, 4, 2)
    np.testing.assert_allclose(found.y.sum(axis=1), 1.0, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("iris", {"folds": True}),
        ("digits-dense", {"validation": 0.0}),
        ("mnist-dense", {"layers": "512,256,10", "dropout": 0.2, "shift": 1, "epochs": 15, "lr": 0.002, "decay": 0.8}),
        (
            "fashion-dense",
            {"layers": "800,400,10", "dropout": 0.4, "standardize": True, "optimizer": "adamw", "lr": 0.001,
             "decay": 0.9, "epochs": 30},
        ),
    ],
)  # fmt: skip
def test_the_commands_of_the_benchmarks_train_as_the_recipes_do(name: str, options: dict, tmp_path: Path) -> None:
    recipe = NAMED[name]
    if CATALOG[recipe.data].folders:
        stripes(tmp_path / "data" / CATALOG[recipe.data].folders[0])
    learn, judge = next(recipe.divide(recipe.data))
    options = {key: value for key, value in options.items() if key != "folds"} | {"validation": 0.0}
    training = make_plan(Options(recipe.data, **options), (learn, judge)).training
    training.metrics = ()
    assert_same(training, first(recipe))


def test_the_titanic_is_learned_as_the_command_does_and_without_alive(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "tables"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    lines = ["survived,sex,age,alive"]
    for _ in range(120):
        lives = rng.random() < 0.4
        lines.append(f"{int(lives)},{'male' if rng.random() < 0.5 else 'female'},{rng.integers(1, 80)},"
                     f"{'yes' if lives else 'no'}")  # fmt: skip
    (folder / "titanic.csv").write_text("\n".join(lines) + "\n")
    learn, judge = next(NAMED["titanic"].divide("titanic"))
    training = first(NAMED["titanic"])
    assert [column.name for column in training.model.prepare.columns] == ["sex", "age"]  # type: ignore[union-attr]
    few = make_plan(Options("titanic", validation=0.0), (learn, judge)).training
    np.testing.assert_array_equal(few.model.theta, training.model.theta)


def test_the_networks_are_of_the_size_that_they_are_said_to_be() -> None:
    rng = np.random.default_rng(0)
    grey = pl.Data(rng.integers(0, 256, (30, 28, 28), np.uint8), np.arange(30) % 10, tuple("0123456789"))
    colour = pl.Data(rng.integers(0, 256, (30, 32, 32, 3), np.uint8), grey.t, grey.classes)
    cells = pl.Data(rng.integers(0, 256, (30, 48, 48, 3), np.uint8), grey.t % 2, ("Parasitized", "Uninfected"))
    parameters = {"mnist-dense": 535_818, "mnist-cnn": 35_674, "fashion-dense": 952_410, "fashion-cnn": 79_426,
                  "cifar10": 275_466, "malaria": 53_018}  # fmt: skip
    for name, count in parameters.items():
        data = colour if name == "cifar10" else cells if name == "malaria" else grey
        model = NAMED[name].network(data, 0)
        assert model.theta.size == count, name
        if name != "mnist-dense":  # bytes from 0 to 255 become numbers of mean 0 and deviation 1
            x = model.prepared(data.x)
            np.testing.assert_allclose([x.mean(), x.std()], [0.0, 1.0], atol=1e-3)
        assert NAMED[name].network(data, 1).theta[0] != model.theta[0]


# ---- carried out ----------------------------------------------------------------------------------------------------


def test_every_sample_of_a_cross_validation_is_judged_once() -> None:
    found = outcome(replace(TINY, divide=Folds(3)))
    np.testing.assert_array_equal(np.bincount(found.t), [50, 50, 50])
    assert len(found.y) == 150
    assert [len(history) for history in found.histories] == [3, 3, 3]
    assert "val_accuracy" in found.histories[0][0]
    quick = outcome(replace(TINY, divide=Folds(3), quick=Quick(60, epochs=2, folds=2)), quick=True)
    assert (len(quick.t), quick.learned, len(quick.histories), quick.epochs) == (40, 40, 2, 2)


def test_progress_goes_up_to_all_of_it() -> None:
    events = [event for event in carry_out(replace(TINY, divide=Folds(2), networks=2)) if isinstance(event, Learning)]
    done = [event.done for event in events]
    assert done == sorted(done)
    assert (events[-1].done, events[-1].total) == (36, 36)  # 2 folds, 2 networks, 3 epochs of 3 batches
    assert [(event.fold, event.network) for event in events if event.epoch and event.epoch.epoch == 3] == [
        (1, 1), (1, 2), (2, 1), (2, 2)
    ]  # fmt: skip


def test_a_row_says_what_was_reached() -> None:
    (row,) = rows([TINY])
    assert (row.state, row.learned, row.judged, row.network, row.parameters) == ("done", 120, 30, "4-4-3", 35)
    assert row.score == outcome(TINY).score
    assert row.before == (("96.7", "somebody"),)
    assert row_from(json.loads(json.dumps(row.plain()))) == row
    assert replace(row, score=0.49).reached is False
    assert replace(row, score=0.49, quick=True).reached is None
    assert replace(row, state="missing", score=None).reached is None
    assert replace(row, state="failed", score=None).bad
    assert (replace(row, measure="r2", score=0.5).figure, replace(row, score=0.98765).figure) == ("R2 0.500", "98.77 %")


# ---- sets that are missing or fail ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Broken(Network):
    """Fails in one of several ways."""

    how: str

    def __call__(self, data: pl.Data, seed: int = 0) -> pl.Model:
        if self.how == "memory":
            raise MemoryError("Unable to allocate 9 TiB")
        raise ZeroDivisionError("division by zero")


def test_a_missing_and_a_failing_set_are_rows_and_the_others_go_on(tmp_path: Path) -> None:
    damaged = stripes(tmp_path / "data" / "mnist")
    next(damaged.glob("train-images*")).write_bytes(b"no pictures")
    recipes = [
        replace(TINY, name="gone", data="fashion_mnist"),
        replace(TINY, name="damaged", data="mnist"),
        replace(TINY, name="diverges", optimizer=Falling(1e30, 1.0)),
        replace(TINY, name="large", network=Broken("memory")),
        replace(TINY, name="bug", network=Broken("bug")),
        TINY,
    ]
    found = {row.name: row for row in rows(recipes, output=tmp_path / "out")}
    assert [row.state for row in found.values()] == ["missing", *["failed"] * 4, "done"]
    assert "pellucid data fetch fashion_mnist" in found["gone"].trouble
    assert "train-images" in found["damaged"].trouble
    assert "diverged" in found["diverges"].trouble
    assert found["large"].trouble == "MemoryError: Unable to allocate 9 TiB"
    assert found["bug"].trouble == "ZeroDivisionError: division by zero"
    page = (tmp_path / "out" / "suite.md").read_text()
    assert "failed: ZeroDivisionError" in page
    assert "not on this machine" in page
    assert [row.bad for row in found.values()] == [False, True, True, True, True, False]


def test_what_fails_now_does_not_take_away_what_was_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (good,) = rows([TINY], output=tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(suite_module, "carry_out", lambda *_: iter([]))
        assert rows([TINY], output=tmp_path)[0].state == "failed"
    assert results.read_results(tmp_path, False)["tiny"].score == good.score
    other = replace(TINY, network=Broken("bug"))
    assert rows([other], output=tmp_path)[0].state == "failed"
    assert results.read_results(tmp_path, False)["tiny"].state == "failed"  # the old one was of another recipe


# ---- the folder -----------------------------------------------------------------------------------------------------


def test_each_row_is_kept_as_soon_as_it_is_there(tmp_path: Path) -> None:
    recipes = [replace(TINY, name=name) for name in ("one", "two", "three")]
    events = pl.suite(recipes=recipes, output=tmp_path)
    for event in events:
        if isinstance(event, Judged) and event.row.name == "two":
            break
    assert list(results.read_results(tmp_path, False)) == ["one", "two"]
    again = rows(recipes, output=tmp_path, resume=True)
    assert [row.kept for row in again] == [True, True, False]
    assert list(results.read_results(tmp_path, False)) == ["one", "two", "three"]
    assert not list(tmp_path.glob(".*.part"))
    changed = [replace(recipes[0], epochs=4), replace(recipes[1], aim=0.7), recipes[2]]
    last = rows(changed, output=tmp_path, resume=True)
    assert [row.kept for row in last] == [False, True, True]
    assert last[1].aim == 0.7


def test_other_versions_are_computed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows([TINY], output=tmp_path)
    monkeypatch.setattr(suite_module, "__version__", "99.0")
    assert rows([TINY], output=tmp_path, resume=True)[0].kept is False


def test_rows_of_sets_that_do_not_run_stay_in_their_order(tmp_path: Path) -> None:
    recipes = [replace(TINY, name=name) for name in ("one", "two", "three")]
    rows(recipes, only=["three"], output=tmp_path)
    rows(recipes, only=["one"], output=tmp_path)
    assert list(results.read_results(tmp_path, False)) == ["one", "three"]


def test_quick_and_full_results_do_not_mix(tmp_path: Path) -> None:
    rows([TINY], quick=True, output=tmp_path)
    with pytest.raises(pl.UsageError, match=r"quick runs.*--output"):
        pl.suite(recipes=[TINY], output=tmp_path)
    assert "aims are not checked" in (tmp_path / "suite.md").read_text()


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"[]", b"{}", b'{"format": 1, "rows": [3]}', b'{"format": 9, "rows": []}', b"[" * 100_000,
     b'{"format": 1, "rows": [{"name": 3, "data": "iris", "state": "done"}]}',
     b'{"format": 1, "rows": [{"name": "a", "data": "iris", "state": "odd"}]}',
     b'{"format": 1, "rows": [{"name": "a", "data": "iris", "state": "done", "score": NaN}]}',
     b'{"format": 1, "rows": [{"name": "a", "data": "iris", "state": "done", "before": [[1]]}]}',
     b'{"format": 1, "rows": [{"name": "a", "data": "iris", "state": "done", "extra": 1}]}'],
    ids=range(12),
)  # fmt: skip
def test_a_damaged_file_is_refused_and_not_replaced(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "suite.json").write_bytes(content)
    with pytest.raises(pl.FileError, match="holds no results"):
        pl.suite(recipes=[TINY], output=tmp_path)
    assert (tmp_path / "suite.json").read_bytes() == content


def test_a_folder_that_cannot_be_one_is_said_before_an_hour_of_training(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(pl.FileError, match="is not a folder"):
        pl.suite(recipes=[TINY], output=tmp_path / "file" / "out")
    if os.geteuid() != 0:
        (tmp_path / "closed").mkdir(mode=0o500)
        with pytest.raises(pl.FileError, match="may not write"):
            pl.suite(recipes=[TINY], output=tmp_path / "closed" / "out")
    with pytest.raises(pl.UsageError, match="needs output"):
        pl.suite(recipes=[TINY], resume=True)
    with pytest.raises(pl.UsageError, match="Did you mean iris"):
        pl.suite(only=["irs"])


def test_a_full_disk_is_said_and_the_rest_is_learned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipes = [replace(TINY, name=name) for name in ("one", "two")]
    full = iter([True, False])

    def write(folder: Path, found: Any) -> None:
        if next(full):
            raise pl.FileError("No space left on device.")
        results.write_results(folder, found)

    monkeypatch.setattr(suite_module, "write_results", write)
    events = list(pl.suite(recipes=recipes, output=tmp_path))
    assert [event.text for event in events if isinstance(event, pl.Noted)] == ["No space left on device."]
    assert list(results.read_results(tmp_path, False)) == ["one", "two"]
    monkeypatch.setattr(suite_module, "write_results", lambda *_: (_ for _ in ()).throw(pl.FileError("still full")))
    with pytest.raises(pl.FileError, match="still full"):
        list(pl.suite(recipes=recipes, output=tmp_path))


# ---- plots and models -----------------------------------------------------------------------------------------------


def values(folder: Path) -> Recipe:
    """A set of values, in the files of the diabetes set."""
    import gzip

    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((80, 10))
    t = 100 + 30 * x[:, 0] + rng.standard_normal(80)
    for name, array in (("diabetes_data_raw", x), ("diabetes_target", t[:, None])):
        text = "\n".join(" ".join(f"{v:.6f}" for v in row) for row in array)
        (folder / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode()))
    return Recipe("values", "diabetes", MLP((8,)), Cycle(0.05), epochs=40, batch_size=16, divide=Folds(4), unit="mm")


def test_a_plot_a_set_and_the_model_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plot, "picture", PICTURE)
    image = pytest.importorskip("PIL.Image", reason="needs Pillow: pip install 'pellucid[data]'")
    pytest.importorskip("matplotlib", reason="needs matplotlib: pip install 'pellucid[plot]'")
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # whoever imports it now fails
    found = rows([TINY, values(tmp_path / "data" / "tables")], output=tmp_path / "out")
    assert found[1].measure == "r2"
    assert found[1].score > 0.8
    assert 0 < found[1].error < 30
    for name in ("tiny", "values"):
        picture = np.asarray(image.open(tmp_path / "out" / f"{name}.png").convert("L"))
        assert picture.shape[0] > 300
        assert picture.shape[1] > 800
        left, right = np.array_split(picture[60:], 2, axis=1)
        assert (left < 250).mean() > 0.01
        assert (right < 250).mean() > 0.04  # a table's shades, a cloud of points
    page = (tmp_path / "out" / "suite.md").read_text()
    assert "off by" in page
    assert "](values.png)" in page
    assert [path.name for path in (tmp_path / "out").glob("*.safetensors")] == ["tiny.safetensors"]  # folds: no model
    model = pl.load(tmp_path / "out" / "tiny.safetensors")
    assert model.classes == ("setosa", "versicolor", "virginica")


@pytest.fixture
def _no_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plot, "picture", PICTURE)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)


@pytest.mark.usefixtures("_no_matplotlib")
def test_without_matplotlib_the_table_is_there(tmp_path: Path) -> None:
    events = list(pl.suite(recipes=[TINY], output=tmp_path))
    (note,) = [event.text for event in events if isinstance(event, pl.Noted)]
    assert "pip install 'pellucid[plot]'" in note
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        "suite.json", "suite.md", "tiny.safetensors"
    ]  # fmt: skip
