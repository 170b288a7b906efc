"""``jwst.source``: rows of the lake in ADQL, under the access rule and at a snapshot."""

from datetime import UTC, datetime

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import QTable

from deepfield.access.policy import Readable
from deepfield.bootstrap import build
from deepfield.config import Settings

PUBLIC = "jw01111-o001_t001_nircam_clear-f200w_cat.ecsv"
EXCLUSIVE = "jw02222-o001_t001_nircam_clear-f200w_cat.ecsv"
AT = datetime.now(UTC)
RELEASES = '[programs."1111"]\nrelease = 2020-01-01T00:00:00Z\n[programs."2222"]\nrelease = 2199-01-01T00:00:00Z\n'


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    tree = tmp_path_factory.mktemp("tree")
    rng = np.random.default_rng(5)
    for name, seed in ((PUBLIC, 0), (EXCLUSIVE, 1000)):
        table = QTable()
        table["label"] = np.arange(1, 101) + seed
        table["sky_centroid"] = SkyCoord(359.99 + rng.random(100) * 0.02, 10 + rng.random(100) * 0.02, unit="deg")
        table["isophotal_abmag"] = np.linspace(18, 25, 100)
        table.write(tree / name, format="ascii.ecsv")
    (tree / "release.toml").write_text(RELEASES)
    with build(Settings(home=tmp_path_factory.mktemp("home"), workers=1, replica_threads=1)) as made:
        made.intake.ingest([tree])
        made.replica.catch_up()
        yield made


def rows(archive, adql, rule=None, **given):
    stream = archive.tables.query(adql, rule=rule or Readable(at=AT), base_url="", **given)
    return [row for batch in stream for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Readable(at=AT), 100),
        (Readable(at=AT, programs=frozenset({"2222"})), 200),
        (Readable(at=AT, staff=True), 200),
        (Readable(at=datetime(2200, 1, 1, tzinfo=UTC)), 200),
    ],
)
def test_sources_under_exclusive_access_are_absent_from_every_query(archive, rule, expected):
    assert rows(archive, "SELECT COUNT(*) FROM jwst.source", rule) == [(expected,)]
    assert rows(
        archive, "SELECT COUNT(*) FROM (SELECT label FROM jwst.source UNION SELECT label FROM jwst.source) AS u", rule
    ) == [(expected,)]
    joined = "SELECT COUNT(*) FROM jwst.source AS s JOIN jwst.products AS p ON p.filename = s.filename AND p.sha256 = s.sha256"
    assert rows(archive, joined, rule) == [(expected,)]


def test_sources_are_found_around_a_place_as_astropy_finds_them(archive):
    every = rows(archive, "SELECT label, ra, dec FROM jwst.source")
    there = SkyCoord([ra for _, ra, _ in every], [dec for _, _, dec in every], unit="deg")
    near = there.separation(SkyCoord(0.0, 10.01, unit="deg")).deg < 0.005
    expected = {label for (label, _, _), inside in zip(every, near, strict=True) if inside}
    found = rows(archive, "SELECT label FROM jwst.source WHERE 1 = CONTAINS(POINT(ra, dec), CIRCLE(0, 10.01, 0.005))")
    assert {label for (label,) in found} == expected
    assert 0 < len(expected) < 100


def test_an_earlier_snapshot_has_the_sources_that_were_current_then(archive):
    assert rows(archive, "SELECT COUNT(*) FROM jwst.source", snapshot=0) == [(0,)]
