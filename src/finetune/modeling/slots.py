"""Where the pictures of a batch go in its token ids."""

from collections.abc import Sequence

import torch
from torch import Tensor

from finetune.errors import PictureSlotError


def pictures_of_rows(input_ids: Tensor) -> list[range]:
    """Give each row's pictures as numbers in the whole batch: rows follow one another, each from its first to its last.

    A row's highest slot number is how many pictures it has.
    """
    counts = (-input_ids).amax(dim=-1).clamp(min=0).tolist()
    ends = torch.tensor(counts).cumsum(0).tolist()
    return [range(end - count, end) for count, end in zip(counts, ends, strict=True)]


def find_slots(input_ids: Tensor, tokens: Sequence[int]) -> tuple[Tensor, list[int]]:
    """Find the slots of every picture.

    Args:
        input_ids: ``(batch, token)``; ``-k`` marks the slots of the k-th picture of its row. A picture may stand in
            several places of its row, each time whole.
        tokens: How many tokens each picture of the batch has.

    Returns:
        Positions of the slots in the flattened batch, picture after picture; and the number of the picture that
        fills each successive stretch of them.

    Raises:
        PictureSlotError: If pictures are missing or left over, or a picture's tokens do not fill its slots.
    """
    ids = input_ids.cpu()
    rows = pictures_of_rows(ids)
    refuse_other_number(sum(len(row) for row in rows), len(tokens))
    positions, order = [], []
    for row, numbers in enumerate(rows):
        for k, number in enumerate(numbers, start=1):
            found = (ids[row] == -k).nonzero().flatten()
            times, rest = divmod(len(found), tokens[number])
            if rest or not times:
                raise PictureSlotError(
                    f"row {row}, picture {k}: {len(found)} slots for {tokens[number]} tokens. "
                    "Was the prompt cut at max_length, or processed with other num_crops than the picture?"
                )
            positions.append(found + row * ids.shape[1])
            order += [number] * times
    return torch.cat(positions), order


def refuse_other_number(wanted: int, given: int) -> None:
    """Hold the pictures of a batch to the places that its prompts have for them.

    Raises:
        PictureSlotError: If the numbers differ.
    """
    if wanted != given:
        raise PictureSlotError(
            f"the prompts have places for {wanted} pictures, but {given} were given. "
            "Give the pictures of all rows, one after another, and number each row's from 1 on."
        )
