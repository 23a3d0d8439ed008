"""What it costs to have Pellucid at hand: the time of `import pellucid`, and the room it takes on the disk.

    python benchmarks/import_time.py [--quick]

Each import runs in a process of its own, in turns with the others, with compiled bytecode on the disk as on any user's
machine. The bare interpreter's own start is taken off. Pellucid stands on NumPy, so what it costs by itself is the
difference between the two. Room is counted for the package's own files and for all that pip installs with it.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from statistics import median

from common import ROOT, child_environment, machine, ratio, seconds, table, take_turns, title

LIMIT = 0.15  # seconds that Pellucid may add to NumPy
PEERS = {"torch": "torch", "jax": "jax", "keras": "keras", "sklearn": "scikit-learn"}  # module -> distribution
CORE = re.compile(r"^[A-Za-z0-9._-]+")


def import_in_child(module: str) -> float:
    """Seconds from the start to the end of a process that imports this module and nothing else."""
    command = [sys.executable, "-c", f"import {module}"]
    return seconds(lambda: subprocess.run(command, check=True, capture_output=True, env=ENVIRONMENT))


ENVIRONMENT = child_environment(KERAS_BACKEND="jax")


def needs(distribution: str) -> set[str]:
    """This distribution and all those that it needs, as far as they are installed; extras are not counted."""
    found: set[str] = set()
    waiting = [distribution]
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in found:
            continue
        try:
            wanted = metadata.distribution(name).requires or []
        except metadata.PackageNotFoundError:
            continue
        found.add(name)
        waiting += [match[0] for line in wanted if "extra ==" not in line and (match := CORE.match(line))]
    return found


def megabytes(distributions: set[str]) -> float:
    """The size of all files of these distributions, without the bytecode that Python makes itself."""
    total = 0
    for name in distributions:
        for file in metadata.distribution(name).files or []:
            path = Path(str(file.locate()))
            if path.suffix != ".pyc" and path.is_file():
                total += path.stat().st_size
    return total / 1e6


def own_megabytes() -> float:
    """The size of Pellucid's own files."""
    files = (path for path in (ROOT / "src" / "pellucid").rglob("*") if "__pycache__" not in path.parts)
    return sum(path.stat().st_size for path in files if path.is_file()) / 1e6


def report_time(repeats: int) -> None:
    """The table of imports."""
    modules = ["json", "numpy", "pellucid", *(m for m in PEERS if importlib.util.find_spec(m) is not None)]
    for module in modules:
        import_in_child(module)  # fills the disk's cache and writes the bytecode
    often = take_turns(modules[:3], import_in_child, repeats, pause=0.0)
    heavy = take_turns(modules[3:], import_in_child, max(3, repeats // 5), pause=0.0)
    bare = min(often["json"])
    rows = []
    for module, times in (often | heavy).items():
        if module != "json":
            taken = [t - bare for t in times]
            ours = [t - bare for t in often["pellucid"]]
            rows.append([f"import {module}", f"{median(taken):.3f}", f"{min(taken):.3f}", ratio(taken, ours)])
    title("Import, seconds")
    print(table(("what", "median", "min", "/ pellucid"), rows))
    by_median = median(often["pellucid"]) - median(often["numpy"])
    by_minimum = min(often["pellucid"]) - min(often["numpy"])
    verdict = "holds" if by_median < LIMIT else "DOES NOT HOLD"
    print(f"pellucid - numpy: {by_median:.3f} s by the medians, {by_minimum:.3f} s by the minima.")
    print(f"Claim: less than {LIMIT} s by the medians; {verdict}. The bare interpreter ({bare:.3f} s) is taken off.")


def report_size() -> None:
    """The table of sizes."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    core = set().union(*(needs(CORE.match(line)[0]) for line in project["dependencies"]))  # type: ignore[index]
    own = own_megabytes()
    rows = [["pellucid", f"{own:.1f}", f"{own + megabytes(core):.0f}"]]
    for distribution in ("numpy", *PEERS.values()):
        everything = needs(distribution)
        if everything:
            rows.append([distribution, f"{megabytes({distribution}):.1f}", f"{megabytes(everything):.0f}"])
    title("On the disk, megabytes")
    print(table(("what", "own files", "with all it needs"), rows))


def main() -> None:
    parser = argparse.ArgumentParser(description="The cost of an import, beside the peers.")
    parser.add_argument("--quick", action="store_true", help="5 repetitions instead of 30")
    asked = parser.parse_args()
    print(machine())
    for module, distribution in PEERS.items():
        if importlib.util.find_spec(module) is None:
            print(f"missing    import {module}: {distribution} is not installed")
    report_time(5 if asked.quick else 30)
    report_size()


if __name__ == "__main__":
    main()
