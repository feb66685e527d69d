from dataclasses import replace
from pathlib import Path

import pytest

from finetune.arms import held_out_sources, plan_arms, plan_runs
from finetune.config import DataConfig, RunConfig, SourceConfig
from finetune.errors import ConfigError

SOURCES = (
    SourceConfig(name="shop", path="shop", weight=3.0),
    SourceConfig(name="museum", path="museum", weight=1.0),
    SourceConfig(name="synthetic", path="template:starter", weight=0.1),
)
CONFIG = RunConfig(model="tiny", out="unused", data=DataConfig(sources=SOURCES), steps=7, seed=5)


def _weights(run):
    return {source.name: source.weight for source in run.config.data.sources}


def test_ratios_are_shares_of_synthetic_samples():
    arms = plan_arms(["synthetic", "mixed", "real"], [1, 0.5, 0.25, 0])

    assert [(arm.name, arm.ratio) for arm in arms] == [
        ("real", 0), ("mixed 25%", 0.25), ("mixed 50%", 0.5), ("synthetic", 1),
    ]  # fmt: skip


def test_only_the_arms_that_are_named_are_run():
    assert [arm.name for arm in plan_arms(["synthetic"], [0, 0.5, 1])] == ["synthetic"]
    assert [arm.name for arm in plan_arms(["mixed"], [0, 0.5, 1])] == ["mixed 50%"]


def test_all_runs_have_equal_steps_and_sources_keep_their_weights_within_their_kind():
    arms = plan_arms(["real", "synthetic", "mixed"], [0.25])

    runs = plan_runs(CONFIG, arms, seeds=2, out=Path("out"))

    assert {run.config.steps for run in runs} == {7}
    assert [(run.arm.name, run.seed, run.config.seed, run.config.data.seed) for run in runs[:2]] == [
        ("real", 5, 5, 5), ("real", 6, 6, 6),
    ]  # fmt: skip
    assert _weights(runs[0]) == {"shop": 0.75, "museum": 0.25}
    assert _weights(runs[2]) == {"shop": 0.5625, "museum": 0.1875, "synthetic": 0.25}
    assert _weights(runs[4]) == {"synthetic": 1.0}
    assert len({run.config.out for run in runs}) == 6


def test_all_arms_are_tested_on_the_real_sources():
    assert [source.name for source in held_out_sources(CONFIG)] == ["shop", "museum"]


@pytest.mark.parametrize(
    ("arms", "ratios", "message"),
    [
        (["fake"], [0.5], "arms: found fake; allowed are real, synthetic, mixed"),
        ([], [0.5], "arms: found none"),
        (["mixed"], [0, 1], "needs at least one between 0 and 1"),
        (["mixed"], [1.5], "ratios: found 1.5"),
        (["mixed"], [float("nan")], "ratios: found nan"),
    ],
)
def test_bad_arms_are_refused(arms, ratios, message):
    with pytest.raises(ConfigError, match=message):
        plan_arms(arms, ratios)


def test_an_arm_without_sources_is_refused():
    real_alone = replace(CONFIG, data=replace(CONFIG.data, sources=SOURCES[:2]))

    with pytest.raises(ConfigError, match="arm mixed 50%: the config has no synthetic source"):
        plan_runs(real_alone, plan_arms(["mixed"], [0.5]), seeds=1, out=Path("out"))
    with pytest.raises(ConfigError, match="seeds is 0"):
        plan_runs(CONFIG, plan_arms(["real"], []), seeds=0, out=Path("out"))
