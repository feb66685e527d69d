"""What the commands of training say when a run ends otherwise than hoped."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from PIL import Image

_MAIN = "from finetune.cli import main; main()"


@pytest.fixture
def started(model_folder, tmp_path):
    """Start training on eight pictures, one of them unusable; give the process and the run's folder."""

    def start(**changes):
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
            "batch_size": 4,
            "workers": 0,
            "log_every": 1,
            "track": "none",
            "device": "cpu",
            "evaluation": {"every": 0},
            **changes,
        }
        (tmp_path / "run.yaml").write_text(yaml.safe_dump(values))
        words = [sys.executable, "-c", _MAIN, "train", str(tmp_path / "run.yaml")]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return process, tmp_path / "run"

    return start


def test_unusable_rows_are_told_at_the_end(started):
    process, run = started(steps=3)

    out, err = process.communicate(timeout=300)

    assert process.returncode == 0
    assert "3 steps; last weights" in out
    assert f"1 row unusable, all in {run / 'bad.jsonl'}; the first: real, " in err


def test_ctrl_c_says_where_the_run_goes_on(started):
    process, run = started(steps=100_000, save_every=1)
    deadline = time.monotonic() + 300
    # Two batches of four are all eight rows.
    while len(list(run.glob("checkpoints/step-*"))) < 2 and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.05)

    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=300)

    assert process.returncode == 130
    assert '"products.csv, row 3"' in (run / "bad.jsonl").read_text(encoding="utf-8")
    (line,) = [line for line in err.splitlines() if line.startswith("finetune: stopped")]
    assert "the same command with --resume goes on from there" in line
    last = max(path.name for path in Path(run).glob("checkpoints/step-*"))
    assert last in line
