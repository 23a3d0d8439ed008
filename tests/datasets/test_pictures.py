"""Pictures of every kind become grey bytes, and grey pictures of digits become what MNIST would have made of them."""

from __future__ import annotations

import builtins
import struct
import tracemalloc
import zlib

import numpy as np
import pytest

import pellucid as pl
from pellucid.datasets import as_digit, digits, read_colours, read_picture, resized
from tests.datasets.files import damaged, published

Image = pytest.importorskip("PIL.Image", reason="needs Pillow: pip install 'pellucid[data]'")

# A dark stroke on white, as bytes: every way of storing it below must come back as this.
GREY = np.full((40, 30), 255, np.uint8)
GREY[8:30, 12:17] = 0
GREY[26:30, 8:24] = 0
ALPHA = 255 - GREY


def stored(mode: str):
    """GREY as a Pillow picture of this mode."""
    grey = Image.fromarray(GREY)
    full = np.full_like(GREY, 255)
    if mode == "LA, black stroke":
        return Image.fromarray(np.stack([GREY * 0, ALPHA], axis=-1), "LA")
    if mode == "RGBA, black stroke":
        return Image.fromarray(np.stack([GREY * 0, GREY * 0, GREY * 0, ALPHA], axis=-1))
    if mode == "RGBA, opaque":
        return Image.fromarray(np.stack([GREY, GREY, GREY, full], axis=-1))
    if mode == "P, transparent":
        picture = Image.fromarray((GREY == 0).astype(np.uint8))
        picture.putpalette([255, 0, 0, 0, 0, 0])
        picture.info["transparency"] = 0
        return picture
    if mode == "16 bits":
        return Image.fromarray(GREY.astype(np.uint16) * 257)
    if mode == "32 bits":
        return Image.fromarray(GREY.astype(np.int32) * 257)
    if mode == "fractions":
        return Image.fromarray(GREY.astype(np.float32) / 255)
    return grey.convert(mode)


@pytest.mark.filterwarnings("ignore:'mode' parameter is deprecated")
@pytest.mark.parametrize(
    ("mode", "ending"),
    [
        *[(mode, "png") for mode in ("1", "L", "P", "RGB", "RGBA, opaque", "LA, black stroke", "RGBA, black stroke")],
        ("P, transparent", "png"),
        ("16 bits", "png"),
        ("32 bits", "tif"),
        ("fractions", "tif"),
        ("CMYK", "tif"),
        ("RGB", "bmp"),
        ("L", "gif"),
    ],
)
def test_every_kind_of_picture_is_read(tmp_path, mode, ending) -> None:
    file = tmp_path / f"picture.{ending}"
    stored(mode).save(file)
    read = read_picture(file)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, GREY)


def test_a_white_stroke_on_nothing_is_laid_on_black(tmp_path) -> None:
    file = tmp_path / "chalk.png"
    white = np.full_like(GREY, 255)
    Image.fromarray(np.stack([white, white, white, ALPHA], axis=-1)).save(file)
    np.testing.assert_array_equal(read_picture(file), ALPHA)


def test_a_camera_that_was_turned_is_turned_back(tmp_path) -> None:
    file = tmp_path / "turned.png"
    exif = Image.Exif()
    exif[0x0112] = 6  # the right side is up
    Image.fromarray(np.rot90(GREY, 1)).save(file, exif=exif)
    np.testing.assert_array_equal(read_picture(file), GREY)


def test_as_digit_of_a_drawing() -> None:
    digit = as_digit(GREY)
    assert (digit.shape, digit.dtype, digit.max()) == ((28, 28), np.uint8, 255)
    rows, columns = np.flatnonzero(digit.any(axis=1)), np.flatnonzero(digit.any(axis=0))
    assert np.ptp(rows) + 1 == 20  # the longer side
    assert np.ptp(columns) + 1 == 15  # 16 wide, 22 tall
    mass = digit.astype(float)
    for axis in (0, 1):
        centre = mass.sum(axis=1 - axis) @ np.arange(28) / mass.sum()
        assert abs(centre - 14) <= 0.5


@pytest.mark.parametrize(
    "change",
    [
        lambda x: 255 - x,
        lambda x: np.pad(x, ((0, 90), (50, 3)), constant_values=255),
        lambda x: np.kron(x, np.ones((5, 5), np.uint8)),
        lambda x: 90 + x // 3,
        lambda x: x / 255.0,
        lambda x: x > 127,
        lambda x: np.where(np.arange(x.size).reshape(x.shape) % 7 == 0, x - (x > 0) * 12, x),
    ],
    ids=["light on dark", "far from the middle", "larger", "faint", "fractions", "booleans", "noisy"],
)
def test_as_digit_does_not_care_how_it_was_drawn(change) -> None:
    difference = np.abs(as_digit(change(GREY)).astype(int) - as_digit(GREY))
    assert difference.mean() < 4


def test_as_digit_leaves_mnist_nearly_as_it_is() -> None:
    x = digits()[1].x[:200]
    again = np.stack([as_digit(image) for image in x])
    assert np.abs(again.astype(int) - x).mean() < 1.5


def test_as_digit_reads_a_dot_and_a_line() -> None:
    dot, line = np.zeros((9, 9)), np.zeros((300, 300))
    dot[4, 4] = 1
    line[10, 20:280] = 255
    assert as_digit(dot).max() == 255
    assert (as_digit(line) > 0).sum() == 20


