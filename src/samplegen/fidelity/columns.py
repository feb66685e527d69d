"""Columns one by one and two by two, through SDMetrics by its standard names."""

import warnings
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pandas as pd
from sdmetrics.column_pairs import ContingencySimilarity, CorrelationSimilarity
from sdmetrics.single_column import KSComplement, TVComplement

from samplegen.domain.pricelist import CATEGORY_COLUMNS
from samplegen.fidelity.scores import NotMeasurable, Outcome, mean_of

PRICE, TITLE, DISCOUNT = "full_price", "title", "flg_discount"
TITLE_WORDS, DEPTH = "title_words", "price / full_price"
WORD = r"[^ ]+"
"""What counts as a word of a title, as a regular expression."""
_BINS = 10


def column_shapes(real: pd.DataFrame, other: pd.DataFrame) -> Outcome:
    """Compare each column's distribution.

    The mean is over the categories, the full price and the number of words in a title; over ``flg_discount``
    too where it is not the same everywhere. Columns that follow from these (the other prices) and those that
    name the table (website, date, brand, URLs, product code) are not in it.
    """
    parts: dict[str, float | str] = {}
    metrics: dict[str, str] = {}
    for name in CATEGORY_COLUMNS:
        metrics[name], parts[name] = "TVComplement", _if_shared(name, real, other, tv_complement)
    if _varies(DISCOUNT, real, other):
        metrics[DISCOUNT], parts[DISCOUNT] = "TVComplement", _if_shared(DISCOUNT, real, other, tv_complement)
    metrics[PRICE], parts[PRICE] = "KSComplement", _if_shared(PRICE, real, other, ks_complement)
    metrics[TITLE_WORDS] = "KSComplement"
    parts[TITLE_WORDS] = _if_shared(
        TITLE, real, other, lambda a, b: ks_complement(word_counts(a), word_counts(b))
    )
    return mean_of(parts, metrics=metrics)


def pair_trends(real: pd.DataFrame, other: pd.DataFrame) -> Outcome:
    """Compare the joint distribution of every two of the categories and the price.

    The price is cut at the deciles of both tables together: bins of equal width, as SDMetrics cuts, would put
    nearly all prices into the first.
    """
    names = [name for name in (*CATEGORY_COLUMNS, DISCOUNT) if name != DISCOUNT or _varies(name, real, other)]
    names = [name for name in names if name in real and name in other]
    left, right = real[names].astype(str), other[names].astype(str)
    if PRICE in real and PRICE in other and len(real) and len(other):
        left[PRICE], right[PRICE] = _deciles(real[PRICE], other[PRICE])
        names = [*names, PRICE]
    if len(names) < 2:
        raise NotMeasurable("fewer than two of the categories and the price are on both sides")
    if left.empty or right.empty:
        raise NotMeasurable("one side has no rows")
    parts: dict[str, float | str] = {}
    for first, second in combinations(names, 2):
        pair = [first, second]
        parts[f"{first} ~ {second}"] = float(ContingencySimilarity.compute(left[pair], right[pair]))
    return mean_of(parts, metric="ContingencySimilarity")


def correlations(real: pd.DataFrame, other: pd.DataFrame) -> Outcome:
    """Compare how numbers go together: log full price, discount depth, words and characters of titles."""
    left, right = _numbers(real), _numbers(other)
    # A table without discounts says nothing about them, and that is no finding.
    names = [name for name in left if name in right and (name != DEPTH or _varies(DEPTH, left, right))]
    parts: dict[str, float | str] = {}
    for first, second in combinations(names, 2):
        parts[f"{first} ~ {second}"] = _correlation(left[[first, second]], right[[first, second]])
    if not parts:
        raise NotMeasurable("fewer than two numbers are on both sides")
    return mean_of(parts, metric="CorrelationSimilarity")


