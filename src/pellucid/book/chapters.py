"""A call that does not fit is answered with the chapter whose form it resembles.

The signatures of the book's classes grow from chapter to chapter. Every form is taken; a call that fits none is
compared with them, and the error says which one was recognised and what that one takes.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import ParamSpec, TypeVar

from pellucid.base.errors import UsageError

P = ParamSpec("P")
R = TypeVar("R")


def chapters(forms: Mapping[str, str]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a function with the forms it has in the book, by chapter, in the book's order.

    >>> @chapters({"3": "(n_inputs, n_neurons)", "14": "(n_inputs, n_neurons, weight_regularizer_l2=0)"})
    ... def layer(n_inputs, n_neurons, weight_regularizer_l2=0): ...
    >>> try: layer(2, weight_regularizer_l2=5e-4)
    ... except UsageError as error: print(error)
    layer was called with 1 argument and weight_regularizer_l2=: missing a required argument: 'n_neurons'. This is \
chapter 14's form, which is layer(n_inputs, n_neurons, weight_regularizer_l2=0). Chapter 3's is \
layer(n_inputs, n_neurons).
    """

    def mark(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        name = function.__qualname__.removesuffix(".__init__")
        method = next(iter(signature.parameters), "") == "self"

        @wraps(function)
        def call(*args: P.args, **options: P.kwargs) -> R:
            try:
                return function(*args, **options)
            except TypeError:
                try:
                    signature.bind(*args, **options)
                except TypeError as error:
                    wrong = str(error)
                else:
                    raise  # the call was right; something inside was not
            raise UsageError(_explained(name, forms, len(args) - method, tuple(options), wrong))

        return call

    return mark


def _explained(name: str, forms: Mapping[str, str], count: int, options: tuple[str, ...], wrong: str) -> str:
    chapter = _nearest(forms, count, options)
    said = f"{count} argument{'' if count == 1 else 's'}" + "".join(f" and {key}=" for key in options)
    known = f"This is chapter {chapter}'s form, which is {name}{forms[chapter]}."
    others = "".join(f" Chapter {other}'s is {name}{forms[other]}." for other in forms if other != chapter)
    return f"{name} was called with {said}: {wrong}. {known}{others}"


def _nearest(forms: Mapping[str, str], count: int, options: tuple[str, ...]) -> str:
    """The form that knows most of the options, then the one nearest in length; of equals the first."""

    def unlike(chapter: str) -> tuple[int, int]:
        names = _names(forms[chapter])
        return -len(set(options) & set(names)), abs(len(names) - count - len(options))

    return min(forms, key=unlike)


def _names(form: str) -> list[str]:
    return re.findall(r"(\w+)(?:=[^,)]*)?[,)]", form)
