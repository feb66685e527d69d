import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from finetune.config import Columns, SourceConfig
from finetune.errors import DataError
from finetune.evaluation.baselines import baselines, picture_features
from finetune.evaluation.evaluate import (
    BLANK,
    OWN,
    SHUFFLED,
    EvaluationSettings,
    OpenedSource,
    evaluate,
    open_sources,
    pictures_to_see,
)
from finetune.evaluation.report import console_table, write_report
from finetune.forms import PromptForm

from .conftest import FORM, NEW_TOKENS

SETTINGS = EvaluationSettings(limit=12, train_limit=8, num_crops=1, max_new_tokens=NEW_TOKENS, draws=50)
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"
ODD = "caf\udce9.jpg"  # as Python has a name that is not UTF-8


@pytest.fixture(scope="module")
def source(products):
    test = [replace(product, fields={**product.fields, "price": 10.0}) for product in products[:8]]
    test[3] = replace(test[3], fields={"title": EVIL, "price": 10.0}, key=EVIL)
    test[4] = replace(test[4], key=ODD)
    return OpenedSource(
        config=SourceConfig(name="real", path=EVIL), test=test, train=products[8:], skipped=[EVIL]
    )


@pytest.fixture(scope="module")
def result(model, processor, source):
    return evaluate(model, processor, source, form=FORM, settings=SETTINGS)


def test_an_evaluation_holds_model_and_baselines_to_the_same_products(result):
    assert list(result.runs) == [OWN, SHUFFLED, BLANK]
    assert result.runs[OWN].intervals["title_exact"].value == 7 / 8
    assert result.runs[BLANK].intervals["title_exact"].value == 0
    assert set(result.baselines) == {"majority", "nearest neighbour"}
    assert result.gain.reads


def test_progress_counts_what_was_announced(model, processor, source):
    seen = []

    evaluate(model, processor, source, form=FORM, settings=SETTINGS, on_rows=seen.append)

    assert sum(seen) == pictures_to_see(source)


class _Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses, self.handlers = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href")]
        self.handlers += [name for name, _ in attributes if name.startswith("on")]


def test_the_report_takes_no_text_of_the_data_as_html_and_loads_nothing(result, tmp_path):
    page, _ = write_report(tmp_path / "out", [result], about={"model": EVIL, "draws": 50})

    text = page.read_text(encoding="utf-8")
    parsed = _Page(text)
    assert EVIL not in text
    assert "alert(1)" in text
    assert "script" not in parsed.tags
    assert parsed.handlers == []
    assert all(address.startswith("data:image/jpeg;base64,") for address in parsed.addresses)
    assert re.search(r"Content-Security-Policy\" content=\"default-src 'none'", text)


def test_a_model_without_a_value_keeps_its_row_and_its_colour_in_a_chart(result, tmp_path):
    own = result.runs[OWN]
    silent = replace(own, intervals={k: v for k, v in own.intervals.items() if k != "title_rouge_l"})
    spoiled = replace(result, runs={**result.runs, OWN: silent})

    page, _ = write_report(tmp_path, [spoiled], about={"model": "m", "draws": 50})

    text = page.read_text(encoding="utf-8")
    figures = text.split("<figure>")[1:]
    chart = next(part for part in figures if "ROUGE-L" in part.partition("</figcaption>")[0])
    coloured, *others = re.findall(r'<g( class="own")?><title>([^<]*)</title>', chart)
    assert coloured == (' class="own"', f"{OWN}: –")  # noqa: RUF001  # a dash
    assert [(mark, name.partition(":")[0]) for mark, name in others] == [
        ("", name) for name in (SHUFFLED, BLANK, "majority", "nearest neighbour")
    ]
    assert "own pictures" in (tmp_path / "scores-real.svg").read_text(encoding="utf-8")


def test_the_page_cuts_long_answers_off_and_the_json_does_not(result, tmp_path):
    own = result.runs[OWN]
    long = "word " * 500
    answers = [replace(answer, title=long) for answer in own.answers]
    runs = {
        name: replace(run, texts=[long] * 8, answers=answers if name == OWN else run.answers)
        for name, run in result.runs.items()
    }

    page, data = write_report(tmp_path, [replace(result, runs=runs)], about={"model": "m", "draws": 50})

    shown = re.findall(r"(?:word ?){2,}(.?)", page.read_text(encoding="utf-8"))
    assert shown == ["\u2026"] * 8 * 3
    assert page.read_text(encoding="utf-8").count("word") == 8 * 3 * 60
    assert json.loads(data.read_text(encoding="utf-8"))["sources"][0]["answers"][0]["written"] == long


def test_report_json_holds_what_the_page_shows(result, tmp_path):
    _, data = write_report(tmp_path, [result], about={"model": "m", "draws": 50})

    values = json.loads(data.read_text(encoding="utf-8"))["sources"][0]
    assert values["model"][OWN]["title_exact"]["value"] == 7 / 8
    assert values["answers"][4]["key"] == ODD
    assert values["picture_gain"]["reads_its_pictures"] is True
    assert values["picture_gain"]["over_shuffled"]["title_exact"]["low"] > 0
    assert len(values["answers"]) == 8


def test_the_console_shows_a_column_for_each_run_and_the_verdict(result):
    lines = console_table(result).splitlines()

    assert lines[0] == "real: 8 products of 8 styles"
    assert all(name in lines[2] for name in (OWN, SHUFFLED, BLANK, "majority", "nearest neighbour"))
    assert "This model reads its pictures." in lines[-1]


