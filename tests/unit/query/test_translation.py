"""A search said in ADQL finds what the search finds: both are asked over one archive, and their rows compared."""

import pytest

from deepfield.catalogue.targets import TargetListStore
from deepfield.query.engines.duckdb import DuckEngine
from deepfield.query.translation import translate
from deepfield.services.resolve import Resolve
from deepfield.services.search import Search
from deepfield.services.targets import TargetLists
from support.asking import askable
from support.synthetic import NOW

SEARCHES = [
    {},
    {"position": "53.1 -27.8", "radius": "6'"},
    {"position": "53.1 -27.8", "radius": "2'", "match": "center"},
    {"position": "0.0 0.0", "radius": "0.1d", "instrument_name": "NIRCAM,MIRI"},
    {"position": "0.0 90", "radius": "0.2d"},
    {"position": "polygon 359.8 44.8 0.1 44.8 0.1 45.2 359.8 45.2"},
    {"position": "box 53.1 -27.8 0.1 0.1", "calib_level": "2,3"},
    {"instrument_name": "!NIRCAM", "calib_level": "2,3"},
    {"filters": "F444W,F187N"},
    {"filters": "null,it's; DROP"},
    {"filters": "f%_weird"},
    {"filters": "f*,!F444W"},
    {"filters": "!null", "dataproduct_type": "spectrum,cube"},
    {"filters": "!F187N,!null"},
    {"dataproduct_type": "null"},
    {"dataproduct_type": "!image"},
    {"filters": "!F187N"},
    {"target_name": "ngc*", "proposal_pi": "*ö*,Pont*"},
    {"t_min": "2023-01..2024-06", "t_exptime": "100..1000"},
    {"t_min": "..2023-04-14"},
    {"t_exptime": "0..100"},
    {"em": "1e-6..2e-6"},
    {"em": "5e-6.."},
    {"em": "1.2e-6,5.5e-6"},
    {"access": "exclusive"},
    {"access": "!exclusive", "proposal_id": "1000,1002"},
    {"is_tso": "true"},
    {"moving_target": "!true", "calib_level": "!3"},
    {"target_standard_name": "Messier 31"},
]


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    with askable(tmp_path_factory.mktemp("askable"), 400) as made:
        yield made


@pytest.fixture(scope="module")
def search(archive):
    engine = DuckEngine(archive.replica)
    resolve = Resolve(engine)
    return Search(
        engine, resolve, TargetLists(archive.database, TargetListStore(), resolve), max_page=1000, now=lambda: NOW
    )


@pytest.mark.parametrize("parameters", SEARCHES, ids=str)
def test_a_search_in_adql_finds_the_same_observations(archive, search, parameters):
    said = translate(search.parse(parameters))
    assert said.adql is not None, said.unsaid
    page = search.find(search.parse({**parameters, "columns": "obs_id", "limit": "1000"}))
    expected = page.table.column("obs_id").to_pylist()
    assert 0 < len(expected) < 400 or parameters == {}
    assert sorted(row[0] for row in archive.ask(said.adql).rows) == sorted(expected), said.adql


@pytest.mark.parametrize(
    ("parameters", "unsaid"),
    [
        ({"text": "nebula"}, ("text",)),
        ({"obs_id": "jw01000_*", "access": "public"}, ("obs_id",)),
        ({"data_release": "2025"}, ("data_release",)),
        ({"em": "!1e-6"}, ("em",)),
        ({"position": "Jupiter"}, ("position",)),
    ],
)
def test_what_adql_has_no_words_for_is_named_and_not_left_out(search, parameters, unsaid):
    said = translate(search.parse(parameters))
    assert said.adql is None
    assert said.unsaid == unsaid


def test_text_cannot_leave_its_quotes(archive, search):
    said = translate(search.parse({"target_name": "x' OR '1' = '1"}))
    assert said.adql is not None
    assert "target_name = 'x'' OR ''1'' = ''1'" in said.adql
    assert archive.ask(said.adql).rows == []
