"""Privacy: how near synthetic rows lie to the rows they were learned from, and to rows held out.

The distance of two rows is the mean of up to three parts, each 0 to 1: the share of category levels that differ;
1 - the cosine of their titles' word weights (0 where both have no title); and the difference of log prices, where a factor of e or more counts 1.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer

from samplegen.domain.pricelist import CATEGORY_COLUMNS
from samplegen.fidelity.columns import PRICE, TITLE, WORD
from samplegen.fidelity.scores import NORMAL_95, NotMeasurable, Outcome, check_size
from samplegen.fidelity.titles import both_titled
from samplegen.fidelity.two_sample import area_under_curve

_COMPARED = (*CATEGORY_COLUMNS, TITLE, PRICE)
_PIECE_ROWS, _PIECE_OTHERS = 500, 5000
_EQUAL = 1e-9
"""Distances below are 0: products of floats are not exact."""

Distances = NDArray[np.float64]


def rows_copied(real: pd.DataFrame, other: pd.DataFrame) -> Outcome:
    """Give the share of rows with a title that equal a real row in every compared column that both have.

    Without a title, equal rows mean nothing.
    """
    left, right = both_titled(real, other)
    names = [name for name in _COMPARED if name in real and name in other]
    known = set(_comparable(left[names]))
    copies = [row in known for row in _comparable(right[names])]
    return Outcome(value=float(np.mean(copies)), details={"rows": sum(copies), "columns": names})


def _comparable(frame: pd.DataFrame) -> Iterator[tuple[object, ...]]:
    """Give rows in which a missing value equals another."""
    return frame.astype(object).where(frame.notna(), None).itertuples(index=False, name=None)


class Space:
    """Rows of several tables, with distances between them: a title's word weighs the same in all.

    Args:
        frames: All tables whose rows will be compared.

    Raises:
        NotMeasurable: If they share too few columns or rows.
    """

    def __init__(self, frames: Sequence[pd.DataFrame]) -> None:
        self._names = [name for name in _COMPARED if all(name in frame for frame in frames)]
        if len(self._names) < 2:
            raise NotMeasurable("fewer than two of the categories, title and price are in all tables")
        check_size(*map(len, frames))
        both = pd.concat([frame[self._names] for frame in frames], ignore_index=True)
        self._codes = {name: sorted(both[name].unique()) for name in self._names if name in CATEGORY_COLUMNS}
        self._words = TfidfVectorizer(token_pattern=WORD)
        self._has_words = TITLE in self._names and bool(both[TITLE].str.strip().any())
        if self._has_words:
            self._words.fit(both[TITLE])

    def closest(self, frame: pd.DataFrame, others: pd.DataFrame) -> Distances:
        """Give for every row the distance, 0 to 1, to the closest of the others; both are among the tables."""
        left, right = self._encode(frame), self._encode(others)
        found = np.full(len(frame), np.inf)
        for start in range(0, len(frame), _PIECE_ROWS):  # in pieces, so that the distances fit the memory
            piece = slice(start, start + _PIECE_ROWS)
            for other in range(0, len(others), _PIECE_OTHERS):
                distance = _distances(left, right, piece, slice(other, other + _PIECE_OTHERS))
                found[piece] = np.minimum(found[piece], distance.min(axis=1))
        return found

    def _encode(self, frame: pd.DataFrame) -> dict[str, Any]:
        columns: dict[str, Any] = {}
        if self._codes:
            codes = [
                pd.Categorical(frame[name], categories=known).codes for name, known in self._codes.items()
            ]
            columns["codes"] = np.column_stack(codes)
        if self._has_words:
            columns["titles"] = self._words.transform(frame[TITLE])
            columns["untitled"] = (frame[TITLE].str.strip() == "").to_numpy()
        if PRICE in self._names:
            columns["logs"] = np.log(frame[PRICE].where(frame[PRICE] > 0).fillna(1.0).to_numpy(float))
        return columns


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
    share, half = float(wins.mean()), NORMAL_95 * float(wins.std()) / np.sqrt(len(wins))
    return Outcome(
        value=share,
        interval=(max(0.0, share - half), min(1.0, share + half)),
        details={"ties": float(np.mean(to_real == to_holdout))},
    )


def membership_auc(real_to_synthetic: Distances, holdout_to_synthetic: Distances) -> Outcome:
    """Guess which rows were learned from by their distance to the closest synthetic row."""
    area, interval = area_under_curve(-holdout_to_synthetic, -real_to_synthetic)
    return Outcome(value=area, interval=interval)


def _distances(
    left: dict[str, Any], right: dict[str, Any], rows: slice, others: slice
) -> NDArray[np.float64]:
    parts = []
    if "codes" in left:
        parts.append((left["codes"][rows, None, :] != right["codes"][None, others, :]).mean(axis=2))
    if "titles" in left:
        cosines = np.asarray((left["titles"][rows] @ right["titles"][others].T).todense())
        both_untitled = left["untitled"][rows, None] & right["untitled"][None, others]
        parts.append(np.where(both_untitled, 0.0, 1.0 - cosines))
    if "logs" in left:
        parts.append(np.minimum(1.0, np.abs(left["logs"][rows, None] - right["logs"][None, others])))
    distance: NDArray[np.float64] = sum(parts) / len(parts)
    return np.where(distance < _EQUAL, 0.0, distance)
