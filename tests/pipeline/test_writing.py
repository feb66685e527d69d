import dataclasses
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from samplegen.errors import ExportError, SamplegenError
from samplegen.export.files import STATE_FOLDER
from samplegen.export.formats import FORMATS
from samplegen.pipeline import output, write_dataset
from samplegen.pipeline.writing import read_manifest


@pytest.fixture(scope="session")
def undisturbed(recipe, tmp_path_factory, digests):
    """Digests of the files of each format, written by one worker."""
    made = {}
    for format_name in FORMATS:
        root = tmp_path_factory.mktemp("undisturbed") / format_name
        annotated = dataclasses.replace(recipe, annotations=format_name != "parquet")
        write_dataset(annotated, root, format=format_name)
        made[format_name] = digests(root)
    return made


@pytest.mark.parametrize("workers", [2, 5])
def test_any_number_of_workers_gives_the_same_bytes(recipe, tmp_path, undisturbed, digests, workers):
    write_dataset(recipe, tmp_path / "out", workers=workers)

    assert digests(tmp_path / "out") == undisturbed["parquet"]


@pytest.mark.parametrize("format_name", list(FORMATS))
def test_run_stopped_between_rows_resumes_to_the_same_bytes(
    recipe, tmp_path, undisturbed, digests, format_name
):
    recipe = dataclasses.replace(recipe, annotations=format_name != "parquet")
    made = 0

    def stop(rows):
        nonlocal made
        made += rows
        if made > 150:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_dataset(recipe, tmp_path / "out", format=format_name, on_rows=stop)
    assert not list((tmp_path / "out").rglob("manifest.json"))

    resumed = []
    write_dataset(recipe, tmp_path / "out", format=format_name, resume=True, on_rows=resumed.append)
    assert sum(resumed) == 300
    assert digests(tmp_path / "out") == undisturbed[format_name]


@pytest.mark.parametrize("workers", [1, 2])
def test_kill_at_any_moment_then_resume_gives_the_same_bytes(recipe, tmp_path, undisturbed, digests, workers):
    out = tmp_path / "out"
    options = ["--rows", "300", "--seed", "1", "--image-size", "64", "--template", recipe.template]
    command = [
        sys.executable,
        "-m",
        "samplegen",
        "make",
        *options,
        "--workers",
        str(workers),
        "--out",
        str(out),
    ]
    moments = random.Random(workers)
    for _ in range(3):
        process = subprocess.Popen([*command, "--resume"], stdout=subprocess.DEVNULL)
        time.sleep(moments.uniform(0.3, 2.5))
        process.send_signal(signal.SIGKILL)
        process.wait()

    write_dataset(recipe, out, resume=True)

    assert digests(out) == undisturbed["parquet"]


def test_harmed_shard_is_made_again_on_resume(recipe, tmp_path, undisturbed, digests):
    out = tmp_path / "out"

    def stop_late(rows):
        if len(list((out / "data").glob("*.parquet"))) >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_dataset(recipe, out, on_rows=stop_late)
    (out / "data/train-00000-of-00005.parquet").write_bytes(b"harmed")

    write_dataset(recipe, out, resume=True)

    assert digests(out) == undisturbed["parquet"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 2}, "seed was 1, now it is 2"),
        ({"rows": 301}, "rows was 300, now it is 301"),
        ({"image_size": 96}, "image-size was 64, now it is 96"),
        ({"image_size": None}, "image-size was 64, now it is None"),
        ({"splits": {"train": 0.5, "test": 0.5}}, "splits was"),
        ({"annotations": True}, "annotations was False, now it is True"),
        ({"template": "burberry", "image_size": None}, "template was 'tiny', now it is 'burberry'"),
    ],
)
def test_resume_with_another_setting_is_refused_naming_it(recipe, tmp_path, change, message):
    with pytest.raises(KeyboardInterrupt):
        write_dataset(recipe, tmp_path, on_rows=_stop)

    with pytest.raises(ExportError, match=message):
        write_dataset(dataclasses.replace(recipe, **change), tmp_path, resume=True)


def _stop(rows):
    raise KeyboardInterrupt


