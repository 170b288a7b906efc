"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TIMESTAMP, TypeDecorator, TypeEngine
from typing_extensions import override

from deepfield.model.errors import InvalidValueError

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect


class Characters(TypeDecorator[str]):
    """Text compared and sorted by code point on every database."""

    impl = Text
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.TEXT(collation="C"))
        return dialect.type_descriptor(Text())


class Moment(TypeDecorator[datetime]):
    """A moment in UTC, to the microsecond.

    SQLite keeps ISO 8601 text of fixed width ending in ``Z``, so that text order is time order;
    PostgreSQL keeps ``timestamptz``. Values without a time zone are refused: nobody could say what they mean.
    """

    impl = Text
    cache_ok = True

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True))
        return dialect.type_descriptor(Text())

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise InvalidValueError("timestamp", value.isoformat(), "a time with its zone, e.g. 2026-04-22T14:35:23Z")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else moment_text(value)

    @override
    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        return datetime.fromisoformat(value)


class Json(TypeDecorator[Any]):
    """A JSON document, kept as the text that was written, keys in the order of writing."""

    impl = Text
    cache_ok = True

    @override
    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else orjson.dumps(value).decode()

    @override
    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else orjson.loads(value)


def moment_text(value: datetime) -> str:
    """Write a UTC moment as ``2026-04-22T14:35:23.000000Z``."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
