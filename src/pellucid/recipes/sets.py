"""The recipes, one a set and network, in the order in which the suite runs them: the quick ones first.

The figures that each reaches are in docs/suite.md, what the earlier projects reached in `before`.
"""

from __future__ import annotations

from pellucid.data import Chain, Flip, Shift
from pellucid.optim import AdamW
from pellucid.recipes.cells import stain, turn
from pellucid.recipes.divide import Folds, HeldOut, PatientFolds
from pellucid.recipes.networks import CNN, MLP, ResNet, SpotCNN
from pellucid.recipes.recipe import Before, Cycle, Falling, Quick, Recipe

HOME_MADE = "a home-made library of layers, dense"

RECIPES = (
    # ---- tables -----------------------------------------------------------------------------------------------------
    Recipe(
        "iris", "iris", MLP((64, 32), l2=5e-3), Falling(0.01, 0.985),
        epochs=200, batch_size=16, divide=Folds(5),
        aim=0.96, before=(Before("96.7", HOME_MADE),), quick=Quick(epochs=100),
    ),
    Recipe(
        "titanic", "titanic", MLP((64, 32), l2=5e-3, leave_out=("alive",)), Falling(0.01, 0.97),
        epochs=100, batch_size=32, divide=Folds(5),
        aim=0.80, quick=Quick(epochs=40),
    ),
    Recipe(
        "diabetes", "diabetes", MLP((16,), l2=0.05), Falling(0.01, 0.97),
        epochs=60, batch_size=32, divide=Folds(5), unit="points of progression",
        before=(Before("0.498", "least squares on the same folds"),), quick=Quick(epochs=30),
    ),
    Recipe(
        "california", "california_housing", MLP((128, 64), l2=2e-4), Falling(0.01, 0.936),
        epochs=80, batch_size=64, divide=HeldOut(0.1), unit="dollars",
        aim=0.80, quick=Quick(samples=8_000, epochs=20),
    ),
    # ---- grey pictures, 28x28 ---------------------------------------------------------------------------------------
    Recipe(
        "digits-dense", "digits", MLP((128,), digit=True), Falling(0.005, 0.9),
        epochs=30, batch_size=64, augment=Shift(1),
        before=(Before("92", "a home-made digit drawer, its own digits"),), quick=Quick(epochs=10),
    ),
    Recipe(
        "digits-cnn", "digits", CNN((16, 32, 64), digit=True), Cycle(0.01),
        epochs=20, batch_size=64, augment=Shift(2),
        before=(Before("92", "a home-made digit drawer, its own digits"),), quick=Quick(2_000, epochs=5),
    ),
    Recipe(
        "mnist-dense", "mnist", MLP((512, 256), dropout=0.2, digit=True), Falling(0.002, 0.8),
        epochs=15, batch_size=128, augment=Shift(1),
        aim=0.988, before=(
            Before("92.5", f"{HOME_MADE}, pixels left at 0 to 255"),
            Before("95", "a home-made MLP, 784-30-10, squared error"),
            Before("98.04", "Nielsen, dense, regularised"),
        ), quick=Quick(10_000, epochs=5),
    ),
    Recipe(
        "mnist-cnn", "mnist", CNN((16, 32, 64), digit=True), Cycle(0.01),
        epochs=8, batch_size=128, augment=Shift(2),
        aim=0.993, before=(Before("99.60", "Nielsen, CNN"),), quick=Quick(6_000, epochs=3, judged=1_000),
    ),
    Recipe(
        "fashion-dense", "fashion_mnist", MLP((800, 400), dropout=0.4, standardize=True), Falling(0.001, 0.9, AdamW),
        epochs=30, batch_size=128,
        aim=0.90, before=(Before("87.0", "the book's readers, chapter 19, dense"),), quick=Quick(10_000, epochs=5),
    ),
    Recipe(
        "fashion-cnn", "fashion_mnist", CNN((24, 48, 96)), Cycle(0.01),
        epochs=12, batch_size=128, augment=Chain(Flip(), Shift(2)),
        aim=0.925, before=(Before("87.0", "the book's readers, chapter 19, dense"),),
        quick=Quick(4_000, epochs=3, judged=1_000),
    ),
    # ---- colour pictures --------------------------------------------------------------------------------------------
    Recipe(
        "malaria", "malaria", SpotCNN((24, 48, 96)), Cycle(0.01),
        epochs=20, batch_size=32, divide=PatientFolds(5), networks=3,
        augment=Chain(Flip(vertical=True), turn, stain),
        aim=0.96, before=(Before("67.4", HOME_MADE),), quick=Quick(1_000, epochs=8, folds=1),
    ),
    Recipe(
        "cifar10", "cifar10", ResNet(16, (24, 48, 96)), Cycle(0.006),
        epochs=16, batch_size=128, augment=Chain(Flip(), Shift(4)), smoothing=0.1,
        aim=0.82, before=(Before("< 60", HOME_MADE),), quick=Quick(3_000, epochs=3, judged=1_000),
    ),
)  # fmt: skip
