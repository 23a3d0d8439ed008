"""One forward and one backward, watched: what was said, what is true, which arrays of the caller were changed.

Trials come in pairs on one body, because some mistakes show only the second time: a gradient that was not cleared, an
input that was remembered once and for all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from pellucid.base.arrays import Array
from pellucid.base.errors import UsageError
from pellucid.inspection.backward.calling import same_numbers
from pellucid.inspection.backward.nudge import Jacobian, is_coarse, jacobian
from pellucid.inspection.backward.subject import Body, Subject, X

EXACT, SINGLE, ROUGH = 2e-5, 2e-4, 6e-3  # how far two gradients may be apart: float64, float32, a float32 forward


@dataclass
class Trial:
    """What happened.

    Args:
        x, y, dy: input, output and upstream gradient.
        params: the parameters of this pass; after: what they were when backward had returned.
        said: what backward said, by the name of the array.
        truth: the true gradients; NaN where they are not known, or on a kink.
        jacobians: by the name of the array.
        forward: the output for another input and other parameters, with the same random numbers.
        cost: the slope of the weights' penalty, by parameter.
        written: which arguments were changed, and by which function.
        trouble: the error that backward ended with, or None.
        tolerance: how far two gradients may be apart and still be the same.
        before: the trial before this one on the same body, or None.
        draw: which draw it belongs to.
        random: forward draws random numbers.
    """

    x: Array
    y: Array
    dy: Array
    params: dict[str, Array]
    after: dict[str, Array]
    said: dict[str, Array]
    truth: dict[str, Array]
    jacobians: dict[str, Jacobian]
    forward: Callable[[Array, dict[str, Array]], Array]
    cost: dict[str, tuple[Array, Array]]
    written: dict[str, str] = field(default_factory=dict)
    trouble: Exception | None = None
    tolerance: float = EXACT
    before: Trial | None = None
    draw: int = 0
    random: bool = False

    @property
    def N(self) -> int:
        """The number of samples."""
        return len(self.y)

    @property
    def K(self) -> int:
        """The number of outputs a sample."""
        return int(self.y.size // max(len(self.y), 1))

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of one of the arrays that have a gradient."""
        return (self.x if name == X else self.params[name]).shape

    def floor(self) -> float:
        """The size below which a gradient is rounding."""
        noise = 1e-4 if self.tolerance == ROUGH else 1e-9
        return noise * (1.0 + float(np.abs(self.y).max(initial=0.0))) * float(np.abs(self.dy).max(initial=0.0))


def pair(subject: Subject, draw: int, x: Array, x2: Array, params: dict[str, Array] | None, seed: int) -> list[Trial]:
    """Two trials after each other on one body.

    Args:
        subject: whose backward is checked.
        draw: which body.
        x, x2: the inputs of the two, of the same shape.
        params: the parameters' values, or None for the body's own.
        seed: the upstream gradients and what is nudged follow from it.
    """
    body, probe = subject.body(draw), subject.body(draw)
    for one in (body, probe):
        strengthen = getattr(one, "strengthen", None)
        if strengthen is not None and draw:
            strengthen(0.15, 0.2)
        if params is not None:
            one.put(params)
    params = body.params()
    rng = np.random.default_rng([seed, 5])
    first = _watch(subject, body, probe, x, params, rng, None, draw)
    if subject.owns_params:
        body.put(params)
    second = _watch(subject, body, probe, x2, body.params(), rng, first, draw)
    return [first, second]


