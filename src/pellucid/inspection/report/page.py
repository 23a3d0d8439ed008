"""One HTML page about a training, which opens offline from a file and asks nobody for anything.

    page = pl.report("digits.run")                     # or a recording that was opened with its data, or a model
    page.save("digits.html")
    page.size, page.left_out                           # bytes; what was left out to stay below 5 MB

The sections stand in files of their own; this one puts them together, and makes sure of the size.
"""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile  # noqa: F401 - for the example
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pellucid._version import __version__
from pellucid.base.errors import UsageError

if TYPE_CHECKING:
    from pellucid.inspection.report.amounts import Amounts
    from pellucid.inspection.report.sections import Found

MEGABYTES = 5.0


@dataclass(frozen=True)
class Page:
    """A page as text; `pl.report` makes one.

    Args:
        html: the whole page.
        left_out: what was left out to keep it small, in words.
        notes: what is not as one might expect, in sentences: data that were not at hand, a recording that was cut.

    >>> page = Page("<!DOCTYPE html>")
    >>> str(page), page.size
    ('<!DOCTYPE html>', 15)
    """

    html: str
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How many bytes its file has."""
        return len(self.html.encode("utf-8", "replace"))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page to a file, atomically."""
        from pellucid.store import write_atomically

        write_atomically(path, self.html.encode("utf-8", "replace"))

    def __str__(self) -> str:
        return self.html


def report(
    run: Any,
    data: Any = None,
    *,
    part: str = "",
    training: Any = None,
    steps: int = 40,
    doctor: float = 20.0,
    prove: bool = False,
    megabytes: float = MEGABYTES,
    told: Callable[[str], None] | None = None,
) -> Page:
    """One page about a training: summary, curves, findings, mistakes, steps, opened numbers, how to have it again.

    Args:
        run: a recording (its folder, or what `pl.open_recording` gave: with its data, its steps are recomputed), or a
            model (or its file), which has no steps.
        data: the samples on which the answers are judged, in the forms of `pl.train`. Default the recording's
            validation samples, and where it has none, those that it was trained on.
        part: what these samples are called: "test". Default "validation" or "given".
        training: the samples that a model was trained on, for the doctor. A recording knows them.
        steps: at most so many steps can be scrubbed to. Default 40.
        doctor: seconds that `pl.doctor` may take; 0 leaves it out. Default 20.
        prove: let the doctor try each cure. Default false.
        megabytes: the most that the page may take; what is too much is left out, and the page says what. Default 5.
        told: hears what is done next. Default nobody.

    Raises:
        FileError: if the folder is no recording, or a damaged one.
        UsageError: if it is neither a recording nor a model, or not even the least fits into `megabytes`.

    >>> import pellucid as pl
    >>> data = ([[0.0], [1.0]], [0.0, 1.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     training = pl.train(pl.Model(pl.Dense(1), input_shape=(1,)), data, epochs=3, batch_size=1)
    ...     events = list(pl.record(training, f"{folder}/first.run"))
    ...     page = pl.report(pl.open_recording(f"{folder}/first.run", data), doctor=0)
    >>> page.html.startswith("<!DOCTYPE html>"), page.size < 5e6, page.left_out
    (True, True, ())
    """
    from pellucid.inspection.report.amounts import thinner
    from pellucid.inspection.report.sections import find

    if not megabytes > 0 or not doctor >= 0 or not 2 <= steps <= 400:
        raise UsageError(
            f"megabytes must be above 0, doctor 0 seconds or more, and steps 2 to 400, not {megabytes!r}, {doctor!r} "
            f"and {steps!r}."
        )
    hears = told or (lambda what: None)
    found = find(run, data, part, training, steps, doctor, prove, hears)
    hears("writing")
    size = 0
    for amounts in thinner():
        page = Page(_whole(found, amounts), amounts.left_out, tuple(found.subject.notes))
        if page.size <= megabytes * 1e6:
            return page
        size = page.size
    raise UsageError(
        f"The page takes {size / 1e6:.2g} MB even with everything left out that can be, which is more than the "
        f"{megabytes:g} MB that it may take. Allow more: megabytes=, on the command line --size."
    )


def _whole(found: Found, amounts: Amounts) -> str:
    from pellucid.inspection.report.html import counted, esc, para, tag
    from pellucid.inspection.report.script import SCRIPT
    from pellucid.inspection.report.sections import lede, sections
    from pellucid.inspection.report.style import style

    title, look = found.subject.name, style()
    parts = sections(found, amounts)
    contents = "".join(f'<li><a href="#{key}">{esc(name)}</a></li>' for key, name, _ in parts)
    inside = "".join(
        f'<section aria-labelledby="{key}"><h2 id="{key}">{esc(name)}</h2>{text}</section>' for key, name, text in parts
    )
    if amounts.left_out:
        gone = "".join(tag("li", esc(text)) for text in amounts.left_out)
        some = counted(len(amounts.left_out), "thing")
        inside += tag(
            "aside", para(f"To keep this page small, {some} were left out:") + tag("ul", gone), aria_label="Left out"
        )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(look, SCRIPT)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{esc(title)}: a training, reported by Pellucid</title>\n<style>{look}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#main">Skip to the report</a>\n'
        f'<header><h1>{esc(title)}</h1><p class="lede">{esc(lede(found))}</p></header>\n'
        f'<nav aria-label="Contents"><ol>{contents}</ol></nav>\n'
        f'<main id="main" tabindex="-1">\n{inside}\n</main>\n'
        f"<footer><p>Made by Pellucid {esc(__version__)}. This page is one file: it needs no network and asks for "
        f"nothing.</p></footer>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def _policy(look: str, script: str) -> str:
    """What the browser may do for this page: its own style and script, pictures that are in it, and nothing else."""
    return (
        f"default-src 'none'; style-src '{_hash(look)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
