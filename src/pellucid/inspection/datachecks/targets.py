"""The answers: one class that drowns the others, classes of a few samples, answers that only number the rows."""

from __future__ import annotations

import numpy as np

from pellucid.datasets.infer import numbers_the_rows
from pellucid.inspection.datachecks.case import FEW, Case, listed, percent
from pellucid.inspection.finding import Finding

MOST = 0.8  # of the samples in one class: always answering it looks like a good network
TIMES = 10.0  # as many samples in the largest class as in the smallest
LEAST = 5  # samples of a class in the training part; fewer are learned by heart
MANY = 0.5  # as many classes as this share of the samples: they number them


def class_imbalance(case: Case) -> Finding | None:
    """One class with nearly all samples, or one with ten times as many as another."""
    if case.targets is None or len(case.train) < FEW or number_rows(case):
        return None
    counts, names = np.bincount(case.targets["training"], minlength=len(case.classes())), case.classes()
    there = np.flatnonzero(counts)
    largest, smallest = int(counts.argmax()), int(there[counts[there].argmin()])
    share = counts[largest] / counts.sum()
    if len(there) < 2 or (share < MOST and counts[largest] < TIMES * counts[smallest]):
        return None
    order = there[np.argsort(-counts[there], kind="stable")]
    said = [f"{names[k]} {counts[k]:,}" for k in order.tolist()]
    return Finding(
        "class imbalance",
        f"{names[largest]!r} has {counts[largest]:,} of {counts.sum():,} training samples, {names[smallest]!r} has "
        f"{counts[smallest]:,}.",
        (
            f"always answering {names[largest]!r} would be right in {percent(counts[largest], counts.sum())}",
            f"the classes: {listed(said, 8)}",
        ),
        "Judge by recall and f1 of each class instead of accuracy alone, and weigh the rare samples.",
        "weights = (len(t) / (np.bincount(t) * len(np.unique(t))))[t]      # pl.Data(x, t, weights=weights)",
    )


def few_samples(case: Case) -> Finding | None:
    """Classes of which the training part has fewer than five samples, or none that another part has."""
    if case.targets is None or _is_whole(case) or number_rows(case):
        return None
    names = case.classes()
    counts = {part: np.bincount(t, minlength=len(names)) for part, t in case.targets.items()}
    learned, judged = counts["training"], sum(c for part, c in counts.items() if part != "training")
    asked = np.asarray(learned + judged) > 0
    few = np.flatnonzero(asked & (learned < LEAST))
    if not len(few):
        return None
    said = [f"{names[k]} {learned[k]}" for k in few.tolist()]
    never = [names[k] for k in few.tolist() if learned[k] == 0]
    return Finding(
        "too few rows a class",
        f"{len(few)} class{'es have' if len(few) > 1 else ' has'} fewer than {LEAST} training samples: {listed(said)}.",
        (
            *((f"no sample to learn from, and some to be judged on: {listed(never)}",) if never else ()),
            f"the median class has {float(np.median(learned[asked])):g}",
        ),
        "Add samples, join rare classes with others, or leave them out.",
    )


def _is_whole(case: Case) -> bool:
    """Whether a handful of samples lacks none: a truth table, or numbers that are each the value of one sample."""
    t, N = np.asarray(case.train.t), len(case.train)
    if N >= FEW:
        return False
    columns = [cells for _, cells in case.columns()]
    marks = bool(columns) and all(len(np.unique(cells)) == 2 for cells in columns)
    rows = len(set(zip(*(cells.tolist() for cells in columns), strict=True)))
    values = not case.train.classes and t.ndim == 1 and len(np.unique(t)) == N
    return values or (marks and rows == 2 ** len(columns))


def labels_number_the_rows(case: Case) -> Finding | None:
    """Answers that are different in nearly every sample although they are classes, or that count the samples."""
    how = number_rows(case)
    if how is None:
        return None
    return Finding(
        "labels look like an identifier",
        f"{case.train.target or 'The target'} {how}.",
        ("what numbers the rows cannot be told from anything else about them",),
        "Name the column that holds the answers.",
        "--target COLUMN" if case.train.columns else "",
    )


def number_rows(case: Case) -> str | None:
    """In which way the answers number the samples; None if they do not."""
    t, N = np.asarray(case.train.t), len(case.train)
    if N < FEW or t.ndim > 1 or t.dtype.kind not in "biuf":
        return None
    different = len(np.unique(t))
    if case.train.classes and different > MANY * N:
        return f"has {different:,} different classes in {N:,} samples"
    whole = bool((t == np.floor(t)).all())
    if not case.train.classes and whole and numbers_the_rows(case.train.target, t.astype(np.float64)):
        return f"is another whole number in each of {N:,} samples, from {t.min():g} to {t.max():g}"
    return None
