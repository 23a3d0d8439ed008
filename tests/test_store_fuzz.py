"""Damage of every kind, at random: a file is loaded or refused with a FileError, and nothing else ever happens."""

from __future__ import annotations

import contextlib
import copy
import json
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import pellucid as pl
from tests import forge
from tests.cases import LAYERS, LayerCase

FEW = settings(max_examples=150)

X = np.random.default_rng(0).normal(size=(12, 3))
T = np.arange(12) % 2


def make() -> pl.Model:
    return pl.Model(
        pl.Dense(4, penalty=pl.L1(1e-3)),
        pl.Residual(pl.Tanh(), pl.Dropout(0.2)),
        pl.Concat(pl.Dense(1), pl.Sequential(pl.LeakyReLU(), pl.Dense(1, bias=False))),
        loss=pl.SoftmaxCrossEntropy(class_weights=(1.0, 2.0)),
        input_shape=(3,),
        prepare=pl.Standardize.fit(X, ("a", "b", "c")),
        classes=("no", "yes"),
    )


def start() -> pl.Training:
    return pl.train(make(), (X, T), optimizer=pl.Adam(pl.cosine(0.1, 20)), epochs=4, batch_size=5)


@cache
def whole() -> bytes:
    """A checkpoint, which is a model file too, written inside an epoch."""
    training = start()
    for event in pl.keep_best(training, training, "loss"):
        if isinstance(event, pl.StepDone) and event.step == 5:
            break
    with tempfile.TemporaryDirectory() as folder:
        pl.save_checkpoint(training, f"{folder}/whole")
        return Path(folder, "whole").read_bytes()


@cache
def parts() -> tuple[dict[str, Any], dict[str, Any], bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "whole")
        path.write_bytes(whole())
        return forge.taken_apart(path)


def survives(content: bytes) -> tuple[bool, bool]:
    """Whether the file loads as a model, and as a checkpoint; any error but the promised ones ends the test."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "damaged")
        path.write_bytes(content)
        model = attempt(lambda: pl.load(path), path)
        if model is not None:
            assert 4 * model.theta.size < len(content)
        training = start()
        before = training.model.theta.copy(), training.optimizer.m.copy()  # type: ignore[attr-defined]
        resumed = attempt(lambda: pl.resume(training, path), path)
        if resumed is None:  # refused is untouched: training from scratch is still possible
            assert training.model.theta.tobytes() == before[0].tobytes()
            assert training.optimizer.m.tobytes() == before[1].tobytes()  # type: ignore[attr-defined]
            assert (training.epoch, training.batch, training.step, training.optimizer.t) == (0, 0, 0, 0)
            assert training.history == []
        return model is not None, resumed is not None


def attempt(work: Callable[[], Any], path: Path) -> Any:
    """What comes out, or None if it is refused in words that name the file."""
    try:
        return work()
    except (pl.FileError, pl.DataError) as error:
        said = error
    assert isinstance(said, pl.FileError) or "What differs: " in str(said)
    assert str(path) in str(said)
    return None


def test_undamaged_it_survives() -> None:
    assert survives(whole()) == (True, True)


@FEW
@given(st.floats(0, 1, exclude_max=True))
@example(0.0)
def test_cut(share: float) -> None:
    assert survives(whole()[: int(share * len(whole()))]) == (False, False)


@FEW
@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=4))
def test_flipped_bytes(flips: list[tuple[float, int]]) -> None:
    damaged = bytearray(whole())
    for share, mask in flips:
        damaged[int(share * len(damaged))] ^= mask
    survives(bytes(damaged))


@FEW
@given(st.floats(0, 0.6), st.integers(0, 400), st.binary(max_size=400))
def test_bytes_put_in_and_taken_out_of_the_header(share: float, out: int, new: bytes) -> None:
    at = 8 + int(share * len(whole()))
    survives(whole()[:at] + new + whole()[at + out :])


@FEW
@given(st.binary(max_size=200))
def test_anything(content: bytes) -> None:
    assert survives(content) == (False, False)
    assert survives(forge.with_header(content)) == (False, False)


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside a document."""
    yield way
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield from places(inner, (*way, key))


def put(document: Any, way: tuple[Any, ...], value: Any, remove: bool = False) -> Any:
    if not way:
        return value
    document = copy.deepcopy(document)
    place = document
    for step in way[:-1]:
        place = place[step]
    if remove:
        del place[way[-1]]
    else:
        place[way[-1]] = value
    return document


KINDS = [
    "Dense",
    "L1",
    "He",
    "Adam",
    "cosine",
    "MeanSquaredError",
    "Pixels",
    "Sequential",
    "Reshape",
    "model",
    "float64",
]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, -1, 1, 2**31, 10**12, 10**30, 10**4000])
    | st.floats()
    | st.sampled_from(KINDS)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["kind", "units", "layers", "lr"]), inner, max_size=3)
        | st.fixed_dictionaries({"kind": st.sampled_from(KINDS), "units": inner})
    ),
    max_leaves=4,
)


@settings(max_examples=400)
@given(st.data())
def test_a_description_with_any_value_anywhere(data: st.DataObject) -> None:
    header, doc, numbers = parts()
    ways = list(places(doc))
    for _ in range(data.draw(st.integers(1, 2))):
        way = data.draw(st.sampled_from(ways))
        remove = bool(way) and data.draw(st.booleans()) and data.draw(st.booleans())
        with contextlib.suppress(KeyError, IndexError, TypeError):  # the first change took away the second's place
            doc = put(doc, way, data.draw(VALUES), remove)
    survives(forge.put_together(header, json.dumps(doc), numbers))


@FEW
@given(st.data())
def test_a_header_with_any_value_anywhere(data: st.DataObject) -> None:
    header, doc, numbers = parts()
    way = data.draw(st.sampled_from([way for way in places(header) if way]))
    header = put(header, way, data.draw(VALUES), remove=data.draw(st.booleans()) and data.draw(st.booleans()))
    survives(forge.put_together(header, doc, numbers))


@pytest.mark.parametrize("way", [way for way in places(parts()[1]) if way], ids=lambda way: ".".join(map(str, way)))
def test_a_description_without_one_thing(way: tuple[Any, ...]) -> None:
    header, doc, numbers = parts()
    survives(forge.put_together(header, put(doc, way, None, remove=True), numbers))


@pytest.mark.parametrize("case", LAYERS, ids=lambda case: case.name)
def test_absurd_sizes_in_any_layer_ask_for_no_memory(case: LayerCase, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    case.model().save(path)
    header, doc, numbers = forge.taken_apart(path)
    for way in places(doc["layers"]):
        if way and type(put_out(doc["layers"], way)) is int:
            for absurd in (10**12, 2**33, 10**4000, 0, -1):
                said = doc | {"layers": put(doc["layers"], way, absurd)}
                path.write_bytes(forge.put_together(header, said, numbers))
                tracemalloc.start()
                model = attempt(lambda: pl.load(path), path)
                peak = tracemalloc.get_traced_memory()[1]
                tracemalloc.stop()
                assert peak < 5_000_000, (way, absurd)
                assert model is None or model.theta.nbytes + model.buffers.nbytes == len(numbers)


def put_out(document: Any, way: tuple[Any, ...]) -> Any:
    """The value at a place."""
    for step in way:
        document = document[step]
    return document