def test_resuming_a_finished_dataset_changes_nothing(recipe, tmp_path, undisturbed, digests):
    write_dataset(recipe, tmp_path / "out")

    write_dataset(recipe, tmp_path / "out", resume=True)

    assert digests(tmp_path / "out") == undisturbed["parquet"]


def test_folder_that_is_not_empty_is_left_alone(recipe, tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")

    for options, message in [
        ({}, "is not empty"),
        ({"overwrite": True}, "did not make"),
        ({"resume": True}, "nothing to resume"),
    ]:
        with pytest.raises(ExportError, match=message):
            write_dataset(recipe, tmp_path, **options)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_overwrite_replaces_a_dataset_and_spares_other_files(recipe, tmp_path, undisturbed, digests):
    out = tmp_path / "out"
    write_dataset(recipe, out, format="csv")
    (out / "notes.txt").write_text("mine")

    write_dataset(recipe, out, overwrite=True)

    assert digests(out).keys() == {*undisturbed["parquet"], "notes.txt"}


def test_second_run_in_the_same_folder_is_refused(recipe, tmp_path):
    with output.claimed(tmp_path), pytest.raises(ExportError, match="another run of samplegen"):
        write_dataset(recipe, tmp_path)


def test_a_lock_that_an_ending_run_took_away_is_no_claim(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    lock = fcntl.flock

    def after_another_ended(file, how):
        monkeypatch.setattr(fcntl, "flock", lock)
        shutil.rmtree(tmp_path / STATE_FOLDER)
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", after_another_ended)

    with (
        output.claimed(tmp_path),
        pytest.raises(ExportError, match="another run of samplegen"),
        output.claimed(tmp_path),
    ):
        pass


def test_too_little_room_is_refused_before_anything_is_written(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(output, "estimate_bytes", lambda settings: 10**18)

    with pytest.raises(ExportError, match=r"1000000000\.0 GB are needed"):
        write_dataset(recipe, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_disk_that_fills_during_the_run_leaves_no_file_under_its_final_name(recipe, tmp_path, monkeypatch):
    from samplegen.export import files

    real_write = files.DigestingFile.write

    def write(self, data):
        if self.size > 3000:
            raise OSError(28, "No space left on device")
        return real_write(self, data)

    monkeypatch.setattr(files.DigestingFile, "write", write)
    with pytest.raises(ExportError, match=r"disk is full.*--resume"):
        write_dataset(recipe, tmp_path / "out")
    monkeypatch.undo()

    assert not list((tmp_path / "out").rglob("*.parquet"))
    assert read_manifest(tmp_path / "out") is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 0}, "workers is 0"),
        ({"format": "parket"}, "unknown format 'parket'.*Did you mean 'parquet'"),
        ({"resume": True, "overwrite": True}, "exclude each other"),
    ],
)
def test_bad_options_are_refused_before_anything_is_written(recipe, tmp_path, options, message):
    with pytest.raises(SamplegenError, match=message):
        write_dataset(recipe, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_overwriting_removes_no_folder_that_a_foreign_manifest_names(recipe, tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    recipe = dataclasses.replace(recipe, image_size=None)
    write_dataset(recipe, tmp_path / "out")
    manifest = tmp_path / "out/manifest.json"
    foreign = json.loads(manifest.read_text()) | {"splits": {str(kept): 0.5, "../kept": 0.5}}
    manifest.write_text(json.dumps(foreign))

    write_dataset(recipe, tmp_path / "out", overwrite=True)

    assert kept.is_dir()


def test_run_killed_while_it_removes_a_dataset_can_be_begun_again(recipe, tmp_path, monkeypatch, digests):
    recipe = dataclasses.replace(recipe, image_size=None)
    write_dataset(recipe, tmp_path / "out")
    whole = digests(tmp_path / "out")
    with monkeypatch.context() as patch:
        patch.setattr(output.shutil, "rmtree", _stop)
        with pytest.raises(KeyboardInterrupt):
            write_dataset(recipe, tmp_path / "out", overwrite=True)
    assert not (tmp_path / "out/manifest.json").exists()

    write_dataset(recipe, tmp_path / "out", overwrite=True)

    assert digests(tmp_path / "out") == whole


def _stop(path):
    raise KeyboardInterrupt
