import csv
import json
import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import samplegen
from samplegen.domain.pricelist import COLUMNS
from samplegen.errors import FidelityError
from samplegen.fidelity.measures import MEASURES

from .rows import make_rows


@pytest.fixture(scope="module")
def with_holdout(real, alike, holdout):
    return samplegen.compare(real, alike, holdout)


@pytest.fixture(scope="module")
def shuffled(save):
    """The real rows with prices and titles of other rows: columns alike, ties torn."""
    rows = make_rows(160, seed=1)
    return save(rows | {"full_price": rows["full_price"][1:] + rows["full_price"][:1]}, "shuffled")


def test_rows_of_the_same_population_score_like_the_floor(with_holdout):
    for name in ("column_shapes", "pair_trends", "category_triples", "title_ngrams", "auc_table", "price_r2"):
        score = with_holdout.scores[name]

        assert score.synthetic.value == pytest.approx(score.floor.value, abs=0.12), name


def test_every_score_is_there_with_a_value_or_a_reason(with_holdout):
    assert list(with_holdout.scores) == list(MEASURES)
    for score in with_holdout.scores.values():
        assert (score.synthetic.value is None) == bool(score.synthetic.reason)


def test_a_copy_is_perfect_and_caught_copying(real, holdout):
    copy = samplegen.compare(real, real, holdout)

    for name in ("column_shapes", "pair_trends", "correlations", "category_triples", "title_ngrams"):
        assert copy.value(name) == pytest.approx(1), name
    assert copy.value("rows_copied") == copy.value("titles_copied") == 1
    assert copy.value("distance_to_closest") == 0
    assert copy.value("closer_to_real") > 0.6
    assert copy.value("membership_auc") > 0.6


@pytest.mark.parametrize("max_rows", [5000, 30])
def test_copies_are_looked_for_in_all_real_rows_however_few_are_compared(real, save, max_rows):
    few = save(make_rows(20, seed=3))
    learned = save(pq.read_table(real).slice(0, 40).to_pydict())
    copy = samplegen.compare(real, learned, few, max_rows=max_rows)
    floor = samplegen.compare(real, few, learned, max_rows=max_rows).scores

    assert copy.rows_used == 20
    assert copy.value("rows_copied") == copy.value("titles_copied") == 1
    assert copy.value("distance_to_closest") == 0
    assert floor["rows_copied"].floor.value == floor["titles_copied"].floor.value == 1
    assert floor["distance_to_closest"].floor.value == 0


def test_models_are_tested_on_the_holdout_where_there_is_one(real, alike, save):
    held = save(make_rows(90, seed=3))

    def sizes(outcome):
        return outcome.details["rows_trained"], outcome.details["rows_tested"]

    made = save(make_rows(70, seed=2))
    for name in ("price_r2", "category_accuracy"):
        score = samplegen.compare(real, made, held).scores[name]
        alone = samplegen.compare(real, made).scores[name]

        assert sizes(score.synthetic) == (70, 90)
        assert sizes(score.floor) == (160, 90)
        assert sizes(alone.synthetic) == (70, 160)


def test_what_models_lack_is_said_of_the_right_table(real, alike, save):
    rows = make_rows(60, seed=3)
    unpriced = save({name: column for name, column in rows.items() if name != "full_price"})
    score = samplegen.compare(real, alike, unpriced).scores["price_r2"]

    assert score.synthetic.reason == "the table to test on has no full_price"


def test_torn_ties_show_in_pairs_and_prices_but_not_in_single_columns(real, alike, shuffled):
    torn, good = samplegen.compare(real, shuffled), samplegen.compare(real, alike)

    assert torn.value("column_shapes") > 0.99
    prices = [
        found.scores["pair_trends"].synthetic.details["parts"]["category2_code ~ full_price"]
        for found in (torn, good)
    ]
    assert prices[0] < prices[1] - 0.2
    assert torn.value("auc_table") > good.value("auc_table") + 0.2
    assert torn.value("price_r2") < 0.2
    assert good.value("price_r2") > 0.8


def test_other_words_show_in_the_titles(real, save):
    rows = make_rows(160, seed=2)
    other = save(rows | {"title": [f"{title} of Felt" for title in rows["title"]]})
    found = samplegen.compare(real, other)

    assert found.value("auc_titles") > 0.95
    assert found.value("titles_copied") == 0
    assert found.value("title_words_known") < 0.7


