"""Columns of any price list to those of the schema, so that collected and made datasets are interchangeable.

What the schema names gets its type and place; all other columns follow, as they are. A value that does not fit its
type costs its row, never another value, and the row keeps its own text in ``failures.csv``.
"""

import base64
import json
import math
import re
from collections.abc import Callable, Collection
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from samplegen.domain.pricelist import CODE_COLUMN, COLUMNS
from samplegen.errors import CollectError
from samplegen.export.csv_images import MASK_PATH_COLUMN, PATH_COLUMN
from samplegen.export.schema import IMAGE_COLUMN, IMAGE_TYPE, MASK_COLUMN

RESERVED = (IMAGE_COLUMN, MASK_COLUMN, PATH_COLUMN, MASK_PATH_COLUMN, "file_name", "mask_file_name")
"""Names that a dataset gives to columns of its own."""
RENAMED = "source_"
"""Stands before the name of a column of the list that has one of those."""
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}")
_TYPES: dict[str, pa.DataType] = {"string": pa.string(), "int64": pa.int64(), "float64": pa.float64()}


def to_schema(listed: pa.Table) -> tuple[pa.Table, dict[int, str]]:
    """Return the columns of a dataset, and for each row that does not fit them the reason.

    Args:
        listed: The list as it was read. Columns of the schema may be missing, in any order and of any type that
            holds their values; a missing ``product_code`` becomes the number of the row.
    """
    problems: dict[int, str] = {}
    fields: dict[str, pa.ChunkedArray] = {}
    for name in COLUMNS:
        if name in listed.column_names:
            fields[name], strange = read_column(name, listed.column(name))
            for number, text in strange.items():
                problems.setdefault(number, f"{name} is {text!r}, which is no number")
        elif name == CODE_COLUMN:
            fields[name] = pa.chunked_array([pa.array(range(listed.num_rows), pa.int64())])
    for name in listed.column_names:
        if name not in COLUMNS:
            column = _plain(name, listed.column(name))
            fields[_free_name(name, {*listed.column_names, *fields})] = column
    return pa.table(fields), problems


def for_text(table: pa.Table) -> tuple[pa.Table, list[str]]:
    """Return the columns in types that JSON and CSV can hold, and the names of those that they cannot.

    Times and exact decimals become text, bytes become Base64; only further pictures are left out.
    """
    left_out = [field.name for field in table.schema if field.type == IMAGE_TYPE]
    table = table.drop_columns(left_out) if left_out else table
    for place, field in enumerate(table.schema):
        column = table.column(place)
        if pa.types.is_binary(field.type):
            texts = [
                None if value is None else base64.b64encode(value).decode() for value in column.to_pylist()
            ]
            table = table.set_column(place, field.name, pa.array(texts, pa.string()))
        elif pa.types.is_nested(field.type):
            if not _json_holds(field.type):
                texts = [None if v is None else json.dumps(v, default=str) for v in column.to_pylist()]
                table = table.set_column(place, field.name, pa.array(texts, pa.string()))
        elif not _json_holds(field.type):
            table = table.set_column(place, field.name, column.cast(pa.string()))
    return table, left_out


def plain_table(listed: pa.Table) -> pa.Table:
    """Return columns of a list in types that JSON and CSV can hold: the schema's, where all values of one fit.

    Raises:
        CollectError: If a column has to hold text and cannot.
    """
    for place, name in enumerate(listed.column_names):
        column, strange = read_column(name, listed.column(name))
        if not strange:
            listed = listed.set_column(place, name, column)
    return for_text(listed)[0]


def _json_holds(arrow: pa.DataType) -> bool:
    if pa.types.is_struct(arrow):
        return all(_json_holds(field.type) for field in arrow)
    if pa.types.is_list(arrow) or pa.types.is_fixed_size_list(arrow):
        return _json_holds(arrow.value_type)
    return bool(
        pa.types.is_string(arrow)
        or pa.types.is_integer(arrow)
        or pa.types.is_floating(arrow)
        or pa.types.is_boolean(arrow)
        or pa.types.is_null(arrow)
    )


