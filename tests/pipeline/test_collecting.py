import csv
import json
import signal
import subprocess
import sys
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from misbehaving import picture
from waiting import wait_until

from samplegen.errors import CollectError, ExportError, SamplegenError
from samplegen.export.reading import read_dataset
from samplegen.pipeline import Recipe, write_dataset
from samplegen.pipeline.checking import check_dataset, describe_dataset
from samplegen.pipeline.collecting import collect
from samplegen.realdata.download import WAITERS
from samplegen.realdata.limits import Limits

QUICK = Limits(backoff_s=0.01, retries=2)
FORMATS = ("parquet", "csv", "imagefolder", "webdataset")


def _write_list(path, rows, delimiter=","):
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def _rows(server, count, manner="good"):
    return [
        {"product_code": f"{n:04d}", "title": f"Title {n // 2}", "full_price": 10 + n,
         "imageurl": f"{server.url}/{manner}/{n}.jpg"}
        for n in range(count)
    ]  # fmt: skip


def _collect(source, out, **options):
    return collect(str(source), out, **{"limits": QUICK, "allow_private": True, **options})


def _read(root):
    return pa.concat_tables([piece.table for piece in read_dataset(root)], promote_options="permissive")


def _pictures(root):
    return [read() for piece in read_dataset(root) for read in piece.pictures]


