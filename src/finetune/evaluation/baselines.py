"""What answers are worth that need no language model, or not even a picture; to be read beside a model's scores."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from finetune.answers import Answer, as_words
from finetune.data.examples import Product
from finetune.data.pictures import crop_picture
from finetune.errors import DataError
from finetune.modeling.pictures import PictureEmbedding

Features = NDArray[np.float32]
"""``(product, width)``."""
BASELINES: Mapping[str, str] = {
    "majority": "the most frequent category and title of the training products, and the median of their prices",
    "category median": "told the true category, the median price of its training products; it looks at no picture",
    "nearest neighbour": "all fields of the training product whose picture is most alike, by the cosine of the "
    "vision tower's features",
    "linear probe": "logistic regression of the category and ridge regression of the log price on the vision "
    "tower's features",
}
"""What each does, in words."""
_ALPHAS = np.logspace(-2, 4, 13)


@dataclass(frozen=True, slots=True)
class Baseline:
    """One baseline's answers, and the fields that it answers."""

    answers: tuple[Answer, ...]
    fields: tuple[str, ...]


def baselines(
    train: Sequence[Product],
    test: Sequence[Product],
    model: Any | None,
    *,
    fields: Sequence[str],
    batch_size: int = 8,
    on_rows: Callable[[int], None] = lambda rows: None,
) -> dict[str, Baseline]:
    """Let every baseline of `BASELINES` answer.

    Args:
        train: What they learn from.
        test: What they answer for.
        model: Whose vision tower gives the features; None leaves out the two that need it.
        fields: Of title, category and price, those that are asked for.
        batch_size: Pictures at a time in the vision tower.
        on_rows: Called with the number of pictures that are encoded since the last call.

    Raises:
        DataError: If there is nothing to learn from.
        BadSampleError: If a picture cannot be read.
    """
    if not train:
        raise DataError("there are no training products, so that no baseline can learn.")
    found = {"majority": _majority(train, test), "category median": _category_median(train, test)}
    if model is not None:
        known, asked = (
            picture_features(model, products, batch_size=batch_size, on_rows=on_rows)
            for products in (train, test)
        )
        found["nearest neighbour"] = _nearest(train, known, asked)
        found["linear probe"] = _linear_probe(train, known, asked)
    kept = {
        name: Baseline(baseline.answers, tuple(field for field in baseline.fields if field in fields))
        for name, baseline in found.items()
    }
    return {name: baseline for name, baseline in kept.items() if baseline.fields}


def picture_features(
    model: Any,
    products: Sequence[Product],
    *,
    batch_size: int = 8,
    on_rows: Callable[[int], None] = lambda rows: None,
) -> Features:
    """Describe pictures by the mean of the vision tower's features over the patches of the whole view.

    Args:
        model: `Phi3VisionForCausalLM`, or that with adapters.
        products: Their pictures are opened one batch at a time.
        batch_size: Pictures at a time.
        on_rows: Called with the number of pictures after each batch.

    Returns:
        ``(product, width of the tower)``.
    """
    embedding = next(module for module in model.modules() if isinstance(module, PictureEmbedding))
    kind = embedding.glb_GN
    rows = []
    for start in range(0, len(products), batch_size):
        batch = products[start : start + batch_size]
        views = torch.stack([crop_picture(product.picture, 1).values[0] for product in batch])
        with torch.no_grad():
            features = embedding.img_processor(views.to(kind.device, kind.dtype))
        rows.append(features.float().mean(dim=1).cpu().numpy())
        on_rows(len(batch))
    return np.concatenate(rows)


def _majority(train: Sequence[Product], test: Sequence[Product]) -> Baseline:
    answer = Answer(
        title=_most_frequent(product.title for product in train),
        category=_most_frequent(product.category for product in train),
        price=_median([product.price for product in train]),
    )
    return Baseline((answer,) * len(test), _learned(train, "title", "category", "price"))


def _category_median(train: Sequence[Product], test: Sequence[Product]) -> Baseline:
    everywhere = _median([product.price for product in train])
    prices: dict[str, list[float | None]] = {}
    for product in train:
        prices.setdefault(product.category or "", []).append(product.price)
    medians = {category: _median(values) for category, values in prices.items()}
    answers = []
    for product in test:
        price = medians.get(product.category or "")
        answers.append(Answer(price=everywhere if price is None else price))
    has_both = len(_learned(train, "category", "price")) == 2
    return Baseline(tuple(answers), ("price",) if has_both else ())


def _nearest(train: Sequence[Product], known: Features, asked: Features) -> Baseline:
    # Centred first: what all pictures share would make them all alike.
    centre = known.mean(axis=0)
    near, far = (_unit(features - centre) for features in (known, asked))
    answers = []
    for place in (far @ near.T).argmax(axis=1):
        product = train[int(place)]
        answers.append(Answer(_clean(product.title), _clean(product.category), product.price))
    return Baseline(tuple(answers), _learned(train, "title", "category", "price"))


def _linear_probe(train: Sequence[Product], known: Features, asked: Features) -> Baseline:
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(known)
    known, asked = scaler.transform(known), scaler.transform(asked)
    categories = _probe_categories([_clean(product.category) for product in train], known, asked)
    prices = _probe_prices([product.price for product in train], known, asked)
    answers = [
        Answer(category=category, price=price) for category, price in zip(categories, prices, strict=True)
    ]
    return Baseline(tuple(answers), _learned(train, "category", "price"))


def _probe_categories(
    categories: Sequence[str | None], known: Features, asked: Features
) -> Sequence[str | None]:
    from sklearn.linear_model import LogisticRegression

    rows = [place for place, category in enumerate(categories) if category is not None]
    labels = [str(categories[row]) for row in rows]
    if len(set(labels)) < 2:
        return [labels[0] if labels else None] * len(asked)
    probe = LogisticRegression(max_iter=2000).fit(known[rows], labels)
    return [str(label) for label in probe.predict(asked)]


def _probe_prices(prices: Sequence[float | None], known: Features, asked: Features) -> Sequence[float | None]:
    from sklearn.linear_model import RidgeCV

    listed = {row: price for row, price in enumerate(prices) if price is not None}
    if not listed:
        return [None] * len(asked)
    logs = np.log1p(np.array([*listed.values()]))
    probe = RidgeCV(alphas=_ALPHAS).fit(known[[*listed]], logs)
    # A line goes on without end; prices do not go beyond those that were learned.
    return [float(price) for price in np.expm1(probe.predict(asked).clip(logs.min(), logs.max()))]


def _learned(train: Sequence[Product], *fields: str) -> tuple[str, ...]:
    return tuple(field for field in fields if any(product.fields.get(field) is not None for product in train))


def _median(prices: Sequence[float | None]) -> float | None:
    known = [price for price in prices if price is not None]
    return float(median(known)) if known else None


def _most_frequent(texts: Any) -> str | None:
    counts = Counter(_clean(text) for text in texts if text)
    # Of several as frequent the first by name, so that the order of rows does not matter.
    return min(counts, key=lambda text: (-counts[text], text or "")) if counts else None


def _clean(text: str | None) -> str | None:
    return as_words(text) if text else None


def _unit(features: Features) -> Features:
    length = np.linalg.norm(features, axis=1, keepdims=True)
    unit: Features = features / np.maximum(length, 1e-12)
    return unit
