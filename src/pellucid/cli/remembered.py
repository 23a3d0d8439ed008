"""The kernels that `pellucid system --tune` found fastest: remembered in the user's settings, applied to this process.

OPENBLAS_CORETYPE works only before NumPy is loaded, so the choice belongs to the program that is started, not to the
library: `import pellucid` never changes the environment, the command line does, for its own process. What was measured
on another machine or with another NumPy is not used, and `pellucid system` says so.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pellucid.base.errors import FileError
from pellucid.cli.tuning import SWITCH, VARIABLE, candidates
from pellucid.inspection.processor import Processor, processor


@dataclass(frozen=True)
class Choice:
    """The remembered kernels, and what they were measured on."""

    core: str
    ratio: float
    processor: str
    model: str
    numpy: str
    blas: str


def choice_for_this_machine(core: str, ratio: float) -> Choice:
    """What is to be remembered: these kernels, and the machine and software as they are now."""
    this = processor()
    return Choice(core, round(ratio, 3), this.name, this.model, _numpy_version(), _blas_version() or "")


def config_folder(environ: Mapping[str, str] = os.environ, system: str = sys.platform) -> Path:
    """Where this user's settings belong, by the system's own custom.

    >>> config_folder({"XDG_CONFIG_HOME": "/settings"}, "linux").as_posix()
    '/settings/pellucid'
    """
    if os.path.isabs(environ.get("XDG_CONFIG_HOME", "")):
        return Path(environ["XDG_CONFIG_HOME"]) / "pellucid"
    if system == "win32" and environ.get("APPDATA"):
        return Path(environ["APPDATA"]) / "pellucid"
    home = os.path.expanduser("~")
    if not os.path.isabs(home):
        raise FileError("No home folder is known, so there is no place for settings. Set XDG_CONFIG_HOME to a folder.")
    return Path(home) / ("Library/Application Support" if system == "darwin" else ".config") / "pellucid"


def tune_file() -> Path:
    """The file that remembers the choice."""
    return config_folder() / "tune.json"


def remember(choice: Choice) -> Path:
    """Write the choice down for the next runs; the file's path."""
    from pellucid.store import write_atomically

    path = tune_file()
    write_atomically(path, (json.dumps(asdict(choice), indent=2) + "\n").encode())
    return path


def forget() -> bool:
    """Remove what is remembered; whether there was anything."""
    try:
        tune_file().unlink()
    except FileNotFoundError:
        return False
    return True


def recall() -> Choice | None:
    """What is remembered, or None.

    Raises:
        ValueError: if the file is there but cannot be understood.
    """
    try:
        path = tune_file()
        found = json.loads(path.read_bytes())
        return Choice(**{name: kind(found[name]) for name, kind in _KINDS.items()})
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ValueError(f"what is remembered cannot be read ({error.strerror or error})") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError(f"{path} is damaged") from None


_KINDS: dict[str, Any] = {"core": str, "ratio": float, "processor": str, "model": str, "numpy": str, "blas": str}


# ---- apply ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """How things stand: what is remembered, whether it may be applied to this process, and why or why not."""

    choice: Choice | None
    usable: bool
    why: str


def standing(this: Processor | None = None) -> Standing:
    """Whether the remembered choice fits this machine, this NumPy and this environment."""
    try:
        choice = recall()
    except ValueError as error:
        return Standing(None, False, f"{error}; it is ignored. Run: pellucid system --tune")
    if choice is None:
        return Standing(None, False, "nothing is remembered")
    this = this or processor()
    numpy, blas = _numpy_version(), _blas_version()
    again = "Run again: pellucid system --tune"
    if (choice.processor, choice.model) != (this.name, this.model):
        why = f"it was measured on another machine ({choice.processor} {choice.model}). {again}"
    elif choice.core not in candidates(this.flags):
        why = f"this processor cannot run {choice.core} kernels. {again}"
    elif choice.numpy != numpy or (blas is not None and choice.blas != blas):
        why = f"it was measured with NumPy {choice.numpy} (BLAS {choice.blas}), this is {numpy} ({blas}). {again}"
    elif os.environ.get(SWITCH, "").lower() == "off":
        why = f"{SWITCH} is off"
    elif os.environ.get(SWITCH) == "applied" and os.environ.get(VARIABLE) == choice.core:
        return Standing(choice, True, "it is applied")
    elif os.environ.get(VARIABLE):
        why = f"you set {VARIABLE} to {os.environ[VARIABLE]}, and yours wins"
    else:
        return Standing(choice, True, "it is ready")
    return Standing(choice, False, why)


def apply(may_restart: bool = False) -> str:
    """Choose the remembered kernels for this process; the name of the kernels, or "" if nothing was done.

    OpenBLAS reads its variable when NumPy is loaded. If NumPy is loaded already, the process has to start once more,
    which takes the time of an import; a command that computes little leaves it at that.

    Args:
        may_restart: replace the process by a new one where that is needed. Only a command line may.
    """
    if os.environ.get(VARIABLE) or os.environ.get(SWITCH, "").lower() == "off":
        return ""
    now = standing()
    loaded = "numpy" in sys.modules
    if now.choice is None or not now.usable or (loaded and not (may_restart and sys.executable)):
        return ""
    os.environ |= {VARIABLE: now.choice.core, SWITCH: "applied"}
    if loaded:
        _restart()
    return now.choice.core


def _restart() -> None:
    """Start this very command again, in the environment as it is now."""
    command = [sys.executable, *sys.orig_argv[1:]]
    if sys.platform == "win32":  # there, replacing a process gives the prompt back too early
        raise SystemExit(subprocess.run(command).returncode)
    os.execv(sys.executable, command)


def _numpy_version() -> str:
    if "numpy" in sys.modules:
        return str(sys.modules["numpy"].__version__)
    from importlib import metadata

    try:
        return metadata.version("numpy")
    except metadata.PackageNotFoundError:
        return "unknown"


def _blas_version() -> str | None:
    """The BLAS that NumPy was built with; None if NumPy is not loaded, since asking would load it."""
    if "numpy" not in sys.modules:
        return None
    built = sys.modules["numpy"].__config__.CONFIG.get("Build Dependencies", {}).get("blas", {})
    return f"{built.get('name', '')} {built.get('version', '')}".strip()
