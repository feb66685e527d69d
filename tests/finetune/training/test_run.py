import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers.trainer_callback import TrainerCallback

from finetune.config.reading import build
from finetune.config.run import RunConfig
from finetune.data import Phi3VisionProcessor, open_sources, products_of
from finetune.errors import CheckpointError, ConfigError, DataError, FinetuneError
from finetune.evaluation import generate_answers
from finetune.loading import base_digest
from finetune.modeling import Phi3VisionForCausalLM
from finetune.training.checkpoints import checkpoints
from finetune.training.run import train


def metrics(run, name="loss"):
    lines = [json.loads(line) for line in (Path(run) / "metrics.jsonl").read_text().splitlines()]
    return {line["step"]: line[name] for line in lines if name in line}


def test_eight_products_are_learned_to_their_exact_text(run_config, products_csv):
    config = run_config(
        method="full",
        train=["text"],  # the features of eight plain colours tell them apart as they are
        data={
            "sources": [{"name": "real", "path": str(products_csv(8))}],
            "splits": {"validation": 0, "test": 0},
            "num_crops": 1,
            "packing": True,
        },
        batch_size=8,
        steps=35,
        optim={"learning_rate": 1e-2, "warmup_steps": 3, "schedule": "constant"},
        log_every=35,
    )

    outcome = train(config)

    processor = Phi3VisionProcessor.from_pretrained(outcome.final)
    model = Phi3VisionForCausalLM.from_pretrained(outcome.final).eval()
    form = config.data.prompt.build()
    (source,) = open_sources(config.data)
    products = list(products_of(source))
    texts = generate_answers(model, processor, products, form=form, num_crops=1)
    assert len(products) == 8
    assert texts == [form.answer_text(product) for product in products]


def test_a_run_leaves_its_settings_metrics_tables_and_weights(run_config):
    config = run_config(
        evaluation={"every": 1, "products": 3, "answers": 2, "max_new_tokens": 4}, track="tensorboard"
    )

    outcome = train(config)

    out = Path(config.out)
    assert build(RunConfig, yaml.safe_load((out / "config.yaml").read_text())) == config
    assert sorted(metrics(out)) == sorted(metrics(out, "eval_loss")) == [1, 2]
    assert metrics(out, "loss_real") == metrics(out)
    assert set(metrics(out, "samples_per_second")) == set(metrics(out, "learning_rate_text")) == {1, 2}
    rows = [json.loads(line) for line in (out / "answers" / "step-00000002.jsonl").read_text().splitlines()]
    assert [set(row) for row in rows] == [{"source", "key", "truth", "text", "parsed", "errors"}] * 2
    assert "data:image/jpeg;base64," in (out / "answers" / "step-00000002.html").read_text()
    assert list((out / "tensorboard").iterdir())
    assert outcome.best_value == min(metrics(out, "eval_loss").values())
    for folder in (outcome.best, outcome.final):
        assert "base_model:" in (folder / "README.md").read_text()
        assert (folder / "adapter_model.safetensors").is_file()
        noted = json.loads((folder / "base_model.json").read_text())
        assert noted == {"digest": base_digest(Path(config.model))}


def test_the_best_weights_are_those_of_the_best_evaluation(run_config):
    # At such a rate the loss is worse after the second step than after the first.
    config = run_config(
        optim={"learning_rate": 3.0, "warmup_steps": 0, "schedule": "constant"},
        evaluation={"every": 1, "products": 3, "answers": 0, "patience": 2},
        steps=9,
    )

    outcome = train(config)

    losses = metrics(config.out, "eval_loss")
    assert outcome.best_step == min(losses, key=losses.get)
    assert outcome.steps == outcome.best_step + 2 < 9
    best, final = (
        load_file(folder / "adapter_model.safetensors") for folder in (outcome.best, outcome.final)
    )
    assert any(not torch.equal(best[name], final[name]) for name in best)


def test_accumulated_batches_are_one_large_batch(run_config, tmp_path):
    large = run_config(batch_size=4, out=str(tmp_path / "large"))
    small = replace(run_config(), batch_size=2, accumulate=2, out=str(tmp_path / "small"))

    for config in (large, small):
        train(config)

    assert metrics(large.out) == pytest.approx(metrics(small.out), abs=1e-5)


