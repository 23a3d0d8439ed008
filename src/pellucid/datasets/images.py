"""A folder of pictures, sorted into one folder for each class: how most people keep theirs.

    pets/cat/tom.png   pets/cat/felix.jpg   pets/dog/rex.png

Every picture is brought to one square size when it is read, because a network takes samples of one shape.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import DataError, UsageError
from pellucid.data.batches import Data
from pellucid.datasets.fetch import located
from pellucid.datasets.ondisk import LARGE
from pellucid.datasets.picturefiles import PictureFiles
from pellucid.datasets.pictures import ENDINGS
from pellucid.datasets.stream import streamed

CELLS = ("Parasitized", "Uninfected")


def picture_folder(folder: str | os.PathLike[str], size: int = 48, grey: bool = False) -> Data:
    """Pictures in one folder for each class, as bytes (N, size, size, 3), or (N, size, size) if grey.

    A class is named by its folder; a picture may lie in a folder inside it. Files that are no pictures by their ending
    (Thumbs.db) or are hidden are skipped, as are folders without any picture. The samples stand class by class in the
    order of their names, so they are the same on every machine. A picture that is not square is squeezed.

    Args:
        folder: the folder that holds the class folders.
        size: the side that each picture is brought to. Default 48.
        grey: the pictures' brightness instead of their colours. Default false.

    Raises:
        UsageError: if Pillow is not installed, or size is not at least 1.
        DataError: if there is no such folder, it has fewer than two classes, or a picture is damaged; it is named.
    """
    data, _ = _read_folder(Path(folder), size, grey)
    return data


def malaria(folder: str | os.PathLike[str] | None = None, size: int = 48, download: bool = False) -> tuple[Data, Array]:
    """The malaria cells of the NIH (Rajaraman et al. 2018), and for each picture the patient that it is from.

    Cells of one patient, on one slide, under one microscope, look alike: a network must be judged on patients that it
    has never seen. `pl.group_folds(patients)` divides them so. The patient is read from the beginning of a file's name,
    a C and a number: C100P61ThinF_IMG_20150918_144104_cell_165.png is from C100. What follows up to the first _ is how
    the slide was made; it is left off, because C47P8thin and C47P8thinOriginalOlympusCX21 are one patient.

    Rajaraman et al. 2018, PeerJ 6:e4568, made public by the US National Library of Medicine; no licence text is known,
    so cite the paper. 353 MB.

    Args:
        folder: the folder with Parasitized and Uninfected, or the one around it. Default: where it is found.
        size: the side that each picture is brought to. Default 48.
        download: whether to fetch the set if it is not on this machine. Default false.

    Returns:
        The pictures, bytes (N, size, size, 3), with the classes Parasitized and Uninfected; and the patients (N,).

    Raises:
        UsageError: if Pillow is not installed, or size is not at least 1.
        DataError: if the two folders are not there, a picture is damaged, or a name does not tell the patient.
    """
    folder = located("malaria", folder, download)
    around = [folder, folder / "cell_images"]
    found = next((place for place in around if all((place / name).is_dir() for name in CELLS)), None)
    if found is None:
        raise DataError(f"{folder} is not the malaria set: there are no folders {' and '.join(CELLS)} in it.")
    data, files = _read_folder(found, size, grey=False)
    return data, np.array([_patient(file) for file in files])


def class_folders(folder: Path) -> dict[str, list[Path]]:
    """The classes in their order, each with its pictures in the order of their names."""
    inside = sorted((place for place in folder.iterdir() if _seen(place) and place.is_dir()), key=_in_order)
    pictures = {place.name: [f for f in sorted(place.rglob("*")) if _is_picture(f)] for place in inside}
    return {name: files for name, files in pictures.items() if files}


def _in_order(place: Path) -> tuple[bool, int, str]:
    """Words by their letters; numbers first and by their size: 9 comes before 10."""
    number = place.name.isdecimal()
    return not number, int(place.name) if number else 0, place.name


def _seen(place: Path) -> bool:
    return not place.name.startswith((".", "__"))  # __MACOSX is what one system leaves in archives


def _is_picture(file: Path) -> bool:
    return _seen(file) and file.suffix.lower() in ENDINGS and file.is_file()


def load_folder(folder: Path, stream: bool | None = None, threads: int = 0, size: int = 48, grey: bool = False) -> Data:
    """A folder of pictures, in memory; or on the disk if that is said, or if they would take more than 512 MB."""
    classes, files, t = _listed(folder, size)
    if not (len(files) * size * size * (1 if grey else 3) > LARGE if stream is None else stream):
        return _read_folder(folder, size, grey)[0]
    place = PictureFiles(str(folder), files, size, grey, keep=threads > 0)
    place.picture(files[0])  # is Pillow here?
    return streamed(place, threads, t=t, classes=classes)


def _read_folder(folder: Path, size: int, grey: bool) -> tuple[Data, list[Path]]:
    """The pictures and the files that they came from."""
    classes, files, t = _listed(folder, size)
    place = PictureFiles(str(folder), files, size, grey)
    x = np.empty(place.shape, np.uint8)
    place.read(0, x)
    return Data(x, t, classes, name=str(folder)), files


def _listed(folder: Path, size: int) -> tuple[tuple[str, ...], list[Path], Array]:
    """The classes, the pictures class by class, and the class of each."""
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
        raise UsageError(f"size is the side of the pictures, a whole number of pixels, 1 or more, not {size!r}.")
    if not folder.is_dir():
        raise DataError(f"There is no folder {folder}. Check the spelling; it was looked for in {os.getcwd()}.")
    classes = class_folders(folder)
    if len(classes) < 2:
        raise DataError(
            f"{folder} should hold a folder of pictures for each of at least two classes, but pictures are in "
            f"{f'only one, {next(iter(classes))}' if classes else 'none of its folders'}. Give the folder whose "
            "folders are named like the classes."
        )
    files = [file for pictures in classes.values() for file in pictures]
    t = np.repeat(np.arange(len(classes)), [len(pictures) for pictures in classes.values()])
    return tuple(classes), files, t


def _patient(file: Path) -> str:
    found = re.match(r"C\d+", file.name)
    if found is None:
        raise DataError(f"{file} does not say which patient it is from: its name should begin like C100P61ThinF_IMG.")
    return found.group()
