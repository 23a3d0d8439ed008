"""Descriptions: everything public that a file may hold can be written down and made again, and nothing else can."""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass, field, fields
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import pellucid as pl
from pellucid import layers, losses, optim, penalties, schedules
from pellucid.base import init
from pellucid.describe import KINDS, fits
from pellucid.penalties import Both
from tests.cases import LAYERS, LOSSES, OPTIMIZERS

THINGS: list[Any] = [
    *[case.make() for case in LAYERS],
    *[case.make() for case in LOSSES if "class" not in case.name],
    *[case.make(0.05) for case in OPTIMIZERS],
    pl.L1(0.1),
    pl.L2(0.2),
    pl.L1(0.1) + pl.L2(0.2),
    Both(pl.L2(1), pl.L1(1) + pl.L2(1)),
    *init.NAMED.values(),
    pl.Orthogonal(2.0),
    pl.constant(0.1),
    pl.inverse_decay(1.0, 0.1),
    pl.step_decay(1.0, 10),
    pl.exponential(1.0, 0.5),
    pl.cosine(1.0, 100, final=0.1),
    pl.warmup(5, 0.1),
    pl.warmup(5, pl.warmup(2, pl.one_cycle(1.0, 50, rise=0.2))),
    pl.Adam(pl.warmup(5, pl.cosine(1e-3, 100)), eps=1e-7),
    pl.Pixels((784,), picture=(28, 28), digit=True),
    pl.Standardize((0.5,), (2.0,), ("length",)),
]


@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: type(thing).__name__)
def test_described_and_made_again_it_is_equal(thing: Any) -> None:
    said = pl.describe(thing)
    twin = pl.rebuild(json.loads(json.dumps(said)))
    assert type(twin) is type(thing)
    assert twin == thing
    assert pl.describe(twin) == said


def concrete(module: ModuleType, parent: type) -> set[str]:
    """The names of a module's public classes below a parent."""
    found = vars(module).items()
    return {n for n, c in found if inspect.isclass(c) and issubclass(c, parent) and not inspect.isabstract(c)}


@pytest.mark.parametrize(
    ("module", "parent"),
    [
        (layers, pl.Layer),
        (losses, pl.Loss),
        (penalties, pl.Penalty),
        (init, pl.Init),
        (optim, pl.Optimizer),
    ],
    ids=lambda value: value.__name__,
)
def test_nothing_public_is_forgotten(module: ModuleType, parent: type) -> None:
    names = concrete(module, parent)
    assert len(names) >= 3
    assert names <= KINDS.keys()


def test_no_schedule_is_forgotten() -> None:
    names = {name for name, c in vars(schedules).items() if getattr(c, "__module__", "") == schedules.__name__}
    names = {name for name in names if inspect.isclass(getattr(schedules, name))}
    assert {"constant", "cosine", "one_cycle"} <= names <= KINDS.keys()


def test_what_is_at_its_default_is_left_out() -> None:
    assert pl.describe(pl.Dense(3)) == {"kind": "Dense", "units": 3}
    assert pl.describe(pl.Dense(3, init="he", bias=True)) == {"kind": "Dense", "units": 3}
    assert pl.describe(pl.Dense(3, bias=False)) == {"kind": "Dense", "units": 3, "bias": False}
    assert pl.describe(pl.SGD(0.5)) == {"kind": "SGD", "lr": 0.5}
    assert pl.describe(pl.SoftmaxCrossEntropy()) == {"kind": "SoftmaxCrossEntropy"}


def test_numpys_numbers_become_plain_ones() -> None:
    said = pl.describe([np.float32(0.5), np.int64(3), np.bool_(True), np.arange(4).reshape(2, 2), np.array(1.5)])
    assert said == [0.5, 3, True, [[0, 1], [2, 3]], 1.5]
    assert json.dumps(said) == "[0.5, 3, true, [[0, 1], [2, 3]], 1.5]"
    weights = pl.describe(pl.SoftmaxCrossEntropy(np.array([0.25, 1.0])))  # type: ignore[arg-type]
    assert weights == {"kind": "SoftmaxCrossEntropy", "class_weights": [0.25, 1.0]}


