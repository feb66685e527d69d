"""Copies of template packs."""

import shutil
from pathlib import Path

from samplegen.errors import TemplateError
from samplegen.export.files import clear_disk_errors
from samplegen.templates import load_template


def copy_pack(name: str, folder: Path) -> Path:
    """Copy a pack to a new folder and return it.

    Raises:
        TemplateError: If there is no such pack or the folder exists.
    """
    root = load_template(name).root
    if folder.exists():
        raise TemplateError(f"{folder}: exists; give a new folder for the copy.")
    with clear_disk_errors(folder):
        shutil.copytree(root, folder, ignore=shutil.ignore_patterns(".*", "__pycache__"))
    return folder
