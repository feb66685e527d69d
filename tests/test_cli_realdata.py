import os
import re
import signal
import subprocess
import sys

import pytest
from waiting import output_at_end, wait_until

from samplegen.pipeline import Recipe, write_dataset

COMMAND = [sys.executable, "-m", "samplegen"]


def _run(*words, cwd=None, **environment):
    result = subprocess.run(
        [*COMMAND, *map(str, words)],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
        env={**os.environ, **environment},
    )
    return result.returncode, result.stdout, result.stderr


@pytest.fixture
def served(tiny_pack, tmp_path):
    write_dataset(Recipe(rows=30, template=tiny_pack, image_size=64), tmp_path / "made")
    words = [*COMMAND, "serve", "made"]
    with subprocess.Popen(
        words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        yield process.stdout.readline().strip(), process
        process.kill()


def test_a_made_dataset_goes_through_serve_and_collect(served, tmp_path):
    origin, process = served
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", origin)

    words = [
        "collect",
        f"{origin}/Dataset.csv",
        "--out",
        "real",
        "--format",
        "csv",
        "--private-host",
        "127.0.0.1",
    ]
    assert _run(*words, cwd=tmp_path) == (0, "real\n", "")
    assert _run("validate", "real", "--strict", cwd=tmp_path) == (0, "real: 30 rows, no findings\n", "")
    code, out, err = _run("collect", f"{origin}/Dataset.csv", "--out", "refused", cwd=tmp_path)
    assert (code, out) == (2, "")
    assert "127.0.0.1, a private address" in err
    assert not (tmp_path / "refused").exists()

    process.send_signal(signal.SIGINT)
    _, err = output_at_end(process)
    assert process.returncode == 0
    assert "Traceback" not in err


def test_what_was_left_out_is_said_in_few_lines(server, tmp_path):
    lines = [f"{n},{server.url}/{'404' if n % 2 else 'good'}/{n}.jpg" for n in range(6)]
    (tmp_path / "list.csv").write_text("\n".join(["product_code,imageurl", *lines, "6,N.A."]))

    code, out, err = _run("collect", "list.csv", "--out", "real", "--allow-private", cwd=tmp_path)

    assert (code, out) == (0, "real\n")
    assert err.splitlines() == [
        "rows with a picture: 3; without: 4, see real/failures.csv:",
        "        3  404 Not Found",
        "        1  '...' is no http(s) address",
    ]


def test_ctrl_c_is_one_message_and_resume_completes(server, tmp_path):
    # The last picture is held back, so that the run cannot end before it is stopped.
    lines = [f"{n},{server.url}/{'good' if n < 99 else 'held'}/{n}.jpg" for n in range(100)]
    (tmp_path / "list.csv").write_text("\n".join(["product_code,imageurl", *lines]))
    words = ["collect", "list.csv", "--out", "real", "--allow-private"]
    process = subprocess.Popen(
        [*COMMAND, *words], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_until(lambda: len(server.asked) >= 10, process)
    process.send_signal(signal.SIGINT)
    _, err = output_at_end(process)
    server.let_go.set()

    assert process.returncode == 130
    assert err == "samplegen: stopped; the same command with --resume goes on from here.\n"
    assert not (tmp_path / "real/manifest.json").exists()
    assert _run(*words, "--resume", cwd=tmp_path) == (0, "real\n", "")
    assert _run("validate", "real", cwd=tmp_path)[:2] == (0, "real: 100 rows, no findings\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere.csv"], "there is no such file"),
        (["list.csv", "--image-column", "photo"], "has no column 'photo'"),
        (["list.csv", "--format", "parket"], "Did you mean 'parquet'"),
        (["list.csv", "--per-host", "0"], "per host is 0"),
        (["list.csv", "--retries", "many"], "'many' is not a whole number"),
        (["http://me:secret@shop.example/list.csv"], "user name or a password"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(tmp_path, words, message):
    (tmp_path / "list.csv").write_text("product_code,imageurl\n1,http://shop.invalid/1.jpg\n")

    code, out, err = _run("collect", *words, "--out", "out", cwd=tmp_path)

    assert (code, out) == (2, "")
    assert message in " ".join(err.replace("│", "").split())
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()


def test_without_its_extra_collect_names_it(tmp_path):
    # A folder in front of the libraries, in which httpx is missing.
    (tmp_path / "httpx.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'httpx'\", name='httpx')\n"
    )
    (tmp_path / "list.csv").write_text("imageurl\nhttp://shop.invalid/1.jpg\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])

    code, _, err = _run("collect", "list.csv", "--out", "out", cwd=tmp_path, PYTHONPATH=path)

    assert (code, err) == (2, "samplegen: collect needs an HTTP client: pip install 'samplegen[collect]'.\n")
