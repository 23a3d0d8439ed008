"""Data larger than memory: how much memory 10 GB of MNIST-shaped pictures need, and what decoding costs an epoch.

    python benchmarks/stream.py [--quick]

First: 12,800,000 pictures of 28x28 bytes in one .npy file, 10.0 GB. The file is sparse, so it takes no room:
a stretch of it is written, and the rest reads as zeros, which takes the same memory and copying, though not a disk's
time. A part of an epoch of 784-128-10 is trained on it by a process of its own, which is watched: VmHWM is its greatest
resident size, mapped pages included; RssAnon is what is its own and cannot be taken back. Beside it the same through
np.load(mmap_mode="r"), which every library can do.

Second: epochs of a small CNN over a folder of pictures: in memory, decoded anew in every epoch, and with threads that
decode ahead of the step and keep what they decoded in a file without a name.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from common import ROOT, child_environment, machine, mnist, table, title

PICTURES = 12_800_000  # of 784 bytes: 10.0 GB
LIMIT = 1000  # megabytes that may be resident
CELLS = ROOT.parent / "shared" / "data" / "malaria" / "cell_images"
FORMS = {
    "in memory": None, "stream, nothing ahead": 0, "stream, 1 thread ahead": 1, "stream, 2 threads ahead": 2,
}  # fmt: skip


# ---- 10 GB ----------------------------------------------------------------------------------------------------------


def make(folder: Path) -> int:
    """The sparse file and its labels; how many bytes it really takes."""
    import numpy as np

    x = np.lib.format.open_memmap(folder / "big_x.npy", "w+", np.uint8, (PICTURES, 28, 28))
    pictures = mnist()
    if pictures is not None:
        x[PICTURES // 2 : PICTURES // 2 + 60_000] = pictures[0]
    x.flush()
    np.save(folder / "big_t.npy", (np.arange(PICTURES) % 10).astype(np.uint8))
    return (folder / "big_x.npy").stat().st_blocks * 512


def memory() -> dict[str, float]:
    """This process's memory in megabytes, as Linux tells it."""
    said = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {name: int(said[name].split()[0]) * 1024 / 1e6 for name in ("VmHWM", "VmRSS", "RssAnon", "RssFile")}


def train_big(file: str, form: str, steps: int) -> dict[str, float]:
    """The process that is measured: some steps of an epoch."""
    import numpy as np

    import pellucid as pl

    before = memory()["VmRSS"]
    data: Any
    if form == "mapped":
        data = pl.Data(np.load(file, mmap_mode="r"), np.load(file.replace("_x", "_t")).astype(np.int64))
    else:
        data = pl.datasets.stream(file, threads=1)
        data, _ = pl.split(data, 0.01)
    net = pl.Model(
        pl.Dense(128), pl.ReLU(), pl.Dense(10),
        loss=pl.SoftmaxCrossEntropy(), input_shape=(784,), prepare=pl.Pixels((784,)),
    )  # fmt: skip
    anon, start, event = 0.0, time.perf_counter(), None
    for event in pl.train(net, data, epochs=1, batch_size=128, optimizer=pl.Adam(1e-3)):
        if isinstance(event, pl.StepDone):
            if event.step % 50 == 0:
                anon = max(anon, memory()["RssAnon"])
            if event.step == steps:
                break
    taken = time.perf_counter() - start
    return memory() | {"anon": anon, "before": before, "seconds": taken, "samples": steps * 128}


def ten_gigabytes(steps: int) -> None:
    title(f"{PICTURES:,} pictures of 28x28 bytes, 784-128-10, {steps:,} steps of 128; megabytes")
    with tempfile.TemporaryDirectory(prefix="pellucid-stream-") as name:
        folder, free = Path(name), shutil.disk_usage(name).free
        taken = make(folder)
        size = (folder / "big_x.npy").stat().st_size
        print(
            f"file       {size / 1e9:.2f} GB claimed, {taken / 1e6:.0f} MB on the disk; {free / 1e9:.0f} GB were free"
        )
        rows = []
        for form in ("stream", "mapped"):
            found = child("--big", folder / "big_x.npy", form, steps)
            rate = found["samples"] / found["seconds"]
            cells = [found["before"], found["VmHWM"], found["anon"], found["RssFile"]]
            rows.append([form, *(f"{c:.0f}" for c in cells), f"{rate:,.0f}", f"{PICTURES / rate:.0f}"])
            if form == "stream":
                peak = found["VmHWM"]
    heads = ("how", "after import", "VmHWM", "RssAnon, peak", "RssFile, end", "pictures/s", "an epoch, s")
    print(table(heads, rows))
    print(f"Claim: 10 GB are trained in less than {LIMIT} MB; {'holds' if peak < LIMIT else 'DOES NOT HOLD'}.")


