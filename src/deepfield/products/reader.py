"""Any file into header facts. Its content tells what it is; its name is held against it where it claims too much."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from deepfield.model.errors import UnreadableFileError
from deepfield.products.asdf import TREE_LIMIT, read_tree
from deepfield.products.fits import read_fits
from deepfield.products.header import Header, clean
from deepfield.products.source import UNPACKED_LIMIT, ByteSource
from deepfield.products.tables import read_csv, read_ecsv

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENT_LIMIT = 64 << 20
"""Bytes of a JSON document that are read."""

_LFS = b"version https://git-lfs.github.com/spec/"
_KINDS = (
    (b"\x89HDF\r\n", "HDF5"),
    (b"\x89PNG\r\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"PK\x03\x04", "zip"),
    (b"%PDF", "PDF"),
    (b"<", "XML or HTML"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
)


def read_header(path: Path, *, unpacked_limit: int = UNPACKED_LIMIT) -> Header:
    """Read what a file says of itself; data are passed over, nothing in the file is executed.

    Time grows with the number of HDUs, and for gzip with the unpacked size, which may reach ``unpacked_limit`` bytes;
    memory stays within some tens of megabytes.

    Raises:
        UnreadableFileError: with the reason why the file cannot be what it claims to be.
    """
    try:
        with ByteSource(path, unpacked_limit=unpacked_limit) as source:
            return _read(source)
    except OSError as error:
        raise UnreadableFileError(path.name, f"cannot be read: {error.strerror or error}") from error


def _read(source: ByteSource) -> Header:
    beginning = source.peek(512)
    _refuse_impostors(source.name, beginning)
    if beginning.startswith(b"SIMPLE"):
        facts = read_fits(source)
        return Header(
            source.name,
            "fits",
            source.compression,
            hdus=tuple(facts.hdus),
            tree=facts.tree,
            notes=tuple(facts.notes),
        )
    if beginning.startswith(b"#ASDF "):
        tree, note = read_tree(source.read(TREE_LIMIT))
        if not tree:
            raise UnreadableFileError(source.name, f"ASDF: {note}")
        return Header(source.name, "asdf", source.compression, tree=tree, notes=(note,) if note else ())
    if beginning.startswith(b"# %ECSV "):
        return Header(source.name, "ecsv", source.compression, document=read_ecsv(source))
    claimed = _claimed(source.name)
    if claimed in {"fits", "fit", "asdf", "ecsv"}:
        raise UnreadableFileError(
            source.name, f"is named {claimed.upper()} but begins with {beginning[:24]!r}: {_kind(beginning)}"
        )
    if beginning.lstrip()[:1] in {b"{", b"["}:
        return Header(source.name, "json", source.compression, document=_document(source, claimed))
    if claimed in {"csv", "tsv"} and _is_text(beginning):
        return Header(source.name, "csv", source.compression, document=read_csv(source))
    if claimed == "json":
        raise UnreadableFileError(source.name, f"is named JSON but begins with {beginning[:24]!r}")
    return Header(source.name, "other", source.compression, notes=(f"content: {_kind(beginning)}",))


def _refuse_impostors(name: str, beginning: bytes) -> None:
    if not beginning:
        raise UnreadableFileError(name, "is empty")
    if beginning.startswith(_LFS):
        size = next((line[5:] for line in beginning.split(b"\n") if line.startswith(b"size ")), b"?").decode("latin-1")
        raise UnreadableFileError(name, f"is a git-LFS pointer to {size} bytes that were never fetched")
    if beginning.startswith(b"\x1f\x8b"):
        raise UnreadableFileError(name, "is gzip within gzip")


def _document(source: ByteSource, claimed: str) -> Any:
    content = source.read(DOCUMENT_LIMIT + 1)
    if len(content) > DOCUMENT_LIMIT:
        raise UnreadableFileError(source.name, f"is a JSON document of more than {DOCUMENT_LIMIT >> 20} MiB")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        if claimed == "json":
            reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
            raise UnreadableFileError(source.name, f"is not JSON: {reason}") from error
        return None
    return clean(document) if _is_association(document) else None


def _is_association(document: Any) -> bool:
    """Tell an association by its products and their members, the only fields its schema requires."""
    products = document.get("products") if isinstance(document, dict) else None
    return isinstance(products, list) and all(
        isinstance(product, dict) and isinstance(product.get("members"), list) for product in products
    )


def _claimed(name: str) -> str:
    lower = name.lower().removesuffix(".gz")
    return lower.rpartition(".")[2] if "." in lower else ""


def _is_text(beginning: bytes) -> bool:
    return b"\x00" not in beginning


def _kind(beginning: bytes) -> str:
    for magic, kind in _KINDS:
        if beginning.lstrip().startswith(magic) or beginning.startswith(magic):
            return kind
    return "text" if _is_text(beginning) else "unknown binary"