def _failures(root):
    with (root / "failures.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("format", FORMATS)
def test_a_collected_dataset_is_like_a_made_one(server, tmp_path, format):
    rows = _rows(server, 70)
    rows[3]["imageurl"] = f"{server.url}/404/3.jpg"
    source = _write_list(tmp_path / "list.csv", rows)

    collected = _collect(source, tmp_path / "out", format=format)

    assert check_dataset(tmp_path / "out") == (69, [])
    assert collected.failed == {"404 Not Found": 1}
    table = _read(tmp_path / "out")
    good = [row for row in rows if row["product_code"] != "0003"]
    assert table["product_code"].to_pylist() == [row["product_code"] for row in good]
    assert table["full_price"].to_pylist() == [float(row["full_price"]) for row in good]
    assert table["imageurl"].to_pylist() == [row["imageurl"] for row in good]
    assert _pictures(tmp_path / "out") == [picture(int(row["product_code"])) for row in good]
    assert [(r["row"], r["reason"], r["product_code"]) for r in _failures(tmp_path / "out")] == [
        ("3", "404 Not Found", "0003")
    ]
    before = (tmp_path / "out/README.md").read_text()
    describe_dataset(tmp_path / "out")
    assert (tmp_path / "out/README.md").read_text() == before
    assert "mit" not in before.split("---")[1]


def test_the_csv_layout_has_its_pictures_by_code(server, tmp_path):
    rows = _rows(server, 3)
    for row, code in zip(rows, ("../../../evil", "a", "a"), strict=True):
        row["product_code"] = code
    _collect(_write_list(tmp_path / "list.csv", rows), tmp_path / "out", format="csv")

    names = ["images/~2e~2e~2f~2e~2e~2f~2e~2e~2fevil.jpg", "images/a.jpg", "images/a~n2.jpg"]
    with (tmp_path / "out/Dataset.csv").open(newline="") as stream:
        assert [row["local_image_path"] for row in csv.DictReader(stream)] == names
    assert [(tmp_path / "out" / name).read_bytes() for name in names] == [picture(n) for n in range(3)]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["list.csv", "out"]
    assert check_dataset(tmp_path / "out") == (3, [])


@pytest.mark.parametrize("format", FORMATS)
def test_texts_that_a_spreadsheet_would_run_keep_their_rows_and_come_back_as_they_were(
    server, tmp_path, format
):
    titles = ["-20% Wool", "=HYPERLINK(1)", "'=quoted", "+1", "@home", "'plain", "\tx", "Coat"]
    rows = [{**row, "title": title} for row, title in zip(_rows(server, 8), titles, strict=True)]
    rows[0]["product_code"] = "=1+1"
    rows = [{**row, "=HYPERLINK(2)": "x"} for row in rows]
    rows.append({**rows[1], "product_code": "f", "imageurl": "=cmd|calc"})

    _collect(_write_list(tmp_path / "list.csv", rows), tmp_path / "out", format=format)

    table = _read(tmp_path / "out")
    assert table["title"].to_pylist() == titles
    if format != "webdataset":  # its reader takes the price list's own columns
        assert table["=HYPERLINK(2)"].to_pylist() == ["x"] * 8
    assert table["product_code"].to_pylist()[0] == "=1+1"
    assert check_dataset(tmp_path / "out") == (8, [])
    for path in (*(tmp_path / "out").glob("*.csv"),):
        with path.open(newline="") as stream:
            cells = [cell for row in csv.reader(stream) for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t"))]


def test_every_manner_of_a_server_ends_in_a_picture_or_a_reason(server, tmp_path):
    """3,040 rows, a tenth of which meet a fault."""
    faults = {
        "404": "404 Not Found",
        "500": "500 Internal Server Error (3 tries)",
        "truncated": "the answer broke off",
        "cut": "(3 tries)",
        "html": "is no picture: the body is an HTML page",
        "bomb": "pixels",
        "to-private": "is 127.0.0.2, a private address",
        "reset": "the connection broke",
        "drip": "not complete after 15 s",
    }
    passing = ("429", "500-twice", "moved", "png")
    manners = [*(name for name in faults if name != "drip"), *passing]
    rows = _rows(server, 3040)
    wrong = {n: manners[n // 10 % len(manners)] for n in range(0, 3040, 10)}
    wrong |= dict.fromkeys(range(5, 45, 10), "drip")  # early, so that others are collected meanwhile
    for n, manner in wrong.items():
        rows[n]["imageurl"] = f"{server.url}/{manner}/{n}.jpg"
    rows[1]["imageurl"] = "N.A."
    source = _write_list(tmp_path / "list.csv", rows)

    # A busy machine may take seconds over a picture; the drip would take 100.
    limits = Limits(backoff_s=0.01, retries=2, total_s=15.0, per_host=12)
    collected = _collect(source, tmp_path / "out", limits=limits, allow_private=frozenset({"127.0.0.1"}))

    failed = {int(row["row"]): row["reason"] for row in _failures(tmp_path / "out")}
    lost = {n for n, manner in wrong.items() if manner in faults} | {1}
    assert set(failed) == lost
    for n in lost - {1}:
        assert faults[wrong[n]] in failed[n]
    assert failed[1] == "'N.A.' is no http(s) address"
    kept = [n for n in range(3040) if n not in lost]
    table = _read(tmp_path / "out")
    assert table["product_code"].to_pylist() == [f"{n:04d}" for n in kept]
    assert (collected.manifest.rows, sum(collected.failed.values())) == (len(kept), len(lost))
    pictures = _pictures(tmp_path / "out")
    assert [
        n for n, got in zip(kept, pictures, strict=True) if got != picture(n) and wrong.get(n) != "png"
    ] == []
    assert check_dataset(tmp_path / "out") == (len(kept), [])


def test_killed_and_resumed_nothing_is_fetched_twice_and_the_result_is_the_same(server, tmp_path):
    rows = _rows(server, 400)
    for n in (7, 100, 350):
        rows[n]["imageurl"] = f"{server.url}/404/{n}.jpg"
    # The last picture is held back, so that the run cannot end before it is killed.
    rows[399]["imageurl"] = f"{server.url}/held/399.jpg"
    source = _write_list(tmp_path / "list.csv", rows)
    command = [sys.executable, "-m", "samplegen", "collect", source, "--out", tmp_path / "out"]
    command += ["--allow-private", "--per-host", "4", "--format", "csv"]
    process = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    journal = tmp_path / "out/.samplegen/pictures/journal.jsonl"
    wait_until(lambda: journal.is_file() and journal.read_bytes().count(b"\n") >= 120, process)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    server.let_go.set()
    settled = {
        json.loads(line)["address"] for line in journal.read_bytes().splitlines() if line.endswith(b"}")
    }
    asked_before = len(server.asked)
    assert 120 <= len(settled) < 400
    assert not (tmp_path / "out/manifest.json").exists()

    done = subprocess.run([*map(str, command), "--resume"], capture_output=True, text=True, check=True)

    assert done.stdout == f"{tmp_path / 'out'}\n"
    asked_again = {server.url + path for path in server.asked[asked_before:]}
    assert asked_again & settled == set()
    # What was under way at the kill may have been sent and lost; nothing else is sent twice.
    assert sum(1 for times in Counter(server.asked).values() if times > 1) <= 4 * WAITERS
    assert len(set(server.asked)) == 400
    collect(str(source), tmp_path / "whole", format="csv", limits=QUICK, allow_private=True)
    whole, resumed = ((tmp_path / name / "manifest.json").read_bytes() for name in ("whole", "out"))
    assert resumed == whole
    assert check_dataset(tmp_path / "out") == (397, [])


def test_collecting_again_asks_for_changes_only(server, tmp_path):
    source = _write_list(tmp_path / "list.csv", _rows(server, 20, manner="etag"))
    first = _collect(source, tmp_path / "out").manifest
    assert server.sent.total() == 20

    again = _collect(source, tmp_path / "out", overwrite=True).manifest

    assert again == first
    assert (len(server.asked), server.sent.total()) == (40, 20)
    assert all("if-none-match" in headers for headers in server.headers[20:])


def test_a_finished_dataset_is_not_collected_again_by_resume(server, tmp_path):
    source = _write_list(tmp_path / "list.csv", _rows(server, 5))
    first = _collect(source, tmp_path / "out").manifest

    assert _collect(source, tmp_path / "out", resume=True).manifest == first
    assert len(server.asked) == 5
    with pytest.raises(ExportError, match=r"is not empty\. Add --resume"):
        _collect(source, tmp_path / "out")


def test_the_earlier_dataset_stays_until_the_new_one_has_its_pictures(server, tmp_path):
    source = _write_list(tmp_path / "list.csv", _rows(server, 5))
    _collect(source, tmp_path / "out")

    with pytest.raises(RuntimeError, match="stopped"):
        _collect(source, tmp_path / "out", overwrite=True, on_rows=_stop)

    assert check_dataset(tmp_path / "out") == (5, [])


def test_resume_refuses_another_list(server, tmp_path):
    rows = _rows(server, 5)
    with pytest.raises(RuntimeError, match="stopped"):
        _collect(_write_list(tmp_path / "list.csv", rows), tmp_path / "out", on_rows=_stop)
    rows[0]["title"] = "Another"

    with pytest.raises(ExportError, match="source-digest was"):
        _collect(_write_list(tmp_path / "list.csv", rows), tmp_path / "out", resume=True)


def _stop(done, rows):
    raise RuntimeError("stopped")


def test_rows_with_the_same_address_share_one_request(server, tmp_path):
    rows = [{**row, "imageurl": f"{server.url}/good/1.jpg"} for row in _rows(server, 10)]
    seen = []

    _collect(
        _write_list(tmp_path / "list.csv", rows), tmp_path / "out", on_rows=lambda *pair: seen.append(pair)
    )

    assert (server.asked, seen) == (["/good/1.jpg"], [(10, 10)])
    assert check_dataset(tmp_path / "out") == (10, [])


@pytest.mark.parametrize("manner", ["longer", "once", "kept-closed", "kept-reset"])
def test_a_connection_that_cannot_be_used_again_costs_no_picture(server, tmp_path, manner):
    source = _write_list(tmp_path / "list.csv", _rows(server, 40, manner=manner))

    _collect(source, tmp_path / "out", limits=Limits(retries=0, per_host=2))

    assert _pictures(tmp_path / "out") == [picture(n) for n in range(40)]


@pytest.mark.parametrize("manner", ["unmeasured-once", "chunk-once", "cut-once"])
def test_a_picture_that_is_cut_off_is_asked_for_again_within_the_tries(server, tmp_path, manner):
    rows = [*_rows(server, 5, manner=manner), *_rows(server, 1)]
    source = _write_list(tmp_path / "list.csv", rows)

    whole = _collect(source, tmp_path / "whole").manifest
    assert (whole.rows, server.asked.count(f"/{manner}/4.jpg")) == (6, 2)
    assert _pictures(tmp_path / "whole")[:5] == [picture(n, size=64) for n in range(5)]

    server.asked.clear()
    collected = _collect(source, tmp_path / "once", limits=Limits(retries=0))
    assert (collected.manifest.rows, len(server.asked)) == (1, 6)
    assert all(row["reason"].endswith("(1 try)") for row in _failures(tmp_path / "once"))


def test_a_slow_host_does_not_hold_up_another(server, tmp_path):
    rows = _rows(server, 60)
    for n in range(3):
        rows[n]["imageurl"] = f"{server.url.replace('127.0.0.1', 'localhost')}/held/{n}.jpg"

    def let_go_at_last(done, rows):
        if done == 57:
            server.let_go.set()

    limits = Limits(retries=0, per_host=1, concurrency=2)
    source = _write_list(tmp_path / "list.csv", rows)
    collected = _collect(source, tmp_path / "out", limits=limits, on_rows=let_go_at_last)

    assert collected.failed == {}
    assert _pictures(tmp_path / "out") == [picture(n) for n in range(60)]
    assert sum(path.startswith("/held/") for path in server.asked[:58]) <= 1


def test_no_picture_at_all_is_an_error_that_leaves_the_reasons(server, tmp_path):
    source = _write_list(tmp_path / "list.csv", _rows(server, 4, manner="404"))

    with pytest.raises(CollectError, match="no row has a picture; the first: 404 Not Found"):
        _collect(source, tmp_path / "out")

    assert [row["reason"] for row in _failures(tmp_path / "out")] == ["404 Not Found"] * 4
    assert not (tmp_path / "out/manifest.json").exists()


def test_a_made_dataset_is_told_where_its_pictures_are(tiny_pack, tmp_path):
    write_dataset(Recipe(rows=6, template=tiny_pack, image_size=64), tmp_path / "made")
    shard = str(next((tmp_path / "made/data").glob("*.parquet")))
    rows = [{"title": "Hat", "imageurl": "https://img.tiny.example/1"}]
    source = _write_list(tmp_path / "list.csv", rows)

    with pytest.raises(
        CollectError, match=r"Column 'image' .* holds pictures itself: --image-column image takes"
    ):
        _collect(shard, tmp_path / "out")
    assert _collect(shard, tmp_path / "out", image_column="image", overwrite=True).failed == {}
    with pytest.raises(CollectError, match="as those of a made dataset: start samplegen serve"):
        _collect(source, tmp_path / "other")


def test_where_no_row_was_asked_for_nothing_is_advised(tmp_path):
    rows = [{"full_price": "ask", "imageurl": "https://img.tiny.example/1"}]

    with pytest.raises(CollectError, match=r"the first: full_price is 'ask', .* says why for each\.$"):
        _collect(_write_list(tmp_path / "list.csv", rows), tmp_path / "out")


def test_a_disk_that_fills_keeps_what_was_fetched(server, tmp_path, monkeypatch):
    from samplegen.export import files

    real_write, left = files.DigestingFile.write, [50]

    def write(self, data):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        return real_write(self, data)

    source = _write_list(tmp_path / "list.csv", _rows(server, 80))
    monkeypatch.setattr(files.DigestingFile, "write", write)
    with pytest.raises(
        ExportError, match=r"the disk is full\. .* keep what they have made or fetched, .*--resume"
    ):
        _collect(source, tmp_path / "out")
    monkeypatch.undo()
    lines = (tmp_path / "out/.samplegen/pictures/journal.jsonl").read_bytes().splitlines()
    had = {json.loads(line)["address"].removeprefix(server.url) for line in lines}
    server.asked.clear()

    assert _collect(source, tmp_path / "out", resume=True).manifest.rows == 80
    assert len(had) > 30
    assert had.isdisjoint(server.asked)


def test_a_disk_that_is_too_full_for_a_list_from_the_web_is_one_message(server, tmp_path, monkeypatch):
    def refuse(self, content):
        raise OSError(28, "No space left on device")

    server.files["/file/list.csv"] = _write_list(tmp_path / "list.csv", _rows(server, 3)).read_bytes()
    monkeypatch.setattr("pathlib.Path.write_bytes", refuse)

    with pytest.raises(ExportError, match="the disk is full"):
        _collect(f"{server.url}/file/list.csv", tmp_path / "out")


def test_failures_are_a_price_list_to_try_again_with(server, tmp_path):
    rows = _rows(server, 6)
    rows[2]["imageurl"] = f"{server.url}/500-twice/2.jpg"
    rows[2]["title"] = "=1"
    once = Limits(retries=0)
    _collect(_write_list(tmp_path / "list.csv", rows), tmp_path / "out", limits=once)

    _collect(tmp_path / "out/failures.csv", tmp_path / "rest")

    table = _read(tmp_path / "rest")
    assert (table["product_code"].to_pylist(), table["title"].to_pylist()) == (["0002"], ["=1"])
    assert check_dataset(tmp_path / "rest") == (1, [])


def test_rows_that_fail_again_keep_all_their_columns(server, tmp_path):
    rows = [{**row, "source_row": "mine"} for row in _rows(server, 2, manner="404")]
    rows.append({**rows[0], "imageurl": f"{server.url}/good/1.jpg"})
    _collect(_write_list(tmp_path / "list.csv", rows), tmp_path / "one")
    with pytest.raises(CollectError, match="no row has a picture"):
        _collect(tmp_path / "one/failures.csv", tmp_path / "two")

    again = _failures(tmp_path / "two")
    assert [list(row.values())[2:] for row in again] == [
        list(row.values()) for row in _failures(tmp_path / "one")
    ]
    assert (again[1]["reason"], again[1]["source_reason"]) == ("404 Not Found", "404 Not Found")
    assert (again[1]["source_row"], again[1]["source_source_row"]) == ("mine", "1")


def test_a_run_can_be_resumed_with_more_permission(server, tmp_path):
    source = _write_list(tmp_path / "list.csv", _rows(server, 3))
    with pytest.raises(CollectError, match="a private address"):
        _collect(source, tmp_path / "out", allow_private=False)
    assert server.asked == []

    assert _collect(source, tmp_path / "out", resume=True).manifest.rows == 3


@pytest.mark.parametrize("limit", [{"picture_bytes": 100}, {"pixels": 63}])
@pytest.mark.parametrize("manner", ["good", "chunked"])
def test_a_run_can_be_resumed_with_higher_limits(server, tmp_path, limit, manner):
    source = _write_list(tmp_path / "list.csv", _rows(server, 3, manner))
    with pytest.raises(CollectError, match=r"has .*(bytes|pixels).* Run again with --resume"):
        _collect(source, tmp_path / "out", limits=Limits(**limit))

    assert _collect(source, tmp_path / "out", resume=True).manifest.rows == 3


def test_a_picture_that_a_shop_cannot_give_today_is_not_sent_again_tomorrow(server, tmp_path):
    source = _write_list(tmp_path / "list.csv", _rows(server, 3, manner="etag"))
    _collect(source, tmp_path / "out")
    server.broken.add("/etag/1.jpg")
    assert _collect(source, tmp_path / "out", overwrite=True).failed == {
        "500 Internal Server Error (3 tries)": 1
    }
    server.broken.clear()

    assert _collect(source, tmp_path / "out", overwrite=True).manifest.rows == 3
    assert server.sent.total() == 3
    assert _pictures(tmp_path / "out") == [picture(n) for n in range(3)]


def test_pictures_that_no_jpeg_can_hold_cost_their_rows_only(server, tmp_path):
    rows = [*_rows(server, 3), *_rows(server, 2, manner="wide")]

    collected = _collect(_write_list(tmp_path / "list.csv", rows), tmp_path / "out")

    assert collected.manifest.rows == 3
    assert [row["reason"] for row in _failures(tmp_path / "out")] == [
        "has 70000 x 1 pixels; a JPEG has at most 65,500 a side"
    ] * 2


def test_a_list_by_address_may_take_longer_than_a_picture(server, tmp_path):
    lines = _write_list(tmp_path / "list.csv", _rows(server, 15)).read_bytes()
    server.files["/lines/list.csv"] = lines
    server.drip_s = 0.15  # sixteen times

    collected = _collect(f"{server.url}/lines/list.csv", tmp_path / "out", limits=Limits(total_s=2.0))

    assert collected.manifest.rows == 15


def test_failures_by_address_are_read_as_those_of_the_disk(server, tmp_path):
    rows = [{**row, "title": "=1"} for row in _rows(server, 2, manner="500-twice")]
    rows.append(_rows(server, 1)[0])
    _collect(_write_list(tmp_path / "list.csv", rows), tmp_path / "out", limits=Limits(retries=0))
    server.files["/file/failures.csv"] = (tmp_path / "out/failures.csv").read_bytes()

    _collect(f"{server.url}/file/failures.csv", tmp_path / "rest")

    assert _read(tmp_path / "rest")["title"].to_pylist() == ["=1", "=1"]


def test_shares_divide_by_title_and_a_value_that_is_no_number_costs_its_row_only(server, tmp_path):
    rows = _rows(server, 60)
    rows[8]["full_price"] = "on request"
    source = _write_list(tmp_path / "list.csv", rows, delimiter=";")

    collected = _collect(source, tmp_path / "out", splits={"train": 0.5, "test": 0.5})

    assert sum(collected.manifest.rows_of_split.values()) == 59
    assert min(collected.manifest.rows_of_split.values()) > 10
    assert check_dataset(tmp_path / "out") == (59, [])
    (failure,) = _failures(tmp_path / "out")
    assert failure["reason"] == "full_price is 'on request', which is no number"
    assert failure["full_price"] == "on request"
    assert "/good/8.jpg" not in server.asked


def test_real_quirks_are_findings_only_when_asked_for(server, tmp_path):
    rows = [
        {**row, "itemurl": "https://shop.example/an-older-title-p1", "brand": ""} for row in _rows(server, 3)
    ]
    rows[1]["product_code"] = rows[0]["product_code"]
    _collect(_write_list(tmp_path / "list.csv", rows), tmp_path / "out")

    assert check_dataset(tmp_path / "out") == (3, [])
    assert any("is missing" in finding for finding in check_dataset(tmp_path / "out", strict=True)[1])


def test_pictures_in_the_list_itself_are_held_to_the_same_rules(tmp_path):
    cells = [
        {"bytes": picture(0), "path": "/etc/passwd"},
        {"bytes": None, "path": "/etc/passwd"},
        {"bytes": picture(2, form="PNG"), "path": None},
        {"bytes": b"<html>", "path": None},
        None,
    ]
    table = pa.table({"product_code": [1, 2, 3, 4, 5], "photo": cells, "size": ["S", "M", "L", "S", "M"]})
    pq.write_table(table, tmp_path / "list.parquet")

    _collect(tmp_path / "list.parquet", tmp_path / "out", format="csv")

    assert _read(tmp_path / "out")["product_code"].to_pylist() == [1, 3]
    assert _read(tmp_path / "out")["size"].to_pylist() == ["S", "L"]
    reasons = [row["reason"] for row in _failures(tmp_path / "out")]
    assert reasons == [
        "the row holds no picture",
        "is no picture: the body is an HTML page",
        "the row holds no picture",
    ]
    assert check_dataset(tmp_path / "out") == (2, [])


@pytest.mark.parametrize("format", FORMATS)
def test_further_columns_of_any_type_are_kept_where_the_format_can_hold_them(server, tmp_path, format):
    import datetime
    import decimal

    rows = 3
    table = pa.table(
        {
            "image": [f"{server.url}/good/{n}.jpg" for n in range(rows)],
            "day": pa.array([datetime.date(2024, 1, 2)] * rows),
            "exact": pa.array([decimal.Decimal("1.50")] * rows),
            "sizes": pa.array([["S", "M"]] * rows),
            "raw": pa.array([b"\x00\xff"] * rows),
            "kind": pa.array(["a", "b", "a"]).dictionary_encode(),
            "swatch": pa.array([{"bytes": picture(9), "path": None}] * rows),
        }
    )
    pq.write_table(table, tmp_path / "list.parquet")

    collected = _collect(tmp_path / "list.parquet", tmp_path / "out", format=format, image_column="image")

    assert check_dataset(tmp_path / "out") == (rows, [])
    assert collected.left_out == (() if format == "parquet" else ("swatch",))
    if format == "parquet":
        found = pq.read_table(tmp_path / "out/data")
        assert (
            found.select(["day", "exact", "sizes", "raw"]).to_pylist()
            == table.select(["day", "exact", "sizes", "raw"]).to_pylist()
        )
        assert found["source_image"].to_pylist() == table["image"].to_pylist()
    if format == "csv":
        with (tmp_path / "out/Dataset.csv").open(newline="") as stream:
            first = next(csv.DictReader(stream))
        assert (first["day"], first["exact"], first["raw"]) == ("2024-01-02", "1.50", "AP8=")


def test_bad_settings_are_refused_before_anything_is_written(server, tmp_path):
    source = _write_list(tmp_path / "list.csv", _rows(server, 3))
    for options in (
        {"format": "csvv"},
        {"splits": {"train": 0.5}},
        {"image_column": "nothing"},
        {"resume": True, "overwrite": True},
        {"user_agent": "a\nb: c"},
        {"user_agent": "é"},
        {"user_agent": ""},
    ):
        with pytest.raises(SamplegenError):
            _collect(source, tmp_path / "out", **options)
    assert server.asked == []
    assert not (tmp_path / "out").exists()
