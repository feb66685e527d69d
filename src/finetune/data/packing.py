"""Which samples share a row, so that little of a batch is padding."""

from collections.abc import Sequence

ALONE_TOKENS = 4096
"""A longer sample takes the model's long rope factors, so it never shares a row."""


def pack(lengths: Sequence[int], row_tokens: int) -> list[list[int]]:
    """Divide samples among rows: first fit, the longest first.

    Args:
        lengths: Tokens of each sample.
        row_tokens: Most tokens of a row of several samples.

    Returns:
        For each row the places of its samples in ascending order, every sample once; rows in the order of their first.
    """
    rows: list[list[int]] = []
    room: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda place: (-lengths[place], place)):
        length = lengths[place]
        fitting = next((row for row, left in enumerate(room) if length <= left), None)
        if length > ALONE_TOKENS or fitting is None:
            rows.append([place])
            room.append(0 if length > ALONE_TOKENS else row_tokens - length)
        else:
            rows[fitting].append(place)
            room[fitting] -= length
    return sorted(sorted(row) for row in rows)
