"""What is wrong with a training, found by experiments, each with its evidence and a cure that can be tried.

    diagnosis = pl.doctor(model, x, t, optimizer=pl.SGD(10.0))
    print(diagnosis)

The experiments stand in `ladder/`, one idea a file. Every one is made on copies: the model, the optimizer and the
data are afterwards as they were.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from pellucid.data.augment import Augment
from pellucid.data.batches import as_data, check_finite
from pellucid.data.split import split
from pellucid.inspection.finding import Finding
from pellucid.model import Model
from pellucid.optim import Adam, Optimizer
from pellucid.train import check_count


@dataclass(frozen=True)
class Looked:
    """One experiment: what was looked at, what it showed, and what was found in it."""

    what: str
    says: str
    found: tuple[str, ...] = ()


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor found, and what was looked at.

    Args:
        findings: what is wrong, causes before their consequences.
        looked: each experiment with what it showed, in the order of the ladder.
        left_out: experiments that were not made, and why.

    >>> diagnosis = Diagnosis((Finding("softmax twice", "The softmax is taken twice."),), (Looked("inputs", "0 to 1"),))
    >>> diagnosis.ok, diagnosis.names
    (False, ('softmax twice',))
    """

    findings: tuple[Finding, ...]
    looked: tuple[Looked, ...]
    left_out: tuple[Looked, ...] = ()

    @property
    def ok(self) -> bool:
        """Nothing was found."""
        return not self.findings

    @property
    def names(self) -> tuple[str, ...]:
        """The findings' names, causes first."""
        return tuple(finding.name for finding in self.findings)

    def __getitem__(self, name: str) -> Finding:
        """The finding of this name."""
        for finding in self.findings:
            if finding.name == name:
                return finding
        raise KeyError(f"{name!r} was not found; there are {', '.join(self.names) or 'no findings'}")

    def __str__(self) -> str:
        lines = self.lines()
        if self.ok:
            return "\n".join([*lines, "", "Nothing was found."])
        count = len(self.findings)
        head = f"{count} finding{'s' * (count > 1)}" + (", causes first" if count > 1 else "") + ":"
        return "\n".join([*lines, "", head, *(f"\n{i}. {finding}" for i, finding in enumerate(self.findings, 1))])

    def lines(self) -> list[str]:
        """What was looked at, a line each; those in which something was found begin with a mark."""
        width = max((len(one.what) for one in (*self.looked, *self.left_out)), default=0)
        lines = [f"{'!' if one.found else ' '} {one.what:<{width}}  {one.says}" for one in self.looked]
        return lines + [f"  {one.what:<{width}}  not looked at: {one.says}" for one in self.left_out]

    def as_dict(self) -> dict[str, Any]:
        """The diagnosis as plain values, for JSON."""
        return {
            "ok": self.ok,
            "findings": [finding.as_dict() for finding in self.findings],
            "looked": [{"what": one.what, "says": one.says, "found": list(one.found)} for one in self.looked],
            "left_out": [{"what": one.what, "why": one.says} for one in self.left_out],
        }


def doctor(
    model: Model,
    x: Any,
    t: Any = None,
    *,
    optimizer: Optimizer | None = None,
    epochs: int = 10,
    batch_size: int = 128,
    validation: Any = None,
    augment: Augment | None = None,
    clip: float | None = None,
    seed: int = 0,
    prove: bool = False,
    seconds: float | None = 60.0,
) -> Diagnosis:
    """Look for what is wrong with a training before it is made: about twenty short experiments on copies.

    Give the arguments that `model.fit` would get. Each experiment stands on those before: what was found is cured on
    the copy first, so that a consequence is not reported as a cause. The same arguments give the same findings.

    Args:
        model: the network, fresh or trained. It is not changed.
        x, t: inputs and targets; or x alone, a `pl.Data` or a pair.
        optimizer: how the parameters are to move. Default `Adam(1e-3)`.
        epochs, batch_size, augment, clip, seed: as for `pl.train`.
        validation: samples that are only measured. Default a fifth of the samples, set aside.
        prove: try each cure: a short training without it and with it, both curves kept in the finding. Default false.
        seconds: about how long it may take; experiments that do not fit are left out, and it is said which. Default 60.
            None: as long as it takes.

    >>> import numpy as np
    >>> import pellucid as pl
    >>> data = pl.datasets.vertical()
    >>> layers = pl.Dense(16), pl.ReLU(), pl.Dense(3), pl.Softmax()
    >>> model = pl.Model(*layers, loss=pl.SoftmaxCrossEntropy(), input_shape=2)
    >>> diagnosis = pl.doctor(model, data, optimizer=pl.Adam(0.01), epochs=50)
    >>> diagnosis.names
    ('softmax twice',)
    >>> print(diagnosis["softmax twice"].code)
    pl.Model(..., pl.Dense(3), loss=pl.SoftmaxCrossEntropy(), ...)
    """
    from pellucid.inspection.ladder.case import Case, Clock
    from pellucid.inspection.ladder.climb import climb  # twenty files, which `import pellucid` need not wait for

    data = as_data(x, t)
    check_count("epochs", epochs, "it is how often every sample is to be seen")
    check_count("batch_size", batch_size, "32 to 512 are common")
    check_finite(data)
    if validation is None:
        data, validation = split(data, 0.2, seed)
    case = Case(
        model.copy(), data, as_data(validation, name="validation"), copy.deepcopy(optimizer or Adam(1e-3)), epochs,
        batch_size, clip, augment, seed, Clock.of(seconds),
    )  # fmt: skip
    return climb(case, prove)
