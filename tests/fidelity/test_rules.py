from fractions import Fraction

import pyarrow as pa
import pytest

from samplegen.domain.pricelist import COLUMNS, arrow_schema
from samplegen.fidelity.rules import EURO_RULE, RULES, rule_adherence
from samplegen.pipeline import Recipe, write_dataset

RATE = Fraction("1.17")


@pytest.fixture(scope="module")
def good():
    """Ten rows that keep every rule."""
    rows = {name: ["-"] * 10 if kind == "string" else [0] * 10 for name, kind in COLUMNS.items()}
    rows |= {
        "product_code": list(range(10, 20)),
        "title": ["Soft Tote"] * 10,
        "itemurl": [f"https://shop.tiny.example/soft-tote-p{code}" for code in range(10, 20)],
        "full_price": [100.0] * 10,
        "price": [100.0] * 8 + [70.0] * 2,
        "full_price_eur": [117.0] * 10,
        "price_eur": [117.0] * 8 + [81.9] * 2,
        "flg_discount": [0] * 8 + [1] * 2,
    }
    return pa.table(rows, schema=arrow_schema())


def change(table, name, row, value):
    values = table[name].to_pylist()
    values[row] = value
    return table.set_column(table.column_names.index(name), name, pa.array(values, table[name].type))


def test_a_good_table_keeps_every_rule(good):
    found = rule_adherence(good, RATE)

    assert found.value == 1
    assert set(RULES) <= set(found.details["rules"])


@pytest.mark.parametrize(
    ("rule", "name", "value"),
    [
        ("product codes are unique", "product_code", 11),
        ("prices are above 0", "price_eur", -1.0),
        ("prices have whole cents", "full_price_eur", 117.001),
        ("flg_discount is 0 or 1", "flg_discount", 2),
        ("a discount means price below full_price", "price", 99.0),
        ("euro prices are discounted alike", "price_eur", 116.0),
        (EURO_RULE, "full_price_eur", 118.0),
        ("itemurl holds the title's slug and the product code", "itemurl", "https://shop.tiny.example/other"),
        ("no text is empty", "brand", ""),
        ("no value is missing", "title", None),
        ("no value is missing", "flg_discount", None),
        ("no value is missing", "product_code", None),
    ],
)
def test_a_rule_that_one_row_of_ten_breaks_is_kept_by_nine(good, rule, name, value):
    found = rule_adherence(change(good, name, 0, value), RATE)

    assert found.details["rules"][rule] == pytest.approx(0.9)
    assert found.value <= 0.9


def test_a_missing_text_is_not_an_empty_one_too(good):
    found = rule_adherence(change(good, "brand", 0, None), RATE)

    assert found.details["rules"]["no text is empty"] == 1


def test_rules_on_columns_that_are_not_there_are_left_out(good):
    found = rule_adherence(good.select(["product_code", "full_price", "price", "flg_discount"]), RATE)

    assert found.value == 1
    assert set(found.details["rules"]).isdisjoint(
        {EURO_RULE, "column order", "euro prices are discounted alike"}
    )
    assert "a discount means price below full_price" in found.details["rules"]
    assert "title" in found.details["absent_columns"]


def test_a_column_of_another_type_breaks_the_types_and_stops_nothing(good):
    texts = pa.array([f"EUR {n}" for n in range(10)])
    found = rule_adherence(good.set_column(13, "price", texts), RATE)

    assert found.details["rules"]["column types"] == 0
    assert found.details["mistyped_columns"] == ["price"]


def test_made_datasets_keep_every_rule_the_euro_rule_included(tiny_pack, tmp_path):
    import samplegen

    for seed in (0, 1):
        write_dataset(Recipe(rows=64, seed=seed, template=tiny_pack, image_size=None), tmp_path / str(seed))
    found = samplegen.compare(tmp_path / "0", tmp_path / "1").scores["rule_adherence"].synthetic

    assert found.value == 1
    assert "itemurl holds the title's slug and the product code" in found.details["rules"]
