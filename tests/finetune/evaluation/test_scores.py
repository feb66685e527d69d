import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from finetune.answers import Answer
from finetune.errors import DataError
from finetune.evaluation.scores import anls, judge, rouge_l, score_answers


class Truth:
    def __init__(self, *, title=None, category=None, price=None, group="one"):
        self.fields, self.group = {"title": title, "category": category, "price": price}, group


def _prices(true, written):
    return score_answers([Truth(price=price) for price in true], [Answer(price=price) for price in written])


def test_prices_are_scored_as_computed_by_hand():
    scores = _prices([100.0, 200.0, 50.0, 10.0], [110.0, 150.0, 50.0, 30.0])

    assert scores.price_parsed == 1
    assert scores.price_mae == (10 + 50 + 0 + 20) / 4
    assert scores.price_mdape == pytest.approx((0.10 + 0.25) / 2)
    logs = [math.log(111 / 101), math.log(201 / 151), 0, math.log(31 / 11)]
    assert scores.price_log_mae == pytest.approx(sum(logs) / 4)
    assert (scores.price_within_10, scores.price_within_25, scores.price_within_50) == (0.5, 0.75, 0.75)


def test_an_unparsed_price_is_a_miss_and_no_zero():
    scores = _prices([100.0, 100.0], [110.0, None])

    assert scores.price_parsed == 0.5
    assert (scores.price_mae, scores.price_mdape) == (10.0, pytest.approx(0.1))
    assert scores.price_within_50 == 0.5


def test_without_any_parsed_price_errors_have_no_value():
    scores = _prices([100.0, 100.0], [None, None])

    assert (scores.price_parsed, scores.price_within_50) == (0.0, 0.0)
    assert (scores.price_mae, scores.price_mdape, scores.price_log_mae) == (None, None, None)


def test_a_true_price_of_zero_spoils_no_score():
    scores = _prices([0.0, 100.0], [5.0, 100.0])

    assert (scores.price_mae, scores.price_mdape, scores.price_within_50) == (2.5, 0.0, 0.5)


def test_fields_that_were_not_asked_for_are_not_scored():
    truth = Truth(title="Hat", category="HATS", price=10.0)

    scores = score_answers([truth], [Answer("Hat", "HATS", 10.0)], fields=["category"])

    assert scores.as_dict() == {"category_exact": 1.0, "category_macro_f1": 1.0}


def test_a_row_without_a_category_does_not_count_for_categories():
    truths = [Truth(category="HATS"), Truth(price=1.0)]

    scores = score_answers(truths, [Answer(category="HATS", price=1.0), Answer(category="HATS", price=1.0)])

    assert (scores.category_exact, scores.category_macro_f1, scores.price_parsed) == (1.0, 1.0, 1.0)


names = st.sampled_from(["BAGS", "BELTS", "HATS", "TOPS"])


@given(st.lists(st.tuples(names, names | st.sampled_from(["junk", None])), min_size=1))
def test_macro_f1_is_that_of_scikit_learn_over_the_true_categories(pairs):
    true, written = [pair[0] for pair in pairs], [pair[1] for pair in pairs]

    scores = score_answers(
        [Truth(category=name) for name in true], [Answer(category=name) for name in written]
    )

    wanted = f1_score(
        true, [name or "" for name in written], labels=sorted(set(true)), average="macro", zero_division=0
    )
    assert scores.category_macro_f1 == pytest.approx(wanted)
    assert scores.category_exact == pytest.approx(np.mean([a == b for a, b in pairs]))


@pytest.mark.parametrize(
    ("reference", "written", "value"),
    [
        ("Check Cotton Shirt", "Check Cotton Shirt", 1.0),
        ("Check Cotton Shirt", "Cotton Check Shirt", 2 * 2 / 6),
        ("Check Cotton Shirt", "check cotton", 2 * 2 / 5),
        ("T-shirt", "t shirt", 1.0),
        ("Shirt", "Bag", 0.0),
        ("Shirt", "", 0.0),
    ],
)
def test_rouge_l_counts_words_in_common_order(reference, written, value):
    assert rouge_l(reference, written) == pytest.approx(value)


@pytest.mark.parametrize(
    ("reference", "written", "value"),
    [("Shirt", "shirt", 1.0), ("abcd", "abcx", 0.75), ("abcd", "abxx", 0.0), ("abcd", "", 0.0)],
)
def test_anls_is_zero_up_to_one_half(reference, written, value):
    assert anls(reference, written) == value


def test_titles_are_scored_as_computed_by_hand():
    truths = [Truth(title="Red  Hat"), Truth(title="Blue Hat")]

    scores = score_answers(truths, [Answer(title="Red Hat"), Answer()])

    assert (scores.title_exact, scores.title_rouge_l, scores.title_anls) == (0.5, 0.5, 0.5)


def test_answers_must_be_as_many_as_products():
    with pytest.raises(DataError, match="1 products and 0 answers"):
        judge([Truth()], [])


def test_no_products_have_no_scores():
    assert score_answers([], []).as_dict() == {}
