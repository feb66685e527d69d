"""Privacy: how near synthetic rows lie to the rows they were learned from, and to rows held out.

The distance of two rows is the mean of up to three parts, each 0 to 1: the share of category levels that differ;
1 - the cosine of their titles' word weights; and the difference of log prices, where a factor of e or more counts 1.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer

from samplegen.domain.pricelist import CATEGORY_COLUMNS
from samplegen.fidelity.columns import PRICE, TITLE
from samplegen.fidelity.scores import NotMeasurable, Outcome
from samplegen.fidelity.two_sample import area_under_curve

_COMPARED = (*CATEGORY_COLUMNS, TITLE, PRICE)
_PIECE_ROWS = 500
_FEWEST = 10
_EQUAL = 1e-9
"""Distances below are 0: products of floats are not exact."""

Distances = NDArray[np.float64]


def rows_copied(real: pd.DataFrame, other: pd.DataFrame) -> Outcome:
    """Give the share of rows that equal a real row in every compared column that both have."""
    names = _names(real, other)
    if TITLE not in names:
        raise NotMeasurable("without titles on both sides, equal rows mean nothing")
    known = set(real[names].itertuples(index=False, name=None))
    copies = [row in known for row in other[names].itertuples(index=False, name=None)]
    return Outcome(value=float(np.mean(copies)), details={"rows": sum(copies), "columns": names})


def closest(frames: list[pd.DataFrame]) -> dict[tuple[int, int], Distances]:
    """Give for every row of a table the distance to the closest row of another, for every two of the tables.

    Args:
        frames: Two or three tables.

    Returns:
        By (number of the table, number of the other): one distance a row, 0 to 1.

    Raises:
        NotMeasurable: If they share too few columns or rows.
    """
    names = [name for name in _COMPARED if all(name in frame for frame in frames)]
    if len(names) < 2:
        raise NotMeasurable("fewer than two of the categories, title and price are in all tables")
    if min(map(len, frames)) < _FEWEST:
        raise NotMeasurable(f"{_FEWEST} rows a side are needed")
    encoded = _encode(frames, names)
    found = {}
    for first in range(len(frames)):
        for second in range(first + 1, len(frames)):
            found[first, second], found[second, first] = _closest_pair(encoded[first], encoded[second])
    return found


def distance_to_closest(distances: Distances) -> Outcome:
    """Summarize the distances from a table's rows to the closest real rows."""
    quantiles = np.quantile(distances, [0.05, 0.25, 0.5, 0.75, 0.95])
    return Outcome(
        value=float(distances.mean()),
        details={
            "quantiles": dict(zip(("5%", "25%", "50%", "75%", "95%"), quantiles.tolist(), strict=True)),
            "share_at_0": float(np.mean(distances == 0)),
        },
    )


def closer_to_real(to_real: Distances, to_holdout: Distances) -> Outcome:
    """Give the share of synthetic rows nearer to a real row than to a held-out one; ties count half."""
    wins = np.where(to_real == to_holdout, 0.5, to_real < to_holdout)
    share, half = float(wins.mean()), 1.96 * float(wins.std()) / np.sqrt(len(wins))
    return Outcome(
        value=share,
        interval=(max(0.0, share - half), min(1.0, share + half)),
        details={"ties": float(np.mean(to_real == to_holdout))},
    )


def membership_auc(real_to_synthetic: Distances, holdout_to_synthetic: Distances) -> Outcome:
    """Guess which rows were learned from by their distance to the closest synthetic row."""
    area, interval = area_under_curve(-holdout_to_synthetic, -real_to_synthetic)
    return Outcome(value=area, interval=interval)


def _names(real: pd.DataFrame, other: pd.DataFrame) -> list[str]:
    if real.empty or other.empty:
        raise NotMeasurable("one side has no rows")
    return [name for name in _COMPARED if name in real and name in other]


def _encode(frames: list[pd.DataFrame], names: list[str]) -> list[dict[str, Any]]:
    both = pd.concat([frame[names] for frame in frames], ignore_index=True)
    columns: dict[str, Any] = {}
    if codes := [name for name in names if name in CATEGORY_COLUMNS]:
        columns["codes"] = np.column_stack([pd.factorize(both[name], sort=True)[0] for name in codes])
    if TITLE in names:
        try:
            columns["titles"] = TfidfVectorizer(token_pattern=r"[^ ]+").fit_transform(both[TITLE])
        except ValueError:  # titles without a word
            pass
    if PRICE in names:
        columns["logs"] = np.log(both[PRICE].where(both[PRICE] > 0).fillna(1.0).to_numpy(float))
    ends = np.cumsum([len(frame) for frame in frames])
    starts = ends - [len(frame) for frame in frames]
    return [
        {name: values[start:end] for name, values in columns.items()}
        for start, end in zip(starts, ends, strict=True)
    ]


def _closest_pair(left: dict[str, Any], right: dict[str, Any]) -> tuple[Distances, Distances]:
    size, others = (next(iter(side.values())).shape[0] for side in (left, right))
    to_right, to_left = np.full(size, np.inf), np.full(others, np.inf)
    for start in range(0, size, _PIECE_ROWS):  # so that the distances fit the memory
        piece = slice(start, start + _PIECE_ROWS)
        distance = _distances({name: values[piece] for name, values in left.items()}, right)
        to_right[piece] = distance.min(axis=1)
        to_left = np.minimum(to_left, distance.min(axis=0))
    return to_right, to_left


def _distances(left: dict[str, Any], right: dict[str, Any]) -> NDArray[np.float64]:
    parts = []
    if "codes" in left:
        differ = (left["codes"][:, None, :] != right["codes"][None, :, :]).mean(axis=2)
        parts.append(differ)
    if "titles" in left:
        parts.append(1.0 - np.asarray((left["titles"] @ right["titles"].T).todense()))
    if "logs" in left:
        parts.append(np.minimum(1.0, np.abs(left["logs"][:, None] - right["logs"][None, :])))
    distance: NDArray[np.float64] = sum(parts) / len(parts)
    return np.where(distance < _EQUAL, 0.0, distance)
