"""Associations (JSON) and the pool (pipe-delimited text) of a programme, as the association generator writes them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from deepfield.simulate.programme import read_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from deepfield.simulate.exposure import Exposure
    from deepfield.simulate.header import Tree
    from deepfield.simulate.programme import Programme

SOUND = "No known degraded exposures in association."


@dataclass(frozen=True, slots=True)
class Product:
    """A product that an association makes: its name without suffix and its members (file, role)."""

    name: str
    members: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Association:
    """The inputs and names of products. ``counter`` tells the associations of one type of a programme apart."""

    kind: str
    rule: str
    counter: int
    exposures: tuple[Exposure, ...]
    products: tuple[Product, ...]

    @property
    def filename(self) -> str:
        first = self.exposures[0]
        stamp = version(first.programme)
        return f"jw{first.programme.digits}-{first.candidate}_{stamp}_{self.kind}_{self.counter:05d}_asn.json"

    def stamp(self, meta: Tree) -> None:
        """Name the association and the pool in a product's metadata."""
        meta["asn"] = {"table_name": self.filename, "pool_name": pool_name(self.exposures[0].programme)}

    def document(self) -> Tree:
        """The association as JSON (association schema, level 3)."""
        first = self.exposures[0]
        candidate = f"[('{first.candidate}', '{_candidate_kind(first).lower()}')]"
        return {
            "asn_type": self.kind,
            "asn_rule": self.rule,
            "version_id": version(first.programme),
            "code_version": read_table("pipeline.toml")["software"]["cal_ver"],
            "degraded_status": SOUND,
            "program": first.programme.digits,
            "constraints": self._constraints(),
            "asn_id": first.candidate,
            "target": f"t{first.observation.target.number:03d}",
            "asn_pool": pool_name(first.programme),
            "products": [
                {
                    "name": product.name,
                    "members": [
                        {"expname": name, "exptype": role, "exposerr": "null", "asn_candidate": candidate}
                        for name, role in product.members
                    ],
                }
                for product in self.products
            ],
        }

    def _constraints(self) -> str:
        first = self.exposures[0]
        facts = {
            "program": first.programme.number,
            "instrument": first.seen.instrument.lower(),
            "target": first.observation.target.number,
            "exp_type": first.exposure_type.lower(),
            "asn_candidate": f"\\\\('{first.candidate}',\\\\ '{_candidate_kind(first).lower()}'\\\\)",
        }
        return "\n".join(
            f"DMSAttrConstraint({{'name': '{name}', 'value': '{value}'}})" for name, value in facts.items()
        )

    def write(self, folder: Path) -> None:
        """Write the association file into ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.document(), indent=4)
        (folder / self.filename).write_text(text, encoding="utf-8")


def stage_two(
    exposure: Exposure,
    kind: str,
    rule: str,
    counter: int,
    *,
    suffix: str = "rate",
    beside: tuple[tuple[str, str], ...] = (),
) -> Association:
    """The association of one exposure for stage 2; ``beside`` are members (file, role) that help to calibrate it."""
    members = ((exposure.file(suffix), "science"), *beside)
    return Association(kind, rule, counter, (exposure,), (Product(exposure.root, members),))


def _candidate_kind(exposure: Exposure) -> str:
    return str(exposure.observation.plan.get("candidate_kind", "OBSERVATION"))


def _candidates(exposure: Exposure) -> list[str]:
    own = f"('{exposure.acid}', 'OBSERVATION')"
    given = f"('{exposure.candidate}', '{_candidate_kind(exposure)}')"
    return [own] if exposure.candidate == exposure.acid else [own, given]


def version(programme: Programme) -> str:
    """The time stamp of the programme's associations and pool."""
    last = max(observation.start for observation in programme.observations)
    days = read_table("pipeline.toml")["software"]["processed_after"]
    return f"{last + timedelta(days=days):%Y%m%dt%H%M%S}"


