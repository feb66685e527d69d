"""What template.yaml says: from the table, else from the base pack, else a plain assumption that is reported."""

import re
from collections.abc import Mapping

from samplegen.domain.pricelist import CONSTANT_COLUMNS
from samplegen.realdata.fitting import rates
from samplegen.realdata.fitting.catalog import Facts
from samplegen.realdata.fitting.identifiers import learn_codes, learn_url
from samplegen.realdata.fitting.lines import name_of
from samplegen.realdata.fitting.pictures import Wardrobe
from samplegen.realdata.fitting.table import PriceTable
from samplegen.templates.model import Settings

_LOCALES = {"en": "en_US", "fr": "fr_FR", "it": "it_IT", "de": "de_DE", "es": "es_ES"}
_COUNTRIES = {
    "en": ("USA", "USD"),
    "fr": ("FRA", "EUR"),
    "it": ("ITA", "EUR"),
    "de": ("DEU", "EUR"),
    "es": ("ESP", "EUR"),
}
_FORMATS = {"competence_date": r"\d{4}-\d{2}-\d{2}", "currency_code": r"[A-Z]{3}"}


def gather_facts(
    name: str, table: PriceTable, wardrobe: Wardrobe, language: str, *, min_count: int, learn: bool = True
) -> tuple[Facts, tuple[str, ...]]:
    """Give the facts, and the names of those that neither table nor base pack says.

    Args:
        name: Of the pack.
        table: The table.
        wardrobe: The base pack, if the user named one.
        language: Of the titles.
        min_count: No value that fewer rows hold is taken.
        learn: Whether forms of codes and URLs, and what prices have in common, may be looked up in single rows.
            The constant columns and the euro rate are public facts about the list and are taken either way.
    """
    base = wardrobe.source.settings if wardrobe.own else None
    assumed: list[str] = []
    constants = {column: value for column, (value, count) in table.constants.items() if count >= min_count}
    columns = _columns(name, constants, base, language, assumed)
    site = name_of(columns["website_name"]).replace("_", "")[:40] or "shop"
    item = base.urls.item if base else f"https://www.{site}.example/{{slug}}-p{{code}}"
    image = base.urls.image if base else f"https://images.{site}.example/{{guid}}"
    rows = table.rows if learn else ()
    rate = rates.euro_rate(table.rows) or (base.euro_rate if base else None)
    if rate is None:
        rate = "1"
        assumed.append("euro_rate") if columns["currency_code"] != "EUR" else None
    share, steps = rates.discounts(rows, min_count)
    has_codes = any(row.code for row in table.rows)
    if not has_codes:
        assumed.append("codes")
    brand = columns["brand"].title()
    facts = Facts(
        name=name,
        title=base.title if base else f"{brand} price list, {columns['country_code']}",
        description=base.description if base else f"Learned by samplegen fit from a price list of {brand}.",
        columns=columns,
        item_url=learn_url([(row.item_url, row) for row in rows if row.item_url], item, min_count, ("code",)),
        image_url=learn_url(
            [(row.image_url, row) for row in rows if row.image_url], image, min_count, ("guid",)
        ),
        codes=learn_codes([row.code for row in rows], min_count, string_codes=table.string_codes),
        euro_rate=rate,
        colourways={"1": 1.0},
        title_keeps_price=rates.title_keeps_price(rows),
        discount_share=share,
        discount_steps=steps,
        splits=base.splits if base else {"train": 0.9, "validation": 0.1},
        locale=base.locale if base else _LOCALES[language],
    )
    return facts, tuple(assumed)


def _columns(
    name: str, found: Mapping[str, str], base: Settings | None, language: str, assumed: list[str]
) -> dict[str, str]:
    country, currency = _COUNTRIES[language]
    plain = {
        "website_name": name,
        "competence_date": "2026-01-01",
        "country_code": country,
        "currency_code": currency,
        "brand": name.upper(),
    }
    columns = {}
    for column in CONSTANT_COLUMNS:
        value = _formatted(column, found.get(column, ""))
        if not value and base:
            value = getattr(base.columns, column)
        if not value:
            assumed.append(column)
            value = plain[column]
        columns[column] = value
    return columns


def _formatted(column: str, value: str) -> str:
    """Give a value in the form that the column has; nothing where it has another."""
    if column not in _FORMATS:
        return value
    match = re.match(_FORMATS[column], value)
    return match[0] if match else ""
