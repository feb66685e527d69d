"""The result of an evaluation: a page that stands alone, the same as JSON, and a table for the console."""

import base64
import io
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from finetune.evaluation.bootstrap import Interval
from finetune.evaluation.charts import IntervalChart, confusion_chart, interval_chart, price_chart
from finetune.evaluation.evaluate import OWN, SHUFFLED, Run, SourceResult
from finetune.evaluation.pages import draw_intervals, render
from finetune.evaluation.scores import METRICS, Metric
from finetune.evaluation.wording import show_difference, show_price, show_text, show_value
from finetune.files import marked, replace_file

PAGE, DATA, ANSWERS = "report.html", "report.json", "answers.jsonl"
_MARKS = {PAGE: "<title>finetune evaluate: ", DATA: '{\n  "about": {', ANSWERS: '{"key": "'}
"""How each file of an evaluation begins."""
EXAMPLES = 24
_THUMBNAIL_PX = 160
_CHARTED = ("category_exact", "price_mdape", "price_within_25", "title_rouge_l")


def write_report(
    folder: str | os.PathLike[str], results: Sequence[SourceResult], *, about: Mapping[str, Any]
) -> tuple[Path, Path]:
    """Write ``report.html``, ``report.json`` and for each source a plot, ``scores-NAME.svg``.

    Args:
        folder: Made where it is missing.
        results: One for each source.
        about: What was evaluated and how; plain values, with ``model`` and ``draws``.

    Returns:
        The page and the JSON file; each file is complete or absent.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    page, data = folder / PAGE, folder / DATA
    for result in results:
        replace_file(folder / f"scores-{result.name}.svg", draw_intervals(_charts(result)))
    replace_file(data, json.dumps(report_values(results, about=about), indent=2, ensure_ascii=False) + "\n")
    replace_file(page, render_page(results, about=about))
    return page, data


def is_evaluation(folder: Path) -> bool:
    """Tell whether a folder holds an evaluation, or what is left of one that was stopped."""
    there = [name for name in _MARKS if (folder / name).exists()]
    return bool(there) and all(marked(folder / name, _MARKS[name]) for name in there)


def report_values(results: Sequence[SourceResult], *, about: Mapping[str, Any]) -> dict[str, Any]:
    """Give all that was measured as plain values."""
    return {"about": dict(about), "sources": [_source_values(result) for result in results]}


def _source_values(result: SourceResult) -> dict[str, Any]:
    own = result.runs[OWN]
    return {
        "name": result.name,
        "path": result.path,
        "synthetic": result.synthetic,
        "products": len(result.products),
        "styles": result.styles,
        "skipped": list(result.skipped),
        "training_products_of_baselines": result.train_rows,
        "baselines_note": result.baselines_note,
        "model": {name: _intervals(run) for name, run in result.runs.items()},
        "baselines": {name: _intervals(run) for name, run in result.baselines.items()},
        "picture_gain": {
            "verdict": result.gain.verdict,
            "reads_its_pictures": result.gain.reads,
            "over_shuffled": {name: asdict(gain) for name, gain in result.gain.shuffled.items()},
            "over_blank": {name: asdict(gain) for name, gain in result.gain.blank.items()},
        },
        "answers": [
            {
                "key": product.key,
                "truth": dict(product.fields),
                "written": text,
                "parsed": asdict(answer),
            }
            for product, text, answer in zip(result.products, own.texts, own.answers, strict=True)
        ],
    }


def _intervals(run: Run) -> dict[str, dict[str, float]]:
    return {name: asdict(interval) for name, interval in run.intervals.items()}


def console_table(result: SourceResult) -> str:
    """Write the metrics of the model and of all baselines as a table of plain text, and the verdict."""
    runs = {**result.runs, **result.baselines}
    rows = [["", *runs]]
    for metric in _measured(result):
        rows.append(
            [
                metric.label + (" (less is better)" if metric.lower_is_better else ""),
                *(show_value(metric, _value(run, metric)) for run in runs.values()),
            ]
        )
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows
    ]
    head = f"{result.name}: {len(result.products):,} products of {result.styles:,} styles"
    skipped = [f"{len(result.skipped)} skipped, the first: {result.skipped[0]}"] if result.skipped else []
    note = [result.baselines_note] if result.baselines_note else []
    return "\n".join([head, *skipped, *lines, *note, result.gain.verdict])


def _measured(result: SourceResult) -> list[Metric]:
    runs = (*result.runs.values(), *result.baselines.values())
    return [metric for metric in METRICS if any(metric.name in run.intervals for run in runs)]


def _value(run: Run, metric: Metric) -> float | None:
    interval = run.intervals.get(metric.name)
    return interval.value if interval else None


def render_page(results: Sequence[SourceResult], *, about: Mapping[str, Any]) -> str:
    """Write the page: everything is in it, it runs no script, and no text of the data is taken as HTML."""
    return render("report.html.jinja", about=about, own=OWN, sources=[_shown(result) for result in results])


def _shown(result: SourceResult) -> dict[str, Any]:
    runs = {**result.runs, **result.baselines}
    own = result.runs[OWN]
    return {
        "result": result,
        "columns": [(name, name in result.runs) for name in runs],
        "rows": [
            (
                metric,
                [_cell(metric, run.intervals.get(metric.name)) for run in runs.values()],
                _gain_cell(metric, result.gain.shuffled.get(metric.name)),
            )
            for metric in _measured(result)
        ],
        "charts": _charts(result),
        "prices": price_chart(
            [product.price for product in result.products], [answer.price for answer in own.answers]
        ),
        "confusion": confusion_chart(_pairs(result)),
        "examples": [_example(result, place) for place in _places(result)],
    }


def _charts(result: SourceResult) -> list[tuple[Metric, IntervalChart]]:
    return [
        (metric, interval_chart(metric, _charted(result, metric)))
        for metric in _measured(result)
        if metric.name in _CHARTED
    ]


def _charted(result: SourceResult, metric: Metric) -> dict[str, Interval | None]:
    """Give the runs of a chart: all of the model, and the baselines that answer what is measured."""
    own = {name: run.intervals.get(metric.name) for name, run in result.runs.items()}
    known = {
        name: run.intervals[metric.name]
        for name, run in result.baselines.items()
        if metric.name in run.intervals
    }
    return {**own, **known}


def _cell(metric: Metric, interval: Interval | None) -> tuple[str, str]:
    """Give a value, and its interval in words where it has one."""
    if interval is None:
        return show_value(metric, None), ""
    low, high = (show_value(metric, end).removesuffix("%") for end in (interval.low, interval.high))
    return show_value(metric, interval.value), f"{low} to {high}"


def _gain_cell(metric: Metric, gain: Interval | None) -> tuple[str, str]:
    if gain is None:
        return show_value(metric, None), ""
    low, high = (show_difference(metric, end) for end in (gain.low, gain.high))
    return show_difference(metric, gain.value), f"{low} to {high}"


def _pairs(result: SourceResult) -> Counter[tuple[str, str]]:
    return Counter(
        (product.category, answer.category or "(none)")
        for product, answer in zip(result.products, result.runs[OWN].answers, strict=True)
        if product.category
    )


def _places(result: SourceResult) -> Sequence[int]:
    """Choose examples evenly over the products, so that no part is left out."""
    count = min(EXAMPLES, len(result.products))
    return [int(place) for place in np.linspace(0, len(result.products) - 1, count).round()]


def _example(result: SourceResult, place: int) -> dict[str, Any]:
    product, own = result.products[place], result.runs[OWN]
    answer, columns = own.answers[place], own.judged.columns
    error = columns["price_mdape"][place]
    return {
        "picture": _thumbnail(product.picture),
        "key": product.key,
        "truth": product,
        "text": show_text(own.texts[place]),
        "with_other": show_text(result.runs[SHUFFLED].texts[place]),
        "title": show_text(answer.title),
        "category": show_text(answer.category),
        "true_price": show_price(product.price),
        "price": show_price(answer.price),
        "price_error": None if np.isnan(error) else f"{error:.0%}",
        "category_right": _flag(columns["category_exact"][place]),
        "title_right": _flag(columns["title_exact"][place]),
    }


def _flag(mark: float) -> bool | None:
    return None if np.isnan(mark) else bool(mark)


def _thumbnail(picture: Any) -> str:
    picture.thumbnail((_THUMBNAIL_PX, _THUMBNAIL_PX))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii")
