from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from deepfield.ingest.assemble import RECOMMENDED, assemble
from deepfield.ingest.blueprint import FileFacts, identify
from deepfield.ingest.energy import Optics, energy_of
from deepfield.ingest.footprint import footprint_of, unite
from deepfield.ingest.links import links
from deepfield.ingest.release import ALWAYS_PUBLIC, ReleaseTable
from deepfield.ingest.times import add_months, to_mjd
from deepfield.missions.jwst.tables import default_tables
from deepfield.model.coverage import Polygon
from deepfield.model.errors import ConfigurationError, InvalidValueError
from deepfield.model.observation import Part
from deepfield.products.header import Card, Hdu, Header

if TYPE_CHECKING:
    from pathlib import Path

ROOT = "jw01234001001_02101_00001_nrca1"


def facts_of(filename: str, *, regions: tuple[str, ...] = (), **keywords: Any) -> FileFacts:
    hdus = [Hdu(Part(0, "PRIMARY", kind="primary"), tuple(Card(name, value) for name, value in keywords.items()))]
    hdus += [
        Hdu(Part(number, "SCI", number, "image", (10, 10)), (Card("S_REGION", region),))
        for number, region in enumerate(regions, 1)
    ]
    return identify(Header(filename, "fits", None, tuple(hdus)), size=1, sha256="0" * 64)


def optics(exposure_type: str, **elements: str | None) -> Optics:
    kind = default_tables().exposure_types[exposure_type]
    return Optics(kind.instrument, kind, **elements)


def square(ra: float, dec: float, size: float = 0.001) -> str:
    corners = [(ra, dec), (ra + size, dec), (ra + size, dec + size), (ra, dec + size)]
    return "POLYGON ICRS " + " ".join(f"{x} {y}" for x, y in corners)


def test_the_order_of_arrival_changes_nothing() -> None:
    files = [
        facts_of(f"{ROOT}_{suffix}.fits", EXP_TYPE="NRC_IMAGE", FILTER=name, TARGPROP=f"T-{suffix}")
        for suffix, name in (("uncal", "F200W"), ("rate", "F200W"), ("cal", "F150W"), ("i2d", "F200W"))
    ]

    results = [assemble(ROOT, order) for order in itertools.permutations(files)]

    assert all(result == results[0] for result in results)
    assert results[0].target.name == "T-cal"
    assert any("disagree on FILTER" in note for note in results[0].notes)


def test_no_files_make_no_observation() -> None:
    with pytest.raises(InvalidValueError):
        assemble(ROOT, [])


@pytest.mark.parametrize(
    ("suffixes", "expected"),
    [
        (("uncal",), {"uncal"}),
        (("uncal", "rate", "rateints"), {"rate", "rateints"}),
        (("uncal", "rate", "cal", "i2d", "o001_crf"), {"cal", "i2d"}),
        (("uncal", "trapsfilled"), {"uncal"}),
    ],
)
def test_recommended_are_the_products_of_the_highest_stage(suffixes: tuple[str, ...], expected: set[str]) -> None:
    files = [facts_of(f"{ROOT}_{suffix}.fits", EXP_TYPE="NRC_IMAGE") for suffix in suffixes]

    observation = assemble(ROOT, files)

    artifacts = [artifact for plane in observation.planes for artifact in plane.artifacts]
    assert {artifact.suffix for artifact in artifacts if artifact.product_group == RECOMMENDED} == expected


def test_guide_star_products_are_never_recommended() -> None:
    facts = facts_of("jw01234001001_gs-fg_2022150070312_cal.fits", EXP_TYPE="FGS_FINEGUIDE", TSOVISIT=True)

    observation = assemble(facts.obs_id or "", [facts])

    assert observation.planes[0].artifacts[0].product_group is None
    assert (observation.intent, observation.instrument_mode) == ("calibration", "FGS")
    assert not observation.is_tso


def test_an_unknown_exposure_type_leaves_the_mode_open_and_says_so() -> None:
    observation = assemble(ROOT, [facts_of(f"{ROOT}_cal.fits", EXP_TYPE="NRC_NEW", INSTRUME="NIRCAM")])

    assert (observation.instrument_mode, observation.intent, observation.dataproduct_type) == ("NIRCAM", None, None)
    assert any("NRC_NEW" in note for note in observation.notes)


def test_the_name_of_a_detector_tells_the_instrument_where_no_header_does() -> None:
    observation = assemble(ROOT, [facts_of(f"{ROOT}_cal.fits")])

    assert observation.instrument_name == "NIRCAM"
    assert observation.origin["instrument_name"] == f"name of {ROOT}"


