"""`pellucid plot KIND MODEL [DATA]`: a picture of a saved network, or with --text the same as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pellucid.cli.environment import Environment, json_option
from pellucid.cli.status import Status

if TYPE_CHECKING:
    import pellucid as pl
    from pellucid.inspection.plot import Picture

EXAMPLES = """\b
Examples:
  pellucid plot curves digits.safetensors
  pellucid plot confusion digits.safetensors digits -o confusion.svg
  pellucid plot boundary spiral.safetensors spiral
  pellucid plot weights digits.safetensors --layer 0.dense
  pellucid plot map digits.safetensors digits --layer 1.relu --how tsne
  pellucid plot surface digits.safetensors digits --text
"""
KINDS = {  # what is drawn, and whether it needs data
    "curves": False,
    "confusion": True,
    "boundary": True,
    "weights": False,
    "filters": False,
    "surface": True,
    "map": True,
    "histograms": True,
}
SOME = {"surface": 300, "map": 500, "histograms": 64}  # samples that are enough


@click.command(epilog=EXAMPLES, short_help="Draw a saved network: curves, mistakes, weights, ...")
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.argument("model", type=click.Path())
@click.argument("data", required=False)
@click.option("--output", "-o", type=click.Path(dir_okay=False), help="A .png, .svg or .pdf file. Default KIND.png.")
@click.option("--text", is_flag=True, help="Print the plot's numbers as tables instead; needs no matplotlib.")
@click.option("--layer", metavar="PATH", help="Which layer, such as 0.dense, for weights, filters and map.")
@click.option("--how", type=click.Choice(["pca", "tsne"]), default="pca", show_default=True, help="For map: by what.")
@click.option(
    "--of",
    "what",
    type=click.Choice(["activations", "gradients", "weight gradients"]),
    default="activations",
    show_default=True,
    help="For histograms: of which numbers.",
)
@click.option("--part", type=click.Choice(["test", "train"]), default="test", show_default=True, help="Which part.")
@click.option("--samples", type=click.IntRange(1), help="At most so many samples of it.")
@click.option("--target", help="For a table: the column with the answers. Default: the one that was learned.")
@click.option("--seed", type=int, default=0, show_default=True, help="Which points of spiral, ...; which directions.")
@json_option
@click.pass_obj
def command(
    env: Environment,
    /,
    kind: str,
    model: str,
    data: str | None,
    output: str | None,
    text: bool,
    part: str,
    samples: int | None,
    target: str | None,
    seed: int,
    **options: Any,
) -> Status:
    """Draw the network in the file MODEL, where it needs them with samples of DATA, named as for `pellucid train`.

    \b
    curves      the history of its training, epoch by epoch
    confusion   which classes it takes for which, and pictures behind the largest mistakes
    boundary    for two inputs: what it says everywhere in the plane
    weights     what each unit of a layer looks for
    filters     the filters of a convolution
    surface     the loss around the weights, along two random directions
    map         what a layer makes of the samples, brought into the plane
    histograms  how the numbers of each layer are spread, in one batch
    """
    import pellucid as pl
    from pellucid.cli.report import named
    from pellucid.inspection.plot.picture import check_ending

    name = output or f"{kind}.png"
    if not text:
        check_ending(name)
    net = named(pl.load(model))
    chosen = _samples(net, kind, data, part, samples, target, seed) if KINDS[kind] else None
    picture = _picture(net, kind, chosen, seed, **options)
    if text:
        env.say(picture.text())
    else:
        picture.save(name)
        env.say(picture.says)
        env.say(f"written   {name}")
    tables = [{"caption": t.caption, "headers": t.headers, "rows": t.rows} for t in picture.tables()]
    written = None if text else name
    env.event("plotted", kind=kind, model=model, title=picture.title, says=picture.says, tables=tables, file=written)
    return Status.DONE


def _samples(
    net: pl.Model, kind: str, data: str | None, part: str, most: int | None, target: str | None, seed: int
) -> pl.Data:
    """The samples that are shown, in the model's own numbering of classes and columns, spread over all there are."""
    import numpy as np

    from pellucid.base.errors import UsageError
    from pellucid.cli.evaluate import same_classes, same_columns
    from pellucid.cli.plan import with_targets
    from pellucid.cli.tables import load_any
    from pellucid.data.batches import check_finite

    if data is None:
        raise UsageError(
            f"plot {kind} asks the network about samples: name the data, as in pellucid plot {kind} MODEL digits"
        )
    train, test = load_any(data, target, seed, net.prepare)
    found = train if part == "train" or test is None else test
    check_finite(found)
    found = with_targets(net, same_classes(net, same_columns(net, found), data))
    count = min(len(found), most or SOME.get(kind, len(found)))
    return found[np.linspace(0, len(found) - 1, count).round().astype(int)]


def _picture(
    net: pl.Model, kind: str, data: pl.Data | None, seed: int, layer: str | None, how: str, what: str
) -> Picture:
    """The numbers of the plot that was asked for."""
    import pellucid as pl

    plot = pl.plot
    if kind == "curves":
        return plot.Curves.of(net)
    if kind == "weights":
        return plot.Tiles.weights(net, layer or next(iter(net.slots)))
    if kind == "filters":
        return plot.Tiles.filters(net, layer or _first_filters(net))
    assert data is not None
    x, t = data.x, data.t
    if kind == "confusion":
        return plot.Confusion.of(net, x, t)
    if kind == "boundary":
        return plot.Boundary.of(net, x, t)
    if kind == "surface":
        return plot.Surface.of(net, x, t, seed=seed, mask=data.mask)
    if kind == "map":
        return plot.Cloud.of(net, layer or _before_last(net), x, t, how, seed, data.mask)
    return plot.Histograms.of(pl.trace(net, x, t, mask=data.mask, seed=seed), what)


def _first_filters(net: pl.Model) -> str:
    from pellucid.base.errors import UsageError

    found = [path for path, slot in net.slots.items() if len(slot.shape) in (3, 4) and "conv" in path]
    if not found:
        raise UsageError(f"The network has no convolution: its layers are {', '.join(net.net.children())}.")
    return found[0]


def _before_last(net: pl.Model) -> str:
    """The layer whose outputs the last weights read: there the classes should lie apart."""
    paths = list(net.net.children())
    last = max((i for i, path in enumerate(paths) if f"{path}.W" in net.slots), default=len(paths) - 1)
    return paths[last - 1] if last > 0 else "input"
