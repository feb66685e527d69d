"""Text and pictures to the model's tensors, one prompt or a batch of them."""

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, Self

from torch import Tensor
from transformers import BatchFeature, PreTrainedTokenizerFast

from finetune.data.pictures import (
    CLIP_MEAN,
    CLIP_STD,
    Crops,
    Picture,
    check_num_crops,
    crop_picture,
    stack_crops,
    token_count,
)
from finetune.data.prompt_rows import (
    Padding,
    assign_pictures,
    limit_rows,
    listed,
    pad_rows,
    split_prompts,
)
from finetune.data.prompts import Message, number_pictures, split_prompt
from finetune.data.tokenizer import load_tokenizer, save_tokenizer
from finetune.errors import ProcessingError
from finetune.model_folder import local_folder, read_json

PREPROCESSOR = "preprocessor_config.json"
DEFAULT_CROPS = 16
Side = Literal["left", "right"]


class Phi3VisionImageProcessor:
    """Pictures to ``pixel_values`` and ``image_sizes``."""

    def __init__(self, *, num_crops: int = DEFAULT_CROPS) -> None:
        check_num_crops(num_crops)
        self.num_crops = num_crops

    def __call__(self, images: Picture | Sequence[Picture], *, num_crops: int | None = None) -> BatchFeature:
        """Cut pictures into crops.

        Args:
            images: One picture or several.
            num_crops: 1 to 16; None for the processor's own.

        Returns:
            ``pixel_values`` ``(picture, num_crops + 1, 3, 336, 336)``, ``image_sizes`` ``(picture, 2)`` and
            ``num_img_tokens``, a list with the tokens of each picture.

        Raises:
            ProcessingError: Naming the picture that cannot be read.
        """
        crops = self.num_crops if num_crops is None else num_crops
        cut = self.cut(listed(images), crops)
        values, sizes = stack_crops(cut, crops)
        tokens = [token_count(picture.height, picture.width) for picture in cut]
        return BatchFeature({"pixel_values": values, "image_sizes": sizes, "num_img_tokens": tokens})

    def cut(self, images: Sequence[Picture], num_crops: int) -> list[Crops]:
        """Cut each picture on its own."""
        check_num_crops(num_crops)
        cut = []
        for number, image in enumerate(images, start=1):
            try:
                cut.append(crop_picture(image, num_crops))
            except ProcessingError as error:
                raise ProcessingError(f"picture {number} of {len(images)}: {error}") from error
        return cut


