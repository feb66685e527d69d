"""How good answers are, field by field.

Prices: what is not parsed counts as a miss within 10, 25 and 50%, and is left out of the errors (MAE, median error,
log error), never taken as 0; so errors are to be read beside the share that was parsed. Texts are compared after
runs of spaces are joined; a category counts only as a whole.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import LCSseq, Levenshtein

from finetune.answers import Answer, as_words
from finetune.errors import DataError
from finetune.evaluation.bootstrap import (
    DRAWS,
    Interval,
    Weights,
    bootstrap,
    weighted_mean,
    weighted_median,
)
from finetune.forms import FIELDS

WITHIN = (10, 25, 50)
"""Percent of the true price."""
ANLS_THRESHOLD = 0.5
"""As in Biten et al. 2019 (ST-VQA): an answer less alike than this scores 0."""
_OTHER = -1
"""Class of a predicted category that no true one has."""

Column = NDArray[np.float64]


class HasTruth(Protocol):
    """What scores need to know of a product."""

    @property
    def fields(self) -> Mapping[str, str | float | None]:
        """Title, category and price; None where the row has no usable value."""

    @property
    def group(self) -> str:
        """Its style."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One number that is measured."""

    name: str
    field: str
    label: str
    unit: Literal["share", "money", "log"] = "share"
    lower_is_better: bool = False


METRICS = (
    Metric("price_parsed", "price", "price parsed"),
    Metric("price_mae", "price", "price, mean absolute error", "money", lower_is_better=True),
    Metric("price_mdape", "price", "price, median error", lower_is_better=True),
    Metric("price_log_mae", "price", "price, mean log error", "log", lower_is_better=True),
    *(Metric(f"price_within_{share}", "price", f"price within {share}%") for share in WITHIN),
    Metric("category_exact", "category", "category right"),
    Metric("category_macro_f1", "category", "category, macro F1"),
    Metric("title_exact", "title", "title right"),
    Metric("title_rouge_l", "title", "title, ROUGE-L"),
    Metric("title_anls", "title", "title, ANLS"),
)
HEADLINES = {"category": "category_exact", "price": "price_log_mae", "title": "title_rouge_l"}
"""For each field the metric that the picture test judges by."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Scores:
    """All metrics of some answers; None for those of a field that was not asked for, or that no row has.

    Attributes:
        rows: How many products.
        price_parsed: Share of answers with a price, 0 to 1.
        price_mae: Mean absolute error, in the list's currency; parsed prices alone.
        price_mdape: Median of the error relative to the true price; parsed prices alone, true prices of 0 left out.
        price_log_mae: Mean absolute difference of ``log(1 + price)``; parsed prices alone.
        price_within_10: Share within 10% of the true price; an unparsed one is a miss.
        price_within_25: The same for 25%.
        price_within_50: The same for 50%.
        category_exact: Share of right categories.
        category_macro_f1: Mean of F1 over the categories that occur in the truth.
        title_exact: Share of right titles.
        title_rouge_l: Mean F1 of the longest common sequence of words, in small letters.
        title_anls: Mean normalised Levenshtein similarity of letters, in small letters; below 0.5 counts as 0.
    """

    rows: int
    price_parsed: float | None = None
    price_mae: float | None = None
    price_mdape: float | None = None
    price_log_mae: float | None = None
    price_within_10: float | None = None
    price_within_25: float | None = None
    price_within_50: float | None = None
    category_exact: float | None = None
    category_macro_f1: float | None = None
    title_exact: float | None = None
    title_rouge_l: float | None = None
    title_anls: float | None = None

    def as_dict(self) -> dict[str, float]:
        """Give the metrics that have a value, by name."""
        values = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "rows"}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Judged:
    """Answers held to the truth, row by row, so that metrics of any resampling follow."""

    groups: NDArray[np.int64]
    """``(row,)``: the style's number."""
    columns: Mapping[str, Column]
    """By metric ``(row,)``; NaN where the row does not count."""
    true_class: NDArray[np.int64]
    """``(row,)``; `_OTHER` where the row has no category."""
    predicted_class: NDArray[np.int64]

    def measure(self, metric: str, weights: Weights) -> NDArray[np.float64]:
        """Give a metric's value for each draw of `weights`, NaN where there is none."""
        if metric == "category_macro_f1":
            return _macro_f1(self.true_class, self.predicted_class, weights)
        median = metric == "price_mdape"
        return (weighted_median if median else weighted_mean)(self.columns[metric], weights)

    def scores(self) -> Scores:
        """Give all metrics."""
        if not len(self.groups):
            return Scores(rows=0)
        ones = np.ones((1, len(self.groups)))
        values = {metric.name: float(self.measure(metric.name, ones)[0]) for metric in METRICS}
        known = {name: value for name, value in values.items() if not np.isnan(value)}
        return Scores(rows=len(self.groups), **known)

    def intervals(self, *, draws: int = DRAWS, seed: int = 0) -> dict[str, Interval]:
        """Give each metric that has a value, with its interval."""
        found = {
            metric.name: bootstrap(partial(self.measure, metric.name), self.groups, draws=draws, seed=seed)
            for metric in METRICS
        }
        return {name: interval for name, interval in found.items() if interval}


