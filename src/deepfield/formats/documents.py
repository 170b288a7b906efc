"""JSON for programs and HTML for people."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import orjson

from deepfield.formats.pieces import pieces, pieces_and_error
from deepfield.formats.texts import ATTRIBUTE, JSON, LISTED, XML, Spelling, lines, prefixed, table_cells
from deepfield.formats.wire import TEXTS, WIRES, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from deepfield.formats.document import Document
    from deepfield.model.rows import RowStream
    from deepfield.model.tables import Column

_JSON: Final = replace(LISTED, nan="null", infinity="null", minus_infinity="null", quotes=('"', '"'), escapes=JSON)
_HTML: Final = Spelling("true", "false", "NaN", "∞", "−∞", escapes=XML, unknown="?", missing_element="?")
_STYLE: Final = (
    "body{font:14px/1.45 system-ui,sans-serif;margin:1.5rem;color:#1b2430;background:#fff}"
    "h1{font-size:1.25rem;margin:0 0 .5rem}dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;"
    "margin:0 0 1rem;max-width:70rem}dt{color:#5b6675}dd{margin:0;overflow-wrap:anywhere;white-space:pre-wrap}"
    "div{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    "th,td{padding:.25rem .6rem;border-bottom:1px solid #dde2e8;text-align:left;vertical-align:top;"
    "max-width:28rem;overflow-wrap:break-word}th{position:sticky;top:0;background:#f3f5f8;white-space:nowrap}"
    "th small{display:block;font-weight:400;color:#5b6675}td.n{text-align:right;white-space:nowrap}"
    "p{max-width:50rem}p.cut{border-left:4px solid #b3541e;padding:.3rem .8rem;background:#fdf3ec}"
    "@media(prefers-color-scheme:dark){body{background:#10151c;color:#dfe5ec}th{background:#1a212b}"
    "th,td{border-color:#2c3542}dt,th small{color:#93a0b0}p.cut{background:#2a1c13}}"
)


def write_json(stream: RowStream, document: Document) -> Iterator[bytes]:
    """Write ``columns`` and ``data``, one list a row, then ``status``: OK, OVERFLOW or ERROR with a ``message``.

    JSON has no word for a number that is not finite: NaN and infinities are null.
    """
    columns = orjson.dumps([_described(column) for column in stream.columns])
    info = orjson.dumps({name: value for name, value, _ in document.provenance.facts(stream.snapshot)})
    yield b'{"columns":' + columns + b',"info":' + info + b',"data":[\n'
    first = True

    def chunk(batch: pa.RecordBatch) -> bytes:
        nonlocal first
        texts = table_cells(batch, stream.columns, _JSON)
        rows = lines(texts, opening=",\n[", separator=",", closing="]", missing="null")
        first, skip = False, 2 if first else 0
        return bytes(rows[skip:])

    error = yield from pieces_and_error(stream, chunk)
    status: dict[str, Any] = {"status": "OVERFLOW" if stream.overflow else "OK", "rows": stream.rows}
    if error is not None:
        status |= {"status": "ERROR", "message": error}
    yield b"\n]," + orjson.dumps(status)[1:] + b"\n"


def write_json_rows(stream: RowStream, document: Document) -> Iterator[bytes]:
    """Write one JSON object a line (NDJSON), its keys the columns' names, and nothing else."""
    del document
    keys = [orjson.dumps(column.name).decode() + ":" for column in stream.columns]

    def chunk(batch: pa.RecordBatch) -> bytes:
        texts = table_cells(batch, stream.columns, _JSON)
        named = prefixed(texts, keys, missing="null")
        return bytes(lines(named, opening="{", separator=",", closing="}\n"))

    return pieces(stream, chunk)


def _described(column: Column) -> dict[str, Any]:
    wire, shape = WIRES[column.type], shape_of(column)
    facts = {
        "name": column.name,
        "datatype": wire.votable,
        "arraysize": shape.arraysize,
        "unit": column.unit,
        "ucd": column.ucd,
        "utype": column.utype,
        "xtype": column.xtype or wire.xtype,
        "description": column.description or None,
    }
    return {key: value for key, value in facts.items() if value is not None}


def write_html(stream: RowStream, document: Document) -> Iterator[bytes]:
    """Write a page for people: light, readable without a script, every text escaped."""
    title = XML.text(document.name or "Query result")
    facts = "".join(
        f"<dt>{XML.text(name.replace('_', ' '))}</dt><dd>{XML.text(value)}</dd>"
        for name, value, _ in document.provenance.facts(stream.snapshot)
    )
    head = "".join(_heading(column) for column in stream.columns)
    yield (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>{title}</title><style>{_STYLE}</style></head><body>\n'
        f"<h1>{title}</h1>\n<dl>{facts}</dl>\n<div><table><thead><tr>{head}</tr></thead><tbody>\n"
    ).encode()
    openings = ["<td>" if column.type in TEXTS else '<td class="n">' for column in stream.columns]

    def chunk(batch: pa.RecordBatch) -> bytes:
        texts = table_cells(batch, stream.columns, _HTML)
        opened = prefixed(texts, openings, missing="")
        return bytes(lines(opened, opening="<tr>", separator="</td>", closing="</td></tr>\n"))

    error = yield from pieces_and_error(stream, chunk)
    remark = ""
    if error is not None:
        remark = f'<p class="cut">The query failed before it was done: {XML.text(error)}</p>'
    elif stream.overflow:
        remark = f'<p class="cut">Cut after {stream.rows} rows: there are more. Raise MAXREC or narrow the query.</p>'
    count = "1 row" if stream.rows == 1 else f"{stream.rows} rows"
    yield f"</tbody></table></div>\n{remark}<p>{count}</p>\n</body></html>\n".encode()


def _heading(column: Column) -> str:
    unit = f"<small>{XML.text(column.unit)}</small>" if column.unit else ""
    title = f' title="{ATTRIBUTE.text(column.description)}"' if column.description else ""
    return f"<th{title}>{XML.text(column.name)}{unit}</th>"
