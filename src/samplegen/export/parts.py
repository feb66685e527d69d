"""Datasets of loose files: pictures go to their places, text goes to parts that the last step joins."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from samplegen.export.files import (
    STATE_FOLDER,
    DigestingFile,
    PendingFile,
    WrittenFile,
    clear_disk_errors,
    file_sha256,
    write_file,
    write_with,
)
from samplegen.export.shards import Shard

CHECKSUMS = "pictures.sha256"
"""Digest and path of every picture file, in the form that ``sha256sum --check`` reads."""
_COPY_BYTES = 1 << 20


def part_path(shard: Shard, name: str) -> str:
    """Return where a shard keeps its part of a file of the dataset."""
    return f"{STATE_FOLDER}/parts/{shard.index:05d}/{name}"


class LooseShard:
    """The files of one shard: lines for any number of text files, and pictures with their digests."""

    def __init__(self, root: Path, shard: Shard) -> None:
        self._root = root
        self._shard = shard
        self._parts: dict[str, PendingFile] = {}
        self._rows: dict[str, int] = {}

    def add_line(self, name: str, line: str) -> None:
        """Add a line (with its line end) to this shard's part of a text file."""
        if name not in self._parts:
            self._parts[name] = PendingFile(self._root, part_path(self._shard, name))
            self._rows[name] = 0
        with clear_disk_errors(self._root / name):
            self._parts[name].stream.write(line.encode())
        self._rows[name] += 1

    def add_picture(self, path: str, content: bytes) -> None:
        """Write a picture to its final place in one step."""
        # Not forced to disk one by one: a hundred times slower, and resuming checks the digests.
        picture = write_file(self._root, path, content, durable=False)
        self.add_line(CHECKSUMS, f"{picture.sha256}  {path}\n")

    def close(self) -> list[WrittenFile]:
        """Put all parts into place and return their records."""
        return [self._parts[name].commit(split="", rows=self._rows[name]) for name in sorted(self._parts)]

    def abort(self) -> None:
        """Remove unfinished parts."""
        for part in self._parts.values():
            part.discard()


def join_parts(
    root: Path, name: str, shards: Sequence[Shard], *, header: str = "", split: str = ""
) -> list[WrittenFile]:
    """Write ``root / name`` from the shards' parts in row order; no parts, no file."""
    parts = [path for shard in shards if (path := root / part_path(shard, name)).exists()]
    if not parts:
        return []
    rows = 0

    def fill(output: DigestingFile) -> None:
        nonlocal rows
        output.write(header.encode())
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, output, _COPY_BYTES)

    for part in parts:
        rows += _count_lines(part)
    return [write_with(root, name, fill, split=split, rows=rows)]


def _count_lines(path: Path) -> int:
    with path.open("rb") as stream:
        return sum(piece.count(b"\n") for piece in iter(lambda: stream.read(_COPY_BYTES), b""))


def pictures_intact(root: Path, checksums: Path) -> bool:
    """Tell whether every picture that a list of digests names is there and unharmed."""
    for line in checksums.read_text(encoding="utf-8").splitlines():
        digest, _, path = line.partition("  ")
        if not (root / path).is_file() or file_sha256(root / path) != digest:
            return False
    return True
