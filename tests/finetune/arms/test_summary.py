from dataclasses import dataclass

import pytest

from finetune.answers import Answer
from finetune.arms.summary import ArmAnswers, summarise
from finetune.evaluation.scores import judge


@dataclass(frozen=True)
class Truth:
    fields: dict
    group: str


TRUTHS = [Truth({"price": 100.0, "category": "ABCD"[n % 4]}, f"style {n // 2}") for n in range(120)]


def _judged(right, price=80.0):
    """Answers that are right about `right` products in ten."""
    answers = [
        Answer(category=truth.fields["category"] if n % 10 < right else "none", price=price)
        for n, truth in enumerate(TRUTHS)
    ]
    return judge(TRUTHS, answers)


ARMS = [
    ArmAnswers("real", 0.0, [_judged(4), _judged(6)], [_judged(2), _judged(2)]),
    ArmAnswers("mixed 50%", 0.5, [_judged(8, 90.0), _judged(9, 90.0)], [_judged(2), _judged(1)]),
]


def test_an_arms_value_is_the_mean_of_its_seeds():
    real, mixed = summarise(ARMS)

    assert (real.seeds, real.ratio) == (2, 0.0)
    assert real.values["category_exact"].value == pytest.approx(0.5)
    assert real.spread["category_exact"] == (pytest.approx(0.4), pytest.approx(0.6))
    assert real.values["price_mae"].value == pytest.approx(20)
    assert mixed.values["category_exact"].value == pytest.approx(0.85)


def test_differences_are_turned_so_that_more_is_better():
    real, mixed = summarise(ARMS)

    assert real.against == {}
    assert mixed.against["category_exact"].value == pytest.approx(0.35)
    assert mixed.against["category_exact"].low > 0
    assert mixed.against["price_mae"].value == pytest.approx(10)
    assert real.gain["category_exact"].value == pytest.approx(0.3)


def test_an_interval_holds_what_seeds_add():
    same = ArmAnswers("same", 0.0, [_judged(5)] * 3, [_judged(2)] * 3)
    other = ArmAnswers("other", 0.5, [_judged(1), _judged(5), _judged(9)], [_judged(2)] * 3)

    calm, wild = (summary.values["category_exact"] for summary in summarise([same, other]))

    assert calm.value == pytest.approx(wild.value)
    assert wild.high - wild.low > 1.5 * (calm.high - calm.low)


def test_same_seed_gives_same_intervals():
    assert summarise(ARMS, seed=3) == summarise(ARMS, seed=3) != summarise(ARMS, seed=4)
