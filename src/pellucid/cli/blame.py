"""`pellucid blame MODEL --data DATA`: the training samples behind an answer, a weight, or near a sample in a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pellucid.cli.environment import Environment, json_option
from pellucid.cli.status import Status

if TYPE_CHECKING:
    import pellucid as pl
    from pellucid.base.arrays import Array

EXAMPLES = """\b
Examples:
  pellucid blame digits.safetensors --sample 3
  pellucid blame digits.safetensors --wrong
  pellucid blame digits.safetensors --wrong --nearest 1.relu
  pellucid blame digits.safetensors --weight 0.dense.W[406,12]
"""
MARGIN = 2


@click.command(epilog=EXAMPLES, short_help="Find the training samples behind an answer or a weight.")
@click.argument("model", type=click.Path())
@click.option("--data", default="digits", show_default=True, help="The data set, named as for `pellucid train`.")
@click.option("--sample", type=click.IntRange(0), default=0, show_default=True, help="Which sample of the test part.")
@click.option("--wrong", is_flag=True, help="Take the first wrong answer from --sample on.")
@click.option("--weight", metavar="PATH[I,J]", help="Instead of an answer, a weight: which samples push it.")
@click.option("--nearest", metavar="LAYER", help="Instead, the training samples that this layer finds most alike.")
@click.option("--layer", "layers", multiple=True, help="For an answer: over this layer's gradient alone; repeatable.")
@click.option("--count", type=click.IntRange(1), default=5, show_default=True, help="How many samples are shown.")
@click.option("--target", help="For a table: the column with the answers. Default: the one that was learned.")
@click.option("--seed", type=int, default=0, show_default=True, help="For spiral, sine, ...: which points are drawn.")
@json_option
@click.pass_obj
def command(
    env: Environment,
    /,
    model: str,
    data: str,
    sample: int,
    wrong: bool,
    weight: str | None,
    nearest: str | None,
    layers: tuple[str, ...],
    count: int,
    target: str | None,
    seed: int,
) -> Status:
    """Ask which training samples are behind what the network in the file MODEL does.

    Without more, about its answer to a test sample: a small step on which training samples would help that answer most,
    and on which would harm it. With --weight, whose parts make a weight's gradient. Both are taken at the weights as
    they are in the file. With --nearest, which samples a layer finds most alike.
    """
    import pellucid as pl
    from pellucid.base.errors import UsageError
    from pellucid.cli.report import named

    if weight is not None and nearest is not None:
        raise UsageError("--weight asks about a weight and --nearest about a sample: give one of them.")
    net = named(pl.load(model))
    train, test = _parts(net, data, target, seed)
    if weight is not None:
        found = pl.blame(net, train.x, train.t, weight, weights=train.weights, mask=train.mask)
        env.say(f"{found.what}, by {len(train):,} training samples of {data}; the sum is {found.total:.4g}")
        _two(env, net, train, found, count)
        env.event("blamed", model=model, data=data, weight=weight, total=found.total, **_listed(found, count))
        return Status.DONE
    at, words = _asked(net, test, data, sample, wrong)
    env.say(words)
    _draw(env, net, test, [at], [f"#{at}"])
    if nearest is not None:
        near = pl.nearest(net, nearest, test.x[at : at + 1], train.x, min(count, len(train)))
        where, far = near.at[0].tolist(), near.far[0].tolist()
        env.say(f"\nThe training samples nearest to it in {nearest}:")
        _show(env, net, train, where, [f"{distance:.3g} away" for distance in far])
        env.event("nearest", model=model, data=data, sample=at, layer=nearest, samples=where, distances=far)
        return Status.DONE
    one = (test.x[at], test.t[at])
    found = pl.blame(net, train.x, train.t, answer=one, layers=layers or None, weights=train.weights, mask=train.mask)
    env.say(f"asked of {len(train):,} training samples, over {', '.join(found.layers)}")
    _two(env, net, train, found, count)
    env.event("blamed", model=model, data=data, sample=at, layers=found.layers, **_listed(found, count))
    return Status.DONE


def _parts(net: pl.Model, data: str, target: str | None, seed: int) -> tuple[pl.Data, pl.Data]:
    """The training part and the test part, in the model's own numbering of classes and columns."""
    from pellucid.cli.evaluate import same_classes, same_columns
    from pellucid.cli.plan import with_targets
    from pellucid.cli.tables import load_any
    from pellucid.data.batches import check_finite

    found = []
    for part in load_any(data, target, seed, net.prepare):
        if part is not None:
            check_finite(part)
            found.append(with_targets(net, same_classes(net, same_columns(net, part), data)))
    return found[0], found[-1]  # data of one piece are asked about themselves