def category_triples(real: pd.DataFrame, other: pd.DataFrame) -> Outcome:
    """Compare the three category levels taken together."""
    absent = [name for name in CATEGORY_COLUMNS if name not in real or name not in other]
    if absent:
        raise NotMeasurable(f"{', '.join(absent)} is not on both sides")
    left, right = triples(real), triples(other)
    value = tv_complement(left, right)
    if isinstance(value, str):
        raise NotMeasurable(value)
    known = set(left)
    return Outcome(
        value=value,
        details={
            "distinct_real": left.nunique(),
            "distinct_other": right.nunique(),
            "rows_in_triples_unseen_in_real": float(np.mean([triple not in known for triple in right])),
        },
    )


def triples(frame: pd.DataFrame) -> pd.Series:
    """Join the three levels of each row into one text."""
    parts = (frame[name] for name in CATEGORY_COLUMNS)
    return pd.Series([" > ".join(levels) for levels in zip(*parts, strict=True)], dtype=object)


def word_counts(titles: pd.Series) -> pd.Series:
    """Count the words of each title."""
    return pd.Series([len(title.split()) for title in titles], dtype=float)


def tv_complement(real: pd.Series, other: pd.Series) -> float | str:
    """Give SDMetrics' TVComplement, or why there is none."""
    real, other = real.dropna(), other.dropna()
    if real.empty or other.empty:
        return "one side has no values"
    return float(TVComplement.compute(real, other))


def ks_complement(real: pd.Series, other: pd.Series) -> float | str:
    """Give SDMetrics' KSComplement, or why there is none."""
    real, other = real.dropna(), other.dropna()
    if real.empty or other.empty:
        return "one side has no values"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on p-values of constant columns, which are not used
        return float(KSComplement.compute(real, other))


def absent_from(name: str, real: pd.DataFrame, other: pd.DataFrame) -> str:
    """Say on which side a column is missing; nothing where it is on both."""
    sides = [side for side, frame in (("real", real), ("compared", other)) if name not in frame]
    return f"the {' and the '.join(sides)} table has no {name}" if sides else ""


def _if_shared(
    name: str,
    real: pd.DataFrame,
    other: pd.DataFrame,
    measure: Callable[[pd.Series, pd.Series], float | str],
) -> float | str:
    return absent_from(name, real, other) or measure(real[name], other[name])


def _varies(name: str, real: pd.DataFrame, other: pd.DataFrame) -> bool:
    if name not in real or name not in other:
        return False
    return bool(pd.concat([real[name], other[name]]).nunique() > 1)


def _deciles(real: pd.Series, other: pd.Series) -> tuple[pd.Series, pd.Series]:
    both = pd.concat([real, other]).dropna()
    cuts = np.quantile(both, np.linspace(0, 1, _BINS + 1)[1:-1]) if len(both) else np.array([])
    return _binned(real, cuts), _binned(other, cuts)


def _binned(values: pd.Series, cuts: np.ndarray) -> pd.Series:
    bins = np.digitize(values.fillna(0), cuts).astype(str)
    return pd.Series(np.where(values.isna(), "missing", bins), index=values.index, dtype=object)


def _numbers(frame: pd.DataFrame) -> pd.DataFrame:
    found: dict[str, pd.Series] = {}
    if PRICE in frame:
        found["log full_price"] = np.log(frame[PRICE].where(frame[PRICE] > 0))
        if "price" in frame:
            found[DEPTH] = frame["price"] / frame[PRICE].where(frame[PRICE] > 0)
    if TITLE in frame:
        found[TITLE_WORDS] = word_counts(frame[TITLE])
        found["title_characters"] = pd.Series([float(len(title)) for title in frame[TITLE]], dtype=float)
    return pd.DataFrame(found, index=frame.index)


def _correlation(real: pd.DataFrame, other: pd.DataFrame) -> float | str:
    real, other = real.dropna(), other.dropna()
    if min(len(real), len(other)) < 3:
        return "fewer than three rows"
    if min(real.nunique().min(), other.nunique().min()) < 2:
        return "a column is constant on one side"
    value = float(CorrelationSimilarity.compute(real, other))
    return value if np.isfinite(value) else "no correlation is defined"
