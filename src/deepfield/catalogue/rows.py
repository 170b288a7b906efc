"""Observation ▸ Plane ▸ Artifact as rows of the catalogue."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import hpgeom

from deepfield.model.identifiers import COLLECTION
from deepfield.model.observation import Energy, Position, Provenance, Time

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from deepfield.model.observation import Artifact, Observation, Plane

Row = dict[str, Any]
HEALPIX_NSIDE: Final = 1 << 29
ARCSEC_PER_METRE: Final = 0.0325e6
"""Diffraction limit over wavelength: 1.025 λ/D for the 6.5 m mirror."""


@dataclass(frozen=True, slots=True)
class Filed:
    """What the archive, not the file, knows of a product file in one version."""

    version: int
    location: str
    """A key of the store, or the absolute path of a linked file."""
    linked: bool
    mtime_ns: int | None
    has_preview: bool
    archived_at: datetime


@dataclass(frozen=True, slots=True)
class Listing:
    """What an observation row says of its product list, linked products included."""

    n_products: int
    access_estsize: int
    preview_product: str | None


def observation_row(observation: Observation, obs_number: int, listing: Listing) -> Row:
    """Return the row of an observation without ``archived_at`` and ``modified_at``."""
    o, target, proposal = observation, observation.target, observation.proposal
    provenance = o.provenance or Provenance()
    return {
        "obs_number": obs_number,
        "obs_id": o.obs_id,
        "obs_collection": COLLECTION,
        "algorithm": o.algorithm,
        "intent": o.intent,
        "target_name": target.name or target.standard_name,
        "target_standard_name": target.standard_name,
        "target_classification": target.classification,
        "target_type": target.type,
        "moving_target": target.type == "MOVING",
        **_position(o.position),
        "s_resolution": _resolution(o.energy),
        "healpix": healpix(o.position),
        "instrument_name": o.instrument_name,
        "instrument_mode": o.instrument_mode,
        "detector": o.detector,
        "exp_type": o.exp_type,
        "template": o.template,
        "aperture": o.aperture,
        "subarray": o.subarray,
        "dataproduct_type": o.dataproduct_type,
        "calib_level": o.calib_level,
        "is_tso": o.is_tso,
        **_time(o.time),
        **_energy(o.energy),
        "proposal_id": proposal.id,
        "proposal_pi": proposal.pi,
        "proposal_title": proposal.title,
        "proposal_type": proposal.category,
        "visit_id": o.visit_id,
        "observation_number": o.observation_number,
        "visit_status": o.visit_status,
        "data_release": o.data_release,
        "cal_ver": provenance.version,
        "crds_ctx": provenance.context,
        "obs_creation_date": _made(o),
        "main_product": o.main_product,
        "preview_product": listing.preview_product,
        "n_products": listing.n_products,
        "access_estsize": listing.access_estsize,
        "members": list(o.members),
        "origin": dict(o.origin),
        "notes": list(o.notes),
    }


def plane_row(plane: Plane, plane_number: int, obs_number: int, obs_id: str) -> Row:
    """Return the row of a plane."""
    provenance = plane.provenance or Provenance()
    position, time, energy = plane.position, plane.time or Time(), plane.energy or Energy()
    width, height = _dimension(position)
    return {
        "plane_number": plane_number,
        "obs_number": obs_number,
        "obs_id": obs_id,
        "product_id": plane.product_id,
        "calib_level": plane.calib_level,
        "dataproduct_type": plane.dataproduct_type,
        "data_release": plane.data_release,
        "meta_release": plane.meta_release,
        "main_product": plane.main_product,
        **_position(position),
        "s_xel1": width,
        "s_xel2": height,
        **_time(time),
        "t_resolution": _finite(time.resolution),
        "t_xel": time.samples,
        **_energy(energy),
        "em_xel": energy.samples,
        "cal_ver": provenance.version,
        "crds_ctx": provenance.context,
        "sdp_ver": provenance.sdp_version,
        "last_executed": provenance.last_executed,
        "inputs": list(provenance.inputs),
    }


def artifact_row(artifact: Artifact, product_id: str, filed: Filed, artifact_number: int, obs_number: int) -> Row:
    """Return the row of one version of a product file."""
    return {
        "artifact_number": artifact_number,
        "obs_number": obs_number,
        "product_id": product_id,
        "filename": artifact.filename,
        "suffix": artifact.suffix,
        "extension": artifact.extension,
        "product_type": artifact.product_type,
        "product_group": artifact.product_group,
        "calib_level": artifact.calib_level,
        "description": artifact.description,
        "detector": artifact.detector,
        "content_type": artifact.content_type,
        "content_length": artifact.content_length,
        "sha256": artifact.sha256,
        "version": filed.version,
        "created": artifact.created,
        "data_release": artifact.data_release,
        "location": filed.location,
        "linked": filed.linked,
        "mtime_ns": filed.mtime_ns,
        "has_preview": filed.has_preview,
        "archived_at": filed.archived_at,
    }


def listing_of(observation: Observation, artifacts: Mapping[str, Row], n_linked: int) -> Listing:
    """Sum up the products of an observation; ``artifacts`` are its current artifact rows by file name."""
    recommended = [row for row in artifacts.values() if row["product_group"] is not None]
    size = sum(row["content_length"] for row in recommended or artifacts.values())
    return Listing(len(artifacts) + n_linked, size, _preview_product(observation, artifacts))


def _preview_product(observation: Observation, artifacts: Mapping[str, Row]) -> str | None:
    planes = sorted(observation.planes, key=lambda plane: (-_level(plane.calib_level), plane.product_id))
    names = [observation.main_product, *(plane.main_product for plane in planes)]
    names += [row["filename"] for row in sorted(artifacts.values(), key=_stands_last)]
    return next(
        (name for name in names if name is not None and name in artifacts and artifacts[name]["has_preview"]), None
    )


def _stands_last(row: Row) -> tuple[bool, int, str]:
    return row["product_type"] != "SCIENCE", -_level(row["calib_level"]), row["filename"]


def _level(level: int | None) -> int:
    return -2 if level is None else level


def healpix(position: Position | None) -> int | None:
    """Return the HEALPix index of the centre, nested, order 29, ICRS; None without a position."""
    if position is None or _finite(position.ra) is None or _finite(position.dec) is None:
        return None
    return int(hpgeom.angle_to_pixel(HEALPIX_NSIDE, position.ra, position.dec, nest=True, lonlat=True, degrees=True))


def _position(position: Position | None) -> Row:
    if position is None:
        return dict.fromkeys(("s_ra", "s_dec", "s_fov", "s_region", "s_pixel_scale"))
    return {
        "s_ra": _finite(position.ra),
        "s_dec": _finite(position.dec),
        "s_fov": _finite(position.fov),
        "s_region": position.region,
        "s_pixel_scale": _finite(position.pixel_scale),
    }


def _dimension(position: Position | None) -> tuple[int | None, int | None]:
    if position is None or position.dimension is None or len(position.dimension) < 2:
        return None, None
    return int(position.dimension[0]), int(position.dimension[1])


def _time(time: Time | None) -> Row:
    time = time or Time()
    return {"t_min": _finite(time.lower), "t_max": _finite(time.upper), "t_exptime": _finite(time.exposure)}


def _energy(energy: Energy | None) -> Row:
    energy = energy or Energy()
    return {
        "filters": energy.bandpass,
        "em_min": _finite(energy.lower),
        "em_max": _finite(energy.upper),
        "em_res_power": _finite(energy.resolving_power),
    }


def _resolution(energy: Energy | None) -> float | None:
    lower, upper = (None, None) if energy is None else (_finite(energy.lower), _finite(energy.upper))
    if lower is None or upper is None:
        return None
    return ARCSEC_PER_METRE * (lower + upper) / 2


def _made(observation: Observation) -> datetime | None:
    for plane in observation.planes:
        for artifact in plane.artifacts:
            if artifact.filename == observation.main_product and artifact.created is not None:
                return artifact.created
    return observation.provenance.last_executed if observation.provenance else None


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
