"""Opens local datasets: tables in Parquet, CSV or JSON lines; what else there is, `folders` opens."""

import json
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

import samplegen
from finetune.config import SourceConfig
from finetune.data.folders import read_archives, read_class_folders, visible_files
from finetune.data.rows import (
    NumberedKeys,
    RawRows,
    mapped,
    named_classes,
    names_of_record,
    table_of,
    table_of_records,
    texts_of,
)
from finetune.data.stored import FilePictures, ParquetPart, ParquetPictures, Pictures
from finetune.errors import DataError

_MAIN_TABLE = "Dataset.csv"
_NO_TABLES = ("splits.csv", "failures.csv")
"""What samplegen writes beside a dataset's table."""
_PATTERNS = ("*.parquet", "metadata.jsonl", "metadata.csv", "*.tar", "*.jsonl", "*.csv")


def read_local(config: SourceConfig, needs: Sequence[str]) -> RawRows:
    """Open a folder or file.

    Args:
        config: The source.
        needs: Fields that the answers need.

    Raises:
        DataError: If nothing readable is there, or a column is missing.
    """
    path = Path(config.path)
    # Whole paths: pictures are read later, when the process may stand in another folder.
    root = (path.parent if path.is_file() else path).resolve()
    files = [root / path.name] if path.is_file() else _data_files(root)
    if not files:
        return read_class_folders(config, needs, root)
    kinds = {file.suffix.lower() for file in files}
    try:
        if kinds == {".tar"}:
            return read_archives(config, needs, files, root)
        if not kinds <= {".parquet", ".csv", ".jsonl"}:
            raise DataError(
                f"source {config.name}: {path} is none of .parquet, .csv, .jsonl, .tar; nor a folder of pictures."
            )
        return _joined(
            config, [(file, _READERS[file.suffix.lower()](file, config, needs)) for file in files], root
        )
    except (pa.ArrowException, ValueError, TypeError, RecursionError, tarfile.TarError, OSError) as error:
        raise DataError(f"source {config.name}: {path} cannot be read: {error}") from error


def _data_files(root: Path) -> list[Path]:
    if (root / _MAIN_TABLE).is_file():
        return [root / _MAIN_TABLE]
    for pattern in _PATTERNS:
        found = [path for path in visible_files(root, pattern) if path.name not in _NO_TABLES]
        if found:
            return found
    return []


@dataclass(frozen=True)
class _Part:
    """One file's rows: canonical columns, and pictures that are held in the file or named by it."""

    table: pa.Table
    held: ParquetPart | None = None
    image_column: str = ""
    names: pa.ChunkedArray | None = None


def _parquet(path: Path, config: SourceConfig, needs: Sequence[str]) -> _Part:
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        columns = mapped(config, _names(schema), needs, path.name)
        image = columns.pop("image")
        names = sorted(set(columns.values()))
        read = file.read(columns=names, use_threads=False) if names else None
        features = _features(schema)
        table = table_of(
            {
                field: named_classes(_column(read, name), features.get(name))
                for field, name in columns.items()
                if read is not None
            },
            file.metadata.num_rows,
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


def _names(schema: pa.Schema) -> list[str]:
    """List the columns, and the members of structs as ``column.member``."""
    inner = [
        f"{field.name}.{member.name}"
        for field in schema
        if pa.types.is_struct(field.type)
        for member in field.type
    ]
    return [*schema.names, *inner]


def _column(table: pa.Table, name: str) -> pa.ChunkedArray:
    if name in table.column_names:
        return table.column(name)
    column, _, member = name.partition(".")
    return pc.struct_field(table.column(column), member)


def _features(schema: pa.Schema) -> dict[str, Any]:
    """Read what Hugging Face's `datasets` notes about columns, such as the names of classes."""
    noted = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    for key in ("info", "features"):
        noted = noted.get(key) if isinstance(noted, dict) else None
    return noted if isinstance(noted, dict) else {}


def _csv(path: Path, config: SourceConfig, needs: Sequence[str]) -> _Part:
    # All as text: a title of digits is a title, and a wrong price is reported as it stands.
    parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
    with pyarrow.csv.open_csv(path, parse_options=parse) as reader:
        header = reader.schema
    plain = _unquoted(header.empty_table(), path, config).column_names
    columns = mapped(config, plain, needs, path.name)
    names = sorted({name for name, text in zip(header.names, plain, strict=True) if text in columns.values()})
    convert = pyarrow.csv.ConvertOptions(
        include_columns=names, column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
    )
    read = _unquoted(pyarrow.csv.read_csv(path, parse_options=parse, convert_options=convert), path, config)
    image = columns.pop("image")
    return _Part(
        table_of({field: read.column(name) for field, name in columns.items()}, read.num_rows),
        names=read.column(image),
    )


def _unquoted(table: pa.Table, path: Path, config: SourceConfig) -> pa.Table:
    try:
        return samplegen.unquote_csv(table, path)
    except samplegen.SamplegenError as error:
        raise DataError(f"source {config.name}: {error}") from error


def _jsonl(path: Path, config: SourceConfig, needs: Sequence[str]) -> _Part:
    seen: dict[str, None] = {}
    records = []
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise DataError(
                    f"source {config.name}: {path}, line {number}: is no JSON: {error}"
                ) from error
            if not isinstance(record, dict):
                raise DataError(f"source {config.name}: {path}, line {number}: holds no JSON object.")
            seen.update(dict.fromkeys(names_of_record(record)))
            records.append(record)
    columns = mapped(config, list(seen), needs, path.name)
    image = columns.pop("image")
    table = table_of_records(records, columns)
    return _Part(table, names=texts_of([record.get(image) for record in records]))


_READERS: dict[str, Callable[[Path, SourceConfig, Sequence[str]], _Part]] = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".jsonl": _jsonl,
}


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
    return RawRows(table, pictures, NumberedKeys(labels, starts[:-1]))
