"""Opens datasets in any of the formats, ours or others', in pieces that fit the memory."""

import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from samplegen.domain.pricelist import CODE_COLUMN, COLUMNS
from samplegen.errors import ExportError
from samplegen.export.cells import unquote_table
from samplegen.export.csv_images import PATH_COLUMN, SPLITS, TABLE
from samplegen.export.failures import FAILURES
from samplegen.export.manifest import read_manifest
from samplegen.export.schema import IMAGE_COLUMN, is_picture, is_text, picture_bytes
from samplegen.export.settings import CollectSettings
from samplegen.export.text_tables import (
    NO_NUMBER,
    UNREADABLE,
    check_names,
    check_texts,
    read_delimited,
    read_json_lines,
    records_table,
    why_unreadable,
)

_PIECE_ROWS = 1000
Picture = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of a dataset: the price list, the split and how to read each row's picture."""

    source: str
    split: str
    table: pa.Table
    pictures: list[Picture] | None


def read_dataset(path: Path) -> Iterator[Piece]:
    """Read a dataset's rows: a folder of ours or of anyone's in the same columns, or one file.

    Raises:
        ExportError: If nothing readable is there.
    """
    if path.is_file():
        yield from _read_file(path, path.parent, split=_split_of(path))
        return
    if not path.is_dir():
        raise ExportError(f"{path}: there is no such file or folder.")
    files = _data_files(path)
    if not files:
        raise ExportError(
            f"{path}: no dataset found; looked for Parquet, CSV, TSV, JSON-lines and tar files."
        )
    for file in files:
        yield from _read_file(file, path, split=_split_of(file))


def _data_files(root: Path) -> list[Path]:
    if (root / TABLE).is_file():
        return [root / TABLE]
    for pattern in ("*.parquet", "metadata.jsonl", "*.tar", "*.csv", "*.tsv", "*.jsonl", "*.ndjson"):
        files = [
            p
            for p in sorted(root.rglob(pattern))
            if not _hidden(p.relative_to(root)) and p.name not in (SPLITS, FAILURES)
        ]
        if files:
            return files
    return []


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _split_of(path: Path) -> str:
    return path.parent.name if path.stem == "metadata" else path.stem.split("-")[0]


def _read_file(path: Path, root: Path, *, split: str) -> Iterator[Piece]:
    readers = {
        ".parquet": _parquet,
        ".csv": _delimited,
        ".tsv": _delimited,
        ".jsonl": _json_lines,
        ".ndjson": _json_lines,
        ".tar": _tar,
    }
    suffix = path.suffix.lower()
    if suffix not in readers:
        raise ExportError(f"{path}: is none of {', '.join(readers)}, nor the folder of a dataset.")
    source = path.relative_to(root).as_posix()
    try:
        for table, pictures in readers[suffix](path):
            yield Piece(source, split, table, pictures)
    except (*UNREADABLE, TypeError, tarfile.TarError, KeyError) as error:
        raise ExportError(why_unreadable(path, error)) from error


_Content = tuple[pa.Table, list[Picture] | None]


def _parquet(path: Path) -> Iterator[_Content]:
    with pq.ParquetFile(path) as file:
        check_names(file.schema_arrow.names)
        for batch in file.iter_batches(
            batch_size=_PIECE_ROWS if IMAGE_COLUMN not in file.schema_arrow.names else 100
        ):
            table = pa.Table.from_batches([batch])
            check_texts(table)
            yield table, _pictures_of(table, path.parent)


def _pictures_of(table: pa.Table, folder: Path) -> list[Picture] | None:
    kinds = {field.name: field.type for field in table.schema}
    if IMAGE_COLUMN in kinds and is_picture(kinds[IMAGE_COLUMN]):
        return [_held(picture_bytes(cell)) for cell in table.column(IMAGE_COLUMN).to_pylist()]
    if "file_name" in kinds and is_text(kinds["file_name"]):
        return [_stored(folder, name) for name in table.column("file_name").to_pylist()]
    return None


