"""One seed, many named streams.

Drawing the initial weights, the order of the samples, the dropout masks and the augmentation from one stream would
tie them together: one more dropout layer would change the order of the samples. So each has a stream of its own,
known by its name, and all of them follow from one seed.
"""

from __future__ import annotations

import numpy as np


def stream(seed: int, *name: str | int) -> np.random.Generator:
    """The random stream of this name.

    The same seed and name give the same numbers; any other name gives numbers that have nothing to do with them.

    >>> a, b = stream(0, "shuffle", 1), stream(0, "shuffle", 1)
    >>> bool(a.random() == b.random())
    True
    >>> bool(stream(0, "shuffle", 1).random() == stream(0, "noise").random())
    False
    """
    words = [seed]
    for part in name:
        raw = str(part).encode()
        words += [len(raw), *raw]
    return np.random.default_rng(np.random.SeedSequence(words))