@pytest.mark.parametrize(
    "picture", [np.full((50, 40), 255), np.zeros((3, 3)), np.full((9, 9), 250) + np.eye(9), np.zeros((1, 1))]
)
def test_an_empty_picture_is_refused_in_words(picture) -> None:
    with pytest.raises(pl.DataError, match="picture is empty"):
        as_digit(picture)


@pytest.mark.parametrize("picture", [np.zeros((0, 5)), np.zeros((2, 5, 5)), np.zeros(9), np.array([["a"]])])
def test_what_is_no_grey_picture_is_refused(picture) -> None:
    with pytest.raises(pl.ShapeError, match="one grey picture"):
        as_digit(picture)


def test_nan_is_refused() -> None:
    with pytest.raises(pl.DataError, match="NaN"):
        as_digit(np.where(GREY > 0, np.nan, 0.0))


def test_nothing_given_is_written_to() -> None:
    picture = GREY.copy()
    picture.flags.writeable = False
    as_digit(picture)
    resized(picture, (10, 10))
    np.testing.assert_array_equal(picture, GREY)


def test_resized_keeps_the_mean_and_the_range() -> None:
    x = np.random.default_rng(0).integers(0, 256, (60, 44), np.uint8)
    for shape in ((28, 28), (90, 7)):
        y = resized(x, shape)
        assert (y.shape, y.dtype) == (shape, np.uint8)
        assert abs(float(y.mean()) - float(x.mean())) < 3
    np.testing.assert_array_equal(resized(x, x.shape), x)


def claiming(width: int, height: int) -> bytes:
    """A PNG file that says it is this large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [7_500, 10_000, 100_000])  # above our bound, Pillow's warning, Pillow's error
def test_a_picture_that_claims_to_be_huge_is_not_read(tmp_path, side) -> None:
    file = tmp_path / "huge.png"
    file.write_bytes(claiming(side, side))
    with pytest.raises(pl.DataError, match="claims more than 50,000,000 pixels"):
        read_picture(file)


def test_a_large_transparent_picture_is_not_made_numbers_at_once(tmp_path) -> None:
    pixels = np.zeros((2500, 2500, 4), np.uint8)
    pixels[500:800, :, :] = (10, 20, 30, 255)
    Image.fromarray(pixels).save(tmp_path / "large.png", compress_level=1)
    tracemalloc.start()
    try:
        colours = read_colours(tmp_path / "large.png")
        small = resized(colours, (50, 50))
        assert tracemalloc.get_traced_memory()[1] < 180 << 20  # as numbers, all of it would be 200 MB, and three times
    finally:
        tracemalloc.stop()
    assert colours[550, 7].tolist() == [10, 20, 30]
    assert colours[1000, 7].tolist() == [255, 255, 255]
    assert small[13, 7].tolist() == [10, 20, 30]


def test_bad_pictures_are_refused(tmp_path) -> None:
    file = tmp_path / "picture.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 50), np.uint8)).save(file)
    raw = file.read_bytes()
    for bad, word in ((b"", "is empty"), (b"hello, world", "not a picture"), (raw[:200], "damaged picture")):
        file.write_bytes(bad)
        with pytest.raises(pl.DataError, match=f"picture.png.*{word}"):
            read_picture(file)
    with pytest.raises(pl.DataError, match="There is no file"):
        read_picture(tmp_path / "nowhere.png")
    with pytest.raises(pl.DataError, match="folder"):
        read_picture(tmp_path)


@pytest.mark.parametrize("ending", ["png", "gif", "bmp", "jpg"])
def test_only_data_errors_come_from_damage(tmp_path, ending) -> None:
    file, outcomes = tmp_path / f"picture.{ending}", set()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (12, 12, 3), np.uint8)).save(file)
    raw = file.read_bytes()
    for seed in range(100):
        file.write_bytes(damaged(raw, seed))
        try:
            read_picture(file)
            outcomes.add("read")
        except pl.DataError:
            outcomes.add("refused")
    assert "refused" in outcomes


def test_without_pillow_the_extra_is_named(tmp_path, monkeypatch) -> None:
    real = builtins.__import__

    def without(name, *rest):
        if name.split(".")[0] == "PIL":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(pl.UsageError, match=r"pip install 'pellucid\[data\]'"):
        read_picture(tmp_path / "digit.png")


def test_drawn_digits_look_like_mnists(tmp_path) -> None:
    """What a plain classifier made of MNIST's mean digits says: raw drawings it misreads, prepared ones it reads."""
    folder = published("handwritten-digits-jcprogjava", "dataset")
    train, _ = digits()
    means = np.stack([train.x[train.t == k].reshape(-1, 784).mean(axis=0) for k in range(10)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    raw, ready, t = [], [], []
    for k in range(10):
        for file in sorted((folder / str(k) / str(k)).glob("*.png"))[:30]:
            picture = read_picture(file)
            raw.append(255 - picture)
            ready.append(as_digit(picture))
            t.append(k)
    score = [np.mean((np.stack(x).reshape(len(t), 784) @ means.T).argmax(axis=1) == t) for x in (raw, ready)]
    assert score[1] > 0.7
    assert score[1] > score[0] + 0.25
