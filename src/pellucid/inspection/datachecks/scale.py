"""Numbers of the wrong size: inputs that nobody scaled, and a part that was scaled by other figures than the training.

What is set aside is prepared with the training part's figures. Scaled by its own, the same flower gets other numbers
on the other side, and the figure that comes out is of another task.
"""

from __future__ import annotations

import numpy as np

from pellucid.base.arrays import Array
from pellucid.diverged import BIG
from pellucid.inspection.datachecks.case import FEW, Case, listed
from pellucid.inspection.finding import Finding
from pellucid.layers import Embedding

FEWEST = 10  # samples of a part; with fewer a mean says little
TIMES = 5.0  # as wide, or as narrow, as the training part: not by chance
EXACT = 1e-5  # a mean or a deviation this near to 0 or 1 was made so
LOOKED = 2_000  # samples of each part whose figures are measured
SINGLE = 0.01  # of the training part; a least number that fewer rows have is not a bound of the scale


def unscaled_inputs(case: Case) -> Finding | None:
    """Inputs beyond 20, as the network will see them; a table and bytes in a `pl.Data` are still to be prepared."""
    model, x = case.model, case.train.x[:1000]
    if model is not None:
        if isinstance(model.layers[0], Embedding):
            return None
        x = np.asarray(model.prepared(x))
    elif not case.bare:
        return None
    if x.dtype.kind not in "fiub" or not x.size:
        return None
    sizes = np.abs(np.nan_to_num(x.reshape(len(x), -1).astype(np.float64))).max(axis=0)
    top = float(sizes.max())
    if top <= BIG:
        return None
    whole = bool((x.reshape(-1)[:100_000] == np.floor(x.reshape(-1)[:100_000])).all())
    pixels = case.picture is not None and float(x.min()) >= 0 and 128 <= top <= 255
    if not pixels and x.ndim == 2 and whole and x.shape[1] > 1 and _are_ids(x):
        return None
    columns = [name for name, size in zip(case.names, sizes, strict=False) if size > BIG] if x.ndim == 2 else []
    evidence = ["usual are numbers from about -1 to 1: larger ones make the first steps too long"]
    if columns and not pixels and case.picture is None:
        evidence.insert(0, f"beyond {BIG:g} are {listed(columns)}")
    return Finding(
        "unscaled inputs",
        f"The inputs reach {top:g}, and nothing brings them to about 1.",
        tuple(evidence),
        "Divide the pixels by 255." if pixels else "Bring each column to mean 0 and deviation 1, as training measures.",
        "pl.Model(..., prepare=pl.Pixels(input_shape))" if pixels else "pl.Model(..., prepare=pl.Standardize.fit(x))",
    )


def _are_ids(x: Array) -> bool:
    """Whether whole numbers are words' ids: all columns count from 0 and reach about as far as one another."""
    tops = x.max(axis=0).astype(np.float64)
    return bool(x.min() >= 0 and np.median(tops) > 0.5 * tops.max() and x.min(axis=0).max() < 0.1 * tops.max())


def scaled_by_itself(case: Case) -> Finding | None:
    """A part set aside whose numbers are of another size than the training part's, or that was scaled by itself."""
    whole = _numbers(case, "training")
    if whole is None or len(whole) < FEW:
        return None
    for name in case.aside:
        train, part = whole, _numbers(case, name)
        if part is None or len(part) < FEWEST or part.shape[1] != train.shape[1]:
            continue
        train, part = (x[:, ~(np.isnan(train).all(axis=0) | np.isnan(part).all(axis=0))] for x in (train, part))
        if not train.size:
            continue
        sizes = [x.reshape(-1, 1) for x in (train, part)] if case.picture is not None else [train, part]
        found = _other_size(name, *sizes) or _by_itself(name, train, part)
        if found is not None:
            return found
    return None


CURE = "Prepare every part with the figures of the training part; a model's preparation does it by itself."
CODE = "prepare = pl.Standardize.fit(x_train)      # then prepare(x_train), prepare(x_test)"


