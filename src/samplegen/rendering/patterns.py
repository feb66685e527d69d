"""Patterns: checks, stripes, prints ... as tiles of labels, coloured by a lookup table.

All motifs are invented here; none repeats a house's protected check or monogram.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from samplegen.domain.scene import Colour

TILE = 512
VARIANTS = 12
"""Each pattern comes in this many invented variants; a surface's seed picks one."""

Labels = NDArray[np.uint8]
Stamp = Callable[[Labels, int, int, int, np.random.Generator], None]
"""Draws into labels at x, y, in a cell of a given size."""


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """A seamless tile of labels and, for each label, the shares of the surface's colours.

    Attributes:
        labels: ``(TILE, TILE)``.
        mix: ``(label, colour)``, rows summing to 1.
    """

    labels: Labels
    mix: NDArray[np.float32]

    def palette(self, colours: Sequence[Colour]) -> NDArray[np.uint8]:
        """Return a ``(256, 1, 3)`` lookup table from labels to RGB; missing colours repeat the last one."""
        wanted = self.mix.shape[1]
        filled = [*colours, *[colours[-1]] * wanted][:wanted]
        table = np.zeros((256, 1, 3), np.uint8)
        table[: len(self.mix), 0] = np.rint(self.mix @ np.array(filled, np.float32))
        return table


def pattern_tile(pattern: str, seed: int) -> Pattern:
    """Return the invented variant of a pattern that a seed picks."""
    return _variant(pattern, seed % VARIANTS)


@lru_cache(maxsize=8 * VARIANTS)
def _variant(pattern: str, variant: int) -> Pattern:
    return _MAKERS[pattern](np.random.default_rng([sum(pattern.encode()), variant]))


def _one_hot(count: int) -> NDArray[np.float32]:
    return np.eye(count, dtype=np.float32)


def _sett(rng: np.random.Generator) -> NDArray[np.int64]:
    """Return a mirrored sequence of `TILE` thread colours, 0 to 3, repeated two to four times."""
    repeats = int(rng.choice([2, 2, 3, 4]))
    half = TILE // repeats // 2
    bands: list[tuple[int, float]] = [(0, rng.uniform(2.2, 3.2))]
    for colour in rng.permutation([1, 2, 1, 3]):
        bands.append((int(colour), float(rng.choice([0.16, 0.3, 0.55, 1.1]))))
        bands.append((0, float(rng.uniform(0.2, 0.7))))
    ends = np.cumsum([width for _, width in bands])
    threads = np.searchsorted(ends / ends[-1], np.arange(half) / half, side="right")
    colours = np.array([colour for colour, _ in bands])[threads]
    return np.resize(np.concatenate([colours, colours[::-1]]), TILE)


def _check(rng: np.random.Generator) -> Pattern:
    threads = _sett(rng)
    y, x = np.indices((TILE, TILE))
    warp_on_top = (x + y) // 2 % 2
    labels = (threads[None, :] * 4 + threads[:, None]) * 2 + warp_on_top
    mix = np.zeros((32, 4), np.float32)
    for warp in range(4):
        for weft in range(4):
            for top in range(2):
                share = 0.68 if top else 0.32
                mix[(warp * 4 + weft) * 2 + top, warp] += share
                mix[(warp * 4 + weft) * 2 + top, weft] += 1 - share
    return Pattern(labels.astype(np.uint8), mix)


def _stripe(rng: np.random.Generator) -> Pattern:
    count = int(rng.choice([6, 10, 16, 24]))
    period = TILE / count
    position = np.arange(TILE) % period / period
    width = rng.uniform(0.18, 0.5)
    bands = np.where(position < width, 1, 0)
    if rng.random() < 0.4:
        bands = np.where(np.abs(position - width - 0.18) < 0.05, 2, bands)
    labels = np.repeat(bands[:, None], TILE, axis=1)
    return Pattern(labels.astype(np.uint8), _one_hot(3))


