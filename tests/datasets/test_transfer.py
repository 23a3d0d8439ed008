"""A file comes whole and checked or not at all, whatever its mirrors do; and what came is never fetched twice."""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import pellucid as pl
from pellucid.datasets import transfer
from pellucid.datasets.entry import File
from pellucid.datasets.transfer import is_published, obtain
from tests.datasets.server import Mirror, claiming, garbage, mirror, ranges, slow, stall, status, whole

BODY = random.Random(0).randbytes(300_000)
OTHER = random.Random(1).randbytes(300_000)


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


FILE = File("data.bin", len(BODY), sha(BODY))


@pytest.fixture(autouse=True)
def _direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy between the tests and their server, and no waiting between tries."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(transfer, "PAUSE", 0.0)


@pytest.fixture
def server() -> Iterator[Mirror]:
    with mirror() as there:
        yield there


def get(*urls: str, target: Path, file: File = FILE, patience: float = 5.0) -> list[tuple[str, int, int]]:
    """Obtain the file; what was told."""
    told: list[tuple[str, int, int]] = []
    obtain(file, urls, target, lambda *said: told.append(said), patience)
    assert sorted(path.name for path in target.parent.iterdir()) == [target.name], "nothing else stays"
    return told


def test_a_whole_file_and_its_progress(server, tmp_path) -> None:
    told = get(server.put("data.bin", ranges(BODY)), target=tmp_path / "new" / "data.bin")
    assert (tmp_path / "new" / "data.bin").read_bytes() == BODY
    assert told[-1] == ("data.bin", len(BODY), len(BODY))
    assert [done for _, done, _ in told] == sorted({done for _, done, _ in told})
    assert server.asked[0][1]["User-Agent"].startswith("pellucid/")


def test_a_cut_connection_goes_on_where_it_broke(server, tmp_path) -> None:
    url = server.put("data.bin", ranges(BODY, cut=100_000), ranges(BODY, cut=100_000), ranges(BODY))
    get(url, target=tmp_path / "data.bin")
    assert (tmp_path / "data.bin").read_bytes() == BODY
    assert server.ranges == ["", "bytes=100000-", "bytes=200000-"]
    assert [headers.get("If-Range") for _, headers in server.asked] == [None, '"one"', '"one"']


def test_a_file_that_changed_meanwhile_comes_anew(server, tmp_path) -> None:
    url = server.put("data.bin", ranges(OTHER, tag='"old"', cut=100_000), ranges(BODY, tag='"new"'))
    get(url, target=tmp_path / "data.bin")
    assert (tmp_path / "data.bin").read_bytes() == BODY
    assert server.ranges == ["", "bytes=100000-"]


def test_a_server_without_ranges_sends_the_whole_again(server, tmp_path) -> None:
    url = server.put("data.bin", claiming(BODY[:150_000], len(BODY)), whole(BODY))
    get(url, target=tmp_path / "data.bin")
    assert (tmp_path / "data.bin").read_bytes() == BODY


def test_a_beginning_from_another_mirror_is_gone_on_with(server, tmp_path) -> None:
    first = server.put("first", ranges(BODY, cut=100_000), status(404))
    get(first, server.put("second", ranges(BODY, tag='"two"')), target=tmp_path / "data.bin")
    assert server.ranges == ["", "bytes=100000-", "bytes=100000-"]
    assert "If-Range" not in server.asked[-1][1]  # the tag was another server's


def test_a_wrong_beginning_is_thrown_away_and_the_mirror_asked_again(server, tmp_path) -> None:
    first = server.put("first", ranges(OTHER, cut=100_000), status(404))
    get(first, server.put("second", ranges(BODY)), target=tmp_path / "data.bin")
    assert (tmp_path / "data.bin").read_bytes() == BODY
    assert server.ranges == ["", "bytes=100000-", "bytes=100000-", ""]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (status(404), "answered 404"),
        (status(403), "answered 403"),
        (whole(OTHER), "sent something else than the published file"),
        (whole(BODY[:-1]), "says that the file has 299,999 bytes, and the published one has 300,000"),
        (claiming(BODY, 10**12), "says that the file has 1,000,000,000,000 bytes"),
        (claiming(BODY + b"more", None), "sent more than 300,000 bytes"),
        (whole(b"<html>Log in first</html>"), "says that the file has 25 bytes"),
        (garbage, "broke off"),
        (status(302), "answered 302"),
        (status(302, Location="file:///etc/passwd"), "answered 302"),
        (status(302, Location="ftp://127.0.0.1/data.bin"), "unknown url type"),
        (status(301, Location="/data.bin"), "answered 301"),  # to itself, for ever
        (status(500), "answered 500"),
        (ranges(BODY, cut=0), "broke off after 0 of 300,000 bytes"),
        (claiming(BODY[:9], None), "broke off after 9 of 300,000 bytes"),
    ],
)
def test_a_mirror_that_does_not_have_it_is_named_and_the_next_one_asked(server, tmp_path, answer, words) -> None:
    bad = server.put("data.bin", answer)
    with pytest.raises(pl.DataError) as error:
        get(bad, target=tmp_path / "data.bin")
    for word in (words, bad, "data.bin could not be fetched", str(tmp_path / "data.bin")):
        assert word in str(error.value)
    assert not (tmp_path / "data.bin").exists()
    get(bad, server.put("good", ranges(BODY)), target=tmp_path / "data.bin")
    assert (tmp_path / "data.bin").read_bytes() == BODY


