"""The page about a training: its numbers are the recording's, its markup is sound, and it never grows too large."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import zlib
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pl
from pellucid.describe import describe
from pellucid.inspection.recordfile import EVENTS
from pellucid.inspection.report.amounts import thinner
from pellucid.inspection.report.drawn import SURE
from pellucid.inspection.report.html import clean, figure, number
from pellucid.inspection.report.ledgers import _largest_gradient
from pellucid.inspection.report.looks import look_at
from pellucid.inspection.report.moments import chosen
from pellucid.inspection.report.png import LEVELS, indexed, png, signed
from pellucid.inspection.report.reproduce import _constructed

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (48, 6, 6)).astype(np.uint8)
T = (X[:, 2, 2].astype(int) + X[:, 3, 3]) // 171
NAMES = ("low", "middle", "high")
DATA, VALIDATION = pl.Data(X, T, NAMES), pl.Data(X[:20] // 2, T[:20], NAMES)
VOID = {"meta", "rect", "line", "br", "circle", "polyline", "polygon", "img", "image", "input", "use"}


class Checked(HTMLParser):
    """Reads HTML and refuses what is not well nested, twice of one id, or would fetch something."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.ids: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        assert tag not in ("link", "iframe", "object", "embed", "base", "form")
        for name, value in attrs:
            assert not name.startswith("on"), (tag, name)
            assert name != "style", tag  # the policy forbids it
            if name in ("src", "href"):
                assert value is not None
                assert value.startswith(("data:image/png;base64,", "#"))
            if name == "id":
                assert value is not None
                assert value not in self.ids
                self.ids.append(value)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.text.append(data)

    def count(self, tag: str, **attributes: str) -> int:
        wanted = {name.rstrip("_"): value for name, value in attributes.items()}
        return sum(t == tag and all(a.get(n) == v for n, v in wanted.items()) for t, a in self.tags)

    @property
    def words(self) -> str:
        return " ".join(self.text)


def check(page: pl.Page) -> Checked:
    """A page is sound: nesting, ids, links inside of it, one h1, sections with headings, names for what is seen."""
    parser = Checked()
    parser.feed(page.html)
    parser.close()
    assert parser.open == []
    assert parser.count("h1") == 1
    for tag, attributes in parser.tags:
        if tag in ("a", "use"):
            assert (attributes["href"] or "")[1:] in parser.ids
        if tag == "section":
            assert attributes["aria-labelledby"] in parser.ids
        if tag in ("svg", "img"):
            assert attributes.get("aria-label") or attributes.get("alt") or attributes.get("aria-hidden") == "true"
    levels = [int(tag[1]) for tag, _ in parser.tags if re.fullmatch("h[1-6]", tag)]
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))
    tables = parser.count("table")
    assert tables == page.html.count("<caption") == page.html.count("<thead>")
    return parser


def table(page: pl.Page, caption: str) -> list[list[str]]:
    """A table's rows as text, its head first."""
    found = re.search(rf"<caption[^>]*>{re.escape(caption)}</caption>(.*?)</table>", page.html, re.DOTALL)
    assert found is not None, caption
    rows = re.findall(r"<tr>(.*?)</tr>", found[1], re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[unescape(re.sub("<[^>]*>", "", cell)).strip() for cell in row] for row in cells]


def network(units: int = 3, loss: Any = None, shape: int = 36, **options: Any) -> pl.Model:
    return pl.Model(pl.Dense(7), pl.ReLU(), pl.Dense(units), loss=loss, input_shape=(shape,), **options)


def pictures() -> pl.Model:
    return network(loss=pl.SoftmaxCrossEntropy(), prepare=pl.Pixels((36,), picture=(6, 6)), classes=NAMES)


