"""The repair in code: the line that is right, in the names of the code that is checked."""

from __future__ import annotations

from pellucid.base.arrays import Array
from pellucid.inspection.backward.parts import BENDS, Parts
from pellucid.inspection.backward.subject import Words, X

DROPPED = "self.binary_mask"


def layer_repair(
    name: str, array: str, words: Words, parts: Parts | None, costs: dict[str, tuple[Array, Array]]
) -> str:
    """What to write for one array of a layer.

    Args:
        name: the mistake.
        array: the array that is wrong, by its name in the trial.
        words: what the code calls things.
        parts: what the layer is made of, or None.
        costs: the parameters with a penalty.
    """
    g = words.gradients.get(array, "d" + array)
    special = {
        "argument overwritten": f"{words.dy} = {words.dy}.copy()        # first line of backward",
        "stale gradient added": f"{g} = ...        # = and not +=; or set it to 0 before each backward",
        "weights updated before use": "compute dX first; better: let an optimizer change the weights after backward",
        "dropout scale missing": f"{g} = {words.dy} * mask / (1 - rate)        # forward's mask, scale included",
        "regulariser missing": _cost_line(array, words),
        "regulariser doubled": _cost_line(array, words) + "        # once",
    }
    if name == "wrong input cached" and (parts is None or array == X):
        return f"{words.x} = ...        # in forward, at every call: what came in, not what was there before"
    if name in special:
        return special[name]
    line = _right_line(array, words, parts)
    if line:
        return line + ("\n" + _cost_line(array, words) if array in costs else "")
    return {
        "sign": f"{g} = -({g})",
        "missing 1/N": f"{g} = {g} / len({words.dy})",
        "extra 1/N": f"{g} = {g} * len({words.dy})        # leave the division out",
        "averaged instead of summed": f"{g} = ... .sum(axis=0)        # not mean",
        "missing 1/K": f"{g} = {g} / {words.dy}.shape[-1]",
        "not summed over the batch": f"{g} = {g}.sum(axis=0)        # over the samples",
        "one sample only": f"{g} = ...        # the sum over all samples, no index",
        "transposed": f"{g} = {g}.T",
        "mask from the wrong array": f"{g} = {words.dy} * mask        # the mask that forward used, kept",
    }.get(name, "")


def _right_line(array: str, words: Words, parts: Parts | None) -> str:
    """The whole right formula, where the parts are known."""
    if parts is None:
        return ""
    g, y, dy = words.gradients.get(array, "d" + array), words.y, words.dy
    first, dz = "", dy
    if parts.name != "linear":
        dz = "dz" if parts.affine else g
        z = "z" if parts.affine else words.x
        if parts.softmax:
            first = f"{dz} = {y} * ({dy} - np.sum({dy} * {y}, axis=-1, keepdims=True))"
        elif parts.name in BENDS and BENDS[parts.name][2]:
            first = f"{dz} = {dy} * {BENDS[parts.name][2].format(y=y)}"
        elif parts.name in ("leaky relu", "elu"):
            first = f"{dz} = {dy} * np.where({z} > 0, 1, {'slope' if parts.name == 'leaky relu' else f'{y} + alpha'})"
        else:
            first = f"{dz} = {dy} * slope({z})        # the derivative of the activation, at what went into it"
    if not parts.affine:
        return first
    first += "\n" if first else ""
    x, W = words.x, words.params.get(parts.W, "W")
    lines = {
        X: f"{g} = {dz} @ {W}" + ("" if parts.turned else ".T"),
        parts.W: f"{g} = {dz}.T @ {x}" if parts.turned else f"{g} = {x}.T @ {dz}",
        parts.b: f"{g} = {dz}.sum(axis=0)" if "bias" not in array else f"{g} = {dz}.sum(axis=0, keepdims=True)",
    }
    return first + lines.get(array, "")


def _cost_line(array: str, words: Words) -> str:
    g, w = words.gradients.get(array, "d" + array), words.params.get(array, array)
    stem = "self.weight_regularizer" if "weight" in array else "self.bias_regularizer"
    return f"{g} += 2 * {stem}_l2 * {w} + {stem}_l1 * np.sign({w})"
