"""Which source each draw comes from: exact shares at every moment, for weights that may change along the run.

The rule is Tijdeman's for the chairman assignment problem (R. Tijdeman, The chairman assignment problem, Discrete
Mathematics 32, 1980): after any number of draws, each of k sources has been drawn as often as its shares add up to,
within 1 - 1 / (2k - 2) of a draw. All arithmetic is in whole numbers.
"""

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import count
from typing import Literal


class Shares:
    """The shares of the sources from the first draw on.

    Args:
        start: Weights at the start.
        end: Weights at the end; as many.
        kind: How the one becomes the other.
        draws: Length of the change, in draws.
    """

    def __init__(
        self,
        start: Sequence[float],
        end: Sequence[float],
        *,
        kind: Literal["constant", "warmup", "linear"],
        draws: int,
    ) -> None:
        first, last = _fractions(start), _fractions(end)
        common = math.lcm(*(share.denominator for share in (*first, *last)))
        self._length = 0 if kind == "constant" else draws
        self._linear = kind == "linear"
        self.unit = common * (2 * draws if self._linear else 1)
        """What a share of 1 is, in the whole numbers of `cumulative`."""
        self._first = [int(share * common) for share in first]
        self._last = [int(share * common) for share in (first if kind == "constant" else last)]

    def __len__(self) -> int:
        return len(self._first)

    def cumulative(self, source: int, draws: int) -> int:
        """Give what a source's shares of the first `draws` draws add up to, times `unit`."""
        first, last = self._first[source], self._last[source]
        early = min(draws, self._length)
        if self._linear:
            # The share falls or rises along a line; its sum is a parabola.
            whole = 2 * self._length * (first * early + last * (draws - early))
            return whole + (last - first) * early * early
        return first * early + last * (draws - early)

    @property
    def period(self) -> int:
        """After how many draws the order repeats itself; 0 if it does not."""
        return self.unit if self._length == 0 else 0


def _fractions(weights: Sequence[float]) -> list[Fraction]:
    # As they are written: 0.3 and 0.7 are 3 and 7 tenths, not the binary numbers nearest to them.
    exact = [Fraction(repr(float(weight))) for weight in weights]
    return [weight / sum(exact) for weight in exact]


def source_of_draws(shares: Shares, first: int = 0) -> Iterator[tuple[int, int]]:
    """Yield for draw `first`, `first` + 1 ... its source and how many draws that source had before."""
    drawn = [0] * len(shares)
    begin = 0
    if shares.period:
        begin = first - first % shares.period
        drawn = [shares.cumulative(source, begin) // shares.unit for source in range(len(shares))]
    deadlines = [_deadline(shares, source, done, begin) for source, done in enumerate(drawn)]
    margin = max(2 * len(shares) - 2, 1)
    for number in count(begin):
        due = [
            (deadlines[source], source)
            for source, done in enumerate(drawn)
            if margin * (shares.cumulative(source, number + 1) - done * shares.unit) >= shares.unit
        ]
        _, source = min(due)
        if number >= first:
            yield source, drawn[source]
        drawn[source] += 1
        deadlines[source] = _deadline(shares, source, drawn[source], number + 1)


def _deadline(shares: Shares, source: int, done: int, begin: int) -> int:
    """Give the last draw by which a source must be drawn again; a large number if its share stays 0."""
    margin = max(2 * len(shares) - 2, 1)
    limit = (margin * (done + 1) - 1) * shares.unit

    def late(draws: int) -> bool:
        return margin * shares.cumulative(source, draws) > limit

    step = 1
    while not late(begin + step):
        step *= 2
        if step > 2**62:
            return 2**62
    low, high = begin + step // 2, begin + step
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if late(middle) else (middle, high)
    return high
