"""WebDataset: tar files with ``<key>.jpg`` and ``<key>.json`` for each row, one for each shard and split."""

import io
import tarfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

from samplegen.export.files import PendingFile, WrittenFile, clear_disk_errors
from samplegen.export.records import split_records, to_json
from samplegen.export.schema import IMAGE_COLUMN, MASK_COLUMN
from samplegen.export.shards import Batch, Shard

DATA_FOLDER = "data"
_SUFFIXES = {IMAGE_COLUMN: "jpg", MASK_COLUMN: "mask.png"}


class _TarFile:
    def __init__(self, root: Path, path: str) -> None:
        self._pending = PendingFile(root, path)
        self._path = root / path
        # A stream ("w|"), so that the digest can follow the bytes.
        self._tar = tarfile.open(  # noqa: SIM115  # closed by `close`
            fileobj=cast("BinaryIO", self._pending.stream), mode="w|", format=tarfile.PAX_FORMAT
        )
        self._rows = 0

    def add(self, key: str, members: dict[str, bytes]) -> None:
        with clear_disk_errors(self._path):
            for suffix, content in members.items():
                # Owner, time and mode keep their fixed defaults: same rows, same bytes.
                member = tarfile.TarInfo(f"{key}.{suffix}")
                member.size = len(content)
                self._tar.addfile(member, io.BytesIO(content))
        self._rows += 1

    def close(self, split: str) -> WrittenFile:
        with clear_disk_errors(self._path):
            self._tar.close()
        return self._pending.commit(split=split, rows=self._rows)

    def discard(self) -> None:
        # An open archive would close itself later, into a file that is gone.
        with suppress(OSError):
            self._tar.close()
        self._pending.discard()


class WebDatasetShard:
    """Writes the rows of one shard to a tar file for each split that has any."""

    def __init__(self, root: Path, shard: Shard, schema: pa.Schema, splits: Sequence[str]) -> None:
        self._root = root
        self._shard = shard
        self._splits = splits
        self._files: dict[int, _TarFile] = {}

    def write(self, batch: Batch) -> None:
        """Take the next rows of the shard."""
        for number, (stem, record, pictures) in zip(
            batch.split.tolist(), split_records(batch.table), strict=True
        ):
            if number not in self._files:
                path = f"{DATA_FOLDER}/{self._shard.file_name(self._splits[number], '.tar')}"
                self._files[number] = _TarFile(self._root, path)
            members = {_SUFFIXES[name]: content for name, content in pictures.items()}
            self._files[number].add(stem, {**members, "json": to_json(record).encode()})

    def close(self) -> list[WrittenFile]:
        """Finish all tar files and give them their names."""
        return [self._files[number].close(self._splits[number]) for number in sorted(self._files)]

    def abort(self) -> None:
        """Remove what is unfinished."""
        for file in self._files.values():
            file.discard()


def open_shard(root: Path, shard: Shard, schema: pa.Schema, splits: Sequence[str]) -> WebDatasetShard:
    """Begin a shard."""
    return WebDatasetShard(root, shard, schema, splits)


def finish(
    root: Path, shards: Sequence[Shard], splits: Sequence[str], schema: pa.Schema
) -> list[WrittenFile]:
    """Return nothing: the shards are the dataset."""
    return []
