import csv
import datetime
import decimal
import http.client
import io
import json
import os
import re
import threading
from contextlib import closing

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from misbehaving import picture

from samplegen.errors import CollectError, ExportError
from samplegen.export.reading import read_dataset
from samplegen.pipeline import Recipe, write_dataset
from samplegen.pipeline.checking import check_dataset
from samplegen.pipeline.collecting import collect
from samplegen.realdata.serving import Shop, ShopServer

NASTY = '</script><script>alert("x")</script> & <b>\'"'


class _Client:
    def __init__(self, server):
        self._address = server.server_address[:2]

    def ask(self, target, method="GET", **headers):
        with closing(http.client.HTTPConnection(*self._address, timeout=20)) as connection:
            connection.request(method, target, headers=headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.headers), answer.read()

    def rows(self):
        text = self.ask("/Dataset.csv")[2].decode()
        return list(csv.DictReader(io.StringIO(text)))


def _serve(folder):
    server = ShopServer(Shop(folder), "127.0.0.1", 0)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


@pytest.fixture(scope="module", params=["parquet", "csv", "imagefolder", "webdataset"])
def made(request, tiny_pack, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served") / "made"
    write_dataset(Recipe(rows=70, seed=3, template=tiny_pack, image_size=64), folder, format=request.param)
    server = _serve(folder)
    yield folder, server
    _close(server)


def _close(server):
    server.shutdown()
    server.server_close()
    server.shop.close()


def _all(folder):
    return [
        (row, read())
        for piece in read_dataset(folder)
        for row, read in zip(piece.table.to_pylist(), piece.pictures, strict=True)
    ]


def test_every_address_of_the_list_leads_to_its_picture_and_its_page(made):
    folder, server = made
    client = _Client(server)
    listed, rows = client.rows(), _all(folder)
    assert len(listed) == len(rows) == 70

    for entry, (row, content) in zip(listed, rows, strict=True):
        assert entry["title"] == row["title"]
        image, item = (entry[name].removeprefix(server.origin) for name in ("imageurl", "itemurl"))
        status, headers, body = client.ask(image)
        assert (status, headers["Content-Type"], body) == (200, "image/jpeg", content)
        assert client.ask(item)[0] == 200


def test_collecting_what_is_served_gives_the_same_rows_and_pictures(made, tmp_path):
    folder, server = made

    collect(f"{server.origin}/Dataset.csv", tmp_path / "back", allow_private=True)

    assert check_dataset(tmp_path / "back", strict=True) == (70, [])
    back = {
        row["product_code"]: (row["title"], row["price"], content) for row, content in _all(tmp_path / "back")
    }
    assert back == {
        row["product_code"]: (row["title"], row["price"], content) for row, content in _all(folder)
    }


def test_both_lists_say_the_same(made):
    client = _Client(made[1])
    lines = [json.loads(line) for line in client.ask("/Dataset.jsonl")[2].splitlines()]

    assert [{name: str(value) for name, value in row.items()} for row in lines] == client.rows()


def test_answers_have_versions_and_head_has_no_body(made):
    client = _Client(made[1])
    image = client.rows()[0]["imageurl"].removeprefix(made[1].origin)
    status, headers, body = client.ask(image)

    assert client.ask(image, **{"If-None-Match": headers["ETag"]})[::2] == (304, b"")
    assert client.ask(image, **{"If-None-Match": '"other"'})[::2] == (200, body)
    head_status, head_headers, head_body = client.ask(image, "HEAD")
    assert (head_status, head_headers["Content-Length"], head_body) == (status, str(len(body)), b"")


@pytest.mark.parametrize(
    "target",
    [
        "/nothing",
        "/../../etc/passwd",
        "/%2e%2e/etc/passwd",
        "//[",
        "/?page=0",
        "/?page=99",
        "/?page=0000000015",
        "/?page=000000001" + "0" * 5000,
        "/?page=x",
        "/<script>",
    ],
)
def test_what_is_not_there_is_404_and_escaped(made, target):
    status, _, body = _Client(made[1]).ask(target)

    assert status == 404
    assert b"<script>" not in body


@pytest.mark.parametrize(
    "host",
    [
        "shop.example:{port}",
        "localhost:1",
        "localhost",
        "127.0.0.1.shop.example:{port}",
        "",
        "[::1",
        "localhost:x",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_name_of_the_web_that_leads_here_is_not_answered(made, host, method):
    server = made[1]

    for target in ("/", "/Dataset.csv"):
        status, headers, body = _Client(server).ask(
            target, method, Host=host.format(port=server.server_address[1])
        )
        assert (status, "ETag" in headers) == (421, False)
        assert body == (f"Ask for {server.origin}\n".encode() if method == "GET" else b"")


@pytest.mark.parametrize("host", ["localhost", "LocalHost", "127.0.0.1", "127.1.2.3", "[::1]"])
def test_every_loopback_name_is_answered(made, host):
    assert _Client(made[1]).ask("/", Host=f"{host}:{made[1].server_address[1]}")[0] == 200


def test_other_methods_are_refused(made):
    assert _Client(made[1]).ask("/", "POST")[0] == 501


def test_the_front_page_leads_to_all_products(made):
    client = _Client(made[1])
    pages = [client.ask(target)[2].decode() for target in ("/", "/?page=2")]

    found = {link for page in pages for link in re.findall(r'<li><a href="([^"]+)"', page)}
    assert found == {row["itemurl"].removeprefix(made[1].origin) for row in client.rows()}


@pytest.fixture
def nasty(tmp_path, server):
    rows = [
        {"product_code": "1", "title": NASTY, "brand": NASTY, "itemurl": f"https://shop.example/a/{NASTY}",
         "imageurl": f"{server.url}/good/1.jpg", "price": "12.5", "full_price": "25", "currency_code": NASTY},
        {"product_code": "2", "title": "=1+1", "brand": "", "itemurl": "N.A.", "imageurl": f"{server.url}/good/2.jpg",
         "price": "", "full_price": "", "currency_code": "EUR"},
    ]  # fmt: skip
    path = tmp_path / "list.csv"
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    collect(str(path), tmp_path / "nasty", allow_private=True)
    found = _serve(tmp_path / "nasty")
    yield found
    _close(found)


def test_values_are_escaped_wherever_they_stand(nasty):
    client = _Client(nasty)
    row = client.rows()[0]
    status, headers, body = client.ask(row["itemurl"].removeprefix(nasty.origin))
    text = body.decode()

    assert status == 200
    assert text.count("<script") == text.count("</script") == 1
    assert "<b>" not in text
    assert "alert" not in re.sub(r"<script type.*?</script>", "", text).replace("alert(&quot;x&quot;)", "")
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    product = json.loads(re.search(r'<script type="application/ld\+json">(.*?)</script>', text)[1])
    assert (product["name"], product["sku"], product["offers"]["price"]) == (NASTY, "1", "12.50")
    assert "<script>" not in client.ask("/")[2].decode()


def test_what_is_no_address_stays_and_texts_come_back_through_a_collection(nasty, tmp_path):
    rows = _Client(nasty).rows()
    assert (rows[1]["itemurl"], rows[1]["title"]) == ("N.A.", "'=1+1")

    collect(f"{nasty.origin}/Dataset.csv", tmp_path / "back", allow_private=True)

    assert [row["title"] for row, _ in _all(tmp_path / "back")] == [NASTY, "=1+1"]
    assert [content for _, content in _all(tmp_path / "back")] == [picture(1), picture(2)]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.1", "example.com", "", "::"])
def test_only_loopback_is_served_on(made, host):
    with Shop(made[0]) as shop, pytest.raises(CollectError, match="on loopback only"):
        ShopServer(shop, host, 0)


def test_a_port_that_is_taken_or_impossible_is_one_message(made):
    folder, server = made
    with Shop(folder) as shop:
        with pytest.raises(CollectError, match="cannot be served at"):
            ShopServer(shop, "127.0.0.1", server.server_address[1])
        with pytest.raises(CollectError, match="port is 70000"):
            ShopServer(shop, "localhost", 70000)


def test_columns_of_any_type_are_served_as_what_they_hold(tmp_path):
    columns = {
        "title": pa.array(["Hat", "Coat"]).dictionary_encode(),
        "competence_date": [datetime.date(2024, 1, 2)] * 2,
        "full_price": [decimal.Decimal("10.50"), decimal.Decimal("7.00")],
        "price": ["10.5", "ask"],
        "brand": [b"TINY"] * 2,
        "itemurl": ["https://shop.example/1", "https://shop.example/2"],
    }
    pq.write_table(pa.table(columns), tmp_path / "odd.parquet")

    with Shop(tmp_path / "odd.parquet") as shop:
        lines = shop.find("/Dataset.jsonl", "http://127.0.0.1:1").content.decode().splitlines()
        page = shop.find("/shop.example/1", "http://127.0.0.1:1").content.decode()

    assert json.loads(lines[1]) == {
        "title": "Coat",
        "competence_date": "2024-01-02",
        "full_price": 7.0,
        "price": "ask",
        "brand": "TINY",
        "itemurl": "http://127.0.0.1:1/shop.example/2",
    }
    assert "TINY" in page


def test_columns_that_hold_no_texts_are_refused(tmp_path):
    pq.write_table(pa.table({"title": [{"a": 1}]}), tmp_path / "odd.parquet")

    with pytest.raises(CollectError, match=r"column 'title' is struct<.*it has to hold text"):
        Shop(tmp_path / "odd.parquet")


def test_a_picture_that_is_gone_is_one_message(tiny_pack, tmp_path):
    recipe = Recipe(rows=3, seed=3, template=tiny_pack, image_size=64)
    write_dataset(recipe, tmp_path / "made", format="csv")
    next((tmp_path / "made" / "images").iterdir()).unlink()

    with pytest.raises(
        CollectError, match=r"made: the picture of row \d cannot be read: .*samplegen validate"
    ):
        Shop(tmp_path / "made")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_one_message(tiny_pack, tmp_path, monkeypatch):
    write_dataset(Recipe(rows=5, template=tiny_pack, image_size=64), tmp_path / "made")
    with open("/dev/full", "r+b", buffering=0) as full:
        monkeypatch.setattr("tempfile.TemporaryFile", lambda **options: full)

        with pytest.raises(ExportError, match="the disk is full"):
            Shop(tmp_path / "made")
        assert full.closed


def test_nothing_to_serve_is_one_message(tmp_path):
    with pytest.raises(ExportError, match="there is no such file or folder"):
        Shop(tmp_path / "nothing")
