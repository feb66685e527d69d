"""Sources: anything that holds products, opened by one function and read row by row."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from finetune.config import DataConfig, SourceConfig, Split, SplitConfig
from finetune.data.examples import Product, read_fields
from finetune.data.hub import read_hub
from finetune.data.live import LiveSource
from finetune.data.rows import RawRows
from finetune.data.splits import rows_of_split
from finetune.data.tables import read_local
from finetune.errors import DataError
from finetune.forms import FIELDS


class Source(Protocol):
    """Products by number."""

    name: str

    @property
    def size(self) -> int | None:
        """How many products there are; None if there is no end."""

    def __getitem__(self, index: int) -> Product:
        """Give a product; its picture is read when asked for."""


def open_source(
    config: SourceConfig,
    *,
    split: Split,
    rule: SplitConfig | None = None,
    needs: Sequence[str] = FIELDS,
    seed: int = 0,
) -> Source:
    """Open a source.

    Args:
        config: What and where it is.
        split: ``train``, ``validation`` or ``test`` by the rule; ``all`` for every row.
        rule: How products are divided; None for the default.
        needs: Fields that the answers need, of title, category and price.
        seed: Of a ``template:``; same seed, same products.

    Raises:
        DataError: If it is missing or empty, a column is not there, it has no pictures, or none is in the split.
    """
    rule = rule or SplitConfig()
    if config.is_live:
        return LiveSource(config, split=split, rule=rule, seed=seed)
    path = Path(config.path)
    if path.exists():
        raw = read_local(config, needs)
    elif re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", config.path):
        raw = read_hub(config, needs)
    else:
        before, _, after = config.path.rpartition(":")
        # One letter before it is a drive.
        weight = f", and {after!r} is no weight, which is a number of 0 or above" if len(before) > 1 else ""
        raise DataError(
            f"source {config.name}: there is no folder or file {config.path}{weight}. Give one, OWNER/NAME on the "
            "Hugging Face Hub, or template:NAME."
        )
    return StoredSource(
        config.name, raw, split=split, rule=rule, categories=config.categories, where=config.path
    )


class StoredSource:
    """Products of a dataset on disk; its texts are in memory, its pictures are not.

    Args:
        name: Of the source.
        raw: All its rows.
        split: Which of them.
        rule: How products are divided.
        categories: Names in place of the source's; rows of other categories are left out. None for all.
        where: What messages call the dataset.

    Raises:
        DataError: If it has no rows, or none of the split.
    """

    def __init__(
        self,
        name: str,
        raw: RawRows,
        *,
        split: Split,
        rule: SplitConfig,
        categories: Mapping[str, str] | None = None,
        where: str,
    ) -> None:
        self.name = name
        self._raw = raw
        rows = raw.table.num_rows
        if not rows:
            raise DataError(f"source {name}: {where} is empty.")
        self._categories = categories
        self._fields = [field for field in FIELDS if field in raw.table.column_names]
        self._groups = self._read_groups()
        self._rows = np.arange(rows) if split == "all" else rows_of_split(self._groups, split, rule)
        if categories is not None:
            self._rows = self._rows[self._of_categories(categories, where)]
        if not len(self._rows):
            raise DataError(
                f"source {name}: none of the {rows} rows of {where} is in the split {split!r}; their "
                f"{len(set(self._groups))} styles are divided with shares {rule.validation:g} for validation and "
                f"{rule.test:g} for test. Give more rows, other shares, or another seed of splits."
            )

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def size(self) -> int:
        """How many products there are."""
        return len(self._rows)

    def __getitem__(self, index: int) -> Product:
        """Give a product; its picture is read when asked for."""
        if not 0 <= index < len(self._rows):
            raise IndexError(f"source {self.name}: found product {index}; there are {len(self._rows)}")
        row = int(self._rows[index])
        fields, flaws = read_fields(
            {field: self._raw.table.column(field)[row].as_py() for field in self._fields}
        )
        if self._categories is not None:
            fields["category"] = self._categories[str(fields["category"])]
        key = self._raw.key_of(row)
        return Product(
            content=partial(self._raw.pictures.read, row),
            fields=fields,
            flaws=flaws,
            source=self.name,
            key=key,
            group=self._groups[row],
        )

    def _of_categories(self, wanted: Mapping[str, str], where: str) -> NDArray[np.int64]:
        """Find the places in `_rows` whose category is wanted.

        Raises:
            DataError: If there is none; the message lists categories that are there.
        """
        if "category" not in self._fields:
            raise DataError(f"source {self.name}: categories are given, but {where} has no column of them.")
        found = [str(value) for value in self._raw.table.column("category").to_pylist()]
        if wanted.keys().isdisjoint(found):
            some = ", ".join(sorted(set(found))[:20])
            raise DataError(
                f"source {self.name}: {where} has none of the categories {', '.join(wanted)}; there are {some}."
            )
        return np.flatnonzero([found[row] in wanted for row in self._rows])

    def _read_groups(self) -> list[str]:
        """Give each row's style: its group's or title's text, without one the digest of its picture."""
        names = self._raw.table.column_names
        column = next((name for name in ("group", "title") if name in names), None)
        texts = self._raw.table.column(column).to_pylist() if column else [None] * self._raw.table.num_rows
        return [
            self._group_of_picture(row) if text is None or not str(text).strip() else str(text)
            for row, text in enumerate(texts)
        ]

    def _group_of_picture(self, row: int) -> str:
        with suppress(OSError):
            content = self._raw.pictures.read(row)
            return f"picture {hashlib.blake2b(content, digest_size=16).hexdigest()}"
        return f"row {self._raw.key_of(row)}"


def open_sources(config: DataConfig, split: Split = "train") -> list[Source]:
    """Open all sources of a configuration, with what its answers need.

    What is held out of a ``template:`` follows the seed of the splits, so runs of several seeds are measured on the
    same products.
    """
    needs = config.prompt.build().fields
    seed = config.seed if split == "train" else config.splits.seed
    return [
        open_source(source, split=split, rule=config.splits, needs=needs, seed=seed)
        for source in config.sources
    ]


def products_of(source: Source, limit: int | None = None) -> Iterator[Product]:
    """Yield a source's products in order, at most `limit`; an endless one needs a limit.

    Raises:
        DataError: If an endless source is read without a limit.
    """
    if limit is None and source.size is None:
        raise DataError(f"source {source.name} has no end; say how many products to take.")
    numbers: Iterator[int] = iter(count() if source.size is None else range(source.size))
    for number, _ in zip(numbers, count() if limit is None else range(limit), strict=False):
        yield source[number]
