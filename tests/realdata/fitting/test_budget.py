import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import default_rng

from samplegen.realdata.fitting import FitOptions, fit_template
from samplegen.realdata.fitting.budget import Budget, discrete_laplace, margin
from samplegen.realdata.fitting.private import SHARES
from samplegen.realdata.fitting.vocabulary import load_words
from samplegen.templates import load_template

from .tables import french_rows, write_csv


def test_the_questions_share_the_whole_budget():
    assert sum(SHARES.values()) == pytest.approx(1)


def test_more_than_the_budget_cannot_be_spent():
    budget = Budget(1.0, 1e-6, seed=1)
    budget.public_counts("all of it", {}, ["a"], share=1.0)

    with pytest.raises(AssertionError, match="one more overdraws the budget"):
        budget.public_counts("one more", {}, ["a"], share=0.1)


@given(epsilon=st.floats(0.01, 5), delta=st.floats(1e-9, 1e-2))
def test_noise_reaches_the_margin_with_delta_at_most(epsilon, delta):
    ratio = math.exp(-epsilon)
    tail = ratio ** margin(epsilon, delta) / (
        1 + ratio
    )  # P(noise >= margin) of the discrete Laplace distribution

    assert tail <= delta * (1 + 1e-9)


def test_noise_spreads_as_epsilon_says():
    rng = default_rng(3)
    noise = [discrete_laplace(rng, 0.5) for _ in range(20_000)]
    ratio = math.exp(-0.5)

    # The variance of the discrete Laplace distribution is 2r / (1 - r)**2; four standard errors.
    assert sum(noise) / len(noise) == pytest.approx(0, abs=4 * math.sqrt(2 * ratio) / (1 - ratio) / 141)
    assert sum(n * n for n in noise) / len(noise) == pytest.approx(2 * ratio / (1 - ratio) ** 2, rel=0.1)


@given(count=st.integers(0, 4), seed=st.integers(0, 10_000))
def test_a_key_of_few_rows_is_never_told(count, seed):
    budget = Budget(0.01, 0.5, seed=seed)

    told = budget.found_counts("keys", {"rare": count}, share=1.0, delta_share=1.0, min_count=5)

    assert told == {}


def test_every_public_key_has_an_answer_also_where_no_row_has_it():
    answers = Budget(1.0, 0.0, seed=1).public_counts("keys", {"a": 10}, ["a", "b", "c"], share=1.0)

    assert list(answers) == ["a", "b", "c"]


@pytest.fixture(scope="module")
def private(tmp_path_factory):
    folder = tmp_path_factory.mktemp("private")
    table = write_csv(folder / "list.csv", french_rows(600))
    for name in ("one", "two"):
        fit_template(table, folder / name / "mine", FitOptions(epsilon=2.0, seed=7))
    return folder


def test_the_pack_accounts_for_its_budget(private):
    fitted = load_template(private / "one" / "mine").settings.fitted

    assert fitted.epsilon == 2.0
    assert sum(query.epsilon for query in fitted.queries) == pytest.approx(2.0)
    assert sum(query.delta for query in fitted.queries) == pytest.approx(fitted.delta)
    assert {query.name for query in fitted.queries} == set(SHARES)


def test_the_seed_of_the_noise_is_not_told(private):
    fitted = yaml.safe_load((private / "one" / "mine" / "template.yaml").read_text("utf-8"))["fitted"]

    assert "seed" not in fitted
    assert "--seed" not in (private / "one" / "mine" / "README.md").read_text("utf-8")


def test_same_seed_same_private_pack(private):
    first, second = (private / name / "mine" / "catalog.yaml" for name in ("one", "two"))

    assert first.read_bytes() == second.read_bytes()


def test_without_a_seed_noise_differs(private, tmp_path):
    for name in ("one", "two"):
        fit_template(private / "list.csv", tmp_path / name / "mine", FitOptions(epsilon=2.0))
    first, second = (tmp_path / name / "mine" / "catalog.yaml" for name in ("one", "two"))

    assert first.read_bytes() != second.read_bytes()


def test_titles_of_a_private_pack_are_made_of_public_words(private):
    words = load_words("fr")
    public = {phrase for phrases in words.public.values() for phrase in phrases}
    for line in load_template(private / "one" / "mine").catalog.lines.values():
        assert {word for slot in line.slots.values() for word in slot} <= public
