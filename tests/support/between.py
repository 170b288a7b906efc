"""A gateway before a server that counts what it is asked, and on order answers badly: busy, or with spoiled bytes."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

PASSED_ON = ("Authorization", "Range", "Content-Type", "Accept")
PASSED_BACK = ("Content-Type", "Content-Range", "ETag", "Last-Modified", "Repr-Digest", "Accept-Ranges")


@dataclass
class Gateway:
    """What is to go wrong still, and what was asked so far."""

    target: str
    spoil: int = 0
    """Downloads of which a byte is to be turned."""
    busy: int = 0
    """Requests to be answered with 503."""
    silent: bool = False
    """Whether versions and checksums are kept from the client, as by an archive that has none in its headers."""
    asked: Counter[str] = field(default_factory=Counter)
    """Requests by method and path."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def downloads(self) -> int:
        return self.asked["GET /api/v0.1/Download/file"]

    def take(self, name: str) -> bool:
        with self.lock:
            left = getattr(self, name)
            setattr(self, name, max(left - 1, 0))
            return left > 0


@contextmanager
def gateway(target: str) -> Iterator[tuple[str, Gateway]]:
    """Yield the address of a gateway before a server, and what it is to do."""
    orders = Gateway(target)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            path = self.path.partition("?")[0]
            with orders.lock:
                orders.asked[f"{self.command} {path}"] += 1
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if orders.take("busy"):
                self.answer(503, {"Retry-After": "0"}, b"")
                return
            headers = {name: self.headers[name] for name in PASSED_ON if name in self.headers}
            answer = httpx.request(self.command, orders.target + self.path, headers=headers, content=body, timeout=30)
            content = answer.content
            if self.command == "GET" and answer.is_success and orders.take("spoil"):
                content = bytes([content[0] ^ 1]) + content[1:]
            hidden = ("ETag", "Last-Modified", "Repr-Digest") if orders.silent else ()
            kept = {name: answer.headers[name] for name in PASSED_BACK if name in answer.headers and name not in hidden}
            length = answer.headers.get("Content-Length") if self.command == "HEAD" else None
            self.answer(answer.status_code, kept, content, length)

        do_GET = do_HEAD = do_POST = pass_on  # noqa: N815  the names are http.server's

        def answer(self, status: int, headers: dict[str, str], content: bytes, length: str | None = None) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", length or str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", orders
    finally:
        server.shutdown()
        server.server_close()
