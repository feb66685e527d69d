"""What describes a finished dataset, made or collected: the card for people, Croissant for machines."""

from pathlib import Path

import pyarrow as pa

from samplegen.export.card import write_card
from samplegen.export.collected_card import write_collected_card
from samplegen.export.croissant import write_croissant
from samplegen.export.manifest import Manifest
from samplegen.export.settings import CollectSettings


def describe(root: Path, manifest: Manifest, schema: pa.Schema) -> None:
    """Write ``README.md`` and ``croissant.json``."""
    if isinstance(manifest.settings, CollectSettings):
        write_collected_card(root, manifest, manifest.settings, schema)
    else:
        write_card(root, manifest, manifest.settings, schema)
    write_croissant(root, manifest, schema)
