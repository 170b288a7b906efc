"""Cameras other than NIRCam, two at a time, moving targets, guide stars, visits that failed and earlier versions."""

from __future__ import annotations

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table

from deepfield.missions.jwst.names import parse_name
from deepfield.simulate import detector as detectors
from deepfield.simulate.guiding import GuidingStep
from deepfield.simulate.modes import MODES
from deepfield.simulate.programme import programmes
from deepfield.simulate.work import Below
from unit.simulate.conftest import SEED, run
from unit.simulate.test_imaging import centroid, wcs_of

EPOCHS, DEEP, EROS, GUIDER = 90633, 90745, 90812, 90930


@pytest.fixture(scope="module")
def cameras():
    return {
        programme.number: MODES[programme.mode](programme, SEED)
        for programme in programmes("small")
        if programme.number in {EPOCHS, DEEP, EROS, GUIDER}
    }


@pytest.fixture(scope="module")
def eros(cameras, tmp_path_factory):
    return run(tmp_path_factory.mktemp("eros"), *(task for stage in cameras[EROS].stages for task in stage))


@pytest.fixture(scope="module")
def guiding(cameras, tmp_path_factory):
    steps = [task for task in cameras[EPOCHS].stages[0] if isinstance(task, GuidingStep)]
    return run(tmp_path_factory.mktemp("guiding"), *(step for step in steps if step.name.startswith("jw90633001")))


def test_cameras_beside_each_other_look_at_once_and_elsewhere(cameras):
    prime = [one for one in cameras[DEEP].exposures if one.detector == "MIRIMAGE"]
    beside = [one for one in cameras[DEEP].exposures if one.seen.instrument == "NIRCAM"]
    assert {one.root.split("_")[1] for one in prime} == {"02101"}
    assert {one.root.split("_")[1] for one in beside} == {"02201"}
    assert {one.start for one in prime} == {one.start for one in beside}
    assert {one.visit_id for one in prime} == {one.visit_id for one in beside}
    first = SkyCoord(*prime[0].projection.crval, unit="deg")
    second = SkyCoord(*beside[0].projection.crval, unit="deg")
    assert 5 < first.separation(second).to_value(units.arcmin) < 12
    assert beside[0].differing["exposure"]["prime_parallel"] == "PARALLEL_COORDINATED"


def test_a_moving_target_stays_in_place_while_the_stars_pass(eros):
    exposures = [task.exposure for task in eros.tasks if hasattr(task, "truth")]
    assert len(exposures) == 3
    places = []
    for exposure in exposures:
        with fits.open(eros.folder / exposure.file("cal")) as hdus:
            primary, sci = hdus[0].header, hdus["SCI"].header
            assert (primary["TARGTYPE"], primary["VISITYPE"]) == ("MOVING", "PRIME_TARGETED_MOVING")
            body = sci["MT_RA"], sci["MT_DEC"]
            expected = wcs_of(sci).all_world2pix(*body, 0)
            found = centroid(hdus["SCI"].data, *expected)
            assert np.hypot(found[0] - expected[0], found[1] - expected[1]) < 0.1
            places.append(SkyCoord(*body, unit="deg"))
    hours = [(one.start - exposures[0].start).total_seconds() / 3600 for one in exposures]
    for place, time in zip(places[1:], hours[1:], strict=True):
        assert places[0].separation(place).arcsec == pytest.approx(np.hypot(212, 88) * time, rel=1e-3)


def test_the_combination_follows_the_moving_target(eros):
    with fits.open(next(eros.folder.glob("*_i2d.fits"))) as hdus:
        image = np.nan_to_num(hdus["SCI"].data)
        expected = wcs_of(hdus["SCI"].header).all_world2pix(98.4127, 22.6304, 0)
        found = centroid(image, *expected)
    assert np.hypot(found[0] - expected[0], found[1] - expected[1]) < 0.2
    half = image[round(float(found[1])) - 3 :, round(float(found[0])) - 3 :][:7, :7]
    assert half.max() > 0.5 * image[20:-20, 20:-20].max()


