"""Reads a price list from CSV, Parquet, JSON lines or a dataset's folder, and says which rows it could not use."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from samplegen.domain.pricelist import CATEGORY_COLUMNS, CODE_COLUMN, COLUMNS, CONSTANT_COLUMNS
from samplegen.errors import ExportError, FitError

NO_LEVEL = "N.A."
MAX_ROWS = 2_000_000
MAX_CENTS = 10**11 - 1  # a price point has at most nine digits before the point
_LONGEST = 180
_PIECE_ROWS = 1000
_SPACES = re.compile(r"[\s\x00-\x1f\x7f]+")
_BRACES = str.maketrans("{}", "()")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_GROUPED = re.compile(r"-?\d{1,3}(?:(?:\.\d{3})+,\d{1,2}|(?:,\d{3})+\.\d{1,2})")
"""A number with a sign between its thousands and another before its decimals."""
_STRANGE = "whose price is no number, such as"


@dataclass(frozen=True, slots=True)
class Row:
    """One usable row of the table; prices in cents."""

    categories: tuple[str, str, str]
    title: str
    full: int
    paid: int
    full_eur: int | None
    code: str
    item_url: str
    image_url: str


@dataclass(frozen=True)
class PriceTable:
    """The usable rows of a table, its constant columns, and why other rows were left out."""

    rows: tuple[Row, ...]
    constants: Mapping[str, tuple[str, int]]
    """Columns that are the same in every row, such as the brand: the most common value, and how many rows have it."""
    columns: frozenset[str]
    left_out: Mapping[str, int]
    """Reason to number of rows."""
    string_codes: bool


def read_table(path: Path) -> PriceTable:
    """Read a table of the price list's columns; `title` and a price are needed, all others may be missing.

    Raises:
        FitError: If there is no such file, it cannot be read, or no row of it can be used.
    """
    records = _records(path)
    first = next(records, None)
    if first is None:
        raise FitError(f"{path}: has no rows; give a table with one row a product.")
    columns = frozenset(name for name in first if name in COLUMNS)
    _check_columns(path, columns, first)
    left_out: Counter[str] = Counter()
    rows: list[Row] = []
    seen: set[tuple[str, ...]] = set()
    constants: dict[str, Counter[str]] = {name: Counter() for name in CONSTANT_COLUMNS if name in columns}
    number_codes = True
    for record in _all_of(path, first, records):
        row = _row(record, left_out)
        if row is None:
            continue
        identity = tuple(_text(record.get(name)) for name in COLUMNS)
        if row.code and identity in seen:  # without a code, rows alike are colourways
            left_out["repeats another row in every column"] += 1
            continue
        seen.add(identity)
        rows.append(row)
        number_codes = number_codes and bool(re.fullmatch(r"[1-9]\d{0,17}", row.code))
        for name, counts in constants.items():
            counts[_text(record.get(name))] += 1
    if not rows:
        reasons = "; ".join(f"{count} {reason}" for reason, count in left_out.items())
        raise FitError(f"{path}: none of its rows can be used: {reasons}.")
    found = {name: counts.most_common(1)[0] for name, counts in constants.items()}
    constant = {name: (value, count) for name, (value, count) in found.items() if value}
    return PriceTable(
        tuple(rows), constant, columns, dict(left_out), CODE_COLUMN in columns and not number_codes
    )


def _all_of(path: Path, first: dict[str, Any], rest: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    yield first
    for number, record in enumerate(rest, 2):
        if number > MAX_ROWS:
            raise FitError(f"{path}: more than {MAX_ROWS:,} rows; give a part of them.")
        yield record


def _check_columns(path: Path, columns: frozenset[str], first: Mapping[str, Any]) -> None:
    if "title" in columns and columns & {"full_price", "price"}:
        return
    found = ", ".join(map(str, islice(first, 20)))
    raise FitError(
        f"{path}: needs the columns title and full_price (or price); found {found}. "
        "Rename the columns as in the price list's schema."
    )


def _records(path: Path) -> Iterator[dict[str, Any]]:
    readers = {
        ".csv": _delimited,
        ".parquet": _parquet,
        ".jsonl": _json_lines,
        ".ndjson": _json_lines,
        ".tsv": _delimited,
    }
    if path.is_dir():
        return _folder(path)
    if not path.is_file():
        raise FitError(f"{path}: there is no such file or folder.")
    if path.suffix.lower() not in readers:
        raise FitError(f"{path}: is none of {', '.join(readers)}, nor the folder of a dataset.")
    return _refused(path, readers[path.suffix.lower()](path))


def _refused(path: Path, records: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Hand records on; whatever is wrong with the file becomes one error that names it."""
    from samplegen.export.text_tables import UNREADABLE, why_unreadable

    try:
        yield from records
    except UNREADABLE as error:
        raise FitError(why_unreadable(path, error)) from error


