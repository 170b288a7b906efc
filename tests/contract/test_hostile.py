"""Files that are broken or meant to break something: each has its entry in the report, and the good ones are filed."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from astropy.io import fits

from support.files import EXPOSURE, write_association, write_catalogue, write_product
from support.intake import open_bench

GOOD = f"{EXPOSURE}_cal.fits"
COMBINED = "jw01234-o001_t001_nircam_clear-f200w"
OWNED = Path("/tmp/deepfield-owned")


def exposure(number: int, suffix: str = "cal") -> str:
    return f"jw01234001001_02101_{number:05d}_nrca1_{suffix}.fits"


def overwritten(path: Path, keyword: str, card: str) -> None:
    """Write a card of a FITS header anew, whatever the standard says."""
    content = bytearray(path.read_bytes())
    start = content.index(f"{keyword:<8}".encode())
    content[start : start + 80] = card.ljust(80).encode("latin-1")
    path.write_bytes(content)


def gzip_bomb(path: Path) -> None:
    """A FITS file of 300 MB of zeros in 300 kB, that declares far more."""
    header = fits.Header([("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 1), ("NAXIS1", 10**12)])
    with gzip.open(path, "wb", compresslevel=9) as packed:
        packed.write(header.tostring().encode())
        for _ in range(300):
            packed.write(bytes(1 << 20))


def anchors() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    return "\n  ".join(lines)


def asdf_text(meta: str) -> str:
    return f"#ASDF 1.0.0\n#ASDF_STANDARD 1.5.0\n%YAML 1.1\n%TAG ! tag:stsci.edu:asdf/\n---\nmeta:\n  {meta}\n...\n"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    write_product(folder / GOOD)
    (folder / exposure(2)).write_bytes((folder / GOOD).read_bytes()[:4000])
    overwritten(write_product(folder / exposure(3)), "SIMPLE", "SIMPLE  =                    F")
    overwritten(write_product(folder / exposure(4)), "TARGPROP", "TARGPROP= 'caf\xe9 \x00\x1b[31m' / \xff\xfe")
    overwritten(write_product(folder / exposure(5)), "NAXIS1", "NAXIS1  =            536870912")
    write_product(folder / exposure(6), CRVAL1="NaN", TARG_RA="NaN", RA_REF="inf")
    with fits.open(folder / exposure(6), mode="update") as opened:
        opened["SCI"].header["S_REGION"] = "POLYGON ICRS nan nan nan nan nan nan"
    (folder / exposure(7)).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 123456\n")
    (folder / exposure(8)).write_bytes(b"")
    gzip_bomb(folder / f"{exposure(9)}.gz")
    overwritten(write_product(folder / exposure(10)), "NAXIS2", "NAXIS2  =                    T")
    write_product(folder / exposure(11), TARGPROP="'; DROP TABLE observation; --", PI_NAME="<script>alert(1)</script>")
    write_product(folder / exposure(12), EFFEXPTM=-1e308, EXPSTART=1e300, PROGRAM="99999999")
    (folder / exposure(13, "cal").replace(".fits", ".asdf")).write_text(
        asdf_text(f"evil: !!python/object/apply:os.system ['touch {OWNED}']")
    )
    (folder / exposure(14, "cal").replace(".fits", ".asdf")).write_text(asdf_text(anchors()))
    (folder / exposure(15, "cal").replace(".fits", ".asdf")).write_text(asdf_text('target: {proposer_name: "a\\0b"}'))
    (folder / exposure(16, "cal").replace(".fits", ".asdf")).write_text(asdf_text("[" * 100_000))
    members = ["../../../../etc/passwd", "/etc/shadow", f"..\\..\\{GOOD}", "\x00", "\ud800", GOOD]
    write_association(folder / "jw01234-o001_20260101t000000_image3_00001_asn.json", COMBINED, members)
    (folder / "jw01234-o002_20260101t000000_image3_00001_asn.json").write_text("[" * 200_000)
    (folder / "jw01234-o003_20260101t000000_image3_00001_asn.json").write_text(
        json.dumps({"products": [{"name": {"a": 1}, "members": [1, None, {"expname": 5}, []]}, {"members": []}]})
    )
    write_catalogue(folder / f"{COMBINED}_cat.ecsv", 5)
    (folder / f"{COMBINED}-sub640_cat.ecsv").write_text(
        "# %ECSV 1.0\n# ---\n# datatype: [{name: label, datatype: int64}]\nlabel\n1\n"
    )
    (folder / "loop").symlink_to(folder)
    (folder / "a").symlink_to(folder / "b")
    (folder / "b").symlink_to(folder / "a")
    (folder / exposure(17)).symlink_to(folder / "nowhere.fits")
    os.mkfifo(folder / exposure(18))
    (folder / os.fsdecode(b"bad-\xff-name.fits")).write_bytes((folder / GOOD).read_bytes())
    hlsp = write_product(folder / "contributed.fits", HLSPID="x", FILENAME="hlsp_/../../../escaped_spec.fits")
    assert hlsp.exists()
    return folder


EXPECTED = {
    GOOD: ("ingested", None),
    exposure(2): ("refused", "truncated"),
    exposure(3): ("refused", "SIMPLE is not T"),
    exposure(4): ("ingested", None),
    exposure(5): ("refused", "declares"),
    exposure(6): ("ingested", None),
    exposure(7): ("refused", "git-LFS pointer to 123456 bytes"),
    exposure(8): ("refused", "is empty"),
    f"{exposure(9)}.gz": ("refused", "declares"),
    exposure(10): ("refused", "NAXIS2 = True"),
    exposure(11): ("ingested", None),
    exposure(12): ("ingested", None),
    exposure(13).replace(".fits", ".asdf"): ("ingested", None),  # its tag is text, and nothing obeys it
    exposure(14).replace(".fits", ".asdf"): ("ingested", None),
    exposure(15).replace(".fits", ".asdf"): ("ingested", None),
    exposure(16).replace(".fits", ".asdf"): ("refused", "nested"),
    "jw01234-o001_20260101t000000_image3_00001_asn.json": ("ingested", None),
    "jw01234-o002_20260101t000000_image3_00001_asn.json": ("refused", "JSON"),
    "jw01234-o003_20260101t000000_image3_00001_asn.json": ("kept", "names no exposure"),
    f"{COMBINED}_cat.ecsv": ("ingested", None),
    f"{COMBINED}-sub640_cat.ecsv": ("ingested", None),
    "loop": ("refused", "leads back"),
    "a": ("refused", "circle"),
    "b": ("refused", "circle"),
    exposure(17): ("refused", "leads nowhere"),
    exposure(18): ("refused", "device, pipe or socket"),
    "bad-\\udcff-name.fits": ("refused", "not text in UTF-8"),
    "contributed.fits": (None, None),
}


@pytest.mark.parametrize("link", [True, False])
def test_every_hostile_file_has_its_entry_and_the_good_are_filed(
    catalogue_url: str, tree: Path, tmp_path: Path, *, link: bool
) -> None:
    OWNED.unlink(missing_ok=True)
    bench = open_bench(tmp_path / "home", catalogue_url, workers=2)
    report = bench.intake.ingest([tree], link=link)

    found = {Path(entry.path).name: (entry.status, entry.reason) for entry in report.entries}
    assert found.keys() == EXPECTED.keys()
    for name, (status, reason) in EXPECTED.items():
        assert status in {None, found[name][0]}, (name, found[name])
        assert reason is None or reason in (found[name][1] or ""), (name, found[name])
    assert not OWNED.exists()
    assert not (tmp_path / "escaped_spec.fits").exists()
    assert {path.parent.parent.parent for path in (tmp_path / "home" / "store").rglob("*.fits")} <= {
        tmp_path / "home" / "store"
    }
    members = bench.rows(f"SELECT members FROM observation WHERE obs_id = '{COMBINED}' AND seq_to IS NULL")
    assert json.loads(members[0][0]) == [EXPOSURE]
    nowhere = bench.rows(f"SELECT s_ra, s_region FROM observation WHERE obs_id = '{exposure(6)[:-9]}'")
    assert nowhere == [(None, None)]
    assert len(bench.lake.contents()) == 1
    again = bench.intake.ingest([tree], link=link)
    assert again.counts["ingested"] == again.counts["superseded"] == 0
    bench.database.close()


def test_hostile_files_are_read_in_little_memory(tree: Path) -> None:
    program = (
        "import resource, sys, pathlib\n"
        "from deepfield.products.reader import read_header\n"
        "from deepfield.model.errors import UnreadableFileError\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):\n"
        "    if path.is_file() and not path.is_symlink():\n"
        "        try: read_header(path)\n"
        "        except UnreadableFileError: pass\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    said = subprocess.run([sys.executable, "-c", program, tree], capture_output=True, text=True, check=True)
    assert int(said.stdout) < 150_000, "kilobytes"
