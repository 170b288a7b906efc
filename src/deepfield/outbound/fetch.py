"""Fetches what a caller points at, and nothing that the caller could not reach without us."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Final
from urllib.parse import SplitResult, urljoin, urlsplit

from typing_extensions import override

from deepfield.model.errors import FetchError, UploadTooLargeError

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK: Final = 1 << 16
_SPOOL: Final = 1 << 20
_REDIRECTS: Final = 5


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Reads public addresses over http and https.

    A name is resolved once and the connection goes to the address that was judged, so that a name cannot point
    elsewhere between the two. Redirections are judged like the first address.
    """

    seconds: float = 30.0
    """How long it may take in all."""
    limit: int = 256 << 20
    """Most bytes of the content, decompressed."""
    private: bool = False
    """Whether addresses of the private network and of this machine may be read, too."""

    @contextmanager
    def open(self, url: str) -> Iterator[IO[bytes]]:
        """Fetch an address and hand over its content.

        Raises:
            FetchError: it cannot or may not be read, or it took too long.
            UploadTooLargeError: there is more than the limit.
        """
        deadline = time.monotonic() + self.seconds
        with SpooledTemporaryFile(max_size=_SPOOL) as content:
            self._fetch(url, content, deadline)
            content.seek(0)
            yield content

    def _fetch(self, url: str, content: IO[bytes], deadline: float) -> None:
        asked = url
        for _ in range(_REDIRECTS + 1):
            connection, path = self._connect(url, asked, deadline)
            try:
                connection.request("GET", path, headers={"Accept-Encoding": "gzip", "User-Agent": "deepfield"})
                response = connection.getresponse()
                if response.status in {301, 302, 303, 307, 308} and (location := response.getheader("Location")):
                    url = urljoin(url, location)
                    continue
                if response.status != 200:
                    raise FetchError(asked, f"its server answers {response.status}")
                self._copy(response, content, asked, deadline)
            except (OSError, http.client.HTTPException) as error:
                raise FetchError(asked, str(error) or type(error).__name__) from None
            finally:
                connection.close()
            return
        raise FetchError(asked, f"it redirects more than {_REDIRECTS} times")

    def _connect(self, url: str, asked: str, deadline: float) -> tuple[http.client.HTTPConnection, str]:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise FetchError(asked, "it is no address") from None
        if parts.scheme not in _CONNECTIONS or not parts.hostname:
            raise FetchError(asked, "expected an address with http:// or https://")
        kind, usual = _CONNECTIONS[parts.scheme]
        address = self._judged(parts.hostname, port or usual, asked)
        return kind(parts.hostname, address, max(0.1, deadline - time.monotonic())), _target(parts)

    def _judged(self, host: str, port: int, asked: str) -> tuple[str, int]:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise FetchError(asked, f"there is no host {host}") from None
        addresses = [str(entry[4][0]) for entry in found]
        if not self.private and not all(ipaddress.ip_address(a.partition("%")[0]).is_global for a in addresses):
            raise FetchError(asked, f"{host} is not a public host")
        return addresses[0], port

    def _copy(self, response: http.client.HTTPResponse, content: IO[bytes], asked: str, deadline: float) -> None:
        coding = (response.getheader("Content-Encoding") or "").strip().lower()
        if coding not in {"", "identity", "gzip", "x-gzip"}:
            raise FetchError(asked, f"its content is coded as {coding}")
        inflate = zlib.decompressobj(wbits=31) if "gzip" in coding else None
        size = 0
        while piece := response.read1(_CHUNK):
            for part in _inflated(piece, inflate, asked):
                size += len(part)
                if size > self.limit:
                    raise UploadTooLargeError(asked, self.limit)
                content.write(part)
            if time.monotonic() > deadline:
                raise FetchError(asked, f"it takes longer than {self.seconds:g} s")


class _Plain(http.client.HTTPConnection):
    """Connects to an address that was judged, under the name that was asked for."""

    def __init__(self, host: str, address: tuple[str, int], timeout: float) -> None:
        super().__init__(host, address[1], timeout=timeout)
        self._address, self._wait = address, timeout

    @override
    def connect(self) -> None:
        self.sock = socket.create_connection(self._address, self._wait)


class _Secure(_Plain):
    @override
    def connect(self) -> None:
        super().connect()
        self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)


_CONNECTIONS: Final = {"http": (_Plain, 80), "https": (_Secure, 443)}


def _inflated(piece: bytes, inflate: zlib._Decompress | None, asked: str) -> Iterator[bytes]:
    """Yield the content of a piece in parts of bounded size."""
    if inflate is None:
        yield piece
        return
    try:
        part = inflate.decompress(piece, _CHUNK)
        while part or inflate.unconsumed_tail:
            yield part
            part = inflate.decompress(inflate.unconsumed_tail, _CHUNK)
    except zlib.error:
        raise FetchError(asked, "its content is not the gzip it claims to be") from None


def _target(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
