"""Tables of numbers and words: what their cells mean, what is found about their columns, and where a file is wrong."""

from __future__ import annotations

import gzip
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pellucid as pl
from pellucid.datasets import infer, read_records, read_table
from pellucid.datasets.leaks import gives_away
from tests.datasets.files import damaged, published

HEAD = "size,colour,count,bought"
ROWS = [
    f"{i % 7 + 1.5},{'red' if i % 3 else 'blue'},{i * 37 % 11},{'yes' if i * 7 % 5 < 2 else 'no'}" for i in range(60)
]


@pytest.fixture
def table(tmp_path):
    """Writes a CSV file; returns its path."""

    def write(text, name="table.csv"):
        path = tmp_path / name
        raw = text if isinstance(text, bytes) else text.encode()
        path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
        return path

    return write


def csv(rows=ROWS, head=HEAD, at=None, row="", end="\n"):
    """A table; with `at`, another row at that place."""
    lines = list(rows)
    if at is not None:
        lines.insert(at, row)
    return end.join([head, *lines]) + end


# ---- what cells mean -------------------------------------------------------------------------------------------------


def test_numbers_words_and_missing_cells(table) -> None:
    data = read_table(table("a,b,kind\n1.5,red,x\n?,NA,y\n-3e1,,x\n4,blue,y\n"), "kind")
    assert data.x.dtype.names == data.columns == ("a", "b")
    assert (data.x.dtype["a"], data.target, data.classes) == (np.float64, "kind", ("x", "y"))
    assert data.x["b"].tolist() == ["red", "", "", "blue"]
    np.testing.assert_array_equal(data.x["a"], [1.5, np.nan, -30, 4])


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbf" + csv(end="\r\n").encode(),
        csv().encode().rstrip(),
        (csv() + "\n\n").encode(),
        csv().replace(",", ";").encode(),
        csv().replace(",", "\t").encode(),
        csv().replace("red", ' "red"').encode(),
    ],
    ids=["bom and crlf", "no end", "blank lines at the end", "semicolons", "tabs", "quotes"],
)
@pytest.mark.parametrize("name", ["table.csv", "table.csv.gz"])
def test_how_it_may_be_written(table, text, name) -> None:
    data = read_table(table(text, name), "bought")
    assert len(data) == 60
    assert data.x[1].item() == (2.5, "red", 4.0)


def test_a_quoted_cell_may_hold_commas_lines_and_quotes(table) -> None:
    path = table(csv(at=2, row='2.5,"re""d,\nor not",3,no'))
    assert read_table(path, "bought").x["colour"][2] == 're"d,\nor not'
    path = table(csv([*ROWS[:5], '2.5,"a\nb",3,no', "oops,red,3,no"]))
    with pytest.raises(pl.DataError, match=r"row 7 \(line 9 of the file\), column 1 \('size'\) holds 'oops'"):
        read_table(path, "bought")


def test_long_texts_are_cut(table) -> None:
    path = table(csv(at=0, row=f"1.5,{'x' * 5000},3,no"))
    data = read_table(path, "bought")
    assert data.x.dtype["colour"] == "<U60"


@pytest.mark.parametrize("numbers", [2, 9, 18, 40])
def test_few_words_in_a_column_of_numbers_are_mistakes(table, numbers) -> None:
    path = table("a,y\n" + "".join(f"{i},{i % 2}\n" for i in range(numbers)) + "oops,1\n")
    with pytest.raises(pl.DataError, match=f"holds 'oops', which is not a number, while {numbers} other cells"):
        read_table(path)


def test_many_words_among_numbers_are_a_column_of_words(table) -> None:
    path = table("a,y\n" + "".join(f"{i if i % 4 else 'A' + str(i)},{i % 2}\n" for i in range(60)))
    assert read_table(path).x["a"][:2].tolist() == ["A0", "1"]


