"""Model files: what is loaded is what was saved, to the bit; written whole or not at all; bad ones are refused."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

import pellucid as pl
from pellucid import store
from pellucid.base.run import Run
from pellucid.penalties import Both
from tests import forge
from tests.cases import LAYERS, LOSSES, LayerCase, LossCase

Array = Any


def make(seed: int = 1, classes: tuple[str, ...] = ("cat", "dog")) -> pl.Model:
    return pl.Model(
        pl.Dense(5, penalty=pl.L1(1e-3)),
        pl.ReLU(),
        pl.Dense(2),
        loss=pl.SoftmaxCrossEntropy(),
        input_shape=(3,),
        seed=seed,
        penalty=pl.L2(1e-4),
        prepare=pl.Standardize((0.5, 1.5, -2.0), (1.0, 0.25, 0.0), ("a", "b", "c")),
        classes=classes,
    )


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    make().save(path)
    return path


def refused(path: Any, *words: str, extra: Any = ()) -> str:
    """The file is refused with a FileError that names it and says these words."""
    with pytest.raises(pl.FileError) as caught:
        pl.load(path, extra=extra)
    said = str(caught.value)
    for word in (str(path), *words):
        assert word in said
    return said


# ---- the same bits ---------------------------------------------------------------------------------------------------


def same_after_saving(model: pl.Model, x: Array, tmp_path: Path, extra: Any = ()) -> pl.Model:
    path = tmp_path / "twin.safetensors"
    model.save(path)
    twin = pl.load(path, extra=extra)
    assert twin.theta.dtype == model.theta.dtype
    assert twin.theta.tobytes() == model.theta.tobytes()
    assert twin.buffers.tobytes() == model.buffers.tobytes()
    assert list(twin.slots) == list(model.slots)
    assert twin.predict(x).tobytes() == model.predict(x).tobytes()
    assert twin.layers == model.layers
    assert twin.loss == model.loss
    assert twin.penalty == model.penalty
    assert twin.prepare == model.prepare
    assert twin.penalties == model.penalties
    assert twin.classes == model.classes
    assert twin.history == model.history
    assert (twin.seed, twin.dtype, twin.input_shape) == (model.seed, model.dtype, model.input_shape)
    return twin


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda d: d.__name__)
@pytest.mark.parametrize("case", LAYERS, ids=lambda case: case.name)
def test_every_layer_comes_back_to_the_bit(case: LayerCase, dtype: Any, tmp_path: Path) -> None:
    model = case.model(dtype)
    same_after_saving(model, case.inputs(dtype=dtype), tmp_path)


@pytest.mark.parametrize("case", LOSSES, ids=lambda case: case.name)
def test_every_loss_comes_back_with_its_value(case: LossCase, tmp_path: Path) -> None:
    model = pl.Model(pl.Dense(math.prod(case.shape)), pl.Reshape(case.shape), loss=case.make(), input_shape=(4,))
    x = np.random.default_rng(0).normal(size=(5, 4))
    _, t, weights = case.draw(5)
    before = model.loss_and_grad(x, t, weights=weights)
    grad = model.grad.copy()
    path = tmp_path / "twin.safetensors"
    model.save(path)
    twin = pl.load(path)
    assert twin.predict(x).tobytes() == model.predict(x).tobytes()
    assert twin.loss_and_grad(x, t, weights=weights) == before
    assert twin.grad.tobytes() == grad.tobytes()
    assert type(twin.loss) is type(model.loss)


PENALTIES = [None, pl.L1(1e-3), pl.L2(0.5), pl.L1(1e-3) + pl.L2(1e-4), Both(pl.L2(1.0), pl.L1(1.0) + pl.L2(2.0))]


@pytest.mark.parametrize("penalty", PENALTIES, ids=str)
def test_every_penalty_comes_back(penalty: Any, tmp_path: Path) -> None:
    layers = [pl.Dense(4, penalty=penalty), pl.Tanh(), pl.Dense(2, penalty=pl.L1(0.1), bias_penalty=penalty)]
    model = pl.Model(*layers, input_shape=(3,), penalty=penalty, dtype=np.float64)
    x, t = np.ones((2, 3)), np.zeros((2, 2))
    twin = same_after_saving(model, x, tmp_path)
    assert twin.loss_and_grad(x, t) == model.loss_and_grad(x, t)
    assert twin.grad.tobytes() == model.grad.tobytes()


PREPARED = [
    (pl.Pixels((9,)), np.arange(18, dtype=np.uint8).reshape(2, 3, 3)),
    (pl.Pixels((9,), full=16.0, picture=(3, 3), digit=True), np.arange(18, dtype=np.uint8).reshape(2, 3, 3)),
    (pl.Pixels((9,), picture=(3, 1, 3), mean=(0.1, 0.2, 1 / 3), std=(0.5, 0.6, 0.7)), np.ones((2, 3, 1, 3), np.uint8)),
    (pl.Standardize.fit(np.random.default_rng(1).normal(3, 7, (50, 9))), np.ones((2, 9))),
    (pl.Standardize((1 / 3,) * 9, (np.pi,) * 9, tuple("abcdefghi")), np.ones((2, 9))),
    (None, np.ones((2, 9))),
]


@pytest.mark.parametrize(
    ("prepare", "x"), PREPARED, ids=["pixels", "pixels-all", "channels", "fitted", "named", "none"]
)
def test_every_preparation_comes_back(prepare: Any, x: Array, tmp_path: Path) -> None:
    same_after_saving(pl.Model(pl.Dense(2), input_shape=(9,), prepare=prepare), x, tmp_path)


def test_digits_come_back(tmp_path: Path) -> None:
    x = pl.datasets.digits()[0].x[:3]
    model = pl.Model(pl.Dense(2), input_shape=(784,), prepare=pl.Digits.fit(x))
    same_after_saving(model, 255 - x, tmp_path)


INITS = [pl.Constant(2.5), pl.Normal(0.1), pl.LeCun(), pl.He(), pl.Glorot(), pl.Orthogonal(1.5), "orthogonal", "ones"]


@pytest.mark.parametrize("init", INITS, ids=str)
def test_every_initialiser_comes_back(init: Any, tmp_path: Path) -> None:
    same_after_saving(pl.Model(pl.Dense(4, init=init), input_shape=(3,), seed=5), np.ones((1, 3)), tmp_path)


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=lambda d: d.__name__)
def test_a_network_of_networks_comes_back(dtype: Any, tmp_path: Path) -> None:
    model = pl.Model(
        pl.Flatten(),
        pl.Sequential(pl.Dense(6, init=pl.Normal(0.2)), pl.Sequential(pl.LeakyReLU(0.2), pl.Dropout(0.3))),
        pl.Residual(pl.Dense(4, penalty=pl.L2(1e-4) + pl.L1(1e-5)), pl.GELU(), pl.Residual(pl.Tanh()), pl.Dense(6)),
        pl.Concat(pl.Dense(2, bias=False), pl.Sequential(pl.ELU(0.5), pl.Dense(3)), pl.Concat(pl.SiLU(), pl.Sigmoid())),
        pl.Reshape((17, 1)),
        pl.Flatten(),
        pl.Dense(3),
        loss=pl.SoftmaxCrossEntropy(class_weights=(1.0, 2.0, 0.5)),
        input_shape=(2, 4),
        classes=("één", "二", "three, 'and' \"more\""),
        dtype=dtype,
        seed=11,
        penalty=pl.L1(1e-6),
    )
    x = np.random.default_rng(2).normal(size=(4, 2, 4))
    twin = same_after_saving(model, x, tmp_path)
    run = {"training": True}
    first = model.loss_and_grad(x, np.array([0, 1, 2, 0]), Run(rng=np.random.default_rng(0), **run))
    assert first == twin.loss_and_grad(x, np.array([0, 1, 2, 0]), Run(rng=np.random.default_rng(0), **run))
    assert twin.grad.tobytes() == model.grad.tobytes()


def test_what_was_trained_is_kept_and_can_be_trained_further(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(40, 3))
    t = (x[:, 0] > 0).astype(int)
    model = make(seed=7)
    model.fit(x, t, epochs=3, validation=0.25, verbose=False)
    twin = same_after_saving(model, x, tmp_path)
    assert twin.history["val_accuracy"] == model.history["val_accuracy"]
    assert len(twin.history) == 3
    assert twin.seed == 7
    for one in (model, twin):
        one.fit(x, t, epochs=2, verbose=False)
    assert twin.theta.tobytes() == model.theta.tobytes()


def test_numbers_that_are_not_finite_come_back_too(tmp_path: Path) -> None:
    model = make()
    model.theta[:3] = np.nan, np.inf, -np.inf
    model.history = [{"epoch": 1, "loss": math.inf, "lr": 1e-3}]
    path = tmp_path / "model.safetensors"
    model.save(path)
    twin = pl.load(path)
    assert twin.theta.tobytes() == model.theta.tobytes()
    assert twin.history == model.history


def test_numpys_numbers_in_a_models_arguments_are_numbers(tmp_path: Path) -> None:
    model = pl.Model(
        pl.Dense(2, penalty=pl.L2(np.float32(0.5))),  # type: ignore[arg-type]
        loss=pl.SoftmaxCrossEntropy(class_weights=np.array([1.0, 2.0])),  # type: ignore[arg-type]
        input_shape=(3,),
        seed=np.int64(4),  # type: ignore[arg-type]
        classes=np.array(["a", "b"]),  # type: ignore[arg-type]
    )
    model.history = [{"epoch": np.int64(1), "loss": np.float32(0.5), "lr": 0.1}]
    path = tmp_path / "model.safetensors"
    model.save(path)
    twin = pl.load(path)
    assert twin.loss.class_weights == (1.0, 2.0)  # type: ignore[attr-defined]
    assert (twin.seed, twin.classes) == (4, ("a", "b"))
    assert twin.history == [{"epoch": 1, "loss": 0.5, "lr": 0.1}]
    assert twin.theta.tobytes() == model.theta.tobytes()


def test_the_other_library_reads_the_numbers(saved: Path) -> None:
    from safetensors.numpy import load_file

    model, found = pl.load(saved), load_file(saved)
    assert set(found) == {"0.dense.W", "0.dense.b", "2.dense.W", "2.dense.b"}
    np.testing.assert_array_equal(found["2.dense.W"], model.layers[2].W)


# ---- a layer of one's own --------------------------------------------------------------------------------------------


@dataclass
class Stretch(pl.Layer):
    """Y = a X, with a learned; `names` is there to be written down."""

    start: float
    names: tuple[str, ...] = ()
    layers: int = 0  # not a container, although its argument is called so

    def params(self, x: tuple[int, ...]) -> dict[str, pl.Param]:
        return {"a": pl.Param((1,), pl.Constant(self.start))}

    def buffers(self, x: tuple[int, ...]) -> dict[str, pl.Param]:
        return {"seen": pl.Param((2,), pl.Constant(9.0))}

    def forward(self, x: Array, run: Run) -> tuple[Array, Any]:
        return x * self.a, {"x": x}

    def backward(self, dy: Array, cache: Any) -> Array:
        self.da[:] = (dy * cache["x"]).sum()
        return dy * self.a


def test_a_layer_of_ones_own_is_named_when_loading(tmp_path: Path) -> None:
    model = pl.Model(pl.Dense(2), Stretch(1.5, ("x", "y"), layers=3), input_shape=(2,))
    model.buffers[:] = [3.0, 4.0]
    twin = same_after_saving(model, np.ones((3, 2)), tmp_path, extra=[Stretch])
    assert twin.layers[1] == Stretch(1.5, ("x", "y"), 3)
    assert twin.buffers.tolist() == [3.0, 4.0]
    refused(tmp_path / "twin.safetensors", "'Stretch'", "extra=[")


class NoDataclass(pl.Layer):
    """A layer whose arguments nobody knows."""

    def forward(self, x: Array, run: Run) -> tuple[Array, Any]:
        return x, {}

    def backward(self, dy: Array, cache: Any) -> Array:
        return dy


CANNOT = {
    "layer": lambda: pl.Model(pl.Dense(1), NoDataclass(), input_shape=(2,)),
    "preparation": lambda: pl.Model(pl.Dense(1), input_shape=(2,), prepare=lambda x: x / 255),
    "argument": lambda: pl.Model(pl.Dense(1), Stretch(1.0, names={"a": 1}), input_shape=(2,)),  # type: ignore[arg-type]
    "history": lambda: _with_history(object()),
    "type": lambda: pl.Model(pl.Dense(1), input_shape=(2,), dtype=np.longdouble),
}


def _with_history(thing: Any) -> pl.Model:
    model = make()
    model.history = [{"epoch": 1, "loss": thing}]
    return model


@pytest.mark.parametrize("what", CANNOT)
def test_what_cannot_be_described_is_refused_before_anything_is_written(what: str, tmp_path: Path) -> None:
    model = CANNOT[what]()
    with pytest.raises(pl.DataError):
        model.save(tmp_path / "sub" / "model.safetensors")
    assert list(tmp_path.iterdir()) == []
    old = tmp_path / "old.safetensors"
    old.write_bytes(b"old")
    with pytest.raises(pl.DataError):
        model.save(old)
    assert old.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [old]


def test_a_description_that_could_not_be_read_again_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LONGEST_HEADER", 2000)
    model = make()
    model.save(tmp_path / "small.safetensors")
    model.history = [{"epoch": i, "loss": 0.5} for i in range(100)]
    with pytest.raises(pl.DataError, match="history"):
        model.save(tmp_path / "model.safetensors")
    assert [file.name for file in tmp_path.iterdir()] == ["small.safetensors"]


# ---- written whole or not at all -------------------------------------------------------------------------------------


def failing(error: BaseException) -> Callable[..., None]:
    def fail(*args: Any, **options: Any) -> None:
        raise error

    return fail


FAILURES = [OSError(errno.ENOSPC, "No space left on device"), OSError(errno.EIO, "Input/output error")]


@pytest.mark.parametrize("there", [True, False], ids=["replacing", "new"])
@pytest.mark.parametrize("error", FAILURES, ids=["full", "broken"])
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failure_on_the_way_leaves_the_old_file(
    call: str, error: OSError, there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.safetensors"
    if there:
        make(seed=1).save(path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    monkeypatch.setattr(os, call, failing(error))
    with pytest.raises(pl.FileError) as caught:
        make(seed=2).save(path)
    monkeypatch.undo()
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    assert str(path) in str(caught.value)
    assert str(error.strerror) in str(caught.value)
    assert ("untouched" in str(caught.value)) is there
    make(seed=2).save(path)
    assert pl.load(path).seed == 2


def test_ctrl_c_on_the_way_leaves_the_old_file(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.read_bytes()
    monkeypatch.setattr(os, "fsync", failing(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        make(seed=2).save(saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_a_disk_that_is_really_full(saved: Path) -> None:
    """No file of this process may grow beyond 1,000 bytes: write() itself fails, half way through."""
    pytest.importorskip("resource", reason="a process is limited by the resource module, which only POSIX systems have")
    before = saved.read_bytes()
    assert len(before) > 1000
    code = """