def _delimited(path: Path) -> Iterator[_Content]:
    table = read_delimited(path)
    collected = _collected_columns(path)
    # Codes of a made list tell their type themselves; real ones may be digits with zeros in front.
    types = {name: kind for name, kind in COLUMNS.items() if name != CODE_COLUMN}
    types |= {name: kind for name, kind in collected.items() if name in COLUMNS}
    for place, name in enumerate(table.column_names):
        if name in COLUMNS:
            table = table.set_column(place, name, _typed(table.column(place), types.get(name)))
    if collected:
        table = unquote_table(table)
    for start in range(0, table.num_rows, _PIECE_ROWS):
        rows = table.slice(start, _PIECE_ROWS)
        pictures = None
        if PATH_COLUMN in rows.column_names:
            pictures = [_stored(path.parent, name) for name in rows.column(PATH_COLUMN).to_pylist()]
        yield rows, pictures


def _typed(texts: pa.ChunkedArray, kind: str | None) -> pa.ChunkedArray:
    """Return texts as numbers where all of them are; codes (no kind) only where they come back as they were."""
    if kind == "string":
        return texts
    plain = pc.utf8_trim_whitespace(texts)
    cells = pc.if_else(pc.is_in(plain, pa.array(NO_NUMBER)), pa.scalar(None, pa.string()), plain)
    try:
        numbers = cells.cast(kind or "int64")
    except pa.ArrowInvalid:
        return cells if kind else texts
    return numbers if kind or numbers.cast(pa.string()).equals(texts) else texts


def unquote_csv(table: pa.Table, path: str | os.PathLike[str]) -> pa.Table:
    """Give the texts of a CSV file as they were before they were written.

    `samplegen collect` puts an apostrophe before a text that a spreadsheet program would run. It is taken away where
    the manifest beside the file says that the file was collected; any other file's texts stay as they are.

    Args:
        table: What was read of the file.
        path: The file.

    Raises:
        ExportError: If there is a manifest of samplegen's that cannot be read.
    """
    return unquote_table(table) if _collected_columns(Path(path)) else table


def _collected_columns(path: Path) -> Mapping[str, str]:
    """Return the columns of the collected dataset that a table belongs to; none if it belongs to no such one."""
    manifest = read_manifest(path.parent)
    settings = manifest.settings if manifest else None
    return settings.columns if isinstance(settings, CollectSettings) else {}


def _json_lines(path: Path) -> Iterator[_Content]:
    lines = read_json_lines(path)
    while records := list(islice(lines, _PIECE_ROWS)):
        named = any("file_name" in record for record in records)
        yield (
            _from_records(records),
            [_stored(path.parent, r.get("file_name")) for r in records] if named else None,
        )


def _tar(path: Path) -> Iterator[_Content]:
    with tarfile.open(path) as tar:
        held: list[tuple[dict[str, Any], bytes | None]] = []
        picture: bytes | None = None
        for member in tar:
            stream = tar.extractfile(member) or io.BytesIO()
            if member.name.endswith(".jpg"):
                picture = stream.read()
            elif member.name.endswith(".json"):
                held.append((json.loads(stream.read()), picture))
                picture = None
            if len(held) == _PIECE_ROWS // 10:
                yield _from_pairs(held)
                held = []
    if held:
        yield _from_pairs(held)


def _from_pairs(pairs: list[tuple[dict[str, Any], bytes | None]]) -> _Content:
    pictures = [_held(picture) for _, picture in pairs] if any(picture for _, picture in pairs) else None
    return _from_records([record for record, _ in pairs]), pictures


def _from_records(records: list[dict[str, Any]]) -> pa.Table:
    if not all(isinstance(record, dict) for record in records):
        raise ValueError("a record is not a JSON object")
    return records_table([{k: v for k, v in r.items() if k in COLUMNS} for r in records])


def _held(content: bytes | None) -> Picture:
    return lambda: content or b""


def _stored(folder: Path, name: Any) -> Picture:  # noqa: ANN401  # a cell, which should be text
    def read() -> bytes:
        if not isinstance(name, str) or not name or "\0" in name:
            raise OSError(f"{name!r} is no file name")
        inside = (folder / name).resolve()
        if not inside.is_relative_to(folder.resolve()):
            raise OSError(f"{name} leads out of the dataset")
        return inside.read_bytes()

    return read
