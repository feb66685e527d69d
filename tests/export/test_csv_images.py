import numpy as np
import pyarrow as pa
import pytest

from samplegen.errors import ExportError
from samplegen.export import csv_images
from samplegen.export.shards import Batch, Shard


@pytest.mark.parametrize("title", ["=1+1", "+1", "-1", "@sum", "\tx", "\rx"])
def test_cell_that_a_spreadsheet_would_run_is_refused(tmp_path, title):
    table = pa.table({"product_code": ["A1"], "title": [title]})
    writer = csv_images.open_shard(tmp_path, Shard(0, 1, 0, 1), table.schema, ["train"])

    with pytest.raises(ExportError, match=r"product A1: title is .* formula.*--format parquet"):
        writer.write(Batch(table, np.zeros(1, np.int8)))


def test_negative_numbers_and_quotes_are_written_as_they_are(tmp_path):
    table = pa.table({"product_code": ["A1"], "title": ['A "b", c'], "price": [-1.5]})
    shard = Shard(0, 1, 0, 1)
    writer = csv_images.open_shard(tmp_path, shard, table.schema, ["train"])
    writer.write(Batch(table, np.zeros(1, np.int8)))
    writer.close()

    csv_images.finish(tmp_path, [shard], ["train"], table.schema)

    assert (tmp_path / "Dataset.csv").read_text() == 'product_code,title,price\nA1,"A ""b"", c",-1.5\n'
    assert (tmp_path / "splits.csv").read_text() == "product_code,split\nA1,train\n"
