"""The planes of an observation: its files at one stage of processing, with their coverage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from deepfield.ingest.energy import Optics, energy_of
from deepfield.ingest.footprint import dimension_of, footprint_of, pixel_scale_of
from deepfield.ingest.provenance import references_of
from deepfield.ingest.times import from_mjd, is_mjd, parse_time, to_mjd
from deepfield.missions.jwst.names import parse_name, parse_optical_elements
from deepfield.model.observation import Artifact, Energy, Plane, Position, Provenance, Time

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from deepfield.ingest.blueprint import FileFacts
    from deepfield.ingest.testimony import Testimony
    from deepfield.missions.jwst.tables import ExposureType

PLANE_ORDER: Final = ("product", "contributed", "cal", "rate", "uncal", "auxiliary", "info")
"""Planes from the one that says most about an observation to the one that says least."""


def plane_rank(product_id: str) -> int:
    """Return the place of a plane in that order."""
    return PLANE_ORDER.index(product_id) if product_id in PLANE_ORDER else len(PLANE_ORDER)


@dataclass(slots=True)
class PlaneMaker:
    """Makes the planes of one observation and gathers where their values came from."""

    obs_id: str
    said: Testimony
    exposure_type: ExposureType | None
    dataproduct_type: str | None
    time_series: bool
    inputs: tuple[str, ...]
    """File names of the members of the association that made the combined products."""
    origin: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def plane(self, product_id: str, files: Sequence[FileFacts]) -> Plane:
        """Make a plane of its files, that which stands for it first."""
        main = files[0]
        levels = [facts.calib_level for facts in files if facts.calib_level is not None]
        data = product_id != "info"
        return Plane(
            product_id=product_id,
            calib_level=max(levels, default=None),
            dataproduct_type=self.dataproduct_type if data else None,
            data_release=None,
            meta_release=self.ended(),
            main_product=main.filename if main.product_type != "PREVIEW" else None,
            artifacts=tuple(artifact_of(facts, self.said) for facts in sorted(files, key=lambda facts: facts.filename)),
            position=self._position(files, combined=product_id == "product") if data else None,
            energy=self._energy(files, combined=product_id == "product") if data else None,
            time=self._time(files, combined=product_id == "product") if data else None,
            provenance=self._provenance(product_id, files),
        )

    def ended(self) -> datetime | None:
        """Return the end of the data: of the exposure, else the moment the newest file was made."""
        ends = self.said.value("time.ends", self.said.files)
        if ends is None:
            mjd = self.said.number("time.upper", self.said.files)
            ends = from_mjd(mjd) if mjd is not None and is_mjd(mjd) else None
        made = [facts.created for facts in self.said.files if facts.created is not None]
        found: datetime | None = ends if ends is not None else max(made, default=None)
        return found

    def _position(self, files: Sequence[FileFacts], *, combined: bool) -> Position | None:
        for facts in files:
            footprint, notes = footprint_of(facts.header, resampled=facts.suffix == "i2d")
            self.notes.extend(notes)
            if footprint is not None:
                self._remember("position", f"{footprint.origin} of {facts.filename}")
                return footprint.position(
                    pixel_scale=pixel_scale_of(facts.header), dimension=dimension_of(facts.header)
                )
        united = self.said.inherited.footprint if combined else None
        if united is not None:
            self._remember("position", united.origin)
            return united.position(
                pixel_scale=next((scale for facts in files if (scale := pixel_scale_of(facts.header))), None),
                dimension=next((size for facts in files if (size := dimension_of(facts.header))), None),
            )
        return self._point(files)

    def _point(self, files: Sequence[FileFacts]) -> Position | None:
        for where in ("position.moving", "position", "target"):
            separator = "_" if where == "position.moving" else "."
            names = (f"{where}{separator}ra", f"{where}{separator}dec")
            for facts in files:
                ra, dec = (self.said.number(name, (facts,)) for name in names)
                if ra is not None and dec is not None and abs(dec) <= 90:
                    keywords = "/".join(self.said.tables.keywords[name].keywords[0] for name in names)
                    self._remember("position", f"{keywords} of {facts.filename}: no footprint is given")
                    return Position(
                        ra % 360.0,
                        dec,
                        pixel_scale=pixel_scale_of(facts.header),
                        dimension=dimension_of(facts.header),
                    )
        return None

    def _energy(self, files: Sequence[FileFacts], *, combined: bool) -> Energy | None:
        text = self.said.text
        name = parse_name(self.obs_id, self.said.tables)
        channel, band = text("energy.channel", files), text("energy.band", files)
        token = name.fields.get("optelem") if name is not None else None
        if token and name is not None and name.fields.get("instrument") == "miri":
            elements = parse_optical_elements(token, self.said.tables).elements
            named = next((element for element in elements if element.startswith("ch")), None)
            if named:
                channel, band = named, "".join(element for element in elements if element != named).upper()
        stated = tuple(self.said.number(f"energy.{end}", files) for end in ("lower", "upper"))
        optics = Optics(
            instrument=text("instrument_name", files),
            exposure_type=self.exposure_type,
            filter=text("energy.filter", files),
            pupil=text("energy.pupil", files),
            grating=text("energy.grating", files),
            channel=channel,
            band=band,
            stated=(stated[0], stated[1]) if stated[0] is not None and stated[1] is not None else None,
        )
        energy, said, notes = energy_of(optics, self.said.tables, samples=self._wavelengths(files))
        self.notes.extend(notes)
        if said:
            self._remember("energy", said)
        if energy.bandpass or energy.lower is not None:
            return energy
        inherited = self.said.inherited
        if combined and inherited.energy is not None:
            self._remember("energy", inherited.origin)
            return inherited.energy
        return None

    def _wavelengths(self, files: Sequence[FileFacts]) -> int | None:
        """Return the samples in wavelength of the main product; 1 for an image, None where the header does not tell."""
        main = files[0]
        if main.suffix == "s3d":
            shapes = [hdu.part.shape for hdu in main.header.all_of("SCI")]
            return shapes[0][0] if shapes and len(shapes[0]) == 3 else None
        if main.suffix in {"x1d", "x1dints", "c1d"}:
            rows = [hdu.part.shape[0] for name in ("EXTRACT1D", "COMBINE1D") for hdu in main.header.all_of(name)]
            return max(rows, default=None) if max(rows, default=0) > 1 else None
        return 1 if self.dataproduct_type == "image" else None

    def _time(self, files: Sequence[FileFacts], *, combined: bool) -> Time | None:
        lower = self._day("lower", "begins", files)
        upper = self._day("upper", "ends", files)
        family = self.said.family
        if family is not None and family.moment and upper is None and lower is not None:
            upper = lower
            self._remember("time.upper", f"{self.origin['time.lower']}: a {family.holds} is of one moment")
        exposure = self.said.number("time.exposure", files)
        if lower is None and upper is None and exposure is None:
            return self._inherited_time() if combined else None
        if lower is not None and upper is not None and upper < lower:
            self.notes.append(f"the exposure ends before it begins (MJD {lower} to {upper}); its end is left out")
            upper = None
        samples = self.said.number("time.samples", files) if self.time_series else None
        integration = self.said.number("time.integration", files) if self.time_series else None
        if exposure is not None:
            self._remember("time.exposure", f"{self._source('time.exposure', files)}")
        return Time(
            lower=lower,
            upper=upper,
            exposure=exposure,
            resolution=integration if integration is not None else exposure,
            samples=int(samples) if samples is not None else 1,
        )

    def _inherited_time(self) -> Time | None:
        inherited = self.said.inherited
        if inherited.time is not None:
            for name in ("time.lower", "time.upper", "time.exposure"):
                self._remember(name, inherited.origin)
        return inherited.time

    def _day(self, name: str, moment: str, files: Sequence[FileFacts]) -> float | None:
        mjd = self.said.number(f"time.{name}", files)
        if mjd is not None and is_mjd(mjd):
            self._remember(f"time.{name}", self._source(f"time.{name}", files))
            return mjd
        at: datetime | None = self.said.value(f"time.{moment}", files)
        if at is None and moment == "begins":
            return self._observed(files)
        if at is None:
            return None
        self._remember(f"time.{name}", self._source(f"time.{moment}", files))
        return to_mjd(at)

    def _observed(self, files: Sequence[FileFacts]) -> float | None:
        """Return the moment that DATE-OBS and TIME-OBS tell together; neither alone tells one."""
        for facts in files:
            date, time = (facts.header.first(keyword) for keyword in ("DATE-OBS", "TIME-OBS"))
            at = parse_time(f"{date}T{time}") if isinstance(date, str) and isinstance(time, str) else None
            if at is not None:
                self._remember("time.lower", f"DATE-OBS and TIME-OBS of {facts.filename}")
                return to_mjd(at)
        return None

    def _source(self, name: str, files: Sequence[FileFacts]) -> str:
        for facts in files:
            for keyword in self.said.tables.keywords[name].keywords:
                if facts.header.first(keyword) is not None:
                    return f"{keyword} of {facts.filename}"
        return name

    def _provenance(self, product_id: str, files: Sequence[FileFacts]) -> Provenance:
        contributor = next((str(value) for f in files if (value := f.header.get("HLSPID"))), "contributed")
        made = [facts.created for facts in files if facts.created is not None]
        return Provenance(
            name=contributor if product_id == "contributed" else "CALJWST",
            version=self.said.text("provenance.version", files),
            context=self.said.text("provenance.context", files),
            sdp_version=self.said.text("provenance.sdp_version", files),
            last_executed=files[0].created or max(made, default=None),
            inputs=self.inputs if product_id == "product" else (),
        )

    def _remember(self, name: str, origin: str) -> None:
        """Keep the origin of the first plane that has the value: the summary of the observation shows it."""
        self.origin.setdefault(name, origin)


def artifact_of(facts: FileFacts, said: Testimony) -> Artifact:
    """Return the artifact a file is; group and release are decided by its observation."""
    return Artifact(
        filename=facts.filename,
        suffix=facts.suffix,
        extension=facts.extension,
        product_type=facts.product_type,
        product_group=None,
        calib_level=facts.calib_level,
        content_type=facts.content_type,
        content_length=facts.size,
        sha256=facts.sha256,
        parts=tuple(hdu.part for hdu in facts.header.hdus),
        crds_ctx=said.text("provenance.context", [facts]),
        references=references_of(facts.header, said.tables),
        created=facts.created,
        detector=facts.detector,
        description=facts.description,
    )
