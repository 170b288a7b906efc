"""Which HTTP status and which error document answer which error. One table, beside its document."""

import math

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from deepfield.model.errors import (
    AccessDeniedError,
    AdqlError,
    AdqlNameError,
    AdqlSyntaxError,
    AdqlTypeError,
    AmbiguousNameError,
    ArchiveError,
    BusyError,
    Choice,
    ConfigurationError,
    EngineFailureError,
    FetchError,
    InvalidQueryError,
    InvalidUploadError,
    InvalidValueError,
    JobQuotaError,
    JobStateError,
    MemoryLimitError,
    NoPreviewError,
    NotEntitledError,
    NotFoundError,
    NothingToShowError,
    NotSignedInError,
    RebuildingError,
    RetiredProductError,
    SignInError,
    StaleFileError,
    StorageError,
    TimeLimitError,
    TooManyAttemptsError,
    TransferError,
    UnknownAccountError,
    UnknownColumnError,
    UnknownJobError,
    UnknownJobPartError,
    UnknownKeptError,
    UnknownObservationError,
    UnknownProductError,
    UnknownSnapshotError,
    UnknownTargetListError,
    UnknownTokenError,
    UnreadableFileError,
    UnresolvedNameError,
    UploadTooLargeError,
)
from deepfield.web.credentials import CrossSiteError

log = structlog.get_logger("deepfield.web")

RETRY_SECONDS = 5


class UnknownParameterError(ArchiveError):
    """A request carries a parameter that its endpoint does not take."""

    def __init__(self, name: str, *, closest: str | None = None) -> None:
        hint = f"; did you mean {closest!r}?" if closest else ""
        super().__init__(f"unknown parameter {name!r}{hint}")
        self.field, self.closest = name, closest


class RangeNotSatisfiableError(ArchiveError):
    """A range request asks for bytes that the product does not have (RFC 9110 §15.5.17)."""

    def __init__(self, value: str, *, length: int) -> None:
        super().__init__(f"no part of the range {value!r} lies within the {length} bytes of the product")
        self.field, self.value, self.length = "Range", value, length
        self.expected = f"bytes=first-last with first below {length}"


STATUS: dict[type[ArchiveError], tuple[int, str]] = {
    UnknownParameterError: (400, "unknown_parameter"),
    UnknownColumnError: (400, "unknown_column"),
    AdqlSyntaxError: (400, "adql_syntax"),
    AdqlNameError: (400, "adql_name"),
    AdqlTypeError: (400, "adql_type"),
    AdqlError: (400, "adql"),
    AmbiguousNameError: (400, "ambiguous_name"),
    InvalidQueryError: (400, "invalid_query"),
    InvalidUploadError: (400, "invalid_upload"),
    InvalidValueError: (400, "invalid_value"),
    UnknownObservationError: (404, "unknown_observation"),
    RetiredProductError: (410, "retired_product"),
    UnknownProductError: (404, "unknown_product"),
    NoPreviewError: (404, "no_preview"),
    NothingToShowError: (404, "nothing_to_show"),
    UnknownSnapshotError: (400, "unknown_snapshot"),
    UnknownJobError: (404, "unknown_job"),
    UnknownJobPartError: (404, "unknown_job_part"),
    UnresolvedNameError: (404, "unresolved_name"),
    UnknownAccountError: (404, "unknown_account"),
    UnknownKeptError: (404, "unknown_kept"),
    UnknownTargetListError: (404, "unknown_target_list"),
    UnknownTokenError: (404, "unknown_token"),
    NotFoundError: (404, "not_found"),
    AccessDeniedError: (403, "exclusive_access"),
    UploadTooLargeError: (413, "upload_too_large"),
    FetchError: (400, "unreadable_address"),
    JobStateError: (403, "job_state"),
    JobQuotaError: (429, "job_quota"),
    SignInError: (401, "sign_in_failed"),
    NotSignedInError: (401, "not_signed_in"),
    NotEntitledError: (403, "not_entitled"),
    CrossSiteError: (403, "cross_site"),
    TooManyAttemptsError: (429, "too_many_attempts"),
    StaleFileError: (409, "changed_file"),
    RangeNotSatisfiableError: (416, "range_not_satisfiable"),
    BusyError: (503, "busy"),
    TimeLimitError: (504, "time_limit"),
    MemoryLimitError: (507, "memory_limit"),
    EngineFailureError: (503, "engine_failure"),
    RebuildingError: (503, "rebuilding"),
    UnreadableFileError: (422, "unreadable_file"),
    TransferError: (502, "transfer"),
    StorageError: (507, "storage"),
    ConfigurationError: (500, "configuration"),
    ArchiveError: (500, "archive"),
}
"""Status and ``type`` by error; the nearest ancestor in this table answers for an error that is not in it."""

