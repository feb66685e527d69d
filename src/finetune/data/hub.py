"""Datasets of the Hugging Face Hub, through `datasets`: downloaded once, then read from its cache."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from finetune.config import SourceConfig
from finetune.data.rows import NumberedKeys, RawRows, mapped, named_classes
from finetune.errors import DataError


def read_hub(config: SourceConfig, needs: Sequence[str]) -> RawRows:
    """Open all splits of a dataset on the Hub, one after another.

    Raises:
        DataError: If there is no such dataset, a column is missing, or `datasets` is not installed.
    """
    try:
        import datasets
    except ModuleNotFoundError as error:
        raise DataError(
            f"source {config.name}: {config.path} is not here, and reading it from the Hugging Face Hub needs "
            "datasets: pip install 'samplegen[hf]'."
        ) from error
    try:
        loaded = datasets.load_dataset(config.path, config.subset, revision=config.revision)
    except Exception as error:  # of `datasets`, the Hub's client, the network
        raise DataError(
            f"source {config.name}: there is no folder or file {config.path}, and the Hugging Face Hub did not give "
            f"such a dataset: {error}"
        ) from error
    parts = [loaded[name] for name in loaded]
    rows = datasets.concatenate_datasets(parts) if len(parts) > 1 else parts[0]
    starts = [sum(map(len, parts[:number])) for number in range(len(parts))]
    return rows_of_dataset(config, rows, needs, NumberedKeys(list(loaded), starts))


def rows_of_dataset(config: SourceConfig, rows: Any, needs: Sequence[str], key_of: NumberedKeys) -> RawRows:
    """Open a `datasets.Dataset`; `key_of` names its rows."""
    import datasets

    columns = mapped(config, rows.column_names, needs, config.path)
    image = columns.pop("image")
    feature = rows.features[image]
    if isinstance(feature, datasets.Image):
        rows = rows.cast_column(image, datasets.Image(decode=False))
    read = {}
    for field, name in columns.items():
        column = rows.select_columns([name]).with_format("arrow")[:].column(name)
        kind = rows.features[name]
        read[field] = named_classes(
            column, {"names": kind.names} if isinstance(kind, datasets.ClassLabel) else None
        )
    table = pa.table({**read, "_row": pa.nulls(len(rows))}).combine_chunks()
    return RawRows(table, _DatasetPictures(rows.select_columns([image]), image), key_of)


@dataclass(frozen=True)
class _DatasetPictures:
    rows: Any
    column: str

    def read(self, row: int) -> bytes:
        cell = self.rows[row][self.column]
        content = cell.get("bytes") if isinstance(cell, dict) else cell
        if isinstance(content, bytes) and content:
            return content
        path = cell.get("path") if isinstance(cell, dict) else None
        if not path:
            raise OSError(
                "is missing" if cell is None else f"found {type(cell).__name__} in place of a picture"
            )
        with open(path, "rb") as stream:
            return stream.read()
