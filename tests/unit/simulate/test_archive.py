"""The archive as a whole: names, associations, release, repeatability, and values that cannot be."""

from __future__ import annotations

import hashlib
import json
import tomllib
from datetime import UTC, datetime, timedelta

import pytest
from astropy.io import fits

from deepfield.missions.jwst.names import parse_name
from deepfield.model.errors import InvalidValueError
from deepfield.simulate import archive, simulate
from deepfield.simulate.association import write_pool
from deepfield.simulate.modes import MODES
from deepfield.simulate.mosaic import Mosaic
from deepfield.simulate.programme import programmes
from unit.simulate.conftest import SEED

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)


def test_every_name_follows_the_grammar(plans):
    for plan in plans.values():
        for exposure in plan.exposures:
            for suffix in ("uncal", "rate", "calints", "crf", "crfints"):
                parsed = parse_name(exposure.file(suffix))
                assert parsed is not None
                assert (parsed.suffix, parsed.obs_id) == (suffix, exposure.root)
        for association in plan.associations:
            assert parse_name(association.filename).suffix == "asn"
            for product in association.products:
                whole = "_wfscmb-" in product.name  # such a product is named with its suffix
                parsed = parse_name(f"{product.name}.fits" if whole else f"{product.name}_x1d.fits")
                assert parsed.combined == association.kind.endswith("3")


def test_there_are_more_than_ten_observations_and_three_kinds_of_release(plans):
    roots = {exposure.root for plan in plans.values() for exposure in plan.exposures}
    assert len(roots) > 50
    assert {programme.release for programme in programmes("small")} == {"public", "exclusive", "soon"}


def test_pools_have_64_columns_and_one_row_for_each_exposure(plans, tmp_path):
    plan = plans["mrs"]
    write_pool(tmp_path, plan.exposures)
    lines = next(tmp_path.glob("*_pool.csv")).read_text().splitlines()
    assert len(lines) == len(plan.exposures) + 1
    assert {len(line.split("|")) for line in lines} == {64}
    row = dict(zip(lines[0].split("|"), lines[1].split("|"), strict=True))
    assert (row["EXP_TYPE"], row["CHANNEL"], row["PUPIL"]) == ("MIR_MRS", "34", "NULL")


def test_an_association_names_its_members_and_products(plans):
    document = json.loads(json.dumps(plans["imaging"].associations[0].document()))
    assert document["degraded_status"].startswith("No known degraded")
    product = document["products"][0]
    assert product["name"] == "jw90117-o001_t001_nircam_clear-f200w"
    assert len(product["members"]) == 2 * 2 * 4
    assert product["members"][0]["expname"].endswith("_cal.fits")


def test_the_same_seed_gives_the_same_bytes(plans, quasar, tmp_path):
    task = quasar.tasks[1]
    task.run(tmp_path)
    for path in tmp_path.iterdir():
        first, again = (hashlib.sha256(f.read_bytes()).hexdigest() for f in (quasar.folder / path.name, path))
        assert first == again, path.name


def test_nothing_in_a_file_depends_on_the_order_of_a_set(quasar):
    with fits.open(quasar.folder / quasar.tasks[0].exposure.file("cal")) as hdus:
        text = hdus["ASDF"].data.tobytes().split(b"\n  extensions:\n")[1].split(b"_fits_hash")[0]
    uris = [line for line in text.splitlines() if b"extension_uri" in line]
    assert len(uris) > 3
    assert uris == sorted(uris)


def test_another_seed_gives_another_sky(plans, tmp_path):
    programme = next(programme for programme in programmes("small") if programme.mode == "imaging")
    other = MODES["imaging"](programme, SEED + 1).stages[0][-1]
    same = plans["imaging"].stages[0][-1]
    assert (other.truth()[0] != same.truth()[0]).mean() > 0.5


def test_release_dates_follow_the_moment_of_the_run(tmp_path):
    archive._write_release(tmp_path, programmes("small"), NOW)
    table = tomllib.loads((tmp_path / "release.toml").read_text())["programs"]
    assert table["90117"] == {"exclusive_months": 0}
    assert table["90551"]["release"] - NOW == timedelta(days=3)
    assert table["90342"]["release"] - NOW > timedelta(days=200)


def test_a_large_mosaic_is_written_in_strips_without_seams(plans, tmp_path):
    tiles = tuple(
        exposure
        for exposure in plans["imaging"].exposures
        if exposure.detector == "NRCBLONG" and exposure.observation.number == 1
    )
    mosaic = Mosaic(tiles, 300, SEED)
    mosaic.run(tmp_path)
    with fits.open(tmp_path / f"{mosaic.name}_i2d.fits") as hdus:
        assert [hdu.name for hdu in hdus][-3:] == ["VAR_FLAT", "HDRTAB", "ASDF"]
        image = hdus["SCI"].data
        assert image.shape == (300, 300)
        assert b"shape: [300, 300]" in hdus["ASDF"].data.tobytes()
    step = abs(image[256:260].mean() - image[252:256].mean())
    assert step < 0.2 * image.mean()


@pytest.mark.parametrize("wrong", [{"size": "huge"}, {"seed": -1}, {"mosaic": 10}])
def test_impossible_wishes_are_refused_by_name(tmp_path, wrong):
    with pytest.raises(InvalidValueError, match=next(iter(wrong))):
        simulate(tmp_path / "none", **{"size": "small", "seed": 1, **wrong})
    assert not (tmp_path / "none").exists()


def test_five_instruments_observe_for_more_than_eight_programmes():
    found = programmes("small")
    assert len(found) >= 8
    assert len({programme.number for programme in found}) == len(found)
    seen = {(programme.number, observation.number) for programme in found for observation in programme.observations}
    assert len(seen) >= 25


def test_every_instrument_and_most_kinds_of_exposure_are_in_the_small_archive():
    kinds = {
        (exposure.seen.instrument, exposure.exposure_type)
        for programme in programmes("small")
        for exposure in MODES[programme.mode](programme, SEED).exposures
    }
    assert {instrument for instrument, _ in kinds} == {"NIRCAM", "NIRISS", "MIRI", "NIRSPEC", "FGS"}
    mine = {"NRC_IMAGE", "NRC_CORON", "NIS_IMAGE", "NIS_AMI", "MIR_IMAGE", "MIR_4QPM", "MIR_LYOT", "FGS_IMAGE"}
    assert mine <= {kind for _, kind in kinds}
