"""What a training says: lines for people, events for programs. First while it runs, then when it is done."""

from __future__ import annotations

import shlex
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from pellucid.cli.environment import Environment

if TYPE_CHECKING:
    import pellucid as pl
    from pellucid.cli.plan import Options, Plan

MARGIN = 10  # columns; in them stands what a line is about


def say_line(env: Environment, line: str, style: str | None = None) -> None:
    """A line that begins with a word in the margin; at a terminal what does not fit goes on below, after the margin."""
    if env.stdout.is_terminal:
        line = textwrap.fill(
            line, env.stdout.width, subsequent_indent=" " * MARGIN, break_long_words=False, break_on_hyphens=False
        )
    env.say(line, style=style)


def tell_start(env: Environment, plan: Plan) -> None:
    """What is trained on what, with everything that was chosen."""
    import pellucid as pl

    training = plan.training
    for line in plan.lines:
        say_line(env, line, style="bold yellow" if line.startswith("warning ") else None)
    env.event(
        "start",
        data=plan.data.name,
        samples=len(plan.data),
        epochs=training.epochs,
        batch_size=training.batch_size,
        parameters=training.model.theta.size,
        layers=[pl.describe(layer) for layer in training.model.layers],
        loss=type(getattr(training.model.loss, "loss", training.model.loss)).__name__,
        augment=None if training.augment is None else pl.describe(training.augment),
        seed=training.seed,
        epochs_done=training.epoch,
    )
    if plan.inferred is not None:
        found = [{"name": f.name, "kind": f.kind, "used": f.used, "words": f.words} for f in plan.inferred.found]
        env.event("columns", target=plan.data.target, columns=found)


def tell_epoch(env: Environment, event: pl.EpochDone, epochs: int, first: bool) -> None:
    """The epoch's line, under the heads of the columns if it is the first."""
    if first:
        env.say("")
        env.say(_head(event, epochs), style="bold")
    env.say(_line(event, epochs))
    env.event("epoch", **event.row(), seconds=round(event.seconds, 4))


def _columns(event: pl.EpochDone) -> dict[str, str]:
    """The figures of an epoch in the order in which they are printed: loss and metrics, then the validation's."""
    row = {k: v for k, v in event.row().items() if k not in ("epoch", "lr")}
    return {k: f"{100 * v:.1f} %" if k.endswith("accuracy") else figure(v) for k, v in row.items() if v is not None}


def figure(value: float) -> str:
    """A figure in at most 8 characters.

    >>> figure(0.12345), figure(-12.5), figure(123456.7), figure(-1e20)
    ('0.1235', '-12.5000', '1.23e+05', '-1e+20')
    """
    text = f"{value:.4f}"
    return text if len(text) <= 8 else f"{value:.3g}"


def _head(event: pl.EpochDone, epochs: int) -> str:
    names = [f"{k.replace('_', ' '):>{_width(k)}}" for k in _columns(event)]
    return "  ".join([f"{'epoch':>{max(2 * len(str(epochs)) + 1, 5)}}", *names, "  seconds"])


def _line(event: pl.EpochDone, epochs: int) -> str:
    count = f"{event.epoch}/{epochs}"
    cells = [f"{v:>{_width(k)}}" for k, v in _columns(event).items()]
    return "  ".join([f"{count:>{max(2 * len(str(epochs)) + 1, 5)}}", *cells, f"{event.seconds:9.2f}"])


def _width(name: str) -> int:
    return max(len(name), 8)


def position(training: pl.Training) -> str:
    """Where a training is, in words: "3 epochs and 1 batch"."""
    words = f"{training.epoch} epoch{'s' * (training.epoch != 1)}"
    return words + (f" and {training.batch} batch{'es' * (training.batch != 1)}" if training.batch else "")


def finish(env: Environment, plan: Plan, options: Options, target: Path, stopped: bool, file: Path | None) -> None:
    """Save the model; then the test, what it looks like, where the model is, and what to type next."""
    from pellucid.cli.plan import metrics_for
    from pellucid.cli.report import report

    training, model, test = plan.training, plan.training.model, plan.test
    if stopped:
        env.say("")
        say_line(env, f"stopped   by you after {position(training)}; what was learned so far is kept", style="bold")
    model.save(target)
    y = model.predict(test.x)
    figures = {"loss": model.evaluate(test.x, test.t, ())["loss"]}
    figures |= {f.__name__: float(f(y, test.t)) for f in metrics_for(model)}
    report(env, model, test, y, figures)
    env.event(
        "done",
        test_loss=figures["loss"],
        **{f"test_{k}": v for k, v in figures.items() if k != "loss"},
        model=str(target),
        epochs=training.epoch,
        stopped=stopped,
    )
    say_line(env, f"saved     {target} ({target.stat().st_size / 1000:,.0f} kB)", style="bold")
    for i, (what, command) in enumerate(_next(plan, options, target, stopped, file)):
        env.say(f"{'' if i else 'next':<{MARGIN}}{what}")
        if command:
            env.say(f"{'':<{MARGIN}}  {command}")


def _next(plan: Plan, options: Options, target: Path, stopped: bool, file: Path | None) -> list[tuple[str, str]]:
    """What may be done next, and the command for it; a command stands on a line of its own, to be copied."""
    from pellucid.datasets.load import NAMED

    model, place, data = plan.training.model, shlex.quote(str(target)), shlex.quote(options.data)
    again = f"pellucid evaluate {place} {data}"
    if options.target is not None:
        again += f" --target {shlex.quote(options.target)}"
    if options.seed and options.data in NAMED:
        again += f" --seed {options.seed}"
    said = []
    if plan.test.x.ndim == 3:
        picture = "my_digit.png" if getattr(model.prepare, "digit", False) else "my_picture.png"
        said.append(("ask it about a picture of yours:", f"pellucid predict {place} {picture}"))
    if plan.inferred is not None:
        said.append(("ask it about new rows, with these columns:", f"pellucid predict {place} new_rows.csv"))
    said.append(("measure it again:" if plan.test_is_fresh else "measure it on all rows, learned or not:", again))
    if stopped and file is not None:
        said.append(("go on where you stopped: the same command with --resume", ""))
    else:
        said.append((f"train longer: the same command with --epochs {2 * plan.training.epochs}", ""))
    return said