def test_without_a_holdout_what_needs_one_says_so(real, alike):
    found = samplegen.compare(real, alike)

    assert found.scores["column_shapes"].floor is None
    for name in ("closer_to_real", "membership_auc"):
        assert "holdout" in found.scores[name].synthetic.reason


def test_formats_give_the_same_scores(real, alike, tmp_path):
    table = pq.read_table(alike)
    pyarrow.csv.write_csv(table, tmp_path / "alike.csv")
    lines = [json.dumps(row) for row in table.to_pylist()]
    (tmp_path / "alike.jsonl").write_text("\n".join(lines))

    paths = (alike, tmp_path / "alike.csv", tmp_path / "alike.jsonl")
    first, *others = (samplegen.compare(real, path).to_dict()["scores"] for path in paths)
    assert first["price_r2"]["value"] is not None
    assert others == [first, first]


@pytest.mark.parametrize(("delimiter", "name"), [(";", "alike.csv"), ("\t", "alike.TSV")])
def test_lists_that_collect_and_fit_read_compare_alike(real, alike, tmp_path, delimiter, name):
    rows = pq.read_table(alike).to_pydict()
    for column in ("full_price", "price"):
        rows[column] = [f"{price:.2f}".replace(".", ",") for price in rows[column]]
    with (tmp_path / name).open("w", newline="", encoding="utf-8-sig") as stream:
        csv.writer(stream, delimiter=delimiter).writerows([list(rows), *zip(*rows.values(), strict=True)])

    first, other = (samplegen.compare(real, path).to_dict()["scores"] for path in (alike, tmp_path / name))

    assert other == first


def _with_cells(save, tmp_path, suffix, cells):
    """A table whose first full prices are such texts."""
    rows = make_rows(60, seed=2)
    rows["full_price"] = cells + [f"{price:g}" for price in rows["full_price"][len(cells) :]]
    if suffix == ".parquet":
        return save(rows)
    path = tmp_path / f"odd{suffix}"
    if suffix == ".jsonl":
        path.write_text("\n".join(json.dumps(row) for row in pa.table(rows).to_pylist()))
    else:
        pyarrow.csv.write_csv(pa.table(rows), path)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_cells_that_are_no_numbers_are_missing_counted_and_named(real, save, tmp_path, suffix):
    odd = _with_cells(save, tmp_path, suffix, ["", "EUR 10", "1.290,00", "<b>", "inf"])
    clean = _with_cells(save, tmp_path, ".parquet", [None] * 5)

    found = samplegen.compare(real, odd)

    sentence = "Synthetic full_price: 4 of 60 cells are no numbers and count as missing"
    assert f"{sentence}; the first, in row 1, is 'EUR 10'." in found.to_dict()["notes"]
    assert f"{sentence}." in found.to_dict(samples=False)["notes"]
    page, numbers = found.write(tmp_path / "page.html")
    assert f"{sentence}; the first, in row 1, is &#39;EUR 10&#39;." in page.read_text()
    found.write(page, samples=False)
    assert "EUR 10" not in page.read_text() + numbers.read_text()
    assert found.frames["synthetic"].equals(samplegen.compare(real, clean).frames["synthetic"])


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_column_without_any_number_is_refused(real, save, tmp_path, suffix):
    odd = _with_cells(save, tmp_path, suffix, ["", *["EUR 10"] * 59])

    with pytest.raises(
        FidelityError, match=r"column 'full_price' holds no number, but such as 'EUR 10' in row 1; allowed"
    ):
        samplegen.compare(real, odd)


def test_records_of_which_only_later_ones_have_texts_compare(real, tmp_path):
    records = pa.table(make_rows(1200, seed=2)).to_pylist()
    records[1100]["full_price"] = "ask"
    (tmp_path / "late.jsonl").write_text("\n".join(map(json.dumps, records)))

    notes = samplegen.compare(real, tmp_path / "late.jsonl").to_dict()["notes"]

    assert any("1 of 1,200 cells are no numbers" in note and "row 1,100, is 'ask'" in note for note in notes)


