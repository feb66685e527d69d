import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from samplegen.domain.pricelist import arrow_schema
from samplegen.export import parquet
from samplegen.export.schema import dataset_schema
from samplegen.export.shards import Batch, Shard


def _batch(schema, rows, *, picture=b"jpeg"):
    def value(field, row):
        if field.name == "image":
            return {"bytes": picture, "path": f"{row}.jpg"}
        return str(row) if field.type == pa.string() else row

    table = pa.table(
        [pa.array([value(field, row) for row in rows], field.type) for field in schema], schema=schema
    )
    return Batch(table, np.array([row % 10 == 9 for row in rows], np.int8))


def _write(tmp_path, schema, batches, splits=("train", "validation")):
    writer = parquet.open_shard(tmp_path, Shard(0, 1, 0, 250), schema, splits)
    for batch in batches:
        writer.write(batch)
    return writer.close()


@pytest.fixture
def schema():
    return dataset_schema(arrow_schema(), images=True, annotations=False)


def test_row_groups_with_pictures_have_at_most_100_rows(tmp_path, schema):
    files = _write(tmp_path, schema, [_batch(schema, range(130)), _batch(schema, range(130, 250))])

    metadata = pq.read_metadata(tmp_path / files[0].path)
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [100, 100, 25]
    assert [(f.split, f.rows) for f in files] == [("train", 225), ("validation", 25)]


def test_row_groups_end_before_they_grow_too_large(tmp_path, schema, monkeypatch):
    monkeypatch.setattr(parquet, "ROW_GROUP_BYTES", 100_000)

    files = _write(tmp_path, schema, [_batch(schema, range(40), picture=bytes(10_000))])

    metadata = pq.read_metadata(tmp_path / files[0].path)
    sizes = [metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups)]
    assert max(sizes) <= 110_000
    assert pq.read_table(tmp_path / files[0].path)["product_code"].to_pylist()[:3] == [0, 1, 2]


def test_split_without_rows_writes_no_file(tmp_path, schema):
    files = _write(tmp_path, schema, [_batch(schema, range(5))])

    assert [file.path for file in files] == ["data/train-00000-of-00001.parquet"]
    assert [p.name for p in (tmp_path / "data").iterdir()] == ["train-00000-of-00001.parquet"]


def test_pictures_and_addresses_are_written_without_dictionary(tmp_path, schema):
    files = _write(tmp_path, schema, [_batch(schema, range(100))])

    group = pq.read_metadata(tmp_path / files[0].path).row_group(0)
    encodings = {group.column(i).path_in_schema: group.column(i).encodings for i in range(group.num_columns)}
    assert not any("DICTIONARY" in e for name in ("image.bytes", "itemurl") for e in encodings[name])
    assert any("DICTIONARY" in e for e in encodings["category1_code"])


def test_aborted_shard_leaves_nothing(tmp_path, schema):
    writer = parquet.open_shard(tmp_path, Shard(0, 1, 0, 250), schema, ["train"])
    writer.write(_batch(schema, range(5)))

    writer.abort()

    assert not any((tmp_path / "data").iterdir())
