"""Sources in a region: under the access rule, at a snapshot, while their catalogue is current."""

from datetime import UTC, datetime

import numpy as np
import pytest
import spherely
from astropy.coordinates import SkyCoord
from astropy.table import QTable

from deepfield.access.policy import Readable
from deepfield.bootstrap import build
from deepfield.config import Settings
from deepfield.model.coverage import Box, Circle, Polygon
from deepfield.model.errors import UnknownColumnError
from deepfield.products.reader import read_header

PUBLIC = "jw01111-o001_t001_nircam_clear-f200w_cat.ecsv"
EXCLUSIVE = "jw02222-o001_t001_nircam_clear-f200w_cat.ecsv"
ANYBODY = Readable(at=datetime.now(UTC))
RELEASES = """
[programs."1111"]
release = 2020-01-01T00:00:00Z
[programs."2222"]
release = 2199-01-01T00:00:00Z
"""


def write_catalogue(path, ra, dec, seed=0):
    table = QTable()
    table["label"] = np.arange(1, len(ra) + 1) + seed
    table["sky_centroid"] = SkyCoord(ra, dec, unit="deg")
    table["isophotal_abmag"] = np.full(len(ra), 20.0)
    table.meta["seed"] = seed
    table.write(path, format="ascii.ecsv", overwrite=True)


@pytest.fixture(scope="module")
def positions():
    rng = np.random.default_rng(3)
    return 359.98 + rng.random(400) * 0.04, 10.0 + rng.random(400) * 0.04


@pytest.fixture(scope="module")
def archive(tmp_path_factory, positions):
    tree = tmp_path_factory.mktemp("tree")
    ra, dec = positions
    write_catalogue(tree / PUBLIC, ra[:200], dec[:200])
    write_catalogue(tree / EXCLUSIVE, ra[200:], dec[200:], seed=1000)
    (tree / "release.toml").write_text(RELEASES)
    opened = build(Settings(home=tmp_path_factory.mktemp("home"), workers=1))
    report = opened.intake.ingest([tree])
    assert report.counts["ingested"] == 2
    opened.replica.catch_up()
    yield opened
    opened.close()


def labels(found):
    return sorted(found.table["label"].to_pylist())


def test_a_cone_gives_the_public_sources_in_it_across_ra_zero(archive, positions):
    ra, dec = positions
    inside = SkyCoord(ra, dec, unit="deg").separation(SkyCoord(0.0, 10.02, unit="deg")).deg <= 0.01

    found = archive.sources.within(Circle(0.0, 10.02, 0.01), rule=ANYBODY)

    assert labels(found) == [n + 1 for n in np.flatnonzero(inside[:200])]
    assert set(found.table["filename"].to_pylist()) == {PUBLIC}
    assert found.table.column_names == list(archive.sources.schema.names)


def test_polygons_and_boxes_are_exact(archive, positions):
    ra, dec = positions
    polygon = Polygon(((359.99, 10.0), (0.01, 10.0), (0.0, 10.03)))
    box = Box(0.0, 10.02, 0.02, 0.01)
    for region in (polygon, box):
        outline = region if isinstance(region, Polygon) else region.polygon()
        shape = spherely.create_polygon([(x, y) for x, y in outline.normalised().vertices])
        points = spherely.points(ra[:200], dec[:200])
        inside = np.flatnonzero(spherely.intersects(points, shape))

        found = archive.sources.within(region, rule=ANYBODY)

        assert 10 < len(inside) < 150
        assert labels(found) == [n + 1 for n in inside]


def test_rows_of_exclusive_products_are_for_those_entitled(archive):
    everywhere = Circle(0.0, 10.02, 1.0)
    anybody = archive.sources.within(everywhere, rule=ANYBODY, limit=1000)
    team = archive.sources.within(everywhere, rule=Readable(at=ANYBODY.at, programs=frozenset({"2222"})), limit=1000)
    staff = archive.sources.within(everywhere, rule=Readable(at=ANYBODY.at, staff=True), limit=1000)
    later = archive.sources.within(everywhere, rule=Readable(at=datetime(2200, 1, 1, tzinfo=UTC)), limit=1000)
    assert anybody.table.num_rows == 200
    assert [found.table.num_rows for found in (team, staff, later)] == [400, 400, 400]


def test_a_limit_says_that_there_are_more(archive):
    found = archive.sources.within(Circle(0.0, 10.02, 1.0), rule=ANYBODY, limit=7)
    assert found.table.num_rows == 7
    assert found.truncated


def test_columns_are_chosen_by_name(archive):
    found = archive.sources.within(Circle(0.0, 10.02, 1.0), rule=ANYBODY, columns=["obs_id", "isophotal_abmag"])
    assert found.table.column_names == ["obs_id", "isophotal_abmag"]
    with pytest.raises(UnknownColumnError, match="isophotal_abmag"):
        archive.sources.within(Circle(0.0, 10.02, 1.0), rule=ANYBODY, columns=["isophotal_abmags"])


def test_rows_follow_their_catalogue_through_versions_withdrawal_and_embargo(tmp_path):
    everywhere = Circle(10.0, 0.0, 1.0)
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "release.toml").write_text(RELEASES)
    write_catalogue(tree / PUBLIC, np.array([10.0, 10.1]), np.zeros(2))
    with build(Settings(home=tmp_path / "home", workers=1)) as archive:

        def found(snapshot=None):
            archive.replica.catch_up()
            return archive.sources.within(everywhere, rule=ANYBODY, snapshot=snapshot).table.num_rows

        assert found() == 0
        archive.intake.ingest([tree])
        first = archive.replica.catch_up()
        assert found() == 2

        write_catalogue(tree / PUBLIC, np.array([10.0, 10.1, 10.2]), np.zeros(3), seed=1)
        archive.intake.ingest([tree])
        assert found() == 3
        assert found(first) == 2

        archive.intake.forget(PUBLIC)
        assert found() == 0
        assert found(first) == 2

        archive.intake.ingest([tree])
        assert found() == 3
        (tree / "release.toml").write_text(RELEASES.replace("2020", "2198"))
        archive.intake.ingest([tree])
        assert found() == 0
        assert found(first) == 0, "what is under embargo now is not shown as it was"


def test_rows_that_no_product_came_to_have_are_removed_by_the_next_ingest(tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    write_catalogue(tree / PUBLIC, np.array([10.0]), np.zeros(1))
    with build(Settings(home=tmp_path / "home", workers=1)) as archive:
        lake, journal = archive.intake._pipeline._lake, tmp_path / "home" / "journals" / "0123456789abcdef.journal"
        lake.read(tree / PUBLIC, read_header(tree / PUBLIC), "f" * 64)
        lake.add(["f" * 64])
        journal.parent.mkdir(exist_ok=True)
        journal.write_text(f"{'f' * 64}\t\n")

        archive.intake.ingest([tree])

        assert "f" * 64 not in lake.contents()
        assert len(lake.contents()) == 1