def _delimited(path: Path) -> Iterator[dict[str, Any]]:
    from samplegen.export.reading import unquote_csv
    from samplegen.export.text_tables import read_delimited

    for batch in unquote_csv(read_delimited(path), path).to_batches(_PIECE_ROWS):
        yield from batch.to_pylist()


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    from samplegen.export.text_tables import read_json_lines

    return read_json_lines(path)


def _parquet(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from samplegen.export.text_tables import check_texts

    with pq.ParquetFile(path) as file:
        names = [name for name in file.schema_arrow.names if name in COLUMNS]
        if not names:
            yield from ({name: None for name in file.schema_arrow.names} for _ in range(1))
            return
        for batch in file.iter_batches(columns=names):
            check_texts(pa.Table.from_batches([batch]))
            yield from batch.to_pylist()


def _folder(path: Path) -> Iterator[dict[str, Any]]:
    from samplegen.export.reading import read_dataset

    try:
        for piece in read_dataset(path):
            names = [name for name in piece.table.column_names if name in COLUMNS]
            yield from piece.table.select(names).to_pylist()
    except ExportError as error:
        raise FitError(str(error)) from error


def _row(record: Mapping[str, Any], left_out: Counter[str]) -> Row | None:
    title = _text(record.get("title"))
    if not title or title.lower() == "nan":
        left_out["without a title"] += 1
        return None
    full = _cents(record.get("full_price")) or _cents(record.get("price"))
    if full is None:
        left_out[_why_no_price(record, left_out)] += 1
        return None
    paid = _cents(record.get("price")) or full
    levels = [_text(record.get(name)) or NO_LEVEL for name in CATEGORY_COLUMNS]
    first, second, third = (level.replace(" > ", " / ") for level in levels)
    return Row(
        categories=(first, second, third),
        title=title.translate(_BRACES),
        full=full,
        paid=min(paid, full),
        full_eur=_cents(record.get("full_price_eur")),
        code=_text(record.get(CODE_COLUMN)),
        item_url=_text(record.get("itemurl")),
        image_url=_text(record.get("imageurl")),
    )


def _why_no_price(record: Mapping[str, Any], before: Iterable[str]) -> str:
    """Say why a row has no price; rows whose price is no number share the first one's sentence."""
    from samplegen.export.text_tables import NO_NUMBER

    text = _text(record.get("full_price")) or _text(record.get("price"))
    if not text or _as_number(text) is not None or text in NO_NUMBER:
        return "without a price above 0"
    return next((why for why in before if why.startswith(_STRANGE)), f"{_STRANGE} {text[:40]!r}")


def _text(value: object) -> str:
    """Give a value as one line of text; empty for what is missing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return _SPACES.sub(" ", str(value)).strip()[:_LONGEST].strip()


def _cents(value: object) -> int | None:
    """Read a price above 0; None for anything else."""
    number = _as_number(_text(value))
    if number is None:
        return None
    cents = round(number * 100) if abs(number) < MAX_CENTS else 0
    return cents if 0 < cents <= MAX_CENTS else None


def _as_number(text: str) -> float | None:
    """Read ``1290.00``, ``1 290,00``, ``1.290,00`` or ``1,290.00``; None for anything else."""
    text = text.replace("\u202f", "").replace("\xa0", "").replace(" ", "")
    if _GROUPED.fullmatch(text):
        text = text.replace(min(".,", key=text.rindex), "")  # the sign that stands last parts the decimals
    if "," in text and "." not in text:
        text = text.replace(",", ".")
    return float(text) if _NUMBER.fullmatch(text) else None
