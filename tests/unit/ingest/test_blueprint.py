from __future__ import annotations

from typing import Any

import pytest

from deepfield.ingest.assemble import assemble
from deepfield.ingest.blueprint import FileFacts, identify
from deepfield.model.observation import Part
from deepfield.products.header import Card, Hdu, Header

EXPOSURE = {
    "PROGRAM": "01234",
    "OBSERVTN": "001",
    "VISIT": "001",
    "VISITGRP": "02",
    "SEQ_ID": "1",
    "ACT_ID": "0r",
    "EXPOSURE": "3",
    "DETECTOR": "NRS1",
}


def facts_of(filename: str, *, shape: tuple[int, ...] = (), compression: Any = None, **keywords: Any) -> FileFacts:
    cards = tuple(
        Card(name.replace("_", "-") if name == "DATE_END" else name, value) for name, value in keywords.items()
    )
    hdus = [Hdu(Part(0, "PRIMARY", kind="primary"), cards)]
    if shape:
        hdus.append(Hdu(Part(1, "SCI", kind="image", shape=shape), ()))
    return identify(Header(filename, "fits", compression, tuple(hdus)), size=1, sha256="0" * 64)


@pytest.mark.parametrize(
    ("filename", "plane", "kind", "level", "stage"),
    [
        ("jw01234001001_02101_00001_nrca1_uncal.fits", "uncal", "SCIENCE", 1, "1b"),
        ("jw01234001001_02101_00001_nrca1_rateints.fits", "rate", "SCIENCE", 2, "2a"),
        ("jw01234001001_02101_00001_nrca1_i2d.fits", "cal", "SCIENCE", 2, "2b"),
        ("jw01234001001_02101_00001_nrca1_o001_crf.fits", "cal", "SCIENCE", 2, "2c"),
        ("jw01234-o001_t001_nircam_clear-f200w_i2d.fits", "product", "SCIENCE", 3, "3"),
        ("jw01234001001_02101_00001_nrca1_trapsfilled.fits", "rate", "AUXILIARY", 2, "2a"),
        ("jw01234001001_gs-fg_2022150070312_cal.fits", "cal", "AUXILIARY", 2, "2b"),
        ("jw01234001001_gs-id_2_stacked_uncal.fits", "uncal", "AUXILIARY", 1, "1b"),
        ("jw01234001001_02101_00001_nrca1_cal_thumb.jpg", "cal", "PREVIEW", 2, "2b"),
        ("jw01234001001_02101_00001_nrca1_bkg.fits", "auxiliary", "AUXILIARY", None, None),
        ("jw01234001001_01_msa.fits", "auxiliary", "AUXILIARY", None, None),
    ],
)
def test_the_name_alone_classifies_a_product(
    filename: str, plane: str, kind: str, level: int | None, stage: str | None
) -> None:
    facts = facts_of(filename)

    assert (facts.verdict, facts.known_by) == ("product", "file name")
    assert (facts.product_id, facts.product_type, facts.calib_level, facts.stage) == (plane, kind, level, stage)


def test_an_unknown_suffix_is_filed_as_auxiliary_and_said_so() -> None:
    facts = facts_of("jw01234001001_02101_00001_nrca1_bkg.fits")

    assert any("no known suffix" in note for note in facts.notes)


def test_a_foreign_name_gives_way_to_filename() -> None:
    facts = facts_of("my copy.fits", FILENAME="jw01234001001_02101_00001_nrca1_cal.fits")

    assert (facts.filename, facts.known_by) == ("jw01234001001_02101_00001_nrca1_cal.fits", "FILENAME")
    assert facts.obs_id == "jw01234001001_02101_00001_nrca1"
    assert "my copy.fits is known as" in facts.notes[0]


def test_without_any_name_the_keywords_tell_the_exposure() -> None:
    facts = facts_of("my_rate.fits", **EXPOSURE)

    assert (facts.obs_id, facts.known_by) == ("jw01234001001_0210r_00003_nrs1", "keywords")
    assert (facts.suffix, facts.calib_level) == ("rate", 2)
    assert facts.filename == "my_rate.fits"


def test_segments_are_told_apart_by_keywords() -> None:
    facts = facts_of("my_rate.fits", EXSEGNUM=2, EXSEGTOT=3, **EXPOSURE)

    assert facts.obs_id == "jw01234001001_0210r_00003-seg002_nrs1"


def test_guide_star_keywords_tell_the_end_of_the_data() -> None:
    facts = facts_of(
        "guider.fits",
        PROGRAM="01029",
        OBSERVTN="001",
        VISIT="001",
        EXP_TYPE="FGS_ACQ1",
        DATE_END="2022-05-22T18:07:46.087",
        DATAMODL="Level1bModel",
    )

    assert facts.obs_id == "jw01029001001_gs-acq1_2022142180746"
    assert (facts.suffix, facts.product_type) == ("uncal", "AUXILIARY")


def test_a_combination_without_a_name_is_known_by_its_own() -> None:
    facts = facts_of("deep_mosaic_i2d.fits", **(EXPOSURE | {"DETECTOR": "MULTIPLE"}))

    assert (facts.obs_id, facts.calib_level, facts.combined) == ("deep_mosaic", 3, True)


