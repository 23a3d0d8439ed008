"""The examples run, print what they learned, and did learn it; here with little data, so that it takes seconds."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import pellucid as pl
from tests.datasets.files import FASHION

FOLDER = Path(__file__).resolve().parents[1] / "examples"


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_example_is_tested_says_how_it_is_called_and_is_short():
    words = Path(__file__).read_text("utf-8")
    found = sorted(FOLDER.glob("*.py"))
    assert len(found) >= 3
    for path in found:
        text = path.read_text("utf-8")
        assert f'example("{path.stem}")' in words, f"{path.name} has no test"
        assert f"python examples/{path.name}" in text
        assert len(text.splitlines()) <= 110


def test_the_transformer_learns_to_sort(capsys: pytest.CaptureFixture[str]):
    sorts = example("transformer_sorts")
    x, t = sorts.lists(4, seed=0)
    np.testing.assert_array_equal(t[:, sorts.DIGITS :].argmax(axis=2), np.sort(x[:, : sorts.DIGITS], axis=1))
    assert not t[:, : sorts.DIGITS].any()
    right = sorts.main(n=3000, epochs=8, units=16, heads=2, blocks=1)
    assert right > 0.5  # a guess is right once in 2,002 lists
    assert f"{right:.1%}" in capsys.readouterr().out


def test_the_lstm_learns_the_rhyme(capsys: pytest.CaptureFixture[str]):
    writes = example("lstm_writes")
    x, t = writes.stretches(12)
    np.testing.assert_array_equal(x[1:], t[:-1])
    foretold = writes.main(T=12, units=32, epochs=12)
    assert foretold > 0.75  # always a space would be right for 17 % of the letters
    said = capsys.readouterr().out
    assert f"{foretold:.0%}" in said
    assert "That" in said.split("writes, after")[1]


def test_the_autoencoder_beats_as_many_components(capsys: pytest.CaptureFixture[str]):
    network, linear = example("autoencoder").main(n=1500, code=4, hidden=64, epochs=30)
    assert network < 0.95 * linear
    assert f"{network:.4f}" in capsys.readouterr().out


def test_the_small_windows_read_digits(capsys: pytest.CaptureFixture[str]):
    right = example("cnn_digits").main(n=1500, epochs=5, widths=(6, 12, 16))
    assert right > 0.8
    said = capsys.readouterr().out
    assert f"{right:.2%}" in said
    assert "epoch  5/5" in said


def test_the_same_file_reads_a_folder_with_four_files(capsys: pytest.CaptureFixture[str]):
    if not FASHION.is_dir():
        pytest.skip(f"needs Fashion-MNIST in {FASHION} (Debian's package dataset-fashion-mnist), which is not there")
    right = example("cnn_digits").main(str(FASHION), n=1500, epochs=5, widths=(4, 8, 12), flip=True)
    assert right > 0.5
    assert "10,000 test pictures" in capsys.readouterr().out


@pytest.fixture
def stripes(tmp_path: Path) -> Path:
    """CIFAR-10's layout with something that can be learned in seconds: class k is bright in columns 3k to 3k + 2."""
    rng = np.random.default_rng(0)
    t = np.tile(np.arange(4), 100)
    x = rng.integers(0, 100, (len(t), 3, 32, 32))
    for k in range(4):
        x[t == k, k % 3, 8 * k : 8 * k + 8] += 150
    records = np.hstack([t[:, None], x.reshape(len(t), -1)]).astype(np.uint8)
    with (tmp_path / "data_batch_1.bin").open("wb") as file:
        file.write(records[:300].tobytes())
        file.truncate(10_000 * 3073)  # a whole batch; the rest is black and of class 0
    (tmp_path / "data_batch_2_first100.bin").write_bytes(records[300:].tobytes())
    return tmp_path


def test_the_residual_network_learns_pictures_in_colour(stripes: Path, capsys: pytest.CaptureFixture[str]):
    resnet = example("resnet_cifar")
    np.testing.assert_allclose(resnet.smooth(np.array([1]), 4, 0.2), [[0.05, 0.85, 0.05, 0.05]])
    right = resnet.main(str(stripes), n=300, epochs=4, stem=4, widths=(4, 8), batch=25)
    assert right > 0.7  # a guess is right once in four
    said = capsys.readouterr().out
    assert "held out:" in said
    assert f"{right:.1%} of 100" in said


def test_a_folder_that_is_not_there_is_said_so(tmp_path: Path):
    for name in ("resnet_cifar", "malaria"):
        with pytest.raises(pl.DataError, match=r"There is no folder|no folders Parasitized"):
            example(name).main(str(tmp_path / "nowhere"))


def test_the_cells_are_judged_on_patients_that_were_not_seen(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    image = pytest.importorskip("PIL.Image", reason="needs Pillow: pip install 'pellucid[data]'")
    rng = np.random.default_rng(0)
    for n in range(120):
        cell = rng.integers(120, 160, (20, 20, 3))
        if n % 2:
            at = rng.integers(2, 15, 2)
            cell[at[0] : at[0] + 4, at[1] : at[1] + 4] = (90, 0, 90)  # the parasite, anywhere
        folder = tmp_path / ("Parasitized" if n % 2 else "Uninfected")
        folder.mkdir(exist_ok=True)
        image.fromarray(cell.astype(np.uint8)).save(folder / f"C{n // 2 % 15}P7ThinF_IMG_{n}.png")
    malaria = example("malaria")
    x = rng.integers(0, 256, (40, 5, 5, 3)).astype(np.uint8)
    lying = malaria.turn(x, np.random.default_rng(0))
    swapped = (lying == x.swapaxes(1, 2)).all(axis=(1, 2, 3))
    assert ((lying == x).all(axis=(1, 2, 3)) ^ swapped).all()
    assert 10 < swapped.sum() < 30
    assert malaria.stain(x, np.random.default_rng(0)).max() <= 255
    right = malaria.main(str(tmp_path), size=20, folds=3, epochs=12, widths=(6, 8), networks=2)
    assert right > 0.8
    said = capsys.readouterr().out
    assert "15 patients" in said
    assert "fold 3/3" in said
    assert f"{right:.1%} of 120 cells" in said


def test_the_spiral_is_followed_and_not_learned_by_heart(capsys: pytest.CaptureFixture[str]):
    spiral = example("spiral")
    x = np.random.default_rng(0).normal(size=(50, 2))
    turned = spiral.turn(x, np.random.default_rng(1))
    np.testing.assert_allclose(np.hypot(*turned.T), np.hypot(*x.T))
    _, turned_share = spiral.main(seeds=1, epochs=250, units=48)
    assert turned_share > 0.75  # a straight line would be right for half
    assert f"turned {turned_share:.1%}." in capsys.readouterr().out
