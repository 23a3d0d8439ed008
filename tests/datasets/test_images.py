"""Folders of pictures become one array, whatever else lies in them, and cells know their patient."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import pellucid as pl
from pellucid.datasets import load, malaria, picture_folder, read_colours, read_picture, resized
from tests.datasets.files import published

Image = pytest.importorskip("PIL.Image", reason="needs Pillow: pip install 'pellucid[data]'")


def paint(path: Path, colour: tuple[int, ...], shape: tuple[int, int] = (10, 10)) -> None:
    """A picture of one colour."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*shape, len(colour)), colour, np.uint8)).save(path)


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    folder = tmp_path / "pets"
    paint(folder / "dog" / "rex.png", (200, 100, 0), (30, 20))
    paint(folder / "cat" / "tom.png", (0, 50, 250))
    paint(folder / "cat" / "felix.bmp", (9, 9, 9), (7, 99))
    paint(folder / "cat" / "kittens" / "tiny.PNG", (1, 2, 3))
    paint(folder / "cat" / ".hidden.png", (0, 0, 0))
    paint(folder / ".thumbnails" / "a.png", (0, 0, 0))
    paint(folder / "__MACOSX" / "a.png", (0, 0, 0))
    (folder / "cat" / "Thumbs.db").write_bytes(b"no picture")
    (folder / "notes").mkdir()
    (folder / "notes" / "todo.txt").write_text("nothing")
    return folder


def test_a_folder_a_class_and_everything_else_is_skipped(pets) -> None:
    data = picture_folder(pets, size=8)
    assert (data.classes, data.t.tolist()) == (("cat", "dog"), [0, 0, 0, 1])
    assert (data.x.shape, data.x.dtype) == ((4, 8, 8, 3), np.uint8)
    assert [picture[0, 0].tolist() for picture in data.x] == [[9, 9, 9], [1, 2, 3], [0, 50, 250], [200, 100, 0]]
    assert (data.x == data.x[:, :1, :1]).all()  # one colour each, whatever the size was


def test_grey_and_the_default_size(pets) -> None:
    assert picture_folder(pets).x.shape == (4, 48, 48, 3)
    grey = picture_folder(pets, size=5, grey=True)
    assert grey.x.shape == (4, 5, 5)
    assert grey.x[0, 0, 0] == 9
    assert abs(int(grey.x[3, 0, 0]) - (0.299 * 200 + 0.587 * 100)) <= 1


def test_load_knows_such_a_folder(pets) -> None:
    data, test = load(pets)
    assert (data.x.shape, test) == ((4, 48, 48, 3), None)


def test_numbers_are_sorted_by_size(tmp_path) -> None:
    for name in ("10", "9", "b", "a"):
        paint(tmp_path / name / "x.png", (1, 1, 1))
    assert picture_folder(tmp_path, size=2).classes == ("9", "10", "a", "b")


def test_bad_folders_are_refused_in_words(pets, tmp_path) -> None:
    with pytest.raises(pl.DataError, match="There is no folder"):
        picture_folder(tmp_path / "nowhere")
    with pytest.raises(pl.DataError, match="only one, pets"):
        picture_folder(tmp_path)
    with pytest.raises(pl.DataError, match="none of its folders"):
        picture_folder(pets / "notes")
    with pytest.raises(pl.UsageError, match=r"size is the side.*not 0"):
        picture_folder(pets, size=0)
    (pets / "dog" / "broken.png").write_bytes((pets / "dog" / "rex.png").read_bytes()[:60])
    with pytest.raises(pl.DataError, match=r"dog/broken.png is"):
        picture_folder(pets)


def test_colours_of_every_mode(tmp_path) -> None:
    colour = np.random.default_rng(0).integers(0, 256, (6, 5, 3), np.uint8)
    for name, picture in {
        "rgb.png": Image.fromarray(colour),
        "rgba.png": Image.fromarray(np.dstack([colour, np.full((6, 5), 255, np.uint8)])),
        "rgb.tif": Image.fromarray(colour),
    }.items():
        picture.save(tmp_path / name)
        np.testing.assert_array_equal(read_colours(tmp_path / name), colour)
    Image.fromarray(colour[..., 0]).save(tmp_path / "grey.png")
    Image.fromarray(colour[..., 0].astype(np.uint16) * 257).save(tmp_path / "deep.png")
    for name in ("grey.png", "deep.png"):
        np.testing.assert_array_equal(read_colours(tmp_path / name), np.dstack([colour[..., 0]] * 3))
    clear = np.zeros((4, 4, 4), np.uint8)
    clear[1, 1] = (250, 10, 20, 255)  # one red point on nothing: dark strokes are laid on white
    Image.fromarray(clear).save(tmp_path / "clear.png")
    seen = read_colours(tmp_path / "clear.png")
    assert seen[1, 1].tolist() == [250, 10, 20]
    assert seen[0, 0].tolist() == [255, 255, 255]
    assert np.abs(read_picture(tmp_path / "clear.png").astype(int) - seen @ [0.299, 0.587, 0.114]).max() <= 1


def test_colours_are_resized_channel_by_channel() -> None:
    x = np.random.default_rng(0).integers(0, 256, (9, 7, 3), np.uint8)
    y = resized(x, (4, 5))
    assert y.shape == (4, 5, 3)
    for c in range(3):
        np.testing.assert_array_equal(y[..., c], resized(x[..., c], (4, 5)))


def cells(folder: Path) -> None:
    for name in ("C100P61ThinF_IMG_1_cell_2.png", "C47P8thin_IMG_1.png", "C47P8thinOriginalOlympusCX21_IMG_9.png"):
        paint(folder / "Parasitized" / name, (200, 100, 100))
    paint(folder / "Uninfected" / "C1_thinF_IMG_2.png", (220, 200, 200))


def test_cells_know_their_patient(tmp_path) -> None:
    cells(tmp_path / "cell_images")
    for folder in (tmp_path, tmp_path / "cell_images"):
        data, patients = malaria(folder, size=4)
        assert patients.tolist() == ["C100", "C47", "C47", "C1"]
        assert (data.classes, data.t.tolist()) == (("Parasitized", "Uninfected"), [0, 0, 0, 1])


def test_what_is_no_malaria_set_is_refused(tmp_path) -> None:
    with pytest.raises(pl.DataError, match="no folders Parasitized and Uninfected"):
        malaria(tmp_path)
    cells(tmp_path)
    paint(tmp_path / "Uninfected" / "someone.png", (1, 1, 1))
    with pytest.raises(pl.DataError, match=r"someone.png does not say which patient"):
        malaria(tmp_path, size=4)


def test_some_published_cells(tmp_path) -> None:
    folder = published("malaria", "cell_images")
    for name in ("Parasitized", "Uninfected"):
        (tmp_path / name).mkdir()
        for file in sorted((folder / name).glob("*.png"))[::50]:
            shutil.copy(file, tmp_path / name)
        (tmp_path / name / "Thumbs.db").write_bytes(b"as in the publisher's archive")
    data, patients = malaria(tmp_path, size=24)
    assert np.bincount(data.t).tolist() == [20, 20]
    assert 10 < len(set(patients.tolist())) <= 40
    assert np.median(data.x[:, 0, 0]) == 0  # the corners are black
    assert data.x[:, 12, 12].mean() > 100  # and the cell is in the middle
