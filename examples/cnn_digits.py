"""A convolutional network reads handwritten digits: small windows that look for strokes, wherever they stand.

    python examples/cnn_digits.py                                    # the embedded digits: 98.9 %, a minute
    python examples/cnn_digits.py path/to/mnist --epochs 8           # 99.4 %, six minutes
    python examples/cnn_digits.py path/to/fashion-mnist --epochs 12 --flip --widths 24,48,96      # 93.1 %, 15 minutes

Two things do most of the work beside the windows: every picture is shifted a little, anew in each epoch, and BatchNorm
keeps the numbers between the layers in one range, so that a high learning rate is safe. FOLDER holds MNIST's four
files, or those of a successor. `--flip` also mirrors the pictures, which is right for clothes and wrong for digits.
The network is that of the recipe in src/pellucid/recipes/networks.py, which `pellucid suite` trains too; how it is
trained stands here in full.
"""

from __future__ import annotations

import argparse

import numpy as np

import pellucid as pl
from pellucid.recipes import CNN


def main(
    folder: str | None = None,
    n: int | None = None,
    epochs: int = 20,
    widths: tuple[int, int, int] = (16, 32, 64),
    flip: bool = False,
    seed: int = 0,
) -> float:
    """Train on n pictures (default all), and return the share of the test pictures that are read right."""
    train, test = pl.datasets.digits() if folder is None else pl.datasets.load_idx_folder(folder)
    if n is not None:
        train = train[np.random.default_rng(0).permutation(len(train))[:n]]
    model = CNN(widths)(train)
    batch = 64 if len(train) < 20_000 else 128
    steps = epochs * -(-len(train) // batch)
    augment = pl.Chain(pl.Flip(), pl.Shift(2)) if flip else pl.Shift(2)
    print(f"{train} from {train.name}; {model.theta.size:,} parameters")
    for event in pl.train(
        model,
        train,
        optimizer=pl.AdamW(pl.one_cycle(0.01, steps), weight_decay=0.05),
        epochs=epochs,
        batch_size=batch,
        metrics=[pl.accuracy],
        augment=augment,
        seed=seed,
    ):
        if isinstance(event, pl.EpochDone):
            said = f"loss {event.loss:.4f}  accuracy {event.metrics['accuracy']:.2%}  {event.seconds:.1f} s"
            print(f"epoch {event.epoch:>2}/{epochs}  {said}", flush=True)
    right = model.evaluate(test.x, test.t)["accuracy"]
    print(f"{right:.2%} of {len(test):,} test pictures are read right.")
    return right


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A convolutional network on digits or other small grey pictures.")
    parser.add_argument("folder", nargs="?", help="a folder with MNIST's four files; default: the embedded digits")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--widths", default="16,32,64", help="filters at 28x28, 14x14 and 7x7; default 16,32,64")
    parser.add_argument("--flip", action="store_true", help="mirror half of the pictures; not for digits")
    parser.add_argument("--seed", type=int, default=0)
    said = parser.parse_args()
    a, b, c = map(int, said.widths.split(","))
    try:
        main(said.folder, epochs=said.epochs, widths=(a, b, c), flip=said.flip, seed=said.seed)
    except pl.DataError as error:
        raise SystemExit(str(error)) from None