@pytest.mark.parametrize(
    "convert",
    [
        lambda column: column.cast(pa.large_string() if pa.types.is_string(column.type) else pa.float32()),
        lambda column: column.dictionary_encode(),
        lambda column: column if pa.types.is_string(column.type) else column.cast(pa.decimal128(20, 2)),
        lambda column: column.cast(pa.string()),
    ],
    ids=["large and small", "dictionary", "decimal", "texts"],
)
def test_types_that_hold_the_same_values_compare_alike(alike, save, convert):
    table = pq.read_table(alike)
    kept = ("category1_code", "category2_code", "category3_code", "title", "full_price")
    odd = save({name: convert(table[name]) for name in kept})

    first, other = (samplegen.compare(alike, path).value("column_shapes") for path in (alike, odd))

    assert other == pytest.approx(first)


@pytest.mark.parametrize(
    ("name", "column", "message"),
    [
        ("title", [["a", "b"]] * 30, "column 'title' is list<.*it has to hold text"),
        ("full_price", [[1.0, 2.0]] * 30, r"column 'full_price' holds no number, but such as '\[1.0, 2.0\]'"),
    ],
)
def test_columns_that_hold_lists_are_refused(real, save, name, column, message):
    with pytest.raises(FidelityError, match=message):
        samplegen.compare(real, save(make_rows(30, seed=2) | {name: column}))


def test_not_available_is_a_text_like_any_other(tmp_path):
    rows = make_rows(40, seed=1)
    path = tmp_path / "real.csv"
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([list(rows), *zip(*rows.values(), strict=True)])

    found = samplegen.compare(path, path)

    assert "N.A." in set(found.frames["real"]["category3_code"])


def test_string_codes_compare_with_numbers(real, save):
    rows = make_rows(60, seed=2)
    found = samplegen.compare(real, save(rows | {"product_code": [f"X/{c}" for c in rows["product_code"]]}))

    assert found.value("column_shapes") is not None


@pytest.mark.parametrize(
    "change",
    [
        {"full_price": None},
        {"title": None},
        {"category2_code": None, "category3_code": None},
        {"full_price": [float("nan")] * 30},
        {"full_price": [120.0] * 30, "price": [120.0] * 30, "title": ["Same"] * 30},
        {"title": [""] * 30},
        {"category2_code": [f"NEW {n}" for n in range(30)]},
        {"category1_code": pa.array([None] * 30, pa.string()), "title": [None] * 30},
        {"full_price": [-1.0, 0.0, float("inf")] * 10},
    ],
    ids=lambda change: ", ".join(change),
)
def test_odd_columns_never_crash(save, change):
    real = save(make_rows(40, seed=1))
    rows = make_rows(30, seed=2) | change
    odd = save({name: column for name, column in rows.items() if column is not None})

    for found in (samplegen.compare(real, odd, real), samplegen.compare(odd, real)):
        assert all(s.synthetic.value is not None or s.synthetic.reason for s in found.scores.values())


@pytest.mark.parametrize("count", [1, 2, 9])
def test_tiny_tables_say_what_they_are_too_small_for(real, save, count):
    tiny = save(pa.table(make_rows(20, seed=2)).slice(0, count).to_pydict())
    found = samplegen.compare(real, tiny, real)

    assert "rows a side are needed" in found.scores["auc_table"].synthetic.reason
    assert found.scores["price_r2"].synthetic.value is None


@pytest.mark.parametrize(
    ("rewrite", "message"),
    [
        (str.upper, "none of its columns .*TITLE.* Names must be in lower case"),
        (
            lambda text: text.replace("title", "foo"),
            r"none of its columns \(foo\) .* needed is at least one of",
        ),
    ],
    ids=["upper case", "foreign"],
)
def test_a_table_of_other_columns_is_refused_by_their_names(real, tmp_path, rewrite, message):
    path = tmp_path / "table.csv"
    text = "title\nHat\n" if message.endswith("one of") else "title,full_price\nHat,1\n"
    path.write_text(rewrite(text))

    with pytest.raises(FidelityError, match=message):
        samplegen.compare(real, path)


def test_a_table_without_rows_is_refused(real, save):
    with pytest.raises(FidelityError, match="has no rows"):
        samplegen.compare(real, save({"title": pa.array([], pa.string())}))


