"""An empty catalogue on each kind of database, for the suites that must hold on all of them."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    if not postgres.is_available():
        pytest.skip(f"SKIPPED FOR WANT OF POSTGRESQL: no initdb in {postgres.BINARIES} (set DEEPFIELD_POSTGRES_BIN)")
    with postgres.throwaway_server() as address:
        yield address


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def catalogue_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database, SQLite and PostgreSQL in turn."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'catalogue.sqlite'}"
        return
    server, name = request.getfixturevalue("postgres_server"), f"test_{secrets.token_hex(6)}"
    yield postgres.create_database(server, name)
    postgres.drop_database(server, name)


@pytest.fixture
def database(catalogue_url: str) -> Iterator[object]:
    """A catalogue with its tables, on each kind of database in turn."""
    from deepfield.catalogue.database import Database

    opened = Database(catalogue_url)
    opened.upgrade()
    yield opened
    opened.close()
