"""All sets in one call: `pl.suite`.

What it runs is in `pellucid.recipes`, which is imported when it is wanted, so that `import pellucid` stays quick.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pellucid.events import Noted
    from pellucid.recipes import Began, Judged, Learning, Recipe


def suite(
    only: Collection[str] = (),
    quick: bool = False,
    output: str | os.PathLike[str] | None = None,
    resume: bool = False,
    recipes: Sequence[Recipe] | None = None,
) -> Iterator[Began | Learning | Judged | Noted]:
    """Learn and judge the sensible network on each set, and keep a table of what it reached.

    Args:
        only: names of recipes ("mnist-cnn") or of sets ("mnist": all of its recipes). Default all.
        quick: only a part of each set and few epochs: about two minutes in all, and aims are not checked.
        output: a folder for suite.json, suite.md, a plot and a model file a set. Default nothing is written.
        resume: keep the rows in `output` whose recipe and versions are the same, instead of computing them again.
        recipes: what there is to choose from. Default `pellucid.recipes.RECIPES`.

    Returns:
        Events: for each recipe `Began`, `Learning` and `Judged` with its `row`; `Noted` for what one should know.

    Raises:
        UsageError: if there is no such recipe, or the folder holds the results of the other kind of run.
        FileError: if the folder cannot be written to, or what is in it is damaged.

    >>> from pellucid.recipes import Judged
    >>> [event.row.reached for event in suite(only=["iris"]) if isinstance(event, Judged)]
    [True]
    """
    from pellucid.recipes.suite import run_suite

    return run_suite(only, quick, output, resume, recipes)
