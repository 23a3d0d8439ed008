"""Which processor this is, and what it can do. It needs the standard library only.

The name alone does not tell processors apart: a rented machine often says just "AMD EPYC", whatever its generation. So
the model numbers stand beside it, and the instruction sets ("flags"), by the names that Linux gives them.
"""

from __future__ import annotations

import importlib
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Processor:
    """A processor.

    Args:
        name: what its maker calls it.
        model: maker, family, model and stepping: together with the name, the same on machines of one kind only.
        flags: its instruction sets, in lower case; empty if the system does not tell.
    """

    name: str
    model: str = ""
    flags: frozenset[str] = frozenset()


@cache
def processor() -> Processor:
    """This machine's processor.

    >>> processor().name != ""
    True
    """
    if sys.platform == "linux":
        try:
            return from_cpuinfo(Path("/proc/cpuinfo").read_text(errors="replace"))
        except OSError:
            pass
    name = platform.processor() or platform.machine() or "unknown"
    if sys.platform == "darwin":
        return Processor(_sysctl("machdep.cpu.brand_string") or name, platform.machine(), _numpy_flags())
    return Processor(os.environ.get("PROCESSOR_IDENTIFIER", name), platform.machine(), _numpy_flags())


def from_cpuinfo(text: str) -> Processor:
    """A processor from the text of Linux's /proc/cpuinfo.

    >>> from_cpuinfo("vendor_id : GenuineIntel\\ncpu family : 6\\nmodel : 85\\nmodel name : Xeon")
    Processor(name='Xeon', model='GenuineIntel 6 85', flags=frozenset())
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        found.setdefault(key.strip(), value.strip())  # every core is listed; the first speaks for all
    maker = ("vendor_id", "cpu family", "model", "stepping", "CPU implementer", "CPU part", "CPU variant")
    model = " ".join(found[key] for key in maker if found.get(key))
    name = found.get("model name") or found.get("Hardware") or f"{platform.machine()} {model}".strip()
    flags = found.get("flags") or found.get("Features") or ""
    return Processor(name, model, frozenset(flags.lower().split()))


def usable_cores() -> int:
    """How many cores this process may use: fewer than the machine has in a container or after `taskset`.

    >>> usable_cores() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()  # a container's share of time
        count = min(count, max(1, round(int(quota) / int(period))))
    except (OSError, ValueError):  # no such file, or "max": no limit
        pass
    return count


def _sysctl(key: str) -> str:
    try:
        return subprocess.run(["sysctl", "-n", key], capture_output=True, text=True, timeout=5).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def _numpy_flags() -> frozenset[str]:
    """What NumPy found out about the processor, where the system itself does not say it in a file."""
    try:
        features = importlib.import_module("numpy._core._multiarray_umath").__cpu_features__
    except (ImportError, AttributeError):  # not a public name: it may go
        return frozenset()
    has = {name for name, there in features.items() if there}
    flags = {name.lower() for name in has}
    if "X86_V3" in has or {"AVX2", "FMA3"} <= has:
        flags |= {"avx2", "fma"}
    if "X86_V4" in has or "AVX512_SKX" in has:
        flags |= {"avx512f", "avx512bw", "avx512dq", "avx512vl"}
    if "AVX512BF16" in has:
        flags.add("avx512_bf16")
    return frozenset(flags)
