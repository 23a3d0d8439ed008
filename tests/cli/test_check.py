"""`pellucid check`: somebody's file, run apart, and what is said about it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.cli.tools import run

LAYERS = """
import numpy as np
print("this is not for the reader")

class Right:
    def __init__(self, n_inputs, n_neurons):
        self.weights = np.ones((n_inputs, n_neurons))
        self.biases = np.zeros((1, n_neurons))
    def forward(self, inputs):
        self.inputs, self.output = inputs, inputs @ self.weights + self.biases
    def backward(self, dvalues):
        self.dweights = self.inputs.T @ dvalues
        self.dbiases = dvalues.sum(axis=0, keepdims=True)
        self.dinputs = dvalues @ self.weights.T

class Wrong(Right):
    def backward(self, dvalues):
        super().backward(dvalues)
        self.dbiases = self.dbiases.sum()

def relu_forward(x):
    return np.maximum(x, 0)

def relu_backward(dy, x):
    return dy * (x > 0)

def mse(y_pred, y_true):
    return np.mean((y_pred - y_true) ** 2)

def mse_grad(y_pred, y_true):
    return (y_pred - y_true) / y_pred.size
"""


@pytest.fixture
def layers(tmp_path: Path) -> Path:
    path = tmp_path / "layers.py"
    path.write_text(LAYERS)
    return path


def test_a_right_class_ends_with_0(layers: Path) -> None:
    told = run("check", f"{layers}:Right").done()
    assert told.lines[0].startswith("Right: backward beside nudges of forward")
    assert "not for the reader" not in told.out + told.err
    assert told.lines[-1] == "The backward pass is right."


def test_a_wrong_class_ends_with_1_and_names_the_mistake(layers: Path) -> None:
    told = run("check", f"{layers}:Wrong", "--args", "4,3")
    assert told.code == 1
    assert "bias gradient a scalar: dbiases" in told.out
    assert "repair    self.dbiases = dvalues.sum(axis=0, keepdims=True)" in told.out
    assert told.err == ""


def test_functions_by_their_names_and_arrays_from_files(layers: Path, tmp_path: Path) -> None:
    assert run("check", f"{layers}:relu").done()
    assert run("check", f"{layers}:relu_forward,relu_backward").done()
    np.save(tmp_path / "x.npy", np.ones((4, 3)))
    np.save(tmp_path / "t.npy", np.zeros((4, 3)))
    told = run("check", f"{layers}:mse,mse_grad", "--x", tmp_path / "x.npy", "--t", tmp_path / "t.npy")
    assert told.code == 1
    assert "factor 2 of the square" in told.out


def test_a_file_without_a_name_is_checked_whole(layers: Path) -> None:
    told = run("check", layers, "--json")
    assert told.code == 1
    assert {event["checked"]: event["ok"] for event in told.events} == {"Right": True, "Wrong": False, "relu": True}
    assert run("check", layers).lines[-1] == "3 checked, 1 wrong."


def test_what_is_not_there_is_said(layers: Path, tmp_path: Path) -> None:
    run("check", f"{layers}:Rigth").error(2, "There is no 'Rigth' in the file", "Right")
    run("check", tmp_path / "none.py").error(3, "There is no file")
    run("check", f"{layers}:Right", "--args", "four").error(2, "--args takes numbers")
    run("check", f"{layers}:Right", "--x", tmp_path / "none.npy").error(3, "none.npy")


def test_a_file_that_does_not_run_says_where(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("x = 1\ny = x / 0\n")
    run("check", f"{path}:y").error(3, "line 2", "ZeroDivisionError")
    path.write_text("import os\nos._exit(7)\n")
    run("check", f"{path}:y").error(3, "ended its process (exit code 7)")


def test_a_file_that_never_ends_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "forever.py"
    path.write_text("while True: pass\n")
    start = time.monotonic()
    run("check", f"{path}:x", "--timeout", "1").error(3, "was not done after 1 seconds", "__main__")
    assert time.monotonic() - start < 10


def test_it_does_not_outlive_a_command_that_was_killed(tmp_path: Path) -> None:
    note, path = tmp_path / "alive", tmp_path / "forever.py"
    path.write_text(
        f"import pathlib, time\nwhile True:\n    pathlib.Path({str(note)!r}).write_text(str(time.time()))\n"
        "    time.sleep(0.01)\n"
    )
    command = [sys.executable, "-m", "pellucid", "check", f"{path}:x", "--timeout", "300"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not note.exists():
            time.sleep(0.05)
        process.kill()
    end = time.monotonic() + 60
    while (last := note.read_text()) != (time.sleep(1.0), note.read_text())[1]:  # somebody writes it still
        assert time.monotonic() < end, f"it is alive, last seen at {last}"
