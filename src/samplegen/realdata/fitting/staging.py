"""Puts a pack together beside its folder and moves it there when it is complete: all of it or nothing."""

import os
import shutil
import tempfile
from pathlib import Path

from samplegen.errors import FitError
from samplegen.export.files import clear_disk_errors


class Staged:
    """A folder beside the target that is removed unless it was moved into place."""

    def __init__(self, out: Path) -> None:
        self._out = out

    def __enter__(self) -> Path:
        with clear_disk_errors(self._out):
            self._out.absolute().parent.mkdir(parents=True, exist_ok=True)
            self._path = Path(tempfile.mkdtemp(prefix=f".{self._out.name}-", dir=self._out.absolute().parent))
            self._path.chmod(0o755)
        return self._path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._path, ignore_errors=True)


def write_files(folder: Path, files: dict[str, bytes]) -> None:
    """Write files, by their paths in a folder."""
    with clear_disk_errors(folder):
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)


def check_folder(out: Path, *, overwrite: bool) -> None:
    """Refuse a folder that is in the way, before long work starts.

    Raises:
        FitError: If something is there, unless it is a pack that may be replaced.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if overwrite and out.is_dir() and not (out / "template.yaml").is_file():
        raise FitError(
            f"{out}: exists and has no template.yaml, so it is no pack that --overwrite may replace; give a new folder."
        )
    if not (overwrite and (out / "template.yaml").is_file()):
        text = (
            "give a new folder" if not out.is_dir() else "give a new folder, or --overwrite to replace a pack"
        )
        raise FitError(f"{out}: exists; {text}.")


def move_into_place(staged: Path, out: Path) -> None:
    """Put the finished folder in its place; the old pack goes only when the new one is complete."""
    with clear_disk_errors(out):
        old = staged.with_name(staged.name + "-old")
        if out.exists():
            os.replace(out, old)
        os.replace(staged, out)
        shutil.rmtree(old, ignore_errors=True)