@pytest.mark.parametrize(
    ("part", "frozen"), [("vision", "model.embed_tokens"), ("projector", "img_processor"), ("text", "img_p")]
)
def test_parts_that_are_not_named_stay_as_they_are(run_config, model_folder, part, frozen):
    outcome = train(run_config(method="full", train=[part], steps=1, optim={"warmup_steps": 0}))

    before, after = (load_file(folder / "model.safetensors") for folder in (model_folder, outcome.final))
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert not [name for name in changed if frozen in name]
    assert not [name for name in changed if "post_layernorm" in name]


@pytest.mark.parametrize("changes", [{}, {"method": "full", "train": ["vision"]}, {"method": "full"}])
def test_a_run_in_bf16_learns_and_answers(run_config, changes):
    evaluation = {"every": 2, "products": 2, "answers": 1, "max_new_tokens": 2}
    config = run_config(precision="bf16", evaluation=evaluation, **changes)

    train(config)

    assert all(
        0 < loss < 20 for loss in (*metrics(config.out).values(), *metrics(config.out, "eval_loss").values())
    )


def test_each_part_has_its_own_learning_rate(run_config):
    config = run_config(optim={"warmup_steps": 0, "learning_rate": 1e-4, "vision": 1e-5}, steps=1)

    train(config)

    rates = {
        part: metrics(config.out, f"learning_rate_{part}")[1] for part in ("vision", "projector", "text")
    }
    assert rates == {"vision": 1e-5, "projector": 1e-4, "text": 1e-4}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"device": "cuda"}, "torch finds no CUDA GPU"),
        ({"method": "qlora"}, "qlora, whose 4-bit weights need a CUDA GPU"),
        ({"model": "no/such/folder"}, "there is no such folder"),
        ({"evaluation": {"every": 1, "metric": "accuracy"}}, "allowed are loss, price_parsed"),
        ({"batch_size": 3_000_000}, "GB are free"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_written(run_config, changes, message):
    if "CUDA" in message and torch.cuda.is_available():
        pytest.skip("a CUDA GPU is here")
    config = run_config(**changes)

    with pytest.raises(FinetuneError, match=message):
        train(config)

    assert not Path(config.out).exists()


def test_too_little_memory_names_what_would_fit(run_config):
    with pytest.raises(
        FinetuneError,
        match=r"It would fit with checkpoint_text=true, checkpoint_vision=true and batch_size=1 \(",
    ):
        train(run_config(batch_size=3_000_000))


def test_wandb_without_a_login_is_refused(run_config, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(FinetuneError, match="there is no login"):
        train(run_config(track="wandb"))


def test_a_run_is_not_written_over(run_config):
    config = run_config(steps=1)
    train(config)

    with pytest.raises(CheckpointError, match="holds a run already"):
        train(config)


def test_a_checkpoint_of_other_settings_is_refused(run_config):
    config = run_config(steps=1)
    train(config)

    with pytest.raises(CheckpointError, match="batch_size is 2 there, 3 here"):
        train(replace(config, batch_size=3), resume=True)


def test_a_mixture_that_stops_before_a_step_is_refused(run_config, settings):
    data = {**settings()["data"], "mixture": {"exhausted": "stop"}}

    with pytest.raises(ConfigError, match="stops before one step"):
        train(run_config(data=data, accumulate=50))


def test_unusable_rows_of_training_and_validation_are_named_at_the_end(
    run_config, settings, products_csv, tmp_path
):
    folder = shutil.copytree(products_csv(20).parent, tmp_path / "products")
    broken = [f"{number}.png" for number in range(0, 20, 2)]
    for name in broken:
        (folder / name).write_bytes(b"no picture")
    data = {**settings()["data"], "sources": [{"name": "real", "path": str(folder / "products.csv")}]}
    config = run_config(
        data=data,
        steps=8,
        evaluation={"every": 8, "products": 20, "answers": 20, "max_new_tokens": 1},
    )

    outcome = train(config)

    written = [json.loads(line) for line in (Path(config.out) / "bad.jsonl").read_text().splitlines()]
    assert [tuple(row.values()) for row in written] == list(outcome.bad)
    assert len({(row["source"], row["row"]) for row in written}) == len(written) == len(broken)
    assert all(row["reason"] for row in written)


def test_pictures_may_have_names_that_are_not_utf8(run_config, settings, tmp_path):
    names = [os.fsdecode(b"caf\xe9-%d.png" % number) for number in range(8)]
    for category in ("BAGS", "SHIRTS"):
        (tmp_path / category).mkdir()
        for number, name in enumerate(names):
            try:
                (tmp_path / category / name).touch()
            except OSError:
                pytest.skip("this file system takes no such names")
            if number:
                Image.new("RGB", (32, 32), (number * 30, 0, 0)).save(tmp_path / category / name)
    data = {
        **settings()["data"],
        "sources": [{"name": "real", "path": str(tmp_path)}],
        "prompt": {"fields": ["category"]},
        "splits": {"validation": 0.5, "test": 0},
    }
    evaluation = {"every": 8, "products": 16, "answers": 16, "max_new_tokens": 1}
    config = run_config(data=data, steps=8, evaluation=evaluation)

    outcome = train(config)

    written = [json.loads(line) for line in (Path(config.out) / "bad.jsonl").read_text().splitlines()]
    assert [row["row"] for row in written] == [f"{category}/{names[0]}" for category in ("BAGS", "SHIRTS")]
    assert [tuple(row.values()) for row in written] == list(outcome.bad)
    answered = (Path(config.out) / "answers" / "step-00000008.jsonl").read_text().splitlines()
    assert answered
    assert all(json.loads(line)["key"].partition("/")[2] in names for line in answered)


def test_a_run_without_unusable_rows_writes_no_list_of_them(run_config):
    config = run_config(steps=1)

    assert train(config).bad == ()
    assert not (Path(config.out) / "bad.jsonl").exists()


class _Steps(TrainerCallback):
    taken = 0

    def on_optimizer_step(self, *args, **kwargs):
        self.taken += 1


@pytest.mark.parametrize("clip", [0, 1])
def test_a_step_whose_gradients_are_no_numbers_is_not_taken(run_config, clip):
    optim = {"learning_rate": 1e30, "warmup_steps": 0, "schedule": "constant", "clip": clip}
    config, steps = run_config(optim=optim, steps=3, log_every=9, save_every=1), _Steps()

    with pytest.raises(
        FinetuneError,
        match=r"^step 2, learning rate 1e\+30: .*loss_real is nan; the step was not taken\. The last checkpoint, "
        r"\S+step-00000001, is from before\. Start anew .* smaller optim\.learning_rate",
    ):
        train(config, callbacks=(steps,))

    assert steps.taken == 1
    assert [path.name for path in checkpoints(Path(config.out))] == ["step-00000001"]
    assert not (Path(config.out) / "final").exists()


def test_a_validation_loss_that_is_no_number_stops_the_run(run_config):
    config = run_config(
        optim={"learning_rate": 1e30, "warmup_steps": 0},
        evaluation={"every": 1, "products": 2, "answers": 0},
    )

    with pytest.raises(FinetuneError, match=r"step 1, .*: eval_loss is nan\. .*smaller optim\.learning_rate"):
        train(config)

    text = (Path(config.out) / "metrics.jsonl").read_text()
    assert '"eval_loss": null' in text
    assert "NaN" not in text
    assert not (Path(config.out) / "best").exists()


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ("lm_head.weight", r"loss_real is nan; the step was not taken\. Nothing was learned yet: .*float32"),
        ("model.embed_tokens.weight", r"a weight is no finite number"),  # of a token that is in no answer
    ],
)
def test_a_model_with_a_weight_that_is_no_number_is_not_trained(
    run_config, model_folder, tmp_path, weight, message
):
    spoiled = shutil.copytree(model_folder, tmp_path / "spoiled")
    weights = load_file(spoiled / "model.safetensors")
    weights[weight][31_999] = torch.inf
    save_file(weights, spoiled / "model.safetensors", metadata={"format": "pt"})
    config = run_config(model=str(spoiled), method="full", steps=1)

    with pytest.raises(FinetuneError, match=f"step 1, learning rate 0.*: .*{message}"):
        train(config)

    assert not (Path(config.out) / "checkpoints").exists()


def test_an_empty_validation_split_says_that_evaluations_may_be_left_out(run_config, settings):
    data = {**settings()["data"], "splits": {"validation": 0, "test": 0}}

    with pytest.raises(DataError, match=r"'validation'.*evaluation\.every=0"):
        train(run_config(data=data, evaluation={"every": 1}))


def test_the_documented_program_runs(settings, noise, tmp_path, monkeypatch):
    page = Path(__file__).parents[3] / "docs" / "finetune.md"
    program = page.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "first.yaml").write_text(yaml.safe_dump(settings()), encoding="utf-8")
    noise(40, 60).save("shirt.jpg")
    names = {}

    exec(program.replace("steps=100", "steps=1"), names)  # noqa: S102  # the page's own

    assert names["outcome"].steps == 1
    assert names["prediction"].picture == "shirt.jpg"
