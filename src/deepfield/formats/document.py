"""What a document says beside its rows: where they come from, in which frame they are, what can be asked about them."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deepfield.model.tables import ColumnType

VotableVersion = Literal["1.4", "1.5"]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where rows come from, in the words of the IVOA note on data origin (1.1)."""

    query: str | None = None
    request: str | None = None
    """The URL that was asked."""
    request_date: str | None = None
    """ISO 8601, UTC."""
    service_protocol: str | None = None
    """The standard's identifier, as ``ivo://ivoa.net/std/TAP``."""
    server_software: str | None = None
    publisher: str | None = None
    ivoid: str | None = None
    contact: str | None = None
    citation: str | None = None
    reference_url: str | None = None
    rights_uri: str | None = None
    further: tuple[tuple[str, str], ...] = ()
    """Other names and values, as a RUNID."""

    def facts(self, snapshot: int | None) -> Iterator[tuple[str, str, str]]:
        """Yield name, value and meaning of everything known."""
        for name, meaning in _MEANINGS.items():
            if value := getattr(self, name):
                yield name, value, meaning
        if snapshot is not None:
            yield (
                "snapshot",
                str(snapshot),
                "State of the archive that was asked; the same query on it gives these rows",
            )
        for name, value in self.further:
            yield name, value, ""


_MEANINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "query": "The query, as it was sent",
        "request": "The request",
        "request_date": "When the request was answered",
        "service_protocol": "Standard of the service",
        "server_software": "Software that answered",
        "publisher": "Who publishes these data",
        "ivoid": "Identifier of the service",
        "contact": "Whom to ask",
        "citation": "How to cite these data",
        "reference_url": "Where these data are described",
        "rights_uri": "Licence of these data",
    }
)


@dataclass(frozen=True, slots=True)
class InputParameter:
    """One parameter of a described service: taken from a column of the same table, fixed, or free."""

    name: str
    type: ColumnType = "string"
    column: str | None = None
    """The column whose cell is the value in each row."""
    value: str = ""
    arraysize: str | None = None
    unit: str | None = None
    ucd: str | None = None
    xtype: str | None = None
    description: str | None = None
    options: tuple[str, ...] = ()
    minimum: str | None = None
    maximum: str | None = None


@dataclass(frozen=True, slots=True)
class ServiceDescriptor:
    """A service that can be asked about the rows of a table (DataLink 1.1 §4).

    It is left out of a document whose table lacks a column that it takes.
    """

    id: str
    access_url: str
    inputs: tuple[InputParameter, ...]
    standard_id: str | None = None
    resource_identifier: str | None = None
    content_type: str | None = None
    name: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class CoordinateSystem:
    """COOSYS: how positions are meant."""

    system: str
    epoch: str | None = None
    refposition: str | None = None
    """Written from VOTable 1.5 on."""


@dataclass(frozen=True, slots=True)
class TimeSystem:
    """TIMESYS: how times are meant. ``timeorigin`` is absent for ISO times (VOTable 1.4 §3.3)."""

    timescale: str
    refposition: str
    timeorigin: str | None = None


SYSTEMS: Final[Mapping[str, CoordinateSystem | TimeSystem]] = MappingProxyType(
    {
        "icrs": CoordinateSystem("ICRS", refposition="TOPOCENTER"),
        "utc": TimeSystem("UTC", "TOPOCENTER"),
        "utc_mjd": TimeSystem("UTC", "TOPOCENTER", "MJD-origin"),
        "tdb_mjd": TimeSystem("TDB", "BARYCENTER", "MJD-origin"),
    }
)
"""By the name that a column gives as its ``system``."""


@dataclass(frozen=True, slots=True)
class Document:
    """Everything about a document but its rows."""

    provenance: Provenance = Provenance()
    name: str | None = None
    description: str | None = None
    descriptors: tuple[ServiceDescriptor, ...] = ()
    votable: VotableVersion = "1.4"
    standard_id: str | None = None
    """An INFO that some protocols ask for: DataLink, SIA."""