def test_conflicts_between_name_and_header_are_reported() -> None:
    facts = facts_of(
        "jw01234001001_02101_00001_nrca1_cal.fits",
        FILENAME="jw01234001001_02101_00002_nrca1_cal.fits",
        PROGRAM="1235",
        OBSERVTN="001",
    )

    assert facts.obs_id == "jw01234001001_02101_00001_nrca1"
    assert len(facts.notes) == 2
    assert facts.notes[1] == "PROGRAM says 01235, the file name 01234; the name is believed"


def test_data_of_another_shape_than_filename_claims_are_contributed() -> None:
    facts = facts_of(
        "combined.fits",
        shape=(320, 320),
        FILENAME="jw01386117001_03106_00001_nrcalong_calints.fits",
        DATAMODL="CubeModel",
    )

    assert (facts.obs_id, facts.calib_level, facts.product_id) == ("combined", 4, "contributed")
    assert facts.derived_from == "jw01386117001_03106_00001_nrcalong"
    assert "derived" in facts.notes[0]


@pytest.mark.parametrize(
    ("filename", "keywords"),
    [("hlsp_x_jwst_nirspec_y_v1_spec.fits", {}), ("spectrum.fits", {"HLSPID": "X", "PROPOSID": "1324"})],
)
def test_high_level_products_of_others_have_level_four(filename: str, keywords: dict[str, str]) -> None:
    facts = facts_of(filename, **keywords)

    assert (facts.calib_level, facts.product_type, facts.known_by) == (4, "SCIENCE", "contributor")
    assert facts.obs_id == filename.removesuffix(".fits")


@pytest.mark.parametrize(
    ("filename", "keywords"),
    [
        ("jwst_nircam_photom_0077.fits", {}),
        ("photom.fits", {"REFTYPE": "PHOTOM"}),
        ("jw01234001001_02101_00001_nrca1_cal.log", {}),
        ("2022123_osf.xml", {}),
    ],
)
def test_reference_files_and_the_like_are_kept(filename: str, keywords: dict[str, str]) -> None:
    facts = facts_of(filename, **keywords)

    assert facts.verdict == "kept"
    assert facts.obs_id is None
    assert facts.reason


def test_a_wavefront_map_is_an_observation_of_its_own_of_the_visit_whose_images_were_analysed() -> None:
    facts = facts_of(
        "R2022083106-NRCA3_FP1-1.fits",
        OBS_ID="V01163007001P0000000002101",
        **{"DATE-OBS": "2022-08-31", "TIME-OBS": "12:00:00.000"},
    )
    found = assemble(facts.obs_id or "", [facts])

    assert (facts.obs_id, facts.suffix, facts.product_type) == ("r2022083106-nrca3_fp1-1", "opd", "AUXILIARY")
    assert (found.proposal.id, found.visit_id, found.instrument_name) == ("1163", "01163007001", "NIRCAM")
    assert found.time is not None
    assert found.time.lower == 59822.5


def test_what_belongs_nowhere_is_refused_with_the_missing_keywords() -> None:
    facts = facts_of("something.fits", TELESCOP="JWST", PROGRAM="1234")

    assert facts.verdict == "refused"
    assert "and OBSERVTN, VISIT tell no numbers" in (facts.reason or "")


def test_packing_that_the_name_does_not_tell_is_noted() -> None:
    name = "jw01234001001_02101_00001_nrca1_cal.fits"

    packed, plain = facts_of(name, compression="gzip"), facts_of(f"{name}.gz")

    assert packed.content_type == "application/gzip"
    assert plain.content_type == "application/fits"
    assert "gzip content under a plain name" in packed.notes[0]
    assert "not compressed" in plain.notes[0]


def test_an_asdf_file_is_identified_by_its_tree() -> None:
    tree = {"meta": {"filename": "jw01234001001_02101_00001_nrca1_cal.asdf", "exposure": {"type": "NRC_IMAGE"}}}
    header = Header("renamed.asdf", "asdf", tree=tree)

    facts = identify(header, size=1, sha256="0" * 64)

    assert facts.obs_id == "jw01234001001_02101_00001_nrca1"
    assert facts.header.get("EXP_TYPE") == "NRC_IMAGE"


def association(*products: tuple[str, list[str]]) -> FileFacts:
    document = {
        "asn_type": "spec3",
        "products": [
            {"name": name, "members": [{"expname": member} for member in members]} for name, members in products
        ],
    }
    header = Header("jw01234-o001_20240101t000000_spec3_00001_asn.json", "json", document=document)
    return identify(header, size=1, sha256="0" * 64)


@pytest.mark.parametrize(
    ("product", "owner"),
    [
        ("jw01234-o001_t001_nircam_clear-f200w", "jw01234-o001_t001_nircam_clear-f200w"),
        ("jw01234001001_02101_00001_nrca1", "jw01234001001_02101_00001_nrca1"),
        ("jw01234-o001_t001_miri", "jw01234001001_02101_00001_mirifulong"),
        ("jw01234-o001_{source_id}_nirspec_f290lp-g395m", "jw01234001001_02101_00001_mirifulong"),
    ],
)
def test_an_association_is_filed_with_its_product_or_else_its_first_member(product: str, owner: str) -> None:
    facts = association((product, ["jw01234001001_02101_00001_mirifulong_cal.fits"]))

    assert (facts.obs_id, facts.product_type, facts.product_id) == (owner, "INFO", "info")


def test_an_association_of_nothing_we_know_is_kept() -> None:
    facts = association(("test_product", ["test.fits"]))

    assert (facts.verdict, facts.obs_id) == ("kept", None)
