"""A layer or activation, in whatever form: several draws, two passes each, a judgement on every array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import UsageError
from pellucid.base.stable import softmax
from pellucid.inspection.backward.calling import BIASES, WEIGHTS
from pellucid.inspection.backward.columns import Columns, samples_are_columns
from pellucid.inspection.backward.judge import Exhibit, Judgement, judge
from pellucid.inspection.backward.matching import Scene
from pellucid.inspection.backward.mistakes import UNKNOWN
from pellucid.inspection.backward.parts import Parts, find_parts
from pellucid.inspection.backward.repair import layer_repair
from pellucid.inspection.backward.report import ArrayReport, BackwardReport, Finding
from pellucid.inspection.backward.subject import Subject, X
from pellucid.inspection.backward.suspects import Lineup, suspects
from pellucid.inspection.backward.trial import EXACT, ROUGH, SINGLE, Trial, pair

MOST = 6  # samples of the caller's own batch that are looked at
DRAWS = 3  # beside the caller's own
SQUARE = 10  # draws from this number on have as many outputs as inputs


def check_layer(subject: Subject, x: Array | None, seed: int) -> BackwardReport:
    """Check a layer.

    Args:
        subject: the layer, brought to one form.
        x: the caller's own inputs, or None.
        seed: the draws follow from it.
    """
    shown = subject.input(7, subject.body(0), np.random.default_rng(0)) if x is None else x
    if samples_are_columns(subject, shown):
        inner, own = subject, x
        subject, x = Columns(inner, own, shown.shape[1] == 1), None if x is None else x.T
        trials = _trials(subject, x, seed)
        if not inner.given and all(t.trouble is not None for t in trials):  # perhaps it takes one column at a time
            trials = _trials(Columns(inner, None, single=True), None, seed)
    else:
        trials = _trials(subject, x, seed)
    if all(t.trouble is not None for t in trials):
        squared = _squared(subject, seed)
        if squared and all(t.trouble is None for t in squared):
            report = _report(subject, squared)
            return _also(report, trials[0].trouble)
    return _report(subject, trials)


def _few(subject: Subject, x: Array) -> Array:
    """The first samples of the caller's batch, unless forward takes the whole of it alone."""
    if x.ndim < 2 or len(x) <= MOST:
        return x
    try:
        subject.body(0).forward(x[:MOST].copy())
    except Exception:  # its batch has a fixed size, or its samples are no rows
        return x
    return x[:MOST]


def _squared(subject: Subject, seed: int) -> list[Trial]:
    """Draws in which the layer has as many outputs as inputs, where a product with the wrong matrix does not fail."""
    trials: list[Trial] = []
    rng = np.random.default_rng([seed, 31])
    for draw, n in enumerate((3, 5, 7), SQUARE):
        try:
            body = subject.body(draw)
            x1, x2 = subject.input(n, body, rng), subject.input(n, body, rng)
            D = x1.shape[-1]
            shapes = {
                name: (D, D) if p.ndim == 2 and 1 not in p.shape else (*p.shape[:-1], D)
                for name, p in body.params().items()
            }
            params = {name: 0.8 * rng.standard_normal(shape) for name, shape in shapes.items()}
            trials += pair(subject, draw, x1, x2, params, seed + draw)
        except Exception:  # a layer that cannot have other sizes
            return []
    return trials


def _trials(subject: Subject, x: Array | None, seed: int) -> list[Trial]:
    """The caller's own batch with the layer's own numbers, then draws of other sizes and numbers."""
    trials: list[Trial] = []
    rng = np.random.default_rng([seed, 3])
    if x is not None:
        own = _few(subject, np.asarray(x, np.float64))
        again = own[::-1].copy() if subject.whole_input else own + 0.5 * rng.standard_normal(own.shape)
        trials += pair(subject, 0, own, again, None, seed)
    first = subject.body(0)
    taken = {n for p in first.params().values() for n in p.shape} | {2}
    sizes = [n for n in (3, 5, 7, 4, 6, 8, 9, 11) if n not in taken][: DRAWS if x is not None else DRAWS + 1]
    for draw, n in enumerate(sizes, 1):
        body = subject.body(draw)
        x1, x2 = subject.input(n, body, rng), subject.input(n, body, rng)
        params = {name: 0.8 * rng.standard_normal(p.shape) for name, p in body.params().items()}
        try:
            trials += pair(subject, draw, x1, x2, params, seed + draw)
        except UsageError:
            raise
        except Exception as error:  # a forward that takes one size of batch alone, or no other numbers
            if not trials:
                raise UsageError(f"{subject.name}'s forward fails: {type(error).__name__}: {error}.") from error
    return trials


