import json

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from misbehaving import picture

from samplegen.domain.pricelist import COLUMNS
from samplegen.errors import CollectError
from samplegen.export.reading import read_dataset
from samplegen.pipeline import Recipe, write_dataset
from samplegen.realdata.columns import to_schema
from samplegen.realdata.hub import _bytes, _roots
from samplegen.realdata.sources import read_source

MOST = 1_000_000


def _csv(path, text, encoding="utf-8"):
    path.write_text(text, encoding=encoding)
    return str(path)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_is_read_as_text_whatever_parts_its_cells(tmp_path, delimiter):
    lines = ["product_code,imageurl,title", '007,http://a.example/1.jpg,"Two\nlines, ""quoted"""', "1e5,,é"]
    listed = read_source(_csv(tmp_path / "l.csv", "\n".join(lines).replace(",", delimiter), "utf-8-sig"))

    assert listed.table.to_pydict() == {
        "product_code": ["007", "1e5"],
        "imageurl": ["http://a.example/1.jpg", ""],
        "title": ["Two\nlines, ".replace(",", delimiter) + '"quoted"', "é"],
    }
    assert (listed.image_column, listed.splits, listed.pictures) == ("imageurl", (("train", 2),), None)


def test_json_lines_keep_types_and_order_and_miss_what_is_missing(tmp_path):
    records = [{"imageurl": "u", "product_code": 5, "extra": {"a": 1}}, {"product_code": "x", "price": 2.5}]
    path = tmp_path / "l.jsonl"
    path.write_text("\n".join(map(json.dumps, records)) + "\n\n")

    table = read_source(str(path)).table

    assert table.column_names == ["imageurl", "product_code", "extra", "price"]
    assert table["product_code"].to_pylist() == ["5", "x"]
    assert table["price"].to_pylist() == [None, 2.5]


def test_nine_columns_are_enough(tmp_path):
    text = "title,product_code,category1_code,category2_code,category3_code,full_price,price,full_price_eur,flg_discount,photo\n"
    listed = read_source(
        _csv(tmp_path / "l.csv", text + "Hat,8,MAN,A,B,530,530,488.92,0,http://a.example/1\n"),
        image_column="photo",
    )
    table, problems = to_schema(listed.table)

    assert problems == {}
    assert table.column_names == [
        *("category1_code", "category2_code", "category3_code", "product_code", "title"),
        *("full_price", "price", "full_price_eur", "flg_discount", "photo"),
    ]
    assert table.to_pylist()[0] == {
        "category1_code": "MAN", "category2_code": "A", "category3_code": "B", "product_code": 8, "title": "Hat",
        "full_price": 530.0, "price": 530.0, "full_price_eur": 488.92, "flg_discount": 0, "photo": "http://a.example/1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "codes"),
    [
        (["12", "0", "-5"], [12, 0, -5]),
        (["012", "13"], ["012", "13"]),
        (["NV/1", "13"], ["NV/1", "13"]),
        ([str(2**63)], [str(2**63)]),
        (["1e5"], ["1e5"]),
        ([" 7"], [" 7"]),
        (["", "7"], [None, 7]),
        ([80362371.0, None], [80362371, None]),
        ([7.5], ["7.5"]),
        (pa.array([3], pa.int8()), [3]),
    ],
)
def test_codes_are_numbers_only_if_they_come_back_as_they_were(cells, codes):
    table, problems = to_schema(pa.table({"product_code": cells}))

    assert (table["product_code"].to_pylist(), problems) == (codes, {})


@pytest.mark.parametrize(
    ("name", "cell", "value"),
    [
        ("price", "1e2", 100.0),
        ("price", "", None),
        ("flg_discount", "1.0", 1),
        ("flg_discount", True, 1),
        ("flg_discount", "true", 1),
        ("competence_date", "2023-11-17", "2023-11-17"),
    ],
)
def test_values_are_read_in_the_forms_that_lists_have(name, cell, value):
    table, problems = to_schema(pa.table({name: [cell]}))

    assert (table[name].to_pylist(), problems) == ([value], {})


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        *(("price", cell) for cell in ("1,5", "1_000", "nan", "-inf", "Infinity", "1e400")),
        *(("flg_discount", cell) for cell in ("0.5", "yes", "1_0", "nan", "inf", "1_0.0")),
    ],
)
def test_a_value_that_does_not_fit_is_told(name, cell):
    assert to_schema(pa.table({name: ["1", cell]}))[1] == {1: f"{name} is {cell!r}, which is no number"}


