"""Files that are complete or absent."""

import os
from pathlib import Path


def replace_file(path: Path, content: str | bytes) -> None:
    """Write a file beside its place, then rename it: whoever is killed leaves the earlier one, or none.

    Args:
        path: In a folder that is there.
        content: Text is written as UTF-8, with its line ends as they are.
    """
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_bytes(content.encode() if isinstance(content, str) else content)
    os.replace(unfinished, path)
