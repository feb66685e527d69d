"""What a measure gave: a value, or why there is none; beside it the floor."""

import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from samplegen.fidelity.measures import Measure

DECIMALS = 6
"""Of every number in the JSON file: finer digits depend on the machine's arithmetic."""
FEWEST = 10
"""Rows, prices or pictures that a measure needs on both sides; with fewer a distribution is noise."""
NORMAL_95 = statistics.NormalDist().inv_cdf(0.975)
"""Half of a 95% interval, in standard errors."""


class NotMeasurable(Exception):  # not an error: an answer
    """Two tables do not allow a measure; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a measure gave.

    Attributes:
        value: None where it cannot be computed; ``reason`` says why.
        interval: A 95% interval, where the method gives one.
        details: The numbers behind it, ready for JSON.
    """

    value: float | None
    interval: tuple[float, float] | None = None
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Score:
    """A measure of the synthetic table, and the floor: the same measure of the held-out real rows."""

    measure: Measure
    synthetic: Outcome
    floor: Outcome | None

    def to_dict(self) -> dict[str, Any]:
        """Return all numbers of the score as plain values."""
        found: dict[str, Any] = {
            "title": self.measure.title,
            "group": self.measure.group,
            "better": self.measure.direction.value,
            "best": self.measure.best,
            **_outcome_json(self.synthetic),
        }
        found["floor"] = None if self.floor is None else _outcome_json(self.floor)
        return found


def attempt(function: Callable[..., Outcome], *arguments: Any) -> Outcome:  # noqa: ANN401
    """Call a measure; where the tables do not allow it, the outcome says why."""
    try:
        return function(*arguments)
    except NotMeasurable as reason:
        return Outcome(value=None, reason=str(reason))


def check_size(*counts: int, fewest: int = FEWEST, what: str = "rows") -> None:
    """Refuse sides that are too small to measure.

    Raises:
        NotMeasurable: If one of the counts is below the fewest.
    """
    if min(counts) < fewest:
        raise NotMeasurable(f"{fewest} {what} a side are needed")


def mean_of(parts: Mapping[str, float | str], **details: Any) -> Outcome:  # noqa: ANN401
    """Give the mean of the numbers among ``parts``; texts are reasons why a part has none.

    Raises:
        NotMeasurable: If no part has a number.
    """
    numbers = [value for value in parts.values() if not isinstance(value, str)]
    if not numbers:
        raise NotMeasurable("; ".join(f"{name}: {why}" for name, why in parts.items()))
    return Outcome(value=sum(numbers) / len(numbers), details={"parts": dict(parts), **details})


def plain(value: Any) -> Any:  # noqa: ANN401
    """Turn numbers of any kind into rounded plain ones, all through lists and mappings; NaN into None."""
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, int):
        return value
    number = float(value)
    if not math.isfinite(number):
        return None
    return round(number, DECIMALS) + 0.0  # no -0.0


def _outcome_json(outcome: Outcome) -> dict[str, Any]:
    found: dict[str, Any] = {"value": plain(outcome.value)}
    if outcome.interval is not None:
        found["interval_95"] = plain(outcome.interval)
    if outcome.reason:
        found["reason"] = outcome.reason
    if outcome.details:
        found["details"] = plain(outcome.details)
    return found
