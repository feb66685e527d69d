"""A product, its line in the price list, and the two with a scene: everything decided, nothing drawn."""

from collections.abc import Mapping
from dataclasses import dataclass

from samplegen.domain.scene import Colour, Scene


@dataclass(frozen=True, slots=True)
class NamedColour:
    """A colour as the pack's palette calls it."""

    name: str
    rgb: Colour


@dataclass(frozen=True, slots=True)
class Product:
    """What is depicted and priced: the latent values behind picture, title and price alike."""

    style: int
    """Number of the style; colourways of one style share it."""
    line: str
    """Key of the product line in the pack's catalog."""
    audience: str
    categories: tuple[str, str, str]
    garment: str
    """Name of the shape that is drawn."""
    silhouette: str
    """``slim``, ``regular`` or ``wide``."""
    size: str
    """``mini``, ``small``, ``medium`` or ``large``."""
    material: str
    """Key of the pack's materials, as is the trim's."""
    weave: str
    trim_material: str
    trim_weave: str
    pattern: str
    colours: tuple[NamedColour, ...]
    """The main colour first, then those of the pattern."""
    trim: NamedColour
    hardware: NamedColour
    details: Mapping[str, str]
    """Variant axis to choice, as far as the title decides it, such as ``{"hood": "yes"}``."""
    style_line: str
    """Words of the title that name the style line or the motif; may be empty."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One row of the price list; fields are its 17 columns, in order."""

    website_name: str
    competence_date: str
    country_code: str
    currency_code: str
    brand: str
    category1_code: str
    category2_code: str
    category3_code: str
    product_code: int | str
    title: str
    itemurl: str
    imageurl: str
    full_price: float
    price: float
    full_price_eur: float
    price_eur: float
    flg_discount: int


@dataclass(frozen=True, slots=True)
class SampleSpec:
    """Row `index` of a run with every value decided; drawing it needs nothing else."""

    index: int
    product: Product
    listing: Listing
    scene: Scene
