"""What the benchmarks share: fair turns, the machine in words, tables to paste into the documents.

A time alone means little on a machine that others use too. So all competitors run side by side, take turns in a
changing order, and are reported by their median and by their minimum. The minimum is what the machine can do; the
median is what one gets. A peer that is not installed is named as missing: a table must not look complete if it is not.
"""

from __future__ import annotations

import datetime
import gc
import importlib.util
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MNIST = ROOT.parent / "shared" / "data" / "mnist"
DISTRIBUTIONS = ("numpy", "numba", "torch", "jax", "keras", "scikit-learn", "onnxruntime")
CALM = 0.3  # cores that other programs may use during a turn
PATIENCE = 30.0  # seconds that are waited for calm, in all
SETTINGS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_CORETYPE", "XLA_FLAGS")


def installed(competitors: Mapping[str, tuple[Any, ...]]) -> tuple[list[str], list[str]]:
    """The names of those that can run, and a sentence for each that cannot.

    Args:
        competitors: by name, a tuple that begins with the modules it needs, separated by spaces.
    """
    names, missing = [], []
    for name, (modules, *_) in competitors.items():
        absent = [module for module in modules.split() if importlib.util.find_spec(module) is None]
        if absent:
            missing.append(f"missing    {name}: {' and '.join(absent)} is not installed")
        else:
            names.append(name)
    return names, missing


def take_turns(
    names: Sequence[str], turn: Callable[[str], float], repeats: int, pause: float = 0.1, tries: int = 3
) -> dict[str, list[float]]:
    """Let everybody have `repeats` turns; `turn(name)` gives the seconds it took.

    Each round begins with another competitor, so that nobody always follows the same neighbour. The pause lets the
    threads of the one before go to sleep: some libraries' threads go on spinning for a while when they are done.
    A turn during which other programs used the machine is taken again, `tries` times at most; how many turns stayed
    disturbed is printed, and if it is many the numbers mean little.
    """
    times: dict[str, list[float]] = {name: [] for name in names}
    disturbed, patience, others = 0, PATIENCE, Others()
    for i in range(repeats):
        first = i % len(names)
        for name in [*names[first:], *names[:first]]:
            gc.collect()
            tried: list[tuple[float, float]] = []
            while not tried or (tried[-1][0] > CALM and len(tried) < tries):
                patience -= others.leave(pause, patience)
                others.mark()
                taken = turn(name)
                tried.append((others.cores(), taken))
            used, taken = min(tried)
            times[name].append(taken)
            disturbed += used > CALM
    if disturbed:
        print(
            f"disturbed  {disturbed} of {repeats * len(names)} turns: other programs used more than {CALM} cores then"
        )
    return times


class Others:
    """How much of the machine other programs use. Linux tells, in hundredths of a second; elsewhere it counts as 0."""

    def __init__(self) -> None:
        self.mark()

    def mark(self) -> None:
        """Count from now on."""
        self.since, self.before = time.perf_counter(), self._work()

    def cores(self) -> float:
        """How many cores' worth of work others did since the mark."""
        return (self._work() - self.before) / max(time.perf_counter() - self.since, 1e-9)

    def leave(self, pause: float, patience: float) -> float:
        """Sleep for a pause, and on until the others are calm or patience is at its end; how long beyond the pause."""
        start = time.perf_counter()
        while True:
            self.mark()
            time.sleep(pause)
            waited = time.perf_counter() - start - pause
            if pause == 0 or self.cores() <= CALM or waited > patience:
                return waited

    def _work(self) -> float:
        """Seconds that all processors have worked since the machine started, less our own and our children's."""
        try:
            ticks = Path("/proc/stat").read_text().split(maxsplit=9)[1:9]
        except OSError:
            return 0.0
        user, nice, system, _, _, irq, soft, steal = map(int, ticks)
        mine = sum(os.times()[:4])
        return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK") - mine


