"""UWS 1.1: jobs over HTTP, for whatever service lets them run."""

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Self
from xml.etree import ElementTree as ET

from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import FileResponse, Response

from deepfield.access.principal import Principal
from deepfield.model.errors import InvalidQueryError, UnknownJobPartError
from deepfield.model.jobs import ACTIVE, PHASES, Asker, Job, Phase
from deepfield.services.jobs import Jobs, read_duration, read_moment
from deepfield.web.context import PublicAddress, TheArchive, the_caller
from deepfield.web.credentials import address_of, check_origin, credential_of
from deepfield.web.delivery import disposition
from deepfield.web.vo.dali import DaliParams, Params
from deepfield.web.vo.documents import (
    VOTABLE,
    VoRoute,
    error_document,
    see_other,
    snapshot_header,
    text_response,
    xml_of,
    xml_response,
)
from deepfield.web.xml import legal

UWS: Final = "http://www.ivoa.net/xml/UWS/v1.0"
XLINK: Final = "http://www.w3.org/1999/xlink"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
for _prefix, _namespace in (("uws", UWS), ("xlink", XLINK), ("xsi", XSI)):
    ET.register_namespace(_prefix, _namespace)

LONGEST_WAIT: Final = 60.0
"""Seconds that a request waits at most for a job to change, UWS 1.1 §2.2.1.1."""
MOST_WAITING: Final = 500
"""Requests that wait at a time; others are answered at once."""
LONGEST_RUN_ID: Final = 200
CONTROL: Final = ("PHASE", "ACTION", "RUNID", "WAIT", "DESTRUCTION", "EXECUTIONDURATION")
"""Parameters that steer a job and are none of its own."""
_TICK, _LOOK = 0.02, 0.5


@dataclass(frozen=True, slots=True)
class Asked:
    """A request about jobs: which list, at what public address, who asks, and with what parameters."""

    jobs: Jobs
    kind: str
    address: str
    asker: Asker
    params: Params

    @classmethod
    def of(
        cls,
        request: Request,
        archive: TheArchive,
        params: DaliParams,
        public: PublicAddress,
        caller: Annotated[Principal, Depends(the_caller)],
    ) -> Self:
        """Read it from a request.

        Raises:
            CrossSiteError: the request changes something and is not provably meant.
        """
        check_origin(request, credential_of(request))
        before, _, _ = request.url.path.partition("/async")
        account = None if caller.is_anonymous else caller.name
        asker = Asker(account, address_of(request), caller.programs, caller.staff)
        return cls(archive.jobs, request.state.job_kind, f"{public}{before}/async", asker, params)

    def find(self, job_id: str) -> Job:
        """Return the job that the request is about."""
        return self.jobs.get(job_id, self.asker, kind=self.kind)

    def back_to(self, job: Job) -> Response:
        """Send the client on to a job."""
        return see_other(f"{self.address}/{job.job_id}")


def of_kind(kind: str) -> Any:
    """Return a dependency that tells what kind of jobs the routes included with it are about."""

    def tell(request: Request) -> None:
        request.state.job_kind = kind

    return Depends(tell)


TheAsked = Annotated[Asked, Depends(Asked.of)]


def the_job(job_id: Annotated[str, Path(max_length=64)], asked: TheAsked) -> Job:
    """Return the job that the request is about."""
    return asked.find(job_id)


TheJob = Annotated[Job, Depends(the_job)]


# -- documents


def job_document(job: Job, address: str) -> bytes:
    """Write a job, UWS 1.1 §2.1 and its schema; ``address`` is that of the list of jobs."""
    root = _element("job", version="1.1")
    _add(root, "jobId", job.job_id)
    if job.run_id is not None:
        _add(root, "runId", job.run_id)
    _add(root, "ownerId", job.owner, nil=True)
    _add(root, "phase", job.phase)
    _add(root, "quote", None, nil=True)
    _add(root, "creationTime", time_text(job.created))
    _add(root, "startTime", time_text(job.started), nil=True)
    _add(root, "endTime", time_text(job.ended), nil=True)
    _add(root, "executionDuration", str(job.duration))
    _add(root, "destruction", time_text(job.destruction), nil=True)
    root.append(_parameters(job))
    root.append(_results(job, address))
    if job.error is not None:
        kind = "transient" if job.error.transient else "fatal"
        summary = ET.SubElement(root, f"{{{UWS}}}errorSummary", {"type": kind, "hasDetail": "true"})
        _add(summary, "message", job.error.message)
    return xml_of(root)


