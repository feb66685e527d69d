"""Prices within categories."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from samplegen.fidelity.columns import PRICE, absent_from, ks_complement
from samplegen.fidelity.scores import FEWEST, NotMeasurable, Outcome

CATEGORY = "category2_code"
_CHARTED = 7
_STEPS = 96


def price_by_category(real: pd.DataFrame, other: pd.DataFrame) -> Outcome:
    """Compare full prices within every second-level category with enough rows on both sides."""
    for name in (PRICE, CATEGORY):
        if why := absent_from(name, real, other):
            raise NotMeasurable(why)
    weights, values = {}, {}
    for category, prices in real.groupby(CATEGORY)[PRICE]:
        pair = prices.dropna(), other.loc[other[CATEGORY] == category, PRICE].dropna()
        if min(map(len, pair)) < FEWEST:
            continue
        value = ks_complement(*pair)
        if not isinstance(value, str):
            weights[str(category)], values[str(category)] = len(pair[0]), value
    if not values:
        raise NotMeasurable(f"no category has {FEWEST} prices on both sides")
    total = sum(weights.values())
    return Outcome(
        value=sum(values[name] * weight for name, weight in weights.items()) / total,
        details={"categories": values, "share_of_real_rows": total / len(real)},
    )


def price_densities(real: pd.DataFrame, other: pd.DataFrame) -> list[dict[str, Any]]:
    """Estimate the density of log prices, all and by the most frequent categories, for charts.

    Returns:
        One entry a panel: its name, ``prices`` (the grid), ``real`` and ``synthetic`` densities on it, and how
        many rows of each are behind them. Panels with fewer than `FEWEST` of a side are left out.
    """
    if PRICE not in real or PRICE not in other:
        return []
    panels: list[tuple[str, pd.Series, pd.Series]] = [("All", real[PRICE], other[PRICE])]
    if CATEGORY in real and CATEGORY in other:
        for category in real[CATEGORY].value_counts(sort=True).index[:_CHARTED]:
            sides = [frame.loc[frame[CATEGORY] == category, PRICE] for frame in (real, other)]
            panels.append((str(category), sides[0], sides[1]))
    return [panel for name, *sides in panels if (panel := _panel(name, *map(_logs, sides)))]


def _logs(prices: pd.Series) -> NDArray[np.float64]:
    logs: NDArray[np.float64] = np.log10(prices[prices > 0].to_numpy(float))
    return logs


def _panel(name: str, real: NDArray[np.float64], other: NDArray[np.float64]) -> dict[str, Any] | None:
    both = np.concatenate([real, other])
    if min(len(real), len(other)) < FEWEST:  # a narrow peak would show single prices
        return None
    low, high = np.quantile(both, [0.002, 0.998])
    room = max(0.15, 0.08 * (high - low))
    grid = np.linspace(low - room, high + room, _STEPS)
    return {
        "name": name,
        "prices": (10**grid).tolist(),
        "real": _density(real, grid).tolist(),
        "synthetic": _density(other, grid).tolist(),
        "rows": [len(real), len(other)],
    }


def _density(values: NDArray[np.float64], grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Estimate a density with a Gaussian kernel of Silverman's width."""
    spread = min(np.std(values), np.subtract(*np.quantile(values, [0.75, 0.25])) / 1.34 or np.inf)
    width = max(0.9 * spread * len(values) ** -0.2, 0.02)
    steps = (grid[:, None] - values[None, :]) / width
    density: NDArray[np.float64] = np.exp(-0.5 * steps**2).mean(axis=1) / (width * np.sqrt(2 * np.pi))
    return density
