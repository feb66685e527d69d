import json
import sys
from importlib.metadata import version

import pytest

from finetune.cli import main


@pytest.fixture
def run(monkeypatch, capfd):
    """Give the exit code of a command, and what it writes; in this process, which has loaded torch once for all."""

    def call(*words):
        capfd.readouterr()
        monkeypatch.setattr(sys, "argv", ["finetune", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        written = capfd.readouterr()
        return end.value.code or 0, written.out, written.err

    return call


def test_a_new_model_is_described(run, tmp_path):
    folder = tmp_path / "tiny"
    assert run("new-model", "--size", "tiny", "--out", folder) == (0, f"{folder}\n", "")
    code, out, _ = run("info", folder, "--json")
    assert (code, json.loads(out)["parameters"]) == (0, 4_349_376)
    assert "60 tensors, all as config.json has them" in run("info", folder)[1]


def test_the_version_is_that_of_the_distribution(run):
    assert run("--version")[:2] == (0, f"finetune {version('samplegen')}\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["info", "no-such-folder"], "no-such-folder: there is no such folder"),
        (["new-model", "--size", "huge", "--out", "x"], "size is 'huge'; allowed are tiny"),
        (["bench", "model", "--size", "huge"], "size is 'huge'; allowed are tiny"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(run, words, message):
    code, _, err = run(*words)
    assert (code, "Traceback" in err) == (2, False)
    assert err.startswith("finetune: ")
    assert message in err


def test_a_seed_that_is_too_large_is_refused(run, tmp_path):
    code, _, err = run("new-model", "--out", tmp_path / "new", "--seed", 10**30)

    assert code == 2
    assert "--seed" in err
    assert not (tmp_path / "new").exists()


def test_bench_without_a_gpu_measures_the_tiny_model(run):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("a CUDA GPU is here")
    code, out, _ = run("bench", "model")
    assert code == 0
    assert out.startswith("No CUDA GPU here: the tiny model on the CPU")
    assert len(out.splitlines()) == 4  # the line above, the header, one and four crops


def test_bench_train_without_a_gpu_says_what_was_run(run, monkeypatch):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("a CUDA GPU is here")
    monkeypatch.setenv("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")  # the command sets it: put back

    code, out, _ = run("bench", "train", "--crops", 1, "--time-limit", 1)

    assert code == 0
    first, terms, *_ = out.splitlines()
    assert first.startswith("No CUDA GPU here: the tiny model on the CPU, float32")
    assert terms.endswith("all in float32, not compiled.")
    assert not any("bf16" in line or line.startswith("# MFU") for line in out.splitlines()[1:])
