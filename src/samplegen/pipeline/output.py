"""The folder that a dataset goes to: whether it may be written, begun, continued or replaced."""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from samplegen.errors import ExportError
from samplegen.export.card import CARD
from samplegen.export.croissant import CROISSANT
from samplegen.export.csv_images import SPLITS, TABLE
from samplegen.export.failures import FAILURES
from samplegen.export.files import (
    STATE_FOLDER,
    WrittenFile,
    clear_disk_errors,
    file_sha256,
    remove_leftovers,
)
from samplegen.export.manifest import (
    MANIFEST,
    RunRecord,
    differing_setting,
    made_by_samplegen,
    read_manifest,
)
from samplegen.export.parts import CHECKSUMS, pictures_intact
from samplegen.export.settings import RunSettings, Settings

_ROW_BYTES = 700
"""A row without pictures, at most, as CSV; Parquet takes a quarter."""
_PIXEL_BYTES = 0.25
"""A pixel of a studio picture as JPEG of quality 90, with some to spare."""


def check_output(root: Path, settings: Settings, *, resume: bool, overwrite: bool) -> None:
    """Refuse an output folder before anything is drawn or written.

    Raises:
        ExportError: If the folder may not be written, holds something that is not to be touched, or its disk
            has too little room.
    """
    if resume and overwrite:
        raise ExportError("--resume and --overwrite exclude each other; give one.")
    if root.exists() and not root.is_dir():
        raise ExportError(f"{root}: is a file; give a folder as --out.")
    parent = next(path for path in (root, *root.absolute().parents) if path.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise ExportError(f"{root}: cannot be written, because {parent} is not writable. Give another --out.")
    if _occupied(root):
        _check_occupied(root, settings, resume=resume, overwrite=overwrite)
    free, needed = shutil.disk_usage(parent).free, estimate_bytes(settings)
    if free < needed and not resume:
        raise ExportError(
            f"{root}: about {_size(needed)} are needed, {_size(free)} are free. "
            f"Free some space, give another --out, or make fewer rows or smaller pictures."
        )


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def _occupied(root: Path) -> bool:
    """Tell whether there is more than the claim of a run that ended before it wrote anything."""
    if RunRecord(root).settings() is not None:
        return True
    return root.exists() and any(path.name != STATE_FOLDER for path in root.iterdir())


def _check_occupied(root: Path, settings: Settings, *, resume: bool, overwrite: bool) -> None:
    ours = made_by_samplegen(root)
    if overwrite and not ours:
        raise ExportError(
            f"{root}: holds files that samplegen did not make, so --overwrite leaves it alone. "
            f"Give another --out, or empty the folder yourself."
        )
    if not (resume or overwrite):
        hint = "Add --resume to complete it or --overwrite to replace it." if ours else "Give another --out."
        raise ExportError(f"{root}: is not empty. {hint}")
    if resume:
        before = _earlier_settings(root)
        if before is None:
            raise ExportError(f"{root}: holds no dataset begun by samplegen, so there is nothing to resume.")
        if difference := differing_setting(before, settings):
            raise ExportError(
                f"{root}: cannot be resumed with other settings: {difference}. "
                f"Give the earlier setting, or another --out."
            )


def _earlier_settings(root: Path) -> Settings | None:
    # The record first: where one is left, a dataset is being made again.
    if begun := RunRecord(root).settings():
        return begun
    manifest = read_manifest(root)
    return manifest.settings if manifest else None


def estimate_bytes(settings: Settings) -> int:
    """Return about how much room a dataset takes; the pictures of a price list cannot be known before."""
    if not isinstance(settings, RunSettings):
        return settings.source_rows * _ROW_BYTES
    pixels = (settings.image_size or 0) ** 2
    return int(settings.rows * (_ROW_BYTES + _PIXEL_BYTES * pixels))


@contextmanager
def claimed(root: Path) -> Iterator[None]:
    """Keep a second run out of the folder; the claim ends with the process, however it ends."""
    if os.name != "posix":  # where a lock would not end with its process
        with clear_disk_errors(root):
            (root / STATE_FOLDER).mkdir(parents=True, exist_ok=True)
        yield
        return
    with _lock(root):
        yield


def _lock(root: Path) -> BinaryIO:
    """Open and lock the folder's lock file; the lock ends when the file is closed."""
    import fcntl

    path = root / STATE_FOLDER / "lock"
    # Again, where a run that ended meanwhile took the folder or the file away: what is locked then is no claim.
    while True:
        with clear_disk_errors(root):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                lock = path.open("ab")
            except FileNotFoundError:
                continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(lock.fileno()), path.stat()):
                return lock
        except FileNotFoundError:
            pass
        except OSError as error:
            lock.close()
            raise ExportError(f"{root}: another run of samplegen is writing there.") from error
        lock.close()


def remove_dataset(root: Path, splits: tuple[str, ...]) -> None:
    """Remove what samplegen writes, and nothing else."""
    remove_data(root, splits)
    for name in ("shards", "parts", "run.json"):  # the settings last: they tell whose folder it is
        path = root / STATE_FOLDER / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def remove_data(root: Path, splits: tuple[str, ...]) -> None:
    """Remove the files of a dataset, but not the state of the run that writes them."""
    # The splits stand in a file that a stranger may have written: a folder's name, never a path, is removed.
    folders = tuple(name for name in splits if name.isidentifier())
    files = (TABLE, SPLITS, FAILURES, CHECKSUMS, CARD, CROISSANT)
    for name in (MANIFEST, "data", "images", "masks", *files, *folders):
        path = root / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def replace_earlier(root: Path) -> None:
    """Make room for another dataset where samplegen made one."""
    before = _earlier_settings(root)
    if before:
        # A run that is killed while it removes must leave a folder that the next one knows as samplegen's.
        RunRecord(root).begin(before)
    remove_leftovers(root)
    remove_dataset(root, tuple(before.splits) if before else ())


def intact(root: Path, files: Iterable[WrittenFile]) -> bool:
    """Tell whether files are as they were written."""
    for file in files:
        path = root / file.path
        if not path.is_file() or path.stat().st_size != file.bytes or file_sha256(path) != file.sha256:
            return False
        if path.name == CHECKSUMS and not pictures_intact(root, path):
            return False
    return True
