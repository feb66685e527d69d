"""Opens local datasets: tables in Parquet, CSV or JSON lines, folders of pictures, tar archives."""

import json
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from finetune.config import Columns, SourceConfig
from finetune.data.stored import FilePictures, ParquetPart, ParquetPictures, Pictures, TarPictures
from finetune.errors import DataError

IMAGE_COLUMNS = ("image", "local_image_path", "file_name")
"""Where pictures are when the source does not say; the first that is there counts."""
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
_MAIN_TABLE = "Dataset.csv"
_NO_TABLES = ("splits.csv", "failures.csv")
"""What samplegen writes beside a dataset's table."""
_PATTERNS = ("*.parquet", "metadata.jsonl", "metadata.csv", "*.tar", "*.jsonl", "*.csv")


@dataclass(frozen=True)
class RawRows:
    """All rows of a source, before they are divided.

    Attributes:
        table: Columns ``title``, ``category``, ``price``, ``group``: those that the source has.
        pictures: Each row's picture.
        key_of: Names a row for people.
    """

    table: pa.Table
    pictures: Pictures
    key_of: Callable[[int], str]


def read_local(config: SourceConfig, needs: Sequence[str]) -> RawRows:
    """Open a folder or file.

    Args:
        config: The source.
        needs: Fields that the answers need.

    Raises:
        DataError: If nothing readable is there, or a column is missing.
    """
    path = Path(config.path)
    files = [path] if path.is_file() else _data_files(path)
    root = path.parent if path.is_file() else path
    if not files:
        return _class_folders(config, needs, root)
    kinds = {file.suffix.lower() for file in files}
    try:
        if kinds == {".tar"}:
            return _archives(config, needs, files, root)
        if not kinds <= {".parquet", ".csv", ".jsonl"}:
            raise DataError(
                f"source {config.name}: {path} is none of .parquet, .csv, .jsonl, .tar; nor a folder of pictures."
            )
        return _joined(
            config, [(file, _READERS[file.suffix.lower()](file, config, needs)) for file in files], root
        )
    except (pa.ArrowException, ValueError, TypeError, tarfile.TarError, OSError) as error:
        raise DataError(f"source {config.name}: {path} cannot be read: {error}") from error


def _data_files(root: Path) -> list[Path]:
    if (root / _MAIN_TABLE).is_file():
        return [root / _MAIN_TABLE]
    for pattern in _PATTERNS:
        found = [path for path in _visible(root, pattern) if path.name not in _NO_TABLES]
        if found:
            return found
    return []


def _visible(root: Path, pattern: str) -> list[Path]:
    return sorted(
        path
        for path in root.rglob(pattern)
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(root).parts)
    )


@dataclass(frozen=True)
class _Part:
    """One file's rows: canonical columns, and pictures that are held in the file or named by it."""

    table: pa.Table
    held: ParquetPart | None = None
    image_column: str = ""
    names: pa.ChunkedArray | None = None


def mapped(config: SourceConfig, names: Sequence[str], needs: Sequence[str], where: str) -> dict[str, str]:
    """Give the column of each field that is there: ``image`` and those of `Columns`.

    Raises:
        DataError: If a column that is needed, or that the configuration names, is missing; it lists those that are there.
    """
    columns, defaults = config.columns, Columns()
    found: dict[str, str] = {}
    for field in ("title", "category", "price", "group"):
        name = getattr(columns, field)
        if name in names:
            found[field] = name
        elif name is not None and (field in needs or name != getattr(defaults, field)):
            raise DataError(
                f"source {config.name}: {where} has no column {name!r} ({field}). {_there(names)}"
            )
        elif name is None and field in needs:
            raise DataError(
                f"source {config.name}: the answers need {field}, but columns.{field} is null. "
                f"Name its column, or leave {field} out of prompt.fields. {_there(names)}"
            )
    wanted = IMAGE_COLUMNS if columns.image is None else (columns.image,)
    image = next((name for name in wanted if name in names), None)
    if image is None:
        raise DataError(
            f"source {config.name}: {where} has no column of pictures; looked for {', '.join(wanted)}. {_there(names)}"
        )
    return {**found, "image": image}


def _there(names: Sequence[str]) -> str:
    return f"There are: {', '.join(names)}. Set columns in the source's configuration."


def named_classes(column: pa.ChunkedArray, feature: Any) -> pa.ChunkedArray:
    """Turn the numbers of a Hugging Face ClassLabel into its names."""
    names = feature.get("names") if isinstance(feature, dict) else None
    if not names:
        return column
    values = [
        names[number] if isinstance(number, int) and 0 <= number < len(names) else None
        for number in column.to_pylist()
    ]
    return pa.chunked_array([pa.array(values, pa.string())])


