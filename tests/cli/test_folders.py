"""Folders of pictures on the command line: how they are read, digits that are drawn, and what belongs together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import pellucid as pl
from pellucid.base.arrays import Array
from tests.cli.tools import run

Image = pytest.importorskip("PIL.Image", reason="folders of pictures need Pillow")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def save(path: str, picture: Array) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)


def my_drawings(count: int = 200, classes: str = "0123456789") -> str:
    """Digits as somebody draws them, in colour, dark on light, in pictures of different sizes and places."""
    train, _ = pl.datasets.digits()
    rng = np.random.default_rng(0)
    ids = np.flatnonzero(np.isin(train.t, [int(c) for c in classes]))[:count]
    for n, i in enumerate(ids.tolist()):
        side = int(rng.integers(60, 90))
        page = np.full((side, side + 9, 3), 250, np.uint8)
        digit = np.kron(train.x[i], np.ones((2, 2), np.uint8))
        top, left = rng.integers(0, side - 56, 2)
        page[top : top + 56, left : left + 56] = 250 - digit[..., None] // 2 * 1.9
        save(f"drawings/{train.t[i]}/{n}.png", page)
    return "drawings"


def cells(patients: int = 24, each: int = 5) -> str:
    """Coloured pictures of two classes; those of one patient are nearly alike, and their names begin alike."""
    rng = np.random.default_rng(1)
    for k, name in enumerate(("sick", "well")):
        for p in range(patients):
            own = rng.integers(0, 200, (12, 12, 3))
            for i in range(each):
                picture = np.clip(own + rng.integers(0, 12, own.shape) + 50 * k, 0, 255).astype(np.uint8)
                save(f"cells/{name}/C{p}P{k}thin_{i}.png", picture)
    return "cells"


def prepared(model: str) -> object:
    return pl.load(model).prepare


def test_a_folder_of_drawn_digits_is_prepared_as_mnist_was() -> None:
    told = run("train", my_drawings(), "--epochs", 3).done()
    assert told.lines[0] == (
        "data      drawings: 162 to train, 18 to validate, 20 to test; pictures of 28x28, 10 classes; each cut out, "
        "fitted into 20x20 and centred, as MNIST's digits were"
    )
    assert prepared("drawings.safetensors") == pl.Digits(drawn=True)
    again = run("evaluate", "drawings.safetensors", "drawings", "--json").done().last
    assert again["samples"] == 200
    file = next(Path("drawings").rglob("*.png"))
    answer = run("predict", "drawings.safetensors", file, "--json").done().last
    model, picture = pl.load("drawings.safetensors"), np.asarray(Image.open(file))
    assert answer["class"] == model.classes[int(model.predict(picture[None]).argmax())]


def test_a_model_of_drawings_and_one_of_mnist_see_the_same() -> None:
    run("train", "digits", "--epochs", 4, "--layers", "32,10").done()
    figure = run("evaluate", "digits.safetensors", my_drawings(), "--json").done().last["accuracy"]
    assert figure > 0.8, "a model of the embedded digits reads drawings in a folder"


def test_what_is_drawn_can_be_read_as_it_is() -> None:
    run("train", my_drawings(60, "01"), "--epochs", 1, "--no-digits").done()
    assert prepared("drawings.safetensors") == pl.Pixels((48 * 48 * 3,), picture=(48, 48, 3))
    run("train", "drawings", "--epochs", 1, "--grey", "--size", 20).done()
    assert prepared("drawings.safetensors") == pl.Pixels((400,), picture=(20, 20))
    run("evaluate", "drawings.safetensors", "drawings").done()
    assert (
        len(run("predict", "drawings.safetensors", next(Path("drawings").rglob("*.png")), "--json").done().events) == 1
    )
    run("train", "drawings", "--digits", "--size", 20).error(2, "--digits makes grey pictures of 28x28")


def test_an_empty_drawing_is_named() -> None:
    save(my_drawings(60, "01") + "/1/empty.png", np.full((50, 50), 255, np.uint8))
    run("train", "drawings", "--digits").error(3, "drawings/1/empty.png", "nothing on it stands out")


def test_channels_are_measured_on_the_training_part() -> None:
    run("train", cells(), "--epochs", 1, "--size", 8, "--standardize").done()
    prepare = prepared("cells.safetensors")
    assert isinstance(prepare, pl.Pixels)
    assert (prepare.picture, len(prepare.mean)) == ((8, 8, 3), 3)
    data = pl.datasets.picture_folder("cells", size=8)
    train, _ = pl.split(pl.split(data, 0.1, seed=1)[0], 0.1, seed=0)
    assert prepare == pl.Pixels.fit(train.x, (8 * 8 * 3,))


def test_files_that_belong_together_stay_together() -> None:
    run("train", cells(), "--epochs", 1).done()
    together = run("train", "cells", "--epochs", 1, "--group-by", r"C\d+", "--lr", 1e-4, "--json").done()
    assert together.kinds == ["start", "epoch", "done"], "no copies across the split, and nothing said about names"
    assert together.events[0]["samples"] % 10 == 0, "whole patients: of each five cells in both classes"
    run("train", "cells", "--epochs", 1, "--group-by", r"C\d+", "--validation", 0, "--json").done()
    folds = run("train", "cells", "--epochs", 1, "--group-by", r"C\d+", "--folds", 3, "--json").done()
    assert [event["samples"] % 10 for event in folds.events if event["event"] == "fold"] == [0, 0, 0]


def test_names_that_begin_alike_are_told() -> None:
    told = run("train", cells(), "--epochs", 1).done()
    assert "warning   file names begin alike: 240 pictures have names with 48 different beginnings" in told.out
    assert "--group-by" in told.out
    told = run("data", "check", "cells")
    assert told.code == 1
    assert "file names begin alike" in told.out
    assert "file names begin alike" not in run("data", "check", "cells", "--group-by", r"C\d+P\d").out


def test_options_for_folders_are_refused_elsewhere() -> None:
    for words in (("--size", 9), ("--grey",), ("--digits",), ("--no-digits",), ("--group-by", "x")):
        run("train", "iris", *words).error(2, f"{words[0].replace('--no-', '--')} is for a folder with a folder of")
    cells()
    run("train", "cells", "--group-by", "(").error(2, "--group-by '(' is no regular expression")
    run("train", "cells", "--group-by", "X").error(3, "does not fit the beginning of C0P0thin_0.png and 239 other")
    run("train", "cells", "--group-by", "C").error(2, "All samples are of one group")