@pytest.mark.parametrize(
    "thing",
    [lambda x: x, object(), {"a": 1}, {1, 2}, b"bytes", 1j, np.array([1j]), np.array([object()]), pl.Dense, print],
    ids=str,
)
def test_what_is_no_plain_data_is_refused(thing: Any) -> None:
    for whole in (thing, [thing], pl.Adam(lr=thing)):
        with pytest.raises(pl.DataError, match="cannot be written down"):
            pl.describe(whole)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"kind": "Dens", "units": 3}, ["'Dens'", "Dense", "extra=["]),
        ({"kind": "os.system", "command": "ls"}, ["'os.system'"]),
        ({"kind": "__import__"}, ["'__import__'"]),
        ({"kind": 3}, ["3"]),
        ({"units": 3}, ["None"]),
        ({"kind": "Dense", "unit": 3}, ["'unit'", "units", "bias_penalty"]),
        ({"kind": "ReLU", "W": 3}, ["'W'", "it has none"]),
        ({"kind": "Dense", "units": 3, "W": [[1]]}, ["'W'"]),
        ({"kind": "Dense"}, ["units"]),
        ({"kind": "Dense", "units": "3"}, ["units", "'3'", "int"]),
        ({"kind": "Dense", "units": True}, ["units", "True"]),
        ({"kind": "Dense", "units": 3, "bias": "no"}, ["bias", "bool"]),
        ({"kind": "Dense", "units": 3, "init": {"kind": "L1", "strength": 1}}, ["init"]),
        ({"kind": "LeakyReLU", "slope": None}, ["slope", "float"]),
        ({"kind": "LeakyReLU", "slope": [0.1]}, ["slope"]),
        ({"kind": "Reshape", "shape": 6}, ["shape"]),
        ({"kind": "Reshape", "shape": [2, "3"]}, ["shape"]),
        ({"kind": "Sequential", "layers": [3]}, ["layers"]),
        ({"kind": "Concat", "branches": [{"kind": "L1", "strength": 1}]}, ["branches"]),
        ({"kind": "Both", "first": {"kind": "ReLU"}, "second": {"kind": "L1", "strength": 1}}, ["first"]),
        ({"kind": "SoftmaxCrossEntropy", "class_weights": "12"}, ["class_weights"]),
        ({"kind": "Adam", "lr": "fast"}, ["lr"]),
        ({"kind": "Sequential", "layers": [{"kind": "Dense", "units": 1}, {"kind": "Oops"}]}, ["layers[1]", "Oops"]),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_description_that_cannot_be_is_refused_with_its_place(said: Any, words: list[str]) -> None:
    with pytest.raises(pl.DataError) as caught:
        pl.rebuild(said, where="net.toml")
    for word in ("net.toml", *words):
        assert word in str(caught.value)


def test_fits() -> None:
    assert fits(1, float)
    assert fits(1.5, float)
    assert not fits(1.5, int)
    assert not fits(True, float)
    assert fits(0, bool)
    assert not fits(2, bool)
    assert fits((), tuple[int, ...])
    assert not fits((1.5,), tuple[int, ...])
    assert fits("a", str | None)
    assert fits(None, str | None)
    assert not fits(3, str | None)


@dataclass
class Mine:
    """A class of the user's, with an argument that is not the constructor's."""

    size: Any
    cache: list[int] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        if self.size == "bad":
            raise ValueError("size cannot be bad")


@dataclass
class WithDefaults:
    """Defaults that are no plain data themselves."""

    sizes: tuple[int, ...] = (1, 2)
    penalty: pl.Penalty = pl.L2(0.5)


def test_a_default_is_known_by_its_description() -> None:
    assert pl.describe(WithDefaults()) == {"kind": "WithDefaults"}
    assert pl.describe(WithDefaults([1, 2])) == {"kind": "WithDefaults"}  # type: ignore[arg-type]
    assert pl.describe(WithDefaults((1, 3))) == {"kind": "WithDefaults", "sizes": [1, 3]}


def test_a_class_of_ones_own() -> None:
    said = pl.describe(Mine((1, 2)))
    assert said == {"kind": "Mine", "size": [1, 2]}
    assert pl.rebuild(said, extra=[Mine]) == Mine((1, 2))
    with pytest.raises(pl.DataError, match="cannot be bad"):
        pl.rebuild({"kind": "Mine", "size": "bad"}, extra=[Mine])
    with pytest.raises(pl.DataError, match="'cache'"):
        pl.rebuild({"kind": "Mine", "size": 1, "cache": []}, extra=[Mine])
    assert {f.name for f in fields(Mine)} == {"size", "cache"}
