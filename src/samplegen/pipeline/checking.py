"""Checks and describes datasets that exist already."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from samplegen.domain.pricelist import CODE_COLUMN, arrow_schema
from samplegen.errors import ExportError
from samplegen.export.card import CARD
from samplegen.export.croissant import CROISSANT
from samplegen.export.describing import describe
from samplegen.export.manifest import MANIFEST, Manifest, read_manifest
from samplegen.export.reading import read_dataset
from samplegen.export.schema import dataset_schema
from samplegen.export.settings import CollectSettings
from samplegen.export.validation import validate_dataset
from samplegen.fidelity.rules import euro_rate_of


def check_dataset(path: str | os.PathLike[str], *, strict: bool = False) -> tuple[int, list[str]]:
    """Return the number of rows and what is wrong with a dataset, in sentences.

    The euro rule is held to the rate that the manifest names. A collected dataset is held to the rules of a price list
    only if ``strict``.

    Raises:
        ExportError: If there is no dataset.
    """
    path = Path(path)
    return validate_dataset(path, euro_rate=euro_rate_of(path), strict=strict)


def describe_dataset(root: Path) -> list[Path]:
    """Write the card and the Croissant description of a finished dataset again.

    Raises:
        ExportError: If samplegen finished no dataset there.
    """
    manifest = read_manifest(root)
    if manifest is None:
        raise ExportError(
            f"{root}: has no {MANIFEST} of samplegen's, so there is nothing to describe it from."
        )
    schema = _schema(root, manifest)
    describe(root, manifest, schema)
    return [root / CARD, root / CROISSANT]


def _schema(root: Path, manifest: Manifest) -> pa.Schema:
    settings = manifest.settings
    if isinstance(settings, CollectSettings) and settings.format != "parquet":
        fields = [pa.field(name, _arrow_type(kind)) for name, kind in settings.columns.items()]
        return dataset_schema(pa.schema(fields), images=True, annotations=False)
    shards = [file.path for file in manifest.files if file.path.endswith(".parquet")]
    if shards:
        return pq.read_schema(root / shards[0])
    first = next(read_dataset(root)).table
    text = pa.types.is_string(first.schema.field(CODE_COLUMN).type)
    return dataset_schema(
        arrow_schema(string_codes=text), images=settings.images, annotations=settings.annotations
    )


def _arrow_type(name: str) -> pa.DataType:
    try:
        return pa.type_for_alias(name)
    except ValueError:
        return pa.string()  # a nested type: text, as far as a card is concerned
