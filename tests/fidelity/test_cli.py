import sys

import pytest

from samplegen.cli import main


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line in this process, which has the heavy imports already."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["samplegen", "compare", *map(str, arguments)])
        with pytest.raises(SystemExit) as ending:
            main()
        out, err = capsys.readouterr()
        return ending.value.code, out, err

    return call


def test_thresholds_decide_the_exit_code_and_name_what_failed(run, real, alike, tmp_path):
    out = tmp_path / "page.html"
    options = ["--fail-under", "column_shapes=0.5", "--fail-under", "auc_table=0.9"]
    good = run(real, alike, "--out", out, *options)
    bad = run(real, alike, "--out", out, *options, "--fail-under", "pair_trends=0.999")

    assert good[0] == 0
    assert "column_shapes" in good[1]
    assert bad[0] == 1
    assert "pair_trends" in bad[2]
    assert "column_shapes" not in bad[2]
    assert out.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--fail-under", "shapes=0.9"], "allowed are column_shapes"),
        (["--fail-under", "column_shapes"], "is not NAME=VALUE"),
        (["--fail-under", "column_shapes=high"], "is not NAME=VALUE"),
        (["--fail-under", "auc_table=1", "--fail-under", "auc_table=0"], "stands twice"),
        (["--out", "report.pdf"], "ends in .html"),
        (["--fail-under", "column_shapes=inf"], "is not NAME=VALUE"),
        (["--fail-under", "column_shapes=1.5"], "cannot reach 1.5"),
        (["--max-rows", "0"], "max_rows is 0; allowed is 1 or more"),
        (["--seed", "-1"], "seed is -1; allowed is 0 to 4294967295"),
        (["--seed", "99999999999999999999"], "seed is 99999999999999999999"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_options_are_refused_before_anything_is_written(run, real, alike, tmp_path, options, message):
    if "--out" not in options:
        options = [*options, "--out", str(tmp_path / "page.html")]
    code, _, err = run(real, alike, *options)

    assert code == 2
    assert message in err
    assert list(tmp_path.iterdir()) == []


def test_a_dataset_that_is_not_there_is_one_message(run, real, tmp_path):
    code, _, err = run(real, tmp_path / "none", "--out", tmp_path / "page.html")

    assert code == 2
    assert "there is no such file or folder" in err
    assert "Traceback" not in err
