"""Files that appear whole or not at all: written beside under a ``.tmp`` name, then renamed into place."""

import errno
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from samplegen.errors import ExportError

TEMPORARY_SUFFIX = ".tmp"
STATE_FOLDER = ".samplegen"
"""Hidden folder of a run in progress: settings, finished shards, parts to be joined."""
LONGEST_STEM = 180
"""Characters of a file name's stem; most file systems take 255 bytes with the suffix."""


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A finished file of a dataset.

    Attributes:
        path: Relative to the dataset's folder, with forward slashes.
        split: The split whose rows it holds; empty for a file of the whole dataset.
        rows: How many rows it holds.
        bytes: Its size.
        sha256: Hexadecimal digest of its content.
    """

    path: str
    split: str
    rows: int
    bytes: int
    sha256: str


class DigestingFile:
    """A binary file for writing only, whose SHA-256 is known as soon as the last byte is written."""

    def __init__(self, raw: BinaryIO) -> None:
        self.raw = raw
        self.size = 0
        self.closed = False
        self._digest = hashlib.sha256()

    def write(self, data: bytes | memoryview) -> int:
        """Write all of ``data`` and return its size in bytes."""
        self.raw.write(data)
        self._digest.update(data)
        size = memoryview(data).nbytes
        self.size += size
        return size

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self.size

    def flush(self) -> None:
        """Hand buffered bytes to the operating system."""
        self.raw.flush()

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        if not self.closed:
            self.closed = True
            self.raw.close()

    def readable(self) -> bool:
        """Return False: the file is for writing."""
        return False

    def writable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return False: the digest follows the bytes in order."""
        return False

    @property
    def sha256(self) -> str:
        """Hexadecimal digest of what was written so far."""
        return self._digest.hexdigest()


class PendingFile:
    """A file being written under a temporary name; `commit` gives it its own."""

    def __init__(self, root: Path, path: str) -> None:
        self._root = root
        self._path = path
        self._target = root / path
        # The process id keeps a worker that outlived its killed run apart from the run that resumes.
        self._temporary = self._target.with_name(f"{self._target.name}.{os.getpid()}{TEMPORARY_SUFFIX}")
        with clear_disk_errors(self._target):
            self._target.parent.mkdir(parents=True, exist_ok=True)
            self.stream = DigestingFile(self._temporary.open("wb"))

    def commit(self, *, split: str, rows: int, durable: bool = True) -> WrittenFile:
        """Close the file and rename it into place.

        Args:
            split: Recorded in the result.
            rows: Recorded in the result.
            durable: Wait until the content is on the disk, so that a power cut leaves no empty file.
        """
        with clear_disk_errors(self._target):
            self.stream.flush()
            if durable:
                os.fsync(self.stream.raw.fileno())
            self.stream.close()
            os.replace(self._temporary, self._target)
        return WrittenFile(self._path, split, rows, self.stream.size, self.stream.sha256)

    def discard(self) -> None:
        """Close the file and remove it."""
        with suppress(OSError):  # closing writes what is still held, which a full disk refuses again
            self.stream.close()
        with suppress(OSError):
            self._temporary.unlink(missing_ok=True)


@contextmanager
def clear_disk_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write into an `ExportError` that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ExportError(
                f"{path}: the disk is full. Free some space, then run the same command again; make and collect keep "
                "what they have made or fetched, and go on from there with --resume."
            ) from error
        raise ExportError(f"{path}: cannot be written: {error.strerror or error}.") from error


def write_file(
    root: Path, path: str, content: bytes, *, split: str = "", rows: int = 0, durable: bool = True
) -> WrittenFile:
    """Write ``content`` to ``root / path`` in one step and return its record."""
    return write_with(
        root, path, lambda stream: stream.write(content), split=split, rows=rows, durable=durable
    )


def write_with(
    root: Path,
    path: str,
    fill: Callable[[DigestingFile], object],
    *,
    split: str = "",
    rows: int = 0,
    durable: bool = True,
) -> WrittenFile:
    """Let ``fill`` write a file that takes its name only when ``fill`` has returned."""
    pending = PendingFile(root, path)
    try:
        with clear_disk_errors(root / path):
            fill(pending.stream)
        return pending.commit(split=split, rows=rows, durable=durable)
    except BaseException:
        pending.discard()
        raise


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sync_folder(path: Path) -> None:
    """Make the renames in a folder last through a power cut, where the system can."""
    if os.name == "posix":
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def remove_leftovers(root: Path) -> None:
    """Remove the temporary files of a run that was cut off."""
    for path in root.rglob(f"*{TEMPORARY_SUFFIX}"):
        if path.is_symlink() or path.is_file():
            path.unlink(missing_ok=True)


def safe_stem(code: str) -> str:
    """Return a file name stem for a product code: different codes give different stems.

    Letters, digits, ``-`` and ``_`` of ASCII stay; every other byte of the UTF-8 form becomes ``~`` and two
    hexadecimal digits. So no separator, dot or parent folder can come out. Codes too long for a file name
    end in ``~~`` and their SHA-256.
    """
    encoded = code.encode("utf-8", "surrogatepass")
    stem = "".join(chr(b) if re.match(rb"[A-Za-z0-9_-]", bytes([b])) else f"~{b:02x}" for b in encoded)
    if not stem:
        raise ExportError(
            "a product code is empty, so its picture has no name. Correct the template's codes."
        )
    if len(stem) > LONGEST_STEM:
        return f"{stem[: LONGEST_STEM - 70]}~~{hashlib.sha256(encoded).hexdigest()}"
    return stem
