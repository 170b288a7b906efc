"""What the portal service answers: rows of a table with their fields and paging, in the formats that it knows."""

from __future__ import annotations

import csv
import io
import math
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.responses import Response, StreamingResponse

from deepfield.web.mast.columns import MastColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from deepfield.web.mast.requests import MastRequest

Row = dict[str, Any]
BATCH: Final = 2000
"""Rows that are written at a time."""
NOTHING: Final[dict[str, Any]] = {"data": [], "fields": []}


@dataclass(frozen=True, slots=True)
class Answer:
    """One page of rows, made a batch at a time."""

    columns: tuple[MastColumn, ...]
    count: int
    """Rows of this page."""
    total: int
    batch: Callable[[int, int], list[Row]]
    """Makes the rows of this page from one place up to another."""
    message: str = ""

    @classmethod
    def of(cls, columns: Iterable[MastColumn], rows: Sequence[Row], *, total: int | None = None) -> Answer:
        """Answer rows that are there."""
        return cls(tuple(columns), len(rows), len(rows) if total is None else total, lambda a, b: list(rows[a:b]))

    def batches(self) -> Iterator[list[Row]]:
        """Yield the rows of the page."""
        for start in range(0, self.count, BATCH):
            yield self.batch(start, min(start + BATCH, self.count))

    def without_null_columns(self) -> Answer:
        """Return the answer without the columns that hold nothing on this page."""
        rows = [row for batch in self.batches() for row in batch]
        used = {name for row in rows for name, value in row.items() if value not in (None, "")}
        kept = [column for column in self.columns if column.name in used]
        return replace(Answer.of(kept, rows, total=self.total), message=self.message)


def count_answer(count: int) -> Answer:
    """Answer ``COUNT_BIG(*)``."""
    return Answer.of([MastColumn("Column1", "string")], [{"Column1": count}])


def paging(asked: MastRequest, answer: Answer, pagesize: int) -> dict[str, int]:
    """Return where the page stands among all."""
    return {
        "page": asked.page,
        "pageSize": pagesize,
        "pagesFiltered": max(1, math.ceil(answer.total / pagesize)),
        "rows": answer.count,
        "rowsFiltered": answer.total,
        "rowsTotal": answer.total,
    }


def respond(asked: MastRequest, answer: Answer, pagesize: int) -> Response:
    """Write an answer in the format asked for."""
    if asked.without_null_columns:
        answer = answer.without_null_columns()
    place = paging(asked, answer, pagesize)
    json: dict[str, Any] = {"media_type": "application/json", "headers": _headers(asked, "json")}
    match asked.format:
        case "json":
            return StreamingResponse(_json(answer, place), **json)
        case "extjs":
            return StreamingResponse(_extjs(answer, place), **json)
        case "csv":
            return StreamingResponse(_csv(answer), media_type="text/csv", headers=_headers(asked, "csv"))
        case "votable":
            return Response(votable(answer), media_type="application/x-votable+xml", headers=_headers(asked, "xml"))


