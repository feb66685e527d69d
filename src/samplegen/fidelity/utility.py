"""What synthetic rows are good for: models trained on them are tested on real rows."""

import warnings

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, f1_score, r2_score

from samplegen.domain.pricelist import CATEGORY_COLUMNS
from samplegen.fidelity.columns import PRICE, TITLE, WORD
from samplegen.fidelity.prices import CATEGORY
from samplegen.fidelity.scores import NotMeasurable, Outcome, check_size

_FEWEST = 20


def price_r2(train: pd.DataFrame, test: pd.DataFrame) -> Outcome:
    """Learn log prices on one table from categories and title; give R² on the other."""
    _check(train, test, PRICE)
    names = [name for name in CATEGORY_COLUMNS if name in train and name in test]
    train, test = (frame[frame[PRICE] > 0] for frame in (train, test))
    check_size(len(train), len(test), fewest=_FEWEST)
    target, truth = np.log(train[PRICE].to_numpy()), np.log(test[PRICE].to_numpy())
    if np.ptp(truth) == 0:
        raise NotMeasurable("all prices to test on are the same")
    features, held = _weighed(_described(train, names), _described(test, names))
    guess = Ridge(alpha=1.0).fit(features, target).predict(held)
    error = float(np.median(np.abs(np.exp(guess - truth) - 1)))
    return Outcome(
        value=float(r2_score(truth, guess)),
        details={"median_relative_error": error, "rows_trained": len(train), "rows_tested": len(test)},
    )


def category(train: pd.DataFrame, test: pd.DataFrame) -> dict[str, Outcome]:
    """Learn the second-level category on one table from title and price; score it on the other, by two measures."""
    _check(train, test, CATEGORY)
    check_size(len(train), len(test), fewest=_FEWEST)
    classes = train[CATEGORY].unique()
    if len(classes) < 2 or test[CATEGORY].nunique() < 2:
        raise NotMeasurable("there is only one category")
    features, held = _weighed(list(train[TITLE]), list(test[TITLE]))
    if PRICE in train and PRICE in test:
        features, held = (
            sparse.hstack([matrix, _standing(frame[PRICE], train[PRICE])]).tocsr()
            for matrix, frame in ((features, train), (held, test))
        )
    with warnings.catch_warnings():
        # Nearly as many categories as rows are the data's affair.
        warnings.filterwarnings("ignore", "The number of unique classes is greater than 50%")
        guess = LogisticRegression(C=10, max_iter=500).fit(features, train[CATEGORY]).predict(held)
    truth = test[CATEGORY].to_numpy()
    details = {
        "rows_trained": len(train),
        "rows_tested": len(test),
        "classes_trained": len(classes),
        "rows_of_unseen_classes": float(np.mean(~np.isin(truth, classes))),
    }
    labels = sorted(set(truth))
    macro = f1_score(truth, guess, labels=labels, average="macro", zero_division=0)
    return {
        "category_accuracy": Outcome(value=float(accuracy_score(truth, guess)), details=details),
        "category_macro_f1": Outcome(value=float(macro), details={"classes_tested": len(labels)}),
    }


def _check(train: pd.DataFrame, test: pd.DataFrame, target: str) -> None:
    for name in (target, TITLE):
        for frame, use in ((train, "learn from"), (test, "test on")):
            if name not in frame:
                raise NotMeasurable(f"the table to {use} has no {name}")


def _described(frame: pd.DataFrame, names: list[str]) -> list[str]:
    """Write each row as words: its codes, each as one, and its title."""
    codes = [frame[name].str.replace(" ", "_", regex=False) for name in names]
    return [" ".join(words) for words in zip(*codes, frame[TITLE], strict=True)]


def _weighed(train: list[str], test: list[str]) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, token_pattern=WORD)
    try:
        return vectorizer.fit_transform(train), vectorizer.transform(test)
    except ValueError as error:
        raise NotMeasurable("no word occurs twice in the titles that a model would learn from") from error


def _standing(prices: pd.Series, reference: pd.Series) -> sparse.csr_matrix:
    """Give log prices in standard deviations of the reference; 0 where there is none."""
    known = np.log(reference[reference > 0])
    logs = np.log(prices.where(prices > 0))
    spread = known.std() if len(known) > 1 and known.std() > 0 else 1.0
    standing = ((logs - known.mean()) / spread).fillna(0.0)
    return sparse.csr_matrix(standing.to_numpy(float)[:, None])
