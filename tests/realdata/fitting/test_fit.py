import os
import random
import re
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from samplegen.domain.pricelist import check_rules
from samplegen.errors import FitError, SamplegenError
from samplegen.realdata.fitting import FitOptions, fit_template
from samplegen.realdata.fitting.pictures import UNDRAWN
from samplegen.sampling import Sampler
from samplegen.templates import load_template

from .tables import NOUNS, french_rows, plain_rows, write_csv

REAL = Path(__file__).parents[4] / "shared" / "real" / "burberry" / "dev.csv"
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def french(tmp_path_factory):
    folder = tmp_path_factory.mktemp("french")
    table = write_csv(folder / "list.csv", french_rows())
    fit_template(table, folder / "valmy", FitOptions())
    return folder / "valmy"


def files_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def draw(pack, rows=200):
    return Sampler(load_template(pack)).draw(range(rows)).table()


def strings_in(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from strings_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings_in(inner)
    else:
        yield str(value)


def test_a_french_table_gives_a_pack_whose_rows_keep_every_rule(french):
    table = draw(french)

    assert check_rules(table, euro_rate=Fraction(1)) == []
    assert set(table["currency_code"].to_pylist()) == {"EUR"}
    assert set(table["brand"].to_pylist()) == {"MAISON VALMY"}


def test_codes_keep_the_form_of_the_table(french):
    codes = draw(french)["product_code"].to_pylist()

    assert all(re.fullmatch(r"NVPROD\d{7}V/M\d{5}", code) for code in codes)
    assert len(set(codes)) == len(codes)


def test_urls_hold_codes_percent_encoded(tmp_path):
    rows = [{**row, "product_code": f"7{n:05d} X{n:03d}/A"} for n, row in enumerate(french_rows(40))]
    fit_template(write_csv(tmp_path / "list.csv", rows), tmp_path / "mine", FitOptions())

    table = draw(tmp_path / "mine", 30)
    assert check_rules(table, euro_rate=Fraction(1)) == []
    for code, url in zip(table["product_code"].to_pylist(), table["itemurl"].to_pylist(), strict=True):
        assert re.fullmatch(r"7\d{5} X\d{3}/A", code)
        assert quote(code, safe="") in url
        assert " " not in url


def test_discounts_come_as_often_as_in_the_table(french):
    flags = draw(french, 2000)["flg_discount"].to_pylist()

    assert 0.2 < sum(flags) / len(flags) < 0.4  # three rows in ten


def test_hosts_are_reserved_names(french):
    urls = load_template(french).settings.urls

    assert ".example/" in urls.item
    assert ".example/" in urls.image


def test_french_nouns_find_their_drawings(french):
    table = draw(french, 300)
    template = load_template(french)
    shape_of = {}
    for line in template.catalog.lines.values():
        for form in line.forms:
            shape_of.setdefault(form.split()[0], set()).add(line.shape)

    assert shape_of["Robe"] == {"dress"}
    assert shape_of["Bottines"] == {"ankle_boots"}
    assert shape_of["Boucles"] == {"earrings"}
    assert shape_of["Porte-cartes"] == {"card_case"}
    assert {"crossbody", "top_handle_bag"} <= shape_of["Sac"]
    assert not (french / "shapes.yaml").exists()
    assert table.num_rows == 300


def test_titles_are_put_together_anew(french):
    known = {row["title"] for row in french_rows()}
    made = set(draw(french, 1500)["title"].to_pylist())

    assert made - known, "no title that the table does not have"
    assert made & known, "no title that the table has"


def test_pictures_follow_french_words(french):
    reader = Sampler(load_template(french)).products._reader

    reading = reader.read("Robe longue en soie à imprimé floral")

    assert reading.materials == ["silk"]
    assert reading.pattern == "print"


def test_same_table_and_seed_give_the_same_files(tmp_path):
    table = write_csv(tmp_path / "list.csv", french_rows(150))
    for place in ("a", "b"):
        fit_template(table, tmp_path / place / "mine", FitOptions(seed=3))

    assert files_of(tmp_path / "a" / "mine") == files_of(tmp_path / "b" / "mine")


def test_the_processor_does_not_show_in_the_files(tmp_path):
    made = Sampler(load_template("burberry")).draw(range(600)).table()
    table = write_csv(tmp_path / "list.csv", made.to_pylist())
    script = (
        "import sys; from samplegen.realdata.fitting import FitOptions, fit_template;"
        "fit_template(*sys.argv[1:], FitOptions(min_count=1))"
    )
    packs = []
    usual = os.environ.get("OPENBLAS_CORETYPE", "")
    for kernels in ("Prescott", usual):  # of OpenBLAS; another library does not ask
        folder = tmp_path / (kernels or "usual") / "mine"
        folder.parent.mkdir()
        subprocess.run(
            [sys.executable, "-c", script, str(table), str(folder)],
            env={**os.environ, "OPENBLAS_CORETYPE": kernels},
            check=True,
        )
        packs.append(files_of(folder))

    assert packs[0] == packs[1]


@pytest.mark.parametrize("min_count", [2, 5, 9])
def test_no_value_that_few_rows_hold_is_written(tmp_path, min_count):
    rows = _with_rare_values(french_rows(300, seed=min_count))
    fit_template(write_csv(tmp_path / "list.csv", rows), tmp_path / "mine", FitOptions(min_count=min_count))

    written = [
        text for name in ("catalog", "template", "lexicon") for text in _written(tmp_path / "mine", name)
    ]
    words = {word for text in written for word in re.findall(r"[^\s{}>,]+", text)}
    for value, count in _counts_of_words(rows).items():
        if count < min_count:
            assert value not in words, f"{value!r} stands in {count} rows"
    places = {
        place for line in load_template(tmp_path / "mine").catalog.lines.values() for place in line.places
    }
    triples = Counter(" > ".join(row[f"category{n}_code"] for n in (1, 2, 3)) for row in rows)
    assert not {place for place in places if 0 < triples[place] < min_count}


@pytest.mark.parametrize("min_count", [2, 5])
def test_no_rare_price_is_written(tmp_path, min_count):
    rows = _with_rare_values(french_rows(300, seed=7))
    fit_template(write_csv(tmp_path / "list.csv", rows), tmp_path / "mine", FitOptions(min_count=min_count))

    catalog = load_template(tmp_path / "mine").catalog
    points = {p for table in catalog.price_points.values() for p in table}
    points |= {p for line in catalog.lines.values() for p in line.prices or {}}
    prices = Counter(row["full_price"] for row in rows)
    assert not {point for point in points if 0 < prices[point] < min_count}


@pytest.mark.parametrize("min_count", [1, 5])
def test_no_whole_title_is_written(tmp_path, min_count):
    rows = [*french_rows(200), *_plain_titles()]
    fit_template(write_csv(tmp_path / "list.csv", rows), tmp_path / "mine", FitOptions(min_count=min_count))

    written = set(_written(tmp_path / "mine", "catalog"))
    for line in load_template(tmp_path / "mine").catalog.lines.values():
        written |= {*line.forms, *(word for words in line.slots.values() for word in words)}
        bare = {form for form in line.forms if "{" not in form}
        assert not {form for form in bare if " " in form}, "a form without a slot is a title"
    assert not written & {row["title"] for row in rows if " " in row["title"]}


def _like_a_shop(french, *lines):
    """Give rows of the French table's form with titles of one's own."""
    rows = french_rows(sum(times for _, _, times in lines), seed=4)
    titles = [(title, place) for title, place, times in lines for _ in range(times)]
    for row, (title, place) in zip(rows, titles, strict=True):
        levels = (*place.split(" > "), "N.A.", "N.A.")[:3]
        row.update(title=title, **{f"category{n}_code": level for n, level in enumerate(levels, 1)})
    return [*french_rows(100), *rows] if french else rows


def test_where_nouns_come_first_no_word_is_put_before_them(tmp_path):
    rows = _like_a_shop(
        True,
        ("Pantalon cargo", "HOMME > PRÊT-À-PORTER > PANTALONS", 20),
        ("Parapluie", "HOMME > ACCESSOIRES > PARAPLUIES", 20),
    )
    fit_template(write_csv(tmp_path / "list.csv", rows), tmp_path / "mine", FitOptions())

    lines = load_template(tmp_path / "mine").catalog.lines.values()
    forms = {line.shape: set(line.forms) for line in lines}
    assert forms["trousers"] == {"Pantalon cargo en {material}"}
    assert "Parapluie" in forms["umbrella"]
    assert all(form.startswith("Parapluie") for form in forms["umbrella"])


def test_public_names_keep_their_capital_and_titles_begin_with_one(tmp_path):
    rows = _like_a_shop(
        True,
        *((f"Jeans Rare{name}", "HOMME > PRÊT-À-PORTER > JEANS", 1) for name in "abcdefgh"),
    )
    fit_template(write_csv(tmp_path / "list.csv", rows), tmp_path / "mine", FitOptions(min_count=9))

    line = next(x for x in load_template(tmp_path / "mine").catalog.lines.values() if x.shape == "jeans")
    assert all(form.startswith("Jean ") for form in line.forms)
    assert line.slots["style"]
    assert all(name[0].isupper() for name in line.slots["style"])


def test_commas_stay_behind_the_words_before_them(tmp_path):
    rows = _like_a_shop(
        True,
        *((f"Bracelet {name}, or rose", "FEMME > BIJOUX > BRACELETS", 6) for name in ("Ondine", "Orsel")),
    )
    fit_template(write_csv(tmp_path / "list.csv", rows), tmp_path / "mine", FitOptions())

    line = next(x for x in load_template(tmp_path / "mine").catalog.lines.values() if x.shape == "bracelet")
    assert set(line.forms) == {"Bracelet {style}, {material}"}
    assert not [word for words in line.slots.values() for word in words if "," in word]


def test_every_line_has_more_than_one_title(french):
    for name, line in load_template(french).catalog.lines.items():
        longest = max(len(words) for words in line.slots.values())
        assert longest > 1 or len(line.forms) > 1, name


def test_a_word_without_drawing_shows_a_box_and_is_asked_for(tmp_path):
    rows = [*french_rows(60), *_unheard_of(12)]
    table = write_csv(tmp_path / "list.csv", rows)

    report = fit_template(table, tmp_path / "mine", FitOptions())

    assert report.unmapped_rows == 12
    mapping = yaml.safe_load((tmp_path / "mine" / "shapes.yaml").read_text("utf-8"))
    assert mapping == {"Zorglub": None}
    assert "parcel" in load_template(tmp_path / "mine", check_shapes=True).shape_names


def test_a_drawing_that_only_a_category_names_is_told(tmp_path):
    rows = _like_a_shop(True, ("Fnurk Bandoulière 50", "VOYAGE > SACS > SACS DE VOYAGE", 12))
    table = write_csv(tmp_path / "list.csv", rows)

    fit_template(table, tmp_path / "mine", FitOptions())

    text = (tmp_path / "mine" / "shapes.yaml").read_text("utf-8")
    assert "# Fnurk: holdall  # 12 rows, as in VOYAGE > SACS > SACS DE VOYAGE" in text
    assert not yaml.safe_load(text)


def test_a_completed_mapping_is_used(tmp_path):
    table = write_csv(tmp_path / "list.csv", [*french_rows(60), *_unheard_of(12)])
    (tmp_path / "shapes.yaml").write_text("Zorglub: umbrella\n", "utf-8")

    report = fit_template(table, tmp_path / "mine", FitOptions(shapes=tmp_path / "shapes.yaml"))

    assert report.unmapped_rows == 0
    assert "umbrella" in load_template(tmp_path / "mine").shape_names


def test_only_drawings_that_are_used_are_copied(french):
    drawn = {path.stem for path in (french / "shapes").glob("*.svg")}

    assert drawn == set(load_template(french).shape_names)


def test_rows_that_cannot_be_used_are_counted(tmp_path):
    rows = french_rows(40)
    rows[0]["full_price"] = rows[0]["price"] = "0"
    rows[1]["full_price"] = rows[1]["price"] = "nan"
    rows[2]["title"] = ""
    rows[4]["full_price"], rows[5]["full_price"] = "EUR 490", "auf Anfrage"
    rows[4]["price"] = rows[5]["price"] = ""
    rows[6]["full_price"] = rows[6]["price"] = "1.290,00"
    rows[7]["full_price"] = rows[7]["price"] = "1,290.00"
    rows.append(dict(rows[3]))

    report = fit_template(write_csv(tmp_path / "list.csv", rows), tmp_path / "mine", FitOptions())

    assert report.rows == 35
    assert report.left_out == {
        "without a price above 0": 2,
        "whose price is no number, such as 'EUR 490'": 2,
        "without a title": 1,
        "repeats another row in every column": 1,
    }


@pytest.mark.parametrize("language", NOUNS)
def test_common_nouns_of_every_language_find_their_drawing(tmp_path, language):
    table = write_csv(tmp_path / "list.csv", plain_rows(language))

    report = fit_template(table, tmp_path / "mine", FitOptions())

    assert report.language == language
    drawn = Counter(shape or UNDRAWN for shape in NOUNS[language].values())
    assert Counter(line.shape for line in load_template(tmp_path / "mine").catalog.lines.values()) == drawn
    assert report.unmapped_rows == 6


@pytest.mark.parametrize("change", [str.upper, str.lower])
def test_titles_in_capitals_and_in_small_letters_are_read_too(tmp_path, change):
    rows = [{**row, "title": change(row["title"])} for row in french_rows(120)]

    report = fit_template(write_csv(tmp_path / "list.csv", rows), tmp_path / "mine", FitOptions())

    assert report.language == "fr"
    assert report.unmapped_rows == 0
    assert all(title == change(title) for title in draw(tmp_path / "mine", 60)["title"].to_pylist())


def test_two_columns_are_enough(tmp_path):
    table = write_csv(tmp_path / "list.csv", french_rows(60), ["title", "full_price"])

    report = fit_template(table, tmp_path / "mine", FitOptions())

    assert "brand" in report.assumed
    assert check_rules(draw(tmp_path / "mine")) == []


def test_parquet_and_json_lines_give_the_same_pack_as_csv(tmp_path):
    rows = [{**row, "full_price": float(row["full_price"])} for row in french_rows(80)]
    write_csv(tmp_path / "list.csv", rows)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "list.parquet")
    lines = pa.Table.from_pylist(rows).to_pandas().to_json(orient="records", lines=True)
    (tmp_path / "list.jsonl").write_text(lines, "utf-8")
    packs = []
    for kind in ("csv", "parquet", "jsonl"):
        fit_template(tmp_path / f"list.{kind}", tmp_path / kind / "mine", FitOptions())
        packs.append((tmp_path / kind / "mine" / "catalog.yaml").read_bytes())

    assert packs[0] == packs[1] == packs[2]


