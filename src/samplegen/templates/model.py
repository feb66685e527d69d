"""The files of a template pack as pydantic models: what each may hold, and in which unit.

Checks within one value are here; checks that join values or files are in `samplegen.templates.checks`.
"""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

FRACTION_TOLERANCE = 1e-6
LEVEL_SEPARATOR = " > "
"""Stands between the category levels of a place."""
SLOT = re.compile(r"\{([^{}]*)\}")
"""Stands in titles and URLs for what is filled in; the group is its name."""
MAX_INTEGER_DIGITS = 18  # an int64 holds every number of so many digits
_WEIGHTED = re.compile(r"(.*\S)\s+(\d+(?:\.\d+)?)")


def parse_weights(value: object) -> object:
    """Read words with weights: ``{Check: 3, Argyle: 1}``, ``[Check, Argyle]`` or ``Check 3, Argyle 1``.

    Raises:
        ValueError: If a word is repeated or has no weight, or if fractions do not sum to 1.
    """
    weights = parse_numbers(value)
    if not isinstance(weights, dict) or not all(isinstance(weight, float) for weight in weights.values()):
        return value
    if not weights:
        raise ValueError("no words; give at least one")
    total = sum(weights.values())
    if max(weights.values()) < 1 and abs(total - 1) > FRACTION_TOLERANCE:
        raise ValueError(f"the weights are fractions that sum to {total:g}; let them sum to 1 or give counts")
    return weights


def parse_numbers(value: object) -> object:
    """Read words with numbers above 0, written as for `parse_weights`, whatever they sum to."""
    pairs = _word_pairs(value)
    if pairs is None:
        return value
    numbers: dict[str, float] = {}
    for word, number in pairs:
        if not word.isprintable():
            raise ValueError(f"{word!r} holds a line end or another control character; give plain words")
        if word in numbers:
            raise ValueError(f"{word!r} stands twice; give each word once")
        if not 0 < number < float("inf"):
            raise ValueError(f"{word!r} has {number:g}; allowed are numbers above 0")
        numbers[word] = number
    return numbers


def _word_pairs(value: object) -> list[tuple[str, float]] | None:
    if isinstance(value, str):
        return [_split_weight(entry.strip()) for entry in value.split(",")]
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        return [(word, 1.0) for word in value]
    if isinstance(value, dict) and all(type(weight) in (int, float) for weight in value.values()):
        return [(str(word), float(weight)) for word, weight in value.items()]
    return None


def _split_weight(entry: str) -> tuple[str, float]:
    match = _WEIGHTED.fullmatch(entry)
    if not match:
        raise ValueError(
            f"{entry!r} has no weight; write 'Check 3, Argyle 1', or [Check, Argyle] for equal weights"
        )
    return match[1], float(match[2])


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _slot_kind(value: object) -> str:
    return "faker" if isinstance(value, dict) and "faker" in value else "words"