class Phi3VisionProcessor:
    """Prompts and pictures to the tensors of `Phi3VisionForCausalLM`; token ids are the published ones.

    Args:
        tokenizer: As of a model's ``tokenizer.json``.
        num_crops: At most how many crops a picture is cut into, 1 to 16; published are 16 (Phi-3) and 4 (Phi-3.5).
        published: What preprocessor_config.json holds besides; written back by `save_pretrained`.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        *,
        num_crops: int = DEFAULT_CROPS,
        published: dict[str, Any] | None = None,
    ) -> None:
        self.tokenizer = tokenizer
        self.image_processor = Phi3VisionImageProcessor(num_crops=num_crops)
        self._published = published or {}

    @classmethod
    def from_pretrained(
        cls, name: str | os.PathLike[str], *, num_crops: int | None = None, **download: Any
    ) -> Self:
        """Read tokenizer.json and preprocessor_config.json of a folder or of a repository on the Hub.

        Args:
            name: Folder, or name on the Hub.
            num_crops: 1 to 16; None for what preprocessor_config.json says, 16 without that.
            **download: ``revision``, ``cache_dir``, ``token``, ``local_files_only``, ``force_download``.

        Raises:
            CheckpointError: If files are missing or damaged.
            ProcessingError: If `num_crops` is out of range.
        """
        folder = local_folder(name, **download)
        published = read_json(folder / PREPROCESSOR) if (folder / PREPROCESSOR).is_file() else {}
        crops = published.get("num_crops", DEFAULT_CROPS) if num_crops is None else num_crops
        return cls(load_tokenizer(folder), num_crops=crops, published=published)

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write the tokenizer's files and preprocessor_config.json, as published."""
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        save_tokenizer(self.tokenizer, target)
        values = {
            **self._published,
            "image_processor_type": "Phi3VImageProcessor",
            "processor_class": "Phi3VProcessor",
            "num_crops": self.image_processor.num_crops,
            "num_img_tokens": 144,
            "image_mean": list(CLIP_MEAN),
            "image_std": list(CLIP_STD),
        }
        (target / PREPROCESSOR).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")

    def __call__(
        self,
        text: str | Sequence[str],
        images: Picture | Sequence[Picture] | Sequence[Sequence[Picture]] | None = None,
        *,
        padding: Padding = True,
        padding_side: Side | None = None,
        truncation: bool = False,
        max_length: int | None = None,
        num_crops: int | None = None,
        return_tensors: Literal["pt"] = "pt",
    ) -> BatchFeature:
        """Turn prompts and their pictures into tensors.

        Args:
            text: One prompt, or a batch. ``<|image_k|>`` stands for the prompt's k-th picture.
            images: The prompt's pictures; for a batch a list for each prompt, or all in order.
            padding: Whether a batch is padded to its longest prompt; ``"max_length"`` pads to `max_length`,
                ``"do_not_pad"`` is False.
            padding_side: ``"right"`` for training, ``"left"`` for generation; None for the tokenizer's own.
            truncation: Whether longer prompts are cut at `max_length` tokens, never through a picture.
            max_length: In tokens, those of pictures included. Without `truncation` longer prompts are refused.
            num_crops: 1 to 16; None for the processor's own.
            return_tensors: PyTorch's.

        Returns:
            ``input_ids`` and ``attention_mask`` ``(batch, token)``, where ``-k`` marks the slots of a prompt's
            k-th picture; with pictures also ``pixel_values`` ``(picture, num_crops + 1, 3, 336, 336)`` and
            ``image_sizes`` ``(picture, 2)``, of all prompts one after another.

        Raises:
            ProcessingError: If a picture cannot be read, numbers and pictures do not match, or a cut at
                `max_length` would go through a picture.
        """
        if return_tensors != "pt":
            raise ProcessingError(f"return_tensors is {return_tensors!r}; allowed is 'pt'.")
        prompts = [text] if isinstance(text, str) else list(text) if isinstance(text, list | tuple) else []
        if not prompts or not all(isinstance(prompt, str) for prompt in prompts):
            raise ProcessingError("text: give a prompt, or a list of at least one; pictures go into images.")
        crops = self.image_processor.num_crops if num_crops is None else num_crops
        split = split_prompts(prompts)
        pictures = assign_pictures(
            images, [len(set(numbers)) for _, numbers in split], batch=not isinstance(text, str)
        )
        cut = self.image_processor.cut([picture for row in pictures for picture in row], crops)
        tokens = iter([token_count(picture.height, picture.width) for picture in cut])
        rows = [
            self._ids(*parts, [next(tokens) for _ in row]) for parts, row in zip(split, pictures, strict=True)
        ]
        if max_length is not None:
            rows = limit_rows(rows, max_length, cut=truncation)
        side = padding_side or self.tokenizer.padding_side
        ids, mask = pad_rows(rows, padding=padding, side=side, max_length=max_length)
        batch = {"input_ids": ids, "attention_mask": mask}
        if cut:
            batch["pixel_values"], batch["image_sizes"] = stack_crops(cut, crops)
        return BatchFeature(batch)

    def token_ids(self, prompt: str, tokens: Sequence[int]) -> list[int]:
        """Tokenise a prompt whose pictures are cut already.

        Args:
            prompt: ``<|image_k|>`` stands for its k-th picture.
            tokens: How many tokens each picture has, as of `token_count`.

        Returns:
            Token ids, ``-k`` in the slots of the k-th picture.

        Raises:
            ProcessingError: If placeholders and pictures do not match.
        """
        chunks, numbers = split_prompt(prompt)
        if len(set(numbers)) != len(tokens):
            raise ProcessingError(
                f"the prompt has placeholders for {len(set(numbers))} pictures, {len(tokens)} were given."
            )
        return self._ids(chunks, numbers, tokens)

    def _ids(self, chunks: Sequence[str], numbers: Sequence[int], tokens: Sequence[int]) -> list[int]:
        """Tokenise the texts between pictures, each on its own with its BOS as published, and fill in the slots."""
        encoded: list[list[int]] = self.tokenizer(list(chunks)).input_ids
        ids = encoded[0]
        for number, following in zip(numbers, encoded[1:], strict=True):
            ids = ids + [-number] * tokens[number - 1] + following
        return ids

    def apply_chat_template(
        self,
        conversation: Sequence[Message],
        *,
        add_generation_prompt: bool = False,
        tokenize: bool = False,
        return_dict: bool = True,
        **kwargs: Any,
    ) -> str | BatchFeature:
        """Write a conversation as Phi-3-Vision's prompt.

        Args:
            conversation: Messages of ``role`` and ``content``: a string, or parts of type text and image.
            add_generation_prompt: Whether to end with ``<|assistant|>``, for the model to go on.
            tokenize: Whether to return tensors; the parts of type image must then hold their pictures (``image``) or
                the paths of these (``path``).
            return_dict: Tensors come as a dictionary, as pictures have tensors of their own.
            **kwargs: As for calling the processor, where `tokenize` is true.

        Returns:
            The prompt; with `tokenize` what calling the processor gives.

        Raises:
            ProcessingError: If a message or part is not of that form, or pictures cannot be read.
        """
        if not return_dict:
            raise ProcessingError("return_dict is False; pictures have tensors of their own. Leave it out.")
        messages, pictures = number_pictures(conversation)
        prompt: str = self.tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=add_generation_prompt
        )
        return self(prompt, pictures or None, **kwargs) if tokenize else prompt

    def decode(self, ids: Tensor | Sequence[int], *, skip_special_tokens: bool = False) -> str:
        """Turn token ids into text; slots of pictures are left out."""
        numbers: Iterable[int] = ids.tolist() if isinstance(ids, Tensor) else ids
        text: str = self.tokenizer.decode(
            [number for number in numbers if number >= 0], skip_special_tokens=skip_special_tokens
        )
        return text

    def batch_decode(
        self, rows: Tensor | Sequence[Sequence[int]], *, skip_special_tokens: bool = False
    ) -> list[str]:
        """Turn each row of token ids into text."""
        return [self.decode(row, skip_special_tokens=skip_special_tokens) for row in rows]