def recorded(folder: Path, model: pl.Model, data: Any, validation: Any = None, **options: Any) -> pl.Recording:
    chosen: dict[str, Any] = {"epochs": 3, "batch_size": 16, "optimizer": pl.Adam(0.01)} | options
    training = pl.train(model, data, validation=validation, **chosen)
    for _ in pl.record(training, folder):
        pass
    return pl.open_recording(folder, data, validation=validation)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> pl.Recording:
    folder = tmp_path_factory.mktemp("report") / "digits.run"
    return recorded(folder, pictures(), DATA, VALIDATION, metrics=(pl.accuracy,))


@pytest.fixture(scope="module")
def page(recording: pl.Recording) -> pl.Page:
    return pl.report(recording, doctor=0)


# ---- what it says ----------------------------------------------------------------------------------------------------


def test_the_page_is_sound_and_has_all_its_sections(page: pl.Page) -> None:
    found = check(page)
    headings = re.findall(r"<h2[^>]*>(.*?)</h2>", page.html)
    assert headings == ["Summary", "Curves", "The doctor&#x27;s findings", "Confusion matrix", "Step by step",
                        "Numbers, opened", "How to have it again"]  # fmt: skip
    assert re.findall(r'<li><a href="#\w+">(.*?)</a>', page.html) == headings
    assert found.count("main", id="main") == found.count("nav") == found.count("header") == found.count("footer") == 1
    assert found.count("a", class_="skip") == 1
    assert page.notes == page.left_out == ()
    assert page.size == len(str(page).encode()) < 5e6


def test_its_curves_are_the_recordings(page: pl.Page, recording: pl.Recording) -> None:
    head, *rows = table(page, "By epoch")
    assert head == ["epoch", "loss", "accuracy", "validation loss", "validation accuracy", "lr"]
    for row, known in zip(rows, recording.epochs, strict=True):
        figures = [known[name] for name in ("loss", "accuracy", "val_loss", "val_accuracy", "lr")]
        assert [float(cell) for cell in row] == pytest.approx([known["epoch"], *figures], rel=1e-3)


def test_its_steps_are_the_recordings(page: pl.Page, recording: pl.Recording) -> None:
    head, *rows = table(page, "The chosen steps")
    assert head == ["step", "epoch", "loss of its batch", "loss, measured", "accuracy, measured", "learning rate",
                    "update / weights, 0.dense.W", "update / weights, 2.dense.W"]  # fmt: skip
    assert [int(row[0]) for row in rows] == list(recording.steps)
    for step, row in enumerate(rows):
        model = recording.at(step).model
        measured = model.evaluate(VALIDATION.x, VALIDATION.t)
        assert row[3:5] == [figure(name, value) for name, value in measured.items()]
        if step == 0:
            assert row[2] == row[5] == row[6] == "-"
            continue
        assert row[2] == number(recording.losses[step - 1])
        assert row[5] == number(recording.rates[step - 1])
        assert row[6:] == [number(share) for share in shares(recording, step)]
        assert f'id="step-{step}"' in page.html


def shares(recording: pl.Recording, step: int) -> list[float]:
    """How far a step moved each array of weights, as a share of its length before."""
    before, after = (recording.at(k).model.layers for k in (step - 1, step))
    both = [(before[i].W, after[i].W) for i in (0, 2)]  # type: ignore[attr-defined]
    return [float(np.sqrt(((new - old) ** 2).sum()) / np.sqrt((old**2).sum())) for old, new in both]


def test_far_steps_have_their_own_update(recording: pl.Recording) -> None:
    _, _, middle, last = table(pl.report(recording, doctor=0, steps=3), "The chosen steps")
    for row in (middle, last):
        assert [float(cell) for cell in row[6:]] == pytest.approx(shares(recording, int(row[0])), rel=1e-3)
    assert 2 < int(middle[0]) < int(last[0]) - 2


