"""The columns of a dataset as Arrow types, and the same columns in Hugging Face's and YAML's words."""

import json
from typing import Any

import pyarrow as pa

IMAGE_TYPE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
"""What `datasets` reads as a picture."""
BOX_TYPE = pa.list_(pa.int32(), 4)
IMAGE_COLUMN, MASK_COLUMN = "image", "mask"
ANNOTATION_COLUMNS = ("attributes", "mask", "bbox", "caption")
_TEXTS = pa.list_(pa.string())
ATTRIBUTES_TYPE = pa.struct(
    [
        ("style", pa.int64()),
        ("line", pa.string()),
        ("audience", pa.string()),
        ("categories", _TEXTS),
        ("garment", pa.string()),
        ("silhouette", pa.string()),
        ("size", pa.string()),
        ("material", pa.string()),
        ("weave", pa.string()),
        ("trim_material", pa.string()),
        ("trim_weave", pa.string()),
        ("pattern", pa.string()),
        ("colours", _TEXTS),
        ("colours_rgb", _TEXTS),
        ("trim", pa.string()),
        ("hardware", pa.string()),
        ("details", _TEXTS),
        ("style_line", pa.string()),
        ("parts", _TEXTS),
    ]
)
"""A product's latent values; ``parts`` names the numbers of the mask, from 1 on."""
Feature = dict[str, Any]


def dataset_schema(table: pa.Schema, *, images: bool, annotations: bool) -> pa.Schema:
    """Add the columns for pictures and annotations to the price list's, with Hugging Face's metadata."""
    fields = list(table)
    if images:
        fields.append(pa.field(IMAGE_COLUMN, IMAGE_TYPE))
    if annotations:
        fields.append(pa.field("attributes", ATTRIBUTES_TYPE))
        fields.append(pa.field(MASK_COLUMN, IMAGE_TYPE))
        fields.append(pa.field("bbox", BOX_TYPE))
        fields.append(pa.field("caption", pa.string()))
    features = {field.name: _feature(field.type) for field in fields}
    return pa.schema(fields, metadata={"huggingface": json.dumps({"info": {"features": features}})})


def without_pictures(schema: pa.Schema) -> pa.Schema:
    """Return the columns that a text file can hold, without metadata."""
    return pa.schema([field for field in schema if field.type != IMAGE_TYPE])


def _feature(arrow: pa.DataType) -> Feature:
    if arrow == IMAGE_TYPE:
        return {"_type": "Image"}
    if pa.types.is_fixed_size_list(arrow):
        return {"_type": "Sequence", "feature": _feature(arrow.value_type), "length": arrow.list_size}
    if pa.types.is_list(arrow):
        return {"_type": "Sequence", "feature": _feature(arrow.value_type)}
    if pa.types.is_struct(arrow):
        return {field.name: _feature(field.type) for field in arrow}
    return {"_type": "Value", "dtype": _dtype(arrow)}


def card_features(schema: pa.Schema) -> list[Feature]:
    """Describe the columns as the ``dataset_info`` of a dataset card does."""
    return [{"name": field.name, **_card_feature(field.type)} for field in schema]


def _card_feature(arrow: pa.DataType) -> Feature:
    if arrow == IMAGE_TYPE:
        return {"dtype": "image"}
    if pa.types.is_fixed_size_list(arrow):
        return {"sequence": _dtype(arrow.value_type), "length": arrow.list_size}
    if pa.types.is_list(arrow):
        inner = _card_feature(arrow.value_type)
        return {"sequence": inner.get("dtype", inner)}
    if pa.types.is_struct(arrow):
        return {"struct": [{"name": field.name, **_card_feature(field.type)} for field in arrow]}
    return {"dtype": _dtype(arrow)}


def _dtype(arrow: pa.DataType) -> str:
    return {"double": "float64", "float": "float32"}.get(str(arrow), str(arrow))


def is_picture(arrow: pa.DataType) -> bool:
    """Tell whether a column holds encoded pictures: bytes, or what `datasets` writes for an image."""
    if pa.types.is_binary(arrow) or pa.types.is_large_binary(arrow):
        return True
    return pa.types.is_struct(arrow) and {field.name for field in arrow} == {"bytes", "path"}


def is_text(arrow: pa.DataType) -> bool:
    """Tell whether a column holds text."""
    if pa.types.is_dictionary(arrow):
        return is_text(arrow.value_type)
    return bool(
        pa.types.is_string(arrow)
        or pa.types.is_large_string(arrow)
        or pa.types.is_string_view(arrow)
        or pa.types.is_null(arrow)
    )


def picture_bytes(cell: Any) -> bytes | None:  # noqa: ANN401  # a cell of a column of pictures
    """Return the bytes in a cell; a path beside them leads anywhere and is not followed."""
    return cell.get("bytes") if isinstance(cell, dict) else cell
