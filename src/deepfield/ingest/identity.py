"""Which observation a file belongs to: by its name, else by FILENAME, else by the programme keywords."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from deepfield.ingest.times import parse_time
from deepfield.missions.jwst.names import parse_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deepfield.missions.jwst.names import ParsedName
    from deepfield.missions.jwst.tables import JwstTables
    from deepfield.products.header import Header, Value

_LAST_RESORT = "other_jw_file"
_NOT_OURS: Mapping[str, str] = {
    "crds_reference": "calibration reference file: kept where it is, no part of an observation",
    "crds_mapping": "calibration rule file: kept where it is, no part of an observation",
    "log": "processing log: kept where it is, no part of an observation",
    "edb_csv": "engineering time series: kept where it is, no part of an observation",
    "osf": "observatory status file: kept where it is, no part of an observation",
}
_RELEASE_TABLE = "release.toml"
_SIGNS_OF_REFERENCE = ("REFTYPE", "USEAFTER", "PEDIGREE")
_DIMENSIONS = {"ImageModel": 2, "CubeModel": 3}
"""How many axes SCI has, by the data model (DATAMODL) the header claims."""
_GUIDE_STAR_FUNCTIONS = {
    "FGS_ACQ1": "acq1",
    "FGS_ACQ2": "acq2",
    "FGS_TRACK": "track",
    "FGS_FINEGUIDE": "fg",
}
_VISIT_OF_OBS_ID = re.compile(r"V(\d{11})")
"""OBS_ID of wavefront maps begins with the visit whose images were analysed."""
_RAW_MODELS = frozenset({"Level1bModel", "GuiderRawModel"})


@dataclass(frozen=True, slots=True)
class Identity:
    """What a file is called, what it belongs to, and why we think so."""

    filename: str
    verdict: Literal["product", "kept", "refused"]
    reason: str | None = None
    notes: tuple[str, ...] = ()
    obs_id: str | None = None
    family: str | None = None
    known_by: Literal["file name", "FILENAME", "keywords", "contributor"] | None = None
    suffix: str | None = None
    extension: str = ""
    detector: str | None = None
    program: str | None = None
    visit_id: str | None = None
    combined: bool = False
    thumbnail: bool = False
    derived_from: str | None = None
    """The observation a contributed file was made of, where its header tells."""


def identity_of(header: Header, tables: JwstTables) -> Identity:
    """Identify a file: by the first rule that can."""
    own = parse_name(header.filename, tables)
    for rule in (_by_own_name, _as_reference, _as_contributed, _by_stated_name, _by_keywords):
        identity = rule(header, own, tables)
        if identity is not None:
            return identity
    return _stranger(header, own)


def _by_own_name(header: Header, own: ParsedName | None, tables: JwstTables) -> Identity | None:
    if own is not None and own.family in _NOT_OURS:
        return _kept(header, own, _NOT_OURS[own.family])
    if own is not None and own.family != _LAST_RESORT and own.suffix:
        return _by_name(header, own, own.filename, "file name", tables)
    return None


def _as_reference(header: Header, _own: ParsedName | None, _tables: JwstTables) -> Identity | None:
    if any(header.get(keyword) for keyword in _SIGNS_OF_REFERENCE):
        return _kept(header, None, _NOT_OURS["crds_reference"])
    return None


def _as_contributed(header: Header, _own: ParsedName | None, tables: JwstTables) -> Identity | None:
    if header.container != "fits":
        return None
    contributed = header.get("HLSPID") or header.filename.lower().startswith("hlsp_")
    return _contributed(header, (), tables) if contributed else None


def _by_stated_name(header: Header, _own: ParsedName | None, tables: JwstTables) -> Identity | None:
    stated = _text(header.first("FILENAME"))
    named = parse_name(stated, tables) if stated else None
    if named is None:
        return None
    if named.family in _NOT_OURS:
        return _kept(header, named, _NOT_OURS[named.family])
    if named.family == _LAST_RESORT or not named.suffix:
        return None
    contradiction = _contradiction(header)
    if contradiction:
        return _contributed(header, (contradiction,), tables)
    return _by_name(header, named, _as_packed(named.filename, header), "FILENAME", tables)


def _by_name(
    header: Header,
    parsed: ParsedName,
    filename: str,
    known_by: Literal["file name", "FILENAME"],
    tables: JwstTables,
) -> Identity:
    notes = [*_packing(header, filename)]
    if known_by == "FILENAME":
        notes.append(f"{header.filename} is known as {filename}, the name its header gives")
    else:
        notes.extend(_name_conflicts(header, parsed))
    identity = Identity(
        filename=filename,
        verdict="product",
        notes=tuple(notes),
        obs_id=parsed.obs_id,
        family=parsed.family,
        known_by=known_by,
        suffix=parsed.suffix,
        extension=parsed.extension,
        detector=parsed.fields["detector"].upper() if "detector" in parsed.fields else None,
        program=parsed.program,
        visit_id=parsed.visit_id,
        combined=parsed.combined,
        thumbnail=parsed.thumbnail,
    )
    return _owned(header, parsed, identity, tables)


def _owned(header: Header, parsed: ParsedName, identity: Identity, tables: JwstTables) -> Identity:
    """File what belongs to several observations under one of them; the others list it (``ingest/links.py``)."""
    if parsed.family == "msa":
        return replace(identity, obs_id=f"{parsed.root}_msa")
    if parsed.family == "wss_opd":
        visit = _VISIT_OF_OBS_ID.match(_text(header.get("OBS_ID")) or "")
        return replace(identity, program=str(int(visit[1][:5])), visit_id=visit[1]) if visit else identity
    if parsed.family == "association":
        owner = _owner_of_association(header, tables)
    elif parsed.family == "pool":
        owner = _owner_of_pool(header, tables)
    else:
        return identity
    if owner is None:
        reason = "names no exposure or product of the archive: kept where it is"
        return replace(identity, verdict="kept", reason=reason, obs_id=None)
    return replace(identity, obs_id=owner)


def _owner_of_association(header: Header, tables: JwstTables) -> str | None:
    """Return the observation of the first product; of the first member where the product is named later."""
    if not isinstance(header.document, dict):
        return None
    for product in header.document["products"]:
        parsed = parse_name(str(product.get("name", "")), tables)
        if parsed is not None and parsed.family in {"exposure_root", "stage3_root"} and _is_whole(parsed):
            return parsed.obs_id
        for member in product["members"]:
            name = str(member.get("expname", "")) if isinstance(member, dict) else ""
            parsed = parse_name(name, tables)
            if parsed is not None and parsed.obs_id:
                return parsed.obs_id
    return None


def _is_whole(parsed: ParsedName) -> bool:
    """Tell a product's name that cube building does not go on to complete with channel and band."""
    return parsed.family == "exposure_root" or "optelem" in parsed.fields


