"""Moments and days: ISO 8601 of headers, UTC datetimes, Modified Julian Dates (UTC)."""

from __future__ import annotations

import calendar
import math
from datetime import UTC, datetime, timedelta

_MJD_EPOCH = datetime(1858, 11, 17, tzinfo=UTC)
_MJD_OF_JWST = (50_000.0, 80_000.0)
"""Days between which a JWST date lies, simulations of the nineties included; outside, a value is no MJD."""


def parse_time(value: object) -> datetime | None:
    """Read an ISO 8601 moment of a header as UTC; None where it is none."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if not isinstance(value, str) or not value:
        return None
    try:
        moment = datetime.fromisoformat(value.strip().replace(" ", "T", 1))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def to_mjd(moment: datetime) -> float:
    """Return the Modified Julian Date (UTC) of a moment."""
    return (moment - _MJD_EPOCH) / timedelta(days=1)


def from_mjd(mjd: float) -> datetime:
    """Return the moment of a Modified Julian Date (UTC), to the microsecond."""
    return _MJD_EPOCH + timedelta(days=mjd)


def is_mjd(value: object) -> bool:
    """Tell whether a value can be the MJD of a JWST exposure."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    return _MJD_OF_JWST[0] < value < _MJD_OF_JWST[1]


def add_months(moment: datetime, months: int) -> datetime:
    """Return the moment some calendar months later; the day is clamped to the length of the month."""
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)
