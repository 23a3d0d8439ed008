"""A small residual network tells ten kinds of things apart in pictures of 32x32 pixels: CIFAR-10.

    python examples/resnet_cifar.py path/to/cifar-10        # about a quarter of an hour on one core

From three of the five batches, 30,000 pictures, it learns to recognise 86.0 % of the 4,000 that were held out.

Each `pl.Residual` adds what its layers make of the picture to the picture itself, so that the gradient always has an
open road back to the first layers. Beside it there are four helpers against learning by heart: pictures are mirrored
and shifted, the targets are not quite certain (label smoothing), weights decay, and the learning rate rises and falls.
The network is that of the recipe in src/pellucid/recipes/networks.py, which `pellucid suite` trains too.
"""

from __future__ import annotations

import argparse

import pellucid as pl
from pellucid.recipes import ResNet
from pellucid.recipes.run import smooth


def main(
    folder: str,
    n: int | None = None,
    epochs: int = 16,
    stem: int = 16,
    widths: tuple[int, ...] = (24, 48, 96),
    batch: int = 128,
    seed: int = 0,
) -> float:
    """Train on n pictures (default all), and return the share of the held-out pictures that are recognised."""
    train, aside = pl.datasets.cifar10(folder)
    print(f"learned from: {train.name}\nheld out:     {aside.name}")
    if n is not None:
        train, aside = train[:n], aside[:n]
    model = ResNet(stem, widths)(train)
    print(f"{len(train):,} pictures to learn from, {len(aside):,} held out; {model.theta.size:,} parameters")
    steps = epochs * -(-len(train) // batch)
    for event in pl.train(
        model,
        pl.Data(train.x, smooth(train.t, len(train.classes), 0.1), train.classes),
        optimizer=pl.AdamW(pl.one_cycle(0.006, steps), weight_decay=0.05),
        epochs=epochs,
        batch_size=batch,
        validation=aside,
        metrics=[pl.accuracy],
        augment=pl.Chain(pl.Flip(), pl.Shift(4)),
        seed=seed,
    ):
        if isinstance(event, pl.EpochDone):
            said = f"accuracy {event.metrics['accuracy']:.1%}  held out {event.val_metrics['accuracy']:.1%}"
            print(f"epoch {event.epoch:>2}/{epochs}  loss {event.loss:.3f}  {said}  {event.seconds:.0f} s", flush=True)
    right = model.evaluate(aside.x, aside.t)["accuracy"]
    print(f"{right:.1%} of {len(aside):,} held-out pictures are recognised.")
    return right


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A small residual network on CIFAR-10.")
    parser.add_argument("folder", help="the folder with data_batch_1.bin and its sisters")
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    said = parser.parse_args()
    try:
        main(said.folder, epochs=said.epochs, seed=said.seed)
    except pl.DataError as error:
        raise SystemExit(str(error)) from None
