"""Headers and files that nobody would write: whatever they hold, they are refused by a reason or filed as valid rows."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from deepfield.catalogue.rows import Listing, observation_row, plane_row
from deepfield.ingest.assemble import assemble
from deepfield.ingest.blueprint import identify
from deepfield.model.errors import UnreadableFileError
from deepfield.products.header import Header
from deepfield.products.reader import read_header
from support.files import EXPOSURE, write_association, write_catalogue, write_product

NAMES = [f"{EXPOSURE}_cal.fits", "jw01234-o001_t001_nircam_clear-f200w_i2d.fits", "strange.fits", "hlsp_x_spec.fits"]
KEYWORDS = [
    "FILENAME", "INSTRUME", "DETECTOR", "EXP_TYPE", "FILTER", "PUPIL", "GRATING", "PROGRAM", "OBSERVTN", "VISIT", "VISIT_ID",
    "VISITGRP", "SEQ_ID", "ACT_ID", "EXPOSURE", "EXSEGNUM", "EXSEGTOT", "GS_ORDER", "TARGPROP", "TARGTYPE", "TARG_RA", "TARG_DEC",
    "RA_REF", "DEC_REF", "MT_RA", "MT_DEC", "DATE", "DATE-BEG", "DATE-END", "DATE-OBS", "TIME-OBS", "EXPSTART", "EXPEND", "MJD-BEG",
    "EFFEXPTM", "EFFINTTM", "NINTS", "TSOVISIT", "S_REGION", "WAVSTART", "WAVEND", "PIXAR_A2", "CHANNEL", "BAND", "CTYPE1", "CTYPE2",
    "CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2", "CDELT1", "CDELT2", "CUNIT1", "CUNIT2", "PC1_1", "CD1_1", "WCSAXES", "RADESYS", "NAXIS",
    "NAXIS1", "NAXIS2", "BITPIX", "PCOUNT", "GCOUNT", "SIMPLE", "EXTEND", "EXTNAME", "XTENSION", "SUBSIZE1", "HLSPID", "ASNTABLE",
    "CAL_VER", "DATAMODL", "REFTYPE", "SUBARRAY", "APERNAME", "VISITSTA", "LONPOLE", "A_ORDER", "CONTINUE", "HIERARCH", "END",
]  # fmt: skip
VALUES = st.one_of(
    st.floats().map(lambda x: repr(x).upper()),
    st.integers(-(10**25), 10**25).map(str),
    st.sampled_from(
        ["T", "F", "''", "'", "NAN", "INF", "1E999", "(1,2)", "'NaN'", "/ only a comment", "'RA---TAN'", "'DEC--TAN'"]
    ),
    st.sampled_from(
        ["'POLYGON ICRS nan nan 1 1 2 2'", "'POLYGON ICRS 0 0 0 0 0 0'", "'CIRCLE ICRS 10 91 1'", "'POLYGON'"]
    ),
    st.sampled_from(
        ["'../../../etc/passwd'", "'hlsp_../../x_spec.fits'", "'jw01234001001_02101_00001_nrca1_cal.fits'"]
    ),
    st.text(st.characters(min_codepoint=0, max_codepoint=255), max_size=68).map(lambda text: f"'{text}'"),
)
CARDS = st.lists(st.tuples(st.sampled_from(KEYWORDS), VALUES), max_size=12)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30))


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("originals")
    write_product(folder / NAMES[0])
    write_association(folder / "jw01234-o001_20260101t000000_image3_00001_asn.json", NAMES[1][:-9], [NAMES[0]])
    write_catalogue(folder / "jw01234-o001_t001_nircam_clear-f200w_cat.ecsv", 3)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def survives(name: str, content: bytes) -> None:
    """Take a file as far as its rows; nothing but ``UnreadableFileError`` may stop it on the way."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            header = read_header(path)
        except UnreadableFileError as error:
            assert error.reason  # noqa: PT017 (refused by a reason, or read)
            return
    follow(header)


