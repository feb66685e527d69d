"""The rows of a source in one form: columns under canonical names, pictures that are read one at a time."""

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from finetune.config import Columns, SourceConfig
from finetune.data.stored import Pictures
from finetune.errors import DataError

IMAGE_COLUMNS = ("image", "local_image_path", "file_name")
"""Where pictures are when the source does not say; the first that is there counts."""
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")


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


@dataclass(frozen=True)
class NumberedKeys:
    """Names rows by file (or split) and number; `starts` holds the first row of each."""

    labels: Sequence[str]
    starts: Sequence[int]

    def __call__(self, row: int) -> str:
        """Name a row."""
        number = bisect_right(self.starts, row) - 1
        return f"{self.labels[number]}, row {row - self.starts[number]}"


@dataclass(frozen=True)
class ListedKeys:
    """Names rows by a list."""

    keys: Sequence[str]

    def __call__(self, row: int) -> str:
        """Name a row."""
        return self.keys[row]


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
    if not isinstance(names, list):
        return column
    values = [
        names[number] if isinstance(number, int) and 0 <= number < len(names) else None
        for number in column.to_pylist()
    ]
    return pa.chunked_array([pa.array(values, pa.string())])


def table_of(columns: dict[str, Any], rows: int) -> pa.Table:
    """Join columns to a table that knows its number of rows even where there are no columns."""
    return pa.table({**columns, "_row": pa.nulls(rows)})


def texts_of(values: list[Any]) -> pa.ChunkedArray:
    """Make a column of text; None for what is none, or holds half a character (which UTF-8 cannot write)."""
    texts = [None if value is None else str(value) for value in values]
    whole = [None if text is None or _HALF_CHARACTER.search(text) else text for text in texts]
    return pa.chunked_array([pa.array(whole, pa.string())])


def names_of_record(record: dict[str, Any]) -> list[str]:
    """List a record's columns, and the members of objects in it as ``column.member``."""
    inner = [
        f"{name}.{member}" for name, value in record.items() if isinstance(value, dict) for member in value
    ]
    return [*record, *inner]


def _value(record: dict[str, Any], name: str) -> Any:
    if name in record:
        return record[name]
    column, _, member = name.partition(".")
    held = record.get(column)
    return held.get(member) if isinstance(held, dict) else None


def table_of_records(records: list[dict[str, Any]], columns: dict[str, str]) -> pa.Table:
    """Make a table of text from records, by the column of each field."""
    texts = {field: texts_of([_value(record, name) for record in records]) for field, name in columns.items()}
    return table_of(texts, len(records))
