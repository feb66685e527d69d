"""Weighted choices: one table, or many small tables side by side that are drawn from at once."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from samplegen.sampling.streams import Floats


class Choice:
    """One weighted choice among names."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        self.names = tuple(weights)
        self.limits = cumulative(weights.values())
        self._limits: list[float] = self.limits.tolist()

    def pick(self, u: float) -> str:
        """Give the name at `u`, a number in [0, 1)."""
        return self.names[min(bisect_right(self._limits, u), len(self.names) - 1)]

    def places(self, u: Floats) -> NDArray[np.intp]:
        """Give the place of a name for every `u`."""
        return np.minimum(np.searchsorted(self.limits, u, "right"), len(self.names) - 1)

    def within(self, u: Floats, places: NDArray[np.intp]) -> Floats:
        """Give where each `u` lies in the part of the interval that its place has, from 0 to 1."""
        limits = np.concatenate([np.zeros(1), self.limits])
        part: Floats = (u - limits[places]) / (limits[places + 1] - limits[places])
        return part


class Tables:
    """Many weighted tables; table `t` holds the entries from `starts[t]` to `starts[t + 1]`."""

    def __init__(self, tables: Iterable[Iterable[float]]) -> None:
        limits = [cumulative(weights) for weights in tables]
        self.starts = np.cumsum([0, *map(len, limits)])
        self._limits = np.concatenate([number + part for number, part in enumerate(limits)] or [np.zeros(0)])

    def entries(self, table: NDArray[np.integer], u: Floats) -> NDArray[np.intp]:
        """Give an entry's place within its table, for a table number and a `u` each."""
        found = np.searchsorted(self._limits, table + u, "right")
        first = self.starts[table]
        within: NDArray[np.intp] = np.clip(found, first, self.starts[table + 1] - 1) - first
        return within


def cumulative(weights: Iterable[float]) -> Floats:
    """Give the upper limits in (0, 1] that share the interval by weight."""
    sums = np.cumsum(np.fromiter(weights, float))
    limits: Floats = sums / sums[-1]
    limits[-1] = 1.0
    return limits
