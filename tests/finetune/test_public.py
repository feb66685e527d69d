"""What the documentation calls public: it is where the page says, and takes paths of every form."""

import os
import re
from importlib import import_module
from pathlib import Path

import pytest

import finetune
from finetune.arms import Arm, plan_runs
from finetune.config import DataConfig, parse_source
from finetune.errors import FinetuneError
from finetune.evaluation import AnswerCache
from finetune.inspection import TrainingPlan, estimate_training

PAGE = Path(__file__).parents[2] / "docs" / "finetune.md"
DOCUMENTED = re.findall(
    r"^\.\. auto(?:class|function|module):: (\S+)$", PAGE.read_text("utf-8"), re.MULTILINE
)


def _found(name):
    try:
        return import_module(name)
    except ModuleNotFoundError:
        home, _, last = name.rpartition(".")
        return getattr(import_module(home), last)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_documented_name_is_where_the_page_says(name):
    assert _found(name).__doc__


def test_every_name_of_the_package_is_documented():
    shown = [_found(name) for name in DOCUMENTED]

    assert [name for name in finetune.__all__ if getattr(finetune, name) not in shown] == ["FinetuneError"]
    assert "finetune.errors" in DOCUMENTED


class _PathLike:
    """A path that is neither text nor `pathlib`'s."""

    def __init__(self, path):
        self._path = str(path)

    def __fspath__(self):
        return self._path


def _run(**changes):
    data = DataConfig(sources=(parse_source("real=photos"), parse_source("synthetic=template:starter")))
    return finetune.RunConfig(**{"model": "m", "out": "o", "data": data, **changes})


def _cached(path):
    AnswerCache(path).put({"key": "text"})
    return AnswerCache(path).get("key")


PLAN = TrainingPlan(method="full", lora=_run().lora, parts=("text",), samples=1, crops=1)
DOORS = {
    "load_run": finetune.load_run,
    "RunConfig, model": lambda path: _run(model=path),
    "RunConfig, out": lambda path: _run(out=path),
    "SourceConfig": lambda path: finetune.SourceConfig(name="real", path=path),
    "new_model": lambda path: finetune.new_model("tiny", path),
    "inspect_model": finetune.inspect_model,
    "estimate_training": lambda path: estimate_training(path, PLAN),
    "load_model": lambda path: finetune.load_model(path, device="cpu").digest,
    "load_model, adapter": lambda path: finetune.load_model(path, adapter=path, device="cpu"),
    "merge_adapter": lambda path: finetune.merge_adapter(path, path, os.fspath(path) + "-merged"),
    "merge_adapter, out": lambda path: finetune.merge_adapter("model", "adapter", path),
    "Phi3VisionForCausalLM": lambda path: finetune.Phi3VisionForCausalLM.from_pretrained(path).num_parameters(),
    "Phi3VisionProcessor": lambda path: finetune.Phi3VisionProcessor.from_pretrained(path).tokenizer.get_vocab(),
    "AnswerCache": _cached,
    "write_report": lambda path: finetune.write_report(path, [], about={"model": "m", "draws": 1}),
    "open_pictures": lambda path: finetune.open_pictures([path]),
    "plan_runs": lambda path: plan_runs(_run(), [Arm("real", 0.0)], seeds=1, out=path),
}  # fmt: skip


@pytest.mark.parametrize("name", DOORS)
def test_every_form_of_a_path_does_the_same(name, model_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.yaml").write_text("model: m\nout: o\ndata: {sources: [real=photos]}\n")
    own = {"load_run": "run.yaml", "AnswerCache": "answers.jsonl", "write_report": "report"}
    place = tmp_path / own[name] if name in own else model_folder

    def outcome(path):
        try:
            return DOORS[name](path)
        except FinetuneError as error:
            return type(error), str(error)

    assert outcome(str(place)) == outcome(Path(place)) == outcome(_PathLike(place))
