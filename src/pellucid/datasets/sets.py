"""The named sets as functions: each finds its files (`places`), reads them, and gives their columns and classes names.

Nothing is downloaded unless `download=True` says so. A set that is published with a test part gives (train, test), so
that figures can be compared; a set in one piece gives one `Data`. CIFAR-10 and the malaria cells are in `cifar` and
`images`, the embedded digits in `digits`, the toys in `toys`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import DataError
from pellucid.data.batches import Data
from pellucid.data.split import group_folds
from pellucid.datasets.catalog import CATALOG
from pellucid.datasets.cifar import cifar10
from pellucid.datasets.digits import FILES
from pellucid.datasets.fetch import located
from pellucid.datasets.idx import load_idx_folder
from pellucid.datasets.images import malaria
from pellucid.datasets.reading import opened
from pellucid.datasets.records import read_table
from pellucid.datasets.tables import read_csv

Folder = str | os.PathLike[str] | None
CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
CELL = (
    "radius",
    "texture",
    "perimeter",
    "area",
    "smoothness",
    "compactness",
    "concavity",
    "concave_points",
    "symmetry",
)
BREAST = tuple(f"{kind}_{what}" for kind in ("mean", "error", "worst") for what in (*CELL, "fractal_dimension"))
DIABETES = ("age", "sex", "bmi", "blood_pressure", "s1", "s2", "s3", "s4", "s5", "s6")
PATIENTS = 5  # the malaria cells of one patient in so many are held out


def mnist(folder: Folder = None, download: bool = False) -> tuple[Data, Data]:
    """MNIST's handwritten digits: 60,000 to learn from and 10,000 to be judged on, bytes (N, 28, 28), white on black.

    LeCun, Cortes and Burges, from NIST's Special Databases 1 and 3. Licence: CC BY-SA 3.0. 11.6 MB.

    Args:
        folder: where the four files are. Default: where they are found on this machine.
        download: whether to fetch them if they are not. Default false.

    Raises:
        DataError: if they are not here or damaged.
    """
    train, test = load_idx_folder(located("mnist", folder, download))
    return replace(train, name="mnist"), replace(test, name="mnist, test part")


def fashion_mnist(folder: Folder = None, download: bool = False) -> tuple[Data, Data]:
    """Fashion-MNIST: 60,000 and 10,000 pieces of clothing of ten kinds, bytes (N, 28, 28), light on black.

    Xiao, Rasul and Vollgraf 2017, Zalando Research. Licence: MIT. 30.9 MB; Debian's package dataset-fashion-mnist
    has it too.

    Args:
        folder, download: as for `mnist`.

    Raises:
        DataError: if the files are not here or damaged.
    """
    parts = load_idx_folder(located("fashion_mnist", folder, download))
    if any(int(part.t.max()) >= len(CLOTHES) for part in parts):
        raise DataError(f"{parts[0].name} has labels above 9, so this is not Fashion-MNIST, which has ten classes.")
    train, test = (replace(part, classes=CLOTHES) for part in parts)
    return replace(train, name="fashion_mnist"), replace(test, name="fashion_mnist, test part")


def optdigits(folder: Folder = None, download: bool = False) -> tuple[Data, Data]:
    """UCI's handwritten digits: 3,823 and 1,797, bytes (N, 8, 8) from 0 to 16; those of the test part by other writers.

    Alpaydin and Kaynak 1998, Optical Recognition of Handwritten Digits. Licence: CC BY 4.0. 0.8 MB.

    Args:
        folder: where optdigits.tra and optdigits.tes are. Default: where they are found on this machine.
        download: whether to fetch them if they are not. Default false.

    Raises:
        DataError: if they are not here or damaged.
    """
    place = located("optdigits", folder, download)
    train, test = (_shades(read_csv(place / f"optdigits.{part}", -1)) for part in ("tra", "tes"))
    return replace(train, name="optdigits"), replace(test, name="optdigits, test part")


def _shades(table: Data) -> Data:
    """Rows of 64 whole numbers from 0 to 16 as pictures."""
    if table.x.shape[1:] != (64,) or table.classes != tuple("0123456789"):
        raise DataError(f"{table.name} should hold 64 numbers and a digit a row, as UCI's optdigits does.")
    if not ((table.x >= 0) & (table.x <= 16) & (table.x == np.floor(table.x))).all():
        raise DataError(f"{table.name} should hold whole numbers from 0 to 16. It is damaged; fetch it again.")
    return replace(table, x=table.x.astype(np.uint8).reshape(-1, 8, 8), columns=())


def iris() -> Data:
    """Fisher's irises: 150 of three species by the lengths and widths of their sepals and petals; always here.

    Fisher 1936. Licence: CC BY 4.0 (UCI). The values are Fisher's own, as in scikit-learn.

    >>> iris(), iris().classes
    (Data(150 samples of (4,) float64, 3 classes), ('setosa', 'versicolor', 'virginica'))
    """
    return replace(read_csv(FILES / "iris.csv", CATALOG["iris"].target), name="iris")


def wine() -> Data:
    """178 wines of three cultivars by 13 chemical measurements; always here.

    Aeberhard and Forina 1991. Licence: CC BY 4.0 (UCI).

    >>> wine()
    Data(178 samples of (13,) float64, 3 classes)
    """
    return replace(read_csv(FILES / "wine.csv", CATALOG["wine"].target), name="wine")


def penguins() -> Data:
    """344 penguins of three species by bill, flipper, mass, island and sex; always here. Some cells are empty.

    Gorman, Williams and Fraser 2014; Horst, Hill and Gorman 2020, palmerpenguins. Licence: CC0. The columns are of
    words and of numbers, so x is records (N,): a field a column, nan or "" where nothing was measured.

    >>> penguins().x[["island", "body_mass_g"]][:4].tolist()
    [('Torgersen', 3750.0), ('Torgersen', 3800.0), ('Torgersen', 3250.0), ('Torgersen', nan)]
    """
    return replace(read_table(FILES / "penguins.csv", CATALOG["penguins"].target), name="penguins")


def breast_cancer(folder: Folder = None, download: bool = False) -> Data:
    """569 tumours, malignant or benign, by 30 measurements of their cells.

    Wolberg, Mangasarian, Street and Street 1993. Licence: CC BY 4.0 (UCI). 0.1 MB; an installed scikit-learn has it.

    Args:
        folder: where breast_cancer.csv is. Default: where it is found on this machine.
        download: whether to fetch it if it is not. Default false.

    Raises:
        DataError: if it is not here or damaged.
    """
    data = read_csv(located("breast_cancer", folder, download) / "breast_cancer.csv")
    return replace(data, columns=BREAST if data.x.shape[1] == len(BREAST) else data.columns, name="breast_cancer")


def california_housing(folder: Folder = None, download: bool = False) -> Data:
    """20,640 districts of California: the median price of a house, by place, age, rooms, people and income.

    1990 US census; Pace and Barry 1997; this table from handson-ml. Licence: Apache-2.0. 1.4 MB. Prices are cut off at
    500,001; 207 districts lack the number of bedrooms; ocean_proximity is words, so x is records, as for `penguins`.

    Args:
        folder: where california_housing.csv is. Default: where it is found on this machine.
        download: whether to fetch it if it is not. Default false.

    Raises:
        DataError: if it is not here or damaged.
    """
    file = located("california_housing", folder, download) / "california_housing.csv"
    return replace(read_table(file, CATALOG["california_housing"].target), name="california_housing")


def titanic(folder: Folder = None, download: bool = False) -> Data:
    """891 passengers of the Titanic, and whether they survived. Its column `alive` gives the answer away.

    The passenger list as seaborn-data has it; no licence is stated. 0.1 MB. x is records, as for `penguins`.

    Args:
        folder: where titanic.csv is. Default: where it is found on this machine.
        download: whether to fetch it if it is not. Default false.

    Raises:
        DataError: if it is not here or damaged.
    """
    file = located("titanic", folder, download) / "titanic.csv"
    return replace(read_table(file, CATALOG["titanic"].target), name="titanic")


def diabetes(folder: Folder = None, download: bool = False) -> Data:
    """442 patients: how far their diabetes had gone on after a year, by ten measurements; a regression.

    Efron, Hastie, Johnstone and Tibshirani 2004. Licence: BSD-3-Clause, as in scikit-learn, which has it too. The
    measurements are the raw ones, not those that are scaled.

    Args:
        folder: where diabetes_data_raw.csv.gz and diabetes_target.csv.gz are. Default: where they are found.
        download: whether to fetch them if they are not. Default false.

    Raises:
        DataError: if they are not here or damaged.
    """
    place = located("diabetes", folder, download)
    x, t = _numbers(place / "diabetes_data_raw.csv.gz"), _numbers(place / "diabetes_target.csv.gz")
    if x.shape[1] != len(DIABETES) or t.shape != (len(x), 1):
        raise DataError(f"{place} should hold {len(DIABETES)} numbers a patient and one target; {x.shape}, {t.shape}.")
    return Data(x, t[:, 0], columns=DIABETES, name="diabetes")


def _numbers(file: Path) -> Array:
    """A table of numbers with spaces between them (N, D)."""
    with opened(file) as source:
        text = source.file.read(1 << 20).decode("ascii")
    try:
        x = np.loadtxt(text.splitlines(), comments=None, ndmin=2)
    except ValueError as error:
        raise DataError(f"{file} should hold rows of numbers: {error}. It is damaged; fetch it again.") from None
    if x.size == 0 or not np.isfinite(x).all():
        raise DataError(f"{file} holds no numbers, or some that are not finite. It is damaged; fetch it again.")
    return x


def malaria_parts(folder: Folder = None) -> tuple[Data, Data]:
    """The malaria cells in two parts: of one patient in five all cells are held out."""
    data, patients = malaria(folder)
    learn, judge = next(group_folds(patients, PATIENTS))
    return replace(data[learn], name="malaria"), replace(data[judge], name="malaria, held-out patients")


TABLES: dict[str, Callable[[], Data]] = {
    "iris": iris,
    "wine": wine,
    "breast_cancer": breast_cancer,
    "california_housing": california_housing,
    "titanic": titanic,
    "penguins": penguins,
    "diabetes": diabetes,
}
PARTED: dict[str, Callable[[], tuple[Data, Data]]] = {
    "mnist": mnist,
    "fashion_mnist": fashion_mnist,
    "cifar10": cifar10,
    "malaria": malaria_parts,
    "optdigits": optdigits,
}
