"""How long it takes to ask a trained CNN about one picture of 28x28: a NumPy array in, probabilities as one out.

    python benchmarks/predict_image.py [--quick]

The network is that of cnn_step.py: conv 3x3x32, max-pool, conv 3x3x64, max-pool, dense 128, dense 10. All hold the same
weights and are asked about the same pictures; all must give the same probabilities. ONNX Runtime can only be asked; it
is there as the reference for what a library made for that alone needs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import cnn_step
from asking import FAST, NUMPY, Ask, race
from contest import drawn
from pellucid import kernels
from pellucid.datasets import digits

SAMPLES = 100  # asked one after the other, each time

RNG = np.random.default_rng(0)
WEIGHTS = drawn(RNG, *cnn_step.SHAPES)
X = digits()[1].x[:SAMPLES].reshape(SAMPLES, 1, 28, 28, 1).astype(np.float32) / 255
THERE = [cnn_step.there(i, w) for i, w in enumerate(WEIGHTS)]  # in PyTorch's layout, which is ONNX's too


def pellucid() -> Ask:
    model = cnn_step.pellucid()
    model.theta[:] = np.concatenate([w.ravel() for w in WEIGHTS])
    return lambda x: model.predict(x)


def torch(channels_last: bool) -> Ask:
    import torch

    layout = torch.channels_last if channels_last else torch.contiguous_format
    net = cnn_step.torch().eval()
    with torch.no_grad():
        for parameter, w in zip(net.parameters(), THERE, strict=True):
            parameter.copy_(torch.from_numpy(w))
    net = net.to(memory_format=layout)

    def ask(x: Any) -> Any:
        with torch.inference_mode():  # one channel: both layouts of the picture are the same bytes
            return net(torch.from_numpy(x).reshape(1, 1, 28, 28).contiguous(memory_format=layout)).softmax(1).numpy()

    return ask


def jax() -> Ask:
    import jax

    p = [jax.numpy.asarray(w) for w in WEIGHTS]
    forward = jax.jit(lambda p, x: jax.nn.softmax(cnn_step.jax(p, x)))
    return lambda x: np.asarray(forward(p, x))


def onnx_runtime() -> Ask:
    """The network as an ONNX graph, node by node."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    names = ("W1", "b1", "W2", "b2", "W3", "b3", "W4", "b4")
    given = [numpy_helper.from_array(w, name) for name, w in zip(names, THERE, strict=True)]
    steps = (
        ("Conv", ("x", "W1", "b1"), {}), ("Relu", (), {}), ("MaxPool", (), {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("Conv", ("", "W2", "b2"), {}), ("Relu", (), {}), ("MaxPool", (), {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("Flatten", (), {}), ("Gemm", ("", "W3", "b3"), {"transB": 1}), ("Relu", (), {}),
        ("Gemm", ("", "W4", "b4"), {"transB": 1}), ("Softmax", (), {"axis": 1}),
    )  # fmt: skip
    nodes, last = [], "x"
    for i, (kind, inputs, options) in enumerate(steps):
        nodes.append(helper.make_node(kind, [last, *inputs[1:]], [f"y{i}"], **options))
        last = f"y{i}"
    x, y = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("x", [1, 1, 28, 28]), (last, [1, 10]))
    )
    graph = helper.make_graph(nodes, "cnn", [x], [y], given)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"x": x.reshape(1, 1, 28, 28)})[0]


COMPETITORS: dict[str, tuple[str, Callable[[], Ask]]] = {
    NUMPY: ("pellucid", pellucid),
    FAST: ("numba", pellucid),
    "PyTorch inference mode, default layout": ("torch", lambda: torch(channels_last=False)),
    "PyTorch inference mode, channels_last": ("torch", lambda: torch(channels_last=True)),
    "JAX jit": ("jax", jax),
    "ONNX Runtime, for reference": ("onnx onnxruntime", onnx_runtime),
}


def main() -> None:
    kernels.use("reference")
    race(COMPETITORS, X, "One picture", truth=pellucid(), digits=0)


if __name__ == "__main__":
    main()