def _other_size(name: str, train: Array, part: Array) -> Finding | None:
    """Whether most columns are several times as wide, or as narrow, as in the training part."""
    a, b = np.nanstd(train, axis=0), np.nanstd(part, axis=0)
    moving = (a > 0) & (b > 0)
    if moving.sum() < 0.5 * (a > 0).sum() or not moving.any():
        return None
    times = float(np.median(b[moving] / a[moving]))
    if 1 / TIMES < times < TIMES:
        return None
    ranges = [f"{float(np.nanmin(x)):.4g} to {float(np.nanmax(x)):.4g}" for x in (train, part)]
    factor = times if times > 1 else 1 / times
    return Finding(
        "test part scaled by itself",
        f"The {name} part is on another scale: its numbers spread {factor:.3g} times as "
        f"{'wide' if times > 1 else 'little'} as those of the training part.",
        (f"the training part goes from {ranges[0]}, the {name} part from {ranges[1]}",),
        CURE,
        CODE,
    )


def _by_itself(name: str, train: Array, part: Array) -> Finding | None:
    """Whether the part has, by itself, exactly the figures that scaling gives the training part."""
    figures = None
    if _is_standard(part, axis=0):
        figures = f"every column of it has mean 0 and deviation 1 to {EXACT:g}"
    elif part.shape[1] > 1 and _is_standard(part, axis=None):
        figures = f"all of it together has mean 0 and deviation 1 to {EXACT:g}"
    elif _from_0_to_1(train, part):
        figures = "every column of it goes from exactly 0 to exactly 1"
    if figures is None:
        return None
    return Finding(
        "test part scaled by itself",
        f"The {name} part was scaled by its own figures, not by those of the training part.",
        (
            figures,
            f"with the training part's figures, the means of {len(part):,} samples would be off by about "
            f"{1 / np.sqrt(len(part)):.2g}, and nothing would end at a round number",
        ),
        CURE,
        CODE,
    )


def _is_standard(x: Array, axis: int | None) -> bool:
    """Whether all that moves has mean 0 and deviation 1 (over N or N - 1), as exactly as it is computed."""
    mean, std = np.atleast_1d(np.nanmean(x, axis=axis)), np.atleast_1d(np.nanstd(x, axis=axis))
    mean, std = mean[std > 0], std[std > 0]
    n = len(x) if axis == 0 else x.size
    near = min(float(np.abs(std * f - 1.0).max(initial=0.0)) for f in (1.0, np.sqrt(n / max(n - 1, 1))))
    return bool(len(std) and (np.abs(mean) < EXACT).all() and near < EXACT)


def _from_0_to_1(train: Array, part: Array) -> bool:
    """Whether each measured column ends at 0 and 1, although a few samples alone are at the ends."""
    least, most = np.nanmin(train, axis=0), np.nanmax(train, axis=0)
    alone = ((train == least).mean(axis=0) < SINGLE) & ((train == most).mean(axis=0) < SINGLE) & (most > least)
    low, high = np.nanmin(part[:, alone], axis=0), np.nanmax(part[:, alone], axis=0)
    return bool(alone.sum() >= 3 and (np.abs(low) < EXACT).all() and (np.abs(high - 1.0) < EXACT).all())


def _numbers(case: Case, name: str) -> Array | None:
    """All of a part's numbers (N, D), as float64; of many pictures some. None if there are none."""
    part = case.parts[name]
    if part.x.dtype.names is not None:
        of_numbers = [n for n in part.x.dtype.names if part.x.dtype[n].kind == "f"]
        return np.stack([part.x[n] for n in of_numbers], axis=1) if of_numbers else None
    if part.x.dtype.kind not in "biuf" or part.x.ndim < 2 or not part.x.size:
        return None
    flat = part.x.reshape(len(part), -1)
    if name == "training" or part.x.dtype.kind == "u" or flat.size > 1 << 25:
        flat = flat[:: max(1, len(flat) // LOOKED)] if flat.size > 1 << 21 else flat
    return np.asarray(flat, np.float64)
