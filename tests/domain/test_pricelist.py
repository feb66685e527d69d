from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samplegen.domain.pricelist import COLUMNS, arrow_schema, check_rules, euro_cents, slug

RATE = Fraction("0.9225092")
GOOD_ROW = {
    "website_name": "Shop",
    "competence_date": "2024-01-01",
    "country_code": "USA",
    "currency_code": "USD",
    "brand": "BRAND",
    "category1_code": "MAN",
    "category2_code": "SHOES",
    "category3_code": "N.A.",
    "product_code": 80362371,
    "title": "Check and Leather Pouch",
    "itemurl": "https://shop.example/checkleather-pouch-p80362371",
    "imageurl": "https://img.example/A",
    "full_price": 530.0,
    "price": 530.0,
    "full_price_eur": 488.92,
    "price_eur": 488.92,
    "flg_discount": 0,
}
OTHER_CODE = {"product_code": 80362381, "itemurl": "https://shop.example/checkleather-pouch-p80362381"}


def table(*changes):
    return pa.Table.from_pylist([{**GOOD_ROW, **change} for change in changes], schema=arrow_schema())


# Titles and slugs of the public price list.
@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Check and Leather Pouch", "checkleather-pouch"),
        ("Burberry Kisses – Pink Peony No.38", "burberry-kisses-pink-peony-no38"),  # noqa: RUF001
        ("Vintage Check Cotton Piqué Polo Shirt", "vintage-check-cotton-pique-polo-shirt"),
        ("Tricker’s Leather Derby Shoes", "tricker-s-leather-derby-shoes"),  # noqa: RUF001
        ("Check Wool Jacket#", "check-wool-jacket"),
        ("Leather  Suede and Check Sneakers", "leather-suedecheck-sneakers"),
    ],
)
def test_slug_follows_the_list(title, expected):
    assert slug(title) == expected


@given(st.text())
def test_slugs_are_safe_in_urls(title):
    assert set(slug(title)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


# Prices and euro prices of the public price list.
@pytest.mark.parametrize(("price", "expected"), [(530, 488.92), (410, 378.22), (380, 350.55), (590, 544.28)])
def test_euros_are_cut_off_at_cents(price, expected):
    assert euro_cents(np.asarray([price * 100]), RATE)[0] == round(expected * 100)


@given(st.integers(1, 10**12), st.integers(1, 10**9))
def test_euros_are_exact_for_any_price_and_rate(cents, billionths):
    rate = Fraction(billionths, 10**9)
    assert euro_cents(np.asarray([cents]), rate)[0] == cents * billionths // 10**9


def test_a_good_table_breaks_no_rule():
    assert check_rules(table({}, OTHER_CODE), euro_rate=RATE) == []


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"price": 500.0}, "a discount means price below full_price"),
        ({"flg_discount": 1}, "a discount means price below full_price"),
        ({"flg_discount": 2}, "flg_discount is 0 or 1"),
        ({"full_price": -1.0, "price": -1.0}, "prices are above 0"),
        ({"full_price_eur": 488.93, "price_eur": 488.93}, "euros are the price x 0.922509, cut off at cents"),
        ({"price_eur": 400.0}, "euro prices are discounted alike"),
        ({"full_price": 530.001, "price": 530.001}, "prices have whole cents"),
        (
            {"itemurl": "https://shop.example/other-p80362371"},
            "itemurl holds the title's slug and the product code",
        ),
        ({"brand": None}, "no value is missing"),
        ({"title": ""}, "no text is empty"),
    ],
)
def test_a_broken_rule_is_named_with_its_row(change, rule):
    good = {"product_code": 1, "itemurl": "https://shop.example/checkleather-pouch-p1"}
    broken = {violation.rule: violation for violation in check_rules(table(good, change), euro_rate=RATE)}
    assert broken[rule].rows == 1


def test_repeated_codes_are_found():
    assert [violation.rule for violation in check_rules(table({}, {}))] == ["product codes are unique"]


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        (table({}).drop_columns(["brand"]), "every column is there"),
        (table({}).set_column(12, "full_price", pa.array([530])), "column types"),
        (table({}).select([*list(COLUMNS)[1:], "website_name"]), "column order"),
    ],
)
def test_a_wrong_schema_is_the_only_complaint(wrong, rule):
    assert [violation.rule for violation in check_rules(wrong)] == [rule]
