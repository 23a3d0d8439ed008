"""The options that change training pictures, and `pellucid data augment`, which shows what they do."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import pellucid as pl
from pellucid.cli.augmenting import Augmenting, border, build_augment
from pellucid.cli.plan import Options, make_plan
from tests.cli.tools import run, screen

SMALL = ("--layers", "4,3", "--epochs", 1)
WORDS = {
    "--rotate 15": "turned by up to 15 degrees",
    "--scale 0.1": "scaled by up to 0.1",
    "--shear 0.2": "slanted by up to 0.2",
    "--crop 0.8": "cropped to 0.8 and more",
    "--elastic 4": "bent by up to 4 pixels",
    "--shift 1": "shifted by up to 1 pixel",
    "--stroke 0.5": "strokes wider or thinner by up to 0.5 pixels",
    "--noise 0.1": "noise of 0.1",
    "--cutout 3": "a hole of 3 pixels",
    "--mixup 0.2": "mixed with strength 0.2",
    "--flip": "mirrored or not",
}


@pytest.fixture
def shapes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file of 90 pictures of three kinds: a bar across, a bar down, a square."""
    monkeypatch.chdir(tmp_path)
    x, t = np.zeros((90, 9, 9), np.uint8), np.arange(90) % 3
    x[t == 0, 4, 2:6] = x[t == 1, 2:6, 4] = 255
    x[t == 2, 3:6, 2:5] = 255
    np.savez("shapes.npz", x=x, t=t)
    return "shapes.npz"


def options(words: str) -> dict[str, object]:
    name, _, value = words.partition(" ")
    return {name.removeprefix("--"): float(value) if value else True}


@pytest.mark.parametrize("words", WORDS)
def test_every_option_is_said_and_changes_the_training(shapes: str, words: str) -> None:
    plain = run("train", shapes, *SMALL, "--output", "plain").done()
    assert "pictures " not in "".join(line for line in plain.lines if line.startswith("training"))
    told = run("train", shapes, *SMALL, *words.split(), "--output", "other").done()
    line = next(line for line in told.lines if line.startswith("training"))
    assert line.endswith(f", pictures {WORDS[words]}")
    assert not np.array_equal(pl.load("plain").theta, pl.load("other").theta)
    run("train", shapes, *SMALL, *words.split(), "--output", "again").done()
    assert Path("again").read_bytes() == Path("other").read_bytes()


def test_all_at_once_in_one_order_whatever_was_typed_first(shapes: str) -> None:
    data = pl.datasets.load(shapes)[0]
    said = Augmenting(
        **{key: int(v) if key in ("shift", "cutout") else v for w in WORDS for key, v in options(w).items()}
    )
    augment, _ = build_augment(said, 0, data, "shapes", 255.0)
    kinds = [type(step).__name__ for step in augment.steps]
    assert kinds == [
        "Flip",
        "Rotate",
        "Scale",
        "Shear",
        "Crop",
        "Elastic",
        "Shift",
        "Stroke",
        "Noise",
        "Cutout",
        "Mixup",
    ]


def test_digits_are_shifted_as_before_and_what_is_typed_comes_beside_it() -> None:
    data = pl.datasets.digits()
    assert make_plan(Options("digits"), data).training.augment == pl.Shift(1)
    assert make_plan(Options("digits", shift=0), data).training.augment is None
    both = make_plan(Options("digits", rotate=15.0), data).training.augment
    assert both == pl.Chain(pl.Rotate(15.0, 0.0), pl.Shift(1))


def test_the_border_says_what_moves_in() -> None:
    black = np.zeros((9, 6, 6), np.uint8)
    black[:, 2:4, 2:4] = 200
    assert border(black) == 0
    assert border(255 - black) is None
    data = pl.Data(255 - black, np.arange(9) % 3, ("a", "b", "c"))
    augment, _ = build_augment(Augmenting(shift=1, rotate=40.0), 0, data, "paper", 255.0)
    moved = augment(data.x, np.random.default_rng(0))
    assert (np.median(moved.reshape(9, -1), axis=1) == 255).all()
    assert moved[:, [0, -1]].min() > 150  # the dark square never comes so far
    paper = make_plan(Options("paper", enlarge="5"), (data, data)).data
    assert paper.x[:, [0, -1]].min() == 255
    hole, _ = build_augment(Augmenting(cutout=3), 0, data, "paper", 255.0)
    assert hole == pl.Cutout(3, 128.0)


def test_noise_knows_what_a_full_pixel_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    x = np.zeros((40, 8, 8), np.uint8)
    x[:, 2:6, 2:6] = 16
    np.savez("pale.npz", x=x, t=np.arange(40) % 2)
    plan = make_plan(Options("pale.npz", noise=0.1), pl.datasets.load("pale.npz"))
    assert plan.training.augment == pl.Noise(0.1, 16.0)


def test_five_of_each_after_the_split(shapes: str) -> None:
    loaded = pl.datasets.load(shapes)
    plan = make_plan(Options(shapes, enlarge="5"), loaded)
    assert (len(plan.data), len(plan.validation), len(plan.test)) == (365, 8, 9)
    assert plan.validation.parents is None
    assert len(np.unique(plan.data.parents)) == 73
    told = run("train", shapes, *SMALL, "--enlarge", 13, "--output", "m").done()
    assert "949 to train, 8 to validate, 9 to test" in told.lines[0]
    assert ", each picture 13 times, shifted" in told.out
    folds = run("train", shapes, *SMALL, "--enlarge", 5, "--folds", 2).done()
    assert ", each picture 5 times, shifted" in folds.out
    run("train", shapes, *SMALL, "--enlarge", 7).error(2, "7")
    said = run("train", shapes, *SMALL, "--rotate", 9, "--output", "m", "--json").done().events
    start = next(event for event in said if event["event"] == "start")
    assert start["augment"] == {"kind": "Rotate", "degrees": 9.0, "fill": 0.0}


