"""The formats on offer: short names, media types, and which of them a request means (DALI 1.1 §3.4.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from email.message import Message
from typing import Final

from deepfield.formats.arrow import write_arrow, write_parquet
from deepfield.formats.delimited import write_csv, write_ecsv, write_tsv
from deepfield.formats.document import Document
from deepfield.formats.documents import write_html, write_json, write_json_rows
from deepfield.formats.fits import write_fits
from deepfield.formats.spreadsheet import write_csv_for_spreadsheets, write_xlsx
from deepfield.formats.votable.writing import write_binary, write_binary2, write_tabledata
from deepfield.model.errors import InvalidValueError
from deepfield.model.rows import RowStream

Writer = Callable[[RowStream, Document], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write a table."""

    name: str
    short_names: tuple[str, ...]
    """What RESPONSEFORMAT may say instead of a media type."""
    media_type: str
    """What an answer bears."""
    extension: str
    write: Writer
    description: str
    tells: str
    """How a reader learns that the rows were cut or broke off."""
    other_media_types: tuple[str, ...] = ()
    """What RESPONSEFORMAT may say too; the answer then bears just this."""
    at_once: bool = True
    """Whether the first bytes leave before the last row is known."""
    ivo_id: str | None = None
    """The name that TAPRegExt 1.0 §2.4 gives the format."""


_OUTPUT: Final = "ivo://ivoa.net/std/TAPRegExt#output"
_STATUS: Final = "INFO QUERY_STATUS after the table"
_BREAKS: Final = "not told when cut; an error breaks the answer off"


def _votable(serialization: str) -> tuple[str, str]:
    return f"application/x-votable+xml;serialization={serialization}", f"text/xml;serialization={serialization}"


FORMATS: Final[tuple[Format, ...]] = (
    Format(
        "votable", ("votable", "votable/td"), "application/x-votable+xml", "vot", write_tabledata,
        "VOTable with TABLEDATA: the default", _STATUS,
        ("text/xml", "application/xml", *_votable("TABLEDATA")), ivo_id=f"{_OUTPUT}-votable-td",
    ),
    Format(
        "votable-binary2", ("votable/b2", "votable-b2", "votable-binary2"), _votable("BINARY2")[0], "vot",
        write_binary2, "VOTable with BINARY2: smaller and quicker, and tells every null apart", _STATUS,
        _votable("BINARY2")[1:], ivo_id=f"{_OUTPUT}-votable-binary2",
    ),
    Format(
        "votable-binary", ("votable/b", "votable-b", "votable-binary"), _votable("BINARY")[0], "vot",
        write_binary, "VOTable with BINARY, for readers of before 2013", _STATUS,
        _votable("BINARY")[1:], ivo_id=f"{_OUTPUT}-votable-binary",
    ),
    Format(
        "csv", ("csv",), "text/csv;header=present", "csv", write_csv, "Comma-separated values", _BREAKS, ("text/csv",)
    ),
    Format(
        "csv-spreadsheet", ("csv-spreadsheet",), "text/csv;header=present;charset=utf-8;for=spreadsheets", "csv",
        write_csv_for_spreadsheets, "CSV with an apostrophe before texts that would be taken for a formula", _BREAKS,
    ),
    Format(
        "xlsx", ("xlsx",), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx", write_xlsx,
        "Excel workbook, with units and meanings on a second sheet; at most 1,048,575 rows",
        "The second sheet when cut; an error comes before the first byte", at_once=False,
    ),
    Format("tsv", ("tsv",), "text/tab-separated-values", "tsv", write_tsv, "Tab-separated values", _BREAKS),
    Format(
        "json", ("json",), "application/json", "json", write_json, "JSON: columns, and a list of values a row",
        "`status` after the rows",
    ),
    Format(
        "ndjson", ("ndjson", "jsonl"), "application/x-ndjson", "ndjson", write_json_rows, "JSON: one object a line",
        _BREAKS, ("application/jsonl",),
    ),
    Format("ecsv", ("ecsv",), "text/x-ecsv", "ecsv", write_ecsv, "Enhanced CSV, as astropy reads it", _BREAKS),
    Format(
        "fits", ("fits",), "application/fits", "fits", write_fits, "FITS binary table",
        "QSTATUS in the header when cut; an error comes before the first byte", ("application/x-fits",), at_once=False,
    ),
    Format(
        "parquet", ("parquet",), "application/vnd.apache.parquet", "parquet", write_parquet,
        "Parquet with a VOTable's metadata inside (VOParquet)",
        "QUERY_STATUS in these metadata; an error breaks the answer off", ("application/x-parquet",),
    ),
    Format(
        "arrow", ("arrow",), "application/vnd.apache.arrow.stream", "arrows", write_arrow, "Arrow IPC stream",
        "QUERY_STATUS of the last, empty batch; an error breaks the answer off",
    ),
    Format("html", ("html",), "text/html", "html", write_html, "A page for people", "a sentence below the rows"),
    Format("text", ("text",), "text/plain", "txt", write_tsv, "Tab-separated values as plain text", _BREAKS),
)  # fmt: skip


def find_format(wanted: str) -> Format:
    """Return the format that RESPONSEFORMAT asks for by short name or media type.

    Asked by media type, an answer bears the very same (DALI 1.1 §3.4.3).

    Raises:
        InvalidValueError: there is no such format; says which there are.
    """
    text = wanted.strip().lower()
    asked = _parsed(text)
    for each in FORMATS:
        if text in each.short_names:
            return each
        for media_type in (each.media_type, *each.other_media_types):
            if asked == _parsed(media_type.lower()):
                return replace(each, media_type=media_type)
    known = ", ".join(each.short_names[0] for each in FORMATS)
    raise InvalidValueError("RESPONSEFORMAT", wanted, f"one of {known}, or the media type of one of them")


_INDIFFERENT: Final = frozenset({"charset", "content", "version", "q"})


def _parsed(text: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """Return a media type and those of its parameters that choose between formats (RFC 9110 §8.3.1)."""
    message = Message()
    message["Content-Type"] = text
    kind, *parameters = message.get_params(failobj=[(text, "")])
    return kind[0], frozenset((key, str(value)) for key, value in parameters if key not in _INDIFFERENT)
