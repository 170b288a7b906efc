from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from deepfield.missions.jwst.names import parse_name
from deepfield.missions.jwst.tables import LEVEL_OF_STAGE, JwstTables, default_tables
from deepfield.model.errors import ConfigurationError
from support.tables import override

DOMAIN = Path(os.environ.get("DEEPFIELD_SHARED_DOMAIN", "../shared/domain"))


@pytest.fixture(scope="module")
def tables() -> JwstTables:
    return default_tables()


def rows_of(name: str) -> list[dict[str, str]]:
    """Read a table of the domain reference, against which ours is held."""
    path = DOMAIN / name
    if not path.is_file():
        pytest.skip(f"NO DOMAIN TABLE at {path}: set DEEPFIELD_SHARED_DOMAIN")
    return list(csv.DictReader(path.read_text("utf-8").splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))


def test_a_suffix_has_its_level_by_where_it_stands(tables: JwstTables) -> None:
    i2d = tables.suffixes["i2d"]

    assert LEVEL_OF_STAGE[i2d.stage(combined=False)] == 2
    assert LEVEL_OF_STAGE[i2d.stage(combined=True)] == 3
    assert tables.suffixes["crf"].stage(combined=False) == "2c"


def test_levels_and_types_agree_with_the_reference(tables: JwstTables) -> None:
    for row in rows_of("suffixes.tsv"):
        suffix = tables.suffixes.get(row["suffix"])
        if suffix is None or not row["caom_calib_level"]:
            continue
        levels = {LEVEL_OF_STAGE[stage] for stage in (suffix.stage_of_exposure, suffix.stage_of_combined) if stage}
        assert {int(level) for level in row["caom_calib_level"].split("|")} == levels, row["suffix"]
        assert suffix.product_type == row["products_product_type"]


def test_bands_agree_with_the_reference(tables: JwstTables) -> None:
    checked = 0
    for row in rows_of("filters.tsv"):
        if " order " in row["element"]:
            continue
        element = row["element"].replace("/", ";") + (";MIRROR" if "MIRROR" in row["fits_keywords"] else "")
        kind = "MIR_LRS-SLITLESS" if "slitless" in row["kind"] else None
        band = tables.band(row["instrument"], element, kind)
        assert band is not None, element
        assert (band.lower_um, band.upper_um) == (float(row["em_min_um"]), float(row["em_max_um"])), element
        checked += 1
    assert checked > 80


def test_exposure_types_agree_with_the_reference(tables: JwstTables) -> None:
    for row in rows_of("exp_types.tsv"):
        found = tables.exposure_types[row["exp_type"]]
        assert found.instrument == row["instrument"]
        assert found.intent == row["intent"]
        assert found.dataproduct_type == row["dataproduct_type"].split(" ")[0]
        assert list(found.mode_words) == row["mast_instrument_name"].replace(" ", "").split("|")


def test_recommended_products_agree_with_the_reference(tables: JwstTables) -> None:
    columns = {
        "3": "mrp_if_stage3",
        "2b": "mrp_if_only_stage2b",
        "2a": "mrp_if_only_stage2a",
        "1b": "mrp_if_only_stage1b",
    }
    for row in rows_of("mrdp.tsv"):
        series = {"TSOVISIT=T": (True,), "TSOVISIT=F": (False,)}.get(row["tso"], (True, False))
        for time_series in series:
            found = tables.recommended_suffixes(row["exp_type"], time_series=time_series)
            for stage, column in columns.items():
                expected = () if row[column] in {"", "(never)"} else tuple(row[column].split(","))
                assert found[stage] == expected, row["exp_type"]


def test_dq_flags_agree_with_the_reference(tables: JwstTables) -> None:
    for row in rows_of("dq_flags.tsv"):
        if row["bit"]:
            flag = tables.dq_flags[row["name"]]
            assert (flag.value, flag.former_name or "") == (int(row["value"]), row["former_name"])
    assert len(tables.dq_flags) == 32


def test_fgs_images_are_filed_by_guider(tables: JwstTables) -> None:
    image = tables.exposure_types["FGS_IMAGE"]

    assert [image.mode_word(detector) for detector in ("GUIDER1", "GUIDER2", None)] == [
        "FGS/FGS1",
        "FGS/FGS2",
        "FGS/FGS1",
    ]


