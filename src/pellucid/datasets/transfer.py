"""One published file, from the first of its mirrors that has it, to its place; whole and checked, or not at all.

The bytes gather in a hidden file beside the place, and stay there if the connection, the machine or the user gives up:
the next attempt asks the server for the rest (HTTP Range, with If-Range so that a file that has changed comes anew).
Only a file with the published SHA-256, or the published content, gets its name, by one rename. urllib does the talking:
pooch, which checks and caches as well, does not tell a range from a whole, and so cannot go on.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid._version import __version__
from pellucid.base.errors import DataError, FileError, PellucidError
from pellucid.datasets.entry import File

if TYPE_CHECKING:
    from urllib.request import OpenerDirector

Tell = Callable[[str, int, int], None]  # what is done, how many bytes are here, how many there will be
PATIENCE = 30.0  # seconds without a kilobyte, and the connection is given up
LEAST = 1024
TRIES = 4  # at each mirror; a try that brings bytes is followed by another
PAUSE = 0.5  # seconds before the second try; twice as long before each further one
PIECE = 1 << 16
SLACK = 1 << 20  # a file that was packed anew may be larger than the published one by a quarter and this
GROWTH = 100  # and its content at most so many times as large


class Trouble(Exception):
    """What a mirror did wrong, and whether asking it again may help."""

    def __init__(self, text: str, again: bool = True) -> None:
        super().__init__(text)
        self.again = again


def obtain(file: File, urls: Sequence[str], target: Path, tell: Tell, patience: float = PATIENCE) -> None:
    """Put the file at `target`.

    Args:
        file: what is expected.
        urls: its addresses, the best first.
        target: where it goes; what is there is replaced only by the whole new file.
        tell: is called with what is done, the bytes that are here, and those that there will be.
        patience: seconds without a kilobyte after which a connection is given up.

    Raises:
        DataError: if no mirror gave the published file; it says what each did.
        FileError: if it cannot be written.
    """
    part = target.with_name(f".{target.name}.part")
    with _written(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    troubles = []
    for url in urls:
        try:
            _from_mirror(file, url, part, tell, patience)
        except Trouble as trouble:
            troubles.append(f"{url} {trouble}")
            continue
        with _written(target):
            with open(part, "rb+") as whole:
                os.fsync(whole.fileno())
            os.replace(part, target)
            _note(part).unlink(missing_ok=True)
        return
    kept = f" {_size(part):,} bytes of it are kept, and the next attempt goes on from there." if _size(part) else ""
    raise DataError(
        f"{file.name} could not be fetched. {'; '.join(troubles)}. Check the connection and try again.{kept} Or get "
        f"the file in another way and put it at {target}."
    )


def is_published(path: Path, file: File) -> bool:
    """Whether a file on this machine is the published one, or has its content."""
    most = file.size + file.size // 4 + SLACK
    if path.stat().st_size > (GROWTH * most if file.unpacked else most):
        return False
    with open(path, "rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
    if digest == file.sha256:
        return True
    return bool(file.unpacked) and file.unpacked in (digest, _content(path, GROWTH * most))


def _content(path: Path, most: int) -> str:
    """The digest of what is inside a gzip file; "" if it is none, or is larger than `most` inside."""
    sha, total = hashlib.sha256(), 0
    try:
        with gzip.open(path) as source:
            while piece := source.read(PIECE):
                total += len(piece)
                if total > most:
                    return ""
                sha.update(piece)
    except (OSError, EOFError, zlib.error):
        return ""
    return sha.hexdigest()


def _from_mirror(file: File, url: str, part: Path, tell: Tell, patience: float) -> None:
    """Fill `part` with the published file from this address, in as many tries as bring something."""
    for attempt in range(TRIES):
        before = _size(part)
        try:
            _get(file, url, part, tell, patience)
        except Trouble as trouble:
            if not trouble.again or (attempt and _size(part) <= before) or attempt == TRIES - 1:
                raise
            time.sleep(PAUSE * 2**attempt)
            continue
        if is_published(part, file):
            return
        with _written(part):
            part.unlink()
        if not before:  # it came in one piece from here; else the beginning may be another's
            raise Trouble("sent something else than the published file: its digest differs", again=False)
    raise Trouble("sent something else than the published file: its digest differs")


def _get(file: File, url: str, part: Path, tell: Tell, patience: float) -> None:
    """The rest of the file from this address onto `part`."""
    have = _size(part)
    if have == file.size:
        return  # whole, but not yet checked when the last attempt ended
    headers = {"User-Agent": f"pellucid/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if validator := _validator(part, url):
            headers["If-Range"] = validator
    with _heard(url, part), _opener().open(_request(url, headers), timeout=patience) as reply:
        have = _begin(reply, have)
        length = reply.headers.get("Content-Length", "")
        total = have + int(length) if length.isdecimal() else None
        most = file.size + (file.size // 4 + SLACK if file.unpacked else 0)
        if total is not None and (total > most or (total != file.size and not file.unpacked)):
            raise Trouble(f"says that the file has {total:,} bytes, and the published one has {file.size:,}", False)
        _remember(part, url, reply.headers)
        got = _copy(reply, part, have, most, lambda done: tell(file.name, done, total or file.size), patience)
        if got < (file.size if total is None and not file.unpacked else total or 0):
            raise Trouble(f"broke off after {got:,} of {total or file.size:,} bytes")


def _begin(reply: Any, have: int) -> int:
    """Where the reply goes on: at `have` if it is the range that was asked for, at 0 if it is the whole file."""
    if reply.status != 206:
        return 0
    start = reply.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    if start != str(have):
        raise Trouble(f"sent bytes from {start or 'nowhere'} on when those from {have} on were asked for", again=False)
    return have


def _copy(reply: Any, part: Path, have: int, most: int, tell: Callable[[int], None], patience: float) -> int:
    """What the connection brings, appended at `have`; how many bytes are there now."""
    with _written(part):
        out = open(part, "rb+" if part.exists() else "wb", buffering=0)  # noqa: SIM115 - closed below
    with out:
        with _written(part):
            out.truncate(have)
            out.seek(have)
        clock, mark = time.monotonic(), have
        while piece := reply.read1(PIECE):
            if have + len(piece) > most:
                raise Trouble(f"sent more than {most:,} bytes, and the published file has no more", again=False)
            with _written(part):
                view = memoryview(piece)
                while view:
                    view = view[out.write(view) :]
            have += len(piece)
            tell(have)
            if time.monotonic() - clock > patience:
                if have - mark < LEAST:
                    raise Trouble(f"sent only {have - mark} bytes in {patience:g} seconds")
                clock, mark = time.monotonic(), have
    return have


@contextmanager
def _heard(url: str, part: Path) -> Iterator[None]:
    """What goes wrong on the way to a server, in words."""
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError

    try:
        yield
    except (PellucidError, Trouble):
        raise
    except HTTPError as error:
        error.close()
        if error.code == 416:  # the range is not there: what is here is no beginning of that file
            part.unlink(missing_ok=True)
        again = error.code in (408, 416, 425, 429) or error.code >= 500
        raise Trouble(f"answered {error.code} {error.reason}", again) from None
    except URLError as error:
        raise Trouble(f"could not be reached ({error.reason})") from None
    except TimeoutError:
        raise Trouble("was silent for too long") from None
    except (OSError, HTTPException) as error:
        raise Trouble(f"broke off ({error or type(error).__name__})") from None
    except ValueError as error:
        raise Trouble(f"is no address that can be asked ({error})", again=False) from None


@contextmanager
def _written(path: Path) -> Iterator[None]:
    """What goes wrong on this machine's disk, in words: no mirror is to blame."""
    try:
        yield
    except OSError as error:
        kept = " What came so far is kept; make room and try again." if path.name.endswith(".part") else ""
        raise FileError(f"{path} could not be written: {error.strerror or error}.{kept}") from None