def test_a_dataset_that_samplegen_made_can_be_learned_from(tmp_path, french):
    table = draw(french, 200)
    (tmp_path / "dataset").mkdir()
    pq.write_table(table, tmp_path / "dataset" / "train-00000-of-00001.parquet")

    report = fit_template(tmp_path / "dataset", tmp_path / "mine", FitOptions())

    assert report.rows == 200


REFUSED = {
    "no such table": ("missing.csv", {}, r"missing.csv: there is no such file"),
    "no title": ("untitled.csv", {}, r"needs the columns title and full_price .*found name, full_price"),
    "no rows": ("empty.csv", {}, r"empty.csv: has no rows"),
    "one row": ("single.csv", {}, r"1 usable rows; with --min-count 5 nothing .* may be written"),
    "no usable row": ("free.csv", {}, r"none of its rows can be used: 1 without a price above 0"),
    "another format": ("table.xls", {}, r"is none of .csv, .parquet"),
    "an unknown drawing": ("good.csv", {"shapes": "wrong.yaml"}, r"'zorglub' names the drawing 'boat'; allowed are ankle"),
    "a mapping that is none": ("good.csv", {"shapes": "list.yaml"}, r"allowed are lines such as 'poncho: cape'"),
}  # fmt: skip


@pytest.mark.parametrize(("table", "options", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_learned_from_is_refused(tmp_path, table, options, message):
    write_csv(tmp_path / "good.csv", french_rows(20))
    write_csv(tmp_path / "single.csv", french_rows(1))
    write_csv(tmp_path / "free.csv", [{"title": "Sac", "full_price": "0"}])
    (tmp_path / "untitled.csv").write_text("name,full_price\nBag,3\n", "utf-8")
    (tmp_path / "empty.csv").write_text("title,full_price\n", "utf-8")
    (tmp_path / "table.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    (tmp_path / "wrong.yaml").write_text("Zorglub: boat\n", "utf-8")
    (tmp_path / "list.yaml").write_text("- Zorglub\n", "utf-8")
    chosen = {name: tmp_path / value for name, value in options.items()}

    with pytest.raises(FitError, match=message):
        fit_template(tmp_path / table, tmp_path / "mine", FitOptions(**chosen))
    assert not (tmp_path / "mine").exists()


def test_a_table_in_another_encoding_is_to_be_saved_as_utf_8(tmp_path):
    (tmp_path / "list.csv").write_bytes("title,full_price\nÉcharpe,10\n".encode("latin-1"))

    with pytest.raises(FitError, match=r"list.csv: is not UTF-8 .*; save it as UTF-8"):
        fit_template(tmp_path / "list.csv", tmp_path / "mine", FitOptions(min_count=1))


def test_overwrite_replaces_packs_alone(tmp_path):
    table = write_csv(tmp_path / "list.csv", french_rows(20))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine", "utf-8")

    with pytest.raises(FitError, match=r"no template.yaml, so it is no pack that --overwrite may replace"):
        fit_template(table, tmp_path / "mine", FitOptions(overwrite=True))
    assert (tmp_path / "mine" / "notes.txt").read_text("utf-8") == "mine"


def test_one_row_is_enough_where_all_may_be_written(tmp_path):
    table = write_csv(tmp_path / "list.csv", french_rows(1))

    fit_template(table, tmp_path / "mine", FitOptions(min_count=1))

    assert check_rules(draw(tmp_path / "mine", 30)) == []


def test_a_folder_that_is_there_is_left_alone(tmp_path):
    table = write_csv(tmp_path / "list.csv", french_rows(20))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")

    for overwrite in (False, True):  # a folder that is no pack is not replaced either
        with pytest.raises(FitError, match="exists"):
            fit_template(table, tmp_path / "mine", FitOptions(overwrite=overwrite))
    assert files_of(tmp_path / "mine") == {"letter.txt": b"dear"}


_WORDS = st.sampled_from(
    [
        "Sac",
        "à",
        "main",
        "sac",
        "SAC",
        "Robe:",
        "#1",
        "-",
        "null",
        "yes",
        "12",
        "3.50",
        "a,",
        "{x}",
        "[y]",
        "d\u2019agneau",
        "Écharpe",
        "en",
        "de",
        "and",
        "\u2013",
        "Scarf",
        "T-shirt",
        "&",
        "*star",
        "100%",
        "@home",
        "`t`",
        "!b",
        "|p",
        ">f",
        "?q",
        "\\b",
        '"',
        "'",
        "cuir",
        "NOIR",
        "日本",
        "No.01",
        "50ml",
        "ß",
        "~",
        "1e5",
        "true",
        "Coat",
    ]
)
_TITLES = st.lists(_WORDS, max_size=5).map(" ".join)
_PRICES = st.sampled_from(
    ["100", "99.9", "1 290,00", "0", "-5", "nan", "", "1e3", "70000", "12.345", "inf", "abc"]
)
_LEVELS = st.sampled_from(["FEMME", "SACS", "N.A.", "", "A > B", "x: y", "#"])
_CODES = st.sampled_from(["12345", "00012", "AB-12/3", "é", "", "x" * 50, "9" * 25, "P1"])
_RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            "title": _TITLES,
            "full_price": _PRICES,
            "price": _PRICES,
            "full_price_eur": _PRICES,
            "category1_code": _LEVELS,
            "category2_code": _LEVELS,
            "category3_code": _LEVELS,
            "product_code": _CODES,
        }
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=_RECORDS, min_count=st.integers(1, 3), epsilon=st.sampled_from([None, None, 1.0]))
def test_any_table_gives_a_sound_pack_or_one_error(tmp_path_factory, records, min_count, epsilon):
    folder = tmp_path_factory.mktemp("any")
    table = write_csv(folder / "list.csv", records)
    try:
        fit_template(table, folder / "mine", FitOptions(min_count=min_count, epsilon=epsilon, seed=1))
    except SamplegenError as error:
        if not re.search("none of its rows can be used|usable rows", str(error)):
            raise
        return

    assert check_rules(draw(folder / "mine", 40)) == []


@pytest.mark.skipif(
    not REAL.is_file(), reason="needs the real table of ../shared, which is no part of the project"
)
def test_the_command_in_its_readme_makes_the_burberry_pack(tmp_path):
    shipped = ROOT / "templates" / "burberry"

    fit_template(REAL, tmp_path / "burberry", FitOptions(base=str(shipped), min_count=1))

    assert files_of(tmp_path / "burberry") == files_of(shipped)


def _plain_titles():
    return [
        {**row, "title": title}
        for row, title in zip(
            french_rows(30, seed=9), ["Sac à main", "Robe longue", "Sac Zélie"] * 10, strict=True
        )
    ]


def _unheard_of(count):
    names = random.Random(5).choices(["noir", "beige", "rouge"], k=count)
    return [
        {**row, "title": f"Zorglub {name}", "category2_code": "DIVERS", "category3_code": "N.A."}
        for row, name in zip(french_rows(count, seed=6), names, strict=True)
    ]


def _with_rare_values(rows):
    rare = [
        ("Sac Quillan en python", "VITRINE"),
        ("Cape Xanthe en vigogne", "ATELIER"),
        ("Pouf Ulysse", "SALON"),
    ]
    for number, (title, level) in enumerate(rare):
        rows[number].update(
            title=title, category3_code=level, full_price=f"{4321 + number}", price=f"{4321 + number}"
        )
    return rows


def _written(pack, name):
    content = yaml.load((pack / f"{name}.yaml").read_text("utf-8"), Loader=yaml.BaseLoader)
    return list(strings_in(content))


def _counts_of_words(rows):
    counts = Counter()
    for row in rows:
        counts.update(set(row["title"].split()))
        counts.update({row[f"category{level}_code"] for level in (1, 2, 3)})
    return counts
