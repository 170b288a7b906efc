"""How the replica lays out the described tables in DuckDB: all row versions, and a view of the current ones."""

from __future__ import annotations

import hashlib
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import duckdb
import pyarrow as pa

from deepfield.replica.datasets import create_statement
from deepfield.replica.footprints import cells_of, vertices_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deepfield.model.tables import ColumnType, TableSchema

FORMAT: Final = 5
"""Counts the layouts; a replica of another number is rebuilt."""

_TYPES: Final[Mapping[ColumnType, tuple[str, pa.DataType]]] = MappingProxyType(
    {
        "string": ("VARCHAR", pa.string()),
        "bool": ("BOOLEAN", pa.bool_()),
        "int32": ("INTEGER", pa.int32()),
        "int64": ("BIGINT", pa.int64()),
        "float64": ("DOUBLE", pa.float64()),
        # UTC throughout, so the type without a zone: DuckDB's other one needs a calendar library for arithmetic
        "timestamp": ("TIMESTAMP", pa.timestamp("us")),
        "json": ("VARCHAR", pa.string()),
        "bytes": ("BLOB", pa.binary()),
    }
)
_SORT: Final[Mapping[str, str]] = MappingProxyType({"observation": "healpix, obs_number"})
"""The order of rows after a build, so that the searches that matter skip most of a table."""

TEXT_COLUMNS: Final = ("target_name", "target_standard_name", "proposal_id", "proposal_pi", "proposal_title")
"""Columns of ``observation`` that a text search looks into."""
DOCUMENT: Final = "document"
"""Hidden column of ``observation``: which distinct combination of texts a row carries."""
OUTLINE: Final = "outline"
"""Hidden column of these tables: the vertices of a footprint that is one polygon, as numbers."""
OUTLINED: Final = frozenset({"observation", "plan"})
HEALPIX: Final = "healpix"
"""Hidden column of ``plane``: the HEALPix index of its centre, nested, order 29."""

_INTERNAL: Final = (
    "CREATE TABLE replica_state (fingerprint VARCHAR, snapshot BIGINT, built_rows BIGINT, applied_rows BIGINT)",
    "CREATE TABLE text_document (document UBIGINT)",
    "CREATE TABLE text_posting (term VARCHAR, document UBIGINT, weight INTEGER)",
)


def arrow_schema(table: TableSchema) -> pa.Schema:
    """Return the Arrow schema in which rows of a table enter the replica."""
    fields = [pa.field(column.name, _TYPES[column.type][1]) for column in table.columns]
    return pa.schema([*fields, pa.field("seq_from", pa.int64()), pa.field("seq_to", pa.int64())])


def create_statements(tables: Iterable[TableSchema], *, datasets: bool = False) -> list[str]:
    """Return the DDL of an empty replica, with or without the table of datasets."""
    statements = list(_INTERNAL)
    for table in tables:
        columns = [f"{column.name} {_TYPES[column.type][0]}" for column in table.columns]
        if table.name == "observation":
            columns.append(f"{DOCUMENT} UBIGINT")
        if table.name in OUTLINED:
            columns.append(f"{OUTLINE} DOUBLE[]")
        if table.name == "plane":
            columns.append(f"{HEALPIX} BIGINT")
        columns += ["seq_from BIGINT", "seq_to BIGINT"]
        statements.append(f"CREATE TABLE {table.name}_all ({', '.join(columns)})")
        statements.append(f"CREATE VIEW {table.name} AS SELECT * FROM {table.name}_all WHERE seq_to IS NULL")
    return [*statements, create_statement()] if datasets else statements


def arranged(table: TableSchema, rows: pa.Table) -> pa.Table:
    """Return rows of the feed with the types and the computed columns of the replica."""
    schema = arrow_schema(table)
    rows = rows.select(schema.names).cast(schema)
    if table.name in OUTLINED:
        rows = rows.append_column(OUTLINE, vertices_of(rows["s_region"]))
    if table.name == "plane":
        rows = rows.append_column(HEALPIX, cells_of(rows["s_ra"], rows["s_dec"]))
    return rows


def incoming(table: TableSchema, source: str) -> str:
    """Return the query that turns rows as the feed gives them into rows as the replica keeps them."""
    if table.name != "observation":
        return f"SELECT * FROM {source}"
    texts = ", ".join(TEXT_COLUMNS)
    return f"SELECT *, hash({texts}) AS {DOCUMENT} FROM {source}"


def merge_statement(table: TableSchema, source: str) -> str:
    """Return the statement that applies changed rows: a new version is inserted, an ended one gets its end."""
    same = " AND ".join(f"kept.{name} = changed.{name}" for name in (*table.key, "seq_from"))
    return (
        f"MERGE INTO {table.name}_all AS kept USING ({incoming(table, source)}) AS changed ON {same} "
        "WHEN MATCHED THEN UPDATE SET seq_to = changed.seq_to WHEN NOT MATCHED THEN INSERT BY NAME"
    )


def sort_statements(table: TableSchema) -> list[str]:
    """Return what puts a freshly filled table into its order; nothing for tables that come in order."""
    order = _SORT.get(table.name)
    if order is None:
        return []
    name = f"{table.name}_all"
    return [
        f"CREATE TABLE {name}_sorted AS SELECT * FROM {name} ORDER BY {order}",
        f"DROP VIEW {table.name}",
        f"DROP TABLE {name}",
        f"ALTER TABLE {name}_sorted RENAME TO {name}",
        f"CREATE VIEW {table.name} AS SELECT * FROM {name} WHERE seq_to IS NULL",
    ]


def fingerprint(tables: Iterable[TableSchema], *, datasets: bool = False) -> str:
    """Name a layout: it differs whenever a replica of another one could not be read or kept up."""
    parts = [f"{FORMAT} duckdb {duckdb.__version__}", *create_statements(tables, datasets=datasets)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