def _also(report: BackwardReport, trouble: Exception | None) -> BackwardReport:
    """The report with the error that backward ended with at first."""
    said = (
        f"backward ends with {type(trouble).__name__}: {trouble}. With as many outputs as inputs it runs, and this is "
        "what it says there."
    )
    return replace(report, notes=(*report.notes, said))


def _report(subject: Subject, trials: Sequence[Trial]) -> BackwardReport:
    words = subject.words
    ran = [t for t in trials if t.trouble is None]
    parts = [find_parts(t) for t in ran]
    known = parts[-1] if parts and all(p is not None for p in parts) else None
    judgements: dict[str, Judgement] = {}
    for name in trials[0].truth:
        if not any(name in t.said for t in ran):
            continue
        judgements[name] = judge(words.short(name), [_exhibit(t, p, name) for t, p in zip(ran, parts, strict=True)])
    judgements = _one_story(judgements)
    written = _written(ran, judgements)
    axis = next((label for t in ran if (label := wrong_axis(t))), "")
    judgements = _because(judgements, written, axis)
    rows = [_row(words.short(name), j) for name, j in judgements.items()]
    findings = _findings(judgements, subject, known, ran)
    if axis:
        where = f"the outputs of a sample do not sum to 1; over {axis} they do. (Samples are rows here.)"
        findings.append(
            Finding(
                "softmax over the wrong axis",
                ("forward",),
                (where,),
                "e / e.sum(axis=-1, keepdims=True)        # in forward",
            )
        )
    for name, by in written.items():
        rows.append(ArrayReport(name, "wrong", mistakes=("argument overwritten",), remark=f"by {by}"))
        evidence = (f"{by} writes to {name}, which belongs to the caller.",)
        repair = f"{name} = {name}.copy()        # first line of {by}; the copy may be changed"
        findings.append(Finding("argument overwritten", (name,), evidence, repair))
    for name in trials[0].truth:
        if name in judgements:
            continue
        needed = ran and name.lower() in WEIGHTS + BIASES and _lacks(name, ran)
        rows.append(ArrayReport(words.short(name), "wrong" if needed else "not checked", remark="backward gives none"))
        if needed:
            findings.append(Finding(UNKNOWN, (words.short(name),), (f"backward leaves no gradient of {name}.",), ""))
    findings += _troubles(trials)
    return BackwardReport(subject.name, _how(trials), tuple(rows), tuple(findings))


def _exhibit(trial: Trial, parts: Parts | None, name: str) -> Exhibit:
    scene = Scene(trial.N, trial.K, trial.tolerance, trial.floor())
    lineup = suspects(trial, parts, name) if name in trial.said else Lineup()
    return Exhibit(trial.said.get(name), trial.truth[name], lineup, scene, trial.draw > 0)


def _lacks(name: str, trials: Sequence[Trial]) -> bool:
    """Whether the layer really uses this parameter."""
    return any(float(np.abs(np.nan_to_num(t.truth[name])).max(initial=0.0)) > 1e-6 for t in trials)


def _one_story(judgements: dict[str, Judgement]) -> dict[str, Judgement]:
    """If dX is divided by N too, nothing was averaged instead of summed: all of it was divided once too often."""
    dx = judgements.get(X)
    if dx is None or "extra 1/N" not in dx.mistakes:
        return judgements
    swap = {"averaged instead of summed": "extra 1/N"}
    return {
        name: Judgement(
            j.verdict, tuple(swap.get(m, m) for m in j.mistakes), j.note, j.compared, j.error, j.evidence, j.ratios
        )
        for name, j in judgements.items()
    }