def _asked(net: pl.Model, test: pl.Data, data: str, sample: int, wrong: bool) -> tuple[int, str]:
    """Which sample is asked about, and what it is and was taken for."""
    import numpy as np

    from pellucid.base.errors import UsageError
    from pellucid.cli.report import by_class, in_words
    from pellucid.metrics import class_ids

    if sample >= len(test):
        raise UsageError(f"{data} has {len(test):,} samples here, so --sample runs to {len(test) - 1}, not {sample}.")
    if not net.classes:
        if wrong:
            raise UsageError("--wrong is for classes; this network learned values. Give --sample.")
        y = net.predict(test.x[sample : sample + 1])
        said = ", ".join(f"{v:.4g}" for v in y.ravel().tolist())
        return sample, f"{data}, sample {sample}: the answer is {said}, the target {_target(net, test, sample)}"
    y = by_class(net, net.predict(test.x[sample:] if wrong else test.x[sample : sample + 1]))
    truth = (class_ids(test.t) if test.t.ndim > 1 else test.t)[sample : sample + len(y)]
    answers = class_ids(y)
    off = int(np.argmax(answers != truth)) if wrong else 0
    if wrong and answers[off] == truth[off]:
        raise UsageError(f"From sample {sample} on, no answer is wrong.")
    names, share = net.classes, in_words(net)(float(y[off].max()))
    verdict = "" if answers[off] == truth[off] else " WRONG:"
    return sample + off, (
        f"{data}, sample {sample + off}: the answer is {names[int(answers[off])]} ({share}),{verdict} "
        f"it is {names[int(truth[off])]}"
    )


def _two(env: Environment, net: pl.Model, train: pl.Data, found: pl.Blame, count: int) -> None:
    """The samples of either sign."""
    heads = ("help this answer", "speak against it") if found.answer else ("push the weight down", "push it up")
    for head, at in zip(heads, (found.plus(count), found.minus(count)), strict=True):
        env.say(f"\nThose that {head} most:" if len(at) else f"\nThere are none that {head}.")
        _show(env, net, train, at.tolist(), [f"{found.values[n]:+.3g}" for n in at.tolist()])


def _show(env: Environment, net: pl.Model, data: pl.Data, at: list[int], numbers: list[str]) -> None:
    """Training samples with their numbers: pictures if they are pictures, otherwise lines."""
    labels = [f"#{n}: {_target(net, data, n)}" for n in at]
    if not _draw(env, net, data, at, [f"{label}  {number}" for label, number in zip(labels, numbers, strict=True)]):
        width = max(map(len, labels), default=0)
        for label, number in zip(labels, numbers, strict=True):
            env.say(f"{'':{MARGIN}}{label:<{width}}  {number}")


def _draw(env: Environment, net: pl.Model, data: pl.Data, at: list[int], labels: list[str]) -> bool:
    """Little pictures in the terminal; whether there were any."""
    from pellucid.cli.report import MOST_COLUMNS
    from pellucid.cli.show import fitted, gallery
    from pellucid.inspection.plot.samples import as_pictures

    pictures = as_pictures(net, data.x[at]) if at else None
    if pictures is None:
        return False
    from pellucid.datasets.pictures import BRIGHTNESS

    grey: Array = pictures @ BRIGHTNESS if pictures.ndim == 4 else pictures
    unicode = (env.stdout.encoding or "").lower().startswith("utf")
    digit = getattr(net.prepare, "digit", False)
    columns = min(env.stdout.width, MOST_COLUMNS) - MARGIN
    for line in gallery([fitted(one, 1.0) for one in grey], labels, unicode, columns, margin=4 if digit else 0):
        env.say(f"{'':{MARGIN}}{line}".rstrip())
    return True


def _target(net: pl.Model, data: pl.Data, n: int) -> str:
    import numpy as np

    from pellucid.metrics import class_ids

    t: Any = data.t[n]
    if net.classes:
        return net.classes[int(class_ids(data.t[n : n + 1])[0] if data.t.ndim > 1 else t)]
    return ", ".join(f"{v:.4g}" for v in np.ravel(t).tolist())


def _listed(found: pl.Blame, count: int) -> dict[str, Any]:
    plus, minus = (
        [{"sample": n, "target": found.said(n), "value": float(found.values[n])} for n in at.tolist()]
        for at in (found.plus(count), found.minus(count))
    )
    return {"plus": plus, "minus": minus}
