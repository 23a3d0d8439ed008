"""The mistakes that have a name. Each is one sentence: what the code does, and why that is not the derivative.

They are those that people make again and again when they derive a backward pass by hand. The list is the vocabulary of
`pl.check_backward`; what each mistake would have computed is built in suspects.py, loss_suspects.py and optimizers.py.
"""

from __future__ import annotations

MISTAKES = {
    # ---- factors
    "sign": "The gradient points the other way: a step along it makes the loss larger.",
    "missing 1/N": "The reported loss is a mean over the N samples, but the gradient is not divided by N.",
    "extra 1/N": "The gradient is divided by the N samples once too often: that division stands in the loss, once.",
    "missing 1/K": "The reported loss is a mean over the K outputs too, but the gradient is not divided by K.",
    "extra 1/K": "The gradient is divided by the K outputs, but the reported value is not.",
    "factor 2 of the square": "The derivative of d^2 is 2 d: the 2 is missing, or there twice.",
    # ---- which numbers are added up
    "transposed": "Rows and columns are exchanged.",
    "not summed over the batch": "Every sample uses the same parameter, so their contributions add up to one gradient.",
    "averaged instead of summed": "The samples' contributions are averaged here, although the loss has divided by N.",
    "one sample only": "Only one sample of the batch contributes.",
    "bias gradient a scalar": "Each output has a bias of its own: sum over the batch alone, not over the outputs.",
    # ---- the bend
    "activation derivative missing": "The gradient has not passed the activation: dy must be multiplied by its slope.",
    "activation derivative applied twice": "The gradient has passed the activation's slope twice.",
    "derivative taken at the output instead of the input": (
        "This slope is a function of the activation's input, but it was given the output."
    ),
    "derivative taken at the input instead of the output": (
        "This slope is written as a function of the activation's output, but it was given the input."
    ),
    "softmax Jacobian missing": (
        "Each probability depends on every score of its row; without that sharing this is not the gradient."
    ),
    "softmax Jacobian applied twice": "The gradient passes the softmax here although it has passed it already.",
    "softmax over the wrong axis": "The shares of one sample must sum to 1; here other numbers share.",
    "p instead of p - y": "The target was never subtracted: the gradient pushes all scores down, the right one too.",
    "mask from the wrong array": "What was let through in forward must pass in backward; another mask was used.",
    "mask inverted": "What was let through in forward is stopped, and what was stopped is let through.",
    "dropout scale missing": "Forward multiplies what is kept by 1 / (1 - rate), so backward must too.",
    # ---- the weights' cost
    "regulariser missing": "The weights' penalty is part of the loss, but its derivative is not in the gradient.",
    "regulariser doubled": "The derivative of the weights' penalty is in the gradient twice.",
    # ---- memory
    "stale gradient added": "The gradient of the last batch is still in this one: it must be overwritten, or zeroed.",
    "wrong input cached": "Backward used another array than the input of the last forward.",
    "weights updated before use": "The weights were changed before dX was computed, so dX belongs to other weights.",
    "argument overwritten": "The caller's array was changed, and the caller may still need it.",
    # ---- optimizers
    "bias correction multiplied": "m / (1 - beta^t) makes the early steps larger; multiplied, it makes them smaller.",
    "bias correction missing": "m and v start at 0 and are too small at first; the published formula divides that out.",
    "epsilon inside the root": "The published formula adds epsilon to the root: sqrt(v) + eps, not sqrt(v + eps).",
    "momentum sign": "Momentum repeats the last step; with this sign it takes the last step back.",
    "gradient not squared": "The running mean is that of the squared gradient.",
    "root missing": "The step is divided by the root of the running mean of squares, not by the mean itself.",
    "step counted from 0": "The bias correction counts steps from 1.",
}
UNKNOWN = "wrong, by an unknown rule"


def known(name: str) -> str:
    """The name itself; a spelling that is not in the list is a bug of this package.

    >>> known("sign")
    'sign'
    """
    if name not in MISTAKES:
        raise KeyError(name)
    return name
