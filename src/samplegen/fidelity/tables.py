"""Loads what is compared: price lists in any of the formats, folders of pictures; big ones are sub-sampled."""

import heapq
import io
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from PIL import Image, UnidentifiedImageError

from samplegen.domain.pricelist import CATEGORY_COLUMNS, COLUMNS, PRICE_COLUMNS
from samplegen.errors import CollectError, ExportError, FidelityError
from samplegen.export.reading import Picture, read_dataset
from samplegen.export.schema import is_text
from samplegen.realdata.columns import read_column
from samplegen.sampling.streams import bits, stream_key

MISSING = "(missing)"
"""Stands for a code that is not there, so that missing codes are compared like any other. A title is empty then."""
PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif")
MOST_PIXELS = 50_000_000
_NAMED = 12
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")
_NUMBERS = (*PRICE_COLUMNS, "flg_discount")
_TEXTS = (*CATEGORY_COLUMNS, "title")


@dataclass(frozen=True, slots=True)
class Photo:
    """An encoded picture of a dataset and where it stands there."""

    row: int
    label: str
    content: bytes


@dataclass(frozen=True, slots=True)
class NoNumbers:
    """Cells of a column of numbers that are none.

    Attributes:
        column: Its name.
        count: How many cells.
        row: Where the first is; rows count from 0.
        text: What stands there.
    """

    column: str
    count: int
    row: int
    text: str


@dataclass(frozen=True)
class Source:
    """One of the datasets that are compared.

    Attributes:
        name: Last part of its path.
        table: The whole price list without what is no number; no columns where there are only pictures.
        frame: The columns that are compared: texts without gaps, numbers as floats with NaN.
        no_numbers: Cells of its columns of numbers that are none, and count as missing.
        photos: At most so many pictures as asked for, chosen by the seed, in the order of the rows.
        picture_count: How many pictures there are.
        unreadable: Of the chosen pictures those that do not decode, with the reason.
    """

    name: str
    path: Path
    table: pa.Table
    frame: pd.DataFrame
    no_numbers: tuple[NoNumbers, ...] = ()
    photos: tuple[Photo, ...] = ()
    picture_count: int = 0
    unreadable: tuple[str, ...] = field(default=())

    @property
    def rows(self) -> int:
        """How many rows the price list has."""
        return int(self.table.num_rows)


def load_source(path: Path, *, seed: int, max_pictures: int) -> Source:
    """Read a dataset: a folder or file of any format, or a folder of pictures alone.

    Args:
        path: Where it is.
        seed: Chooses the pictures.
        max_pictures: How many pictures are kept; 0 for none.

    Raises:
        FidelityError: If nothing readable is there.
    """
    keeper = _PhotoKeeper(seed, max_pictures)
    if path.is_dir() and (files := _pictures_alone(path)):
        for row, file in enumerate(files):
            keeper.offer(row, file.relative_to(path).as_posix(), file.read_bytes)
        return _source(path, pa.table({}), keeper)
    tables, row = [], 0
    names: dict[str, None] = {}  # in their order
    try:
        for piece in read_dataset(path):
            names |= dict.fromkeys(piece.table.column_names)
            tables.append(piece.table.select([n for n in piece.table.column_names if n in COLUMNS]))
            for place, picture in enumerate(piece.pictures or []):
                keeper.offer(row + place, f"{piece.source}, row {row + place}", picture)
            row += piece.table.num_rows
        table = _joined(tables) if tables else pa.table({})
    except ExportError as error:
        raise FidelityError(str(error)) from error
    except pa.ArrowException as error:
        raise FidelityError(f"{path}: its parts have columns of different types: {error}") from error
    if names and not table.column_names and not keeper.count:
        raise FidelityError(_foreign(path, list(names)))
    return _source(path, table, keeper)


def _foreign(path: Path, names: list[str]) -> str:
    """Say that no column is one of the price list's, and the likely reason."""
    found = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
    similar = {name.strip().lower() for name in names} & set(COLUMNS)
    hint = " Names must be in lower case, without blanks around them." if similar else ""
    return (
        f"{path}: none of its columns ({found}) is one of the price list's; needed is at least one of "
        f"{', '.join((*_TEXTS, *_NUMBERS))}.{hint}"
    )


def _source(path: Path, table: pa.Table, keeper: "_PhotoKeeper") -> Source:
    try:
        table, no_numbers = _numbers_only(table)
        frame = to_frame(table)
    except (CollectError, FidelityError) as error:
        raise FidelityError(f"{path}: {error}") from error
    photos, unreadable = keeper.chosen()
    return Source(path.resolve().name, path, table, frame, no_numbers, photos, keeper.count, unreadable)


