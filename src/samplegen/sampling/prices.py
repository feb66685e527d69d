"""Prices: base of the place in the list, effects of the title's words, noise; snapped to the list's price points."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from samplegen.domain.pricelist import euro_cents
from samplegen.sampling.choices import Choice
from samplegen.sampling.streams import Floats, stream_key, uniforms
from samplegen.templates.model import Discounts

_APART = 64.0
"""Distance of tables on the line of log prices, which lie between `-_HALF` and `_HALF` each."""
_HALF = _APART / 2 - 1


class Prices(NamedTuple):
    """Prices of some rows, in cents."""

    full: NDArray[np.int64]
    paid: NDArray[np.int64]
    full_eur: NDArray[np.int64]
    paid_eur: NDArray[np.int64]


class PricePoints:
    """The prices that each line sells at; a rare one draws in fewer of the prices around it than a common one."""

    def __init__(self, tables: Iterable[Mapping[str, float]]) -> None:
        points = [sorted((round(float(p) * 100), weight) for p, weight in table.items()) for table in tables]
        self._cents = np.asarray([cents for table in points for cents, _ in table], np.int64)
        self._last = np.cumsum([len(table) for table in points]) - 1
        limits = [number * _APART + _limits(table) for number, table in enumerate(points)]
        self._limits = np.concatenate(limits)

    def snap(self, table: NDArray[np.integer], log_price: Floats) -> NDArray[np.int64]:
        """Give the price point of a table for the logarithm of each price, in cents."""
        # The tables stand one after another on a line; each has one limit less than points, hence `+ table`.
        place = np.searchsorted(self._limits, table * _APART + np.clip(log_price, -_HALF, _HALF)) + table
        cents: NDArray[np.int64] = self._cents[np.minimum(place, self._last[table])]
        return cents


def _limits(points: list[tuple[int, float]]) -> Floats:
    logs = np.log([cents / 100 for cents, _ in points])
    weights = np.asarray([weight for _, weight in points])
    limits: Floats = logs[:-1] + np.diff(logs) * weights[:-1] / (weights[:-1] + weights[1:])
    return limits


class Pricing:
    """Turns full prices into all four, by the template's rate and discounts."""

    def __init__(self, seed: int, *, euro_rate: str, discounts: Discounts) -> None:
        self._rate = Fraction(euro_rate)
        self._share = discounts.share
        self._steps = Choice(discounts.steps)
        self._kept = np.asarray([10_000 - int(Fraction(step) * 10_000) for step in discounts.steps], np.int64)
        self._key, self._step_key = stream_key(seed, "discounted"), stream_key(seed, "discount step")

    def prices(self, full: NDArray[np.int64], styles: NDArray[np.int64]) -> Prices:
        """Give all prices of styles; a discounted price is cut off at whole units of the currency."""
        paid = full
        if self._share > 0:
            discounted = uniforms(self._key, styles) < self._share
            reduced = full * self._kept[self._steps.places(uniforms(self._step_key, styles))] // 10_000
            reduced = np.where(reduced >= 100, reduced // 100 * 100, np.maximum(reduced, 1))
            paid = np.where(discounted, reduced, full)
        full_eur = euro_cents(full, self._rate)
        return Prices(full, paid, full_eur, full_eur if paid is full else euro_cents(paid, self._rate))
