"""What a run finds in its folder: another's files are left alone, a run's own are told from them."""

import errno
import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from finetune.config.reading import plain, write_yaml
from finetune.errors import CheckpointError, FinetuneWarning
from finetune.training.checkpoints import checkpoints, remove_unfinished, write_folder
from finetune.training.place import CONFIG, FINAL, MARK, RUNNING, alone_in, check_place
from finetune.training.run import train


def _contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_of_other_files_is_refused_and_left_as_it_is(run_config, tmp_path, resume):
    mine = tmp_path / "project"
    (mine / ".my-notes").mkdir(parents=True)
    (mine / ".my-notes" / "notes.txt").write_text("mine")
    config = run_config(out=str(mine))
    write_yaml(config, mine / "config.yaml")
    before = _contents(mine)

    with pytest.raises(CheckpointError, match=r"holds other files than a run's, such as \.my-notes"):
        train(config, resume=resume)

    assert _contents(mine) == before


def test_only_what_a_run_was_about_to_write_is_removed(tmp_path):
    own = [".best-abcd_123", ".final-abcdefgh", ".step-00000006-abcdefgh"]
    others = [".git-backup", ".best-of-2025", "best-abcd_123", ".step-6-abcdefgh"]
    for name in own + others:
        (tmp_path / name).mkdir()

    remove_unfinished(tmp_path)

    assert {path.name for path in tmp_path.iterdir()} == set(others)


_KILLED = """
import os, signal, sys
from pathlib import Path
from finetune.training.checkpoints import write_folder

rename, renamed = Path.rename, []

def counted(self, target):
    renamed.append(target)
    if len(renamed) == {number}:
        os.kill(os.getpid(), signal.SIGKILL)
    return rename(self, target)

Path.rename = counted
write_folder(Path(sys.argv[1]), lambda folder: (folder / "weights").write_text("new"))
"""


@pytest.mark.parametrize("number", [1, 2])
def test_the_best_weights_outlive_a_run_that_is_killed_while_it_replaces_them(tmp_path, number):
    write_folder(tmp_path / "best", lambda folder: (folder / "weights").write_text("old"))
    command = [sys.executable, "-c", _KILLED.format(number=number), str(tmp_path / "best")]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL

    remove_unfinished(tmp_path)

    assert _contents(tmp_path) == {Path("best/weights"): b"old"}
    assert [path.name for path in tmp_path.iterdir()] == ["best"]


def test_a_run_that_was_stopped_before_its_first_checkpoint_is_a_run(tmp_path):
    (tmp_path / "config.yaml").write_text(f"{MARK}\nsteps: 3\n")
    (tmp_path / "metrics.jsonl").write_text("")

    check_place(tmp_path)


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/no-run", "a" * 300])
def test_a_place_that_cannot_be_written_is_refused(run_config, tmp_path, place):
    if place.startswith("/proc") and not Path("/proc/self").is_dir():
        pytest.skip("there is no /proc here")
    (tmp_path / "file").write_text("mine")

    with pytest.raises(CheckpointError, match="no run can be written there"):
        train(run_config(out=str(tmp_path / place)))

    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_holding_a_place_that_nothing_comes_into_leaves_nothing(tmp_path):
    with alone_in(tmp_path / "runs" / "first"):
        pass

    assert list(tmp_path.iterdir()) == []


def test_a_second_run_in_a_held_place_is_refused_also_in_the_same_process(tmp_path):
    def come():
        with alone_in(tmp_path):
            pass

    with alone_in(tmp_path):
        for _ in range(2):
            with pytest.raises(CheckpointError, match="another run is being made there now"):
                come()
    come()


def test_what_a_place_holds_is_looked_at_once_it_is_held(run_config, tmp_path):
    (tmp_path / FINAL).mkdir()
    (tmp_path / CONFIG).write_text(f"{MARK}\n")
    config = run_config(out=str(tmp_path))

    with alone_in(tmp_path), pytest.raises(CheckpointError, match="another run is being made there now"):
        train(config)
    with pytest.raises(CheckpointError, match="holds a run already"):
        train(config)


def test_a_lock_that_an_ending_run_took_away_holds_nothing(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    lock = fcntl.flock

    def after_another_ended(file, how):
        monkeypatch.setattr(fcntl, "flock", lock)
        (tmp_path / RUNNING).unlink()
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", after_another_ended)

    with alone_in(tmp_path), pytest.raises(CheckpointError, match="another run"), alone_in(tmp_path):
        pass


def test_a_place_without_locks_is_warned_of(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")

    def none_here(file, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none_here)

    with pytest.warns(FinetuneWarning, match="files cannot be locked there"), alone_in(tmp_path / "run"):
        (tmp_path / "run" / "mine").touch()

    assert [path.name for path in (tmp_path / "run").iterdir()] == ["mine"]


def test_a_run_that_is_over_is_not_made_anew_without_its_checkpoints(run_config):
    config = run_config(steps=1)
    outcome = train(config)
    for checkpoint in checkpoints(Path(config.out)):
        checkpoint.rename(checkpoint.with_name("away"))
    before = _contents(outcome.final)

    with pytest.raises(CheckpointError, match="the run is over, and has no checkpoints"):
        train(replace(config, seed=1), resume=True)

    assert _contents(outcome.final) == before


@pytest.mark.parametrize("state", ["{}", '{"step": "3"}'])
def test_a_checkpoint_without_a_state_is_named(run_config, state):
    config = run_config(steps=1)
    step = Path(config.out) / "checkpoints" / "step-00000001"
    step.mkdir(parents=True)
    (step / "state.json").write_text(state)

    with pytest.raises(CheckpointError, match=r"state\.json: has no usable .*config.*Remove this checkpoint"):
        train(config, resume=True)


def test_a_run_does_not_go_on_in_another_precision(run_config):
    config = run_config(steps=1, precision="bf16")
    train(config)
    (checkpoint,) = checkpoints(Path(config.out))
    state = json.loads((checkpoint / "state.json").read_text())
    assert state["precision"] == "bf16"
    # As a GPU writes it.
    state["config"] |= {"precision": "auto", "device": "cuda"}
    (checkpoint / "state.json").write_text(json.dumps(state))

    with pytest.raises(CheckpointError, match=r"was computed in bf16; precision=auto is float32 .*\(cpu\)"):
        train(replace(config, precision="auto"), resume=True)
    assert train(config, resume=True).steps == 1


def test_a_run_whose_precision_was_chosen_goes_on_where_it_is_named(run_config):
    config = run_config(steps=1, precision="auto")
    train(config)

    assert train(replace(config, precision="float32"), resume=True).steps == 1


def test_a_checkpoint_from_before_a_setting_was_known_is_gone_on_from(run_config):
    config = run_config(steps=1)
    train(config)
    (checkpoint,) = checkpoints(Path(config.out))
    state = json.loads((checkpoint / "state.json").read_text())
    assert state["config"] == plain(config)
    del state["precision"], state["config"]["shard"], state["config"]["optim"]["clip"]
    (checkpoint / "state.json").write_text(json.dumps(state))

    assert train(config, resume=True).steps == 1


def test_a_folder_that_holds_nothing_but_the_hold_on_it_is_free(tmp_path):
    (tmp_path / RUNNING).touch()

    check_place(tmp_path)
