"""One product to the tensors of one sample, with a label for every token of its answer and for no other."""

from dataclasses import dataclass

import torch
from torch import Tensor

from finetune.data.examples import Product
from finetune.data.pictures import Crops, crop_picture, token_count
from finetune.data.processor import Phi3VisionProcessor
from finetune.errors import BadSampleError, ConfigError
from finetune.forms import PromptForm
from finetune.vocabulary import IGNORED_LABEL


@dataclass(frozen=True, kw_only=True)
class EncodedExample:
    """One sample, before it is joined with others.

    Attributes:
        input_ids: ``(token,)`` int64; -1 in the picture's slots.
        labels: ``(token,)`` int64; the ids of the answer and its ending, -100 before them.
        crops: The picture.
        source: Name of the source.
        key: The row in it.
    """

    input_ids: Tensor
    labels: Tensor
    crops: Crops
    source: str
    key: str

    def __len__(self) -> int:
        return len(self.input_ids)


def check_form(processor: Phi3VisionProcessor, form: PromptForm) -> None:
    """Hold a form to the rule that training and generation begin an answer at the same token.

    Raises:
        ConfigError: If the tokenizer joins the prompt's end to the answer's beginning.
    """
    for text in ("Shirt", "1290.0", "été"):
        _answer_start(processor, form, text + form.ending, picture_tokens=1)


def _answer_start(
    processor: Phi3VisionProcessor, form: PromptForm, target: str, *, picture_tokens: int
) -> tuple[list[int], int]:
    """Give the ids of prompt and answer, and how many are the prompt's."""
    # As one text, as the published code does: tokenised apart, the answer would begin with a space of its own.
    ids = processor.token_ids(form.prompt_text + target, [picture_tokens])
    prompt = processor.token_ids(form.prompt_text, [picture_tokens])
    if ids[: len(prompt)] != prompt:
        raise ConfigError(
            f"prompt: the tokenizer joins its end {form.prompt_text[-20:]!r} to the answer {target[:20]!r}, so that "
            "generation would start elsewhere than training. End the prompt with <|assistant|> and a line break."
        )
    return ids, len(prompt)


def encode_example(
    processor: Phi3VisionProcessor, form: PromptForm, product: Product, num_crops: int, max_length: int
) -> EncodedExample:
    """Turn a product into a sample.

    Prompt and answer are tokenised as one text, as the published code does; the answer begins where the prompt, as
    generation will give it, ends.

    Args:
        processor: Of the model that is trained.
        form: What is asked and answered.
        product: The product; its picture is read.
        num_crops: At most how many crops, 1 to 16.
        max_length: Longest sample in tokens.

    Raises:
        BadSampleError: If the picture or a field is unusable, or the sample is too long.
        ConfigError: If the tokenizer joins the prompt's end to the answer's beginning.
    """
    target = form.target(product)
    crops = crop_picture(product.picture, num_crops)
    tokens = token_count(crops.height, crops.width)
    ids, start = _answer_start(processor, form, target, picture_tokens=tokens)
    if len(ids) > max_length:
        raise BadSampleError(
            product.source,
            product.key,
            f"has {len(ids)} tokens, {tokens} of them of its picture; max_length is {max_length}",
        )
    input_ids = torch.tensor(ids)
    labels = input_ids.clone()
    labels[:start] = IGNORED_LABEL
    return EncodedExample(
        input_ids=input_ids, labels=labels, crops=crops, source=product.source, key=product.key
    )
