import json
import re
import shutil

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import yaml

from samplegen.errors import ExportError
from samplegen.pipeline import Recipe, write_dataset
from samplegen.pipeline.checking import check_dataset, describe_dataset
from samplegen.templates import load_template


@pytest.fixture(scope="module")
def made(recipe, tmp_path_factory):
    root = tmp_path_factory.mktemp("checking") / "made"
    write_dataset(recipe, root)
    return root


@pytest.fixture
def dataset(made, tmp_path):
    return shutil.copytree(made, tmp_path / "dataset")


def _edit(path, column, value):
    table = pq.read_table(path)
    values = table[column].to_pylist()
    values[0] = value
    position = table.column_names.index(column)
    table = table.set_column(position, table.schema.field(column), pa.array(values, table[column].type))
    pq.write_table(table, path)


def _findings(dataset):
    return "\n".join(check_dataset(dataset)[1])


FIRST = "data/train-00000-of-00005.parquet"


@pytest.mark.parametrize(
    ("column", "value", "finding"),
    [
        ("price", 1e6, "a discount means price below full_price"),
        ("product_code", "TN/1-A", "itemurl"),
        ("title", "", "no text is empty"),
        ("full_price_eur", 0.01, "euros are the price x"),
        ("image", {"bytes": b"no picture", "path": "x.jpg"}, "pictures decode"),
    ],
)
def test_wrong_value_is_found(dataset, column, value, finding):
    _edit(dataset / FIRST, column, value)

    assert finding in _findings(dataset)
    assert f"manifest.json: {FIRST} has another SHA-256" in _findings(dataset)


def test_the_cell_that_makes_a_column_text_is_named(made, tmp_path):
    table = pq.read_table(made / FIRST).drop_columns("image").to_pylist()
    table[4]["full_price"] = "EUR 5"
    pyarrow.csv.write_csv(
        pa.Table.from_pylist([{**r, "full_price": str(r["full_price"])} for r in table]),
        tmp_path / "list.csv",
    )

    assert (
        "column types: full_price is string, not float64; 'EUR 5' in row 4 is no number"
        in check_dataset(tmp_path / "list.csv")[1]
    )


@pytest.mark.parametrize(
    "change", [{"euro_rate": "abc"}, {"euro_rate": None}, {"euro_rate": "1/0"}, {"seed": ...}]
)
def test_a_manifest_that_does_not_hold_what_it_should_is_one_finding(dataset, change):
    manifest = json.loads((dataset / "manifest.json").read_text())
    content = {name: value for name, value in {**manifest, **change}.items() if value is not ...}
    (dataset / "manifest.json").write_text(json.dumps(content))

    (finding,) = check_dataset(dataset)[1]
    assert re.search("is not a manifest of this version .*another folder", finding)


def test_title_in_two_splits_is_found(dataset):
    title = pq.read_table(dataset / FIRST)["title"][0].as_py()
    _edit(dataset / "data/validation-00000-of-00005.parquet", "title", title)

    assert "titles in one split only (1 titles)" in _findings(dataset)


def test_a_manifest_that_is_cut_off_is_found(dataset):
    content = (dataset / "manifest.json").read_bytes()
    (dataset / "manifest.json").write_bytes(content[:100])

    assert "manifest.json: is not JSON, so nothing is held to it" in _findings(dataset)


def test_repeated_code_is_found(dataset):
    code = pq.read_table(dataset / FIRST)["product_code"][1].as_py()
    _edit(dataset / FIRST, "product_code", code)

    assert f"product codes are unique (1 rows): {code}" in _findings(dataset)


def test_missing_file_is_found(dataset):
    (dataset / FIRST).unlink()

    assert f"manifest.json: {FIRST} is missing" in _findings(dataset)


def test_dataset_of_anyone_is_checked_without_manifest(dataset):
    (dataset / "manifest.json").unlink()

    assert check_dataset(dataset) == (300, [])
    assert check_dataset(dataset / FIRST)[1] == []


def test_missing_column_is_found(tmp_path):
    pq.write_table(pa.table({"product_code": [1], "title": ["A"]}), tmp_path / "a.parquet")

    assert "website_name is missing" in _findings(tmp_path)


def test_a_list_without_rows_is_found(tmp_path):
    (tmp_path / "header.csv").write_text("title,full_price\n")

    assert check_dataset(tmp_path / "header.csv") == (0, ["rows: no rows"])


def test_folder_without_a_dataset_is_refused(tmp_path):
    with pytest.raises(ExportError, match="no dataset found"):
        check_dataset(tmp_path)
    with pytest.raises(ExportError, match="no such file or folder"):
        check_dataset(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("locale", "template", "language", "license"),
    [("fr_FR", None, "fr", None), ("de_DE", None, "de", None), ("en_GB", "starter", "en", "mit")],
)
def test_card_says_how_a_pack_can_be_named_and_only_what_is_known_of_it(
    tmp_path, tiny_pack, locale, template, language, license
):
    pack = shutil.copytree(tiny_pack, tmp_path / "mine")
    settings = pack / "template.yaml"
    settings.write_text(settings.read_text().replace("locale: en_GB", f"locale: {locale}"))
    write_dataset(Recipe(rows=3, template=template or str(pack), image_size=None), tmp_path / "made")

    card = (tmp_path / "made" / "README.md").read_text()
    front = yaml.safe_load(card.split("---")[1])
    croissant = json.loads((tmp_path / "made" / "croissant.json").read_text())

    assert front["language"] == [language]
    assert front.get("license") == license
    assert ("license" in croissant) == (license is not None)
    named = f"--template {template or 'path/to/' + load_template(pack).name} "
    assert named in card
    assert named in croissant["description"]
    assert str(tmp_path) not in card


def test_card_and_croissant_are_written_again_as_they_were(dataset):
    before = {name: (dataset / name).read_bytes() for name in ("README.md", "croissant.json")}
    for name in before:
        (dataset / name).unlink()

    describe_dataset(dataset)

    assert {name: (dataset / name).read_bytes() for name in before} == before
