"""The relational tables, made from their one description in ``tables/*.yaml``."""

from __future__ import annotations

from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import yaml
from sqlalchemy import BigInteger, Boolean, Double, Index, Integer, LargeBinary, MetaData, Table, UniqueConstraint
from sqlalchemy import Column as SqlColumn

from deepfield.catalogue.types import Characters, Json, Moment
from deepfield.missions.jwst.keywords import header_keywords
from deepfield.model.tables import Column, ColumnType, TableSchema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.types import TypeEngine

SEQ_FROM: Final = "seq_from"
SEQ_TO: Final = "seq_to"

_SQL_TYPES: Final[Mapping[ColumnType, type[TypeEngine[Any]]]] = MappingProxyType(
    {
        "string": Characters,
        "bool": Boolean,
        "int32": Integer,
        "int64": BigInteger,
        "float64": Double,
        "timestamp": Moment,
        "json": Json,
        "bytes": LargeBinary,
    }
)
_NAMES: Final = {
    "pk": "pk_%(table_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
}
_UNIQUE: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = MappingProxyType(
    {
        "identity": (("kind", "name"),),
        "account": (("name",), ("issuer", "subject")),
        "token": (("secret_hash",),),
        "kept": (("account_id", "kind", "name"),),
    }
)


@cache
def load_tables() -> Mapping[str, TableSchema]:
    """Read every table description of the package, by table name."""
    folder = resources.files("deepfield.catalogue") / "tables"
    documents = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in folder.iterdir() if _is_yaml(file.name)]
    schemas = [_schema(document) for document in documents]
    return MappingProxyType({schema.name: schema for schema in sorted(schemas, key=lambda schema: schema.name)})


def _is_yaml(name: str) -> bool:
    return name.endswith(".yaml")


def _schema(document: Mapping[str, Any]) -> TableSchema:
    columns = [Column(**column) for column in document["columns"]]
    if document.get("header_keywords"):
        columns += [keyword.column for keyword in header_keywords().values()]
    return TableSchema(
        name=document["name"],
        description=document["description"],
        key=tuple(document["key"]),
        columns=tuple(columns),
        versioned=document.get("versioned", True),
        home=document.get("home", "catalogue"),
    )


def build_metadata(schemas: Mapping[str, TableSchema]) -> MetaData:
    """Make the SQLAlchemy tables of those descriptions whose rows the catalogue keeps.

    Versioned tables gain ``seq_from`` and ``seq_to`` and the primary key (key columns, ``seq_from``);
    where one column is the key, at most one of its rows is current.
    """
    metadata = MetaData(naming_convention=_NAMES)
    for schema in schemas.values():
        if schema.home == "catalogue":
            _table(schema, metadata)
    return metadata


def _table(schema: TableSchema, metadata: MetaData) -> Table:
    columns = [_column(column, primary=column.name in schema.key) for column in schema.columns]
    if schema.versioned:
        columns.append(SqlColumn(SEQ_FROM, BigInteger, primary_key=True, autoincrement=False))
        columns.append(SqlColumn(SEQ_TO, BigInteger, nullable=True))
    unique = [UniqueConstraint(*names) for names in _UNIQUE.get(schema.name, ())]
    # a table of small rows is its own primary-key index in SQLite
    small = schema.versioned and len(schema.columns) <= 3
    table = Table(schema.name, metadata, *columns, *unique, sqlite_with_rowid=not small)
    for column in schema.columns:
        if column.index:
            Index(None, table.c[column.name])
    if schema.versioned:
        _index_versions(schema, table)
    return table


def _index_versions(schema: TableSchema, table: Table) -> None:
    closed, current = table.c[SEQ_TO].is_not(None), table.c[SEQ_TO].is_(None)
    Index(None, table.c[SEQ_FROM])
    Index(None, table.c[SEQ_TO], sqlite_where=closed, postgresql_where=closed)
    if len(schema.key) == 1:
        key = table.c[schema.key[0]]
        Index(f"uq_{schema.name}_current", key, unique=True, sqlite_where=current, postgresql_where=current)


def _column(column: Column, *, primary: bool) -> SqlColumn[Any]:
    if primary:
        return SqlColumn(column.name, _SQL_TYPES[column.type], primary_key=True, autoincrement=False)
    return SqlColumn(column.name, _SQL_TYPES[column.type], nullable=column.nullable)


METADATA: Final = build_metadata(load_tables())
TABLES: Final[Mapping[str, Table]] = MappingProxyType(dict(METADATA.tables))
OBSERVATION: Final = TABLES["observation"]
PLANE: Final = TABLES["plane"]
PLAN: Final = TABLES["plan"]
ARTIFACT: Final = TABLES["artifact"]
PRODUCT_LINK: Final = TABLES["product_link"]
ARTIFACT_HEADER: Final = TABLES["artifact_header"]
CONTENT: Final = TABLES["content"]
REFERENCE_FILE: Final = TABLES["reference_file"]
PART: Final = TABLES["part"]
EVENT: Final = TABLES["event"]
IDENTITY: Final = TABLES["identity"]
SNAPSHOT: Final = TABLES["snapshot"]
SOURCE_FILE: Final = TABLES["source_file"]
RELEASE_RULE: Final = TABLES["release_rule"]
JOB: Final = TABLES["job"]
SNAPSHOT_PIN: Final = TABLES["snapshot_pin"]
ACCOUNT: Final = TABLES["account"]
MEMBERSHIP: Final = TABLES["membership"]
TOKEN: Final = TABLES["token"]
KEPT: Final = TABLES["kept"]
KEYWORD: Final = TABLES["keyword"]
TARGET_LIST: Final = TABLES["target_list"]
SESSION: Final = TABLES["session"]
SIGN_IN_ATTEMPT: Final = TABLES["sign_in_attempt"]
ACCESS_LOG: Final = TABLES["access_log"]
VERSIONED: Final = tuple(name for name, schema in load_tables().items() if schema.versioned)
