"""Check anyone's backward pass, and name the mistake.

A backward pass that is wrong often still learns, only worse, so a falling loss proves nothing. What proves something is
to nudge every input of forward and to see what the output really does. And what helps is to hear which mistake it was.
"""

from __future__ import annotations

from typing import Any

from pellucid.inspection.backward.report import BackwardReport


def check_backward(
    subject: Any, x: Any = None, t: Any = None, *, args: tuple[Any, ...] | None = None, seed: int = 0
) -> BackwardReport:
    """Compare what a backward pass says with what a nudge of forward does, and name the mistake if they differ.

    The true gradient is found by moving every number a little, in float64. If the reported one is another, it is
    compared with what each known mistake would have said, in several draws that differ in size and numbers; only a
    mistake that explains all of them is named. Kinks (ReLU at 0) and the rounding of float32 are no mistakes. The
    subject itself is not touched: copies are run.

    Args:
        subject: what is checked, in one of these forms.
            A layer or activation: an object or class with `forward(inputs)`, which leaves `.output` or returns it, and
            `backward(dvalues)`, which leaves `.dinputs`, `.dweights`, `.dbiases` or returns them; a `pl.Layer`; a pair
            of functions `(forward, backward)` such as `forward(x, w, b)` and `backward(dy, x, w, b)`.
            A loss: an object or class with `forward(y_pred, y_true)` and `backward(dvalues, y_true)`, a `pl.Loss`, or a
            pair of functions. An optimizer, which is compared with the published formula. A `torch.nn.Module`.
            A network with its loss: a `pl.Model`, a list of layers that ends in a loss, or an object that has both.
        x: inputs (N, ...) as the subject takes them, or None to draw some. For a pair of functions also a tuple of all
            of forward's arguments.
        t: targets, for losses and networks; None to draw some where the kind is clear.
        args: with which a class is made; None to guess from the names of its arguments.
        seed: the draws follow from it.

    Returns:
        A report: `.ok`, `.mistakes` (their names), `str(report)` with the evidence and the repair.

    Raises:
        UsageError: if the subject has none of these forms, or its forward fails.

    >>> import numpy as np
    >>> class Dense:
    ...     def __init__(self, n_inputs, n_neurons):
    ...         self.weights = 0.01 * np.random.randn(n_inputs, n_neurons)
    ...         self.biases = np.zeros((1, n_neurons))
    ...     def forward(self, inputs):
    ...         self.inputs = inputs
    ...         self.output = inputs @ self.weights + self.biases
    ...     def backward(self, dvalues):
    ...         self.dweights = self.inputs.T @ dvalues
    ...         self.dbiases = np.sum(dvalues)
    ...         self.dinputs = dvalues @ self.weights.T
    >>> report = check_backward(Dense(4, 3))
    >>> report.ok, report.mistakes, report["dweights"].verdict
    (False, ('bias gradient a scalar',), 'right')
    """
    from pellucid.inspection.backward.forms import checked  # a score of files that few programs need

    return checked(subject, x, t, args, seed)