def job_list_document(jobs: Sequence[Job], address: str) -> bytes:
    """Write a list of jobs, UWS 1.1 §2.2.2.1."""
    root = _element("jobs", version="1.1")
    for job in jobs:
        link = {f"{{{XLINK}}}type": "simple", f"{{{XLINK}}}href": f"{address}/{job.job_id}"}
        entry = ET.SubElement(root, f"{{{UWS}}}jobref", {"id": job.job_id, **link})
        _add(entry, "phase", job.phase)
        if job.run_id is not None:
            _add(entry, "runId", job.run_id)
        _add(entry, "ownerId", job.owner, nil=True)
        _add(entry, "creationTime", time_text(job.created))
    return xml_of(root)


def time_text(moment: datetime | None) -> str | None:
    """Write a time as UWS 1.1 §2.2.1.7 has it: ISO 8601, UTC, with Z."""
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _parameters(job: Job) -> ET.Element:
    root = _element("parameters")
    for name, value in job.parameters:
        ET.SubElement(root, f"{{{UWS}}}parameter", {"id": legal(name)}).text = legal(value)
    return root


def _results(job: Job, address: str) -> ET.Element:
    root = _element("results")
    for result in job.results:
        place = f"{address}/{job.job_id}/results/{result.name}"
        link = {f"{{{XLINK}}}type": "simple", f"{{{XLINK}}}href": place}
        facts = {"size": str(result.size), "mime-type": result.media_type}
        ET.SubElement(root, f"{{{UWS}}}result", {"id": result.name, **link, **facts})
    return root


def _element(tag: str, **attributes: str) -> ET.Element:
    return ET.Element(f"{{{UWS}}}{tag}", attributes)


def _add(parent: ET.Element, tag: str, text: str | None, *, nil: bool = False) -> None:
    if text is None:
        assert nil, tag
        ET.SubElement(parent, f"{{{UWS}}}{tag}", {f"{{{XSI}}}nil": "true"})
    else:
        ET.SubElement(parent, f"{{{UWS}}}{tag}").text = legal(text)


# -- what requests ask


def _phases(params: Params) -> list[Phase]:
    found: list[Phase] = []
    for text in params.all("PHASE"):
        if text not in PHASES and text not in _NEVER:
            raise InvalidQueryError("PHASE", text, f"one of {', '.join(PHASES)}")
        found += [phase for phase in PHASES if phase == text]
    return found


def _run_id(params: Params) -> str | None:
    text = params.one("RUNID")
    return None if text is None else legal(text)[:LONGEST_RUN_ID]


def _amend(asked: Asked, job: Job) -> None:
    changed, run_id = asked.params.without(*CONTROL), _run_id(asked.params)
    if changed or asked.params.files or run_id:
        asked.jobs.amend(job, parameters=changed, files=asked.params.files, run_id=run_id)


def _steer(asked: Asked, job: Job) -> None:
    """Do what the control parameters of a POST say, UWS 1.1 §2.2.3."""
    if (text := asked.params.one("DESTRUCTION")) is not None:
        asked.jobs.keep_until(job, read_moment("DESTRUCTION", text))
    if (text := asked.params.one("EXECUTIONDURATION")) is not None:
        asked.jobs.limit(job, read_duration(text))
    phase = asked.params.one("PHASE")
    if phase == "RUN":
        asked.jobs.start(job, asked.asker)
    elif phase == "ABORT":
        asked.jobs.abort(job)
    elif phase is not None:
        raise InvalidQueryError("PHASE", phase, "RUN or ABORT")


async def _when_changed(asked: Asked, job: Job) -> Job:
    """Wait while the job is active and in the phase the client knows, for at most the time it asks for.

    Changes made in this process are seen at once, those of others twice a second. Nothing but a timer is held.
    """
    text = asked.params.one("WAIT")
    if text is None:
        return job
    if not _SECONDS.fullmatch(text.strip()):
        raise InvalidQueryError("WAIT", text, "a number of seconds, -1 for as long as the archive lets you")
    seconds = float(text)
    until = time.monotonic() + (LONGEST_WAIT if seconds < 0 else min(seconds, LONGEST_WAIT))
    known = asked.params.one("PHASE") or job.phase
    with _WAITS as has_room:
        while has_room and job.phase == known and job.phase in ACTIVE and time.monotonic() < until:
            seen, look = asked.jobs.changes, time.monotonic() + _LOOK
            while asked.jobs.changes == seen and time.monotonic() < min(look, until):  # noqa: ASYNC110  other threads
                await asyncio.sleep(_TICK)
            job = await to_thread.run_sync(asked.find, job.job_id)
    return job


