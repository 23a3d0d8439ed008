"""Tables that stay on the disk: the same records, targets and errors as those that are read whole."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pl
from pellucid.datasets import chunks, rawfile, read_csv, read_table, stream, tablestream
from pellucid.datasets.chunks import chunks as chunked
from pellucid.datasets.sheet import open_sheet
from pellucid.datasets.tablestream import stream_table
from tests.cli.tools import run
from tests.datasets.files import published


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Five lines at a time, and rows on the disk in many windows."""
    monkeypatch.setattr(chunks, "LINES", 5)
    monkeypatch.setattr(rawfile, "BLOCK", 400)
    monkeypatch.setattr(rawfile, "WINDOW", 4)
    (tmp_path / "scratch").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))


def table(folder: Path, text: str, name: str = "t.csv") -> Path:
    with (folder / name).open("w", newline="") as out:
        out.write(text)
    return folder / name


def same(path: Path, target: Any = None) -> pl.Data:
    """Read both ways and compare; what is on the disk."""
    whole, streamed = read_table(path, target), stream_table(path, target)
    assert streamed.classes == whole.classes
    assert streamed.columns == whole.columns
    assert (streamed.t == whole.t).all()
    assert streamed.t.dtype == whole.t.dtype
    assert len(streamed) == len(whole)
    found = streamed.x[:]
    if whole.x.dtype.names is None:
        assert np.array_equal(found, whole.x)
        return streamed
    assert streamed.x.dtype.names == whole.x.dtype.names
    for name in whole.columns:
        kinds = found[name].dtype.kind, whole.x[name].dtype.kind
        assert kinds[0] == kinds[1], name
        assert np.array_equal(found[name], whole.x[name], equal_nan=kinds[0] == "f"), name
        assert np.array_equal(streamed.x[name], found[name], equal_nan=kinds[0] == "f")
    return streamed


