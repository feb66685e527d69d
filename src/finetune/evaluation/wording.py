"""How numbers are shown to people: shares as percent, money with separators, gains with their sign."""

from finetune.evaluation.bootstrap import Interval
from finetune.evaluation.scores import Metric

_MINUS, _NOTHING, _MORE = "\u2212", "\u2013", "\u2026"
_LONGEST = 300


def show_value(metric: Metric, value: float | None) -> str:
    """Write a metric's value; a dash where there is none."""
    if value is None:
        return _NOTHING
    if metric.unit == "share":
        return f"{value:.1%}"
    return f"{value:,.2f}" if metric.unit == "money" else f"{value:.3f}"


def show_interval(metric: Metric, interval: Interval | None) -> str:
    """Write a value with its interval: ``61.0% [55.2, 66.9]``."""
    if interval is None:
        return _NOTHING
    low, high = (show_value(metric, end).removesuffix("%") for end in (interval.low, interval.high))
    return f"{show_value(metric, interval.value)} [{low}, {high}]"


def show_gain(metric: Metric, gain: Interval) -> str:
    """Write a gain in words: ``category right: better by 41.0 points [35.1, 46.8]``."""
    value, low, high = (show_difference(metric, number) for number in (gain.value, gain.low, gain.high))
    return f"{metric.label}: better by {value}{' points' if metric.unit == 'share' else ''} [{low}, {high}]"


def show_price(price: float | None) -> str:
    """Write a price with two decimals; a dash where there is none."""
    return _NOTHING if price is None else f"{price:,.2f}"


def show_difference(metric: Metric, number: float) -> str:
    """Write a difference of two values; of shares in points, without the word."""
    decimals = {"share": 1, "money": 2, "log": 3}[metric.unit]
    text = f"{number * (100 if metric.unit == 'share' else 1):,.{decimals}f}"
    return text.replace("-", _MINUS)


def show_text(text: str | None) -> str:
    """Write a text, cut off where it is longer than a person wants to read."""
    text = text or ""
    return text if len(text) <= _LONGEST else text[:_LONGEST].rstrip() + _MORE
