"""Pieces of bytes in a temporary file, so that a dataset's pictures do not fill the memory while it is served."""

import io
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from samplegen.export.files import clear_disk_errors


@dataclass(frozen=True, slots=True)
class Spooled:
    """Where a piece is in the file."""

    start: int
    size: int


class Spool:
    """A temporary file that ends with `close`; reading is safe from several threads."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.gettempdir())
        with clear_disk_errors(self._folder):
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # closed by `close`
        self._reading = threading.Lock()

    def add(self, content: bytes) -> Spooled:
        """Append a piece.

        Raises:
            ExportError: If the disk is full.
        """
        start = self._file.seek(0, io.SEEK_END)
        with clear_disk_errors(self._folder):
            rest = memoryview(content)
            while rest:
                rest = rest[self._file.write(rest) :]
        return Spooled(start, len(content))

    def read(self, piece: Spooled) -> bytes:
        """Return a piece."""
        with self._reading:
            self._file.seek(piece.start)
            return self._file.read(piece.size)

    def close(self) -> None:
        """Remove the file."""
        self._file.close()