@pytest.mark.parametrize("words", [*WORDS, "--enlarge 5"])
def test_changes_of_pictures_are_refused_where_there_are_none(words: str) -> None:
    run("train", "moons", *words.split()).error(2, words.split()[0], "moons", "(2,)")
    run("train", "penguins", *words.split(), "--folds", 2).error(2, words.split()[0], "penguins", "the rows of a table")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--rotate 400", "Rotate's degrees is a number from 0 to 180, not 400"),
        ("--crop 1.5", "Crop's share"),
        ("--noise -1", "Noise's share"),
        ("--mixup -0.2", "Mixup's strength"),
        ("--cutout -2", "Cutout's pixels"),
        ("--stroke nan", "Stroke's pixels"),
    ],
)
def test_a_number_that_cannot_be_meant_is_said_before_training(shapes: str, words: str, said: str) -> None:
    told = run("train", shapes, *words.split())
    told.error(2, said)
    assert "epoch" not in told.out
    assert not Path("shapes.safetensors").exists()


def test_a_checkpoint_compares_what_changed_the_pictures(shapes: str) -> None:
    words = ("train", shapes, *SMALL, "--rotate", 15, "--elastic", 2, "--checkpoint", "run")
    run(*words).done()
    run(*words[:-4], "--elastic", 3, "--checkpoint", "run", "--resume").error(3, "augment.steps[1].pixels")
    run(*words, "--resume").done()


# ---- pellucid data augment -------------------------------------------------------------------------------------------


def test_a_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image = pytest.importorskip("PIL.Image", reason="the sheet is drawn with Pillow")
    monkeypatch.chdir(tmp_path)
    told = run("data", "augment", "digits", "--rotate", 15, "--elastic", 4, "-o", "sheet.png").done()
    assert told.lines == [
        "pictures  turned by up to 15 degrees, bent by up to 4 pixels, shifted by up to 1 pixel",
        "written   sheet.png: 10 pictures, 8 columns",
    ]
    with Image.open("sheet.png") as sheet:
        assert sheet.width > 8 * 84
        assert sheet.height > 10 * 84
    first = Path("sheet.png").read_bytes()
    run("data", "augment", "digits", "--rotate", 15, "--elastic", 4, "-o", "sheet.png").done()
    assert Path("sheet.png").read_bytes() == first
    run("data", "augment", "digits", "--rotate", 15, "--elastic", 4, "--seed", 1, "-o", "sheet.png").done()
    assert Path("sheet.png").read_bytes() != first


@pytest.mark.parametrize("terminal", [False, True])
def test_a_drawing_in_the_terminal(terminal: bool) -> None:
    told = run("data", "augment", "digits", "--rotate", 40, "--copies", 1, "--samples", 3, terminal=terminal).done()
    lines = screen(told.out)
    heads = [line for line in lines if "as it is" in line]
    assert len(heads) == 3
    assert [head.split()[3] for head in heads] == ["0", "1", "2"]
    assert "Rotate 40" in heads[0]
    assert "Shift 1" in heads[0]
    assert sum("█" in line for line in lines) > 30


def test_for_programs() -> None:
    told = run("data", "augment", "digits", "--mixup", 0.5, "--shift", 0, "--json").done()
    assert told.kinds == ["augment"]
    assert told.last["augment"] == {"kind": "Mixup", "strength": 0.5}
    assert told.last["columns"] == ["as it is", *["Mixup 0.5"] * 4]


def test_what_cannot_be_shown(shapes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run("data", "augment", shapes).error(2, "Nothing would be changed", "--rotate 15")
    run("data", "augment", "iris", "--rotate", 3).error(2, "--rotate", "iris", "(4,)")
    run("data", "augment", "moons").error(2, "Nothing would be changed")
    run("data", "augment", shapes, "--rotate", 999).error(2, "Rotate's degrees")
    monkeypatch.setitem(sys.modules, "PIL", None)
    run("data", "augment", shapes, "--rotate", 9, "-o", "sheet.png").error(2, "Pillow", "pip install 'pellucid[data]'")
    assert not Path("sheet.png").exists()


def test_a_sheet_never_replaces_a_folder(shapes: str) -> None:
    pytest.importorskip("PIL", reason="the sheet is drawn with Pillow")
    Path("sheet.png").mkdir()
    run("data", "augment", shapes, "--flip", "-o", "sheet.png").error(2, "sheet.png")


def test_copies_of_what_stays_on_the_disk_are_refused_in_the_words_of_the_options(shapes: str) -> None:
    with np.load(shapes) as arrays:
        np.save("big_x.npy", arrays["x"])
        np.save("big_t.npy", arrays["t"])
    told = run("train", "big_x.npy", "--stream", "--enlarge", 5).error(2, "--enlarge", "--no-stream", "--shift 1")
    assert "augment=" not in told.err
    run("train", "big_x.npy", "--stream", "--shift", 1, "--epochs", 1).done()