_CELLS = st.one_of(st.none(), st.sampled_from(["A", "B", "N.A.", "", "<b>", "é\n"]))
_PRICES = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True, width=32))


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_table_of_the_schema_compares(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("any")
    paths = []
    for side in ("real", "synthetic"):
        names = data.draw(st.sets(st.sampled_from(list(COLUMNS)), min_size=3))
        rows = data.draw(st.integers(1, 24))
        columns = {}
        for name in COLUMNS:
            if name in names | {"title"}:
                kind = {"string": pa.string(), "int64": pa.int64(), "float64": pa.float64()}[COLUMNS[name]]
                cells = {
                    "string": _CELLS,
                    "int64": st.one_of(st.none(), st.integers(-1, 3)),
                    "float64": _PRICES,
                }
                values = data.draw(st.lists(cells[COLUMNS[name]], min_size=rows, max_size=rows))
                columns[name] = pa.array(values, kind)
        pq.write_table(pa.table(columns), folder / f"{side}.parquet")
        paths.append(folder / f"{side}.parquet")

    found = samplegen.compare(*paths, paths[0])
    json.dumps(found.to_dict(), allow_nan=False)
    found.write(folder / "page.html")


def test_a_holdout_that_is_the_real_table_is_remarked(real, alike, save, with_holdout):
    for again in (real, save(pq.read_table(real))):
        found = samplegen.compare(real, alike, again)

        assert any("no floor" in note for note in found.notes)
    assert not any("no floor" in note for note in with_holdout.notes)


@pytest.mark.parametrize(("module", "library"), [("sdmetrics", "sdmetrics"), ("sklearn", "scikit-learn")])
def test_a_missing_library_is_named_with_what_installs_it(module, library):
    code = f"import sys; sys.modules[{module!r}] = None; import samplegen; samplegen.compare"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert f"comparing needs {library}: pip install 'samplegen[compare]'" in done.stderr


def test_nothing_in_common_is_refused(real, tmp_path):
    (tmp_path / "other.csv").write_text("brand\nTiny\n")

    with pytest.raises(FidelityError, match="nothing to compare"):
        samplegen.compare(real, tmp_path / "other.csv")


def test_large_tables_are_sampled_and_the_notes_say_so(real, alike):
    found = samplegen.compare(real, alike, max_rows=50, seed=3)

    assert len(found.frames["real"]) == len(found.frames["synthetic"]) == 50
    assert "Of 160 real rows 50 were compared, chosen by the seed." in found.notes
    again = samplegen.compare(real, alike, max_rows=50, seed=3)
    other = samplegen.compare(real, alike, max_rows=50, seed=4)
    assert again.frames["real"].equals(found.frames["real"])
    assert not other.frames["real"].equals(found.frames["real"])


def test_same_inputs_same_json_in_another_process(real, alike, holdout, with_holdout, tmp_path):
    # Another hash seed: the order of sets of texts must not reach the numbers.
    out = tmp_path / "page.html"
    command = [sys.executable, "-m", "samplegen", "compare", str(real), str(alike)]
    subprocess.run(
        [*command, "--holdout", str(holdout), "--out", str(out)],
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONHASHSEED": "7"},
    )
    with_holdout.write(tmp_path / "again.html")

    assert (tmp_path / "page.json").read_bytes() == (tmp_path / "again.json").read_bytes()
    again = (tmp_path / "again.html").read_text().replace("again.json", "page.json")
    assert out.read_text() == again


def test_thresholds_follow_each_measures_direction(with_holdout):
    shapes, auc = with_holdout.value("column_shapes"), with_holdout.value("auc_table")

    assert with_holdout.failures({"column_shapes": shapes, "auc_table": auc}) == []
    failures = with_holdout.failures({"column_shapes": shapes + 0.01, "auc_table": auc - 0.01})
    assert [failure.split(":")[0] for failure in failures] == ["column_shapes", "auc_table"]
    assert "below" in failures[0]
    assert "above" in failures[1]


def test_a_threshold_on_what_cannot_be_computed_fails(with_holdout):
    [failure] = with_holdout.failures({"picture_colour": 0.1})

    assert "no pictures" in failure
