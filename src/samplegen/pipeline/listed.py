"""A price list on its way into a dataset: columns, names of files and splits decided, pictures still to come."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from samplegen.domain.pricelist import CODE_COLUMN
from samplegen.errors import CollectError
from samplegen.export.cells import quote_table
from samplegen.export.schema import IMAGE_COLUMN, IMAGE_TYPE
from samplegen.export.settings import CollectSettings, library_versions
from samplegen.export.shards import BATCH_ROWS, Batch, Shard
from samplegen.realdata.columns import for_text, to_schema
from samplegen.realdata.naming import picture_stems
from samplegen.realdata.sources import PriceList
from samplegen.realdata.store import PictureStore
from samplegen.sampling.splits import Splits


@dataclass(frozen=True, slots=True)
class ListedRows:
    """A list on its way into a dataset; all that has a value for each row has it in the list's order.

    Attributes:
        listed: The list as it was read.
        table: The dataset's columns, pictures apart.
        problems: Number of a row to the reason why its values do not fit.
        addresses: Where each picture is, or its name in the store where the list holds it.
        stems: Name of each picture's file, without its ending.
        splits: Place of each row's split.
        left_out: Columns that the format cannot hold.
    """

    listed: PriceList
    table: pa.Table
    problems: Mapping[int, str]
    addresses: list[str]
    stems: list[str]
    splits: NDArray[np.int8]
    left_out: tuple[str, ...]


def prepare(
    listed: PriceList, format_name: str, shares: Mapping[str, float] | None
) -> tuple[ListedRows, CollectSettings]:
    """Decide everything about the rows that does not depend on their pictures.

    Args:
        listed: The list.
        format_name: Of the dataset.
        shares: Of splits by title; None for the list's own splits.

    Raises:
        CollectError: If the list has no rows, or a column that cannot be kept.
    """
    if not listed.table.num_rows:
        raise CollectError(f"{listed.name}: has no rows.")
    table, problems = to_schema(listed.table)
    left_out: list[str] = []
    if format_name != "parquet":
        table, left_out = for_text(table)
    names, places, shares_found = _divide(listed, table, shares)
    settings = CollectSettings(
        source=listed.name,
        source_digest=listed.digest(),
        source_rows=table.num_rows,
        image_column=listed.image_column,
        columns={field.name: _type_name(field.type) for field in table.schema},
        splits=dict(zip(names, shares_found, strict=True)),
        split_by="source" if shares is None else "title",
        format=format_name,
        versions=library_versions(collecting=True),
    )
    rows = ListedRows(
        listed=listed,
        table=table,
        problems=problems,
        addresses=_addresses(listed),
        stems=picture_stems(table.column(CODE_COLUMN).to_pylist()),
        splits=places,
        left_out=tuple(left_out),
    )
    return rows, settings


def _type_name(arrow: pa.DataType) -> str:
    return str(arrow).replace("double", "float64")


def _addresses(listed: PriceList) -> list[str]:
    if listed.pictures is not None:
        return [f"row {number}" for number in range(listed.table.num_rows)]
    cells = listed.table.column(listed.image_column).cast(pa.string()).to_pylist()
    return ["" if cell is None else cell.strip() for cell in cells]


def _divide(
    listed: PriceList, table: pa.Table, shares: Mapping[str, float] | None
) -> tuple[list[str], NDArray[np.int8], list[float]]:
    """Return names of the splits, the place of each row's, and the shares."""
    if shares is not None:
        codes = table.column(CODE_COLUMN).to_pylist()
        titles = table.column("title").to_pylist() if "title" in table.column_names else codes
        keys = [str(title or code) for title, code in zip(titles, codes, strict=True)]
        return list(shares), Splits(0, shares).of_titles(keys), list(shares.values())
    counts: Counter[str] = Counter()
    places: list[int] = []
    for name, number in listed.splits:
        plain = "".join(sign if sign.isalnum() and sign.isascii() else "_" for sign in name) or "train"
        if plain not in counts and len(counts) == 100:
            raise CollectError(f"{listed.name}: has more than 100 splits.")
        counts[plain] += number
        places += [list(counts).index(plain)] * number
    return list(counts), np.array(places, np.int8), [n / table.num_rows for n in counts.values()]


def batches_of(
    shard: Shard,
    good: Sequence[int],
    rows: ListedRows,
    store: PictureStore,
    schema: pa.Schema,
    format_name: str,
) -> Iterator[Batch]:
    """Yield the shard's rows with their pictures, in pieces that fit the memory."""

    def picture(number: int) -> dict[str, Any]:
        note = store.note(rows.addresses[number])
        assert note is not None, "a row without a note has failed"
        return {"bytes": store.read(note), "path": f"{rows.stems[number]}.jpg"}

    for piece in shard.batches(BATCH_ROWS):
        chosen = [good[place] for place in piece]
        table = rows.table.take(chosen)
        if format_name == "csv":
            table = quote_table(table)
        pictures = pa.array([picture(number) for number in chosen], IMAGE_TYPE)
        table = table.append_column(pa.field(IMAGE_COLUMN, IMAGE_TYPE), pictures)
        yield Batch(table.cast(schema), rows.splits[chosen])