Weights = Annotated[dict[str, float], BeforeValidator(parse_weights)]
Numbers = Annotated[dict[str, float], BeforeValidator(parse_numbers)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
ColourName = Annotated[str, Field(min_length=1, max_length=60)]
Text = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""One line of text."""
Fraction01 = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Channel = Annotated[int, Field(ge=0, le=255)]
Rgb = Annotated[tuple[Channel, Channel, Channel], BeforeValidator(_as_tuple)]
Place = Annotated[tuple[Positive, Positive], BeforeValidator(_as_tuple)]
"""Weight, and the price of a title without priced words."""


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Columns(_Strict):
    """Values that are the same in every row."""

    website_name: Text
    competence_date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    country_code: Text
    currency_code: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    brand: Text


class Urls(_Strict):
    """URL forms with {slug}, {code} and {guid}."""

    item: Text
    image: Text
    allow_real_hosts: bool = False


class Codes(_Strict):
    """Product codes: prefix, digits, suffix."""

    type: Literal["integer", "string"]
    prefixes: Weights
    digits: Annotated[int, Field(ge=1, le=12)]
    suffix: Annotated[str, Field(max_length=8)] = ""
    marks: dict[str, Text] = {}
    """Text between the digits of string codes: after how many digits, and what."""


class Discounts(_Strict):
    """How many styles are discounted, and by which fractions of the price."""

    share: Fraction01 = 0.0
    steps: Weights = {"0.3": 1.0}


class Query(_Strict):
    """A question that was asked of a table with noise, and what of the budget it cost."""

    name: Text
    epsilon: Positive
    sensitivity: Positive
    delta: Annotated[float, Field(ge=0, lt=1)] = 0.0


class Fitted(_Strict):
    """How `samplegen fit` made the pack."""

    rows: Annotated[int, Field(ge=0)]
    """Rows that it was learned from; with `epsilon` a noisy count."""
    min_count: Annotated[int, Field(ge=1)]
    seed: int | None = None
    epsilon: Positive | None = None
    delta: Annotated[float, Field(ge=0, lt=1)] = 0.0
    queries: list[Query] = []


class Settings(_Strict):
    """template.yaml."""

    name: Name
    title: Text
    description: Text
    columns: Columns
    urls: Urls
    codes: Codes
    euro_rate: Annotated[str, Field(pattern=r"^\d{1,4}(\.\d{1,9})?$")]
    colourways: Weights
    """How many rows a style has, 1 to 64."""
    title_keeps_price: Fraction01 = 0.75
    """Share of the styles whose price noise is that of their title, so that equal titles cost the same."""
    discounts: Discounts = Discounts()
    splits: dict[Annotated[str, Field(pattern=r"^[a-z]+$")], Positive]
    locale: Annotated[str, Field(pattern=r"^[a-z]{2}_[A-Z]{2}$")]
    fitted: Fitted | None = None


class FakerWords(_Strict):
    """Words that Faker makes: a provider's name, and how many."""

    faker: Name
    count: Annotated[int, Field(ge=1, le=1000)]


Slot = Annotated[
    Annotated[Weights, Tag("words")] | Annotated[FakerWords, Tag("faker")], Discriminator(_slot_kind)
]


class Line(_Strict):
    """A product line: where it stands in the list, its title forms, the words of their slots."""

    shape: Name
    places: Annotated[dict[str, Place], Field(min_length=1)]
    forms: Weights
    slots: dict[Name, Slot] = {}
    spread: Annotated[float, Field(ge=0, le=2)] = 0.0
    """Standard deviation of the logarithm of the price around base and word effects."""
    prices: Weights | None = None
    """The prices that the line sells at; without them, those of the list that `points` names."""
    points: Name = "main"


class PriceEffects(_Strict):
    """What words add to, or take from, the logarithm of the price."""

    dearer: Numbers = {}
    cheaper: Numbers = {}


class Catalog(_Strict):
    """catalog.yaml."""

    lines: Annotated[dict[Name, Line], Field(min_length=1)]
    price_effects: PriceEffects = PriceEffects()
    price_points: dict[Name, Weights]


class Lexicon(_Strict):
    """lexicon.yaml: what the words of a title say about the product."""

    materials: dict[Name, list[Text]] = {}
    patterns: dict[Name, list[Text]] = {}
    variants: dict[Name, dict[Name, list[Text]]] = {}
    colours: dict[Text, Rgb] = {}
    words: dict[Name, list[Text]] = {}


class Palette(_Strict):
    """palette.yaml: colours, and who wears them."""

    colours: Annotated[dict[ColourName, Rgb], Field(min_length=1)]
    palettes: Annotated[dict[Name, Weights], Field(min_length=1)]
    schemes: dict[Name, Annotated[list[list[ColourName]], Field(min_length=1)]] = {}
    hardware: Weights


class Material(_Strict):
    """What a material looks like: its weave, the material of its trim, a palette of its own."""

    weave: Name
    trim: Name
    palette: Name | None = None


class Garment(_Strict):
    """What a garment is made of where its title does not say, and the palette it wears."""

    materials: Weights
    palette: Name
    wears: dict[Name, Name] = Field(default={}, alias="as")
    """Material that a title names -> the one that it means in this garment."""
    patterns: Weights = {"plain": 1.0}
    variants: dict[Name, Weights] = {}
