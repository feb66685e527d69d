"""Answers about pictures without a price list beside them."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.answers import parse_answer
from finetune.data.examples import Product
from finetune.data.processor import Phi3VisionProcessor
from finetune.errors import BadSampleError, DataError
from finetune.evaluation.generation import MAX_NEW_TOKENS, generate_answers
from finetune.evaluation.wording import show_price
from finetune.forms import PromptForm

_ADDRESSES = ("http:", "https:")


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says of one picture; None for what it did not say, or what was not understood."""

    picture: str
    title: str | None
    category: str | None
    price: float | None
    text: str
    """As it was written."""

    def __str__(self) -> str:
        """One line for people."""
        parts = (self.title or "no title", self.category or "no category", show_price(self.price))
        return f"{self.picture}: {', '.join(parts)}"


def open_pictures(paths: Sequence[str | os.PathLike[str]]) -> list[Product]:
    """Check that all pictures can be read; they are read again when they are asked about.

    Raises:
        DataError: Naming the one that cannot.
    """
    files = [Path(path) for path in paths]
    for path in files:
        if path.parts and path.parts[0] in _ADDRESSES:
            raise DataError(
                f"{path}: is an address, and nothing is fetched. Save the picture and give its file."
            )
        if path.is_dir():
            raise DataError(f"{path}: is a folder. Give the files of its pictures.")
        if not path.exists():
            raise DataError(f"{path}: there is no such file.")
    products = [
        Product(content=path, fields={}, source="pictures", key=str(path), group=str(path)) for path in files
    ]
    for product in products:
        try:
            product.picture.close()
        except BadSampleError as error:
            # The reason may name the file once more.
            reason = error.reason.removeprefix("the picture: ").replace(f"{product.key}: ", "")
            raise DataError(f"{product.key}: {reason}") from error
    return products


def predict_pictures(
    model: Any,
    processor: Phi3VisionProcessor,
    products: Sequence[Product],
    *,
    form: PromptForm,
    num_crops: int | None = None,
    batch_size: int = 8,
    max_new_tokens: int = MAX_NEW_TOKENS,
    on_rows: Callable[[int], None] = lambda rows: None,
) -> list[Prediction]:
    """Ask a model about pictures; arguments as of `generate_answers`."""
    texts = generate_answers(
        model,
        processor,
        products,
        form=form,
        num_crops=num_crops,
        batch_size=batch_size,
        max_new_tokens=max_new_tokens,
        on_rows=on_rows,
    )
    predictions = []
    for product, text in zip(products, texts, strict=True):
        answer = parse_answer(text, form)
        predictions.append(Prediction(product.key, answer.title, answer.category, answer.price, text))
    return predictions
