"""Hugging Face's ImageFolder: a folder for each split with pictures and ``metadata.parquet``.

Not JSON or CSV: their readers would turn days into timestamps and codes of digits into numbers.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from samplegen.errors import ExportError
from samplegen.export.files import DigestingFile, WrittenFile, write_with
from samplegen.export.parts import CHECKSUMS, LooseShard, join_parts, part_path
from samplegen.export.records import split_records, to_json
from samplegen.export.schema import IMAGE_COLUMN, MASK_COLUMN, without_pictures
from samplegen.export.shards import Batch, Shard

METADATA = "metadata.parquet"


class ImageFolderShard:
    """Writes the rows of one shard as pictures and lines of metadata, by split."""

    def __init__(self, root: Path, shard: Shard, schema: pa.Schema, splits: Sequence[str]) -> None:
        if IMAGE_COLUMN not in schema.names:
            raise ExportError(
                "format imagefolder needs pictures. Leave out --no-images, or use --format parquet, csv or webdataset."
            )
        self._files = LooseShard(root, shard)
        self._splits = splits

    def write(self, batch: Batch) -> None:
        """Take the next rows of the shard."""
        for number, (stem, record, pictures) in zip(
            batch.split.tolist(), split_records(batch.table), strict=True
        ):
            split = self._splits[number]
            line = {"file_name": f"{stem}.jpg", **record}
            self._files.add_picture(f"{split}/{stem}.jpg", pictures[IMAGE_COLUMN])
            if mask := pictures.get(MASK_COLUMN):
                line["mask_file_name"] = f"masks/{stem}.png"
                self._files.add_picture(f"{split}/masks/{stem}.png", mask)
            self._files.add_line(_part(split), to_json(line) + "\n")

    def close(self) -> list[WrittenFile]:
        """Put the parts into place."""
        return self._files.close()

    def abort(self) -> None:
        """Remove unfinished parts."""
        self._files.abort()


def open_shard(root: Path, shard: Shard, schema: pa.Schema, splits: Sequence[str]) -> ImageFolderShard:
    """Begin a shard."""
    return ImageFolderShard(root, shard, schema, splits)


def finish(
    root: Path, shards: Sequence[Shard], splits: Sequence[str], schema: pa.Schema
) -> list[WrittenFile]:
    """Join the parts of each split's metadata and the pictures' digests."""
    metadata = [file for split in splits for file in _join_metadata(root, split, shards, schema)]
    return [*metadata, *join_parts(root, CHECKSUMS, shards)]


def _join_metadata(root: Path, split: str, shards: Sequence[Shard], schema: pa.Schema) -> list[WrittenFile]:
    parts = [path for shard in shards if (path := root / part_path(shard, _part(split))).exists()]
    if not parts:
        return []
    columns = metadata_schema(schema)
    rows = 0

    def fill(output: DigestingFile) -> None:
        nonlocal rows
        with pq.ParquetWriter(pa.PythonFile(output, mode="w"), columns, compression="zstd") as writer:
            for part in parts:
                with part.open(encoding="utf-8") as lines:
                    records = [json.loads(line) for line in lines]
                writer.write_table(pa.Table.from_pylist(records, columns))
                rows += len(records)

    file = write_with(root, f"{split}/{METADATA}", fill, split=split)
    return [replace(file, rows=rows)]


def metadata_schema(schema: pa.Schema) -> pa.Schema:
    """Return the columns of the metadata of a dataset with these columns."""
    fields = [pa.field("file_name", pa.string()), *without_pictures(schema)]
    if MASK_COLUMN in schema.names:
        fields.append(pa.field("mask_file_name", pa.string()))
    return pa.schema(fields)


def _part(split: str) -> str:
    return f"{split}.jsonl"
