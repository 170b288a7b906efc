"""What we say of a product or an observation beside what MAST has said of the same one, where an answer was recorded.

Each difference stands in ``mast/*.tsv`` with its reason; another one fails, and so does one that is there no more.
"""

from __future__ import annotations

import csv
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepfield.ingest.assemble import RECOMMENDED, assemble
from deepfield.ingest.blueprint import FileFacts, identify
from deepfield.ingest.energy import Optics, energy_of
from deepfield.missions.jwst.names import parse_name
from deepfield.missions.jwst.tables import default_tables
from deepfield.model.observation import Part
from deepfield.products.header import Card, Hdu, Header

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deepfield.missions.jwst.tables import ExposureType

TABLES = default_tables()
HERE = Path(__file__).parent / "mast"
TOLERATED = 0.03
"""MAST rounds the ends of bands."""


def rows(path: Path, **how: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text("utf-8").splitlines(), **how))


def recorded(listings: Path, pattern: str) -> Iterator[dict[str, str]]:
    for path in sorted(listings.glob(pattern)):
        yield from rows(path)


def optics(kind: ExposureType, filters: str) -> Optics:
    """Tell wheels apart as headers would: the grating of NIRSpec beside its filter, else filter and pupil."""
    first, _, second = filters.partition(";")
    if kind.instrument != "NIRSPEC":
        return Optics(kind.instrument, kind, filter=first, pupil=second or None)
    gratings = [part for part in (first, second) if part.startswith(("G", "PRISM", "MIRROR"))]
    return Optics(
        kind.instrument, kind, filter=next(p for p in (first, second) if p not in gratings), grating=gratings[0]
    )


def test_wavelengths_are_those_of_mast_but_for_known_differences(real_data: Path) -> None:
    known = rows(HERE / "wavelengths.tsv", delimiter="\t")
    used: set[str] = set()
    compared = 0
    lines: set[str] = set()
    for row in (
        *recorded(real_data / "listings", "mast_observations*.csv"),
        *recorded(real_data / "listings", "mast_query_response.csv"),
    ):
        mode, filters = row["instrument_name"], row["filters"]
        kind = next((kind for kind in TABLES.exposure_types.values() if mode in kind.mode_words), None)
        assert kind is not None, mode
        if row["em_min"] in {"", "nan"} or "_" in filters:
            continue
        energy, _, _ = energy_of(optics(kind, filters), TABLES)
        assert energy.lower is not None, filters
        assert energy.upper is not None, filters
        for end, ours, theirs in (("lower", energy.lower, row["em_min"]), ("upper", energy.upper, row["em_max"])):
            compared += 1
            if abs(ours * 1e9 / float(theirs) - 1) <= TOLERATED:
                continue
            reasons = [
                r
                for r in known
                if fnmatchcase(f"{mode} {filters}", r["what"] if " " in r["what"] else f"{r['what']} *")
                and end in r["ends"]
            ]
            used |= {reason["what"] for reason in reasons}
            if not reasons:
                lines.add(f"{mode} {filters}: {end} is {ours * 1e9:.0f} nm, MAST says {theirs}")
    assert lines == set()
    assert compared > 100
    assert used == {reason["what"] for reason in known}, "a difference that is there no more"


def test_observations_have_the_identity_mode_and_kind_that_mast_gives(real_data: Path) -> None:
    for row in recorded(real_data / "listings", "mast_observations*.csv"):
        name = parse_name(row["obs_id"])
        assert name is not None, row["obs_id"]
        assert name.obs_id == row["obs_id"]
        assert name.program == row["proposal_id"]
        assert (name.family == "planned_row") == (row["calib_level"] == "-1")
        if row["calib_level"] != "3":
            continue
        kinds = [kind for kind in TABLES.exposure_types.values() if row["instrument_name"] in kind.mode_words]
        found = {kind.dataproduct_type for kind in kinds} | {
            "timeseries" for kind in kinds if kind.time_series != "never"
        }
        assert row["dataproduct_type"] in found, row["obs_id"]


def facts_of(filename: str, exp_type: str) -> FileFacts:
    container: Any = {"json": "json", "csv": "csv"}.get(filename.rpartition(".")[2], "fits")
    document: Any = None
    if container == "json":
        document = {"products": [{"name": "jw02736-o007_t001_nirspec_f290lp-g395m", "members": []}]}
    if container == "csv":
        document = {"format": "pool", "columns": [], "first_file": "jw02736007001_02101_00001_nrs1_uncal.fits"}
    hdus = (Hdu(Part(0, "PRIMARY"), (Card("EXP_TYPE", exp_type),)),) if container == "fits" else ()
    return identify(Header(filename, container, None, hdus, document=document), size=1, sha256="0" * 64)


def test_products_have_the_type_level_and_group_that_mast_gives_but_for_known_differences(real_data: Path) -> None:
    known = {(row["suffix"], row["field"]) for row in rows(HERE / "products.tsv", delimiter="\t")}
    used: set[tuple[str, str]] = set()
    compared = 0
    for row in recorded(real_data / "listings", "mast_products*.csv"):
        exp_type = {"cube": "NRS_IFU", "spectrum": "NRS_MSASPEC"}.get(row["dataproduct_type"], "NRC_IMAGE")
        facts = facts_of(row["productFilename"], exp_type)
        assert facts.verdict == "product", row["productFilename"]
        calibrated = [] if facts.combined else [facts_of(f"{facts.obs_id}_cal.fits", exp_type)]
        observation = assemble(
            facts.obs_id or "", [facts, *(other for other in calibrated if other.filename != facts.filename)]
        )
        artifacts = {artifact.filename: artifact for plane in observation.planes for artifact in plane.artifacts}
        artifact = artifacts[facts.filename]
        ours = {
            "type": facts.product_type,
            "level": str(facts.calib_level),
            "group": artifact.product_group or "--",
        }
        theirs = {
            "type": row["productType"],
            "level": row["calib_level"],
            "group": RECOMMENDED if row["productGroupDescription"] == RECOMMENDED else "--",
        }
        compared += 1
        for field, value in theirs.items():
            if ours[field] != value:
                assert (facts.suffix, field) in known, (row["productFilename"], field, ours[field], value)
                used.add((facts.suffix or "", field))
        if row["productSubGroupDescription"] not in {"--", ""} and facts.family != "guide_star":
            assert row["productSubGroupDescription"].lower() == facts.suffix
    assert compared > 20
    assert used == known, "a difference that is there no more"
