"""What the store of observations must do on every database."""

import dataclasses
from datetime import timedelta

import pytest

from deepfield.catalogue.documents import deflate
from deepfield.catalogue.links import Links
from deepfield.catalogue.numbers import next_snapshot
from deepfield.catalogue.observations import Observations
from deepfield.catalogue.outbox import Event, EventFile, Outbox
from deepfield.model.errors import UnknownObservationError, UnknownProductError
from support.observations import ARCHIVED, artifact, filed, observation, save, with_files

NAME = "jw01234001001_02101_00001_nrca1"
FILE = f"{NAME}_cal.fits"
LATER = ARCHIVED + timedelta(days=1)
store = Observations()


def test_what_is_saved_is_read_back_as_it_was(database):
    save(database, observation())
    with database.read() as connection:
        row = store.describe(connection, NAME)
        (plane,) = store.planes(connection, NAME)
        (product,) = store.products(connection, NAME)
    assert (row["s_ra"], row["s_dec"], row["filters"], row["proposal_title"]) == (
        10.0,
        -20.0,
        "F200W",
        'Stars, "classified"\nby eye',
    )
    assert row["healpix"].bit_length() <= 62
    assert row["archived_at"] == row["modified_at"] == ARCHIVED
    assert (row["origin"], row["notes"]) == ({"target.name": "TARGPROP"}, ["one", "two"])
    assert (row["n_products"], row["access_estsize"]) == (1, 2**33 + 1)
    assert row["s_resolution"] == pytest.approx(0.065)
    assert (plane["sdp_ver"], plane["s_xel1"]) == ("2026_1a", 2048)
    assert (product["filename"], product["relation"], product["proposal_id"]) == (FILE, None, "1234")
    assert product["description"] == "exposure, calibrated; “µJy”"


def test_saving_the_same_again_changes_no_row(database):
    first = save(database, observation())
    save(database, observation())
    with database.read() as connection:
        rows = [store.describe(connection, NAME), store.artifact(connection, FILE), *store.planes(connection, NAME)]
    assert {row["seq_from"] for row in rows} == {first}


def test_a_new_version_takes_the_place_and_the_old_one_stays_readable(database):
    first = save(database, observation())
    newer = with_files(observation(), artifact(FILE, content="second"))
    second = save(database, newer, at=LATER, version=2)
    with database.read() as connection:
        versions = store.versions(connection, FILE)
        assert [(row["version"], row["current"]) for row in versions] == [(2, True), (1, False)]
        assert store.artifact(connection, FILE, version=1)["sha256"] == artifact(FILE).sha256
        assert store.artifact(connection, FILE)["sha256"] == artifact(FILE, content="second").sha256
        assert store.describe(connection, NAME)["modified_at"] == LATER
        assert store.describe(connection, NAME)["archived_at"] == ARCHIVED
        (before,) = store.products(connection, NAME, snapshot=first)
        (after,) = store.products(connection, NAME, snapshot=second)
    assert (before["version"], after["version"]) == (1, 2)


def test_an_observation_keeps_its_number_through_withdrawal_and_return(database):
    save(database, observation())
    with database.begin() as connection:
        number = store.describe(connection, NAME)["obs_number"]
        store.withdraw(connection, next_snapshot(connection), number)
    with database.read() as connection:
        with pytest.raises(UnknownObservationError):
            store.describe(connection, NAME)
        with pytest.raises(UnknownProductError):
            store.artifact(connection, FILE)
        assert store.versions(connection, FILE)[0]["obs_id"] == NAME
        assert store.describe(connection, NAME, snapshot=1)["obs_number"] == number
    save(database, observation(), at=LATER)
    with database.read() as connection:
        row = store.describe(connection, NAME)
    assert (row["obs_number"], row["archived_at"]) == (number, ARCHIVED)


