"""What the service says of its own tables: the rows of TAP_SCHEMA (TAP 1.1 §4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from deepfield.catalogue.published import SCHEMAS, load_published
from deepfield.formats.wire import WIRES, arrow_type, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deepfield.catalogue.published import PublishedTable
    from deepfield.model.tables import Column, TableSchema


def describe(tables: Mapping[str, PublishedTable]) -> Mapping[str, pa.Table]:
    """Return the rows of the tables of TAP_SCHEMA, by their names."""
    described = [each.table for each in tables.values()]
    rows: dict[str, list[dict[str, Any]]] = {
        "schemas": [
            {"schema_name": name, "description": meaning, "schema_index": index}
            for index, (name, meaning) in enumerate(SCHEMAS.items())
            if any(table.schema == name for table in described)
        ],
        "tables": [_table(table, index) for index, table in enumerate(described)],
        "columns": [_column(table, column, index) for table in described for index, column in enumerate(table.columns)],
        "keys": [key for table in described for key, _ in _keys(table)],
        "key_columns": [pair for table in described for _, pairs in _keys(table) for pair in pairs],
    }
    return {name: _arrow(name, each) for name, each in rows.items()}


def key_names(table: TableSchema) -> tuple[str, ...]:
    """Return the identifiers of a table's foreign keys, in their order."""
    return tuple(f"{table.qualified}.{number}" for number in range(1, len(table.foreign_keys) + 1))


def _table(table: TableSchema, index: int) -> dict[str, Any]:
    return {
        "schema_name": table.schema,
        "table_name": table.qualified,
        "table_type": table.kind,
        "utype": table.utype,
        "description": table.description,
        "table_index": index,
    }


def _column(table: TableSchema, column: Column, index: int) -> dict[str, Any]:
    wire, size = WIRES[column.type], shape_of(column).arraysize
    return {
        "table_name": table.qualified,
        "column_name": column.name,
        "datatype": wire.votable,
        "arraysize": size,
        "xtype": column.xtype or wire.xtype,
        "size": int(size) if size is not None and size.isdigit() else None,
        "description": column.description,
        "utype": column.utype,
        "unit": column.unit,
        "ucd": column.ucd,
        "indexed": int(column.indexed),
        "principal": int(column.principal),
        "std": int(column.std),
        "column_index": index,
    }


def _keys(table: TableSchema) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    for name, key in zip(key_names(table), table.foreign_keys, strict=True):
        yield (
            {"key_id": name, "from_table": table.qualified, "target_table": key.table, "description": key.description},
            [
                {"key_id": name, "from_column": one, "target_column": other}
                for one, other in zip(key.columns, key.targets, strict=True)
            ],
        )


def _arrow(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    columns = load_published()[f"TAP_SCHEMA.{name}"].table.columns
    schema = pa.schema([pa.field(column.name.strip('"'), arrow_type(column)) for column in columns])
    return pa.Table.from_pylist(rows, schema)
