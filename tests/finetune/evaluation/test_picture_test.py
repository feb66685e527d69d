import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.answers import Answer
from finetune.errors import DataError
from finetune.evaluation.picture_test import picture_gain, shuffled_order
from finetune.evaluation.scores import judge

from .test_scores import Truth

STYLES = ["BAGS", "BELTS", "HATS", "TOPS"]
TRUTHS = [Truth(category=STYLES[n % 4], price=10.0 + n % 4, group=f"style {n // 2}") for n in range(80)]


@given(st.lists(st.sampled_from("abcde"), min_size=2), st.integers(0, 2**32))
def test_a_shuffle_gives_every_picture_to_another_product(groups, seed):
    order = shuffled_order(groups, seed=seed)

    assert sorted(order) == list(range(len(groups)))
    assert all(place != other for place, other in enumerate(order))
    if 2 * max(groups.count(group) for group in groups) <= len(groups):
        assert all(groups[place] != groups[other] for place, other in enumerate(order))


def test_same_seed_gives_same_shuffle():
    groups = [str(n // 3) for n in range(60)]

    assert shuffled_order(groups, seed=1) == shuffled_order(groups, seed=1) != shuffled_order(groups, seed=2)


def test_one_product_cannot_be_shuffled():
    with pytest.raises(DataError, match="at least 2"):
        shuffled_order(["a"], seed=0)


def _judged(categories):
    return judge(TRUTHS, [Answer(category=name, price=10.0) for name in categories], fields=("category",))


def _right(share):
    return [truth.fields["category"] if n % 10 < share else "none" for n, truth in enumerate(TRUTHS)]


def test_a_model_that_reads_shows_its_gain():
    gain = picture_gain(_judged(_right(8)), _judged(_right(3)), _judged(["HATS"] * 80))

    assert gain.reads
    assert gain.shuffled["category_exact"].value == pytest.approx(0.5)
    assert gain.shuffled["category_exact"].low > 0
    assert "category right: better by 50.0 points" in gain.verdict
    assert "reads its pictures" in gain.verdict


def test_a_model_without_gain_is_said_to_ignore_its_pictures():
    elsewhere = [truth.fields["category"] if n % 10 > 5 else "none" for n, truth in enumerate(TRUTHS)]

    gain = picture_gain(_judged(_right(4)), _judged(elsewhere), _judged(elsewhere))

    assert not gain.reads
    assert gain.verdict.startswith("This model ignores its pictures")


def test_a_model_that_gains_from_the_size_of_pictures_alone_does_not_read_them():
    gain = picture_gain(_judged(_right(8)), _judged(_right(3)), _judged(_right(8)))

    assert not gain.reads
    assert "grey pictures of the same size do as well" in gain.verdict


def test_few_styles_are_mentioned():
    truths = TRUTHS[:8]
    judged = judge(truths, [Answer(category="HATS")] * 8, fields=("category",))

    assert "only 4 styles" in picture_gain(judged, judged, judged).verdict


def test_a_price_error_that_falls_is_a_gain():
    truths = [Truth(price=100.0, group=str(n)) for n in range(30)]
    near, far = (judge(truths, [Answer(price=price)] * 30) for price in (90.0, 50.0))

    gain = picture_gain(near, far, far).shuffled

    assert gain["price_mae"].value == pytest.approx(40)
    assert gain["price_within_10"].value == pytest.approx(1)
    assert picture_gain(near, far, far).reads


def test_few_styles_are_mentioned_of_a_model_that_seems_to_read_too():
    truths = [truth for truth in TRUTHS if truth.group in {TRUTHS[0].group, TRUTHS[-1].group}]
    right, wrong = (
        judge(
            truths,
            [Answer(category=text or truth.fields["category"]) for truth in truths],
            fields=("category",),
        )
        for text in ("", "none")
    )

    verdict = picture_gain(right, wrong, wrong).verdict

    assert "reads its pictures" in verdict
    assert "only 2 styles: this may be chance" in verdict
