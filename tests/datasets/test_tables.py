"""CSV tables: which column is the answer, what its cells mean, and where a file is wrong, as a person counts."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

import pellucid as pl
from pellucid.datasets import read_csv
from tests.datasets.files import damaged


@pytest.fixture
def table(tmp_path):
    """Writes a CSV file; returns its path."""

    def write(text, name="table.csv"):
        path = tmp_path / name
        raw = text if isinstance(text, bytes) else text.encode()
        path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
        return path

    return write


def test_a_table_with_a_header(table) -> None:
    data = read_csv(table("length,label,width\n1.5,cat,2\n3,dog,-4e1\n5,cat,0\n"))
    np.testing.assert_array_equal(data.x, [[1.5, 2], [3, -40], [5, 0]])
    assert (data.x.dtype, data.t.dtype) == (np.float64, np.int64)
    assert (data.t.tolist(), data.classes, data.columns) == ([0, 1, 0], ("cat", "dog"), ("length", "width"))


@pytest.mark.parametrize("name", ["label", "target", "class", "y", "Label", "Y"])
def test_the_target_is_known_by_its_name(table, name) -> None:
    assert read_csv(table(f"a,{name},b\n1,0,3\n4,1,6\n")).columns == ("a", "b")


@pytest.mark.parametrize("target", ["species", 2, -1, "2", "-1"])
def test_the_target_is_named_or_counted(table, target) -> None:
    data = read_csv(table("a,b,species\n1,2,x\n3,4,y\n"), target)
    assert data.columns == ("a", "b")
    assert data.classes == ("x", "y")


def test_a_name_comes_before_a_number(table) -> None:
    assert read_csv(table("a,b,0\n5,6,x\n8,9,y\n"), "0").columns == ("a", "b")


def test_a_data_frames_numbered_columns_are_a_header(table) -> None:
    data = read_csv(table("0,1,2\n5,6,0\n8,9,1\n"), -1)
    assert data.x.tolist() == [[5, 6], [8, 9]]


def test_beside_a_label_y_is_a_measurement(table) -> None:
    assert read_csv(table("x,y,class\n1,2,0\n3,4,1\n")).columns == ("x", "y")


def test_a_table_without_a_header(table) -> None:
    data = read_csv(table("5.1,3.5,Iris-setosa\n7.0,3.2,Iris-versicolor\n\n"), -1)
    np.testing.assert_array_equal(data.x, [[5.1, 3.5], [7.0, 3.2]])
    assert data.classes == ("Iris-setosa", "Iris-versicolor")
    assert data.columns == ("0", "1")


@pytest.mark.parametrize(
    ("cells", "t", "classes"),
    [
        (["b", "a", "b"], [1, 0, 1], ("a", "b")),
        (["10", "9", "10"], [1, 0, 1], ("9", "10")),
        (["-1", "1", "-1"], [0, 1, 0], ("-1", "1")),
        (["3.0", "7", "3"], [0, 1, 0], ("3", "7")),
        (["True", "False", "True"], [1, 0, 1], ("False", "True")),
        (["0.5", "2", "-1e3"], [0.5, 2.0, -1000.0], ()),
    ],
)
def test_what_the_target_means(table, cells, t, classes) -> None:
    data = read_csv(table("a,target\n" + "".join(f"{i},{cell}\n" for i, cell in enumerate(cells))))
    assert data.t.tolist() == t
    assert data.classes == classes


def test_many_different_whole_numbers_are_values(table) -> None:
    few, many = ("a,y\n" + "".join(f"{i},{i % n * 10}\n" for i in range(300)) for n in (100, 101))
    assert len(read_csv(table(few)).classes) == 100
    data = read_csv(table(many))
    assert data.classes == ()
    assert data.t[2] == 20.0


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbfa,b,label\r\n1,2,0\r\n3,4,1\r\n",  # as a spreadsheet writes it
        b"a,b,label\n1,2,0\n3,4,1",
        b"a,b,label\n1,2,0\n3,4,1\n\n\r\n,,\n",
        b'"a","b","label"\n"1", "2","0"\n3,4,1\n',
        b"a;b;label\n1;2;0\n3;4;1\n",
        b"a\tb\tlabel\n1\t2\t0\n3\t4\t1\n",
        b" a , b, label \n 1, 2, 0\n3 ,4 ,1 \n",
    ],
)
@pytest.mark.parametrize("name", ["table.csv", "table.csv.gz"])
def test_how_it_may_be_written(table, text, name) -> None:
    data = read_csv(table(text, name))
    np.testing.assert_array_equal(data.x, [[1, 2], [3, 4]])
    assert (data.t.tolist(), data.classes, data.columns) == ([0, 1], ("0", "1"), ("a", "b"))


def test_a_cell_may_hold_commas_and_lines(table) -> None:
    path = table('a,label\n1,"x, or\n\ny"\n2,z\noh,z\n')
    with pytest.raises(pl.DataError, match=r"row 3 \(line 6 of the file\), column 1 \('a'\) holds 'oh'"):
        read_csv(path)
    assert read_csv(table('a,label\n1,"x, or\n\ny"\n2,z\n')).classes == ("x, or\n\ny", "z")


def test_more_rows_than_are_read_at_a_time(table) -> None:
    rows = [f"{i},{i / 7!r},{i % 3}" for i in range(9000)]
    data = read_csv(table("a,b,y\n" + "\n".join(rows)))
    np.testing.assert_array_equal(data.x, [[i, i / 7] for i in range(9000)])
    rows[8500] = "8500,?,1"
    with pytest.raises(pl.DataError, match=r"row 8501 \(line 8502 of the file\), column 2 \('b'\) holds '\?'"):
        read_csv(table("a,b,y\n" + "\n".join(rows)))


def test_an_answer_y_is_not_taken_for_a_header(table) -> None:
    data = read_csv(table("5.1,3.5,y\n4.9,3.0,n\n"), -1)
    assert (len(data), data.classes) == (2, ("n", "y"))


def test_scikit_learns_own_layout(table) -> None:
    data = read_csv(table("3,2,ape,bee\n1.5,2,1\n3,4,0\n5,6,1\n"))
    assert (data.t.tolist(), data.classes, data.x.shape) == ([1, 0, 1], ("ape", "bee"), (3, 2))
    with pytest.raises(pl.DataError, match="3 rows, but it has 2"):
        read_csv(table("3,2,ape,bee\n1.5,2,1\n3,4,0\n"))
    with pytest.raises(pl.DataError, match="whole numbers from 0 to 1"):
        read_csv(table("2,2,ape,bee\n1.5,2,1\n3,4,2\n"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["is empty"]),
        ("\n", ["line 1 is blank"]),
        ("\n1,2\n3,4\n", ["line 1 is blank"]),
        ("a,b,label\n", ["header", "no row of data"]),
        ("a,b,label\n\n \n", ["header", "no row of data"]),
        ("a,b,label\n,,\n", ["header", "no row of data"]),
        ("a,b,label\n\n1,2,0\n", ["line 2 is blank"]),
        ("a,b,label\n1,2,0\n3,x,1\n", ["row 2", "line 3", "column 2 ('b')", "'x'", "not a number"]),
        ("a,b,label\n1,,0\n", ["row 1", "column 2 ('b') is empty", "missing values"]),
        ("a,b,label\n1,2,0\n3,nan,1\n", ["row 2", "column 2 ('b')", "'nan'"]),
        ("label,b\n1,2\n3,-inf\n", ["row 2", "column 2 ('b')", "'-inf'"]),
        ("a,b,label\n1,1e999,0\n", ["'1e999'", "not a finite number"]),
        ("a,b,label\n1,2,0\n3,4\n", ["row 2 (line 3", "has 2 cells, but the header has 3"]),
        ("a,b,label\n1,2,0\n3,4,1,9\n", ["row 2 (line 3", "has 4 cells, but the header has 3"]),
        ("a,b,label\n1,2,0\n\n3,4,1\n", ["line 3 is blank"]),
        ("a,b,label\n1,2,0\n,,\n3,4,1\n", ["line 3 is blank"]),
        ("a,b,a,label\n1,2,3,0\n", ["2 columns 'a'", "1 and 3"]),
        (",a,label\n0,1,0\n1,2,1\n", ["column 1 has no name", "index=False"]),
        ("a,b,c\n1,2,0\n", ["a, b, c", "--target"]),
        ("1,2,0\n3,4,1\n", ["3 columns", "0 to 2", "--target"]),
        ("a,class,label\n1,2,0\n", ["label and class", "--target"]),
        ("label\n1\n2\n", ["one column only"]),
        ("a,label\n1,\n2,1\n", ["row 1", "column 2 ('label') is empty", "target"]),
        ("a,label\n1,0.5\n2,nan\n", ["row 2", "'nan'", "target"]),
        ("a,label\n1,0.5\n2,oops\n", ["row 2", "'oops'", "target"]),
        ("a,label\n1,5\n2,n/a\n", ["row 2", "'n/a'", "target"]),
        ('a,label\n1,0\n2,"1\n3,1\n', ["quotation mark"]),
        (b"a,label\n1,caf\xe9\n", ["not text in UTF-8", "0xe9", "line 2"]),
        ("a,label\n1,0\n".encode("utf-16"), ["zero byte", "line 1", "in UTF-8"]),
        ("a,label\n1,0\n".encode("utf-16-le"), ["zero byte", "line 1"]),
    ],
)
@pytest.mark.parametrize("name", ["table.csv", "table.csv.gz"])
def test_a_bad_table_is_refused(table, text, words, name) -> None:
    path = table(text, name)
    with pytest.raises(pl.DataError) as error:
        read_csv(path)
    said = str(error.value)
    assert "\n" not in said
    for word in (str(path), *(words if text or name == "table.csv" else [])):
        assert word in said, said


def test_a_line_without_an_end_is_refused(table) -> None:
    with pytest.raises(pl.DataError, match="line 1 is longer than"):
        read_csv(table(b"1," * (9 << 20), "long.csv.gz"))


@pytest.mark.parametrize("target", ["size", 3, -4, "7"])
def test_a_target_that_is_not_there_lists_the_columns(table, target) -> None:
    with pytest.raises(pl.DataError, match=r"a, b, label.*--target"):
        read_csv(table("a,b,label\n1,2,0\n3,4,1\n"), target)


def test_missing_cut_and_foreign_files_are_refused(tmp_path, table) -> None:
    with pytest.raises(pl.DataError, match="There is no file"):
        read_csv(tmp_path / "nowhere.csv")
    path = table("a,label\n" + "".join(f"{i * 7919},{i % 3}\n" for i in range(5000)), "cut.csv.gz")
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(pl.DataError, match="cut short"):
        read_csv(path)


def test_only_data_errors_come_from_damage(table) -> None:
    text = b"a,b,label\r\n" + b"".join(b"%d,%d.5,c%d\r\n" % (i, i * i, i % 3) for i in range(20))
    outcomes = set()
    for seed in range(200):
        raw = damaged(text, seed) if seed % 2 else damaged(gzip.compress(text), seed)
        path = table(b"")
        path.write_bytes(raw)
        try:
            read_csv(path)
            outcomes.add("read")
        except pl.DataError:
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}


# ---- pictures as a table -------------------------------------------------------------------------------------------

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 28, 28), np.uint8)
LABELS = [3, 1, 4, 1, 5, 9]
KAGGLE = "label," + ",".join(f"{r}x{c}" for r in range(1, 29) for c in range(1, 29))


def pixel_rows(end: str = "\r\n") -> list[str]:
    return [",".join(map(str, [t, *x.ravel().tolist()])) + end for t, x in zip(LABELS, PIXELS, strict=True)]


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (KAGGLE + "\r\n", "mnist.csv"),
        ("label," + ",".join(f"pixel{i}" for i in range(784)) + "\n", "mnist.csv"),
        ("\ufeff" + KAGGLE + "\n", "mnist.csv.gz"),
        ("", "mnist.csv"),
    ],
)
def test_kaggles_pixels_become_pictures(table, header, name) -> None:
    data = read_csv(table(header + "".join(pixel_rows()) + "\n", name))
    np.testing.assert_array_equal(data.x, PIXELS)
    assert data.x.dtype == np.uint8
    assert data.t.tolist() == LABELS
    assert data.classes == tuple("0123456789")


def test_any_square_of_pixels_and_a_label_anywhere(table) -> None:
    data = read_csv(table("pixel1,pixel2,pixel3,pixel4,digit\n0,50,100,255,7\n1,2,3,4,2\n"), "digit")
    assert data.x.tolist() == [[[0, 50], [100, 255]], [[1, 2], [3, 4]]]
    assert data.t.tolist() == [7, 2]


@pytest.mark.parametrize(
    "header",
    ["0,1,2,3,label", "pixel1,pixel2,pixel3,label", "pixel2,pixel1,pixel3,pixel4,label", "1x1,1x2,2x1,b,label"],
)
def test_what_is_no_square_of_pixels_stays_a_table(table, header) -> None:
    width = header.count(",")
    data = read_csv(table(f"{header}\n{'5.5,' * width}0\n{'7,' * width}1\n"))
    assert data.x.shape == (2, width)
    assert data.x.dtype == np.float64


def test_a_headerless_label_may_stand_last(table) -> None:
    blank = PIXELS.copy()
    blank[:, 0, 0] = 0
    rows = "".join(",".join(map(str, [*x.ravel().tolist(), t])) + "\n" for t, x in zip(LABELS, blank, strict=True))
    with pytest.raises(pl.DataError, match=r"0 in every row.*--target -1"):
        read_csv(table(rows))
    data = read_csv(table(rows), -1)
    np.testing.assert_array_equal(data.x, blank)
    assert data.t.tolist() == LABELS


def test_unusual_but_right_cells_are_read(table) -> None:
    rows = pixel_rows("\n")
    cells = rows[2].split(",")
    rows[2] = ",".join(["4.0", '"' + cells[1] + '"', f" {cells[2]} ", f"{cells[3]}.0", *cells[4:]])
    data = read_csv(table(KAGGLE + "\n" + "".join(rows)))
    np.testing.assert_array_equal(data.x, PIXELS)
    assert data.t.tolist() == LABELS


@pytest.mark.parametrize("headed", [True, False])
@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        (0, "2.5", ["holds '2.5'", "label is a whole number"]),
        (0, "-1", ["holds '-1'", "label is a whole number"]),
        (0, "", ["is empty", "label is a whole number"]),
        (0, "seven", ["holds 'seven'"]),
        (0, "1e9", ["holds '1e9'"]),
        (9, "256", ["holds '256'", "from 0 to 255"]),
        (9, "-3", ["holds '-3'"]),
        (9, "0.5", ["holds '0.5'"]),
        (9, "nan", ["holds 'nan'"]),
        (9, "", ["is empty"]),
        (784, "x", ["holds 'x"]),
    ],
)
def test_a_bad_pixel_is_found(table, headed, column, cell, words) -> None:
    rows = pixel_rows("\n")
    cells = rows[3].rstrip().split(",")
    cells[column] = cell
    rows[3] = ",".join(cells) + "\n"
    path = table((KAGGLE + "\n") * headed + "".join(rows))
    with pytest.raises(pl.DataError) as error:
        read_csv(path)
    said = str(error.value)
    for word in (str(path), f"row 4 (line {4 + headed} of the file), column {column + 1}", *words):
        assert word in said, said


def test_ragged_and_blank_lines_among_pixels(table) -> None:
    rows = pixel_rows("\n")
    with pytest.raises(pl.DataError, match=r"row 2 \(line 3 of the file\) has 784 cells, but the header has 785"):
        read_csv(table(KAGGLE + "\n" + rows[0] + rows[1].rsplit(",", 1)[0] + "\n" + rows[2]))
    with pytest.raises(pl.DataError, match="line 4 is blank"):
        read_csv(table(KAGGLE + "\n" + rows[0] + rows[1] + "\n" + rows[2]))
    with pytest.raises(pl.DataError, match="no row of data"):
        read_csv(table(KAGGLE + "\n"))


def test_many_pictures_come_in_order_and_errors_count_on(table) -> None:
    rows = [f"{i % 10},{i % 256},0,0,{i // 256}\n" for i in range(5000)]
    head = "label,1x1,1x2,2x1,2x2\n"
    data = read_csv(table(head + "".join(rows)))
    np.testing.assert_array_equal(data.x[:, 0, 0] + 256 * data.x[:, 1, 1].astype(int), np.arange(5000))
    rows[4444] = "4,0,0,0,1000\n"
    with pytest.raises(pl.DataError, match=r"row 4445 \(line 4446 of the file\), column 5 \('2x2'\) holds '1000'"):
        read_csv(table(head + "".join(rows)))
