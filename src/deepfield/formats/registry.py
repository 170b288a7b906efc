"""The formats on offer: short names, media types, and which of them a request means (DALI 1.1 §3.4.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from typing import Final

from deepfield.formats.arrow import write_arrow, write_parquet
from deepfield.formats.delimited import write_csv, write_ecsv, write_tsv
from deepfield.formats.document import Document
from deepfield.formats.documents import write_html, write_json, write_json_rows
from deepfield.formats.fits import write_fits
from deepfield.formats.votable.writing import write_binary, write_binary2, write_tabledata
from deepfield.model.errors import InvalidValueError
from deepfield.model.rows import RowStream

Writer = Callable[[RowStream, Document], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write a table.

    ``media_types`` are what a request may name, the first of them what it gets when it names none of them.
    """

    name: str
    description: str
    media_types: tuple[str, ...]
    extension: str
    write: Writer
    names: tuple[str, ...] = ()
    """Other short names."""
    streams: bool = True
    """Whether the first bytes leave before the last row is known."""
    tells: str = ""
    """How a reader learns that the rows were cut or broke off."""
    ivo_id: str | None = None
    """TAPRegExt's name of the format (TAPRegExt 1.0 §2.4)."""

    @property
    def media_type(self) -> str:
        return self.media_types[0]


_VOTABLE: Final = ("application/x-votable+xml", "text/xml", "application/xml")
_STATUS: Final = "INFO QUERY_STATUS after the table"
_BREAKS: Final = "not told when cut; breaks off on an error"


def _votable(serialization: str) -> tuple[str, ...]:
    return (f"application/x-votable+xml;serialization={serialization}", f"text/xml;serialization={serialization}")


FORMATS: Final[tuple[Format, ...]] = (
    Format(
        "votable", "VOTable, TABLEDATA", (*_VOTABLE, *_votable("TABLEDATA")), "vot", write_tabledata,
        names=("votable/td", "votable-td", "vot"), tells=_STATUS, ivo_id="ivo://ivoa.net/std/TAPRegExt#output-votable-td",
    ),
    Format(
        "votable/b2", "VOTable, BINARY2", _votable("BINARY2"), "vot", write_binary2,
        names=("votable-b2", "votable/binary2"), tells=_STATUS, ivo_id="ivo://ivoa.net/std/TAPRegExt#output-votable-binary2",
    ),
    Format(
        "votable/b", "VOTable, BINARY", _votable("BINARY"), "vot", write_binary,
        names=("votable-b", "votable/binary"), tells=_STATUS, ivo_id="ivo://ivoa.net/std/TAPRegExt#output-votable-binary",
    ),
    Format("csv", "Comma-separated values", ("text/csv", "text/csv;header=present"), "csv", write_csv, tells=_BREAKS),
    Format("tsv", "Tab-separated values", ("text/tab-separated-values",), "tsv", write_tsv, tells=_BREAKS),
    Format(
        "json", "JSON: columns, and a list of values a row", ("application/json",), "json", write_json,
        tells="`status` after the data",
    ),
    Format(
        "ndjson", "JSON, one object a line", ("application/x-ndjson", "application/jsonl"), "ndjson", write_json_rows,
        names=("jsonl",), tells=_BREAKS,
    ),
    Format("ecsv", "Enhanced CSV of astropy", ("text/x-ecsv", "application/x-ecsv"), "ecsv", write_ecsv, tells=_BREAKS),
    Format(
        "fits", "FITS binary table", ("application/fits", "application/x-fits"), "fits", write_fits,
        streams=False, tells="keyword QSTATUS when cut; an error comes before the first byte",
    ),
    Format(
        "parquet", "Parquet with VOTable metadata (VOParquet)",
        ("application/vnd.apache.parquet", "application/x-parquet"), "parquet", write_parquet,
        tells="QUERY_STATUS in the VOTable metadata",
    ),
    Format(
        "arrow", "Arrow IPC stream", ("application/vnd.apache.arrow.stream",), "arrows", write_arrow,
        tells="QUERY_STATUS of the last, empty batch",
    ),
    Format("html", "A page for people", ("text/html",), "html", write_html, tells="a sentence below the table"),
    Format("text", "Tab-separated values as plain text", ("text/plain",), "txt", write_tsv, tells=_BREAKS),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """A format, and the media type that the answer bears."""

    format: Format
    media_type: str


def choose(wanted: str | None) -> Choice:
    """Return the format that RESPONSEFORMAT asks for; TABLEDATA if it asks for nothing.

    A request by media type is answered with this very media type, one by short name with the format's first one.

    Raises:
        InvalidValueError: there is no such format; lists those there are.
    """
    if not wanted:
        return Choice(FORMATS[0], FORMATS[0].media_type)
    text = wanted.strip().lower()
    for each in FORMATS:
        if text in {each.name, *each.names}:
            return Choice(each, each.media_type)
    kind, parameters = _parsed(text)
    for each in FORMATS:
        for media_type in each.media_types:
            if _parsed(media_type.lower()) == (kind, parameters):
                return Choice(each, media_type)
    known = ", ".join(each.name for each in FORMATS)
    raise InvalidValueError("RESPONSEFORMAT", wanted, f"one of {known}, or a media type of one of them")


_IGNORED: Final = frozenset({"charset", "content", "version", "q"})


def _parsed(text: str) -> tuple[str, dict[str, str]]:
    """Return a media type and those of its parameters that choose between formats (RFC 9110 §8.3.1)."""
    message = Message()
    message["Content-Type"] = text
    parameters = message.get_params(failobj=[])[1:]
    return message.get_content_type() if "/" in text else text, {
        key: str(value) for key, value in parameters if key not in _IGNORED
    }


def negotiate(accept: str | None) -> Choice:
    """Return the format that an Accept header prefers, of those it names outright; else as ``choose(None)``."""
    wanted = [part.strip() for part in (accept or "").split(",")]
    named = [part for part in wanted if "/" in part and "*" not in part and _quality(part) > 0]
    for part in sorted(named, key=_quality, reverse=True):
        try:
            return choose(part)
        except InvalidValueError:
            continue
    return choose(None)


def _quality(part: str) -> float:
    """Return the weight of one part of an Accept header (RFC 9110 §12.4.2); 0 if it makes no sense."""
    for parameter in part.replace(" ", "").split(";")[1:]:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0
