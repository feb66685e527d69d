"""The row ranges that a dataset is written in, and what a writer of one range must do."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from samplegen.export.files import WrittenFile

BATCH_ROWS = 100
"""Rows that are drawn, rendered and handed to a writer at a time, pictures included."""
IMAGE_SHARDS = 8
"""With pictures, a dataset of usual size is cut in about this many shards."""
IMAGE_SHARD_STEP, IMAGE_SHARD_MAXIMUM = 64, 2048
TABLE_SHARD_MAXIMUM = 262_144
TABLE_BATCH_ROWS = 16_384
"""Rows at a time, and rows of a row group, where there are no pictures."""


@dataclass(frozen=True, slots=True)
class Shard:
    """Rows ``start`` (included) to ``stop`` (excluded), the ``index``-th of ``count`` ranges."""

    index: int
    count: int
    start: int
    stop: int

    def file_name(self, split: str, suffix: str) -> str:
        """Return the name of this shard's file of a split, such as ``train-00000-of-00008.parquet``."""
        return f"{split}-{self.index:05d}-of-{self.count:05d}{suffix}"

    def batches(self, rows: int) -> list[range]:
        """Cut the shard in ranges of at most ``rows`` rows."""
        return [range(start, min(start + rows, self.stop)) for start in range(self.start, self.stop, rows)]


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive rows on their way to a file.

    Attributes:
        table: The price list's columns, then ``image`` and the annotations, as `schema.dataset_schema` says.
        split: For each row the number of its split.
    """

    table: pa.Table
    split: NDArray[np.int8]

    def of_split(self, split: int) -> pa.Table:
        """Return the rows of one split, in order."""
        return self.table.filter(pa.array(self.split == split))


class ShardWriter(Protocol):
    """Writes one shard in one format; nothing appears under a final name before `close`."""

    def write(self, batch: Batch) -> None:
        """Take the next rows of the shard."""

    def close(self) -> list[WrittenFile]:
        """Put all files into place and return their records."""

    def abort(self) -> None:
        """Remove what is unfinished."""


class Format(Protocol):
    """What a module of a format offers: a writer for each shard, then what joins the shards' parts."""

    def open_shard(self, root: Path, shard: Shard, schema: pa.Schema, splits: Sequence[str]) -> ShardWriter:
        """Begin a shard."""

    def finish(
        self, root: Path, shards: Sequence[Shard], splits: Sequence[str], schema: pa.Schema
    ) -> list[WrittenFile]:
        """Write the files of the whole dataset from the parts of its shards."""


def plan_shards(rows: int, *, images: bool) -> list[Shard]:
    """Cut ``rows`` rows in shards; the cut depends on nothing else, so any worker may write any shard."""
    size = TABLE_SHARD_MAXIMUM
    if images:
        step = IMAGE_SHARD_STEP
        size = min(max(math.ceil(rows / IMAGE_SHARDS / step) * step, step), IMAGE_SHARD_MAXIMUM)
    count = math.ceil(rows / size)
    return [Shard(i, count, i * size, min((i + 1) * size, rows)) for i in range(count)]
