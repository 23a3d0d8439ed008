"""`pellucid explain MODEL --data DATA --sample 3 --weight 0.dense.W[406,12]`: one number, and what makes it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from pellucid.cli.environment import Environment, json_option
from pellucid.cli.status import Status

if TYPE_CHECKING:
    import pellucid as pl
    from pellucid.inspection.tree import Row

EXAMPLES = """\b
Examples:
  pellucid explain digits.safetensors --sample 3 --output 7
  pellucid explain digits.safetensors --sample 3 --batch 4 --weight 0.dense.W[406,12]
  pellucid explain digits.safetensors --unit 1.relu[5] --depth 4
  pellucid explain digits.safetensors --batch 8 --loss --html loss.html
"""
CHOICES = "--weight, --output, --unit, --loss or --number"
SHOWN = 8  # terms of a sum that are printed; the others are one line


@click.command(epilog=EXAMPLES, short_help="Open one number of a network: what makes it, and why.")
@click.argument("model", type=click.Path())
@click.option("--data", default="digits", show_default=True, help="The data set, named as for `pellucid train`.")
@click.option("--part", type=click.Choice(["test", "train"]), default="test", show_default=True, help="Which part.")
@click.option("--sample", type=click.IntRange(0), default=0, show_default=True, help="Which sample, counted from 0.")
@click.option(
    "--batch",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="How many samples, from --sample on.",
)
@click.option("--weight", metavar="PATH[I,J]", help="A weight: its gradient by sample, and its update.")
@click.option("--output", type=int, metavar="K", help="An output of the network, by its number: the score of a class.")
@click.option("--unit", metavar="LAYER[K]", help="An output of any layer, for the sample.")
@click.option("--loss", is_flag=True, help="The loss of the batch.")
@click.option("--number", metavar="PATH[...]", help="Any other number of the trace, such as 2.dense.dx[0,5].")
@click.option("--depth", type=click.IntRange(1, 12), default=3, show_default=True, help="How many levels are opened.")
@click.option("--target", help="For a table: the column with the answers. Default: the one that was learned.")
@click.option("--seed", type=int, default=0, show_default=True, help="Which points of spiral, ...; what dropout draws.")
@click.option("--html", type=click.Path(dir_okay=False), help="Also write a page that opens offline from this file.")
@click.option("--save", type=click.Path(dir_okay=False), help="Also write the whole trace; pl.load_trace reads it.")
@json_option
@click.pass_obj
def command(
    env: Environment,
    /,
    model: str,
    data: str,
    part: str,
    sample: int,
    batch: int,
    depth: int,
    target: str | None,
    seed: int,
    html: str | None,
    save: str | None,
    **chosen: Any,
) -> Status:
    """Open one number of the network in the file MODEL: the sum of named products that makes it, each of which is
    opened in turn, down to the inputs and to the loss; the line of source that computed it; and for what has a
    gradient, what the loss does when the number is nudged.

    A weight's gradient and the loss are those of a training step on the batch, outputs and units those of a prediction.
    """
    import pellucid as pl
    from pellucid.cli.report import named

    net = named(pl.load(model))
    samples = _batch(net, data, part, sample, batch, target, seed)
    path, training = _wanted(net, chosen)
    trace = pl.trace(
        net, samples.x, samples.t, training=training, weights=samples.weights, mask=samples.mask, seed=seed
    )
    line = pl.ledger(trace, path)
    remarks = _remarks(trace, net, samples, line, sample, part, data, training)
    nudged = _nudged(line)
    env.say(remarks[0], style="dim")
    show(env, line, depth)
    for text in (*remarks[1:], *([str(nudged)] if nudged is not None else [])):
        env.say(f"  {text}")
    if html is not None:
        from pellucid.inspection.page import page
        from pellucid.store import write_atomically

        words = (*remarks, *([str(nudged)] if nudged is not None else []))
        write_atomically(html, page(line, max(depth, 5), remarks=words).encode())
        env.say(f"written   {html}: opens in any browser, offline")
    if save is not None:
        trace.save(save)
        env.say(f"written   {save}: pl.load_trace reads it")
    nudge = None if nudged is None else {"value": float(nudged), "backward": nudged.backward, "digits": nudged.digits}
    env.event("explained", model=model, data=data, sample=sample, batch=batch, line=line.document(depth), nudge=nudge)
    return Status.DONE


def _batch(net: pl.Model, data: str, part: str, sample: int, batch: int, target: str | None, seed: int) -> pl.Data:
    """The samples that are looked at, in the model's own numbering of classes and columns."""
    from pellucid.base.errors import UsageError
    from pellucid.cli.evaluate import same_classes, same_columns
    from pellucid.cli.plan import with_targets
    from pellucid.cli.tables import load_any
    from pellucid.data.batches import check_finite

    train, test = load_any(data, target, seed, net.prepare)
    samples = train if part == "train" or test is None else test
    if sample + batch > len(samples):
        raise UsageError(
            f"{data} has {len(samples):,} samples in its {part} part, so --sample {sample} --batch {batch} goes beyond "
            f"its end: the last sample is {len(samples) - 1}."
        )
    few = samples[sample : sample + batch]
    check_finite(few)
    return with_targets(net, same_classes(net, same_columns(net, few), data))