def test_an_operator_overrules_rows_and_adds_new_ones(tmp_path: Path) -> None:
    columns = "suffix\tstage_of_exposure\tstage_of_combined\tproduct_type\tin_use\tconfirmed\tcontent"
    (tmp_path / "suffixes.tsv").write_text(
        f"{columns}\nsegm\t-\t3\tAUXILIARY\tcurrent\tyes\tsegmentation map\nnewone\t2b\t-\tSCIENCE\tcurrent\tyes\tnew product\n"
    )

    tables = JwstTables.load(tmp_path)
    parsed = parse_name("jw01234001001_02101_00001_nrca1_newone.fits", tables)

    assert tables.suffixes["segm"].product_type == "AUXILIARY"
    assert tables.suffixes["cal"] == default_tables().suffixes["cal"]
    assert parsed is not None
    assert (parsed.family, parsed.suffix) == ("exposure_product", "newone")


def test_a_wrong_operators_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "suffixes.tsv").write_text("suffix\tstage\ncal\t2b\n")
    with pytest.raises(ConfigurationError, match=r"suffixes\.tsv lacks the columns"):
        JwstTables.load(tmp_path)

    (tmp_path / "suffixes.tsv").unlink()
    (tmp_path / "keywords.toml").write_text("not toml")
    with pytest.raises(ConfigurationError, match="not TOML"):
        JwstTables.load(tmp_path)


def test_every_keyword_field_names_a_known_transform(tables: JwstTables) -> None:
    from deepfield.ingest.testimony import TRANSFORMS

    assert {source.transform or "as_is" for source in tables.keywords.values()} <= set(TRANSFORMS)


F200W = {"instrument": "NIRCAM", "element": "F200W"}
IMAGE = {"exposure_type": "NRC_IMAGE"}


@pytest.mark.parametrize(
    ("name", "where", "changes", "says"),
    [
        ("bands.tsv", F200W, {"lower_um": "short"}, r"line 2: lower_um is 'short'; expected a positive number"),
        ("bands.tsv", F200W, {"lower_um": "nan"}, r"expected a positive number"),
        ("bands.tsv", F200W, {"upper_um": "0.1"}, r"upper_um is '0\.1'; expected more than lower_um, 1\.75"),
        ("bands.tsv", F200W, {"instrument": "NIRCAMM"}, r"expected one of FGS, MIRI, NIRCAM"),
        ("bands.tsv", F200W, {"exposure_types": "NRC_IMG"}, r"'NRC_IMG'; expected known values; did you mean"),
        ("recommended.tsv", IMAGE, {"stage_3": "i2d,catt"}, r"stage_3 is 'catt'; .* did you mean 'cat'\?"),
        ("recommended.tsv", IMAGE, {"exposure_type": "NRC_IMAG"}, r"did you mean 'NRC_IMAGE'\?"),
        ("recommended.tsv", IMAGE, {"time_series": "maybe"}, r"expected one of any, no, yes"),
        ("suffixes.tsv", {"suffix": "rate"}, {"product_type": "RATE"}, r"expected one of AUXILIARY, CALIBRATION"),
        ("exposure_types.tsv", IMAGE, {"dataproduct_type": "picture"}, r"expected one of catalog, cube"),
        ("exposure_types.tsv", IMAGE, {"intent": ""}, r"intent is ''; expected a value"),
        ("dq_flags.tsv", {"name": "SATURATED"}, {"bit": "32"}, r"expected a whole number below 32"),
    ],
)
def test_a_wrong_row_of_an_operator_is_told_with_its_place_and_what_would_be_right(
    tmp_path: Path, name: str, where: dict[str, str], changes: dict[str, str], says: str
) -> None:
    folder = override(tmp_path / "tables", name, where, **changes)
    with pytest.raises(ConfigurationError, match=says) as error:
        JwstTables.load(folder)
    assert str(folder / name) in str(error.value)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("band.tsv", "", r"did you mean 'bands\.tsv'\?"),
        ("bands.tsv", "a\tb\n", "lacks the columns"),
        ("resolving.tsv", "instrument\telement\tresolving_power\tconfirmed\nMIRI\tMRS\t9\n", "line 2 has 3 cells"),
        ("keywords.toml", '[field."target.nme"]\nkeywords = ["A"]\n', r"did you mean 'target\.name'\?"),
        ("keywords.toml", '[field."target.name"]\nkeywords = "A"\n', "expected a list of keywords"),
        ("keywords.toml", '[field."target.name"]\nkeywords = ["A"]\ntransform = "nam"\n', "expected one of"),
        ("main_products.toml", '[image]\nproduct = ["i2dd"]\n', r"did you mean 'i2d'\?"),
        ("names.toml", "", "expected every entry"),
    ],
)
def test_a_table_that_cannot_be_right_is_refused(tmp_path: Path, name: str, text: str, says: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigurationError, match=says):
        JwstTables.load(tmp_path)


def test_a_folder_of_tables_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere cannot be read"):
        JwstTables.load(tmp_path / "nowhere")
