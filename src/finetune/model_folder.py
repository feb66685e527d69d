"""Where a model's files are: a folder, or a repository on the Hugging Face Hub that is brought into one."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from finetune.errors import CheckpointError, FinetuneError

_WANTED = ("*.json", "*.safetensors", "*.jinja")
"""What is read of a repository: neither code nor pickled weights."""


def local_folder(
    name: str | os.PathLike[str],
    *,
    revision: str | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    token: str | bool | None = None,
    local_files_only: bool = False,
    force_download: bool = False,
) -> Path:
    """Return a model's folder; a name on the Hub is downloaded first.

    Args:
        name: Folder, or name on the Hub such as ``microsoft/Phi-3.5-vision-instruct``.
        revision: Branch, tag or commit on the Hub.
        cache_dir: Where downloads are kept.
        token: For private repositories.
        local_files_only: Whether to look at earlier downloads alone.
        force_download: Whether to download again.

    Raises:
        CheckpointError: If there is neither such a folder nor such a repository.
    """
    folder = Path(name)
    if folder.is_dir():
        return folder
    if folder.exists() or not re.fullmatch(r"[\w.-]+/[\w.-]+", os.fspath(name)):
        raise CheckpointError(
            f"{name}: there is no such folder. Give a model's folder, or OWNER/NAME on the Hub."
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        found = snapshot_download(
            os.fspath(name),
            allow_patterns=list(_WANTED),
            revision=revision,
            cache_dir=None if cache_dir is None else Path(cache_dir),
            token=token,
            local_files_only=local_files_only,
            force_download=force_download,
        )
    except (HfHubHTTPError, LocalEntryNotFoundError, HFValidationError, OSError) as error:
        raise CheckpointError(
            f"{name}: there is no such folder, and the Hugging Face Hub did not give it: {error}"
        ) from error
    return Path(found)


def check_writable(folder: Path) -> None:
    """Try whether a folder can be written, or made; nothing is left of the try.

    Raises:
        FinetuneError: If it cannot.
    """
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        if not place.is_dir():
            raise NotADirectoryError(f"{place} is no folder")
        with TemporaryDirectory(prefix=".try-", dir=place):
            pass
    except OSError as error:
        raise FinetuneError(
            f"{folder}: is no folder that can be written: {error.strerror or error}. Give another."
        ) from error


def check_unmixed(folder: Path, what: str, *, is_own: Callable[[Path], bool]) -> None:
    """Refuse to write into a folder that holds something else.

    Args:
        folder: May be missing or empty.
        what: What is to be written, such as "an evaluation's".
        is_own: Whether what is there is an earlier one.

    Raises:
        FinetuneError: Naming a file that is there; or if the folder cannot be written, or made.
    """
    check_writable(folder)
    found = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    if found and not is_own(folder):
        raise FinetuneError(
            f"{folder}: holds other files than {what}, such as {min(found)}. Give a new folder as out."
        )


def read_json(path: Path) -> dict[str, Any]:
    """Read a file that holds one JSON object.

    Raises:
        CheckpointError: If it is missing or holds something else.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        fault = f"has no {path.name}" if path.parent.is_dir() else "there is no such folder"
        raise CheckpointError(f"{path.parent}: {fault}. Give the folder of a model.") from None
    except (ValueError, OSError) as error:
        raise CheckpointError(f"{path}: cannot be read as JSON: {error}") from error
    if not isinstance(values, dict):
        raise CheckpointError(f"{path}: holds no JSON object.")
    return values
