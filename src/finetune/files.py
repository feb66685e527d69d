"""Files that are complete or absent."""

import os
from pathlib import Path

ODD_NAMES = "backslashreplace"
"""How a file's name that is not UTF-8 is written as such; in JSON, the same name is read back."""


def replace_file(path: Path, content: str | bytes) -> None:
    """Write a file beside its place, then rename it: whoever is killed leaves the earlier one, or none.

    Args:
        path: In a folder that is there.
        content: Text is written as UTF-8, with its line ends as they are; names of files may be in it.
    """
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_bytes(content.encode(errors=ODD_NAMES) if isinstance(content, str) else content)
    os.replace(unfinished, path)


def marked(path: Path, mark: str) -> bool:
    """Tell whether a file is there and holds a text within its first 1,000 bytes."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return mark.encode() in file.read(1000)
