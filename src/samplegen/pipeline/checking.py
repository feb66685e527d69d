"""Checks and describes datasets that exist already."""

from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from samplegen.domain.pricelist import CODE_COLUMN, arrow_schema
from samplegen.errors import ExportError, TemplateError
from samplegen.export.card import CARD, write_card
from samplegen.export.croissant import CROISSANT, write_croissant
from samplegen.export.manifest import MANIFEST, Manifest, read_manifest
from samplegen.export.reading import read_dataset
from samplegen.export.schema import dataset_schema
from samplegen.export.validation import validate_dataset
from samplegen.templates import load_template


def check_dataset(path: Path) -> tuple[int, list[str]]:
    """Return the number of rows and what is wrong with a dataset, in sentences.

    The euro rule is held to the rate of the template that the manifest names, where that template is installed
    and unchanged.
    """
    return validate_dataset(path, euro_rate=_euro_rate(path))


def _euro_rate(path: Path) -> Fraction | None:
    try:
        manifest = read_manifest(path)
        if manifest is None:
            return None
        template = load_template(manifest.settings.template)
    except (ExportError, TemplateError):
        return None
    if template.digest != manifest.settings.template_digest:
        return None
    return Fraction(template.settings.euro_rate)


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
    write_card(root, manifest, schema)
    write_croissant(root, manifest, schema)
    return [root / CARD, root / CROISSANT]


def _schema(root: Path, manifest: Manifest) -> pa.Schema:
    shards = [file.path for file in manifest.files if file.path.endswith(".parquet")]
    if shards:
        return pq.read_schema(root / shards[0])
    first = next(read_dataset(root)).table
    text = pa.types.is_string(first.schema.field(CODE_COLUMN).type)
    settings = manifest.settings
    return dataset_schema(
        arrow_schema(string_codes=text), images=settings.images, annotations=settings.annotations
    )
