"""Where a report goes: the page, the JSON file beside it, and what must not be overwritten."""

import json
from pathlib import Path

from samplegen.errors import FidelityError

KIND = "samplegen fidelity report"
"""Names the JSON file for what it is."""


def check_target(page: Path) -> Path:
    """Return the path of the JSON file that goes with a page.

    Raises:
        FidelityError: If the page does not end in .html, or a JSON file of another kind has that name.
    """
    if page.suffix.lower() not in (".html", ".htm"):
        raise FidelityError(f"{page}: the report is a page; give a file name that ends in .html.")
    if page.is_dir():
        raise FidelityError(f"{page}: is a folder; give the name of a file.")
    numbers = page.with_suffix(".json")
    if numbers.exists() and not _is_ours(numbers):
        raise FidelityError(
            f"{numbers}: is there and is no fidelity report, so it is left alone. Give the page another name."
        )
    return numbers


def _is_ours(path: Path) -> bool:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found.get("kind") == KIND
