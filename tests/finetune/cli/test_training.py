"""What the commands of training say when a run ends otherwise than hoped."""

import os
import signal
import subprocess
import sys
import threading
import warnings

import pytest
import yaml
from PIL import Image
from waiting import output_at_end, wait_until

from finetune.cli import main
from finetune.config import load_run
from finetune.errors import CheckpointError
from finetune.training.run import train

_MAIN = "from finetune.cli import main; main()"


@pytest.fixture
def written(model_folder, tmp_path):
    """Write settings of a run on eight pictures, one of them unusable; give their file and the run's folder."""

    def write(**changes):
        rows = ["image,title,category3_code,full_price"]
        for number in range(8):
            Image.new("RGB", (32, 32), (number * 30, 0, 0)).save(tmp_path / f"{number}.png")
            rows.append(f"{number}.png,Shirt {number},SHIRTS,10")
        (tmp_path / "3.png").write_bytes(b"no picture")
        (tmp_path / "products.csv").write_text("\n".join(rows))
        values = {
            "model": str(model_folder),
            "out": str(tmp_path / "run"),
            "data": {
                "sources": [f"real={tmp_path / 'products.csv'}"],
                "splits": {"validation": 0, "test": 0},
                "num_crops": 1,
            },
            "lora": {"rank": 2},
            "optim": {"warmup_steps": 0},
            "batch_size": 4,
            "workers": 0,
            "log_every": 1,
            "track": "none",
            "device": "cpu",
            "evaluation": {"every": 0},
            **changes,
        }
        (tmp_path / "run.yaml").write_text(yaml.safe_dump(values))
        return tmp_path / "run.yaml", tmp_path / "run"

    return write


@pytest.fixture
def call(monkeypatch, capfd):
    """Give the exit code of a command, and what it writes; in this process, which has loaded torch once for all."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["finetune", *map(str, words)])
        monkeypatch.setattr(
            warnings, "formatwarning", warnings.formatwarning
        )  # put back, as main sets its own
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0, *capfd.readouterr()

    return run


def has_read_all_rows(run):
    """Tell whether there is a second checkpoint: two batches of four are all eight rows."""
    return len(list(run.glob("checkpoints/step-*"))) >= 2


def check_stopped(run, err):
    assert '"products.csv, row 3"' in (run / "bad.jsonl").read_text(encoding="utf-8")
    assert not [path.name for path in run.iterdir() if path.name.startswith(".")]
    (line,) = err.splitlines()
    assert line.startswith("finetune: stopped")
    assert "the same command with --resume goes on from there" in line
    assert max(path.name for path in run.glob("checkpoints/step-*")) in line


def test_unusable_rows_are_told_at_the_end(written, call):
    settings, run = written(steps=3)

    code, out, err = call("train", settings)

    assert (code, out) == (0, f"3 steps; last weights: {run / 'final'}\n")
    (line,) = err.splitlines()
    assert line.startswith(f"1 row unusable, all in {run / 'bad.jsonl'}; the first: real, ")


def test_a_warm_up_as_long_as_the_run_is_told_at_its_start(written, call):
    settings, _ = written(steps=1, optim={"warmup_steps": 1})

    code, _, err = call("train", settings)

    assert code == 0
    assert err.startswith(
        "finetune: optim.warmup_steps is 1 and the run has 1 steps, so the learning rate rises"
    )


def test_ctrl_c_says_where_the_run_goes_on(written, call):
    settings, run = written(steps=100_000, save_every=1)
    over = threading.Event()

    def press():
        while not has_read_all_rows(run):
            if over.wait(0.02):
                return
        os.kill(os.getpid(), signal.SIGINT)

    presses = threading.Thread(target=press, daemon=True)
    presses.start()
    try:
        code, _, err = call("train", settings)
    finally:  # whatever came, it is not pressed in another test
        over.set()
        presses.join()

    assert code == 130
    check_stopped(run, err)


def test_a_run_has_its_folder_alone_until_it_is_terminated(written):
    settings, run = written(steps=100_000, save_every=1)
    process = subprocess.Popen(
        [sys.executable, "-c", _MAIN, "train", str(settings)], stderr=subprocess.PIPE, text=True
    )
    wait_until(lambda: has_read_all_rows(run), process)

    with pytest.raises(CheckpointError, match="another run is being made there now"):
        train(load_run(settings), resume=True)
    process.terminate()
    _, err = output_at_end(process)

    assert process.returncode == 143
    check_stopped(run, err)
