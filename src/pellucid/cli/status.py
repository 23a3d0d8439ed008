"""How a command can end: the exit codes, and which error leads to which.

A script reads the code, a person reads the paragraph. Both come from here, so they cannot disagree.
"""

from __future__ import annotations

from enum import IntEnum

from pellucid.base.errors import DataError, Diverged, FileError, PellucidError, UsageError


class Status(IntEnum):
    """The exit codes, each with a sentence.

    >>> int(Status.DATA), Status.DATA.sentence
    (3, 'The data or a file cannot be used.')
    """

    sentence: str

    DONE = 0, "Everything that was asked for is done."
    FAILED = 1, "A check failed, or Pellucid itself has a bug; the message says which."
    USAGE = 2, "The command was written in a way that cannot be meant."
    DATA = 3, "The data or a file cannot be used."
    DIVERGED = 4, "Training produced numbers that are not finite, and stopped."
    STOPPED = 130, "Stopped from the keyboard."
    UNREAD = 141, "The reader of the output went away before the end."

    def __new__(cls, code: int, sentence: str) -> Status:
        status = int.__new__(cls, code)
        status._value_ = code
        status.sentence = sentence
        return status


def status_of(error: BaseException) -> Status:
    """The exit code for an error.

    >>> status_of(FileNotFoundError()).name, status_of(ValueError()).name
    ('DATA', 'FAILED')
    """
    if isinstance(error, KeyboardInterrupt):
        return Status.STOPPED
    if isinstance(error, BrokenPipeError):
        return Status.UNREAD
    if isinstance(error, Diverged):
        return Status.DIVERGED
    if isinstance(error, DataError | FileError):
        return Status.DATA
    if isinstance(error, UsageError):
        return Status.USAGE
    if isinstance(error, OSError | MemoryError):
        return Status.DATA
    return Status.FAILED


def paragraph(error: BaseException) -> str:
    """What is printed for an error: what happened, what was expected, how to fix it.

    >>> paragraph(FileNotFoundError(2, "No such file or directory", "digits.csv"))
    "'digits.csv' could not be used: No such file or directory."
    """
    if isinstance(error, PellucidError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "Stopped."
    if isinstance(error, OSError):
        name = f"{error.filename!r}" if error.filename is not None else "A file or device"
        return f"{name} could not be used: {error.strerror or error or type(error).__name__}."
    if isinstance(error, MemoryError):
        asked = str(error).rstrip(".")
        return f"There is not enough memory{asked and f': {asked}'}. A smaller network, --batch-size or data may fit."
    return (
        f"Pellucid met an error that it did not expect: {type(error).__name__}: {error}. "
        "This is a bug in Pellucid, not in your command. Run the same command with --debug to see where it happened, "
        "and please report it together with what that prints."
    )
