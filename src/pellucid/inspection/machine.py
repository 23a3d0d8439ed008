"""The machine and the software that the numbers come from, as `pellucid system` and the benchmarks show it.

A time without its machine says nothing, and most of a training step's time is spent in the BLAS, the library of matrix
products under NumPy. So this asks the BLAS itself which kernels it chose and how many threads it runs.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import kernels
from pellucid._version import __version__
from pellucid.inspection.processor import processor, usable_cores
from pellucid.kernels import compiler

THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "OMP_NUM_THREADS")
NAMES = {"scipy-openblas": "OpenBLAS", "openblas": "OpenBLAS", "accelerate": "Apple Accelerate", "mkl": "Intel MKL"}


@dataclass(frozen=True)
class Blas:
    """The library that multiplies NumPy's matrices.

    Args:
        name: "OpenBLAS", "Intel MKL", "Apple Accelerate", or what NumPy was built with.
        version: its version, or "".
        core: the processor type whose kernels it chose, or "" if it does not tell.
        threads: how many threads it uses, or None if it does not tell.
        dynamic: whether it chooses its kernels when it starts, so that another choice is possible.
    """

    name: str
    version: str = ""
    core: str = ""
    threads: int | None = None
    dynamic: bool = False


@dataclass(frozen=True)
class Machine:
    """What `describe_machine` found. `numba` and `safetensors` are "" where they are not installed."""

    pellucid: str
    python: str
    numpy: str
    numba: str
    safetensors: str
    platform: str
    processor: str
    cores: int
    blas: Blas
    kernels: str
    why_kernels: str
    advice: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain data, for JSON."""
        return asdict(self)


def describe_machine() -> Machine:
    """This machine, the software on it, and what would make it faster.

    >>> machine = describe_machine()
    >>> machine.cores >= 1, machine.kernels in ("reference", "jit")
    (True, True)
    """
    blas, cores = find_blas(), usable_cores()
    name, why = _kernels()
    return Machine(
        pellucid=__version__,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        numpy=np.__version__,
        numba=_version("numba"),
        safetensors=_version("safetensors"),
        platform=platform.platform(),
        processor=processor().name,
        cores=cores,
        blas=blas,
        kernels=name,
        why_kernels=why,
        advice=tuple(advise(blas, cores, name)),
    )


def find_blas() -> Blas:
    """The BLAS that NumPy uses, asked directly where it can be asked.

    >>> find_blas().name != ""
    True
    """
    built = np.__config__.CONFIG.get("Build Dependencies", {}).get("blas", {})
    name = str(built.get("name", "") or "unknown")
    other = any(word in name.lower() for word in ("mkl", "accelerate"))  # an OpenBLAS beside them is not NumPy's
    found = (None if other else _ask_openblas()) or _ask_threadpoolctl()
    if found is not None:
        return found
    people = next((NAMES[key] for key in NAMES if key in name.lower()), name)
    return Blas(people, str(built.get("version", "")))


def _ask_openblas() -> Blas | None:
    """Ask the OpenBLAS that is loaded in this process through its own functions, or None if there is none."""
    for path in _loaded("openblas"):
        try:
            library = ctypes.CDLL(path)
        except OSError:
            continue
        text = _call(library, "get_config", ctypes.c_char_p)
        if text is None:
            continue
        core = _call(library, "get_corename", ctypes.c_char_p) or b""
        words = text.decode(errors="replace").split()  # OpenBLAS 0.3.31 USE64BITINT DYNAMIC_ARCH NO_AFFINITY ...
        version = next((word for word in words if word[:1].isdigit()), "")
        threads = _call(library, "get_num_threads", ctypes.c_int)
        return Blas("OpenBLAS", version, core.decode(errors="replace"), threads, "DYNAMIC_ARCH" in words)
    return None


