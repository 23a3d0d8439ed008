"""`pellucid system`: the machine and the software under the numbers, and how to make them faster."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import click

from pellucid.cli.environment import Environment, json_option
from pellucid.cli.status import Status

if TYPE_CHECKING:
    from pellucid.cli.remembered import Standing
    from pellucid.cli.tuning import Tuned
    from pellucid.inspection.machine import Blas, Machine

EXAMPLES = """\b
Examples:
  pellucid system             what is installed, and what would be faster
  pellucid system --tune      measure for some 20 seconds, remember the fastest
  pellucid system --forget    undo that
  pellucid system --json      the same for programs
"""


@click.command(epilog=EXAMPLES, short_help="Show this machine, and make its matrix products faster.")
@click.option(
    "--tune",
    is_flag=True,
    help="Measure which of OpenBLAS's kernels (its routines for products of matrices, made for different processors) "
    "are fastest here. From then on 'pellucid train' uses them.",
)
@click.option("--forget", is_flag=True, help="Remove what --tune has remembered.")
@json_option
@click.pass_obj
def command(env: Environment, tune: bool, forget: bool) -> Status:
    """Show the versions, the processor and the kernels in use, and what would make this machine faster.

    What --tune remembers is used by 'pellucid train' alone; a Python program that imports pellucid is not changed.
    PELLUCID_TUNE=off in the environment switches it off.

    PELLUCID_KERNELS=reference chooses Pellucid's kernels in plain NumPy, PELLUCID_KERNELS=jit those of numba;
    without it the fastest that is installed is taken. NUMBA_CACHE_DIR names a folder for the compiled code.
    """
    if tune and forget:
        raise click.UsageError("--tune remembers and --forget removes; choose one of them.")
    if tune:
        return _tune(env)
    if forget:
        return _forget(env)
    return _show(env)


# ---- show -----------------------------------------------------------------------------------------------------------


def _show(env: Environment) -> Status:
    from pellucid.cli.remembered import standing
    from pellucid.inspection.machine import describe_machine

    machine, now = describe_machine(), standing()
    advice = [*machine.advice, *_tuning_advice(machine, now)]
    tuning = {
        "remembered": now.choice.core if now.choice else None,
        "ratio": now.choice.ratio if now.choice else None,
        "usable": now.usable,
        "why": now.why,
    }
    env.event("system", **(machine.as_dict() | {"advice": advice, "tuning": tuning}))
    width = env.stdout.width if env.is_terminal else 10_000  # in a file, a line stays a line
    for name, value in _rows(machine, now):
        env.say(textwrap.fill(f"{name:<13}{value}", width, subsequent_indent=" " * 13, break_on_hyphens=False))
    if advice:
        env.say("\nWhat would make this machine faster", style="bold")
        for sentence in advice:
            env.say(f"- {sentence}")
    else:
        env.say("\nNothing that Pellucid knows of would make this machine faster.")
    return Status.DONE


def _rows(machine: Machine, now: Standing) -> list[tuple[str, str]]:
    cores = "1 core" if machine.cores == 1 else f"{machine.cores} cores"
    return [
        ("Pellucid", machine.pellucid),
        ("Python", machine.python),
        ("NumPy", machine.numpy),
        ("numba", machine.numba or "not installed"),
        ("safetensors", machine.safetensors or "not installed"),
        ("Platform", machine.platform),
        ("Processor", f"{machine.processor}, {cores} for this process"),
        ("BLAS", _blas(machine.blas)),
        ("Kernels", f"{machine.kernels}: {machine.why_kernels}"),
        ("Tuning", _tuning(now)),
    ]


def _blas(blas: Blas) -> str:
    parts = [f"{blas.name} {blas.version}".strip()]
    if blas.core:
        parts.append(f"{blas.core} kernels")
    if blas.threads is not None:
        parts.append("1 thread" if blas.threads == 1 else f"{blas.threads} threads")
    return ", ".join(parts)


def _tuning(now: Standing) -> str:
    if now.choice is None:
        return now.why
    fact = f"{now.choice.core} kernels, measured {now.choice.ratio:.2f}x as fast as OpenBLAS's own choice"
    if now.usable:
        return f"{fact}; {now.why}"
    return f"not used: {now.why} (remembered: {fact})"


def _tuning_advice(machine: Machine, now: Standing) -> list[str]:
    """Tuning is worth a line if it can be done, was not done, and the user did not choose by hand."""
    import os

    from pellucid.cli.tuning import VARIABLE

    if now.choice is not None or _untunable(machine.blas) or os.environ.get(VARIABLE):
        return []
    return ["OpenBLAS may have faster kernels for this processor. Measure them once: pellucid system --tune"]


def _forget(env: Environment) -> Status:
    from pellucid.cli.remembered import forget, tune_file

    there = forget()
    env.event("forget", removed=there, file=tune_file())
    env.say(f"Removed {tune_file()}." if there else "Nothing was remembered, so there is nothing to remove.")
    return Status.DONE


# ---- tune -----------------------------------------------------------------------------------------------------------


def _untunable(blas: Blas) -> str:
    """Why there is nothing to tune, in words; "" if there is."""
    from pellucid.cli.tuning import candidates
    from pellucid.inspection.processor import processor

    if blas.name != "OpenBLAS":
        return f"NumPy uses {blas.name} here, which chooses its kernels alone: there is nothing to tune."
    if not blas.dynamic:
        return "This OpenBLAS was built for one type of processor and has no other kernels: there is nothing to tune."
    if not candidates(processor().flags):
        return "It is not known what other kernels this processor can run, so none are tried: there is nothing to tune."
    return ""


def _tune(env: Environment) -> Status:
    from pellucid.cli import remembered, tuning
    from pellucid.inspection.machine import find_blas
    from pellucid.inspection.processor import processor

    reason = _untunable(find_blas())
    if reason:
        env.event("tune", best=None, remembered=False, why=reason)
        env.say(reason)
        return Status.DONE
    cores = tuning.candidates(processor().flags)
    env.say(f"Measuring OpenBLAS's own choice and {', '.join(cores)}. Close what else keeps the machine busy.")
    with env.progress("measuring") as show:
        tuned = tuning.tune(cores, progress=lambda what: show(0, what))
    if tuned.default.trouble:
        message = f"OpenBLAS's own choice could not be measured: it {tuned.default.trouble}. Nothing was changed."
        env.error(message, Status.FAILED)
        return Status.FAILED
    for line in _table(tuned):
        env.say(line)
    file = None
    if tuned.best:
        file = remembered.remember(remembered.choice_for_this_machine(tuned.best, tuned.ratio))
        why = (
            f"{tuned.best} kernels are {tuned.ratio:.2f} times as fast as the default, measured twice. Remembered in "
            f"{file}: from now on 'pellucid train' uses them. For your own programs, set "
            f"{tuning.VARIABLE}={tuned.best} before Python starts."
        )
    else:
        removed = remembered.forget()
        why = "" if not tuned.doubtful else f"{tuned.doubtful} was only {tuned.ratio:.2f}x when measured once more. "
        why += (
            "No other kernels are at least 3 % faster here: OpenBLAS's own choice is best, and nothing is remembered."
        )
        why += " What was remembered before is removed." if removed else ""
    env.event(
        "tune",
        choices=[_as_dict(tuned, k) for k in range(len(tuned.choices))],
        best=tuned.best or None,
        ratio=tuned.ratio,
        remembered=bool(tuned.best),
        file=file,
        why=why,
    )
    env.say(why)
    return Status.DONE


def _as_dict(tuned: Tuned, k: int) -> dict[str, object]:
    choice = tuned.choices[k]
    overall = None if choice.trouble else choice.overall(tuned.default)
    fields = {"asked": choice.asked or None, "core": choice.core or None, "seconds": choice.seconds}
    return fields | {"ratio": overall, "trouble": choice.trouble or None}


def _table(tuned: Tuned) -> list[str]:
    """Times for the default, ratios for the others: 2.00x is twice as fast. Below, why a choice has no line."""
    default = tuned.default
    works = list(default.seconds)
    rows = [["", *works, "overall"]]
    rows.append([f"{default.core} (default)", *(f"{default.seconds[work] * 1e6:,.0f} us" for work in works), "1.00x"])
    for choice in tuned.choices[1:]:
        if not choice.trouble:
            ratios = [choice.ratio(default, work) for work in works] + [choice.overall(default)]
            rows.append([choice.asked, *(f"{ratio:.2f}x" for ratio in ratios)])
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = ["", "The matrix products of one training step of 784-128-10, and of two large matrices:"]
    for name, *cells in rows:
        numbers = "   ".join(cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        lines.append(f"{name:<{widths[0]}}   {numbers}")
    lines += [f"{choice.asked}: {choice.trouble}." for choice in tuned.choices[1:] if choice.trouble]
    return [*lines, ""]
