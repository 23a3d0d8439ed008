"""What a test looks like: the figure, the confusion table, some pictures with their answers, a wrong one among them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import DataError
from pellucid.cli.environment import Environment
from pellucid.cli.show import chosen, confusion, fitted, gallery
from pellucid.data import Digits, Pixels
from pellucid.data.batches import Data
from pellucid.data.table import Table
from pellucid.inspection.summary import answer_kind, plainly
from pellucid.losses import ClassLoss
from pellucid.metrics import class_ids, confusion_matrix, mean_absolute_error
from pellucid.model import Model

MOST_CLASSES = 12  # a larger confusion table is not read
MOST_COLUMNS = 100
PICTURES = 6
INDENT = 2


def named(model: Model) -> Model:
    """The model; if its loss is one of classes and nobody named them, they are called by their numbers."""
    if not model.classes and isinstance(model.loss, ClassLoss):
        model.classes = tuple(map(str, range(model.output_shape[-1])))
    return model


def by_class(model: Model, y: Array) -> Array:
    """Predictions with a column for each class: a single yes-or-no answer is that of the second class."""
    if y.shape[1:] == (1,) and len(model.classes) == 2:
        y = np.concatenate([1.0 - y, y], axis=1)
    if y.shape[1:] != (len(model.classes),):
        raise DataError(f"The model names {len(model.classes)} classes, but its output has the shape {y.shape[1:]}.")
    return y


def in_words(model: Model) -> Callable[[float], str]:
    """How an answer's number is written: a probability in percent, any other score as it is."""
    if answer_kind(model) == "values":
        return lambda value: f"{value:.2f}"
    return lambda value: f"{100 * value:.0f} %"


def report(env: Environment, model: Model, data: Data, y: Array, figures: dict[str, float], what: str = "test") -> None:
    """Print how a model did on data with known answers.

    Args:
        env: where to print.
        model: the model.
        data: the samples and their true answers.
        y: what the model predicted for them.
        figures: "loss" and the metrics.
        what: what the data are called.
    """
    env.say("")
    if not model.classes:
        error = mean_absolute_error(y, data.t)
        said = "".join(f"{name.replace('_', ' ')} {v:.4f}, " for name, v in figures.items() if name != "loss")
        env.say(f"{what:<9} {said}mean absolute error {plainly(error)}, loss {figures['loss']:.4g}", style="bold")
        if isinstance(model.prepare, Table):
            guess = float(np.abs(data.t - data.t.mean(axis=0)).mean())
            env.say(
                f"{'':<9} (always saying the mean, {plainly(float(data.t.mean()))}, would be off by {plainly(guess)})"
            )
        env.say("")
        return
    y = by_class(model, y)
    answers, truth = class_ids(y), class_ids(data.t) if data.t.ndim > 1 else data.t
    right = int((answers == truth).sum())
    env.say(
        f"{what:<9} accuracy {100 * right / len(truth):.1f} % ({right:,} of {len(truth):,} right), "
        f"loss {figures['loss']:.4f}",
        style="bold",
    )
    if isinstance(model.prepare, Table):
        counts = np.bincount(truth)
        common, share = model.classes[int(counts.argmax())], 100 * counts.max() / len(truth)
        env.say(f"{'':<9} (always answering {common!r} would be right in {share:.1f} %)")
    columns = min(env.stdout.width, MOST_COLUMNS) - INDENT
    if len(model.classes) <= MOST_CLASSES:
        lines = confusion(confusion_matrix(y, truth, len(model.classes)), model.classes, columns)
        _say_block(env, "What it is (row) and what was answered (column):", lines)
    if data.x.ndim == 3:
        show_pictures(env, model, data.x, truth, answers, y, columns)
    env.say("")


def _say_block(env: Environment, head: str, lines: list[str]) -> None:
    if lines:
        env.say(f"\n{head}")
    for line in lines:
        env.say(f"{'':{INDENT}}{line}".rstrip())


def show_pictures(
    env: Environment, model: Model, x: Array, truth: Array, answers: Array, y: Array, columns: int
) -> None:
    """Some of the pictures in shades of the terminal's characters."""
    picks = chosen(answers, truth, PICTURES)
    words = in_words(model)
    labels = []
    for i in picks.tolist():
        wrong = "" if answers[i] == truth[i] else f"  WRONG: {model.classes[int(truth[i])]}"
        labels.append(f"{model.classes[int(answers[i])]}  {words(float(np.max(y[i])))}{wrong}")
    unicode = (env.stdout.encoding or "").lower().startswith("utf")
    note = "a wrong one among them" if (answers != truth).any() else "all of them are right"
    full, digit = (
        (model.prepare.full, model.prepare.digit) if isinstance(model.prepare, Pixels | Digits) else (255.0, False)
    )
    images = [fitted(image, full) for image in x[picks]]
    lines = gallery(images, labels, unicode, columns, margin=4 if digit else 0)
    _say_block(env, f"Some test pictures, the answer below each ({note}):\n", lines)
