"""Price lists from outside: a dataset of the Hub or of a folder, or a CSV, TSV, Parquet or JSON lines file."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from samplegen.errors import CollectError
from samplegen.export.cells import unquote_table
from samplegen.export.csv_images import TABLE
from samplegen.export.failures import FAILURES
from samplegen.export.schema import is_picture, is_text, picture_bytes
from samplegen.export.text_tables import (
    UNREADABLE,
    check_names,
    check_texts,
    read_delimited,
    read_json_lines,
    records_table,
    why_unreadable,
)

URL_COLUMN = "imageurl"
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_SUFFIXES = (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson")
_PICTURE_ROWS = 50
Pictures = Callable[[int], Iterator[bytes | None]]
"""Gets the most bytes that a picture may have; of a file with more, one byte more is enough to tell."""
OWN_FILES = (TABLE, FAILURES)
"""Files of a collected dataset, whose texts no spreadsheet program runs."""


@dataclass(frozen=True, slots=True)
class PriceList:
    """The rows of a list as they were read, without pictures that it may hold itself.

    Attributes:
        name: What a card may call the list: no path of this machine, no query of an address.
        table: Its columns, pictures apart.
        splits: Name of each split and how many rows it has, in the order of the rows.
        image_column: Where the pictures are.
        pictures: Yields each row's picture, where the list holds them; None where it holds addresses.
    """

    name: str
    table: pa.Table
    splits: tuple[tuple[str, int], ...]
    image_column: str
    pictures: Pictures | None = None

    def digest(self) -> str:
        """Return a SHA-256 over names, types and values of the columns and over the splits."""
        digest = sha256(json.dumps([self.image_column, self.splits, self.table.num_rows]).encode())
        for name in self.table.column_names:
            column = self.table.column(name).combine_chunks()
            digest.update(f"{name}\0{column.type}\0".encode())
            for value in column.to_pylist():
                digest.update(f"{value!r}\n".encode("utf-8", "backslashreplace"))
        return digest.hexdigest()


def read_source(source: str, *, image_column: str | None = None, config: str | None = None) -> PriceList:
    """Read a price list.

    Args:
        source: Path of a file or folder, or ``owner/name`` of a dataset on the Hugging Face Hub.
        image_column: The column with addresses or pictures; None for ``imageurl``, or else the only column of
            pictures.
        config: Name of the configuration, where a dataset has several.

    Raises:
        CollectError: If there is no such list, it cannot be read or has no such column.
    """
    path = Path(source)
    if path.is_file():
        return read_file(path, name=path.name, image_column=image_column)
    if path.is_dir() or _HUB_NAME.fullmatch(source):
        from samplegen.realdata.hub import read_hub

        return read_hub(source, image_column=image_column, config=config)
    raise CollectError(
        f"{source}: there is no such file; give a CSV, TSV, Parquet or JSON lines file, a dataset's folder, "
        "its name on the Hugging Face Hub (owner/name), or an http(s) address of such a file."
    )


def read_file(path: Path, *, name: str, image_column: str | None = None) -> PriceList:
    """Read a price list from one file; its type is told by the ending of its name.

    Raises:
        CollectError: If it cannot be read or has no column of pictures.
    """
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise CollectError(f"{path}: ends in {suffix or 'nothing'!r}; allowed are {', '.join(_SUFFIXES)}.")
    try:
        if suffix == ".parquet":
            return _read_parquet(path, name, image_column)
        if suffix in (".jsonl", ".ndjson"):
            table = _from_json_lines(path)
        else:
            table = read_delimited(path)
    except UNREADABLE as error:
        raise CollectError(why_unreadable(path, error)) from error
    if path.name in OWN_FILES:
        table = unquote_table(table)
    column = choose_column(table.schema, image_column, where=name)
    return PriceList(name, table, (("train", table.num_rows),), column)


def choose_column(schema: pa.Schema, wanted: str | None, *, where: str) -> str:
    """Return the name of the column that leads to the pictures.

    Raises:
        CollectError: If it is not there, is of another type, or cannot be told.
    """
    try:
        check_names(schema.names)
    except ValueError as error:
        raise CollectError(f"{where}: {error}.") from error
    names = ", ".join(schema.names)
    if wanted is None:
        pictures = [field.name for field in schema if is_picture(field.type)]
        if URL_COLUMN in schema.names:
            wanted = URL_COLUMN
        elif len(pictures) == 1:
            wanted = pictures[0]
        else:
            similar = [name for name in schema.names if name.strip().lower() == URL_COLUMN]
            raise CollectError(
                f"{where}: has no column {URL_COLUMN!r}; name the one with addresses or pictures "
                f"by --image-column{''.join(f' {name!r}' for name in similar)}. Its columns: {names}."
            )
    if wanted not in schema.names:
        raise CollectError(f"{where}: has no column {wanted!r}. Its columns: {names}.")
    kind = schema.field(wanted).type
    if not (is_picture(kind) or is_text(kind)):
        raise CollectError(f"{where}: column {wanted!r} is {kind}; it has to hold addresses or pictures.")
    return wanted


def _from_json_lines(path: Path) -> pa.Table:
    records = list(read_json_lines(path))
    if not records:
        raise ValueError("it is empty")
    return records_table(records)


def _read_parquet(path: Path, name: str, image_column: str | None) -> PriceList:
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        column = choose_column(schema, image_column, where=name)
        held = is_picture(schema.field(column).type)
        # Read by name of a column, a struct gives all its leaves.
        table = file.read([field for field in schema.names if not (held and field == column)])
        table = decode_labels(table.replace_schema_metadata(None), schema.metadata)
        rows = file.metadata.num_rows
    check_texts(table)

    def pictures(most_bytes: int) -> Iterator[bytes | None]:
        with pq.ParquetFile(path) as again:
            for batch in again.iter_batches(batch_size=_PICTURE_ROWS, columns=[column]):
                yield from (picture_bytes(cell) for cell in batch.column(0).to_pylist())

    return PriceList(name, table, (("train", rows),), column, pictures if held else None)


def decode_labels(table: pa.Table, metadata: dict[bytes, bytes] | None) -> pa.Table:
    """Replace numbers of classes by the names that `datasets` keeps beside the columns."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
        labels = {n: f["names"] for n, f in features.items() if f.get("_type") == "ClassLabel"}
    except (KeyError, ValueError, TypeError, AttributeError):
        return table
    for name, names in labels.items():
        if name in table.column_names and pa.types.is_integer(table.schema.field(name).type):
            table = with_labels(table, name, names)
    return table


def with_labels(table: pa.Table, column: str, names: Sequence[str]) -> pa.Table:
    """Replace numbers of classes by their names; a number that names none (-1) becomes null."""
    texts = [
        names[v] if v is not None and 0 <= v < len(names) else None for v in table.column(column).to_pylist()
    ]
    return table.set_column(table.schema.get_field_index(column), column, pa.array(texts, pa.string()))