def follow(header: Header) -> None:
    kept = Header.from_json(json.loads(orjson.dumps(header.to_json())))
    assert orjson.dumps(kept.to_json()) == orjson.dumps(header.to_json())
    facts = identify(header, size=1, sha256="0" * 64)
    if facts.verdict != "product":
        assert facts.reason
        return
    assert "/" not in facts.filename
    assert "/" not in (facts.obs_id or "")
    found = assemble(facts.obs_id or "", [facts])
    rows = [observation_row(found, 1, Listing(1, 1, None))]
    rows += [plane_row(plane, number, 1, found.obs_id) for number, plane in enumerate(found.planes)]
    for row in rows:
        fits_a_database(row)
    if found.position is not None:
        assert 0 <= found.position.ra <= 360
        assert -90 <= found.position.dec <= 90


def fits_a_database(value: Any) -> None:
    if isinstance(value, dict):
        for item in value.values():
            fits_a_database(item)
    elif isinstance(value, list | tuple):
        for item in value:
            fits_a_database(item)
    elif isinstance(value, float):
        assert math.isfinite(value)
    elif isinstance(value, int):
        assert abs(value) < 1 << 63
    elif isinstance(value, str):
        assert "\x00" not in value
        value.encode()


def with_cards(content: bytes, cards: list[tuple[str, str]], where: int) -> bytes:
    """Write cards over those of a FITS file, from its ``where``-th one on."""
    spoiled = bytearray(content)
    for number, (keyword, value) in enumerate(cards):
        card = f"{keyword:<8}= {value}".encode("latin-1")[:80].ljust(80)
        start = 80 * (where + number)
        spoiled[start : start + 80] = card
    return bytes(spoiled)


def any_header(originals: dict[str, bytes], name: str, cards: list[tuple[str, str]], where: int) -> None:
    survives(name, with_cards(originals[NAMES[0]], cards, where))


def any_damage(originals: dict[str, bytes], name: str, cut: float, flips: list[tuple[float, int]]) -> None:
    content = bytearray(originals[name])
    for place, value in flips:
        content[int(place * (len(content) - 1))] = value
    survives(name, bytes(content[: int(cut * len(content))]))


def any_tree(meta: Any) -> None:
    survives(
        "jw01234001001_02101_00001_nrca1_cal.asdf",
        b"#ASDF 1.0.0\n%YAML 1.1\n---\nmeta: " + json.dumps(meta).encode() + b"\n...\n",
    )


HEADERS = {"name": st.sampled_from(NAMES), "cards": CARDS, "where": st.integers(0, 40)}
FLIPS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=20)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.dictionaries(
        st.sampled_from(["instrument", "exposure", "observation", "target", "wcsinfo", "type", "name", "start_time", "s_region", "ra", "filename"]),
        inner,
        max_size=6,
    ),
    max_leaves=12,
)  # fmt: skip
SHORT = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
LONG = settings(
    max_examples=int(os.environ.get("DEEPFIELD_EXAMPLES", "20000")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
SEED = int(os.environ.get("DEEPFIELD_SEED", "1"))


def names(originals: dict[str, bytes]) -> st.SearchStrategy[str]:
    return st.sampled_from(sorted(originals))


@seed(1)
@SHORT
@given(**HEADERS)
def test_any_header_is_refused_or_filed(originals, name, cards, where):
    any_header(originals, name, cards, where)


@seed(1)
@SHORT
@given(data=st.data(), cut=st.floats(0, 1), flips=FLIPS)
def test_any_damage_is_refused_or_filed(originals, data, cut, flips):
    any_damage(originals, data.draw(names(originals)), cut, flips)


@seed(1)
@SHORT
@given(meta=TREES)
def test_any_metadata_tree_is_refused_or_filed(meta):
    any_tree(meta)


@pytest.mark.prove
@pytest.mark.timeout(3600)
@seed(SEED)
@LONG
@given(**HEADERS)
def test_many_headers_are_refused_or_filed(originals, name, cards, where):
    any_header(originals, name, cards, where)


@pytest.mark.prove
@pytest.mark.timeout(3600)
@seed(SEED)
@LONG
@given(data=st.data(), cut=st.floats(0, 1), flips=FLIPS)
def test_much_damage_is_refused_or_filed(originals, data, cut, flips):
    any_damage(originals, data.draw(names(originals)), cut, flips)


@pytest.mark.prove
@pytest.mark.timeout(3600)
@seed(SEED)
@LONG
@given(meta=TREES)
def test_many_metadata_trees_are_refused_or_filed(meta):
    any_tree(meta)
