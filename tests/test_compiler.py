"""The compiler says that it works, to whoever listens and once, and does without a folder for its code."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pellucid as pl
from pellucid import kernels
from pellucid.inspection.machine import Blas, advise, describe_machine
from pellucid.kernels import compiler
from tests import forge
from tests.cli.tools import run

needs_numba = pytest.mark.skipif(not kernels.available(), reason="numba is missing: nothing is compiled")
PACKAGE = Path(pl.__file__).parent


@pytest.fixture
def _unsaid() -> Iterator[None]:
    compiler._said = False
    yield
    compiler._said = True


@pytest.fixture
def apart(tmp_path: Path) -> Path:
    """A folder with a copy of the package that has no compiled code."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, tmp_path / "pellucid", ignore=ignore)
    return tmp_path


def started(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Python in a process of its own, with the package in this folder and a home and a cache there."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("NUMBA_", "PELLUCID_"))}
    homes = {"PYTHONPATH": str(folder), "HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}
    command = [sys.executable, *words]
    return subprocess.run(
        command, cwd=folder, env=environ | homes | more, capture_output=True, text=True, check=True, timeout=300
    )


TRAIN = ("-m", "pellucid", "train", "xor", "--epochs", "1", "--json")


@needs_numba
def test_the_first_run_says_that_it_compiles_and_the_second_has_no_need_to(apart: Path) -> None:
    first, second = started(apart, *TRAIN), started(apart, *TRAIN)
    assert first.stderr.split() == ["Note:", *compiler.ONCE.split()]
    assert second.stderr == ""
    for run_ in (first, second):
        assert [json.loads(line)["event"] for line in run_.stdout.splitlines()][-1] == "done"


@needs_numba
@pytest.mark.skipif(sys.platform == "win32", reason="numba finds the user's folder in another way there")
def test_without_a_folder_for_compiled_code_all_works_and_the_way_out_is_said(apart: Path) -> None:
    (apart / "pellucid" / "kernels" / "__pycache__").write_text("a file where a folder would have to be")
    (apart / "file").write_text("and here")
    nowhere = {"HOME": str(apart / "file"), "XDG_CACHE_HOME": str(apart / "file" / "cache")}
    told = started(apart, *TRAIN, **nowhere)
    assert told.stderr.split() == ["Note:", *compiler.ALWAYS.split()]
    assert json.loads(told.stdout.splitlines()[-1])["event"] == "done"
    shown = json.loads(started(apart, "-m", "pellucid", "system", "--json", **nowhere).stdout)
    assert shown["kernels"] == "jit"
    assert any("NUMBA_CACHE_DIR" in advice for advice in shown["advice"])
    ask = "from pellucid.kernels import compiler, use; use('jit'); print(compiler.kept)"
    assert started(apart, "-c", ask, **nowhere).stdout.strip() == "False"
    assert started(apart, "-c", ask, **nowhere, NUMBA_CACHE_DIR=str(apart / "code")).stdout.strip() == "True"
    assert started(apart, "-c", ask, **nowhere, NUMBA_CACHE_DIR=str(apart / "file" / "code")).stdout.strip() == "False"


def fake_njit(**options: Any) -> Any:
    """numba.njit where no folder can be written."""

    def decorate(function: Any) -> Any:
        if options.pop("cache", False):
            raise RuntimeError(f"cannot cache function {function.__name__!r}: no locator available for file 'jit.py'")
        return function, options

    return decorate


def test_only_the_want_of_a_folder_is_got_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "kept", True)
    assert compiler.compiled(fake_njit, nogil=True)(len) == (len, {"nogil": True})
    assert not compiler.kept

    def other(**options: Any) -> Any:
        raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        compiler.compiled(other)(len)


@pytest.mark.usefixtures("_unsaid")
@pytest.mark.parametrize(("kept", "words"), [(True, compiler.ONCE), (False, compiler.ALWAYS)])
def test_it_is_said_once_to_the_nearest_listener(monkeypatch: pytest.MonkeyPatch, kept: bool, words: str) -> None:
    monkeypatch.setattr(compiler, "kept", kept)
    outer, inner = list[str](), list[str]()
    compiler.begins()  # nobody listens, so it is still to be said
    with compiler.telling(outer.append):
        with compiler.telling(inner.append):
            compiler.begins()
        compiler.begins()
    assert (outer, inner) == ([], [words])


class Begins(pl.SGD):
    """An optimizer whose first step needs the compiler."""

    def step(self, theta: Any, grad: Any, **more: Any) -> None:
        compiler.begins()
        super().step(theta, grad, **more)


@pytest.mark.usefixtures("_unsaid")
def test_fit_prints_it_as_a_note_unless_it_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    x = np.zeros((2, 1), np.float32)
    for verbose, said in ((False, ""), (True, f"note: {compiler.ONCE}\n"), (True, "")):
        model = pl.Model(pl.Dense(1), input_shape=(1,))
        model.fit(x, x, epochs=1, optimizer=Begins(0.1), verbose=verbose)
        out = capsys.readouterr().out
        assert out.startswith(said)
        assert ("Compiling" in out) == bool(said)


@pytest.mark.usefixtures("_unsaid")
def test_the_command_line_says_it_on_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pellucid.inspection.machine.describe_machine", lambda: compiler.begins() or describe_machine())
    told = run("system", "--json").done()
    assert told.err == f"Note: {compiler.ONCE}\n"
    assert told.kinds == ["system"]
    assert run("system").done().err == ""


def test_a_numba_that_cannot_be_loaded_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PELLUCID_KERNELS", raising=False)
    monkeypatch.setattr(kernels, "available", lambda: True)
    monkeypatch.delattr(kernels, "jit", raising=False)
    monkeypatch.setitem(sys.modules, "pellucid.kernels.jit", None)  # its import fails
    assert kernels.use("").NAME == "reference"
    assert "numba is installed but cannot be loaded: import of pellucid.kernels.jit" in describe_machine().why_kernels
    assert "pip install --upgrade numba" in "".join(advise(Blas(""), 1, "reference"))
    with pytest.raises(pl.UsageError, match="cannot be used, because numba cannot be loaded: import of"):
        kernels.use("jit")
    assert kernels.use("reference").NAME == "reference"
    assert kernels.trouble == ""


# ---- what was used is said ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["reference", pytest.param("jit", marks=needs_numba)])
def test_the_environment_chooses_and_everything_says_so(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PELLUCID_KERNELS", name)
    monkeypatch.setattr(kernels, "_active", None)
    monkeypatch.chdir(tmp_path)
    run("train", "xor", "--epochs", 1, "--checkpoint", "kept").done()
    for file in ("xor.safetensors", "kept/checkpoint.safetensors"):
        assert forge.taken_apart(Path(file))[1]["versions"]["kernels"] == name
    shown = run("system", "--json").done().last
    assert (shown["kernels"], shown["why_kernels"]) == (name, "the environment variable PELLUCID_KERNELS asks for them")
    assert f"Kernels      {name}: the environment variable" in run("system").done().out


@pytest.mark.parametrize("verb", ["train", "evaluate", "predict"])
def test_kernels_that_do_not_exist_are_wrong_usage(verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run("train", "xor", "--epochs", 1).done()
    np.save("x.npy", np.zeros((1, 2)))
    monkeypatch.setenv("PELLUCID_KERNELS", "cuda")
    monkeypatch.setattr(kernels, "_active", None)
    words = {"train": ("xor",), "evaluate": ("xor.safetensors", "xor"), "predict": ("xor.safetensors", "x.npy")}[verb]
    run(verb, *words).error(2, "PELLUCID_KERNELS is 'cuda'; it can be reference, jit, or empty for the fastest.")
