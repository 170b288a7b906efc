"""Aperture-masking interferometry: seven holes, twenty-one fringes, and the observables read from their image.

Visibilities are taken from the pixels by a Fourier sum at each baseline; the calibrator takes out what the optics did
(OIFITS 2, Duvert, Young & Hummel 2017).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import fft, ndimage

from deepfield.simulate import detector as detectors
from deepfield.simulate.association import Association, Product
from deepfield.simulate.dispersed import expose_series, pattern_of
from deepfield.simulate.exposure import Dither, Exposure
from deepfield.simulate.exposure_files import read_image, write_rate, write_rateints, write_uncal
from deepfield.simulate.header import celestial, created, exposure_meta, isot, mjd
from deepfield.simulate.light import band_of, flux_scale
from deepfield.simulate.optics import RADIAN, Psf
from deepfield.simulate.photometry import image_series
from deepfield.simulate.pointing import Pointing, aperture
from deepfield.simulate.programme import read_table
from deepfield.simulate.projection import project
from deepfield.simulate.render import to_brightness
from deepfield.simulate.sky import Stars, jansky
from deepfield.simulate.work import Plan
from deepfield.simulate.writing import save, to_hdus, write

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from deepfield.simulate.header import Tree
    from deepfield.simulate.programme import Observation, Programme

    Floats = NDArray[np.float64]
    Complex = NDArray[np.complex128]

HOLES = (
    (0.0, -2.64),
    (-2.28631, 0.0),
    (2.28631, -1.32),
    (-2.28631, 1.32),
    (-1.14315, 1.98),
    (2.28631, 1.32),
    (1.14315, 1.98),
)
"""Centres of the mask's holes projected on the primary mirror, metres."""
HOLE_NAMES = ("B4", "C2", "B5", "B2", "C1", "B6", "C6")
HOLE_SIZE = 0.80
"""Flat-to-flat width of a hole, metres."""
PISTON_RMS = 30e-9
"""Residual piston of the segments behind the holes, metres rms: what the calibrator is for."""
PAIRS = tuple(combinations(range(7), 2))
TRIANGLES = tuple(combinations(range(7), 3))
QUADS = tuple(combinations(range(7), 4))
COLOURS = (-0.3, 0.0, 0.3)
PIXELS, SUBSTEPS = 1024, 3
WINDOW = 34
"""Half the side, in pixels, of the part of the image that is analysed."""


def plan(programme: Programme, seed: int) -> Plan:
    """What has to be done for a programme of interferometry: one target, one calibrator."""
    exposures = tuple(_exposure(programme, observation) for observation in programme.observations)
    stage_3 = Observables(exposures, seed)
    first = tuple(Interferogram(exposure, seed) for exposure in exposures)
    return Plan(exposures, (stage_3.association,), (first, (stage_3,)))


def _exposure(programme: Programme, observation: Observation) -> Exposure:
    facts, target = observation.plan, observation.target
    seen = aperture("NIRISS", facts["aperture"])
    pointing = Pointing.of(seen, (target.ra, target.dec), observation.roll, (0.0, 0.0))
    return Exposure(
        programme=programme,
        observation=observation,
        visit=1,
        group=3,
        activity=2,
        number=1,
        detector="NIS",
        exposure_type="NIS_AMI",
        template="NIRISS Aperture Masking Interferometry",
        instrument={"filter": facts["filter"], "pupil": "NRM"},
        start=observation.start,
        dither=Dither("NONE", 1, 1, 0.0, 0.0),
        tile=1,
        count=1,
        planned=1,
        reference=seen,
        seen=seen,
        pointing=pointing,
        projection=pointing.projection(seen),
        binning=(1, 1),
        subarray=facts["subarray"],
        differs={"exposure": {"psf_reference": bool(facts.get("reference", False))}},
    )


