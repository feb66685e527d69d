"""Parquet: a file for each shard and split, with pictures inside that `datasets` decodes."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from samplegen.export.files import PendingFile, WrittenFile, clear_disk_errors
from samplegen.export.schema import IMAGE_COLUMN, IMAGE_TYPE
from samplegen.export.shards import BATCH_ROWS, TABLE_BATCH_ROWS, Batch, Shard

ROW_GROUP_BYTES = 100_000_000
"""A row group with pictures ends before it grows beyond this, for cheap random access and streaming."""
DATA_FOLDER = "data"
_REPEATING = ("website_name", "competence_date", "country_code", "currency_code", "brand", "title")
_REPEATING_PREFIXES = ("category",)


class _SplitFile:
    """The file of one split: rows are held back until a row group is full."""

    def __init__(self, root: Path, path: str, schema: pa.Schema, *, group_rows: int) -> None:
        self._pending = PendingFile(root, path)
        self._schema = schema
        self._group_rows = group_rows
        self._held: list[pa.Table] = []
        self._held_rows = 0
        self._rows = 0
        self._path = root / path
        self._writer = pq.ParquetWriter(
            pa.PythonFile(self._pending.stream, mode="w"),
            schema,
            compression=_compression(schema),
            use_dictionary=_dictionary_columns(schema),
            write_statistics=[name for name in schema.names if name not in (IMAGE_COLUMN, "mask")],
        )

    def write(self, rows: pa.Table) -> None:
        while rows.num_rows:
            taken = rows.slice(0, self._group_rows - self._held_rows)
            rows = rows.slice(taken.num_rows)
            self._held.append(taken)
            self._held_rows += taken.num_rows
            if self._held_rows == self._group_rows:
                self._flush()

    def _flush(self) -> None:
        if not self._held_rows:
            return
        table = pa.concat_tables(self._held).combine_chunks()
        with clear_disk_errors(self._path):
            for group in _cut_by_bytes(table, ROW_GROUP_BYTES):
                self._writer.write_table(group, row_group_size=max(group.num_rows, 1))
        self._rows += self._held_rows
        self._held, self._held_rows = [], 0

    def close(self, split: str) -> WrittenFile:
        self._flush()
        with clear_disk_errors(self._path):
            self._writer.close()
        return self._pending.commit(split=split, rows=self._rows)

    def discard(self) -> None:
        # An open writer would close itself later, into a file that is gone.
        with suppress(OSError, pa.ArrowException):
            self._writer.close()
        self._pending.discard()


class ParquetShard:
    """Writes the rows of one shard to a Parquet file for each split that has any."""

    def __init__(self, root: Path, shard: Shard, schema: pa.Schema, splits: Sequence[str]) -> None:
        self._root = root
        self._shard = shard
        self._schema = schema
        self._splits = splits
        self._group_rows = BATCH_ROWS if IMAGE_COLUMN in schema.names else TABLE_BATCH_ROWS
        self._files: dict[int, _SplitFile] = {}

    def write(self, batch: Batch) -> None:
        """Take the next rows of the shard."""
        for number, split in enumerate(self._splits):
            rows = batch.of_split(number)
            if rows.num_rows:
                self._file(number, split).write(rows)

    def _file(self, number: int, split: str) -> _SplitFile:
        if number not in self._files:
            path = f"{DATA_FOLDER}/{self._shard.file_name(split, '.parquet')}"
            self._files[number] = _SplitFile(self._root, path, self._schema, group_rows=self._group_rows)
        return self._files[number]

    def close(self) -> list[WrittenFile]:
        """Finish all files and give them their names."""
        return [self._files[number].close(self._splits[number]) for number in sorted(self._files)]

    def abort(self) -> None:
        """Remove what is unfinished."""
        for file in self._files.values():
            file.discard()


def open_shard(root: Path, shard: Shard, schema: pa.Schema, splits: Sequence[str]) -> ParquetShard:
    """Begin a shard."""
    return ParquetShard(root, shard, schema, splits)


def finish(
    root: Path, shards: Sequence[Shard], splits: Sequence[str], schema: pa.Schema
) -> list[WrittenFile]:
    """Return nothing: the shards are the dataset."""
    return []


def _cut_by_bytes(table: pa.Table, limit: int) -> list[pa.Table]:
    if table.nbytes <= limit or table.num_rows == 1:
        return [table]
    middle = table.num_rows // 2
    return [*_cut_by_bytes(table.slice(0, middle), limit), *_cut_by_bytes(table.slice(middle), limit)]


def _dictionary_columns(schema: pa.Schema) -> list[str]:
    return [
        name
        for name in schema.names
        if name in _REPEATING or (name.startswith(_REPEATING_PREFIXES) and name.endswith("_code"))
    ]


def _compression(schema: pa.Schema) -> dict[str, str]:
    """Return a codec for each leaf; JPEG and PNG bytes are compressed already."""
    codecs: dict[str, str] = {}
    for field in schema:
        if field.type == IMAGE_TYPE:
            codecs[f"{field.name}.bytes"] = "none"
            codecs[f"{field.name}.path"] = "zstd"
        else:
            for leaf in _leaves(field.name, field.type):
                codecs[leaf] = "zstd"
    return codecs


def _leaves(path: str, arrow: pa.DataType) -> list[str]:
    if pa.types.is_struct(arrow):
        return [leaf for field in arrow for leaf in _leaves(f"{path}.{field.name}", field.type)]
    if pa.types.is_list(arrow) or pa.types.is_fixed_size_list(arrow):
        return _leaves(f"{path}.list.element", arrow.value_type)
    return [path]
