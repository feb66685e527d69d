"""Prices: base of the place in the list, effects of the title's words, noise; snapped to the list's price points."""

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from samplegen.domain.pricelist import euro_cents
from samplegen.sampling.choices import Choice
from samplegen.sampling.streams import Floats, stream_key, uniforms
from samplegen.templates.model import Discounts


class Prices(NamedTuple):
    """Prices of some rows, in cents."""

    full: NDArray[np.int64]
    paid: NDArray[np.int64]
    full_eur: NDArray[np.int64]
    paid_eur: NDArray[np.int64]


class PricePoints:
    """The prices that a list uses; a rare one draws in fewer of the prices around it than a common one."""

    def __init__(self, points: Mapping[str, float]) -> None:
        ordered = sorted((Fraction(point), weight) for point, weight in points.items())
        self.cents = np.asarray([int(price * 100) for price, _ in ordered], np.int64)
        weights = np.asarray([weight for _, weight in ordered])
        logs = np.log(self.cents / 100)
        reach = weights[:-1] / (weights[:-1] + weights[1:])
        self._limits = logs[:-1] + (logs[1:] - logs[:-1]) * reach

    def snap(self, log_price: Floats) -> NDArray[np.int64]:
        """Give the price point for the logarithm of each price, in cents."""
        return self.cents[np.searchsorted(self._limits, log_price)]


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
