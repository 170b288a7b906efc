"""The metadata tree of a product: what the pipeline would write about an exposure, by data-model path."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.time import Time

from deepfield.simulate.programme import read_table
from deepfield.simulate.projection import unit_vector

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from deepfield.simulate.exposure import Exposure
    from deepfield.simulate.projection import Projection

Tree = dict[str, Any]

LIGHT_SECONDS_PER_AU = 499.004784
AU_KM = 149597870.7


@cache
def _pipeline() -> dict[str, Any]:
    return read_table("pipeline.toml")


def created(exposures: Iterable[Exposure]) -> datetime:
    """The date of a product made of these exposures."""
    return max(exposure.end + timedelta(days=software(exposure)["processed_after"]) for exposure in exposures)


def software(exposure: Exposure) -> dict[str, Any]:
    """The versions under which the products of an exposure were made."""
    versions: dict[str, Any] = _pipeline()[exposure.software]
    return versions


def isot(moment: datetime) -> str:
    """A header's date and time, UTC, milliseconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}"


def mjd(moment: datetime) -> float:
    """Modified Julian date, UTC."""
    return float(Time(moment, scale="utc").mjd)


def exposure_meta(exposure: Exposure, stages: Sequence[str], model: str, filename: str) -> Tree:
    """The ``meta`` tree of a product of one exposure that went through the named pipeline stages."""
    meta: Tree = {"filename": filename, "model_type": model, "date": isot(created([exposure]))}
    meta |= _origin(exposure) | _programme(exposure) | _pointing(exposure)
    meta["instrument"] = {"name": exposure.seen.instrument, "detector": exposure.detector, **exposure.instrument}
    meta["exposure"] = _exposure(exposure)
    meta["subarray"] = _subarray(exposure)
    meta |= _times(exposure)
    if stages:
        calibrate_meta(meta, exposure, stages)
    for section, entries in exposure.differing.items():
        meta[section] |= entries
    return meta


def calibrate_meta(meta: Tree, exposure: Exposure, stages: Sequence[str]) -> None:
    """Add what the calibration pipeline leaves: versions, reference files and steps."""
    pipeline, versions = _pipeline(), software(exposure)
    meta["calibration_software_version"] = versions["cal_ver"]
    meta["calibration_software_revision"] = "RELEASE"
    instrument = exposure.seen.instrument.lower()
    names = pipeline["references"][instrument] | versions.get("references", {}).get(instrument, {})
    meta["ref_file"] = {
        "crds": {"sw_version": versions["crds_ver"], "context_used": versions["crds_ctx"]},
        **{name: {"name": f"crds://{file}" if file != "N/A" else file} for name, file in names.items()},
    }
    steps: Tree = {}
    for stage in stages:
        steps |= dict.fromkeys(pipeline["steps"][stage].get("complete", []), "COMPLETE")
        steps |= dict.fromkeys(pipeline["steps"][stage].get("skipped", []), "SKIPPED")
    meta["cal_step"] = steps


def combine_meta(meta: Tree, exposures: Sequence[Exposure]) -> None:
    """Turn the metadata of the first of several exposures into that of a product of all: times, durations, date."""
    last = max(exposures, key=lambda exposure: exposure.end)
    ends = _exposure(last)
    total = sum(exposure.readout.exposure_time for exposure in exposures)
    meta["date"] = isot(created(exposures))
    meta["observation"]["date_end"] = isot(last.end)
    meta["exposure"] |= {"exposure_time": total, "effective_exposure_time": total}
    meta["exposure"] |= {key: ends[key] for key in ("end_time", "end_time_mjd", "end_time_tdb")}


def _origin(exposure: Exposure) -> Tree:
    versions = software(exposure)
    return {
        "origin": "STSCI",
        "time_sys": "UTC",
        "time_unit": "s",
        "telescope": "JWST",
        "data_processing_software_version": versions["sdp_ver"],
        "prd_software_version": exposure.reference.database,
        "oss_software_version": versions["oss_ver"],
        "guide_star_catalog_version": versions["gsc_ver"],
        "hga_move": False,
        "compress": False,
        "coordinates": {"reference_frame": "ICRS"},
    }