def test_a_length_that_is_too_long_costs_nothing(server, tmp_path) -> None:
    """A file is cut short by a server that claims the right length: the rest is asked for until nothing more comes."""
    url = server.put("data.bin", claiming(BODY[:-1], len(BODY)))
    with pytest.raises(pl.DataError, match="broke off after 299,999 of 300,000 bytes"):
        get(url, target=tmp_path / "data.bin")
    assert len(server.asked) == 2


def test_a_range_from_elsewhere_is_refused(server, tmp_path) -> None:
    url = server.put("data.bin", ranges(BODY, cut=100_000), ranges(BODY, start=7))
    with pytest.raises(pl.DataError, match="sent bytes from 7 on when those from 100000 on were asked for"):
        get(url, target=tmp_path / "data.bin")


def test_redirects_are_followed_with_their_range(server, tmp_path) -> None:
    there = server.put("there", ranges(BODY, cut=100_000), ranges(BODY))
    get(server.put("data.bin", status(302, Location=there)), target=tmp_path / "data.bin")
    assert (tmp_path / "data.bin").read_bytes() == BODY
    assert [path for path, _ in server.asked] == ["/data.bin", "/there"] * 2
    assert server.ranges == ["", "", "bytes=100000-", "bytes=100000-"]


@pytest.mark.parametrize("drip", [False, True], ids=["silence", "a byte now and then"])
def test_a_stalled_mirror_is_given_up(server, tmp_path, drip) -> None:
    bad = server.put("bad", stall(BODY, 100_000, drip=drip), status(404))
    begun = time.monotonic()
    get(bad, server.put("good", ranges(BODY)), target=tmp_path / "data.bin", patience=0.4)
    assert time.monotonic() - begun < 5
    assert (tmp_path / "data.bin").read_bytes() == BODY
    assert server.ranges[-1].startswith("bytes=1000")  # what the stalled one had sent was not lost


def test_nobody_there_is_one_paragraph(tmp_path) -> None:
    with mirror() as gone:
        address = gone.address
    with pytest.raises(pl.DataError, match=r"could not be reached \(.*refused.*Check the connection"):
        get(f"{address}/data.bin", target=tmp_path / "data.bin")


def test_a_file_packed_anew_counts_by_its_content(server, tmp_path) -> None:
    published, anew = (gzip.compress(BODY, level, mtime=0) for level in (9, 1))
    file = File("data.gz", len(published), sha(published), sha(BODY))
    for name, content in (("anew.gz", anew), ("bare", BODY)):
        get(server.put(name, whole(content)), target=tmp_path / name / "data.gz", file=file)
        assert (tmp_path / name / "data.gz").read_bytes() == content
    with pytest.raises(pl.DataError, match="something else than the published file"):
        get(server.put("other.gz", whole(gzip.compress(OTHER))), target=tmp_path / "other" / "data.gz", file=file)


def test_a_bomb_is_not_unpacked_to_be_checked(tmp_path) -> None:
    zeros = bytes(10 << 20)
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(zeros, 9))
    assert transfer._content(tmp_path / "bomb.gz", len(zeros)) == sha(zeros)
    assert transfer._content(tmp_path / "bomb.gz", len(zeros) - 1) == ""
    huge = File("bomb.gz", 1000, "0" * 64, sha(zeros))
    assert is_published(tmp_path / "bomb.gz", huge)
    with (tmp_path / "bomb.gz").open("ab") as file:
        file.truncate(200 << 20)  # larger than any form of it could be: not even read
    assert not is_published(tmp_path / "bomb.gz", huge)


