"""How much memory a training step of a small CNN needs, beyond the libraries and the data, at batch 64 and 256.

    python benchmarks/cnn_memory.py [--quick]

Each competitor runs in a process of its own: it imports its library, makes its batches, trains once on two pictures so
that all code is loaded, and says how much memory it holds. Then it trains a few steps; the most that it held meanwhile,
less the first figure, is what the training needed. The network and the competitors are those of cnn_step.py; that all
did the same work is seen from where the weights ended.
Linux alone tells a process the most that it held since a moment; elsewhere this says so and stops.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

from cnn_step import COMPETITORS, draw
from common import child_environment, installed, machine, table, title
from contest import FAST, NUMPY, SAME, Weights, apart

BATCHES, STEPS = (64, 256), 6
ASKED = (NUMPY, FAST, "PyTorch, default layout", "PyTorch, channels_last")
SELF = Path("/proc/self")


def held(what: str) -> float:
    """Megabytes of this process: "VmRSS" now, "VmHWM" at most since the mark."""
    line = next(line for line in (SELF / "status").read_text().splitlines() if line.startswith(what))
    return int(line.split()[1]) * 1024 / 1e6


def child(name: str, batch: int, file: str) -> None:
    """The process that is measured: megabytes on standard output, the weights' end in a file."""
    weights, batches = draw(batch, STEPS)
    competitor = COMPETITORS[name][1]()
    own, two = competitor.own(batches), competitor.own([(x[:2], t[:2]) for x, t in batches[:1]])
    for pictures in (two, []):
        competitor.start([w.copy() for w in weights])
        competitor.train(pictures)
    (SELF / "clear_refs").write_text("5")  # from here on, "the most" is counted anew
    before = held("VmRSS")
    competitor.train(own)
    print(held("VmHWM") - before)
    ends = competitor.weights()
    assert ends is not None
    np.savez(file, *ends)


def measured(name: str, batch: int) -> tuple[float, Weights]:
    """Megabytes that a process of its own needed for training, and its weights at the end."""
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "ends.npz")
        command = [sys.executable, __file__, "--child", name, str(batch), file]
        done = subprocess.run(command, capture_output=True, text=True, env=child_environment(), check=False)
        if done.returncode:
            raise SystemExit(f"{name} failed:\n{done.stderr}")
        with np.load(file) as arrays:
            return float(done.stdout), [arrays[key] for key in arrays.files]


def compare(repeats: int) -> None:
    """Measure everybody and print the table."""
    names, missing = installed({name: COMPETITORS[name] for name in ASKED})
    print(machine())
    for text in missing:
        print(text)
    sizes: dict[str, list[float]] = {name: [] for name in names}
    for batch in BATCHES:
        runs = {name: [measured(name, batch) for _ in range(repeats)] for name in names}
        first, ours = draw(batch, 0)[0], runs[NUMPY][0][1]
        for name, taken in runs.items():
            sizes[name].append(median(size for size, _ in taken))
            if not all(apart(weights, ours, first) < SAME for _, weights in taken):
                raise SystemExit(f"{name} ended elsewhere: not the same work was done, so its memory means nothing.")
    title("Memory that training the CNN needs beyond libraries and data, megabytes")
    rows = [
        [name, *(f"{size:.0f}" for size in taken), *(f"{a / b:.2f}" for a, b in zip(taken, sizes[NUMPY], strict=True))]
        for name, taken in sizes.items()
    ]
    head = [f"batch {batch}" for batch in BATCHES]
    print(table(("who", *head, *(f"{text} / NumPy alone" for text in head)), rows))


def main() -> None:
    parser = argparse.ArgumentParser(description="The memory that training a small CNN needs, beside PyTorch.")
    parser.add_argument("--quick", action="store_true", help="1 repetition instead of 3")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        name, batch, file = asked.child
        child(name, int(batch), file)
    elif not (SELF / "clear_refs").exists():
        print(f"{machine()}\nSKIPPED: this system does not tell a process the most memory that it held since a moment.")
    else:
        compare(1 if asked.quick else 3)


if __name__ == "__main__":
    main()
