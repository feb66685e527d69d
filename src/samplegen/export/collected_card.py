"""The dataset card of a collected price list: what came from where, and what is not known about it."""

from pathlib import Path

import pyarrow as pa
import yaml

from samplegen.export.card import (
    BY_TITLE,
    CARD,
    columns_section,
    data_files,
    dataset_info,
    load_section,
    size_category,
    splits_section,
)
from samplegen.export.failures import FAILURES
from samplegen.export.files import write_file
from samplegen.export.manifest import Manifest
from samplegen.export.settings import CollectSettings

_MEANINGS = {
    "itemurl": "page of the product",
    "imageurl": "address of the picture",
    "full_price_eur": "`full_price` in euros",
    "price_eur": "`price` in euros",
    "flg_discount": "1 where the product is discounted, else 0",
    "title": "title",
    "category3_code": "product type",
    "product_code": "code of the product",
    "image": "the product's picture",
    "caption": "",
}


def write_collected_card(
    root: Path, manifest: Manifest, settings: CollectSettings, schema: pa.Schema
) -> None:
    """Write the card of a dataset that was collected."""
    front: dict[str, object] = {
        "license": "unknown",
        "pretty_name": f"Price list with pictures: {settings.source}",
        "task_categories": ["image-classification", "image-to-text", "tabular-regression"],
        "tags": ["products", "prices", "samplegen"],
        "size_categories": [size_category(manifest.rows)],
        "configs": [{"config_name": "default", "data_files": data_files(manifest)}],
    }
    if settings.format == "parquet":
        front["dataset_info"] = dataset_info(manifest, schema)
    text = yaml.safe_dump(front, sort_keys=False, allow_unicode=True)
    write_file(root, CARD, f"---\n{text}---\n\n{_body(manifest, settings, schema)}".encode())


def _body(manifest: Manifest, settings: CollectSettings, schema: pa.Schema) -> str:
    failed = settings.source_rows - manifest.rows
    others = f"The other {failed:,} rows are in `{FAILURES}` with the reason." if failed else "No row failed."
    return "\n".join(
        [
            f"# Price list with pictures: {settings.source}",
            "",
            (
                f"{manifest.rows:,} of the {settings.source_rows:,} rows of a price list, each with the picture "
                f"that its column `{settings.image_column}` leads to. {others}"
            ),
            "",
            *splits_section(
                manifest, BY_TITLE if settings.split_by == "title" else "Splits are those of the list."
            ),
            *load_section(settings.format),
            *columns_section(manifest, schema, meanings=_MEANINGS),
            "## How it was collected",
            "",
            "```bash",
            settings.command(),
            "```",
            "",
            (
                "Pictures that came as upright JPEG are as they came; others were turned upright and encoded as JPEG, "
                "transparent pixels white. `manifest.json` lists the SHA-256 of every file."
            ),
            "",
            "## Limits",
            "",
            "- Titles, prices and pictures belong to whoever published them. Find out what you may do with them.",
            "- Values are the list's own: nothing was corrected, so its mistakes are here too.",
            "",
        ]
    )
