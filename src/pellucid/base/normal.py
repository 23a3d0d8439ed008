"""The normal distribution's density and cumulative function, which GELU is made of.

NumPy has no error function. This one is a Chebyshev series, exact to the last digits of a double; where the
coefficients come from is in scripts/make_normal.py.
"""

from __future__ import annotations

from math import pi, sqrt
from typing import Any

import numpy as np

from pellucid.base.arrays import Array

# log erfc(z) + z^2 - log t = sum_j SERIES[j] T_j(2 t - 1)      with t = 2 / (2 + z), z >= 0
SERIES = np.array([
    -0.65132685989085472, 0.64196979235649026, 0.019476473204185836, -0.0095615147868086316,
    -0.00094659534448203687, 0.00036683949785276145, 4.2523324806907772e-5, -2.0278578112534243e-5,
    -1.6242900046470255e-6, 1.3036558355805232e-6, 1.5626441722066143e-8, -8.5238095914926543e-8,
    6.5290544390988515e-9, 5.0593434955514689e-9, -9.9136415649303309e-10, -2.2736512229318359e-10,
    9.6467911020155268e-11, 2.3940380830391147e-12, -6.8860275264975534e-12, 8.9448792730907257e-13,
    3.1309213993429581e-13, -1.1270822361367252e-13, 3.8109052551892321e-16, 7.106097613609237e-15,
    -1.5230282014571043e-15, -9.457494571291234e-17,
])  # fmt: skip
ENOUGH_FOR_FLOAT32 = 14  # the terms from here on are below 1e-10


def series(dtype: Any) -> Array:
    """As many coefficients as numbers of this type can tell apart, in this type.

    >>> len(series(np.float32)), len(series(np.float64))
    (14, 26)
    """
    wanted = np.dtype(dtype)
    return (SERIES[:ENOUGH_FOR_FLOAT32] if wanted == np.float32 else SERIES).astype(wanted)


def normal_cdf(x: Array) -> Array:
    """`Phi(x)`: how much of a standard normal lies below x. `Phi(x) = erfc(-x / sqrt 2) / 2`.

    >>> normal_cdf(np.array([-50.0, 0.0, 1.0, 50.0]))
    array([0.        , 0.5       , 0.84134475, 1.        ])
    """
    z = np.abs(x) * (1.0 / sqrt(2.0))
    t = 2.0 / (2.0 + z)
    terms = series(x.dtype)
    y = 2.0 * t - 1.0
    ahead = behind = np.zeros_like(y)
    for c in terms[:0:-1].tolist():  # Clenshaw's recurrence, the last coefficient first
        ahead, behind = 2.0 * y * ahead - behind + c, ahead
    tail = 0.5 * t * np.exp(y * ahead - behind + float(terms[0]) - z * z)  # Phi(-|x|)
    return np.where(x > 0, 1.0 - tail, tail)


def normal_pdf(x: Array) -> Array:
    """`phi(x) = e^(-x^2 / 2) / sqrt(2 pi)`, the derivative of Phi.

    >>> normal_pdf(np.array([0.0]))
    array([0.39894228])
    """
    return np.asarray(np.exp(-0.5 * x * x) * (1.0 / sqrt(2.0 * pi)))