def _joined(tables: list[pa.Table]) -> pa.Table:
    """Return all rows in one table; a column that is text in some parts only becomes text."""
    fields = [field for table in tables for field in table.schema]
    texts = {field.name for field in fields if is_text(field.type) and not pa.types.is_null(field.type)}
    as_text = []
    for table in tables:
        kinds = [field.with_type(pa.string()) if field.name in texts else field for field in table.schema]
        as_text.append(table.cast(pa.schema(kinds)))
    return pa.concat_tables(as_text, promote_options="permissive").combine_chunks()


def _numbers_only(table: pa.Table) -> tuple[pa.Table, tuple[NoNumbers, ...]]:
    """Return the table without cells that should be numbers and are none, and what they were.

    Raises:
        FidelityError: If a column holds nothing else.
    """
    found = []
    for name in _NUMBERS:
        if name not in table.column_names:
            continue
        column = table[name]
        numbers, strange = read_column(name, column)
        if not strange:
            continue
        row, text = next(iter(strange.items()))
        if numbers.null_count == len(numbers) and not pa.types.is_floating(column.type):
            raise FidelityError(
                f"column {name!r} holds no number, but such as {text!r} in row {row}; allowed are digits with a point "
                "before the decimals, such as 1290.00. Correct the column or remove it."
            )
        found.append(NoNumbers(name, len(strange), row, text))
        table = table.set_column(table.schema.get_field_index(name), name, numbers)
    return table, tuple(found)


def _pictures_alone(root: Path) -> list[Path]:
    """List the pictures of a folder that has no table."""
    tables = ("*.parquet", "*.tar", "*.csv", "*.tsv", "*.jsonl", "*.ndjson")
    if any(next(root.rglob(pattern), None) for pattern in tables):
        return []
    return sorted(
        path
        for path in root.rglob("*")
        if path.suffix.lower() in PICTURE_ENDINGS
        and not any(part.startswith(".") for part in path.relative_to(root).parts)
        and path.is_file()
        and path.resolve().is_relative_to(root.resolve())
    )


class _PhotoKeeper:
    """Keeps the pictures with the smallest hashes of their row, so that one pass and little memory are enough."""

    def __init__(self, seed: int, most: int) -> None:
        self._key = stream_key(seed, "fidelity/pictures")
        self._most = most
        self._held: list[tuple[int, int, str, Picture]] = []
        self.count = 0

    def offer(self, row: int, label: str, picture: Picture) -> None:
        self.count += 1
        if not self._most:
            return
        entry = (-int(bits(self._key, np.array([row]))[0]), row, label, picture)
        if len(self._held) < self._most:
            heapq.heappush(self._held, entry)
        elif entry[0] > self._held[0][0]:
            heapq.heapreplace(self._held, entry)

    def chosen(self) -> tuple[tuple[Photo, ...], tuple[str, ...]]:
        photos, unreadable = [], []
        for _, row, label, picture in sorted(self._held, key=lambda entry: entry[1]):
            try:
                photo = Photo(row, label, picture())
                open_photo(photo).close()
            except FidelityError as error:
                unreadable.append(str(error))
            except OSError as error:
                unreadable.append(f"{label}: {error}")
            else:
                photos.append(photo)
        return tuple(photos), tuple(unreadable)


def open_photo(photo: Photo, *, draft_px: int = 256) -> Image.Image:
    """Decode a picture, not larger than needed; transparent parts become white.

    Raises:
        FidelityError: If it is no picture or has too many pixels.
    """
    try:
        image: Image.Image = Image.open(io.BytesIO(photo.content), formats=_FORMATS)
        if image.width * image.height > MOST_PIXELS:
            raise FidelityError(f"{photo.label}: {image.width} x {image.height} px are too many.")
        image.draft("RGB", (draft_px, draft_px))
        if image.has_transparency_data:
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
        return image.convert("RGB")
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise FidelityError(f"{photo.label}: does not decode as a picture.") from error


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Give the columns that are compared: texts without gaps, numbers as floats.

    Raises:
        CollectError: If a column of texts holds what is no text.
    """
    columns: dict[str, pd.Series] = {}
    for name in (*_TEXTS, *_NUMBERS):
        if name not in table.column_names:
            continue
        values = read_column(name, table[name])[0].to_pylist()
        if name in _TEXTS:
            gap = MISSING if name in CATEGORY_COLUMNS else ""
            columns[name] = pd.Series([gap if value is None else value for value in values], dtype=object)
        else:
            columns[name] = pd.Series(values, dtype=float)
    return pd.DataFrame(columns, index=pd.RangeIndex(table.num_rows))


def take_rows(frame: pd.DataFrame, rows: int, *, seed: int, name: str) -> pd.DataFrame:
    """Choose rows by the seed and keep their order; all of them where there are no more."""
    if len(frame) <= rows:
        return frame
    order = np.argsort(bits(stream_key(seed, f"fidelity/rows/{name}"), np.arange(len(frame))), kind="stable")
    return frame.iloc[np.sort(order[:rows])].reset_index(drop=True)
