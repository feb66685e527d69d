import csv
import json

import datasets
import pytest

import samplegen
from samplegen.domain.pricelist import COLUMNS
from samplegen.export.formats import FORMATS
from samplegen.pipeline import write_dataset
from samplegen.pipeline.checking import check_dataset


@pytest.fixture(scope="module")
def rows(recipe):
    return {row["product_code"]: row for row in samplegen.SampleSet(recipe)}


@pytest.fixture(scope="module")
def dataset_of(recipe, tmp_path_factory):
    made = {}

    def get(format_name):
        if format_name not in made:
            made[format_name] = tmp_path_factory.mktemp("formats") / format_name
            write_dataset(recipe, made[format_name], format=format_name)
        return made[format_name]

    return get


def _load(root, tmp_path):
    return datasets.load_dataset(str(root), cache_dir=str(tmp_path))


@pytest.mark.parametrize("format_name", ["parquet", "imagefolder"])
def test_load_dataset_gives_every_row_with_its_picture(dataset_of, rows, tmp_path, format_name):
    splits = _load(dataset_of(format_name), tmp_path)

    loaded = {row["product_code"]: row for split in splits.values() for row in split}
    assert loaded.keys() == rows.keys()
    for code, row in loaded.items():
        assert {name: row[name] for name in COLUMNS} == {name: rows[code][name] for name in COLUMNS}
        assert row["image"].tobytes() == rows[code]["image"].tobytes()


def test_load_dataset_gives_every_row_of_a_webdataset(dataset_of, rows, tmp_path):
    splits = _load(dataset_of("webdataset"), tmp_path)

    loaded = {row["json"]["product_code"]: row for split in splits.values() for row in split}
    assert loaded.keys() == rows.keys()
    assert all(row["jpg"].tobytes() == rows[code]["image"].tobytes() for code, row in loaded.items())


def test_csv_has_the_columns_that_training_scripts_read(dataset_of, rows, tmp_path):
    root = dataset_of("csv")
    with (root / "Dataset.csv").open(newline="", encoding="utf-8") as stream:
        lines = list(csv.DictReader(stream))

    assert list(lines[0]) == [*COLUMNS, "local_image_path"]
    assert [line["product_code"] for line in lines] == list(rows)
    assert all((root / line["local_image_path"]).is_file() for line in lines)
    assert float(lines[0]["full_price"]) == rows[lines[0]["product_code"]]["full_price"]
    assert _load(root, tmp_path)["train"].num_rows == 300


@pytest.mark.parametrize("format_name", list(FORMATS))
def test_own_dataset_validates_without_findings(dataset_of, format_name):
    assert check_dataset(dataset_of(format_name)) == (300, [])


@pytest.mark.parametrize("format_name", list(FORMATS))
def test_manifest_lists_every_data_file(dataset_of, format_name):
    root = dataset_of(format_name)
    manifest = json.loads((root / "manifest.json").read_text())

    listed = {file["path"] for file in manifest["files"]}
    present = {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}
    described = {"manifest.json", "README.md", "croissant.json"}
    assert listed == {p for p in present - described if not p.endswith(".jpg")}
    assert sum(manifest["rows_of_split"].values()) == 300


@pytest.mark.parametrize("format_name", list(FORMATS))
def test_croissant_has_no_errors(dataset_of, format_name):
    mlcroissant = pytest.importorskip("mlcroissant")

    described = mlcroissant.Dataset(str(dataset_of(format_name) / "croissant.json"))

    assert not described.metadata.issues.errors
