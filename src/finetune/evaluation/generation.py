"""What a model writes about pictures: in batches, each picture once, with the pictures of other products or blanked."""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch
from PIL import Image

from finetune.data.examples import Product
from finetune.data.pictures import CLIP_MEAN
from finetune.data.processor import Phi3VisionProcessor
from finetune.errors import DataError
from finetune.evaluation.picture_test import shuffled_order
from finetune.forms import PromptForm

PictureChoice = Literal["as is", "shuffled", "blank"]
MAX_NEW_TOKENS = 64
_GREY = tuple(round(255 * share) for share in CLIP_MEAN)
"""What the vision tower sees as 0."""


class AnswerCache:
    """Texts by picture and question, in memory; with a file also from run to run, whenever that was stopped.

    Args:
        path: Lines of JSON; made when the first text comes. A last line that is cut off is passed over.
        model: What tells the model from others, such as a digest of its weights.

    Raises:
        DataError: If the file's folder is a file.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, *, model: str = "") -> None:
        path = None if path is None else Path(path)
        if path is not None and path.parent.exists() and not path.parent.is_dir():
            raise DataError(f"{path.parent}: is no folder, so nothing can be written into it. Give another.")
        self._path, self._model = path, model
        self._texts: dict[str, str] = {}
        if path is not None and path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                try:
                    entry = json.loads(line)
                    self._texts[entry["key"]] = entry["text"]
                except (ValueError, KeyError, TypeError):
                    continue

    def key(self, picture: Image.Image, *question: object) -> str:
        """Give the digest of the model, a picture's pixels and all else that decides the answer."""
        said = json.dumps([self._model, picture.size, *question], default=str)
        return hashlib.sha256(said.encode() + picture.tobytes()).hexdigest()

    def get(self, key: str) -> str | None:
        """Return the text, None where there is none yet."""
        return self._texts.get(key)

    def put(self, texts: dict[str, str]) -> None:
        """Keep texts by key."""
        self._texts |= texts
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a+b") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":  # what was written last is cut off
                    file.write(b"\n")
            lines = (json.dumps({"key": key, "text": text}) + "\n" for key, text in texts.items())
            file.writelines(line.encode() for line in lines)


def generate_answers(
    model: Any,
    processor: Phi3VisionProcessor,
    products: Sequence[Product],
    *,
    form: PromptForm,
    num_crops: int | None = None,
    batch_size: int = 8,
    max_new_tokens: int = MAX_NEW_TOKENS,
    picture: PictureChoice = "as is",
    seed: int = 0,
    cache: AnswerCache | None = None,
    together: bool = False,
    on_rows: Callable[[int], None] = lambda rows: None,
) -> list[str]:
    """Let a model answer for products, greedily.

    Pictures are opened one batch at a time. Products with equal pictures share an answer.

    Args:
        model: `Phi3VisionForCausalLM`, or that with adapters; its mode (training or not) is left as it was.
        processor: Its processor.
        products: What to ask about; only their pictures are looked at.
        form: The question.
        num_crops: 1 to 16; None for the processor's own.
        batch_size: Pictures at a time.
        max_new_tokens: At most how long an answer is.
        picture: ``as is``; ``shuffled``: each product with the picture of another, see `shuffled_order`; ``blank``:
            each with a grey picture of its own picture's size.
        seed: Of the shuffling.
        cache: Kept from call to call; shuffled pictures then need no second look.
        together: Whether all processes ask the same of a model whose weights are divided among them.
        on_rows: Called with the number of products that are done since the last call.

    Returns:
        For each product the text up to its end, without special tokens.

    Raises:
        BadSampleError: If a picture cannot be read.
        DataError: If `batch_size` or `max_new_tokens` is below 1, or a single product's picture is to be shuffled.
    """
    for name, value in (("batch_size", batch_size), ("max_new_tokens", max_new_tokens)):
        if value < 1:
            raise DataError(f"{name} is {value}; allowed are whole numbers from 1 on.")
    cache = AnswerCache() if cache is None else cache
    shown = _shown(products, picture, seed)
    question = (form.prompt_text, num_crops or processor.image_processor.num_crops, max_new_tokens)
    keys: list[str] = []
    waiting: dict[str, Image.Image] = {}
    done = 0
    for number, product in enumerate(shown, start=1):
        opened = product.picture
        keys.append(cache.key(opened, *question))
        if cache.get(keys[-1]) is None:
            waiting[keys[-1]] = opened
        if len(waiting) == batch_size or (waiting and number == len(shown)):
            texts = _generate(
                model, processor, list(waiting.values()), form, num_crops, max_new_tokens, together
            )
            cache.put(dict(zip(waiting, texts, strict=True)))
            waiting = {}
        if not waiting:
            on_rows(number - done)
            done = number
    return [cache.get(key) or "" for key in keys]


def _shown(products: Sequence[Product], picture: PictureChoice, seed: int) -> Sequence[Product]:
    if picture == "shuffled":
        order = shuffled_order([product.group for product in products], seed=seed)
        return [
            replace(product, content=products[other].content)
            for product, other in zip(products, order, strict=True)
        ]
    if picture == "blank":
        return [replace(product, content=_blank(product)) for product in products]
    if picture != "as is":
        raise DataError(f"picture is {picture!r}; allowed are 'as is', 'shuffled' and 'blank'.")
    return products


def _blank(product: Product) -> Callable[[], Image.Image]:
    return lambda: Image.new("RGB", product.picture.size, _GREY)


def _generate(
    model: Any,
    processor: Phi3VisionProcessor,
    pictures: Sequence[Image.Image],
    form: PromptForm,
    num_crops: int | None,
    max_new_tokens: int,
    together: bool,
) -> list[str]:
    inputs = processor(
        [form.prompt_text] * len(pictures),
        [[picture] for picture in pictures],
        padding_side="left",
        num_crops=num_crops,
    ).to(model.device)
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            written = model.generate(
                **inputs, max_new_tokens=max_new_tokens, do_sample=False, synced_gpus=together
            )
    finally:
        model.train(training)
    return processor.batch_decode(written[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
