"""ADQL in, the engine's SQL and the columns of the result out: ``NAME.adql`` beside ``NAME.sql``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlglot

from deepfield.access.policy import Readable
from deepfield.catalogue.published import load_published
from deepfield.model.tables import Column
from deepfield.query.adql.sources import Circumstances
from deepfield.query.adql.translate import translate

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).with_name("translations")
CASES = sorted(path.stem for path in FOLDER.glob("*.adql"))
TARGETS = (Column("name", "string", ""), Column("ra", "float64", "", unit="deg"), Column("dec", "float64", ""))
NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize("case", CASES)
def test_adql_becomes_the_sql_that_a_person_would_write(case: str, golden: Callable[[Path, str], None]) -> None:
    given = Circumstances(
        load_published(),
        Readable(NOW),
        past=3 if case.startswith("snapshot") else None,
        largest_field=0.2,
        uploads={"targets": TARGETS},
    )
    made = translate((FOLDER / f"{case}.adql").read_text("utf-8"), given=given, maxrec=100)
    sql = sqlglot.parse_one(made.sql, dialect="duckdb").sql(dialect="duckdb", pretty=True)
    columns = "\n".join(f"-- {' · '.join(part for part in parts(column) if part)}" for column in made.columns)
    golden(FOLDER / f"{case}.sql", f"{sql}\n\n{columns}\n")


def parts(column: Column) -> tuple[str | None, ...]:
    return column.name, column.type, column.arraysize, column.xtype, column.unit, column.ucd
