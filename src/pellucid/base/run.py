"""How a pass through the network is run. It is the only thing that travels with the numbers.

There is no training mode stored in any object: whoever asks for a pass says what kind of pass it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import UsageError


@dataclass(frozen=True, slots=True)
class Run:
    """One pass: is it training, which random stream, what is remembered.

    Args:
        training: dropout drops and batch statistics are used only when true. Default false.
        rng: the stream that dropout draws from. Needed only where a layer draws.
        keep: keep every array of the pass and of its backward pass, as a trace wants. Default false: arrays are
            freed as soon as backward has used them.
        tape: remember what backward will need. False for a pure prediction, which then needs less memory.
        mask: which time steps (N, T) of the samples are real, for layers that read sequences: those that are false
            (or 0) are skipped. Default None: all are real. The loss does not look at it.
    """

    training: bool = False
    rng: np.random.Generator | None = None
    keep: bool = False
    tape: bool = True
    mask: Array | None = None

    def uniform(self, like: Array) -> Array:
        """Numbers between 0 (included) and 1 (excluded), with the shape and type of `like`."""
        if self.rng is None:
            raise UsageError(
                "A layer that draws random numbers (Dropout) was run in training without a random stream. "
                "Give one: pl.Run(training=True, rng=np.random.default_rng(0))."
            )
        if like.dtype == np.float32:
            return self.rng.random(like.shape, dtype=np.float32)
        return np.asarray(self.rng.random(like.shape), like.dtype)


EVALUATE = Run()  # gradients may still be asked for
PREDICT = Run(tape=False)  # forward only
