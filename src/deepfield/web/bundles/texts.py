"""What a bundle holds, as text: manifest, checksums, download script, metalink. Paths and addresses are plain ASCII."""

from collections.abc import Iterable
from importlib import resources
from typing import Final
from urllib.parse import quote
from xml.etree import ElementTree as ET

from deepfield.services.bundles import Bundle, Entry

COLUMNS: Final = ("status", "path", "size", "sha256", "version", "release", "uri")
METALINK: Final = "urn:ietf:params:xml:ns:metalink"


def address_of(entry: Entry, base: str) -> str:
    """Return where the bytes of exactly this version are."""
    return f"{base}/products/{quote(entry.filename, safe='')}?version={entry.version}"


def manifest(bundle: Bundle, layout: str) -> str:
    """List every product asked for, tab-separated: those handed over, then those left out with the reason.

    ``status`` is included, exclusive (``release`` says until when), changed, retired or unknown.
    """
    lines = ["\t".join(COLUMNS)]
    for entry, path in bundle.paths(layout):
        lines.append(_line(entry.status, path, entry.size, entry.sha256, entry.version, _release(entry), entry.uri))
    for entry in bundle.left_out:
        uri = quote(entry.uri, ":/")
        lines.append(_line(entry.status, "", entry.size or "", "", entry.version or "", _release(entry), uri))
    return "\n".join(lines) + "\n"


def checksums(bundle: Bundle, layout: str) -> str:
    """List the checksums as ``sha256sum --check`` reads them."""
    return "".join(f"{entry.sha256}  {path}\n" for entry, path in bundle.paths(layout))


def script(bundle: Bundle, layout: str, *, name: str, base: str) -> str:
    """Write a bash script that downloads the bundle: it resumes, verifies every checksum and says what failed."""
    template = (resources.files(__package__) / "download.sh").read_text()
    listed = "\n".join(
        f"{entry.sha256} {entry.size} {path} {address_of(entry, base)}" for entry, path in bundle.paths(layout)
    )
    left = "\n".join(f"# {line}" for line in _left_out(bundle.left_out)) or "# nothing"
    facts = {
        "@NAME@": name,
        "@COUNT@": str(len(bundle.included)),
        "@SIZE@": str(bundle.size),
        "@LEFT_OUT@": left,
        "@FILES@": listed,
    }
    for mark, text in facts.items():
        template = template.replace(mark, text)
    return template


def metalink(bundle: Bundle, layout: str, *, base: str) -> bytes:
    """Describe the bundle to download managers (RFC 5854)."""
    root = ET.Element("metalink", xmlns=METALINK)
    for entry, path in bundle.paths(layout):
        file = ET.SubElement(root, "file", name=path)
        ET.SubElement(file, "size").text = str(entry.size)
        ET.SubElement(file, "hash", type="sha-256").text = entry.sha256
        ET.SubElement(file, "url").text = address_of(entry, base)
    written: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return written


def _line(*facts: str | int) -> str:
    return "\t".join(map(str, facts))


def _left_out(entries: Iterable[Entry]) -> list[str]:
    reasons = {
        "exclusive": "under exclusive access until {release}",
        "changed": "changed since it was ingested; the archive's operator knows",
        "retired": "withdrawn",
        "unknown": "not in this archive",
    }
    return [f"{quote(entry.filename)}: {reasons[entry.status].format(release=_release(entry))}" for entry in entries]


def _release(entry: Entry) -> str:
    return f"{entry.release:%Y-%m-%dT%H:%M:%SZ}" if entry.release else "no date yet" if entry.obs_id else ""
