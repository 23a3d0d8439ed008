"""Checking a loss: several draws of outputs and targets, two passes each, every value nudged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import UsageError
from pellucid.base.stable import softmax
from pellucid.inspection.backward.calling import same_numbers
from pellucid.inspection.backward.draws import is_ids, like, targets_like
from pellucid.inspection.backward.judge import Exhibit, Judgement, judge
from pellucid.inspection.backward.loss_suspects import Formula, loss_suspects, recognise
from pellucid.inspection.backward.losses import LossBody, LossSubject
from pellucid.inspection.backward.matching import Scene
from pellucid.inspection.backward.mistakes import UNKNOWN
from pellucid.inspection.backward.nudge import is_coarse, jacobian
from pellucid.inspection.backward.report import ArrayReport, BackwardReport, Finding
from pellucid.inspection.backward.trial import EXACT, ROUGH, SINGLE

MOST = 6
CLIP = 2e-6  # probabilities so near to 0 and 1 are clipped by most losses, and their slope there is a matter of taste
SIZES = ((3, 3), (5, 4), (7, 3), (4, 5))  # (samples, outputs) of the draws


@dataclass
class LossTrial:
    """One forward and backward of a loss."""

    x: Array
    t: Array
    value: float
    said: Array | None
    truth: Array
    written: dict[str, str]
    trouble: Exception | None
    tolerance: float
    before: LossTrial | None
    old: Array | None  # the true gradient at the outputs of the trial before
    drawn: bool = True


def check_loss(subject: LossSubject, x: Array | None, t: Array | None, seed: int) -> BackwardReport:
    """Check a loss.

    Args:
        subject: the loss.
        x: outputs (N, K) for it, or None.
        t: targets, or None.
        seed: the draws follow from it.
    """
    rng = np.random.default_rng([seed, 13])
    if x is None or t is None:
        x, t = some_pair(subject, x, rng)
    x = np.asarray(x, np.float64)
    if len(x) != len(t):
        raise UsageError(f"{len(x)} outputs and {len(t)} targets: a loss compares as many of one as of the other.")
    trials = _pair(subject, x[:MOST], t[:MOST], seed)
    for trial in trials:
        trial.drawn = False
    for draw, (n, k) in enumerate(SIZES, 1):
        for width in (k, x.shape[-1]):
            shape = (*x.shape[1:-1], width) if x.ndim > 1 and x.shape[-1] > 1 else x.shape[1:]
            more = like(x, n, rng, shape, keep=True)
            try:
                trials += _pair(subject, more, targets_like(t, x, more, rng), seed + draw)
                break
            except Exception:  # a loss that knows its number of classes; the caller's own width fits
                continue
    return _report(subject, trials)


def some_pair(subject: LossSubject, x: Array | None, rng: np.random.Generator) -> tuple[Array, Array]:
    """Outputs and targets that suit the loss, by its name and by trying."""
    low = subject.name.lower()
    shares = rng.uniform(0.1, 0.9, (5, 3))
    shares /= shares.sum(axis=1, keepdims=True)
    ids, bits, real = rng.integers(0, 3, 5), rng.integers(0, 2, (5, 3)), rng.standard_normal((5, 3))
    hot = np.eye(3)[ids]
    if any(word in low for word in ("binary", "bce", "sigmoid", "logistic")):
        options = [(real, bits.astype(float)) if "sigmoid" in low or "logit" in low else (shares, bits.astype(float))]
    elif any(word in low for word in ("cross", "entropy", "softmax", "nll", "categorical", "ce")) and "mean" not in low:
        scores = real if "softmax" in low or "logit" in low else shares
        options = [(scores, ids), (scores, hot)]
    else:
        options = [(real, rng.standard_normal((5, 3)))]
    options += [(real, rng.standard_normal((5, 3))), (real, ids), (shares, bits.astype(float)), (shares, hot)]
    for outputs, t in options:
        if x is not None:
            outputs, t = x, targets_like(t, outputs, x, rng)
        try:
            value = subject.fresh().forward(outputs.copy(), t)
            beyond = np.where(outputs > 1.0, outputs + 1.0, np.where(outputs < 0.0, outputs - 1.0, outputs))
            clipped = np.any(beyond != outputs) and value == subject.fresh().forward(beyond, t)
            if np.isfinite(value) and not clipped:  # what does not look beyond 0 and 1 wants probabilities
                return outputs, t
        except Exception:  # another kind of targets may fit
            continue
    raise UsageError(
        f"No outputs and targets that were tried fit {subject.name}. Give some: pl.check_backward(loss, x, t)."
    )


def _pair(subject: LossSubject, x: Array, t: Array, seed: int) -> list[LossTrial]:
    rng = np.random.default_rng([seed, 17])
    body = subject.fresh()
    first = _watch(subject, body, x, t, None, rng)
    order = rng.permutation(len(x))
    x2 = like(x, len(x), rng, x.shape[1:], keep=True)
    return [first, _watch(subject, body, x2, t[order], first, rng)]


def _watch(
    subject: LossSubject, body: LossBody, x: Array, t: Array, before: LossTrial | None, rng: np.random.Generator
) -> LossTrial:
    given, goal, written = x.copy(), t.copy(), dict[str, str]()
    value = body.forward(given, goal)
    if not np.isfinite(value):
        raise UsageError(f"{subject.name} is {value} here; a gradient can be checked only where the loss is finite.")
    _note(written, "forward", subject, given, x, goal, t)
    dvalues = body.outputs(x)
    kept = dvalues.copy()
    said, trouble = None, None
    try:
        said = body.backward(given, goal, dvalues)
    except UsageError:
        raise
    except Exception as error:  # the caller's own bug, which is what we are here to report
        trouble = error
    _note(written, "backward", subject, given, x, goal, t)
    if not same_numbers(dvalues, kept):
        written.setdefault("dvalues", "backward")
    probe = subject.fresh()

    def values(a: Array) -> Array:
        return np.asarray([probe.forward(a.copy(), t.copy())])

    here = values(x)
    shares = bool(x.min() >= 0.0 and x.max() <= 1.0)
    coarse = is_coarse(values, x, here, rng, shares)
    truth = jacobian(values, x, here, coarse, rng, shares).pull(np.ones(1))
    if shares:  # where probabilities are clipped, the value stands still
        truth = np.where((x < CLIP) | (x > 1.0 - CLIP), np.nan, truth)
    old = None
    if before is not None:
        past, base = before.x, values(before.x)
        old = jacobian(values, past, base, coarse, rng, shares).pull(np.ones(1)) if np.isfinite(base).all() else None
    single = said is not None and said.dtype.kind == "f" and said.dtype.itemsize < 8
    return LossTrial(
        x, t, value, said, truth, written, trouble, ROUGH if coarse else SINGLE if single else EXACT, before, old
    )


def _note(written: dict[str, str], by: str, s: LossSubject, x: Array, x0: Array, t: Array, t0: Array) -> None:
    for name, now, then in ((s.x, x, x0), (s.t, t, t0)):
        if not same_numbers(now, then):
            written.setdefault(name, by)
            now[...] = then


def _dense_targets(x: Array, t: Array) -> Array | None:
    """The targets in x's shape: one-hot rows for ids."""
    if is_ids(t, x):
        return np.asarray(np.eye(x.shape[-1])[t.reshape(x.shape[:-1]).astype(int)])
    return t.reshape(x.shape).astype(np.float64) if t.size == x.size else None


