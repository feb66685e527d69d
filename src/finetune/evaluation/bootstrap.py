"""Intervals by resampling whole styles: rows of a style look alike, so they are drawn together."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 1000
CONFIDENCE = 0.95
_CELLS = 4_000_000
"""Of a table of weights that is in memory at once."""

Weights = NDArray[np.float64]
"""``(draw, row)``: how often each draw holds each row."""
Statistic = Callable[[Weights], NDArray[np.float64]]
"""From weights to one value for each draw; NaN where a draw has nothing to measure."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A measured value, and where it may lie for other products of the same kind (95%, percentile bootstrap)."""

    value: float
    low: float
    high: float


def bootstrap(
    statistic: Statistic, groups: NDArray[np.int64], *, draws: int = DRAWS, seed: int = 0
) -> Interval | None:
    """Measure a statistic of all rows, and its interval over resampled groups.

    Two statistics of the same rows that are subtracted inside `statistic` are compared in pairs.

    Args:
        statistic: Called with all weights 1 first, then with those of the draws.
        groups: ``(row,)``: number of each row's style, from 0 on without gaps. With one style rows are drawn instead.
        draws: How many.
        seed: Same seed, same draws, for whichever statistic.

    Returns:
        None where there is nothing to measure.
    """
    return interval_of(drawn_values(statistic, groups, draws=draws, seed=seed))


def drawn_values(
    statistic: Statistic, groups: NDArray[np.int64], *, draws: int = DRAWS, seed: int = 0
) -> NDArray[np.float64]:
    """Measure a statistic of all rows, then of each draw: ``(1 + draws,)``; arguments as of `bootstrap`."""
    if not len(groups):
        return np.full(1 + draws, np.nan)
    tables = (np.ones((1, len(groups))), *draw_weights(groups, draws=draws, seed=seed))
    return np.concatenate([statistic(weights) for weights in tables])


def interval_of(values: NDArray[np.float64]) -> Interval | None:
    """Give the interval of `drawn_values`; None where there is nothing to measure."""
    value, drawn = float(values[0]), values[1:][~np.isnan(values[1:])]
    if np.isnan(value):
        return None
    if not len(drawn):
        return Interval(value, value, value)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Interval(value, float(low), float(high))


def draw_weights(groups: NDArray[np.int64], *, draws: int, seed: int) -> Iterator[Weights]:
    """Yield tables of weights, together `draws` rows: groups drawn with replacement, as many as there are."""
    if groups.max() == 0:
        groups = np.arange(len(groups))
    count = int(groups.max()) + 1
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(count,)))
    step = max(1, min(draws, _CELLS // len(groups)))
    for start in range(0, draws, step):
        size = min(step, draws - start)
        times = rng.multinomial(count, np.full(count, 1 / count), size=size)
        yield times[:, groups].astype(np.float64)


def weighted_mean(values: NDArray[np.float64], weights: Weights) -> NDArray[np.float64]:
    """Give each draw's mean of the values that are not NaN."""
    known = ~np.isnan(values)
    total = weights[:, known].sum(axis=1)
    with np.errstate(invalid="ignore"):
        mean: NDArray[np.float64] = weights[:, known] @ values[known] / total
    return mean


def weighted_median(values: NDArray[np.float64], weights: Weights) -> NDArray[np.float64]:
    """Give each draw's median of the values that are not NaN, each counted as often as its whole weight says."""
    order = np.argsort(values)[: int((~np.isnan(values)).sum())]
    if not len(order):
        return np.full(len(weights), np.nan)
    ranks = weights[:, order].cumsum(axis=1)
    total = ranks[:, -1:]
    middle = [(ranks > place).argmax(axis=1) for place in ((total - 1) // 2, total // 2)]
    median: NDArray[np.float64] = values[order][np.stack(middle)].mean(axis=0)
    median[total[:, 0] == 0] = np.nan
    return median
