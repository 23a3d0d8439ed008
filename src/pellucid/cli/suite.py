"""`pellucid suite`: train and test the sensible network on each set, and print one table."""

from __future__ import annotations

import textwrap
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pellucid.cli.environment import Environment, json_option
from pellucid.cli.status import Status
from pellucid.cli.telling import MARGIN, figure, say_line

if TYPE_CHECKING:
    from pellucid.recipes import Learning, Recipe, Row

EXAMPLES = """\b
Examples:
  pellucid suite --list
  pellucid suite --quick
  pellucid suite --only iris,mnist --output results
  pellucid suite --output results --resume
"""
# head, width, whether it stands at the right: 80 columns in all
COLUMNS = (
    ("set", 13, False),
    ("network", 15, False),
    ("params", 7, True),
    ("epochs", 6, True),
    ("seconds", 7, True),
    ("test", 8, True),
    ("before", 6, True),
    ("aim", 4, True),
)
INDENT = COLUMNS[0][1] + 2
FULL, QUICK = "suite", "suite-quick"  # where the results go if nobody says


@click.command(epilog=EXAMPLES, short_help="Train and test the sensible network on each set, in one table.")
@click.option("--quick", is_flag=True, help="A part of each set and few epochs: two minutes; aims are not checked.")
@click.option("--only", metavar="NAME,...", help="These sets or recipes alone; --list shows their names.")
@click.option("--list", "listed", is_flag=True, help="Show the recipes and which sets are here, and do nothing.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False),
    metavar="FOLDER",
    help=f"Where suite.md, suite.json, the plots and the models go. Default {FULL}, with --quick {QUICK}.",
)
@click.option("--resume", is_flag=True, help="Skip what FOLDER has already, by the same recipe and versions.")
@json_option
@click.pass_obj
def command(env: Environment, quick: bool, only: str | None, listed: bool, output: str | None, resume: bool) -> Status:
    """Train and test the sensible network on each set, and print one table: what was reached, what others reached
    before, and the aim.

    All sets take about an hour on one core. Results are written after each set; what is stopped goes on with --resume.
    A set that is not on this machine is a line that says how to get it. The exit code is 1 if a set missed its aim or
    failed.
    """
    import pellucid as pl
    from pellucid.recipes import Began, Judged, Learning
    from pellucid.recipes.results import read_results
    from pellucid.recipes.suite import choose

    names = [name.strip() for name in (only or "").split(",") if name.strip()]
    if listed:
        tell_recipes(env, choose(names))
        return Status.DONE
    folder = Path(output or (QUICK if quick else FULL))
    events = pl.suite(names, quick, folder, resume)
    chosen = choose(names)
    again = [recipe.name for recipe in chosen if not resume and recipe.name in read_results(folder, quick)]
    if again:
        env.warn(f"{', '.join(again)} in {folder}: replaced when done again; --resume would keep what is up to date.")
    tell_start(env, quick, chosen)
    rows: list[Row] = []
    try:
        with Bars(env) as bar:
            for event in events:
                if isinstance(event, Began):
                    bar.begin(event.recipe.name)
                    env.event("set", recipe=event.recipe.name, data=event.recipe.data)
                elif isinstance(event, Learning):
                    bar.move(event)
                elif isinstance(event, Judged):
                    bar.end()
                    rows.append(event.row)
                    tell_row(env, event.row)
                    if env.debug and event.error is not None:
                        import traceback

                        env.stderr.print("".join(traceback.format_exception(event.error)), soft_wrap=True)
                elif isinstance(event, pl.Noted) and not bar.heard(event.text):
                    env.warn(event.text)
    except KeyboardInterrupt:
        if rows:
            env.warn(f"What is done is kept in {folder}; the same command with --resume goes on from there.")
        raise
    return tell_end(env, rows, folder, quick)


class Bars:
    """A bar for the set under way, gone when its row comes; and which notes were said already."""

    def __init__(self, env: Environment) -> None:
        self.env = env
        self.said: set[str] = set()
        self.stack = ExitStack()

    def __enter__(self) -> Bars:
        return self

    def __exit__(self, *error: object) -> None:
        self.end()

    def begin(self, name: str) -> None:
        self.end()
        self.show = self.stack.enter_context(self.env.progress(name, 1.0))
        self.show(0, "reading")

    def move(self, event: Learning) -> None:
        """Where the set is; for programs, each epoch."""
        self.show(event.done / event.total, f"loss {figure(event.loss)}")
        if event.epoch is not None:
            row, seconds = event.epoch.row(), round(event.epoch.seconds, 4)
            self.env.event("epoch", recipe=event.name, fold=event.fold, network=event.network, **row, seconds=seconds)

    def end(self) -> None:
        self.stack.close()

    def heard(self, text: str) -> bool:
        """Whether a note was said before; the same one may come with every set."""
        before = text in self.said
        self.said.add(text)
        return before


def tell_recipes(env: Environment, recipes: list[Recipe]) -> None:
    """What there is: a line a recipe."""
    from pellucid.recipes.suite import missing

    env.say(f"{'name':<15}{'set':<20}{'here':<6}{'epochs':>6}  judged on", style="bold")
    for recipe in recipes:
        here = not missing(recipe)
        epochs = f"{recipe.epochs:>6}"
        env.say(f"{recipe.name:<15}{recipe.data:<20}{'yes' if here else 'no':<6}{epochs}  {recipe.divide}")
        env.event(
            "recipe", recipe=recipe.name, data=recipe.data, here=here, epochs=recipe.epochs, aim=recipe.aim,
            judged=str(recipe.divide), batch_size=recipe.batch_size, networks=recipe.networks,
        )  # fmt: skip


