"""`pellucid replay DIR --step 137`: any step of a recorded training again, exactly; or another training from there."""

from __future__ import annotations

import click

from pellucid.cli.environment import Environment, json_option
from pellucid.cli.status import Status

EXAMPLES = """\b
Examples:
  pellucid train digits --record digits.run
  pellucid replay digits.run
  pellucid replay digits.run --step 137
  pellucid replay digits.run --step 137 --explain 0.dense.W[406,12]
  pellucid replay digits.run --branch 137 --lr 0.003 --output slower.run
  pellucid replay --diff digits.run slower.run
  pellucid replay broken.run --broke
"""


@click.command(epilog=EXAMPLES, short_help="Go back to any step of a recorded training, exactly.")
@click.argument("recording", type=click.Path(), required=False)
@click.option("--step", type=int, metavar="N", help="Rebuild the training as it was after step N, and prove it.")
@click.option(
    "--explain", metavar="PATH[I,J]", help="With --step: open a number of that very step, such as 0.dense.W[406,12]."
)
@click.option("--depth", type=click.IntRange(1, 12), default=3, show_default=True, help="How many levels are opened.")
@click.option("--branch", type=int, metavar="N", help="Train on from after step N, with something changed.")
@click.option("--lr", type=float, help="With --branch: another learning rate, at its highest.")
@click.option("--epochs", type=click.IntRange(1), help="With --branch: how many epochs in all.")
@click.option("--clip", type=float, help="With --branch: the gradient's greatest length.")
@click.option(
    "--output",
    "-o",
    type=click.Path(),
    help="With --branch: where the second recording goes. With --step: also save the model of that step here.",
)
@click.option(
    "--record-size",
    type=float,
    default=500,
    show_default=True,
    metavar="MB",
    help="With --branch: the most that the second recording may take.",
)
@click.option("--diff", nargs=2, type=click.Path(), metavar="A B", help="Two recordings side by side.")
@click.option("--verify", is_flag=True, help="Recompute everything, and compare every loss and every digest.")
@click.option("--broke", is_flag=True, help="The first number that is not finite: where, from which sample, and why.")
@click.option("--data", metavar="PATH", help="Where the data are now, if they have moved.")
@click.option("--inexact", is_flag=True, help="Go on even where the numbers are not those recorded, to the bit.")
@json_option
@click.pass_obj
def command(
    env: Environment,
    /,
    recording: str | None,
    step: int | None,
    explain: str | None,
    depth: int,
    branch: int | None,
    lr: float | None,
    epochs: int | None,
    clip: float | None,
    output: str | None,
    record_size: float,
    diff: tuple[str, str] | None,
    verify: bool,
    broke: bool,
    data: str | None,
    inexact: bool,
) -> Status:
    """Go back to any step of RECORDING, a folder that `pellucid train --record` wrote. Without options: what is in it.

    A step is rebuilt from the checkpoint before it and compared with what was recorded: the loss of every step, and the
    digest of the weights at every checkpoint and every epoch's end. What is not as it was (versions, kernels, data) is
    said before anything is recomputed.
    """
    modes = {"--step": step, "--branch": branch, "--diff": diff, "--verify": verify or None, "--broke": broke or None}
    given = [name for name, value in modes.items() if value is not None]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} are two different things to do; give one of them.")
    if (recording is None) == (diff is None):
        raise click.UsageError("Name a recording: pellucid replay DIR, or two: pellucid replay --diff A B.")
    for name, value, needs in (("--lr", lr, branch), ("--epochs", epochs, branch), ("--clip", clip, branch),
                               ("--explain", explain, step)):  # fmt: skip
        if value is not None and needs is None:
            raise click.UsageError(
                f"{name} needs --{'step' if name == '--explain' else 'branch'} N, to say from where."
            )
    if output is not None and step is None and branch is None:
        raise click.UsageError("--output needs --step N (a model) or --branch N (a second recording).")
    from pellucid.cli import replaying

    if diff is not None:
        return replaying.show_difference(env, *diff, data)
    assert recording is not None
    if step is not None:
        return replaying.show_step(env, recording, step, explain, depth, output, data, exact=not inexact)
    if branch is not None:
        from pellucid.cli.branching import branch_off

        changes = {name: value for name, value in (("lr", lr), ("epochs", epochs), ("clip", clip)) if value is not None}
        return branch_off(env, recording, branch, changes, output, data, record_size, exact=not inexact)
    if broke:
        from pellucid.cli.broken import show_broken

        return show_broken(env, recording, depth, data)
    if verify:
        return replaying.verify(env, recording, data)
    return replaying.show(env, recording)