def test_without_training_products_there_are_no_baselines(model, processor, source, tmp_path):
    found = evaluate(model, processor, replace(source, train=()), form=FORM, settings=SETTINGS)

    page, data = write_report(tmp_path, [found], about={"model": "m", "draws": 50})
    note = "There are no baselines: there are no training products."
    assert found.baselines == {}
    assert note in page.read_text(encoding="utf-8")
    assert json.loads(data.read_text(encoding="utf-8"))["sources"][0]["baselines_note"] == note
    assert note in console_table(found).splitlines()


def test_baselines_answer_as_computed_by_hand(products, model):
    def priced(product, category, price):
        return replace(product, fields={"title": category.lower(), "category": category, "price": price})

    train = [
        priced(products[0], "HATS", 10.0),
        priced(products[3], "HATS", 20.0),
        priced(products[4], "BAGS", 90.0),
    ]
    test = [
        priced(products[4], "HATS", 1.0),
        priced(products[0], "BAGS", 1.0),
        priced(products[0], "NEW", 1.0),
    ]

    found = baselines(train, test, model, fields=("title", "category", "price"))

    assert [(a.title, a.category, a.price) for a in found["majority"].answers] == [("hats", "HATS", 20.0)] * 3
    # It is told the true category; one that was never seen gets the median of all.
    assert [answer.price for answer in found["category median"].answers] == [15.0, 90.0, 20.0]
    assert found["category median"].fields == ("price",)
    nearest = [(a.title, a.category, a.price) for a in found["nearest neighbour"].answers]
    assert nearest == [("bags", "BAGS", 90.0), ("hats", "HATS", 10.0), ("hats", "HATS", 10.0)]
    probe = found["linear probe"]
    assert [answer.category for answer in probe.answers] == ["BAGS", "HATS", "HATS"]
    assert all(10 <= answer.price <= 90 for answer in probe.answers)


def test_features_do_not_depend_on_the_batch(products, model):
    alone, together = (picture_features(model, products[:5], batch_size=size) for size in (1, 5))

    assert alone.shape == (5, 64)
    assert abs(alone - together).max() < 1e-4


LIVE = SourceConfig(name="live", path="template:starter", image_size=64)


def test_products_of_an_evaluation_are_held_out_of_training():
    opened = open_sources([LIVE], PromptForm(), SETTINGS)[0]

    assert len(opened.test) == 12
    assert len(opened.train) == 8
    assert not {one.group for one in opened.test} & {one.group for one in opened.train}


def _pictures(folder, noise, titles):
    folder.mkdir()
    for number, _ in enumerate(titles):
        noise(16, 16, number).save(folder / f"{number}.png")
    rows = [{"file_name": f"{number}.png", "title": title} for number, title in enumerate(titles)]
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return SourceConfig(name="real", path=str(folder))


@pytest.fixture(scope="module")
def stored(tmp_path_factory, noise):
    # Two spellings of each style, far apart: the one is likely to be drawn without the other.
    titles = [f"style {number}" for number in range(30)] + [f"STYLE  {number}" for number in range(30)]
    return _pictures(tmp_path_factory.mktemp("stored") / "titled", noise, titles)


@pytest.fixture(scope="module")
def untitled(tmp_path_factory, noise):
    """Rows without a title, each picture twice."""
    folder = tmp_path_factory.mktemp("stored") / "untitled"
    _pictures(folder, noise, [""] * 40)
    for number in range(20):
        (folder / f"{number + 20}.png").write_bytes((folder / f"{number}.png").read_bytes())
    rows = [{"file_name": f"{number}.png", "category": "HATS"} for number in range(40)]
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return SourceConfig(name="real", path=str(folder), columns=Columns(category="category"))


def _opened(source, form=FORM, **options):
    return open_sources([source], form, replace(SETTINGS, **options))[0]


@pytest.mark.parametrize("split", ["all", "train"])
@pytest.mark.parametrize("seed", range(3))
def test_baselines_never_learn_from_a_style_that_is_tested(stored, split, seed):
    opened = _opened(stored, split=split, limit=12, seed=seed)

    assert len(opened.train) == 8
    assert not {one.group.split()[1] for one in opened.test} & {one.group.split()[1] for one in opened.train}


def test_baselines_never_learn_from_a_picture_that_is_tested(untitled):
    opened = _opened(untitled, PromptForm(answer="{category}"), split="all")

    tested, learned = (
        {one.picture.tobytes() for one in products} for products in (opened.test, opened.train)
    )
    assert learned
    assert not tested & learned


@pytest.mark.parametrize("split", ["all", "train"])
def test_baselines_learn_nothing_where_all_styles_are_tested(stored, split):
    opened = _opened(stored, split=split, limit=None)

    assert opened.train == ()
    assert opened.untaught == f"every training product is of a style that is tested (split '{split}')"


@pytest.mark.parametrize("split", ["all", "train"])
def test_baselines_learn_from_other_products_of_a_source_without_end(split):
    opened = _opened(replace(LIVE, path="template:burberry"), PromptForm(), split=split)

    assert len(opened.train) == 8
    assert not {one.group for one in opened.test} & {one.group for one in opened.train}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limit": 1}, "limit is 1; the picture test needs at least 2"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"train_limit": -1}, "train_limit is -1"),
    ],
)
def test_bad_settings_are_refused(options, message):
    with pytest.raises(DataError, match=message):
        EvaluationSettings(**options)


def test_no_source_is_refused():
    with pytest.raises(DataError, match="give data, at least one"):
        open_sources([], PromptForm(), SETTINGS)
