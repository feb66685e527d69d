import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from samplegen.fidelity.two_sample import area_under_curve

_SCORES = st.lists(st.integers(-5, 5), min_size=1, max_size=30)


@given(_SCORES, _SCORES)
def test_area_is_the_chance_that_a_positive_ranks_higher(negatives, positives):
    wins = np.mean([(p > n) + 0.5 * (p == n) for p in positives for n in negatives])
    area, (low, high) = area_under_curve(np.array(negatives, float), np.array(positives, float))

    assert area == pytest.approx(wins)
    assert 0 <= low <= area <= high <= 1


def test_interval_covers_the_truth_about_as_often_as_it_says():
    # Normal scores one standard deviation apart: the true area is Phi(1 / sqrt 2) = 0.7602.
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(300):
        _, (low, high) = area_under_curve(rng.normal(size=60), rng.normal(1, size=60))
        covered += low <= 0.7602 <= high

    assert 0.90 < covered / 300 < 0.99


def test_area_agrees_with_mann_and_whitneys_statistic():
    rng = np.random.default_rng(1)
    negatives, positives = rng.normal(size=40), rng.normal(0.5, size=30)
    expected = mannwhitneyu(positives, negatives).statistic / (40 * 30)

    assert area_under_curve(negatives, positives)[0] == pytest.approx(expected)
