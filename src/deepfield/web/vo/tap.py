"""TAP 1.1: tables asked in ADQL, at once (sync) or as a job (async)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated, Final, Self

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response, StreamingResponse

from deepfield import __version__
from deepfield.access.policy import Readable
from deepfield.access.principal import ANONYMOUS
from deepfield.bootstrap import Archive
from deepfield.formats.document import Document, Provenance
from deepfield.formats.registry import Format, find_format
from deepfield.formats.uploads import UploadLimits, read_upload
from deepfield.model.errors import BusyError, InvalidQueryError, RebuildingError
from deepfield.model.jobs import Job, JobResult
from deepfield.model.rows import RowStream
from deepfield.query.adql import Version
from deepfield.services.describe import describe
from deepfield.services.runner import Running
from deepfield.services.tables import Upload as UploadedTable
from deepfield.web.context import CallersRule, PublicAddress, TheArchive
from deepfield.web.vo import uws, vosi
from deepfield.web.vo.dali import DaliParams, Params, Upload
from deepfield.web.vo.documents import VoRoute, snapshot_header, xml_response
from deepfield.web.vo.examples import examples_response
from deepfield.web.vo.record import Curation, record_document
from deepfield.web.vo.tapregext import table_access

KIND: Final = "tap"
PLACES: Final = ("/tap", "/vo-tap/api/v0.1/caom")
"""Where the service stands: under its own name, and where scripts for MAST look for it."""
LANGUAGES: Final[Mapping[str, Version]] = {"ADQL": "2.1", "ADQL-2.0": "2.0", "ADQL-2.1": "2.1"}
"""Names of query languages with the version that each means."""
WHOLE: Final = 1 << 17
"""Bytes up to which an answer is sent whole, with its length, rather than in pieces."""
AT_ONCE: Final = 8
"""Synchronous queries that run at a time. They take no threads of the portal's."""
WAITING: Final = 64
"""Synchronous queries that wait for one of these; more are refused."""
ROOM_CHECKED: Final = 64 << 20
"""Bytes of a result after which the disk is looked at again."""


