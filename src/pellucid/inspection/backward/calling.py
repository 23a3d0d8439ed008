"""How somebody else's function is called: its arguments are found by their names, and chance is held still.

People write `forward(inputs)`, `forward(inputs, training)`, `forward(x, w, b)`, `backward(dvalues, y_true)`,
`backward(dout, cache)`. What each wants is read from its signature.
"""

from __future__ import annotations

import copy
import inspect
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import UsageError

TRAINING = ("training", "train", "is_training", "train_flg", "train_flag", "train_mode")
TARGETS = ("y_true", "t", "target", "targets", "y", "label", "labels", "true", "actual", "truth", "expected", "ys")
GRADIENTS = (
    "dvalues", "dy", "dout", "d_out", "grad", "grad_output", "grad_out", "dl_dy", "doutput", "output_gradient", "delta",
    "upstream", "g", "gradient", "dz", "da", "error", "output_error", "dl_dout", "gy",
)  # fmt: skip
OUTPUTS = ("output", "outputs", "out", "y", "a", "yhat", "y_hat", "y_pred", "p", "probs", "s")
CACHES = ("cache", "tape", "ctx", "context", "saved", "memory", "tmp")
RATES = ("learning_rate", "lr", "eta", "alpha", "learn_rate", "step_size")
INPUTS = ("x", "inputs", "input", "z", "inp", "a_prev", "input_data", "data", "logits", "scores")
WEIGHTS = ("w", "weights", "weight", "kernel", "theta")
BIASES = ("b", "biases", "bias")


def offer(names: Sequence[str], value: Any) -> dict[str, Any]:
    """The same value under every name by which it may be asked for."""
    return dict.fromkeys(names, value)


def parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """The parameters of a function, without self; none if Python cannot say."""
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []


def required(function: Callable[..., Any]) -> list[str]:
    """The names that must be given.

    >>> required(lambda x, w, b=0: None)
    ['x', 'w']
    """
    taken = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in parameters(function) if p.default is p.empty and p.kind in taken]


def call(function: Callable[..., Any], first: Sequence[Any], offers: Mapping[str, Any], what: str) -> Any:
    """Call it with `first` in order, and by name with whatever else it asks for and is offered.

    Args:
        function: what to call.
        first: the first positional arguments; those that it has no room for are left out.
        offers: what else there is, by lower-case name.
        what: how the function is called in an error.

    >>> call(lambda inputs, training: (inputs, training), [3], {"training": True}, "forward")
    (3, True)
    """
    wanted = parameters(function)
    if not wanted:
        return function(*first) if _builtin(function) else function()
    kind = inspect.Parameter
    positional, named, given = list[Any](), dict[str, Any](), list(first)
    for p in wanted:
        if p.kind is kind.VAR_POSITIONAL:
            positional += given
            given = []
        elif p.kind is kind.VAR_KEYWORD:
            continue
        elif (
            given and p.kind is not kind.KEYWORD_ONLY and not (p.name.lower() in TRAINING and p.name.lower() in offers)
        ):
            positional.append(given.pop(0))
        elif p.name.lower() in offers:
            named[p.name] = offers[p.name.lower()]
        elif p.default is p.empty:
            raise UsageError(
                f"{what} asks for {p.name!r}, and the check does not know what that is. It can give the input, the "
                "parameters, the output, the upstream gradient, the targets and a cache, by their usual names "
                "(x, w, b, y, dy, t, cache)."
            )
    for name in [p.name for p in wanted if p.kind is kind.POSITIONAL_ONLY and p.name in named]:
        positional.append(named.pop(name))
    return function(*positional, **named)


def _builtin(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function)
    except (TypeError, ValueError):
        return True
    return False


class Chance:
    """Every random stream that an object may draw from: NumPy's and Python's own, and generators found beside it.

    >>> chance = Chance()
    >>> state = chance.state(); a = random.random(); chance.put(state); a == random.random()
    True
    """

    def __init__(self, *owners: Any) -> None:
        self.generators = list(_generators(owners))

    def state(self) -> tuple[Any, ...]:
        """Where all of them stand."""
        old = np.random.get_state()  # noqa: NPY002 - other people's code draws from it
        torch = sys.modules.get("torch")
        own = [g.bit_generator.state for g in self.generators]
        return old, random.getstate(), None if torch is None else torch.random.get_rng_state(), own

    def put(self, state: tuple[Any, ...]) -> None:
        """Set all of them back."""
        old, plain, tensor, own = state
        np.random.set_state(old)  # noqa: NPY002 - as above
        random.setstate(plain)
        if tensor is not None:
            sys.modules["torch"].random.set_rng_state(tensor)
        for generator, one in zip(self.generators, own, strict=True):
            generator.bit_generator.state = one


def _generators(owners: Sequence[Any]) -> Iterator[np.random.Generator]:
    seen: set[int] = set()
    for owner in owners:
        values = list(vars(owner).values()) if hasattr(owner, "__dict__") else []
        for function in (owner, getattr(owner, "forward", None)):
            function = getattr(function, "__func__", function)
            values += list(getattr(function, "__globals__", {}).values())
            for cell in getattr(function, "__closure__", None) or ():
                values.append(cell.cell_contents)
        inside = [v for value in values if hasattr(value, "__dict__") for v in _plain_attributes(value)]
        for value in [*values, *inside]:
            if isinstance(value, np.random.Generator) and id(value) not in seen:
                seen.add(id(value))
                yield value


def _plain_attributes(value: Any) -> list[Any]:
    return [] if inspect.ismodule(value) or inspect.isclass(value) else list(vars(value).values())


@contextmanager
def undisturbed(seed: int) -> Iterator[None]:
    """The same random numbers every time inside; the global streams are put back, and arithmetic does not warn."""
    chance = Chance()
    before = chance.state()
    try:
        np.random.seed(seed)  # noqa: NPY002, TID251 - a class that is checked draws its weights from there
        random.seed(seed)
        with np.errstate(all="ignore"):
            yield
    finally:
        chance.put(before)


def twin(thing: Any) -> Any:
    """A deep copy, in which what cannot be copied (a module, a lock, an open file) is shared.

    >>> class Holder: pass
    >>> one = Holder(); one.module, one.array = np, np.ones(2)
    >>> other = twin(one); other.module is np, other.array is one.array
    (True, False)
    """
    try:
        return copy.deepcopy(thing)
    except Exception:  # something inside cannot be copied: copy what can
        shallow = copy.copy(thing)
        for name, value in list(vars(thing).items()):
            with suppress(Exception):
                vars(shallow)[name] = copy.deepcopy(value)
        return shallow


def same_numbers(a: Any, b: Array) -> bool:
    """Whether an array still holds what it held, NaN included.

    >>> same_numbers([1.0, float("nan")], np.array([1.0, np.nan]))
    True
    """
    a = np.asarray(a)
    return a.shape == b.shape and bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))