def test_a_failed_visit_stops_early_and_a_skipped_one_leaves_but_its_search_for_a_guide_star(cameras):
    plan = cameras[EPOCHS]
    number = {label: sum(one.observation.number == label for one in plan.exposures) for label in (1, 2, 3, 4)}
    assert number == {1: 2, 2: 1, 3: 2, 4: 0}
    failed = next(one for one in plan.exposures if one.observation.number == 2)
    assert failed.differing["visit"]["status"] == "UNSUCCESSFUL"
    assert failed.planned == 2
    steps = [task for task in plan.stages[0] if isinstance(task, GuidingStep)]
    skipped = {step.name for step in steps if step.exposure.observation.number == 4}
    assert skipped == {f"jw90633004001_gs-id_{k}_{form}" for k in (1, 2, 3) for form in ("image", "stacked")}


def test_an_earlier_version_bears_the_same_names_and_says_with_what_it_was_made(cameras, tmp_path):
    earlier = next(task for task in cameras[EPOCHS].stages[0] if isinstance(task, Below))
    run(tmp_path, earlier.task.__class__(next(iter(cameras[EPOCHS].exposures)), SEED), earlier)
    old, new = (fits.open(folder / earlier.task.exposure.file("cal")) for folder in (tmp_path / "earlier", tmp_path))
    with old, new:
        assert {path.name for path in (tmp_path / "earlier").iterdir()} <= {path.name for path in tmp_path.iterdir()}
        assert (old[0].header["CAL_VER"], new[0].header["CAL_VER"]) == ("1.20.2", "2.0.1")
        assert old[0].header["CRDS_CTX"] < new[0].header["CRDS_CTX"]
        assert old[0].header["DATE"] < new[0].header["DATE"]
        ratio = np.nanmedian(new["SCI"].data / old["SCI"].data)
        assert ratio == pytest.approx(1.024, rel=1e-4)


def test_guide_star_files_have_the_names_shapes_and_tables_of_the_mission(guiding):
    shapes = {"acq1": (6, 2, 128, 128), "acq2": (5, 2, 32, 32), "track": (20, 2, 32, 32), "fg": (60, 4, 8, 8)}
    for step in guiding.tasks:
        name = parse_name(step.file("cal"))
        assert (name.family, name.fields["function"]) == ("guide_star", step.step)
        with fits.open(guiding.folder / step.file("uncal")) as hdus:
            assert hdus["SCI"].data.dtype.name == "uint16"
            assert hdus["SCI"].data.shape == shapes.get(step.step, hdus["SCI"].data.shape)
            assert hdus[0].header["EXP_TYPE"] == step.exposure.exposure_type
            held = {hdu.name for hdu in hdus}
        wanted = {"id": "PLANNED REFERENCE STARS", "fg": "FGS CENTROID PACKET", "track": "TRACK SUBARRAY TABLE"}
        assert wanted.get(step.step, "SCI") in held


def test_the_guide_star_lies_where_the_header_puts_it_and_is_as_bright_as_its_centroid_says(guiding):
    for step in guiding.tasks:
        if step.step == "id":
            continue
        with fits.open(guiding.folder / step.file("cal")) as hdus:
            image = hdus["SCI"].data.mean(axis=0)
            header = hdus[0].header
            expected = wcs_of(hdus["SCI"].header, naxis=2).all_world2pix(header["GS_RA"], header["GS_DEC"], 0)
            whole = step.box == 8
            rows, columns = np.mgrid[: step.box, : step.box]
            near = np.hypot(columns - expected[0], rows - expected[1]) < 3.5
            light = np.where(near, image - (0 if whole else np.median(image)), 0)
            found = (light * columns).sum() / light.sum(), (light * rows).sum() / light.sum()
            assert np.hypot(found[0] - expected[0], found[1] - expected[1]) < 0.3, step.name
            if step.step == "track":
                rate = Table(hdus["FGS CENTROID PACKET"].data)["guide_star_instrument_counts_per_sec"].mean()
                gain = detectors.detector("GUIDER1").gain
                assert light.sum() * gain == pytest.approx(rate, rel=0.2)


def test_the_stacked_identification_image_repeats_the_rows_where_strips_overlap(guiding):
    image, stacked = (
        fits.getdata(guiding.folder / f"jw90633001001_gs-id_1_{form}_cal.fits", "SCI")[0]
        for form in ("image", "stacked")
    )
    assert (image.shape, stacked.shape) == ((126, 128), (144, 128))
    column = int(np.argmax(image.max(axis=0)))
    assert stacked[:, column].max() == pytest.approx(image[:, column].max(), rel=0.5)
