"""The one error tree. An error carries its facts as typed values and builds its own sentence.

::

    ArchiveError
    ├── InvalidValueError           a field holds a value that cannot be right
    │   ├── InvalidUploadError      a table that comes with a query cannot be read
    │   └── InvalidQueryError       a search asks for something no table has
    │       ├── UnknownColumnError
    │       ├── AmbiguousNameError  a name is that of several places
    │       └── AdqlError           an ADQL query is wrong at one place
    │           ├── AdqlSyntaxError
    │           ├── AdqlNameError   a name that no table, column or function has
    │           └── AdqlTypeError   a value of a type, or at a place, where it cannot stand
    ├── NotFoundError
    │   ├── UnknownObservationError
    │   ├── UnknownProductError
    │   │   └── RetiredProductError a product, or a version of one, that is no longer kept
    │   ├── NoPreviewError
    │   ├── NothingToShowError      a product holds nothing of the kind asked for
    │   ├── UnknownJobError
    │   ├── UnknownSnapshotError
    │   ├── UnknownJobPartError     a job has no such result or error
    │   ├── UnresolvedNameError
    │   ├── UnknownAccountError
    │   ├── UnknownTargetListError
    │   ├── UnknownKeptError        nothing is kept under a name or a link
    │   └── UnknownTokenError
    ├── AccessDeniedError           exclusive-access bytes asked for by somebody not entitled
    ├── NotSignedInError            something of an account asked for by nobody in particular
    │   └── SignInError             name and password do not belong together
    ├── NotEntitledError            something that only staff or a PI may do
    ├── TooManyAttemptsError        sign-ins that failed too often
    ├── TransferError               a file cannot be fetched from another archive, or that cannot be asked
    ├── StaleFileError              a linked file has changed or gone since ingest
    ├── UnreadableFileError         a file cannot be read as what it claims to be
    ├── StorageError                the store cannot take a file
    ├── JobStateError               a job is past the phase in which something can be changed
    ├── JobQuotaError               a caller has as many jobs as one may have
    ├── UploadTooLargeError         a caller sends more than the archive takes
    ├── FetchError                  an address that a caller points at cannot or may not be read
    ├── BusyError                   as many queries run and wait as may
    ├── TimeLimitError              a search takes longer than it may
    ├── MemoryLimitError            a query needs more memory than it may have
    ├── EngineFailureError          the process that runs queries has ended
    ├── RebuildingError             the replica is being rebuilt
    └── ConfigurationError          a setting is missing or wrong
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from typing_extensions import override

if TYPE_CHECKING:
    from datetime import datetime


class ArchiveError(Exception):
    """The base of every error that Deepfield raises on purpose. Pickles with its facts."""

    @override
    def __reduce__(self) -> tuple[object, ...]:
        return _again, (type(self), self.args, vars(self))


def _again(kind: type[ArchiveError], args: tuple[object, ...], facts: dict[str, object]) -> ArchiveError:
    error = kind.__new__(kind, *args)
    vars(error).update(facts)
    return error


class InvalidValueError(ArchiveError):
    """A field holds a value that cannot be right."""

    def __init__(self, field: str, value: object, expected: str) -> None:
        super().__init__(f"{field}: {value!r} is not valid; expected {expected}")
        self.field, self.value, self.expected = field, value, expected


class InvalidQueryError(InvalidValueError):
    """A search asks for something that no table has or no operator does."""


class UnknownColumnError(InvalidQueryError):
    """A query names a column that the table does not have."""

    def __init__(self, column: str, *, closest: str | None = None) -> None:
        hint = f"a column of the table; did you mean {closest!r}?" if closest else "a column of the table"
        super().__init__("column", column, hint)
        self.column, self.closest = column, closest


class AdqlError(InvalidQueryError):
    """An ADQL query is wrong at one place; ``line`` and ``column`` count from 1."""

    def __init__(self, word: str, expected: str, *, line: int, column: int, closest: str | None = None) -> None:
        hint = f"; did you mean {closest}?" if closest else ""
        super().__init__(f"QUERY, line {line}, column {column}", word, f"{expected}{hint}")
        self.field = "QUERY"
        self.line, self.column, self.closest = line, column, closest


class AdqlSyntaxError(AdqlError):
    """An ADQL query holds a word where the grammar has another."""


class AdqlNameError(AdqlError):
    """An ADQL query names a table, column or function that is not there, or that could be several."""


class AdqlTypeError(AdqlError):
    """An ADQL query holds a value where one of its type, or with its number, cannot stand."""


class InvalidUploadError(InvalidValueError):
    """A table that comes with a query cannot be read. Rows are counted from 1."""

    def __init__(
        self, table: str, value: object, expected: str, *, column: str | None = None, row: int | None = None
    ) -> None:
        place = [table, f"column {column!r}" if column is not None else "", f"row {row}" if row is not None else ""]
        super().__init__(", ".join(part for part in place if part), value, expected)
        self.table, self.column, self.row = table, column, row


class NotFoundError(ArchiveError):
    """Something named does not exist in the archive."""


class UnknownObservationError(NotFoundError):
    """No observation has this identifier."""

    def __init__(self, obs_id: str) -> None:
        super().__init__(f"no observation {obs_id!r} in this archive")
        self.obs_id = obs_id


class UnknownProductError(NotFoundError):
    """No product has this file name."""

    def __init__(self, filename: str) -> None:
        super().__init__(f"no product {filename!r} in this archive")
        self.filename = filename


class RetiredProductError(UnknownProductError):
    """A product that the archive held and no longer keeps: withdrawn, or a version whose bytes are gone."""

    def __init__(self, name: str, *, successor: str | None, ended: int | None) -> None:
        super().__init__(name)
        since = f" since snapshot {ended}" if ended is not None else ""
        instead = f"; {successor} is what there is now" if successor else ""
        self.args = (f"{name} is no longer kept{since}{instead}",)
        self.successor, self.ended = successor, ended


class NoPreviewError(NotFoundError):
    """A product has no preview picture."""

    def __init__(self, filename: str) -> None:
        super().__init__(f"there is no preview of {filename}")
        self.filename = filename


class NothingToShowError(NotFoundError):
    """A product holds nothing of the kind that was asked for, or not under this name."""

    def __init__(self, filename: str, what: str, *, holds: str) -> None:
        super().__init__(f"{filename} holds no {what}; {holds}")
        self.filename, self.what, self.holds = filename, what, holds


class UnknownSnapshotError(NotFoundError):
    """No snapshot has this number or name."""

    def __init__(self, snapshot: str, *, current: int) -> None:
        super().__init__(f"no snapshot {snapshot!r} in this archive; the newest is {current}")
        self.field, self.value, self.expected = "SNAPSHOT", snapshot, f"a number up to {current} or the name of a pin"


class UnknownJobError(NotFoundError):
    """No job of this caller has this identifier."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"no job {job_id!r} of yours here; it may have been removed when its time was over")
        self.job_id = job_id


