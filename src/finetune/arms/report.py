"""The result of an experiment: one table, one plot, and all numbers as JSON."""

import json
import os
from dataclasses import asdict
from pathlib import Path

from finetune.arms.plan import RUN_FOLDERS
from finetune.arms.run import Experiment
from finetune.evaluation.bootstrap import Interval
from finetune.evaluation.charts import IntervalChart, interval_chart
from finetune.evaluation.pages import draw_intervals
from finetune.evaluation.scores import HEADLINES, METRICS, Metric
from finetune.evaluation.wording import show_difference, show_interval, show_value
from finetune.files import marked, replace_file

CHARTED = ("category_exact", "category_macro_f1", "price_mdape", "price_within_25", "title_rouge_l")
JSON_FILE, TABLE_FILE, PLOT_FILE = "comparison.json", "comparison.md", "comparison.svg"


def write_comparison(folder: str | os.PathLike[str], experiment: Experiment) -> list[Path]:
    """Write ``comparison.md`` (the table), ``comparison.svg`` (the plot) and ``comparison.json``."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        TABLE_FILE: table(experiment) + "\n",
        PLOT_FILE: plot(experiment),
        JSON_FILE: json.dumps(asdict(experiment), indent=2, ensure_ascii=False) + "\n",
    }
    for name, text in texts.items():
        replace_file(folder / name, text)
    return [folder / name for name in texts]


def is_comparison(folder: Path) -> bool:
    """Tell whether a folder holds a comparison, or runs of one that was stopped."""
    if (folder / JSON_FILE).exists():
        return marked(folder / JSON_FILE, '{\n  "arms": [')
    return any(folder.glob(RUN_FOLDERS))


def table(experiment: Experiment) -> str:
    """Write the table as Markdown: a row for each arm, its picture gain, and the baselines below."""
    metrics = _metrics(experiment)
    headline = next((metric for metric in metrics if metric.name in HEADLINES.values()), metrics[0])
    first = experiment.arms[0]
    head = ["arm", *(_named(metric) for metric in metrics), "gain from its pictures", f"against {first.name}"]
    rows = [
        [
            _escaped(arm.name),
            *(show_interval(metric, arm.values.get(metric.name)) for metric in metrics),
            _difference(headline, arm.gain.get(headline.name)),
            _difference(headline, arm.against.get(headline.name)),
        ]
        for arm in experiment.arms
    ]
    rows += [
        [_escaped(name), *(show_interval(metric, values.get(metric.name)) for metric in metrics), "", ""]
        for name, values in experiment.baselines.items()
    ]
    about = (
        f"{experiment.products:,} products of {experiment.styles:,} styles, from "
        f"{_escaped(', '.join(experiment.tested_on))}; {experiment.steps:,} steps, {first.seeds} seeds. "
        "In brackets: 95% intervals over styles and seeds. The last two columns are differences of "
        f"{headline.label}, in brackets their intervals."
    )
    lines = [
        about,
        "",
        f"| {' | '.join(head)} |",
        f"|---|{'--:|' * (len(head) - 1)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]
    return "\n".join(lines)


def _metrics(experiment: Experiment) -> list[Metric]:
    known = {name for arm in experiment.arms for name in arm.values}
    found = [metric for metric in METRICS if metric.name in known]
    return [metric for metric in found if metric.name in CHARTED] or found[:1]


def _named(metric: Metric) -> str:
    return metric.label + (" (less is better)" if metric.lower_is_better else "")


def _difference(metric: Metric, interval: Interval | None) -> str:
    if interval is None:
        return show_value(metric, None)
    value, low, high = (
        show_difference(metric, number) for number in (interval.value, interval.low, interval.high)
    )
    return f"{value} [{low}, {high}]"


def _escaped(text: str) -> str:
    return "".join(f"\\{letter}" if letter in r"\`*_{}[]<>|#" else letter for letter in text)


def plot(experiment: Experiment) -> str:
    """Draw the arms' values with intervals, a chart for each metric one below the other."""
    return draw_intervals([_chart(experiment, metric) for metric in _metrics(experiment)])


def _chart(experiment: Experiment, metric: Metric) -> tuple[Metric, IntervalChart]:
    values = {arm.name: arm.values.get(metric.name) for arm in experiment.arms}
    known = {name: found[metric.name] for name, found in experiment.baselines.items() if metric.name in found}
    return metric, interval_chart(metric, {**values, **known})
