"""The confusion matrix: a cell leads to the samples behind it. And for other answers than classes, what was most wrong.

Every cell is a link to a `<details>` below, so that it works by keyboard and without a script; with one, the opened
cell stands alone and Escape leads back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.inspection.report.behind import Behind
from pellucid.inspection.report.curves import chart
from pellucid.inspection.report.html import clean, counted, esc, number, opened, para, scroll, share, table, tag
from pellucid.inspection.report.judged import Judged
from pellucid.inspection.report.scatter import scatter

MATRIX = 20  # classes; of more, the matrix could not be read, and the largest mistakes are listed
LISTED = 40  # mistakes that are listed then
SHADES = 6


def confusion(judged: Judged, behind: Behind, most: int) -> str:
    """The section's inside, with at most so many samples behind a cell."""
    C, K = judged.C, len(judged.classes)
    right, total = int(np.trace(C)), int(C.sum())
    said = f"{right:,} of {total:,} right ({share(right / total)}) on the {judged.part} part."
    wrong = C * ~np.eye(K, dtype=bool)
    if wrong.any():
        i, j = (int(k) for k in np.unravel_index(int(wrong.argmax()), C.shape))
        said += f" Most often {judged.classes[i]} was answered {judged.classes[j]}: {counted(int(C[i, j]), 'time')}."
    else:
        said += " There is no mistake."
    parts = [para(said)]
    cells = list(_cells(judged, K))
    if K <= MATRIX:
        parts.append(para("A row is a true class, a column an answer. A number opens the samples behind it.", "soft"))
    else:
        parts.append(para(f"{K} classes are too many for a matrix; these are the largest mistakes.", "soft"))
    inside = "".join(_cell(judged, behind, i, j, most) for i, j in cells)
    if behind.left_out and most:
        inside = para(f"Of each row the first columns are shown; {behind.left_out} more are left out.", "soft") + inside
    matrix = _matrix(judged, C) if K <= MATRIX else ""
    return "".join(parts) + tag("div", matrix + tag("div", inside, class_="cells", id="cells"), class_="beside")


def _cells(judged: Judged, K: int) -> Iterator[tuple[int, int]]:
    """The cells that have samples, wrong ones first, the largest first."""
    C = judged.C
    order = [divmod(int(k), K) for k in np.argsort(-C, axis=None, kind="stable") if C.flat[k]]
    wrong = [(i, j) for i, j in order if i != j]
    yield from wrong[:LISTED] if K > MATRIX else wrong
    if K <= MATRIX:
        yield from ((i, j) for i, j in order if i == j)


def _matrix(judged: Judged, C: Any) -> str:
    names, K = judged.classes, len(judged.classes)
    head = "".join(tag("th", esc(name), scope="col") for name in names)
    rows = []
    for i in range(K):
        total = int(C[i].sum())
        cells = []
        for j in range(K):
            n = int(C[i, j])
            depth = min(SHADES, 1 + int(SHADES * (n / total) ** 0.5)) if n else 0
            kind = f"{'right' if i == j else 'wrong'} s{depth}" if n else None
            words = f"{names[i]} answered {names[j]}: {counted(n, 'sample')}"
            link = tag("a", f"{n:,}", href=f"#cell-{i}-{j}", aria_label=words) if n else '<span class="none">0</span>'
            cells.append(tag("td", link, class_=kind))
        own = share(C[i, i] / total) if total else "-"
        rows.append(f'<tr><th scope="row">{esc(names[i])}</th>{"".join(cells)}<td>{own}</td></tr>')
    caption = '<caption class="unseen">Confusion matrix: true class by row, answer by column</caption>'
    corner = '<th scope="col">true \\ answer</th>'
    inside = f'{caption}<thead><tr>{corner}{head}<th scope="col">right</th></tr></thead><tbody>{"".join(rows)}</tbody>'
    return scroll(tag("table", inside, class_="matrix"), "Confusion matrix")


