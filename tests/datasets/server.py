"""A server on this machine that does whatever a mirror may do: cut, stall, lie, redirect, refuse, and serve ranges."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

Answer = Callable[["Handler"], None]


@dataclass
class Mirror:
    """What the server will do: for each path a list of answers, one a request; the last is repeated."""

    address: str
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def put(self, name: str, *answers: Answer) -> str:
        """Answer requests for this name so; its address."""
        self.answers[f"/{name}"] = list(answers)
        return f"{self.address}/{name}"

    @property
    def ranges(self) -> list[str]:
        """The ranges that were asked for, "" for a whole file."""
        return [headers.get("Range", "") for _, headers in self.asked]


class Handler(BaseHTTPRequestHandler):
    """Looks up the answer and gives it."""

    mirror: Mirror
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.mirror.asked.append((self.path, dict(self.headers)))
        plans = self.mirror.answers.get(self.path, [status(404)])
        answer = plans.pop(0) if len(plans) > 1 else plans[0]
        self.close_connection = True
        answer(self)

    def log_message(self, *args: Any) -> None:
        pass

    def begin(self, code: int, **headers: Any) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def send(self, body: bytes) -> None:
        try:
            self.wfile.write(body)
            self.wfile.flush()
        except OSError:
            pass  # the client has heard enough


def whole(body: bytes, **headers: Any) -> Answer:
    """The whole file, whatever range was asked for."""

    def answer(handler: Handler) -> None:
        handler.begin(200, Content_Length=len(body), **headers)
        handler.send(body)

    return answer


def ranges(body: bytes, tag: str = '"one"', cut: int | None = None, start: int | None = None) -> Answer:
    """The range that is asked for, if the tag is still this; else the whole. It breaks off after `cut` bytes."""

    def answer(handler: Handler) -> None:
        asked, condition = handler.headers.get("Range"), handler.headers.get("If-Range")
        at = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        if asked is None or condition not in (None, tag):
            handler.begin(200, Content_Length=len(body), ETag=tag)
            at = 0
        elif at >= len(body):
            handler.begin(416, Content_Range=f"bytes */{len(body)}", Content_Length=0)
            return
        else:
            first = at if start is None else start
            told = f"bytes {first}-{len(body) - 1}/{len(body)}"
            handler.begin(206, Content_Length=len(body) - at, Content_Range=told, ETag=tag)
        handler.send(body[at:] if cut is None else body[at : at + cut])

    return answer


def stall(body: bytes, after: int, drip: bool = False) -> Answer:
    """Some bytes, then silence, or a byte every tenth of a second."""

    def answer(handler: Handler) -> None:
        handler.begin(200, Content_Length=len(body))
        handler.send(body[:after])
        for i in range(100):
            if handler.mirror.over.wait(0.1):
                return
            if drip:
                handler.send(body[after + i : after + i + 1])

    return answer


def slow(body: bytes, pieces: int, pause: float) -> Answer:
    """The whole file, with ranges, a piece at a time."""

    def answer(handler: Handler) -> None:
        asked = handler.headers.get("Range")
        at = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        if asked:
            told = f"bytes {at}-{len(body) - 1}/{len(body)}"
            handler.begin(206, Content_Length=len(body) - at, Content_Range=told)
        else:
            handler.begin(200, Content_Length=len(body))
        step = -(-len(body) // pieces)
        for i in range(at, len(body), step):
            handler.send(body[i : i + step])
            time.sleep(pause)

    return answer


def claiming(body: bytes, length: int | None) -> Answer:
    """The file under a wrong length, or under none."""

    def answer(handler: Handler) -> None:
        handler.begin(200, **({} if length is None else {"Content_Length": length}))
        handler.send(body)

    return answer


def status(code: int, **headers: Any) -> Answer:
    """No file, but a number."""
    return lambda handler: handler.begin(code, Content_Length=0, **headers)


def garbage(handler: Handler) -> None:
    """No HTTP at all."""
    handler.send(b"\x00\xffhello\r\n\r\n")


class Server(ThreadingHTTPServer):
    """A server that does not ask for its own name, which takes half a second."""

    daemon_threads = True

    def server_bind(self) -> None:
        TCPServer.server_bind(self)


@contextmanager
def mirror() -> Iterator[Mirror]:
    """A server that runs."""
    server = Server(("127.0.0.1", 0), Handler)
    there = Mirror(f"http://127.0.0.1:{server.server_address[1]}")
    server.RequestHandlerClass = type("Bound", (Handler,), {"mirror": there})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield there
    finally:
        there.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
