"""The price model: base of a place, effects of words, spread, and the points that prices lie on."""

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from samplegen.realdata.fitting.lines import Line, name_of
from samplegen.realdata.fitting.titles import Parsed

PENALTIES = {"line": 1.0, "triple": 1.0, "noun": 1.0, "shape": 0.5, "level": 0.3, "word": 1.5}
"""How strongly each group of effects is drawn to 0, in rows."""
SMALLEST_EFFECT = 0.01
_OWN_POINTS = 3
"""Rows from which a line has price points of its own."""
_GROUP_POINTS = 40
"""Rows from which a pair of category levels has points of its own."""
_MOST_FEATURES = 4000
_SHRINK = 6.0
"""Rows that the spread of the whole list weighs in that of a line."""
Feature = tuple[str, Hashable]


class PriceModel(NamedTuple):
    """What the catalog says about prices beyond its lines."""

    effects: dict[str, float]
    points: dict[str, dict[str, float]]


def fit_prices(lines: Sequence[Line], *, min_count: int) -> PriceModel:
    """Fit the price model; sets price, spread and points of the lines.

    The logarithm of a price is the sum of effects of its line, triple, noun, drawing, first level and words, each
    drawn to 0 (ridge regression); what is left over is the spread.
    """
    entries = [(line, entry) for line in lines for entry in line.rows]
    logs = np.log([entry.row.full / 100 for _, entry in entries])
    features = [_features(line, entry) for line, entry in entries]
    names, coefficients, mean = _ridge(features, logs, min_count)
    # Rounded, as the last digits of a solution depend on the processor: words of equal effect stay equal, and so their
    # order and the bytes of the pack are the same everywhere.
    value = dict(zip(names, coefficients.round(9).tolist(), strict=True))
    rest = logs - mean - [sum(value.get(name, 0.0) for name in row) for row in features]
    overall = float(np.std(rest)) if len(rest) > 1 else 0.1
    at = 0
    for line in lines:
        left = rest[at : at + len(line.rows)]
        at += len(line.rows)
        line.price = math.exp(mean + sum(value.get(name, 0.0) for name in _line_features(line)))
        left = left[:0] if line.small else left
        squares = float(np.sum(np.square(left))) + _SHRINK * overall**2
        line.spread = min(max(math.sqrt(squares / (len(left) + _SHRINK)), 0.02), 2.0)
    effects = {
        str(name[1]): v for name, v in value.items() if name[0] == "word" and abs(v) >= SMALLEST_EFFECT
    }
    return PriceModel(effects, _set_points(lines, min_count))


def _line_features(line: Line) -> list[Feature]:
    shape, noun, triple = line.key
    own: list[Feature] = [] if line.small else [("line", line.key)]
    return [
        *own,
        ("triple", triple),
        ("noun", noun),
        ("shape", shape),
        ("level", triple[0]),
        ("level", triple[:2]),
    ]


def _features(line: Line, entry: Parsed) -> list[Feature]:
    words = dict.fromkeys(piece.text for piece in entry.slots)
    return [*_line_features(line), *(("word", word) for word in words)]


def _ridge(
    features: Sequence[Sequence[Feature]], target: NDArray[np.float64], min_count: int
) -> tuple[list[Feature], NDArray[np.float64], float]:
    """Solve the normal equations of a ridge regression on features that are there or not."""
    counts = Counter(name for row in features for name in row)
    kept = [name for name, count in counts.most_common(_MOST_FEATURES) if count >= min_count]
    place = {name: number for number, name in enumerate(kept)}
    matrix = np.diag([PENALTIES[str(name[0])] for name in kept]).astype(float)
    vector = np.zeros(len(kept))
    mean = float(np.mean(target))
    for row, value in zip(features, target - mean, strict=True):
        at = np.asarray([place[name] for name in row if name in place], np.intp)
        matrix[np.ix_(at, at)] += 1.0
        vector[at] += value
    return kept, np.linalg.solve(matrix, vector), mean


def _set_points(lines: Sequence[Line], min_count: int) -> dict[str, dict[str, float]]:
    """Give the price points: of the whole list, of pairs of levels, and in lines with many rows their own."""
    every = Counter(entry.row.full for line in lines for entry in line.rows)
    allowed = {cents for cents, count in every.items() if count >= min_count} | _stand_ins(every, min_count)
    points = {"main": _weights(snap_counts(every, allowed))}
    groups: dict[str, Counter[int]] = defaultdict(Counter)
    for line in lines:
        groups[name_of(" ".join(line.key[2][:2]))].update(entry.row.full for entry in line.rows)
    for line in lines:
        group = name_of(" ".join(line.key[2][:2]))
        if not line.small and len(line.rows) >= _OWN_POINTS:
            line.prices = _weights(snap_counts(Counter(entry.row.full for entry in line.rows), allowed))
        elif groups[group].total() >= _GROUP_POINTS:
            line.points = group
            points[group] = _weights(snap_counts(groups[group], allowed))
    return points


def snap_counts(counts: Mapping[int, int], common: set[int]) -> Counter[int]:
    """Count prices at the nearest common ones (by ratio); a price below or above all of them goes to the last."""
    ordered = np.asarray(sorted(common))
    snapped: Counter[int] = Counter()
    for cents, count in counts.items():
        near = ordered[np.argmin(np.abs(np.log(ordered / cents)))]
        snapped[int(near)] += count
    return snapped


def _stand_ins(counts: Mapping[int, int], min_count: int) -> set[int]:
    """Give round prices of a fixed grid that stand for prices too rare to be written, also beyond the common ones.

    They reach to where still `min_count` rows are, so that they tell nothing of the dearest single product. A grid
    price that itself is rare is left out, as are every third of the others: so a gap does not give a rare price away.
    """
    rare = {cents for cents, count in counts.items() if count < min_count}
    if not rare:
        return set()
    every = sorted(cents for cents, count in counts.items() for _ in range(count))
    last = min(min_count, len(every))
    grid = [cents for cents in round_prices(every[last - 1] / 1.1, every[-last] * 1.1) if cents not in rare]
    kept = {cents for number, cents in enumerate(grid) if number % 3 != 1}
    return kept or {cents for cents in round_prices(every[0] / 2, every[-1] * 2) if cents not in rare}


def round_prices(low: float, high: float) -> Iterator[int]:
    """Give the prices in cents of a fixed grid of round numbers, about a dozen in every power of ten."""
    for power in range(2, 11):
        for head in (10, 12, 15, 18, 20, 25, 30, 35, 40, 50, 60, 70, 80, 90):
            cents = head * 10 ** (power - 1)
            if low <= cents <= high:
                yield cents


def _weights(counts: Mapping[int, float]) -> dict[str, float]:
    return {price_text(cents): weight for cents, weight in sorted(counts.items())}


def price_text(cents: int) -> str:
    """Write a price as packs have it: without decimals where it has none."""
    return f"{cents // 100}" if cents % 100 == 0 else f"{cents / 100:.2f}"
