"""Which of OpenBLAS's kernels are fastest on this machine: measured, remembered, applied.

OpenBLAS chooses its kernels by the processor's model number. It does not know every processor, and then takes careful
ones. The environment variable OPENBLAS_CORETYPE chooses others, but only before NumPy is loaded. So the choice belongs
to the program that is started, not to the library: `import pellucid` never changes the environment, the command line
does, for its own process.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pellucid.base.errors import FileError
from pellucid.inspection.processor import Processor, processor

VARIABLE = "OPENBLAS_CORETYPE"
SWITCH = "PELLUCID_TUNE"  # "off" switches the remembered choice off; "applied" is set by `apply` itself
LEAST = 1.03  # a choice must be this much faster to be remembered
ROUNDS = 3
PATIENCE = 60.0  # seconds for one measurement

# OpenBLAS's name of the kernels: what the processor must be able to do, or the program dies of an illegal instruction
AVX512 = {"avx512f", "avx512bw", "avx512dq", "avx512vl"}
NEEDS: dict[str, set[str]] = {
    "Haswell": {"avx2", "fma"},
    "Zen": {"avx2", "fma"},
    "SkylakeX": AVX512,
    "Cooperlake": AVX512 | {"avx512_bf16"},
    "SapphireRapids": AVX512 | {"avx512_bf16", "amx_tile"},
    "NEOVERSEN1": {"asimd"},
    "THUNDERX2T99": {"asimd"},
    "NEOVERSEV1": {"asimd", "sve"},
    "NEOVERSEN2": {"asimd", "sve", "sve2"},
}


def candidates(flags: frozenset[str]) -> list[str]:
    """The kernels that a processor with these flags can run.

    >>> candidates(frozenset({"avx2", "fma"}))
    ['Haswell', 'Zen']
    """
    return [core for core, needs in NEEDS.items() if needs <= flags]


# ---- measure --------------------------------------------------------------------------------------------------------


@dataclass
class Measured:
    """What one choice of kernels gave. `asked` is "" for OpenBLAS's own choice; `trouble` says why it is out."""

    asked: str
    core: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    trouble: str = ""

    def ratio(self, default: Measured, work: str) -> float:
        """How many times faster than the default at one work."""
        return default.seconds[work] / self.seconds[work]

    def overall(self, default: Measured) -> float:
        """The geometric mean of the ratios: twice as fast here and half as fast there is no gain."""
        logs = [math.log(self.ratio(default, work)) for work in default.seconds]
        return math.exp(sum(logs) / len(logs))


Measure = Callable[[str], Measured]


def measure_in_subprocess(core: str) -> Measured:
    """Run the products in a process that was started with these kernels; survive whatever happens to it."""
    environ = {key: value for key, value in os.environ.items() if key != VARIABLE} | {SWITCH: "off"}
    if core:
        environ[VARIABLE] = core
    command = [sys.executable, "-m", "pellucid.inspection.products"]
    try:
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return Measured(core, trouble=f"no answer within {PATIENCE:.0f} seconds")
    except OSError as error:
        return Measured(core, trouble=f"could not be started: {error.strerror}")
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        how = f"signal {-done.returncode}" if done.returncode < 0 else last
        return Measured(core, trouble=f"crashed ({how})")
    try:
        answer = json.loads(done.stdout)
        measured = Measured(core, str(answer["core"]), {str(k): float(v) for k, v in answer["seconds"].items()})
        if not answer["correct"]:
            measured.trouble = "computes wrong products"
    except (ValueError, KeyError, TypeError, AttributeError):
        return Measured(core, trouble="gave no measurement")
    return measured


@dataclass
class Tuned:
    """The result of `tune`: every choice, OpenBLAS's own first, and the one worth remembering ("" if none)."""

    choices: list[Measured]
    best: str = ""
    ratio: float = 1.0

    @property
    def default(self) -> Measured:
        return self.choices[0]


def tune(
    cores: list[str],
    measure: Measure | None = None,
    rounds: int = ROUNDS,
    progress: Callable[[str], None] = lambda what: None,
) -> Tuned:
    """Measure OpenBLAS's own choice and each of `cores`, and name the fastest.

    The rounds go through all choices in turn, so that a noisy minute hits them alike. The fastest is then measured
    again beside the default, and only this second contest counts: the winner of many is often just the luckiest.

    Args:
        cores: the kernels to try, by OpenBLAS's names.
        measure: measures one choice; "" is OpenBLAS's own. Default in a process of its own.
        rounds: how often each is measured. Default 3.
        progress: is told what is measured next.
    """
    measure = measure or measure_in_subprocess
    choices = [Measured("")] + [Measured(core) for core in cores]
    seen: dict[str, str] = {}
    for _ in range(rounds):
        for choice in choices:
            if not choice.trouble:
                progress(choice.asked or "OpenBLAS's own choice")
                _merge(choice, measure(choice.asked))
                first = seen.setdefault(choice.core, choice.asked) if not choice.trouble else choice.asked
                if first != choice.asked:
                    choice.trouble = f"the same as {first or 'the default'} in this OpenBLAS ({choice.core})"
    default, usable = choices[0], [choice for choice in choices[1:] if not choice.trouble]
    if default.trouble or not usable:
        return Tuned(choices)
    best = max(usable, key=lambda choice: choice.overall(default))
    if best.overall(default) < LEAST:
        return Tuned(choices)
    again = [Measured(""), Measured(best.asked)]
    for _ in range(rounds):
        for choice in again:
            progress(f"{choice.asked or 'the default'} once more")
            _merge(choice, measure(choice.asked))
    if again[0].trouble or again[1].trouble:
        return Tuned(choices)
    ratio = again[1].overall(again[0])
    return Tuned(choices, best.asked, ratio) if ratio >= LEAST else Tuned(choices)


def _merge(into: Measured, new: Measured) -> None:
    """Keep the shortest time of each work: whatever disturbs a measurement makes it longer."""
    into.core, into.trouble = new.core, new.trouble
    for work, seconds in new.seconds.items():
        into.seconds[work] = min(seconds, into.seconds.get(work, math.inf))


# ---- remember -------------------------------------------------------------------------------------------------------


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
