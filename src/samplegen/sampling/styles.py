"""Which style a row belongs to: blocks of rows, cut into styles, shuffled inside the block."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from samplegen.sampling.choices import Choice
from samplegen.sampling.streams import bits, stream_key, uniforms

BLOCK = 64
"""Rows in a block. A style stays in one block, so that a row's style needs no more than its block."""


class StyleLine:
    """The endless line of rows, cut into styles of one or more colourways."""

    def __init__(self, seed: int, colourways: Mapping[str, float]) -> None:
        self._sizes = Choice(colourways)
        self._counts = np.asarray([int(name) for name in colourways], np.int64)
        self._size_key = stream_key(seed, "colourways")
        self._shuffle_key = stream_key(seed, "rows of a block")

    def styles(self, rows: range) -> NDArray[np.int64]:
        """Give the style's number for every row; numbers have gaps."""
        first, last = rows.start // BLOCK, -(-rows.stop // BLOCK)
        numbers = np.arange(first * BLOCK, last * BLOCK)
        sizes = self._counts[self._sizes.places(uniforms(self._size_key, numbers))].reshape(-1, BLOCK)
        starts = np.zeros_like(sizes)
        ends = np.cumsum(sizes, axis=1)
        block, place = np.nonzero(ends < BLOCK)
        starts[block, ends[block, place]] = 1
        by_place = np.cumsum(starts, axis=1) + numbers.reshape(-1, BLOCK)[:, :1]
        order = np.argsort(bits(self._shuffle_key, numbers).reshape(-1, BLOCK), axis=1, kind="stable")
        styles = np.take_along_axis(by_place, order, axis=1).ravel()
        offset = first * BLOCK
        return styles[rows.start - offset : rows.stop - offset]
