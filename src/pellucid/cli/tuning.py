"""Which of OpenBLAS's kernels are fastest on this machine, measured.

OpenBLAS chooses its kernels by the processor's model number. It does not know every processor, and then takes careful
ones. The environment variable OPENBLAS_CORETYPE chooses others when NumPy is loaded, so every choice is measured in a
process of its own.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

VARIABLE = "OPENBLAS_CORETYPE"
SWITCH = "PELLUCID_TUNE"  # "off": what is remembered is not used; "applied": it is, and the command line set this
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
    """The result of `tune`.

    Args:
        choices: every choice, OpenBLAS's own first.
        best: the one worth remembering, "" if none.
        ratio: how many times faster than the default it was in the second contest.
        doubtful: the one that won the first contest and lost the second, "" if none; `ratio` is then its own.
    """

    choices: list[Measured]
    best: str = ""
    ratio: float = 1.0
    doubtful: str = ""

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
    return Tuned(choices, best.asked, ratio) if ratio >= LEAST else Tuned(choices, ratio=ratio, doubtful=best.asked)


def _merge(into: Measured, new: Measured) -> None:
    """Keep the shortest time of each work: whatever disturbs a measurement makes it longer."""
    into.core, into.trouble = new.core, new.trouble
    for work, seconds in new.seconds.items():
        into.seconds[work] = min(seconds, into.seconds.get(work, math.inf))
