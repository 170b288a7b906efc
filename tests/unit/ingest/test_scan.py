import os

import pytest

from deepfield.ingest.scan import scan


def test_files_of_all_folders_are_found_once_in_order_of_their_names(tmp_path):
    for name in ("b/jw2.fits", "a/jw1_rate.fits", "c/d/jw1_cal.fits"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = scan([tmp_path, tmp_path / "a", tmp_path / "b" / "jw2.fits"])
    assert [file.name for file in found] == ["jw1_cal.fits", "jw1_rate.fits", "jw2.fits"]
    assert all(file.problem is None and file.size == 1 and file.mtime_ns for file in found)


def test_a_loop_of_links_ends_and_is_told(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    found = {file.name: file.problem for file in scan([tmp_path])}
    assert found["file"] is None
    assert "leads back" in found["loop"]
    assert "circle" in found["circle"]


def test_a_linked_file_is_found_by_its_own_name_when_that_is_scanned_too(tmp_path):
    (tmp_path / "z").mkdir()
    (tmp_path / "z" / "real").write_bytes(b"x")
    (tmp_path / "alias").symlink_to(tmp_path / "z" / "real")
    (tmp_path / "folder").symlink_to(tmp_path / "z")
    assert [file.path for file in scan([tmp_path])] == [str(tmp_path / "z" / "real")]


def test_a_link_out_of_the_tree_is_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").write_bytes(b"x")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "link").symlink_to(tmp_path / "elsewhere")
    assert [file.path for file in scan([tmp_path / "tree"])] == [str(tmp_path / "tree" / "link" / "file")]


def test_what_cannot_be_read_is_found_with_its_problem(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    found = {file.name: file.problem for file in scan([tmp_path, tmp_path / "absent"])}
    assert "pipe" in found["pipe"]
    assert "nowhere" in found["dangling"]
    assert "nothing is there" in found["absent"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_permission_is_told(tmp_path):
    (tmp_path / "shut").mkdir(mode=0)
    assert scan([tmp_path])[0].problem == "permission denied"
