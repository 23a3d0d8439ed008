"""From nothing to a network that knows its digits: from the start of the process to 97.5 % on MNIST's test set.

    python benchmarks/cold_start.py [--quick]

784-128-10, ReLU, softmax cross-entropy, Adam 1e-3, batches of 128, everybody's own first weights and own shuffling.
Each competitor is a program of its own, written as a competent user of that library would write it: import, read the
files, train an epoch, ask about all 10,000 test pictures at once, stop at 97.5 %. The clock runs from before the
process starts until the program says that it is there. How many epochs that takes is luck to a degree, so they are
shown, and each repetition has another seed. One epoch of each that is not counted fills the disk's cache and numba's.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from common import MNIST, ROOT, child_environment, installed, machine, mnist, ratio, table, take_turns, title

GOAL, LIMIT = 0.975, 30  # accuracy on the test set; the epochs after which a program gives up
Answer = tuple[int, float]  # epochs, accuracy
Set = tuple[Any, Any, Any, Any]  # x, t, and the test part's x, t; pixels as bytes


def pellucid(data: Set, seed: int, limit: int) -> Answer:
    import pellucid as pl

    x, t, x_test, t_test = data
    model = pl.Model(
        pl.Dense(128), pl.ReLU(), pl.Dense(10),
        loss=pl.SoftmaxCrossEntropy(), input_shape=(784,), prepare=pl.Pixels((784,)), seed=seed,
    )  # fmt: skip
    accuracy, epoch = 0.0, 0
    for event in pl.train(model, (x, t), optimizer=pl.Adam(1e-3), epochs=limit, batch_size=128, seed=seed):
        if isinstance(event, pl.EpochDone):
            accuracy, epoch = model.evaluate(x_test, t_test)["accuracy"], event.epoch
            if accuracy >= GOAL:
                break
    return epoch, accuracy


def torch(data: Set, seed: int, limit: int) -> Answer:
    import torch
    from torch import nn

    torch.manual_seed(seed)
    x, x_test = (torch.from_numpy(a.reshape(-1, 784)).float().div_(255) for a in (data[0], data[2]))
    t, t_test = (torch.from_numpy(a).long() for a in (data[1], data[3]))
    net = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.Adam(net.parameters(), 1e-3, fused=True)
    accuracy, epoch = 0.0, 0
    while accuracy < GOAL and epoch < limit:
        for at in torch.randperm(len(x)).split(128):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x[at]), t[at]).backward()
            optimizer.step()
        with torch.inference_mode():
            accuracy = (net(x_test).argmax(1) == t_test).float().mean().item()
        epoch += 1
    return epoch, accuracy


def keras(data: Set, seed: int, limit: int) -> Answer:
    import keras

    keras.utils.set_random_seed(seed)
    x, x_test = (a.reshape(-1, 784).astype("float32") / 255 for a in (data[0], data[2]))
    layers = [keras.layers.Dense(128, activation="relu"), keras.layers.Dense(10)]
    net = keras.Sequential([keras.Input((784,)), *layers])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    net.compile(optimizer=keras.optimizers.Adam(1e-3), loss=loss, metrics=["accuracy"])
    accuracy, epoch = 0.0, 0
    while accuracy < GOAL and epoch < limit:
        net.fit(x, data[1], batch_size=128, epochs=1, verbose=0)
        accuracy = net.evaluate(x_test, data[3], batch_size=10_000, verbose=0)[1]
        epoch += 1
    return epoch, accuracy


def sklearn(data: Set, seed: int, limit: int) -> Answer:
    import numpy as np
    from sklearn.neural_network import MLPClassifier

    x, x_test = (a.reshape(-1, 784).astype(np.float32) / 255 for a in (data[0], data[2]))
    net = MLPClassifier((128,), batch_size=128, learning_rate_init=1e-3, random_state=seed)
    accuracy, epoch = 0.0, 0
    while accuracy < GOAL and epoch < limit:
        net.partial_fit(x, data[1], classes=np.arange(10))  # one epoch
        accuracy = net.score(x_test, data[3])
        epoch += 1
    return epoch, accuracy


NUMPY, FAST = "Pellucid, NumPy alone", "Pellucid, fast extra"
COMPETITORS: dict[str, tuple[str, dict[str, str], Callable[[Set, int, int], Answer]]] = {
    NUMPY: ("pellucid", {"PELLUCID_KERNELS": "reference"}, pellucid),
    FAST: ("numba", {"PELLUCID_KERNELS": "jit"}, pellucid),
    "PyTorch, fused Adam": ("torch", {}, torch),
    "Keras on JAX": ("keras jax", {"KERAS_BACKEND": "jax"}, keras),
    "scikit-learn": ("sklearn", {}, sklearn),
}


def child(name: str, seed: int, limit: int) -> None:
    """The program that is timed: read, train, say so."""
    data = mnist()
    assert data is not None
    epochs, accuracy = COMPETITORS[name][2](data, seed, limit)
    print(epochs, accuracy, flush=True)


def turn(name: str, seed: int, limit: int = LIMIT) -> tuple[float, Answer]:
    """Seconds from before the process starts until it says that it is there; and what it says."""
    command = [sys.executable, __file__, "--child", name, "--seed", str(seed), "--limit", str(limit)]
    environment, pipe = child_environment(**COMPETITORS[name][1]), subprocess.PIPE
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        said = process.stdout.readline().split()
        taken = time.perf_counter() - start
        if len(said) != 2:
            raise SystemExit(f"{name} ended without an answer:\n{process.stderr.read()}")
    return taken, (int(said[0]), float(said[1]))


def compare(repeats: int) -> None:
    """Run everybody in turns and print the table."""
    names, missing = installed(COMPETITORS)
    for text in missing:
        print(text)
    answers: dict[tuple[str, float], Answer] = {}  # by competitor and seconds, because a disturbed turn is taken again

    def timed(name: str) -> float:
        taken, answer = turn(name, seed=sum(known == name for known, _ in answers))
        answers[name, taken] = answer
        return taken

    for name in names:
        turn(name, seed=99, limit=1)
    times = take_turns(names, timed, repeats, tries=2)
    peers = [name for name in names if name not in (NUMPY, FAST)]
    title(f"Process start to {GOAL:.1%} on MNIST's test set, seconds")
    rows = []
    for name, taken in times.items():
        epochs, accuracies = zip(*(answers[name, seconds] for seconds in taken), strict=True)
        if min(accuracies) < GOAL:
            print(f"{name} did not reach {GOAL:.1%} in {LIMIT} epochs in every run; its times are those of giving up.")
        each = ", ".join(f"{t:.1f} s in {n}" for t, n in zip(taken, epochs, strict=True))
        rows.append([name, f"{median(taken):.2f}", f"{min(taken):.2f}", f"{sum(taken) / sum(epochs):.2f}", each])
    print(table(("who", "median", "best", "s / epoch, all included", "each run: time, epochs"), rows))
    for us in (NUMPY, FAST):
        if us in times and peers:
            first = min(peers, key=lambda name: median(times[name]))
            ours, theirs = times[us], times[first]
            print(f"{us} against the fastest peer, {first}: {ratio(theirs, ours)} times as fast (medians / best runs)")


def main() -> None:
    parser = argparse.ArgumentParser(description="From the start of the process to 97.5 % on MNIST, beside the peers.")
    parser.add_argument("--quick", action="store_true", help="1 repetition instead of 3")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--limit", type=int, default=LIMIT, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        child(asked.child, asked.seed, asked.limit)
        return
    print(machine())
    if not MNIST.is_dir():
        print(f"SKIPPED: MNIST's four files are not in {MNIST.relative_to(ROOT.parent)} beside this repository.")
        return
    compare(1 if asked.quick else 3)


if __name__ == "__main__":
    main()
