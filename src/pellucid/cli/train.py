"""`pellucid train DATA`: train a network on a data set and save it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pellucid.cli.augmenting import augment_options
from pellucid.cli.environment import Environment, json_option
from pellucid.cli.status import Status
from pellucid.cli.telling import figure, finish, position, say_line, tell_epoch, tell_start

if TYPE_CHECKING:
    from pellucid.cli.plan import Plan
    from pellucid.cli.taken import Taken

EXAMPLES = """\b
Examples:
  pellucid train digits
  pellucid train spiral --layers 64,64,3 --epochs 200 --lr 0.02
  pellucid train digits --shift 1 --rotate 15 --elastic 4
  pellucid train path/to/mnist --layers 512,256,10 --dropout 0.2 --shift 1
  pellucid train flowers.csv --target species --checkpoint runs/flowers
  pellucid train digits --record digits.run
  pellucid train titanic.csv --target survived --folds 5
"""


@click.command(epilog=EXAMPLES, short_help="Train a network on a data set and save it.")
@click.argument("data")
@click.option(
    "--layers",
    metavar="A,B,C | FILE.toml",
    help="Units of each dense layer, the last one the number of answers; or a TOML file with [[layers]].",
)
@click.option(
    "--activation",
    type=click.Choice(["relu", "leaky-relu", "elu", "gelu", "silu", "tanh", "sigmoid"]),
    help="The bend after each hidden layer. Default relu.",
)
@click.option(
    "--loss",
    type=click.Choice(
        [
            "softmax-cross-entropy",
            "categorical-cross-entropy",
            "sigmoid-cross-entropy",
            "binary-cross-entropy",
            "mse",
            "mae",
            "huber",
        ]
    ),
    help="How wrong an answer is. Default softmax-cross-entropy for classes, mse for values.",
)
@click.option(
    "--optimizer",
    type=click.Choice(["random-search", "sgd", "adagrad", "rmsprop", "adam", "adamw"]),
    default="adam",
    show_default=True,
    help="How the weights move.",
)
@click.option("--lr", type=float, help="The learning rate, at its highest.")
@click.option(
    "--schedule",
    type=click.Choice(["exponential", "constant", "inverse", "cosine", "one-cycle"]),
    default="exponential",
    show_default=True,
    help="How the rate changes over time.",
)
@click.option(
    "--decay", type=float, help="For exponential: the factor after each epoch; for inverse: the book's decay."
)
@click.option("--momentum", type=float, help="For sgd: how much of the last step is repeated.")
@click.option("--epochs", type=int, help="How often every sample is seen.")
@click.option("--batch-size", type=int, help="How many samples make one step.")
@click.option(
    "--validation",
    type=float,
    default=0.1,
    show_default=True,
    help="The share of the training samples that is only measured, after each epoch. 0: none.",
)
@click.option(
    "--test",
    type=float,
    default=0.1,
    show_default=True,
    help="The share set aside for the final test, where the data come without a test part.",
)
@click.option("--dropout", type=float, default=0.0, help="The share of each hidden layer that is dropped in training.")
@click.option("--l1", type=float, default=0.0, help="Penalty: this times the sum of |w| over all weights.")
@click.option("--l2", type=float, help="Penalty: this times the sum of w^2 over all weights.")
@click.option("--clip", type=float, help="The gradient's greatest length; a longer one is shortened.")
@augment_options(enlarge=True)
@click.option(
    "--standardize",
    is_flag=True,
    help="Bring pictures to mean 0 and deviation 1, as measured on the training part, instead of 0 to 1.",
)
@click.option("--patience", type=int, help="Stop when the validation loss has not improved for so many epochs.")
@click.option("--keep-best", is_flag=True, help="End with the weights of the epoch with the lowest validation loss.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="All random choices follow from it.")
@click.option("--target", help="For a table: the column to predict, by its name or its number from 0.")
@click.option("--keep", multiple=True, metavar="COLUMN", help="For a table: use a column that would be left out.")
@click.option("--drop", multiple=True, metavar="COLUMN", help="For a table: leave a column out.")
@click.option(
    "--group",
    metavar="COLUMN",
    help="For a table: rows with the same word or number here, such as a patient's, stay in one part.",
)
@click.option(
    "--time", metavar="COLUMN", help="For a table: the latest rows are the test, those before them validation."
)
@click.option(
    "--stream/--no-stream",
    default=None,
    help="Whether samples stay on the disk while they are learned. Default: if they are larger than 512 MB.",
)
@click.option(
    "--folds",
    type=click.IntRange(2),
    metavar="K",
    help="Cross-validate: train K networks, each judged on a K-th of the rows that it did not see. Nothing is saved.",
)
@click.option("--output", type=click.Path(dir_okay=False), help="Where the model is saved. Default NAME.safetensors.")
@click.option(
    "--checkpoint",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="Write the whole state of the training here after each epoch and when it is stopped.",
)
@click.option(
    "--record",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="Record the training here, so that `pellucid replay DIR` goes back to any step of it.",
)
@click.option(
    "--record-size",
    type=float,
    default=500,
    show_default=True,
    metavar="MB",
    help="The most that a recording may take.",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Go on from the checkpoint or the recording, to the same result as without the pause.",
)
@json_option
@click.pass_obj
def command(
    env: Environment,
    /,
    data: str,
    patience: int | None,
    keep_best: bool,
    output: str | None,
    checkpoint: str | None,
    record: str | None,
    record_size: float,
    resume: bool,
    folds: int | None,
    **said: Any,
) -> Status:
    """Train a network on DATA and save it.

    DATA is digits, spiral, vertical, sine, xor, moons, or another name from `pellucid data list`; or a path: a folder
    with the four MNIST files, with CIFAR-10's batches, or with a folder of pictures for each class; one IDX file of
    images, a CSV table, an .npz file, or an .npy file of inputs with its targets beside it (big_x.npy and big_t.npy).

    Of a table, every column is looked at and what was found is said: numbers, words, missing cells, what is left out.
    """
    if resume and checkpoint is None and record is None:
        raise click.UsageError("--resume needs to know from where: add --checkpoint DIR or --record DIR.")
    if patience is not None and patience < 1:
        raise click.UsageError(f"--patience is a number of epochs, 1 or more, not {patience}.")
    if (patience is not None or keep_best) and not said["validation"]:
        raise click.UsageError("--patience and --keep-best watch the validation loss, so --validation cannot be 0.")
    from pellucid.cli.broken import explained
    from pellucid.cli.plan import Options, make_plan
    from pellucid.cli.tables import load_any
    from pellucid.cli.taken import Taken
    from pellucid.cli.writable import check_writable

    options = Options(data, **said)
    loaded = load_any(data, options.target, options.seed, on_disk=options.stream, env=env)
    if folds is not None:
        if checkpoint is not None or record is not None or output is not None or patience is not None or keep_best:
            raise click.UsageError("--folds saves nothing and watches nothing: leave out --output, --checkpoint, ...")
        from pellucid.cli.folds import cross_validate

        cross_validate(env, options, loaded[0], folds)
        return Status.DONE
    plan = make_plan(options, loaded)
    target = Path(output or f"{Path(data).name.split('.')[0] or 'model'}.safetensors")
    file = None if checkpoint is None else Path(checkpoint) / "checkpoint.safetensors"
    check_writable(target, data)
    if file is not None:
        check_writable(file, data)
        _resume(env, plan, file, resume)
    taken = None
    if record is not None:
        check_writable(Path(record) / "run.json", data)
        taken = Taken(env, Path(record), record_size, options, patience, keep_best)
        taken.ready(plan.training, resume)
    with explained(plan.training, taken):
        stopped = train_on(env, plan, file, patience, keep_best, taken)
    finish(env, plan, options, target, stopped, file)
    if taken is not None:
        taken.tell()
    return Status.STOPPED if stopped else Status.DONE


def _resume(env: Environment, plan: Plan, file: Path, asked: bool) -> None:
    import pellucid as pl

    if asked and file.exists():
        pl.resume(plan.training, file)
        say_line(env, f"resumed   after {position(plan.training)}, from {file}")
    elif asked:
        env.warn(f"There is no checkpoint at {file} yet, so training starts afresh.")
    elif file.exists():
        env.warn(f"The checkpoint at {file} will be replaced after the first epoch; --resume would go on from it.")


def train_on(
    env: Environment, plan: Plan, file: Path | None, patience: int | None, keep_best: bool, taken: Taken | None
) -> bool:
    """Run the training, telling its events; true if it was stopped from the keyboard."""
    import pellucid as pl

    training = plan.training
    tell_start(env, plan)
    events: Iterable[pl.Event] = pl.watch(training)
    if patience is not None:
        events = pl.early_stop(events, patience, past=training.history)
    if keep_best:
        events = pl.keep_best(events, training)
    events = events if taken is None else taken.record(events, training)
    first = True
    with _stop_on_interrupt() as stop, env.progress("training", training.epochs * training.steps_per_epoch) as bar:
        for event in events:
            if isinstance(event, pl.StepDone):
                if event.step % 8 == 0:
                    bar(event.step, f"loss {figure(event.loss)}")
            elif isinstance(event, pl.EpochDone):
                tell_epoch(env, event, training.epochs, first)
                first = False
                if file is not None:
                    pl.save_checkpoint(training, file)
            elif isinstance(event, pl.Noted):
                say_line(env, f"note      {event.text}")
                if isinstance(event, pl.Noticed):
                    env.event("finding", **event.finding.as_dict())
                else:
                    env.event("note", text=event.text)
            elif isinstance(event, pl.Stopped):
                say_line(env, f"stopped   {event.reason}")
                env.event("stopped", reason=event.reason)
            if stop.is_set() and isinstance(event, pl.StepDone | pl.EpochDone):
                break
    if isinstance(events, Generator):
        events.close()  # a recording is finished here
    if stop.is_set() and file is not None:
        pl.save_checkpoint(training, file)
    return stop.is_set()


@contextmanager
def _stop_on_interrupt() -> Iterator[threading.Event]:
    """Ctrl-C asks for a stop after the present step, when everything is whole; a second one ends at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
