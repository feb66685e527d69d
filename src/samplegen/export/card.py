"""The dataset card: ``README.md`` with the YAML that Hugging Face reads, and the text that people read."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import yaml

from samplegen.export.csv_images import MASK_PATH_COLUMN, PATH_COLUMN, TABLE
from samplegen.export.files import write_file
from samplegen.export.manifest import Manifest
from samplegen.export.schema import ANNOTATION_COLUMNS, IMAGE_COLUMN, card_features, without_pictures
from samplegen.export.settings import RunSettings

CARD = "README.md"
BY_TITLE = "Rows that share a title are always in the same split."
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_MEANINGS = {
    "website_name": "shop",
    "competence_date": "day of the price list",
    "country_code": "country of the price list",
    "currency_code": "currency of `full_price` and `price`",
    "brand": "brand",
    "category1_code": "audience",
    "category2_code": "department",
    "category3_code": "product type; some levels are `N.A.` or editorial",
    "product_code": "unique code of the product",
    "title": "title; colourways of one style share it",
    "itemurl": "page of the product, on a reserved host that no one answers",
    "imageurl": "address of a picture, on a reserved host that no one answers",
    "full_price": "price before any discount",
    "price": "price to pay",
    "full_price_eur": "`full_price` in euros, cut off at cents",
    "price_eur": "`price` in euros, cut off at cents",
    "flg_discount": "1 where `price` is below `full_price`, else 0",
    "image": "studio picture of the product, drawn from the same latent product",
    "local_image_path": "path of the picture, relative to the dataset's folder",
    "local_mask_path": "path of the part mask, relative to the dataset's folder",
    "attributes": "the latent product: garment, material, pattern, colours and so on",
    "mask": "part of each pixel; number k is `attributes.parts[k-1]`, 0 is the ground",
    "bbox": "box around the product: x, y, width, height in px",
    "caption": "one sentence about what the picture shows",
}


def write_card(root: Path, manifest: Manifest, settings: RunSettings, schema: pa.Schema) -> None:
    """Write the card of a dataset that was made."""
    front = yaml.safe_dump(_front_matter(manifest, settings, schema), sort_keys=False, allow_unicode=True)
    write_file(root, CARD, f"---\n{front}---\n\n{_body(manifest, settings, schema)}".encode())


def data_files(manifest: Manifest) -> list[dict[str, str]]:
    """Return which files hold which split, in the card's words."""
    splits = [split for split in manifest.settings.splits if manifest.rows_of_split.get(split)]
    match manifest.settings.format:
        case "parquet":
            return [{"split": split, "path": f"data/{split}-*.parquet"} for split in splits]
        case "webdataset":
            return [{"split": split, "path": f"data/{split}-*.tar"} for split in splits]
        case "imagefolder":
            return [{"split": split, "path": f"{split}/**"} for split in splits]
        case _:
            return [{"split": "train", "path": TABLE}]


def _front_matter(manifest: Manifest, settings: RunSettings, schema: pa.Schema) -> dict[str, object]:
    front: dict[str, object] = {
        **({"license": settings.license} if settings.license else {}),
        "pretty_name": f"Synthetic product list: {settings.template}",
        "language": [settings.language],
        "task_categories": _tasks(settings.images, settings.annotations),
        "tags": ["synthetic", "products", "prices", "samplegen"],
        "size_categories": [size_category(settings.rows)],
        "configs": [{"config_name": "default", "data_files": data_files(manifest)}],
    }
    # Only Parquet has exactly these columns; for the others `datasets` finds its own.
    if settings.format == "parquet":
        front["dataset_info"] = dataset_info(manifest, schema)
    return front


def dataset_info(manifest: Manifest, schema: pa.Schema) -> dict[str, object]:
    """Return features and sizes of a Parquet dataset, in the card's words."""
    sizes = {
        split: sum(f.bytes for f in manifest.files if f.split == split) for split in manifest.rows_of_split
    }
    return {
        "features": card_features(schema),
        "splits": [
            {"name": split, "num_bytes": sizes[split], "num_examples": rows}
            for split, rows in manifest.rows_of_split.items()
            if rows
        ],
        "download_size": sum(sizes.values()),
        "dataset_size": sum(sizes.values()),
    }


