"""Watching a training under way: the same events, and among them a word when something goes wrong, each thing once.

    for event in pl.watch(pl.train(model, data, epochs=50)):
        if isinstance(event, pl.Noticed):
            print(event.text)

It reads the losses that the events carry. Only now and then does it look at the network itself, for dead units.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from math import isfinite, log
from typing import Any

import numpy as np

from pellucid.base.run import Run
from pellucid.events import EpochDone, Event, Noted, StepDone
from pellucid.inspection.finding import Finding
from pellucid.inspection.tape import unrolled
from pellucid.layers import ReLU
from pellucid.layers.compose import masked
from pellucid.losses import ClassLoss, SigmoidCrossEntropy
from pellucid.train import Training

WINDOW = 64  # steps whose mean loss is one point
GROWN = 10.0  # a loss so many times that of knowing nothing will hardly come back
STILL = 0.98  # a loss that is still above this share of the first has not fallen
BORNE = 5  # epochs without a new lowest validation loss
IDLE = 10  # epochs without progress that make a plateau
DEAD, LOOK, SAMPLES = (
    0.5,
    100,
    128,
)  # share of dead units; after which step they are first looked for; in how many samples


@dataclass(slots=True)
class Noticed(Noted):
    """Something that goes wrong in a training under way, said once. `text` is for people, `finding` has the figures."""

    finding: Finding = field(default_factory=lambda: Finding("", ""))


def watch(events: Iterable[Event], training: Training | None = None) -> Iterator[Event]:
    """The same events, and a `Noticed` after the one that showed what is wrong. Nothing about the training changes.

    Noticed are: a loss far out of bounds, a loss that does not fall, one that jumps up and down, dead units,
    overfitting from where it begins, and a plateau.

    Args:
        events: a training, or a wrapper around it such as `early_stop`.
        training: the training itself, if `events` is a wrapper. Without it dead units are not looked for.

    >>> import pellucid as pl
    >>> x = np.linspace(-1, 1, 64)[:, None]
    >>> model = pl.Model(pl.Dense(1), input_shape=(1,))
    >>> training = pl.train(model, (x, 3 * x), optimizer=pl.SGD(4.0), epochs=20, batch_size=16)
    >>> events = pl.watch(training)
    >>> next(event.finding.name for event in events if isinstance(event, pl.Noticed))
    'loss out of bounds'
    """
    if training is None and isinstance(events, Training):
        training = events
    watcher = Watcher(training)
    losses = watcher.losses
    for event in events:
        yield event
        if type(event) is StepDone:
            losses.append(event.loss)
            if event.loss <= watcher.limit and len(losses) < WINDOW:
                continue  # nearly always: this line and the three above are what watching costs
            found = watcher.step(event)
        elif type(event) is EpochDone:
            found = watcher.epoch(event)
        else:
            continue
        if found is not None:
            yield Noticed(f"{found.says} {found.cure}", found)


class Watcher:
    """What is remembered of a training between its events.

    Args:
        training: the training, for its loss and its network; None if it cannot be seen.
    """

    def __init__(self, training: Training | None = None) -> None:
        self.training = training
        self.chance = 0.0 if training is None else _chance(training)
        self.said: set[str] = set()
        self.limit = -1.0  # a loss above this is not normal; known after the first step
        self.losses: list[float] = []  # of the present window
        self.means: list[float] = []  # of the windows before
        self.rows = [] if training is None else [dict(row) for row in training.history]
        self.look_at = LOOK

    # ---- after every step ---------------------------------------------------------------------------------------

    def step(self, event: StepDone) -> Finding | None:
        """The first batch was learned, or a window is full, or the loss is out of bounds."""
        if self.limit < 0:
            self.limit = GROWN * max(event.loss, self.chance, 1e-12)
        elif event.loss > self.limit:
            return self._once(_out_of_bounds(event, self.limit / GROWN))
        if len(self.losses) < WINDOW:
            return None
        losses = list(self.losses)
        self.losses.clear()
        return self._window(event, losses)

    def _window(self, event: StepDone, losses: list[float]) -> Finding | None:
        mean = sum(losses) / len(losses)
        self.means.append(mean)
        first = self.means[0]
        if len(self.means) < 4:
            return None
        recent = sum(self.means[-2:]) / 2
        if recent < STILL * first or (self.rows and self.rows[0].get("loss", 0.0) > recent / STILL):
            return None
        jump = sum(abs(b - a) for a, b in pairwise(losses)) / (len(losses) - 1)
        if recent > 1.2 * first or jump > 0.5 * mean:
            return self._once(_jumping(event, self.means, jump, mean))
        return self._once(_not_falling(event, self.means))

    # ---- after every epoch --------------------------------------------------------------------------------------

    def epoch(self, event: EpochDone) -> Finding | None:
        """Every sample was seen once more."""
        self.rows.append(event.row())
        if event.step >= self.look_at and self.training is not None and "dead units" not in self.said:
            self.look_at = 4 * event.step
            if found := _dead(self.training, event):
                return self._once(found)
        return self._overfitting(event) or self._plateau(event)

    def _overfitting(self, event: EpochDone) -> Finding | None:
        if "overfitting begins" in self.said or event.val_loss is None or len(self.rows) <= BORNE:
            return None
        held = [row.get("val_loss", float("nan")) for row in self.rows]
        best = int(np.nanargmin(held))
        since = held[best + 1 :]
        floor = 1.1 * held[best] + 0.02 * self.chance
        learned = self.rows[-1]["loss"] < 0.95 * self.rows[best]["loss"]
        if len(since) < max(BORNE, len(held) // 10) or min(since[-BORNE:]) <= floor or not learned:
            return None
        if held[-1] < sum(since) / len(since):
            return None  # it is coming down again
        return self._once(_overfitting(self.rows, best))

    def _plateau(self, event: EpochDone) -> Finding | None:
        if "plateau" in self.said or len(self.rows) < 2 * IDLE:
            return None
        losses = [row["loss"] for row in self.rows]
        before, now = min(losses[:-IDLE]), min(losses[-IDLE:])
        if not isfinite(before) or now < 0.99 * before or now < 0.1 * max(losses[0], self.chance):
            return None  # progress, or little left to learn
        if before > STILL * losses[0]:
            return self._once(_not_falling(event, losses))
        return self._once(_plateau(self.rows, before))

    def _once(self, found: Finding) -> Finding | None:
        if found.name in self.said:
            return None
        self.said.add(found.name)
        return found


def _chance(training: Training) -> float:
    """The loss of knowing nothing, roughly."""
    loss, t = training.model.loss, training.t
    if isinstance(loss, ClassLoss):
        return log(max(training.model.output_shape[-1], 2))
    if isinstance(loss, SigmoidCrossEntropy):
        return log(2.0)
    few = np.asarray(t[:1000], np.float64)
    middle = np.broadcast_to(few.mean(axis=0), few.shape)
    with np.errstate(all="ignore"):
        return float(loss.forward(middle, few)[0].mean)


def _dead(training: Training, event: EpochDone) -> Finding | None:
    """Whether half of the units of a ReLU layer are 0 for every sample."""
    model, data = training.model, training.data[:: max(1, len(training.data) // SAMPLES)]
    x = model.check_input(np.asarray(model.prepared(data.x[:SAMPLES])))
    mask = None if data.mask is None else data.mask[:SAMPLES]
    _, cache = model.net.forward(x, masked(model.net, Run(), mask))
    shares: dict[str, float] = {}
    for path, step in unrolled(cache["tape"]):
        if isinstance(step.layer, ReLU):
            y = step.cache["y"]
            shares[path] = float((~(y.reshape(-1, y.shape[-1]) > 0).any(axis=0)).mean())
    worst = max(shares, key=lambda path: shares[path], default="")
    if not worst or shares[worst] <= DEAD:
        return None
    return Finding(
        "dead units",
        f"After epoch {event.epoch} {100 * shares[worst]:.0f} % of the units of {worst} are 0 for {len(x)} samples.",
        ("such units get no gradient and stay as they are",),
        "Begin again with a lower rate, or with LeakyReLU.",
        f"optimizer=pl.{type(training.optimizer).__name__}({event.lr / 10:.2g})",
        {"dead share by layer": tuple(shares.values())},
    )


def _out_of_bounds(event: StepDone, usual: float) -> Finding:
    return Finding(
        "loss out of bounds",
        f"At step {event.step} the loss is {event.loss:.3g}, {event.loss / usual:,.0f} times what a network that knows "
        "nothing has.",
        (f"the learning rate is {event.lr:g}",),
        f"Lower the learning rate, to {event.lr / 10:g} or less, or clip the gradient.",
        f"lr={event.lr / 10:g}, or clip=1.0",
        {"loss": (usual, event.loss)},
    )


def _jumping(event: StepDone, means: list[float], jump: float, mean: float) -> Finding:
    return Finding(
        "learning rate too high",
        f"After {event.step} steps the loss is {mean:.3g}, having begun at {means[0]:.3g}, and jumps by {jump:.2g} "
        "from batch to batch.",
        (f"the learning rate is {event.lr:g}",),
        f"Lower the learning rate, to {event.lr / 10:g}.",
        f"lr={event.lr / 10:g}",
        {f"mean loss of {WINDOW} steps": tuple(means)},
    )


def _not_falling(event: StepDone | EpochDone, losses: list[float]) -> Finding:
    return Finding(
        "loss not falling",
        f"After {event.step} steps the loss is {losses[-1]:.3g}; it began at {losses[0]:.3g}.",
        (f"the learning rate is {event.lr:g}",),
        "Ask the doctor: it tells a rate that is too low or too high from a network that cannot learn.",
        "print(pl.doctor(model, x, t, optimizer=...))",
        {"mean loss": tuple(losses)},
    )


def _overfitting(rows: list[dict[str, Any]], best: int) -> Finding:
    held, now = [row.get("val_loss", float("nan")) for row in rows], rows[-1]
    return Finding(
        "overfitting begins",
        f"Overfitting: the validation loss was lowest after epoch {rows[best]['epoch']} ({held[best]:.3g}) and is "
        f"{held[-1]:.3g}, while the training loss fell from {rows[best]['loss']:.3g} to {now['loss']:.3g}.",
        ("what is learned now is learned by heart",),
        f"Keep the weights of epoch {rows[best]['epoch']}, or hold the network back.",
        "pl.keep_best(training, training), or pl.early_stop(training, 5)",
        {"training loss": tuple(row["loss"] for row in rows), "validation loss": tuple(held)},
    )


def _plateau(rows: list[dict[str, Any]], before: float) -> Finding:
    rate = rows[-1].get("lr", 0.0)
    return Finding(
        "plateau",
        f"The training loss has not fallen for {IDLE} epochs: it is {rows[-1]['loss']:.3g} and was {before:.3g}.",
        (f"the learning rate is {rate:g}",),
        "Stop here, or lower the rate in the course of the training; more units help where this is too high a loss.",
        f"optimizer=pl.Adam(pl.cosine({rate:g}, steps))",
        {"training loss": tuple(row["loss"] for row in rows)},
    )