def _parquet(path: Path, config: SourceConfig, needs: Sequence[str]) -> _Part:
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        columns = mapped(config, schema.names, needs, path.name)
        image = columns.pop("image")
        names = sorted(set(columns.values()))
        read = file.read(columns=names, use_threads=False) if names else None
        rows = file.metadata.num_rows
        features = (
            json.loads((schema.metadata or {}).get(b"huggingface", b"{}")).get("info", {}).get("features", {})
        )
        table = _table(
            {
                field: named_classes(read.column(name), features.get(name))
                for field, name in columns.items()
                if read is not None
            },
            rows,
        )
        kind = schema.field(image).type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            return _Part(table, names=file.read(columns=[image], use_threads=False).column(image))
        if not (pa.types.is_struct(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
            raise DataError(
                f"source {config.name}: column {image!r} of {path.name} is {kind}; "
                "allowed are pictures (bytes), and paths of picture files."
            )
        starts = [0]
        for group in range(file.metadata.num_row_groups):
            starts.append(starts[-1] + file.metadata.row_group(group).num_rows)
        return _Part(table, held=ParquetPart(path, tuple(starts)), image_column=image)


def _csv(path: Path, config: SourceConfig, needs: Sequence[str]) -> _Part:
    # All as text: a title of digits is a title, and a wrong price is reported as it stands.
    parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
    with pyarrow.csv.open_csv(path, parse_options=parse) as reader:
        columns = mapped(config, reader.schema.names, needs, path.name)
    names = sorted(set(columns.values()))
    convert = pyarrow.csv.ConvertOptions(
        include_columns=names, column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
    )
    read = pyarrow.csv.read_csv(path, parse_options=parse, convert_options=convert)
    image = columns.pop("image")
    return _Part(
        _table({field: read.column(name) for field, name in columns.items()}, read.num_rows),
        names=read.column(image),
    )


def _jsonl(path: Path, config: SourceConfig, needs: Sequence[str]) -> _Part:
    seen: dict[str, None] = {}
    records = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            record = json.loads(line)
            if not isinstance(record, dict):
                raise DataError(f"source {config.name}: {path}, line {number}: holds no JSON object.")
            seen.update(dict.fromkeys(record))
            records.append(record)
    columns = mapped(config, list(seen), needs, path.name)
    image = columns.pop("image")
    table = _records_table(records, columns)
    return _Part(table, names=_texts([record.get(image) for record in records]))


_READERS: dict[str, Callable[[Path, SourceConfig, Sequence[str]], _Part]] = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".jsonl": _jsonl,
}


def _table(columns: dict[str, Any], rows: int) -> pa.Table:
    # A table without columns would forget how many rows it has.
    return pa.table({**columns, "_row": pa.nulls(rows)})


def _texts(values: list[Any]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array([None if v is None else str(v) for v in values], pa.string())])


def _records_table(records: list[dict[str, Any]], columns: dict[str, str]) -> pa.Table:
    texts = {field: _texts([record.get(name) for record in records]) for field, name in columns.items()}
    return _table(texts, len(records))


def _joined(config: SourceConfig, files: list[tuple[Path, _Part]], root: Path) -> RawRows:
    starts = [0]
    for _, part in files:
        starts.append(starts[-1] + part.table.num_rows)
    table = pa.concat_tables([part.table for _, part in files], promote_options="permissive").combine_chunks()
    held = [part for _, part in files if part.held is not None]
    if held and (len(held) < len(files) or len({part.image_column for part in held}) > 1):
        raise DataError(f"source {config.name}: {root} has pictures in some files and their names in others.")
    pictures: Pictures
    if held:
        pictures = ParquetPictures([part.held for part in held if part.held], held[0].image_column)
    else:
        names = [name for _, part in files if part.names is not None for name in part.names.to_pylist()]
        pictures = FilePictures([path.parent for path, _ in files], starts[:-1], names)
    labels = [path.relative_to(root).as_posix() for path, _ in files]
    return RawRows(table, pictures, _NumberedKeys(labels, starts))


@dataclass(frozen=True)
class _NumberedKeys:
    """Names rows by file and number."""

    labels: Sequence[str]
    starts: Sequence[int]

    def __call__(self, row: int) -> str:
        number = max(place for place, start in enumerate(self.starts[:-1]) if start <= row)
        return f"{self.labels[number]}, row {row - self.starts[number]}"


@dataclass(frozen=True)
class _ListedKeys:
    """Names rows by a list."""

    keys: Sequence[str]

    def __call__(self, row: int) -> str:
        return self.keys[row]


def _class_folders(config: SourceConfig, needs: Sequence[str], root: Path) -> RawRows:
    """Open pictures in folders that are named for their category."""
    files = [path for path in _visible(root, "*") if path.suffix.lower() in PICTURE_SUFFIXES]
    if not files:
        raise DataError(
            f"source {config.name}: {root} holds no dataset; looked for {', '.join(_PATTERNS)} and pictures."
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
    categories = _texts([path.parent.name for path in files])
    return RawRows(
        _table({"category": categories}, len(files)), FilePictures([root], [0], names), _ListedKeys(names)
    )


def _archives(config: SourceConfig, needs: Sequence[str], files: list[Path], root: Path) -> RawRows:
    """Open WebDataset archives: members of one stem are one row."""
    records, places, keys = [], [], []
    for path in files:
        for stem, record, place in _members(path):
            records.append(record)
            places.append(place)
            keys.append(f"{path.relative_to(root).as_posix()}, {stem}")
    seen = {name: None for record in records for name in record}
    columns = mapped(config, [*seen, IMAGE_COLUMNS[0]], needs, root.name)
    columns.pop("image")
    return RawRows(_records_table(records, columns), TarPictures(places), _ListedKeys(keys))


_Row = tuple[str, dict[str, Any], tuple[Path, int, int] | None]


def _members(path: Path) -> Iterator[_Row]:
    held: dict[str, tuple[dict[str, Any], tuple[Path, int, int] | None]] = {}
    with tarfile.open(path, "r:") as tar:
        for member in tar:
            stem, _, suffix = member.name.rpartition("/")[2].partition(".")
            stem = member.name[: len(member.name) - len(suffix) - 1]
            record, place = held.get(stem, ({}, None))
            if suffix == "json" and (stream := tar.extractfile(member)):
                value = json.loads(stream.read())
                record = value if isinstance(value, dict) else {}
            elif f".{suffix.lower()}" in PICTURE_SUFFIXES:
                place = (path, member.offset_data, member.size)
            held[stem] = (record, place)
    yield from ((stem, record, place) for stem, (record, place) in held.items())
