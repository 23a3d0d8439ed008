"""What is done to raw input before the first layer. It is fitted on the training part only and travels in the model
file, so that `predict` treats a new input exactly as training treated the old ones. Here rows of numbers; pictures are
in `pictures`, tables with words in `table`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import ShapeError, draw_shapes


@dataclass(frozen=True)
class Standardize:
    """(x - mean) / std      column by column: afterwards every column has mean 0 and deviation 1 on the training part

    Args:
        mean, std: one number a column. `Standardize.fit(x)` measures them.
        columns: the columns' names, so that a table with others in between can be read too. Default unknown.

    >>> x = np.array([[1.0, 5.0], [3.0, 5.0]])
    >>> Standardize.fit(x)(x)        # a constant column tells nothing and becomes 0
    array([[-1.,  0.],
           [ 1.,  0.]], dtype=float32)
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    columns: tuple[str, ...] = ()

    @classmethod
    def fit(cls, x: Array, columns: tuple[str, ...] = ()) -> Standardize:
        """Measure the columns of x (N, D). Give the training part only: the rest must not be looked at."""
        x = np.asarray(x, np.float64)
        return cls(tuple(x.mean(axis=0).tolist()), tuple(x.std(axis=0).tolist()), columns)

    def __call__(self, x: Array) -> Array:
        x = np.asarray(x)
        if x.shape[-1] != len(self.mean):
            raise ShapeError(
                "The model was trained on another number of columns.\n"
                + draw_shapes((None, *x.shape[1:]), (None, len(self.mean)))
            )
        std = np.where(np.asarray(self.std) > 0, self.std, 1.0)
        return np.asarray((x - np.asarray(self.mean)) / std, np.float32)
