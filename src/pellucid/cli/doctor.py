"""`pellucid doctor [MODEL] DATA`: what is wrong with this training, how it is known, and what helps."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pellucid.cli.environment import Environment, json_option
from pellucid.cli.status import Status
from pellucid.cli.train import command as train

if TYPE_CHECKING:
    import pellucid as pl

EXAMPLES = """\b
Examples:
  pellucid doctor digits --lr 10 --optimizer sgd            the training that 'pellucid train' would make
  pellucid doctor digits --lr 10 --optimizer sgd --prove    ... and try each cure
  pellucid doctor flowers.csv --target species --layers 64,3
  pellucid doctor digits.safetensors digits                 a network that was trained
"""
NETWORK = {"layers", "activation", "loss", "dropout", "l1", "l2", "standardize"}  # a model file has these in it
OPTIONS = (  # those of `pellucid train` that describe a training, in the order of its help
    "layers", "activation", "loss", "optimizer", "lr", "schedule", "decay", "momentum", "epochs", "batch_size",
    "validation", "test", "dropout", "l1", "l2", "clip", "flip", "rotate", "scale", "shear", "crop", "elastic", "shift",
    "stroke", "noise", "cutout", "mixup", "enlarge", "standardize", "seed", "target", "keep", "drop", "group", "time",
)  # fmt: skip
SHARED = [option for option in train.params if option.name in OPTIONS]


def _shared(command: click.Command) -> click.Command:
    """The same options as `pellucid train`, with the same words, ahead of this verb's own."""
    command.params[1:1] = SHARED
    return command


@_shared
@click.command(epilog=EXAMPLES, short_help="Find what is wrong with a training, and try the cure.")
@click.argument("subject", metavar="[MODEL] DATA", nargs=-1, required=True)
@click.option("--prove", is_flag=True, help="Try each cure: a short training without it and with it, both drawn.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.1),
    default=60.0,
    show_default=True,
    help="About how long it may take; experiments that do not fit are left out, and it is said which.",
)
@json_option
@click.pass_obj
def command(env: Environment, /, subject: tuple[str, ...], prove: bool, seconds: float, **said: Any) -> Status:
    """Make about twenty short experiments on a training, and say what is wrong with it and what helps.

    The training is described as for `pellucid train`, with the same options; or MODEL is a file that it saved. Looked
    at are the last layer and the loss, the size of the numbers, the gradient, dead units, the learning rate, whether
    eight samples can be learned, leaks, labels and overfitting. Nothing is saved or changed. Ends with 1 if there is a
    finding.
    """
    import pellucid as pl
    from pellucid.cli.plan import Options, make_plan
    from pellucid.cli.tables import load_any
    from pellucid.cli.telling import say_line
    from pellucid.inspection.ladder.case import Case, Clock
    from pellucid.inspection.ladder.climb import LADDER, climb

    if len(subject) > 2:
        raise click.UsageError(f"Give DATA, or MODEL and DATA; {' '.join(subject)} are {len(subject)}.")
    if len(subject) == 1 and subject[0].endswith(".safetensors") and Path(subject[0]).is_file():
        raise click.UsageError(f"{subject[0]} is a model; name the data too: pellucid doctor {subject[0]} DATA.")
    if said["validation"] == 0:
        raise click.UsageError("--validation cannot be 0 here: leaks and overfitting are seen on samples set aside.")
    options, net = Options(subject[-1], **said), None
    if len(subject) == 2:
        given = [name for name in NETWORK if _given(name)]
        if given:
            raise click.UsageError(f"--{given[0]} describes a network, and {subject[0]} is one. Leave one of them out.")
        net = pl.load(subject[0])
    data, test = load_any(subject[-1], options.target, options.seed, None if net is None else net.prepare)
    if net is not None:
        data, test = _known(net, data, options.data), None if test is None else _known(net, test, options.data)
    plan = make_plan(options, (data, test), net)
    training, validation = plan.training, plan.validation
    assert validation is not None
    for line in plan.lines:
        say_line(env, line)
    env.event("start", data=options.data, samples=len(training.data), validation=len(validation), seed=options.seed)
    case = Case(
        training.model, training.data, validation, training.optimizer, training.epochs, training.batch_size,
        training.clip, training.augment, training.seed, Clock.of(seconds), typed=True,
    )  # fmt: skip
    with env.progress("examining", len(LADDER)) as bar:
        done = iter(range(10 * len(LADDER)))
        diagnosis = climb(case, prove, lambda what: bar(next(done), what))
    _tell(env, diagnosis, prove)
    return Status.DONE if diagnosis.ok else Status.FAILED


def _given(name: str) -> bool:
    """Whether the option was typed."""
    source = click.get_current_context().get_parameter_source(name)
    return source is click.core.ParameterSource.COMMANDLINE


def _known(net: pl.Model, data: pl.Data, name: str) -> pl.Data:
    """The data with the model's classes and columns."""
    from pellucid.cli.evaluate import same_classes, same_columns
    from pellucid.cli.report import named

    known: pl.Data = same_classes(named(net), same_columns(net, data), name)
    return known


def _say(env: Environment, line: str, margin: int, style: str | None = None) -> None:
    """A line; at a terminal what does not fit goes on below, after so many columns."""
    if env.stdout.is_terminal and len(line) > env.stdout.width:
        line = textwrap.fill(
            line, env.stdout.width, subsequent_indent=" " * margin, break_long_words=False, break_on_hyphens=False
        )
    env.say(line, style=style)


def _tell(env: Environment, diagnosis: pl.Diagnosis, prove: bool) -> None:
    """The findings for people, the first cause first; each event for programs."""
    env.say("")
    margin = 4 + max(len(one.what) for one in (*diagnosis.looked, *diagnosis.left_out))
    for line in diagnosis.lines():
        _say(env, line, margin, style="bold yellow" if line.startswith("!") else None)
    for one in diagnosis.looked:
        env.event("looked", what=one.what, says=one.says, found=list(one.found))
    for one in diagnosis.left_out:
        env.event("left_out", what=one.what, why=one.says)
    for i, finding in enumerate(diagnosis.findings, 1):
        env.say("")
        head, _, rest = str(finding).partition("\n")
        _say(env, f"{i}. {head}", 3, style="bold")
        for line in rest.splitlines():
            _say(env, line, len(line) - len(line.lstrip()) + 2)
        env.event("finding", **finding.as_dict())
    env.say("")
    count = len(diagnosis.findings)
    if not count:
        env.say("Nothing was found.", style="bold")
    elif not prove and any(finding.code for finding in diagnosis.findings):
        env.say(f"{count} finding{'s' * (count > 1)}. --prove tries each cure.", style="bold")
    else:
        env.say(f"{count} finding{'s' * (count > 1)}.", style="bold")
    env.event("done", ok=diagnosis.ok, findings=list(diagnosis.names))
