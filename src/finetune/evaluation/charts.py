"""Plots as numbers on a grid, which the page draws as SVG; colours are the page's own, so they follow its theme."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from finetune.evaluation.bootstrap import Interval
from finetune.evaluation.scores import Metric
from finetune.evaluation.wording import show_interval

_CLASSES = 12
_POINTS = 800


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of a chart of intervals."""

    name: str
    text: str
    places: tuple[float, float, float] | None
    """Value and ends of the interval, in percent of the axis; None where there is no value."""


@dataclass(frozen=True, slots=True)
class IntervalChart:
    """Values with their intervals, one below the other."""

    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class PriceChart:
    """True against written prices on logarithmic axes; places are percent of the axis."""

    points: tuple[tuple[float, float], ...]
    ticks: tuple[tuple[float, str], ...]
    unparsed: int


@dataclass(frozen=True, slots=True)
class ConfusionChart:
    """Which category was written for which: shares of the true category's products."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, int, tuple[float, ...]], ...]


def interval_chart(metric: Metric, intervals: Mapping[str, Interval | None]) -> IntervalChart:
    """Lay out a metric of several runs; one without a value has a dash."""
    top = max((interval.high for interval in intervals.values() if interval), default=1.0)
    step = _step(top if metric.lower_is_better or metric.unit != "share" else max(top, 0.2))
    end = step * max(1, math.ceil(top / step - 1e-9))
    ticks = tuple(
        (100 * step * number / end, _tick(metric, step * number)) for number in range(round(end / step) + 1)
    )
    bars = tuple(
        Bar(
            name=name,
            text=show_interval(metric, interval),
            places=None if interval is None else _places(interval, end),
        )
        for name, interval in intervals.items()
    )
    return IntervalChart(bars, ticks)


def _places(interval: Interval, end: float) -> tuple[float, float, float]:
    return 100 * interval.value / end, 100 * interval.low / end, 100 * interval.high / end


def _step(top: float) -> float:
    """Give a round distance that fits into `top` three to seven times."""
    if top <= 0:
        return 1.0
    base: float = 10.0 ** math.floor(math.log10(top))
    return next(base * part for part in (0.2, 0.25, 0.5, 1, 2) if top / (base * part) <= 5)


def _tick(metric: Metric, value: float) -> str:
    return f"{value:.0%}" if metric.unit == "share" else f"{value:g}"


def price_chart(true: Sequence[float | None], written: Sequence[float | None]) -> PriceChart | None:
    """Lay out prices; None where no product has both above 0."""
    pairs = [(a, b) for a, b in zip(true, written, strict=True) if a and b]
    if not pairs:
        return None
    logs = [math.log10(price) for pair in pairs for price in pair]
    low, high = min(logs) - 0.05, max(logs) + 0.05
    powers = [
        (math.log10(part * 10.0**power), part * 10.0**power)
        for power in range(math.floor(low), math.ceil(high) + 1)
        for part in ((1, 2, 5) if high - low < 2.5 else (1,))
    ]
    scale = 100 / (high - low)
    return PriceChart(
        points=tuple(
            ((math.log10(a) - low) * scale, (math.log10(b) - low) * scale)
            for a, b in pairs[:: math.ceil(len(pairs) / _POINTS)]
        ),
        ticks=tuple(((log - low) * scale, f"{price:,g}") for log, price in powers if low <= log <= high),
        unparsed=sum(a is not None and b is None for a, b in zip(true, written, strict=True)),
    )


def confusion_chart(pairs: Counter[tuple[str, str]]) -> ConfusionChart | None:
    """Lay out the most frequent true categories and what was written for them; None where there are none."""
    totals = Counter[str]()
    for (true, _), count in pairs.items():
        totals[true] += count
    if not totals:
        return None
    names = [name for name, _ in sorted(totals.items(), key=lambda item: (-item[1], item[0]))[:_CLASSES]]
    rows = []
    for true in names:
        shares = [pairs[true, name] / totals[true] for name in names]
        rows.append((true, totals[true], (*shares, 1 - sum(shares))))
    return ConfusionChart((*names, "other"), tuple(rows))
