"""The tools of the tests of files: take a model file apart, change what it says, put it together again."""

from __future__ import annotations

import copy
import json
import struct
from pathlib import Path
from typing import Any

Header = dict[str, Any]


def taken_apart(path: Path) -> tuple[Header, dict[str, Any], bytes]:
    """The header without its metadata, the document in the metadata, and the bytes of the numbers."""
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    return header, json.loads(header.pop("__metadata__")["pellucid"]), raw[8 + length :]


def put_together(header: Header, doc: Any, numbers: bytes) -> bytes:
    """A file of these parts; a document that is text already stands there as it is."""
    text = doc if isinstance(doc, str) else json.dumps(doc)
    return with_header(json.dumps({"__metadata__": {"pellucid": text}} | header).encode(), numbers)


def with_header(header: bytes, numbers: bytes = b"", length: int | None = None) -> bytes:
    """A file with any bytes as its header, and any claim of their count."""
    return struct.pack("<Q", len(header) if length is None else length) + header + numbers


def changed(source: Path, target: Path, **values: Any) -> Path:
    """A copy of a file whose document says otherwise. `a__b=3` sets doc["a"]["b"]; functions get the old value."""
    header, doc, numbers = taken_apart(source)
    doc = copy.deepcopy(doc)
    for name, value in values.items():
        *way, last = [int(step) if step.isdigit() else step for step in name.split("__")]
        place = doc
        for step in way:
            place = place[step]
        place[last] = value(place[last]) if callable(value) else value
    target.write_bytes(put_together(header, doc, numbers))
    return target
