"""Time series of spectra: a transiting planet through NIRISS, NIRSpec, NIRCam and MIRI, in segments.

Each exposure is split over files on the borders of integrations; stage 3 puts them together again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.table import QTable

from deepfield.simulate import extraction
from deepfield.simulate.association import Association, Product, stage_two
from deepfield.simulate.detector import DO_NOT_USE, OUTLIER, Image
from deepfield.simulate.dispersed import (
    calibrated,
    expose_series,
    extract,
    known_median,
    pattern_of,
    pixel_area,
    through_of,
    turned,
    unit_scale,
    where,
)
from deepfield.simulate.disperser import jansky_scale, profile, traces
from deepfield.simulate.exposure import Dither, Exposure, Segment
from deepfield.simulate.exposure_files import (
    integration_times,
    planes,
    read_image,
    write_rate,
    write_rateints,
    write_uncal,
)
from deepfield.simulate.header import created, exposure_meta, isot
from deepfield.simulate.pointing import Pointing, aperture
from deepfield.simulate.projection import Projection
from deepfield.simulate.transit import system
from deepfield.simulate.work import Plan
from deepfield.simulate.writing import write

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from deepfield.simulate.disperser import Trace
    from deepfield.simulate.header import Tree
    from deepfield.simulate.programme import Observation, Programme
    from deepfield.simulate.work import Task

    Floats = NDArray[np.float64]

OUTLIER_SIGMAS = 5.0
MODEL_ERROR = 0.03
"""The share by which a pixel may differ from the scaled median because colours change during a transit."""
TIMES = {
    "MJD-BEG": "int_start_MJD_UTC", "MJD-AVG": "int_mid_MJD_UTC", "MJD-END": "int_end_MJD_UTC",
    "TDB-BEG": "int_start_BJD_TDB", "TDB-MID": "int_mid_BJD_TDB", "TDB-END": "int_end_BJD_TDB",
}  # fmt: skip
"""Columns of a series of spectra, and those of INT_TIMES that they repeat."""


def plan(programme: Programme, seed: int) -> Plan:
    """What has to be done for a programme of spectroscopic time series."""
    exposures: list[Exposure] = []
    associations: list[Association] = []
    first: list[Task] = []
    second: list[Task] = []
    for counter, observation in enumerate(programme.observations, start=1):
        parts = tuple(segments(programme, observation))
        exposures += parts
        association = series_association(parts, counter)
        associations += [
            stage_two(part, "tso-spec2", "Asn_Lv2SpecTSO", len(exposures) - len(parts) + number, suffix="rateints")
            for number, part in enumerate(parts, start=1)
        ]
        associations.append(association)
        first += [SeriesSegment(part, seed) for part in parts]
        second.append(SeriesProducts(parts, association))
    return Plan(tuple(exposures), tuple(associations), (tuple(first), tuple(second)))


def series_association(parts: tuple[Exposure, ...], counter: int) -> Association:
    """The stage-3 association of all segments of a time series."""
    members = tuple((part.file("calints"), "science") for part in parts)
    return Association("tso3", "Asn_Lv3TSO", counter, parts, (Product(series_name(parts[0]), members),))


def series_name(first: Exposure) -> str:
    """The root of the stage-3 products of a time series."""
    facts = first.observation.plan
    target = first.observation.target.number
    return f"jw{first.programme.digits}-{first.acid}_t{target:03d}_{first.seen.instrument.lower()}_{facts['elements']}"


def segments(programme: Programme, observation: Observation) -> Iterator[Exposure]:
    """The segments of an observation's one exposure, each with its share of the integrations."""
    facts, target = observation.plan, observation.target
    reference = aperture(facts["instrument"], facts["aperture"])
    seen = replace(reference, corner=tuple(facts["corner"]), size=tuple(facts["size"]))
    columns, rows = facts["binning"]
    shape = (facts["size"][1] // rows, facts["size"][0] // columns)
    total = facts["segments"]
    borders = np.linspace(0, observation.readout.integrations, total + 1).astype(int)
    for number in range(1, total + 1):
        yield Exposure(
            programme=programme,
            observation=observation,
            visit=1,
            group=4,
            activity=1,
            number=1,
            detector=facts["detector"],
            exposure_type=facts["exposure_type"],
            template=facts["template"],
            instrument=facts["settings"],
            start=observation.start,
            dither=Dither("NONE", 1, 1, 0.0, 0.0),
            tile=1,
            count=1,
            planned=1,
            reference=reference,
            seen=seen,
            pointing=Pointing.of(reference, (target.ra, target.dec), observation.roll, (0.0, 0.0)),
            projection=Projection.north_up(shape, (target.ra, target.dec), 1e-5),
            binning=(columns, rows),
            subarray=facts["subarray"],
            segment=Segment(number, total, int(borders[number - 1]) + 1, int(borders[number])),
        )


def seconds_from_middle(exposure: Exposure) -> Floats:
    """The middles of a segment's integrations, in seconds from the middle of the transit."""
    numbers = np.array(exposure.integrations)
    readout = exposure.readout
    since = (numbers - 1) * readout.cadence + readout.integration_time / 2
    return np.asarray(since - float(exposure.observation.plan["middle"]) * readout.duration)


def spectral_meta(exposure: Exposure, model: str, filename: str, orders: Sequence[Trace], *stages: str) -> Tree:
    """The metadata of a product of a spectroscopic time series."""
    meta = exposure_meta(exposure, stages, model, filename)
    meta["wcsinfo"] |= where(exposure, orders)
    meta["target"]["source_type"] = meta["target"]["source_type_apt"] = "POINT"
    return meta


@dataclass(frozen=True, slots=True)
class SeriesSegment:
    """Simulate one segment: ``uncal``, ``rate``, ``rateints``, ``calints`` and ``x1dints``."""

    exposure: Exposure
    seed: int

    @property
    def name(self) -> str:
        return self.exposure.root

    def light(self) -> Floats:
        """What falls on the detector, DN/s, shape (integrations, rows, columns)."""
        exposure = self.exposure
        through = through_of(exposure)
        planet = system(exposure.observation.target.field)
        rows = turned(np.empty(exposure.projection.shape), through.axis).shape[0]
        total: Any = through.sky
        for one in traces(through, exposure):
            rate = np.nan_to_num(planet.spectrum(one.wavelength) / jansky_scale(exposure, through, one))
            left = np.nan_to_num(planet.left(seconds_from_middle(exposure), one.wavelength), nan=1.0)
            share = profile(through, one, rows, exposure.binning[2 - through.axis])
            total = total + share[None] * (rate * left)[:, None, :]
        return np.asarray(turned(total, through.axis))

    def run(self, folder: Path) -> None:
        """Write the products of the segment into ``folder``."""
        exposure = self.exposure
        orders = traces(through_of(exposure), exposure)
        pattern = pattern_of(exposure, self.seed)
        ramp, rates, rate = expose_series(exposure, self.light(), pattern, self.seed)
        cal = calibrated(exposure, rates, pattern, unit_scale(exposure, orders))
        steps = str(exposure.observation.plan["steps"])
        about = where(exposure, orders)
        detector1 = "detector1_miri" if exposure.seen.instrument == "MIRI" else "detector1"
        write_uncal(folder, exposure, ramp, about)
        write_rate(folder, exposure, rate, about, detector1)
        write_rateints(folder, exposure, rates, about, detector1)
        meta = spectral_meta(
            exposure, exposure.observation.plan["model"], exposure.file("calints"), orders, detector1, steps
        )
        write_calints(folder, exposure, cal, orders, meta)
        meta = spectral_meta(
            exposure, "TSOMultiSpecModel", exposure.file("x1dints"), orders, detector1, steps, "spectra"
        )
        tables = [series_table(exposure, extract(exposure, cal, orders, one)) for one in orders]
        write_series(folder / exposure.file("x1dints"), [exposure], meta, orders, tables)


def write_calints(folder: Path, exposure: Exposure, cal: Image, orders: Sequence[Trace], meta: Tree) -> None:
    """Write calibrated integrations under the name in ``meta``: ``calints``, or ``crfints`` with outliers flagged."""
    facts, through = exposure.observation.plan, through_of(exposure)
    area = pixel_area(exposure)
    meta |= {"bunit_data": facts["unit"], "bunit_err": facts["unit"]}
    meta["photometry"] = {"pixelarea_steradians": area, "pixelarea_arcsecsq": area * 206264.806**2}
    tree = {"meta": meta, "int_times": integration_times(exposure, meta)} | planes(cal)
    if len(orders) == 1:
        shape = turned(np.empty(exposure.projection.shape), through.axis).shape
        tree["wavelength"] = turned(np.broadcast_to(orders[0].wavelength, shape), through.axis).astype(np.float32)
    write(folder / meta["filename"], tree, binning=exposure.binning)


def series_table(exposure: Exposure, columns: dict[str, Any]) -> Any:
    """The table of an order of a segment: one row an integration, with its times."""
    numbers = np.array(exposure.integrations)
    length = columns["WAVELENGTH"].shape[-1]
    times = integration_times(exposure, exposure_meta(exposure, (), "CubeModel", ""))
    spectra = {name: np.broadcast_to(column, (numbers.size, length)) for name, column in columns.items()}
    segment = exposure.segment.number if exposure.segment else 1
    return extraction.table(
        {"INT_NUM": numbers}
        | spectra
        | {"N_ALONGDISP": np.full(numbers.size, length), "SEGMENT": np.full(numbers.size, segment)}
        | {name: times[column] for name, column in TIMES.items()}
    )


def write_series(
    path: Path, parts: Sequence[Exposure], meta: Tree, orders: Sequence[Trace], tables: Sequence[Any]
) -> None:
    """Write series of spectra, one extension an order."""
    first = parts[0]
    target = first.observation.target
    spec = [
        {
            "spec_table": table,
            "source_type": "POINT",
            "source_id": 1,
            "source_name": target.name,
            "source_ra": target.ra,
            "source_dec": target.dec,
            "s_region": meta["wcsinfo"]["s_region"],
            "spectral_order": one.order.number,
            "dispersion_direction": through_of(first).axis,
            "detector": first.detector,
            "name": str(first.instrument.get("fixed_slit", "N/A")),
        }
        for one, table in zip(orders, tables, strict=True)
    ]
    times = np.concatenate([integration_times(part, exposure_meta(part, (), "CubeModel", "")) for part in parts])
    write(path, {"meta": meta, "spec": spec, "int_times": times}, binning=first.binning)


def flag_outliers(cal: Sequence[Image]) -> list[tuple[Image, Floats]]:
    """The images of all segments with what stands out in time flagged and blanked, and what was expected there.

    Each integration is compared with the median of all, scaled by the light it holds above the sky.
    """
    sci = np.concatenate([one.sci for one in cal])
    err = np.concatenate([one.err for one in cal])
    sky = known_median(sci, axis=(1, 2))[:, None, None]
    typical = known_median(sci - sky, axis=0)
    usual = np.nan_to_num(typical)
    bright = (np.nan_to_num(sci - sky) * usual).sum(axis=(1, 2)) / (usual**2).sum()
    expected = sky + bright[:, None, None] * typical
    far = np.abs(sci - expected) > OUTLIER_SIGMAS * np.hypot(err, MODEL_ERROR * usual)
    flagged, begin = [], 0
    for one in cal:
        part = slice(begin, begin + one.sci.shape[0])
        begin = part.stop
        dq = np.where(far[part], one.dq | OUTLIER | DO_NOT_USE, one.dq).astype(np.uint32)
        flagged.append((replace(one, dq=dq, sci=np.where(far[part], np.nan, one.sci)), expected[part]))
    return flagged


@dataclass(frozen=True, slots=True)
class SeriesProducts:
    """Stage 3 of a time series: ``crfints`` of each segment, all spectra in one ``x1dints``, and ``whtlt``."""

    parts: tuple[Exposure, ...]
    association: Association

    @property
    def name(self) -> str:
        return series_name(self.parts[0])

    def run(self, folder: Path) -> None:
        """Write the products into ``folder``, which holds the ``calints`` files."""
        cal = [read_image(folder / part.file("calints")) for part in self.parts]
        first = self.parts[0]
        orders = traces(through_of(first), first)
        steps = self._steps()
        rows: list[list[Any]] = [[] for _ in orders]
        for part, (flagged, _) in zip(self.parts, flag_outliers(cal), strict=True):
            meta = spectral_meta(part, part.observation.plan["model"], part.file("crfints"), orders, *steps)
            self.association.stamp(meta)
            write_calints(folder, part, flagged, orders, meta)
            for place, one in enumerate(orders):
                rows[place].append(series_table(part, extract(part, flagged, orders, one)))
        tables = [np.concatenate(parts) for parts in rows]
        path = folder / f"{self.name}_x1dints.fits"
        meta = spectral_meta(first, "TSOMultiSpecModel", path.name, orders, *steps, "series3")
        meta["date"] = isot(created(self.parts))
        meta["exposure"] |= {"integration_start": 1, "integration_end": first.readout.integrations}
        for key in ("segment_number", "segment_total"):
            del meta["exposure"][key]
        self.association.stamp(meta)
        write_series(path, self.parts, meta, orders, tables)
        white_light(first, orders, tables).write(
            folder / f"{self.name}_whtlt.ecsv", format="ascii.ecsv", overwrite=True
        )

    def _steps(self) -> tuple[str, str, str]:
        first = self.parts[0]
        detector1 = "detector1_miri" if first.seen.instrument == "MIRI" else "detector1"
        return detector1, str(first.observation.plan["steps"]), "tso3"


def table_meta(exposure: Exposure) -> dict[str, Any]:
    """What the header of a light curve repeats of the observation."""
    return {
        "instrument": exposure.seen.instrument,
        "detector": exposure.detector,
        "exp_type": exposure.exposure_type,
        "subarray": exposure.subarray,
        "filter": exposure.instrument.get("filter"),
        "pupil": exposure.instrument.get("pupil"),
        "target_name": exposure.observation.target.catalogue_name,
    }


def white_light(first: Exposure, orders: Sequence[Trace], tables: Sequence[Any]) -> QTable:
    """The white-light curve: the sum of each order's fluxes at the middle of each integration."""
    curve = QTable(meta=table_meta(first))
    curve["MJD_UTC"], curve["BJD_TDB"] = tables[0]["MJD-AVG"], tables[0]["TDB-MID"]
    for one, table in zip(orders, tables, strict=True):
        name = "whitelight_flux" if len(orders) == 1 else f"whitelight_flux_order_{one.order.number}"
        curve[name] = np.nansum(table["FLUX"], axis=1)
    return curve
