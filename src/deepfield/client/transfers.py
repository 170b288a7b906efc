"""Moves files: several at once, each resumed where it broke off and verified before it gets its name."""

from __future__ import annotations

import base64
import hashlib
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import requests

from deepfield.client.pace import PASSING, Pace, backoff
from deepfield.model.errors import TransferError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from deepfield.client.listing import Remote

CHUNK: Final = 1 << 18
TIMEOUT: Final = (15.0, 60.0)
"""Seconds to connect, and between two pieces."""
_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file."""

    path: str
    state: Literal["verified", "present", "size only", "failed"]
    """``present``: it was there already, whole; ``size only``: the archive publishes no checksum."""
    reason: str = ""
    denied: bool = False
    """Whether it failed because the archive does not let the one who asks have it."""
    sha256: str | None = None
    """What was verified, where there was a checksum."""
    tag: str | None = None
    """What the archive calls this version (ETag or Last-Modified), where it was fetched now and it says so."""


@dataclass(frozen=True, slots=True)
class _Arrival:
    """Whether everything that the archive announced has arrived, with the checksum and version that it announced."""

    whole: bool
    sha256: str | None = None
    tag: str | None = None


class _DeniedError(TransferError):
    """The archive does not let the one who asks have a file."""


class Transfers:
    """Fetches files into a folder. A failure is tried again ``tries`` times; any progress starts the count anew."""

    def __init__(
        self,
        headers: Mapping[str, str],
        *,
        workers: int = 4,
        tries: int = 6,
        pause: Callable[[float], None] = time.sleep,
        pace: Pace | None = None,
    ) -> None:
        self._pace = pace or Pace()
        self._headers = {**headers, "Accept-Encoding": "identity"}
        self._workers, self._tries, self._pause = workers, tries, pause
        self._local = threading.local()

    def fetch(
        self, remotes: Sequence[Remote], folder: Path, *, tell: Callable[[int], None] = lambda _count: None
    ) -> Iterator[Outcome]:
        """Fetch files, yielding what became of each as it ends; ``tell`` is told the bytes that have arrived.

        Stopping the iteration stops the transfers; what has arrived is kept and resumed next time.
        """
        stop = threading.Event()
        with ThreadPoolExecutor(self._workers, thread_name_prefix="transfer") as pool:
            running = {pool.submit(self._one, remote, folder, tell, stop): remote for remote in remotes}
            try:
                for future in as_completed(running):
                    yield future.result()
            finally:
                stop.set()
                pool.shutdown(wait=True, cancel_futures=True)

    def _one(self, remote: Remote, folder: Path, tell: Callable[[int], None], stop: threading.Event) -> Outcome:
        try:
            return self._until_whole(remote, folder, tell, stop)
        except (TransferError, OSError) as error:
            reason = error.reason if isinstance(error, TransferError) else str(error)
            return Outcome(remote.path, "failed", reason, isinstance(error, _DeniedError))

    def _until_whole(self, remote: Remote, folder: Path, tell: Callable[[int], None], stop: threading.Event) -> Outcome:
        target = folder / remote.path
        if target.is_file() and _fault(target, remote) is None and (remote.sha256 or remote.size is not None):
            tell(remote.size or target.stat().st_size)
            return Outcome(remote.path, "present", sha256=remote.sha256)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.part")
        failures, told, refetched = 0, 0, False
        while not stop.is_set():
            before = part.stat().st_size if part.exists() else 0
            trouble, answer = None, None
            try:
                arrival = self._continue(remote, part, stop)
            except requests.RequestException as error:
                arrival, answer = _Arrival(whole=False), error.response
                trouble = f"{type(error).__name__}: {error}"
            have = part.stat().st_size if part.exists() else 0
            tell(have - told)
            told = have
            if arrival.whole:
                known = remote if remote.sha256 else replace(remote, sha256=arrival.sha256)
                fault = _fault(part, known)
                if fault is None:
                    part.replace(target)
                    state: Literal["verified", "size only"] = "verified" if known.sha256 else "size only"
                    return Outcome(remote.path, state, sha256=known.sha256, tag=arrival.tag)
                part.unlink()
                if refetched:
                    raise TransferError(remote.path, fault)
                refetched, trouble = True, fault
            failures = 0 if have > before and not arrival.whole else failures + 1
            if failures >= self._tries:
                raise TransferError(remote.path, trouble or "the connection broke off")
            if failures:
                self._pause(backoff(failures, answer))
        raise TransferError(remote.path, "stopped")

    def _continue(self, remote: Remote, part: Path, stop: threading.Event) -> _Arrival:
        """Ask for what is missing and append it."""
        have = part.stat().st_size if part.exists() else 0
        if remote.size is not None and have >= remote.size and part.exists():
            if have == remote.size:
                return self._announced(remote)
            part.unlink()
            have = 0
        headers = {**self._headers, **({"Range": f"bytes={have}-"} if have else {})}
        self._pace.keep()
        with self._session().get(remote.url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
            if answer.status_code == 416:  # what is here is not the beginning of what is there
                part.unlink(missing_ok=True)
                return _Arrival(whole=False)
            if answer.status_code in PASSING:
                raise requests.HTTPError(f"the archive answers {answer.status_code}", response=answer)
            if answer.status_code in {401, 403}:
                raise _DeniedError(remote.path, words_of(answer))
            if answer.status_code not in {200, 206}:
                raise TransferError(remote.path, words_of(answer))
            begin, total = _span(answer, have)
            with part.open("r+b" if begin else "wb") as sink:
                sink.seek(begin)
                sink.truncate()
                for piece in answer.iter_content(CHUNK):
                    sink.write(piece)
                    if stop.is_set():
                        return _Arrival(whole=False)
                arrived = sink.tell()
            expected = remote.size if remote.size is not None else total if total is not None else arrived
            return _Arrival(arrived == expected, digest_of(answer), tag=tag_of(answer))

    def _announced(self, remote: Remote) -> _Arrival:
        """Return what the archive announces of a file that is here in full length."""
        self._pace.keep()
        with self._session().head(remote.url, headers=self._headers, timeout=TIMEOUT, allow_redirects=True) as answer:
            return _Arrival(whole=True, sha256=digest_of(answer), tag=tag_of(answer))

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
        return session


def _span(answer: requests.Response, have: int) -> tuple[int, int | None]:
    """Return where the bytes of an answer begin in the file, and how long the file is, where that is said."""
    if answer.status_code == 206:
        found = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        if found is None or int(found[1]) > have:
            raise requests.HTTPError("the archive sends another range than the one asked for")
        return int(found[1]), None if found[2] == "*" else int(found[2])
    length = answer.headers.get("Content-Length")
    return 0, int(length) if length is not None and length.isdecimal() else None


def digest_of(answer: requests.Response) -> str | None:
    """Return the SHA-256 of the whole file that an answer is about, hexadecimal (``Repr-Digest``, RFC 9530 §3)."""
    found = _DIGEST.search(answer.headers.get("Repr-Digest", ""))
    return None if found is None else base64.b64decode(found[1]).hex()


def tag_of(answer: requests.Response) -> str | None:
    """Return what the archive calls the version that an answer is about."""
    tag: str | None = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
    return tag


def words_of(answer: requests.Response) -> str:
    """Return what the archive says, in its own words where it has any."""
    try:
        document = answer.json()
        return str(document["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"the archive answers {answer.status_code} {answer.reason}"


def _fault(path: Path, remote: Remote) -> str | None:
    """Return what is wrong with a file, or None."""
    size = path.stat().st_size
    if remote.size is not None and size != remote.size:
        return f"it has {size} bytes instead of {remote.size}"
    if remote.sha256 is None:
        return None
    with path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    return None if found == remote.sha256 else f"its SHA-256 is {found} instead of {remote.sha256}"
