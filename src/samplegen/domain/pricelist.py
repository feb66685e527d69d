"""The price list: its 17 columns, and the rules that tie them together.

A rule is a small function on plain values (`slug`, `euro_cents`); `check_rules` holds a whole table to all of them.
pyarrow is imported only when a table or a schema is asked for.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

CODE_COLUMN = "product_code"
COLUMNS: dict[str, str] = {
    "website_name": "string",
    "competence_date": "string",
    "country_code": "string",
    "currency_code": "string",
    "brand": "string",
    "category1_code": "string",
    "category2_code": "string",
    "category3_code": "string",
    CODE_COLUMN: "int64",
    "title": "string",
    "itemurl": "string",
    "imageurl": "string",
    "full_price": "float64",
    "price": "float64",
    "full_price_eur": "float64",
    "price_eur": "float64",
    "flg_discount": "int64",
}
"""Column name to type name, in the list's order. A template may make product_code a string."""

CONSTANT_COLUMNS = ("website_name", "competence_date", "country_code", "currency_code", "brand")
CATEGORY_COLUMNS = ("category1_code", "category2_code", "category3_code")
PRICE_COLUMNS = ("full_price", "price", "full_price_eur", "price_eur")

_DROPPED = re.compile(r"[.#]")
_TO_HYPHEN = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that some rows of a table break."""

    rule: str
    rows: int
    """How many rows break it; 0 where the table as a whole does."""
    example: str


def column_types(*, string_codes: bool = False) -> dict[str, str]:
    """Give the type name of every column, in order."""
    return {**COLUMNS, CODE_COLUMN: "string"} if string_codes else dict(COLUMNS)


def arrow_schema(*, string_codes: bool = False) -> "pa.Schema":
    """Give the columns as an Arrow schema."""
    import pyarrow as pa

    names = {"string": pa.string(), "int64": pa.int64(), "float64": pa.float64()}
    return pa.schema([(name, names[kind]) for name, kind in column_types(string_codes=string_codes).items()])


def slug(title: str) -> str:
    """Turn a title into the part of its item URL that names it.

    Lower case; accents stripped; `` and `` deleted with both spaces; ``.`` and ``#`` dropped; every other run
    of signs becomes one hyphen, so that any title gives a part of a URL.
    """
    text = title.lower()
    if not text.isascii():
        text = "".join(
            sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign)
        )
    text = _DROPPED.sub("", text.replace(" and ", ""))
    return _TO_HYPHEN.sub("-", text).strip("-")


def euro_cents(cents: NDArray[np.int64], rate: Fraction) -> NDArray[np.int64]:
    """Convert cents to euro cents, cut off, in whole numbers (no float rounding)."""
    # Taken apart so that the product stays within 64 bits.
    whole, part = np.divmod(cents, np.int64(rate.denominator))
    product: NDArray[np.int64] = whole * rate.numerator + part * rate.numerator // rate.denominator
    return product


def check_rules(table: "pa.Table", *, euro_rate: Fraction | None = None) -> list[Violation]:
    """Hold a table to the schema and to every rule that ties its columns.

    Args:
        table: A price list; columns beyond the 17 (such as ``image``) are ignored.
        euro_rate: Euros for one unit of the currency. Without it only the sign of the euro prices is checked.

    Returns:
        One violation for every broken rule, in the order of the rules; empty for a good table.
    """
    broken = check_columns(table)
    if broken:
        return broken
    return [*_check_values(table), *_check_prices(table, euro_rate), *_check_urls(table)]


def check_columns(table: "pa.Table", *, partial: bool = False) -> list[Violation]:
    """Hold the columns to their types and order.

    Args:
        table: A price list; columns beyond the 17 are ignored.
        partial: Allow columns that are missing or empty throughout, as real lists have them.
    """
    found = {field.name: str(field.type) for field in table.schema}
    broken = []
    for name, kind in COLUMNS.items():
        allowed = ("int64", "string") if name == CODE_COLUMN else (kind,)
        if partial and found.get(name, "null") == "null":
            continue
        if name not in found:
            broken.append(Violation("every column is there", 0, f"{name} is missing"))
        elif found[name].replace("large_", "").replace("double", "float64") not in allowed:
            broken.append(
                Violation(
                    "column types",
                    0,
                    f"{name} is {found[name]}, not {' or '.join(allowed)}{_first_text(table[name], kind)}",
                )
            )
    order = [name for name in found if name in COLUMNS]
    if not broken and order != [name for name in COLUMNS if name in found]:
        broken.append(Violation("column order", 0, ", ".join(order)))
    return broken


def _first_text(column: "pa.ChunkedArray", kind: str) -> str:
    """Say where the first text stands that keeps a column from being one of numbers."""
    if kind == "string" or "string" not in str(column.type):
        return ""
    for row, text in enumerate(column.to_pylist()):
        try:
            float(text or 0)
        except ValueError:
            return f"; {text[:60]!r} in row {row} is no number"
    return ""


def _check_values(table: "pa.Table") -> list[Violation]:
    import pyarrow.compute as pc

    broken = []
    for name in COLUMNS:
        column = table[name]
        if column.null_count:
            broken.append(Violation("no value is missing", column.null_count, name))
        elif str(column.type) in ("string", "large_string"):
            empty = pc.sum(pc.equal(column, "")).as_py() or 0
            if empty:
                broken.append(Violation("no text is empty", empty, name))
    repeats = table.num_rows - pc.count_distinct(table[CODE_COLUMN]).as_py()
    if repeats:
        counts = table[CODE_COLUMN].value_counts().to_pylist()
        example = next(str(entry["values"]) for entry in counts if entry["counts"] > 1)
        broken.append(Violation("product codes are unique", repeats, example))
    return broken


def _check_prices(table: "pa.Table", euro_rate: Fraction | None) -> list[Violation]:
    full, price, full_eur, price_eur = (table[name].to_numpy() for name in PRICE_COLUMNS)
    flag = table["flg_discount"].to_numpy()
    rules = [
        ("prices are above 0", (full > 0) & (price > 0) & (full_eur >= 0) & (price_eur >= 0)),
        (
            "prices have whole cents",
            np.all([_whole_cents(x) for x in (full, price, full_eur, price_eur)], axis=0),
        ),
        ("flg_discount is 0 or 1", (flag == 0) | (flag == 1)),
        ("a discount means price below full_price", np.where(flag == 1, price < full, price == full)),
        (
            "euro prices are discounted alike",
            np.where(flag == 1, price_eur <= full_eur, price_eur == full_eur),
        ),
    ]
    if euro_rate is not None:
        exact = _cents(full_eur) == euro_cents(_cents(full), euro_rate)
        exact &= _cents(price_eur) == euro_cents(_cents(price), euro_rate)
        rules.append((f"euros are the price x {float(euro_rate):g}, cut off at cents", exact))
    return [_violation(rule, good, table, "full_price") for rule, good in rules if not np.all(good)]


def url_code(code: str) -> str:
    """Give a code as a URL holds it: spaces, slashes and other signs with a meaning in URLs are percent-encoded."""
    return quote(code, safe="")


def _holds_code(url: str, code: str) -> bool:
    """Tell whether a URL holds a code, as it stands or percent-encoded."""
    return code in url or url_code(code) in url


def _check_urls(table: "pa.Table") -> list[Violation]:
    titles = table["title"].combine_chunks().dictionary_encode()
    parts = [slug(text or "") for text in titles.dictionary.to_pylist()]
    slugs = (parts[place] if place is not None else "" for place in titles.indices.to_pylist())
    rows = zip(table["itemurl"].to_pylist(), slugs, table[CODE_COLUMN].to_pylist(), strict=True)
    good = np.fromiter(
        (part in (url or "") and _holds_code(url or "", str(code)) for url, part, code in rows),
        bool,
        table.num_rows,
    )
    rule = "itemurl holds the title's slug and the product code"
    return [] if good.all() else [_violation(rule, good, table, "itemurl")]


def _cents(values: NDArray[Any]) -> NDArray[np.int64]:
    cents: NDArray[np.int64] = np.rint(np.asarray(values, float) * 100).astype(np.int64)
    return cents


def _whole_cents(values: NDArray[Any]) -> NDArray[np.bool_]:
    good: NDArray[np.bool_] = np.abs(values * 100 - np.rint(values * 100)) < 1e-6 * np.maximum(
        1.0, np.abs(values)
    )
    return good


def _violation(
    rule: str, good: Sequence[bool] | NDArray[np.bool_], table: "pa.Table", column: str
) -> Violation:
    bad = np.flatnonzero(~np.asarray(good))
    first = int(bad[0])
    code, value = table[CODE_COLUMN][first].as_py(), table[column][first].as_py()
    return Violation(rule, len(bad), f"row {first} (product_code {code}): {column} {value}")