def test_a_trained_preparation_says_what_is_a_number(table) -> None:
    like = pl.Table((pl.Number("count"), pl.Category("size", ("1", "2"))), "bought")
    path = table("bought,size,colour,count\nyes,1,red,\nno,2,red,4\n")
    assert read_table(path, like=like).x.tolist()[1] == ("2", 4.0)
    x = read_records(path, like)
    assert x.dtype.names == ("size", "count")
    assert x["size"].tolist() == ["1", "2"]
    assert math.isnan(x["count"][0])
    with pytest.raises(pl.DataError, match="'bought', the answer that the network learned"):
        read_table(table("size,count\n1,2\n"), like=like)
    with pytest.raises(pl.DataError, match=r"lacks columns that the network was trained on: count\. It has size"):
        read_records(table("size\n1\n"), like)
    with pytest.raises(pl.DataError, match="no header"):
        read_records(table("1,2\n3,4\n"), like)
    bare = read_records(table("1,2\n3,4\n"), pl.Table((pl.Number("a"), pl.Number("b"))))
    assert bare.tolist() == [[1, 2], [3, 4]]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    cells=st.lists(
        st.tuples(st.floats(-1e9, 1e9) | st.none(), st.text("ab,;\"' \n\ré", max_size=6)), min_size=3, max_size=30
    )
)
def test_what_was_written_is_read(tmp_path_factory, cells) -> None:
    import csv as standard

    path = tmp_path_factory.mktemp("t") / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = standard.writer(file, quoting=standard.QUOTE_ALL)
        writer.writerow(["n", "w", "y"])
        writer.writerows([["" if n is None else repr(n), w, i % 2] for i, (n, w) in enumerate(cells)])
    data = read_table(path, "y")
    np.testing.assert_array_equal(data.x["n"], [np.nan if n is None else n for n, _ in cells])
    written = [w.strip() for _, w in cells]
    if data.x.dtype["w"].kind == "U":
        assert data.x["w"].tolist() == written
    else:
        assert set(written) == {""}


# ---- bad files -------------------------------------------------------------------------------------------------------

BAD = {
    "comma in a number": (
        csv(at=10, row='"1,234.5",red,3,yes'),
        ["row 11 (line 12", "('size')", "'1,234.5'", "1234.5"],
    ),
    "commas in all": (
        csv([f'"{i + 1},{i + 100:03d}",red,{i},{"ny"[i % 2]}' for i in range(30)]),
        ["row 1 (line 2", "('size')", "'1,100'", "without commas"],
    ),
    "decimal commas": (
        csv([f"{i},5;red;{i};{'ny'[i % 2]}" for i in range(30)], HEAD.replace(",", ";")),
        ["row 1 (line 2", "('size')", "'0,5'", "0.5"],
    ),
    "decimal commas of four digits": (
        csv([f"{i},2882;red;{i};{'ny'[i % 2]}" for i in range(30)], HEAD.replace(",", ";")),
        ["row 1 (line 2", "'0,2882'", "with a point: 0.2882."],
    ),
    "decimal commas of three digits": (
        csv([f"{i + 1},288\tred\t{i}\t{'ny'[i % 2]}" for i in range(30)], HEAD.replace(",", "\t")),
        ["row 1 (line 2", "'1,288'", "with a point: 1.288."],
    ),
    "decimal commas in quotation marks": (
        csv([f'"{i + 1},2882",red,{i},{"ny"[i % 2]}' for i in range(30)]),
        ["row 1 (line 2", "'1,2882'", "with a point: 1.2882."],
    ),
    "millions beside semicolons": (
        csv([f"{i + 1},288,000;red;{i};{'ny'[i % 2]}" for i in range(30)], HEAD.replace(",", ";")),
        ["row 1 (line 2", "'1,288,000'", "without commas between their digits: 1288000."],
    ),
    "commas in the target": (
        csv([f'{i},red,{i},"{i + 1},{i + 100:03d}"' for i in range(30)]),
        ["row 1 (line 2", "('bought')", "'1,100'", "1100"],
    ),
    "latin": (csv().replace("red", "rød").encode("latin-1"), ["line 3", "0xf8", "UTF-8"]),
    "utf-16": (csv().encode("utf-16"), ["line 1", "UTF-8"]),
    "lone carriage returns": (csv(end="\r"), ["carriage return", "line 1"]),
    "too short": (csv(at=5, row="1,red,3"), ["row 6 (line 7", "3 cells", "has 4"]),
    "too long": (csv(at=5, row="1,red,3,no,more"), ["row 6 (line 7", "5 cells"]),
    "blank": (csv(at=5, row=""), ["line 7 is blank"]),
    "header twice": (csv(head="size,colour,size,bought"), ["2 columns 'size'", "1 and 3"]),
    "no name": (csv([r + "," for r in ROWS], HEAD + ","), ["column 5 has no name"]),
    "no answer": (csv(at=8, row="1.5,red,3,"), ["row 9 (line 10", "column 4 ('bought') is empty", "target"]),
    "no such answer": (csv(head="size,colour,count,sold"), ["no column 'bought'", "size, colour, count, sold"]),
    "infinite": (csv(at=60, row="inf,red,3,no"), ["row 61 (line 62", "'inf'", "finite"]),
    "too large": (csv(at=60, row="1,red,1e300,no"), ["row 61 (line 62", "column 3 ('count')", "'1e300'", "too large"]),
    "too large an answer": (
        csv([f"1,red,{i},{i}.5" for i in range(9)], at=9, row="1,red,3,1e300"),
        ["row 10", "'1e300'"],
    ),
    "stray word": (csv(at=20, row="oops,red,3,no"), ["row 21 (line 22", "('size')", "'oops'", "60 other cells"]),
    "never closed": (csv(at=20, row='1.5,"red,3,no'), ["quotation mark"]),
    "zero byte": (csv(at=20, row="1.5,re\0d,3,no"), ["zero byte", "line 22"]),
    "header only": (HEAD + "\n", ["no row of data"]),
    "empty": ("", ["empty"]),
    "only the answer": ("bought\nyes\nno\n", ["one column only"]),
    "a page": ("<html><body>404</body></html>\n", ["no row of data"]),
    "a list": ('[{"a":1,"b":2},\n{"a":3,"b":4}]\n', ["line 1"]),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_named_with_row_and_column(table, kind) -> None:
    text, words = BAD[kind]
    path = table(text)
    with pytest.raises(pl.DataError) as error:
        read_table(path, "bought")
    said = str(error.value)
    assert "\n" not in said
    for word in (str(path), *words):
        assert word in said, said


def test_only_data_errors_come_from_damage(table) -> None:
    outcomes = set()
    for seed in range(300):
        raw = csv(end="\r\n").encode()
        path = table(b"")
        path.write_bytes(damaged(raw, seed) if seed % 3 else damaged(gzip.compress(raw), seed))
        try:
            data = read_table(path, "bought")
            if len(data) > 1:
                found = infer(pl.split(data, 0.5)[0])
                assert np.isfinite(found.table(data.x)).all()
            outcomes.add("read")
        except pl.DataError:
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}


