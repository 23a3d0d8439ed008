"""Prints the Chebyshev coefficients in src/pellucid/base/normal.py; needs mpmath.

    python scripts/make_normal.py

With t = 2 / (2 + z) the function g(t) = log erfc(z) + z^2 - log t is smooth on 0 < t <= 1, so that a short Chebyshev
series in 2 t - 1 gives erfc to full double precision for every z >= 0.
"""

from mpmath import cos, erfc, log, mp, mpf, nstr, pi

mp.dps = 40
POINTS, TERMS = 64, 26


def g(y):
    t = (mpf(y) + 1) / 2
    z = 2 / t - 2
    return log(erfc(z)) + z * z - log(t)


angles = [pi * (mpf(k) + mpf(1) / 2) / POINTS for k in range(POINTS)]
values = [g(cos(angle)) for angle in angles]
for j in range(TERMS):
    c = mpf(2 if j else 1) / POINTS * sum(v * cos(j * a) for v, a in zip(values, angles, strict=True))
    print(nstr(c, 17))
