"""Titles: length, vocabulary, n-grams, repeats, copies. Rows without a title are left out everywhere here."""

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pandas as pd

from samplegen.fidelity.columns import TITLE, absent_from, ks_complement, tv_complement
from samplegen.fidelity.scores import NotMeasurable, Outcome


def title_length(real: pd.DataFrame, other: pd.DataFrame) -> Outcome:
    """Compare the number of characters."""
    left, right = _titles(real, other)
    sides = [pd.Series([float(len(title)) for title in titles]) for titles in (left, right)]
    value = ks_complement(*sides)
    if isinstance(value, str):
        raise NotMeasurable(value)
    words = [np.mean([len(title.split()) for title in titles]) for titles in (left, right)]
    return Outcome(
        value=value,
        details={
            "mean_characters_real": sides[0].mean(),
            "mean_characters_other": sides[1].mean(),
            "mean_words_real": words[0],
            "mean_words_other": words[1],
        },
    )


def title_words_covered(real: pd.DataFrame, other: pd.DataFrame) -> Outcome:
    """Give the share of real words, each counted once, that occur on the other side."""
    left, right = (set(_words(titles)) for titles in _titles(real, other))
    if not left:
        raise NotMeasurable("the real titles have no words")
    return Outcome(
        value=len(left & right) / len(left), details={"words_real": len(left), "words_other": len(right)}
    )


def title_words_known(real: pd.DataFrame, other: pd.DataFrame) -> Outcome:
    """Give the share of the other side's words, counted as often as they occur, that real titles have too."""
    left, right = _titles(real, other)
    known, words = set(_words(left)), list(_words(right))
    if not words:
        raise NotMeasurable("the compared titles have no words")
    unknown = Counter(word for word in words if word not in known)
    return Outcome(
        value=1 - sum(unknown.values()) / len(words), details={"distinct_unknown_words": len(unknown)}
    )


def title_ngrams(real: pd.DataFrame, other: pd.DataFrame) -> Outcome:
    """Compare how often words, pairs of neighbouring words and runs of three characters occur."""
    left, right = _titles(real, other)
    parts = {
        "words": _overlap(_words(left), _words(right)),
        "word pairs": _overlap(_pairs(left), _pairs(right)),
        "3 characters": _overlap(_runs(left), _runs(right)),
    }
    numbers = [value for value in parts.values() if value is not None]
    if not numbers:
        raise NotMeasurable("one side has no words")
    return Outcome(value=sum(numbers) / len(numbers), details={"parts": parts})


def distinct_titles(real: pd.DataFrame, other: pd.DataFrame) -> Outcome:
    """Compare the number of distinct titles per row; the tables have equal size, on which it depends."""
    left, right = (titles.nunique() / len(titles) for titles in _titles(real, other))
    return Outcome(
        value=min(left, right) / max(left, right), details={"per_row_real": left, "per_row_other": right}
    )


def title_repeats(real: pd.DataFrame, other: pd.DataFrame) -> Outcome:
    """Compare how many rows share a row's title."""
    left, right = (titles.map(titles.value_counts()) for titles in _titles(real, other))
    value = tv_complement(left, right)
    if isinstance(value, str):
        raise NotMeasurable(value)
    return Outcome(value=value, details={"mean_rows_real": left.mean(), "mean_rows_other": right.mean()})


def titles_copied(real: pd.DataFrame, other: pd.DataFrame) -> Outcome:
    """Give the share of titles that stand word for word in the real table."""
    left, right = _titles(real, other)
    known = set(left)
    distinct = set(right)
    return Outcome(
        value=float(np.mean([title in known for title in right])),
        details={"distinct_titles_copied": len(distinct & known), "distinct_titles": len(distinct)},
    )


def title_lengths(frame: pd.DataFrame) -> dict[int, float]:
    """Give the share of rows by the number of words in the title, for charts."""
    counts = Counter(len(title.split()) for title in frame.get(TITLE, ()))
    total = max(1, sum(counts.values()))
    return {words: count / total for words, count in sorted(counts.items())}


def both_titled(real: pd.DataFrame, other: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give the rows that have a title.

    Raises:
        NotMeasurable: If a side has none.
    """
    if why := absent_from(TITLE, real, other):
        raise NotMeasurable(why)
    left, right = (frame[frame[TITLE].str.strip() != ""] for frame in (real, other))
    if left.empty or right.empty:
        raise NotMeasurable("one side has no titles")
    return left, right


def _titles(real: pd.DataFrame, other: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    left, right = both_titled(real, other)
    return left[TITLE], right[TITLE]


def _words(titles: Iterable[str]) -> Iterable[str]:
    return (word for title in titles for word in title.split())


def _pairs(titles: Iterable[str]) -> Iterable[tuple[str, str]]:
    for title in titles:
        words = title.split()
        yield from pairwise(words)


def _runs(titles: Iterable[str]) -> Iterable[str]:
    for title in titles:
        yield from (title[start : start + 3] for start in range(len(title) - 2))


def _overlap(real: Iterable[object], other: Iterable[object]) -> float | None:
    left, right = Counter(real), Counter(other)
    if not left or not right:
        return None
    totals = left.total(), right.total()
    # Summed in a fixed order: the order of a set of texts changes from process to process.
    shares = [min(count / totals[0], right[entry] / totals[1]) for entry, count in left.items()]
    return float(sum(shares))
