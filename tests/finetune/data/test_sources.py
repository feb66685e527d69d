import io
import json
import os
import pickle
import tracemalloc

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import samplegen
from finetune.config import Columns, SourceConfig, SplitConfig, parse_source
from finetune.data import open_source, products_of
from finetune.errors import BadSampleError, DataError
from samplegen.pipeline.collecting import collect

EVERY_ROW = {"split": "all"}
FORMATS = ("parquet", "csv", "jsonl", "webdataset")


def source_of(path, **changes):
    return SourceConfig(name="real", path=str(path), **changes)


def pixels(content):
    return np.asarray(Image.open(io.BytesIO(content)))


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_gives_the_rows_that_were_written(dataset, products, kind):
    rows = products(7)
    found = {p.price: p for p in products_of(open_source(source_of(dataset(rows, kind)), **EVERY_ROW))}

    assert sorted(found) == [row["full_price"] for row in rows]
    for row in rows:
        product = found[row["full_price"]]
        assert (product.title, product.category) == (row["title"], row["category3_code"])
        np.testing.assert_array_equal(np.asarray(product.picture), pixels(row["image"]))


@pytest.mark.parametrize("kind", ["parquet", "csv", "imagefolder", "webdataset"])
def test_what_samplegen_writes_is_read(tiny_pack, tmp_path, kind):
    recipe = samplegen.Recipe(rows=6, template=tiny_pack, image_size=64, seed=3)
    samplegen.write_dataset(recipe, tmp_path / "made", format=kind)
    wanted = sorted(
        (row["title"], row["full_price"]) for row in samplegen.make(6, 3, tiny_pack, images=False)
    )

    found = list(products_of(open_source(source_of(tmp_path / "made"), **EVERY_ROW)))

    assert sorted((product.title, product.price) for product in found) == wanted
    assert {product.picture.size for product in found} == {(64, 64)}


def test_a_collected_csv_trains_on_the_same_titles_as_the_same_list_in_parquet(tmp_path, products):
    titles = ["+Size Jeans", "'=quoted", "'plain", "-20% Wool", "Coat"]
    rows = [{**row, "title": title} for row, title in zip(products(5), titles, strict=True)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "list.parquet")
    found = {}
    for kind in ("csv", "parquet"):
        collect(str(tmp_path / "list.parquet"), tmp_path / kind, format=kind, image_column="image")
        read = products_of(open_source(source_of(tmp_path / kind), **EVERY_ROW))
        found[kind] = [(product.title, product.group, product.price) for product in read]

    assert [title for title, _, _ in found["csv"]] == titles
    assert found["csv"] == found["parquet"]


def test_a_collected_csv_has_its_columns_by_the_names_they_had(tmp_path, products):
    rows = [{**row, "@name": row["title"], "'=line": row["category3_code"]} for row in products(3)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "list.parquet")
    collect(str(tmp_path / "list.parquet"), tmp_path / "csv", format="csv", image_column="image")

    source = source_of(tmp_path / "csv", columns=Columns(title="@name", group="'=line"))
    found = [(product.title, product.group) for product in products_of(open_source(source, **EVERY_ROW))]

    assert found == [(row["title"], row["category3_code"]) for row in rows]
    with pytest.raises(DataError, match=r"has no column \"'@name\" .* @name, '=line"):
        open_source(source_of(tmp_path / "csv", columns=Columns(title="'@name")), **EVERY_ROW)


@pytest.mark.parametrize("kind", ["csv", "paths in parquet", "parquet", "webdataset"])
def test_a_relative_source_is_read_wherever_the_process_goes(dataset, products, tmp_path, monkeypatch, kind):
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    root = dataset(products(2), "csv" if kind == "paths in parquet" else kind, name="here/data")
    if kind == "paths in parquet":
        rows = [{**row, "image": f"images/{number}.png"} for number, row in enumerate(products(2))]
        (root / "Dataset.csv").unlink()
        pq.write_table(pa.Table.from_pylist(rows), root / "list.parquet")

    opened = [open_source(source_of("data"), **EVERY_ROW) for _ in range(2)]
    opened[0][0].picture  # noqa: B018  # is read from here first
    monkeypatch.chdir(tmp_path / "there")
    dataset(products(2), "csv", name="there/data")
    opened.append(open_source(source_of("data"), **EVERY_ROW))

    assert [product.picture.size for source in opened for product in products_of(source)] == [(24, 24)] * 6


