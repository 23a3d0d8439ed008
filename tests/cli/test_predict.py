"""`pellucid predict`: pictures, tables and arrays as people have them, prepared as the training data were."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pl
from tests.cli.tools import Told, run, screen, stand_beside

Image = pytest.importorskip("PIL.Image", reason="pictures are written with Pillow: pip install 'pellucid[data]'")

DIGITS = tuple(map(str, range(10)))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model of digits that is right most of the time."""
    folder = tmp_path_factory.mktemp("predict")
    run("train", "digits", "--epochs", 8, "--output", folder / "digits").done()
    run("train", "moons", "--epochs", 30, "--output", folder / "moons").done()
    run("train", "sine", "--epochs", 30, "--output", folder / "sine").done()
    return folder


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_beside(place, tmp_path, monkeypatch)


def predict(*words: Any, **options: Any) -> Told:
    return run("predict", *words, **options)


_, TEST = pl.datasets.digits()
FIRST = [int(np.flatnonzero(k == TEST.t)[0]) for k in range(10)]  # a picture of each digit


def share_right(files: list[str]) -> float:
    events = predict("digits", *files, "--json").done().events
    assert [event["file"] for event in events] == files
    return float(np.mean([event["class"] == str(k) for k, event in enumerate(events)]))


# ---- pictures --------------------------------------------------------------------------------------------------------


def drawn(kind: str, digit: Any) -> Any:
    """A picture as people have them, of one of MNIST's own digits."""
    paper = Image.fromarray(255 - digit)  # dark on light
    if kind == "light on dark":
        return Image.fromarray(digit)
    if kind == "large":
        return paper.resize((400, 400))
    if kind == "wide":
        wide = Image.new("L", (300, 120), 255)
        wide.paste(paper.resize((100, 100)), (170, 5))
        return wide
    if kind == "colour":
        return Image.merge("RGB", [paper, paper, Image.new("L", paper.size, 255)]).resize((90, 90))
    if kind == "transparent":
        ink = Image.new("RGBA", (28, 28), (0, 0, 0, 255))
        ink.putalpha(Image.fromarray(digit))
        return ink
    if kind == "palette":
        return paper.convert("P")
    if kind == "black and white":
        return paper.resize((200, 200)).convert("1")
    return paper


@pytest.mark.parametrize(
    "kind",
    ["plain", "light on dark", "large", "wide", "colour", "transparent", "palette", "black and white"],
)
def test_a_digit_is_read_however_it_was_drawn(kind: str) -> None:
    names = []
    for k, i in enumerate(FIRST):
        drawn(kind, TEST.x[i]).save(f"{k}.png")
        names.append(f"{k}.png")
    assert share_right(names) >= 0.8


@pytest.mark.parametrize("ending", ["jpg", "bmp", "gif", "tiff", "webp"])
def test_other_picture_formats(ending: str) -> None:
    names = []
    for k, i in enumerate(FIRST):
        drawn("large", TEST.x[i]).save(f"{k}.{ending}")
        names.append(f"{k}.{ending}")
    assert share_right(names) >= 0.8


def test_what_is_printed_for_a_picture() -> None:
    drawn("large", TEST.x[FIRST[1]]).save("one.png")
    told = predict("digits", "one.png").done()
    answer = re.fullmatch(r"one\.png  (\d)  ([\d.]+) %   \(then (\d)  [\d.]+ %, (\d)  [\d.]+ %\)", told.lines[0])
    assert answer is not None
    assert len({answer[1], answer[3], answer[4]}) == 3
    assert told.lines[1] == "  what the network sees:"
    drawing = told.lines[2:]
    assert 10 <= sum("█" in line or "▓" in line for line in drawing) <= 14 or "█" in told.out
    assert all(line == line.rstrip() for line in drawing)
    assert told.err == ""
    plain = predict("digits", "one.png", "--top", 1).done()
    assert re.fullmatch(r"one\.png  \d  [\d.]+ %", plain.lines[0])
    every = predict("digits", "one.png", "--top", 99).done()
    assert every.lines[0].count("%") == 10


