"""Guide stars: what the fine guidance sensor records while it looks for a star, finds it and holds it.

The pictures are those of one star field per visit; where the star is missing, identification is tried again and the
visit is skipped.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.io import fits

from deepfield.simulate import detector as detectors
from deepfield.simulate.cameras import views
from deepfield.simulate.exposure import Dither, Exposure
from deepfield.simulate.header import celestial, exposure_meta, isot
from deepfield.simulate.light import band_of, true_scale
from deepfield.simulate.pointing import Pointing, aperture
from deepfield.simulate.programme import Readout, read_table
from deepfield.simulate.projection import Projection
from deepfield.simulate.render import draw_stars, psf_for
from deepfield.simulate.sky import Stars, jansky, random
from deepfield.simulate.writing import write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from deepfield.simulate.header import Tree
    from deepfield.simulate.programme import Observation, Programme

    Floats = NDArray[np.float64]

BEFORE = timedelta(minutes=14)
"""How long before the first exposure the search for the guide star begins."""
ATTEMPTS = 3
"""How often identification is tried before a visit is skipped."""
BETWEEN_ATTEMPTS = timedelta(seconds=240)
BIN, HALF_BIN = 16, 8
"""Pixels of the whole detector averaged into one, and those of the finer image from which the strips are cut."""
STRIPS, STRIP_STEP = 36, 7
"""Identification reads the detector in strips of 64 rows, 56 rows (7 of the finer image) apart."""
JITTER = 0.0012
"""Pointing jitter, arcseconds rms an axis."""
MAGNITUDE = 15.1
AB_OF_GUIDE_MAGNITUDE = 1.2
REFERENCE_STARS = 9
FIELD_STARS = 40


def steps(programme: Programme, observation: Observation, seed: int) -> Iterator[GuidingStep]:
    """What is recorded before and during the first visit of an observation."""
    lost = observation.plan.get("taken") == 0
    found = [facts for facts in read_table("guiding.toml")["step"] if not lost or facts["name"] == "id"]
    for attempt in range(1, (ATTEMPTS if lost else 1) + 1):
        for facts in found:
            start = observation.start - BEFORE + (attempt - 1) * BETWEEN_ATTEMPTS + timedelta(seconds=facts["after"])
            readout = Readout(**facts["readout"])
            recorded = replace(observation, start=start, readout=readout)
            exposure = _exposure(programme, recorded, observation, facts["exposure_type"])
            yield GuidingStep(exposure, facts["name"], facts.get("form", ""), facts["box"], attempt, lost, seed)


def _exposure(programme: Programme, recorded: Observation, observation: Observation, kind: str) -> Exposure:
    plan = observation.plan
    reference = aperture(plan["instrument"], plan["aperture"])
    target = observation.target
    x, y = plan["dithers"][0]
    pointing = Pointing.of(reference, (target.ra, target.dec), observation.roll, (-x, -y))
    seen = aperture("FGS", "FGS1_FULL")
    return Exposure(
        programme=programme,
        observation=recorded,
        visit=1,
        group=1,
        activity=1,
        number=1,
        detector="GUIDER1",
        exposure_type=kind,
        template=next(views(plan, plan["filters"][0])).template,
        instrument={},
        start=recorded.start,
        dither=Dither("NONE", 1, 1, 0.0, 0.0),
        tile=1,
        count=1,
        planned=1,
        reference=seen,
        seen=seen,
        pointing=pointing,
        projection=pointing.projection(seen),
        binning=(1, 1),
        subarray="FULL",
    )


def _unchecked(ramp: detectors.Ramp) -> detectors.Ramp:
    """A ramp as guiding takes it: the difference of its ends, whatever hit the detector."""
    return replace(ramp, jumps=np.zeros_like(ramp.jumps), saturated=np.zeros_like(ramp.saturated))


@dataclass(frozen=True, slots=True)
class GuidingStep:
    """One step towards guiding, raw and calibrated. ``lost`` says that the guide star is not there."""

    exposure: Exposure
    step: str
    form: str
    box: int
    attempt: int
    lost: bool
    seed: int

    @property
    def name(self) -> str:
        exposure = self.exposure
        if self.step == "id":
            return f"jw{exposure.visit_id}_gs-id_{self.attempt}_{self.form}"
        return f"jw{exposure.visit_id}_gs-{self.step}_{exposure.end:%Y%j%H%M%S}"

    def file(self, suffix: str) -> str:
        """The name of the raw (``uncal``) or calibrated (``cal``) file."""
        return f"{self.name}_{suffix}.fits"

    def run(self, folder: Path) -> None:
        """Write the raw and the calibrated file into ``folder``."""
        device = detectors.detector(self.exposure.detector)
        window, binning, lights = self._seen()
        shape = lights.shape[1:]
        # the identification image begins after the reference pixels
        pattern = detectors.pixels(device, shape, self.seed, corner=(5, 5), step=(1, 1), full=(2048, 2048))
        rng = random(self.seed, self.name)
        once = replace(self.exposure.readout, integrations=1)
        averaged = binning[0] * binning[1]
        scale = true_scale(self.exposure)
        ramps = [detectors.expose(light / scale, device, pattern, once, rng, averaged=averaged) for light in lights]
        rates = [
            detectors.fit(_unchecked(ramp), light, device, pattern, once, averaged=averaged) for ramp, light in ramps
        ]
        raw = np.concatenate([ramp.groups for ramp, _ in ramps])
        self._write(folder, "uncal", {"data": raw.astype(np.uint16)}, window, binning)
        sci = np.stack([rate.sci for rate in rates])
        err = np.stack([rate.err for rate in rates])
        if self.step == "id":
            sci, err = sci.mean(axis=0)[None], np.sqrt((err**2).sum(axis=0))[None] / len(err)
        planes: Tree = {"data": sci.astype(np.float32), "err": err.astype(np.float32), "dq": pattern.dq}
        self._write(folder, "cal", planes, window, binning)

    def _write(self, folder: Path, suffix: str, planes: Tree, window: Projection, binning: tuple[int, int]) -> None:
        stages = () if suffix == "uncal" else ("guider",)
        model = "GuiderRawModel" if suffix == "uncal" else "GuiderCalModel"
        exposure = self.exposure
        meta = exposure_meta(exposure, stages, model, self.file(suffix))
        meta["wcsinfo"] |= celestial(window)
        meta["bunit_data"] = "DN" if suffix == "uncal" else "DN/s"
        if suffix == "cal":
            meta["bunit_err"] = "DN/s"
        column, row = (float(value) for value in self.guide_star_pixel())
        ra, dec = (float(value) for value in exposure.projection.to_sky(column, row))
        meta["guidestar"] |= {
            "gs_order": self.attempt,
            "gs_ra": ra,
            "gs_dec": dec,
            "gs_ctd_x": column + 1,
            "gs_ctd_y": row + 1,
            "fgs_aperture": "FGS1_FULL",
        }
        side = self.box or 2048
        meta["subarray"] |= {"name": f"{self.box}X{self.box}" if self.box else "FULL", "xsize": side, "ysize": side}
        tables = [fits.BinTableHDU(table, name=name) for name, table in self._tables().items()]
        # raw frames are counts, which the schema of raw guide-star data does not know
        schema = "Level1bModel" if suffix == "uncal" else model
        write(folder / self.file(suffix), {"meta": meta, **planes}, binning=binning, extra=tables, schema=schema)

    def _seen(self) -> tuple[Projection, tuple[int, int], Floats]:
        """The window on the sky, its binning, and the light in it (MJy/sr) in every integration."""
        exposure, count = self.exposure, self.exposure.readout.integrations
        if self.box == 0:
            fine = self._light(exposure.pointing.projection(exposure.seen, (HALF_BIN, HALF_BIN)))
            light = fine.reshape(len(fine), -1, 2).mean(axis=2)
            rows = [np.arange(252)] if self.form == "image" else [STRIP_STEP * k + np.arange(8) for k in range(STRIPS)]
            taken = light[np.concatenate(rows)]
            paired = taken.reshape(-1, 2, taken.shape[1]).mean(axis=1)
            whole = exposure.pointing.projection(exposure.seen, (BIN, BIN))
            window = replace(whole, shape=(paired.shape[0], paired.shape[1]))
            return window, (BIN, BIN), np.repeat(paired[None], count, axis=0)
        window = self.window()
        jitter = self.jitter() / (window.scale * 3600)
        lights = [self._light(replace(window, crpix=(window.crpix[0] + x, window.crpix[1] + y))) for x, y in jitter]
        return window, (1, 1), np.stack(lights)

    def window(self) -> Projection:
        """The pixels of the box round the guide star."""
        column, row = np.rint(self.guide_star_pixel()) - self.box // 2

        def sky(x: Floats, y: Floats) -> tuple[Floats, Floats]:
            return self.exposure.projection.to_sky(x + column, y + row)

        middle = (self.box + 1) / 2
        return Projection.fit((self.box, self.box), (middle, middle), sky)

    def jitter(self) -> Floats:
        """Where the telescope points in every integration, arcseconds from where it should: shape (integrations, 2)."""
        rng = random(self.seed, self.name, "jitter")
        return rng.normal(0, JITTER, (self.exposure.readout.integrations, 2))

    def _light(self, projection: Projection) -> Floats:
        band = band_of(self.exposure)
        psf = psf_for(band, round(projection.scale * 3600, 4))
        return 0.3 + draw_stars(self.stars(), projection, sum(band) / 2, psf)

    def guide_star_pixel(self) -> Floats:
        """Where the guide star lies on the detector, pixels from 0."""
        rng = random(self.seed, self.exposure.visit_id, "guide star")
        return rng.uniform(400, 1600, 2)

    def stars(self) -> Stars:
        """The guide star, if it is there, its reference stars and fainter ones in the field of the sensor."""
        rng = random(self.seed, self.exposure.visit_id, "guide field")
        number = REFERENCE_STARS + FIELD_STARS
        column, row = rng.uniform(30, 2018, (2, number))
        magnitude = np.concatenate([rng.uniform(15.5, 17.5, REFERENCE_STARS), rng.uniform(18, 20.5, FIELD_STARS)])
        magnitude = magnitude + AB_OF_GUIDE_MAGNITUDE
        if not self.lost:
            place = self.guide_star_pixel()
            column, row = np.append(column, place[0]), np.append(row, place[1])
            magnitude = np.append(magnitude, MAGNITUDE + AB_OF_GUIDE_MAGNITUDE)
        ra, dec = self.exposure.projection.to_sky(column, row)
        return Stars(ra, dec, jansky(magnitude), np.full(magnitude.size, 4500.0))

    def _tables(self) -> dict[str, NDArray[Any]]:
        """The tables that go with the step, by name of their extension."""
        if self.step == "id":
            return {"Planned Reference Stars": self._planned(), "Flight Reference Stars": self._flight()}
        if self.step in {"acq1", "acq2"}:
            return {}
        tables = {"Pointing": self._pointing(), "FGS Centroid Packet": self._centroids()}
        return tables | ({"Track subarray table": self._track()} if self.step == "track" else {})

    def _count_rates(self, stars: Stars) -> Floats:
        """Electrons per second of stars, by the same scale as the pixels."""
        device, projection = detectors.detector(self.exposure.detector), self.exposure.projection
        brightness = stars.flux_at(sum(band_of(self.exposure)) / 2) * 1e-6 / np.radians(projection.scale) ** 2
        return np.asarray(brightness / true_scale(self.exposure) * device.gain)

    def _planned(self) -> NDArray[Any]:
        """The stars that were expected: the guide star first, then its references."""
        stars = replace(self, lost=False).stars()
        order = [stars.ra.size - 1, *range(REFERENCE_STARS)]
        x, y = self.exposure.projection.from_sky(stars.ra[order], stars.dec[order])
        rates = self._count_rates(stars)[order]
        layout = [("guide_star_order", "i4"), ("reference_order", "i4"), ("reference_star_id", "S12"), ("ra", "f8"),
                  ("dec", "f8"), ("id_x", "f8"), ("id_y", "f8"), ("fgs_mag", "f8"), ("fgs_mag_uncert", "f8"),
                  ("count_rate", "f8"), ("count_rate_uncert", "f8")]  # fmt: skip
        table = np.zeros(len(order), dtype=layout)
        table["guide_star_order"] = self.attempt
        table["reference_order"] = np.arange(len(order))
        table["reference_star_id"] = [f"SIM{self.exposure.observation.number:03d}{star:05d}" for star in order]
        table["ra"], table["dec"] = stars.ra[order], stars.dec[order]
        table["id_x"], table["id_y"] = x, y
        table["fgs_mag"] = -2.5 * np.log10(stars.flux[order] / 3631.0) - AB_OF_GUIDE_MAGNITUDE
        table["fgs_mag_uncert"], table["count_rate"], table["count_rate_uncert"] = 0.05, rates, 0.05 * rates
        return table

    def _flight(self) -> NDArray[Any]:
        """The stars that the flight software found."""
        stars = self.stars()
        bright = np.argsort(-stars.flux, kind="stable")[: REFERENCE_STARS + 1]
        x, y = self.exposure.projection.from_sky(stars.ra[bright], stars.dec[bright])
        layout = [("reference_star_id", "S2"), ("id_x", "f8"), ("id_y", "f8"), ("count_rate", "f8")]
        table = np.zeros(bright.size, dtype=layout)
        table["reference_star_id"] = [f"{place:02d}" for place in range(bright.size)]
        table["id_x"], table["id_y"], table["count_rate"] = x, y, self._count_rates(stars)[bright]
        return table

    def _moments(self) -> list[str]:
        readout = self.exposure.readout
        each = readout.duration / readout.integrations
        return [isot(self.exposure.start + timedelta(seconds=each * (k + 0.5))) for k in range(readout.integrations)]

    def _pointing(self) -> NDArray[Any]:
        """How far the line of sight was from where it should be; milliarcseconds."""
        jitter = self.jitter() * 1000
        names = ["time", "jitter", "delta_ddc_ra", "delta_ddc_dec", "delta_aperture_pa", "delta_v1_ra", "delta_v1_dec"]
        names += ["delta_v3_pa", "delta_j1_ra", "delta_j1_dec", "delta_j3_pa"]
        table = np.zeros(len(jitter), dtype=[*((name, "f8") for name in names), ("HGA_motion", "S16")])
        readout = self.exposure.readout
        table["time"] = (np.arange(len(jitter)) + 0.5) * readout.duration / readout.integrations
        table["jitter"] = np.hypot(*jitter.T)
        for prefix in ("delta_ddc", "delta_v1", "delta_j1"):
            table[f"{prefix}_ra"], table[f"{prefix}_dec"] = jitter.T
        table["HGA_motion"] = "NOT_MOVING"
        return table

    def _centroids(self) -> NDArray[Any]:
        """Where the star was found in every integration, arcseconds from the middle of the detector."""
        jitter, moments = self.jitter(), self._moments()
        layout = [("observatory_time", "S23"), ("centroid_time", "S23"), ("guide_star_position_x", "f8"),
                  ("guide_star_position_y", "f8"), ("guide_star_instrument_counts_per_sec", "f8"),
                  ("signal_to_noise_current_frame", "f8"), ("delta_signal", "f8"), ("delta_noise", "f8"),
                  ("psf_width_x", "i4"), ("psf_width_y", "i4"), ("data_quality", "i4"), ("bad_pixel_flag", "S4"),
                  ("bad_centroid_dq_flag", "S12"), ("cosmic_ray_hit_flag", "S5"),
                  ("sw_subwindow_loc_change_flag", "S5"), ("guide_star_at_detector_subwindow_boundary_flag", "S5"),
                  ("subwindow_out_of_FOV_flag", "S5")]  # fmt: skip
        table = np.zeros(len(jitter), dtype=layout)
        table["observatory_time"] = table["centroid_time"] = moments
        scale = self.exposure.projection.scale * 3600
        place = (self.guide_star_pixel() - 1023.5) * scale + jitter
        table["guide_star_position_x"], table["guide_star_position_y"] = place.T
        rate = self._count_rates(self.stars())[-1]
        exposed = rate * self.exposure.readout.integration_time
        table["guide_star_instrument_counts_per_sec"] = rate
        table["signal_to_noise_current_frame"] = np.sqrt(exposed)
        table["psf_width_x"] = table["psf_width_y"] = 2
        table["bad_pixel_flag"], table["bad_centroid_dq_flag"] = "GOOD", "GOOD"
        for name in layout[-4:]:
            table[name[0]] = "FALSE"
        return table

    def _track(self) -> NDArray[Any]:
        """Where the window was read."""
        column, row = np.rint(self.guide_star_pixel()) - self.box // 2 + 1
        numbers = [("x_corner", "f8"), ("y_corner", "f8"), ("x_size", "i4"), ("y_size", "i4")]
        table = np.zeros(1, dtype=[("observatory_time", "S23"), *numbers])
        table["observatory_time"] = self._moments()[0]
        table["x_corner"], table["y_corner"], table["x_size"], table["y_size"] = column, row, self.box, self.box
        return table