def _report(subject: LossSubject, trials: Sequence[LossTrial]) -> BackwardReport:
    ran = [tr for tr in trials if tr.trouble is None]
    findings: list[Finding] = []
    rows: list[ArrayReport] = []
    judged: Judgement | None = None
    if ran:
        judged = judge(subject.gradient, [_exhibit(tr, subject) for tr in ran])
    written = {name: by for tr in ran for name, by in tr.written.items()}
    formulas = [(f, tr) for tr in ran if (f := recognise(tr.x, _dense_targets(tr.x, tr.t), tr.truth))]
    axis = next((label for tr in ran if (label := _wrong_axis(tr))), "")
    if judged is not None:
        names = judged.mistakes
        if judged.verdict == "wrong" and not names and (axis or written):
            names = ("softmax over the wrong axis",) if axis else ("argument overwritten",)
        verdict = {"right": "right", "wrong": "wrong"}.get(judged.verdict, "not checked")
        remark = "on a kink in every draw" if judged.verdict == "unknown" else judged.note
        rows.append(ArrayReport(subject.gradient, verdict, judged.compared, judged.error, names, remark))  # type: ignore[arg-type]
        if judged.verdict == "wrong":
            code = _repair(subject, *formulas[-1]) if formulas else ""
            findings += [Finding(n, (subject.gradient,), judged.evidence, code) for n in names or (UNKNOWN,)]
    if axis and not any(f.name == "softmax over the wrong axis" for f in findings):
        said = f"forward's value is that of a softmax over {axis}; the shares of one sample (a row) must sum to 1."
        findings.append(
            Finding(
                "softmax over the wrong axis",
                ("forward",),
                (said,),
                "e / e.sum(axis=-1, keepdims=True)        # in forward",
            )
        )
    for name, by in written.items():
        rows.append(ArrayReport(name, "wrong", mistakes=("argument overwritten",), remark=f"by {by}"))
        said = f"{by} writes to {name}, which belongs to the caller."
        findings.append(
            Finding("argument overwritten", (name,), (said,), f"{name} = {name}.copy()        # first line of {by}")
        )
    if failed := [tr for tr in trials if tr.trouble is not None]:
        error = failed[0].trouble
        often = f"(outputs {failed[0].x.shape}), in {len(failed)} of {len(trials)} trials"
        said = f"backward ends with {type(error).__name__}: {error} {often}."
        findings.append(Finding(UNKNOWN, ("backward",), (said,)))
        if not ran:
            rows.append(ArrayReport(subject.gradient, "wrong", remark="backward fails"))
    sizes = ", ".join(str(len(tr.x)) for tr in trials if tr.before is None)
    how = f"backward beside nudges of the reported value, {len(trials)} passes over batches of {sizes}"
    return BackwardReport(subject.name, how, tuple(rows), tuple(findings))