class _Waits:
    """Counts the requests that wait; used in the event loop alone."""

    def __init__(self) -> None:
        self._now = 0

    def __enter__(self) -> bool:
        self._now += 1
        return self._now <= MOST_WAITING

    def __exit__(self, *_error: object) -> None:
        self._now -= 1


_WAITS: Final = _Waits()
_NEVER: Final = frozenset({"HELD", "SUSPENDED", "UNKNOWN", "ARCHIVED"})
"""Phases of the standard in which no job of this archive ever is."""
_SECONDS: Final = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,9})?")
_STEERED: Final = ("PHASE", "EXECUTIONDURATION", "DESTRUCTION")
_PARTS: Final[Mapping[str, Callable[[Job], str]]] = {
    "phase": lambda job: job.phase,
    "executionduration": lambda job: str(job.duration),
    "destruction": lambda job: time_text(job.destruction) or "",
    "quote": lambda _job: "",
    "owner": lambda job: job.owner or "",
}

# -- routes, UWS 1.1 §2.2, to be included where a list of jobs stands

router = APIRouter(route_class=VoRoute, include_in_schema=False)


@router.get("")
def list_jobs(asked: TheAsked) -> Response:
    """List the caller's jobs."""
    params, after = asked.params, asked.params.one("AFTER")
    jobs = asked.jobs.listed(
        asked.kind,
        asked.asker,
        phases=_phases(params),
        after=None if after is None else read_moment("AFTER", after),
        last=params.whole("LAST", least=1),
    )
    return xml_response(job_list_document(jobs, asked.address))


@router.post("")
def create_job(asked: TheAsked) -> Response:
    """Make a job, and start it where PHASE says so."""
    params = asked.params
    job = asked.jobs.create(
        asked.kind,
        asked.asker,
        address=asked.address,
        parameters=params.without(*CONTROL),
        files=params.files,
        run_id=_run_id(params),
    )
    _steer(asked, job)
    return asked.back_to(job)


@router.get("/{job_id}")
async def show_job(job: TheJob, asked: TheAsked) -> Response:
    """Show a job, after WAIT seconds at most or when its phase changes."""
    return xml_response(job_document(await _when_changed(asked, job), asked.address))


@router.post("/{job_id}")
def change_job(job: TheJob, asked: TheAsked) -> Response:
    """Change, start, abort or delete a job."""
    action = asked.params.one("ACTION")
    if action == "DELETE":
        return delete_job(job, asked)
    if action is not None:
        raise InvalidQueryError("ACTION", action, "DELETE")
    _amend(asked, job)
    _steer(asked, job)
    return asked.back_to(job)


@router.delete("/{job_id}")
def delete_job(job: TheJob, asked: TheAsked) -> Response:
    """Stop and remove a job."""
    asked.jobs.delete(job)
    return see_other(asked.address)


@router.get("/{job_id}/parameters")
def show_parameters(job: TheJob) -> Response:
    """Show what a job was asked."""
    return xml_response(xml_of(_parameters(job)))


@router.post("/{job_id}/parameters")
def change_parameters(job: TheJob, asked: TheAsked) -> Response:
    """Change what a job is asked."""
    _amend(asked, job)
    return asked.back_to(job)


@router.get("/{job_id}/results")
def show_results(job: TheJob, asked: TheAsked) -> Response:
    """List what a job has left."""
    return xml_response(xml_of(_results(job, asked.address)))


@router.get("/{job_id}/results/{name}")
def get_result(job: TheJob, name: str, asked: TheAsked) -> Response:
    """Hand over a result."""
    result, path = asked.jobs.result(job, name)
    headers = {"Content-Disposition": disposition(result.filename), "Cache-Control": "private, no-cache"}
    return FileResponse(path, media_type=result.media_type, headers=headers | snapshot_header(result.snapshot))


@router.get("/{job_id}/error")
def get_error(job: TheJob) -> Response:
    """Show why a job failed."""
    if job.error is None:
        raise UnknownJobPartError(job.job_id, "error")
    return Response(error_document(job.error.message), media_type=VOTABLE)


@router.get("/{job_id}/{part}")
def show_part(job: TheJob, part: str) -> Response:
    """Show one property of a job as plain text."""
    if part not in _PARTS:
        raise UnknownJobPartError(job.job_id, f"part {part!r}")
    return text_response(_PARTS[part](job))


@router.post("/{job_id}/{part}")
def change_part(job: TheJob, part: str, asked: TheAsked) -> Response:
    """Change one property of a job."""
    name = part.upper()
    if name not in _STEERED:
        raise UnknownJobPartError(job.job_id, f"part {part!r} that can be changed")
    if asked.params.one(name) is None:
        raise InvalidQueryError(name, None, "a value")
    _steer(asked, job)
    return asked.back_to(job)
