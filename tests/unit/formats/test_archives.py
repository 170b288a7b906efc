"""Zip and tar files streamed of any size: exactly as long as said, and read back by what people read them with."""

import io
import subprocess
import sys
import tarfile
import zipfile
from datetime import UTC, datetime
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepfield.formats.archives import Member, gzip_stream, tar_size, tar_stream, zip_size, zip_stream

NOW = datetime(2026, 5, 4, 3, 2, 2, tzinfo=UTC)


def member(path, content):
    return Member(path, len(content), NOW, partial(io.BytesIO, content))


def holes(path, size):
    """A member of this many zero bytes, of which none is kept."""

    class Holes(io.RawIOBase):
        def read(self, count=-1):
            return bytes(count)

    return Member(path, size, NOW, Holes)


FILES = st.lists(st.tuples(st.text("abé/_.", min_size=1, max_size=120), st.binary(max_size=2000)), max_size=6)


@settings(deadline=None, max_examples=60)
@given(FILES)
def test_what_was_packed_is_what_is_unpacked_and_sizes_are_exact(files):
    members = [member(f"d/{number}{path}x", content) for number, (path, content) in enumerate(files)]
    zipped, tarred = b"".join(zip_stream(members)), b"".join(tar_stream(members))
    assert (len(zipped), len(tarred)) == (zip_size(members), tar_size(members))
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        assert archive.testzip() is None
        assert [archive.read(one) for one in archive.infolist()] == [content for _, content in files]
        assert [one.filename for one in archive.infolist()] == [one.path for one in members]
    with tarfile.open(fileobj=io.BytesIO(tarred)) as archive:
        assert [archive.extractfile(one).read() for one in archive] == [content for _, content in files]
        assert [one.name for one in archive] == [one.path for one in members]


def test_the_tools_of_the_system_agree(tmp_path):
    members = [member("d/a.fits", b"1" * 3000), member("d/b.json", b"{}")]
    for name, pieces in (("a.tar", tar_stream(members)), ("a.tar.gz", gzip_stream(tar_stream(members)))):
        (tmp_path / name).write_bytes(b"".join(pieces))
        listed = subprocess.run(["tar", "-tf", tmp_path / name], capture_output=True, text=True, check=True)
        assert (listed.stdout.split(), listed.stderr) == (["d/a.fits", "d/b.json"], "")


def test_more_than_65535_members_are_counted(tmp_path):
    members = [member(f"{number}", b"") for number in range(65_540)]
    zipped = b"".join(zip_stream(members))
    assert len(zipped) == zip_size(members)
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        assert len(archive.infolist()) == 65_540


@pytest.mark.parametrize("sizes", [[2**31, 5], [2**32 + 7, 5], [5, 2**31 - 1, 2**31, 2**33, 9]])
def test_sizes_beyond_32_bits_are_foretold_as_they_are_written(sizes, monkeypatch):
    """The bytes themselves are left out: the CRC of gigabytes takes too long here (``prove`` writes them)."""
    members = [holes(f"f{number}", size) for number, size in enumerate(sizes)]
    monkeypatch.setattr(zipfile, "crc32", lambda _piece, value=0: value)
    piece = bytes(1 << 24)
    monkeypatch.setattr(Member, "pieces", lambda self: _cheap(self.size, piece))
    assert sum(map(len, _zip_of(members))) == zip_size(members)


def _cheap(size, piece):
    while size:
        yield piece[: min(size, len(piece))]
        size -= min(size, len(piece))


def _zip_of(members):
    return zip_stream(members)


@pytest.mark.prove
def test_a_zip_and_a_tar_of_more_than_4_gb_are_read_back_by_the_tools_of_the_system(tmp_path):
    members = [holes("d/large.fits", 2**32 + 4097), member("d/after.json", b"{}")]
    for name, pieces, size in (
        ("a.zip", zip_stream(members), zip_size(members)),
        ("a.tar", tar_stream(members), tar_size(members)),
    ):
        with (tmp_path / name).open("wb") as sink:
            for piece in pieces:
                if piece.strip(b"\0"):
                    sink.write(piece)
                else:
                    sink.seek(len(piece), io.SEEK_CUR)  # keeps the file sparse
            sink.truncate()
        assert (tmp_path / name).stat().st_size == size
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert [one.file_size for one in archive.infolist()] == [2**32 + 4097, 2]
        assert archive.testzip() is None
    listed = subprocess.run(["tar", "-tvf", tmp_path / "a.tar"], capture_output=True, text=True, check=True)
    assert str(2**32 + 4097) in listed.stdout


STREAMING = """
import sys
from datetime import UTC, datetime
from functools import partial
from deepfield.formats.archives import Member, tar_size, tar_stream, zip_size, zip_stream

path, size, count, form = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
stream, foretold = {"zip": (zip_stream, zip_size), "tar": (tar_stream, tar_size)}[form]
members = [Member(f"d/{n}.fits", size, datetime.now(UTC), partial(open, path, "rb")) for n in range(count)]
def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
before = peak()
sent = sum(map(len, stream(members)))
print(sent, foretold(members), peak() - before)
"""


@pytest.mark.parametrize("form", ["zip", "tar"])
@pytest.mark.parametrize("gigabytes", [1, pytest.param(100, marks=pytest.mark.prove)])
def test_a_selection_of_any_size_streams_in_constant_memory(tmp_path, form, gigabytes):
    """Of a sparse file that is packed again and again, as large as the whole selection is to be."""
    sparse, size = tmp_path / "sparse.fits", 500_000_000
    with sparse.open("wb") as sink:
        sink.truncate(size)
    told = subprocess.run(
        [sys.executable, "-c", STREAMING, sparse, str(size), str(gigabytes * 2), form],
        capture_output=True,
        text=True,
        check=True,
    )
    sent, foretold, grown = map(int, told.stdout.split())
    assert sent == foretold > gigabytes * 10**9
    assert grown < 20_000, f"{grown} kB"


def test_a_file_that_ends_early_cuts_the_stream():
    short = Member("d/a", 10, NOW, partial(io.BytesIO, b"123"))
    for stream in (zip_stream, tar_stream):
        with pytest.raises(EOFError, match="d/a ended 7 bytes early"):
            b"".join(stream([short]))
