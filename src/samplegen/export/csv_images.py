"""``Dataset.csv`` and ``images/<product_code>.jpg``: the layout that fine-tuning scripts read.

Columns are the price list's and ``local_image_path``, relative to the dataset's folder. ``splits.csv`` holds
the split of each row, because the table itself keeps exactly the columns that the scripts expect.
"""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from samplegen.errors import ExportError
from samplegen.export.cells import FORMULA_STARTS, csv_line, quoted_line
from samplegen.export.files import WrittenFile
from samplegen.export.parts import CHECKSUMS, LooseShard, join_parts
from samplegen.export.records import Record, split_records, to_json
from samplegen.export.schema import IMAGE_COLUMN, MASK_COLUMN, without_pictures
from samplegen.export.shards import Batch, Shard

TABLE, SPLITS = "Dataset.csv", "splits.csv"
PATH_COLUMN, MASK_PATH_COLUMN = "local_image_path", "local_mask_path"


class CsvShard:
    """Writes the rows of one shard as lines of CSV and picture files."""

    def __init__(self, root: Path, shard: Shard, schema: pa.Schema, splits: Sequence[str]) -> None:
        self._files = LooseShard(root, shard)
        self._splits = splits

    def write(self, batch: Batch) -> None:
        """Take the next rows of the shard."""
        for number, (stem, record, pictures) in zip(
            batch.split.tolist(), split_records(batch.table), strict=True
        ):
            if image := pictures.get(IMAGE_COLUMN):
                record[PATH_COLUMN] = f"images/{stem}.jpg"
                self._files.add_picture(record[PATH_COLUMN], image)
            if mask := pictures.get(MASK_COLUMN):
                record[MASK_PATH_COLUMN] = f"masks/{stem}.png"
                self._files.add_picture(record[MASK_PATH_COLUMN], mask)
            self._files.add_line(TABLE, csv_line([_cell(name, record) for name in record]))
            self._files.add_line(SPLITS, csv_line([str(record["product_code"]), self._splits[number]]))

    def close(self) -> list[WrittenFile]:
        """Put the parts into place."""
        return self._files.close()

    def abort(self) -> None:
        """Remove unfinished parts."""
        self._files.abort()


def open_shard(root: Path, shard: Shard, schema: pa.Schema, splits: Sequence[str]) -> CsvShard:
    """Begin a shard."""
    return CsvShard(root, shard, schema, splits)


def finish(
    root: Path, shards: Sequence[Shard], splits: Sequence[str], schema: pa.Schema
) -> list[WrittenFile]:
    """Join the parts of the table, the splits and the pictures' digests."""
    return [
        *join_parts(root, TABLE, shards, header=quoted_line(column_names(schema))),
        *join_parts(root, SPLITS, shards, header=csv_line(["product_code", "split"])),
        *join_parts(root, CHECKSUMS, shards),
    ]


def column_names(schema: pa.Schema) -> list[str]:
    """Return the header of ``Dataset.csv`` for a dataset of these columns."""
    names = list(without_pictures(schema).names)
    if IMAGE_COLUMN in schema.names:
        names.append(PATH_COLUMN)
    if MASK_COLUMN in schema.names:
        names.append(MASK_PATH_COLUMN)
    return names


def _cell(name: str, record: Record) -> object:
    value = record[name]
    if isinstance(value, list | dict):
        return to_json(value) if isinstance(value, dict) else str(value)
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        # Altering the text would make the CSV differ from the other formats without a word.
        raise ExportError(
            f"product {record['product_code']}: {name} is {value!r}, which a spreadsheet program would run "
            f"as a formula. Change the template's words, or write --format parquet."
        )
    return value
