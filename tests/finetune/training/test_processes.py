"""Two processes, started as torchrun starts them: each with all weights (DDP), and with the weights divided (FSDP)."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from finetune.config.reading import write_yaml
from finetune.errors import FinetuneError
from finetune.modeling.checkpoint import check_tensors
from finetune.modeling.model import shapes_of
from finetune.training.checkpoints import checkpoints
from finetune.training.run import train

SCRIPT = Path(__file__).with_name("several_runs.py")
pytestmark = pytest.mark.xdist_group("processes")  # two launchers at once would meet
_LAUNCH = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone", str(SCRIPT))


def losses(config):
    lines = [json.loads(line) for line in (Path(config.out) / "metrics.jsonl").read_text().splitlines()]
    return {
        f"{line['step']} {name}": line[name]
        for line in lines
        for name in ("loss", "eval_loss")
        if name in line
    }


@pytest.fixture(scope="module")
def runs(run_config, tmp_path_factory):
    """One run in one process, and the same by two, in each way, with half as many samples for each."""
    folder = tmp_path_factory.mktemp("processes")
    # 3 held-out batches: the last is for one process alone.
    evaluation = {"every": 2, "products": 5, "answers": 1, "max_new_tokens": 2}
    full = run_config(
        method="full",
        batch_size=2,
        steps=3,
        save_every=2,
        optim={"learning_rate": 1e-3, "warmup_steps": 0},
        evaluation=evaluation,
    )
    dropout = replace(full, method="lora", lora=replace(full.lora, dropout=0.3))
    made = {
        "one": replace(full, batch_size=4),
        "ddp": full,
        "fsdp": replace(full, shard=True),
        "fsdp lora": replace(dropout, shard=True),
    }
    made = {name: replace(config, out=str(folder / name)) for name, config in made.items()}
    paths = [folder / f"{name}.yaml" for name in made if name != "one"]
    for path in paths:
        write_yaml(made[path.stem], path)
    done = subprocess.run(
        [*_LAUNCH, *map(str, paths)], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    train(made["one"])
    return made


@pytest.mark.parametrize("way", ["ddp", "fsdp"])
def test_two_processes_learn_what_one_learns_from_batches_twice_as_large(runs, way):
    one, two = runs["one"], runs[way]

    assert len(losses(one)) == 5
    assert losses(two) == pytest.approx(losses(one), abs=1e-5)
    wanted, found = (load_file(Path(config.out) / "final" / "model.safetensors") for config in (one, two))
    for name, weight in wanted.items():
        torch.testing.assert_close(found[name], weight, atol=1e-5, rtol=0, msg=name)


def test_divided_weights_are_written_whole_and_by_their_published_names(runs, model):
    for kind in ("final", "best"):
        check_tensors(Path(runs["fsdp"].out) / kind, shapes_of(model.config))
    whole, divided = (checkpoints(Path(runs[way].out))[-1] for way in ("ddp", "fsdp"))
    assert {path.name for path in whole.iterdir()} == {path.name for path in divided.iterdir()}
    for file in ("weights.safetensors", "optimizer.safetensors"):
        wanted, found = (
            {name: tensor.shape for name, tensor in load_file(folder / file).items()}
            for folder in (whole, divided)
        )
        assert found == wanted


def test_a_run_of_divided_weights_goes_on_bit_by_bit(runs):
    undisturbed = runs["fsdp lora"]
    resumed = replace(undisturbed, out=f"{undisturbed.out} resumed")

    assert losses(resumed) == losses(undisturbed)
    for file in ("final/adapter_model.safetensors", "checkpoints/step-00000003/optimizer.safetensors"):
        assert (Path(resumed.out) / file).read_bytes() == (Path(undisturbed.out) / file).read_bytes()


@pytest.mark.parametrize(
    ("changes", "environment", "message"),
    [
        ({"shard": True}, {}, "no launcher started this process"),
        ({"shard": True, "method": "qlora"}, {"WORLD_SIZE": "1"}, "weights of 4 bits cannot be divided"),
        ({}, {"ACCELERATE_USE_FSDP": "true"}, "--fsdp_version 2"),
        ({}, {"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2"}, "shard is true, but no launcher"),
        (
            {},
            {"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2", "FSDP_OFFLOAD_PARAMS": "true"},
            "leave --fsdp_offload_params out",
        ),
        (
            {},
            {"ACCELERATE_USE_FSDP": "true", "FSDP_VERSION": "2", "FSDP_ACTIVATION_CHECKPOINTING": "true"},
            "checkpoint_text=true",
        ),
    ],
)
def test_what_cannot_be_divided_is_refused(run_config, monkeypatch, changes, environment, message):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(FinetuneError, match=message):
        train(run_config(**changes))
