"""How long it takes to ask a trained network about one sample: a NumPy array in, probabilities as a NumPy array out.

    python benchmarks/predict_one.py [--quick]

That is what a program does which answers one drawing, one reading, one click at a time. The network is 784-128-10.
All hold the same weights and are asked about the same samples: first the embedded digits, four fifths of whose numbers
are 0, as in every drawing, then rows without a 0. All must give the same probabilities.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np

import pellucid as pl
from asking import FAST, NUMPY, Ask, race
from pellucid.datasets import digits

D, H, K = 784, 128, 10
SAMPLES = 200  # asked one after the other, each time


def draw() -> list[Any]:
    """The weights W1, b1, W2, b2."""
    rng = np.random.default_rng(0)
    shapes = ((D, H), (H,), (H, K), (K,))
    return [(rng.standard_normal(shape) / np.sqrt(shape[0])).astype(np.float32) for shape in shapes]


def drawings() -> Any:
    """Embedded digits (SAMPLES, 1, D), pixels from 0 to 1."""
    return digits()[1].x[:SAMPLES].reshape(SAMPLES, 1, D).astype(np.float32) / 255


WEIGHTS = draw()


def pellucid() -> Ask:
    model = pl.Model(pl.Dense(H), pl.ReLU(), pl.Dense(K), loss=pl.SoftmaxCrossEntropy(), input_shape=(D,))
    model.theta[:] = np.concatenate([w.ravel() for w in WEIGHTS])
    return lambda x: model.predict(x)


def torch() -> Ask:
    import torch

    net = torch.nn.Sequential(torch.nn.Linear(D, H), torch.nn.ReLU(), torch.nn.Linear(H, K)).eval()
    with torch.no_grad():
        for parameter, w in zip(net.parameters(), WEIGHTS, strict=True):
            parameter.copy_(torch.from_numpy(w.T.copy()))

    def ask(x: Any) -> Any:
        with torch.inference_mode():
            return net(torch.from_numpy(x)).softmax(1).numpy()

    return ask


def jax() -> Ask:
    import jax
    import jax.numpy as jnp

    p = [jnp.asarray(w) for w in WEIGHTS]

    @jax.jit
    def forward(p: Any, x: Any) -> Any:
        W1, b1, W2, b2 = p
        return jax.nn.softmax(jax.nn.relu(x @ W1 + b1) @ W2 + b2)

    return lambda x: np.asarray(forward(p, x))


def keras() -> Ask:
    import keras

    layers = [keras.layers.Dense(H, activation="relu"), keras.layers.Dense(K, activation="softmax")]
    net = keras.Sequential([keras.Input((D,)), *layers])
    net.set_weights(WEIGHTS)
    return lambda x: net.predict_on_batch(x)


def sklearn() -> Ask:
    from sklearn.neural_network import MLPClassifier

    net = MLPClassifier((H,))
    net.partial_fit(np.zeros((K, D), np.float32), np.arange(K), classes=np.arange(K))
    for mine, w in zip((*net.coefs_, *net.intercepts_), (*WEIGHTS[::2], *WEIGHTS[1::2]), strict=True):
        mine[:] = w
    return lambda x: net.predict_proba(x)


def plain() -> Ask:
    """The floor: the arithmetic written out for this one network."""
    W1, b1, W2, b2 = WEIGHTS

    def ask(x: Any) -> Any:
        z = np.maximum(x @ W1 + b1, 0) @ W2 + b2
        e = np.exp(z - z.max())
        return e / e.sum()

    return ask


COMPETITORS: dict[str, tuple[str, Callable[[], Ask]]] = {
    NUMPY: ("pellucid", pellucid),
    FAST: ("numba", pellucid),
    "PyTorch, inference mode": ("torch", torch),
    "JAX jit": ("jax", jax),
    "Keras on JAX, predict_on_batch": ("keras jax", keras),
    "scikit-learn, predict_proba": ("sklearn", sklearn),
    "four lines of NumPy": ("numpy", plain),
}


if __name__ == "__main__":
    full = np.random.default_rng(1).random((SAMPLES, 1, D), np.float32)
    race(COMPETITORS, drawings(), "One drawing", truth=plain(), digits=1)
    race(COMPETITORS, full, "One row without a 0", truth=plain(), digits=1)
