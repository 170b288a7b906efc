"""FITS binary tables to rows: the first table of a file."""

from __future__ import annotations

import io
import warnings
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from astropy.io import fits

from deepfield.formats.wire import WIRES, arrow_type, schema_of
from deepfield.model.errors import ArchiveError, InvalidUploadError
from deepfield.model.rows import RowStream
from deepfield.model.tables import Column

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deepfield.formats.uploads.source import Source
    from deepfield.model.tables import ColumnType

_ROWS: Final = 65_536
_TYPES: Final[Mapping[str, ColumnType]] = MappingProxyType(
    {
        "b1": "bool",
        "u1": "uint8",
        "i1": "int16",
        "i2": "int16",
        "u2": "int32",
        "i4": "int32",
        "u4": "int64",
        "i8": "int64",
        "f4": "float32",
        "f8": "float64",
        "c8": "complex64",
        "c16": "complex128",
    }
)


def read_fits(source: Source) -> RowStream:
    """Read the first binary table of a FITS file, with its units, UCDs and missing values.

    Raises:
        InvalidUploadError: there is no table, or a damaged one.
        UploadTooLargeError: it is larger than its limits.
    """
    data = source.read_all()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            table, columns = _opened(source, data)
        except ArchiveError:
            raise
        except Exception as error:  # noqa: BLE001  astropy meets damage with errors of every kind
            raise InvalidUploadError(source.table, _sentence(error), "an undamaged FITS binary table") from None
    return RowStream(columns, _batches(source, table, columns))


def _sentence(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _opened(source: Source, data: bytes) -> tuple[fits.BinTableHDU, list[Column]]:
    hdus = fits.open(io.BytesIO(data), memmap=False, lazy_load_hdus=True, logical_as_bytes=True)
    table = next((hdu for hdu in hdus if type(hdu) is fits.BinTableHDU), None)
    if table is None:
        raise InvalidUploadError(source.table, "a FITS file without a binary table", "one with a BINTABLE extension")
    header = table.header
    source.check_columns(header["TFIELDS"])
    source.check_rows(header["NAXIS2"])
    if header["NAXIS1"] * header["NAXIS2"] + header["PCOUNT"] > len(data):
        raise InvalidUploadError(source.table, "a table that is cut off", "all rows that its header announces")
    return table, [_column(source, table, at) for at in range(header["TFIELDS"])]


def _column(source: Source, table: fits.BinTableHDU, at: int) -> Column:
    described = table.columns[at]
    form, header = described.format, table.header
    arraysize: str | None = None
    if form.format == "A":
        kind: ColumnType = "string"
    elif form.format in {"P", "Q"}:
        kind, arraysize = _heap_type(source, described.name, str(form)), "*"
    else:
        sample = table.data.field(at)
        kind = "bool" if form.format == "L" else _TYPES.get(sample.dtype.str.lstrip("<>|="), "string")
        if kind == "string":
            raise InvalidUploadError(
                source.table, f"TFORM {form}", "numbers, truth values or texts", column=described.name
            )
        kind = "bit" if form.format == "X" else kind
        arraysize = "x".join(str(size) for size in reversed(sample.shape[1:])) or None

    def card(key: str) -> str | None:
        value = header.get(f"{key}{at + 1}")
        return str(value) if value not in {None, ""} else None

    return Column(
        described.name,
        kind,
        card("TCOMM") or "",
        unit=card("TUNIT"),
        ucd=card("TUCD"),
        utype=card("TUTYP"),
        xtype=card("TXTYP"),
        arraysize=arraysize,
    )


def _heap_type(source: Source, name: str, form: str) -> ColumnType:
    letters = {wire.fits: kind for kind, wire in WIRES.items() if kind not in {"bytes", "json", "timestamp", "unicode"}}
    letter = form.lstrip("0123456789")[1:2]
    if letter not in letters or letters[letter] in {"string", "bool", "complex64", "complex128", "bit"}:
        raise InvalidUploadError(source.table, f"TFORM {form}", "arrays of numbers", column=name)
    return letters[letter]


def _batches(source: Source, table: fits.BinTableHDU, columns: list[Column]) -> Iterator[pa.RecordBatch]:
    schema = schema_of(columns)
    rows = table.header["NAXIS2"]
    for start in range(0, rows, _ROWS):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                arrays = [
                    _cells(table.data.field(at)[start : start + _ROWS], column, table.columns[at].null)
                    for at, column in enumerate(columns)
                ]
            except Exception as error:  # noqa: BLE001  astropy meets damage with errors of every kind
                raise InvalidUploadError(
                    source.table, _sentence(error), "cells as the header describes them", row=start + 1
                ) from None
        yield pa.record_batch(arrays, schema=schema)


def _cells(values: Any, column: Column, null: int | None) -> pa.Array:
    if column.type == "string":
        texts = pa.array(np.char.rstrip(np.asarray(values, "U")).astype(object), pa.string())
        return pc.if_else(pc.equal(texts, ""), None, texts)
    kind = arrow_type(column)
    if column.arraysize == "*":
        return pa.array([np.asarray(each).tolist() for each in values], kind)
    flat = np.asarray(values).reshape(-1)
    native = flat.astype(flat.dtype.newbyteorder("="))
    if native.dtype.kind == "c":
        native = native.view(native.real.dtype)
    if column.type == "bool":
        array = pa.array(native == b"T", mask=~np.isin(native, [b"T", b"F"]))
        return array if column.arraysize is None else pa.FixedSizeListArray.from_arrays(array, kind.list_size)
    missing = native == null if null is not None and native.dtype.kind in "iu" else None
    array = pa.array(native, mask=missing).cast(WIRES[column.type].arrow)
    if not (pa.types.is_fixed_size_list(kind)):
        return array
    return pa.FixedSizeListArray.from_arrays(array, kind.list_size)
