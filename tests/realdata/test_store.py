import json
import subprocess
import sys

import pytest
from misbehaving import picture

from samplegen.errors import CollectError
from samplegen.realdata.store import JOURNAL, PictureStore
from samplegen.realdata.versions import Validators

ADDRESS = "http://shop.example/1.jpg"


def _kept(folder, run="one", address=ADDRESS, content=b"bytes"):
    with PictureStore(folder, run) as store:
        store.keep(address, store.write(content), Validators('"1"', "yesterday"))


def test_the_run_that_kept_a_picture_has_settled_it_and_others_know_it(tmp_path):
    _kept(tmp_path)

    assert PictureStore(tmp_path, "one").settled(ADDRESS).sha256
    assert PictureStore(tmp_path, "two").settled(ADDRESS) is None
    assert PictureStore(tmp_path, "two").known(ADDRESS).validators == Validators('"1"', "yesterday")


def test_lasting_failures_are_settled_and_passing_ones_are_not(tmp_path):
    with PictureStore(tmp_path, "one") as store:
        store.fail("gone", "404 Not Found", lasting=True)
        store.fail("busy", "503 Service Unavailable", lasting=False)

    store = PictureStore(tmp_path, "one")
    assert store.settled("gone").reason == "404 Not Found"
    assert store.settled("busy") is None
    assert store.note("busy").reason == "503 Service Unavailable"


@pytest.mark.parametrize("damage", ["gone", "altered"])
def test_a_picture_that_is_not_as_it_was_is_neither_settled_nor_known(tmp_path, damage):
    _kept(tmp_path)
    (file,) = tmp_path.glob("??/*")
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(b"bites")

    store = PictureStore(tmp_path, "one")
    assert store.settled(ADDRESS) is None
    assert store.known(ADDRESS) is None
    with pytest.raises(CollectError, match=r"cannot be read|was altered"):
        store.read(store.note(ADDRESS))


@pytest.mark.parametrize(
    "line",
    [
        b'{"address": "http://shop.exa',
        b"\xff\xfe",
        b"[1, 2]",
        b'{"address": "x", "run": "one", "sha256": "../../../etc/passwd"}',
        b'{"address": "x", "run": "one", "sha256": 7}',
        b'{"address": 7, "run": "one"}',
        b'{"unknown": 1}',
    ],
)
def test_lines_that_are_no_notes_count_for_nothing(tmp_path, line):
    _kept(tmp_path)
    with (tmp_path / JOURNAL).open("ab") as journal:
        journal.write(line)

    _kept(tmp_path, address="http://shop.example/2.jpg")

    store = PictureStore(tmp_path, "one")
    assert store.settled(ADDRESS)
    assert store.settled("http://shop.example/2.jpg")
    assert all(json.loads(line)["address"] for line in (tmp_path / JOURNAL).read_bytes().splitlines())


def test_a_sweep_leaves_what_is_still_wanted(tmp_path):
    _kept(tmp_path, content=picture(1))
    _kept(tmp_path, address="old", content=picture(2))
    with PictureStore(tmp_path, "two") as store:
        store.sweep({ADDRESS})

    assert len(list(tmp_path.glob("??/*"))) == 1
    assert PictureStore(tmp_path, "two").known(ADDRESS)
    assert PictureStore(tmp_path, "two").note("old") is None


def test_any_address_survives_the_journal(tmp_path):
    address = "http://shop.example/é\n\u2028\ud800.jpg"
    _kept(tmp_path, address=address)

    assert PictureStore(tmp_path, "one").settled(address)


@pytest.mark.parametrize("lasting", [True, False])
def test_a_failure_does_not_forget_the_picture_that_was_there_before(tmp_path, lasting):
    _kept(tmp_path, content=picture(1))
    with PictureStore(tmp_path, "two") as store:
        store.fail(ADDRESS, "503 Service Unavailable", lasting=lasting)
        store.sweep({ADDRESS})

    store = PictureStore(tmp_path, "three")
    assert (store.note(ADDRESS).reason, store.settled(ADDRESS)) == ("503 Service Unavailable", None)
    assert store.read(store.known(ADDRESS)) == picture(1)
    assert store.known(ADDRESS).validators == Validators('"1"', "yesterday")
    with PictureStore(tmp_path, "three") as store:
        store.keep(ADDRESS, store.write(picture(2)), Validators())
        assert store.settled(ADDRESS).reason == ""


def test_the_store_needs_no_http_client():
    code = "import sys, samplegen.realdata.store; print('httpx' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"
