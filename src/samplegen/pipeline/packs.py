"""Copies of template packs."""

import re
import shutil
from pathlib import Path

from samplegen.errors import TemplateError
from samplegen.export.files import clear_disk_errors
from samplegen.templates import load_template

_NO_NAME = re.compile(r"[^a-z0-9]+")
_LONGEST_NAME = 60
_NAME_LINE = re.compile(r"^name: .*$", re.MULTILINE)


def copy_pack(name: str, folder: Path) -> Path:
    """Copy a pack to a new folder, whose name it gets as far as packs may be called so, and return it.

    Raises:
        TemplateError: If there is no such pack or the folder exists.
    """
    root = load_template(name).root
    if folder.exists():
        raise TemplateError(f"{folder}: exists; give a new folder for the copy.")
    with clear_disk_errors(folder):
        shutil.copytree(root, folder, ignore=shutil.ignore_patterns(".*", "__pycache__"))
        name = _NO_NAME.sub("_", folder.resolve().name.lower())[:_LONGEST_NAME]
        if name[0].isalpha():
            settings = folder / "template.yaml"
            text = settings.read_text(encoding="utf-8")
            settings.write_text(_NAME_LINE.sub(f'name: "{name}"', text, count=1), encoding="utf-8")
    return folder