# ---- what is found about the columns ---------------------------------------------------------------------------------


def records(rows=60, **columns) -> pl.Data:
    """A table of these columns, whose target nothing tells."""
    fields = {name: np.asarray(column) for name, column in columns.items()}
    x = np.empty(rows, [(name, column.dtype) for name, column in fields.items()])
    for name, column in fields.items():
        x[name] = column
    t = np.random.default_rng(0).integers(0, 2, rows)
    return pl.Data(x, t, ("a", "b"), columns=x.dtype.names or (), target="answer")


RNG = np.random.default_rng(1)
NUMBERS = RNG.normal(size=60)
COLUMNS = {
    "number": (NUMBERS, "number", True, ""),
    "few": (RNG.integers(1, 4, 60) * 1.0, "number", True, ""),
    "holes": (np.where(np.arange(60) < 6, np.nan, 3.0 * np.arange(60) ** 0.5), "number", True, "6 missing, median"),
    "income": (np.exp(2 * NUMBERS), "number", True, "as a logarithm"),
    "flag": (RNG.integers(0, 2, 60) * 1.0, "yes/no", True, ""),
    "said": (RNG.choice(["True", "False"], 60), "yes/no", True, ""),
    "colour": (RNG.choice(["red", "blue", ""], 60, p=[0.5, 0.3, 0.2]), "category", True, "2, and"),
    "city": (
        [f"c{i % 25}{'xy'[i % 2]}" for i in range(60)],
        "identifier",
        False,
        "as good as an identifier: 50 different",
    ),
    "name": ([f"N{i}" for i in range(60)], "identifier", False, "another in each row"),
    "title": ([f"a tale of {i} cities" for i in range(60)], "text", False, "free text, 60 different in 60 rows"),
    "counted": (np.arange(60) + 1.0, "identifier", False, "another number in each row"),
    "customer_id": (RNG.permutation(60) * 977 + 5e5, "identifier", False, "another number"),
    "day": ([f"2024-0{i % 9 + 1}-1{i % 10}" for i in range(60)], "date", False, "dates (2024-01-10)"),
    "price": ([f"${i % 7}.50" for i in range(60)], "text", False, "numbers with units ($0.50)"),
    "dollars": ([f"${i},001" for i in range(60)], "text", False, "numbers with units ($0,001)"),
    "pounds": ([f"-£{i},001.50" for i in range(60)], "text", False, "numbers with units (-£0,001.50)"),
    "euros": ([f"EUR {i}.001,50" for i in range(60)], "text", False, "numbers with units (EUR 0.001,50)"),
    "said_day": ([f"Mar {i % 9 + 1}, 2023" for i in range(60)], "date", False, "dates (Mar 1, 2023)"),
    "long_day": ([f"{i % 28 + 1} September 2023" for i in range(60)], "date", False, "dates (1 September 2023)"),
    "minute": ([f"{i % 24}:{i % 60:02d}" for i in range(60)], "date", False, "times of day (0:00)"),
    "month": (RNG.choice(["March", "May"], 60), "category", True, "2"),
    "planet": (RNG.choice(["Mars 3", "Maybe 5"], 60), "category", True, "2"),
    "score": (RNG.choice(["2:1", "0:3"], 60), "category", True, "2"),
    "block": (RNG.choice(["3a", "12b"], 60), "category", True, "2"),
    "same": (np.full(60, 2.0), "constant", False, "the same in every row (2)"),
    "word": (["x"] * 60, "constant", False, "the same in every row"),
    "nothing": (np.full(60, np.nan), "empty", False, "empty in every row"),
    "no_word": ([""] * 60, "empty", False, "empty in every row"),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_every_kind_of_column_is_known(name) -> None:
    cells, kind, used, words = COLUMNS[name]
    data = records(**{name: cells, "beside": NUMBERS[::-1]})
    found = next(f for f in infer(data).found if f.name == name)
    assert (found.kind, found.used) == (kind, used), found
    assert words in found.words
    assert [c.name for c in infer(data).table.columns] == ([name] if used else []) + ["beside"]
    if not used and kind != "empty":
        assert name in [c.name for c in infer(data, keep=[name]).table.columns]
    assert name not in [c.name for c in infer(data, drop=[name]).table.columns]
    assert np.isfinite(infer(data).table(data.x)).all()


def test_years_and_few_rows_are_no_identifiers() -> None:
    data = records(year=np.arange(1960, 2020) * 1.0, beside=NUMBERS)
    assert infer(data).found[0].kind == "number"
    data = records(8, n=np.arange(8.0), w=[f"w{i}" for i in range(8)])
    assert [f.kind for f in infer(data).found] == ["number", "category"]


def test_many_words_become_how_common_they_are() -> None:
    data = records(400, city=[f"c{i % 60}" for i in range(400)])
    assert isinstance(infer(data).table.columns[0], pl.Frequency)
    assert "60 words, by how common each is" in infer(data).found[0].words


def test_rare_words_share_a_column() -> None:
    data = records(600, port=["S", "C"] * 298 + ["Q", "Q", "Z", ""])
    column = infer(data).table.columns[0]
    assert column == pl.Category("port", ("C", "S"), others=True)
    assert infer(data).found[0].words == "4, 2 of them rare, and 1 missing"


def test_what_is_said_fits_many_columns() -> None:
    columns = {f"n{i}": RNG.normal(size=60) for i in range(30)} | {f"k{i}": np.ones(60) for i in range(9)}
    lines = list(infer(records(**columns)).lines())
    assert lines[0] == ("numbers", ", ".join(f"n{i}" for i in range(16)) + ", and 14 more")
    assert lines[1] == ("left out", "k0, k1, k2, k3 and 5 more, each the same in every row")
    assert len(lines) == 2


def test_nothing_to_learn_from_and_unknown_columns_are_refused() -> None:
    with pytest.raises(pl.DataError, match=r"no column to learn from.*same in every row.*--keep"):
        infer(records(a=np.ones(60)))
    for way in ({"keep": ["b"]}, {"drop": ["b"]}):
        with pytest.raises(pl.DataError, match=r"no column 'b' to keep or drop\. It has a"):
            infer(records(a=NUMBERS), **way)


# ---- what gives the answer away --------------------------------------------------------------------------------------


def leaky(cells, t, classes=()) -> pl.Data:
    data = records(len(t), leak=cells, beside=RNG.normal(size=len(t)))
    return pl.Data(data.x, np.asarray(t), classes, columns=data.columns, target="answer")


T = RNG.integers(0, 3, 120)
V = RNG.normal(size=120) * 1000
GIVEN_AWAY = {
    "other names": (np.array(["lo", "mid", "hi"])[T], T, "under other names (hi = 2, lo = 0, mid = 1)"),
    "a number for each": (T * 10.0, T, "under other names (0 = 0, 10 = 1, 20 = 2)"),
    "finer names": (
        np.array(["lo", "mid", "hi", "top"])[T + (np.arange(120) % 2) * (T == 2)],
        T,
        "100.0 % of the rows",
    ),
    "nearly": (np.where(np.arange(120) == 0, (T + 1.0) % 3, T), T, "99.2 % of the rows"),
    "another unit": (V / 1.609, V, "follows from it alone (correlation 1.0000)"),
    "another scale": (np.exp(V / 500), V, "correlation 1.0000"),
    "rounded": (np.round(V, -1), V, "follows from it alone"),
}


@pytest.mark.parametrize("kind", GIVEN_AWAY)
def test_what_gives_the_answer_away_is_left_out_and_said(kind) -> None:
    cells, t, words = GIVEN_AWAY[kind]
    data = leaky(cells, t, ("0", "1", "2") if t is T else ())
    found = infer(data)
    assert [c.name for c in found.table.columns] == ["beside"]
    said = next(f for f in found.found if f.name == "leak")
    assert said.warning
    assert words in said.words
    assert "--keep leak" in said.words
    kept = infer(data, keep=["leak"])
    assert [c.name for c in kept.table.columns] == ["leak", "beside"]
    assert any(head == "warning" and "before the answer" in line for head, line in kept.lines())


@pytest.mark.parametrize(
    ("cells", "t"),
    [
        (T + RNG.normal(size=120), T),
        (np.array(["a", "b", "c"])[np.where(RNG.random(120) < 0.9, T, (T + 1) % 3)], T),
        (V + 200 * RNG.normal(size=120), V),
        (np.array([f"w{i}" for i in range(120)]), T),
        (np.array(["a", "b"])[(V > 0) * 1], V),
    ],
    ids=["noisy number", "nine in ten", "noisy value", "names", "word for a value"],
)
def test_a_good_sign_is_no_leak(cells, t) -> None:
    data = leaky(cells, t, ("0", "1", "2") if t is T else ())
    assert gives_away(data.x["leak"], data, "answer") is None


def test_a_measurement_that_separates_the_classes_is_kept_with_a_warning() -> None:
    found = infer(leaky(T * 10.0 + RNG.normal(size=120), T, ("0", "1", "2")))
    assert [c.name for c in found.table.columns] == ["leak", "beside"]
    assert any(f.warning and "100.0 %" in f.words for f in found.found)


def test_the_only_column_is_kept() -> None:
    data = leaky(V * 2, V)
    alone = pl.Data(data.x[["leak"]], V, columns=("leak",), target="answer")
    assert [c.name for c in infer(alone).table.columns] == ["leak"]


# ---- the published tables --------------------------------------------------------------------------------------------


def test_titanic_as_published() -> None:
    found = {f.name: f for f in infer(read_table(published("tables", "titanic.csv"), "survived")).found}
    assert (found["alive"].used, found["alive"].warning) == (False, True)
    assert "survived under other names (no = 0, yes = 1)" in found["alive"].words
    assert found["age"].words == "177 missing, median 28"
    assert {n for n, f in found.items() if not f.used} == {"alive"}
    raw = {f.name: f.kind for f in infer(read_table(published("tables", "titanic_raw.csv"), "survived")).found}
    assert [raw[n] for n in ("name", "ticket", "cabin", "sex", "fare")] == [
        "text", "identifier", "identifier", "category", "number",
    ]  # fmt: skip


def test_california_as_published() -> None:
    data = read_table(published("tables", "california_housing.csv"), "median_house_value")
    assert (len(data), data.classes, int(np.isnan(data.x["total_bedrooms"]).sum())) == (20_640, (), 207)
    assert all(f.used for f in infer(data).found)