def test_what_a_whole_file_does_not_cover_is_cut_off(server, tmp_path) -> None:
    (tmp_path / ".data.bin.part").write_bytes(OTHER[:100_000])
    url = server.put("data.bin", claiming(BODY[:50_000], len(BODY)), ranges(BODY))
    get(url, target=tmp_path / "data.bin")
    assert server.ranges == ["bytes=100000-", "bytes=50000-"]
    assert (tmp_path / "data.bin").read_bytes() == BODY


def test_what_is_there_stays_until_the_new_file_is_whole(server, tmp_path) -> None:
    target = tmp_path / "data.bin"
    target.write_bytes(b"old")
    with pytest.raises(pl.DataError, match=r"100,000 bytes of it are kept"):
        get(server.put("data.bin", ranges(BODY, cut=100_000), status(404)), target=target)
    assert target.read_bytes() == b"old"
    get(server.put("data.bin", ranges(BODY)), target=target)
    assert target.read_bytes() == BODY
    assert server.ranges[-1] == "bytes=100000-"


def test_a_part_that_is_whole_already_is_only_checked(server, tmp_path) -> None:
    (tmp_path / ".data.bin.part").write_bytes(BODY)
    get(server.put("data.bin", status(500)), target=tmp_path / "data.bin")
    assert server.asked == []


@pytest.mark.parametrize("note", ["", "[]", '{"url": 1}', json.dumps({"url": "x", "validator": "y"})])
def test_a_damaged_note_or_part_does_no_harm(server, tmp_path, note) -> None:
    (tmp_path / ".data.bin.part").write_bytes(OTHER + b"and more than there should be")
    (tmp_path / ".data.bin.part.json").write_text(note)
    get(server.put("data.bin", ranges(BODY)), target=tmp_path / "data.bin")
    assert (tmp_path / "data.bin").read_bytes() == BODY


def test_a_full_disk_is_not_the_mirrors_fault(server, tmp_path, monkeypatch) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    url = server.put("data.bin", ranges(BODY))
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(pl.FileError, match=r"data.bin could not be written: No space left"):
            get(url, target=tmp_path / "data.bin")
    get(url, target=tmp_path / "data.bin")
    assert len(server.asked) == 1  # all of it had come


LIMITED = """
import resource, signal, sys
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, 120_000))
from tests.datasets.test_transfer import FILE, obtain
import pellucid as pl
try:
    obtain(FILE, [sys.argv[1]], Path(sys.argv[2]), lambda *said: None)
except pl.FileError as error:
    print(error)
"""


def child(code: str, *words: str) -> subprocess.Popen[str]:
    """A Python of its own, at the root of the repository."""
    root = Path(__file__).resolve().parents[2]
    paths = os.pathsep.join([str(root), str(root / "src"), os.environ.get("PYTHONPATH", "")])
    env = {**os.environ, "PYTHONPATH": paths, "no_proxy": "*"}
    return subprocess.Popen([sys.executable, "-c", code, *words], env=env, stdout=subprocess.PIPE, text=True)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_disk_with_room_for_a_part_only(server, tmp_path) -> None:
    url = server.put("data.bin", ranges(BODY))
    out, _ = child(LIMITED, url, str(tmp_path / "data.bin")).communicate(timeout=60)
    assert "could not be written" in out
    assert "What came so far is kept" in out
    get(url, target=tmp_path / "data.bin")
    assert server.ranges == ["", "bytes=120000-"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_download_goes_on(server, tmp_path) -> None:
    url = server.put("data.bin", slow(BODY, pieces=20, pause=0.1))
    code = (
        "import sys; from pathlib import Path; from tests.datasets.test_transfer import FILE, obtain;"
        "obtain(FILE, [sys.argv[1]], Path(sys.argv[2]), lambda *said: None)"
    )
    process, part = child(code, url, str(tmp_path / "data.bin")), tmp_path / ".data.bin.part"
    deadline = time.monotonic() + 60
    while (part.stat().st_size if part.exists() else 0) < 60_000:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    there = part.stat().st_size
    assert 60_000 <= there < len(BODY)
    assert not (tmp_path / "data.bin").exists()
    server.put("data.bin", ranges(BODY))
    get(url, target=tmp_path / "data.bin")
    assert server.ranges == ["", f"bytes={there}-"]
    assert (tmp_path / "data.bin").read_bytes() == BODY