def _call(library: ctypes.CDLL, function: str, result: Any) -> Any:
    """Call one of OpenBLAS's functions without arguments; builds differ in what they put before and after its name."""
    for prefix in ("scipy_openblas_", "openblas_"):
        for suffix in ("64_", ""):
            found = getattr(library, prefix + function + suffix, None)
            if found is not None:
                found.restype = result
                return found()
    return None


def _loaded(word: str) -> Iterator[str]:
    """Shared libraries with this word in their path: those that NumPy brought, then those loaded from elsewhere."""
    assert np.__file__ is not None
    home = Path(np.__file__).parent
    for folder in (home.parent / "numpy.libs", home / ".dylibs", home / ".libs"):
        yield from sorted(str(path) for path in folder.glob("*") if word in path.name.lower())
    try:
        lines = Path("/proc/self/maps").read_text().splitlines()
    except OSError:
        return
    paths = dict.fromkeys(line.split(maxsplit=5)[-1] for line in lines if word in line.lower())
    yield from (path for path in paths if path.startswith("/"))


def _ask_threadpoolctl() -> Blas | None:
    """threadpoolctl knows MKL, BLIS and others; it is asked if it happens to be installed."""
    if importlib.util.find_spec("threadpoolctl") is None:
        return None
    import threadpoolctl

    for library in threadpoolctl.threadpool_info():
        if library.get("user_api") == "blas":
            name = str(library.get("internal_api", ""))
            version, core = str(library.get("version") or ""), str(library.get("architecture") or "")
            return Blas(NAMES.get(name, name), version, core, library.get("num_threads"))
    return None


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _kernels() -> tuple[str, str]:
    """The name of Pellucid's own kernels and the reason for them. This must answer even if they cannot be loaded."""
    wish = os.environ.get("PELLUCID_KERNELS", "")
    try:
        name = str(kernels.active().NAME)
    except Exception as error:
        return "none", f"they cannot be loaded: {error}"
    if wish == name:
        return name, "the environment variable PELLUCID_KERNELS asks for them"
    if name == "jit":
        return name, "numba is installed and compiles them"
    if kernels.trouble:
        return name, f"numba is installed but cannot be loaded: {kernels.trouble}"
    return name, "they were asked for" if kernels.available() else "numba is not installed, so they are plain NumPy"


def advise(blas: Blas, cores: int, kernel: str) -> Iterator[str]:
    """What would make a machine with this BLAS, so many usable cores and these kernels faster.

    >>> list(advise(Blas("OpenBLAS", threads=2), 2, "jit"))
    []
    """
    if kernel == "reference" and not kernels.available() and sys.platform != "emscripten":
        yield "Install numba, and small networks train up to twice as fast: pip install 'pellucid[fast]'"
    elif kernel == "reference" and "PELLUCID_KERNELS" in os.environ:
        yield "numba is installed but not used. Unset PELLUCID_KERNELS to use the compiled kernels."
    elif kernel == "reference" and kernels.trouble:
        yield "numba is installed but cannot be loaded. A version that fits may help: pip install --upgrade numba"
    if kernel == "jit" and not compiler.kept:
        yield (
            "Every start waits for the compiler, because there is no folder where compiled kernels can be kept. "
            "Name one that can be written: NUMBA_CACHE_DIR=FOLDER"
        )
    if blas.threads is None:
        return
    setting = next((name for name in THREADS if os.environ.get(name)), "")
    if blas.threads > cores:
        yield (
            f"{blas.name} runs {blas.threads} threads, but this process may use {_cores(cores)}, so the threads wait "
            f"for each other. Set {setting or 'OMP_NUM_THREADS'}={cores} before you start Pellucid."
        )
    elif blas.threads < cores and setting:
        yield (
            f"{blas.name} runs {blas.threads} of {cores} possible threads because {setting} is {os.environ[setting]}. "
            "For small networks that is often right; for large ones unset it."
        )


def _cores(count: int) -> str:
    return "1 core" if count == 1 else f"{count} cores"