def _owner_of_pool(header: Header, tables: JwstTables) -> str | None:
    first = header.document.get("first_file") if isinstance(header.document, dict) else None
    parsed = parse_name(first, tables) if isinstance(first, str) else None
    return parsed.obs_id if parsed else None


def _by_keywords(header: Header, own: ParsedName | None, tables: JwstTables) -> Identity | None:
    program, observation, visit = (_digits(header.get(key), n) for key, n in _VISIT)
    if not (program and observation and visit):
        return None
    stated = _text(header.first("FILENAME"))
    suffix, suffix_from = _suffix(header, (header.filename, stated), tables)
    obs_id = _exposure_id(header, f"jw{program}{observation}{visit}", tables)
    detector = _text(header.first("DETECTOR"))
    combined = (detector or "").upper() == "MULTIPLE"
    if obs_id is None:
        stem = re.sub(r"\.fits(\.gz)?$|\.asdf$", "", header.filename, flags=re.IGNORECASE)
        obs_id = re.sub(rf"[_-]{suffix}$", "", stem) if suffix else stem
    notes = [f"{header.filename} has no archive name; PROGRAM, OBSERVTN and VISIT tell where it belongs"]
    if suffix_from:
        notes.append(f"its kind, {suffix}, was told by {suffix_from}")
    return Identity(
        filename=header.filename,
        verdict="product",
        notes=(*notes, *_packing(header, header.filename)),
        obs_id=obs_id,
        family="guide_star" if "_gs-" in obs_id else (own.family if own else None),
        known_by="keywords",
        suffix=suffix,
        extension=_extension(header),
        detector=detector.upper() if detector else None,
        program=str(int(program)),
        visit_id=f"{program}{observation}{visit}",
        combined=combined,
    )


