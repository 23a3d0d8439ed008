"""The suite: every recipe learned and judged, one after the other, and a table that grows by a row for each.

A generator of events, as training is. A set that is not on this machine is a row that says how to get it; a recipe that
fails is a row that says why; the others go on.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from pellucid._version import __version__
from pellucid.base.errors import FileError, PellucidError, UsageError
from pellucid.datasets.catalog import CATALOG
from pellucid.datasets.places import find
from pellucid.events import Event, Noted
from pellucid.kernels import active
from pellucid.recipes.recipe import Recipe
from pellucid.recipes.results import check_folder, read_results, write_results
from pellucid.recipes.row import DONE, FAILED, MISSING, Row
from pellucid.recipes.run import Learning, Outcome, carry_out
from pellucid.recipes.sets import RECIPES


@dataclass(slots=True)
class Began(Event):
    """A recipe begins: its set is read, then learned."""

    recipe: Recipe


@dataclass(slots=True)
class Judged(Event):
    """A recipe is done, or cannot be: its row, what came of it (if it was learned now), and what went wrong."""

    row: Row
    outcome: Outcome | None = None
    error: Exception | None = None


def run_suite(
    only: Collection[str],
    quick: bool,
    output: str | os.PathLike[str] | None,
    resume: bool,
    recipes: Sequence[Recipe] | None,
) -> Iterator[Began | Learning | Judged | Noted]:
    """What `pl.suite` calls: everything that can be refused is refused here, before the first set is read."""
    recipes = RECIPES if recipes is None else recipes
    chosen = choose(only, recipes)
    folder = None if output is None else Path(output)
    if folder is None and resume:
        raise UsageError("resume=True goes on from a folder of results, so it needs output=FOLDER.")
    rows: dict[str, Row] = {}
    if folder is not None:
        check_folder(folder)
        rows = read_results(folder, quick)
    return _run(chosen, quick, folder, rows, resume, recipes)


def choose(only: Collection[str], recipes: Sequence[Recipe] | None = None) -> list[Recipe]:
    """The recipes of these names, or of the sets of these names, in the suite's order.

    >>> [recipe.name for recipe in choose(["mnist", "iris"])]
    ['iris', 'mnist-dense', 'mnist-cnn']
    """
    recipes = RECIPES if recipes is None else recipes
    names = [name for recipe in recipes for name in (recipe.name, recipe.data)]
    for name in only:
        if name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(r.name for r in recipes)}."
            raise UsageError(f"There is no recipe and no set {name!r} in the suite. {hint}")
    return [recipe for recipe in recipes if not only or {recipe.name, recipe.data} & set(only)]


def _run(
    chosen: Sequence[Recipe], quick: bool, folder: Path | None, rows: dict[str, Row], resume: bool,
    recipes: Sequence[Recipe],
) -> Iterator[Began | Learning | Judged | Noted]:  # fmt: skip
    unwritten: FileError | None = None
    here, machine = versions(), machine_line()
    place = {recipe.name: i for i, recipe in enumerate(recipes)}
    for recipe in chosen:
        old = rows.get(recipe.name)
        if resume and old is not None and old.state == DONE and same(old, recipe, quick, here):
            yield Judged(replace(old, **_words(recipe), kept=True))
            continue
        yield Began(recipe)
        outcome, error = None, None
        row = Row(recipe.name, recipe.data, FAILED, quick=quick, versions=here, machine=machine, **_words(recipe))
        try:
            if missing(recipe):
                row = replace(row, state=MISSING, trouble=f"not on this machine: pellucid data fetch {recipe.data}")
            else:
                for event in carry_out(recipe, quick):
                    if isinstance(event, Learning):
                        yield event
                    else:
                        outcome = event
                assert outcome is not None
                row = _row(row, recipe, outcome)
        except Exception as problem:  # whatever it is, the other sets go on, and the row says what it was
            error, row = problem, replace(row, trouble=why(problem))
        if folder is not None:
            try:
                if outcome is not None and row.state == DONE:
                    yield from _keep(folder, row, recipe, outcome)
                stands = old is not None and old.state == DONE and same(old, recipe, quick, here)
                if row.state == DONE or not stands:  # what fails now does not take away what was reached before
                    rows[recipe.name] = row
                write_results(folder, sorted(rows.values(), key=lambda r: place.get(r.name, len(place))))
                unwritten = None
            except FileError as problem:
                unwritten = problem
                yield Noted(str(problem))
        yield Judged(row, outcome, error)
    if unwritten is not None:
        raise unwritten


def _keep(folder: Path, row: Row, recipe: Recipe, outcome: Outcome) -> Iterator[Noted]:
    """The plot, and the model where one network learned it."""
    from pellucid.recipes.plot import picture
    from pellucid.store import write_atomically

    try:
        write_atomically(folder / f"{row.name}.png", picture(row, outcome))
    except UsageError as without:
        yield Noted(str(without))
    if recipe.networks == recipe.divide.count == 1:
        outcome.model.save(folder / f"{row.name}.safetensors")


def _words(recipe: Recipe) -> dict[str, Any]:
    """What a row says of its recipe, whatever was reached."""
    before = tuple((other.figure, other.who) for other in recipe.before)
    return {"aim": recipe.aim, "before": before, "unit": recipe.unit}


def _row(row: Row, recipe: Recipe, outcome: Outcome) -> Row:
    return replace(
        row,
        state=DONE,
        network=outcome.network,
        parameters=outcome.model.theta.size,
        epochs=outcome.epochs,
        networks=outcome.networks,
        seconds=round(outcome.seconds, 2),
        learned=outcome.learned,
        judged=len(outcome.t),
        divided=outcome.divided,
        measure="accuracy" if outcome.classes else "r2",
        score=float(outcome.score),
        error=outcome.error,
        fingerprint=recipe.fingerprint(row.quick),
    )


def same(row: Row, recipe: Recipe, quick: bool, here: dict[str, str]) -> bool:
    """Whether a row need not be computed again: the same recipe, the same versions."""
    return row.fingerprint == recipe.fingerprint(quick) and row.versions == here


def missing(recipe: Recipe) -> bool:
    """Whether the recipe's set would have to be fetched first."""
    entry = CATALOG.get(recipe.data)
    return entry is not None and bool(entry.files) and find(entry) is None


def why(problem: Exception) -> str:
    """What went wrong, for a row: the library's own errors as they stand, others with their kind."""
    return str(problem) if isinstance(problem, PellucidError) else f"{type(problem).__name__}: {problem}"


def versions() -> dict[str, str]:
    """Of everything that a figure depends on."""
    python = ".".join(map(str, sys.version_info[:3]))
    return {"Pellucid": __version__, "NumPy": np.__version__, "Python": python, "kernels": active().NAME}


def machine_line() -> str:
    """This machine in a few words."""
    from pellucid.inspection.machine import find_blas
    from pellucid.inspection.processor import processor

    blas = find_blas()
    threads = "one thread" if blas.threads == 1 else f"{blas.threads or 'several'} threads"
    how = f"{blas.core or 'its own'} kernels, {threads}"
    return f"{processor().name}, {platform.system()}; {blas.name} {blas.version} ({how})"