def _programme(exposure: Exposure) -> Tree:
    programme, observation, target = exposure.programme, exposure.observation, exposure.observation.target
    return {
        "program": {
            "title": programme.title,
            "pi_name": programme.pi,
            "category": programme.category,
            "sub_category": "NONE",
            "science_category": programme.science_category,
            "continuation_id": 0,
        },
        "observation": {
            "date": exposure.start.date().isoformat(),
            "time": isot(exposure.start)[11:],
            "date_beg": isot(exposure.start),
            "date_end": isot(exposure.end),
            "obs_id": exposure.programmatic_id,
            "visit_id": exposure.visit_id,
            "program_number": programme.digits,
            "observation_number": f"{observation.number:03d}",
            "visit_number": f"{exposure.visit:03d}",
            "visit_group": f"{exposure.group:02d}",
            "sequence_id": "1",
            "activity_id": exposure.activity_id,
            "exposure_number": str(exposure.number),
            "bkgdtarg": bool(observation.plan.get("background", False)),
            "template": exposure.template,
            "observation_label": observation.label,
        },
        "visit": {
            "engineering_quality": "OK",
            "engdb_pointing_quality": "CALCULATED_TRACK_TR_202111",
            "type": "PRIME_TARGETED_FIXED",
            "start_time": f"{exposure.start - timedelta(minutes=23):%Y-%m-%d %H:%M:%S}.0000000",
            "status": "SUCCESSFUL",
            "total_exposures": exposure.planned,
            "internal_target": False,
            "too_visit": False,
            "tsovisit": exposure.time_series,
            "exp_only": False,
            "crowded_field": False,
        },
        "target": {
            "proposer_name": target.name,
            "catalog_name": target.catalogue_name,
            "type": "FIXED",
            "category": target.category,
            "description": target.description,
            "ra": target.ra,
            "dec": target.dec,
            "ra_uncertainty": 0.1,
            "dec_uncertainty": 0.1,
            "proper_motion_ra": 0.0,
            "proper_motion_dec": 0.0,
            "proposer_ra": target.ra,
            "proposer_dec": target.dec,
            "source_type_apt": "UNKNOWN",
        },
    }


def _exposure(exposure: Exposure) -> Tree:
    readout = exposure.readout
    begin, end = mjd(exposure.start), mjd(exposure.end)
    middle = (begin + end) / 2
    light = _barycentric(exposure, middle)[0] / 86400
    return _segment(exposure) | {
        "count": exposure.count,
        "prime_parallel": "PRIME",
        "type": exposure.exposure_type,
        "start_time": begin,
        "mid_time": middle,
        "end_time": end,
        "start_time_mjd": begin,
        "mid_time_mjd": middle,
        "end_time_mjd": end,
        "start_time_tdb": begin + light,
        "mid_time_tdb": middle + light,
        "end_time_tdb": end + light,
        "readpatt": readout.pattern,
        "nints": readout.integrations,
        "ngroups": readout.groups,
        "nframes": readout.frames,
        "frame_divisor": readout.frames,
        "groupgap": readout.gap,
        "drop_frames1": 0,
        "drop_frames3": 0,
        "nsamples": 1,
        "sample_time": 10.0,
        "frame_time": readout.frame_time,
        "group_time": readout.group_time,
        "integration_time": readout.integration_time,
        "exposure_time": readout.exposure_time,
        "effective_exposure_time": readout.exposure_time,
        "elapsed_exposure_time": readout.duration,
        "duration": readout.duration,
        "nresets_at_start": 1,
        "nresets_between_ints": 1,
        "zero_frame": False,
        "data_problem": False,
        "clock_adjust_rate": 0.0,
        "gain_factor": 1.0,
    }


def _segment(exposure: Exposure) -> Tree:
    part = exposure.segment
    if part is None:
        return {}
    return {
        "segment_number": part.number,
        "segment_total": part.total,
        "integration_start": part.first,
        "integration_end": part.last,
    }


def _subarray(exposure: Exposure) -> Tree:
    return {
        "name": exposure.subarray,
        "xstart": exposure.seen.corner[0],
        "ystart": exposure.seen.corner[1],
        "xsize": exposure.seen.size[0],
        "ysize": exposure.seen.size[1],
        "fastaxis": 1,
        "slowaxis": 2,
    }