_VISIT = (("PROGRAM", 5), ("OBSERVTN", 3), ("VISIT", 3))


def _exposure_id(header: Header, visit: str, tables: JwstTables) -> str | None:
    kind = (_text(header.get("EXP_TYPE")) or "").upper()
    if kind in _GUIDE_STAR_FUNCTIONS:
        end = parse_time(header.get("DATE-END"))
        # the name carries the end of the data, cut to the second
        return f"{visit}_gs-{_GUIDE_STAR_FUNCTIONS[kind]}_{end:%Y%j%H%M%S}" if end else None
    if kind in {"FGS_ID-IMAGE", "FGS_ID-STACK"}:
        attempt = header.get("GS_ORDER")
        form = "image" if kind == "FGS_ID-IMAGE" else "stacked"
        return f"{visit}_gs-id_{attempt}_{form}" if isinstance(attempt, int) else None
    group = _digits(header.get("VISITGRP"), 2)
    exposure = _digits(header.get("EXPOSURE"), 5)
    sequence, activity = _text(header.get("SEQ_ID")), _text(header.get("ACT_ID"))
    detector = (_text(header.first("DETECTOR")) or "").lower()
    if not (group and exposure and sequence and activity and detector) or detector == "multiple":
        return None
    number, total = header.get("EXSEGNUM"), header.get("EXSEGTOT")
    segment = f"-seg{number:03d}" if isinstance(number, int) and isinstance(total, int) and total > 1 else ""
    obs_id = f"{visit}_{group}{sequence}{activity.lower().zfill(2)}_{exposure}{segment}_{detector}"
    parsed = parse_name(obs_id, tables)
    return obs_id if parsed is not None and parsed.family == "exposure_root" else None


def _suffix(header: Header, names: tuple[str, str | None], tables: JwstTables) -> tuple[str | None, str | None]:
    for name, source in zip(names, ("the end of the file name", "the end of FILENAME"), strict=True):
        stem = re.sub(r"\.(fits|asdf|ecsv)(\.gz)?$", "", (name or "").lower())
        for suffix in sorted(tables.suffixes, key=len, reverse=True):
            if stem.endswith(f"_{suffix}"):
                return suffix, source
    if _text(header.get("DATAMODL")) in _RAW_MODELS:
        return "uncal", f"DATAMODL {header.get('DATAMODL')}"
    return None, None


def _contributed(header: Header, notes: tuple[str, ...], tables: JwstTables) -> Identity:
    stated = _text(header.get("FILENAME")) or ""
    own = header.filename
    if stated.lower().startswith("hlsp_") and not own.lower().startswith("hlsp_"):
        own = _as_packed(stated, header)
        notes = (*notes, f"{header.filename} is known as {own}, the name its header gives")
    stem = re.sub(r"\.(fits|asdf)(\.gz)?$", "", own, flags=re.IGNORECASE)
    program = _digits(header.first("PROGRAM", "PROPOSID"), 5)
    source = parse_name(stated, tables)
    return Identity(
        filename=own,
        verdict="product",
        notes=(*notes, *_packing(header, own)),
        obs_id=stem,
        family="contributed",
        known_by="contributor",
        extension=_extension(header),
        program=str(int(program)) if program else None,
        combined=True,
        derived_from=source.obs_id if source else None,
    )