def test_a_late_older_version_is_history_and_never_current(database):
    save(database, with_files(observation(), artifact(FILE, content="newer")))
    with database.begin() as connection:
        seq = next_snapshot(connection)
        store.save_historical(connection, seq, observation(), filed(2))
    with database.read() as connection:
        assert store.artifact(connection, FILE)["version"] == 1
        assert [(row["version"], row["current"]) for row in store.versions(connection, FILE)] == [(2, False), (1, True)]
        assert [row["version"] for row in store.products(connection, NAME, snapshot=seq)] == [1]


def test_linked_products_are_listed_and_counted_with_the_other_observation(database):
    combined = "jw01234-o001_t001_nircam_clear-f200w"
    asn = artifact(f"{combined}_asn.json", product_type="INFO", product_group=None)
    save(database, observation(), observation(combined, [asn], members=(NAME,)))
    with database.read() as connection:
        exposure = store.describe(connection, NAME)["obs_number"]
        association = store.artifact(connection, asn.filename)["artifact_number"]
    with database.begin() as connection:
        seq = next_snapshot(connection)
        links = {association: {exposure: "association"}}
        assert Links().save(connection, seq, links, of=[association]) == {exposure}
        store.relist(connection, seq, [exposure], at=LATER)
    with database.read() as connection:
        products = store.products(connection, NAME)
        row = store.describe(connection, NAME)
        assert store.members(connection, combined) == [NAME]
        assert store.part_of(connection, NAME) == [combined]
        assert store.members(connection, NAME) == store.part_of(connection, combined) == []
    assert [(product["filename"], product["relation"]) for product in products] == [
        (asn.filename, "association"),
        (FILE, None),
    ]
    assert products[0]["obs_id"] == combined
    assert (row["n_products"], row["modified_at"]) == (2, LATER)


def test_names_are_found_by_their_beginning(database):
    save(database, observation(), observation("jw01234001001_02101_00001_nrcb1"), observation("jw09999001001"))
    with database.read() as connection:
        found = store.find_names(connection, "JW01234001001_02101_00001_nrcb")
    assert found == [
        ("observation", "jw01234001001_02101_00001_nrcb1"),
        ("file", "jw01234001001_02101_00001_nrcb1_cal.fits"),
    ]


def test_totals_count_the_current_archive(database):
    save(database, observation(), observation("jw01234001001_02101_00001_nrcb1"))
    with database.read() as connection:
        assert store.totals(connection) == {
            "snapshot": 1,
            "observations": 2,
            "products": 2,
            "size": 2 * (2**33 + 1),
        }


def test_positions_that_are_no_numbers_become_null(database):
    one = observation()
    nowhere = dataclasses.replace(one, position=dataclasses.replace(one.position, ra=float("nan"), fov=float("inf")))
    save(database, nowhere)
    with database.read() as connection:
        row = store.describe(connection, NAME)
    assert (row["s_ra"], row["s_fov"], row["healpix"]) == (None, None, None)


def test_header_documents_survive_as_they_were_written(database):
    document = {"hdus": [{"cards": [["BIG", 2**80, "µ"], ["UNDEFINED", None, ""]]}], "tree": {"x": 1e308}}
    with database.begin() as connection:
        store.save_headers(connection, {"ab": deflate(document)})
        store.save_headers(connection, {"ab": deflate({})})
        assert store.header(connection, "ab") == document


def test_events_are_read_by_snapshot_number_and_never_half_a_commit(database):
    outbox = Outbox()
    one = Event("archived", ARCHIVED, "a", "1", 2, (EventFile("a_cal.fits", 1, "00"),), release=LATER)
    for _ in range(2):
        with database.begin() as connection:
            outbox.add(connection, next_snapshot(connection), [one, dataclasses.replace(one, obs_id="b")])
    with database.read() as connection:
        assert [row["seq"] for row in outbox.after(connection, 0)] == [1, 1, 2, 2]
        assert [row["seq"] for row in outbox.after(connection, 0, limit=3)] == [1, 1]
        assert [row["seq"] for row in outbox.after(connection, 1, limit=1)] == [2, 2]
        document = outbox.after(connection, 0)[0]["document"]
    assert (document["data_rights"], document["release"]) == ("EXCLUSIVE_ACCESS", "2026-03-02T12:30:00.250000Z")