def _opener() -> OpenerDirector:
    """Who asks: HTTP and HTTPS alone. The usual opener would follow a redirect to an FTP server as well."""
    from urllib import request

    opener = request.OpenerDirector()
    for handler in (
        request.ProxyHandler(),
        request.HTTPHandler(),
        request.HTTPSHandler(),
        request.HTTPDefaultErrorHandler(),
        request.HTTPRedirectHandler(),
        request.HTTPErrorProcessor(),
        request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _request(url: str, headers: dict[str, str]) -> Any:
    from urllib.request import Request

    return Request(url, headers=headers)


def _note(part: Path) -> Path:
    """The file that remembers where a part came from."""
    return part.with_name(f"{part.name}.json")


def _remember(part: Path, url: str, headers: Any) -> None:
    tag = headers.get("ETag", "")
    validator = tag if tag.startswith('"') else headers.get("Last-Modified", "")  # a weak tag is none for a range
    with _written(part):
        _note(part).write_text(json.dumps({"url": url, "validator": validator}), "utf-8")


def _validator(part: Path, url: str) -> str:
    """By what the server will know that the file is still the same; "" if it is another server's or none is known."""
    try:
        said = json.loads(_note(part).read_text("utf-8"))
        return str(said["validator"]) if said["url"] == url else ""
    except (OSError, ValueError, LookupError, TypeError):
        return ""


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