def seconds(f: Callable[[], Any]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    f()
    return time.perf_counter() - start


def ratio(a: Sequence[float], b: Sequence[float]) -> str:
    """a / b, of the medians and of the minima: "1.50 / 1.42"."""
    return f"{median(a) / median(b):.2f} / {min(a) / min(b):.2f}"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in plain text which is also Markdown: the first column to the left, the others to the right.

    >>> print(table(("who", "us"), [("Pellucid", 120), ("another", 95)]))
    | who      |  us |
    | -------- | --: |
    | Pellucid | 120 |
    | another  |  95 |
    """
    lines = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(3, *(len(line[k]) for line in lines)) for k in range(len(head))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    drawn = []
    for line in (lines[0], rule, *lines[1:]):
        numbers = [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        drawn.append("| " + " | ".join([line[0].ljust(widths[0]), *numbers]) + " |")
    return "\n".join(drawn)


def title(text: str) -> None:
    """A heading, with a line under it."""
    print(f"\n{text}\n{'=' * len(text)}", flush=True)


def machine() -> str:
    """Where the numbers come from: processor, system, versions, kernels, threads, load, date."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = "  ".join(f"{x:.2f}" for x in os.getloadavg()) if hasattr(os, "getloadavg") else "not known"
    given = [f"{name}={os.environ[name]}" for name in SETTINGS if name in os.environ]
    lines = [
        f"date       {datetime.datetime.now().astimezone():%Y-%m-%d %H:%M %Z}",
        f"processor  {processor()}, {usable} cores",
        f"system     {platform.system()} {platform.release()}, Python {platform.python_version()}",
        f"versions   pellucid {_version_here()}, " + ", ".join(f"{name} {_version(name)}" for name in DISTRIBUTIONS),
        *(f"BLAS       {text}" for text in blas()),
        f"threads    {', '.join([*given, *threads()])}" + ("" if given else " (nothing set: everybody's default)"),
        f"load       {load} (1, 5, 15 minutes; near 0 before a run that can be trusted)",
    ]
    return "\n".join(lines)


def processor() -> str:
    """The processor's name, with its family and model, because a virtual machine may hide the rest."""
    facts: dict[str, str] = {}
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            facts.setdefault(name.strip(), value.strip())
    except OSError:
        return platform.processor() or platform.machine()
    name = facts.get("model name") or platform.processor() or platform.machine()
    if "cpu family" in facts:
        name += f" (family {facts['cpu family']}, model {facts['model']})"
    return name


def blas() -> list[str]:
    """The BLAS that NumPy really uses and the kernels it chose for this processor."""
    import numpy  # noqa: F401 - loads its BLAS, so that it can be seen

    if importlib.util.find_spec("threadpoolctl") is None:
        return ["not known: threadpoolctl is not installed"]
    from threadpoolctl import threadpool_info

    return [
        f"{Path(pool['filepath']).parent.name}: {pool['internal_api']} {pool['version']}, "
        f"kernels {pool.get('architecture', 'not said')}, {pool['num_threads']} threads"
        for pool in threadpool_info()
        if pool["user_api"] == "blas"
    ]


def threads() -> list[str]:
    """How many threads the peers that are loaded say they use."""
    found = [f"cores seen {os.cpu_count()}"]
    if "torch" in sys.modules:
        found.append(f"PyTorch {sys.modules['torch'].get_num_threads()}")
    if "jax" in sys.modules:
        found.append("JAX one a core (it has no setting)")
    return found


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "missing"


def _version_here() -> str:
    from pellucid._version import __version__

    return __version__


def mnist(folder: Path = MNIST) -> tuple[Any, Any, Any, Any] | None:
    """MNIST's training and test part as bytes, (60000, 28, 28) and (10000, 28, 28), or None where the files are not."""
    import gzip

    import numpy as np

    arrays = []
    for name, skip, shape in (
        ("train-images-idx3", 16, (60_000, 28, 28)), ("train-labels-idx1", 8, (60_000,)),
        ("t10k-images-idx3", 16, (10_000, 28, 28)), ("t10k-labels-idx1", 8, (10_000,)),
    ):  # fmt: skip
        path = folder / f"{name}-ubyte.gz"
        if not path.is_file():
            return None
        array = np.empty(shape, np.uint8)
        flat, piece = array.reshape(-1), 1 << 20
        with gzip.open(path) as file:
            file.read(skip)
            for i in range(0, flat.size, piece):  # a piece at a time, so that the files are never in memory twice
                flat[i : i + piece] = np.frombuffer(file.read(min(piece, flat.size - i)), np.uint8)
        arrays.append(array)
    return arrays[0], arrays[1], arrays[2], arrays[3]


def child_environment(**more: str) -> dict[str, str]:
    """The environment for a process of its own. Compiled bytecode is allowed, as on any user's machine."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    paths = [str(ROOT / "src"), *filter(None, [environment.get("PYTHONPATH")])]
    return environment | {"PYTHONPATH": os.pathsep.join(paths)} | more