def failure(message: str) -> Response:
    """Tell what went wrong, in the only shape whose text clients of MAST show."""
    return Response(
        orjson.dumps({"status": "ERROR", "msg": message, **NOTHING}),
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _headers(asked: MastRequest, extension: str) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    if asked.filename:
        safe = re.sub(r"[^A-Za-z0-9._-]", "", asked.filename)
        headers["Content-Disposition"] = f'attachment; filename="{safe[:100] or f"result.{extension}"}"'
    return headers


def _json(answer: Answer, place: dict[str, int]) -> Iterator[bytes]:
    yield b'{"status":"COMPLETE","msg":' + orjson.dumps(answer.message) + b',"data":['
    between = b""
    for batch in answer.batches():
        yield between + orjson.dumps(batch)[1:-1]
        between = b","
    fields = orjson.dumps([column.field for column in answer.columns])
    yield b'],"fields":' + fields + b',"paging":' + orjson.dumps(place) + b"}"


def _extjs(answer: Answer, place: dict[str, int], histograms: dict[str, Any] | None = None) -> Iterator[bytes]:
    columns = [
        {
            "text": column.name,
            "dataIndex": column.name,
            "ExtendedProperties": _properties(column, number)
            | ({"histObj": histograms[column.name]} if histograms and column.name in histograms else {}),
        }
        for number, column in enumerate(answer.columns)
    ]
    table = {
        "name": "Table",
        "ExtendedProperties": {"Paging": place},
        "Columns": columns,
        "Fields": [column.field for column in answer.columns],
    }
    yield b'{"status":"COMPLETE","msg":' + orjson.dumps(answer.message)
    yield b',"data":{"name":"NewDataSet","ExtendedProperties":{},"Tables":[' + orjson.dumps(table)[:-1] + b',"Rows":['
    between = b""
    for batch in answer.batches():
        yield between + orjson.dumps([[row.get(c.name) for c in answer.columns] for row in batch])[1:-1]
        between = b","
    yield b"]}]}}"


def histogram_response(columns: Sequence[MastColumn], histograms: dict[str, Any], total: int) -> Response:
    """Answer ``Mast.Caom.All``: no rows, but how often each column has each value."""
    place = {"page": 0, "pageSize": 0, "pagesFiltered": 0, "rows": 0, "rowsFiltered": total, "rowsTotal": total}
    answer = Answer.of(columns, [])
    return Response(b"".join(_extjs(answer, place, histograms)), media_type="application/json")


def _properties(column: MastColumn, number: int) -> dict[str, Any]:
    told = column.config(number)
    return {name if name.startswith("vot.") else f"cc.{name}": value for name, value in told.items()}


def _csv(answer: Answer) -> Iterator[bytes]:
    """A line of names, a line of types as MAST writes it, then the rows (RFC 4180)."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([column.name for column in answer.columns])
    for batch in answer.batches():
        writer.writerows([["" if row.get(c.name) is None else row[c.name] for c in answer.columns] for row in batch])
        yield text.getvalue().encode()
        text.seek(0)
        text.truncate()
    yield text.getvalue().encode()


_VOTABLE: Final = {"string": str, "int": int, "float": float, "boolean": bool, "datetime": str}


def votable(answer: Answer) -> bytes:
    """Return the page as a VOTable 1.4."""
    from astropy.io.votable.tree import Field, Resource, TableElement, VOTableFile

    document = VOTableFile(version="1.4")
    resource = Resource(type="results")
    document.resources.append(resource)
    table = TableElement(document)
    resource.tables.append(table)
    datatypes = {"string": "unicodeChar", "int": "long", "float": "double", "boolean": "boolean", "datetime": "char"}
    for column in answer.columns:
        size = {"arraysize": "*"} if column.type in {"string", "datetime"} else {}
        field = Field(document, name=column.name, ID=column.name, datatype=datatypes[column.type], **size)
        field.description = column.meaning or None
        if column.ucd:
            field.ucd = column.ucd
        if column.unit:
            field.unit = column.unit
        table.fields.append(field)
    rows = [row for batch in answer.batches() for row in batch]
    table.create_arrays(len(rows))
    for at, row in enumerate(rows):
        for column in answer.columns:
            value = row.get(column.name)
            if value is None:
                table.array.mask[column.name][at] = True
                table.array[column.name][at] = "" if column.type in {"string", "datetime"} else 0
            else:
                table.array[column.name][at] = _VOTABLE[column.type](value)
    out = io.BytesIO()
    document.to_xml(out)
    return out.getvalue()


def ticks(moment: datetime | None) -> str | None:
    """Write a moment as MAST's SQL server does, ``/Date(1712689643699)/``: milliseconds since 1970."""
    if moment is None:
        return None
    since = moment.replace(tzinfo=moment.tzinfo or UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    milliseconds = since // timedelta(milliseconds=1)
    return f"/Date({milliseconds})/"