def _cell(judged: Judged, behind: Behind, i: int, j: int, most: int) -> str:
    """The samples of one cell: of wrong ones the surest first, of right ones the least sure."""
    at = np.flatnonzero((judged.truth == i) & (judged.answers == j))
    sure = judged.y[at, j]
    order = np.argsort(sure if i == j else -sure, kind="stable")
    shown = at[order][:most].tolist()
    names = judged.classes
    head = f"{names[i]} answered {names[j]}, {'right' if i == j else 'wrong'}: {counted(len(at), 'sample')}"
    which = "the least sure first" if i == j else "the surest first"
    note = which if len(shown) == len(at) else f"{len(shown)} of them, {which}"
    words = [share(float(judged.y[n, j])) for n in shown]
    asked = [j] if i == j else [j, i]  # whose shares are shown: the answer's, and the truth's
    heads = tuple(f"sure of {clean(names[k], 20)}" for k in asked)
    cells = [tuple(share(float(judged.y[n, k])) for k in asked) for n in shown]
    note += "; below each, how sure the network was of its answer" if behind.pictures is not None else ""
    inside = para(f"{note[0].upper()}{note[1:]}.", "soft") if shown else ""
    inside += behind.show(shown, words, f"The samples behind {names[i]} answered {names[j]}", heads, cells)
    if not shown:
        inside = para("The samples: " + ", ".join(f"#{n}" for n in at[order][:60].tolist()) + ".")
    return opened(head, inside, kind="cell", id_=f"cell-{i}-{j}")


# ---- other answers than classes --------------------------------------------------------------------------------------


def errors(judged: Judged, behind: Behind, most: int) -> str:
    """For values: the samples that were answered worst, and each answer beside its target."""
    t: Array = np.asarray(judged.data.t, float).reshape(judged.y.shape)
    off = judged.y - t
    mean, typical = float(np.abs(off).mean()), float(np.sqrt((off**2).mean()))
    said = (
        f"On {counted(len(t), 'sample')} of the {judged.part} part the answer is off by {number(mean)} in the mean; "
        f"the root of the mean square is {number(typical)}. Always saying the mean would be off by "
        f"{number(float(np.abs(t - t.mean(axis=0)).mean()))}."
    )
    worst = judged.worst[:most].tolist()
    K = t.shape[1]
    heads = tuple(name for k in range(K) for name in _heads(k, K))[:9]
    cells = [
        tuple([text for k in range(K) for text in (number(t[n, k]), number(judged.y[n, k]), _signed(off[n, k]))][:9])
        for n in worst
    ]
    words = [f"true {number(t[n, 0])}, answer {number(judged.y[n, 0])}" for n in worst]
    shown = behind.show(worst, words, "The worst answers", heads, cells)
    drawn = chart(scatter(t[:, 0], judged.y[:, 0]), "Answers against targets, sample by sample.") if K == 1 else ""
    both = tag("div", drawn + _spread(off.ravel()), class_="charts")
    return para(said) + both + (tag("h3", "The worst answers") + shown if worst else "")


def _heads(k: int, K: int) -> tuple[str, str, str]:
    own = f" {k}" if K > 1 else ""
    return f"true{own}", f"answer{own}", f"off by{own}"


def _signed(value: float) -> str:
    return f"+{number(value)}" if value > 0 else number(value)


def _spread(off: Any) -> str:
    """How far off the answers are, as a table."""
    shares = (5, 25, 50, 75, 95)
    found = np.percentile(off[np.isfinite(off)], shares) if np.isfinite(off).any() else []
    rows = [(f"{p} % are below", _signed(float(v))) for p, v in zip(shares, found, strict=False)]
    return table("How far the answers are off: answer minus target", ("share of the answers", "off by"), rows)


def several(judged: Judged) -> str:
    """For several yes-or-no answers: each by itself."""
    t = np.asarray(judged.data.t).reshape(judged.y.shape) >= 0.5
    yes = judged.y >= 0.5
    rows = []
    for k, name in enumerate(judged.classes):
        hit, missed = int((yes & t)[:, k].sum()), int((~yes & t)[:, k].sum())
        false, none = int((yes & ~t)[:, k].sum()), int((~yes & ~t)[:, k].sum())
        rows.append((name, f"{hit:,}", f"{missed:,}", f"{false:,}", f"{none:,}", share((hit + none) / len(t))))
    heads = ("output", "yes, rightly", "no, wrongly", "yes, wrongly", "no, rightly", "right")
    said = f"Each output says yes or no by itself, on {counted(len(t), 'sample')} of the {judged.part} part."
    return para(said) + table("Right and wrong, output by output", heads, rows)