def _contradiction(header: Header) -> str | None:
    """Tell a file that was derived from a product and still carries its FILENAME: its data have another shape."""
    model = _text(header.get("DATAMODL")) or ""
    axes = _DIMENSIONS.get(model)
    science = next((hdu for hdu in header.hdus if hdu.part.name in {"SCI", "PRIMARY"} and hdu.part.shape), None)
    if axes is None or science is None or len(science.part.shape) == axes:
        return None
    return (
        f"its header is that of {header.get('FILENAME')} ({model}, {axes} axes) but its data have "
        f"{len(science.part.shape)}: derived from that product and contributed"
    )


def _kept(header: Header, parsed: ParsedName | None, reason: str) -> Identity:
    return Identity(
        header.filename, "kept", reason, family=parsed.family if parsed else None, extension=_extension(header)
    )


def _stranger(header: Header, own: ParsedName | None) -> Identity:
    if header.filename == _RELEASE_TABLE:
        return _kept(header, None, "the operator's table of releases: obeyed, no product")
    if header.container in {"fits", "asdf"}:
        missing = [key for key, count in _VISIT if _digits(header.get(key), count) is None]
        claims = "TELESCOP says JWST, but " if header.get("TELESCOP") == "JWST" else ""
        reason = f"{claims}neither its name nor FILENAME is that of an archive product, and {_enumeration(missing)}"
    elif header.container == "json" and header.document is not None:
        return _kept(header, None, "association without an archive name: kept where it is")
    elif header.container == "csv" and isinstance(header.document, dict) and header.document["format"] == "pool":
        return _kept(header, None, "association pool without an archive name: kept where it is")
    elif own is not None and own.family == _LAST_RESORT:
        reason = "its name is that of a JWST programme, but of no kind of product, and its content tells no more"
    else:
        reason = f"its name is not that of an archive product ({header.container} content)"
    return Identity(header.filename, "refused", reason, extension=_extension(header))


def _enumeration(missing: list[str]) -> str:
    verb = "tells no number" if len(missing) == 1 else "tell no numbers"
    return f"{', '.join(missing)} {verb}: it belongs to no observation"


def _name_conflicts(header: Header, parsed: ParsedName) -> list[str]:
    conflicts: list[str] = []
    stated = _text(header.first("FILENAME"))
    if stated and stated.lower().removesuffix(".gz") != parsed.filename.lower().removesuffix(".gz"):
        conflicts.append(f"FILENAME says {stated}; the name on disk, {parsed.filename}, is believed")
    for keyword, count in _VISIT if not parsed.combined else _VISIT[:1]:
        field = {"PROGRAM": "program", "OBSERVTN": "observation", "VISIT": "visit"}[keyword]
        said, named = _digits(header.get(keyword), count), parsed.fields.get(field)
        if said and named and said != named:
            conflicts.append(f"{keyword} says {said}, the file name {named}; the name is believed")
    return conflicts


def _packing(header: Header, filename: str) -> list[str]:
    named = filename.lower().endswith(".gz")
    if header.compression and not named:
        return [f"{filename}: gzip content under a plain name"]
    if named and not header.compression:
        return [f"{filename}: named .gz, but its content is not compressed"]
    return []


def _as_packed(filename: str, header: Header) -> str:
    """Return the name FILENAME gives, with .gz where the file on disk is packed and named so."""
    packed = header.compression is not None and header.filename.lower().endswith(".gz")
    return f"{filename}.gz" if packed and not filename.lower().endswith(".gz") else filename


def _extension(header: Header) -> str:
    match = re.search(r"\.([a-z0-9]+(?:\.gz)?)$", header.filename, flags=re.IGNORECASE)
    return match[1].lower() if match else ""


def _text(value: Value) -> str | None:
    if value is None or isinstance(value, bool):
        return None
    text = str(value).strip()
    return text or None


def _digits(value: Value, count: int) -> str | None:
    text = _text(value)
    if text is None or not text.isdigit() or len(text) > count:
        return None
    return text.zfill(count)
