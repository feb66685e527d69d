"""Samples to one batch of tensors: a row each, padded on the right; or several in a row."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from finetune.data.encoding import EncodedExample
from finetune.data.packing import pack
from finetune.data.pictures import stack_crops
from finetune.vocabulary import IGNORED_LABEL, PAD

NO_SOURCE = -1
"""The source of padding."""


def collate(
    examples: Sequence[EncodedExample],
    *,
    source_names: Sequence[str],
    packing: bool = False,
    row_tokens: int = 4096,
    pad_to: int = 1,
) -> dict[str, Any]:
    """Join samples.

    Args:
        examples: At least one.
        source_names: The sources in order; a sample's number is its source's place.
        packing: Whether several samples share a row.
        row_tokens: With `packing`, most tokens of a row of several samples.
        pad_to: Rows are padded to a multiple of this, in tokens.

    Returns:
        ``input_ids``, ``attention_mask`` (0 at padding), ``labels`` (-100 off the answers), all ``(row, token)`` int64;
        ``source_ids`` ``(row, token)`` int8, each token's source and -1 at padding; ``pixel_values``
        ``(picture, crop, 3, 336, 336)`` with as many crops as the largest picture has, and ``image_sizes``
        ``(picture, 2)``, the pictures of all rows one after another. With `packing` also ``position_ids``, which begin
        at 0 with each sample, and ``sequence_ids``, which count a row's samples from 0 on, both ``(row, token)`` int64;
        padding counts as a sample of its own, and a row's k-th picture has the slots ``-k``.
    """
    rows = (
        pack([len(example) for example in examples], row_tokens)
        if packing
        else [[place] for place in range(len(examples))]
    )
    longest = max(sum(len(examples[place]) for place in row) for row in rows)
    shape = (len(rows), -(-longest // pad_to) * pad_to)
    batch = {
        "input_ids": torch.full(shape, PAD),
        "attention_mask": torch.zeros(shape, dtype=torch.int64),
        "labels": torch.full(shape, IGNORED_LABEL),
        "source_ids": torch.full(shape, NO_SOURCE, dtype=torch.int8),
    }
    if packing:
        batch["position_ids"] = torch.zeros(shape, dtype=torch.int64)
        batch["sequence_ids"] = torch.zeros(shape, dtype=torch.int64)
    for number, row in enumerate(rows):
        _fill(
            {name: tensor[number] for name, tensor in batch.items()},
            [examples[place] for place in row],
            source_names,
        )
    crops = [examples[place].crops for row in rows for place in row]
    most = max(len(picture.values) for picture in crops) - 1
    batch["pixel_values"], batch["image_sizes"] = stack_crops(crops, most)
    return batch


def _fill(row: dict[str, Tensor], examples: Sequence[EncodedExample], source_names: Sequence[str]) -> None:
    start = 0
    for number, example in enumerate(examples):
        place = slice(start, start + len(example))
        # Every sample has one picture, number 1; in the row it is the row's next.
        row["input_ids"][place] = example.input_ids.where(example.input_ids >= 0, example.input_ids - number)
        row["attention_mask"][place] = 1
        row["labels"][place] = example.labels
        # Nothing before a sample predicts its first token.
        row["labels"][start] = IGNORED_LABEL
        row["source_ids"][place] = source_names.index(example.source)
        if "position_ids" in row:
            row["position_ids"][place] = torch.arange(len(example))
            row["sequence_ids"][place] = number
        start += len(example)
    if "position_ids" in row:
        row["position_ids"][start:] = torch.arange(len(row["position_ids"]) - start)
        row["sequence_ids"][start:] = len(examples)