def _watch(
    subject: Subject,
    body: Body,
    probe: Body,
    x: Array,
    params: dict[str, Array],
    rng: np.random.Generator,
    before: Trial | None,
    draw: int,
) -> Trial:
    given, written = x.copy(), dict[str, str]()
    state = body.chance.state()
    y = body.forward(given)
    if not same_numbers(given, x):
        written[subject.words.x.removeprefix("self.")] = "forward"
    if y.ndim == 0 or not np.isfinite(y).all():
        raise UsageError(
            f"{subject.name}'s forward gives {'a single number' if y.ndim == 0 else 'numbers that are not finite'} for "
            f"inputs of shape {x.shape}. A layer gives one output a sample; a loss is checked with its targets: "
            "pl.check_backward(loss, outputs, targets)."
        )
    given = x.copy() if written else given
    dy = rng.standard_normal(y.shape)
    upstream, trouble, said = dy.copy(), None, dict[str, Array]()
    kept_out = None if not subject.owns_params else params
    try:
        said = body.backward(upstream)
    except Exception as error:  # the caller's own bug, which is what we are here to report
        trouble = error
    if not same_numbers(upstream, dy):
        written[subject.words.dy] = "backward"
    if not written and not same_numbers(given, x):
        written[subject.words.x.removeprefix("self.")] = "backward"
    after = body.params()
    if kept_out is None:
        for name in params:
            if not same_numbers(after[name], params[name]):
                written[name] = "backward"
    forward, random = _steady(probe, state, x, y, params, subject.name)
    coarse = is_coarse(lambda a: forward(a, params), x, y, rng) if not subject.whole_input else y.dtype.itemsize < 8
    arrays = {} if subject.whole_input else {X: x}
    jacobians = {
        name: jacobian(_of(forward, name, x, params), np.asarray(a, np.float64), y.astype(np.float64), coarse, rng)
        for name, a in (arrays | params).items()
    }
    cost = probe.cost(params)
    truth = {name: j.pull(dy) for name, j in jacobians.items()}
    for name, w in params.items():
        meant = _meant(name, said, truth[name], w, probe.loose if not cost else 0.0)
        if meant is not None:
            cost[name] = meant
    for name, (one, two) in cost.items():
        truth[name] = truth[name] + one + two
    single = any(np.asarray(v).dtype.itemsize < 8 for v in said.values() if np.asarray(v).dtype.kind == "f")
    tolerance = ROUGH if coarse else SINGLE if single else EXACT
    return Trial(
        x, y.astype(np.float64), dy, params, after, said, truth, jacobians, forward, cost, written, trouble, tolerance,
        before, draw, random,
    )  # fmt: skip


def _meant(name: str, said: dict[str, Array], truth: Array, w: Array, strength: float) -> tuple[Array, Array] | None:
    """A penalty of which only a strength l is known: l/2 sum w^2, l sum w^2 or l sum |w|, whichever was meant."""
    if not strength or name not in said or np.shape(said[name]) != truth.shape:
        return None
    zero = np.zeros_like(w)
    for one, two in ((zero, strength * w), (zero, 2.0 * strength * w), (strength * np.sign(w), zero)):
        apart = np.abs(said[name] - truth - one - two)
        if np.nanmax(apart, initial=0.0) <= SINGLE * np.nanmax(np.abs(truth), initial=1e-6):
            return one, two
    twice = np.nanmax(np.abs(said[name] - truth - 4.0 * strength * w), initial=0.0)
    return (zero, 2.0 * strength * w) if twice <= SINGLE * np.nanmax(np.abs(truth), initial=1e-6) else None


def _of(
    forward: Callable[[Array, dict[str, Array]], Array], name: str, x: Array, params: dict[str, Array]
) -> Callable[[Array], Array]:
    """Forward as a function of one array alone."""
    if name == X:
        return lambda a: forward(a, params)
    return lambda a: forward(x, params | {name: a})


def _steady(
    probe: Body, state: tuple[object, ...], x: Array, y: Array, params: dict[str, Array], name: str
) -> tuple[Callable[[Array, dict[str, Array]], Array], bool]:
    """The probe's forward, with the random numbers of the pass that is watched, and whether it draws any."""

    def again(x: Array, values: dict[str, Array]) -> Array:
        probe.chance.put(state)
        probe.put(values)
        return probe.forward(x.copy()).astype(np.float64)

    def plain(x: Array, values: dict[str, Array]) -> Array:
        probe.put(values)
        return probe.forward(x.copy()).astype(np.float64)

    here = again(x, params)
    scale = (
        1e-4 * (1.0 + float(np.abs(y).max(initial=0.0)))
        if y.dtype.itemsize < 8
        else 1e-9 * (1.0 + float(np.abs(y).max(initial=0.0)))
    )
    if here.shape != y.shape or np.abs(here - y).max(initial=0.0) > scale:
        raise UsageError(
            f"{name}'s forward does not give the same output twice, although the random streams of NumPy, Python and "
            "its own generators were held still. Let it draw from np.random or from a generator that it keeps."
        )
    calm = all(np.array_equal(plain(x, params), here) for _ in range(2))
    return (plain, False) if calm else (again, True)
