"""VODataService 1.2: the record that registries take of a service, with its tables and what they cover."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from xml.etree import ElementTree as ET

from deepfield.services.coverage import Coverage
from deepfield.web.vo.documents import xml_of
from deepfield.web.vo.vosi import VODATASERVICE, XSI, Described, add, fill_tableset

REGISTRY: Final = "http://www.ivoa.net/xml/RegistryInterface/v1.0"
PREFIXES: Final = {
    "vr": "http://www.ivoa.net/xml/VOResource/v1.0",
    "vs": VODATASERVICE,
    "tr": "http://www.ivoa.net/xml/TAPRegExt/v1.0",
}
"""Prefixes in values of ``xsi:type``, which no parser of XML keeps by itself."""
SUBJECTS: Final = ("infrared-astronomy", "space-telescopes", "observational-astronomy")
"""Concepts of the Unified Astronomy Thesaurus."""
FACILITY: Final = "James Webb Space Telescope"
DESCRIPTION: Final = (
    "Observations, products and source catalogues of the James Webb Space Telescope that this archive holds, asked in "
    "ADQL: ObsCore, CAOM 2.4, products, associations and the rows of source catalogues."
)
OPTICAL: Final = 1e-6
"""Wavelength (m) at which the optical ends and the infrared begins, as the vocabulary of messengers has it."""
_JOULE_METRES: Final = 6.62607015e-34 * 299_792_458.0
"""Energy of a photon times its wavelength (SI, exact)."""
ET.register_namespace("ri", REGISTRY)
ET.register_namespace("xsi", XSI)


@dataclass(frozen=True, slots=True)
class Curation:
    """Who answers for a service, and since when it is described."""

    identifier: str
    """An IVOID."""
    title: str
    publisher: str
    contact: str | None
    """A mail address."""
    created: datetime
    updated: datetime


def record_document(
    curation: Curation,
    *,
    address: str,
    capabilities: bytes,
    described: Described,
    counts: Mapping[str, int],
    coverage: Coverage,
) -> bytes:
    """Write the record of a service whose page for people is ``address``; ``capabilities`` as VOSI has them."""
    times = {name: f"{getattr(curation, name):%Y-%m-%dT%H:%M:%SZ}" for name in ("created", "updated")}
    root = ET.Element(f"{{{REGISTRY}}}Resource", {f"{{{XSI}}}type": "vs:CatalogService", "status": "active", **times})
    for prefix, space in PREFIXES.items():
        root.set(f"xmlns:{prefix}", space)
    add(root, "title", curation.title)
    add(root, "identifier", curation.identifier)
    _curate(ET.SubElement(root, "curation"), curation)
    content = ET.SubElement(root, "content")
    for subject in SUBJECTS:
        add(content, "subject", subject)
    add(content, "description", DESCRIPTION)
    add(content, "referenceURL", address)
    add(content, "type", "Archive")
    add(content, "contentLevel", "Research")
    root.extend(ET.fromstring(capabilities))  # noqa: S314  our own document
    add(root, "facility", FACILITY)
    for name in coverage.instruments:
        add(root, "instrument", name)
    _cover(root, coverage)
    fill_tableset(ET.SubElement(root, "tableset"), described, counts)
    return xml_of(root)


def _curate(element: ET.Element, curation: Curation) -> None:
    add(element, "publisher", curation.publisher)
    contact = ET.SubElement(element, "contact")
    add(contact, "name", curation.publisher)
    add(contact, "email", curation.contact)


def _cover(root: ET.Element, coverage: Coverage) -> None:
    """Write what is covered, VODataService 1.2 §3.2: a MOC, days (MJD), and energies in joules."""
    element = ET.Element("coverage")
    add(element, "spatial", coverage.spatial.to_ascii() if len(coverage.spatial.cells) else None)
    for low, high in coverage.temporal:
        add(element, "temporal", _pair(low, high))
    for low, high in reversed(coverage.spectral):
        add(element, "spectral", _pair(_JOULE_METRES / high, _JOULE_METRES / low))
    for name in _messengers(coverage.spectral):
        add(element, "waveband", name)
    if len(element):
        root.append(element)


def _messengers(bands: Iterable[tuple[float, float]]) -> Iterable[str]:
    within = list(bands)
    if any(low < OPTICAL for low, _ in within):
        yield "Optical"
    if any(high > OPTICAL for _, high in within):
        yield "Infrared"


def _pair(low: float, high: float) -> str:
    return f"{low:.10g} {high:.10g}"
