"""The examples run, print what they learned, and did learn it; here with little data, so that it takes seconds."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

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
