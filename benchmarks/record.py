"""What a recording costs: the time that it adds to training on MNIST, its size, and how long rebuilding a step takes.

    python benchmarks/record.py [--quick]

The network is 784-128-10, batch 128, Adam, with validation and accuracy, as `pellucid train mnist` makes it. The two
trainings, with and without a recorder, take turns epoch by epoch in a changing order, so that whatever else the machine
does hits both; the processor's own time, which minds that less, is measured beside the clock's. Aims: at most 15 % more
time, and any step rebuilt in a second.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pellucid as pl
from common import MNIST, machine, table, title
from pellucid.datasets import load_idx_folder

NAMES = ("plain", "recorded")


def training(data: pl.Data, validation: pl.Data, epochs: int) -> pl.Training:
    model = pl.Model(
        pl.Dense(128), pl.ReLU(), pl.Dense(10),
        loss=pl.SoftmaxCrossEntropy(), input_shape=784, prepare=pl.Pixels((784,), 255.0, (28, 28)),
    )  # fmt: skip
    return pl.train(
        model,
        data,
        optimizer=pl.Adam(1e-3),
        epochs=epochs,
        batch_size=128,
        validation=validation,
        metrics=[pl.accuracy],
    )


def epoch(events: Iterator[pl.Event]) -> tuple[float, float]:
    """The seconds of one epoch, by the clock and of the processor."""
    start, busy = time.perf_counter(), time.process_time()
    for event in events:
        if isinstance(event, pl.EpochDone):
            break
    return time.perf_counter() - start, time.process_time() - busy


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a fast look")
    epochs = 6 if parser.parse_args().quick else 20
    if not MNIST.is_dir():
        raise SystemExit(f"This needs MNIST's four files in {MNIST}.")
    data, validation = pl.split(load_idx_folder(MNIST)[0], 0.1)
    list(training(data[:256], validation[:256], 1))  # compiles and fills caches
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "mnist.run"
        plain, recorded = training(data, validation, epochs), training(data, validation, epochs)
        turns = {"plain": plain, "recorded": pl.record(recorded, place)}
        times: dict[str, list[float]] = {name: [] for name in NAMES}
        used = dict.fromkeys(NAMES, 0.0)
        for i in range(epochs):
            for name in NAMES if i % 2 else NAMES[::-1]:
                seconds, busy = epoch(turns[name])
                times[name].append(seconds)
                used[name] += busy
        list(turns["recorded"])
        assert (plain.model.theta == recorded.model.theta).all(), "the recorder changed the training"
        recording = pl.open_recording(place, data, validation=validation)
        assert recording.at(recording.steps[-1]).step == epochs * plain.steps_per_epoch
        rebuilt = []
        for step in random.Random(0).sample(recording.steps, 12 if epochs < 10 else 30):
            start = time.perf_counter()
            recording.at(step)
            rebuilt.append(time.perf_counter() - start)
        start = time.perf_counter()
        recording.trace(100)
        traced = time.perf_counter() - start

        title(f"Recording MNIST, {epochs} epochs of {plain.steps_per_epoch} steps: seconds an epoch")
        print(table(("who", "median", "minimum"), [(n, f"{median(v):.3f}", f"{min(v):.3f}") for n, v in times.items()]))
        for words, f in (("medians", median), ("minima", min), ("sums", sum)):
            print(f"recording adds {100 * (f(times['recorded']) / f(times['plain']) - 1):+.1f} % by the {words}")
        print(f"recording adds {100 * (used['recorded'] / used['plain'] - 1):+.1f} % of processor time")
        size, count = recording.size / 1e6, len(recording.checkpoints)
        print(f"\n{count} checkpoints, {size:.1f} MB in all; at most {recording.seconds:.2f} s of training between two")
        print(f"a step is rebuilt in {median(rebuilt):.2f} s (median of {len(rebuilt)}), {max(rebuilt):.2f} s at most")
        print(f"the trace of a step, rebuilt and made: {traced:.2f} s\n")
    print(machine())


if __name__ == "__main__":
    main()