def test_in_json_there_is_an_event_for_each_and_nothing_else() -> None:
    for k in (3, 4):
        drawn("plain", TEST.x[FIRST[k]]).save(f"{k}.png")
    told = predict("digits", "3.png", "4.png", "--json").done()
    assert told.err == ""
    assert told.kinds == ["prediction"] * 2
    for event in told.events:
        assert event.keys() == {"event", "file", "row", "class", "probability", "probabilities"}
        assert tuple(event["probabilities"]) == DIGITS
        assert sum(event["probabilities"].values()) == pytest.approx(1.0, abs=1e-5)
        assert event["probability"] == max(event["probabilities"].values())
        assert event["probabilities"][event["class"]] == event["probability"]


def test_many_pictures_are_answered_but_not_drawn() -> None:
    drawn("plain", TEST.x[0]).save("a.png")
    assert predict("digits", *["a.png"] * 8).done().out.count("sees") == 8
    told = predict("digits", *["a.png"] * 9).done()
    assert told.out.count("sees") == 0
    assert len(told.lines) == 9


def test_at_a_terminal_a_picture_is_not_wrapped() -> None:
    drawn("large", TEST.x[FIRST[8]]).save("eight.png")
    lines = screen(predict("digits", "eight.png", columns=50, terminal=True).done().out)
    assert max(map(len, lines)) <= 50
    assert "█" in "".join(lines)


def test_pictures_that_are_no_digits_are_brought_to_the_size_and_scale_that_was_learned() -> None:
    """Dark and light pictures, with a white of 16: a file's white of 255 must become 16 too."""
    rng = np.random.default_rng(0)
    t = np.arange(60) % 2
    np.savez("shades.npz", x=(np.where(t, 12, 2)[:, None, None] + rng.integers(0, 5, (60, 6, 8))), t=t)
    run("train", "shades.npz", "--epochs", 30, "--decay", 1, "--output", "shades").done()
    for name, grey in (("dark", 60), ("light", 220)):
        Image.fromarray(np.full((100, 50), grey, np.uint8)).save(f"{name}.png")
    told = predict("shades", "dark.png", "light.png", "--json").done()
    assert [event["class"] for event in told.events] == ["0", "1"]
    shown = predict("shades", "light.png").done().lines
    assert shown[2:5] == ["    " + "█" * 8] * 3 or shown[2:5] == ["    " + "▓" * 8] * 3


# ---- tables ----------------------------------------------------------------------------------------------------------


def rows_of(told: Told) -> list[tuple[str, float]]:
    return [(event["class"], event["probability"]) for event in told.done().events]


def test_tables_with_and_without_header_and_answers(tmp_path: Path) -> None:
    points = [("0.1", "1.2"), ("0.9", "-0.4"), ("-1", "0.1")]
    expected = pl.load("moons").predict(np.array(points, float))
    versions = {
        "header": "x,y\n" + "\n".join(f"{a},{b}" for a, b in points),
        "no header": "\n".join(f"{a},{b}" for a, b in points),
        "other order": "y,x\n" + "\n".join(f"{b},{a}" for a, b in points),
        "semicolons": "x;y\n" + "\n".join(f"{a};{b}" for a, b in points),
        "with answers": "class,x,y\n" + "\n".join(f"7,{a},{b}" for a, b in points),
        "with words": "name,y,x\n" + "\n".join(f"ann,{b},{a}" for a, b in points),
        "with a blank end": "x,y\n" + "\n".join(f"{a},{b}" for a, b in points) + "\n\n\n",
    }
    for name, text in versions.items():
        (tmp_path / "ask.csv").write_text(text)
        told = predict("moons", "ask.csv", "--json").done()
        assert [event["row"] for event in told.events] == [0, 1, 2], name
        found = [list(event["probabilities"].values()) for event in told.events]
        np.testing.assert_array_equal(np.array(found, np.float32), expected, err_msg=name)
    lines = predict("moons", "ask.csv").done().lines
    assert [line.split("  ")[0] for line in lines] == ["ask.csv, row 1", "ask.csv, row 2", "ask.csv, row 3"]


def test_pixels_in_a_table_with_and_without_the_label(tmp_path: Path) -> None:
    x, t = TEST.x[:5], TEST.t[:5]
    expected = pl.load("digits").predict(x).argmax(axis=1).astype(str).tolist()
    bare = [",".join(map(str, row)) for row in x.reshape(5, 784).tolist()]
    names = ",".join(f"pixel{i}" for i in range(784))
    versions = {
        "bare": "\n".join(bare),
        "first": "\n".join(f"{k},{row}" for k, row in zip(t, bare, strict=True)),
        "header": f"label,{names}\n" + "\n".join(f"{k},{row}" for k, row in zip(t, bare, strict=True)),
        "last": f"{names},label\n" + "\n".join(f"{row},{k}" for k, row in zip(t, bare, strict=True)),
    }
    for name, text in versions.items():
        (tmp_path / "ask.csv").write_text(text)
        assert [event["class"] for event in predict("digits", "ask.csv", "--json").events] == expected, name


