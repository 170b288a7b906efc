"""Observation ▸ Plane ▸ Artifact out of all current files of an observation.

Pure and independent of order: the same files always give the same observation. Summary fields come from the most
processed file that states them; ``origin`` says which.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from deepfield.ingest.inheritance import Inheritance
from deepfield.ingest.links import members_of
from deepfield.ingest.planes import PLANE_ORDER, PlaneMaker, plane_rank
from deepfield.ingest.release import ReleaseTable
from deepfield.ingest.testimony import Testimony
from deepfield.missions.jwst.names import parse_name
from deepfield.missions.jwst.tables import STAGES, default_tables
from deepfield.model.errors import InvalidValueError
from deepfield.model.observation import Observation, Plane, Proposal, Target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from deepfield.ingest.blueprint import FileFacts
    from deepfield.ingest.inheritance import Member
    from deepfield.ingest.links import Members
    from deepfield.missions.jwst.names import ParsedName
    from deepfield.missions.jwst.tables import ExposureType, JwstTables

RECOMMENDED = "Minimum Recommended Products"
"""The product group clients test for, letter by letter."""

_COMPARED = (
    "instrument_name",
    "exp_type",
    "proposal.id",
    "energy.filter",
    "energy.pupil",
    "energy.grating",
    "target.name",
)
_ONE_SOURCE = frozenset({"source", "source_in_target"})
"""Fields of names of products of one source, whose place is not where its exposures lie."""
_INSTRUMENTS = {"nrc": "NIRCAM", "nrs": "NIRSPEC", "nis": "NIRISS", "mir": "MIRI", "gui": "FGS"}
"""Instruments by the first letters of their detectors."""


def assemble(
    obs_id: str,
    files: Sequence[FileFacts],
    *,
    associations: Sequence[FileFacts] = (),
    known: Mapping[str, Member] = MappingProxyType({}),
    release: ReleaseTable | None = None,
    tables: JwstTables | None = None,
) -> Observation:
    """Assemble an observation from all its current files.

    ``associations`` are association files that other observations own but that name this one; they tell its members.
    ``known`` are other observations by obs_id: what its science members say stands where the files of a combination are
    silent. ``release`` holds the operator's rules on when data become public.

    Raises:
        InvalidValueError: no files are given.
    """
    if not files:
        raise InvalidValueError("files", files, "at least one file of the observation")
    tables = tables or default_tables()
    ordered = sorted(files, key=_most_processed_first)
    name = parse_name(obs_id, tables)
    members = members_of(obs_id, (*ordered, *associations), tables)
    said = Testimony(ordered, tables, _inherited(ordered, name, members, known, tables))
    exposure_type = _exposure_type(said, tables)
    series = _is_time_series(said, exposure_type)
    kind = _dataproduct_type(said, exposure_type, ordered, series=series)
    maker = PlaneMaker(obs_id, said, exposure_type, kind, series, members.inputs)
    planes = [maker.plane(plane, group) for plane in PLANE_ORDER if (group := _of_plane(ordered, plane, kind, tables))]
    planes.sort(key=lambda plane: plane_rank(plane.product_id))
    rules = release or ReleaseTable()
    data_release, released_by = rules.release_of(obs_id, _program(said, name), maker.ended(), members.obs_ids)
    recommended = _recommended(ordered, exposure_type, tables, series=series)
    planes = [_released(plane, data_release, recommended) for plane in planes]
    said.origin["data_release"] = released_by
    return _summary(obs_id, name=name, planes=planes, maker=maker, members=members, data_release=data_release)


def _summary(
    obs_id: str,
    *,
    name: ParsedName | None,
    planes: list[Plane],
    maker: PlaneMaker,
    members: Members,
    data_release: datetime | None,
) -> Observation:
    said = maker.said
    best = planes[0]
    if maker.exposure_type is not None:
        said.origin |= dict.fromkeys(("intent", "instrument_mode"), f"exposure_types.tsv {maker.exposure_type.name}")
    elif said.text("exp_type"):
        maker.notes.append(f"EXP_TYPE {said.text('exp_type')} is in no table: intent, mode and type of data stay open")
    combined = any(facts.combined for facts in said.files)
    exposure_type = maker.exposure_type
    intent = exposure_type.intent if exposure_type else _intent_of_family(said)
    instrument = _instrument(said, name)
    detector = _detector(said, name, combined=combined)
    position = next((plane.position for plane in planes if plane.position is not None and plane.position.region), None)
    position = position or next((plane.position for plane in planes if plane.position is not None), None)
    return Observation(
        obs_id=obs_id,
        algorithm=(members.kind or _association_type(said) or "composite") if combined else "exposure",
        intent=intent,
        instrument_name=instrument,
        instrument_mode=exposure_type.mode_word(detector) if exposure_type else instrument,
        calib_level=_level(said),
        dataproduct_type=maker.dataproduct_type,
        proposal=Proposal(
            id=_program(said, name),
            pi=said.text("proposal.pi"),
            title=said.text("proposal.title"),
            category=said.text("proposal.category"),
        ),
        target=_target(said),
        planes=tuple(planes),
        members=members.obs_ids if combined else (),
        detector=detector,
        exp_type=said.text("exp_type"),
        template=said.text("template"),
        visit_id=_visit(said, name, combined=combined),
        observation_number=_observation_number(said, name),
        aperture=said.text("aperture"),
        subarray=said.text("subarray"),
        is_tso=maker.time_series,
        visit_status=said.text("visit_status"),
        position=position,
        energy=next((plane.energy for plane in planes if plane.energy is not None), None),
        time=next((plane.time for plane in planes if plane.time is not None), None),
        data_release=data_release,
        provenance=best.provenance,
        main_product=best.main_product,
        origin=dict(sorted({**said.origin, **maker.origin}.items())),
        notes=_notes(said, maker),
    )


def _inherited(
    files: Sequence[FileFacts],
    name: ParsedName | None,
    members: Members,
    known: Mapping[str, Member],
    tables: JwstTables,
) -> Inheritance:
    if not any(facts.combined for facts in files):
        return Inheritance()
    speaking = [known[obs_id] for obs_id in members.science if obs_id in known]
    return Inheritance.of(speaking, tables, placed=name is None or not name.fields.keys() & _ONE_SOURCE)


def _intent_of_family(said: Testimony) -> str | None:
    family = said.family
    if family is None or family.intent is None:
        return None
    said.origin["intent"] = f"name of a {family.holds}"
    return family.intent


def _most_processed_first(facts: FileFacts) -> tuple[int, int, str]:
    stage = STAGES.index(facts.stage) if facts.stage else len(STAGES)
    return plane_rank(facts.product_id or ""), stage, facts.filename


def _of_plane(
    files: Sequence[FileFacts], product_id: str, dataproduct_type: str | None, tables: JwstTables
) -> list[FileFacts]:
    """Return the files of a plane, that which stands for it first."""
    wanted = tables.main_suffixes(dataproduct_type, product_id)
    group = [facts for facts in files if facts.product_id == product_id]

    def rank(facts: FileFacts) -> tuple[bool, int, str]:
        place = wanted.index(facts.suffix) if facts.suffix in wanted else len(wanted)
        return facts.product_type == "PREVIEW", place, facts.filename

    return sorted(group, key=rank)


def _exposure_type(said: Testimony, tables: JwstTables) -> ExposureType | None:
    name = said.text("exp_type")
    return tables.exposure_types.get(name) if name else None


def _is_time_series(said: Testimony, exposure_type: ExposureType | None) -> bool:
    """Tell a time series: by its exposure type, or by TSOVISIT where the type leaves it to the visit."""
    if exposure_type is None:
        return False
    if exposure_type.time_series == "always":
        said.origin["is_tso"] = f"exposure_types.tsv {exposure_type.name}"
        return True
    return exposure_type.time_series == "visit" and said.value("is_tso") is True


def _dataproduct_type(
    said: Testimony, exposure_type: ExposureType | None, files: Sequence[FileFacts], *, series: bool
) -> str | None:
    if series:
        said.origin["dataproduct_type"] = "time series of the exposure type or visit"
        return "timeseries"
    if exposure_type is not None:
        said.origin["dataproduct_type"] = f"exposure_types.tsv {exposure_type.name}"
        return exposure_type.dataproduct_type
    for facts in files:
        kind = _kind_of_content(facts)
        if kind:
            said.origin["dataproduct_type"] = f"content of {facts.filename}"
            return kind
    return None


def _kind_of_content(facts: FileFacts) -> str | None:
    """Tell what contributed data are, by their shape alone: a table of wavelength and flux, an image, a cube."""
    if facts.known_by != "contributor":
        return None
    for hdu in facts.header.hdus:
        columns = {column.upper()[:4] for column in hdu.part.columns}
        if columns & {"WAVE", "LAMB"} and "FLUX" in columns:
            return "spectrum"
    shapes = [hdu.part.shape for hdu in facts.header.hdus if hdu.part.name in {"SCI", "PRIMARY"} and hdu.part.shape]
    return {2: "image", 3: "cube"}.get(len(shapes[0])) if shapes else None


def _recommended(
    files: Sequence[FileFacts], exposure_type: ExposureType | None, tables: JwstTables, *, series: bool
) -> frozenset[str]:
    """Return the file names of the recommended products: those of the highest stage with any."""
    contributed = frozenset(facts.filename for facts in files if facts.product_id == "contributed")
    if contributed or exposure_type is None:
        return contributed
    by_stage = tables.recommended_suffixes(exposure_type.name, time_series=series)
    for stage, suffixes in by_stage.items():
        hits = frozenset(
            facts.filename
            for facts in files
            if facts.stage == stage and facts.suffix in suffixes and facts.product_type == "SCIENCE"
        )
        if hits:
            return hits
    return frozenset()


def _released(plane: Plane, data_release: datetime | None, recommended: frozenset[str]) -> Plane:
    artifacts = tuple(
        replace(
            artifact,
            data_release=data_release,
            product_group=RECOMMENDED if artifact.filename in recommended else None,
        )
        for artifact in plane.artifacts
    )
    return replace(plane, data_release=data_release, artifacts=artifacts)


def _level(said: Testimony) -> int | None:
    """Return the highest level of the science products; of any product where there is none."""
    known = [facts for facts in said.files if facts.calib_level is not None]
    science = [facts for facts in known if facts.product_type == "SCIENCE"]
    best = max(science or known, key=lambda facts: facts.calib_level or 0, default=None)
    if best is None:
        return None
    stage = f"stage {best.stage} of suffix {best.suffix}" if best.stage else "contributed product"
    said.origin["calib_level"] = f"{stage}, {best.filename}"
    return best.calib_level


def _program(said: Testimony, name: ParsedName | None) -> str | None:
    if name is not None and name.program:
        said.origin["proposal.id"] = "name of the observation"
        return name.program
    stated = said.text("proposal.id")
    return stated or next((facts.program for facts in said.files if facts.program), None)


def _target(said: Testimony) -> Target:
    name = said.text("target.name")
    if name is None and any(facts.header.container == "fits" for facts in said.files):
        name = "UNKNOWN"
        said.origin["target.name"] = "neither TARGPROP nor TARGNAME is given"
    words = [said.text("target.category"), said.text("target.description")]
    return Target(
        name=name,
        standard_name=said.text("target.standard_name"),
        classification="; ".join(word for word in words if word) or None,
        type=said.text("target.type"),
    )


def _instrument(said: Testimony, name: ParsedName | None) -> str | None:
    stated = said.text("instrument_name")
    if stated or name is None:
        return stated
    place = name.fields.get("detector") or name.fields.get("aperture", "")
    from_name = name.fields.get("instrument") or _INSTRUMENTS.get(place[:3], "")
    if from_name:
        said.origin["instrument_name"] = f"name of {name.filename}"
    return from_name.upper() or None


def _detector(said: Testimony, name: ParsedName | None, *, combined: bool) -> str | None:
    if name is not None and "detector" in name.fields:
        said.origin["detector"] = "name of the observation"
        return name.fields["detector"].upper()
    stated = said.text("detector")
    return stated if not combined or stated == "MULTIPLE" else None


def _observation_number(said: Testimony, name: ParsedName | None) -> str | None:
    if name is not None:
        number = name.fields.get("observation") or name.fields.get("acid", "").removeprefix("o")
        if number.isdigit() and len(number) == 3:
            return number
    return said.text("observation_number")


def _visit(said: Testimony, name: ParsedName | None, *, combined: bool) -> str | None:
    if name is not None and name.visit_id:
        return name.visit_id
    if combined:
        return None
    return said.text("visit_id") or next((facts.visit_id for facts in said.files if facts.visit_id), None)


def _association_type(said: Testimony) -> str | None:
    table = said.text("provenance.association")
    parsed = parse_name(table, said.tables) if table else None
    return parsed.fields.get("asn_type") if parsed else None


def _notes(said: Testimony, maker: PlaneMaker) -> tuple[str, ...]:
    of_files = [note for facts in sorted(said.files, key=lambda facts: facts.filename) for note in facts.notes]
    return tuple(dict.fromkeys((*of_files, *said.conflicts(*_COMPARED), *maker.notes)))
