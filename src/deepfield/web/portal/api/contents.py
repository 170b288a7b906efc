"""The tables inside a product, a page of rows at a time, and all cards of any of its HDUs."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from deepfield.access.policy import Readable
from deepfield.bootstrap import Archive
from deepfield.model.tables import Column
from deepfield.products.grids import GridColumn
from deepfield.services.contents import TableFacts, Wanted
from deepfield.web.context import CallersRule, FileName, TheArchive
from deepfield.web.portal.api.documents import json_response, plain
from deepfield.web.portal.api.written import TableFormat, file_response, is_page

router = APIRouter(tags=["contents"])
MOST = 1000
"""Rows of a page."""
PIECE = 5000
"""Rows of a file that are read at once."""


class GridColumnDocument(BaseModel):
    """A column of a table in a product."""

    name: str
    type: str
    unit: str | None
    description: str
    shape: list[int] = Field(description="Of a cell; empty for a single value, -1 where it varies")

    @classmethod
    def of(cls, column: GridColumn) -> "GridColumnDocument":
        return cls(
            name=column.name,
            type=column.type,
            unit=column.unit,
            description=column.description,
            shape=list(column.shape),
        )


class GridDocument(BaseModel):
    """A table in a product."""

    number: int = Field(description="HDU; 0 for a file that is one table")
    name: str
    version: int
    rows: int
    columns: list[GridColumnDocument]

    @classmethod
    def of(cls, facts: TableFacts) -> "GridDocument":
        columns = [GridColumnDocument.of(column) for column in facts.columns]
        return cls(number=facts.number, name=facts.name, version=facts.version, rows=facts.rows, columns=columns)


class GridList(BaseModel):
    """The tables of a product."""

    filename: str
    tables: list[GridDocument]


class RowsDocument(BaseModel):
    """Some rows of a table."""

    filename: str
    table: GridDocument
    found: int = Field(description="Rows that meet the conditions")
    rows: list[int] = Field(description="Numbers of the rows in the file, from 0")
    values: dict[str, list[Any]] = Field(description="Cells by column; 64-bit integers beyond 2^53 as text")


class UnitDocument(BaseModel):
    """An HDU with all its cards."""

    filename: str
    number: int
    name: str
    version: int
    kind: str
    shape: list[int]
    cards: list[tuple[str, str | int | float | bool | None, str]] = Field(description="Keyword, value, comment")


Number = Annotated[int, Path(description="HDU", ge=0, le=99_999)]


@router.get("/products/{filename}/tables", operation_id="listTables", summary="Tables of a product")
def list_tables(filename: FileName, archive: TheArchive, rule: CallersRule) -> GridList:
    """List the tables that a product holds; none where it holds none."""
    tables = archive.contents.tables(filename, rule=rule)
    return GridList(filename=filename, tables=[GridDocument.of(table) for table in tables])


@router.get(
    "/products/{filename}/tables/{number}",
    operation_id="getTable",
    summary="Rows of a table of a product",
    response_model=RowsDocument,
)
def get_table(
    filename: FileName,
    number: Number,
    *,
    request: Request,
    archive: TheArchive,
    rule: CallersRule,
    columns: Annotated[str | None, Query(description="Columns of the answer; all by default", max_length=8000)] = None,
    sort: Annotated[str | None, Query(description="A column; `-` before it descends", max_length=200)] = None,
    where: Annotated[
        list[str] | None,
        Query(description="`column=condition` in the grammar of searches; several times: all hold", max_length=50),
    ] = None,
    offset: Annotated[int, Query(ge=0, le=2**53, description="Rows to pass over")] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST, description="Most rows of a page; a file has all")] = 100,
    form: TableFormat = "json",
) -> Response:
    """Return a page of a table as JSON, or all rows that meet the conditions as a file."""
    wanted = Wanted(columns, sort, tuple(where or ()), offset, limit)
    if not is_page(form):
        return _file(archive, rule, filename, number, wanted, form, str(request.url))
    found = archive.contents.rows(filename, number, wanted, rule=rule)
    return json_response(
        {
            "filename": filename,
            "table": GridDocument.of(found.table).model_dump(),
            "found": found.found,
            "rows": list(found.rows),
            "values": {name: [_written(cell) for cell in cells] for name, cells in found.values.items()},
        }
    )


def _written(cell: Any) -> Any:
    if isinstance(cell, int) and not isinstance(cell, bool) and abs(cell) > 1 << 53:
        return str(cell)
    if isinstance(cell, list):
        return [_written(each) for each in cell]
    return str(cell) if isinstance(cell, complex) else plain(cell)


def _file(  # noqa: PLR0917
    archive: Archive, rule: Readable, filename: str, number: int, wanted: Wanted, form: str, request: str
) -> Response:
    first = archive.contents.rows(filename, number, replace(wanted, offset=0, limit=PIECE), rule=rule)
    columns = [_column(column) for column in first.columns]

    def batches() -> Iterator[Sequence[Any]]:
        page, offset = first, 0
        while page.rows:
            yield [_flat(page.values[column.name], column) for column in page.columns]
            offset += len(page.rows)
            if offset >= first.found:
                return
            page = archive.contents.rows(filename, number, replace(wanted, offset=offset, limit=PIECE), rule=rule)

    stem = f"{filename.rsplit('.', 1)[0]}_{first.table.name.lower() or 'table'}"
    about = f"{first.table.name or 'Table'} of {filename}"
    return file_response(columns, batches(), stem=stem, wanted=form, about=about, request=request)


def _column(column: GridColumn) -> Column:
    if column.shape and column.type != "string":
        kind = column.type if column.type != "bytes" else "float64"
        size = "*" if column.shape == (-1,) else "x".join(str(length) for length in reversed(column.shape))
        return Column(column.name, kind, column.description, unit=column.unit, arraysize=size)
    return Column(column.name, column.type, column.description, unit=column.unit)


def _flat(cells: Sequence[Any], column: GridColumn) -> Sequence[Any]:
    """Return cells of several axes as lists, fastest axis first, as VOTable and FITS have them."""
    if len(column.shape) < 2:
        return cells
    return [None if cell is None else np.asarray(cell).ravel().tolist() for cell in cells]


@router.get("/products/{filename}/hdus/{number}", operation_id="getHdu", summary="All cards of an HDU")
def get_hdu(filename: FileName, number: Number, archive: TheArchive, rule: CallersRule) -> UnitDocument:
    """Return every card of an HDU, read from the file: it follows the access rule of the bytes."""
    found = archive.contents.header(filename, number, rule=rule)
    part = found.part
    return UnitDocument(
        filename=filename,
        number=part.number,
        name=part.name,
        version=part.version,
        kind=part.kind,
        shape=list(part.shape),
        cards=[(card.keyword, plain(card.value), card.comment) for card in found.cards],
    )
