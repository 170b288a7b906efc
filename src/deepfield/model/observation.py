"""Observation ▸ Plane ▸ Artifact ▸ Part, after CAOM 2.4, as frozen values.

An Observation is assembled from the facts of its files alone, so the same files always give the same
Observation, in whatever order they arrive. Inside: degrees ICRS, metres, seconds, MJD (UTC) for
coverage in time and UTC ``datetime`` for events.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

ProductType = Literal["SCIENCE", "CALIBRATION", "AUXILIARY", "INFO", "PREVIEW"]


@dataclass(frozen=True, slots=True)
class Part:
    """One HDU of a FITS file (or the single content of any other file)."""

    number: int
    name: str
    version: int = 1
    kind: Literal["primary", "image", "table", "other"] = "other"
    shape: tuple[int, ...] = ()
    """Axis lengths in numpy order (slowest first); rows for a table."""
    dtype: str = ""
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReferenceFile:
    """A calibration reference file that a header names."""

    keyword: str
    """``R_FLAT``, ``R_DARK`` …"""
    filename: str
    """Without ``crds://``."""
    type: str | None = None
    """CRDS type as the file name tells; None where the name is not of CRDS."""


@dataclass(frozen=True, slots=True)
class Position:
    """Coverage on the sky, ICRS, degrees."""

    ra: float
    dec: float
    region: str | None = None
    """DALI/STC-S text, ``POLYGON ICRS ra1 dec1 …`` or ``CIRCLE ICRS ra dec r``, normalised."""
    fov: float | None = None
    """Diameter in degrees of the circle around (ra, dec) that holds the region."""
    pixel_scale: float | None = None
    """Arcseconds."""
    dimension: tuple[int, ...] | None = None
    """Pixels of SCI (x, y)."""


@dataclass(frozen=True, slots=True)
class Energy:
    """Coverage in wavelength; ``lower`` and ``upper`` in metres, vacuum."""

    lower: float | None = None
    upper: float | None = None
    bandpass: str | None = None
    """Optical elements joined by ``;`` in MAST order, e.g. ``F444W;MASKRND``."""
    resolving_power: float | None = None
    samples: int | None = None


@dataclass(frozen=True, slots=True)
class Time:
    """Coverage in time; bounds in MJD (UTC), exposure and resolution in seconds."""

    lower: float | None = None
    upper: float | None = None
    exposure: float | None = None
    resolution: float | None = None
    samples: int | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who made the plane, when, with what, from what."""

    name: str = "CALJWST"
    version: str | None = None
    """CAL_VER."""
    context: str | None = None
    """CRDS_CTX, ``jwst_NNNN.pmap``."""
    sdp_version: str | None = None
    last_executed: datetime | None = None
    inputs: tuple[str, ...] = ()
    """File names of the inputs where known (association members)."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file of a plane, in one version."""

    filename: str
    suffix: str | None
    """``cal``, ``i2d``, ``asn`` …; None where unknown."""
    extension: str
    """``fits``, ``ecsv``, ``json`` … without the dot."""
    product_type: ProductType
    product_group: str | None
    """``Minimum Recommended Products`` or None."""
    calib_level: int | None
    content_type: str
    content_length: int
    sha256: str
    parts: tuple[Part, ...] = ()
    crds_ctx: str | None = None
    """CRDS_CTX, ``jwst_NNNN.pmap``."""
    references: tuple[ReferenceFile, ...] = ()
    created: datetime | None = None
    """DATE of the header, UTC."""
    data_release: datetime | None = None
    detector: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Plane:
    """The artifacts of an observation at one stage of processing (``uncal``, ``rate``, ``cal``, ``product``)."""

    product_id: str
    calib_level: int | None
    dataproduct_type: str | None
    data_release: datetime | None
    meta_release: datetime | None
    main_product: str | None
    """File name of the artifact that stands for the plane."""
    artifacts: tuple[Artifact, ...]
    position: Position | None = None
    energy: Energy | None = None
    time: Time | None = None
    provenance: Provenance | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """The programme."""

    id: str | None = None
    """Without leading zeros."""
    pi: str | None = None
    title: str | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """What was pointed at."""

    name: str | None = None
    standard_name: str | None = None
    classification: str | None = None
    type: str | None = None
    """FIXED, MOVING or GENERIC."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One row of a search: an exposure of one detector, or a derived (combined) product root.

    ``origin`` says for each derived field where its value came from, e.g. ``{"target.name": "TARGPROP of
    jw…_cal.fits", "energy.lower": "bands.tsv F444W"}``; ``notes`` are sentences for a reader: conflicts and
    degradations.
    """

    obs_id: str
    algorithm: str
    """``exposure`` for a simple observation; the association type or ``composite`` for a derived one."""
    intent: str | None
    instrument_name: str | None
    """NIRCAM, NIRISS, NIRSPEC, MIRI, FGS."""
    instrument_mode: str | None
    """The MAST word, ``NIRCAM/IMAGE``."""
    calib_level: int | None
    dataproduct_type: str | None
    proposal: Proposal
    target: Target
    planes: tuple[Plane, ...]
    members: tuple[str, ...] = ()
    """obs_ids of the members of a derived observation."""
    detector: str | None = None
    exp_type: str | None = None
    template: str | None = None
    visit_id: str | None = None
    """PPPPPOOOVVV."""
    observation_number: str | None = None
    aperture: str | None = None
    subarray: str | None = None
    is_tso: bool = False
    visit_status: str | None = None
    position: Position | None = None
    energy: Energy | None = None
    time: Time | None = None
    data_release: datetime | None = None
    provenance: Provenance | None = None
    main_product: str | None = None
    """File name of the artifact that a viewer opens first."""
    origin: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
