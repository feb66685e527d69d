"""The settings that the documentation gives people to run."""

from pathlib import Path

import pytest

from finetune.arms import plan_arms, plan_runs
from finetune.config import load_run

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.yaml")), ids=lambda path: path.name)
def test_settings_of_the_documentation_can_be_read(path):
    assert load_run(path).steps > 0


def test_the_worked_example_asks_for_category_and_price_and_holds_styles_out():
    run = load_run(DOCS / "worked-example.yaml")

    assert run.data.prompt.build().fields == ("category", "price")
    assert run.data.splits.test > 0


def test_the_comparison_has_all_arms_and_answers_with_the_class_alone(tmp_path):
    run = load_run(DOCS / "compare-clothing.yaml")

    runs = plan_runs(run, plan_arms(["real", "mixed", "synthetic"], [0.25, 0.5, 0.75]), seeds=3, out=tmp_path)

    assert len(runs) == 15
    assert run.data.prompt.build().fields == ("category",)
    assert len(set(run.data.sources[1].categories.values())) == 10
