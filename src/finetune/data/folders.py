"""Opens folders of pictures that are named for their category, and tar archives as WebDataset writes them."""

import json
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from finetune.config import SourceConfig
from finetune.data.rows import (
    IMAGE_COLUMNS,
    ListedKeys,
    RawRows,
    mapped,
    names_of_record,
    table_of,
    table_of_records,
    texts_of,
)
from finetune.data.stored import FilePictures, TarPictures
from finetune.errors import DataError

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
_MAX_JSON_BYTES = 16_000_000


def visible_files(root: Path, pattern: str) -> list[Path]:
    """List the files of a folder and all below it, hidden ones left out, in order."""
    return sorted(
        path
        for path in root.rglob(pattern)
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(root).parts)
    )


def read_class_folders(config: SourceConfig, needs: Sequence[str], root: Path) -> RawRows:
    """Open pictures in folders that are named for their category."""
    files = [path for path in visible_files(root, "*") if path.suffix.lower() in PICTURE_SUFFIXES]
    if not files:
        raise DataError(
            f"source {config.name}: {root} holds no dataset; looked for tables (Parquet, CSV, JSON lines), tar archives and pictures."
        )
    names = [path.relative_to(root).as_posix() for path in files]
    loose = [name for name in names if "/" not in name]
    if missing := [field for field in needs if field != "category"]:
        raise DataError(
            f"source {config.name}: {root} holds pictures in folders, whose names are the category; it has no "
            f"{' and no '.join(missing)}, which the answers need. Set prompt.fields to [category], or add metadata."
        )
    if loose and "category" in needs:
        raise DataError(
            f"source {config.name}: {root} holds {len(loose)} pictures in no folder, such as {loose[0]}; the folder's "
            "name is the category. Give the folder above, or add a metadata.csv with file_name."
        )
    categories = texts_of([path.parent.name for path in files])
    return RawRows(
        table_of({"category": categories}, len(files)), FilePictures([root], [0], names), ListedKeys(names)
    )


def read_archives(config: SourceConfig, needs: Sequence[str], files: list[Path], root: Path) -> RawRows:
    """Open WebDataset archives: members of one stem are one row."""
    records, places, keys = [], [], []
    for path in files:
        for stem, record, place in _members(path):
            records.append(record)
            places.append(place)
            keys.append(f"{path.relative_to(root).as_posix()}, {stem}")
    seen = {name: None for record in records for name in names_of_record(record)}
    columns = mapped(config, [*seen, IMAGE_COLUMNS[0]], needs, root.name)
    columns.pop("image")
    return RawRows(table_of_records(records, columns), TarPictures(places), ListedKeys(keys))


_Row = tuple[str, dict[str, Any], tuple[Path, int, int] | None]


def _members(path: Path) -> Iterator[_Row]:
    held: dict[str, tuple[dict[str, Any], tuple[Path, int, int] | None]] = {}
    with tarfile.open(path, "r:") as tar:
        for member in tar:
            folder, slash, name = member.name.rpartition("/")
            own, _, suffix = name.partition(".")
            if not member.isreg() or not suffix:
                continue
            stem = folder + slash + own
            record, place = held.get(stem, ({}, None))
            if suffix == "json" and member.size <= _MAX_JSON_BYTES and (stream := tar.extractfile(member)):
                value = json.loads(stream.read())
                record = value if isinstance(value, dict) else {}
            elif f".{suffix.lower()}" in PICTURE_SUFFIXES:
                place = (path, member.offset_data, member.size)
            held[stem] = (record, place)
    yield from ((stem, record, place) for stem, (record, place) in held.items())