def _tasks(images: bool, annotations: bool) -> list[str]:
    tasks = ["tabular-regression", "text-classification"]
    if images:
        tasks = ["image-classification", "image-to-text", *tasks]
    if annotations and images:
        tasks = ["image-segmentation", "object-detection", *tasks]
    return tasks


def size_category(rows: int) -> str:
    """Return the Hub's word for so many rows."""
    return next((name for limit, name in _SIZES if rows < limit), "n>1M")


def _body(manifest: Manifest, settings: RunSettings, schema: pa.Schema) -> str:
    pictures = (
        f" with a {settings.image_size} x {settings.image_size} px picture each" if settings.images else ""
    )
    return "\n".join(
        [
            f"# Synthetic product list: {settings.template}",
            "",
            (
                f"{settings.rows:,} rows of a price list{pictures}. Nothing here was photographed or sold: every row "
                "begins as a latent product, and its title, price and picture all follow from it."
            ),
            "",
            *splits_section(manifest, BY_TITLE),
            *load_section(settings.format),
            *columns_section(manifest, schema),
            *_made_section(settings),
            *_limits_section(),
        ]
    )


def splits_section(manifest: Manifest, note: str) -> list[str]:
    """Return the lines that tell how many rows each split has, and how they were divided."""
    rows = [f"| {split} | {rows:,} |" for split, rows in manifest.rows_of_split.items()]
    return ["## Splits", "", "| split | rows |", "|---|--:|", *rows, "", note, ""]


def load_section(format_name: str) -> list[str]:
    """Return the lines that tell how to open a dataset of this format."""
    if format_name == "csv":
        note = (
            "`splits.csv` holds the split of each product; `load_dataset` gives the whole table as `train`."
        )
        return ["## Files", "", "`Dataset.csv` is the table, `images/` its pictures. " + note, ""]
    return [
        "## Load",
        "",
        "```python",
        "from datasets import load_dataset",
        "",
        'load_dataset("PATH")',
        "```",
        "",
    ]


def columns_section(
    manifest: Manifest, schema: pa.Schema, *, meanings: Mapping[str, str] | None = None
) -> list[str]:
    """Return the lines that tell what is in each column; ``meanings`` go before those of a list that is made."""
    known = {**_MEANINGS, **(meanings or {})}
    fields = list(schema)
    if manifest.settings.format == "csv":
        fields = list(without_pictures(schema))
        paths = ((IMAGE_COLUMN, PATH_COLUMN), ("mask", MASK_PATH_COLUMN))
        fields += [pa.field(path, pa.string()) for column, path in paths if column in schema.names]
    rows = [f"| {f.name} | {_type_name(f)} | {known.get(f.name, '')} |" for f in fields]
    return ["## Columns", "", "| column | type | meaning |", "|---|---|---|", *rows, ""]


def _type_name(field: pa.Field) -> str:
    if field.name in (IMAGE_COLUMN, "mask"):
        return "image"
    if field.name in ANNOTATION_COLUMNS and pa.types.is_struct(field.type):
        return "struct"
    return str(field.type).replace("double", "float64").replace("fixed_size_list<item: int32>[4]", "int32[4]")


def _made_section(settings: RunSettings) -> list[str]:
    versions = ", ".join(f"{name} {number}" for name, number in settings.versions.items())
    return [
        "## How it was made",
        "",
        "```bash",
        settings.command(),
        "```",
        "",
        (
            f"The same command with the same versions, on a processor of the same kind, gives the same bytes ({versions}). Template digest: "
            f"`{settings.template_digest}`. `manifest.json` lists the SHA-256 of every file."
        ),
        "",
    ]


def _limits_section() -> list[str]:
    return [
        "## Limits",
        "",
        (
            "- Titles, codes and prices are drawn from a template and name no real article; addresses end in "
            "`.example` unless the template says otherwise."
        ),
        (
            "- Pictures are drawn, with invented motifs and no logos: a model trained on them alone has not seen a "
            "real photograph."
        ),
        "- Shares, words and price levels are those of the template; they are no statement about a market.",
        "",
    ]