def _wanted(net: pl.Model, chosen: dict[str, Any]) -> tuple[str, bool]:
    """The number's path in the trace, and whether the pass is one of training."""
    from pellucid.base.errors import UsageError

    given = [name for name, value in chosen.items() if value is not None and value is not False]
    if len(given) != 1:
        said = "nothing was" if not given else " and ".join(f"--{name}" for name in given) + " were"
        raise UsageError(f"explain opens one number: give one of {CHOICES}; {said} given.")
    name, value = given[0], chosen[given[0]]
    if name == "loss":
        return "loss", True
    if name == "output":
        if len(net.output_shape) != 1:
            raise UsageError(f"The network's output has the shape {net.output_shape}; use --unit LAYER[...].")
        if not 0 <= value < net.output_shape[0]:
            last = net.output_shape[0] - 1
            raise UsageError(f"There is no output {value}: the shape is {net.output_shape}, so they are 0 to {last}.")
        return f"{_last(net)}.y[0,{value}]", False
    if name == "unit":
        found = re.fullmatch(r"\s*([^\[\]]+?)\s*\[([-\d,\s]*)\]\s*", value)
        if found is None:
            raise UsageError(f"--unit {value!r}: write the layer and the unit's place in it, such as 1.relu[5].")
        return f"{found[1].removesuffix('.y')}.y[0,{found[2]}]", False
    if name == "weight":
        return _gradient_of(net, value), True
    return value, True


def _gradient_of(net: pl.Model, value: str) -> str:
    """0.dense.W[406,12] as 0.dense.dW[406,12]."""
    from pellucid.inspection.trace import NoSuchPath, nearest

    array, bracket, place = value.partition("[")
    owner, _, name = array.strip().rpartition(".")
    if array.strip() not in net.slots and f"{owner}.{name.removeprefix('d')}" in net.slots:
        name = name.removeprefix("d")
    if f"{owner}.{name}" not in net.slots:
        raise NoSuchPath(f"The network has no weights {array!r}. {nearest(array.strip(), list(net.slots))}")
    return f"{owner}.d{name}{bracket}{place}"


def _last(net: pl.Model) -> str:
    return list(net.net.children())[-1]


def _remarks(
    trace: pl.Trace, net: pl.Model, samples: pl.Data, line: pl.Line, sample: int, part: str, data: str, training: bool
) -> tuple[str, ...]:
    """What the batch is, and for a weight how it moves."""
    import numpy as np

    from pellucid.inspection.tree import fmt

    words = "as in training" if training else "as in a prediction"
    which = f"sample {sample}" if len(samples) == 1 else f"samples {sample} to {sample + len(samples) - 1}"
    if net.classes and samples.t.ndim == 1:
        which += (
            " (" + ", ".join(net.classes[int(k)] for k in samples.t[:12]) + (", ...)" if len(samples) > 12 else ")")
        )
    said = [f"{data}, {part} part: {which}; loss {fmt(trace.loss)}; {words}"]
    y = trace.scores.y
    if net.classes and y.shape == (1, len(net.classes)) and not training:
        best = int(np.argmax(y[0]))
        said.append(f"the answer is {net.classes[best]}, with {100 * float(y[0, best]):.3g} %")
        if line.at is not None and line.at[:2] == (_last(net), "y"):
            k = line.at[2][-1]
            said.append(f"output {k} is the score of {net.classes[k]}, which gets {100 * float(y[0, k]):.3g} %")
    assert line.at is not None
    owner, name, at = line.at
    path = f"{owner}.{name[1:]}"
    if trace.update is not None and path in trace.model.slots:
        shape = trace.model.slots[path].shape
        said.append(f"d{name[1:]} has the shape of {name[1:]}: {shape}; the division by N stands in the loss, once")
        kept = [k for k in trace.update.after if k != "theta"]
        state = ", ".join(f"{k} {fmt(float(trace.update.of(path, trace.update.after[k])[at]))}" for k in kept)
        step, old, new = (float(trace[f"{path}{k}"][at]) for k in (".step", ".before", ".after"))
        said.append(
            f"a first step of {type(trace.update.optimizer).__name__}({trace.update.rate:g}): {state} -> "
            f"step {step:+.4g}, {name[1:]} {fmt(old)} -> {fmt(new)}"
        )
    return tuple(said)


def _nudged(line: pl.Line) -> Any:
    from pellucid.base.errors import UsageError

    try:
        return line.nudge()
    except UsageError:
        return None


def show(env: Environment, line: pl.Line, depth: int) -> None:
    """The line as a tree: with lines and colours at a terminal, indented elsewhere."""
    from pellucid.inspection.tree import as_text, foot, head, rows_of

    unicode = (env.stdout.encoding or "").lower().startswith("utf")
    if not env.is_terminal:
        env.say(plainly(as_text(line, depth, SHOWN), unicode))
        return
    from rich.text import Text
    from rich.tree import Tree

    first, formula = head(line)
    tree = Tree(Text.assemble((plainly(first, unicode), "bold"), f"\n{plainly(formula, unicode)}"))
    _grow(tree, rows_of(line, depth, SHOWN), unicode)
    env.say(tree)
    for text in foot(line):
        env.say(text, style="dim")


def _grow(tree: Any, rows: list[Row], unicode: bool) -> None:
    from rich.text import Text

    from pellucid.inspection.tree import fmt

    for row in rows:
        value = row.line.value
        colour = "blue" if value > 0 else "yellow" if value < 0 else "dim"
        product = row.line.how == "product"
        middle = f"  {row.remark} = " if product else "  "
        after = f"    {row.remark}" if row.remark and not product else ""
        more = " >" if row.more and not row.rows else ""
        parts = (plainly(row.words, unicode), (plainly(middle, unicode), "dim"), (fmt(value), f"bold {colour}"))
        _grow(tree.add(Text.assemble(*parts, (plainly(after + more, unicode), "dim"))), row.rows, unicode)


def plainly(text: str, unicode: bool) -> str:
    """A terminal without the sign gets a letter.

    >>> plainly("x × y", False)
    'x x y'
    """
    return text if unicode else text.replace("×", "x")
