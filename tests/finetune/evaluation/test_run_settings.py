from dataclasses import replace

import pytest

from finetune.config import Columns, DataConfig, PromptConfig, RunConfig, SourceConfig
from finetune.config.reading import write_yaml
from finetune.errors import ConfigError
from finetune.evaluation.run_settings import prompt_of_run, settings_of_run, sources_to_ask_about

PROMPT = PromptConfig(form="chat", fields=("price", "category"), question="What is it?")
RUN = RunConfig(
    model="m",
    out="o",
    data=DataConfig(sources=(SourceConfig(name="a", path="b"),), prompt=PROMPT, num_crops=2),
)


@pytest.fixture
def run_folder(tmp_path):
    (tmp_path / "final").mkdir()
    (tmp_path / "other").mkdir()
    write_yaml(RUN, tmp_path / "config.yaml")
    return tmp_path


def test_a_folder_of_a_run_brings_its_settings(run_folder):
    assert settings_of_run(None, None, run_folder / "final") == RUN
    assert settings_of_run(None, run_folder / "final", "some-model") == RUN
    assert settings_of_run(run_folder / "config.yaml", None, "some-model") == RUN


def test_another_folder_beside_some_settings_does_not(run_folder):
    assert settings_of_run(None, None, run_folder / "other") is None
    assert settings_of_run(None, None, "microsoft/Phi-3.5-vision-instruct") is None


def test_what_is_said_besides_changes_the_runs_prompt():
    assert prompt_of_run(RUN, form=None, fields=None, answer=None) == PROMPT
    changed = prompt_of_run(RUN, form="source", fields="title, price", answer=None)
    assert (changed.form, changed.fields, changed.question) == ("source", ("title", "price"), "What is it?")
    assert prompt_of_run(None, form=None, fields=None, answer="{title}").build().answer == "{title}"


def test_bad_settings_are_refused(run_folder):
    with pytest.raises(ConfigError, match="form: found 'poem'"):
        prompt_of_run(None, form="poem", fields=None, answer=None)
    with pytest.raises(ConfigError, match="there is no such file"):
        settings_of_run(run_folder / "missing.yaml")


def test_a_source_named_like_one_of_the_run_is_read_as_that_one():
    photos = SourceConfig(
        name="photos",
        path="train.csv",
        columns=Columns(category="kind"),
        categories={"S": "SHIRTS"},
        synthetic=True,
        image_size=128,
        revision="v1",
    )
    run = replace(RUN, data=replace(RUN.data, sources=(photos,)))

    moved, other = sources_to_ask_about(
        run, [SourceConfig(name="photos", path="test.csv"), SourceConfig(name="new", path="test.csv")]
    )

    assert moved == replace(photos, path="test.csv", revision=None)
    assert other == SourceConfig(name="new", path="test.csv")
    assert sources_to_ask_about(run, [SourceConfig(name="photos", path="train.csv")]) == [photos]
    assert sources_to_ask_about(run, []) == [photos]
    assert sources_to_ask_about(None, [other]) == [other]
