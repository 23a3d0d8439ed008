"""What a test looks like: the figure, the confusion table, some pictures with their answers, a wrong one among them."""

from __future__ import annotations

import numpy as np

from pellucid.base.arrays import Array
from pellucid.cli.environment import Environment
from pellucid.cli.show import chosen, confusion, gallery
from pellucid.data.batches import Data
from pellucid.metrics import class_ids, confusion_matrix, mean_absolute_error
from pellucid.model import Model

MOST_CLASSES = 12  # a wider confusion table does not fit a terminal
PICTURES = 6


def report(env: Environment, model: Model, data: Data, y: Array, figures: dict[str, float]) -> None:
    """Print how a model did on data with known answers.

    Args:
        env: where to print.
        model: the model.
        data: the samples and their true answers.
        y: what the model predicted for them.
        figures: "loss" and the metrics.
    """
    env.say("")
    if not model.classes:
        error = mean_absolute_error(y, data.t)
        env.say(f"test      r2 {figures['r2']:.4f}, mean error {error:.4g}, loss {figures['loss']:.4g}", style="bold")
        env.say("")
        return
    answers, truth = class_ids(y), class_ids(data.t) if data.t.ndim > 1 else data.t
    right = int((answers == truth).sum())
    env.say(
        f"test      accuracy {100 * right / len(truth):.1f} % ({right:,} of {len(truth):,} right), "
        f"loss {figures['loss']:.4f}",
        style="bold",
    )
    if len(model.classes) <= MOST_CLASSES:
        env.say("\nWhat it is (row) and what was answered (column):")
        for line in confusion(confusion_matrix(y, data.t, len(model.classes)), model.classes):
            env.say(f"  {line}".rstrip())
    if data.x.ndim == 3:
        show_pictures(env, model, data.x, truth, answers, y)
    env.say("")


def show_pictures(env: Environment, model: Model, x: Array, truth: Array, answers: Array, y: Array) -> None:
    """Some of the pictures in shades of the terminal's characters."""
    picks = chosen(answers, truth, PICTURES)
    labels = []
    for i in picks.tolist():
        said, sure = model.classes[int(answers[i])], f"{100 * float(np.max(y[i])):.0f} %"
        wrong = "" if answers[i] == truth[i] else f"  WRONG: {model.classes[int(truth[i])]}"
        labels.append(f"{said}  {sure}{wrong}")
    unicode = (env.stdout.encoding or "").lower().startswith("utf")
    note = "a wrong one among them" if (answers != truth).any() else "all of them are right"
    env.say(f"\nSome test pictures, the answer below each ({note}):\n")
    for line in gallery(x[picks], labels, unicode, min(env.stdout.width, 100)):
        env.say(f"  {line}".rstrip())
