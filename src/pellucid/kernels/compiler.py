"""The compiler's manners: its code is kept where there is a place for it, and who wants to know hears that it works.

A first run waits some seconds for the compiler. numba then keeps the code on disk: in `__pycache__` beside the source,
or in the user's cache folder, or where NUMBA_CACHE_DIR says. Where nothing can be written it compiles at every start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

ONCE = "Compiling the fast kernels; this happens once on this machine."
ALWAYS = (
    "Compiling the fast kernels. This happens at every start, because there is no folder where the compiled code can "
    "be kept: name one that can be written, in the environment variable NUMBA_CACHE_DIR."
)

kept = True  # whether compiled code outlives the process
_say: Callable[[str], None] | None = None
_said = False


@contextmanager
def telling(say: Callable[[str], None]) -> Iterator[None]:
    """While this lasts, `say` is given one sentence when the compiler begins; once in the life of a process.

    >>> heard = []
    >>> with telling(heard.append):
    ...     begins()
    ...     begins()
    >>> len(heard) <= 1
    True
    """
    global _say
    before, _say = _say, say
    try:
        yield
    finally:
        _say = before


def begins() -> None:
    """The compiler begins: say so, unless it was said or nobody listens."""
    global _said
    if _say is not None and not _said:
        _said = True
        _say(ONCE if kept else ALWAYS)


def compiled(njit: Any, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """numba's decorator, which keeps the compiled code on disk if it can.

    Args:
        njit: `numba.njit`.
        options: what it is given, but for `cache`.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        global kept
        try:
            return njit(cache=True, **options)(function)
        except RuntimeError as error:
            if "no locator available" not in str(error):  # numba's words for: no folder can be written
                raise
            kept = False
            return njit(**options)(function)

    return decorate


def kernel(function: Callable[..., Any]) -> Any:
    """The decorator of every compiled kernel.

    `error_model="numpy"` lets a division give inf instead of an exception; without it no loop with a division is
    vectorised. `nogil` lets other threads work meanwhile.
    """
    import numba

    return compiled(numba.njit, error_model="numpy", nogil=True)(function)


def listen(package: str) -> None:
    """Have `begins` called whenever numba compiles a function of this package; loading kept code does not count."""
    from numba.core import event

    class Listener(event.Listener):
        def on_start(self, event: Any) -> None:
            if event.data["dispatcher"].py_func.__module__.startswith(package + "."):
                begins()

        def on_end(self, event: Any) -> None:
            pass

    register: Any = event.register
    register("numba:compile", Listener())