def test_a_table_without_a_header_keeps_its_answers_where_they_were(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 2))
    (tmp_path / "bare.csv").write_text("\n".join(f"{a:.3f},{int(a > b)},{b:.3f}" for a, b in x))
    run("train", "bare.csv", "--target", 1, "--epochs", 30, "--output", "bare").done()
    with_answers = rows_of(predict("bare", "bare.csv", "--json"))
    (tmp_path / "ask.csv").write_text("\n".join(f"{a:.3f},{b:.3f}" for a, b in x))
    assert rows_of(predict("bare", "ask.csv", "--json")) == with_answers
    (tmp_path / "named.csv").write_text("p,q\n" + "\n".join(f"{a:.3f},{b:.3f}" for a, b in x))
    assert rows_of(predict("bare", "named.csv", "--json")) == with_answers


def test_values_are_answered_with_values(tmp_path: Path) -> None:
    (tmp_path / "ask.csv").write_text("x\n0.25\n0.75\n")
    events = predict("sine", "ask.csv", "--json").done().events
    assert [event.keys() for event in events] == [{"event", "file", "row", "values"}] * 2
    assert events[0]["values"][0] > 0 > events[1]["values"][0]
    assert re.fullmatch(r"ask\.csv, row 1  [\d.]+", predict("sine", "ask.csv").done().lines[0])


# ---- arrays ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("array", "count"),
    [
        (TEST.x[0], 1),
        (TEST.x[0].ravel(), 1),
        (TEST.x[:1], 1),
        (TEST.x[:1].reshape(1, 784), 1),
        (TEST.x[:3], 3),
        (TEST.x[:3].reshape(3, 784), 3),
        (TEST.x[:3, :, :, None], 3),
        (TEST.x[:3].astype(np.float64), 3),
        (np.asfortranarray(TEST.x[:3]), 3),
    ],
    ids=lambda value: str(getattr(value, "shape", value)),
)
def test_arrays_of_one_and_of_many(array: Any, count: int) -> None:
    np.save("ask.npy", array)
    expected = pl.load("digits").predict(TEST.x[:count])
    events = predict("digits", "ask.npy", "--json").done().events
    found = np.array([list(event["probabilities"].values()) for event in events], np.float32)
    np.testing.assert_array_equal(found, expected)


def test_answers_stand_under_one_another() -> None:
    np.save("ask.npy", TEST.x[:12])
    lines = predict("digits", "ask.npy").done().lines
    assert len(lines) == 12
    assert lines[0].startswith("ask.npy, row 1   ")
    assert lines[11].startswith("ask.npy, row 12  ")


def test_a_model_whose_outputs_are_scores_does_not_call_them_probabilities() -> None:
    run("train", "moons", "--epochs", 30, "--loss", "mse", "--output", "scores").done()
    np.save("ask.npy", np.array([[0.1, 1.2]]))
    (event,) = predict("scores", "ask.npy", "--json").done().events
    assert event.keys() == {"event", "file", "row", "class", "score", "scores"}
    assert "%" not in predict("scores", "ask.npy").done().out
    assert "%" in predict("moons", "ask.npy").done().out


def test_a_tie_goes_to_the_first_class() -> None:
    model = pl.Model(pl.Dense(3, "zeros"), loss=pl.SoftmaxCrossEntropy(), input_shape=(2,))
    model.save("tie")
    np.save("ask.npy", np.zeros(2))
    (event,) = predict("tie", "ask.npy", "--json").done().events
    assert (event["class"], event["probability"]) == ("0", pytest.approx(1 / 3))


# ---- refusals --------------------------------------------------------------------------------------------------------


