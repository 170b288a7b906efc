"""NIRSpec multi-object spectroscopy: slitlets of micro-shutters, nods, rectified and extracted spectra."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from deepfield.simulate import detector as detectors
from deepfield.simulate.association import Association, Product
from deepfield.simulate.distant import Source, sources
from deepfield.simulate.exposure import Dither, Exposure
from deepfield.simulate.exposure_files import planes, write_rate, write_uncal
from deepfield.simulate.header import created, exposure_meta, isot
from deepfield.simulate.pointing import Pointing, aperture
from deepfield.simulate.projection import Projection, polygon_text
from deepfield.simulate.shutters import MsaTable, metafile_name
from deepfield.simulate.sky import random
from deepfield.simulate.slit import (
    Spectrum2d,
    exposed,
    extracted_table,
    flux_scale,
    rectify,
    slit_geometry,
    slit_meta,
    stack,
    subtract_nods,
    trace,
)
from deepfield.simulate.work import Plan
from deepfield.simulate.writing import write

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from deepfield.simulate.header import Tree
    from deepfield.simulate.programme import Observation, Programme
    from deepfield.simulate.work import Task

STAGE_2 = ("detector1", "msa2")
STAGE_3 = ("detector1", "msa2", "msa3")
SPECTRUM_FACTS = (
    "name", "slitlet_id", "source_id", "source_name", "source_alias", "source_type", "stellarity",
    "source_xpos", "source_ypos", "source_ra", "source_dec", "shutter_state", "quadrant",
)  # fmt: skip
"""What the header of an extracted spectrum repeats of its slitlet's."""


def plan(programme: Programme, seed: int) -> Plan:
    """What has to be done for a programme of multi-object spectroscopy."""
    exposures = [exposure for observation in programme.observations for exposure in _exposures(programme, observation)]
    by_observation: dict[int, list[Exposure]] = defaultdict(list)
    for exposure in exposures:
        by_observation[exposure.observation.number].append(exposure)
    associations: list[Association] = []
    detector_tasks: list[Task] = []
    source_tasks: list[Task] = []
    for counter, members in enumerate(by_observation.values(), start=1):
        found = sources(members[0], seed)
        association = _association(members, found, counter)
        associations.append(association)
        detector_tasks.append(MsaTable(members[0], seed))
        for name in ("NRS1", "NRS2"):
            nods = tuple(exposure for exposure in members if exposure.detector == name)
            detector_tasks.append(MsaDetector(nods, seed))
            source_tasks += [SourceProducts(nods, one, seed, association) for one in found if one.detector == name]
    return Plan(tuple(exposures), tuple(associations), (tuple(detector_tasks), tuple(source_tasks)))


def _association(members: Sequence[Exposure], found: Sequence[Source], counter: int) -> Association:
    files = {
        name: tuple((e.file("cal"), "science") for e in members if e.detector == name) for name in ("NRS1", "NRS2")
    }
    products = tuple(Product(_root(members[0], one), files[one.detector]) for one in found)
    return Association("spec3", "Asn_Lv3NRSMSASpectral", counter, tuple(members), products)


def _root(first: Exposure, source: Source) -> str:
    return f"jw{first.programme.digits}-{first.acid}_s{source.number:09d}_nirspec_clear-prism"


def _exposures(programme: Programme, observation: Observation) -> Iterator[Exposure]:
    facts, target = observation.plan, observation.target
    reference = aperture("NIRSPEC", "NRS_FULL_MSA")
    quadrants = tuple(aperture("NIRSPEC", f"NRS_FULL_MSA{n}") for n in (1, 2, 3, 4))
    pointing = Pointing.of(reference, (target.ra, target.dec), observation.roll, (0.0, 0.0))
    start = observation.start
    for number, nod in enumerate(facts["nods"], start=1):
        for name in ("NRS1", "NRS2"):
            yield Exposure(
                programme=programme,
                observation=observation,
                visit=1,
                group=3,
                activity=1,
                number=number,
                detector=name,
                exposure_type="NRS_MSASPEC",
                template="NIRSpec MultiObject Spectroscopy",
                instrument={
                    "filter": "CLEAR",
                    "grating": "PRISM",
                    "lamp_state": "NONE",
                    "lamp_mode": "MSASPEC",
                    "focus_position": 3,
                    "msa_state": "PRIMARYPARK_CONFIG",
                    "msa_metadata_file": metafile_name(programme, observation),
                    "msa_metadata_id": 1,
                    "msa_configuration_id": facts["configuration"],
                    "gwa_xtilt": 0.33818543,
                    "gwa_ytilt": 0.0320278145,
                },
                start=start,
                dither=Dither(facts["pattern"], number, len(facts["nods"]), 0.0, 0.529 * nod),
                tile=1,
                count=number,
                planned=len(facts["nods"]),
                reference=reference,
                seen=aperture("NIRSPEC", f"{name}_FULL"),
                pointing=pointing,
                projection=Projection.north_up((2048, 2048), (target.ra, target.dec), 1e-5),
                binning=(1, 1),
                subarray="FULL",
                parts=quadrants,
            )
        start += timedelta(seconds=observation.readout.duration + 83)


