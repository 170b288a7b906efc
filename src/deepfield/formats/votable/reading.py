"""VOTable to rows. XML is read by expat, which expands no entity here and opens nothing; well-behaved rows by Arrow.

A document is untrusted: its size, depth, header and tokens are bounded, and so is what is held of it.
"""

from __future__ import annotations

import codecs
import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Final, NoReturn
from xml.parsers import expat

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from deepfield.formats.votable.fields import field_of, system_of
from deepfield.formats.votable.unpacking import Unpacker
from deepfield.formats.wire import WIRES, binary, data_of, schema_of
from deepfield.model.errors import InvalidUploadError
from deepfield.model.rows import RowStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from deepfield.formats.uploads.parsing import Cells
    from deepfield.formats.uploads.source import Source
    from deepfield.model.tables import Column, System

_DEEPEST: Final = 64
_LONGEST_TOKEN: Final = 4 << 20
_ROWS: Final = re.compile(rb"<(?:[\w.-]+:)?TABLEDATA\s*>")
_OTHER_ENTITY: Final = re.compile(rb"&(?!(?:lt|gt|quot|apos|amp);)")
_DECLARED: Final = re.compile(rb"""^<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")


def read_votable(source: Source) -> RowStream:
    """Read the first table of a VOTable of version 1.0 to 1.5: TABLEDATA, BINARY or BINARY2.

    The columns are known on return, the rows are read with the stream.

    Raises:
        InvalidUploadError: it is no VOTable, or a damaged one; the stream raises the same for its rows.
        UploadTooLargeError: it is larger than its limits.
    """
    document = _Document(source)
    columns = document.read_header()
    return RowStream(columns, document.batches())


class _Document:
    """One pass over a document."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._table = source.table
        self._blocks = _utf8(source)
        self._parser = expat.ParserCreate("utf-8")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.EntityDeclHandler = self._entity
        self._beginnings: Final[dict[str, Callable[[dict[str, str]], None]]] = {
            "COOSYS": partial(self._note_system, "COOSYS"),
            "TIMESYS": partial(self._note_system, "TIMESYS"),
            "FIELD": self._begin_field,
            "VALUES": self._begin_values,
            "DESCRIPTION": self._begin_description,
            "TABLEDATA": partial(self._begin_rows, "TABLEDATA"),
            "BINARY": partial(self._begin_rows, "BINARY"),
            "BINARY2": partial(self._begin_rows, "BINARY2"),
            "FITS": partial(self._begin_rows, "FITS"),
            "STREAM": self._begin_stream,
            "TR": self._begin_tr,
            "TD": self._begin_td,
        }
        self._ends: Final[dict[str, Callable[[], None]]] = {
            "DESCRIPTION": self._end_description,
            "TABLE": self._end_table,
            "STREAM": self._end_stream,
            "TR": self._end_tr,
            "TD": self._end_td,
        }
        self._fed = 0
        self._rest = b""
        self._exact = False
        self._skipped = False
        self._streamed = False
        self._path: list[str] = []
        self._systems: dict[str, System] = {}
        self._fields: list[Cells] = []
        self._kind: str | None = None
        self._tables = 0
        self._done = False
        self._words: list[str] = []
        self._listening = False
        self._cells: list[str] = []
        self._row: list[str] | None = None
        self._slow_rows: list[list[str]] = []
        self._read = 0

    # -- the XML

    def _feed(self, data: bytes, *, last: bool = False) -> None:
        try:
            self._parser.Parse(data, last)
        except expat.ExpatError as error:
            message = expat.ErrorString(error.code)
            if not self._skipped:
                message += f" in line {error.lineno}, column {error.offset + 1}"
            self._refuse(message, "well-formed XML")
        self._fed += len(data)
        if not last and self._fed - max(0, self._parser.CurrentByteIndex) > _LONGEST_TOKEN:
            self._refuse("a tag, comment or header of more than 4 MB", "a VOTable with shorter ones")

    def _refuse(self, value: object, expected: str, *, column: str | None = None, row: int | None = None) -> NoReturn:
        raise InvalidUploadError(self._table, value, expected, column=column, row=row)

    def _entity(self, name: str, *_: object) -> None:
        self._refuse(f"the entity {name!r}", "a VOTable that declares no entities")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if not self._path and name != "VOTABLE":
            self._refuse(f"an element {name!r}", "a VOTABLE element around everything")
        if len(self._path) >= _DEEPEST:
            self._refuse(f"elements more than {_DEEPEST} deep", "a VOTable")
        self._path.append(name)
        if self._done:
            return
        if begin := self._beginnings.get(name):
            begin(attributes)

    def _end(self, tag: str) -> None:
        name = tag.rpartition(":")[2]
        self._path.pop()
        if self._done:
            return
        if finish := self._ends.get(name):
            finish()

    def _text(self, text: str) -> None:
        if self._listening:
            self._words.append(text)

    def _listen(self) -> None:
        self._words, self._listening = [], True

    def _heard(self) -> str:
        self._listening = False
        heard, self._words = "".join(self._words), []
        return heard

    # -- the header

    def _note_system(self, element: str, attributes: dict[str, str]) -> None:
        if system := system_of(element, attributes):
            self._systems[attributes.get("ID", "")] = system

    def _begin_field(self, attributes: dict[str, str]) -> None:
        if self._kind is not None:
            self._refuse(f"a FIELD behind {self._kind}", "all FIELDs before the rows")
        self._fields.append(field_of(self._table, attributes, self._systems, number=len(self._fields) + 1))
        self._source.check_columns(len(self._fields))

    def _begin_values(self, attributes: dict[str, str]) -> None:
        if self._path[-2] != "FIELD" or not attributes.get("null") or self._kind is not None:
            return
        field = self._fields[-1]
        kind = WIRES[field.column.type].arrow
        if pa.types.is_integer(kind):
            try:
                magic = int(attributes["null"].strip(), 0)
            except ValueError:
                self._refuse(f"null={attributes['null']!r}", "a whole number", column=field.column.name)
            limits = np.iinfo(kind.to_pandas_dtype())
            if limits.min <= magic <= limits.max:  # no value of the column is another
                self._fields[-1] = replace(field, magic=magic)

    def _begin_description(self, _attributes: dict[str, str]) -> None:
        if self._path[-2] == "FIELD":
            self._listen()

    def _end_description(self) -> None:
        if self._path[-1] == "FIELD" and self._listening:
            field = self._fields[-1]
            text = " ".join(self._heard().split())
            self._fields[-1] = replace(field, column=replace(field.column, description=text))

    def _begin_rows(self, kind: str, _attributes: dict[str, str]) -> None:
        if kind == "FITS":
            self._refuse("a FITS serialization", "TABLEDATA, BINARY or BINARY2")
        if self._kind is not None:
            self._refuse(f"{kind} behind {self._kind}", "the rows of a table once")
        if not self._fields:
            self._refuse(f"{kind} without FIELDs", "a FIELD for each column, before the rows")
        self._kind = kind

    def _begin_stream(self, attributes: dict[str, str]) -> None:
        if attributes.get("href"):
            self._refuse("a STREAM elsewhere", "rows inside the document")
        if attributes.get("encoding", "none") != "base64":
            self._refuse(f"encoding {attributes.get('encoding', 'none')!r} of STREAM", "base64")
        self._listen()

    def _end_table(self) -> None:
        self._done = True

    def read_header(self) -> tuple[Column, ...]:
        """Read until the rows begin, or the table ends without any."""
        fed = 0
        for block in self._blocks:
            buffer = self._rest + block
            self._rest = b""
            at = 0
            while self._kind is None and (match := _ROWS.search(buffer, at)):
                self._feed(buffer[at : match.end()])
                at = match.end()
                self._exact = self._kind is not None
            if self._kind is None:
                # a tag may go on in the next block
                held = buffer.rfind(b"<", max(at, len(buffer) - 256))
                held = len(buffer) if held < 0 else held
                self._feed(buffer[at:held])
                at = held
            self._rest = buffer[at:]
            fed += at
            if self._kind is not None or self._done:
                break
            if fed > _LONGEST_TOKEN:
                self._refuse("more than 4 MB before the rows", "a shorter header")
        else:
            self._feed(self._rest, last=True)
            self._rest = b""
        if not self._fields:
            self._refuse("a document without FIELDs", "a VOTable with a table in it")
        return tuple(field.column for field in self._fields)

    # -- the rows

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Read the rows."""
        read = {"TABLEDATA": self._tabledata, "BINARY": self._binary, "BINARY2": self._binary}
        if self._kind is not None:
            yield from read[self._kind]()
        for block in self._blocks:
            self._feed(block)
        self._feed(b"", last=True)

    def _counted(self, arrays: list[pa.Array]) -> pa.RecordBatch:
        batch = pa.record_batch(arrays, schema=schema_of([field.column for field in self._fields]))
        self._read += batch.num_rows
        self._source.check_rows(self._read)
        return batch

    def _tabledata(self) -> Iterator[pa.RecordBatch]:
        """Read rows of plain markup at once, and from the first other one on, each by expat."""
        buffer, plain = b"", self._exact
        for block in chain([self._rest], self._blocks):
            buffer += block
            cut = _last_row(buffer) if plain else 0
            arrays = self._from_markup(buffer[:cut]) if cut else []
            if arrays:
                yield self._counted(arrays)
                self._skipped = True
            plain = plain and arrays is not None and len(buffer) - cut < _LONGEST_TOKEN
            if plain:
                buffer = buffer[cut:]
                continue
            self._feed(buffer[cut:] if arrays else buffer)
            buffer = b""
            yield from self._slow_batch()
            if self._done:
                return
        self._feed(buffer)
        yield from self._slow_batch()

    def _slow_batch(self) -> Iterator[pa.RecordBatch]:
        if self._slow_rows:
            yield self._counted(self._from_slow_rows())

    def _from_markup(self, rows: bytes) -> list[pa.Array] | None:
        """Return the columns of whole rows; None if these are not plain ``<TR><TD>…</TD></TR>``."""
        if b"<!" in rows or b"<?" in rows or (b"&" in rows and _OTHER_ENTITY.search(rows)):
            return None
        rows = rows.replace(b"<TD/>", b"<TD></TD>")
        if b"\r" in rows:
            rows = rows.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        data = np.frombuffer(rows, np.uint8)
        tags = np.flatnonzero(data == ord("<"))
        width = len(self._fields)
        each = 2 * width + 2
        if len(tags) % each:
            return None
        codes = _codes(data, tags).reshape(-1, each)
        wanted = np.array([_TR, *[_TD, _TD_END] * width, _TR_END], np.uint64)
        if not (codes == wanted).all():
            return None
        opened = tags.reshape(-1, each)[:, 1:-1:2] + 4
        closed = tags.reshape(-1, each)[:, 2:-1:2]
        edges = np.stack([opened, closed], axis=2).ravel()
        pieces = binary(np.concatenate((edges, [len(rows)])), rows)
        return [self._column(pieces, at, width, len(codes)) for at in range(width)]

    def _column(self, pieces: pa.Array, at: int, width: int, rows: int) -> pa.Array:
        raw = pieces.take(pa.array(np.arange(rows, dtype=np.int64) * (2 * width) + 2 * at))
        field = self._fields[at]
        try:
            texts = raw.cast(pa.string())
        except pa.ArrowInvalid:
            self._refuse("bytes that are no UTF-8", "text in the encoding that the document names")
        return field.parse(_unescaped(texts), self._read)

    def _begin_tr(self, _attributes: dict[str, str]) -> None:
        self._row = []

    def _begin_td(self, attributes: dict[str, str]) -> None:
        if attributes.get("encoding"):
            self._refuse(f"encoding {attributes['encoding']!r} of a TD", "text", row=self._slow_row)
        self._listen()

    def _end_td(self) -> None:
        if self._row is not None:
            self._row.append(self._heard())

    @property
    def _slow_row(self) -> int:
        return self._read + len(self._slow_rows) + 1

    def _end_tr(self) -> None:
        if self._row is None:
            return
        if len(self._row) != len(self._fields):
            self._refuse(f"{len(self._row)} cells", f"{len(self._fields)}, one for each FIELD", row=self._slow_row)
        self._slow_rows.append(self._row)
        self._source.check_rows(self._read + len(self._slow_rows))
        self._row = None

    def _from_slow_rows(self) -> list[pa.Array]:
        rows, self._slow_rows = self._slow_rows, []
        columns = zip(*rows, strict=True)
        return [
            field.parse(pa.array(texts, pa.string()), self._read)
            for field, texts in zip(self._fields, columns, strict=True)
        ]

    # -- the rows, in base64

    def _end_stream(self) -> None:
        self._listening = False
        self._streamed = True

    def _binary(self) -> Iterator[pa.RecordBatch]:
        unpacker = Unpacker(self._table, self._fields, flags=self._kind == "BINARY2")
        pending = ""
        for block in chain([self._rest], self._blocks):
            self._feed(block)
            text = pending + "".join(self._words)
            self._words = []
            text = text.translate(_NO_BLANKS)
            whole = len(text) if self._streamed else len(text) // 4 * 4
            pending = text[whole:]
            for arrays in unpacker.unpack(self._decoded(text[:whole])):
                yield self._counted(arrays)
            if self._streamed:
                unpacker.finish()
                return

    def _decoded(self, text: str) -> bytes:
        try:
            return a2b_base64(text, strict_mode=True) if text else b""
        except (Base64Error, ValueError) as error:
            row = self._read + 1
            raise InvalidUploadError(self._table, f"STREAM: {error}", "base64", row=row) from None


_NO_BLANKS: Final = {ord(blank): None for blank in " \t\r\n"}


_TR, _TD, _TR_END, _TD_END = (
    int.from_bytes(tag[1:].ljust(4, b"\0")) if tag[1:2] == b"/" else int.from_bytes(tag[1:4] + b"\0")
    for tag in (b"<TR>", b"<TD>", b"</TR>", b"</TD>")
)


def _codes(data: np.ndarray, tags: np.ndarray) -> np.ndarray:
    """Return a number for each tag: its first four characters behind ``<``, three for an opening one."""
    end = len(data) - 1
    first, *others = (data[np.minimum(tags + offset, end)].astype(np.uint32) for offset in (1, 2, 3, 4))
    last = np.where(first == ord("/"), others[2], 0)
    return np.asarray((first << 24) | (others[0] << 16) | (others[1] << 8) | last)


def _last_row(buffer: bytes) -> int:
    """Return where the last whole row ends."""
    at = buffer.rfind(b"</TR>")
    return at + 5 if at >= 0 else 0


def _unescaped(texts: pa.Array) -> pa.Array:
    """Put back the characters that XML predefines entities for."""
    if b"&" not in bytes(data_of(texts)):
        return texts
    for entity, character in _ENTITIES.items():
        texts = pc.replace_substring(texts, pattern=entity, replacement=character)
    return texts


_ENTITIES: Final = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&amp;": "&"}
_ENCODING: Final = re.compile(r"utf[-_]?16([-_]?[bl]e)?|(iso[-_]?8859|windows|cp)[-_]?\d{1,4}|latin[-_]?1")


def _utf8(source: Source) -> Iterator[bytes]:
    """Return a document in UTF-8, whatever it is in."""
    encoding = _encoding(source)
    if encoding is None:
        yield from iter(source.read, b"")
        return
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
        for block in iter(source.read, b""):
            yield decoder.decode(block).encode()
        yield decoder.decode(b"", final=True).encode()
    except (LookupError, UnicodeError) as error:
        raise InvalidUploadError(source.table, f"encoding {encoding!r}: {error}", "text in its own encoding") from None


def _encoding(source: Source) -> str | None:
    """Return the encoding of a document, None if that is UTF-8 (XML 1.0, appendix F)."""
    head = source.peek()[:200]
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return encoding
    declared = _DECLARED.search(head)
    encoding = declared[1].decode().lower() if declared else "utf-8"
    if encoding in {"utf-8", "utf8", "us-ascii", "ascii"}:
        return None
    if not _ENCODING.fullmatch(encoding):
        raise InvalidUploadError(source.table, f"encoding {encoding!r}", "UTF-8, UTF-16, ISO 8859 or Windows")
    return encoding


_MARKS: Final = {
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    b"<\0": "utf-16-le",
    b"\0<": "utf-16-be",
}
