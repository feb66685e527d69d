import json
from dataclasses import replace
from pathlib import Path

import pytest

from finetune.arms import plan_arms, plan_runs, run_experiment
from finetune.arms.report import is_comparison, table, write_comparison
from finetune.arms.run import RESULT
from finetune.config import DataConfig, EvaluationConfig, PromptConfig, RunConfig, SourceConfig
from finetune.errors import ConfigError
from finetune.evaluation.evaluate import EvaluationSettings
from samplegen import Recipe, write_dataset

SETTINGS = EvaluationSettings(limit=6, max_new_tokens=2, draws=50)


@pytest.fixture(scope="module")
def config(model_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "garments"
    write_dataset(Recipe(rows=120, template="starter", image_size=64), folder)
    sources = (
        SourceConfig(name="real", path=str(folder)),
        SourceConfig(name="synthetic", path="template:starter", image_size=64),
    )
    return RunConfig(
        model=str(model_folder),
        out="unused",
        method="full",
        data=DataConfig(sources=sources, num_crops=1, prompt=PromptConfig(fields=("category", "price"))),
        evaluation=EvaluationConfig(every=0),
        steps=1,
        batch_size=1,
        workers=0,
        track="none",
        device="cpu",
    )


def _run(config, out, arms=("real", "mixed")):
    seen = []
    runs = plan_runs(config, plan_arms(arms, [0.5]), seeds=1, out=out)
    found = run_experiment(
        config, runs, settings=SETTINGS, on_run=lambda run, finished: seen.append((run.arm.name, finished))
    )
    return found, seen


def _on_a_gpu(result):
    """Give a result as a GPU writes it, on which auto is bf16."""
    written = json.loads(result.read_text(encoding="utf-8"))
    written["told"]["config"]["precision"] = "bf16"
    return json.dumps(written)


def test_an_experiment_is_gone_on_with_arm_by_arm(config, tmp_path):
    _, first = _run(config, tmp_path, arms=("real",))
    weights = (tmp_path / "ratio-0-seed-0" / "final" / "model.safetensors").stat()

    whole, second = _run(config, tmp_path)
    again, third = _run(replace(config, precision="float32"), tmp_path)  # what auto is on a CPU

    assert first == [("real", False)]
    assert second == [("real", True), ("mixed 50%", False)]
    assert third == [("real", True), ("mixed 50%", True)]
    assert again == whole
    assert (tmp_path / "ratio-0-seed-0" / "final" / "model.safetensors").stat() == weights
    assert (whole.products, whole.tested_on, whole.steps) == (6, ["real"], 1)
    with pytest.raises(ConfigError, match="is of a run with other settings"):
        _run(replace(config, steps=2), tmp_path)

    (tmp_path / "ratio-0-seed-0" / RESULT).write_text(_on_a_gpu(tmp_path / "ratio-0-seed-0" / RESULT))
    with pytest.raises(ConfigError, match="is of a run with other settings"):
        _run(config, tmp_path)

    assert is_comparison(tmp_path)  # of which only runs are there
    paths = write_comparison(tmp_path / "out", whole)

    assert is_comparison(tmp_path / "out")
    assert [Path(path).name for path in paths] == ["comparison.md", "comparison.svg", "comparison.json"]
    rows = [line.split(" | ")[0] for line in table(whole).splitlines() if line.startswith("| ")]
    assert rows == ["| arm", "| real", "| mixed 50%", "| majority", "| category median"]
    assert "mixed 50%" in paths[1].read_text(encoding="utf-8")