def test_an_apostrophe_of_a_list_of_ones_own_stays(dataset, products):
    rows = [{**row, "title": "'+Size Jeans"} for row in products(2)]
    found = products_of(open_source(source_of(dataset(rows)), **EVERY_ROW))

    assert {product.title for product in found} == {"'+Size Jeans"}


def test_a_manifest_that_cannot_be_read_is_an_error_of_the_source(dataset, products):
    root = dataset(products(2))
    (root / "manifest.json").write_text('{"generator": "samplegen", "source": "a list"}')

    with pytest.raises(DataError, match=r"source real: .*manifest\.json"):
        open_source(source_of(root), **EVERY_ROW)


def test_folders_of_pictures_name_their_category(tmp_path, noise):
    for name in ("train/dress/a.png", "train/hat/b.png", "validation/dress/c.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        noise(20, 30, seed=len(name)).save(tmp_path / name)

    source = open_source(source_of(tmp_path), needs=("category",), **EVERY_ROW)

    assert [(p.key, p.category, p.title, p.price) for p in products_of(source)] == [
        ("train/dress/a.png", "dress", None, None),
        ("train/hat/b.png", "hat", None, None),
        ("validation/dress/c.png", "dress", None, None),
    ]


def test_columns_go_by_the_names_of_the_configuration(dataset, products):
    rows = [
        {"name": r["title"], "kind": r["category3_code"], "cost": 5, "photo": r["image"]} for r in products(2)
    ]
    table = pa.Table.from_pylist(rows)
    folder = dataset(products(1))
    pq.write_table(table, folder.parent / "other.parquet")
    columns = Columns(image="photo", title="name", category="kind", price="cost")

    product = open_source(source_of(folder.parent / "other.parquet", columns=columns), **EVERY_ROW)[1]

    assert (product.title, product.category, product.price) == ("Style 0", "SHIRTS", 5.0)
    assert product.picture.size == (24, 24)


def test_numbers_of_classes_become_their_names(tmp_path, products):
    features = {"info": {"features": {"label": {"_type": "ClassLabel", "names": ["dress", "hat"]}}}}
    table = pa.table({"label": [1, 0, -1], "image": [row["image"] for row in products(3)]})
    table = table.replace_schema_metadata({"huggingface": json.dumps(features)})
    pq.write_table(table, tmp_path / "classes.parquet")
    columns = Columns(category="label", title=None, price=None)

    source = open_source(source_of(tmp_path, columns=columns), needs=("category",), **EVERY_ROW)

    assert [product.category for product in products_of(source)] == ["hat", "dress", None]


def test_a_hugging_face_dataset_is_read_from_its_arrow_files(products):
    datasets = pytest.importorskip("datasets")
    from finetune.data.hub import rows_of_dataset
    from finetune.data.rows import NumberedKeys
    from finetune.data.sources import StoredSource

    rows = products(3)
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=["dress", "hat"])}
    )
    hosted = datasets.Dataset.from_list(
        [{"image": {"bytes": row["image"], "path": None}, "label": n % 2} for n, row in enumerate(rows)],
        features,
    )
    config = SourceConfig(
        name="hub", path="owner/name", columns=Columns(category="label", title=None, price=None)
    )
    raw = rows_of_dataset(config, hosted, ("category",), NumberedKeys(["train"], [0]))
    source = StoredSource("hub", raw, split="all", rule=SplitConfig(), where="owner/name")

    assert [(p.key, p.category) for p in products_of(source)] == [
        ("train, row 0", "dress"),
        ("train, row 1", "hat"),
        ("train, row 2", "dress"),
    ]
    np.testing.assert_array_equal(np.asarray(source[2].picture), pixels(rows[2]["image"]))


def test_a_live_template_gives_its_rows_without_end(tiny_pack):
    config = SourceConfig(name="live", path=f"template:{tiny_pack}", image_size=64)
    source = open_source(config, seed=5, **EVERY_ROW)
    row = samplegen.make(2**31, 5, tiny_pack, image_size=64)[123_456]
    product = source[123_456]

    assert source.size is None
    assert (product.title, product.price) == (row["title"], row["full_price"])
    np.testing.assert_array_equal(np.asarray(product.picture), np.asarray(row["image"].convert("RGB")))


def test_a_live_template_s_splits_share_no_title(tiny_pack):
    config = SourceConfig(name="live", path=f"template:{tiny_pack}", image_size=64)
    rule = SplitConfig(validation=0.3, test=0.3)
    titles = {
        split: {open_source(config, split=split, rule=rule)[number].title for number in range(15)}
        for split in ("train", "validation", "test")
    }

    assert titles["train"].isdisjoint(titles["validation"] | titles["test"])
    assert titles["validation"].isdisjoint(titles["test"])


