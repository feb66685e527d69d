"""The rows of a batch: which pictures each prompt gets, how long rows may be, how they are padded."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from finetune.data.pictures import Picture
from finetune.data.prompts import split_prompt
from finetune.errors import ProcessingError
from finetune.vocabulary import PAD

Padding = bool | Literal["longest", "max_length", "do_not_pad"]


def listed(images: Picture | Sequence[Picture] | Sequence[Sequence[Picture]]) -> list[Any]:
    """Give pictures as a list, one alone too."""
    return list(images) if isinstance(images, list | tuple) else [images]


def split_prompts(prompts: Sequence[str]) -> list[tuple[list[str], list[int]]]:
    """Cut each prompt at its pictures, as of `split_prompt`; an error names the prompt."""
    split = []
    for number, prompt in enumerate(prompts, start=1):
        try:
            split.append(split_prompt(prompt))
        except ProcessingError as error:
            raise ProcessingError(f"prompt {number} of {len(prompts)}: {error}") from error
    return split


def assign_pictures(
    images: Picture | Sequence[Picture] | Sequence[Sequence[Picture]] | None,
    wanted: Sequence[int],
    *,
    batch: bool,
) -> list[list[Picture]]:
    """Give each prompt its pictures.

    Raises:
        ProcessingError: If a prompt has other numbers of placeholders and of pictures.
    """
    given = [] if images is None else listed(images)
    if not batch:
        rows = [given]
    elif given and all(isinstance(row, list | tuple) for row in given):
        rows = [list(row) for row in given]
    elif len(given) == sum(wanted):
        source = iter(given)
        rows = [[next(source) for _ in range(count)] for count in wanted]
    else:
        raise ProcessingError(
            f"the {len(wanted)} prompts have placeholders for {sum(wanted)} pictures, {len(given)} were given. "
            "Give a list of pictures for each prompt, or all of them in order."
        )
    if len(rows) != len(wanted):
        raise ProcessingError(
            f"{len(wanted)} prompts, but {len(rows)} lists of pictures; give one list for each."
        )
    for number, (row, count) in enumerate(zip(rows, wanted, strict=True), start=1):
        if len(row) != count:
            raise ProcessingError(
                f"prompt {number} of {len(wanted)} has placeholders for {count} pictures, {len(row)} were given. "
                "Write <|image_1|>, <|image_2|> ... where they belong, one for each."
            )
    return rows


def limit_rows(rows: Sequence[list[int]], max_length: int, *, cut: bool) -> list[list[int]]:
    """Hold rows of token ids to a length, by cutting them where that is allowed.

    Raises:
        ProcessingError: If a row is longer, or a cut would go through a picture.
    """
    if isinstance(max_length, bool) or not isinstance(max_length, int) or max_length < 1:
        raise ProcessingError(f"max_length is {max_length!r}; allowed are whole numbers of tokens above 0.")
    for number, ids in enumerate(rows, start=1):
        pictures, left = (sum(place < 0 for place in part) for part in (ids, ids[:max_length]))
        which = f"prompt {number} of {len(rows)} has {len(ids)} tokens, {pictures} of them of pictures"
        if len(ids) > max_length and not cut:
            raise ProcessingError(
                f"{which}; max_length is {max_length}. Raise max_length, lower num_crops, or allow truncation."
            )
        if left != pictures:
            raise ProcessingError(
                f"{which}; max_length {max_length} leaves {left} of these. Raise max_length or lower num_crops."
            )
    return [ids[:max_length] for ids in rows]


def pad_rows(
    rows: Sequence[Sequence[int]],
    *,
    padding: Padding,
    side: str,
    max_length: int | None,
) -> tuple[Tensor, Tensor]:
    """Join rows of token ids: ids and mask, ``(row, token)``.

    Raises:
        ProcessingError: If the options do not fit together, or rows differ in length and are not to be padded.
    """
    if side not in ("left", "right"):
        raise ProcessingError(
            f"padding_side is {side!r}; allowed are 'left' (generation) and 'right' (training)."
        )
    if padding == "do_not_pad":
        padding = False
    if padding not in (True, False, "longest", "max_length"):
        raise ProcessingError(
            f"padding is {padding!r}; allowed are True, False, 'longest', 'max_length' and 'do_not_pad'."
        )
    if padding == "max_length" and max_length is None:
        raise ProcessingError("padding='max_length' needs max_length, in tokens.")
    longest = max(len(row) for row in rows)
    length = max_length if padding == "max_length" and max_length is not None else longest
    if not padding and any(len(row) != longest for row in rows):
        raise ProcessingError("the prompts differ in length, so a batch needs padding=True.")
    ids = torch.full((len(rows), length), PAD)
    mask = torch.zeros_like(ids)
    for target, kept, row in zip(ids, mask, rows, strict=True):
        place = slice(length - len(row), None) if side == "left" else slice(None, len(row))
        target[place] = torch.tensor(row)
        kept[place] = 1
    return ids, mask