class UnknownJobPartError(NotFoundError):
    """A job has nothing under this name."""

    def __init__(self, job_id: str, part: str) -> None:
        super().__init__(f"job {job_id} has no {part}")
        self.job_id, self.part = job_id, part


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several places that a name may mean, ICRS degrees."""

    name: str
    ra: float
    dec: float
    resolver: str


class AmbiguousNameError(InvalidQueryError):
    """A name is that of several places."""

    def __init__(self, name: str, choices: tuple[Choice, ...]) -> None:
        places = ", ".join(f"{each.ra:.5f} {each.dec:+.5f}" for each in choices)
        super().__init__("position", name, f"one place, but it was observed in several ({places}); or search with text")
        self.name, self.choices = name, choices


class UnresolvedNameError(NotFoundError):
    """A name is neither a position nor one that the archive or a catalogue it may ask knows."""

    def __init__(self, name: str, *, closest: tuple[str, ...] = (), failure: str | None = None) -> None:
        hint = f"; closest names: {', '.join(closest)}" if closest else ""
        failed = f"; {failure}" if failure else ""
        super().__init__(f"{name!r} is neither a position nor a target or object known here{hint}{failed}")
        self.name, self.closest = name, closest


class AccessDeniedError(ArchiveError):
    """Bytes under exclusive access were asked for by somebody not entitled to them."""

    def __init__(self, name: str, *, release: datetime | None) -> None:
        until = f"until {release:%Y-%m-%d %H:%M} UTC" if release else "with no release date set"
        super().__init__(f"{name} is under exclusive access {until}")
        self.name, self.release = name, release


class UnknownAccountError(NotFoundError):
    """No account has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no account {name!r} in this archive")
        self.name = name


class UnknownKeptError(NotFoundError):
    """Nothing is kept under this name or link."""

    def __init__(self, name: str) -> None:
        super().__init__(f"nothing is kept as {name!r}")
        self.name = name


