"""Products as all sources give them: fields under their canonical names, a picture that is read when asked for."""

import math
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from finetune.data.pictures import Picture, open_picture
from finetune.errors import BadSampleError, ProcessingError

Fields = Mapping[str, str | float | None]


@dataclass(frozen=True, kw_only=True)
class Product:
    """One row of a source.

    Attributes:
        content: The picture, or what reads it; nothing is read before `picture` is asked for.
        fields: ``title`` and ``category`` (text), ``price`` (0 or above); None where the row has no usable value.
        source: Name of the source.
        key: The row in its source: file and number, or the picture's path.
        group: Rows that share it are in one split.
        flaws: For fields without a usable value what was found instead, to stand after the field's name.
    """

    content: Picture | Callable[[], Picture]
    fields: Fields
    source: str
    key: str
    group: str
    flaws: Mapping[str, str] = field(default_factory=dict)

    @property
    def picture(self) -> Image.Image:
        """The picture as RGB, read anew each time.

        Raises:
            BadSampleError: If it is missing, damaged, or outside the source's folder.
        """
        try:
            return open_picture(self.content() if callable(self.content) else self.content)
        except (ProcessingError, OSError) as error:
            raise BadSampleError(self.source, self.key, f"the picture: {error}") from error

    @property
    def price(self) -> float | None:
        """The price, 0 or above."""
        value = self.fields.get("price")
        return value if isinstance(value, float) else None

    @property
    def title(self) -> str | None:
        """The title, never empty."""
        value = self.fields.get("title")
        return value if isinstance(value, str) else None

    @property
    def category(self) -> str | None:
        """The category, never empty."""
        value = self.fields.get("category")
        return value if isinstance(value, str) else None


def read_fields(raw: Mapping[str, Any]) -> tuple[dict[str, str | float | None], dict[str, str]]:
    """Turn a row's values into usable ones; of others say what was found.

    Args:
        raw: Values by canonical name, as the source holds them.

    Returns:
        The fields, None where a value is not usable; and for those the reason.
    """
    fields: dict[str, str | float | None] = {}
    flaws: dict[str, str] = {}
    for name, value in raw.items():
        read, flaw = _price(value) if name == "price" else _text(value)
        fields[name] = read
        if flaw:
            flaws[name] = flaw
    return fields, flaws


def _text(value: Any) -> tuple[str | None, str]:
    absent = value is None or (isinstance(value, float) and math.isnan(value))
    text = "" if absent else str(value)
    if not text.strip():
        return None, "is empty"
    # A lone surrogate cannot be encoded, let alone tokenised.
    if any(unicodedata.category(letter) == "Cs" for letter in text):
        return None, f"is {text!r}, which is no valid text"
    return text, ""


def _price(value: Any) -> tuple[float | None, str]:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None, "is missing"
    try:
        price = float(value)
    except (TypeError, ValueError):
        return None, f"is {value!r}, which is no number"
    if not math.isfinite(price):
        return None, f"is {value}"
    if price < 0:
        return None, f"is {price}, below 0"
    return price + 0.0, ""