def _free_name(name: str, taken: Collection[str]) -> str:
    """Return a column's name, or another where datasets have a column of their own that is called so."""
    if name not in RESERVED:
        return name
    name = f"{RENAMED}{name}"
    while name in taken:
        name = f"{RENAMED}{name}"
    return name


def _plain(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column of the list in a type that all writers know."""
    wanted = _plain_type(column.type)
    if wanted == column.type:
        return column
    try:
        return column.cast(wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise CollectError(
            f"column {name!r} is {column.type}, which cannot be kept: {error}. Remove it from the list."
        ) from error


def _plain_type(arrow: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(arrow):
        return _plain_type(arrow.value_type)
    if arrow == IMAGE_TYPE:
        return arrow
    if pa.types.is_struct(arrow):
        return pa.struct([field.with_type(_plain_type(field.type)) for field in arrow])
    if pa.types.is_list(arrow) or pa.types.is_large_list(arrow):
        return pa.list_(_plain_type(arrow.value_type))
    if pa.types.is_large_string(arrow) or pa.types.is_string_view(arrow) or pa.types.is_null(arrow):
        return pa.string()
    if pa.types.is_large_binary(arrow) or pa.types.is_binary_view(arrow):
        return pa.binary()
    return arrow


def read_column(name: str, column: pa.ChunkedArray) -> tuple[pa.ChunkedArray, dict[int, str]]:
    """Return a column of the schema in its type, and by their rows the starts of cells that are no numbers.

    Such a cell is null. Codes that are no whole numbers stay text.

    Raises:
        CollectError: If the column has to hold text and cannot.
    """
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_float16(column.type):
        column = column.cast(pa.float32())
    if pa.types.is_floating(column.type):
        # Tables of numbers without nulls say "missing" so.
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    wanted = _TYPES[COLUMNS[name]]
    if name == CODE_COLUMN and not _whole_numbers(column):
        wanted = pa.string()
    finite = not (pa.types.is_floating(column.type) and pc.any(pc.is_inf(column)).as_py())
    if column.type == wanted and finite:
        return column, {}
    if wanted == pa.string():
        return _texts(name, column), {}
    if finite and not pa.types.is_string(column.type):
        try:
            return column.cast(wanted), {}
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            pass
    read = _read_float if wanted == pa.float64() else _read_integer
    return _read_cells(column.to_pylist(), wanted, read)


def _texts(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return column.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise CollectError(f"column {name!r} is {column.type}; it has to hold text: {error}.") from error


def _read_cells(
    cells: list[Any], wanted: pa.DataType, read: Callable[[str], float | int]
) -> tuple[pa.ChunkedArray, dict[int, str]]:
    values: list[float | int | None] = []
    strange: dict[int, str] = {}
    for number, cell in enumerate(cells):
        text = "" if cell is None else str(cell).strip()
        value = None
        if text:
            try:
                value = read(text)
            except ValueError:
                strange[number] = text[:80]
        values.append(value)
    return pa.chunked_array([pa.array(values, wanted)]), strange


def _read_float(text: str) -> float:
    number = float(text)
    if "_" in text or not math.isfinite(number):
        raise ValueError(text)
    return number


def _read_integer(text: str) -> int:
    if _INTEGER.fullmatch(text):
        number = int(text)
    else:
        number = {"true": 1, "false": 0}.get(text.lower(), -1)
        if number < 0:
            value = _read_float(text)
            if not value.is_integer():
                raise ValueError(text)
            number = int(value)
    if not -(2**63) <= number < 2**63:
        raise ValueError(text)
    return number


def _whole_numbers(column: pa.ChunkedArray) -> bool:
    """Tell whether all codes are numbers that come back as the same text; zeros in front would be lost."""
    if pa.types.is_integer(column.type):
        return True
    if pa.types.is_floating(column.type):
        values = column.drop_null()
        return bool(pc.all(pc.equal(values, pc.floor(values))).as_py()) and len(values) > 0
    if not pa.types.is_string(column.type):
        return False
    texts = [text for text in column.to_pylist() if text]
    return bool(texts) and all(_INTEGER.fullmatch(text) and abs(int(text)) < 2**63 for text in texts)
