"""Runs that are killed: what goes on from their checkpoints is bit by bit what would have been."""

import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from finetune.config.reading import write_yaml
from finetune.errors import CheckpointError
from finetune.training.checkpoints import checkpoints
from finetune.training.run import train

_SPEEDS = ("samples_per_second", "tokens_per_second")
_MAIN = "from finetune.cli import main; main()"


def lines(run):
    read = [json.loads(line) for line in (Path(run) / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name not in _SPEEDS} for line in read]


def bad_rows(run):
    return [json.loads(line)["row"] for line in (Path(run) / "bad.jsonl").read_text().splitlines()]


def weights(folder):
    return (Path(folder) / "adapter_model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def undisturbed(run_config, settings, products_csv, tmp_path_factory):
    folder = shutil.copytree(products_csv(20).parent, tmp_path_factory.mktemp("spoiled") / "products")
    for number in range(0, 20, 3):
        (folder / f"{number}.png").write_bytes(b"no picture")
    data = {**settings()["data"], "sources": [{"name": "real", "path": str(folder / "products.csv")}]}
    # Dropout, so that generators matter; two workers, so that what they have ahead is lost with them.
    config = run_config(
        data=data,
        lora={"rank": 2, "dropout": 0.3},
        steps=8,
        save_every=3,
        workers=2,
        evaluation={"every": 4, "products": 2, "answers": 0},
    )
    return config, train(config)


def _start(config, path):
    write_yaml(config, path)
    return subprocess.Popen([sys.executable, "-c", _MAIN, "train", str(path)], start_new_session=True)


def _wait_for_step(run, step, process):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, "the run ended before it was killed"
        path = Path(run) / "metrics.jsonl"
        if path.is_file() and path.read_text().count('"loss"') >= step:
            return
        time.sleep(0.02)
    raise AssertionError("the run did not begin")


def test_a_run_killed_at_any_step_ends_bit_by_bit_as_if_it_was_not(undisturbed, tmp_path):
    config, outcome = undisturbed
    killed = replace(config, out=str(tmp_path / "killed"))
    process = _start(killed, tmp_path / "killed.yaml")
    _wait_for_step(killed.out, 4, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (Path(killed.out) / "final").exists()
    assert set(bad_rows(killed.out)) <= set(bad_rows(config.out))
    assert bad_rows(killed.out)
    # As if killed while writing: an unfinished checkpoint, a line cut off.
    unfinished = Path(killed.out) / "checkpoints" / ".step-00000006-abcdefgh"
    unfinished.mkdir()
    (unfinished / "weights.safetensors").write_bytes(b"\x00" * 9)
    with (Path(killed.out) / "metrics.jsonl").open("a") as stream:
        stream.write('{"step": 5, "lo')
    with (Path(killed.out) / "bad.jsonl").open("a") as stream:
        stream.write('{"source": "re')

    resumed = train(killed, resume=True)

    assert lines(killed.out) == lines(config.out)
    assert (Path(killed.out) / "bad.jsonl").read_bytes() == (Path(config.out) / "bad.jsonl").read_bytes()
    assert weights(resumed.final) == weights(outcome.final)
    assert weights(resumed.best) == weights(outcome.best)
    assert not unfinished.exists()


def test_checkpoints_hold_safetensors_and_json_alone_and_old_ones_go(undisturbed):
    config, _ = undisturbed

    found = checkpoints(Path(config.out))

    assert [path.name for path in found] == ["step-00000006", "step-00000008"]
    assert {file.suffix for path in found for file in path.iterdir()} == {".safetensors", ".json"}


def test_a_damaged_checkpoint_is_named(undisturbed, tmp_path):
    copied = shutil.copytree(undisturbed[0].out, tmp_path / "copied")
    config = replace(undisturbed[0], out=str(copied))
    (checkpoints(copied)[-1] / "weights.safetensors").write_bytes(b"\xff" * 64)

    with pytest.raises(CheckpointError, match=r"weights\.safetensors: cannot be read"):
        train(config, resume=True)
