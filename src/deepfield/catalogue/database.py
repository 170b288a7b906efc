"""The catalogue's database: SQLite in a file, or PostgreSQL, by URL."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from deepfield.model.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

__all__ = ["Connection", "Database"]

_WAIT_SECONDS: Final = 120
_OVERFLOW: Final = 40
"""Connections beyond the five that stay open: a server has as many threads."""
_MIGRATION_LOCK: Final = 7_301_744_225_140_001
_WRITES: Final = "deepfield_writes"


class Database:
    """Hands out transactions on the catalogue.

    SQLite runs in WAL mode with ``synchronous=FULL``: a commit survives a power cut, readers never wait for the
    writer, and a second writer waits up to two minutes for the first.
    """

    def __init__(self, url: str) -> None:
        """Take a SQLAlchemy address, ``sqlite:////path/file`` or ``postgresql://user@host/name``.

        Raises:
            ConfigurationError: for any other kind of database.
        """
        self.url: Final = _normalised(url)
        self.is_sqlite: Final = self.url.get_backend_name() == "sqlite"
        self.engine: Final[Engine] = _sqlite_engine(self.url) if self.is_sqlite else _postgres_engine(self.url)
        self._writer = self.engine.execution_options(**{_WRITES: True})
        options: dict[str, Any] = {_WRITES: False}
        if not self.is_sqlite:
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._reader = self.engine.execution_options(**options)

    def upgrade(self) -> None:
        """Bring the tables to the newest form; does nothing where they are."""
        config = Config()
        config.set_main_option("script_location", "deepfield.catalogue:migrations")
        with self.begin() as connection:
            if not self.is_sqlite:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a transaction that writes; it commits at the end of the block and rolls back on an error."""
        with self._writer.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that reads one consistent state of the catalogue."""
        with self._reader.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def _normalised(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigurationError(f"database_url {url!r} is not an address such as postgresql://host/name") from None
    if parsed.drivername in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in {"sqlite", "sqlite+pysqlite", "postgresql+psycopg"}:
        raise ConfigurationError(f"database_url names {parsed.drivername!r}; expected sqlite or postgresql")
    return parsed


def _sqlite_engine(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise ConfigurationError("database_url: SQLite needs a file, such as sqlite:////srv/deepfield/catalogue.sqlite")
    Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url, max_overflow=_OVERFLOW, connect_args={"timeout": _WAIT_SECONDS, "isolation_level": None}
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_WAIT_SECONDS * 1000}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA cache_size=-16384")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgres_engine(url: URL) -> Engine:
    try:
        return create_engine(
            url, pool_pre_ping=True, max_overflow=_OVERFLOW, connect_args={"options": "-c timezone=UTC"}
        )
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise ConfigurationError(f"database_url: the PostgreSQL driver is missing ({error})") from None