def nod_of(exposure: Exposure) -> int:
    """By how many shutters the sources are moved along the slitlets."""
    return int(exposure.observation.plan["nods"][exposure.number - 1])


@dataclass(frozen=True, slots=True)
class MsaDetector:
    """Simulate the nods of one detector: ``cal``, ``s2d``, ``x1d``, and for whole frames ``uncal`` and ``rate``."""

    exposures: tuple[Exposure, ...]
    seed: int

    @property
    def name(self) -> str:
        return f"{self.exposures[0].root} and its nods"

    def sources(self) -> list[Source]:
        """The sources whose spectra fall on this detector."""
        found = sources(self.exposures[0], self.seed)
        return [one for one in found if one.detector == self.exposures[0].detector]

    def run(self, folder: Path) -> None:
        """Write the products of the exposures into ``folder``."""
        found = self.sources()
        whole = bool(self.exposures[0].observation.plan.get("frames"))
        rates = [
            self._frame(folder, exposure, found) if whole else self._slits(exposure, found)
            for exposure in self.exposures
        ]
        for place, exposure in enumerate(self.exposures):
            spectra = []
            for number, source in enumerate(found):
                others = [rates[other][number] for other in range(len(rates)) if other != place]
                spectra.append(subtract_nods(exposure, source, rates[place][number], others))
            self._write(folder, exposure, spectra)

    def _slits(self, exposure: Exposure, found: Sequence[Source]) -> list[detectors.Image]:
        return [exposed(exposure, source, nod_of(exposure), self.seed) for source in found]

    def _frame(self, folder: Path, exposure: Exposure, found: Sequence[Source]) -> list[detectors.Image]:
        device = detectors.detector(exposure.detector)
        pattern = detectors.pixels(
            device, exposure.projection.shape, self.seed, corner=(1, 1), step=(1, 1), full=(2048, 2048)
        )
        light = np.full(exposure.projection.shape, 0.002)
        places = []
        for source in found:
            geometry = slit_geometry(source)
            light[geometry.cutout] += trace(source, nod_of(exposure)) / flux_scale(exposure, geometry)
            places.append(geometry.cutout)
        rng = random(self.seed, exposure.root)
        ramp, expected = detectors.expose(light, device, pattern, exposure.readout, rng)
        rate = detectors.fit(ramp, expected, device, pattern, exposure.readout)
        write_uncal(folder, exposure, ramp, _where(exposure))
        write_rate(folder, exposure, rate, _where(exposure))
        images = []
        for source, place in zip(found, places, strict=True):
            flat = detectors.pixels(device, rate.sci.shape, self.seed, corner=(1, 1), step=(1, 1), full=(2048, 2048))
            part = detectors.Pixels(flat.flat[place], flat.flat_in_use[place], flat.dq[place])
            cut = detectors.Image(rate.sci[place], rate.dq[place], rate.var_poisson[place], rate.var_rnoise[place])
            geometry = slit_geometry(source)
            images.append(detectors.calibrate(cut, part, device, flux_scale(exposure, geometry)))
        return images

    def _write(self, folder: Path, exposure: Exposure, spectra: Sequence[Spectrum2d]) -> None:
        meta = _meta(exposure, "MultiSlitModel", exposure.file("cal"), STAGE_2)
        slits = [_cal_slit(exposure, one) for one in spectra]
        write(folder / exposure.file("cal"), {"meta": meta, "slits": slits})
        meta = _meta(exposure, "MultiSlitModel", exposure.file("s2d"), (*STAGE_2, "rectified"))
        flat = [_rectified_slit(exposure, one) for one in spectra]
        write(folder / exposure.file("s2d"), {"meta": meta, "slits": flat})
        meta = _meta(exposure, "MultiSpecModel", exposure.file("x1d"), (*STAGE_2, "extracted"))
        write(folder / exposure.file("x1d"), {"meta": meta, "spec": [_spec(exposure, one) for one in spectra]})