@dataclass(frozen=True, slots=True)
class TapQuery:
    """A query as TAP 1.1 §2.7 asks it."""

    adql: str
    version: Version
    format: Format
    maxrec: int | None
    snapshot: str | None
    """Number of a snapshot or name of a pin; None for now."""
    uploads: tuple[Upload, ...]
    run_id: str | None

    @classmethod
    def from_params(cls, params: Params) -> Self:
        """Read a query from the parameters of a request or of a job.

        Raises:
            InvalidQueryError: naming the parameter, its value and what would be right.
        """
        request = params.one("REQUEST")
        if request is not None and request.lower() != "doquery":
            raise InvalidQueryError("REQUEST", request, "doQuery")
        language = params.one("LANG") or "ADQL"
        if language.upper() not in LANGUAGES:
            raise InvalidQueryError("LANG", language, f"one of {', '.join(LANGUAGES)}")
        query = params.one("QUERY")
        if query is None:
            raise InvalidQueryError("QUERY", None, "a query in ADQL")
        return cls(
            adql=query,
            version=LANGUAGES[language.upper()],
            format=find_format(params.one("RESPONSEFORMAT", "FORMAT") or "votable"),
            maxrec=params.whole("MAXREC"),
            snapshot=params.one("SNAPSHOT"),
            uploads=params.uploads(),
            run_id=params.one("RUNID"),
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """Under what circumstances a query is asked."""

    archive: Archive
    rule: Readable
    public: str
    """Address of the archive, for links in the rows."""
    seconds: float
    """How long the query may run."""


class Answer:
    """An answer in the making: rows of the engine on one side, pieces of a document on the other.

    All of it blocks, and is called by one thread at a time but for ``stop``.
    """

    def __init__(self, query: TapQuery, files: Mapping[str, IO[bytes]], asked: Asked) -> None:
        self._query, self._files, self._asked = query, files, asked
        self._stop: list[Callable[[], None]] = []
        self._stopped = False
        self._stream: RowStream | None = None

    def pieces(self) -> Iterator[bytes]:
        """Run the query until its first rows are there; return the pieces of the document.

        Raises:
            ArchiveError: the query is wrong, or failed before it gave a row.
        """
        query, archive, settings = self._query, self._asked.archive, self._asked.archive.settings
        snapshot = None if query.snapshot is None else archive.snapshots.number(query.snapshot)
        maxrec = settings.tap_rows if query.maxrec is None else min(query.maxrec, settings.tap_most_rows)
        self._stream = archive.tables.query(
            query.adql,
            rule=self._asked.rule,
            base_url=self._asked.public,
            version=query.version,
            maxrec=maxrec,
            snapshot=snapshot,
            uploads={upload.name: self._uploaded(upload) for upload in query.uploads},
            seconds=self._asked.seconds,
            started=self._started,
        )
        return query.format.write(self._stream, Document(provenance=self._provenance()))

    def stop(self) -> None:
        """Stop the query at once; whoever reads the rows gets an error."""
        self._stopped = True
        for stop in self._stop:
            stop()

    def close(self) -> None:
        """Let go of the engine."""
        if self._stream is not None:
            self._stream.close()

    @property
    def stream(self) -> RowStream:
        """The rows, once the query gives some."""
        assert self._stream is not None
        return self._stream

    @property
    def headers(self) -> dict[str, str]:
        """What is said of the answer beside it."""
        return {"Cache-Control": "no-cache", **snapshot_header(self.stream.snapshot)}

    def _started(self, stop: Callable[[], None]) -> None:
        self._stop.append(stop)
        if self._stopped:
            stop()

    def _uploaded(self, upload: Upload) -> UploadedTable:
        if not upload.is_part:
            with self._asked.archive.fetcher.open(upload.source) as content:
                return self._read(upload, content)
        if upload.source not in self._files:
            part = f"{upload.name},param:{upload.source}"
            raise InvalidQueryError("UPLOAD", part, "the name of a part of the request")
        return self._read(upload, self._files[upload.source])

    def _read(self, upload: Upload, content: IO[bytes]) -> UploadedTable:
        settings = self._asked.archive.settings
        limits = UploadLimits(rows=settings.upload_rows, bytes=settings.upload_mb << 20)
        table = read_upload(content, upload.name, limits)
        return UploadedTable(table.columns, table.rows)

    def _provenance(self) -> Provenance:
        query = self._query
        return Provenance(
            query=query.adql,
            request_date=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            service_protocol="ivo://ivoa.net/std/TAP",
            server_software=f"Deepfield/{__version__}",
            further=(("RUNID", query.run_id),) if query.run_id else (),
        )


# -- at once


_RUNNING: Final = CapacityLimiter(AT_ONCE)


async def answered(request: Request, query: TapQuery, params: Params, asked: Asked) -> Response:
    """Answer a query; a client that goes away stops it.

    Raises:
        ArchiveError: whatever is wrong with the query.
        BusyError: too many queries run and wait.
    """
    if _RUNNING.statistics().tasks_waiting >= WAITING:
        raise BusyError(AT_ONCE)
    answer = Answer(query, params.files, asked)
    try:
        with _stopped_when_gone(request, answer):
            begun, pieces = await to_thread.run_sync(_begin, answer, limiter=_RUNNING)
    except BaseException:
        answer.close()
        raise
    if pieces is None:
        answer.close()
        return Response(begun, headers=answer.headers, media_type=query.format.media_type)
    return StreamingResponse(_rest(begun, pieces, answer), headers=answer.headers, media_type=query.format.media_type)


def _begin(answer: Answer) -> tuple[bytes, Iterator[bytes] | None]:
    """Return the answer, or its beginning and the pieces to follow."""
    begun, pieces = bytearray(), answer.pieces()
    for piece in pieces:
        begun += piece
        if len(begun) > WHOLE:
            return bytes(begun), pieces
    return bytes(begun), None


async def _rest(begun: bytes, pieces: Iterator[bytes], answer: Answer) -> AsyncIterator[bytes]:
    try:
        yield begun
        while (piece := await to_thread.run_sync(next, pieces, None, limiter=_RUNNING)) is not None:
            yield piece
    finally:
        answer.stop()
        answer.close()


@contextmanager
def _stopped_when_gone(request: Request, answer: Answer) -> Iterator[None]:
    """Stop the query when the client goes away before its first rows are there."""

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        answer.stop()

    watcher = asyncio.create_task(watch())
    try:
        yield
    finally:
        watcher.cancel()


# -- as a job


def run_job(archive: Archive, job: Job, running: Running) -> Sequence[JobResult]:
    """Do a job of this kind.

    Raises:
        ArchiveError: whatever is wrong with the query, or the disk is full.
    """
    with ExitStack() as stack:
        files = {name: stack.enter_context(archive.jobs.path(job, file).open("rb")) for name, file in job.files.items()}
        params = Params(job.parameters, files)
        query = TapQuery.from_params(params)
        public = job.address.removesuffix("/async").removesuffix(PLACES[0]).removesuffix(PLACES[1])
        asked = Asked(archive, rights_of(archive, job), public, float(job.duration))
        answer = Answer(query, files, asked)
        running.on_stop(answer.stop)
        stack.callback(answer.close)
        part = archive.jobs.path(job, "result.part")
        size = _written(archive, part, answer.pieces())
        part.rename(archive.jobs.path(job, "result"))
        name = f"result.{query.format.extension}"
        rows = answer.stream
        return [JobResult("result", query.format.media_type, name, size, rows.rows, rows.snapshot)]


def _written(archive: Archive, path: Path, pieces: Iterable[bytes]) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    size = checked = 0
    archive.jobs.check_room()
    with path.open("wb") as sink:
        for piece in pieces:
            sink.write(piece)
            size += len(piece)
            if size - checked > ROOM_CHECKED:
                archive.jobs.check_room()
                checked = size
    return size


def rights_of(archive: Archive, job: Job) -> Readable:
    """Return what a job may read: what its caller could when it was made, and still can."""
    now = ANONYMOUS if job.owner is None else archive.sign_in.by_name(job.owner)
    programs = now.programs & frozenset(job.rights["programs"])
    return Readable(at=datetime.now(UTC), programs=programs, staff=now.staff and job.rights["staff"])


# -- routes

router = APIRouter(route_class=VoRoute, include_in_schema=False)


@router.api_route("/sync", methods=["GET", "POST"])
async def ask(
    request: Request, params: DaliParams, archive: TheArchive, rule: CallersRule, public: PublicAddress
) -> Response:
    """Answer a query at once, TAP 1.1 §2.1."""
    asked = Asked(archive, rule, public, archive.settings.tap_seconds)
    return await answered(request, TapQuery.from_params(params), params, asked)


router.include_router(uws.router, prefix="/async", dependencies=[uws.of_kind(KIND)])


def service_address(request: Request, public: PublicAddress) -> str:
    """Return the public address of the service that a request was sent to."""
    return f"{public}{request.url.path.rpartition('/')[0]}"


ServiceAddress = Annotated[str, Depends(service_address)]


@router.get("/capabilities")
def capabilities(archive: TheArchive, base: ServiceAddress) -> Response:
    """Tell what the service can do."""
    return xml_response(_capabilities(archive, base))


def _capabilities(archive: Archive, base: str) -> bytes:
    examples = vosi.capability("ivo://ivoa.net/std/DALI#examples", f"{base}/examples")
    return vosi.capabilities_document(base, [table_access(base, archive.settings), examples])


@router.get("/record")
def record(archive: TheArchive, base: ServiceAddress, public: PublicAddress) -> Response:
    """Describe the service as registries do: who runs it, what it can do, its tables and what they cover."""
    settings, now = archive.settings, datetime.now(UTC)
    created, updated = archive.snapshots.span()
    curation = Curation(
        identifier=f"ivo://{settings.authority}/tap",
        title=settings.title,
        publisher=settings.publisher or settings.authority,
        contact=settings.contact,
        created=created,
        updated=updated,
    )
    document = record_document(
        curation,
        address=f"{public}/",
        capabilities=_capabilities(archive, base),
        described=describe(archive.tables.published),
        counts=archive.tables.counts(now),
        coverage=archive.tables.coverage(now),
    )
    return xml_response(document)


@router.get("/availability")
def availability(archive: TheArchive) -> Response:
    """Tell whether queries are answered."""
    state = archive.follower.state
    note = None if state.state == "ready" else f"the index of the archive is {state.state}"
    return vosi.availability_response(note=note)


@router.get("/tables")
def tables(request: Request, params: DaliParams, archive: TheArchive) -> Response:
    """Describe all tables. Of all clients, astroquery's TapPlus alone does not say who it is."""
    detail = params.one("DETAIL") or "max"
    if detail not in {"min", "max"}:
        raise InvalidQueryError("detail", detail, "min or max")
    return vosi.tables_response(
        describe(archive.tables.published),
        _counts(archive),
        columns=detail == "max",
        for_tapplus="user-agent" not in request.headers,
    )


@router.get("/tables/{name}")
def table(name: str, archive: TheArchive) -> Response:
    """Describe one table."""
    return vosi.table_response(describe(archive.tables.published), _counts(archive), name)


def _counts(archive: Archive) -> Mapping[str, int]:
    """Return the number of rows of each table; none while they cannot be counted."""
    try:
        return archive.tables.counts(datetime.now(UTC))
    except RebuildingError:
        return {}


@router.get("/examples")
def examples() -> Response:
    """Show queries to begin with."""
    return examples_response()
