"""How much memory a process needs that trains all of MNIST for an epoch: its greatest resident size.

    python benchmarks/memory.py [--quick]

60,000 pictures, kept as the bytes that they are until their batch comes, by everybody: 47 MB of the memory are the data
themselves, the rest is the interpreter, the libraries and the work. Each runs in a process of its own, which is asked
for its greatest size at its end. The network is 784-128-10, with Adam and batches of 128.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
from collections.abc import Callable
from statistics import median
from typing import Any

from common import MNIST, ROOT, child_environment, installed, machine, mnist, table, title

LIMIT = 400  # megabytes that Pellucid may need
Set = tuple[Any, Any, Any, Any]


def nothing(data: Set) -> None:
    """The data read, and no more."""


def pellucid(data: Set) -> None:
    import pellucid as pl

    model = pl.Model(
        pl.Dense(128), pl.ReLU(), pl.Dense(10),
        loss=pl.SoftmaxCrossEntropy(), input_shape=(784,), prepare=pl.Pixels((784,)),
    )  # fmt: skip
    model.fit(data[0], data[1], epochs=1, batch_size=128, optimizer=pl.Adam(1e-3), verbose=False)
    accuracy = model.evaluate(data[2], data[3])["accuracy"]
    assert accuracy > 0.9, accuracy


def torch(data: Set) -> None:
    import torch
    from torch import nn

    x, t = (torch.from_numpy(a.copy()) for a in data[:2])
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.Adam(net.parameters(), 1e-3, fused=True)
    for at in torch.randperm(len(x)).split(128):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x[at].float().div_(255)), t[at].long()).backward()
        optimizer.step()


def keras(data: Set) -> None:
    import keras

    layers = [keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(128, activation="relu")]
    net = keras.Sequential([keras.Input((28, 28)), *layers, keras.layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    net.compile(optimizer=keras.optimizers.Adam(1e-3), loss=loss)
    net.fit(data[0], data[1], batch_size=128, epochs=1, verbose=0)


def sklearn(data: Set) -> None:
    import numpy as np
    from sklearn.neural_network import MLPClassifier

    net = MLPClassifier((128,), batch_size=128, learning_rate_init=1e-3)
    for i in range(0, len(data[0]), 128):
        x = data[0][i : i + 128].reshape(-1, 784).astype(np.float32) / 255
        net.partial_fit(x, data[1][i : i + 128], classes=np.arange(10))


NUMPY, FAST = "Pellucid, NumPy alone", "Pellucid, fast extra"
COMPETITORS: dict[str, tuple[str, dict[str, str], Callable[[Set], None]]] = {
    "NumPy and the data, nothing trained": ("numpy", {}, nothing),
    NUMPY: ("pellucid", {"PELLUCID_KERNELS": "reference"}, pellucid),
    FAST: ("numba", {"PELLUCID_KERNELS": "jit"}, pellucid),
    "PyTorch": ("torch", {}, torch),
    "Keras on JAX": ("keras jax", {"KERAS_BACKEND": "jax"}, keras),
    "scikit-learn": ("sklearn", {}, sklearn),
}


def child(name: str) -> None:
    """The process that is measured."""
    data = mnist()
    assert data is not None
    COMPETITORS[name][2](data)
    unit = 1 if sys.platform == "darwin" else 1024  # bytes on macOS, kilobytes on Linux
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6)


def megabytes(name: str) -> float:
    """The greatest resident size of a process of its own that does this."""
    command = [sys.executable, __file__, "--child", name]
    environment = child_environment(**COMPETITORS[name][1])
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr}")
    return float(done.stdout)


def compare(repeats: int) -> None:
    """Measure everybody and print the table."""
    names, missing = installed(COMPETITORS)
    sizes = {name: [megabytes(name) for _ in range(repeats)] for name in names}
    print(machine())  # only now: a child's greatest size begins with that of the process that started it
    for text in missing:
        print(text)
    title("Greatest resident size while MNIST is trained for an epoch, megabytes")
    ours = median(sizes[NUMPY])
    rows = [[n, f"{median(s):.0f}", f"{max(s):.0f}", f"{median(s) / ours:.2f}"] for n, s in sizes.items()]
    print(table(("who", "median", "worst", "/ NumPy alone"), rows))
    for us in (NUMPY, FAST):
        if us in sizes:
            verdict = "holds" if max(sizes[us]) < LIMIT else "DOES NOT HOLD"
            print(f"Claim: {us} needs less than {LIMIT} MB; {verdict}.")


def main() -> None:
    parser = argparse.ArgumentParser(description="The memory that training MNIST needs, beside the peers.")
    parser.add_argument("--quick", action="store_true", help="1 repetition instead of 3")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        child(asked.child)
    elif not MNIST.is_dir():
        print(machine())
        print(f"SKIPPED: MNIST's four files are not in {MNIST.relative_to(ROOT.parent)} beside this repository.")
    else:
        compare(1 if asked.quick else 3)


if __name__ == "__main__":
    main()
