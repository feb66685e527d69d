import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samplegen.errors import ExportError
from samplegen.export.files import remove_leftovers, safe_stem, write_file, write_with

codes = st.text(min_size=1, max_size=300)


@given(first=codes, second=codes)
def test_different_codes_give_different_file_names(first, second):
    assert (safe_stem(first) == safe_stem(second)) == (first == second)


@given(code=codes)
def test_file_name_of_any_code_is_one_plain_name(code):
    stem = safe_stem(code)

    assert stem.isascii()
    assert not set(stem) & set("./\\:\0 ")
    assert len(stem) <= 180


def test_usual_codes_are_kept_as_they_are():
    assert safe_stem("80192941") == "80192941"
    assert safe_stem("NVPROD3190095V/M46222") == "NVPROD3190095V~2fM46222"


def test_record_of_a_written_file_tells_its_size_and_digest(tmp_path):
    file = write_file(tmp_path, "a/b.txt", b"hello", split="train", rows=3)

    assert (tmp_path / "a/b.txt").read_bytes() == b"hello"
    assert (file.bytes, file.sha256) == (5, hashlib.sha256(b"hello").hexdigest())
    assert (file.path, file.split, file.rows) == ("a/b.txt", "train", 3)


def test_failure_while_writing_leaves_the_earlier_file_and_no_other(tmp_path):
    write_file(tmp_path, "a.txt", b"before")

    def fail(stream):
        stream.write(b"half")
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        write_with(tmp_path, "a.txt", fail)

    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a.txt", b"before")]


def test_full_disk_is_one_clear_message(tmp_path):
    def fill(stream):
        raise OSError(28, "No space left on device")

    with pytest.raises(ExportError, match=r"a\.bin: the disk is full.*--resume"):
        write_with(tmp_path, "a.bin", fill)
    assert not any(tmp_path.iterdir())


def test_disk_that_refuses_what_is_still_held_is_one_clear_message(tmp_path, monkeypatch):
    def refuse(self):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("samplegen.export.files.DigestingFile.flush", refuse)
    monkeypatch.setattr("samplegen.export.files.DigestingFile.close", refuse)

    with pytest.raises(ExportError, match=r"a\.bin: the disk is full"):
        write_file(tmp_path, "a.bin", b"hello")
    assert not any(tmp_path.iterdir())


def test_leftovers_are_removed_and_nothing_else(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/x.parquet.77.tmp").touch()
    (tmp_path / "data/x.parquet").touch()

    remove_leftovers(tmp_path)

    assert [p.name for p in (tmp_path / "data").iterdir()] == ["x.parquet"]
