import json
import os
import shutil
import signal
import subprocess
import sys

import pytest
from PIL import Image, ImageFont
from waiting import output_at_end, wait_until

from samplegen import __version__, load_template

COMMAND = [sys.executable, "-m", "samplegen"]


def _run(*words, cwd=None):
    result = subprocess.run(
        [*COMMAND, *map(str, words)], capture_output=True, text=True, cwd=cwd, check=False
    )
    return result.returncode, result.stdout, result.stderr


def test_make_prints_only_the_path_when_piped(tiny_pack, tmp_path):
    code, out, err = _run("make", "-n", 70, "--image-size", 64, "--template", tiny_pack, cwd=tmp_path)

    assert (code, out, err) == (0, "samplegen-tiny-70\n", "")
    manifest = json.loads((tmp_path / "samplegen-tiny-70/manifest.json").read_text())
    assert (manifest["rows"], manifest["image_size"], manifest["format"]) == (70, 64, "parquet")
    assert manifest["splits"] == {"train": 0.8, "validation": 0.2}


def test_default_template_makes_a_price_list_without_pictures(tmp_path):
    code, out, _ = _run("make", "--rows", 500, "--no-images", "--out", tmp_path / "list")

    assert (code, out) == (0, f"{tmp_path / 'list'}\n")
    assert _run("validate", tmp_path / "list")[:2] == (0, f"{tmp_path / 'list'}: 500 rows, no findings\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--rows", "0"], "rows is 0; give a whole number above 0"),
        (["--rows", "-3"], "rows is -3"),
        (["--rows", "many"], "Invalid value for '--rows'"),
        (["--rows", "nan"], "Invalid value for '--rows'"),
        (["--template", "burbery"], "Did you mean 'burberry'"),
        (["--template", "./nowhere"], "no such folder"),
        (["--format", "webdatset"], "Did you mean 'webdataset'"),
        (["--image-size", "63"], "image size is 63; allowed are 64 to 2048"),
        (["--image-size", "2049"], "image size is 2049"),
        (["--workers", "0"], "workers is 0"),
        (["--seed", "-1"], "seed is -1"),
        (["--splits", "train=0.9"], "sum to 0.9"),
        (["--splits", "train"], "'train' is not NAME=SHARE"),
        (["--splits", "train=0.5,train=0.5"], "'train' stands twice"),
        (["--splits", "a/b=1"], "the name 'a/b'"),
        (["--no-images", "--annotations"], "annotations describe pictures"),
        (["--no-images", "--format", "imagefolder"], "imagefolder needs pictures"),
        (["--resume", "--overwrite"], "exclude each other"),
        (["--out", "/proc/samplegen"], "/proc/samplegen: "),
        (["--out", __file__], "is a file"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(tmp_path, words, message):
    code, out, err = _run("make", *words, cwd=tmp_path)

    assert (code, out) == (2, "")
    assert message in " ".join(err.replace("│", "").split())
    assert "Traceback" not in err
    assert not any(tmp_path.iterdir())


@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may write anywhere")
def test_folder_that_may_not_be_written_is_refused(tmp_path):
    tmp_path.chmod(0o500)

    code, _, err = _run("make", "--out", tmp_path / "out")

    assert code == 2
    assert "not writable" in err


def test_a_sheet_that_no_program_opens_is_refused_before_it_is_drawn(tiny_pack, tmp_path):
    words = ["--rows", "205", "--columns", "1", "--template", tiny_pack, "--out", tmp_path / "tall.jpg"]

    code, _, err = _run("preview", *words)

    assert (code, err.strip().endswith("Take fewer rows or more columns.")) == (2, True)


def test_titles_on_a_sheet_keep_their_accents_where_the_system_has_a_font_for_them(tiny_pack, tmp_path):
    if not any(_has_font(name) for name in ("LiberationSans-Regular.ttf", "Arial.ttf", "DejaVuSans.ttf")):
        pytest.skip("the system has no font with accents")
    sheets = []
    for word in ("Tuniquê", "Tunique"):
        pack = shutil.copytree(tiny_pack, tmp_path / word)
        catalog = pack / "catalog.yaml"
        catalog.write_text(
            catalog.read_text("utf-8").replace("{word} Tunic", f"{{word}} {word} Îlot"), "utf-8"
        )
        assert _run("preview", "--rows", "6", "--template", pack, "--out", tmp_path / f"{word}.png")[0] == 0
        sheets.append((tmp_path / f"{word}.png").read_bytes())

    assert sheets[0] != sheets[1]


def _has_font(name):
    try:
        ImageFont.truetype(name, 13)
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("folder", "name"),
    [("My-Brand", "my_brand"), ("On", "on"), ("b" * 90, "b" * 60), ("2027", "tiny")],
    ids=["brand", "a word that YAML knows", "long", "digits"],
)
def test_a_copied_pack_has_the_name_of_its_folder_as_far_as_it_may(tiny_pack, tmp_path, folder, name):
    _run("templates", "copy", tiny_pack, tmp_path / folder)

    assert load_template(tmp_path / folder).name == name


