"""Classifier two-sample tests: can a model tell real rows from synthetic ones?"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse, stats
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from samplegen.domain.pricelist import CATEGORY_COLUMNS
from samplegen.fidelity.columns import PRICE, TITLE, WORD
from samplegen.fidelity.scores import NORMAL_95, NotMeasurable, Outcome, check_size
from samplegen.fidelity.titles import both_titled

FOLDS = 5
_MOST_CODES = 250
"""Distinct codes of a column; boosted trees of scikit-learn take at most 255."""


def auc_table(real: pd.DataFrame, other: pd.DataFrame, seed: int) -> Outcome:
    """Tell rows apart by codes and price, with boosted trees: cross-validated area under the ROC curve.

    The price comes as its logarithm and as its remainders by 10, 50 and 100, so that price points count too.
    """
    names = [name for name in (*CATEGORY_COLUMNS, PRICE) if name in real and name in other]
    if not names:
        raise NotMeasurable("no category and no price is on both sides")
    labels = _labels(real, other)
    both = pd.concat([real, other], ignore_index=True)
    codes = [_codes(both[name]) for name in names if name != PRICE]
    numbers = _price_features(both) if PRICE in names else []
    # A column that is the same everywhere tells nothing, and the trees refuse one without any number.
    codes, numbers = ([column for column in columns if _varies(column)] for columns in (codes, numbers))
    if not codes and not numbers:
        raise NotMeasurable("codes and prices are the same in all rows")
    features = np.column_stack([*codes, *numbers])
    model = HistGradientBoostingClassifier(
        max_iter=120, categorical_features=list(range(len(codes))) or None, random_state=seed
    )
    return _cross_validated(model, features, labels, seed)


def auc_titles(real: pd.DataFrame, other: pd.DataFrame, seed: int) -> Outcome:
    """Tell rows apart by their titles' words, word pairs and runs of 2 to 4 characters, with a linear model."""
    left, right = both_titled(real, other)
    labels = _labels(left, right)
    titles = [*left[TITLE], *right[TITLE]]
    return _cross_validated(LogisticRegression(C=5, max_iter=2000), title_features(titles), labels, seed)


def title_features(titles: list[str]) -> sparse.csr_matrix:
    """Weigh the n-grams of titles.

    Raises:
        NotMeasurable: If no word or run of characters occurs often enough.
    """
    vectorizers = (
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, token_pattern=WORD),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), min_df=3),
    )
    found = []
    for vectorizer in vectorizers:
        try:
            found.append(vectorizer.fit_transform(titles))
        except ValueError:  # an empty vocabulary
            continue
    if not found:
        raise NotMeasurable("no word or run of characters occurs twice in the titles")
    return sparse.hstack(found).tocsr()


def area_under_curve(
    negatives: NDArray[np.float64], positives: NDArray[np.float64]
) -> tuple[float, tuple[float, float]]:
    """Give the area under the ROC curve with its 95% interval.

    The interval is DeLong's (E. DeLong, D. DeLong and Clarke-Pearson, 1988), computed from ranks. It takes the
    scores as given: where a model was trained to give them, chance in its training is not in it.
    """
    m, n = len(positives), len(negatives)
    ranks = stats.rankdata(np.concatenate([positives, negatives]))
    area = (ranks[:m].sum() - m * (m + 1) / 2) / (m * n)
    above = (ranks[:m] - stats.rankdata(positives)) / n
    below = 1 - (ranks[m:] - stats.rankdata(negatives)) / m
    variance = sum(np.var(part, ddof=1) / len(part) if len(part) > 1 else 0.0 for part in (above, below))
    half = NORMAL_95 * np.sqrt(variance)
    return float(area), (max(0.0, float(area - half)), min(1.0, float(area + half)))


def _labels(real: pd.DataFrame, other: pd.DataFrame) -> NDArray[np.int64]:
    check_size(len(real), len(other))
    return np.repeat([0, 1], [len(real), len(other)])


def _codes(values: pd.Series) -> NDArray[np.float64]:
    frequent = values.value_counts().index[:_MOST_CODES]
    codes = pd.Categorical(values, categories=sorted(frequent)).codes.astype(float)
    return np.where(codes < 0, float(len(frequent)), codes)


def _price_features(frame: pd.DataFrame) -> list[NDArray[np.float64]]:
    price = frame[PRICE].to_numpy(float)
    logs = np.log(np.where(price > 0, price, np.nan))
    features = [logs, *(np.mod(price, step) for step in (10, 50, 100))]
    if "price" in frame:
        share = frame["price"].to_numpy(float) / np.where(price > 0, price, np.nan)
        if np.nanmax(np.abs(share - 1), initial=0) > 0:
            features.append(share)
    return features


def _varies(column: NDArray[np.float64]) -> bool:
    return len(np.unique(column[np.isfinite(column)])) > 1


def _cross_validated(model: object, features: object, labels: NDArray[np.int64], seed: int) -> Outcome:
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    scores = cross_val_predict(model, features, labels, cv=folds, method="predict_proba")[:, 1]
    area, interval = area_under_curve(scores[labels == 0], scores[labels == 1])
    return Outcome(value=area, interval=interval, details={"folds": FOLDS, "rows": len(labels)})
