import pytest

from deepfield.ingest.provenance import compare
from deepfield.model.observation import Part
from deepfield.products.header import Card, Hdu, Header


def product(**keywords):
    cards = tuple(Card(keyword, value) for keyword, value in keywords.items())
    return Header("jw_cal.fits", "fits", hdus=(Hdu(Part(0, "PRIMARY", kind="primary"), cards),))


def association(*members):
    listed = [{"expname": name, "exptype": "science"} for name in members]
    return Header("jw_asn.json", "json", document={"products": [{"name": "x", "members": listed}]})


@pytest.mark.parametrize(
    ("keyword", "old", "new", "cause"),
    [
        ("SDP_VER", "2025_4a", "2026_1", "sdp"),
        ("CAL_VER", "1.20.2", "1.21.0", "calibration"),
        ("CRDS_CTX", "jwst_1464.pmap", "jwst_1535.pmap", "references"),
        ("R_FLAT", "crds://a.fits", "crds://b.fits", "reference_files"),
    ],
)
def test_a_keyword_that_differs_is_the_cause(keyword, old, new, cause):
    difference = compare(product(**{keyword: old}), product(**{keyword: new}))
    assert (difference.cause, difference.old, difference.new) == ((cause,), {keyword: old}, {keyword: new})


@pytest.mark.parametrize(("old", "new"), [("2025_4", "2025.4.0"), ("2025_4a", "2025.4.0a"), (None, None)])
def test_two_writings_of_one_version_are_equal(old, new):
    assert compare(product(SDP_VER=old), product(SDP_VER=new)).cause == ("content",)


def test_other_members_of_an_association_are_a_cause():
    difference = compare(association("a_cal.fits"), association("a_cal.fits", "b_cal.fits"))
    assert difference.cause == ("members",)
    assert difference.new == {"members": ["a_cal.fits", "b_cal.fits"]}