@pytest.mark.parametrize("live", [False, True])
def test_categories_are_renamed_and_others_left_out(tiny_pack, tmp_path, live):
    path = f"template:{tiny_pack}" if live else str(tmp_path / "made")
    if not live:
        recipe = samplegen.Recipe(rows=40, template=tiny_pack, image_size=64, annotations=True)
        samplegen.write_dataset(recipe, path)
    config = SourceConfig(
        name="real",
        path=path,
        columns=Columns(category="attributes.garment"),
        categories={"tunic": "dress"},
        image_size=64,
    )
    wanted = [
        row["title"] for row in samplegen.make(40, 0, tiny_pack, images=False) if "Tunic" in row["title"]
    ]
    found = list(products_of(open_source(config, **EVERY_ROW), len(wanted)))

    assert {product.category for product in found} == {"dress"}
    assert all("Tunic" in product.title for product in found)
    assert live or sorted(product.title for product in found) == sorted(wanted)


def test_categories_that_are_not_there_are_refused(dataset, products):
    config = source_of(dataset(products(4)), categories={"HATS": "hat"})

    with pytest.raises(DataError, match="has none of the categories HATS; there are BAGS, SHIRTS"):
        open_source(config, **EVERY_ROW)


def test_members_of_objects_are_columns(tmp_path):
    (tmp_path / "metadata.jsonl").write_text(
        '{"file_name": "a.png", "made": {"kind": "BAGS"}}\n{"file_name": "b.png"}\n'
    )
    config = source_of(tmp_path, columns=Columns(category="made.kind"))

    found = products_of(open_source(config, needs=("category",), **EVERY_ROW))
    assert [product.category for product in found] == ["BAGS", None]


def test_lines_of_json_may_begin_with_a_byte_order_mark(tmp_path):
    (tmp_path / "metadata.jsonl").write_text(
        '{"file_name": "a.png", "category3_code": "BAGS"}\n', encoding="utf-8-sig"
    )

    found = products_of(open_source(source_of(tmp_path), needs=("category",), **EVERY_ROW))
    assert [product.category for product in found] == ["BAGS"]


def test_large_row_groups_are_read_in_stretches(tmp_path, monkeypatch):
    from finetune.data import stored

    contents = [os.urandom(50) for _ in range(300)]
    rows = [
        {"title": str(n), "category3_code": "A", "full_price": 1.0, "image": c}
        for n, c in enumerate(contents)
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "big.parquet", row_group_size=170)
    monkeypatch.setattr(stored, "_GROUP_BYTES", 1000)
    source = open_source(source_of(tmp_path), **EVERY_ROW)

    order = np.random.default_rng(0).permutation(300).tolist()
    assert [source[number].content() for number in order] == [contents[number] for number in order]


def test_sources_go_to_other_processes(dataset, products, tiny_pack):
    for config in (
        source_of(dataset(products(3), "parquet")),
        SourceConfig(name="live", path=f"template:{tiny_pack}", image_size=64),
    ):
        source = open_source(config, **EVERY_ROW)
        source[0].picture  # noqa: B018  # what is kept open must not go along
        copy = pickle.loads(pickle.dumps(source))

        assert copy[1].title == source[1].title
        assert copy[1].picture.tobytes() == source[1].picture.tobytes()


def test_opening_does_not_load_the_pictures(tmp_path):
    picture = os.urandom(200_000)
    rows = [{"title": str(n), "category3_code": "A", "full_price": 1.0, "image": picture} for n in range(100)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "big.parquet", row_group_size=5)
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    source = open_source(source_of(tmp_path), **EVERY_ROW)
    for number in range(100):
        assert source[number].content() == picture
    kept = pa.total_allocated_bytes() - before + tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()

    assert kept < 20 * 200_000


