import math
from dataclasses import FrozenInstanceError

import pytest
import yaml

from finetune.config.reading import build, plain, write_yaml
from finetune.config.run import RunConfig, differences, load_run
from finetune.errors import ConfigError

LEAST = {"model": "m", "out": "o", "data": {"sources": [{"name": "real", "path": "photos"}]}}


@pytest.fixture
def written(tmp_path):
    """Write settings to a file, besides the least that a run needs."""

    def write(**changes):
        path = tmp_path / "run.yaml"
        path.write_text(yaml.safe_dump({**LEAST, **changes}))
        return path

    return write


def test_settings_are_written_and_read_as_they_were(written, tmp_path):
    config = load_run(
        written(
            lora={"rank": 8, "head": True},
            optim={"vision": 1e-6},
            data={**LEAST["data"], "mixture": {"schedule": {"kind": "linear", "draws": 10, "start": {"real": 1}, "end": {"real": 2}}}},
        )
    )  # fmt: skip

    write_yaml(config, tmp_path / "resolved.yaml")

    assert load_run(tmp_path / "resolved.yaml") == config
    assert set(yaml.safe_load((tmp_path / "resolved.yaml").read_text())) == set(
        RunConfig.__dataclass_fields__
    )


def test_settings_are_frozen(written):
    with pytest.raises(FrozenInstanceError):
        load_run(written()).steps = 3


def test_set_reaches_every_setting(written):
    config = load_run(
        written(),
        changes=[
            "optim.learning_rate=1e-5",
            "data.sources.0.weight=0.5",
            "lora.rank=4",
            "train=[text]",
            "steps=7",
        ],
    )

    assert (config.optim.learning_rate, config.data.sources[0].weight) == (1e-5, 0.5)
    assert (config.lora.rank, config.train, config.steps) == (4, ("text",), 7)


def test_set_reaches_a_source_that_is_written_in_short(written):
    short = written(data={"sources": ["real=photos:0.3", "other=more"]})

    config = load_run(short, changes=["data.sources.0.weight=0.5"])

    found = [(source.name, source.path, source.weight) for source in config.data.sources]
    assert found == [("real", "photos", 0.5), ("other", "more", 1.0)]


@pytest.mark.parametrize(
    "text", ["steps: 1\nsteps: 2\n", "optim:\n  clip: 1\n  beta1: 0\n  clip: 0\n", "{a: 1, 'a': 1}"]
)
def test_a_key_that_is_there_twice_is_refused(tmp_path, text):
    path = tmp_path / "run.yaml"
    path.write_text(text)

    with pytest.raises(ConfigError, match=r"(?s)the key '\w+' is there twice.*line"):
        load_run(path)


def test_settings_that_are_nested_too_deeply_are_refused(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("[" * 1000)

    with pytest.raises(ConfigError, match="nested too deeply"):
        load_run(path)


def test_keys_that_an_anchor_brings_may_be_set_again(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text(
        "model: m\nout: o\ndata:\n  sources:\n    - &first {name: a, path: p}\n    - {<<: *first, name: b}\n"
    )

    assert [source.name for source in load_run(path).data.sources] == ["a", "b"]


def test_all_settings_that_are_missing_are_named(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text("steps: 1")

    with pytest.raises(ConfigError, match="config: model and out and data must be given"):
        load_run(path)


def test_what_an_earlier_run_did_not_know_has_its_default():
    now = build(RunConfig, {**LEAST, "steps": 3})
    earlier = plain(now)
    del earlier["shard"], earlier["optim"]["clip"]

    assert differences(earlier, now) == []
    assert differences({**earlier, "steps": 4}, now) == ["steps is 4 there, 3 here"]
    assert differences({**earlier, "gone": 1}, now)


def test_sources_of_the_command_line_stand_in_for_those_of_the_file(written):
    config = load_run(written(), sources=["real=photos:0.3", "synthetic=template:burberry:0.7"])

    found = [(source.name, source.path, source.weight) for source in config.data.sources]
    assert found == [("real", "photos", 0.3), ("synthetic", "template:burberry", 0.7)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"step": 3}, "config: 'step' is not known; did you mean steps"),
        ({"optim": {"learning_rat": 1}}, "optim: 'learning_rat' is not known; did you mean learning_rate"),
        ({"steps": "many"}, "steps: found 'many'; allowed is a whole number"),
        ({"steps": True}, "steps: found True; allowed is a whole number"),
        ({"steps": 0}, "steps is 0; allowed are whole numbers from 1 on"),
        ({"method": "lorra"}, "method: found 'lorra'; allowed are lora, dora, qlora, full"),
        ({"optim": {"learning_rate": "fast"}}, "optim.learning_rate: found 'fast'; allowed is a number"),
        ({"optim": 3}, "optim: found 3; allowed is a mapping"),
        (
            {"data": {"sources": [{"name": "a", "path": "b", "wait": 1}]}},
            "data.sources.0: 'wait' is not known",
        ),
        ({"data": {"sources": [{"name": "a", "path": "b", "weight": 0}]}}, "sum to 0"),
        ({"data": {}}, "data: sources must be given"),
        ({"train": []}, "no part learns"),
        ({"out": ""}, "out is ''; give a folder"),
        ({"model": "a\0b"}, "give a folder"),
        ({"workers": 10_000}, "workers is 10000; allowed are 0 to 1024"),
        ({"optim": {"clip": math.nan}}, "optim.clip is nan; allowed are numbers from 0 to"),
        (
            {"optim": {"weight_decay": math.inf}},
            "optim.weight_decay is inf; allowed are numbers from 0 to",
        ),
        ({"optim": {"epsilon": math.inf}}, "epsilon is above 0"),
        ({"seed": 2**32}, "seed is 4294967296; allowed are 0 to 2**32 - 1"),
        ({"train": "text"}, "train: found 'text'; allowed is a list"),
        ({"lora": {"rank": 0}}, "lora.rank is 0"),
        ({"evaluation": {"metric": "category_exact", "answers": 0}}, "needs answers"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_allowed(written, changes, message):
    with pytest.raises(ConfigError) as caught:
        load_run(written(**changes))

    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["- 1", "{", "!!python/object/apply:os.system ['true']"])
def test_a_file_of_something_else_is_refused(tmp_path, text):
    path = tmp_path / "run.yaml"
    path.write_text(text)

    with pytest.raises(ConfigError, match=r"run\.yaml"):
        load_run(path)


@pytest.mark.parametrize("change", ["steps", "=3", "steps.of=3", "data.sources.9=1", "model: ]"])
def test_a_change_that_leads_nowhere_is_refused(written, change):
    with pytest.raises(ConfigError, match=r"setting|steps: found"):
        load_run(written(), changes=[change])


def test_plain_values_build_equal_settings():
    config = build(RunConfig, LEAST)

    assert build(RunConfig, plain(config)) == config
