"""The process in which `pellucid check` runs somebody's file: import it, find the name, check it, write the answer."""

from __future__ import annotations

import difflib
import importlib.util
import inspect
import json
import os
import sys
import threading
import time
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from pellucid.base.errors import DataError, PellucidError, UsageError

LOOK = 0.2  # seconds between two looks at the parent and the clock


def load(path: str) -> ModuleType:
    """The file as a module; it may import its neighbours."""
    file = Path(path).resolve()
    sys.path.insert(0, str(file.parent))
    name = f"checked_{file.stem}"  # not the stem itself: the file may be called json.py
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise DataError(f"{path} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).resolve() == file]
        at = f", line {lines[-1]}" if lines else ""
        raise DataError(
            f"{path}{at} ended with {type(error).__name__} ({error}). It must run before it can be checked."
        ) from None
    return module


def find(module: ModuleType, name: str) -> dict[str, Any]:
    """What is to be checked, by name: the one that was asked for, or everything that can be."""
    own = vars(module)
    if not name:
        return everything(module)
    if "," in name:
        return {name: tuple(_get(own, part.strip()) for part in name.split(","))}
    if name not in own and f"{name}_forward" in own and f"{name}_backward" in own:
        return {name: (own[f"{name}_forward"], own[f"{name}_backward"])}
    thing = _get(own, name)
    if inspect.isfunction(thing) and name.replace("forward", "backward") in own and "forward" in name:
        return {name: (thing, own[name.replace("forward", "backward")])}
    return {name: thing}


def everything(module: ModuleType) -> dict[str, Any]:
    """The classes of the file that have a forward and a backward or that update, and the pairs of functions."""
    found: dict[str, Any] = {}
    for name, thing in vars(module).items():
        if inspect.isclass(thing) and thing.__module__ == module.__name__:
            if (hasattr(thing, "forward") and hasattr(thing, "backward")) or hasattr(thing, "update_params"):
                found[name] = thing
        elif inspect.isfunction(thing) and name.endswith("forward"):
            other = vars(module).get(name.removesuffix("forward") + "backward")
            if inspect.isfunction(other):
                found[name.removesuffix("forward").rstrip("_") or "forward"] = (thing, other)
    if not found:
        raise UsageError(
            f"{module.__file__} has no class with forward and backward, and no such functions. Name what to check."
        )
    return found


def _get(own: dict[str, Any], name: str) -> Any:
    if name in own:
        return own[name]
    near = difflib.get_close_matches(name, [n for n in own if not n.startswith("__")], n=3, cutoff=0.4)
    hint = f"Did you mean {' or '.join(near)}?" if near else "Check the spelling."
    raise UsageError(f"There is no {name!r} in the file. {hint}")


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """The reports, or what went wrong."""
    import numpy as np

    from pellucid.inspection.check_backward import check_backward

    try:
        arrays = {k: None if asked[k] is None else np.load(asked[k], allow_pickle=False) for k in ("x", "t")}
        args = None if asked["args"] is None else tuple(asked["args"])
        reports = []
        for name, subject in find(load(asked["file"]), asked["name"]).items():
            report = check_backward(subject, arrays["x"], arrays["t"], args=args, seed=asked["seed"])
            reports.append(report.as_dict() | {"checked": name, "text": str(report)})
    except (DataError, OSError, ValueError) as error:
        kind = "usage" if isinstance(error, UsageError) else "data"
        return {"error": {"kind": kind, "message": str(error)}}
    except PellucidError as error:
        return {"error": {"kind": "usage", "message": str(error)}}
    return {"reports": reports}


def end_with(parent: int, seconds: float) -> None:
    """End this process when its parent is gone or the time is over, whatever the file's code is doing."""
    end = time.monotonic() + seconds

    def watch() -> None:
        while os.getppid() == parent and time.monotonic() < end:
            time.sleep(LOOK)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main(words: list[str]) -> None:
    """Read the question, write the answer in one piece."""
    from pellucid.cli.environment import plain

    end_with(int(words[2]), float(words[3]))
    found = json.dumps(plain(answer(json.loads(words[0]))), allow_nan=False)
    target = Path(words[1])
    beside = target.with_suffix(".part")
    beside.write_text(found, "utf-8")
    os.replace(beside, target)


if __name__ == "__main__":
    main(sys.argv[1:])
