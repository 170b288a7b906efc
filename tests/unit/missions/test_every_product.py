"""Every suffix and every exposure type of the mission, from a file name or a header to what the archive shows."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import pytest

from deepfield.ingest.assemble import RECOMMENDED, assemble
from deepfield.ingest.blueprint import FileFacts, identify
from deepfield.missions.jwst.tables import LEVEL_OF_STAGE, default_tables
from deepfield.model.observation import Part
from deepfield.products.header import Card, Container, Hdu, Header

TABLES = default_tables()
DOMAIN = Path(os.environ.get("DEEPFIELD_SHARED_DOMAIN", "../shared/domain"))
EXPOSURE = "jw01234001001_02101_00001_nrca1"
COMBINED = "jw01234-o001_t001_nircam_clear-f200w"
OPD = "R2022083106-NRCA3_FP1-1"
GUIDE_STAR = "jw01234001001_gs-id_1_image"
TEXT = {"cat": "ecsv", "phot": "ecsv", "whtlt": "ecsv"}
MEMBERS = [{"name": COMBINED, "members": [{"expname": f"{EXPOSURE}_cal.fits", "exptype": "science"}]}]

NAMES: dict[str, list[tuple[str, str, int | None]]] = {
    # suffix: (file name, observation, level), where the rule below does not hold
    "msa": [("jw01234001001_01_msa.fits", "jw01234001001_01_msa", None)],
    "opd": [(f"{OPD}.fits", OPD.lower(), 2)],
    "asn": [
        ("jw01234-o001_20260101t000000_image3_00001_asn.json", COMBINED, None),
        ("jw01234-o001_20220101t000000_image3_002_asn.json", COMBINED, None),
        ("jw01234-o001_20220101t000000_image3_002a_asn.json", COMBINED, None),
        ("jw01234-o001_image3_001_asn.json", COMBINED, None),
    ],
    "pool": [("jw01234_20260101t000000_pool.csv", EXPOSURE, None)],
    "stream": [(f"{GUIDE_STAR.replace('image', 'stream')[:-7]}_stream.fits", "jw01234001001_gs-id_1", 1)],
    "wfscmb": [(f"{COMBINED}-nrca3_wfscmb-02.fits", f"{COMBINED}-nrca3_wfscmb-02", 3)],
}


def vectors() -> list[tuple[str, str, str, int | None]]:
    found: list[tuple[str, str, str, int | None]] = []
    for suffix in TABLES.suffixes.values():
        listed = NAMES.get(suffix.name)
        if listed is None:
            extension = TEXT.get(suffix.name, "fits")
            listed = []
            if suffix.stage_of_exposure:
                level = LEVEL_OF_STAGE[suffix.stage_of_exposure]
                names = [f"{EXPOSURE}_{suffix.name}.{extension}"]
                if suffix.stage_of_exposure == "2c":
                    names.append(f"{EXPOSURE}_o001_{suffix.name}.{extension}")
                listed += [(name, EXPOSURE, level) for name in names]
            if suffix.stage_of_combined:
                listed.append(
                    (f"{COMBINED}_{suffix.name}.{extension}", COMBINED, LEVEL_OF_STAGE[suffix.stage_of_combined])
                )
        found += [(suffix.name, *entry) for entry in listed]
    return found


def facts_of(filename: str, **keywords: Any) -> FileFacts:
    container: Container = "fits"
    document: Any = None
    if filename.endswith("json"):
        container, document = "json", {"asn_type": "image3", "products": MEMBERS}
    elif filename.endswith("csv") and "pool" in filename:
        container, document = (
            "csv",
            {"format": "pool", "columns": [], "programs": ["1234"], "first_file": f"{EXPOSURE}_uncal.fits"},
        )
    elif filename.endswith("ecsv"):
        container, document = "ecsv", {"format": "ecsv", "meta": {}, "columns": [], "rows": 0}
    cards = tuple(Card(name.replace("_DASH_", "-"), value) for name, value in keywords.items())
    hdus = (Hdu(Part(0, "PRIMARY", kind="primary"), cards),) if container == "fits" else ()
    return identify(Header(filename, container, None, hdus, document=document), size=1, sha256="0" * 64)


@pytest.mark.parametrize(("suffix", "filename", "obs_id", "level"), vectors())
def test_every_suffix_is_filed_under_its_observation_with_its_level_and_type(
    suffix: str, filename: str, obs_id: str, level: int | None
) -> None:
    facts = facts_of(filename)

    assert (facts.verdict, facts.suffix, facts.obs_id) == ("product", suffix, obs_id)
    assert facts.calib_level == level
    assert facts.product_type == TABLES.suffixes[suffix].product_type
    assert facts.description[:1].isupper()
    found = assemble(obs_id, [facts])
    (artifact,) = [artifact for plane in found.planes for artifact in plane.artifacts]
    assert (artifact.filename, artifact.suffix, artifact.calib_level) == (filename, suffix, level)


@pytest.mark.parametrize("form", ["image", "stacked"])
@pytest.mark.parametrize("separator", ["_", "-"])
@pytest.mark.parametrize(("suffix", "level"), [("uncal", 1), ("cal", 2)])
def test_guide_star_images_are_auxiliary_in_both_spellings(form: str, separator: str, suffix: str, level: int) -> None:
    facts = facts_of(f"jw01234001001_gs-id_1_{form}{separator}{suffix}.fits")

    assert (facts.family, facts.product_type, facts.calib_level) == ("guide_star", "AUXILIARY", level)
    assert facts.visit_id == "01234001001"


@pytest.mark.parametrize("suffix", [name for name in TABLES.suffixes if name not in {*NAMES}])
def test_pictures_of_every_suffix_are_previews(suffix: str) -> None:
    root = EXPOSURE if TABLES.suffixes[suffix].stage_of_exposure else COMBINED
    for ending in ("", "_thumb"):
        facts = facts_of(f"{root}_{suffix}{ending}.jpg")
        assert (facts.product_type, facts.obs_id) == ("PREVIEW", root)


@pytest.mark.parametrize("name", sorted(TABLES.exposure_types))
def test_every_exposure_type_gives_mode_intent_kind_and_recommended_products(name: str) -> None:
    kind = TABLES.exposure_types[name]
    for series in (True, False):
        stages = TABLES.recommended_suffixes(name, time_series=series)
        for stage, suffixes in stages.items():
            root = COMBINED if stage == "3" else EXPOSURE
            keywords = {"EXP_TYPE": name, "INSTRUME": kind.instrument, "TSOVISIT": series}
            wanted = [f"{root}_{suffix}.fits" for suffix in suffixes]
            wanted = [n for n in wanted if facts_of(n).stage == stage]
            if not wanted:
                continue
            beside = [facts_of(f"{root}_{suffix}.fits", **keywords) for suffix in ("fitopt", "trapsfilled")]
            files = [facts_of(filename, **keywords) for filename in wanted]
            found = assemble(root, [*files, *(beside if root == EXPOSURE else [])])

            is_series = kind.time_series == "always" or (kind.time_series == "visit" and series)
            assert found.intent == kind.intent
            assert found.instrument_mode in kind.mode_words
            assert found.dataproduct_type == ("timeseries" if is_series else kind.dataproduct_type)
            if is_series != series and kind.time_series != "never":
                continue  # a row of the table that no such exposure can have
            picked = {a.filename for plane in found.planes for a in plane.artifacts if a.product_group == RECOMMENDED}
            expected = {facts.filename for facts in files if facts.product_type == "SCIENCE"}
            assert picked == expected or series


def test_every_row_of_the_reference_has_a_test_above() -> None:
    path = DOMAIN / "suffixes.tsv"
    if not path.is_file():
        pytest.skip(f"NO DOMAIN TABLE at {path}: set DEEPFIELD_SHARED_DOMAIN")

    def rows(name: str, column: str) -> set[str]:
        text = (DOMAIN / name).read_text("utf-8").splitlines()
        return {row[column] for row in csv.DictReader(text, delimiter="\t", quoting=csv.QUOTE_NONE)}

    spelled = {name.split(" | ")[0] for name in rows("suffixes.tsv", "suffix")}
    forms = {"image-uncal", "stacked-uncal", "image-cal", "stacked-cal", "(any)", "(any)_thumb", "log", "osf"}
    assert spelled - forms == set(TABLES.suffixes) - {"opd"}
    assert rows("exp_types.tsv", "exp_type") == set(TABLES.exposure_types)
