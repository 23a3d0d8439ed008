"""Two recordings side by side: what was asked for, with what, where the numbers part, and in which array first."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import PellucidError
from pellucid.inspection.recordfile import changed
from pellucid.inspection.recording import Recording
from pellucid.inspection.sparkline import sparkline
from pellucid.train import Training

WIDTH = 48  # characters of a curve
DATA = ("data", "validation")  # the arguments that are fingerprints
Curve = tuple[str, dict[int, float | None], dict[int, float | None]]  # its name, and A's and B's numbers by step


@dataclass(frozen=True)
class Difference:
    """What two recordings do not share; empty where they agree.

    `settings`, `data` and `versions` are sentences; `step` is the first step whose figures differ, `says` what differs
    there, and `array` the first array that does. `curves` are drawn by `str`.
    """

    a: str
    b: str
    settings: tuple[str, ...]
    data: tuple[str, ...]
    versions: tuple[str, ...]
    common: tuple[int, int] | None
    step: int | None
    says: str
    array: str
    curves: tuple[Curve, ...]

    @property
    def same(self) -> bool:
        """Whether no step that both have differs."""
        return self.step is None

    def document(self) -> dict[str, Any]:
        """All of it as plain data."""
        said = asdict(self) | {"same": self.same}
        said["curves"] = [{"name": name, "a": a, "b": b} for name, a, b in self.curves]
        return said

    def text(self, unicode: bool = True) -> str:
        """All of it in words, with the curves."""
        lines = []
        for name, a, b in self.curves:
            steps = sorted(a.keys() | b.keys())
            shown = [v for v in (*a.values(), *b.values()) if v is not None and np.isfinite(v)]
            low, high = min(shown, default=0.0), max(shown, default=0.0)
            for mark, curve in (("A", a), ("B", b)):
                last = next((f"{curve[step]:.4g}" for step in reversed(steps) if curve.get(step) is not None), "none")
                drawn = sparkline([curve.get(step) for step in steps], WIDTH, low, high, unicode)
                lines.append(f"{name if mark == 'A' else '':<14}{mark} {drawn:<{WIDTH}}  {last}")
        for name, said in (("settings", self.settings), ("data", self.data), ("versions", self.versions)):
            lines += [f"{name if i == 0 else '':<14}{text}" for i, text in enumerate(said or ("the same",))]
        if self.common is None:
            lines.append(f"{'steps':<14}they have no step in common")
        elif self.step is None:
            lines.append(f"{'steps':<14}the same, to the bit, from step {self.common[0]} to {self.common[1]}")
        else:
            lines.append(f"{'first step':<14}{self.step}: {self.says}")
        if self.array:
            lines.append(f"{'first array':<14}{self.array}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return f"A             {self.a}\nB             {self.b}\n{self.text()}"


def compare(a: Recording, b: Recording) -> Difference:
    """What two recordings do not share.

    Args:
        a, b: the recordings. With the data of both, the first array that differs is found too.
    """
    settings = [*_settings(a.run, b.run)]
    then, now = (r.run["training"]["arguments"] for r in (a, b))
    data = [f"{name}: {then[name]} / {now[name]}" for name in DATA if then[name] != now[name]]
    curves: list[Curve] = [("loss", _by_step(a), _by_step(b))]
    for name in (a.epochs or b.epochs or [{}])[-1]:
        if name.startswith("val_"):
            one, two = ({e["step"]: e.get(name) for e in r.epochs} for r in (a, b))
            curves.append((name, one, two))
    first, last = (f(r.steps[i] for r in (a, b)) for f, i in ((max, 0), (min, -1)))
    common = (first + 1, last) if last > first else None
    step, says = _parting(a, b, common)
    return Difference(
        _name(a), _name(b), tuple(settings), tuple(data),
        tuple(changed(a.run["versions"], b.run["versions"], "A", "B")), common, step, says,
        "" if step is None else _first_array(a, b, step), tuple(curves),
    )  # fmt: skip


def _name(r: Recording) -> str:
    parent = r.run.get("parent")
    return f"{r.folder}, steps {r.steps[0]} to {r.steps[-1]}" + (
        f", branched off from {parent['folder']} after step {parent['step']}" if parent else ""
    )


def _by_step(r: Recording) -> dict[int, float | None]:
    return dict(enumerate(r.losses, start=r.first + 1))


def _settings(a: dict[str, Any], b: dict[str, Any]) -> list[str]:
    flat = []
    for run in (a, b):
        arguments = {k: v for k, v in run["training"]["arguments"].items() if k not in DATA}
        whole = {"optimizer": run["optimizer"], "epochs": run["training"]["epochs"], **arguments, **run["model"]}
        flat.append(_flat(whole, ""))
    one, two = flat
    return [
        f"{name}: {one.get(name, 'its default')} / {two.get(name, 'its default')}"
        for name in dict.fromkeys([*one, *two])
        if one.get(name) != two.get(name)
    ]


def _flat(thing: Any, where: str) -> dict[str, Any]:
    """A nested description as one dict, each value under its path.

    >>> _flat({"lr": {"kind": "cosine", "lr": 0.1}, "layers": [3]}, "")
    {'lr.kind': 'cosine', 'lr.lr': 0.1, 'layers[0]': 3}
    """
    if isinstance(thing, dict):
        return {k: v for key, part in thing.items() for k, v in _flat(part, f"{where}.{key}" if where else key).items()}
    if isinstance(thing, list) and len(thing) <= 100:
        return {k: v for i, part in enumerate(thing) for k, v in _flat(part, f"{where}[{i}]").items()}
    return {where: thing}


def _parting(a: Recording, b: Recording, common: tuple[int, int] | None) -> tuple[int | None, str]:
    """The first step whose loss or rate differs, and what it is."""
    if common is None:
        return None, ""
    for step in range(common[0], common[1] + 1):
        one, two = a.line(step), b.line(step)
        if one is None or two is None:
            break
        names = (("loss", "loss"), ("lr", "rate"))
        if said := [f"{words} {one[k]:.9g} / {two[k]:.9g}" for k, words in names if one[k] != two[k]]:
            return step, ", ".join(said)
    for step in sorted(a.lines.digests.keys() & b.lines.digests.keys()):
        if a.lines.digests[step]["digest"] != b.lines.digests[step]["digest"]:
            return step, "the digest of the weights"
    return None, ""


def _first_array(a: Recording, b: Recording, step: int) -> str:
    """The first array that differs before the step, or if none does after it; both are recomputed."""
    if a.parts is None or b.parts is None:
        return "open both with their data to see it"
    for at in (step - 1, step):
        try:
            one, two = (_arrays(r.at(at)) for r in (a, b))
        except PellucidError as error:
            return f"not found: {error}"
        for name in one:
            if name not in two or one[name].shape != two[name].shape:
                shape = two[name].shape if name in two else "not there"
                return f"{name} is {one[name].shape} in A and {shape} in B"
            unlike = np.argwhere((one[name] != two[name]) & ~(np.isnan(one[name]) & np.isnan(two[name])))
            if len(unlike):
                place = tuple(int(i) for i in unlike[0])
                return (
                    f"after step {at}, {name}{list(place)}: {one[name][place]:.9g} / {two[name][place]:.9g} "
                    f"({len(unlike):,} of its {one[name].size:,} numbers differ)"
                )
    return f"none: after step {step} all arrays are the same"


def _arrays(training: Training) -> dict[str, Array]:
    """Every array of a training's state by its path: parameters, buffers, the optimizer's vectors."""
    model, optimizer = training.model, training.optimizer
    found = {path: model.theta[s.at].reshape(s.shape) for path, s in model.slots.items()}
    found |= {path: model.buffers[s.at].reshape(s.shape) for path, s in model.buffer_slots.items()}
    for name in optimizer.vectors:
        vector = getattr(optimizer, name)
        found |= {f"{path}.{name}": vector[s.at].reshape(s.shape) for path, s in model.slots.items()}
    return found
