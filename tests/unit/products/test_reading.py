"""Files of every kind into header facts, and wrong files into true reasons."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from typing import TYPE_CHECKING

import asdf
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from deepfield.model.errors import UnreadableFileError
from deepfield.products.header import Header
from deepfield.products.reader import read_header

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def product(tmp_path: Path) -> Path:
    """A small file with the structure of a calibrated exposure."""
    primary = fits.PrimaryHDU()
    primary.header["TELESCOP"] = ("JWST", "Telescope used to acquire the data")
    primary.header["TSOVISIT"] = False
    primary.header["EFFEXPTM"] = 257.682
    primary.header["TITLE"] = (
        "A title that is so long that it has to go on, and on, in a second card, as CONTINUE allows"
    )
    primary.header["TARGPROP"] = "BARNARD'S-STAR"
    primary.header["NINTS"] = 3
    primary.header.add_history("made for a test")
    sci = fits.ImageHDU(np.zeros((20, 30), "f4"), name="SCI")
    sci.header["S_REGION"] = "POLYGON ICRS  1 1 2 1 2 2 1 2"
    dq = fits.ImageHDU(np.zeros((20, 30), "u4"), name="DQ")
    times = fits.BinTableHDU(Table({"number": [1, 2, 3], "mjd": [1.0, 2.0, 3.0]}), name="INT_TIMES")
    path = tmp_path / "jw01234001001_02101_00001_nrca1_cal.fits"
    fits.HDUList([primary, sci, dq, times]).writeto(path)
    return path


def reason(path: Path, **limits: int) -> str:
    with pytest.raises(UnreadableFileError) as caught:
        read_header(path, **limits)
    return caught.value.reason


def test_every_hdu_is_listed_with_its_shape(product: Path) -> None:
    header = read_header(product)

    parts = [hdu.part for hdu in header.hdus]
    assert [(part.number, part.name, part.kind, part.shape, part.dtype) for part in parts] == [
        (0, "PRIMARY", "primary", (), ""),
        (1, "SCI", "image", (20, 30), "float32"),
        (2, "DQ", "image", (20, 30), "uint32"),
        (3, "INT_TIMES", "table", (3,), ""),
    ]
    assert parts[3].columns == ("number", "mjd")


def test_values_are_those_astropy_reads(product: Path) -> None:
    header = read_header(product)

    with fits.open(product) as opened:
        for name in ("PRIMARY", "SCI"):
            for card in opened[name].header.cards:
                if card.keyword not in {"HISTORY", "COMMENT", ""}:
                    assert header.get(card.keyword, hdu=name) == card.value
    assert header.get("TITLE", hdu="PRIMARY").endswith("as CONTINUE allows")
    assert header.first("S_REGION") == "POLYGON ICRS  1 1 2 1 2 2 1 2"


def test_facts_survive_being_stored_as_json(product: Path) -> None:
    header = read_header(product)

    assert Header.from_json(json.loads(json.dumps(header.to_json()))) == header


def test_gzip_content_is_read_under_any_name(product: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed.fits"
    packed.write_bytes(gzip.compress(product.read_bytes()))
    plain = tmp_path / "plain.fits.gz"
    plain.write_bytes(product.read_bytes())

    assert read_header(packed).compression == "gzip"
    assert read_header(plain).compression is None
    assert read_header(packed).hdus == read_header(plain).hdus == read_header(product).hdus


def test_cards_beyond_the_standard_are_kept_as_text_and_noted(product: Path, tmp_path: Path) -> None:
    content = product.read_bytes()
    bad = b"BADCARD = what is this then".ljust(80)
    odd = b"NOVALUE this card has no equals sign".ljust(80)
    at = content.index(b"TSOVISIT")
    path = tmp_path / "odd.fits"
    path.write_bytes(content[:at] + bad + odd + content[at + 160 :])

    header = read_header(path)

    assert header.get("BADCARD") == "what is this then"
    assert header.get("NOVALUE") == "this card has no equals sign"
    assert len(header.notes) == 2
    assert "BADCARD" in header.notes[0]


@pytest.mark.parametrize("kept", [100, 2879, 2881, 5761, 9000])
def test_a_truncated_file_is_refused_as_truncated(product: Path, tmp_path: Path, kept: int) -> None:
    path = tmp_path / "short.fits"
    path.write_bytes(product.read_bytes()[:kept])

    assert "truncated" in reason(path)


def test_data_larger_than_the_file_are_refused_with_both_sizes(tmp_path: Path) -> None:
    header = fits.Header([("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 1), ("NAXIS1", 2_000_000_000)])
    path = tmp_path / "liar.fits"
    path.write_bytes(header.tostring().encode() + bytes(7200))

    assert "declares 2000000000 bytes of data, the file holds 7200" in reason(path)


@pytest.mark.parametrize(
    ("keyword", "value"), [("SIMPLE", "F"), ("BITPIX", "17"), ("NAXIS", "-1"), ("NAXIS", "1.5"), ("NAXIS", "'two'")]
)
def test_a_header_that_breaks_the_structure_is_refused_by_keyword(
    product: Path, tmp_path: Path, keyword: str, value: str
) -> None:
    content = product.read_bytes()
    at = content.index(b"XTENSION") if keyword != "SIMPLE" else 0
    at = content.index(keyword.ljust(8).encode(), at)
    path = tmp_path / "broken.fits"
    path.write_bytes(content[:at] + f"{keyword.ljust(8)}= {value:>20}".ljust(80).encode() + content[at + 80 :])

    assert keyword in reason(path)


def test_bytes_after_the_last_hdu_are_noted(product: Path, tmp_path: Path) -> None:
    path = tmp_path / "tail.fits"
    path.write_bytes(product.read_bytes() + b"what is this" * 10)

    header = read_header(path)

    assert len(header.hdus) == 4
    assert "passed over" in header.notes[0]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.fits", b"", "is empty"),
        (
            "a.fits",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 123456\n",
            "git-LFS pointer to 123456 bytes",
        ),
        ("a.fits", b"<html>not found</html>", "XML or HTML"),
        ("a.fits", b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
        ("a.fits.gz", gzip.compress(gzip.compress(b"SIMPLE", mtime=0), mtime=0), "gzip within gzip"),
        ("a.fits", b"\x1f\x8b\x08\x00" + b"garbage" * 10, "damaged"),
        ("a.json", b"{not json", "is not JSON"),
        ("a.json", b"[" * 100_000, "JSON"),
        ("a.ecsv", b"hello", "named ECSV"),
        ("a.ecsv", b"# %ECSV 1.0\n# ---\n# {]\nname\n", "not YAML"),
        ("a.ecsv", b"# %ECSV 1.0\n# ---\n# meta: 1\n", "describes no columns"),
        ("a.asdf", b"#ASDF 1.0.0\n%YAML 1.1\n--- !core/asdf\nno end", "truncated"),
    ],
)
def test_impostors_are_refused_with_what_they_are(tmp_path: Path, name: str, content: bytes, expected: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    assert expected in reason(path)


def test_a_truncated_gzip_file_is_refused_as_truncated(product: Path, tmp_path: Path) -> None:
    path = tmp_path / "short.fits.gz"
    path.write_bytes(gzip.compress(product.read_bytes())[:-20])

    assert "truncated" in reason(path)


def test_a_missing_file_is_an_error_of_the_archive(tmp_path: Path) -> None:
    assert "cannot be read" in reason(tmp_path / "gone.fits")


def test_a_gzip_bomb_is_given_up_at_the_limit_in_little_memory(tmp_path: Path) -> None:
    card = fits.Header([("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 1), ("NAXIS1", 10**12)]).tostring().encode()
    path = tmp_path / "bomb.fits.gz"
    with gzip.open(path, "wb", compresslevel=1) as stream:
        stream.write(card)
        for _ in range(64):
            stream.write(bytes(1 << 20))

    tracemalloc.start()
    why = reason(path, unpacked_limit=32 << 20)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert why == "the gzip content unpacks to more than 32 MiB"
    assert peak < 4 << 20


def test_the_tree_of_the_asdf_extension_gives_its_metadata(product: Path, tmp_path: Path) -> None:
    with fits.open(product) as opened:
        tree = {"meta": {"exposure": {"type": "NRC_IMAGE", "nints": 3}, "wcs": {"steps": [1, 2]}}, "data": [1.0]}
        text = asdf_bytes(tmp_path, tree)
        opened.append(fits.BinTableHDU(Table({"ASDF_METADATA": [np.frombuffer(text, "u1")]}), name="ASDF"))
        opened.writeto(tmp_path / "with_tree.fits")

    header = read_header(tmp_path / "with_tree.fits")

    assert header.tree["meta"] == {"exposure": {"type": "NRC_IMAGE", "nints": 3}}
    assert "data" in header.tree["branches"]


def test_a_plain_asdf_file_is_read_as_such(tmp_path: Path) -> None:
    path = tmp_path / "a.asdf"
    path.write_bytes(asdf_bytes(tmp_path, {"meta": {"filename": "x.asdf", "value": float("nan")}}))

    header = read_header(path)

    assert header.container == "asdf"
    assert header.tree["meta"] == {"filename": "x.asdf", "value": None}


@pytest.mark.parametrize(
    "yaml",
    [
        '!!python/object/apply:os.system ["touch {mark}"]',
        '!!python/object/new:subprocess.Popen [["touch", "{mark}"]]',
        "!<tag:yaml.org,2002:python/name:os.system> ''",
    ],
)
def test_nothing_in_a_tree_is_executed(tmp_path: Path, yaml: str) -> None:
    mark = tmp_path / "executed"
    path = tmp_path / "evil.asdf"
    body = yaml.replace("{mark}", str(mark))
    path.write_text(f"#ASDF 1.0.0\n#ASDF_STANDARD 1.5.0\n%YAML 1.1\n--- \nmeta: {{bad: {body}}}\n...\n")

    try:
        read_header(path)
    except UnreadableFileError as error:
        assert "YAML" in error.reason  # noqa: PT017 (either answer is right, running it is not)

    assert not mark.exists()


def test_anchors_that_multiply_each_other_stay_small(tmp_path: Path) -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    path = tmp_path / "laughs.asdf"
    text = "\n".join(f"  {line}" for line in lines)
    path.write_text(f"#ASDF 1.0.0\n#ASDF_STANDARD 1.5.0\n%YAML 1.1\n---\nmeta:\n{text}\n...\n")

    header = read_header(path)

    assert len(json.dumps(header.tree)) < 1 << 20


def test_deep_nesting_is_no_way_to_crash(tmp_path: Path) -> None:
    path = tmp_path / "deep.asdf"
    path.write_text("#ASDF 1.0.0\n#ASDF_STANDARD 1.5.0\n%YAML 1.1\n---\nmeta: " + "[" * 200_000 + "\n...\n")

    assert "YAML" in reason(path)


def test_a_catalogue_gives_columns_and_number_of_rows(tmp_path: Path) -> None:
    table = Table({"label": [1, 2, 3], "flux": [1.0, 2.0, 3.0]})
    table["flux"].unit = "Jy"
    table.meta["aperture"] = {"ee": 30}
    path = tmp_path / "jw01234-o001_t001_nircam_clear-f200w_cat.ecsv"
    table.write(path, format="ascii.ecsv")

    header = read_header(path)

    assert header.container == "ecsv"
    assert header.document["rows"] == 3
    assert [(column["name"], column["unit"]) for column in header.document["columns"]] == [
        ("label", None),
        ("flux", "Jy"),
    ]
    assert header.document["meta"] == {"aperture": {"ee": 30}}


def test_an_association_is_read_tolerantly(tmp_path: Path) -> None:
    document = {"products": [{"name": "x", "members": [{"expname": "y.fits", "odd": 1}]}], "unheard_of": None}
    path = tmp_path / "a_asn.json"
    path.write_text(json.dumps(document))
    other = tmp_path / "other.json"
    other.write_text('{"products": "none"}')

    assert read_header(path).document == document
    assert read_header(other).document is None


@pytest.mark.parametrize("delimiter", ["|", ","])
def test_a_pool_is_known_by_its_columns_whatever_separates_them(tmp_path: Path, delimiter: str) -> None:
    rows = [
        ["FILENAME", "PROGRAM", "EXP_TYPE", "DETECTOR"],
        ["jw01234001001_02101_00002_nrca1_uncal.fits", "1234", "NRC_IMAGE", "NRCA1"],
        ["jw01234001001_02101_00001_nrca1_uncal.fits", "01234", "NRC_IMAGE", "NRCA1"],
    ]
    path = tmp_path / "a_pool.csv"
    path.write_text("# a comment\n" + "\n".join(delimiter.join(row) for row in rows))

    document = read_header(path).document

    assert (document["format"], document["rows"], document["programs"]) == ("pool", 2, ["1234"])
    assert document["first_file"] == "jw01234001001_02101_00001_nrca1_uncal.fits"


def test_other_content_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("hello")

    header = read_header(path)

    assert (header.container, header.notes) == ("other", ("content: text",))


def asdf_bytes(folder: Path, tree: dict) -> bytes:
    asdf.AsdfFile(tree).write_to(folder / "scratch.asdf")
    return (folder / "scratch.asdf").read_bytes()


def test_what_is_left_out_of_a_tree_is_read_again_where_something_refers_to_it(tmp_path: Path) -> None:
    path = tmp_path / "a.asdf"
    path.write_text(
        "#ASDF 1.0.0\n#ASDF_STANDARD 1.5.0\n%YAML 1.1\n---\ndata: &shared\n- 1\n- 2\nmeta:\n  filename: a.fits\n"
        "  wcs:\n    steps:\n    - one\n  copy: *shared\n  date: '2024-01-01'\n...\n"
    )

    header = read_header(path)

    assert header.tree["meta"] == {"filename": "a.fits", "copy": [1, 2], "date": "2024-01-01"}
    assert header.tree["branches"] == ["data", "meta"]
