"""Pages and plots from templates: no text of the data is taken as HTML or SVG."""

from collections.abc import Sequence
from typing import Any

from finetune.evaluation.charts import IntervalChart
from finetune.evaluation.scores import Metric


def render(template: str, **values: Any) -> str:
    """Fill a template; a value that it names and that is not given is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("finetune.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)


def draw_intervals(charts: Sequence[tuple[Metric, IntervalChart]]) -> str:
    """Draw charts one below the other: an SVG file that stands alone, on white."""
    return render("intervals.svg.jinja", charts=charts)