@pytest.mark.parametrize(
    ("optics", "bandpass", "lower_um", "upper_um"),
    [
        (optics("NRC_IMAGE", filter="F200W", pupil="CLEAR"), "F200W", 1.7554, 2.2275),
        (optics("NRC_IMAGE", filter="F150W2", pupil="F162M"), "F150W2;F162M", 1.5417, 1.7131),
        (optics("NRC_IMAGE", filter="F444W", pupil="F405N"), "F405N;F444W", 4.0284, 4.0744),
        (optics("NRC_WFSS", filter="F322W2", pupil="GRISMR"), "F322W2;GRISMR", 2.4318, 4.0133),
        (optics("NRC_IMAGE", filter="F212N", pupil="WLP8"), "F212N;WLP8", 2.1093, 2.1340),
        (optics("NIS_IMAGE", filter="CLEAR", pupil="F158M"), "F158M", 1.4876, 1.6883),
        (optics("NIS_WFSS", filter="GR150R", pupil="F115W"), "F115W;GR150R", 1.0128, 1.2828),
        (optics("NIS_SOSS", filter="CLEAR", pupil="GR700XD"), "CLEAR;GR700XD", 0.6, 2.8),
        (optics("NIS_AMI", filter="F480M", pupil="NRM"), "F480M;NRM", 4.6682, 4.9715),
        (optics("NRS_MSASPEC", filter="F170LP", grating="G235M"), "F170LP;G235M", 1.66, 3.17),
        (optics("NRS_FIXEDSLIT", filter="CLEAR", grating="PRISM"), "CLEAR;PRISM", 0.6, 5.3),
        (optics("NRS_TACQ", filter="F140X", grating="MIRROR"), "F140X;MIRROR", 0.8, 2.0),
        (optics("MIR_LRS-FIXEDSLIT", filter="P750L"), "P750L", 5.0, 14.0),
        (optics("MIR_LRS-SLITLESS", filter="P750L"), "P750L", 5.0, 12.0),
        (optics("MIR_MRS", channel="12", band="LONG"), "CH1-LONG;CH2-LONG", 6.53, 11.7),
        (optics("MIR_MRS", channel="4", band="SHORTMEDIUMLONG"), "CH4-SHORT;CH4-MEDIUM;CH4-LONG", 17.7, 28.7),
        (optics("MIR_MRS", channel="3", band="SHORT-LONG"), "CH3-SHORT;CH3-LONG", 11.55, 17.98),
        (optics("FGS_IMAGE"), None, 0.6, 5.0),
    ],
)
def test_wavelengths_follow_from_the_elements_in_the_beam(
    optics: Optics, bandpass: str | None, lower_um: float, upper_um: float
) -> None:
    energy, origin, notes = energy_of(optics, default_tables())

    assert energy.bandpass == bandpass
    assert energy.lower == pytest.approx(lower_um * 1e-6, rel=1e-12)
    assert energy.upper == pytest.approx(upper_um * 1e-6, rel=1e-12)
    assert origin
    assert not notes


def test_stated_wavelengths_hold_for_spectra_if_they_can_be_metres() -> None:
    kind = default_tables().exposure_types["NRS_MSASPEC"]
    beam = {"filter": "F290LP", "grating": "G395M"}

    stated, _, _ = energy_of(Optics("NIRSPEC", kind, stated=(2.9e-6, 5.2e-6), **beam), default_tables())
    microns, origin, notes = energy_of(Optics("NIRSPEC", kind, stated=(2.9, 5.2), **beam), default_tables())

    assert (stated.lower, stated.upper) == (2.9e-6, 5.2e-6)
    assert (microns.lower, origin) == (2.87e-6, "bands.tsv F290LP;G395M")
    assert "no wavelengths in metres" in notes[0]


def test_an_element_of_no_table_leaves_the_range_open() -> None:
    energy, origin, notes = energy_of(optics("NRC_IMAGE", filter="F999W"), default_tables())

    assert (energy.lower, energy.bandpass, origin) == (None, "F999W", None)
    assert "F999W" in notes[0]


def test_slits_that_touch_become_one_footprint_and_those_apart_stay_apart() -> None:
    together = facts_of(f"{ROOT}_cal.fits", regions=(square(0, 0), square(0.0005, 0)))
    apart = facts_of(f"{ROOT}_cal.fits", regions=(square(359.999, 10), square(0.5, 10)))

    one, _ = footprint_of(together.header)
    two, _ = footprint_of(apart.header)

    assert one is not None
    assert two is not None
    assert len(one.regions) == 1
    assert isinstance(one.regions[0], Polygon)
    assert one.regions[0].area() == pytest.approx(1.5e-6, rel=1e-4)
    assert len(two.regions) == 2
    position = two.position(pixel_scale=None, dimension=None)
    assert position.ra == pytest.approx(0.25, abs=1e-3)
    assert position.fov == pytest.approx(0.494, abs=0.01)


