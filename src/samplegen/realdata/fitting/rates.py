"""What holds for a whole table: the euro rate, discounts, how many rows share a title and a price."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import combinations
from statistics import median

from samplegen.realdata.fitting.protection import Categories, common_values
from samplegen.realdata.fitting.table import Row

MAX_COLOURWAYS = 3
_LARGEST_RATE = 9_999
_MOST_PAIRS = 200_000
_DECIMALS = range(10)


def euro_rate(rows: Iterable[Row]) -> str | None:
    """Give the shortest rate that explains the euro prices, cut off at cents; None without euro prices.

    Where no rate explains all of them, it is the median of the ratios.
    """
    pairs = [
        (row.full, row.full_eur) for row in rows if row.full_eur and row.full_eur < _LARGEST_RATE * row.full
    ]
    if not pairs:
        return None
    low = max(Fraction(eur, full) for full, eur in pairs)
    high = min(Fraction(eur + 1, full) for full, eur in pairs)
    if low < high:
        for decimals in _DECIMALS:
            rate = Fraction(math.ceil(low * 10**decimals), 10**decimals)
            if 0 < rate < high:
                return _decimal(rate, decimals)
    ratio = Fraction(median(eur / full for full, eur in pairs)).limit_denominator(10**6)
    return _decimal(Fraction(round(max(ratio, Fraction(1, 10**6)) * 10**6), 10**6), 6)


def _decimal(rate: Fraction, decimals: int) -> str:
    text = f"{float(rate):.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def discounts(rows: Sequence[Row], min_count: int) -> tuple[float, dict[str, float]]:
    """Give the share of rows that are discounted, and the fractions of the price that are taken off."""
    off = [1 - row.paid / row.full for row in rows if row.paid < row.full]
    steps: Counter[str] = Counter()
    for part in off:
        fine = f"{min(max(part, 0.01), 0.95):.2f}".rstrip("0")
        steps[fine] += 1
    common = common_values(steps, min_count)
    if not common and len(off) >= min_count:
        coarse = Counter(f"{min(max(round(part, 1), 0.1), 0.9):.1f}" for part in off)
        common = common_values(coarse, min_count)
    if not common:  # also where there are no rows
        return 0.0, {}
    order = dict(sorted(common.items()))
    return len(off) / len(rows), {step: float(count) for step, count in order.items()}


def colourway_sizes(rows: Iterable[Row], min_count: int) -> dict[int, int]:
    """Give how many titles of a category triple stand in one row, in two, ...; at most `MAX_COLOURWAYS`."""
    groups = Counter((row.title, row.categories) for row in rows)
    sizes = Counter(min(count, MAX_COLOURWAYS) for count in groups.values())
    return {size: count for size, count in sorted(sizes.items()) if count >= min_count} or {1: 1}


def colourways_between(sizes: dict[int, int], share: float) -> dict[str, float]:
    """Give the weights of colourway counts of which `share` follows the table and the rest is single rows."""
    total = sum(sizes.values())
    weights = {size: share * count / total for size, count in sizes.items()}
    weights[1] = weights.get(1, 0.0) + 1 - share
    counts = {str(size): round(1000 * weight) for size, weight in sorted(weights.items())}
    return {size: float(count) for size, count in counts.items() if count}


def title_keeps_price(rows: Iterable[Row]) -> float:
    """Give how often two rows with one title in one triple cost the same; 0.75 where there are no two."""
    groups: dict[tuple[str, Categories], list[int]] = defaultdict(list)
    for row in rows:
        groups[row.title, row.categories].append(row.full)
    same = pairs = 0
    for prices in groups.values():
        for first, second in combinations(prices[:40], 2):
            same += first == second
            pairs += 1
        if pairs > _MOST_PAIRS:
            break
    return round(same / pairs, 2) if pairs else 0.75


def distinct_share(titles: Sequence[str]) -> float:
    """Give the number of different titles per row."""
    return len(set(titles)) / len(titles)
