"""`pellucid data`: the sets that have a name. Which there are, what one looks like, get it, where it is."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pellucid.cli.environment import Environment, debug_option, json_option
from pellucid.cli.sheet import augment_command
from pellucid.cli.status import Status
from pellucid.cli.telling import MARGIN, say_line

if TYPE_CHECKING:
    from pellucid.datasets.entry import Entry

EXAMPLES = """\b
Examples:
  pellucid data list
  pellucid data show penguins
  pellucid data fetch mnist fashion_mnist
  pellucid data path mnist
  pellucid data augment digits --rotate 15 --elastic 4
"""
SIZE = 2  # the column of the list that holds numbers
FEWEST, MOST = 6, 12  # samples that `show` draws if nobody says how many: one of each class, but so many


@click.group(
    epilog=EXAMPLES, short_help="List, show and fetch the data sets that have a name.", invoke_without_command=True
)
@click.pass_context
def command(context: click.Context) -> Status | None:
    """The data sets that have a name: use one wherever DATA is asked for. Alone, this lists them.

    They are looked for in the folder that PELLUCID_DATA names, in the system's, and in your cache; `fetch` downloads
    into PELLUCID_DATA if it is set and may be written to, else into the cache. Nothing else ever downloads anything.
    """
    return context.invoke(list_command) if context.invoked_subcommand is None else None


@command.command("list", short_help="Every named data set, in a table.")
@json_option
@click.pass_obj
def list_command(env: Environment) -> Status:
    """Every named data set: samples (those of the test part after the plus), size of a download, and whether it is
    here."""
    from pellucid.datasets.catalog import ENTRIES
    from pellucid.datasets.fetch import in_bytes

    heads = ("name", "samples", "size", "here", "licence", "what")
    rows = [heads]
    for entry in ENTRIES:
        here, folder = where(entry)
        size = in_bytes(entry.size) if entry.files else ""
        rows.append((entry.name, entry.samples, size, here, entry.licence, entry.what))
        env.event(
            "set",
            data=entry.name,
            what=entry.what,
            samples=entry.samples,
            size=entry.size,
            licence=entry.licence,
            here=here != "no",
            folder=folder,
        )
    widths = [max(len(row[j]) for row in rows) for j in range(len(heads))]
    for row in rows:
        cells = [cell.ljust(n) for cell, n in zip(row, widths, strict=True)]
        cells[SIZE] = cells[SIZE].strip().rjust(widths[SIZE])
        line = "  ".join(cells).rstrip()
        env.say(line[: env.stdout.width] if env.stdout.is_terminal else line, style="bold" if row is heads else None)
    return Status.DONE


def where(entry: Entry) -> tuple[str, Path | None]:
    """Whether a set is here, in a word, and its folder if it has one."""
    from pellucid.datasets.places import find

    if not entry.files:
        return ("drawn" if entry.drawn else "built in"), None
    folder = find(entry)
    return ("no" if folder is None else "yes"), folder


@command.command("show", short_help="What a data set looks like.")
@click.argument("data")
@click.option("--samples", type=click.IntRange(0), help="How many are drawn. Default one of each class, 6 to 12.")
@click.option("--target", help="For a table in a file: the column with the answers.")
@json_option
@click.pass_obj
def show_command(env: Environment, data: str, samples: int | None, target: str | None) -> Status:
    """What DATA looks like: its source and licence, what one sample is, how many there are of each class, what is
    missing, and some samples. DATA is a name, or a path as for `pellucid train`."""
    from pellucid.cli.portrait import balance, describe, facts
    from pellucid.cli.portrait import samples as drawn
    from pellucid.cli.tables import load_any
    from pellucid.datasets.catalog import CATALOG

    entry = CATALOG.get(data)
    about: dict[str, Any] = {"data": data}
    if entry is not None:
        about |= tell_entry(env, entry)
    train, test = load_any(data, target, seed=0, on_disk=None)
    unicode = (env.stdout.encoding or "").lower().startswith("utf")
    answer = target or (entry.target if entry is not None else "") or "answer"
    for line in describe(train, test, answer):
        say_line(env, line)
    blocks = {"How many there are of each:": balance(train, test, unicode)}
    count = min(max(len(train.classes), FEWEST), MOST) if samples is None else samples
    if count:
        blocks["Some of them:"] = drawn(train, count, unicode, min(env.stdout.width, 100) - 2, answer)
    for head, lines in blocks.items():
        env.say(f"\n{head}\n", style="bold")
        for line in lines:
            env.say(f"  {line}".rstrip())
    env.event("set", **about, **facts(train, test))
    return Status.DONE


def tell_entry(env: Environment, entry: Entry) -> dict[str, Any]:
    """What the catalogue says, in lines and as plain data."""
    from pellucid.datasets.fetch import damaged

    here, folder = where(entry)
    bad = [file.name for file in damaged(entry, folder)] if folder is not None else []
    place = {"drawn": "computed when it is asked for", "built in": "in the package"}.get(here, "not on this machine")
    if folder is not None:
        checked = "" if entry.members else f"; {' and '.join(bad)}: not as published" if bad else "; as published"
        place = f"{folder}{checked}"
    said = {"data": f"{entry.name}: {entry.what}", "source": entry.source, "licence": entry.licence, "here": place}
    for word, text in said.items():
        say_line(env, f"{word:<{MARGIN}}{text}")
    return {"what": entry.what, "source": entry.source, "licence": entry.licence, "folder": folder, "damaged": bad}


@command.command("fetch", short_help="Download data sets, unless they are here.")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@json_option
@click.pass_obj
def fetch_command(env: Environment, names: tuple[str, ...]) -> Status:
    """Download the sets NAME..., unless they are here, and check them against their published digests.

    A download that was cut or stopped goes on where it was when the command is given again.
    """
    from pellucid.datasets import fetch
    from pellucid.datasets.fetch import entry_of

    for name in names:
        entry_of(name)  # a misspelt name is said before an hour of downloading
    for name in names:
        entry = entry_of(name)
        here, folder = where(entry)
        if entry.files:
            try:
                with Bars(env) as bars:
                    folder = fetch(name, bars)
            except KeyboardInterrupt:
                env.warn("What came so far is kept; the same command goes on from there.")
                raise
        what = "fetched" if entry.files and here == "no" else "here"
        say_line(env, f"{what:<{MARGIN}}{name}: {folder or ('computed' if entry.drawn else 'in the package')}")
        env.event("fetched", data=name, folder=folder, new=what == "fetched")
    return Status.DONE


class Bars:
    """A bar for each thing that is done while a set is fetched; elsewhere than at a terminal, a line."""

    def __init__(self, env: Environment) -> None:
        self.env = env
        self.what = ""
        self.stack = ExitStack()

    def __enter__(self) -> Bars:
        return self

    def __exit__(self, *error: object) -> None:
        self.stack.close()

    def __call__(self, what: str, done: int, total: int) -> None:
        from pellucid.datasets.fetch import in_bytes

        if what != self.what:
            self.stack.close()
            self.what = what
            if not self.env.is_terminal:
                say_line(self.env, f"{'':<{MARGIN}}{what}" + (f" ({in_bytes(total)})" if total else ""))
            self.env.event("fetching", what=what, total=total or None)
            self.show = self.stack.enter_context(self.env.progress(what, total or None))
        self.show(done, f"{in_bytes(done)}{f' of {in_bytes(total)}' if total else ''}")


@command.command("path", short_help="The folder of a data set.")
@click.argument("name")
@json_option
@click.pass_obj
def path_command(env: Environment, name: str) -> Status:
    """Print the folder in which the set NAME is, for other programs; if it is not here, say how to get it."""
    from pellucid.base.errors import DataError
    from pellucid.datasets.digits import FILES
    from pellucid.datasets.fetch import entry_of, located

    entry = entry_of(name)
    if entry.drawn:
        raise DataError(f"{name} has no folder: it is computed when it is asked for.")
    folder = located(name) if entry.files else FILES
    env.say(str(folder))
    env.event("path", data=name, folder=folder)
    return Status.DONE


command.add_command(augment_command)
for verb in command.commands.values():
    verb.params.append(debug_option)