@pytest.mark.parametrize("name", ["../secret.png", "/etc/hostname", "images/../../secret.png", "link.png"])
def test_a_picture_outside_the_folder_is_refused(tmp_path, noise, name):
    noise(8, 8).save(tmp_path / "secret.png")
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "metadata.csv").write_text(f"file_name,title,category3_code,full_price\n{name},A,B,1\n")

    with pytest.raises(BadSampleError, match=r"metadata\.csv, row 0: the picture: .*leads out of the source"):
        open_source(source_of(folder), **EVERY_ROW)[0].picture  # noqa: B018


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("", "the picture: is missing"),
        ("absent.png", "absent.png is not there"),
        ("https://shop.example/a.jpg", "is a URL; nothing is downloaded"),
        ("broken.png", "cannot be read as a picture"),
        ("program.png", "it is of no known kind"),
    ],
)
def test_an_unusable_picture_is_named(tmp_path, image, message):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    # PostScript, which Pillow would have run by Ghostscript where that is installed.
    (tmp_path / "program.png").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n")
    (tmp_path / "Dataset.csv").write_text(
        f"local_image_path,title,category3_code,full_price\n{image},A,B,1\n"
    )

    with pytest.raises(BadSampleError, match=message):
        open_source(source_of(tmp_path), **EVERY_ROW)[0].picture  # noqa: B018


@pytest.mark.parametrize(
    ("columns", "needs", "message"),
    [
        ({"title": "name"}, ("title",), "no column 'name' \\(title\\). There are: title, category3_code"),
        ({"group": "style"}, ("title",), "no column 'style' \\(group\\)"),
        ({"price": None}, ("price",), "the answers need price, but columns.price is null"),
        ({"image": "photo"}, ("title",), "no column of pictures; looked for photo. There are: title"),
    ],
)
def test_a_missing_column_is_named_with_those_that_are_there(dataset, products, columns, needs, message):
    config = source_of(dataset(products(2)), columns=Columns(**columns))

    with pytest.raises(DataError, match=message):
        open_source(config, needs=needs, **EVERY_ROW)


def test_a_default_column_may_be_absent_where_answers_do_not_need_it(tmp_path):
    (tmp_path / "metadata.csv").write_text("file_name,category3_code\na.png,BAGS\n")

    assert open_source(source_of(tmp_path), needs=("category",), **EVERY_ROW)[0].category == "BAGS"
    with pytest.raises(DataError, match="no column 'full_price'"):
        open_source(source_of(tmp_path), needs=("category", "price"), **EVERY_ROW)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: None, "holds no dataset; looked for"),
        (lambda root: (root / "a.csv").write_text("image,title,category3_code,full_price\n"), "is empty"),
        (lambda root: (root / "a.csv").write_text(""), "cannot be read: Empty CSV"),
        (lambda root: (root / "a.parquet").write_bytes(b"PAR1"), "cannot be read"),
        (lambda root: (root / "metadata.jsonl").write_text("{}\n{"), "line 2: is no JSON"),
        (lambda root: (root / "metadata.jsonl").write_text("[" * 100_000), "line 1: is no JSON"),
        (lambda root: (root / "metadata.jsonl").write_text("[1]"), "line 1: holds no JSON object"),
        (lambda root: (root / "a.tar").write_bytes(b"no archive" * 100), "cannot be read"),
        (lambda root: (root / "a.png").write_bytes(b""), "which the answers need. Set prompt.fields to"),
    ],
)
def test_a_folder_without_products_is_refused(tmp_path, make, message):
    make(tmp_path)

    with pytest.raises(DataError, match=message):
        open_source(source_of(tmp_path), **EVERY_ROW)


def test_a_path_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"there is no folder or file .*/photos"):
        open_source(source_of(tmp_path / "photos"), split="train")


def test_what_is_written_as_a_weight_and_is_none_is_named():
    with pytest.raises(DataError, match=r"there is no folder or file garments:half, and 'half' is no weight"):
        open_source(parse_source("real=garments:half"), split="train")


def test_a_dataset_that_the_hub_does_not_give_is_refused(monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    with pytest.raises(
        DataError, match=r"source hub: there is no folder or file owner/none, and the Hugging Face Hub"
    ):
        open_source(SourceConfig(name="hub", path="owner/none"), split="train")


def test_a_template_that_is_not_there_is_refused():
    with pytest.raises(DataError, match=r"source real: template:burbery: .*burberry"):
        open_source(parse_source("real=template:burbery"), split="train")


def test_a_split_without_rows_is_refused(dataset, products):
    with pytest.raises(DataError, match=r"none of the 2 rows .* is in the split 'test'; their 1 styles"):
        open_source(source_of(dataset(products(2))), split="test", rule=SplitConfig(test=1e-9))


def test_an_endless_source_is_read_up_to_a_limit(tiny_pack):
    source = open_source(SourceConfig(name="live", path=f"template:{tiny_pack}"), split="train")

    assert len([product.title for product in products_of(source, 3)]) == 3
    with pytest.raises(DataError, match="has no end"):
        next(products_of(source))
