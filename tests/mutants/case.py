"""One entry of the corpus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Case:
    """What is checked, and what is wrong with it.

    Args:
        mistake: the one name that must be found; "" for a right implementation.
        what: a name for people.
        make: gives (subject, x, t).
    """

    mistake: str
    what: str
    make: Callable[[], tuple[Any, Any, Any]]