def _written(trials: Sequence[Trial], judgements: dict[str, Judgement]) -> dict[str, str]:
    found = {name: by for t in trials for name, by in t.written.items()}
    updated = any("weights updated before use" in j.mistakes for j in judgements.values())
    params = trials[0].params if trials else {}
    return {name: by for name, by in found.items() if not (updated and name in params)}


def _because(judgements: dict[str, Judgement], written: dict[str, str], axis: str) -> dict[str, Judgement]:
    """An array that no rule explains is wrong because of what was found elsewhere, if anything was."""
    reason = "softmax over the wrong axis" if axis else "argument overwritten" if written else ""
    return {
        name: Judgement("wrong", (reason,), "", j.compared, j.error, j.evidence)
        if reason and j.verdict == "wrong" and not j.mistakes
        else j
        for name, j in judgements.items()
    }


def wrong_axis(trial: Trial) -> str:
    """Over what a softmax sums that should sum over each row; "" if it does, or if this is no softmax."""
    z = [trial.x] if not trial.params else []
    for W in trial.params.values():
        for M in (W, W.T) if W.ndim == 2 else ():
            if M.shape[0] == trial.x.shape[-1]:
                z += [trial.x @ M + b.reshape(-1) for b in trial.params.values() if b.size == M.shape[1]] + [
                    trial.x @ M
                ]
    for s in z:
        if s.shape != trial.y.shape or s.ndim < 2 or len(s) < 2 or s.shape[-1] < 2:
            continue
        if np.allclose(trial.y, softmax(s), atol=1e-6):
            return ""
        if np.allclose(trial.y, softmax(s.T).T if s.ndim == 2 else np.nan, atol=1e-6):
            return "each column"
        if np.allclose(trial.y, softmax(s.reshape(1, -1)).reshape(s.shape), atol=1e-6):
            return "all numbers of the batch"
    return ""


def _row(name: str, j: Judgement) -> ArrayReport:
    if j.verdict == "unknown":
        return ArrayReport(name, "not checked", remark="on a kink in every draw: the slopes to the two sides differ")
    return ArrayReport(name, "right" if j.verdict == "right" else "wrong", j.compared, j.error, j.mistakes, j.note)


def _findings(
    judgements: dict[str, Judgement], subject: Subject, parts: Parts | None, trials: Sequence[Trial]
) -> list[Finding]:
    words = subject.words
    names = list(
        dict.fromkeys(m for j in judgements.values() if j.verdict == "wrong" for m in j.mistakes or (UNKNOWN,))
    )
    found = []
    for mistake in names:
        where = [n for n, j in judgements.items() if j.verdict == "wrong" and mistake in (j.mistakes or (UNKNOWN,))]
        evidence = [line for n in where for line in judgements[n].evidence]
        if mistake == "averaged instead of summed":
            evidence.append("Seen from the loss this is an extra 1/N: the loss has divided already.")
        repairs = [layer_repair(mistake, n, words, parts, trials[-1].cost) for n in where]
        lines = list(dict.fromkeys(line for r in repairs for line in r.splitlines() if line))
        found.append(Finding(mistake, tuple(words.short(n) for n in where), tuple(evidence), "\n".join(lines)))
    return found


def _troubles(trials: Sequence[Trial]) -> list[Finding]:
    failed = [t for t in trials if t.trouble is not None]
    if not failed:
        return []
    t = failed[0]
    shapes = f"input {t.x.shape}, upstream gradient {t.dy.shape}"
    said = f"backward ends with {type(t.trouble).__name__}: {t.trouble} ({shapes})."
    more = f"In {len(failed)} of {len(trials)} trials." if len(failed) < len(trials) else "In every trial."
    return [Finding(UNKNOWN, ("backward",), (said, more), "")]


def _how(trials: Sequence[Trial]) -> str:
    sizes = ", ".join(str(t.N) for t in trials if t.before is None)
    exact = {EXACT: "", SINGLE: "; its gradients are float32", ROUGH: "; it computes in float32"}
    word = exact.get(max(t.tolerance for t in trials), "")
    return f"backward beside nudges of forward, {len(trials)} passes over batches of {sizes}{word}"
