from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.evaluation.bootstrap import bootstrap, draw_weights, weighted_mean, weighted_median

RNG = np.random.default_rng(5)


def _mean_of(values):
    return partial(weighted_mean, np.asarray(values, float))


@given(st.lists(st.tuples(st.floats(-1e6, 1e6) | st.just(np.nan), st.integers(0, 4)), min_size=1))
def test_weighted_values_are_those_of_repeated_rows(rows):
    values, times = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    repeated = np.repeat(values, times)
    repeated = repeated[~np.isnan(repeated)]
    weights = times[None].astype(float)

    mean, median = weighted_mean(values, weights)[0], weighted_median(values, weights)[0]

    if len(repeated):
        np.testing.assert_allclose(mean, repeated.mean(), rtol=1e-9, atol=1e-6)
        np.testing.assert_allclose(median, np.median(repeated), rtol=1e-12)
    else:
        assert np.isnan(mean)
        assert np.isnan(median)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    # 200 samples of 60 values whose mean is 0: of 95% intervals about 190 hold it; 6 deviations are 18.
    samples = RNG.normal(size=(200, 60))

    found = [bootstrap(_mean_of(sample), np.arange(60), draws=400) for sample in samples]

    assert 172 <= sum(interval.low <= 0 <= interval.high for interval in found) <= 199


def test_rows_of_one_style_do_not_make_an_interval_narrower():
    values = RNG.normal(size=20)
    alone = bootstrap(_mean_of(values), np.arange(20))
    tenfold = bootstrap(_mean_of(np.repeat(values, 10)), np.repeat(np.arange(20), 10))

    assert tenfold.high - tenfold.low == pytest.approx(alone.high - alone.low, rel=1e-6)


def test_rows_of_a_single_style_are_drawn_one_by_one():
    interval = bootstrap(_mean_of([0, 1] * 20), np.zeros(40, int))

    assert interval.low < 0.5 < interval.high


def test_same_seed_gives_same_draws_and_another_gives_others():
    groups = np.arange(30) // 2
    first, again, other = (np.concatenate(list(draw_weights(groups, draws=50, seed=s))) for s in (1, 1, 2))

    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    np.testing.assert_array_equal(first[:, ::2], first[:, 1::2])
    assert set(first.sum(axis=1)) == {30}


def test_draws_do_not_depend_on_how_many_fit_into_memory(monkeypatch):
    groups = np.arange(40)
    whole = np.concatenate(list(draw_weights(groups, draws=30, seed=0)))
    monkeypatch.setattr("finetune.evaluation.bootstrap._CELLS", 40 * 7)

    np.testing.assert_array_equal(np.concatenate(list(draw_weights(groups, draws=30, seed=0))), whole)


def test_nothing_measured_has_no_interval():
    assert bootstrap(_mean_of([]), np.array([], int)) is None
    assert bootstrap(_mean_of([np.nan, np.nan]), np.arange(2)) is None