def score_answers(
    truths: Sequence[HasTruth], answers: Sequence[Answer], *, fields: Sequence[str] = FIELDS
) -> Scores:
    """Hold answers to the truth; see `Scores`.

    Args:
        truths: Products.
        answers: One for each.
        fields: Those that were asked for; the others are not scored.
    """
    return judge(truths, answers, fields=fields).scores()


def judge(truths: Sequence[HasTruth], answers: Sequence[Answer], *, fields: Sequence[str] = FIELDS) -> Judged:
    """Hold answers to the truth, row by row.

    Raises:
        DataError: If there is not one answer for each product.
    """
    if len(truths) != len(answers):
        raise DataError(f"there are {len(truths)} products and {len(answers)} answers; give one for each.")
    _, groups = np.unique([truth.group for truth in truths], return_inverse=True)
    columns: dict[str, Column] = {}
    truth = {
        field: [row.fields.get(field) if field in fields else None for row in truths] for field in FIELDS
    }
    columns |= _judge_prices(_numbers(truth["price"]), _numbers([answer.price for answer in answers]))
    columns |= _judge_titles(truth["title"], [answer.title for answer in answers])
    names = [None if name is None else as_words(str(name)) for name in truth["category"]]
    number = {name: place for place, name in enumerate(sorted({name for name in names if name}))}
    true_class = np.array([number.get(name or "", _OTHER) for name in names], np.int64)
    predicted = np.array([number.get(answer.category or "", _OTHER) for answer in answers], np.int64)
    columns["category_exact"] = np.where(true_class == _OTHER, np.nan, true_class == predicted)
    return Judged(groups.astype(np.int64), columns, true_class, predicted)


def _numbers(values: Sequence[object]) -> Column:
    return np.array([value if isinstance(value, float | int) else np.nan for value in values], np.float64)


def _judge_prices(true: Column, written: Column) -> dict[str, Column]:
    has_price, parsed = ~np.isnan(true), ~np.isnan(written)
    error = np.abs(written - true)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(true > 0, error / true, np.nan)
    columns = {
        "price_parsed": np.where(has_price, parsed, np.nan),
        "price_mae": error,
        "price_mdape": relative,
        "price_log_mae": np.abs(np.log1p(written) - np.log1p(true)),
    }
    for share in WITHIN:
        # A hair of room, so that 110 is within 10% of 100 in floating point too.
        near = error <= true * share / 100 * (1 + 1e-9)
        columns[f"price_within_{share}"] = np.where(has_price, near & parsed, np.nan)
    return columns


def _judge_titles(true: Sequence[object], written: Sequence[str | None]) -> dict[str, Column]:
    pairs = [
        (None if title is None else as_words(str(title)) or "", answer or "")
        for title, answer in zip(true, written, strict=True)
    ]
    measures: dict[str, Callable[[str, str], float]] = {
        "title_exact": lambda title, answer: float(title == answer),
        "title_rouge_l": rouge_l,
        "title_anls": anls,
    }
    return {
        name: np.array(
            [np.nan if title is None else measure(title, answer) for title, answer in pairs], np.float64
        )
        for name, measure in measures.items()
    }


def rouge_l(reference: str, written: str) -> float:
    """Give ROUGE-L's F1 (Lin 2004) of two texts: words of letters and digits, in small letters."""
    wanted, found = (re.findall(r"[^\W_]+", text.lower()) for text in (reference, written))
    if not wanted or not found:
        return 0.0
    return 2 * LCSseq.similarity(wanted, found) / (len(wanted) + len(found))


def anls(reference: str, written: str) -> float:
    """Give the normalised Levenshtein similarity in small letters, 0 where it is not above 0.5."""
    similarity: float = Levenshtein.normalized_similarity(reference.lower(), written.lower())
    return similarity if similarity > ANLS_THRESHOLD else 0.0


def _macro_f1(true: NDArray[np.int64], predicted: NDArray[np.int64], weights: Weights) -> NDArray[np.float64]:
    """Give the mean F1 over the classes that a draw's truth holds, as scikit-learn's with those as labels."""
    labels = np.arange(true.max(initial=_OTHER) + 1)
    known = true != _OTHER
    is_true, is_predicted = true[:, None] == labels, (predicted[:, None] == labels) & known[:, None]
    hits, wanted, found = (
        weights @ table.astype(np.float64) for table in (is_true & is_predicted, is_true, is_predicted)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        scores = np.where(wanted > 0, 2 * hits / (wanted + found), 0.0)
        mean: NDArray[np.float64] = scores.sum(axis=1) / (wanted > 0).sum(axis=1)
    return mean
