"""Texts for a paper: programmes, instruments and PIs of a selection, escaped for where they go."""

import re

import pytest

from deepfield.missions.jwst.citation import CitationWords
from deepfield.missions.jwst.tables import JwstTables
from deepfield.model.errors import ConfigurationError
from deepfield.services.bundles import Selection
from deepfield.services.citation import Citations
from support.archive import EXCLUSIVE, EXCLUSIVE_FILE, PUBLIC, PUBLIC_FILE


def cite(client, **selection):
    answer = client.post("/api/v1/citation", json=selection)
    assert answer.status_code == 200, answer.text
    return answer.json()


def programmes(document):
    return {each["programme"]: each["observations"] for each in document["programmes"]}


def test_a_search_is_cited_by_its_programmes_instruments_and_pis(client):
    found = cite(client, search=[""])
    assert programmes(found) == {"1111": 3, "2222": 1}
    assert "programs 1111 and 2222" in found["text"]
    assert "NASA/ESA/CSA James Webb Space Telescope" in found["text"]
    assert f"from {str(client.base_url).rstrip('/')} as of snapshot 1" in found["text"]
    assert found["facilities"] == "\\facility{JWST (MIRI, NIRCam)}\n"
    assert re.findall(r"@misc\{(.*),", found["bibtex"]) == ["jwst-1111", "jwst-2222"]
    assert "author = {Rosseland, Svein}" in found["bibtex"]
    assert "title = {{Pillars at last}}" in found["bibtex"]
    assert "Observed 2025." in found["bibtex"]
    assert found["bibtex"].count("{") == found["bibtex"].count("}")


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({"observation": [PUBLIC]}, {"1111": 1}),
        ({"product": [PUBLIC_FILE, EXCLUSIVE_FILE]}, {"1111": 1, "2222": 1}),
        ({"product": [PUBLIC_FILE], "observation": [PUBLIC]}, {"1111": 1}),
        ({"search": ["instrument_name=MIRI"], "observation": [PUBLIC]}, {"1111": 1, "2222": 1}),
        ({"observation": ["no_such"]}, {}),
    ],
)
def test_any_selection_has_its_programmes(client, selection, expected):
    assert programmes(cite(client, **selection)) == expected


def test_one_programme_reads_as_one(client):
    assert "with program 2222." in cite(client, observation=[EXCLUSIVE])["text"]


def test_a_citation_of_an_earlier_state_quotes_it(client):
    assert cite(client, search=["proposal_id=1111"], snapshot="0")["programmes"] == []


@pytest.mark.parametrize(("body", "said"), [({}, "nothing"), ({"search": ["no_such=1"]}, "no_such"), ({"x": "1"}, "x")])
def test_what_cannot_be_cited_is_told(client, body, said):
    answer = client.post("/api/v1/citation", json=body)
    assert (answer.status_code, said in answer.json()["error"]["message"]) == (400, True)


def test_an_operator_words_it_and_names_identifiers(archive, tmp_path):
    own = 'availability = "At {address}."\n[doi]\n"01111" = "10.17909/a_b"\n'
    (tmp_path / "citation.toml").write_text(own)
    words = JwstTables.load(tmp_path).citation
    citations = Citations(archive.database, archive.bundles._selections, archive.search, words)
    found = citations.cite(Selection(searches=("proposal_id=1111",)), address="https://x.example/100%")
    assert found.text.endswith("At https://x.example/100%.\nThey are published as https://doi.org/10.17909/a_b.\n")
    assert r"https://x.example/100\%" in found.latex
    assert r"10.17909/a\_b" in found.latex
    assert "doi = {10.17909/a_b}" in found.bibtex


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"acknowledgement": "{program}"}, "{programs}"),
        ({"thanks": "x"}, "thanks is not known"),
        ({"facility": 1}, "not a text"),
        ({"doi": {"1111": "doi:1"}}, "10.17909/abcd-1234"),
    ],
)
def test_a_wording_that_cannot_be_is_told_when_it_is_read(document, said):
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        CitationWords.of([("citation.toml", document)])
