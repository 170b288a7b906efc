"""CDS Sesame: names of everything, asked over the network, where the operator switched it on."""

from __future__ import annotations

import math
import socket
from collections import OrderedDict
from dataclasses import dataclass, field
from http.client import HTTPException
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    UnknownHandler,
)
from xml.parsers.expat import ExpatError, ParserCreate

from deepfield.model.errors import ArchiveError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

NAME: Final = "Sesame"

_LARGEST: Final = 256 * 1024
"""Bytes of an answer; real ones have some thousand."""
_CHUNK: Final = 16 * 1024
_LONGEST_NAME: Final = 200
_MOST_KEPT: Final = 2000
_PAUSE: Final = 60.0
"""Seconds for which nothing is asked after a failure, so that nobody waits for a dead service twice."""
_WANTED: Final = frozenset({"jradeg", "jdedeg", "oname"})


class SesameError(ArchiveError):
    """The service gave no answer that can be used; the message says why."""


@dataclass(frozen=True, slots=True)
class RemoteObject:
    """What the service knows of a name: its own writing of it, and the ICRS position in degrees."""

    name: str
    ra: float
    dec: float


class Sesame:
    """Asks a Sesame service for positions and keeps the answers, known or not, in memory for a while.

    Args:
        url: address of the service, as ``https://cds.unistra.fr/cgi-bin/nph-sesame``.
        seconds: how long one question may take; the service is then left alone for a minute.
        keep_hours: how long an answer is kept.

    Raises:
        ConfigurationError: the address is no http or https one.
    """

    def __init__(
        self, url: str, *, seconds: float = 5.0, keep_hours: float = 168.0, clock: Callable[[], float] = monotonic
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigurationError(f"sesame_url {url} cannot be asked: expected an address with http:// or https://")
        self._url = url.rstrip("/")
        self._host = parts.hostname
        self._seconds = seconds
        self._keep = keep_hours * 3600.0
        self._clock = clock
        self._lock = Lock()
        self._kept: OrderedDict[str, tuple[float, RemoteObject | None]] = OrderedDict()
        self._failed: tuple[float, str] | None = None

    def find(self, name: str) -> RemoteObject | None:
        """Return what the service knows of a name, None if nothing.

        Raises:
            SesameError: it cannot be reached, takes too long or answers something else.
        """
        asked = " ".join(name.split())
        if not asked or len(asked) > _LONGEST_NAME:
            return None
        now = self._clock()
        with self._lock:
            kept = self._kept.get(asked.casefold())
            if kept is not None and now - kept[0] < self._keep:
                return kept[1]
            if self._failed is not None and now - self._failed[0] < _PAUSE:
                raise SesameError(self._failed[1])
        try:
            found = _read(self._fetch(asked), asked)
        except (SesameError, OSError, HTTPException) as error:
            reason = f"Sesame at {self._host} {self._reason(error)}"
            with self._lock:
                self._failed = (self._clock(), reason)
            raise SesameError(reason) from None
        with self._lock:
            self._failed = None
            self._kept[asked.casefold()] = (now, found)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return found

    def _fetch(self, name: str) -> bytes:
        until = monotonic() + self._seconds
        request = Request(f"{self._url}/-oxp/SNV?{quote(name, safe='')}", headers={"User-Agent": "deepfield"})  # noqa: S310  checked at the start
        with _opener().open(request, timeout=self._seconds) as response:
            body = bytearray()
            while chunk := response.read1(_CHUNK):
                body += chunk
                if len(body) > _LARGEST:
                    raise SesameError("answered with more than a name's worth")
                if monotonic() > until:
                    raise TimeoutError
        return bytes(body)

    def _reason(self, error: Exception) -> str:
        cause = error.reason if isinstance(error, URLError) and not isinstance(error, HTTPError) else error
        if isinstance(cause, HTTPError):
            return f"answered with status {cause.code}"
        if isinstance(cause, TimeoutError):
            return f"did not answer within {self._seconds:g} s"
        if isinstance(cause, SesameError):
            return str(cause)
        return "does not exist" if isinstance(cause, socket.gaierror) else "cannot be reached"


def _opener() -> OpenerDirector:
    """Return what opens http and https and nothing else, redirected or not."""
    opener = OpenerDirector()
    for handler in (
        ProxyHandler(),
        HTTPHandler(),
        HTTPSHandler(),
        HTTPRedirectHandler(),
        HTTPErrorProcessor(),
        HTTPDefaultErrorHandler(),
        UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


@dataclass(slots=True)
class _Answer:
    """The elements of an answer that hold a position, of the first resolver in it that has one."""

    root: str | None = None
    path: list[str] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)

    def start(self, tag: str, _attributes: dict[str, str]) -> None:
        self.root = self.root or tag
        self.path.append(tag)
        if tag == "Resolver" and not self.placed:
            self.texts.clear()

    def end(self, _tag: str) -> None:
        self.path.pop()

    def text(self, data: str) -> None:
        if self.path[-2:-1] == ["Resolver"] and self.path[-1] in _WANTED:
            self.texts[self.path[-1]] = self.texts.get(self.path[-1], "") + data

    @property
    def placed(self) -> bool:
        return "jradeg" in self.texts and "jdedeg" in self.texts


def _read(document: bytes, asked: str) -> RemoteObject | None:
    """Read an answer of Sesame. Entities are refused, so that nothing in it can grow or reach out."""
    answer = _Answer()
    parser = ParserCreate()

    def refuse(*_declaration: Any) -> None:
        raise SesameError("answered with a document that declares entities")

    parser.StartElementHandler, parser.EndElementHandler = answer.start, answer.end
    parser.CharacterDataHandler, parser.EntityDeclHandler = answer.text, refuse
    try:
        parser.Parse(document, True)  # noqa: FBT003  the only form there is
    except ExpatError:
        raise SesameError("answered with something that is no XML") from None
    if answer.root != "Sesame":
        raise SesameError("answered with a document of another kind")
    if not answer.placed:
        return None
    try:
        ra, dec = float(answer.texts["jradeg"]), float(answer.texts["jdedeg"])
    except ValueError:
        raise SesameError("answered with a position that is none") from None
    if not (math.isfinite(ra) and 0.0 <= ra <= 360.0 and abs(dec) <= 90.0):
        raise SesameError("answered with a position that is none")
    return RemoteObject(answer.texts.get("oname", "").strip() or asked, ra % 360.0, dec)
