"""Where pictures lie: files of a folder, cells of Parquet, members of tar archives. Read one at a time, when asked."""

import os
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

_PIECES_KEPT = 2
"""How many stretches of rows are kept for the next reads."""
_GROUP_BYTES = 128_000_000
"""A row group that holds more is read in stretches of `_STRETCH_ROWS`, which takes longer and less memory."""
_STRETCH_ROWS = 64
_MAX_FILE_BYTES = 256_000_000


class Pictures(Protocol):
    """The pictures of rows 0, 1, 2 ... of a source."""

    def read(self, row: int) -> bytes:
        """Read one picture.

        Raises:
            OSError: If it is missing or lies outside the source.
        """


@dataclass(frozen=True)
class FilePictures:
    """Pictures in files that rows name.

    Attributes:
        folders: For each stretch of rows, the folder that names are relative to and must not leave; absolute, with no
            link in it.
        starts: First row of each stretch.
        names: The file of each row.
    """

    folders: Sequence[Path]
    starts: Sequence[int]
    names: Sequence[str | None]

    def read(self, row: int) -> bytes:
        """Return the file's bytes."""
        return inside(self.folders[bisect_right(self.starts, row) - 1], self.names[row]).read_bytes()


def inside(folder: Path, name: Any) -> Path:
    """Give a file of a folder.

    Args:
        folder: Absolute, with no link in it.
        name: Relative to it.

    Raises:
        OSError: If the name is none, or leads out of the folder, links included.
    """
    if not isinstance(name, str) or not name or "\0" in name:
        raise OSError("is missing" if not name else f"{name!r} is no file name")
    if "://" in name:
        raise OSError(f"{name} is a URL; nothing is downloaded. 'samplegen collect' brings pictures in.")
    path = (folder / name).resolve()
    if not path.is_relative_to(folder):
        raise OSError(f"{name} leads out of the source's folder")
    if not path.is_file():
        raise OSError(f"{name} is not there")
    if path.stat().st_size > _MAX_FILE_BYTES:
        raise OSError(f"{name} has more than {_MAX_FILE_BYTES:,} bytes")
    return path


@dataclass(frozen=True)
class ParquetPart:
    """One Parquet file with pictures inside.

    Attributes:
        path: The file; absolute, with no link in its folder.
        group_starts: First row of each row group, and the number of rows at the end.
    """

    path: Path
    group_starts: tuple[int, ...]


class ParquetPictures:
    """Pictures in a column of Parquet files.

    Args:
        parts: The files.
        column: The pictures' column: bytes, or a struct of bytes and path.
    """

    def __init__(self, parts: Sequence[ParquetPart], column: str) -> None:
        self._parts = list(parts)
        self._column = column
        self._starts = [0]
        for part in self._parts:
            self._starts.append(self._starts[-1] + part.group_starts[-1])
        self._kept: OrderedDict[tuple[int, int, int], tuple[int, Any]] = OrderedDict()
        self._process = os.getpid()

    def __getstate__(self) -> tuple[list[ParquetPart], str]:
        return self._parts, self._column

    def __setstate__(self, state: tuple[list[ParquetPart], str]) -> None:
        self.__init__(*state)  # type: ignore[misc]

    def read(self, row: int) -> bytes:
        """Return the cell's bytes; a cell that holds only a path names a file beside the Parquet file."""
        number = bisect_right(self._starts, row) - 1
        part, own = self._parts[number], row - self._starts[number]
        group = bisect_right(part.group_starts, own) - 1
        try:
            cell = self._cell(number, group, own - part.group_starts[group])
        except pa.ArrowException as error:
            raise OSError(f"{part.path.name} is damaged: {error}") from error
        content = cell.get("bytes") if isinstance(cell, dict) else cell
        if content:
            return bytes(content)
        return inside(part.path.parent, cell.get("path") if isinstance(cell, dict) else None).read_bytes()

    def _cell(self, number: int, group: int, row: int) -> Any:
        if self._process != os.getpid():  # a forked worker keeps its own
            self._kept, self._process = OrderedDict(), os.getpid()
        for stretch in (0, row // _STRETCH_ROWS):
            if (kept := self._kept.get((number, group, stretch))) and row - kept[0] < len(kept[1]):
                self._kept.move_to_end((number, group, stretch))
                return kept[1][row - kept[0]].as_py()
        stretch, first, cells = self._read(number, group, row)
        self._kept[number, group, stretch] = first, cells
        if len(self._kept) > _PIECES_KEPT:
            self._kept.popitem(last=False)
        return cells[row - first].as_py()

    def _read(self, number: int, group: int, row: int) -> tuple[int, int, Any]:
        """Read the whole group where it is small, else the stretch that a row is in; and tell where it begins."""
        with pq.ParquetFile(self._parts[number].path, memory_map=True) as file:
            if _column_bytes(file, group, self._column) <= _GROUP_BYTES:
                table = file.read_row_group(group, columns=[self._column], use_threads=False)
                return 0, 0, table.column(self._column)
            stretches = file.iter_batches(
                _STRETCH_ROWS, row_groups=[group], columns=[self._column], use_threads=False
            )
            stretch = row // _STRETCH_ROWS
            cells = next(islice(stretches, stretch, None)).column(0)
            return stretch, stretch * _STRETCH_ROWS, cells


def _column_bytes(file: pq.ParquetFile, group: int, column: str) -> int:
    """Give the size of a column of a row group in memory."""
    noted = file.metadata.row_group(group)
    columns = [noted.column(number) for number in range(noted.num_columns)]
    return sum(
        part.total_uncompressed_size for part in columns if part.path_in_schema.split(".")[0] == column
    )


@dataclass(frozen=True)
class TarPictures:
    """Pictures in uncompressed tar archives.

    Attributes:
        places: For each row the archive, and where its picture's bytes begin and how many there are; None without one.
    """

    places: Sequence[tuple[Path, int, int] | None]

    def read(self, row: int) -> bytes:
        """Return the member's bytes."""
        place = self.places[row]
        if place is None:
            raise OSError("is missing")
        path, start, size = place
        with path.open("rb") as stream:
            stream.seek(start)
            return stream.read(size)