@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64()])
def test_numbers_that_are_none_are_missing_and_infinite_ones_cost_their_row(kind):
    cells = pa.array([1.0, float("nan"), float("inf")], pa.float64()).cast(kind)
    table, problems = to_schema(pa.table({"product_code": cells[:2], "price": cells[:2]}))
    assert (table["product_code"].to_pylist(), table["price"].to_pylist()) == ([1, None], [1.0, None])
    assert problems == {}

    for name in ("price", "flg_discount"):
        table, problems = to_schema(pa.table({name: cells}))
        assert table[name].to_pylist() == [1, None, None]
        assert problems == {2: f"{name} is 'inf', which is no number"}


@pytest.mark.parametrize(
    ("cells", "prices"),
    [
        (["10,50", "1200", "", "-3,5"], [10.5, 1200.0, None, -3.5]),
        (["10,50", "10.50"], [None, 10.5]),
        (["1,234", "5,50"], [None, None]),
    ],
)
@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_decimal_commas_are_read_where_the_whole_column_has_them(tmp_path, cells, prices, delimiter):
    lines = [delimiter.join(("title", "price", "imageurl"))]
    lines += [delimiter.join(("1,50", cell, "u")) for cell in cells]
    table = read_source(_csv(tmp_path / "l.csv", "\n".join(lines))).table

    assert to_schema(table)[0]["price"].to_pylist() == prices
    assert table["title"].to_pylist() == ["1,50"] * len(cells)


def test_half_a_character_costs_a_sign_not_the_list(tmp_path):
    record = {"imageurl": "u", "title": "a\ud800b", "more": ["\udfff", "é\U0001f600"]}
    path = tmp_path / "l.jsonl"
    path.write_text(json.dumps(record))

    assert read_source(str(path)).table.to_pylist() == [
        {"imageurl": "u", "title": "a?b", "more": ["?", "é\U0001f600"]}
    ]


def test_a_cell_may_be_large(tmp_path):
    text = "x" * 3_000_000

    table = read_source(_csv(tmp_path / "l.csv", f"imageurl,title\nu,{text}\nv,short\n")).table

    assert table["title"].to_pylist() == [text, "short"]


def test_a_list_without_codes_gets_the_numbers_of_its_rows():
    assert to_schema(pa.table({"label": ["a", "b"]}))[0]["product_code"].to_pylist() == [0, 1]


def test_columns_that_a_dataset_has_for_itself_are_renamed_not_lost():
    table, _ = to_schema(pa.table({"image": ["a"], "source_image": ["b"], "local_image_path": ["c"]}))

    assert sorted(v for row in table.drop_columns("product_code").to_pylist() for v in row.values()) == [
        "a",
        "b",
        "c",
    ]
    assert "image" not in table.column_names


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("l.csv", "title,imageurl\n1\n", "cannot be read"),
        ("l.csv", "", "it is empty"),
        ("l.csv", "a,b\n1,2\n", "has no column 'imageurl'; name the one with .* Its columns: a, b"),
        ("l.csv", "ImageURL,b\n1,2\n", "by --image-column 'ImageURL'. Its columns"),
        ("l.csv", "imageurl,imageurl\n1,2\n", "two columns are called 'imageurl'"),
        ("l.txt", "imageurl\n", "ends in '.txt'; allowed are .csv"),
        ("l.jsonl", '{"a": 1}\n{"a"', "line 2"),
        ("l.jsonl", "[1]\n", "line 1: is no JSON object"),
        ("l.jsonl", "\n", "it is empty"),
        ("l.parquet", "PAR1", "cannot be read"),
    ],
)
def test_a_list_that_cannot_be_read_is_one_message(tmp_path, name, text, message):
    with pytest.raises(CollectError, match=message):
        read_source(_csv(tmp_path / name, text))


def test_text_of_another_encoding_is_one_message(tmp_path):
    for text in ("imageurl,title\nu,é\n", "imageurl,title\n" + "u,e\n" * 50_000 + "u,é\n"):
        with pytest.raises(
            CollectError, match=r"is not UTF-8 \(line \d+ holds the byte 0xe9\); save it as UTF-8"
        ):
            read_source(_csv(tmp_path / "l.csv", text, "latin-1"))


def test_what_is_nowhere_is_explained():
    with pytest.raises(CollectError, match=r"there is no such file; give a CSV"):
        read_source("nowhere.csv")