# ---- pictures that are decoded --------------------------------------------------------------------------------------


def pictures(folder: str, form: str, epochs: int) -> dict[str, float]:
    """The process that is measured: epochs of a small CNN over a folder of pictures."""
    import pellucid as pl

    threads = FORMS[form]
    start = time.perf_counter()
    if threads is None:
        data: pl.Data = pl.datasets.picture_folder(folder)
    else:
        data = pl.datasets.stream(folder, threads=threads)
    read = time.perf_counter() - start
    net = pl.Model(
        pl.Conv2D(16, 3), pl.ReLU(), pl.MaxPool2D(2), pl.Conv2D(32, 3), pl.ReLU(), pl.MaxPool2D(2),
        pl.Flatten(), pl.Dense(2),
        loss=pl.SoftmaxCrossEntropy(), input_shape=(48, 48, 3), prepare=pl.Pixels((48, 48, 3)),
    )  # fmt: skip
    training = pl.train(net, data, epochs=epochs + 1, batch_size=64, optimizer=pl.Adam(1e-3))
    taken = [event.seconds for event in training if isinstance(event, pl.EpochDone)]
    digest = int(sum(net.theta.view("u4").tolist()))
    return {"read": read, "first": taken[0], "epoch": median(taken[1:]), "digest": digest}


def decoding(count: int, epochs: int) -> None:
    """A folder of `count` cells, as PNG and as JPEG."""
    from PIL import Image

    title(f"A folder of {count:,} blood cells, brought to 48x48; seconds an epoch of a small CNN")
    files = [sorted((CELLS / kind).glob("*.png"))[: count // 2] for kind in ("Parasitized", "Uninfected")]
    rows = []
    with tempfile.TemporaryDirectory(prefix="pellucid-stream-") as name:
        for ending in ("png", "jpg"):
            for kind, chosen in zip("ab", files, strict=True):
                place = Path(name) / ending / kind
                place.mkdir(parents=True)
                for i, file in enumerate(chosen):
                    Image.open(file).convert("RGB").save(place / f"{i}.{ending}", quality=92)
            times = {form: child("--pictures", Path(name) / ending, form, epochs) for form in FORMS}
            memory_epoch = times["in memory"]["epoch"]
            for form, found in times.items():
                cells = [f"{found[name]:.2f}" for name in ("read", "first", "epoch")]
                cells.append(f"{found['epoch'] / memory_epoch:.2f}")
                rows.append([f"{ending}, {form}", *cells])
            streams = {found["digest"] for form, found in times.items() if form != "in memory"}
            same = "the same bits" if len(streams) == 1 else "DIFFERENT"
            print(f"{ending}: the weights of the three streams are {same}")
    print(table(("how", "before training, s", "first epoch, s", "later epochs, s", "/ in memory"), rows))


def child(*words: object) -> dict[str, float]:
    """This file in a process of its own; the figures that it prints."""
    command = [sys.executable, __file__, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, env=child_environment(), check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Data larger than memory: what they need and what they cost.")
    parser.add_argument("--quick", action="store_true", help="fewer steps, fewer pictures")
    parser.add_argument("--big", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--pictures", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.big or asked.pictures:
        what, (path, form, count) = (train_big, asked.big) if asked.big else (pictures, asked.pictures)
        print(json.dumps(what(path, form, int(count))))
        return
    if not sys.platform.startswith("linux"):
        raise SystemExit("SKIPPED: the memory is read as Linux tells it.")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    print(machine())
    ten_gigabytes(2_000 if asked.quick else 20_000)
    if CELLS.is_dir():
        decoding(1_000 if asked.quick else 4_000, 2 if asked.quick else 3)
    else:
        print(f"\nSKIPPED: the malaria cells are not in {CELLS.relative_to(ROOT.parent)} beside this repository.")


if __name__ == "__main__":
    main()
