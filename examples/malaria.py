"""A small convolutional network finds malaria in pictures of blood cells, and is judged on patients it never saw.

    python examples/malaria.py path/to/malaria        # 96.2 %, eleven minutes on one core

The cells are the NIH's; FOLDER holds Parasitized and Uninfected, or cell_images with the two in it. Cells of one
patient look alike, so patients are dealt out to five folds: who learns from four folds is judged on the fifth. Three
networks that began with other weights learn from the same folds, and the mean of what they say counts. A cell has no
left and right and no up and down, so it is mirrored both ways and turned. And each patient's blood took the stain a
little differently, so the colours are changed a little too. The network and both changes are those of the recipe in
src/pellucid/recipes, which `pellucid suite` trains too.
"""

from __future__ import annotations

import argparse

import numpy as np

import pellucid as pl
from pellucid.recipes import SpotCNN
from pellucid.recipes.cells import stain, turn


def learn(train: pl.Data, epochs: int, widths: tuple[int, ...], seed: int) -> pl.Model:
    """A network that was trained on these cells."""
    model = SpotCNN(widths)(train, seed)
    steps = epochs * -(-len(train) // 32)
    for _ in pl.train(
        model,
        train,
        optimizer=pl.AdamW(pl.one_cycle(0.01, steps), weight_decay=0.05),
        epochs=epochs,
        batch_size=32,
        augment=pl.Chain(pl.Flip(vertical=True), turn, stain),
        seed=seed,
    ):
        pass
    return model


def main(
    folder: str,
    size: int = 48,
    folds: int = 5,
    epochs: int = 20,
    widths: tuple[int, ...] = (24, 48, 96),
    networks: int = 3,
    seed: int = 0,
) -> float:
    """Train some networks a fold, and return the share of cells judged right by those that did not see them."""
    data, patients = pl.datasets.malaria(folder, size)
    print(f"{len(data):,} cells of {len(set(patients.tolist()))} patients, {' and '.join(data.classes)}")
    said = np.empty((networks, len(data), len(data.classes)))  # probabilities
    for i, (seen, new) in enumerate(pl.group_folds(patients, folds, seed), start=1):
        for k in range(networks):
            said[k, new] = learn(data[seen], epochs, widths, 1000 * seed + 100 * k + i).predict(data.x[new])
        right = float((said[:, new].mean(axis=0).argmax(axis=1) == data.t[new]).mean())
        judged = len(set(patients[new].tolist()))
        print(f"fold {i}/{folds}  {right:.1%} of {len(new)} cells of {judged} patients", flush=True)
    answers = said.mean(axis=0).argmax(axis=1)
    alone = (said.argmax(axis=2) == data.t).mean(axis=1)
    print(f"each network by itself: {', '.join(f'{share:.1%}' for share in alone)}")
    for k, name in enumerate(data.classes):
        print(f"{name}: {float((answers[data.t == k] == k).mean()):.1%} found")
    right = float((answers == data.t).mean())
    print(f"{right:.1%} of {len(data):,} cells are judged right, each by networks that never saw its patient.")
    return right


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Malaria in blood cells, cross-validated by patient.")
    parser.add_argument("folder", help="the folder with Parasitized and Uninfected, or the one around it")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--networks", type=int, default=3)
    asked = parser.parse_args()
    try:
        main(asked.folder, epochs=asked.epochs, networks=asked.networks, seed=asked.seed)
    except pl.PellucidError as error:
        raise SystemExit(str(error)) from None