def _hub_folder(tmp_path):
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "label": datasets.ClassLabel(names=["dress", "hat"]),
            "price": datasets.Value("float32"),
        }
    )
    for split, numbers in (("train", (0, 1)), ("test", (2,))):
        rows = {
            "image": [{"bytes": picture(n), "path": None} for n in numbers],
            "label": [n % 2 for n in numbers],
            "price": [n + 0.5 for n in numbers],
        }
        (tmp_path / "set/data").mkdir(parents=True, exist_ok=True)
        datasets.Dataset.from_dict(rows, features).to_parquet(
            tmp_path / f"set/data/{split}-00000-of-00001.parquet"
        )
    return str(tmp_path / "set")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)


def test_a_dataset_of_the_library_keeps_splits_pictures_and_names_of_classes(tmp_path, cache):
    listed = read_source(_hub_folder(tmp_path))

    assert (listed.name, listed.image_column) == ("set", "image")
    assert listed.splits == (("train", 2), ("test", 1))
    assert listed.table.to_pydict() == {"label": ["dress", "hat", "dress"], "price": [0.5, 1.5, 2.5]}
    assert list(listed.pictures(MOST)) == [picture(n) for n in range(3)]


def test_class_names_are_read_from_parquet_too(tmp_path, cache):
    folder = _hub_folder(tmp_path)

    assert read_source(f"{folder}/data/train-00000-of-00001.parquet").table["label"].to_pylist() == [
        "dress",
        "hat",
    ]


def test_a_webdataset_has_its_columns_and_pictures(tiny_pack, tmp_path, cache):
    write_dataset(Recipe(rows=6, template=tiny_pack, image_size=64), tmp_path / "made", format="webdataset")
    (shard,) = (tmp_path / "made").rglob("train-*.tar")
    pieces = list(read_dataset(shard))

    listed = read_source(str(tmp_path / "made"))

    rows = [row for piece in pieces for row in piece.table.to_pylist()]
    assert listed.table.select(list(COLUMNS)).slice(0, len(rows)).to_pylist() == rows
    assert not {"json", "__key__", "__url__"} & set(listed.table.column_names)
    assert list(listed.pictures(MOST))[: len(rows)] == [read() for piece in pieces for read in piece.pictures]


def test_pictures_beside_a_list_are_read_inside_its_folder_only(tmp_path, cache):
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "1.jpg").write_bytes(picture(1))
    (tmp_path / "secret.jpg").write_bytes(picture(2))
    (folder / "metadata.csv").write_text("file_name,title\n1.jpg,One\n")
    listed = read_source(str(folder))
    assert (listed.table["title"].to_pylist(), list(listed.pictures(MOST))) == (["One"], [picture(1)])

    other = tmp_path / "other"
    other.mkdir()
    features = datasets.Features({"image": datasets.Image()})
    rows = pa.table({"image": [{"bytes": None, "path": str(tmp_path / "secret.jpg")}]})
    metadata = {"huggingface": json.dumps({"info": {"features": features.to_dict()}})}
    pq.write_table(rows.replace_schema_metadata(metadata), other / "train.parquet")
    assert list(read_source(str(other)).pictures(MOST)) == [None]


def test_pictures_of_another_dataset_that_was_downloaded_are_not_read(tmp_path, cache, monkeypatch):
    hub = tmp_path / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(hub))
    for name in ("own", "other"):
        (hub / f"datasets--me--{name}").mkdir(parents=True)
        (hub / f"datasets--me--{name}/1.jpg").write_bytes(picture(1))
    roots = _roots(datasets, "me/own")

    cells = [{"bytes": None, "path": str(hub / f"datasets--me--{name}/1.jpg")} for name in ("own", "other")]
    assert [_bytes(cell, roots, MOST) for cell in cells] == [picture(1), None]


def test_of_a_large_file_beside_a_list_only_enough_is_read_to_tell(tmp_path, cache):
    (tmp_path / "1.jpg").write_bytes(bytes(5000))
    (tmp_path / "metadata.csv").write_text("file_name,title\n1.jpg,One\n")

    assert [len(content) for content in read_source(str(tmp_path)).pictures(100)] == [101]


def test_a_name_that_the_hub_does_not_have_is_one_message(cache):
    with pytest.raises(CollectError, match="nobody/nothing: datasets cannot open it"):
        read_source("nobody/nothing")
