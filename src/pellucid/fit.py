"""Those who listen to a training: stop it early, keep its best weights, or run it to the end and print.

Each takes events and gives events on, so they can be put around one another in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from math import isnan
from typing import Any

from pellucid.base.errors import UsageError
from pellucid.data.batches import as_data
from pellucid.data.split import split
from pellucid.events import EpochDone, Event, History, Noted, Stopped
from pellucid.kernels.compiler import telling
from pellucid.model import Metric, Model, default_metrics
from pellucid.train import Best, Training, check_count


def better(monitor: str, a: float, b: float) -> bool:
    """Whether figure a is better than b: less of a loss or an error, more of anything else. Anything beats nan.

    >>> better("val_loss", 0.1, 0.2), better("val_accuracy", 0.1, 0.2)
    (True, False)
    """
    if isnan(b):
        return not isnan(a)
    return a < b if "loss" in monitor or "error" in monitor else a > b


def early_stop(
    events: Iterable[Event], patience: int, monitor: str = "val_loss", past: Sequence[dict[str, Any]] = ()
) -> Iterator[Event]:
    """The same events, up to where `monitor` has not improved for `patience` epochs.

    Args:
        events: a training, or another such wrapper around one.
        patience: how many epochs without a new best are borne.
        monitor: a name of the history: "val_loss", "val_accuracy", "loss", ... Default "val_loss".
        past: the history before these events, when a training goes on from a checkpoint.

    >>> epochs = [EpochDone(i, i, loss) for i, loss in enumerate([3.0, 2.0, 2.5, 2.6, 1.0], start=1)]
    >>> [e.reason if isinstance(e, Stopped) else e.epoch for e in early_stop(epochs, 2, "loss")]
    [1, 2, 3, 4, 'loss has not improved for 2 epochs']
    """
    check_count("patience", patience, "it is how many epochs without progress are borne")
    best, waited = None, 0
    for row in past:
        best, waited = (row[monitor], 0) if best is None or better(monitor, row[monitor], best) else (best, waited + 1)
    if waited >= patience:
        yield Stopped(f"{monitor} has not improved for {waited} epochs")
        return
    for event in events:
        yield event
        if isinstance(event, EpochDone):
            value = _monitored(event, monitor)
            best, waited = (value, 0) if best is None or better(monitor, value, best) else (best, waited + 1)
            if waited >= patience:
                yield Stopped(f"{monitor} has not improved for {waited} epochs")
                return


def keep_best(events: Iterable[Event], training: Training, monitor: str = "val_loss") -> Iterator[Event]:
    """The same events; at their end the model gets the weights of its best epoch back, and says which that was.

    Args:
        events: the training, or a wrapper around it such as `early_stop`.
        training: the training itself.
        monitor: a name of the history. Default "val_loss".

    >>> import pellucid as pl
    >>> model = pl.Model(pl.Dense(1), input_shape=(1,))
    >>> training = pl.train(model, ([[1.0]], [0.0]), optimizer=pl.SGD(1.5), epochs=3)    # too fast: it climbs
    >>> [event.text for event in keep_best(training, training, "loss") if isinstance(event, pl.Noted)][-1]
    'The weights are those of epoch 1, the best by loss.'
    """
    model = training.model
    for event in events:
        if isinstance(event, EpochDone):
            value = _monitored(event, monitor)
            if training.best is None or better(monitor, value, training.best.value):
                training.best = Best(value, event.epoch, model.theta.copy(), model.buffers.copy())
        yield event
    if training.best is not None:
        model.theta[:], model.buffers[:] = training.best.theta, training.best.buffers
        yield Noted(f"The weights are those of epoch {training.best.epoch}, the best by {monitor}.")


def _monitored(event: EpochDone, monitor: str) -> float:
    row = event.row()
    if monitor not in row:
        raise UsageError(
            f"There is no {monitor!r} to watch; this training reports {', '.join(k for k in row if k != 'epoch')}. "
            + ("Give validation data, or watch one of these." if monitor.startswith("val_") else "")
        )
    return float(row[monitor])


def fit(
    model: Model,
    x: Any,
    t: Any = None,
    *,
    epochs: int = 10,
    validation: Any = None,
    metrics: Sequence[Metric] | None = None,
    patience: int | None = None,
    best: bool = False,
    verbose: bool = True,
    mask: Any = None,
    **options: Any,
) -> History:
    """Train to the end and return the history; what `model.fit` calls.

    Args:
        model: what is trained, in place.
        x, t: inputs and targets; or x alone, a `pl.Data` or a pair.
        epochs: how often every sample is seen. Default 10.
        validation: a pair (x, t), a `pl.Data`, or a share such as 0.1 that is set aside from x. Default none.
        metrics: reported beside the loss. Default: those that suit the loss.
        patience: stop when the validation loss has not improved for so many epochs. Default never.
        best: end with the weights of the best epoch. Default false.
        verbose: print about twenty lines on the way. Default true.
        mask: for sequences, which time steps (N, T) of x are real. Default all.
        options: `optimizer`, `batch_size`, `seed`, `augment`, `clip`, as for `pl.train`.
    """
    data = as_data(x, t, mask=mask)
    if isinstance(validation, float):
        data, validation = split(data, validation, seed=options.get("seed", 0))
    chosen = default_metrics(model.loss) if metrics is None else metrics
    training = Training(model, data, epochs=epochs, validation=validation, metrics=chosen, **options)
    monitor = "loss" if validation is None else "val_loss"
    events: Iterable[Event] = training
    if patience is not None:
        events = early_stop(events, patience, monitor)
    if best:
        events = keep_best(events, training, monitor)
    with telling(_note) if verbose else nullcontext():
        for event in events:
            if verbose:
                _say(event, max(1, epochs // 20), epochs)
    return training.history


def _note(text: str) -> None:
    print("note:", text)


def _say(event: Event, every: int, epochs: int) -> None:
    if isinstance(event, Noted):
        _note(event.text)
    elif isinstance(event, Stopped):
        print("stopped:", event.reason)
    elif isinstance(event, EpochDone) and (event.epoch % every == 0 or event.epoch in (1, epochs)):
        figures = "  ".join(f"{k} {v:.4f}" for k, v in event.row().items() if k not in ("epoch", "lr"))
        print(f"epoch {event.epoch:>{len(str(epochs))}}/{epochs}  {figures}  {event.seconds:.2f} s")
