from collections import Counter
from fractions import Fraction
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.config import DataConfig, MixtureConfig, ScheduleConfig, SourceConfig
from finetune.data import Mixture

WEIGHTS = st.lists(st.floats(0, 1) | st.integers(0, 20).map(float), min_size=1, max_size=6).filter(any)
SIZES = st.none() | st.integers(1, 50)


def mixture(weights, sizes=None, *, seed=0, exhausted="oversample", **schedule):
    sources = tuple(
        SourceConfig(name=f"s{number}", path=str(number), weight=weight)
        for number, weight in enumerate(weights)
    )
    if "start" in schedule:
        ends = {name: {f"s{n}": w for n, w in enumerate(schedule[name])} for name in ("start", "end")}
        schedule = {**schedule, **ends}
    config = DataConfig(
        sources=sources,
        mixture=MixtureConfig(exhausted=exhausted, schedule=ScheduleConfig(**schedule)),
        seed=seed,
    )
    return Mixture(config, sizes or [None] * len(weights))


def counts_of(draws, sources):
    counted = Counter(draw.source for draw in draws)
    return [counted[source] for source in range(sources)]


@settings(max_examples=12, deadline=None)
@given(weights=WEIGHTS)
def test_ten_thousand_draws_meet_any_weights(weights):
    draws = islice(mixture(weights).draws(), 10_000)
    total = sum(map(Fraction, weights))

    for count, weight in zip(counts_of(draws, len(weights)), weights, strict=True):
        assert abs(count - 10_000 * Fraction(weight) / total) < 1


@settings(max_examples=30, deadline=None)
@given(weights=WEIGHTS)
def test_shares_are_met_at_every_moment(weights):
    total = sum(map(Fraction, weights))
    shares = [Fraction(weight) / total for weight in weights]
    counted = [0] * len(weights)
    for draw in islice(mixture(weights).draws(), 300):
        counted[draw.source] += 1
        assert all(
            abs(count - (draw.number + 1) * share) < 1 for count, share in zip(counted, shares, strict=True)
        )


@pytest.mark.parametrize("begin", [0, 1, 4_321, 123_457])
def test_any_ten_thousand_draws_of_two_sources_meet_their_ratio(begin):
    draws = islice(mixture([0.3, 0.7]).draws(begin), 10_000)

    assert counts_of(draws, 2) == [3_000, 7_000]


@settings(deadline=None)
@given(
    start=st.lists(st.floats(0, 1), min_size=3, max_size=3).filter(any),
    end=st.lists(st.floats(0, 1), min_size=3, max_size=3).filter(any),
    kind=st.sampled_from(["warmup", "linear"]),
)
def test_a_schedule_s_shares_add_up_at_every_moment(start, end, kind):
    counted = [0, 0, 0]
    expected = [Fraction(0)] * 3
    first, last = ([Fraction(w) / sum(map(Fraction, weights)) for w in weights] for weights in (start, end))
    for draw in islice(mixture([1, 1, 1], kind=kind, draws=60, start=start, end=end).draws(), 120):
        counted[draw.source] += 1
        # The middle of the draw, on the line from one to the other.
        at = min(Fraction(2 * draw.number + 1, 120), 1) if kind == "linear" else int(draw.number >= 60)
        expected = [sum_ + a + (b - a) * at for sum_, a, b in zip(expected, first, last, strict=True)]
        assert all(abs(count - sum_) < 1 for count, sum_ in zip(counted, expected, strict=True))


def test_a_warm_up_is_synthetic_alone_and_then_real_alone():
    config = DataConfig(
        sources=(SourceConfig(name="real", path="x"), SourceConfig(name="made", path="template:burberry")),
        mixture=MixtureConfig(schedule=ScheduleConfig(kind="warmup", draws=7)),
    )

    assert [draw.source for draw in islice(Mixture(config, [5, None]).draws(), 10)] == [1] * 7 + [0] * 3


@settings(max_examples=40, deadline=None)
@given(
    weights=WEIGHTS.filter(lambda weights: len(weights) > 1),
    data=st.data(),
    kind=st.sampled_from(["constant", "linear"]),
    begin=st.integers(0, 300),
)
def test_a_run_resumes_from_the_number_of_its_draws(weights, data, kind, begin):
    sizes = [data.draw(SIZES) for _ in weights]
    schedule = {} if kind == "constant" else {"start": weights[::-1], "end": weights, "draws": 100}

    def make():
        return mixture(weights, sizes, kind=kind, **schedule)

    assert list(islice(make().draws(), begin, begin + 50)) == list(islice(make().draws(begin), 50))


def test_resuming_far_along_is_quick_because_a_constant_mixture_repeats_its_order():
    draws = list(islice(mixture([0.3, 0.7]).draws(10**15), 10))

    assert draws[0].number == 10**15
    assert counts_of(draws, 2) == [3, 7]


def test_oversampling_reads_every_row_once_before_any_again_and_in_another_order():
    rows = [draw.row for draw in islice(mixture([1], [20]).draws(), 60)]

    assert [sorted(rows[start : start + 20]) for start in (0, 20, 40)] == [list(range(20))] * 3
    assert rows[:20] != rows[20:40]


def test_a_mixture_that_stops_ends_where_a_source_does():
    stopping = mixture([1, 3], [5, 9], exhausted="stop")
    draws = list(stopping.draws())

    assert counts_of(draws, 2) == [3, 9]
    assert stopping.length(1000) == len(draws) == 12
    assert stopping.length(7) == 7


def test_another_seed_gives_another_order_of_rows():
    one, other = ([d.row for d in islice(mixture([1], [30], seed=seed).draws(), 30)] for seed in (1, 2))

    assert one != other


def test_an_endless_source_is_read_in_order():
    draws = islice(mixture([1, 1], [3, None]).draws(), 20)

    assert [draw.row for draw in draws if draw.source == 1] == list(range(10))


@settings(deadline=None)
@given(
    weight=st.floats(1e-6, 1), size=st.integers(1, 10), number=st.integers(0, 20), attempt=st.integers(1, 5)
)
def test_a_replacement_is_a_row_of_the_same_source(weight, size, number, attempt):
    made = mixture([weight, 1], [size, None])
    draw = next(made.draws(number))
    row = made.replacement(draw, attempt)

    assert 0 <= row < (size if draw.source == 0 else 2**30)
    assert mixture([weight, 1], [size, None]).replacement(draw, attempt) == row
