"""Price lists that the `datasets` library opens: by their name on the Hugging Face Hub, or as a folder."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from samplegen.errors import CollectError, MissingExtraError
from samplegen.export.schema import IMAGE_TYPE, is_picture
from samplegen.export.text_tables import check_texts
from samplegen.realdata.sources import PriceList, choose_column, with_labels


def read_hub(source: str, *, image_column: str | None = None, config: str | None = None) -> PriceList:
    """Read all splits of a dataset, one after the other.

    Args:
        source: ``owner/name`` on the Hub, or a folder. No program of a dataset is run.
        image_column: The column with addresses or pictures; None for the usual one.
        config: Name of the configuration, where there are several.

    Raises:
        CollectError: If `datasets` is not installed, cannot open it, or it has no such column.
    """
    try:
        import datasets
    except ImportError as error:
        raise MissingExtraError(f"{source}: is read with datasets: pip install 'samplegen[hf]'.") from error
    if hasattr(datasets.config, "HF_DATASETS_TRUST_REMOTE_CODE"):  # before version 4
        datasets.config.HF_DATASETS_TRUST_REMOTE_CODE = False
    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
    try:
        splits = datasets.load_dataset(source, config)
    except Exception as error:  # a network, a server, a token, any file format
        raise CollectError(f"{source}: datasets cannot open it: {error}") from error
    if not isinstance(splits, dict) or not splits:
        raise CollectError(f"{source}: has no splits.")
    return _price_list(source, splits, image_column, roots=_roots(datasets, source))


def _price_list(
    source: str, splits: dict[str, Any], image_column: str | None, *, roots: list[Path]
) -> PriceList:
    plain = {name: _undecoded(split) for name, split in splits.items()}
    schemas = [split.features.arrow_schema for split in plain.values()]
    column = choose_column(schemas[0], image_column, where=source)
    held = is_picture(schemas[0].field(column).type)
    try:
        table = pa.concat_tables(
            [_table(split, without=column if held else None) for split in plain.values()],
            promote_options="permissive",
        )
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise CollectError(f"{source}: its splits have different columns: {error}") from error
    try:
        check_texts(table)
    except ValueError as error:
        raise CollectError(f"{source}: cannot be read: {error}.") from error

    table = _unfolded(table)

    def pictures(most_bytes: int) -> Iterator[bytes | None]:
        for split in plain.values():
            for row in split.select_columns([column]):
                yield _bytes(row[column], roots, most_bytes)

    name = source if not Path(source).is_dir() else Path(source).resolve().name
    rows = tuple((split, data.num_rows) for split, data in plain.items())
    return PriceList(name, table, rows, column, pictures if held else None)


def _unfolded(table: pa.Table) -> pa.Table:
    """Return a WebDataset's columns, which each of its rows keeps in one JSON object, as columns of the table."""
    if "__key__" not in table.column_names or "json" not in table.column_names:
        return table
    cells = table.column("json").combine_chunks()
    if not pa.types.is_struct(cells.type):
        return table
    rest = table.drop_columns([name for name in ("json", "__key__", "__url__") if name in table.column_names])
    columns = dict(zip(rest.column_names, rest.columns, strict=True))
    for field, column in zip(cells.type, cells.flatten(), strict=True):
        columns.setdefault(field.name, column)
    return pa.table(columns)


def _undecoded(split: Any) -> Any:  # noqa: ANN401  # datasets has no types
    import datasets

    for name, feature in split.features.items():
        if isinstance(feature, datasets.Image):
            split = split.cast_column(name, datasets.Image(decode=False))
    return split


def _table(split: Any, *, without: str | None) -> pa.Table:  # noqa: ANN401
    import datasets

    if without:
        split = split.remove_columns(without)
    table: pa.Table = split.with_format("arrow")[:]
    table = table.replace_schema_metadata(None)
    for name, feature in split.features.items():
        if isinstance(feature, datasets.ClassLabel):
            table = with_labels(table, name, feature.names)
        elif isinstance(feature, datasets.Image):
            table = table.set_column(
                table.schema.get_field_index(name), name, table.column(name).cast(IMAGE_TYPE)
            )
    return table


def _roots(datasets: Any, source: str) -> list[Path]:  # noqa: ANN401
    """Return the folders that pictures beside a list may lie in: its own, and where archives are unpacked."""
    from huggingface_hub.constants import HF_HUB_CACHE
    from huggingface_hub.file_download import repo_folder_name

    own = Path(source)
    if not own.is_dir():
        own = Path(HF_HUB_CACHE) / repo_folder_name(repo_id=source, repo_type="dataset")
    return [own.resolve(), Path(datasets.config.EXTRACTED_DATASETS_PATH).resolve()]


def _bytes(cell: Any, roots: list[Path], most_bytes: int) -> bytes | None:  # noqa: ANN401
    if not isinstance(cell, dict):
        return cell if isinstance(cell, bytes) else None
    if cell.get("bytes"):
        return bytes(cell["bytes"])
    # `datasets` names a file where a picture lies beside the list. A list may name any file of this machine.
    path = Path(cell.get("path") or "").resolve()
    inside = any(path.is_relative_to(root) for root in roots)
    if not (inside and path.is_file()):
        return None
    with path.open("rb") as stream:
        return stream.read(most_bytes + 1)