def test_wrong_pack_reports_all_its_errors_and_writes_nothing(tiny_pack, tmp_path):
    assert _run("templates", "copy", tiny_pack, tmp_path / "own")[0] == 0
    settings = tmp_path / "own/template.yaml"
    settings.write_text(settings.read_text().replace("GBP", "pounds").replace('"1.17"', '"-1"'))

    code, _, err = _run("make", "--template", tmp_path / "own", "--out", tmp_path / "out")

    assert code == 2
    assert "currency_code" in err
    assert "euro_rate" in err
    assert not (tmp_path / "out").exists()


def test_pack_whose_drawing_is_missing_is_refused_before_anything_is_written(tiny_pack, tmp_path):
    _run("templates", "copy", tiny_pack, tmp_path / "own")
    (tmp_path / "own/shapes/sack.svg").unlink()

    code, _, err = _run("make", "--template", tmp_path / "own", "--out", tmp_path / "out")

    assert code == 2
    assert "sack" in err
    assert not (tmp_path / "out").exists()


def test_ctrl_c_is_one_message_and_resume_completes(tiny_pack, tmp_path):
    words = ["make", "-n", "700", "--image-size", "128", "--template", tiny_pack, "--workers", "2"]
    out = tmp_path / "out"
    process = subprocess.Popen(
        [*COMMAND, *words, "--out", out],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_until(lambda: list(out.glob(".samplegen/shards/*.json")), process)
    os.killpg(process.pid, signal.SIGINT)
    _, err = output_at_end(process)

    assert process.returncode == 130
    assert err == "samplegen: stopped; the same command with --resume completes the dataset.\n"
    assert not list(out.rglob("manifest.json"))

    # Of the shards that are noted: a file may be in place before it is noted, and is then made again.
    records = [json.loads(path.read_text()) for path in out.glob(".samplegen/shards/*.json")]
    kept = [out / file["path"] for record in records for file in record["files"]]
    written = [path.stat().st_mtime_ns for path in kept]
    assert _run(*words, "--out", out, "--resume") == (0, f"{out}\n", "")
    assert written == [path.stat().st_mtime_ns for path in kept]
    assert _run(*words, "--out", tmp_path / "undisturbed")[0] == 0
    assert _contents(out) == _contents(tmp_path / "undisturbed")


def _contents(root):
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_validate_prints_findings_and_exits_with_1(tiny_pack, tmp_path):
    _run("make", "-n", 70, "--no-images", "--template", tiny_pack, "--out", tmp_path / "d", "--format", "csv")
    table = tmp_path / "d/Dataset.csv"
    table.write_text(table.read_text() + table.read_text().splitlines()[1] + "\n")

    code, out, err = _run("validate", tmp_path / "d")

    assert code == 1
    assert "product codes are unique (1 rows)" in out
    assert "71 rows, 2 findings" in err


def test_validate_of_nothing_is_exit_code_2(tmp_path):
    assert _run("validate", tmp_path / "nothing")[0] == 2


def test_preview_draws_a_contact_sheet(tiny_pack, tmp_path):
    words = ["preview", "--rows", 5, "--columns", 3, "--template", tiny_pack, "--out", tmp_path / "sheet.png"]

    code, out, _ = _run(*words)

    assert (code, out) == (0, f"{tmp_path / 'sheet.png'}\n")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 3 * 200
        assert len(sheet.convert("RGB").getcolors(1 << 20)) > 1000


def test_preview_can_show_one_row_of_each_shape(tiny_pack, tmp_path):
    words = ["--pick", "one-per-shape", "--template", tiny_pack, "--out", tmp_path / "sheet.png"]

    assert _run("preview", *words)[0] == 0
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert 2 * 200 < sheet.width < 3 * 240
    code, _, err = _run("preview", *words, "--rows", "2")
    assert (code, "leave out --rows" in err) == (2, True)


def test_templates_are_listed_and_shown(tiny_pack):
    assert "burberry\t" in _run("templates", "list")[1]
    assert "shapes: sack, tunic" in _run("templates", "show", tiny_pack)[1]


def test_push_of_an_unfinished_dataset_is_refused(tmp_path):
    code, _, err = _run("push", tmp_path, "someone/something")

    assert code == 2
    assert "only a finished dataset can be pushed" in err


def test_version_is_printed():
    assert _run("--version")[1] == f"samplegen {__version__}\n"


HEAVY = ("datasets", "torch", "pandas", "faker", "cv2", "pyarrow", "numpy", "PIL", "pydantic", "rich")


@pytest.mark.parametrize("code", ["import samplegen", "import samplegen.cli", "import samplegen_pytest"])
def test_import_loads_nothing_heavy(code):
    script = f"import sys; {code}; print(*[m for m in {HEAVY} if m in sys.modules])"

    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert loaded.strip() in ("", "rich") if "pytest" in code else loaded.strip() == ""


def test_help_loads_nothing_that_it_does_not_show():
    script = (
        "import sys\nfrom samplegen.cli import main\nsys.argv[1:] = ['--help']\n"
        "try: main()\nexcept SystemExit: pass\n"
        f"print(*[m for m in {HEAVY} if m in sys.modules], file=sys.stderr)"
    )

    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert "validate" in shown.stdout
    assert shown.stderr.split() == ["rich"]