def _pointing(exposure: Exposure) -> Tree:
    pointing, seen, dither = exposure.pointing, exposure.seen, exposure.dither
    ra_ref, dec_ref = (float(v) for v in pointing.to_sky(np.array(seen.v2_ref), np.array(seen.v3_ref)))
    ra_v1, dec_v1 = (float(v) for v in pointing.to_sky(np.array(0.0), np.array(0.0)))
    roll = pointing.roll_at(seen.v2_ref, seen.v3_ref)
    return {
        "aperture": {
            "name": exposure.reference.name,
            "pps_name": exposure.reference.name,
            "position_angle": (roll + seen.y_angle) % 360,
        },
        "pointing": {"ra_v1": ra_v1, "dec_v1": dec_v1, "pa_v3": pointing.roll_at(0.0, 0.0)},
        "velocity_aberration": {"scale_factor": 1.0, "va_ra_ref": ra_ref, "va_dec_ref": dec_ref},
        "dither": {
            "primary_type": dither.pattern,
            "position_number": dither.number,
            "total_points": dither.total,
            "x_offset": dither.x,
            "y_offset": dither.y,
        },
        "wcsinfo": {
            "v2_ref": seen.v2_ref,
            "v3_ref": seen.v3_ref,
            "v3yangle": seen.y_angle,
            "vparity": seen.parity,
            "ra_ref": ra_ref,
            "dec_ref": dec_ref,
            "roll_ref": roll,
        },
        "guidestar": _guide_star(exposure, ra_v1, dec_v1),
    }


def _guide_star(exposure: Exposure, ra: float, dec: float) -> Tree:
    begin = exposure.start - timedelta(minutes=14)
    return {
        "gs_order": 1,
        "gs_start_time": f"{begin:%Y-%m-%d %H:%M:%S}.0000000",
        "gs_stop_time": f"{begin + timedelta(minutes=4):%Y-%m-%d %H:%M:%S}.0000000",
        "gs_id": f"S{exposure.programme.number % 90000:04d}{exposure.observation.number:06d}",
        "gs_ra": ra,
        "gs_dec": dec,
        "gs_mag": 15.1,
        "gs_v3_pa_science": exposure.observation.roll,
        "gs_pcs_mode": "FINEGUIDE",
        "visit_end_time": f"{exposure.end + timedelta(minutes=9):%Y-%m-%d %H:%M:%S}.0000000",
    }


def _orbit(middle: float) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Position (km) and velocity (km/s) of JWST about the barycentre: a circle at 1.01 au, good to a percent."""
    phase = 2 * np.pi * (middle - 60575.0) / 365.25636
    tilt = np.radians(23.4393)
    along = np.array([np.cos(phase), np.sin(phase) * np.cos(tilt), np.sin(phase) * np.sin(tilt)])
    ahead = np.array([-np.sin(phase), np.cos(phase) * np.cos(tilt), np.cos(phase) * np.sin(tilt)])
    return along * 1.01 * AU_KM, ahead * 30.08


def _barycentric(exposure: Exposure, middle: float) -> tuple[float, float]:
    """Light-travel correction in seconds and velocity towards the target in m/s."""
    position, velocity = _orbit(middle)
    direction = unit_vector(exposure.observation.target.ra, exposure.observation.target.dec)
    return float(position @ direction / AU_KM * LIGHT_SECONDS_PER_AU), float(velocity @ direction * 1000)


def _times(exposure: Exposure) -> Tree:
    begin, end = mjd(exposure.start), mjd(exposure.end)
    middle = (begin + end) / 2
    position, velocity = _orbit(middle)
    light = _barycentric(exposure, middle)[0]
    earth = position * (1 - 1 / 1.01) * 1000
    names = ("x", "y", "z")
    ephemeris: Tree = {"reference_frame": "EME2000", "type": "Predicted", "time": middle}
    ephemeris |= {f"spatial_{n}_bary": float(v) for n, v in zip(names, position, strict=True)}
    ephemeris |= {f"spatial_{n}_geo": float(v) for n, v in zip(names, earth, strict=True)}
    ephemeris |= {f"velocity_{n}_bary": float(v) for n, v in zip(names, velocity, strict=True)}
    barycentric = {
        "barycentric_correction": light,
        "barycentric_expstart": begin + light / 86400,
        "barycentric_expmid": middle + light / 86400,
        "barycentric_expend": end + light / 86400,
    }
    return {"ephemeris": ephemeris, "time": barycentric}


def celestial(projection: Projection) -> Tree:
    """The ``meta.wcsinfo`` entries of an image's projection, footprint included."""
    return {name.lower(): value for name, value in projection.cards().items()} | {"s_region": projection.s_region}


def photometry(flux_scale: float, projection: Projection) -> Tree:
    """The ``meta.photometry`` entries: ``flux_scale`` is PHOTMJSR; the pixel area is that of the file's pixels."""
    area = (projection.scale * 3600) ** 2
    return {
        "conversion_megajanskys": flux_scale,
        "conversion_microjanskys": flux_scale * 1e12 / 206264.806**2,
        "pixelarea_arcsecsq": area,
        "pixelarea_steradians": area / 206264.806**2,
    }
