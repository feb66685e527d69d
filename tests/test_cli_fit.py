import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-m", "samplegen"]
ROWS = [f"FEMME,SACS,N.A.,Sac à main {name} en {cloth},{price}" for name in ("Orsel", "Lison", "Valmy") for cloth in ("cuir", "toile") for price in (890, 990)]  # fmt: skip
TABLE = "category1_code,category2_code,category3_code,title,full_price\n"


def run(*words, cwd):
    done = subprocess.run([*COMMAND, *map(str, words)], capture_output=True, text=True, cwd=cwd, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "list.csv").write_text(TABLE + "\n".join(ROWS) + "\n", "utf-8")
    return tmp_path


def test_fit_says_what_it_learned_and_make_runs_on_it(folder):
    code, out, err = run("fit", "list.csv", "--out", "packs/mine", "--min-count", 2, cwd=folder)

    assert (code, out) == (0, "packs/mine\n")
    assert "12 rows in fr: 1 category triples" in err
    assert "assumed in template.yaml: website_name" in err
    made = run("make", "-n", 8, "--image-size", 64, "--template", "packs/mine", "--out", "data", cwd=folder)
    assert made == (0, "data\n", "")
    assert run("validate", "data", cwd=folder)[:2] == (0, "data: 8 rows, no findings\n")


def test_make_says_that_boxes_stand_for_products_without_a_drawing(folder):
    titles = [f"FEMME,DIVERS,N.A.,Zorglub {name},40" for name in ("noir", "beige") * 3]
    (folder / "list.csv").write_text(TABLE + "\n".join([*ROWS, *titles]) + "\n", "utf-8")
    _, _, err = run("fit", "list.csv", "--out", "mine", "--min-count", 1, cwd=folder)
    assert "6 rows have no drawing and show a closed box; complete mine/shapes.yaml" in err

    code, _, err = run(
        "make", "-n", 8, "--image-size", 64, "--template", "./mine", "--out", "data", cwd=folder
    )

    assert code == 0
    assert "33.3% of the rows have no drawing and show a closed box; mine/shapes.yaml says" in err
    assert run("make", "-n", 8, "--no-images", "--template", "./mine", "--out", "bare", cwd=folder)[2] == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere.csv"], "nowhere.csv: there is no such file or folder"),
        (["list.csv", "--min-count", "0"], "--min-count is 0; give a whole number above 0"),
        (["list.csv", "--min-count", "50"], "12 usable rows; with --min-count 50"),
        (["list.csv", "--epsilon", "0"], "--epsilon is 0; give a number above 0"),
        (["list.csv", "--language", "xx"], "--language is 'xx'; allowed are en, fr, it, de, es"),
        (["list.csv", "--base", "burbery"], "Did you mean 'burberry'"),
        (["list.csv", "--shapes", "none.yaml"], "none.yaml: cannot be read"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(folder, words, message):
    code, out, err = run("fit", *words, "--out", "mine", cwd=folder)

    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
    assert not (folder / "mine").exists()
