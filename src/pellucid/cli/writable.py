"""Whether a result can be written where it shall go, asked before the work begins."""

from __future__ import annotations

import os
from pathlib import Path

from pellucid.base.errors import FileError, UsageError


def check_writable(target: Path, data: str) -> None:
    """Say now, not after an hour of training, that the result cannot be written."""
    if target.exists() and Path(data).exists() and target.samefile(data):
        raise UsageError(f"{target} holds the data; what is written would replace them. Give --output another name.")
    if target.exists() and not target.is_file():
        raise FileError(f"{target} is no ordinary file, so it is not replaced. Give another name.")
    folder = target.absolute().parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir():
        raise FileError(f"{target} cannot be written: {folder} is not a folder.")
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        raise FileError(f"{target} cannot be written: you may not write into {folder}.")