HTTP_TYPES = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid_value",
}


CHALLENGE = 'Bearer realm="deepfield"'
"""What a 401 says it wants (RFC 9110 §11.6.1); browsers ask nobody for it in a window of their own."""


class ChoiceBody(BaseModel):
    """One of several places that a name may mean."""

    name: str
    ra: float = Field(description="Right ascension, ICRS degrees")
    dec: float = Field(description="Declination, ICRS degrees")
    resolver: str = Field(description="Who knows it")

    @classmethod
    def of(cls, choice: Choice) -> "ChoiceBody":
        return cls(name=choice.name, ra=choice.ra, dec=choice.dec, resolver=choice.resolver)


class ErrorBody(BaseModel):
    """What went wrong, for people (``message``) and for programs (everything else)."""

    type: str = Field(description="A stable word for the kind of error", examples=["unknown_column"])
    message: str = Field(description="One sentence for a person")
    field: str | None = Field(default=None, description="The parameter or setting that is wrong")
    value: str | None = Field(default=None, description="The value it has")
    expected: str | None = Field(default=None, description="What would be right")
    closest: list[str] | None = Field(default=None, description="The nearest names there are")
    choices: list[ChoiceBody] | None = Field(default=None, description="The places that an ambiguous name may mean")
    release: str | None = Field(default=None, description="When an exclusive product becomes public, ISO 8601 UTC")
    successor: str | None = Field(default=None, description="The product that replaces a retired one")
    credential: str | None = Field(default=None, description="Why the token or session that was sent did not count")


class ErrorDocument(BaseModel):
    """The one shape of every error of this interface."""

    error: ErrorBody


def classify(error: ArchiveError) -> tuple[int, str]:
    """Return HTTP status and ``type`` of an error."""
    for ancestor in type(error).__mro__:
        if ancestor in STATUS:
            return STATUS[ancestor]
    raise TypeError(type(error))


def body_of(error: ArchiveError, kind: str) -> ErrorBody:
    """Return the document of an error, from the facts it carries."""
    closest = getattr(error, "closest", None)
    release = getattr(error, "release", None)
    value = getattr(error, "value", None)
    return ErrorBody(
        type=kind,
        message=str(error),
        field=getattr(error, "field", None),
        value=None if value is None else str(value),
        expected=getattr(error, "expected", None),
        choices=[ChoiceBody.of(each) for each in getattr(error, "choices", ())] or None,
        closest=[closest] if isinstance(closest, str) else list(closest) if closest else None,
        successor=getattr(error, "successor", None),
        release=f"{release:%Y-%m-%dT%H:%M:%SZ}" if release else None,
    )


def error_response(status: int, body: ErrorBody, headers: dict[str, str] | None = None) -> Response:
    """Write the error document."""
    document = ErrorDocument(error=body).model_dump_json(exclude_none=True)
    return Response(
        document, status, headers={"Cache-Control": "no-store", **(headers or {})}, media_type="application/json"
    )


def _archive_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ArchiveError)
    status, kind = classify(error)
    headers = {}
    if isinstance(error, RebuildingError):
        headers["Retry-After"] = str(RETRY_SECONDS)
    if isinstance(error, TooManyAttemptsError):
        headers["Retry-After"] = str(math.ceil(error.seconds))
    if status == 401:
        headers["WWW-Authenticate"] = CHALLENGE
    if isinstance(error, RangeNotSatisfiableError):
        headers["Content-Range"] = f"bytes */{error.length}"
    if status >= 500 and status != 503:
        log.error("request.failed", error=str(error), type=kind)
    body = body_of(error, kind)
    if status in {401, 403}:
        body.credential = getattr(request.state, "refused", None)
    return error_response(status, body, headers)


def _invalid_request(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    field = str(first["loc"][-1])
    shown = isinstance(first.get("input"), str | int | float) and "password" not in field
    value = str(first["input"])[:200] if shown else None
    body = ErrorBody(type="invalid_value", message=f"{field}: {first['msg']}", field=field, value=value)
    return error_response(422, body)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = HTTP_TYPES.get(error.status_code, "http_error")
    message = {
        404: f"nothing is served at {request.url.path}",
        405: f"{request.method} is not answered at {request.url.path}",
    }.get(error.status_code, str(error.detail))
    return error_response(error.status_code, ErrorBody(type=kind, message=message), dict(error.headers or {}))


def install(app: FastAPI) -> None:
    """Answer every error under this application with the error document."""
    app.add_exception_handler(ArchiveError, _archive_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
