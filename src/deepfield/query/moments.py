"""Dates as people write them: a day, month or year is a period, a time of day an instant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from deepfield.model.errors import InvalidQueryError

MJD_EPOCH: Final = datetime(1858, 11, 17, tzinfo=UTC)
MJD_OF_1970: Final = 40587.0
_DATE: Final = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")


@dataclass(frozen=True, slots=True)
class Period:
    """From ``start`` until just before ``stop`` (UTC); an instant has both the same."""

    start: datetime
    stop: datetime

    @property
    def instant(self) -> bool:
        return self.start == self.stop


def parse_period(field: str, text: str) -> Period:
    """Read an ISO 8601 date or time; without a zone it is UTC.

    Raises:
        InvalidQueryError: it is none.
    """
    try:
        return _period(text)
    except (ValueError, OverflowError):
        raise InvalidQueryError(field, text, "an ISO 8601 date such as 2026-03-01 or 2026-03-01T12:00:00Z") from None


def mjd(moment: datetime) -> float:
    """Return the Modified Julian Date (UTC) of a moment."""
    return (moment - MJD_EPOCH) / timedelta(days=1)


def moment_of(value: float) -> datetime:
    """Return the moment of a Modified Julian Date (UTC), to the microsecond; the ends of the calendar beyond them."""
    try:
        return MJD_EPOCH + timedelta(days=value)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC) if value < 0 else datetime.max.replace(tzinfo=UTC)


def _period(text: str) -> Period:
    found = _DATE.fullmatch(text)
    if found is None:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        return Period(moment, moment)
    year, month, day = (int(part) if part else None for part in found.groups())
    assert year is not None
    start = datetime(year, month or 1, day or 1, tzinfo=UTC)
    if day is not None:
        return Period(start, start + timedelta(days=1))
    if month is not None:
        return Period(start, datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC))
    return Period(start, datetime(year + 1, 1, 1, tzinfo=UTC))
