import io
import json
import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import samplegen
from samplegen.domain.pricelist import COLUMNS
from samplegen.errors import RecipeError

ROWS = 130


@pytest.fixture(scope="session")
def samples(tiny_pack):
    return samplegen.make(ROWS, seed=3, template=tiny_pack, image_size=64, annotations=True)


@pytest.fixture(scope="session")
def table(samples):
    return samples.to_arrow()


def _plain(row):
    """A row with each picture as its encoded bytes."""

    def encoded(value):
        if not isinstance(value, Image.Image):
            return value
        value.fp.seek(0)
        return value.fp.read()

    return {name: encoded(value) for name, value in row.items()}


def _of_table(table, index):
    row = table.slice(index, 1).to_pylist()[0]
    return {n: v["bytes"] if n in ("image", "mask") else v for n, v in row.items()}


def test_columns_are_the_price_list_then_picture_then_annotations(table):
    assert table.column_names == [*COLUMNS, "image", "attributes", "mask", "bbox", "caption"]


@given(index=st.integers(-ROWS, ROWS - 1))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_row_alone_is_the_row_made_with_all_others(samples, table, index):
    assert _plain(samples[index]) == _of_table(table, index % ROWS)


@given(rows=st.integers(1, 400), seed=st.integers(0, 2**63 - 1))
@settings(max_examples=20, deadline=None)
def test_row_is_the_same_whatever_the_number_of_rows(tiny_pack, rows, seed):
    few = samplegen.make(rows, seed=seed, template=tiny_pack, images=False)
    many = samplegen.make(rows + 300, seed=seed, template=tiny_pack, images=False)

    assert few[rows - 1] == many[rows - 1]
    assert few.to_arrow().equals(many.to_arrow().slice(0, rows))


@given(rows=st.integers(1, 500), seed=st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_product_codes_are_unique(tiny_pack, rows, seed):
    codes = samplegen.make(rows, seed=seed, template=tiny_pack, images=False).to_arrow()["product_code"]

    assert len(set(codes.to_pylist())) == rows


def test_slices_and_iteration_agree_with_single_rows(samples):
    assert [r["product_code"] for r in samples[3:9:2]] == [samples[i]["product_code"] for i in (3, 5, 7)]
    assert [r["title"] for r in samples[3:9]] == [samples[i]["title"] for i in range(3, 9)]
    assert samples[9:3] == samples[ROWS:] == []
    assert [r["product_code"] for r in samples] == samples.to_arrow()["product_code"].to_pylist()
    assert len(samples) == ROWS
    with pytest.raises(IndexError):
        samples[ROWS]


def test_columns_have_the_values_of_the_rows(samples, table):
    assert samples["title"] == table["title"].to_pylist()
    assert samples["image"][2] == samples[2]["image"]
    with pytest.raises(KeyError, match=r"no column 'color'; there are website_name, .*image"):
        samples["color"]


@pytest.mark.parametrize("wrong", [{"splits": "train=0.9"}, {"template": None}, {"rows": "3"}])
def test_what_is_of_another_kind_is_refused_with_its_name(wrong):
    with pytest.raises(RecipeError, match=rf"{next(iter(wrong))} is .*; give "):
        samplegen.make(**wrong)


def test_numbers_and_paths_of_other_libraries_are_taken(tiny_pack):
    rows, seed = np.int64(3), np.uint8(7)

    made = samplegen.make(rows, seed, Path(tiny_pack), image_size=np.int32(64))

    assert made["title"] == samplegen.make(3, 7, tiny_pack)["title"]
    assert pickle.loads(pickle.dumps(made)).recipe == made.recipe


def test_box_and_mask_agree_with_each_other_and_with_the_part_names(samples):
    row = samples[5]
    left, top, width, height = row["bbox"]

    assert row["mask"].getbbox() == (left, top, left + width, top + height)
    assert 0 < row["mask"].getextrema()[1] <= len(row["attributes"]["parts"])
    assert row["attributes"]["garment"].replace("_", " ") in row["caption"]


def test_specs_decide_what_the_rows_show(samples, table):
    spec = samples.spec(-1)

    assert spec.listing.product_code == table["product_code"][-1].as_py()
    assert sum(1 for _ in samples.specs()) == ROWS


def test_pandas_frame_has_the_same_columns_and_pictures(samples, table):
    frame = samples.to_pandas()

    assert list(frame.columns) == table.column_names
    assert frame["full_price"].tolist() == table["full_price"].to_pylist()
    assert frame["image"][0].size == (64, 64)


def test_hugging_face_splits_hold_every_row_once_with_decoded_pictures(samples, table):
    splits = samples.to_hf()

    codes = [code for split in splits.values() for code in split["product_code"]]
    assert sorted(codes) == sorted(table["product_code"].to_pylist())
    assert list(splits) == ["train", "validation"]
    assert splits["train"][0]["image"].size == (64, 64)


def test_titles_are_in_one_split_only(samples):
    splits = samples.to_hf()

    assert not set(splits["train"]["title"]) & set(splits["validation"]["title"])


def test_stream_gives_the_rows_of_a_split_without_touching_the_disk(samples, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    streamed = [row["product_code"] for row in samples.stream("validation")]

    assert streamed == list(samples.to_hf()["validation"]["product_code"])
    assert not any(tmp_path.iterdir())


def test_stream_decodes_pictures_and_can_be_shared_among_workers(samples, table):
    stream = samples.stream()
    shards = [stream.shard(num_shards=2, index=index) for index in range(2)]

    assert next(iter(stream))["image"].size == (64, 64)
    codes = [row["product_code"] for shard in shards for row in shard]
    assert sorted(codes) == sorted(table["product_code"].to_pylist())


def test_stream_of_an_unknown_split_is_refused(samples):
    with pytest.raises(samplegen.SamplegenError, match="no split 'test'; there are train, validation"):
        samples.stream("test")


def test_sample_set_survives_pickling(samples):
    again = pickle.loads(pickle.dumps(samples))

    assert _plain(again[2]) == _plain(samples[2])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rows": 0}, "rows is 0; give a whole number above 0"),
        ({"rows": -5}, "rows is -5"),
        ({"rows": 2.5}, "rows is 2.5"),
        ({"rows": True}, "rows is True"),
        ({"seed": -1}, "seed is -1"),
        ({"image_size": 63}, "image size is 63; allowed are 64 to 2048"),
        ({"image_size": 2049}, "image size is 2049"),
        ({"images": False, "annotations": True}, "annotations describe pictures"),
        ({"splits": {"train": 0.5}}, "sum to 0.5"),
        ({"splits": {"../x": 1.0}}, "the name '../x'"),
        ({"splits": {"train": 1.5, "test": -0.5}}, "splits: test has share -0.5"),
        ({"template": "burbery"}, "Did you mean 'burberry'"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(samplegen.SamplegenError, match=message):
        samplegen.make(**arguments)


def test_written_parquet_holds_the_same_rows(samples, table, tmp_path):
    manifest = samples.write(tmp_path / "out")

    import pyarrow.parquet as pq

    pieces = [pq.read_table(tmp_path / "out" / f.path) for f in manifest.files]
    written = pa.concat_tables(pieces).sort_by("product_code")
    expected = table.sort_by("product_code")
    assert written.column("title").equals(expected.column("title"))
    assert written.column("image").equals(expected.column("image"))
    assert json.loads((tmp_path / "out/manifest.json").read_text())["rows"] == ROWS
    assert Image.open(io.BytesIO(written["image"][0].as_py()["bytes"])).format == "JPEG"
