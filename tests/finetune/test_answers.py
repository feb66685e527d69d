import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.answers import Answer, as_words, parse_answer, parse_price
from finetune.forms import FIELDS, PromptForm, labelled_answer

FORM = PromptForm()
WHOLE = Answer("Check Cotton Shirt", "SHIRTS", 1290.0)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Product: Check Cotton Shirt, Category: SHIRTS, Full Price: 1290.0", WHOLE),
        ("  Product:Check  Cotton Shirt ,Category:  SHIRTS,Full  Price: 1290.0 \n", WHOLE),
        ("Product: Check Cotton Shirt, Category: SHIRTS, Full Price: 1290.0<|end|>\nProduct: Hat", WHOLE),
        ("product: Check Cotton Shirt, category: SHIRTS, full price: $1,290.00", WHOLE),
        ("Full Price: 1290.0, Category: SHIRTS, Product: Check Cotton Shirt", WHOLE),
        ("Well. Product: Check Cotton Shirt, Category: SHIRTS, Full Price: 1290.0", WHOLE),
        (
            "Product: Shirt, Check, Category: HATS, CAPS, Full Price: 9.5",
            Answer("Shirt, Check", "HATS, CAPS", 9.5),
        ),
        ("Product: Hat, Full Price: 12", Answer("Hat", None, 12.0)),
        ("Product: Hat, Category: , Full Price: much", Answer("Hat", None, None)),
        ("Category: HATS", Answer(None, "HATS", None)),
        ("A hat for 12", Answer()),
        ("", Answer()),
    ],
)
def test_fields_are_read_by_their_labels(text, answer):
    assert parse_answer(text, FORM) == answer


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("1290.0", 1290.0),
        ("1,290.00", 1290.0),
        ("1.290,00", 1290.0),
        ("1,290", 1290.0),
        ("1,290,000", 1_290_000.0),
        ("1 290", 1290.0),
        ("$1290", 1290.0),
        ("EUR1290", 1290.0),
        ("€ 1.290,50", 1290.5),
        ("GBP 12,5", 12.5),
        ("0.125", 0.125),
        ("1e+16", 1e16),
        ("1290.", 1290.0),
        ("0.0", 0.0),
        (".5", 0.5),
        ("Rs. 500", 500.0),
        ("$.99", 0.99),
        ("1.290.000", 1_290_000.0),
        ("1'290.50", 1290.5),
        ("about 45 or 50", 45.0),
    ],
)
def test_a_price_is_read_as_people_write_it(text, price):
    assert parse_price(text) == price


@pytest.mark.parametrize(
    "text",
    [
        "",
        "none",
        "-5",
        "- 5",
        "nan",
        "inf",
        ".",
        "1e999",
        "$",
        "1290.0.0",
        "1.2.3",
        "Rs.500",
        "1,2,3",
        "1,29,000.5",
    ],
)
def test_what_is_no_price_is_unknown_and_never_zero(text):
    assert parse_price(text) is None


texts = st.text(
    st.characters(codec="utf-8", exclude_categories=["C"], exclude_characters="<>|"), min_size=1
).filter(lambda text: ":" not in text and as_words(text) is not None)
prices = st.floats(0, 1e9) | st.integers(0, 10_000).map(float)


@given(
    texts,
    texts,
    prices,
    st.sampled_from([*itertools.permutations(FIELDS), ("price",), ("category", "price")]),
)
def test_every_products_answer_reads_back_to_its_fields(title, category, price, fields):
    form = PromptForm(answer=labelled_answer(fields))
    product = _Product({"title": title, "category": category, "price": price})

    answer = parse_answer(form.target(product), form)

    wanted = {"title": as_words(title), "category": as_words(category), "price": price}
    assert {name: getattr(answer, name) for name in fields} == {name: wanted[name] for name in fields}


@given(st.text(), prices)
def test_a_form_without_labels_reads_back_too(title, price):
    form = PromptForm(answer="{title} ({full_price})")
    title = as_words(title.replace("<", "").replace(">", "").replace("|", ""))

    answer = parse_answer(f"{title} ({price})", form)

    assert (answer.title, answer.price) == (title, price) or title is None or "(" in title


@given(st.text())
def test_no_text_is_too_strange_to_be_read(text):
    answer = parse_answer(text, FORM)

    assert answer.price is None or answer.price >= 0


class _Product:
    source, key, flaws = "made", "row 0", {}

    def __init__(self, fields):
        self.fields = fields