import resource, sys
import pellucid as pl
model = pl.Model(pl.Dense(1000), input_shape=(10,))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
for path in sys.argv[1:]:
    try:
        model.save(path)
    except pl.FileError as error:
        print(error)
"""
    fresh = saved.with_name("fresh.safetensors")
    words = [sys.executable, "-c", code, str(saved), str(fresh)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert first == f"{saved} could not be written: File too large. The file that was there before is untouched."
    assert second == f"{fresh} could not be written: File too large."
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


@pytest.mark.parametrize("mask", [0o022, 0o027, 0o077, 0o000])
def test_permissions_are_those_of_any_new_file(mask: int, tmp_path: Path) -> None:
    before = os.umask(mask)
    try:
        make().save(tmp_path / "model.safetensors")
        make().save(tmp_path / "model.safetensors")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "model.safetensors").stat().st_mode) == 0o666 & ~mask


def test_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "model.safetensors"
    make().save(str(path))
    assert pl.load(str(path)).classes == ("cat", "dog")
    assert list(path.parent.iterdir()) == [path]


def test_the_longest_name_is_long_enough(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    make().save(path)
    assert pl.load(path).seed == 1
    with pytest.raises(pl.FileError):
        make().save(tmp_path / ("x" * 256))
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    link, place = tmp_path / "latest.safetensors", tmp_path / "runs" / "7.safetensors"
    link.symlink_to(place)
    make(seed=3).save(link)
    make(seed=4).save(link)
    assert link.is_symlink()
    assert pl.load(place).seed == pl.load(link).seed == 4


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for place in (pipe, tmp_path):
        with pytest.raises(pl.FileError, match="no ordinary file"):
            make().save(place)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(pl.FileError, match="could not be written"):
        make().save(tmp_path / "file" / "sub" / "model.safetensors")
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


@contextlib.contextmanager
def nobody() -> Iterator[Path]:
    """A folder that may be read and not written; the superuser, who may write anything, acts as nobody meanwhile."""
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make().save(folder / "old.safetensors")
        folder.chmod(0o555)
        if root:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o755)


def test_a_folder_without_permission() -> None:
    with nobody() as folder:
        for path in (folder / "old.safetensors", folder / "new.safetensors", folder / "sub" / "new.safetensors"):
            with pytest.raises(pl.FileError, match="Permission denied"):
                make(seed=2).save(path)
        assert pl.load(folder / "old.safetensors").seed == 1
        assert len(list(folder.iterdir())) == 1


# ---- bad files -------------------------------------------------------------------------------------------------------


def test_cut_anywhere_it_is_refused(saved: Path, tmp_path: Path) -> None:
    whole = saved.read_bytes()
    cut = tmp_path / "cut.safetensors"
    header = 8 + int.from_bytes(whole[:8], "little")
    lengths = {0, 1, 7, 8, 9, 100, header - 1, header, header + 1, len(whole) - 4, len(whole) - 1}
    for length in sorted(lengths | set(range(0, len(whole), 97))):
        cut.write_bytes(whole[:length])
        refused(cut)
    cut.write_bytes(whole + b"\0")
    refused(cut, "damaged or cut")


def pickle_file() -> bytes:
    """A pickle that would make a file if it were ever unpickled; written by hand, for nothing here imports pickle."""
    return b"cos\nsystem\n(S'touch executed'\ntR."


NOT_MODELS: dict[str, bytes] = {
    "empty": b"",
    "text": b"epoch,loss\n1,0.5\n",
    "pickle": pickle_file(),
    "zip": b"PK\x03\x04" + b"\0" * 60,
    "zeros": b"\0" * 4096,
    "a header of 2^60 bytes": forge.with_header(b"{}", length=2**60),
    "a header of 2^64 - 1 bytes": forge.with_header(b"{}", length=2**64 - 1),
    "a header as long as the file": forge.with_header(b"{}", length=10),
    "a header that is no JSON": forge.with_header(b"{not JSON}"),
    "a header that is no text": forge.with_header(b"\xff\xfe\xfd\xfc"),
    "a header that is a list": forge.with_header(b"[]"),
    "a header that is a number": forge.with_header(b"1"),
    "a header of a thousand brackets": forge.with_header(b"[" * 100_000),
    "metadata that is a list": forge.with_header(b'{"__metadata__": []}'),
    "a description that is a number": forge.with_header(b'{"__metadata__": {"pellucid": 1}}'),
    "no tensors and no description": forge.with_header(b"{}"),
}


@pytest.mark.parametrize("what", NOT_MODELS)
def test_what_is_no_model_file_is_refused(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.safetensors"
    path.write_bytes(NOT_MODELS[what])
    refused(path)
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]  # nothing was executed


def test_a_missing_file_a_folder_and_a_broken_link(tmp_path: Path) -> None:
    refused(tmp_path / "none.safetensors", "No such file")
    refused(tmp_path, "Is a directory")
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    refused(tmp_path / "link", "No such file")
    refused("", "No such file")


@pytest.mark.parametrize("dtype", ["float32", "int64", "bfloat16"])
def test_another_programs_file_is_refused_in_words(dtype: str, tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    if dtype == "bfloat16":
        header = {"w": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}
        path.write_bytes(forge.with_header(json.dumps(header).encode(), b"\0" * 4))
    else:
        save_file({"w": np.zeros(2, dtype)}, path)
    refused(path, "no Pellucid description")


def test_a_newer_format_says_what_to_do(saved: Path, tmp_path: Path) -> None:
    refused(forge.changed(saved, tmp_path / "new.safetensors", format=store.FORMAT + 1), "newer", "pip install")
    for odd in (0, -1, "1", None, True, 1.0, [1]):
        refused(forge.changed(saved, tmp_path / "odd.safetensors", format=odd), "format")


DESCRIPTIONS: list[tuple[str, Any, str]] = [
    ("layers__0__kind", "Dnese", "Dnese"),
    ("layers__0__kind", "system", "no kind"),
    ("layers__0__kind", None, "no kind"),
    ("layers__0__kind", ["Dense"], "no kind"),
    ("layers__0", {}, "no kind"),
    ("layers__0", {"kind": "Dense", "units": 5, "colour": "red"}, "'colour'"),
    ("layers__0", {"kind": "Dense"}, "units"),
    ("layers__0", {"kind": "SoftmaxCrossEntropy"}, "not all layers"),
    ("layers__0", 3, "not all layers"),
    ("layers__0__units", 0, "units"),
    ("layers__0__units", -5, "units"),
    ("layers__0__units", "5", "units"),
    ("layers__0__units", 5.0, "units"),
    ("layers__0__units", None, "units"),
    ("layers__0__units", [5], "units"),
    ("layers__0__units", 10**12, "1000000000000"),
    ("layers__0__units", 10**4000, "0.dense"),
    ("layers__0__init", "hee", "hee"),
    ("layers__0__init", 3, "init"),
    ("layers__0__penalty", 3, "penalty"),
    ("layers__0__penalty", {"kind": "He"}, "penalty"),
    ("layers__0__penalty", {"kind": "L1", "strength": "much"}, "strength"),
    ("layers", [], ""),
    ("layers", {"kind": "Dense", "units": 5}, "layers"),
    ("layers", None, "layers"),
    ("layers", "Dense", "layers"),
    ("layers", [{"kind": "Dense", "units": 4}, {"kind": "Dense", "units": 2}], "0.dense.W"),
    ("layers", [{"kind": "Reshape", "shape": [10**9, 10**9]}], "Reshape"),
    ("layers", [{"kind": "Residual", "layers": [{"kind": "Dense", "units": 9}]}], "Residual"),
    ("layers", [{"kind": "Sequential", "layers": 7}], "layers"),
    ("layers", [{"kind": "Sequential", "layers": [{"kind": "He"}]}], "layers"),
    ("layers", [{"kind": "Dropout", "drop": 1.5}], "drop"),
    ("layers", [{"kind": "Dropout", "drop": "a"}], "drop"),
    ("loss", None, "loss"),
    ("loss", "mse", "loss"),
    ("loss", {"kind": "Dense", "units": 2}, "loss"),
    ("loss", {"kind": "SoftmaxCrossEntropy", "class_weights": "heavy"}, "class_weights"),
    ("penalty", {"kind": "Adam"}, "penalty"),
    ("penalty", 0.5, "penalty"),
    ("prepare", {"kind": "constant", "lr": 0.1}, "prepare"),
    ("prepare", {"kind": "Standardize", "mean": [1, 2, 3]}, "std"),
    ("prepare", {"kind": "Standardize", "mean": "abc", "std": [1]}, "mean"),
    ("input_shape", [4], "0.dense.W"),
    ("input_shape", [10**12], "0.dense.W"),
    ("input_shape", [10**4000, 10**4000], "0.dense.W"),
    ("input_shape", [-3], "input_shape"),
    ("input_shape", ["3"], "input_shape"),
    ("input_shape", 3, "input_shape"),
    ("input_shape", None, "input_shape"),
    ("dtype", "float64", "float64"),
    ("dtype", "float16", "float16"),
    ("dtype", "object", "dtype"),
    ("dtype", None, "dtype"),
    ("dtype", ["float32"], "dtype"),
    ("seed", -1, ""),
    ("seed", "zero", ""),
    ("seed", None, ""),
    ("seed", [1, 2], ""),
    ("classes", "cat", "class names"),
    ("classes", [1, 2], "class names"),
    ("classes", None, "class names"),
    ("history", 3, "history"),
    ("history", [3], "history"),
    ("history", None, "history"),
]


@pytest.mark.parametrize(
    ("where", "value", "said"), DESCRIPTIONS, ids=[f"{w}={repr(v)[:40]}" for w, v, _ in DESCRIPTIONS]
)
def test_a_description_that_cannot_be_is_refused(
    where: str, value: Any, said: str, saved: Path, tmp_path: Path
) -> None:
    refused(forge.changed(saved, tmp_path / "bad.safetensors", **{where: value}), said)


@pytest.mark.parametrize("lacking", ["format", "layers", "loss", "input_shape", "seed", "dtype", "penalty", "classes"])
def test_a_description_that_lacks_something_is_refused(lacking: str, saved: Path, tmp_path: Path) -> None:
    header, doc, numbers = forge.taken_apart(saved)
    del doc[lacking]
    path = tmp_path / "lacking.safetensors"
    path.write_bytes(forge.put_together(header, doc, numbers))
    refused(path, lacking)


@pytest.mark.parametrize("text", ["", "{", "null", "[]", "3", '"layers"', "[" * 100_000, '{"a":' * 50_000, "\ud800"])
def test_a_description_that_is_no_document_is_refused(text: str, saved: Path, tmp_path: Path) -> None:
    header, _, numbers = forge.taken_apart(saved)
    path = tmp_path / "odd.safetensors"
    path.write_bytes(forge.put_together(header, text, numbers))
    refused(path, "damaged")


@pytest.mark.parametrize("depth", [50, 400, 900, 5000])
def test_layers_in_layers_in_layers(depth: int, saved: Path, tmp_path: Path) -> None:
    said = '{"kind":"Sequential","layers":[' * depth + '{"kind":"Tanh"}' + "]}" * depth
    header, doc, numbers = forge.taken_apart(saved)
    text = json.dumps(doc | {"layers": "@"}).replace('"@"', f"[{said}]")
    path = tmp_path / "deep.safetensors"
    path.write_bytes(forge.put_together(header, text, numbers))
    refused(path)


def entry(dtype: str, shape: Any, begin: Any, end: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def test_tensors_that_are_not_those_of_the_description(saved: Path, tmp_path: Path) -> None:
    header, doc, numbers = forge.taken_apart(saved)
    end = len(numbers)
    W = header["0.dense.W"]
    begin, stop = W["data_offsets"]
    assert W["shape"] == [3, 5]
    last = max(header, key=lambda name: header[name]["data_offsets"])
    without = {name: said for name, said in header.items() if name != last}
    cases: list[tuple[str, dict[str, Any], bytes]] = [
        ("it holds more,", header | {"more": entry("F32", [1], end, end + 4)}, numbers + b"\0" * 4),
        ("it holds optimizer.m", header | {"optimizer.m": entry("F32", [1], end, end + 4)}, numbers + b"\0" * 4),
        (f"names a tensor {last}", without, numbers[: header[last]["data_offsets"][0]]),
        ("shape (5, 3)", header | {"0.dense.W": entry("F32", [5, 3], begin, stop)}, numbers),
        ("shape (15,)", header | {"0.dense.W": entry("F32", [15], begin, stop)}, numbers),
        ("is float16", header | {"0.dense.W": entry("F16", [3, 10], begin, stop)}, numbers),
        ("0.dense.W does not fill", header | {"0.dense.W": entry("F32", [3, 6], begin, stop)}, numbers),
        ("0.dense.W does not fill", header | {"0.dense.W": entry("F32", [10**9, 10**9], begin, stop)}, numbers),
        ("0.dense.W does not fill", header | {"0.dense.W": entry("F32", [-3, -5], begin, stop)}, numbers),
        ("0.dense.W does not fill", header | {"0.dense.W": entry("F32", [3.0, 5.0], begin, stop)}, numbers),
        ("0.dense.W does not fill", header | {"0.dense.W": entry("F32", [math.inf], begin, stop)}, numbers),
        ("0.dense.W does not fill", header | {"0.dense.W": entry("F32", [1] * 100_000, begin, stop)}, numbers),
        ("0.dense.W does not fill", header | {"0.dense.W": entry("F32", [3, 5], begin, 10**18)}, numbers),
        ("0.dense.W does not fill", header | {"0.dense.W": entry("F32", "ab", begin, stop)}, numbers),
        ("damaged", header | {"0.dense.W": entry("F32", 15, begin, stop)}, numbers),
        ("damaged", header | {"0.dense.W": entry("I8", [60], begin, stop)}, numbers),
        ("damaged", header | {"0.dense.W": 7}, numbers),
        ("damaged", header | {"0.dense.W": header["0.dense.b"]}, numbers),  # two on the same bytes
    ]
    path = tmp_path / "bad.safetensors"
    for said, head, data in cases:
        path.write_bytes(forge.put_together(head, doc, data))
        refused(path, said)


def test_a_tensor_that_is_named_twice(saved: Path, tmp_path: Path) -> None:
    header, doc, numbers = forge.taken_apart(saved)
    end = len(numbers)
    text = forge.put_together(header | {"@": entry("F32", [1], end, end + 4)}, doc, b"")[8:]
    path = tmp_path / "twice.safetensors"
    path.write_bytes(forge.with_header(text.replace(b'"@"', b'"0.dense.b"'), numbers + b"\0" * 4))
    refused(path)


def test_a_hostile_file_is_refused_before_memory_is_asked_for(saved: Path, tmp_path: Path) -> None:
    """With 200 MB of room left, each of these is a FileError; asking for what it claims would be a MemoryError."""
    pytest.importorskip("resource", reason="a process is limited by the resource module, which only POSIX systems have")
    if not Path("/proc/self/statm").exists():
        pytest.skip("how much memory a process has is read from /proc, which this system lacks")
    header, doc, numbers = forge.taken_apart(saved)
    claims = [
        forge.with_header(b"{}", length=2**40),
        forge.put_together(header | {"0.dense.W": entry("F32", [2**40], 0, 2**42)}, doc, numbers),
        forge.put_together(header, doc | {"input_shape": [2**40]}, numbers),
        forge.put_together(header, doc | {"layers": [{"kind": "Dense", "units": 10**12}]}, numbers),
        forge.put_together(header, doc | {"layers": [{"kind": "Dense", "units": 2**28}]}, numbers),
        forge.put_together(
            header, doc | {"layers": [{"kind": "Sequential", "layers": [{"kind": "Dense", "units": 2**30}]}]}, numbers
        ),
    ]
    for i, content in enumerate(claims):
        (tmp_path / f"{i}.bad").write_bytes(content)
    code = """
import resource, sys
import pellucid as pl
pl.load(sys.argv[1])
pages = int(open("/proc/self/statm").read().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 200_000_000,) * 2)
for path in sys.argv[2:]:
    try:
        pl.load(path)
    except pl.FileError as error:
        print("FileError", "MemoryError" in str(error))
"""
    files = [str(tmp_path / f"{i}.bad") for i in range(len(claims))]
    environ = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    words = [sys.executable, "-c", code, str(saved), *files]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=environ)
    assert done.stdout.splitlines() == ["FileError False"] * len(claims)
