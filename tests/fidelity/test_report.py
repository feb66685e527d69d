import base64
import hashlib
import json
import re

import pytest

import samplegen
from samplegen.errors import FidelityError
from samplegen.fidelity.measures import MEASURES
from samplegen.fidelity.report import verdict
from samplegen.fidelity.scores import Outcome, Score

from .rows import make_rows

HOSTILE = '<script>alert("1")</script>'


@pytest.fixture(scope="module")
def page(save, tmp_path_factory):
    """The page of rows whose every text is an attack."""
    paths = []
    for seed in (1, 2):
        rows = make_rows(60, seed=seed)
        texts = {name: [f"{HOSTILE} {v}" for v in rows[name]] for name in rows if name.startswith("category")}
        titles = [f"{HOSTILE} {title} {{{{ 7 * 7 }}}}" for title in rows["title"]]
        paths.append(save(rows | texts | {"title": titles}, name="<img src=x>"[1:3]))
    out = tmp_path_factory.mktemp("page") / "page.html"
    samplegen.compare(*paths).write(out)
    return out


def test_texts_of_the_data_are_escaped(page):
    html = page.read_text()

    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "{{ 7 * 7 }}" in html  # data are not a template


def test_the_page_asks_nothing_of_the_network(page):
    html = page.read_text()
    addresses = re.findall(r'(?:src|href|action|data)="([^"]*)"', html) + re.findall(r"url\(([^)]*)\)", html)

    assert [a for a in addresses if not a.startswith(("data:image/jpeg;base64,", "#"))] == []
    assert "@import" not in html


def test_the_policy_allows_the_pages_own_style_and_nothing_else(page):
    html = page.read_text()
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]*)"', html)
    [style] = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()

    assert policy.startswith("default-src 'none'; ")
    assert f"style-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert " style=" not in html


def test_numbers_of_page_and_file_agree(page):
    found = json.loads(page.with_suffix(".json").read_text())
    row = re.search(r'<tr id="column_shapes">.*?</tr>', page.read_text(), re.DOTALL)[0]

    assert found["kind"] == "samplegen fidelity report"
    assert found["data"]["real"]["rows"] == 60
    assert f"{found['scores']['column_shapes']['value']:.3f}" in row
    assert {"numpy", "sdmetrics", "scikit-learn"} <= set(found["versions"])


def test_a_foreign_json_file_is_left_alone(real, alike, tmp_path):
    (tmp_path / "package.json").write_text('{"name": "mine"}')

    with pytest.raises(FidelityError, match="left alone"):
        samplegen.compare(real, alike).write(tmp_path / "package.html")
    assert (tmp_path / "package.json").read_text() == '{"name": "mine"}'
    assert not (tmp_path / "package.html").exists()


def test_a_report_replaces_its_predecessor(real, alike, tmp_path):
    for rows in (30, 40):
        samplegen.compare(real, alike, max_rows=rows).write(tmp_path / "page.html")

    assert json.loads((tmp_path / "page.json").read_text())["data"]["real"]["rows_compared"] == 40


@pytest.mark.parametrize(("count", "drawn"), [(9, False), (10, True)])
def test_prices_of_a_handful_of_rows_are_not_drawn(save, tmp_path, count, drawn):
    rows = make_rows(60, seed=1)
    few = save(rows | {"category2_code": ["FEW"] * count + ["MANY"] * (60 - count)})
    samplegen.compare(few, few).write(tmp_path / "page.html", samples=False)
    panels = json.loads((tmp_path / "page.json").read_text())["charts"]["price_densities"]

    assert [panel["name"] for panel in panels] == ["All", "MANY", *(["FEW"] if drawn else [])]
    assert ("Prices of FEW" in (tmp_path / "page.html").read_text()) == drawn


@pytest.mark.parametrize(
    ("interval", "words"), [((0.43, 0.68), "like real"), ((0.52, 0.60), "near"), (None, "near")]
)
def test_a_score_without_a_floor_is_like_real_where_its_interval_holds_the_best(interval, words):
    found = Outcome(value=0.54, interval=interval)

    assert verdict(Score(MEASURES["closer_to_real"], found, None), has_holdout=True)[1] == words


def test_without_samples_nothing_of_single_rows_is_written(save, tmp_path):
    rows = make_rows(60, seed=1)
    broken = save(rows | {"itemurl": ["https://shop.tiny.example/none"] * 60})
    found = samplegen.compare(broken, save(rows), broken)
    found.write(tmp_path / "with.html")
    found.write(tmp_path / "without.html", samples=False)

    with_samples, without = (
        (tmp_path / f"{name}.html").read_text() + (tmp_path / f"{name}.json").read_text()
        for name in ("with", "without")
    )
    titles = {title for title in rows["title"] if " " in title}
    assert any(title in with_samples for title in titles)
    assert not any(title in without for title in titles)
    assert "shop.tiny.example" in with_samples
    assert "shop.tiny.example" not in without