def _exhibit(tr: LossTrial, subject: LossSubject) -> Exhibit:
    before = None
    if tr.before is not None:
        said = tr.before.said if tr.before.said is not None else np.zeros(())
        before = (np.asarray(said, np.float64), tr.truth if tr.old is None else tr.old)
    scene = Scene(
        len(tr.x),
        tr.x.size // len(tr.x),
        tr.tolerance,
        (1e-4 if tr.tolerance == ROUGH else 2e-10) * (1.0 + abs(tr.value)),
    )
    lineup = loss_suspects(tr.x, _dense_targets(tr.x, tr.t), tr.truth, before, subject.gradient)
    return Exhibit(tr.said, tr.truth, lineup, scene, tr.drawn)


def _wrong_axis(tr: LossTrial) -> str:
    """Whether the value is the cross-entropy of a softmax over something else than the rows."""
    T = _dense_targets(tr.x, tr.t)
    if T is None or tr.x.ndim != 2 or len(tr.x) < 2 or tr.x.shape[1] < 2 or np.any(T < 0):
        return ""

    def entropy(p: Array) -> float:
        return -float(np.mean(np.sum(T * np.log(np.clip(p, 1e-300, None)), axis=1)))

    values = {
        "each column": softmax(tr.x.T).T,
        "all numbers of the batch": softmax(tr.x.reshape(1, -1)).reshape(tr.x.shape),
    }
    right = entropy(softmax(tr.x))
    near = 1e-5 * (1.0 + abs(tr.value))
    for label, p in values.items():
        if abs(entropy(p) - tr.value) < near and abs(right - tr.value) > 10.0 * near:
            return label
    return ""


def _repair(subject: LossSubject, formula: Formula, tr: LossTrial) -> str:
    """The right formula, if it was recognised, with the factor that the reported value asks for."""
    g, x, t = subject.gradient, subject.x, subject.t
    N, K = len(tr.x), tr.x.size // len(tr.x)
    known = {
        1 / N: f"{{}} / len({x})",
        2 / N: f"2 * {{}} / len({x})",
        1 / (N * K): f"{{}} / {x}.size",
        2 / (N * K): f"2 * {{}} / {x}.size",
        1.0: "{}",
        2.0: "2 * {}",
        0.5: "{} / 2",
    }
    form = next((f for c, f in known.items() if abs(c - formula.c) < 1e-6 * c), f"{formula.c:.4g} * {{}}")
    p = {"identity": x, "softmax": "p", "sigmoid": "p", "tanh": "p"}[formula.link]
    slope = {
        "square": f"({p} - {t})",
        "cross-entropy": f"(-{t} / {p})" if formula.link != "softmax" else f"(p - {t})",
        "binary cross-entropy": f"({p} - {t}) / ({p} * (1 - {p}))" if formula.link != "sigmoid" else f"(p - {t})",
        "absolute": f"np.sign({p} - {t})",
    }[formula.distance]
    hot = "        # y_true as one-hot rows".replace("y_true", t) if is_ids(tr.t, tr.x) else ""
    return f"{g} = {form.format(slope)}{hot}" + (
        f"        # p = {formula.link}({x})" if formula.link != "identity" and not hot else ""
    )