def _houndstooth(rng: np.random.Generator) -> Pattern:
    """Weave four dark and four light threads in both directions over a 2/2 twill."""
    cell = int(rng.choice([2, 4, 4, 8]))
    y, x = np.indices((TILE // cell, TILE // cell))
    warp, weft = x % 8 // 4, y % 8 // 4
    tooth = np.where((x + y) % 4 < 2, warp, weft)
    return Pattern(np.kron(tooth, np.ones((cell, cell))).astype(np.uint8), _one_hot(2))


def _argyle(rng: np.random.Generator) -> Pattern:
    columns = int(rng.choice([3, 4, 5]))
    rows = max(2, round(columns * 0.6))
    axis = np.arange(TILE, dtype=np.float32) / TILE
    x, y = np.meshgrid(axis * columns, axis * rows)
    diamond = np.abs(x % 1 - 0.5) + np.abs(y % 1 - 0.5)
    parity = (np.floor(x) + np.floor(y)).astype(int) % 2
    labels = np.where(diamond < 0.5, 1 + parity, 0)
    lines = np.abs((x + 0.5) % 1 - 0.5) + np.abs((y + 0.5) % 1 - 0.5)
    labels = np.where(np.abs(lines - 0.5) < 0.02, 3, labels)
    return Pattern(labels.astype(np.uint8), _one_hot(4))


def _stamped(stamp: Stamp, grid_count: Sequence[int]) -> Callable[[np.random.Generator], Pattern]:
    """Return a maker that puts stamps on a half-drop grid, wrapped at the tile's edges."""

    def make(rng: np.random.Generator) -> Pattern:
        count = int(rng.choice(list(grid_count)))
        step = TILE / count
        margin = int(step) + 1
        labels = np.zeros((TILE + 2 * margin, TILE + 2 * margin), np.uint8)
        kind = int(rng.integers(0, 3))
        for row, column, right, down in product(range(2 * count), range(count), (-1, 0, 1), (-1, 0, 1)):
            x, y = (column + (row % 2) / 2 + right * count) * step, (row / 2 + down * count) * step
            if (
                max(abs(x - TILE / 2), abs(y - TILE / 2)) < TILE / 2 + step
            ):  # others touch no pixel of the tile
                place = int(x) + margin, int(y) + margin
                stamp(labels, *place, int(step), np.random.default_rng([kind, row, column]))
        return Pattern(np.ascontiguousarray(labels[margin:-margin, margin:-margin]), _one_hot(4))

    return make


def _dot(labels: Labels, x: int, y: int, step: int, rng: np.random.Generator) -> None:
    cv2.circle(labels, (x, y), max(2, round(step * 0.2)), 1, -1)


def _cipher(labels: Labels, x: int, y: int, step: int, rng: np.random.Generator) -> None:
    """Draw an invented sign: a ring crossed by a bar and a leaf."""
    r = max(3, round(step * 0.26))
    thick = max(1, r // 5)
    cv2.circle(labels, (x, y), r, 1, thick)
    cv2.line(labels, (x - r, y + r // 2), (x + r, y - r // 2), 1, thick)
    cv2.ellipse(labels, (x, y - r // 3), (r // 4 + 1, r // 2), 35, 0, 360, 1, -1)


def _blossom(labels: Labels, x: int, y: int, step: int, rng: np.random.Generator) -> None:
    """Draw a flower or a leaf of random size and turn."""
    reach = step * rng.uniform(0.22, 0.48)
    x, y = x + int(rng.normal(0, step * 0.12)), y + int(rng.normal(0, step * 0.12))
    colour = int(rng.integers(1, 4))
    turn = float(rng.uniform(0, 360))
    if rng.random() < 0.35:
        for side in (-35, 0, 35):
            a = np.radians(turn + side)
            centre = (int(x + 0.5 * reach * np.cos(a)), int(y + 0.5 * reach * np.sin(a)))
            cv2.ellipse(
                labels, centre, (int(reach * 0.5), int(reach * 0.16)), turn + side, 0, 360, colour, -1
            )
        return
    petals = int(rng.integers(4, 8))
    for petal in range(petals):
        degrees = turn + 360 / petals * petal
        a = np.radians(degrees)
        centre = (int(x + 0.5 * reach * np.cos(a)), int(y + 0.5 * reach * np.sin(a)))
        cv2.ellipse(labels, centre, (int(reach * 0.5), int(reach * 0.28)), degrees, 0, 360, colour, -1)
    cv2.circle(labels, (x, y), max(2, int(reach * 0.22)), 1 + colour % 3, -1)


_MAKERS: dict[str, Callable[[np.random.Generator], Pattern]] = {
    "check": _check,
    "stripe": _stripe,
    "houndstooth": _houndstooth,
    "argyle": _argyle,
    "dots": _stamped(_dot, (8, 12, 18)),
    "monogram": _stamped(_cipher, (5, 7, 9)),
    "print": _stamped(_blossom, (3, 4, 5, 6)),
}
TILED = frozenset(_MAKERS)
"""Patterns that cover a surface; the others (plain, emblem, lettering) leave its base colour."""