def pool_name(programme: Programme) -> str:
    """The name of a programme's pool file."""
    return f"jw{programme.digits}_{version(programme)}_pool.csv"


def write_pool(folder: Path, exposures: Sequence[Exposure]) -> None:
    """Write the pool of a programme: one row for each exposure of each detector."""
    columns = read_table("pool.toml")["columns"]
    rows = [_pool_row(exposure) for exposure in exposures]
    lines = ["|".join(columns), *("|".join(row.get(column, "NULL") for column in columns) for row in rows)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / pool_name(exposures[0].programme)).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _flag(value: object) -> str:
    return "T" if value else "F"


def _pool_row(exposure: Exposure) -> dict[str, str]:
    observation, dither, readout = exposure.observation, exposure.dither, exposure.readout
    visit, target, kind = (exposure.differing.get(section, {}) for section in ("visit", "target", "exposure"))
    row: dict[str, object] = {
        "FILENAME": exposure.file("uncal"),
        "OBS_ID": exposure.programmatic_id,
        "PROGRAM": exposure.programme.number,
        "OBS_NUM": observation.number,
        "VISIT": exposure.visit,
        "VISIT_ID": exposure.visit_id,
        "VISITGRP": exposure.group,
        "VISITYPE": visit.get("type", "PRIME_TARGETED_FIXED"),
        "SEQ_ID": exposure.sequence,
        "ACT_ID": exposure.activity_id,
        "EXPOSURE": exposure.number,
        "EXP_TYPE": exposure.exposure_type,
        "NEXPOSUR": exposure.planned,
        "EXPCOUNT": exposure.count,
        "INSTRUME": exposure.seen.instrument,
        "DETECTOR": exposure.detector,
        "TARGETID": observation.target.number,
        "TARGPROP": observation.target.name,
        "TARGNAME": observation.target.catalogue_name or "NULL",
        "TARGTYPE": target.get("type", "FIXED"),
        "TEMPLATE": exposure.template,
        "PNTGTYPE": "SCIENCE",
        "PNTG_SEQ": exposure.count,
        "TARGORDN": 1,
        "EXPSPCIN": exposure.specification,
        "DITHPTIN": dither.number,
        "MOSTILNO": exposure.tile,
        "PATTTYPE": dither.pattern,
        "NUMDTHPT": dither.total,
        "PATT_NUM": dither.number,
        "APERNAME": exposure.reference.name,
        "SDP_VER": read_table("pipeline.toml")["software"]["sdp_ver"],
        "SUBARRAY": exposure.subarray,
        "ASN_CANDIDATE": f"[{', '.join(_candidates(exposure))}]",
        "IS_PSF": _flag(kind["psf_reference"]) if "psf_reference" in kind else "NULL",
        "BKGDTARG": _flag(observation.plan.get("background")),
        "TSOVISIT": _flag(exposure.time_series),
        "EXSEGTOT": exposure.segment.total if exposure.segment else "NULL",
        "NINTS": readout.integrations,
        "NGROUPS": readout.groups,
        "MTSHADOW": "NONE",
    }
    row |= {_POOL_NAMES[key]: value for key, value in exposure.instrument.items() if key in _POOL_NAMES}
    return {name: str(value) for name, value in row.items()}


_POOL_NAMES = {
    "channel": "CHANNEL",
    "module": "MODULE",
    "filter": "FILTER",
    "pupil": "PUPIL",
    "grating": "GRATING",
    "band": "BAND",
    "msa_state": "MSASTATE",
    "msa_metadata_file": "MSAMETFL",
    "lamp_state": "LAMP",
    "lamp_mode": "OPMODE",
    "fixed_slit": "FXD_SLIT",
    "gwa_xtilt": "GWA_XTIL",
    "gwa_ytilt": "GWA_YTIL",
}


def write_all(folder: Path, associations: Iterable[Association]) -> None:
    """Write every association of a programme."""
    for association in associations:
        association.write(folder)
