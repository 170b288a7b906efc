"""VOSI 1.1: what a service can do, whether it is up, and what its tables hold."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal
from xml.etree import ElementTree as ET

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import AnyUrl
from starlette.responses import Response
from vo_models.voresource.models import AccessURL, Capability, Interface
from vo_models.vosi.availability.models import Availability
from vo_models.vosi.capabilities.models import VOSICapabilities

from deepfield.model.errors import NotFoundError
from deepfield.web.vo.documents import DECLARATION, xml_of, xml_response
from deepfield.web.xml import legal

VOSI: Final = "http://www.ivoa.net/xml/VOSITables/v1.0"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
VODATASERVICE: Final = "http://www.ivoa.net/xml/VODataService/v1.1"
TAPPLUS: Final = "http://esa.int/xml/EsaTapPlus"
"""Of an attribute without which astroquery's TapPlus reads no tables, and which no schema of the IVOA allows."""
ET.register_namespace("vosi", VOSI)
ET.register_namespace("esatapplus", TAPPLUS)
UP_SINCE: Final = datetime.now(UTC)

Row = dict[str, Any]
Described = Mapping[str, pa.Table]
"""The rows of TAP_SCHEMA by the name of its table."""


class UnknownTableError(NotFoundError):
    """The service has no table of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no table {name!r} here; TAP_SCHEMA.tables lists them")
        self.name = name


def interface(address: str, use: Literal["full", "base"], *, version: str | None = None) -> Interface:
    """Describe where a standard service is asked by parameters."""
    return Interface(
        type="vs:ParamHTTP", role="std", version=version, access_url=[AccessURL(value=AnyUrl(address), use=use)]
    )


def capability(standard_id: str, address: str, use: Literal["full", "base"] = "full") -> Capability:
    """Describe a capability that says nothing about itself but where it is."""
    return Capability(standard_id=AnyUrl(standard_id), interface=[interface(address, use)])


def capabilities_document(base: str, offered: Iterable[Capability]) -> bytes:
    """Write the capabilities of the service at ``base``, those of VOSI itself among them."""
    own = [
        capability("ivo://ivoa.net/std/VOSI#capabilities", f"{base}/capabilities"),
        capability("ivo://ivoa.net/std/VOSI#availability", f"{base}/availability"),
        capability("ivo://ivoa.net/std/VOSI#tables-1.1", f"{base}/tables"),
    ]
    document = VOSICapabilities(capability=[*offered, *own]).to_xml(skip_empty=True, encoding="UTF-8")
    assert isinstance(document, bytes)
    return _declared(document)


def availability_response(*, note: str | None) -> Response:
    """Answer whether the service is up; ``note`` says why it is not."""
    answer = Availability(available=note is None, up_since=UP_SINCE, note=[note] if note else [])
    document = answer.to_xml(skip_empty=True, encoding="UTF-8")
    assert isinstance(document, bytes)
    return xml_response(_declared(document))


def tables_response(
    described: Described, counts: Mapping[str, int], *, columns: bool, for_tapplus: bool = False
) -> Response:
    """Answer with every table that TAP_SCHEMA describes, with its columns or without (VOSI 1.1 §2.4).

    ``for_tapplus`` adds what astroquery's TapPlus insists on.
    """
    root = ET.Element(f"{{{VOSI}}}tableset", {"xmlns:vs": VODATASERVICE})
    fill_tableset(root, described, counts, columns=columns)
    for column in root.iter("column") if for_tapplus else ():
        column.set(f"{{{TAPPLUS}}}flags", "0")
    return xml_response(xml_of(root))


def fill_tableset(root: ET.Element, described: Described, counts: Mapping[str, int], *, columns: bool = True) -> None:
    """Write every schema with its tables into an element of VODataService's type TableSet."""
    for schema in described["schemas"].to_pylist():
        element = ET.SubElement(root, "schema")
        add(element, "name", schema["schema_name"])
        add(element, "description", schema["description"])
        for table in described["tables"].to_pylist():
            if table["schema_name"] == schema["schema_name"]:
                _fill(ET.SubElement(element, "table"), table, described, counts, columns=columns)


def table_response(described: Described, counts: Mapping[str, int], name: str) -> Response:
    """Answer with one table, its name in any case.

    Raises:
        UnknownTableError: there is none.
    """
    for table in described["tables"].to_pylist():
        if table["table_name"].lower() == name.lower():
            root = ET.Element(f"{{{VOSI}}}table", {"xmlns:vs": VODATASERVICE})
            _fill(root, table, described, counts, columns=True)
            return xml_response(xml_of(root))
    raise UnknownTableError(name)


def _fill(element: ET.Element, table: Row, described: Described, counts: Mapping[str, int], *, columns: bool) -> None:
    """Write a table in the order that VODataService 1.2 §3.3.2 prescribes."""
    name = table["table_name"]
    element.set("type", table["table_type"])
    add(element, "name", name)
    add(element, "description", table["description"])
    add(element, "utype", table["utype"])
    add(element, "nrows", str(counts[name]) if name in counts else None)
    if not columns:
        return
    for column in _of(described["columns"], "table_name", name):
        _column(ET.SubElement(element, "column"), column)
    for key in _of(described["keys"], "from_table", name):
        link = ET.SubElement(element, "foreignKey")
        add(link, "targetTable", key["target_table"])
        for pair in _of(described["key_columns"], "key_id", key["key_id"]):
            columns_ = ET.SubElement(link, "fkColumn")
            add(columns_, "fromColumn", pair["from_column"])
            add(columns_, "targetColumn", pair["target_column"])
        add(link, "description", key["description"])


def _of(rows: pa.Table, name: str, value: str) -> list[Row]:
    found: list[Row] = rows.filter(pc.equal(rows[name], value)).to_pylist()
    return found


def _column(element: ET.Element, column: Row) -> None:
    add(element, "name", column["column_name"])
    for tag in ("description", "unit", "ucd", "utype"):
        add(element, tag, column[tag])
    given = {"arraysize": column["arraysize"], "extendedType": column["xtype"]}
    attributes = {name: value for name, value in given.items() if value is not None}
    ET.SubElement(element, "dataType", {f"{{{XSI}}}type": "vs:VOTableType", **attributes}).text = column["datatype"]
    for flag in ("indexed", "principal", "std"):
        add(element, "flag", flag if column[flag] else None)


def add(parent: ET.Element, tag: str, text: str | None) -> None:
    """Write an element of text alone; nothing for no text."""
    if text:
        ET.SubElement(parent, tag).text = legal(text)


def _declared(document: bytes) -> bytes:
    return document if document.startswith(b"<?xml") else DECLARATION + document
