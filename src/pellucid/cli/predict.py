"""`pellucid predict MODEL FILE...`: ask a saved network about new data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pellucid.cli.environment import Environment, json_option
from pellucid.cli.status import Status

if TYPE_CHECKING:
    import pellucid as pl
    from pellucid.base.arrays import Array

EXAMPLES = """\b
Examples:
  pellucid predict digits.safetensors my_digit.png
  pellucid predict digits.safetensors drawings/*.png --top 1
  pellucid predict flowers.safetensors new_flowers.csv --json
"""
MOST_PICTURES = 8  # more are answered, but not drawn


@click.command(epilog=EXAMPLES, short_help="Ask a saved network about new data.")
@click.argument("model", type=click.Path())
@click.argument("files", nargs=-1, required=True, type=click.Path())
@click.option(
    "--top", type=click.IntRange(1), default=3, show_default=True, help="How many classes to name, best first."
)
@json_option
@click.pass_obj
def command(env: Environment, /, model: str, files: tuple[str, ...], top: int) -> Status:
    """Ask the network in the file MODEL about FILES: pictures (PNG and others, any size, dark on light or light on
    dark), CSV tables (a row a question), .npy arrays.

    A file is prepared exactly as the training data were; for a picture it is shown what the network sees.
    """
    import pellucid as pl
    from pellucid.cli.report import by_class, named
    from pellucid.cli.tables import strange

    net = named(pl.load(model))
    for path in files:
        x, seen = read(net, path)
        if isinstance(net.prepare, pl.Table):
            for text in strange(x, net.prepare):
                env.warn(f"{path}: {text}")
        y = net.predict(x)
        if net.classes:
            y = by_class(net, y)
        names = [f"{path}, row {row + 1}" for row in range(len(x))] if len(x) > 1 else [path]
        for row, name in enumerate(names):
            tell = answer if net.classes else values
            tell(env, net, name.ljust(len(names[-1])), path, row, y[row], top)
        if seen is not None and len(files) <= MOST_PICTURES:
            show(env, seen)
    return Status.DONE


def read(net: pl.Model, path: str) -> tuple[Array, Array | None]:
    """Raw input for the network from a file, and for a picture what the network sees of it."""
    import numpy as np

    import pellucid as pl
    from pellucid.base.errors import DataError
    from pellucid.datasets import read_npy, read_records, read_rows

    name = path.lower()
    prepare = net.prepare
    if name.endswith(".npy"):
        return one_batch(read_npy(path), net, path), None
    if name.endswith((".csv", ".csv.gz", ".tsv", ".txt")):
        if isinstance(prepare, pl.Table):
            return read_records(path, prepare), None
        columns = prepare.columns if isinstance(prepare, pl.Standardize) else ()
        return read_rows(path, int(np.prod(net.input_shape)), columns).reshape(-1, *net.input_shape), None
    if name.endswith(".npz"):
        raise DataError(f"{path} may hold several arrays; save the inputs alone: np.save('questions.npy', x).")
    if not isinstance(prepare, pl.Pixels | pl.Digits) or len(prepare.picture) < 2:
        kinds = ".csv and .npy" if Path(path).suffix else "a .csv or .npy file"
        raise DataError(f"{path}: this network was not trained on pictures; it can be asked about {kinds}.")
    seen = read_seen(path, prepare)
    return seen[None] * (prepare.full / 255.0), seen


def read_seen(path: str, prepare: Any) -> Array:
    """A picture file as the pictures that the network was trained on were."""
    import numpy as np

    from pellucid.base.errors import DataError
    from pellucid.datasets import as_digit, read_colours, read_picture, resized

    if len(prepare.picture) == 3 and prepare.picture[-1] == 3:
        return np.asarray(resized(read_colours(path), prepare.picture[:2]))
    grey = read_picture(path)
    if prepare.digit:
        try:
            return as_digit(grey)
        except DataError as error:
            raise DataError(f"{path}: {error}") from None
    if len(prepare.picture) != 2:
        raise DataError(f"{path}: the network wants pictures of shape {prepare.picture}; give them as an .npy array.")
    return np.asarray(resized(grey, prepare.picture))


def one_batch(x: Array, net: pl.Model, path: str) -> Array:
    """An array as a batch: one sample alone gets its batch axis."""
    import numpy as np

    import pellucid as pl
    from pellucid.base.errors import DataError, draw_shapes

    shape = (
        net.prepare.picture or net.input_shape if isinstance(net.prepare, pl.Pixels | pl.Digits) else net.input_shape
    )
    if isinstance(net.prepare, pl.Table):
        shape = (len(net.prepare.columns),)
    size = int(np.prod(shape))
    if x.size == size and x.ndim <= len(shape) + 1 and (x.ndim == 0 or x.shape[0] != 1):
        x = x.reshape(1, *shape)
    if x.ndim > 0 and len(x) == 0:
        raise DataError(f"{path} holds no samples: its shape is {x.shape}.")
    if x.ndim == 0 or x[:1].size != size:
        raise DataError(f"{path} does not hold what the network takes.\n" + draw_shapes(x.shape, (None, *shape)))
    if x.dtype.kind not in "fiub" or not np.isfinite(x).all():
        raise DataError(f"{path} holds {x.dtype} values, not all of them finite real numbers.")
    return x.reshape(len(x), *shape)


def values(env: Environment, net: pl.Model, name: str, path: str, row: int, y: Array, top: int) -> None:
    """One answer of a network that learned values."""
    env.say(f"{name}  {', '.join(f'{v:.6g}' for v in y.ravel().tolist())}")
    env.event("prediction", file=path, row=row, values=y.ravel())


def answer(env: Environment, net: pl.Model, name: str, path: str, row: int, y: Array, top: int) -> None:
    """One answer: the class with the highest number, and the next ones behind it."""
    from pellucid.inspection.summary import answer_kind

    what, many = ("score", "scores") if answer_kind(net) == "values" else ("probability", "probabilities")
    best = (-y).argsort(kind="stable")[:top].tolist()
    said = [f"{net.classes[k]}  " + (f"{100 * y[k]:.1f} %" if what == "probability" else f"{y[k]:.2f}") for k in best]
    env.say(f"{name}  {said[0]}" + (f"   (then {', '.join(said[1:])})" if said[1:] else ""))
    env.event(
        "prediction",
        file=path,
        row=row,
        **{"class": net.classes[best[0]], what: float(y[best[0]])},
        **{many: {c: float(v) for c, v in zip(net.classes, y.tolist(), strict=True)}},
    )


def show(env: Environment, seen: Array) -> None:
    """The picture as the network sees it."""
    from pellucid.cli.show import fitted, picture
    from pellucid.data.pictures import BRIGHTNESS

    seen = seen @ BRIGHTNESS if seen.ndim == 3 else seen
    unicode = (env.stdout.encoding or "").lower().startswith("utf")
    env.say("  what the network sees:")
    for line in picture(fitted(seen), unicode, margin=2 if seen.shape == (28, 28) else 0):
        env.say(f"    {line}".rstrip())
    env.say("")
