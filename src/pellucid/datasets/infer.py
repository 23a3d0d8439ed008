"""What the columns of a table are, found by looking at them: which to use and how, which to leave out and why.

Only the training part is looked at, and everything that was found is said, so that a person can disagree. What gives
the answer away is left out: a network that reads the answer from a copy of it has learned nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import DataError
from pellucid.data.batches import Data
from pellucid.data.columns import Category, Frequency, Number
from pellucid.data.table import Table
from pellucid.datasets.leaks import gives_away

FEW = 20  # rows; below, nothing is concluded from how many words differ
MANY_WORDS = 30  # different words beyond this become how common they are, not a column each
SOME_WORDS = 10  # and so do more than these, if each stands in fewer than five rows
LEAST = 5  # a word seen fewer times than this (a hundredth of few rows) shares a column with the other rare ones
SKEWED = 2.0  # numbers of 0 or more whose third moment is beyond this differ by factors: their logarithm is taken
LONG = 25.0  # letters a cell on average: beyond, it is a text
DATE = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([ T]\d.*)?|\d{1,2}[-/.]\d{1,2}[-/.](\d{2}|\d{4})([ T]\d.*)?|\d{4}-\d{2}"
)
MONTH = r"(jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?"
MONTH += r"|nov(ember)?|dec(ember)?)\.?"
NAMED_DATE = re.compile(  # with the month's name: Mar 3, 2023; 3 March 2023; 3-Mar-23; Fri, 3rd of March 2023
    rf"([a-z]{{2,9}}\.?,? )?({MONTH} \d{{1,2}}(st|nd|rd|th)?,? \d{{4}}"
    rf"|\d{{1,2}}(st|nd|rd|th|\.)?( of)?[- ]?{MONTH}[- ,]{{0,2}}(\d{{4}}|\d{{2}})|{MONTH},? \d{{4}})([ T,].*)?",
    re.IGNORECASE,
)
TIME = re.compile(r"([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d([.,]\d+)?)?(Z| ?[ap]\.?m\.?)?", re.IGNORECASE)
CURRENCY = r"([$€£¥]|(USD|EUR|GBP|CHF|JPY)\b)"
UNIT = re.compile(  # 12 kg, 80 %, $5, -€1.5, EUR 1,001.50, 1.001,50 €
    rf"[-+]?\s*({CURRENCY}\s*[-+]?)?\s*(\d{{1,3}}([,']\d{{3}})+(\.\d+)?|\d[\d.]*(,\d+)?)"
    r"\s*([$€£¥%]|[a-zA-Zµ°]{1,4}[²³]?)?"
)
CODE = re.compile(rf"(?!{CURRENCY})[a-zA-Z].*|\d+[a-zA-Z]")
IDENTIFIER = re.compile(
    r"(.*[ _.-])?(id|uuid|guid|index|idx|row|nr|no|number|unnamed: ?\d+)|.*[a-z]I[dD]", re.IGNORECASE
)
MANY_ALIKE = 4  # more columns left out for one reason are told in one line
KINDS = {
    "constant": "the same in every row",
    "empty": "empty in every row",
    "identifier": "an identifier",
    "text": "free text",
    "date": "a date",
    "dropped": "as you said",
}
YES_NO = ({"yes", "no"}, {"true", "false"}, {"y", "n"}, {"t", "f"}, {"on", "off"})


@dataclass(frozen=True)
class Found:
    """What was found about one column.

    Args:
        name: the column.
        kind: number, yes/no, category, date, text, identifier, constant or empty.
        used: whether the network sees it.
        words: how it is used, or why it is left out.
        warning: whether a person should look at it.
    """

    name: str
    kind: str
    used: bool
    words: str
    warning: bool = False


@dataclass(frozen=True)
class Inferred:
    """A table's preparation, and what was found about each column.

    Args:
        table: the preparation, fitted, for `Model(prepare=...)`.
        found: one a column, in the table's order.
    """

    table: Table
    found: tuple[Found, ...]

    def lines(self) -> Iterator[tuple[str, str]]:
        """What was found as pairs of a head and a line: first what is used, by kind, then what is left out."""
        for kind, head in (("number", "numbers"), ("yes/no", "yes/no"), ("category", "words")):
            said = [
                f.name + (f" ({f.words})" if f.words and (kind != "yes/no" or "," in f.words) else "")
                for f in self.found
                if f.used and f.kind == kind
            ]
            more = f", and {len(said) - 16} more" if len(said) > 20 else ""
            if said:
                yield head, ", ".join(said[: 16 if more else 20]) + more
        if any(f.used and "missing" in f.words for f in self.found):
            yield "missing", "numbers are filled with the column's median and marked; a missing word is one more word"
        for kind in dict.fromkeys(f.kind for f in self.found if not f.used):
            alike = [f for f in self.found if f.kind == kind and not f.used and not f.warning]
            if len(alike) > MANY_ALIKE:
                names = ", ".join(f.name for f in alike[:MANY_ALIKE])
                yield "left out", f"{names} and {len(alike) - MANY_ALIKE} more, each {KINDS.get(kind, kind)}"
            else:
                yield from (("left out", f"{f.name}: {f.words}") for f in alike)
        yield from (("warning", f"{f.name}: {f.words}") for f in self.found if f.warning)

    def __str__(self) -> str:
        return "\n".join(f"{head:<9} {line}" for head, line in self.lines())


def infer(data: Data, keep: Collection[str] = (), drop: Collection[str] | Mapping[str, str] = ()) -> Inferred:
    """What the columns of a table are, and its preparation.

    Args:
        data: the training part, as `read_table` reads it: the rest must not be looked at.
        keep: columns to use, although they would be left out.
        drop: columns to leave out; as a dict, with the reasons.

    Raises:
        DataError: if a column is named that is not there, or none is left to learn from.

    >>> x = np.array([(4.5, "grey", "Tom"), (np.nan, "brown", "Rex")] * 20,
    ...              [("weight", float), ("coat", "U5"), ("name", "U3")])
    >>> x["name"] = [f"N{i}" for i in range(40)]
    >>> print(infer(Data(x, np.arange(40) // 3 % 2, ("cat", "dog"), columns=x.dtype.names)))
    numbers   weight (20 missing, median 4.5)
    words     coat (2)
    missing   numbers are filled with the column's median and marked; a missing word is one more word
    left out  name: an identifier, another in each row
    """
    names = data.x.dtype.names or ()
    for name in [*keep, *drop]:
        if name not in names:
            raise DataError(
                f"{data.name} has no column {name!r} to keep or drop. It has {', '.join(names[:20])}"
                f"{', ...' if len(names) > 20 else ''}."
            )
    why_not = drop if isinstance(drop, Mapping) else dict.fromkeys(drop, "as you said")
    kinds = {name: ("dropped", why_not[name]) if name in drop else _kind(name, data.x[name]) for name in names}
    useful = [n for n, (kind, why) in kinds.items() if n in keep or (kind != "dropped" and not why)]
    leaks = {n: gives_away(data.x[n], data, data.target or "the target") for n in useful}
    certain = [n for n in useful if n not in keep and leaks[n] is not None and leaks[n].certain]  # type: ignore[union-attr]
    out = set(certain) if len(certain) < len(useful) else set()
    columns: list[Number | Category | Frequency] = []
    found: list[Found] = []
    for name in names:
        kind, why = kinds[name]
        if name not in useful:
            found.append(Found(name, kind, False, why))
            continue
        leak = leaks[name]
        if name in out and leak is not None:
            found.append(Found(name, kind, False, f"{leak.words}. It is left out; --keep {name} uses it.", True))
            continue
        column, how = _column(name, data.x[name])
        kind = kind if kind in ("number", "yes/no") else "number" if isinstance(column, Number) else "category"
        columns.append(column)
        found.append(Found(name, kind, True, how))
        if leak is not None:
            found.append(Found(name, "warning", True, f"{leak.words}. Is it known before the answer is?", True))
    if not columns:
        said = "; ".join(f"{f.name}: {f.words}" for f in found)
        raise DataError(
            f"{data.name} has no column to learn from. {said}. To use one all the same, name it with --keep."
        )
    return Inferred(Table(tuple(columns), data.target), tuple(found))


def _kind(name: str, cells: Array) -> tuple[str, str]:
    """A column's kind, and why it is left out if it is."""
    missing = np.isnan(cells) if cells.dtype.kind == "f" else cells == ""
    there = cells[~missing]
    if not len(there):
        return "empty", "empty in every row"
    words, counts = np.unique(there, return_counts=True)
    if len(words) == 1 and not missing.any():
        return (
            "constant",
            f"the same in every row ({words[0]:g})" if cells.dtype.kind == "f" else "the same in every row",
        )
    if cells.dtype.kind == "f":
        if len(words) == 2 and set(words.tolist()) == {0.0, 1.0}:
            return "yes/no", ""
        numbered = numbers_the_rows(name, there)
        return ("identifier", "an identifier, another number in each row") if numbered else ("number", "")
    if {word.lower() for word in words.tolist()} in YES_NO:
        return "yes/no", ""
    if max(_share(DATE, words, counts), _share(NAMED_DATE, words, counts)) >= 0.9:
        return "date", f"dates ({words[0]}). What matters about them, such as the month, needs a column of its own"
    if _share(TIME, words, counts) >= 0.9:
        return (
            "date",
            f"times of day ({words[0]}). What matters about them, such as the hour, needs a column of its own",
        )
    if _share(UNIT, words, counts) >= 0.9 and not _share(CODE, words, counts) > 0.5:
        return "text", f"numbers with units ({words[0]}). Write the number alone to use it"
    if len(there) >= FEW and len(words) > 0.5 * len(there):
        length = float(np.strings.str_len(there).mean())
        spaces = float((np.strings.count(there, " ") >= 1).mean())
        if length > LONG or spaces > 0.5:
            return "text", f"free text, {len(words):,} different in {len(there):,} rows"
        if len(words) == len(there):
            return "identifier", "an identifier, another in each row"
        return "identifier", f"as good as an identifier: {len(words):,} different words in {len(there):,} rows"
    if len(there) >= FEW and float(np.strings.str_len(there).mean()) > 2 * LONG:
        return "text", "free text"
    return "category", ""


def _share(pattern: re.Pattern[str], words: Array, counts: Array) -> float:
    """The share of the cells that the pattern matches."""
    fits = np.array([pattern.fullmatch(word) is not None for word in words.tolist()])
    return float(counts[fits].sum() / counts.sum())


def numbers_the_rows(name: str, there: Array) -> bool:
    """Whether numbers only number the rows: whole, all different, and called so or counted from about 0."""
    whole = len(there) >= FEW and bool((there == np.floor(there)).all()) and len(np.unique(there)) == len(there)
    counted = 0 <= there.min() <= 10 + len(there) // 10 and there.max() < 2 * len(there) + 20
    return whole and (counted or IDENTIFIER.fullmatch(name) is not None)


def _column(name: str, cells: Array) -> tuple[Number | Category | Frequency, str]:
    """The preparation of a column, and in words what is special about it."""
    if cells.dtype.kind == "f":
        there = cells[~np.isnan(cells)]
        log = len(np.unique(there)) > FEW and bool(there.min() >= 0) and _skew(there) > SKEWED
        number = Number.fit(name, cells, log=log)
        said = ["as a logarithm"] if log else []
        if number.mark:
            said.append(f"{len(cells) - len(there):,} missing, median {number.fill:.4g}")
        return number, "; ".join(said)
    words, missing = np.unique(cells[cells != ""]), int((cells == "").sum())
    empty = f", and {missing:,} missing" if missing else ""
    if len(words) > MANY_WORDS or (len(words) > SOME_WORDS and len(words) * LEAST > len(cells)):
        return Frequency.fit(name, cells), f"{len(words)} words, by how common each is{empty}"
    category = Category.fit(name, cells, least=min(LEAST, max(1, len(cells) // 100)))
    rare = len(words) - len(set(category.words) - {""})
    return category, f"{len(words)}" + (f", {rare} of them rare" if rare else "") + empty


def _skew(x: Array) -> float:
    d = x - x.mean()
    return float((d**3).mean() / max(float((d * d).mean()) ** 1.5, 1e-300))
