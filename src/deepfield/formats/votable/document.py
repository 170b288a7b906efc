"""The XML around the rows of a VOTable."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from deepfield.formats.document import SYSTEMS, CoordinateSystem, Document
from deepfield.formats.texts import ATTRIBUTE, XML
from deepfield.formats.wire import WIRES, shape_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepfield.formats.document import InputParameter, ServiceDescriptor, TimeSystem
    from deepfield.model.rows import RowStream
    from deepfield.model.tables import Column

NAMESPACE: Final = "http://www.ivoa.net/xml/VOTable/v1.3"
"""The same for 1.3, 1.4 and 1.5."""
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'


def element(name: str, text: str | None = None, /, **attributes: str | None) -> str:
    """Write an element; attributes that are None are left out. ``text`` is escaped."""
    return f"<{name}{_attributes(attributes)}{'/>' if text is None else f'>{XML.text(text)}</{name}>'}"


def _opened(name: str, /, **attributes: str | None) -> str:
    return f"<{name}{_attributes(attributes)}>"


def _attributes(attributes: dict[str, str | None]) -> str:
    return "".join(f' {key}="{ATTRIBUTE.text(value)}"' for key, value in attributes.items() if value is not None)


def opening(stream: RowStream, document: Document, *, magic: bool = False) -> str:
    """Write everything before DATA. ``magic`` declares values that stand for missing integers (BINARY)."""
    parts = [
        DECLARATION,
        _opened("VOTABLE", version=document.votable, xmlns=NAMESPACE),
        '\n<RESOURCE type="results">\n<INFO name="QUERY_STATUS" value="OK"/>\n',
    ]
    if document.standard_id:
        parts.append(element("INFO", name="standardID", value=document.standard_id) + "\n")
    parts += [
        element("INFO", meaning or None, name=name, value=value) + "\n"
        for name, value, meaning in document.provenance.facts(stream.snapshot)
    ]
    parts += [_system(name, document) for name in dict.fromkeys(c.system for c in stream.columns) if name]
    parts.append(_opened("TABLE", name=document.name) + "\n")
    if document.description:
        parts.append(element("DESCRIPTION", document.description) + "\n")
    ids = _ids(stream.columns, document.descriptors)
    parts += [_field(column, ids.get(column.name), magic=magic) for column in stream.columns]
    return "".join(parts)


def closing(stream: RowStream, document: Document, error: str | None = None) -> str:
    """Write everything after DATA: whether the rows were cut or broke off, and the services to ask about them."""
    status = ""
    if error is not None:
        status = element("INFO", error, name="QUERY_STATUS", value="ERROR") + "\n"
    elif stream.overflow:
        cut = f"cut after {stream.rows} rows"
        status = element("INFO", cut, name="QUERY_STATUS", value="OVERFLOW") + "\n"
    ids = _ids(stream.columns, document.descriptors)
    services = "".join(
        _service(descriptor, ids)
        for descriptor in document.descriptors
        if all(each.column is None or each.column in ids for each in descriptor.inputs)
    )
    return f"</TABLE>\n{status}</RESOURCE>\n{services}</VOTABLE>\n"


def metadata_document(stream: RowStream, document: Document) -> str:
    """Write a VOTable without DATA, as other formats carry it along."""
    return opening(stream, document) + closing(stream, document)


def _ids(columns: Sequence[Column], descriptors: Sequence[ServiceDescriptor]) -> dict[str, str]:
    """Name the columns that a descriptor refers to, so that it can."""
    wanted = {parameter.column for each in descriptors for parameter in each.inputs if parameter.column}
    taken = {*SYSTEMS, *(each.id for each in descriptors)}
    return {
        column.name: column.name if _NAME.fullmatch(column.name) and column.name not in taken else f"column_{at}"
        for at, column in enumerate(columns)
        if column.name in wanted
    }


def _system(name: str, document: Document) -> str:
    system = SYSTEMS[name]
    return (_coosys(name, system, document) if isinstance(system, CoordinateSystem) else _timesys(name, system)) + "\n"


def _coosys(name: str, system: CoordinateSystem, document: Document) -> str:
    refposition = system.refposition if document.votable != "1.4" else None
    return element("COOSYS", ID=name, system=system.system, epoch=system.epoch, refposition=refposition)


def _timesys(name: str, system: TimeSystem) -> str:
    return element(
        "TIMESYS", ID=name, timeorigin=system.timeorigin, timescale=system.timescale, refposition=system.refposition
    )


def _field(column: Column, identifier: str | None, *, magic: bool) -> str:
    wire, shape = WIRES[column.type], shape_of(column)
    inner = element("DESCRIPTION", column.description) if column.description else ""
    if magic and wire.magic is not None and column.nullable and shape.scalar:
        inner += element("VALUES", null=str(wire.magic))
    return (
        _opened(
            "FIELD",
            ID=identifier,
            name=column.name,
            datatype=wire.votable,
            arraysize=shape.arraysize,
            unit=column.unit or None,
            ucd=column.ucd or None,
            utype=column.utype or None,
            xtype=column.xtype or wire.xtype,
            ref=column.system,
        )
        + f"{inner}</FIELD>\n"
    )


def _service(descriptor: ServiceDescriptor, ids: dict[str, str]) -> str:
    parts = [
        _opened("RESOURCE", type="meta", utype="adhoc:service", ID=descriptor.id, name=descriptor.name) + "\n",
        element("DESCRIPTION", descriptor.description) + "\n" if descriptor.description else "",
    ]
    facts = {
        "accessURL": descriptor.access_url,
        "standardID": descriptor.standard_id,
        "resourceIdentifier": descriptor.resource_identifier,
        "contentType": descriptor.content_type,
    }
    parts += [
        element("PARAM", name=name, datatype="char", arraysize="*", value=value) + "\n"
        for name, value in facts.items()
        if value
    ]
    parts.append('<GROUP name="inputParams">\n')
    parts += [_input(parameter, ids) for parameter in descriptor.inputs]
    parts.append("</GROUP>\n</RESOURCE>\n")
    return "".join(parts)


def _input(parameter: InputParameter, ids: dict[str, str]) -> str:
    text = WIRES[parameter.type].votable in {"char", "unicodeChar"}
    inner = element("DESCRIPTION", parameter.description) if parameter.description else ""
    if parameter.options or parameter.minimum or parameter.maximum:
        inner += "<VALUES>"
        inner += element("MIN", value=parameter.minimum) if parameter.minimum else ""
        inner += element("MAX", value=parameter.maximum) if parameter.maximum else ""
        inner += "".join(element("OPTION", value=option) for option in parameter.options) + "</VALUES>"
    return (
        _opened(
            "PARAM",
            name=parameter.name,
            datatype=WIRES[parameter.type].votable,
            arraysize=parameter.arraysize or ("*" if text else None),
            unit=parameter.unit,
            ucd=parameter.ucd,
            xtype=parameter.xtype,
            ref=ids[parameter.column] if parameter.column else None,
            value=parameter.value,
        )
        + f"{inner}</PARAM>\n"
    )
