import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.config import (
    DataConfig,
    MixtureConfig,
    PromptConfig,
    ScheduleConfig,
    SourceConfig,
    SplitConfig,
    parse_source,
    schedule_weights,
)
from finetune.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "name", "path", "weight"),
    [
        ("real=photos:0.3", "real", "photos", 0.3),
        ("real=photos", "real", "photos", 1.0),
        ("photos/clothes", "clothes", "photos/clothes", 1.0),
        ("synthetic=template:burberry:0.7", "synthetic", "template:burberry", 0.7),
        ("synthetic=template:burberry", "synthetic", "template:burberry", 1.0),
        ("template:burberry:2", "burberry", "template:burberry", 2.0),
        ("template:7", "7", "template:7", 1.0),
        ("real=C:\\data\\photos:0.3", "real", "C:\\data\\photos", 0.3),
        ("real=C:\\data", "real", "C:\\data", 1.0),
        ("real=a:b:c", "real", "a:b:c", 1.0),
        ("real=a:1e-3", "real", "a", 0.001),
        ("real=OWNER/NAME:1", "real", "OWNER/NAME", 1.0),
        ("real=day=1/x.parquet:.5", "real", "day=1/x.parquet", 0.5),
        ("/data/day=1:3", "day-1", "/data/day=1", 3.0),
    ],
)
def test_a_source_is_read_as_it_is_typed(text, name, path, weight):
    assert parse_source(text) == SourceConfig(name=name, path=path, weight=weight)


@settings(deadline=None)
@given(
    name=st.from_regex(r"[a-z]{1,8}", fullmatch=True),
    path=st.text(min_size=1).filter(lambda path: not path.startswith("template:")),
    weight=st.floats(0, 1e6),
)
def test_any_path_comes_back_when_the_weight_is_given(name, path, weight):
    assert parse_source(f"{name}={path}:{weight!r}") == SourceConfig(name=name, path=path, weight=weight)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: parse_source("real="), "write NAME=PATH:WEIGHT"),
        (lambda: parse_source("real=a:-1"), r"the weight is -1\.0"),
        (lambda: parse_source("real=a:nan"), "the weight is nan"),
        (lambda: parse_source("real=a:inf"), "the weight is inf"),
        (lambda: SourceConfig(name="a b", path="x"), "names are of letters"),
        (lambda: DataConfig(sources=()), "there is no source"),
        (lambda: data("a=x", "a=y"), "a is the name of two sources"),
        (lambda: data("a=x:0", "b=y:0"), "a=0, b=0, which sum to 0"),
        (lambda: data("a=x", num_crops=17), "num_crops is 17; allowed are 1 to 16"),
        (lambda: data("a=x", max_bad=-1), "max_bad is -1"),
        (lambda: ScheduleConfig(kind="cosine"), "allowed are constant, warmup and linear"),
        (lambda: ScheduleConfig(kind="linear"), "linear needs draws"),
        (lambda: MixtureConfig(exhausted="repeat"), "allowed are oversample and stop"),
        (lambda: scheduled("real=x"), "warmup: start: found no source"),
        (
            lambda: scheduled("real=x", "synthetic=y", start={"fake": 1}),
            "there is no source 'fake'; there are real",
        ),
        (lambda: SplitConfig(validation=0.5, test=0.5), "leave nothing to train on"),
        (lambda: SplitConfig(test=-0.1), r"test is -0\.1"),
        (lambda: PromptConfig(form="plain"), "allowed are source and chat"),
        (lambda: PromptConfig(fields=("colour",)), "found colour; give some of title, category, price"),
        (lambda: PromptConfig(fields=()), "found none"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def data(*sources, **changes):
    return DataConfig(sources=tuple(map(parse_source, sources)), **changes)


def scheduled(*sources, kind="warmup", **changes):
    schedule = ScheduleConfig(kind=kind, draws=10, **changes)
    return data(*sources, mixture=MixtureConfig(schedule=schedule))


def test_a_schedule_goes_from_the_synthetic_to_the_real_sources():
    config = scheduled("real=x:0.3", "synthetic=y:0.2", "more=template:burberry:0.6")

    assert schedule_weights(config.sources, config.mixture.schedule) == ((0, 0.2, 0.6), (0.3, 0, 0))


def test_a_schedule_s_ends_can_be_named():
    config = scheduled("a=x", "b=y", kind="linear", start={"a": 1}, end={"a": 1, "b": 3})

    assert schedule_weights(config.sources, config.mixture.schedule) == ((1, 0), (1, 3))
