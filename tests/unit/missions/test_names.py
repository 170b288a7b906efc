from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from deepfield.missions.jwst.names import parse_name, parse_optical_elements

VECTORS = Path(os.environ.get("DEEPFIELD_SHARED_DOMAIN", "../shared/domain")) / "filename_patterns.json"

EXAMPLES = {
    "jw93065002001_02101_00001_nrca1_rate.fits": (
        "exposure_product",
        "jw93065002001_02101_00001_nrca1",
        "rate",
        "fits",
    ),
    "jw00733003001_02101_00002-seg001_nrs1_o001_crfints.fits": (
        "exposure_product",
        "jw00733003001_02101_00002-seg001_nrs1",
        "crfints",
        "fits",
    ),
    "jw01023029001_02101_00004_mirimage_c1006_crf.fits": (
        "exposure_product",
        "jw01023029001_02101_00004_mirimage",
        "crf",
        "fits",
    ),
    "JW01063107001_02101_00013_NRCA3_CAL_THUMB.JPG": (
        "exposure_product",
        "jw01063107001_02101_00013_nrca3",
        "cal",
        "jpg",
    ),
    "jw01122001001_0210r_00001_nrs2_cal.fits.gz": (
        "exposure_product",
        "jw01122001001_0210r_00001_nrs2",
        "cal",
        "fits.gz",
    ),
    "jw01063107001_02101_00013_nrca3": ("exposure_root", "jw01063107001_02101_00013_nrca3", None, ""),
    "jw05893001001_02201_00001": ("dataset_root", None, None, ""),
    "jw01714001003_xx10q_00002_miri": ("planned_row", "jw01714001003_xx10q_00002_miri", None, ""),
    "jw01039-o004_t001_miri_ch3-long_x1d.fits": ("stage3_product", "jw01039-o004_t001_miri_ch3-long", "x1d", "fits"),
    "jw02123-o011_t001-s000000001_nirspec_f170lp-g235m-s200a1_x1d.fits": (
        "stage3_product",
        "jw02123-o011_t001-s000000001_nirspec_f170lp-g235m-s200a1",
        "x1d",
        "fits",
    ),
    "jw00689-o001_t001_nircam_clear-f356w_cat.ecsv": (
        "stage3_product",
        "jw00689-o001_t001_nircam_clear-f356w",
        "cat",
        "ecsv",
    ),
    "jw87600-a3001_t001_niriss_f480m-nrm_psf-ami-oi.fits": (
        "stage3_product",
        "jw87600-a3001_t001_niriss_f480m-nrm",
        "psf-ami-oi",
        "fits",
    ),
    "jw80600-o009_t001_miri_f1130w": ("stage3_root", "jw80600-o009_t001_miri_f1130w", None, ""),
    "jw00729011001_gs-id_12_image_cal.fits": ("guide_star", "jw00729011001_gs-id_12_image", "cal", "fits"),
    "jw01118005001_gs-fg_2022150070312-seg002_uncal.fits": (
        "guide_star",
        "jw01118005001_gs-fg_2022150070312-seg002",
        "uncal",
        "fits",
    ),
    "jw02560013001_01_msa.fits": ("msa", None, "msa", "fits"),
    "jw01386-c1020_20220909t073458_coron3_002a_asn.json": ("association", None, "asn", "json"),
    "jw87800_20180412T163456_pool.csv": ("pool", None, "pool", "csv"),
    "R2022083106-NRCA3_FP1-1.fits": ("wss_opd", "r2022083106-nrca3_fp1-1", "opd", "fits"),
    "SA_ZADUCMDX-20220701T000000-20220701T030000.csv": ("edb_csv", None, None, "csv"),
    "jwst_nircam_photom_0077.fits": ("crds_reference", None, None, "fits"),
    "jwst_1535.pmap": ("crds_mapping", None, None, "pmap"),
    "2022123_osf.xml": ("osf", None, None, "xml"),
    "jw01309022001_04102_00004_nrs2_assign_wcs.fits": ("other_jw_file", None, None, "fits"),
}

