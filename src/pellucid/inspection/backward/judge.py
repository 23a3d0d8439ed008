"""Which mistake was it? The one that explains what backward said in every trial, and no simpler one does.

One batch proves little: with two samples a missing 1/N and a factor of 2 are the same. A mistake is named only if it
fits all trials, whose batches differ in size, numbers and (where that is possible) in width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pellucid.base.arrays import Array
from pellucid.inspection.backward.matching import Scene, distance, factors, laid, numbers, ratio
from pellucid.inspection.backward.suspects import TRUE, Suspect


@dataclass(frozen=True)
class Exhibit:
    """One array in one trial: what was said, what is true, what each mistake would have said, and if it was drawn."""

    said: Array | None
    truth: Array
    lineup: dict[str, Suspect]
    scene: Scene
    drawn: bool = True


@dataclass(frozen=True)
class Judgement:
    """What is the matter with one array.

    Args:
        verdict: "right", "wrong" or "unknown" (nothing could be compared).
        mistakes: the names; empty if it is wrong by an unknown rule.
        note: the variant of the mistake.
        compared: how many numbers; error: the largest relative difference from the truth.
        evidence: sentences with numbers.
        ratios: said / the suspect, a number for each trial.
    """

    verdict: str
    mistakes: tuple[str, ...] = ()
    note: str = ""
    compared: int = 0
    error: float = 0.0
    evidence: tuple[str, ...] = ()
    ratios: tuple[float, ...] = ()


def judge(name: str, exhibits: Sequence[Exhibit]) -> Judgement:
    """The judgement on one array.

    Args:
        name: what it is called.
        exhibits: one for each trial in which backward said something.
    """
    distances = [distance(e.said, e.truth, e.scene) for e in exhibits]
    compared = sum(d[1] for d in distances if d is not None)
    if not any(np.isfinite(e.truth).any() for e in exhibits):
        return Judgement("unknown")
    wrong = [d is None or not d[2] for d in distances]
    error = max((d[0] for d in distances if d is not None), default=float("inf"))
    if not any(wrong):
        return Judgement("right", compared=compared, error=error)
    shown, found = exhibits, _explained(exhibits)
    drawn = [(e, bad) for e, bad in zip(exhibits, wrong, strict=True) if e.drawn]
    if found is None and 0 < len(drawn) < len(exhibits) and any(bad for _, bad in drawn):
        # The caller's own batch may be one in which nothing can be told: all zeros, or so large that all is saturated.
        shown = [e for e, _ in drawn]
        found = _explained(shown)
    if found is None:
        return Judgement("wrong", (), "", compared, error, tuple(_unexplained(name, exhibits, wrong)))
    suspect, names, ratios = found
    evidence = tuple(_evidence(name, shown, suspect, ratios))
    return Judgement("wrong", names, suspect.note, compared, error, evidence, ratios)


def _explained(exhibits: Sequence[Exhibit]) -> tuple[Suspect, tuple[str, ...], tuple[float, ...]] | None:
    """The cheapest suspect that fits all trials, with its mistakes."""
    best: tuple[float, Suspect, tuple[str, ...], tuple[float, ...]] | None = None
    keys = [k for k in exhibits[0].lineup if all(k in e.lineup for e in exhibits)]
    for key in keys:
        ratios = []
        for e in exhibits:
            r = None if e.said is None else ratio(e.said, e.lineup[key].value, e.scene)
            if r is None:
                break
            ratios.append(r)
        if len(ratios) < len(exhibits):
            continue
        suspect = exhibits[-1].lineup[key]
        near = 10.0 * max(e.scene.tolerance for e in exhibits)
        same = all(abs(r - 1.0) <= near for r in ratios)
        scale = () if same else factors(ratios, [e.scene for e in exhibits]) if suspect.scaled else None
        if scale is None or (key == TRUE and not scale):
            continue
        names = (suspect.name, *scale) if suspect.name else scale
        cost = suspect.cost + 1.2 * len(scale)
        if best is None or cost < best[0]:
            best = (cost, suspect, names, tuple(ratios))
    return None if best is None else best[1:]


def _evidence(name: str, exhibits: Sequence[Exhibit], suspect: Suspect, ratios: tuple[float, ...]) -> list[str]:
    lines = [_worst(name, exhibits)]
    sizes = [e.scene.N for e in exhibits]
    pairs = dict(zip(sizes, ratios, strict=True))
    shown = ", ".join(f"{r:.4g}" for r in pairs.values())
    batches = ", ".join(map(str, pairs))
    if any(abs(r - 1.0) > 1e-3 for r in ratios):
        rest = "what this mistake gives," if suspect.name else "the true gradient"
        lines.append(f"{name} is {rest} times {shown}, for batches of {batches}.")
    elif len(exhibits) > 1:
        lines.append(
            f"With exactly this mistake all numbers agree, in {len(exhibits)} trials with batches of {batches}."
        )
    return [line for line in lines if line]


def _unexplained(name: str, exhibits: Sequence[Exhibit], wrong: Sequence[bool]) -> list[str]:
    lines = [_worst(name, [e for e, bad in zip(exhibits, wrong, strict=True) if bad])]
    if not all(wrong):
        sizes = [str(e.scene.N) for e, bad in zip(exhibits, wrong, strict=True) if bad]
        lines.append(
            f"It is wrong in {sum(wrong)} of {len(wrong)} trials (batches of {', '.join(sizes)}), right in the others."
        )
    if all(e.said is not None and not np.any(e.said) for e in exhibits):
        lines.append(f"{name} is 0 everywhere, as if it had not been computed.")
    return [line for line in lines if line]


def _worst(name: str, exhibits: Sequence[Exhibit]) -> str:
    """The number that is furthest off, in the first trial where one can be shown."""
    for e in exhibits:
        if e.said is None:
            continue
        array = laid(e.said, e.truth)
        if array is None:
            shape = "numbers" if numbers(e.said) is None else f"the shape {np.shape(e.said)}"
            return f"{name} has {shape}; the true gradient has the shape {e.truth.shape}."
        apart = np.where(np.isfinite(e.truth), np.abs(array - e.truth), 0.0)
        apart = np.where(np.isfinite(apart), apart, np.inf)
        at = np.unravel_index(int(np.argmax(apart)), apart.shape)
        if apart[at] > 0.0:
            place = ", ".join(str(int(i)) for i in at)
            return (
                f"{name}[{place}]: backward says {array[at]:+.4g}, the nudge says {e.truth[at]:+.4g} "
                f"(batch of {e.scene.N})."
            )
    return ""
