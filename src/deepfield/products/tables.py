"""Text tables into header facts: ECSV catalogues, association pools and other comma-separated files."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import yaml

from deepfield.model.errors import UnreadableFileError
from deepfield.products.asdf import NODE_LIMIT, nests_too_deeply, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deepfield.products.source import ByteSource

LINE_LIMIT = 1 << 20
"""Bytes of one line of text."""

META_LIMIT = 4 << 20
"""Bytes of the YAML of an ECSV header."""

POOL_COLUMNS = frozenset({"EXP_TYPE", "PROGRAM", "DETECTOR", "TARGETID", "OBS_NUM"})
"""Columns by which a pool is known; in any case, whatever separates them."""


class _PlainLoader(yaml.CSafeLoader):
    """Reads any tag as the plain mapping, sequence or text under it."""


def _untagged(loader: yaml.CSafeLoader, _suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.ScalarNode)
    return loader.construct_scalar(node)


_PlainLoader.add_multi_constructor("", _untagged)


def read_ecsv(source: ByteSource) -> dict[str, Any]:
    """Return ``meta``, ``columns`` (name, datatype, unit) and ``rows`` of an ECSV file (APE 6).

    Raises:
        UnreadableFileError: the header is not the YAML that ECSV asks for.
    """
    lines = _lines(source)
    header: list[str] = []
    size = 0
    names = ""
    for line in lines:
        if not line.startswith("#"):
            names = line
            break
        size += len(line)
        if size > META_LIMIT:
            raise UnreadableFileError(source.name, f"the ECSV header is longer than {META_LIMIT >> 20} MiB")
        if not line.startswith("# %ECSV"):
            header.append(line[2:] if line.startswith("# ") else line[1:])
    text = "\n".join(header)
    if nests_too_deeply(text.encode()):
        raise UnreadableFileError(source.name, "the ECSV header is not YAML: nested too deeply")
    try:
        described = yaml.load(text, Loader=_PlainLoader)  # noqa: S506 (a safe loader without tags)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UnreadableFileError(
            source.name, f"the ECSV header is not YAML: {str(error).splitlines()[0][:200]}"
        ) from error
    if not isinstance(described, dict) or not isinstance(described.get("datatype"), list) or not names:
        raise UnreadableFileError(source.name, "the ECSV header describes no columns")
    budget = [NODE_LIMIT]
    return {
        "format": "ecsv",
        "meta": plain(_as_mapping(described.get("meta")), budget),
        "columns": [
            {key: plain(column.get(key), budget) for key in ("name", "datatype", "unit", "description")}
            for column in described["datatype"]
            if isinstance(column, dict)
        ],
        "rows": sum(1 for line in lines if line.strip()),
    }


def read_csv(source: ByteSource) -> dict[str, Any]:
    """Return ``columns``, ``rows`` and ``delimiter`` of a text table; ``format`` is ``pool`` for association pools.

    Of a pool ``programs`` lists the programmes, without leading zeros, and ``first_file`` the first of its exposures.
    """
    lines = (line for line in _lines(source) if line.strip() and not line.startswith("#"))
    first = next(lines, "")
    delimiter = max("|,\t;", key=first.count)
    columns = [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])]
    upper = [name.upper() for name in columns]
    pool = len(POOL_COLUMNS & set(upper)) >= 3
    document: dict[str, Any] = {"format": "pool" if pool else "csv", "columns": columns[:2000], "delimiter": delimiter}
    if pool and "PROGRAM" in upper:
        names = upper.index("FILENAME") if "FILENAME" in upper else None
        document |= _pool(lines, delimiter, upper.index("PROGRAM"), names)
    else:
        document["rows"] = sum(1 for _ in lines)
    return document


def _pool(lines: Iterator[str], delimiter: str, program: int, name: int | None) -> dict[str, Any]:
    rows = 0
    programs: set[str] = set()
    first: str | None = None
    for row in csv.reader(lines, delimiter=delimiter):
        rows += 1
        if program < len(row) and row[program].strip().isdigit() and len(programs) < 1000:
            programs.add(str(int(row[program])))
        if name is not None and name < len(row) and (first is None or row[name].strip() < first):
            first = row[name].strip() or first
    return {"rows": rows, "programs": sorted(programs), "first_file": first}


def _as_mapping(meta: Any) -> Any:
    """Turn the ordered pairs of YAML (omap) into a mapping."""
    if isinstance(meta, list) and all(isinstance(item, dict) and len(item) == 1 for item in meta):
        return {key: value for item in meta for key, value in item.items()}
    if isinstance(meta, list) and all(isinstance(item, tuple) and len(item) == 2 for item in meta):
        return dict(meta)
    return meta


def _lines(source: ByteSource) -> Iterator[str]:
    rest = b""
    while True:
        block = source.read(1 << 16)
        if not block:
            break
        *whole, rest = (rest + block).split(b"\n")
        if len(rest) > LINE_LIMIT:
            raise UnreadableFileError(source.name, f"a line is longer than {LINE_LIMIT >> 20} MiB: not a table of text")
        for line in whole:
            yield line.decode("utf-8", "replace").removesuffix("\r")
    if rest:
        yield rest.decode("utf-8", "replace").removesuffix("\r")
