"""A web server on 127.0.0.1 that serves one file and misbehaves as told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Plan:
    """What one address serves, and one fault for each request in turn; then no fault any more.

    A fault is a word and, for some, a number: `cut` after so many bytes, `flip` of this bit,
    `status`, `slow` seconds, `length` added to the truth, `redirect` to this address.
    """

    body: bytes
    etag: str = '"one"'
    ranges: bool = True
    faults: list[tuple[str, object]] = field(default_factory=list)
    requests: list[dict[str, str]] = field(default_factory=list)
    served: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next_fault(self) -> tuple[str, object]:
        with self.lock:
            return self.faults.pop(0) if self.faults else ("", None)


class Server:
    """`plans[path]` says what is served; `url` is the address of the root."""

    def __init__(self) -> None:
        self.plans: dict[str, Plan] = {}
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                return

            def do_HEAD(self) -> None:
                server.head(self)

            def do_GET(self) -> None:
                try:
                    server.get(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                return  # a client that is killed or gives up is what the tests are about

        self.http = Quiet(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()

    def head(self, ask: BaseHTTPRequestHandler) -> None:
        """As Hugging Face answers for a file in large-file storage."""
        import hashlib

        plan = self.plans.get(ask.path)
        if plan is None:
            ask.send_response(404)
            ask.send_header("Content-Length", "0")
            ask.end_headers()
            return
        plan.requests.append({"method": "HEAD", **dict(ask.headers.items())})
        ask.send_response(200)
        ask.send_header("X-Repo-Commit", COMMIT)
        ask.send_header("X-Linked-Etag", f'"{hashlib.sha256(plan.body).hexdigest()}"')
        ask.send_header("X-Linked-Size", str(len(plan.body)))
        ask.send_header("ETag", '"of the pointer"')
        ask.send_header("Content-Length", str(len(plan.body)))
        ask.end_headers()

    def get(self, ask: BaseHTTPRequestHandler) -> None:
        plan = self.plans.get(ask.path)
        if plan is None:
            ask.send_error(404)
            return
        plan.requests.append(dict(ask.headers.items()))
        kind, value = plan.next_fault()
        body, start, status = plan.body, 0, 200
        if kind == "status":
            ask.send_error(int(str(value)))
            return
        if kind == "garbage":
            ask.wfile.write(b"\x00\xffnot http at all\r\n\r\n")
            ask.close_connection = True
            return
        if kind == "redirect":
            ask.send_response(302)
            ask.send_header("Location", str(value))
            ask.send_header("Content-Length", "0")
            ask.end_headers()
            return
        if kind == "slow":
            time.sleep(float(str(value)))
        if kind == "flip":
            damaged = bytearray(body)
            damaged[int(str(value)) // 8] ^= 1 << int(str(value)) % 8
            body = bytes(damaged)
        if kind == "other":
            body = bytes(reversed(body))
        wanted = ask.headers.get("Range", "")
        same = ask.headers.get("If-Range") == plan.etag or kind == "splice"
        if wanted and plan.ranges and same:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if kind == "splice":
                body = bytes(reversed(body))
            status = 206
        if kind == "elsewhere" and status == 206:
            start = max(0, start - 5)
        if start >= len(body):
            ask.send_error(416)
            return
        part = body[start:]
        ask.send_response(status)
        ask.send_header("ETag", plan.etag)
        if status == 206:
            ask.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if kind == "encoding":
            ask.send_header("Content-Encoding", "gzip")
        announced = len(part) + (int(str(value)) if kind == "length" else 0)
        if kind != "no length":
            ask.send_header("Content-Length", str(announced))
        ask.end_headers()
        if kind == "cut":
            part = part[: int(str(value))]
        if kind == "trickle":
            for byte in part[:200]:
                ask.wfile.write(bytes([byte]))
                ask.wfile.flush()
                time.sleep(float(str(value)))
            ask.close_connection = True
            return
        for at in range(0, len(part), 16_384):
            if kind == "throttle":
                time.sleep(float(str(value)))
            ask.wfile.write(part[at : at + 16_384])
            plan.served += len(part[at : at + 16_384])
        if kind in ("cut", "length", "no length"):
            ask.close_connection = True


@contextmanager
def serving() -> Iterator[Server]:
    server = Server()
    try:
        yield server
    finally:
        server.close()