def test_its_confusion_matrix_and_what_is_behind_it(page: pl.Page, recording: pl.Recording) -> None:
    model = recording.at(recording.steps[-1]).model
    y = model.predict(VALIDATION.x)
    C = pl.confusion_matrix(y, VALIDATION.t, 3)
    head, *rows = table(page, "Confusion matrix: true class by row, answer by column")
    assert head == ["true \\ answer", *NAMES, "right"]
    assert [[int(cell) for cell in row[1:4]] for row in rows] == C.tolist()
    for i, j in np.argwhere(C):
        cell = re.search(rf'<details class="cell" id="cell-{i}-{j}">(.*?)</details>', page.html, re.DOTALL)
        assert cell is not None
        shown = [int(n) for n in re.findall(r'alt="sample (\d+):', cell[1])]
        behind = np.flatnonzero((VALIDATION.t == i) & (y.argmax(axis=1) == j))
        assert len(shown) == min(len(behind), 12)
        assert set(shown) <= set(behind.tolist())
        assert y[shown, j].tolist() == sorted(y[shown, j].tolist(), reverse=bool(i != j))


def test_the_numbers_that_are_opened(page: pl.Page, recording: pl.Recording) -> None:
    last = recording.steps[-1]
    model = recording.at(last).model
    own = model.predict(VALIDATION.x)[np.arange(20), VALIDATION.t]
    worst = int(own.argmin())
    loss = pl.trace(model, VALIDATION.x[[worst]], VALIDATION.t[[worst]], training=False).loss
    assert f"The loss of the worst answer, sample {worst} of the validation part: loss = {loss:.4g}" in page.html
    trace = recording.trace(last)
    weights = max(np.abs(trace[f"{path}.dW"]).max() for path in ("0.dense", "2.dense"))
    found = re.search(r"The largest gradient of a weight: dL/dW\[([\d, ]+)\] of (\S+) = (\S+?)<", page.html)
    assert found is not None
    assert abs(float(found[3])) == pytest.approx(weights, rel=1e-3)
    assert pl.ledger(trace, f"{found[2]}.dW[{found[1]}]").value == pytest.approx(float(found[3]), rel=1e-3)
    assert "The strongest hidden unit" in page.html
    trace.grad[trace.model.slots["0.dense.W"].at] *= 1e3
    assert _largest_gradient(trace).startswith("0.dense.dW[")
    trace.grad[trace.model.slots["2.dense.W"].at] *= 1e6
    assert _largest_gradient(trace).startswith("2.dense.dW[")


def test_how_to_have_it_again(page: pl.Page, recording: pl.Recording) -> None:
    assert recording.run["training"]["arguments"]["data"] in page.html  # the digest of the data
    assert f"digest {recording.epochs[-1]['digest']}" in page.html
    rows = {row[0]: row[1:] for row in table(page, "What it ran on, and what this page was made on")}
    assert rows["numpy"] == [np.__version__] * 2
    assert "pl.open_recording(" in page.html  # it was recorded from Python
    assert f"recording.at({recording.steps[len(recording.steps) // 2]})" in page.html


def test_an_augmentation_is_written_as_one_would_construct_it() -> None:
    assert _constructed(describe(pl.Chain(pl.Flip(), pl.Shift(2)))) == repr(pl.Chain(pl.Flip(), pl.Shift(2)))
    assert _constructed(None) == "none"
    assert _constructed({"kind": "MyOwn", "share": 2}) == "{'kind': 'MyOwn', 'share': 2}"


def test_the_same_recording_gives_the_same_page(page: pl.Page, recording: pl.Recording) -> None:
    assert pl.report(recording, doctor=0).html == page.html