def tell_start(env: Environment, quick: bool, recipes: list[Recipe]) -> None:
    """The head of the table."""
    env.event("start", quick=quick, recipes=[recipe.name for recipe in recipes])
    if quick:
        say_line(env, "quick     small parts of the sets, few epochs: the aims are shown, not checked", style="bold")
    env.say(_line([head for head, _, _ in COLUMNS]), style="bold")


def _line(cells: list[str]) -> str:
    laid = zip(cells, COLUMNS, strict=True)
    return "  ".join(f"{cell:>{width}}" if right else f"{cell:<{width}}" for cell, (_, width, right) in laid).rstrip()


def tell_row(env: Environment, row: Row) -> None:
    """A row of the table; below it what does not fit into a cell."""
    said = {name: value for name, value in row.plain().items() if name != "name"}
    env.event("result", recipe=row.name, **said, kept=row.kept, reached=row.reached)
    if row.state != "done":
        text = f"{'FAILED: ' if row.state == 'failed' else ''}{row.trouble}"
        width = (env.stdout.width if env.stdout.is_terminal else 10_000) - INDENT
        first, *rest = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]
        env.say(f"{row.name:<{INDENT}}{first}", style="bold red" if row.bad else None)
        for line in rest:
            env.say(f"{'':<{INDENT}}{line}")
        return
    aim = "" if row.aim is None else f"{row.aim:.2f}" if row.measure == "r2" else f"{100 * row.aim:g}"
    network = f"{row.networks} {row.network}" if row.networks > 1 else row.network
    count = f"{row.parameters:,}" if row.parameters < 1_000_000 else f"{row.parameters / 1e6:.2f} M"
    seconds = f"{row.seconds:,.1f}" if row.seconds < 10_000 else f"{row.seconds:,.0f}"
    before = row.before[-1][0] if row.before else "-"
    cells = [row.name, network, count, str(row.epochs), seconds, row.figure, before, aim or "-"]
    env.say(_line(cells), style="bold red" if row.bad else None)
    if row.error is not None:
        env.say(f"{'':<{INDENT}}off by {_plain(row.error)} {row.unit} on average".rstrip())


def _plain(value: float) -> str:
    from pellucid.inspection.summary import plainly

    return plainly(value)


def tell_end(env: Environment, rows: list[Row], folder: Path, quick: bool) -> Status:
    """What the table means, and where it lies; the exit code."""
    from pellucid.base.errors import DataError

    ran = [row for row in rows if row.state != "missing"]
    bad = [row for row in rows if row.bad]
    lines: list[tuple[str, str]] = []
    checked = [row for row in rows if row.reached is not None]
    if checked:
        missed = [f"{row.name} ({row.figure or 'failed'})" for row in checked if not row.reached]
        lines.append(
            ("aims", f"{len(checked) - len(missed)} of {len(checked)} reached"
             + (f"; not {', '.join(missed)}" if missed else ""))
        )  # fmt: skip
    kept = [row.name for row in rows if row.kept]
    if kept:
        lines.append(("kept", f"from an earlier run, by the same recipe and versions: {', '.join(kept)}"))
    absent = sorted({row.data for row in rows if row.state == "missing"})
    if absent:
        lines.append(("missing", f"{', '.join(absent)}. To get them: pellucid data fetch {' '.join(absent)}"))
    lines += [("" if i else "before", line) for i, line in enumerate(_before(rows))]
    env.say("")
    for word, line in lines:
        say_line(env, f"{word:<{MARGIN}}{line}")
    files = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    plots, models = (sum(name.endswith(end) for name in files) for end in (".png", ".safetensors"))
    counts = ", ".join(f"{n} {what}{'s' * (n != 1)}" for n, what in ((plots, "plot"), (models, "model")) if n)
    words = f"{folder}: suite.md, suite.json{f', {counts}' if counts else ''}"
    say_line(env, f"{'written':<{MARGIN}}{words}", style="bold")
    said: dict[str, Any] = {
        "reached": [row.name for row in checked if row.reached],
        "missed": [row.name for row in checked if row.reached is False],
        "failed": [row.name for row in rows if row.state == "failed"],
        "missing": absent,
        "output": folder,
    }
    env.event("done", quick=quick, **said)
    if not ran:
        raise DataError(
            f"None of these sets is on this machine: {', '.join(absent)}. pellucid data fetch {' '.join(absent)} gets "
            "them; pellucid suite --only iris,digits needs nothing else."
        )
    return Status.FAILED if bad else Status.DONE


def _before(rows: list[Row]) -> list[str]:
    """Whose the figures of the column `before` are, one line for each of them."""
    whose: dict[str, list[str]] = {}
    for row in rows:
        if row.state == "done" and row.before:
            number, who = row.before[-1]
            whose.setdefault(who, []).append(f"{row.name} {number}")
    return [f"{', '.join(figures)}: {who}" for who, figures in whose.items()]
