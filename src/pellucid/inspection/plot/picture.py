"""What every plot is: numbers that need NumPy alone, a text twin that says them in tables, and a figure drawn of them.

The figure is matplotlib's own object. No pyplot is imported, no backend is chosen, no setting is changed, so that a
plot can be made in any thread and beside anybody else's.
"""

from __future__ import annotations

import io
import os
from abc import ABC, abstractmethod
from functools import partial
from html import escape
from typing import Any

from pellucid.base.errors import UsageError
from pellucid.inspection.plot.grid import Grid

ENDINGS = (".png", ".svg", ".pdf")
DPI = 144
EXTRA = "pip install 'pellucid[plot]'"


class Picture(ABC):
    """A plot's numbers. `text()` says them, `figure()` draws them, `tables()` has them as rows under headers."""

    @property
    def size(self) -> tuple[float, float]:
        """How large the figure is if nothing else is said: width and height in inches."""
        return 7.2, 4.5

    @property
    @abstractmethod
    def title(self) -> str:
        """What is shown, in a few words."""

    @property
    @abstractmethod
    def says(self) -> str:
        """The finding in one sentence with its figures: what a person who does not see the picture is told."""

    @abstractmethod
    def tables(self) -> list[Grid]:
        """Everything that is drawn, as numbers."""

    @abstractmethod
    def draw(self, figure: Any) -> None:
        """Draw into an empty matplotlib figure or subfigure."""

    def text(self) -> str:
        """The text twin: the title, the sentence, the tables."""
        return "\n\n".join([f"{self.title}\n{self.says}", *(table.text() for table in self.tables())])

    def figure(self, size: tuple[float, float] | None = None) -> Any:
        """A matplotlib Figure of the numbers; these lie under its `data`, so the twin is `figure.data.text()`.

        Args:
            size: (width, height) in inches. Default as large as this kind of plot needs.

        Raises:
            UsageError: if matplotlib is not installed.
        """
        try:
            from matplotlib.figure import Figure
        except ImportError:
            raise UsageError(
                f"Drawing needs matplotlib, which is not installed: {EXTRA}. "
                "The numbers do not need it: text() says them (on the command line --text)."
            ) from None
        made: Any = Figure(figsize=size or self.size, dpi=DPI, layout="constrained", facecolor="white")
        self.draw(made)
        made.data = self
        made._repr_png_ = partial(rendered, made, ".png")  # a notebook shows the figure without pyplot
        return made

    def save(self, path: str | os.PathLike[str]) -> None:
        """Draw and write it; see `save`."""
        save(self.figure(), path)


def save(figure: Any, path: str | os.PathLike[str]) -> None:
    """Write a figure of this package to a file, atomically, with its words for those who do not see it.

    A PNG or PDF has the title and the sentence in its metadata; an SVG has them as `<title>` and `<desc>`, which screen
    readers speak.

    Args:
        figure: what a function of `pl.plot` returned.
        path: ends in .png, .svg or .pdf. A file that is there is replaced only once the new one is complete.

    Raises:
        UsageError: if the name has another ending.
        FileError: if the file cannot be written; an old one is untouched.
    """
    from pellucid.store import write_atomically

    ending = check_ending(path)
    write_atomically(path, rendered(figure, ending))


def check_ending(path: str | os.PathLike[str]) -> str:
    """The ending of a picture file's name.

    >>> check_ending("curves.PNG")
    '.png'
    """
    ending = os.path.splitext(os.fspath(path))[1].lower()
    if ending not in ENDINGS:
        raise UsageError(f"{os.fspath(path)!r}: a plot is written as {', '.join(ENDINGS)}; give a name that ends so.")
    return ending


def rendered(figure: Any, ending: str) -> bytes:
    """A figure as the bytes of a file."""
    picture, buffer = getattr(figure, "data", None), io.BytesIO()
    title, says = (picture.title, picture.says) if isinstance(picture, Picture) else ("", "")
    known = {
        ".png": {"Title": title, "Description": says, "Software": "Pellucid"},
        ".svg": {"Title": title, "Description": says, "Date": None},
        ".pdf": {"Title": title, "Subject": says, "CreationDate": None},
    }
    figure.savefig(buffer, format=ending[1:], metadata=known[ending])
    content = buffer.getvalue()
    if ending == ".svg" and title:
        head, mark, rest = content.partition(b"<svg ")
        inside, close, body = rest.partition(b">")
        words = f"<title>{escape(title)}</title><desc>{escape(says)}</desc>".encode()
        content = head + mark + b'role="img" ' + inside + close + b"\n" + words + body
    return content
