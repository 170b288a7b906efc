"""Rows to bytes and back: every format in which a table leaves the archive, and those in which one may come in.

All writers stream: they take a RowStream and yield bytes, hold a few megabytes at a time, and say at the end whether
the rows were cut. All readers return a RowStream and hold as little.
"""

from deepfield.formats.document import Document, InputParameter, Provenance, ServiceDescriptor
from deepfield.formats.registry import FORMATS, Format, find_format

__all__ = ["FORMATS", "Document", "Format", "InputParameter", "Provenance", "ServiceDescriptor", "find_format"]
