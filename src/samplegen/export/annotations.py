"""Ground truth that only a generator knows: attributes, a mask of parts, a box around the product, a caption."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samplegen.domain.sample import Product


def attributes_of(product: Product, parts: Sequence[str]) -> dict[str, Any]:
    """Return the latent values behind a row, as `schema.ATTRIBUTES_TYPE` holds them."""
    return {
        "style": product.style,
        "line": product.line,
        "audience": product.audience,
        "categories": list(product.categories),
        "garment": product.garment,
        "silhouette": product.silhouette,
        "size": product.size,
        "material": product.material,
        "weave": product.weave,
        "trim_material": product.trim_material,
        "trim_weave": product.trim_weave,
        "pattern": product.pattern,
        "colours": [colour.name for colour in product.colours],
        "colours_rgb": ["#{:02x}{:02x}{:02x}".format(*colour.rgb) for colour in product.colours],
        "trim": product.trim.name,
        "hardware": product.hardware.name,
        "details": [f"{axis}={choice}" for axis, choice in sorted(product.details.items())],
        "style_line": product.style_line,
        "parts": list(parts),
    }


def box_of(mask: NDArray[np.uint8]) -> list[int]:
    """Return the box around all parts as x, y, width, height in px; zeros where nothing is drawn."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if not len(columns):
        return [0, 0, 0, 0]
    left, top = int(columns[0]), int(rows[0])
    return [left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1]


def caption_of(product: Product) -> str:
    """Describe what the picture shows in one sentence, from the latent values alone."""
    words = [product.colours[0].name.lower()]
    if product.pattern not in ("plain", "none", ""):
        words = [_listed([colour.name.lower() for colour in product.colours[:3]]), _words(product.pattern)]
    if product.silhouette != "regular":
        words.insert(0, product.silhouette)
    words.append(_words(product.material))
    words.append(_words(product.garment).replace("t shirt", "T-shirt"))
    text = " ".join(word for word in words if word)
    if words[-1].endswith("s") and not words[-1].endswith("ss"):  # boots, but a dress
        return f"{text[0].upper()}{text[1:]} on a light studio ground."
    article = "An" if text[0] in "aeiou" else "A"
    return f"{article} {text} on a light studio ground."


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _words(key: str) -> str:
    return key.replace("_", " ").replace("-", " ").lower()
