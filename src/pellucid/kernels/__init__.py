"""Floor 1: the few functions in which a training step spends its time.

Each exists twice, with one name and one signature: in reference.py (NumPy, the truth) and in jit.py (compiled by numba
if it is installed). A twin earns its place by being at least 1.3 times faster and stays by passing the parity test.
The environment variable PELLUCID_KERNELS=reference|jit overrides the choice. compiler.py is what happens when numba
has to compile them first.
"""

from __future__ import annotations

import importlib.util
import os
from types import ModuleType

from pellucid.base.errors import UsageError

_active: ModuleType | None = None
trouble = ""  # why numba, which is installed, is not used; empty if it is, or was not wanted


def active() -> ModuleType:
    """The kernels in use: chosen once, at the first call, because importing numba takes half a second.

    >>> active().NAME in ("reference", "jit")
    True
    """
    return use(os.environ.get("PELLUCID_KERNELS", "")) if _active is None else _active


def available() -> bool:
    """Whether numba is installed, without importing it."""
    return importlib.util.find_spec("numba") is not None


def use(name: str = "") -> ModuleType:
    """Choose the kernels by name: "reference", "jit", or "" for the fastest that is installed.

    >>> use("reference").NAME
    'reference'
    >>> use("") is active()
    True
    """
    global _active, trouble
    if name not in ("", "reference", "jit"):
        raise UsageError(f"PELLUCID_KERNELS is {name!r}; it can be reference, jit, or empty for the fastest.")
    if name == "jit" and not available():
        raise UsageError("The jit kernels need numba, which is not installed: pip install 'pellucid[fast]'.")
    from pellucid.kernels import reference

    chosen: ModuleType = reference
    trouble = ""
    if name == "jit" or (name == "" and available()):
        try:
            from pellucid.kernels import jit

            chosen = jit
        except (ImportError, SystemError) as error:  # so says a numba that does not fit the NumPy beside it
            if name == "jit":
                raise UsageError(f"The jit kernels cannot be used, because numba cannot be loaded: {error}") from error
            trouble = str(error)
    _active = chosen
    return _active
