"""A model as a table that a person can read: what comes in, what each layer makes of it, how many numbers it learns."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from pellucid.data import Digits, Pixels, Table
from pellucid.describe import describe
from pellucid.layers import AvgPool2D, Conv1D, Conv2D, MaxPool2D, Softmax
from pellucid.layers.compose import walk
from pellucid.layers.layer import Layer
from pellucid.layers.pool import pool_window
from pellucid.losses import BinaryCrossEntropy, CategoricalCrossEntropy, Loss, Scaled, SoftmaxCrossEntropy
from pellucid.model import Model


def summary(model: Model) -> str:
    """The network, layer by layer, and what is around it.

    >>> import pellucid as pl
    >>> model = pl.Model(pl.Dense(3), pl.ReLU(), pl.Dense(2), loss=pl.SoftmaxCrossEntropy(), input_shape=(4,))
    >>> print(summary(model))
    layer    output  parameters
    input    (N, 4)
    0.dense  (N, 3)          15
    1.relu   (N, 3)
    2.dense  (N, 2)           8
    23 parameters, float32, 92 bytes
    loss: SoftmaxCrossEntropy; predict gives probabilities
    """
    unseen = list[str]()
    rows = [("layer", "output", "parameters"), ("input", _shape(model.input_shape), "")]
    for path, layer, shape in walk(model.net, (1, *model.input_shape)):
        own = sum(prod(p.shape) for p in layer.params(shape).values())
        unseen += [f"{path} {text}" for text in _unseen(layer, shape)]
        rows.append((path, _shape(layer.output_shape(shape)[1:]), f"{own:,}" if own else ""))
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines = [f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}".rstrip() for a, b, c in rows]
    lines[0] = f"{rows[0][0]:<{widths[0]}}  {rows[0][1]:<{widths[1]}}  {rows[0][2]:>{widths[2]}}"
    size = model.theta.size
    lines.append(f"{size:,} parameters, {model.dtype}, {_bytes(size * model.dtype.itemsize)}")
    if model.prepare is not None:
        lines += [f"before the first layer: {said}" for said in _said(model.prepare).splitlines()[:1]]
        lines += _said(model.prepare).splitlines()[1:]
    if model.penalty is not None:
        lines.append(f"penalty on all weights: {model.penalty!r}")
    lines.append(f"loss: {loss_name(model.loss)}; predict gives {answer_kind(model)}")
    if model.classes:
        names = ", ".join(model.classes[:12]) + (", ..." if len(model.classes) > 12 else "")
        lines.append(f"classes: {names}")
    if model.history:
        last = dict(model.history[-1])
        lines.append(f"trained for {last.pop('epoch')} epochs: " + ", ".join(f"{k} {v:.4g}" for k, v in last.items()))
    return "\n".join(lines + [f"note: {text}" for text in [*unseen, *_notes(model)]])


def _unseen(layer: Layer, shape: tuple[int, ...]) -> Iterator[str]:
    """What no window of a layer looks at, because its stride leaves a rest: allowed, but it should be known."""
    if isinstance(layer, Conv1D | Conv2D):
        at = layer.window(shape)
    elif isinstance(layer, AvgPool2D | MaxPool2D):
        at = pool_window(layer, shape)
    else:
        return
    names = ("row", "step" if isinstance(layer, Conv1D) else "column")
    said = [f"{n} {name}{'s' * (n > 1)}" for n, name in zip(at.unseen, names, strict=True) if n]
    if said:
        rest = " and ".join(said)
        yield f'does not see the last {rest} of its input: the stride leaves a rest. padding="same" sees all.'


def _shape(shape: tuple[int, ...]) -> str:
    return "(" + ", ".join(["N", *map(str, shape)]) + ")"


def _bytes(count: int) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}" if unit != "bytes" else f"{count} bytes"
        count /= 1000  # type: ignore[assignment]
    return f"{count:.3g} GB"


def _said(prepare: object) -> str:
    if isinstance(prepare, Table):
        return f"{len(prepare.columns)} columns as {prepare.width} numbers\n{prepare}"
    if isinstance(prepare, Digits):
        how = "cut out, fitted into 20x20, laid by their centre of mass into 28x28, light on dark"
        return f"digits, {how}; {_formula(prepare)}"
    if isinstance(prepare, Pixels) and prepare.picture:
        return f"pictures, each brought to {'x'.join(map(str, prepare.picture))}; {_formula(prepare)}"
    text = describe(prepare)
    kind = text.pop("kind")
    short = {k: v if not isinstance(v, list) or len(v) <= 4 else f"{len(v)} numbers" for k, v in text.items()}
    return f"{kind}({', '.join(f'{k}={v}' for k, v in short.items())})"


def _formula(prepare: Pixels | Digits) -> str:
    """What becomes of a pixel x.

    >>> _formula(Pixels((2, 2, 2), mean=(0.5, 0.25), std=(0.1, 0.2)))
    '(x / 255 - [0.5, 0.25]) / [0.1, 0.2]'
    """
    x = f"x / {prepare.full:g}"
    if prepare.mean == 0.0 and prepare.std == 1.0:
        return x
    mean, std = (
        f"{v:.4g}" if isinstance(v, float) else f"[{', '.join(f'{c:.4g}' for c in v)}]"
        for v in (prepare.mean, prepare.std)
    )
    return f"({x} - {mean}) / {std}"


def loss_name(loss: Loss) -> str:
    """A loss in a few words.

    >>> from pellucid.losses import MeanSquaredError
    >>> loss_name(Scaled(MeanSquaredError(), mean=206_855.8, std=115_395.6))
    'MeanSquaredError of (target - 206,856) / 115,396'
    """
    if not isinstance(loss, Scaled):
        return type(loss).__name__
    inner = type(loss.loss).__name__
    if isinstance(loss.mean, tuple) or isinstance(loss.std, tuple):
        return f"{inner} of each target, scaled"
    return f"{inner} of (target - {plainly(loss.mean)}) / {plainly(loss.std)}"


def plainly(value: float) -> str:
    """A number as people write it.

    >>> plainly(206_855.8), plainly(0.123456), plainly(-12.0)
    ('206,856', '0.1235', '-12')
    """
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e12 else f"{value:.4g}"


def answer_kind(model: Model) -> str:
    """What the numbers that predict gives mean.

    >>> import pellucid as pl
    >>> answer_kind(pl.Model(pl.Dense(2), loss=pl.SigmoidCrossEntropy(), input_shape=(4,)))
    'a probability for each output'
    """
    ends_in_softmax = isinstance(model.layers[-1], Softmax)
    if isinstance(model.loss, SoftmaxCrossEntropy) or ends_in_softmax:
        return "probabilities"
    if type(model.loss).__name__ in ("SigmoidCrossEntropy", "BinaryCrossEntropy"):
        return "a probability for each output"
    return "values"


def _notes(model: Model) -> list[str]:
    said = []
    last = model.layers[-1]
    if isinstance(last, Softmax) and isinstance(model.loss, SoftmaxCrossEntropy):
        said.append("the softmax is taken twice: SoftmaxCrossEntropy wants scores; leave the Softmax layer out.")
    if isinstance(last, Softmax) and isinstance(model.loss, CategoricalCrossEntropy):
        said.append("SoftmaxCrossEntropy without the Softmax layer is the same function, and stabler.")
    if last.kind == "sigmoid" and isinstance(model.loss, BinaryCrossEntropy):
        said.append("SigmoidCrossEntropy without the Sigmoid layer is the same function, and stabler.")
    return said
