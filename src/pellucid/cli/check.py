"""`pellucid check FILE.py:NAME`: is this backward pass right, and if not, which mistake is it?

The file is somebody's own code, so it runs in a process of its own with a time limit, and what it prints is not shown.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from pellucid.base.errors import DataError, FileError, UsageError
from pellucid.cli.environment import Environment, json_option
from pellucid.cli.status import Status

GRACE = 5.0  # seconds beyond the time limit after which the child ends itself, should nobody have ended it

EXAMPLES = """\b
Examples:
  pellucid check dense.py:Layer_Dense              a class; it is made with sizes of several kinds
  pellucid check dense.py:Layer_Dense --args 4,3   made as Layer_Dense(4, 3)
  pellucid check dense.py:forward,backward         a pair of functions
  pellucid check dense.py                          everything in the file that can be checked
"""
KINDS: dict[str, type[Exception]] = {"usage": UsageError, "data": DataError}


@click.command(epilog=EXAMPLES, short_help="Check a backward pass and name the mistake.")
@click.argument("subject", metavar="FILE.py[:NAME]")
@click.option("--args", "args", help="With which arguments a class is made: numbers, such as 4,3.")
@click.option("--x", "x", type=click.Path(), help="Inputs: an .npy file. Default: some are drawn.")
@click.option("--t", "t", type=click.Path(), help="Targets, for a loss or a network: an .npy file.")
@click.option("--seed", type=int, default=0, show_default=True, help="The draws follow from it.")
@click.option(
    "--timeout", type=click.FloatRange(min=0.1), default=60.0, show_default=True, help="Seconds, then it is ended."
)
@json_option
@click.pass_obj
def command(
    env: Environment, subject: str, args: str | None, x: str | None, t: str | None, seed: int, timeout: float
) -> Status:
    """Compare a backward pass with nudges of its forward, and name the mistake if they differ.

    NAME in FILE.py is a layer, activation, loss or optimizer (a class or an object), two functions, or a network with
    its loss. Ends with 1 if something is wrong.
    """
    file, name = split(subject)
    if not file.is_file():
        raise FileError(f"There is no file {str(file)!r}. Write FILE.py:NAME, such as dense.py:Layer_Dense.")
    asked = {"file": str(file), "name": name, "args": numbers(args), "x": x, "t": t, "seed": seed}
    answer = run_apart(asked, timeout)
    if "error" in answer:
        raise KINDS[answer["error"]["kind"]](answer["error"]["message"])
    wrong = 0
    for i, report in enumerate(answer["reports"]):
        text = report.pop("text")
        env.say(("\n" if i else "") + text)
        env.event("checked", **report)
        wrong += not report["ok"]
    if len(answer["reports"]) > 1:
        env.say(f"\n{len(answer['reports'])} checked, {wrong} wrong.", style="bold")
    return Status.FAILED if wrong else Status.DONE


def split(subject: str) -> tuple[Path, str]:
    """The file and the name; a colon after a drive's letter belongs to the path.

    >>> split("net.py:Dense")[1], split("net.py")[1]
    ('Dense', '')
    """
    path, colon, name = subject.rpartition(":")
    return (Path(path), name) if colon and not name.startswith(("\\", "/")) and path else (Path(subject), "")


def numbers(args: str | None) -> list[float] | None:
    """The arguments of a class, whole numbers as such.

    >>> numbers("4,3,0.5")
    [4, 3, 0.5]
    """
    if args is None:
        return None
    try:
        return [
            int(part) if part.strip().lstrip("-").isdigit() else float(part) for part in args.split(",") if part.strip()
        ]
    except ValueError:
        raise UsageError(f"--args takes numbers with commas between them, such as 4,3; not {args!r}.") from None


def run_apart(asked: dict[str, Any], timeout: float) -> dict[str, Any]:
    """Run the check in a process of its own; its answer.

    Args:
        asked: what is to be checked, as `pellucid.cli.checking` reads it.
        timeout: after so many seconds it is ended, with everything that it started.
    """
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        question = [json.dumps(asked), str(answer), str(os.getpid()), str(timeout + GRACE)]
        words = [sys.executable, "-m", "pellucid.cli.checking", *question]
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip
        try:
            _, said = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            _end(process)
            raise DataError(
                f"{asked['file']} was not done after {timeout:g} seconds, and was ended. Code at the top level of a "
                'file runs when it is checked: put training under if __name__ == "__main__", or give --timeout more.'
            ) from None
        finally:
            _end(process)
        if not answer.is_file():
            last = "".join(f": {line}" for line in said.strip().splitlines()[-1:])
            raise DataError(
                f"{asked['file']} ended its process (exit code {process.returncode}) before the check was done{last}"
            )
        found: dict[str, Any] = json.loads(answer.read_text("utf-8"))
        return found


def _end(process: subprocess.Popen[str]) -> None:
    """End the process and its children, if any of them is left."""
    import contextlib
    import os
    import signal

    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
    if process.stderr is not None:
        process.stderr.close()