def test_very_many_slits_are_given_as_their_hull() -> None:
    regions = tuple(square(0.01 * n, 0.01 * (n % 5)) for n in range(40))
    facts = facts_of(f"{ROOT}_cal.fits", regions=regions)

    footprint, _ = footprint_of(facts.header)

    assert footprint is not None
    assert len(footprint.regions) == 1
    assert "convex hull" in footprint.origin


def test_a_union_survives_the_pole() -> None:
    cap = Polygon(((0, 89.9), (90, 89.9), (180, 89.9), (270, 89.9)))
    shifted = Polygon(((45, 89.9), (135, 89.9), (225, 89.9), (315, 89.9)))

    (united,) = unite((cap, shifted))

    assert isinstance(united, Polygon)
    assert united.area() > cap.area()
    assert united.centroid().dec == pytest.approx(90, abs=1e-6)


@pytest.mark.parametrize(
    ("table", "release"),
    [
        ("", datetime(2024, 1, 31, 12, tzinfo=UTC)),
        ('[programs."01234"]\nexclusive_months = 1', datetime(2024, 2, 29, 12, tzinfo=UTC)),
        ('[programs."1234"]\nrelease = 2030-01-01', datetime(2030, 1, 1, tzinfo=UTC)),
        ("[default]\nexclusive_months = 12", datetime(2025, 1, 31, 12, tzinfo=UTC)),
        (
            f'[programs."1234"]\nexclusive_months = 1\n[observations."{ROOT}"]\nrelease = 2026-12-01T00:00:00Z',
            datetime(2026, 12, 1, tzinfo=UTC),
        ),
    ],
)
def test_release_follows_the_operators_table(table: str, release: datetime, tmp_path: Path) -> None:
    (tmp_path / "release.toml").write_text(table)
    facts = facts_of(f"{ROOT}_cal.fits", **{"DATE-END": "2024-01-31T12:00:00"})

    observation = assemble(ROOT, [facts], release=ReleaseTable.from_toml(tmp_path / "release.toml"))

    artifact = observation.planes[0].artifacts[0]
    assert observation.data_release == observation.planes[0].data_release == artifact.data_release == release
    assert observation.origin["data_release"]


def test_a_combination_is_never_public_before_its_last_member() -> None:
    table = ReleaseTable(observations={ROOT: datetime(2030, 1, 1, tzinfo=UTC)})
    ended = datetime(2024, 1, 1, tzinfo=UTC)

    moment, said = table.release_of("jw01234-o001_t001_nircam_clear-f200w", "1234", ended, (ROOT,))

    assert (moment, said) == (datetime(2030, 1, 1, tzinfo=UTC), f"release table, member {ROOT}")


def test_a_period_without_an_end_of_data_keeps_them_closed() -> None:
    table = ReleaseTable(default_months=12)

    assert table.release_of(ROOT, "1234", None)[0] is None
    assert ReleaseTable().release_of(ROOT, "1234", None)[0] == ALWAYS_PUBLIC


@pytest.mark.parametrize(
    "table",
    ["nonsense", '[programs."1"]\nx = 1', '[programs."1"]\nexclusive_months = -1', '[observations."a"]\nrelease = 5'],
)
def test_a_wrong_release_table_is_an_error_that_names_the_rule(table: str, tmp_path: Path) -> None:
    (tmp_path / "release.toml").write_text(table)

    with pytest.raises(ConfigurationError, match=r"release\.toml"):
        ReleaseTable.from_toml(tmp_path / "release.toml")


def test_months_are_calendar_months() -> None:
    assert add_months(datetime(2023, 11, 30, tzinfo=UTC), 3) == datetime(2024, 2, 29, tzinfo=UTC)
    assert to_mjd(datetime(2022, 7, 12, 12, tzinfo=UTC)) == 59772.5


def test_links_name_who_lists_a_product() -> None:
    guide_star, shutters = links(
        [facts_of("jw01234001001_gs-fg_2022150070312_cal.fits"), facts_of("jw01234001001_01_msa.fits")]
    )

    assert guide_star.relation == "guide_star"
    assert guide_star.names(ROOT)
    assert not guide_star.names(ROOT.replace("001001", "002001"))
    assert shutters.names("jw01234001001_03101_00001_nrs2")
    assert shutters.names("jw01234-o001_s000000042_nirspec_f290lp-g395m")
    assert not shutters.names(ROOT)
