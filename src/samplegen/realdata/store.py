"""Downloaded pictures on the disk, and the journal that says which address gave which.

A picture is a file named after its SHA-256; a line of the journal follows only when the file is in place. So a run
that is killed at any moment has, for every line, the bytes, and the next run asks for none of them again.
"""

import json
import os
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Self

from samplegen.errors import CollectError
from samplegen.export.files import clear_disk_errors, file_sha256, write_file
from samplegen.realdata.versions import Validators

JOURNAL = "journal.jsonl"


@dataclass(frozen=True, slots=True)
class Note:
    """What became of one address.

    Attributes:
        address: As the price list has it, or the number of the row whose picture was in the list itself.
        run: The run that found out.
        sha256: Name of the picture's file, which an earlier run may have left; empty where there is none.
        etag: The server's name for this version of the picture.
        last_modified: The same as a date.
        reason: Why this run got no picture; empty where it got one.
        lasting: Whether the reason is one that does not pass by itself.
    """

    address: str
    run: str
    sha256: str = ""
    etag: str | None = None
    last_modified: str | None = None
    reason: str = ""
    lasting: bool = False

    @property
    def validators(self) -> Validators:
        """What to ask the server for another version with."""
        return Validators(self.etag, self.last_modified)


class PictureStore:
    """A folder of pictures with its journal; use it in a ``with``, from one process at a time."""

    def __init__(self, folder: Path, run: str) -> None:
        """Open a store.

        Args:
            folder: Made where it is missing.
            run: Name of this run; what earlier runs found is known, but not settled.
        """
        self._folder = folder
        self._run = run
        with clear_disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        self._notes = _read_journal(folder / JOURNAL)
        self._journal: BinaryIO | None = None
        self._writing = threading.Lock()

    def __enter__(self) -> Self:
        with clear_disk_errors(self._folder):
            # A killed run may have left half a line; what follows must not be appended to it.
            self._rewrite()
            self._journal = (self._folder / JOURNAL).open("ab", buffering=0)
        return self

    def __exit__(self, *error: object) -> None:
        if self._journal:
            self._journal.close()
            self._journal = None

    def settled(self, address: str) -> Note | None:
        """Return what this run found at an address, if that is final."""
        note = self._notes.get(address)
        if note is None or note.run != self._run:
            return None
        if note.reason:
            return note if note.lasting else None
        return note if self._intact(note) else None

    def known(self, address: str) -> Note | None:
        """Return the unharmed picture that any run found at an address."""
        note = self._notes.get(address)
        return note if note and note.sha256 and self._intact(note) else None

    def note(self, address: str) -> Note | None:
        """Return the last that is known of an address, whatever it is."""
        return self._notes.get(address)

    def write(self, content: bytes) -> str:
        """Put a picture's bytes on the disk and return their SHA-256; safe to call from several threads."""
        digest = sha256(content).hexdigest()
        path = self._path(digest)
        with self._writing:  # two addresses may give the same picture at the same time
            if path.is_file() and path.stat().st_size == len(content):
                return digest
            write_file(self._folder, path.relative_to(self._folder).as_posix(), content, durable=False)
        return digest

    def keep(self, address: str, digest: str, validators: Validators) -> None:
        """Note that an address gave the picture that `write` put on the disk."""
        self._add(
            Note(
                address,
                self._run,
                digest,
                etag=validators.etag,
                last_modified=validators.last_modified,
            )
        )

    def fail(self, address: str, reason: str, *, lasting: bool) -> None:
        """Note that an address gave none; what an earlier run got there stays known."""
        earlier = self._notes.get(address) or Note(address, self._run)
        self._add(replace(earlier, run=self._run, reason=reason, lasting=lasting))

    def read(self, note: Note) -> bytes:
        """Return a picture's bytes.

        Raises:
            CollectError: If they are gone or altered.
        """
        try:
            content = self._path(note.sha256).read_bytes()
        except OSError as error:
            raise CollectError(f"{self._path(note.sha256)}: cannot be read: {error.strerror}.") from error
        if sha256(content).hexdigest() != note.sha256:
            raise CollectError(
                f"{self._path(note.sha256)}: was altered while the dataset was written. Run again with --resume."
            )
        return content

    def sweep(self, addresses: set[str]) -> None:
        """Forget all other addresses, and remove the pictures that none is left for."""
        self._notes = {address: note for address, note in self._notes.items() if address in addresses}
        wanted = {note.sha256 for note in self._notes.values()}
        self.__exit__()
        self._rewrite()
        for path in self._folder.glob("??/*"):
            if path.name not in wanted:
                with suppress(OSError):
                    path.unlink()

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest

    def _intact(self, note: Note) -> bool:
        path = self._path(note.sha256)
        return path.is_file() and file_sha256(path) == note.sha256

    def _add(self, note: Note) -> None:
        assert self._journal is not None, "a store is written to inside its `with`"
        with clear_disk_errors(self._folder / JOURNAL):
            self._journal.write(_line(note))
        self._notes[note.address] = note

    def _rewrite(self) -> None:
        write_file(self._folder, JOURNAL, b"".join(_line(note) for note in self._notes.values()))


def _line(note: Note) -> bytes:
    values = {
        name: value for name in Note.__slots__ if (value := getattr(note, name)) not in ("", None, False)
    }
    # Not `ensure_ascii=False`: an address may hold signs that UTF-8 has no bytes for.
    return (json.dumps(values) + os.linesep).encode()


def _read_journal(path: Path) -> dict[str, Note]:
    """Return the last note on each address; lines that are no note (half a line at a kill) count for nothing."""
    notes: dict[str, Note] = {}
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return notes
    for line in lines:
        note = _parse(line)
        if note:
            notes[note.address] = note
    return notes


def _parse(line: bytes) -> Note | None:
    try:
        values: Any = json.loads(line)
        note = Note(**values)
    except (ValueError, TypeError, RecursionError):
        return None
    # A digest becomes part of a path.
    plain = note.sha256 == "" or (
        isinstance(note.sha256, str) and len(note.sha256) == 64 and note.sha256.isalnum()
    )
    return note if plain and isinstance(note.address, str) else None