def _where(exposure: Exposure) -> Tree:
    """The ``meta.wcsinfo`` entries of a whole dispersed frame: the shutter array's outline."""
    sky = exposure.pointing.across(exposure.reference)
    corners = sky(np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0, 1.0]))
    return {
        "s_region": polygon_text(*corners),
        "waverange_start": 0.6e-6,
        "waverange_end": 5.3e-6,
        "dispersion_direction": 1,
    }


def _meta(exposure: Exposure, model: str, filename: str, stages: tuple[str, ...]) -> Tree:
    meta = exposure_meta(exposure, stages, model, filename)
    meta["dither"]["nod_type"] = "3-SHUTTER-SLITLET"
    meta["exposure"] |= {"nrs_normal": 16, "nrs_reference": 4, "noutputs": 5}
    return meta


def _cal_slit(exposure: Exposure, one: Spectrum2d) -> Tree:
    shape = one.image.sci.shape
    return (
        planes(one.image)
        | {
            "wavelength": one.geometry.wavelength.astype(np.float32),
            "barshadow": one.geometry.barshadow.astype(np.float32),
            "pathloss_point": np.full(shape, 0.82, np.float32),
            "pathloss_uniform": np.full(shape, 0.98, np.float32),
        }
        | slit_meta(exposure, one, with_wcs=True)
    )


def _rectified_slit(exposure: Exposure, one: Spectrum2d) -> Tree:
    tree = planes(one.image) | slit_meta(exposure, one, with_wcs=True)
    del tree["dq"]
    tree["con"] = np.ones((1, *one.image.sci.shape), np.int32)
    tree["wht"] = np.where(np.isfinite(one.image.sci), 1.0, 0.0).astype(np.float32)
    tree["wavelength"] = one.geometry.wavelength.astype(np.float32)
    return tree


def _spec(exposure: Exposure, one: Spectrum2d) -> Tree:
    facts = slit_meta(exposure, one, with_wcs=False)
    spec = {key: facts[key] for key in SPECTRUM_FACTS}
    return spec | {
        "spec_table": extracted_table(one),
        "s_region": facts["meta"]["wcsinfo"]["s_region"],
        "dispersion_direction": 1,
        "detector": exposure.detector,
    }


@dataclass(frozen=True, slots=True)
class SourceProducts:
    """Stage 3 of one source: the stacked ``s2d`` and its ``x1d``."""

    exposures: tuple[Exposure, ...]
    source: Source
    seed: int
    association: Association

    @property
    def name(self) -> str:
        return _root(self.exposures[0], self.source)

    def run(self, folder: Path) -> None:
        """Write the products of the source into ``folder``, which holds the ``cal`` files."""
        first = self.exposures[0]
        spectra = [rectify(folder / e.file("cal"), self.source, nod_of(e)) for e in self.exposures]
        one = stack(spectra)
        rectified = _rectified_slit(first, one)
        rectified["con"] = one.context
        slit = {key: value for key, value in rectified.items() if key != "meta"}
        meta = self._meta("SlitModel", "s2d") | rectified["meta"]
        meta["wcsinfo"] = self._meta("SlitModel", "s2d")["wcsinfo"] | rectified["meta"]["wcsinfo"]
        write(folder / f"{self.name}_s2d.fits", {"meta": meta, **slit})
        meta = self._meta("MultiSpecModel", "x1d")
        meta["cal_step"]["extract_1d"] = "COMPLETE"
        write(folder / f"{self.name}_x1d.fits", {"meta": meta, "spec": [_spec(first, one)]})

    def _meta(self, model: str, suffix: str) -> dict[str, Any]:
        meta = _meta(self.exposures[0], model, f"{self.name}_{suffix}.fits", STAGE_3)
        total = sum(exposure.readout.exposure_time for exposure in self.exposures)
        meta["exposure"] |= {"exposure_time": total, "effective_exposure_time": total}
        meta["date"] = isot(created(self.exposures))
        meta["observation"]["date_end"] = isot(max(exposure.end for exposure in self.exposures))
        meta["exposure"]["end_time_mjd"] = meta["exposure"]["end_time"]
        meta["resample"] = {"pointings": len(self.exposures), "weight_type": "ivm", "pixfrac": 1.0}
        self.association.stamp(meta)
        return meta