def test_only_its_own_style_and_script_may_run(page: pl.Page) -> None:
    policy = re.search(r'http-equiv="Content-Security-Policy" content="(.*?)"', page.html)
    assert policy is not None
    rules = dict(rule.split(" ", 1) for rule in unescape(policy[1]).split("; "))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["img-src"] == "data:"
    for tag, rule in (("style", "style-src"), ("script", "script-src")):
        inside = re.findall(rf"<{tag}>(.*?)</{tag}>", page.html, re.DOTALL)
        assert len(inside) == 1
        own = base64.b64encode(hashlib.sha256(inside[0].encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{own}'"


def test_it_is_saved_whole(page: pl.Page, tmp_path: Path) -> None:
    page.save(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text("utf-8") == page.html


# ---- the doctor ------------------------------------------------------------------------------------------------------


def test_what_the_doctor_found_is_there_with_its_cure(tmp_path: Path) -> None:
    data = pl.datasets.vertical()
    model = pl.Model(pl.Dense(8), pl.ReLU(), pl.Dense(3), pl.Softmax(), loss=pl.SoftmaxCrossEntropy(), input_shape=2)
    page = pl.report(recorded(tmp_path / "sick.run", model, data), doctor=30)
    check(page)
    assert "<h3>softmax twice</h3>" in page.html
    assert "pl.Model(..., pl.Dense(3), loss=pl.SoftmaxCrossEntropy(), ...)" in page.html
    assert "The doctor&#x27;s experiments" in page.html


def test_nothing_found_is_said_and_so_is_not_asked(tmp_path: Path, page: pl.Page) -> None:
    data = pl.datasets.vertical()
    model = pl.Model(pl.Dense(16), pl.ReLU(), pl.Dense(3), loss=pl.SoftmaxCrossEntropy(), input_shape=2)
    run = recorded(tmp_path / "well.run", model, data, epochs=20, optimizer=pl.Adam(0.02))
    assert "and found nothing." in pl.report(run, doctor=30).html
    assert "The doctor was not asked: no time was given to it." in page.html
    assert "it needs the samples that were trained on" in pl.report(pictures(), DATA, doctor=1).html


# ---- kinds of trainings ----------------------------------------------------------------------------------------------


def test_without_validation_it_is_judged_on_what_it_learned_and_says_so(tmp_path: Path) -> None:
    page = pl.report(recorded(tmp_path / "a.run", pictures(), DATA, epochs=1), doctor=0)
    found = check(page)
    assert any("judged on these" in note for note in page.notes)
    assert "accuracy, training" in found.words
    assert "One epoch is a point, not a curve" in page.html


def test_values_have_their_errors(tmp_path: Path) -> None:
    x = RNG.normal(size=(40, 3))
    t = x @ [1.0, -2.0, 0.5] + 7.0
    recording = recorded(tmp_path / "a.run", network(1, shape=3), (x, t))
    page = pl.report(recording, doctor=0)
    check(page)
    y = recording.at(recording.steps[-1]).model.predict(x)[:, 0]
    worst = np.argsort(-np.abs(y - t), kind="stable")[:12]
    head, *rows = table(page, "The worst answers")
    assert head == ["sample", "true", "answer", "off by", "x[0]", "x[1]", "x[2]"]
    assert [int(row[0]) for row in rows] == worst.tolist()
    assert [float(row[3]) for row in rows] == pytest.approx((y - t)[worst].tolist(), rel=1e-3)
    assert "Confusion matrix" not in page.html


def test_yes_or_no_is_a_matrix_of_two(tmp_path: Path) -> None:
    x = RNG.normal(size=(60, 2))
    t = (x.sum(axis=1) > 0).astype(int)
    model = network(1, pl.SigmoidCrossEntropy(), 2, classes=("no", "yes"))
    recording = recorded(tmp_path / "a.run", model, (x, t))
    page = pl.report(recording, doctor=0)
    check(page)
    _, *rows = table(page, "Confusion matrix: true class by row, answer by column")
    C = pl.confusion_matrix(recording.at(recording.steps[-1]).model.predict(x), t, 2)
    assert [[int(cell) for cell in row[1:3]] for row in rows] == C.tolist()
    assert page.html.count("What it answers across the plane after step") == 2 * len(recording.steps)  # label, caption


def test_the_plane_is_what_the_network_answers(tmp_path: Path) -> None:
    data = pl.datasets.spiral()
    model = network(3, pl.SoftmaxCrossEntropy(), 2)
    recording = recorded(tmp_path / "a.run", model, data, batch_size=100, epochs=2)
    page = pl.report(recording, doctor=0)
    check(page)
    last = recording.steps[-1]
    head, *rows = table(page, f"What it answers across the plane after step {last}")
    points = np.array([[float(x), float(row[0])] for row in rows for x in head[1:]])
    answers = recording.at(last).model.predict(points).argmax(axis=1)
    said = np.array([int(cell) for row in rows for cell in row[1:]])
    assert (said == answers).mean() > 0.95  # the places are written in four digits
    assert page.html.count('<use href="#points"/>') == len(recording.steps)
    drawn = re.findall(r'<image href="data:image/png;base64,(.*?)"', page.html)
    assert len(drawn) == len(recording.steps)
    pixels = unpacked(base64.b64decode(drawn[-1]))
    look = look_at(recording.at(last).model, data)
    assert look is not None
    assert (pixels // SURE == look.values[::-1]).all()  # the first row of a picture is its top
    assert len(np.unique(pixels)) > 3


def test_a_line_is_what_the_network_answers(tmp_path: Path) -> None:
    data = pl.datasets.sine()
    recording = recorded(tmp_path / "a.run", network(1, shape=1), data, batch_size=500, epochs=2)
    page = pl.report(recording, doctor=0)
    check(page)
    last = recording.steps[-1]
    _, *rows = table(page, f"The answers after step {last}")
    said = recording.at(last).model.predict(np.array([[float(row[0])] for row in rows]))[:, 0]
    assert [float(row[1]) for row in rows] == pytest.approx(said.tolist(), rel=2e-3, abs=1e-3)


def test_other_answers_than_one_class(tmp_path: Path) -> None:
    x = RNG.normal(size=(30, 4))
    model = network(3, pl.SigmoidCrossEntropy(), 4)
    page = pl.report(model, (x, (x[:, :3] > 0).astype(int)), doctor=0)
    check(page)
    _, *rows = table(page, "Right and wrong, output by output")
    yes, t = model.predict(x) >= 0.5, x[:, :3] > 0
    assert [[int(cell) for cell in row[1:5]] for row in rows] == [
        [int((yes & t)[:, k].sum()), int((~yes & t)[:, k].sum()), int((yes & ~t)[:, k].sum()),
         int((~yes & ~t)[:, k].sum())] for k in range(3)]  # fmt: skip
    several = pl.report(network(2, shape=4), (x, x[:, :2]), doctor=0)
    check(several)
    assert "off by 1" in several.html
    steps = pl.Model(pl.SimpleRNN(4, sequence=True), pl.Dense(3), loss=pl.SoftmaxCrossEntropy(), input_shape=(5, 2))
    check(pl.report(steps, (RNG.normal(size=(6, 5, 2)), RNG.integers(0, 3, (6, 5))), doctor=0))


def test_many_classes_are_listed(tmp_path: Path) -> None:
    x, t = RNG.normal(size=(200, 4)), RNG.integers(0, 30, 200)
    page = pl.report(network(30, pl.SoftmaxCrossEntropy(), 4), (x, t), doctor=0)
    check(page)
    assert "30 classes are too many for a matrix" in page.html
    assert '<table class="matrix"' not in page.html


def test_a_table_shows_its_rows(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("<b>,n,kind\n" + "".join(f"w{i % 3},{i},{'ab'[i % 2]}\n" for i in range(40)))
    data = pl.datasets.read_table(str(tmp_path / "a.csv"), "kind")
    table_ = pl.datasets.infer(data).table
    model = network(2, pl.SoftmaxCrossEntropy(), table_.width, prepare=table_, classes=data.classes)
    page = pl.report(model, data, doctor=0)
    check(page)
    assert "&lt;b&gt;</th>" in page.html
    assert ">w1</td>" in page.html


# ---- what may be missing ---------------------------------------------------------------------------------------------


def test_without_its_data_it_shows_what_was_written_down(recording: pl.Recording) -> None:
    page = pl.report(recording.folder, doctor=5)
    check(page)
    assert any("were not at hand" in note for note in page.notes)
    _, *rows = table(page, "The chosen steps")
    assert [row[2] for row in rows[1:]] == [number(loss) for loss in recording.losses]
    assert "There are no answers to judge" in page.html


def test_a_recording_that_was_cut(recording: pl.Recording, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "cut.run"
    shutil.copytree(recording.folder, folder)
    content = (folder / EVENTS).read_bytes()
    lines = content.split(b"\n")
    at = next(i for i, line in enumerate(lines) if b'"step": 6,' in line)
    (folder / EVENTS).write_bytes(b"\n".join(lines[:at]) + b"\n" + lines[at][:20])
    for path in sorted((folder / "checkpoints").iterdir())[1:]:
        path.unlink()
    page = pl.report(pl.open_recording(folder, DATA, validation=VALIDATION), doctor=0)
    check(page)
    assert any("not whole" in note and "was not read" in note for note in page.notes)
    _, *rows = table(page, "The chosen steps")
    assert [int(row[0]) for row in rows] == [0, 1, 2, 3, 4, 5]


def test_numbers_that_come_out_otherwise_are_shown_and_said(recording: pl.Recording, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "other.run"
    shutil.copytree(recording.folder, folder)
    lines = [json.loads(line) for line in (folder / EVENTS).read_text().splitlines()]
    for line in lines:
        if line["event"] == "step" and line["step"] == 3:
            line["loss"] += 1e-7
    (folder / EVENTS).write_text("".join(json.dumps(line) + "\n" for line in lines))
    page = pl.report(pl.open_recording(folder, DATA, validation=VALIDATION), doctor=0)
    check(page)
    assert any("not those of the recording to the last bit" in note for note in page.notes)
    assert len(table(page, "The chosen steps")) == 1 + len(recording.steps)


def test_a_training_that_diverged(tmp_path: Path) -> None:
    x = RNG.normal(size=(64, 3))
    training = pl.train(network(1, shape=3), (x, x.sum(axis=1)), optimizer=pl.SGD(3.0), epochs=9, batch_size=16)
    with pytest.raises(pl.Diverged):
        list(pl.record(training, tmp_path / "a.run"))
    page = pl.report(pl.open_recording(tmp_path / "a.run", (x, x.sum(axis=1))), doctor=0)
    check(page)
    assert "<h3>Where it broke</h3>" in page.html
    assert "Training diverged at step" in page.html


def test_what_is_neither_recording_nor_model(tmp_path: Path) -> None:
    with pytest.raises(pl.UsageError, match="recording or a model, not of int"):
        pl.report(3)
    with pytest.raises(pl.FileError, match="is not there"):
        pl.report(tmp_path / "no.run")
    with pytest.raises(pl.UsageError, match="2 to 400"):
        pl.report(pictures(), DATA, steps=1)


def test_a_model_file(tmp_path: Path) -> None:
    model = pictures()
    model.fit(DATA, epochs=2, verbose=False, validation=VALIDATION)
    model.save(tmp_path / "m.safetensors")
    page = pl.report(tmp_path / "m.safetensors", VALIDATION, part="test", doctor=0)
    found = check(page)
    assert "Step by step" not in page.html
    assert found.count("input", type="range") == 0
    rows = table(page, "By epoch")[1:]
    assert [float(row[1]) for row in rows] == pytest.approx(model.history["loss"], rel=1e-3)


# ---- names and sizes -------------------------------------------------------------------------------------------------

HOSTILE = "</script><img src=x onerror=alert(1)>\"'\u202e\x00"


def test_no_name_becomes_markup(tmp_path: Path) -> None:
    folder = tmp_path / 'a<b>&"c" .run'
    model = network(3, pl.SoftmaxCrossEntropy(), classes=(HOSTILE, "]]>", "b" * 5000))
    names = tuple(model.classes)
    model.prepare = pl.Pixels((36,), picture=(6, 6))
    recording = recorded(folder, model, pl.Data(X, T, names, name=HOSTILE))
    recording.run["command"] = f"pellucid train '{HOSTILE}'"
    page = pl.report(recording, part=HOSTILE, doctor=0)
    found = check(page)
    assert found.count("script") == 1
    assert "&lt;/script&gt;&lt;img src=x" in page.html
    assert not {"\u202e", "\x00"} & set(page.html)
    assert "b" * 100 not in page.html
    assert "a&lt;b&gt;&amp;&quot;c&quot; .run" in page.html
    assert clean("\ud800x") == "\ufffdx"


def test_it_keeps_below_its_size_and_says_what_it_left_out(recording: pl.Recording, page: pl.Page) -> None:
    sizes = []
    for megabytes in (0.9, 0.6, 0.4):
        small = pl.report(recording, doctor=0, megabytes=page.size * megabytes / 1e6)
        check(small)
        assert small.size <= page.size * megabytes
        assert small.left_out
        assert all(text in unescape(small.html) for text in small.left_out)
        sizes.append(len(small.left_out))
    assert sizes == sorted(sizes)
    with pytest.raises(pl.UsageError, match="even with everything left out"):
        pl.report(recording, doctor=0, megabytes=0.001)


def test_what_goes_first_is_missed_least() -> None:
    amounts = list(thinner())
    assert amounts[0].left_out == ()
    for a, b in itertools.pairwise(amounts):
        assert len(b.left_out) == len(a.left_out) + 1
        assert (b.behind, b.depth, b.terms, b.looks) <= (a.behind, a.depth, a.terms, a.looks)
        assert b.steps >= a.steps


def test_the_steps_that_are_chosen() -> None:
    for most in (2, 3, 40):
        steps = chosen(range(5, 2000), most)
        assert (steps[0], steps[-1]) == (5, 1999)
        assert len(steps) <= most
        assert steps == sorted(set(steps))
    assert chosen(range(7), 40) == list(range(7))
    gaps = np.diff(chosen(range(10_000), 30))
    assert (np.diff(gaps) >= -1).all()  # wider and wider


def unpacked(content: bytes) -> np.ndarray[Any, Any]:
    """The pixels of a PNG that one of ours wrote, as rows of bytes."""
    pieces, at = {}, 8
    while at < len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        kind, body = content[at + 4 : at + 8], content[at + 8 : at + 8 + size]
        assert zlib.crc32(kind + body) == int.from_bytes(content[at + 8 + size : at + 12 + size], "big")
        pieces[kind], at = body, at + 12 + size
    height = int.from_bytes(pieces[b"IHDR"][4:8], "big")
    rows = np.frombuffer(zlib.decompress(pieces[b"IDAT"]), np.uint8).reshape(height, -1)
    assert not rows[:, 0].any()  # no filter
    return rows[:, 1:]


def test_pictures_are_what_they_were() -> None:
    grey = RNG.integers(0, 256, (5, 7)).astype(np.uint8)
    assert (unpacked(png(grey)) == grey).all()
    colour = RNG.integers(0, 256, (4, 3, 3)).astype(np.uint8)
    assert (unpacked(png(colour)).reshape(4, 3, 3) == colour).all()
    places = RNG.integers(0, 16, (3, 5))
    packed = unpacked(indexed(places, np.zeros((16, 3))))
    both = np.stack([packed >> 4, packed & 15], axis=-1).reshape(3, -1)
    assert (both[:, :5] == places).all()
    row = unpacked(signed(np.array([[-2.0, -1.0, 0.0, 1.0, np.nan, 2.0]]), 1.0))
    levels = np.stack([row >> 4, row & 15], axis=-1).ravel().tolist()
    assert levels == [0, 0, LEVELS, 2 * LEVELS, 2 * LEVELS + 1, 2 * LEVELS]
