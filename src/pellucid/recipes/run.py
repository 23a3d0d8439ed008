"""One recipe carried out: the set is read, networks learn and are judged, and what came of it is one `Outcome`.

Like training itself this is a generator of events: to stop is to leave the loop.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np

from pellucid.base.arrays import Array
from pellucid.data.batches import Data
from pellucid.events import EpochDone, Event, History, StepDone
from pellucid.metrics import accuracy, mean_absolute_error, r2
from pellucid.model import Model
from pellucid.recipes.recipe import Recipe
from pellucid.train import Training

EVERY = 8  # steps between two events of progress


@dataclass(slots=True)
class Learning(Event):
    """A recipe is being learned: `done` of `total` batches. `epoch` is the training's own event, if one ended now."""

    name: str
    done: int
    total: int
    loss: float
    fold: int = 1
    network: int = 1
    epoch: EpochDone | None = None


@dataclass
class Outcome:
    """What came of a recipe: every answer beside its truth, and how each network learned.

    Args:
        model: the network that was trained last; network: the same in a few words.
        learned: how many samples the last network learned from.
        classes: the classes' names; () for values.
        divided: what was judged, in words.
        seconds: for learning and judging.
        y: what was answered (N, ...), the mean over the networks of a pair.
        t: what is true (N,).
        histories: of each network, with what it did on the judged part after each epoch.
        epochs, networks: as they were in fact.
    """

    model: Model
    network: str
    learned: int
    classes: tuple[str, ...]
    divided: str
    seconds: float
    y: Array
    t: Array
    histories: list[History] = field(default_factory=list)
    epochs: int = 0
    networks: int = 1

    @property
    def score(self) -> float:
        """The share of right answers; for values R^2."""
        return accuracy(self.y, self.t) if self.classes else r2(self.y, self.t)

    @property
    def error(self) -> float | None:
        """By how much the values are off on average, in their unit; None for classes."""
        return None if self.classes else mean_absolute_error(self.y, self.t)


def carry_out(recipe: Recipe, quick: bool = False) -> Iterator[Learning | Outcome]:
    """Learn and be judged; `Learning` on the way, and one `Outcome` at the end.

    Nothing is chosen by what is judged: it is measured after each epoch for the curves alone.

    Args:
        recipe: what is to be done.
        quick: whether only the part that `recipe.quick` leaves.

    Raises:
        DataError: if the set is not on this machine or cannot be read.
        Diverged: if a number is no longer finite.

    >>> from pellucid.recipes.sets import RECIPES
    >>> *_, outcome = carry_out(RECIPES[0], quick=True)
    >>> outcome.score > 0.9, outcome.network, len(outcome.histories)
    (True, '4-64-32-3', 5)
    """
    less = recipe.quick
    epochs, networks = (less.epochs, less.networks) if quick else (recipe.epochs, recipe.networks)
    count = min(recipe.divide.count, less.folds) if quick else recipe.divide.count
    pairs = recipe.divide(recipe.data, less.samples, less.judged) if quick else recipe.divide(recipe.data)
    answers, truths, histories = list[Array](), list[Array](), list[History]()
    seconds = 0.0
    for fold, (learn, judge) in enumerate(islice(pairs, count), 1):
        said = list[Array]()
        for k in range(networks):
            start, before = time.perf_counter(), (fold - 1) * networks + k
            training = begin(recipe, learn, judge, epochs, seed=100 * k + fold if recipe.networks > 1 else 0)
            steps = epochs * training.steps_per_epoch
            for event in training:
                if isinstance(event, EpochDone) or (isinstance(event, StepDone) and event.step % EVERY == 0):
                    epoch = event if isinstance(event, EpochDone) else None
                    done, total = before * steps + event.step, count * networks * steps
                    yield Learning(recipe.name, done, total, event.loss, fold, k + 1, epoch)
            said.append(training.model.predict(judge.x))
            histories.append(training.history)
            seconds += time.perf_counter() - start
        answers.append(np.mean(said, axis=0))
        truths.append(judge.t)
    model, divided = training.model, recipe.divide.words(judge)
    divided = divided if count == recipe.divide.count else f"{count} of {divided}"
    yield Outcome(
        model, recipe.network.words(model), len(learn), learn.classes, divided, seconds,
        np.concatenate(answers), np.concatenate(truths), histories, epochs, networks,
    )  # fmt: skip


def begin(recipe: Recipe, learn: Data, judge: Data, epochs: int, seed: int = 0) -> Training:
    """The training of one network, ready to start."""
    model = recipe.network(learn, seed)
    steps = -(-len(learn) // recipe.batch_size)
    if recipe.smoothing:
        learn = replace(learn, t=smooth(learn.t, len(learn.classes), recipe.smoothing))
    return Training(
        model,
        learn,
        optimizer=recipe.optimizer(epochs, steps),
        epochs=epochs,
        batch_size=recipe.batch_size,
        validation=judge,
        metrics=[accuracy] if learn.classes else (),
        seed=seed,
        augment=recipe.augment,
    )


def smooth(t: Array, K: int, share: float) -> Array:
    """Class ids as shares (N, K): 1 - share for the right class, and `share` divided among all.

    >>> smooth(np.array([1]), 4, 0.2).round(2).tolist()
    [[0.05000000074505806, 0.8500000238418579, 0.05000000074505806, 0.05000000074505806]]
    """
    return ((1.0 - share) * np.eye(K)[t] + share / K).astype(np.float32)
