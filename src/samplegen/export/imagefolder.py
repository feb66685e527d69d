"""Hugging Face's ImageFolder: a folder for each split with pictures and ``metadata.jsonl``."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from samplegen.errors import ExportError
from samplegen.export.files import WrittenFile
from samplegen.export.parts import CHECKSUMS, LooseShard, join_parts
from samplegen.export.records import split_records, to_json
from samplegen.export.schema import IMAGE_COLUMN, MASK_COLUMN
from samplegen.export.shards import Batch, Shard

METADATA = "metadata.jsonl"


class ImageFolderShard:
    """Writes the rows of one shard as pictures and lines of JSON, by split."""

    def __init__(self, root: Path, shard: Shard, schema: pa.Schema, splits: Sequence[str]) -> None:
        if IMAGE_COLUMN not in schema.names:
            raise ExportError("format imagefolder needs pictures. Drop --no-images or use --format parquet.")
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
            self._files.add_line(f"{split}/{METADATA}", to_json(line) + "\n")

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
    metadata = [
        file for split in splits for file in join_parts(root, f"{split}/{METADATA}", shards, split=split)
    ]
    return [*metadata, *join_parts(root, CHECKSUMS, shards)]
