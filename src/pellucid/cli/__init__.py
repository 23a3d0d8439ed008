"""Floor 6: the command line. One verb a file; each parses, makes one library call, and prints.

`--help` must come at once, so this file imports nothing heavy and a verb's module is imported when that verb runs.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import os
import sys
import warnings
from collections.abc import Sequence

import click

from pellucid._version import __version__
from pellucid.cli.environment import Environment, debug_option, harden_output
from pellucid.cli.status import Status, paragraph, status_of
from pellucid.kernels import compiler

# verb: (where its command is, its line in `pellucid --help`)
VERBS = {
    "train": ("pellucid.cli.train:command", "Train a network on a data set and save it."),
    "evaluate": ("pellucid.cli.evaluate:command", "Measure a saved network on data with known answers."),
    "predict": ("pellucid.cli.predict:command", "Ask a saved network about new data."),
    "data": ("pellucid.cli.data:command", "List, show and fetch the data sets that have a name."),
    "suite": ("pellucid.cli.suite:command", "Train and test the sensible network on each set, in one table."),
    "explain": ("pellucid.cli.explain:command", "Open one number of a network: what makes it, and why."),
    "blame": ("pellucid.cli.blame:command", "Find the training samples behind an answer or a weight."),
    "plot": ("pellucid.cli.plot:command", "Draw a saved network: curves, mistakes, weights, ..."),
    "report": ("pellucid.cli.reporting:command", "Write one HTML page about a training."),
    "check": ("pellucid.cli.check:command", "Check a backward pass and name the mistake."),
    "doctor": ("pellucid.cli.doctor:command", "Find what is wrong with a training, and try the cure."),
    "replay": ("pellucid.cli.replay:command", "Go back to any step of a recorded training, exactly."),
    "system": ("pellucid.cli.system:command", "Show this machine, and make its matrix products faster."),
}
HELP = {"--help", "-h", "--version"}
LONG = {"train", "suite", "system"}  # verbs that may start the process again to get faster kernels; see remembered.py


class Verbs(click.Group):
    """The group of all verbs. It knows their names and help lines without importing them."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        module, _, attribute = VERBS[name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        if debug_option not in command.params:
            command.params.append(debug_option)  # people write it where they are: after the verb
        return command

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], VERBS, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"The verbs are {', '.join(VERBS)}."
            raise click.UsageError(f"There is no verb {args[0]!r}. {hint}", context)
        return super().resolve_command(context, args)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(name, line) for name, (_, line) in VERBS.items()])


@click.group(
    cls=Verbs,
    params=[debug_option],
    subcommand_metavar="VERB ...",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="'pellucid VERB --help' explains a verb, with examples.",
)
@click.version_option(__version__, message="pellucid %(version)s", help="Show the version.")
def cli() -> None:
    """Neural networks you can see through."""


def main(args: Sequence[str] | None = None, environment: Environment | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        args: the words after `pellucid`. Default those that the process was given.
        environment: where the output goes. Default the process's own streams.
    """
    if "_PELLUCID_COMPLETE" in os.environ:
        cli.main(prog_name="pellucid")  # a shell asks for completions; click answers and exits
    harden_output()
    words = sys.argv[1:] if args is None else list(args)
    if args is None and not HELP & set(words):
        from pellucid.cli import remembered

        remembered.apply(may_restart=bool(LONG & set(words)))
    env = environment or Environment()
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: env.warn(str(message))
        try:
            with compiler.telling(env.warn):
                return _run(words or ["--help"], env)
        except BrokenPipeError:
            return _unread()


def _run(words: list[str], env: Environment) -> int:
    env.words = ("pellucid", *words)
    try:
        with cli.make_context("pellucid", words, obj=env) as context:
            result = cli.invoke(context)
        return result if isinstance(result, Status) else Status.DONE
    except click.exceptions.Exit as end:  # --help, --version and context.exit(code)
        return end.exit_code
    except BrokenPipeError:
        raise
    except (KeyboardInterrupt, Exception) as error:
        env.json = env.json or "--json" in words  # the options may stand behind the mistake
        env.debug = env.debug or "--debug" in words
        return _explain(error, env)


def _explain(error: BaseException, env: Environment) -> int:
    """Print what went wrong; the exit code."""
    if isinstance(error, click.ClickException):
        context = getattr(error, "ctx", None)
        if context is not None:
            env.stderr.print(context.get_usage(), soft_wrap=True)
            env.stderr.print(f"Try '{context.command_path} --help' for help.\n", soft_wrap=True)
        env.error(error.format_message(), error.exit_code)
        return error.exit_code
    if isinstance(error, click.Abort):
        error = KeyboardInterrupt()
    if env.debug and not isinstance(error, KeyboardInterrupt):
        import traceback

        env.stderr.print("".join(traceback.format_exception(error)), soft_wrap=True)
    code = status_of(error)
    env.error(paragraph(error), code)
    return code


def _unread() -> int:
    """Nobody reads on, as in `pellucid ... | head -1`. Python must not complain when it flushes at the end."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Status.UNREAD