def _files() -> None:
    Image.fromarray(np.full((40, 40), 255, np.uint8)).save("empty.png")
    drawn("plain", TEST.x[0]).save("good.png")
    Path("text.png").write_text("no picture")
    Path("cut.png").write_bytes(Path("good.png").read_bytes()[:60])
    Path("gap.csv").write_text("x,y\n1,2\n,3\n")
    Path("word.csv").write_text("x,y\n1,two\n")
    Path("one.csv").write_text("x\n1\n")
    Path("three.csv").write_text("1,2,3\n4,5,6\n")
    Path("head.csv").write_text("x,y\n")
    Path("empty.csv").write_text("")
    np.save("small.npy", np.zeros((3, 27, 28)))
    np.save("none.npy", np.zeros((0, 28, 28)))
    np.save("number.npy", np.array(3.0))
    np.save("nan.npy", np.full((28, 28), np.nan))
    np.save("words.npy", np.array(["a"] * 784))
    Path("cut.npy").write_bytes(Path("small.npy").read_bytes()[:-5])
    np.savez("two.npz", x=TEST.x[:3], t=TEST.t[:3])


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("digits", "gone.png"), 3, ["gone.png"]),
        (("digits", "empty.png"), 3, ["empty.png", "empty"]),
        (("digits", "text.png"), 3, ["text.png", "not a picture"]),
        (("digits", "cut.png"), 3, ["cut.png"]),
        (("digits", "."), 3, ["folder"]),
        (("digits", "small.npy"), 3, ["(3, 27, 28)", "(N, 28, 28)", "^^"]),
        (("digits", "none.npy"), 3, ["no samples"]),
        (("digits", "number.npy"), 3, ["(N, 28, 28)"]),
        (("digits", "nan.npy"), 3, ["nan.npy", "finite"]),
        (("digits", "words.npy"), 3, ["words.npy"]),
        (("digits", "cut.npy"), 3, ["cut.npy"]),
        (("digits", "two.npz"), 3, ["two.npz", "np.save"]),
        (("digits", "three.csv"), 3, ["3 columns", "784"]),
        (("moons", "good.png"), 3, ["not trained on pictures"]),
        (("moons", "gap.csv"), 3, ["row 2", "'x'", "empty"]),
        (("moons", "word.csv"), 3, ["row 1", "'y'", "'two'"]),
        (("moons", "one.csv"), 3, ["lacks columns", "y"]),
        (("moons", "three.csv"), 3, ["3 columns", "x, y", "header"]),
        (("moons", "head.csv"), 3, ["head.csv", "no row"]),
        (("moons", "empty.csv"), 3, ["empty.csv"]),
        (("none", "good.png"), 3, ["none", "No such file"]),
        (("good.png", "good.png"), 3, ["good.png", "not a model file"]),
        (("digits",), 2, ["FILES"]),
        (("digits", "good.png", "--top", 0), 2, ["--top"]),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_asked_is_refused(words: tuple[Any, ...], code: int, said: list[str]) -> None:
    _files()
    told = predict(*words).error(code, *said)
    assert told.out == ""
    assert predict(*words, "--json").error(code).kinds == ["error"]


def test_what_came_before_the_bad_file_was_answered() -> None:
    _files()
    told = predict("digits", "good.png", "gone.png").error(3, "gone.png")
    assert told.lines[0].startswith("good.png  ")


def test_a_model_that_names_other_classes_than_it_answers_is_refused() -> None:
    pl.Model(pl.Dense(3), loss=pl.SoftmaxCrossEntropy(), input_shape=(2,), classes=("a", "b")).save("odd")
    np.save("ask.npy", np.zeros(2))
    predict("odd", "ask.npy").error(3, "2 classes")


# ---- pictures in colour ----------------------------------------------------------------------------------------------


def test_a_network_of_coloured_pictures_is_trained_on_folders_and_asked_about_files(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for n in range(60):
        colour = np.array([(220, 30, 30), (30, 30, 220)][n % 2]) + rng.integers(-20, 20, (14, 9, 3))
        folder = tmp_path / "balls" / ("red" if n % 2 == 0 else "blue")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(colour.astype(np.uint8)).save(folder / f"{n}.png")
    run("train", "balls", "--layers", "4,2", "--epochs", 5, "--shift", 1, "--output", "model").done()
    Image.new("RGB", (70, 80), (200, 20, 60)).save("ball.png")
    told = predict("model", "ball.png", "--json").done()
    assert told.last["class"] == "red"
    assert "what the network sees" in predict("model", "ball.png").done().out
    run("evaluate", "model", "balls").done()
