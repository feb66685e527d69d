"""Reads tables that are kept as text, delimited cells and JSON lines, and says why one cannot be read.

Lists from outside and datasets are read by the same functions, so that each command takes the same files.
"""

import codecs
import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv

from samplegen.domain.pricelist import COLUMNS

UNREADABLE = (pa.ArrowException, csv.Error, ValueError, OSError, RecursionError)
"""What reading a damaged or foreign file raises."""
_DELIMITERS = ",;\t|"
_ROW_BYTES = 1 << 26
"""Room for one row; pyarrow's own is 1 MB."""
_TAIL_BYTES = 4096
_SHOWN = 60
"""Characters of a cell that a message repeats."""
_QUOTED = re.compile('"[^"]*"')
_DECIMAL_COMMA = re.compile(r"-?([0-9]+|[0-9]{1,3}(\.[0-9]{3})+)(,[0-9]{1,2})?")
NO_NUMBER = ("", "NA", "N/A", "NaN", "nan", "NULL", "null")
"""What stands for a number that is missing."""


def why_unreadable(path: Path, error: Exception) -> str:
    """Return the sentence that tells why a file cannot be read, its name in front."""
    foreign = _first_foreign(path) if isinstance(error, UnicodeDecodeError | pa.ArrowInvalid) else ""
    if foreign:
        return f"{path}: is not UTF-8 ({foreign}); save it as UTF-8, such as with iconv -f {_encoding(path)} -t utf-8."
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{path}: cannot be read: {' '.join(reason.split()).rstrip('.')}."


def _encoding(path: Path) -> str:
    """Return what the file is likely encoded in, as iconv calls it."""
    with path.open("rb") as stream:
        return "utf-16" if stream.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "cp1252"


def _first_foreign(path: Path) -> str:
    """Return where a text file is not UTF-8; nothing for one that is, or for a file of another kind."""
    if path.suffix.lower() == ".parquet":
        return ""
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                return f"line {number} holds the byte 0x{line[error.start]:02x}"
    return ""


def read_delimited(path: Path) -> pa.Table:
    """Read a file of delimited cells in UTF-8, all of them as text; its header tells the delimiter.

    Prices of other lists than comma-separated ones get decimal points, where all of a column have commas or neither.
    Columns without a name are left out if they are empty.

    Raises:
        ValueError: If it has no header, is not UTF-8, two columns have one name, or a row has not the header's cells.
    """
    delimiter, header, has_rows = _begin(path)
    if not has_rows:
        return _named(pa.table([pa.array([], pa.string())] * len(header), names=header))
    uneven: list[pyarrow.csv.InvalidRow] = []

    def note(row: pyarrow.csv.InvalidRow) -> str:
        uneven.append(row)
        return "skip"

    # All as text: a reader that guesses types takes the zeros off codes.
    table = pyarrow.csv.read_csv(
        path,
        # One thread, because several cannot tell the number of a row.
        read_options=pyarrow.csv.ReadOptions(block_size=_ROW_BYTES, use_threads=False),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, invalid_row_handler=note
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False
        ),
    )
    if uneven:
        row = uneven[0]
        raise ValueError(
            f"the header has {row.expected_columns} cells, row {row.number} (the header is row 1) has "
            f"{row.actual_columns}; cells that hold {delimiter!r} or a line end have to be in quotes"
        )
    _check_last_quote(path, table)
    table = _named(table)
    return table if delimiter == "," else _with_points(table)


def _begin(path: Path) -> tuple[str, list[str], bool]:
    """Return the delimiter, the names in the header, and whether anything follows."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        first = _QUOTED.sub("", next((line for line in stream if line.strip()), ""))
        delimiter = max(_DELIMITERS, key=first.count) if first.strip() else ","
        stream.seek(0)
        header = next((cells for cells in csv.reader(stream, delimiter=delimiter) if cells), [])
        if not any(name.strip() for name in header):
            raise ValueError("it is empty; a header with the columns' names is needed")
        return delimiter, header, any(line.strip("\r\n") for line in stream)


def _check_last_quote(path: Path, table: pa.Table) -> None:
    """Refuse a table whose last cell swallowed the rest of the file, for want of the quote at its end."""
    last = table.column(table.num_columns - 1)[-1].as_py() if table.num_rows else ""
    if "\n" not in last and "\r" not in last:
        return
    if _last_sign(path) != b'"':
        raise ValueError(f"a quote is opened before {last[:_SHOWN]!r} and never closed")


def _last_sign(path: Path) -> bytes:
    """Return the last byte of a file that is no blank and no line end."""
    with path.open("rb") as stream:
        end = stream.seek(0, io.SEEK_END)
        while end:
            start = max(end - _TAIL_BYTES, 0)
            stream.seek(start)
            if tail := stream.read(end - start).rstrip():
                return tail[-1:]
            end = start
    return b""


def _named(table: pa.Table) -> pa.Table:
    names = [name.strip() for name in table.column_names]
    kept = [place for place, name in enumerate(names) if name or any(table.column(place).to_pylist())]
    check_names([names[place] for place in kept])
    return table.select(kept).rename_columns([names[place] for place in kept])


def check_names(names: Sequence[str]) -> None:
    """Refuse a table in which a name stands for two columns.

    Raises:
        ValueError: If there is one.
    """
    if len(set(names)) < len(names):
        double = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"two columns are called {double!r}; rename one")


def check_texts(table: pa.Table) -> None:
    """Refuse a table in whose texts are bytes that stand for none; Parquet may hold such.

    Raises:
        ValueError: If a column is so.
    """
    for name, column in zip(table.column_names, table.columns, strict=True):
        try:
            column.validate(full=True)
        except pa.ArrowInvalid as error:
            raise ValueError(f"column {name!r} is damaged, or its text is not UTF-8") from error


def _with_points(table: pa.Table) -> pa.Table:
    for place, name in enumerate(table.column_names):
        if COLUMNS.get(name) == "float64":
            texts = table.column(place).to_pylist()
            cells = [text.strip() for text in texts]
            commas = any(
                "," in cell for cell in cells
            )  # else a point may part thousands or decimals: nobody knows
            if commas and all(cell in NO_NUMBER or _DECIMAL_COMMA.fullmatch(cell) for cell in cells):
                plain = [text.replace(".", "").replace(",", ".") for text in texts]
                table = table.set_column(place, name, pa.array(plain))
    return table


def read_json_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a file with one on each line; lines without anything are passed over.

    Raises:
        ValueError: If a line is no JSON object, or the file is not UTF-8.
    """
    with path.open(encoding="utf-8-sig") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
                if "\\ud" in line.lower():
                    record = _sound(record)
            except ValueError as error:
                raise ValueError(f"line {number}: {error}") from None
            except RecursionError:
                raise ValueError(f"line {number}: is nested too deeply") from None
            if not isinstance(record, dict):
                raise ValueError(f"line {number}: is no JSON object")  # noqa: TRY004  # of the content, not of a caller
            yield record


def _sound(record: Any) -> Any:  # noqa: ANN401  # a JSON value
    """Return a value without halves of characters, which JSON can name and no table can hold."""
    return json.loads(json.dumps(record, ensure_ascii=False).encode("utf-8", "replace"))


def records_table(records: Sequence[dict[str, Any]]) -> pa.Table:
    """Return records as a table with the columns of all of them; numbers and texts in one column become text."""
    names = dict.fromkeys(name for record in records for name in record)
    return pa.table({name: _array([record.get(name) for record in records]) for name in names})


def _array(values: Sequence[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError):
        return pa.array(
            [v if v is None or isinstance(v, str) else json.dumps(v) for v in values], pa.string()
        )