STRANGERS = [
    "planck_map.fits",
    "",
    "jw.fits",
    "jw1234_02101_00001_nrca1_rate.fits",
    "jw93065002001_02101_00001_nrca1_rate.fits\n",
]


@pytest.mark.parametrize("filename", EXAMPLES)
def test_a_name_tells_family_observation_suffix_and_extension(filename: str) -> None:
    parsed = parse_name(filename)

    assert parsed is not None
    assert (parsed.family, parsed.obs_id, parsed.suffix, parsed.extension) == EXAMPLES[filename]


@pytest.mark.parametrize("filename", STRANGERS)
def test_a_name_of_no_family_is_not_guessed_at(filename: str) -> None:
    assert parse_name(filename) is None


def test_fields_give_programme_visit_and_activity() -> None:
    parsed = parse_name("jw01122001001_0210r_00001_nrs2_cal.fits")

    assert parsed is not None
    assert (parsed.program, parsed.visit_id, parsed.activity) == ("1122", "01122001001", 27)


def test_wavefront_pairs_of_one_root_are_told_apart_by_activity() -> None:
    parsed = parse_name("jw01163-o010_t001_nircam_f212n-wlm8-nrca3_wfscmb-05.fits")

    assert parsed is not None
    assert parsed.suffix == "wfscmb"
    assert parsed.fields["actid"] == "05"
    assert parsed.root == "jw01163-o010_t001_nircam_f212n-wlm8-nrca3"


@pytest.mark.parametrize(
    ("token", "elements", "slit", "detector", "markers", "subarray"),
    [
        ("clear-f356w", ("f356w",), None, None, ("clear",), None),
        ("f444w-maskrnd-sub320a335r", ("f444w", "maskrnd"), None, None, (), "sub320a335r"),
        ("f170lp-g235m-s200a1", ("f170lp", "g235m"), "s200a1", None, (), None),
        ("ch3-long", ("ch3", "long"), None, None, (), None),
        ("ch1-shortmediumlong", ("ch1", "shortmediumlong"), None, None, (), None),
        ("ch1234-short", ("ch1234", "short"), None, None, (), None),
        ("f212n-wlm8-nrca3", ("f212n", "wlm8"), None, "nrca3", (), None),
        ("f480m-nrm-sub80", ("f480m", "nrm"), None, None, (), "sub80"),
        ("f335m-maskrnd-image3", ("f335m", "maskrnd"), None, None, ("image3",), None),
    ],
)
def test_optical_elements_fall_apart_into_what_they_are(
    token: str, elements: tuple, slit: str | None, detector: str | None, markers: tuple, subarray: str | None
) -> None:
    parsed = parse_optical_elements(token)

    assert (parsed.elements, parsed.slit, parsed.detector, parsed.markers, parsed.subarray) == (
        elements,
        slit,
        detector,
        markers,
        subarray,
    )


def _vectors() -> list[tuple[str, str, bool]]:
    if not VECTORS.is_file():
        return []
    patterns = json.loads(VECTORS.read_text("utf-8"))["patterns"]
    good = [(pattern["id"], name, True) for pattern in patterns for name in pattern["examples"]]
    return good + [(pattern["id"], name, False) for pattern in patterns for name in pattern["counter_examples"]]


def test_the_agreed_vectors_are_at_hand() -> None:
    if not VECTORS.is_file():
        pytest.skip(f"NO NAME VECTORS at {VECTORS}: set DEEPFIELD_SHARED_DOMAIN")
    assert len(_vectors()) > 40


@pytest.mark.parametrize(("family", "filename", "fits"), _vectors())
def test_the_grammar_passes_every_agreed_vector(family: str, filename: str, fits: bool) -> None:  # noqa: FBT001
    parsed = parse_name(filename)

    assert (parsed is not None and parsed.family == family) is fits
