import json
import sys

import pytest
from PIL import Image

from finetune.cli import main
from finetune.evaluation.report import is_evaluation
from samplegen import Recipe, write_dataset

QUICK = ["--limit", "4", "--train-limit", "4", "--num-crops", "1", "--device", "cpu"]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "garments"
    write_dataset(Recipe(rows=120, template="starter", image_size=64), folder)
    return folder


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "shirt.png"
    Image.new("RGB", (40, 30), "navy").save(path)
    return path


@pytest.fixture
def run(monkeypatch, capsys):
    """Call the command line; give its exit code, output and messages."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["finetune", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        output = capsys.readouterr()
        return ended.value.code or 0, output.out, output.err

    return call


def test_predict_prints_a_line_for_each_picture(run, model_folder, picture):
    code, out, err = run("predict", model_folder, picture, picture, "--num-crops", 1)

    assert (code, err) == (0, "")
    assert out.splitlines() == [f"{picture}: no title, no category, –"] * 2  # noqa: RUF001  # it never learned a thing


def test_predict_prints_json(run, model_folder, picture):
    _, out, _ = run("predict", model_folder, picture, "--num-crops", 1, "--json", "--answer", "{title}")

    found = json.loads(out)
    assert list(found) == ["picture", "title", "category", "price", "text"]
    assert found["title"]
    assert (found["category"], found["price"]) == (None, None)


def test_predict_answers_for_the_pictures_that_can_be_read(run, model_folder, picture, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"no picture")

    code, out, err = run(
        "predict",
        model_folder,
        tmp_path / "bad.jpg",
        tmp_path,
        picture,
        tmp_path / "none.png",
        "--num-crops",
        1,
    )

    assert code == 1
    assert [line.partition(": ")[0] for line in out.splitlines()] == [str(picture)]
    assert err.splitlines() == [
        f"finetune: {tmp_path / 'bad.jpg'}: it cannot be read as a picture: it is of no known kind.",
        f"finetune: {tmp_path}: is a folder. Give the files of its pictures.",
        f"finetune: {tmp_path / 'none.png'}: there is no such file.",
    ]


def test_evaluate_writes_a_report_and_goes_on_from_kept_answers(run, model_folder, dataset, tmp_path):
    words = ("evaluate", model_folder, "--data", f"made={dataset}", "--out", tmp_path / "out", *QUICK)

    code, out, err = run(*words)

    assert (code, err) == (0, "")
    assert out.startswith("made: 4 products")
    assert "ignores its pictures" in out
    written = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert set(written) == {"answers.jsonl", "report.html", "report.json", "scores-made.svg"}
    assert run(*words)[1] == out
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == written
    for name in written.keys() - {"answers.jsonl"}:
        (tmp_path / "out" / name).unlink()
    assert is_evaluation(tmp_path / "out")  # as one that was stopped


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--data", "made=nowhere/at-all/here"], "there is no folder or file nowhere/at-all/here"),
        (["--data", "made=template:none"], "template:none"),
        (
            ["--data", "DATASET", "--split", "exam"],
            "split is 'exam'; allowed are train, validation, test, all",
        ),
        (["--data", "DATASET", "--data", "DATASET"], "two sources are named made; write NAME=PATH"),
        (["--data", "DATASET", "--fields", "colour"], "fields: found colour"),
        (["--data", "DATASET", "--device", "tpu"], "device is 'tpu'; allowed are auto, cpu and cuda"),
        (["--data", "DATASET", "--adapter", "nowhere"], "nowhere: there is no such folder"),
    ],
)
def test_bad_input_is_one_message_and_no_file(run, model_folder, dataset, tmp_path, options, message):
    options = [f"made={dataset}" if option == "DATASET" else option for option in options]

    code, _, err = run("evaluate", model_folder, *options, "--out", tmp_path / "out")

    assert code == 2
    assert message in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_file_in_place_of_the_folder_is_named_before_anything_long(run, tmp_path):
    (tmp_path / "out").touch()

    code, _, err = run("evaluate", "no-such-model", "--data", "template:starter", "--out", tmp_path / "out")

    assert code == 2
    assert f"{tmp_path / 'out'}: is no folder" in err


@pytest.mark.parametrize("name", ["report.html", "report.json", "answers.jsonl", "notes.txt"])
def test_a_report_never_goes_into_a_folder_of_other_files(run, tmp_path, name):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("mine")

    code, _, err = run("evaluate", "no-such-model", "--data", "template:starter", "--out", tmp_path / "out")

    assert code == 2
    assert f"{tmp_path / 'out'}: holds other files than an evaluation's, such as {name}." in err
    assert (tmp_path / "out" / name).read_text() == "mine"


@pytest.mark.parametrize("name", ["comparison.md", "comparison.json"])
def test_a_comparison_never_goes_into_a_folder_of_other_files(run, tmp_path, name):
    config = tmp_path / "run.yaml"
    config.write_text("{model: m, out: x, data: {sources: ['real=nowhere', 'synthetic=template:starter']}}")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("mine")

    code, _, err = run("compare", config, "--out", tmp_path / "out")

    assert code == 2
    assert f"{tmp_path / 'out'}: holds other files than a comparison's, such as {name}." in err


def test_without_a_run_data_must_be_named(run, model_folder, tmp_path):
    code, _, err = run("evaluate", model_folder, "--out", tmp_path / "out")

    assert (code, "give data, at least one NAME=PATH" in err) == (2, True)


def test_a_picture_that_is_none_is_named_before_the_model_is_loaded(run, tmp_path):
    path = tmp_path / "shirt.jpg"
    path.write_bytes(b"no picture")

    code, _, err = run("predict", "no-such-model", path)

    assert code == 2
    assert err == f"finetune: {path}: it cannot be read as a picture: it is of no known kind.\n"


def test_a_model_that_is_none_is_named(run, picture):
    code, _, err = run("predict", "no-such-model", picture)

    assert (code, "no-such-model: there is no such folder" in err) == (2, True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--arms", "real,fake"], "arms: found fake; allowed are real, synthetic, mixed"),
        (["--ratios", "0,half"], "ratios: found '0,half'"),
        (["--arms", "real"], "is no folder"),
        ([], "arm mixed 25%: the config has no synthetic source"),
    ],
)
def test_a_comparison_that_cannot_be_made_is_refused_before_anything_is_trained(
    run, model_folder, dataset, tmp_path, options, message
):
    config = tmp_path / "run.yaml"
    config.write_text(f"{{model: '{model_folder}', out: x, data: {{sources: ['real={dataset}']}}}}")
    (tmp_path / "out").touch()

    code, _, err = run("compare", config, *options, "--out", tmp_path / "out")

    assert code == 2
    assert message in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "run.yaml"]


@pytest.mark.parametrize(
    "words", [("evaluate", "no-such-model", "--data", "template:starter"), ("compare", "CONFIG")]
)
def test_a_folder_that_cannot_be_made_is_named_before_anything_long(run, tmp_path, words):
    config = tmp_path / "run.yaml"
    config.write_text("{model: m, out: x, data: {sources: ['real=nowhere', 'synthetic=template:starter']}}")
    (tmp_path / "file").touch()

    code, _, err = run(
        *(config if word == "CONFIG" else word for word in words), "--out", tmp_path / "file" / "out"
    )

    assert (code, len(err.strip().splitlines())) == (2, 1)
    assert f"{tmp_path / 'file' / 'out'}: is no folder that can be written" in err


def test_an_address_in_place_of_a_picture_is_not_fetched(run):
    code, _, err = run("predict", "no-such-model", "https://pictures.example/shirt.jpg")

    assert code == 2
    assert "is an address, and nothing is fetched" in err
