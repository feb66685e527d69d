import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from samplegen.fidelity import columns, privacy, titles
from samplegen.fidelity.scores import NotMeasurable
from samplegen.fidelity.tables import to_frame


def frame(**values):
    return pd.DataFrame({name: pd.Series(column, dtype=object) for name, column in values.items()})


def test_shapes_are_sdmetrics_complements():
    real = frame(category1_code=["A"] * 6 + ["B"] * 4)
    other = frame(category1_code=["A"] * 4 + ["B"] * 4 + ["C"] * 2)

    # Shares 0.6, 0.4, 0 against 0.4, 0.4, 0.2: half of the absolute differences is 0.2.
    assert columns.column_shapes(real, other).value == pytest.approx(0.8)


def test_price_bins_are_deciles_of_both_tables():
    prices = np.arange(100.0)
    real = frame(category1_code=["A"] * 100).assign(full_price=prices)
    shifted = real.assign(full_price=prices + 10)  # one of ten bins further

    value = columns.pair_trends(real, shifted).value
    assert value == pytest.approx(0.9, abs=0.03)


def test_unseen_triples_are_counted():
    real = frame(category1_code=["A", "A"], category2_code=["B", "B"], category3_code=["C", "D"])
    other = real.assign(category3_code=["C", "E"])
    found = columns.category_triples(real, other)

    assert found.value == pytest.approx(0.5)
    assert found.details["rows_in_triples_unseen_in_real"] == 0.5


def test_title_measures_count_words_titles_and_repeats():
    real = frame(title=["Red Hat", "Red Hat", "Blue Hat", "Red Scarf"])
    other = frame(title=["Red Hat", "Red Coat", "Red Coat", "Red Coat"])

    assert titles.titles_copied(real, other).value == 0.25
    assert titles.title_words_covered(real, other).value == 0.5  # Red and Hat, not Blue and Scarf
    assert titles.title_words_known(real, other).value == pytest.approx(5 / 8)
    assert titles.distinct_titles(real, other).value == pytest.approx(2 / 3)
    assert titles.title_repeats(real, other).value == pytest.approx(0.25)  # 2, 2, 1, 1 against 1, 3, 3, 3


def test_distance_is_0_for_equal_rows_and_1_for_rows_with_nothing_in_common():
    left = frame(category1_code=["A"] * 10, title=["Red Hat"] * 10).assign(full_price=[10.0] * 10)
    right = frame(category1_code=["B"] * 10, title=["Blue Coat"] * 10).assign(full_price=[100.0] * 10)

    space = privacy.Space([left, right])
    assert (space.closest(left, left.copy()) == 0).all()
    assert space.closest(left, right) == pytest.approx(np.ones(10))


@pytest.mark.parametrize("gap", ["", "  "])
def test_rows_without_a_title_are_as_near_as_the_rest_of_them(gap):
    left = frame(category1_code=["A"] * 10, title=[gap] * 10).assign(full_price=[10.0] * 10)
    titled = left.assign(title="Red Hat")
    space = privacy.Space([left, titled])

    assert (space.closest(left, left.copy()) == 0).all()
    assert space.closest(left, titled) == pytest.approx(np.full(10, 1 / 3))


def test_the_closest_of_many_rows_is_found_wherever_it_stands():
    # More rows than one piece of the work holds.
    many = frame(title=[f"Hat {n}" for n in range(5200)]).assign(full_price=np.arange(5200.0) + 1)
    few = many.iloc[[0, 4999, 5000, 5199] * 200]

    assert (privacy.Space([few, many]).closest(few, many) == 0).all()


def test_rows_copied_needs_all_columns_equal():
    real = frame(category1_code=["A", "A"], title=["Hat", "Coat"]).assign(full_price=[10.0, 20.0])
    other = real.assign(full_price=[10.0, 21.0])

    assert privacy.rows_copied(real, other).value == 0.5


def test_a_row_without_a_price_is_a_copy_of_the_same_row_without_one():
    real = frame(category1_code=["A", "A"], title=["Hat", "Coat"]).assign(full_price=[10.0, np.nan])

    assert privacy.rows_copied(real, real).value == 1


def test_missing_titles_are_no_copies():
    real = to_frame(pa.table({"category1_code": ["A"] * 4, "title": [None, None, "", "Hat"]}))
    other = to_frame(pa.table({"category1_code": ["A"] * 4, "title": [None, "", "Hat", "Coat"]}))

    assert titles.titles_copied(real, other).value == 0.5  # Hat, not Coat
    assert privacy.rows_copied(real, other).value == 0.5
    with pytest.raises(NotMeasurable, match="no titles"):
        titles.titles_copied(real, other.iloc[:2])