class UnknownTargetListError(NotFoundError):
    """No list of targets is kept under an identifier, or no longer."""

    def __init__(self, list_id: str) -> None:
        super().__init__(f"no list of targets {list_id!r} is kept here, or no longer: lists are kept for a time")
        self.field, self.value, self.list_id = "targets", list_id, list_id


class UnknownTokenError(NotFoundError):
    """An account has no token with this identifier."""

    def __init__(self, token_id: str) -> None:
        super().__init__(f"no token {token_id!r} of this account")
        self.token_id = token_id


class NotSignedInError(ArchiveError):
    """Something was asked for that belongs to an account, by nobody in particular."""

    def __init__(self, reason: str = "sign in first, or send a personal token") -> None:
        super().__init__(reason)


class SignInError(NotSignedInError):
    """A sign-in failed. It does not say whether there is such an account."""

    def __init__(self, reason: str = "name or password is wrong") -> None:
        super().__init__(reason)


class NotEntitledError(ArchiveError):
    """Somebody asked for what is not theirs to do."""

    def __init__(self, what: str, *, needed: str) -> None:
        super().__init__(f"{what} needs {needed}")
        self.what, self.needed = what, needed


class TooManyAttemptsError(ArchiveError):
    """Signing in failed too often, with this name or from this address."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"too many attempts to sign in; try again in {max(1, round(seconds / 60))} min")
        self.seconds = seconds


class TransferError(ArchiveError):
    """A file cannot be fetched from another archive, or that archive cannot be asked."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name, self.reason = name, reason


class StaleFileError(ArchiveError):
    """A linked file is no longer what was ingested."""

    def __init__(self, filename: str, reason: str) -> None:
        super().__init__(f"{filename} {reason} since it was ingested; run 'deepfield check', then ingest it again")
        self.filename, self.reason = filename, reason


class UnreadableFileError(ArchiveError):
    """A file cannot be read as what it claims to be."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name, self.reason = name, reason


class StorageError(ArchiveError):
    """The store cannot take a file."""

    def __init__(self, filename: str, reason: str) -> None:
        super().__init__(f"{filename} cannot be stored: {reason}")
        self.filename, self.reason = filename, reason


class JobStateError(ArchiveError):
    """A job is past the phase in which something of it can be changed."""

    def __init__(self, job_id: str, field: str, *, phase: str) -> None:
        super().__init__(f"{field} of job {job_id} cannot be changed any more: it is {phase}")
        self.job_id, self.field, self.value, self.expected = job_id, field, phase, "a job that is PENDING"


class JobQuotaError(ArchiveError):
    """A caller has as many jobs as one may have."""

    def __init__(self, state: str, most: int) -> None:
        super().__init__(f"you have {most} jobs that are {state}, the most one may have; delete or abort some first")
        self.state, self.most = state, most


class UploadTooLargeError(ArchiveError):
    """A caller sends more than the archive takes."""

    def __init__(self, name: str, limit: int, unit: str = "bytes") -> None:
        super().__init__(f"{name} is larger than the {limit} {unit} that this archive takes")
        self.field, self.limit, self.expected = name, limit, f"at most {limit} {unit}"


class FetchError(ArchiveError):
    """An address that a caller points at cannot or may not be read."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{url} cannot be read: {reason}")
        self.field, self.value, self.reason = "UPLOAD", url, reason


class BusyError(ArchiveError):
    """As many queries run and wait as may."""

    def __init__(self, most: int) -> None:
        super().__init__(f"{most} queries run and many wait for them; ask again later, or make it a job")
        self.most = most


class TimeLimitError(ArchiveError):
    """A search took longer than it may, or was cancelled."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the search took longer than {seconds:g} s and was stopped; narrow it down")
        self.seconds = seconds


class MemoryLimitError(ArchiveError):
    """A query needs more memory than it may have."""

    def __init__(self) -> None:
        super().__init__("the query needs more memory than it may have; narrow it down")


class EngineFailureError(ArchiveError):
    """The process that runs queries has ended, and is replaced."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the query could not be answered by its process: {reason}; ask again")
        self.reason = reason


class RebuildingError(ArchiveError):
    """The replica is being rebuilt and cannot answer searches yet."""

    def __init__(self, percent: float) -> None:
        super().__init__(f"the search index is rebuilding, {percent:.0f} % done")
        self.percent = percent


class ConfigurationError(ArchiveError):
    """A setting is missing or wrong."""
