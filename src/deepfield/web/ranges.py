"""Conditional and range requests (RFC 9110 §13 and §14), as pure functions of headers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import format_datetime, parsedate_to_datetime
from typing import TYPE_CHECKING, Literal

from deepfield.web.errors import RangeNotSatisfiableError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

MANY = 32
"""Ranges of one request beyond which it is answered with the whole product (RFC 9110 §14.2)."""

_SPEC = re.compile(r"(?P<first>\d{1,20})?-(?P<last>\d{1,20})?")
_TAG = re.compile(r'(?:W/)?"[^"]*"|\*')


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes ``first`` to ``last``, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1


def parse_ranges(value: str, length: int) -> tuple[Span, ...] | None:
    """Read a ``Range`` header for a product of this length.

    Returns:
        The spans to send, or None where the header is to be ignored: its unit is not ``bytes``, or it asks for more
        than 32 spans or for more bytes than there are.

    Raises:
        RangeNotSatisfiableError: no span is well formed and within the product.
    """
    unit, equals, specs = value.partition("=")
    if unit.strip().lower() != "bytes":
        return None
    if not equals:
        raise RangeNotSatisfiableError(value, length=length)
    spans = []
    for spec in specs.split(","):
        if not (spec := spec.strip()):
            continue
        match = _SPEC.fullmatch(spec)
        if match is None or (match["first"] is None and match["last"] is None):
            raise RangeNotSatisfiableError(value, length=length)
        if (span := _span(value, match["first"], match["last"], length)) is not None:
            spans.append(span)
    if not spans:
        raise RangeNotSatisfiableError(value, length=length)
    if len(spans) > MANY or (len(spans) > 1 and sum(span.length for span in spans) > length):
        return None
    return tuple(spans)


def _span(value: str, first: str | None, last: str | None, length: int) -> Span | None:
    if first is None:
        suffix = min(int(last or 0), length)
        return Span(length - suffix, length - 1) if suffix else None
    begin = int(first)
    end = length - 1 if last is None else int(last)
    if end < begin and last is not None:
        raise RangeNotSatisfiableError(value, length=length)
    return Span(begin, min(end, length - 1)) if begin < length else None


def http_date(moment: datetime) -> str:
    """Write a UTC moment as an HTTP date, whole seconds."""
    return format_datetime(moment.replace(microsecond=0), usegmt=True)


def precondition(
    headers: Mapping[str, str], *, etag: str, modified: datetime | None
) -> Literal["proceed", "not_modified", "failed"]:
    """Evaluate the preconditions of a GET or HEAD in the order of RFC 9110 §13.2.2. ``etag`` is quoted."""
    if (wanted := headers.get("if-match")) is not None:
        if not _lists(wanted, etag, strong=True):
            return "failed"
    elif (since := _date(headers.get("if-unmodified-since"))) and _later(modified, since):
        return "failed"
    if (held := headers.get("if-none-match")) is not None:
        return "not_modified" if _lists(held, etag, strong=False) else "proceed"
    if (since := _date(headers.get("if-modified-since"))) and modified and not _later(modified, since):
        return "not_modified"
    return "proceed"


def range_applies(headers: Mapping[str, str], *, etag: str, modified: datetime | None) -> bool:
    """Evaluate ``If-Range``: whether the part that the client holds is of this very version (RFC 9110 §13.1.5)."""
    condition = headers.get("if-range")
    if condition is None:
        return True
    if condition.startswith(('"', "W/")):
        return condition == etag
    moment = _date(condition)
    return moment is not None and modified is not None and moment == modified.replace(microsecond=0)


def _lists(header: str, etag: str, *, strong: bool) -> bool:
    tags = _TAG.findall(header)
    if strong:
        return "*" in tags or etag in tags
    return "*" in tags or etag.removeprefix("W/") in {tag.removeprefix("W/") for tag in tags}


def _date(value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _later(modified: datetime | None, since: datetime) -> bool:
    return modified is not None and modified.replace(microsecond=0) > since