PUBLISHED = {
    "titanic.csv": "survived", "penguins.csv": "species", "california_housing.csv": "median_house_value",
    "mpg.csv": "mpg", "digits.csv.gz": -1, "titanic_raw.csv": "survived",
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_tables_are_the_same_both_ways(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "LINES", 500)
    path = published("tables", name)
    target: Any = PUBLISHED[name]
    if isinstance(target, str):
        header = path.read_text().splitlines()[0].split(",")
        target = target if target in header else next(h for h in header if h.lower() == target)
    same(path, target)


def test_a_table_of_pixels_is_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    data = same(published("mnist-in-csv", "mnist_test_first500.csv"))
    assert data.x.shape == (500, 28, 28)
    assert data.x.dtype == np.uint8


TEXTS = {
    "numbers alone": "a,b,class\n" + "".join(f"{i},{i / 7:.3f},{i % 3}\n" for i in range(23)),
    "no line end at the end": "a,class\n" + "\n".join(f"{i},{i % 2}" for i in range(12)),
    "carriage returns": "a,class\r\n" + "".join(f"{i},{i % 2}\r\n" for i in range(12)),
    "semicolons": "a;class\n" + "".join(f"{i};{i % 2}\n" for i in range(12)),
    "values": "a,target\n" + "".join(f"{i},{i / 3}\n" for i in range(23)),
    "many whole values": "a,target\n" + "".join(f"{i},{i * 7}\n" for i in range(150)),
    "a hundred classes": "a,target\n" + "".join(f"{i},{i % 100}\n" for i in range(150)),
    "missing numbers late": "a,b,class\n" + "1,2,x\n" * 12 + "1,,y\nNA,3,y\n",
    "missing numbers early": "a,b,class\n" + ",,x\n" * 2 + "1,2.5,y\n" * 14,
    "words late": "a,b,class\n" + "007,2,1\n" * 12 + "bond,3,0\n" * 12,
    "words": "a,b,class\n" + "red,a,1\nblue,,0\n" * 8,
    "a column of nothing": "a,b,class\n" + ",1,x\n,2,y\n" * 7,
    "quoted line ends": "a,note,class\n" + '1,"two\nlines, and a ""quote""",x\n2,"",y\n' * 6,
    "blank lines at the end": "a,class\n" + "1,x\n2,y\n" * 6 + "\n\n,\n",
    "words in the target late": "a,class\n" + "1,1\n" * 11 + "2,x\n",
    "words and texts of numbers": "a,class\n" + "1,x\n" * 11 + "2,10\n",
    "names of pixels, of which one is missing": "pixel0,pixel1,label\n" + "1,2,0\n" * 9,
    "spaces": "a, class\n" + " 1 , x \n2, y\n" * 7,
    "long words": "a,b,class\n" + f"{'w' * 80},1,x\nshort,2,y\n" * 7,
    "numbers as people write them": "a,class\n" + "1e3,x\n-2.5E-3,y\n+7,x\n1_000,y\n" * 4,
    "a byte order mark": "\ufeffa,class\n" + "1,x\n2,y\n" * 6,
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_table_is_the_same_both_ways(name: str, tmp_path: Path) -> None:
    data = same(table(tmp_path, TEXTS[name]))
    packed = tmp_path / "packed.csv.gz"
    packed.write_bytes(gzip.compress((tmp_path / "t.csv").read_bytes()))
    assert stream_table(packed).x[:].tobytes() == data.x[:].tobytes()


def test_a_table_without_a_header_is_numbers(tmp_path: Path) -> None:
    rows = "".join(f"{i},{i * 0.5},{i % 2}\n" for i in range(17))
    for text in (rows, rows + '"17","8.5","1"\n'):
        path = table(tmp_path, text)
        whole, data = read_csv(path, -1), stream_table(path, -1)
        assert (data.x[:] == whole.x).all()
        assert data.x.shape == whole.x.shape
        assert data.columns == whole.columns
        assert (data.t == whole.t).all()


BAD = {
    "a word among numbers": "a,class\n" + "1,x\n" * 13 + "oops,y\n",
    "two words among numbers": "a,class\n" + "1,x\n" * 33 + "oops,y\nbad,x\n",
    "a comma in a number": 'a,class\n1,x\n"1,5",y\n' + "2,x\n" * 12,
    "an empty target": "a,class\n" + "1,x\n" * 8 + "2,\n",
    "an empty target among numbers": "a,class\n" + "1,1\n" * 8 + "2, \n",
    "an infinite target": "a,class\n" + "1,1\n" * 8 + "2,inf\n",
    "a word among values": "a,target\n" + "1,1.5\n" * 8 + "2,oops\n",
    "a missing word among whole numbers": "a,target\n" + "1,1\n" * 8 + "2,NA\n",
    "a short row": "a,b,class\n" + "1,2,x\n" * 8 + "3,y\n",
    "a short row of numbers": "a,b,class\n" + "1,2,0\n" * 8 + "3,1\n",
    "a long row": "a,b,class\n" + "1,2,0\n" * 8 + "3,1,2,3\n",
    "a blank line": "a,class\n" + "1,0\n" * 8 + "\n" + "1,1\n" * 9,
    "a blank line of commas": "a,class\n" + "1,x\n" * 8 + ",\n" + "1,y\n",
    "a header alone": "a,b,class\n",
    "an open quote": "a,class\n" + "1,x\n" * 8 + '2,"y\n' + "3,z\n" * 9,
    "no target": "a,b\n1,2\n3,4\n",
    "one column": "class\n1\n2\n",
    "names that stand twice": "a,a,class\n1,2,x\n",
    "infinite": "a,class\n" + "1,x\n" * 8 + "inf,y\n",
    "too large to compute with": "a,class\n" + "1,0\n" * 8 + "1e200,1\n",
    "a zero byte": "a,class\n" + "1,x\n" * 8 + "\0,y\n",
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_table_is_refused_in_the_same_words(name: str, tmp_path: Path) -> None:
    path = table(tmp_path, BAD[name])
    with pytest.raises(pl.DataError) as whole:
        read_table(path)
    with pytest.raises(pl.DataError) as streamed:
        stream_table(path)
    a, b = str(whole.value), str(streamed.value)
    place = a.split("(line")[0] if "(line" in a else a[:60]
    assert b.startswith(place), (a, b)
    run("train", path, "--stream").error(3, str(path))
    assert not os.listdir(tmp_path / "scratch"), "nothing is left behind"


def test_a_table_without_a_header_refuses_words_in_the_same_words(tmp_path: Path) -> None:
    path = table(tmp_path, "1,2,0\n" * 13 + "1,,1\n")
    for read in (read_csv, stream_table):
        with pytest.raises(pl.DataError, match=r"row 14 \(line 14 of the file\), column 2 is empty"):
            read(path, -1)


def test_words_that_are_no_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pellucid.datasets.answers.MOST_CLASSES", 20)
    path = table(tmp_path, "a,target\n" + "".join(f"{i},name{i}\n" for i in range(40)))
    with pytest.raises(pl.DataError, match="more than 20 different words"):
        stream_table(path)
    path = table(tmp_path, "a,target\n" + "".join(f"{i},{i * 7}\n" for i in range(150)))
    assert stream_table(path).t.tolist() == [7.0 * i for i in range(150)]
    path = table(tmp_path, "a,target\n" + "".join(f"{i},{i * 7}\n" for i in range(150)) + "1,oops\n")
    with pytest.raises(pl.DataError, match=r"row 151 .*'oops', where the target is a number"):
        stream_table(path)


def test_a_disk_without_room_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = table(tmp_path, "a,class\nred,x\nblue,y\n")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(100, 99, 1))
    with pytest.raises(pl.DataError, match=r"take 32 bytes as numbers, and .*scratch has room for 1. Set TMPDIR"):
        stream_table(path)
    monkeypatch.setenv("TMPDIR", str(path))
    with pytest.raises(pl.DataError, match=r"cannot be written to .*t.csv"):
        stream_table(path)


def test_chunks_know_their_lines(tmp_path: Path) -> None:
    path = table(tmp_path, 'a,b\n1,2\n3,4\n"5\n","6"\n7,8\n9,10\n11,12\n13,x\n')
    found = list(chunked(open_sheet(path)[0]))
    assert [(c.row, list(c.lines)) for c in found] == [(1, [2, 3, 5, 6]), (5, [7, 8, 9])]
    numbers = list(chunked(open_sheet(table(tmp_path, "a,b\n" + "1,2\n" * 12))[0]))
    assert [(c.row, list(c.lines), c.numbers is None) for c in numbers] == [
        (1, [2, 3, 4, 5, 6], False),
        (6, [7, 8, 9, 10, 11], False),
        (11, [12, 13], False),
    ]


# ---- trained --------------------------------------------------------------------------------------------------------


def pets(folder: Path, n: int = 400) -> Path:
    rng = np.random.default_rng(0)
    weight, coat = rng.gamma(4.0, 3.0, n), rng.choice(["grey", "brown", "black"], n)
    born = rng.integers(2000, 2020, n)
    kind = np.where(weight + 4 * (coat == "grey") > 13, "dog", "cat")
    cells = [f"{w:.2f}" if i % 11 else "" for i, w in enumerate(weight)]
    rows = zip(cells, coat, born, kind, strict=True)
    return table(
        folder, "weight,coat,born,kind\n" + "".join(",".join(map(str, row)) + "\n" for row in rows), "pets.csv"
    )


def test_a_table_on_the_disk_needs_no_code_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pets(tmp_path)
    common = ("train", "pets.csv", "--target", "kind", "--epochs", 20)
    whole, streamed = run(*common, "--no-stream").done(), run(*common, "--stream").done()
    assert "stream    the samples stay on the disk" in streamed.out
    for line in ("numbers   weight", "words     coat (3)", "missing   numbers are filled"):
        assert line in whole.out
        assert line in streamed.out
    assert float(streamed.out.split("accuracy ")[-1].split(" %")[0]) > 80
    told = run("evaluate", "pets.safetensors", "pets.csv").done()
    assert "400 samples" in told.out
    monkeypatch.setattr(tablestream, "LARGE_TEXT", {False: 1000, True: 1000})
    again = run("evaluate", "pets.safetensors", "pets.csv").done()
    assert again.out == told.out, "a large table is streamed by itself, to the same figures"
    shown = run("data", "show", "pets.csv", "--target", "kind").done()
    assert "400" in shown.out
    run("train", "pets.csv", "--target", "kind", "--group", "born", "--epochs", 1).done()
    run("train", "pets.csv", "--target", "kind", "--time", "born", "--epochs", 1).done()
    assert not os.listdir(tmp_path / "scratch")


def test_a_large_table_is_measured_on_a_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pellucid.cli.tables.SAMPLE", 100)
    pets(tmp_path)
    told = run("train", "pets.csv", "--target", "kind", "--stream", "--epochs", 2).done()
    assert "columns   inferred and measured on 100 of the rows to train, chosen by chance" in told.out
    prepare = pl.load("pets.safetensors").prepare
    assert {column.name for column in prepare.columns} == {"weight", "coat", "born"}


def test_training_a_table_on_the_disk_resumes_to_the_same_bits(tmp_path: Path) -> None:
    path = pets(tmp_path)

    def training(epochs: int, threads: int) -> pl.Training:
        data = stream(path, "kind", threads=threads)
        table_ = pl.Table.fit(data.x[:100])
        net = pl.Model(pl.Dense(2), loss=pl.SoftmaxCrossEntropy(), input_shape=(table_.width,), prepare=table_)
        return pl.train(net, data, epochs=epochs, batch_size=32)

    whole, first = training(5, 0), training(5, 0)
    list(whole)
    for event in first:
        if isinstance(event, pl.StepDone) and event.step == 31:
            break
    pl.save_checkpoint(first, tmp_path / "c.safetensors")
    second = pl.resume(training(5, 2), tmp_path / "c.safetensors")
    list(second)
    assert second.model.theta.tobytes() == whole.model.theta.tobytes()