@lru_cache(maxsize=4)
def interferogram(band: tuple[float, float], pixel: float) -> Psf:
    """The image of a star through the mask in a band (µm), fine enough for pixels of ``pixel`` arcseconds."""
    step = pixel / SUBSTEPS
    total = np.zeros((PIXELS, PIXELS))
    pistons = np.random.default_rng(7).normal(0, PISTON_RMS, len(HOLES))
    for colour in COLOURS:
        wavelength = (sum(band) / 2 + colour * (band[1] - band[0])) * 1e-6
        metres = wavelength / (PIXELS * step / RADIAN)
        place = (np.arange(PIXELS) - PIXELS // 2) * metres
        x, y = np.meshgrid(place, place)
        field = np.zeros((PIXELS, PIXELS), complex)
        for (hole_x, hole_y), piston in zip(HOLES, pistons, strict=True):
            dx, dy, slant = x - hole_x, y - hole_y, np.sqrt(3) / 2
            half = HOLE_SIZE / 2
            inside = (np.abs(dy) < half) & (np.abs(slant * dx + dy / 2) < half) & (np.abs(slant * dx - dy / 2) < half)
            field[inside] = np.exp(2j * np.pi * piston / wavelength)
        total += np.abs(fft.fftshift(fft.fft2(fft.ifftshift(field)))) ** 2
    return Psf(total / total.sum(), step)


@dataclass(frozen=True, slots=True)
class Interferogram:
    """Simulate one exposure: ``uncal``, ``rate``, ``rateints`` and ``calints``."""

    exposure: Exposure
    seed: int

    @property
    def name(self) -> str:
        return self.exposure.root

    def light(self) -> Floats:
        """Surface brightness on the detector in MJy/sr: the star, its companion if it has one, and the sky."""
        exposure = self.exposure
        facts = read_table("fields.toml")[exposure.observation.target.field]
        band, projection = band_of(exposure), exposure.projection
        places = [(0.0, 0.0, 1.0), *((east, north, share) for east, north, share in facts.get("binary", ()))]
        star = Stars(*(np.array([v]) for v in (0.0, 0.0, float(jansky(facts["magnitude"])), facts["temperature"])))
        flux = float(star.flux_at(sum(band) / 2)[0]) * to_brightness(projection)
        pixel = projection.scale * 3600
        image = np.full(projection.shape, facts["background"])
        for east, north, share in places:
            dec = facts["dec"] + north / 3600
            ra = facts["ra"] + east / 3600 / np.cos(np.radians(facts["dec"]))
            x, y = (float(value) for value in projection.from_sky(ra, dec))
            column, row, half = round(x), round(y), max(projection.shape)
            stamp = interferogram(band, round(pixel, 5)).on_pixels(pixel, (x - column, y - row), half)
            rows, columns = projection.shape
            image += flux * share * stamp[half - row : half - row + rows, half - column : half - column + columns]
        return image

    def run(self, folder: Path) -> None:
        """Write the products of the exposure into ``folder``."""
        exposure = self.exposure
        pattern, scale = pattern_of(exposure, self.seed), flux_scale(exposure)
        light = np.repeat((self.light() / scale)[None], exposure.readout.integrations, axis=0)
        ramp, rates, rate = expose_series(exposure, light, pattern, self.seed)
        cal = detectors.calibrate(rates, pattern, detectors.detector(exposure.detector), scale)
        about = celestial(exposure.projection)
        write_uncal(folder, exposure, ramp, about)
        write_rate(folder, exposure, rate, about)
        write_rateints(folder, exposure, rates, about)
        tree = image_series(exposure, cal, "calints", ("detector1", "image2"))
        write(folder / exposure.file("calints"), tree, binning=exposure.binning)


def baselines(exposure: Exposure) -> Floats:
    """The baselines between the holes on the sky, metres towards east and north: shape (21, 2)."""
    projection = exposure.projection
    turn = projection.cd / projection.scale
    holes = np.array(HOLES)
    return np.array([turn @ (holes[j] - holes[i]) for i, j in PAIRS])


def visibilities(image: Floats, exposure: Exposure) -> Complex:
    """Complex visibilities of an image (MJy/sr) on the 21 baselines, 1 for a point source in perfect optics."""
    measured = _fourier(image, exposure)
    band, pixel = band_of(exposure), exposure.projection.scale * 3600
    x, y = (float(v) for v in exposure.projection.from_sky(*_target(exposure)))
    column, row, half = round(x), round(y), max(exposure.projection.shape)
    stamp = interferogram(band, round(pixel, 5)).on_pixels(pixel, (x - column, y - row), half)
    rows, columns = exposure.projection.shape
    perfect = stamp[half - row : half - row + rows, half - column : half - column + columns]
    return np.asarray(measured / np.abs(_fourier(perfect, exposure)))


def _target(exposure: Exposure) -> tuple[float, float]:
    return exposure.observation.target.ra, exposure.observation.target.dec


def _fourier(image: Floats, exposure: Exposure) -> Complex:
    """The Fourier sum of an image about its target at every baseline, relative to the whole light."""
    x, y = (float(v) for v in exposure.projection.from_sky(*_target(exposure)))
    rows = slice(max(0, round(y) - WINDOW), round(y) + WINDOW + 1)
    columns = slice(max(0, round(x) - WINDOW), round(x) + WINDOW + 1)
    ra, dec = exposure.projection.grid()
    xi, eta = (np.radians(v[rows, columns]) for v in project(ra, dec, _target(exposure)))
    part = image[rows, columns]
    sky = np.percentile(np.concatenate([part[0], part[-1], part[:, 0], part[:, -1]]), 20)
    light = part - sky
    wavelength = sum(band_of(exposure)) / 2 * 1e-6
    phases = [np.exp(-2j * np.pi * (u * xi + v * eta) / wavelength) for u, v in baselines(exposure)]
    return np.asarray(np.array([(light * phase).sum() for phase in phases]) / light.sum())


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Observables of one exposure or of a ratio of two, with errors: phases in degrees."""

    vis2: Floats
    vis2_err: Floats
    amplitude: Floats
    amplitude_err: Floats
    phase: Floats
    phase_err: Floats
    closure: Floats
    closure_err: Floats
    triple: Floats
    quad: Floats
    quad_phase: Floats

    @classmethod
    def of(cls, series: Sequence[Complex]) -> Measured:
        """The means over integrations, errors from their scatter."""
        vis = np.array(series)
        index = {pair: place for place, pair in enumerate(PAIRS)}
        triple = np.array(
            [vis[:, index[i, j]] * vis[:, index[j, k]] * vis[:, index[i, k]].conj() for i, j, k in TRIANGLES]
        )
        quad = np.array(
            [
                vis[:, index[i, j]] * vis[:, index[k, m]] / (vis[:, index[i, k]] * vis[:, index[j, m]])
                for i, j, k, m in QUADS
            ]
        )

        def error(values: Floats, axis: int = 0) -> Floats:
            return np.asarray(values.std(axis=axis, ddof=1) / np.sqrt(values.shape[axis]))

        mean = triple.mean(axis=1)
        turned = np.degrees(np.angle(triple * mean.conj()[:, None]))
        middle = vis.mean(axis=0)
        return cls(
            vis2=(np.abs(vis) ** 2).mean(axis=0),
            vis2_err=error(np.abs(vis) ** 2),
            amplitude=np.abs(middle),
            amplitude_err=error(np.abs(vis)),
            phase=np.degrees(np.angle(middle)),
            phase_err=error(np.degrees(np.angle(vis * middle.conj()))),
            closure=np.degrees(np.angle(mean)),
            closure_err=error(turned, axis=1),
            triple=np.abs(mean),
            quad=np.abs(quad).mean(axis=1),
            quad_phase=np.degrees(np.angle(quad.mean(axis=1))),
        )

    def over(self, reference: Measured) -> Measured:
        """These observables with what the reference shows of the optics taken out."""

        def share(ours: Floats, error: Floats, theirs: Floats, other: Floats) -> Floats:
            return np.abs(ours / theirs) * np.hypot(error / ours, other / theirs)

        return Measured(
            vis2=self.vis2 / reference.vis2,
            vis2_err=share(self.vis2, self.vis2_err, reference.vis2, reference.vis2_err),
            amplitude=self.amplitude / reference.amplitude,
            amplitude_err=share(self.amplitude, self.amplitude_err, reference.amplitude, reference.amplitude_err),
            phase=_wrapped(self.phase - reference.phase),
            phase_err=np.hypot(self.phase_err, reference.phase_err),
            closure=_wrapped(self.closure - reference.closure),
            closure_err=np.hypot(self.closure_err, reference.closure_err),
            triple=self.triple / reference.triple,
            quad=self.quad / reference.quad,
            quad_phase=_wrapped(self.quad_phase - reference.quad_phase),
        )


def _wrapped(degrees: Floats) -> Floats:
    return (degrees + 180) % 360 - 180


@dataclass(frozen=True, slots=True)
class Observables:
    """Stage 3: ``ami-oi`` of the target, ``psf-ami-oi`` of the calibrator and ``aminorm-oi`` of both."""

    exposures: tuple[Exposure, ...]
    seed: int

    @property
    def science(self) -> Exposure:
        return next(one for one in self.exposures if not one.observation.plan.get("reference"))

    @property
    def calibrator(self) -> Exposure:
        return next(one for one in self.exposures if one.observation.plan.get("reference"))

    @property
    def name(self) -> str:
        first = self.science
        place = f"{first.candidate}_t{first.observation.target.number:03d}_niriss"
        return (
            f"jw{first.programme.digits}-{place}_{str(first.instrument['filter']).lower()}-nrm-{first.subarray.lower()}"
        )

    @property
    def association(self) -> Association:
        members = ((self.science.file("calints"), "science"), (self.calibrator.file("calints"), "psf"))
        exposures = (self.science, self.calibrator)
        return Association("ami3", "Asn_Lv3AMI", 1, exposures, (Product(self.name, members),))

    def run(self, folder: Path) -> None:
        """Write the observables into ``folder``, which holds the ``calints`` files."""
        star, calibrator = (self._measured(folder, one) for one in (self.science, self.calibrator))
        self._write(folder, self.science, self.science.file("ami-oi"), star, ("ami3",))
        self._write(folder, self.calibrator, self.calibrator.file("psf-ami-oi"), calibrator, ("ami3",))
        self._write(folder, self.science, f"{self.name}_aminorm-oi.fits", star.over(calibrator), ("ami3_normalized",))

    def _measured(self, folder: Path, exposure: Exposure) -> Measured:
        image = read_image(folder / exposure.file("calints"))
        return Measured.of([visibilities(_filled(one), exposure) for one in image.sci])

    def _write(self, folder: Path, exposure: Exposure, name: str, found: Measured, stages: tuple[str, ...]) -> None:
        meta = exposure_meta(exposure, ("detector1", "image2", *stages), "AmiOIModel", name)
        meta["date"] = isot(created(self.exposures))
        self.association.stamp(meta)
        about = {"array_name": "JWST_NRM", "instrument_name": "NIRISS", "revn": 2, "date_obs": meta["date"][:10]}
        meta["oifits"] = {
            "array_name": "JWST_NRM",
            "instrument_mode": "NRM",
            "derived": {
                "content": "OIFITS2",
                "object": exposure.observation.target.name,
                "observer": exposure.programme.pi,
                "array": {"frame": "SKY", "x": 0.0, "y": 0.0, "z": 0.0, "revn": 2},
                "target": {"revn": 2},
                "wavelength": {"instrument_name": "NIRISS", "revn": 2},
                **dict.fromkeys(("vis", "vis2", "t3", "q4"), about),
            },
        }
        hdus = to_hdus({"meta": meta} | tables(exposure, found), binning=exposure.binning)
        del hdus["SCI"]  # an image without pixels; observables have none
        save(folder / name, hdus)


def _filled(image: Floats) -> Floats:
    known = np.where(np.isfinite(image), image, 0.0)
    return np.where(np.isfinite(image), image, ndimage.median_filter(known, 3))


def tables(exposure: Exposure, found: Measured) -> Tree:
    """The tables of an OIFITS 2 file, by data-model name."""
    base = baselines(exposure)
    index = {pair: place for place, pair in enumerate(PAIRS)}
    common: list[tuple[Any, ...]] = [("TARGET_ID", "i2"), ("TIME", "f8"), ("MJD", "f8"), ("INT_TIME", "f8")]

    def table(rows: int, columns: dict[str, Any], stations: Sequence[tuple[int, ...]]) -> NDArray[Any]:
        layout = [
            *common,
            *((name, "f8") for name in columns),
            ("STA_INDEX", "i2", (len(stations[0]),)),
            ("FLAG", "i1"),
        ]
        made = np.zeros(rows, dtype=layout)
        made["TARGET_ID"], made["MJD"] = 1, mjd(exposure.start)
        made["INT_TIME"] = exposure.readout.integration_time
        for name, values in columns.items():
            made[name] = values
        made["STA_INDEX"] = np.array(stations) + 1
        return made

    pairs = {"UCOORD": base[:, 0], "VCOORD": base[:, 1]}
    first, second = (np.array([base[index[t[k], t[k + 1]]] for t in TRIANGLES]) for k in (0, 1))
    triangles = {"U1COORD": first[:, 0], "V1COORD": first[:, 1], "U2COORD": second[:, 0], "V2COORD": second[:, 1]}
    quads: dict[str, Any] = {}
    for place, (i, j) in enumerate(((0, 1), (2, 3), (0, 2), (1, 3)), start=1):
        side = np.array([base[index[q[i], q[j]]] for q in QUADS])
        quads |= {f"U{place}COORD": side[:, 0], f"V{place}COORD": side[:, 1]}
    vis = {
        "VISAMP": found.amplitude,
        "VISAMPERR": found.amplitude_err,
        "VISPHI": found.phase,
        "VISPHIERR": found.phase_err,
    }
    triple = {"T3AMP": found.triple, "T3AMPERR": 0.0, "T3PHI": found.closure, "T3PHIERR": found.closure_err}
    quad = {"Q4AMP": found.quad, "Q4AMPERR": 0.0, "Q4PHI": found.quad_phase, "Q4PHIERR": 0.0}
    return {
        "array": _array(),
        "target": _targets(exposure),
        "vis": table(21, vis | pairs, PAIRS),
        "vis2": table(21, {"VIS2DATA": found.vis2, "VIS2ERR": found.vis2_err} | pairs, PAIRS),
        "t3": table(35, triple | triangles, TRIANGLES),
        "q4": table(35, quad | quads, QUADS),
        "wavelength": _wavelengths(exposure),
    }


def _array() -> NDArray[Any]:
    layout = [("TEL_NAME", "S16"), ("STA_NAME", "S16"), ("STA_INDEX", "i2"), ("DIAMETER", "f4"), ("STAXYZ", "f8", (3,)),
              ("FOV", "f8"), ("FOVTYPE", "S6"), ("CTRS_EQT", "f8", (2,))]  # fmt: skip
    made = np.zeros(len(HOLES), dtype=layout)
    made["TEL_NAME"] = made["STA_NAME"] = HOLE_NAMES
    made["STA_INDEX"], made["DIAMETER"] = np.arange(len(HOLES)) + 1, HOLE_SIZE
    made["STAXYZ"][:, :2] = made["CTRS_EQT"] = HOLES
    made["FOV"], made["FOVTYPE"] = 2.8, "RADIUS"
    return made


def _targets(exposure: Exposure) -> NDArray[Any]:
    numbers = ("RA_ERR", "DEC_ERR", "SYSVEL")
    motion = ("PMRA", "PMDEC", "PMRA_ERR", "PMDEC_ERR")
    layout = [("TARGET_ID", "i2"), ("TARGET", "S16"), ("RAEP0", "f8"), ("DECEP0", "f8"), ("EQUINOX", "f4"),
              *((name, "f8") for name in numbers), ("VELTYP", "S8"), ("VELDEF", "S8"),
              *((name, "f8") for name in motion),
              ("PARALLAX", "f4"), ("PARA_ERR", "f4"), ("SPECTYP", "S16")]  # fmt: skip
    made = np.zeros(1, dtype=layout)
    target = exposure.observation.target
    made["TARGET_ID"], made["TARGET"] = 1, target.name[:16]
    made["RAEP0"], made["DECEP0"], made["EQUINOX"] = target.ra, target.dec, 2000.0
    made["VELTYP"], made["VELDEF"], made["SPECTYP"] = "UNKNOWN", "OPTICAL", "UNKNOWN"
    return made


def _wavelengths(exposure: Exposure) -> NDArray[Any]:
    low, high = band_of(exposure)
    made = np.zeros(1, dtype=[("EFF_WAVE", "f4"), ("EFF_BAND", "f4")])
    made["EFF_WAVE"], made["EFF_BAND"] = (low + high) / 2 * 1e-6, (high - low) * 1e-6
    return made
