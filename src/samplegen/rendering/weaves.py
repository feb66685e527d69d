"""Weaves: the fine relief of a material as a tile of lightness, and how the material answers to light.

A tile is `TILE` pixels square at a picture of `TILE_PICTURE` pixels, 128 where the relief neither lightens nor
darkens. Tiles are made once a process and have no colour: colour comes last, through a lookup table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from samplegen.rendering.noise import Field, field, grid, smooth_noise, standardized, wrapped_blur

TILE = 256
TILE_PICTURE = 512

Tile = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Finish:
    """How a weave answers to light.

    Attributes:
        gloss: How much light is mirrored where the surface faces it, 0 (matt) to 1.
        contrast: Strength of shading, 1 is usual cloth.
        softness: How much of the folds' depth remains: stiff materials fold less.
        bands: Number of reflections, for polished metal; 0 for none.
    """

    gloss: float = 0.05
    contrast: float = 1.0
    softness: float = 1.0
    bands: int = 0


FINISHES: dict[str, Finish] = {
    "velvet": Finish(gloss=0.15, contrast=1.25),
    "leather": Finish(gloss=0.38, contrast=1.15, softness=0.55),
    "grain": Finish(gloss=0.26, contrast=1.1, softness=0.4),
    "patent": Finish(gloss=0.95, contrast=1.4, softness=0.5),
    "silk": Finish(gloss=0.32, contrast=1.2, softness=1.1),
    "satin": Finish(gloss=0.5, contrast=1.4, softness=1.1),
    "nylon": Finish(gloss=0.36, contrast=1.25),
    "quilted": Finish(gloss=0.22, contrast=1.1, softness=0.6),
    "rubber": Finish(gloss=0.4, contrast=1.1, softness=0.35),
    "metal": Finish(gloss=0.9, contrast=1.5, softness=0.0, bands=2),
    "plastic": Finish(gloss=0.6, contrast=1.2, softness=0.0),
    "glass": Finish(gloss=0.9, contrast=1.0, softness=0.0),
    "cardboard": Finish(gloss=0.03, contrast=0.8, softness=0.1),
    "fleece": Finish(gloss=0.0, contrast=0.9, softness=0.8),
    "shearling": Finish(gloss=0.0, contrast=0.9, softness=0.5),
    "fur": Finish(gloss=0.05, contrast=1.0, softness=0.5),
    "knit": Finish(gloss=0.0, contrast=0.95, softness=0.8),
    "rib": Finish(gloss=0.0, contrast=0.95, softness=0.6),
    "cable": Finish(gloss=0.0, contrast=0.95, softness=0.6),
    "suede": Finish(gloss=0.02, contrast=0.9, softness=0.6),
}
DEFAULT_FINISH = Finish()

DIRECTIONAL = frozenset(
    {"twill", "denim", "corduroy", "knit", "rib", "cable", "fur", "straw", "quilted", "silk", "satin"}
)
"""Weaves that look different when turned; no other is ever turned."""

SMOOTH = frozenset({"patent", "rubber", "metal", "plastic", "glass"})
"""Weaves without relief: only light tells their form."""


def finish_of(weave: str) -> Finish:
    """Return how the weave answers to light."""
    return FINISHES.get(weave, DEFAULT_FINISH)


@lru_cache(maxsize=96)
def weave_sheet(weave: str, angle: int, side: int) -> tuple[Tile, int]:
    """Return a weave turned by `angle` degrees, for pictures of `side` pixels, and how far it may be shifted.

    The sheet is larger than the picture by that many pixels, so that every picture can cut it elsewhere.
    """
    period = max(16, round(TILE * side / TILE_PICTURE))
    relief = _relief(weave)
    if period != TILE:
        how = cv2.INTER_AREA if period < TILE else cv2.INTER_CUBIC
        relief = np.asarray(cv2.resize(relief, (period, period), interpolation=how), np.uint8)
    wanted = side + period
    if angle % 180 == 0:
        return _tiled(relief, wanted), period
    wide = _tiled(relief, int(wanted * 1.42) + 2)
    middle = wide.shape[0] / 2
    turn = cv2.getRotationMatrix2D((middle, middle), angle, 1.0)
    turned = cv2.warpAffine(wide, turn, wide.shape, flags=cv2.INTER_LINEAR)
    margin = (wide.shape[0] - wanted) // 2
    return np.ascontiguousarray(turned[margin : margin + wanted, margin : margin + wanted], np.uint8), period


def _tiled(tile: Tile, side: int) -> Tile:
    repeats = -(-side // tile.shape[0])
    return np.ascontiguousarray(np.tile(tile, (repeats, repeats))[:side, :side])


@cache
def _relief(weave: str) -> Tile:
    rng = np.random.default_rng(sum(weave.encode()))
    lightness = _RELIEFS.get(weave, _plain)(rng)
    return np.clip(128 + 128 * lightness, 0, 255).astype(np.uint8)


def _plain(rng: np.random.Generator) -> Field:
    threads = 0.4 * smooth_noise(TILE, (3.0, 0.5), rng) + 0.4 * smooth_noise(TILE, (0.5, 3.0), rng)
    return field(0.05 * threads)


def _twill(rng: np.random.Generator) -> Field:
    x, y = grid(TILE)
    lines = np.sin(2 * np.pi * 80 * (x + y) + 0.5 * smooth_noise(TILE, (6, 6), rng))
    return field(0.03 * lines + 0.5 * _plain(rng))


def _denim(rng: np.random.Generator) -> Field:
    x, y = grid(TILE)
    lines = np.sin(2 * np.pi * 64 * (x + y) + 0.8 * smooth_noise(TILE, (4, 4), rng))
    slubs = smooth_noise(TILE, (0.7, 9), rng)
    fades = smooth_noise(TILE, (30, 40), rng)
    return field(0.06 * lines + 0.06 * slubs + 0.05 * fades)


def _canvas(rng: np.random.Generator) -> Field:
    x, y = grid(TILE)
    basket = np.sin(2 * np.pi * 52 * x) * np.sin(2 * np.pi * 52 * y)
    return field(
        0.09 * basket + 0.05 * smooth_noise(TILE, (4, 0.6), rng) + 0.05 * smooth_noise(TILE, (0.6, 4), rng)
    )


def _corduroy(rng: np.random.Generator) -> Field:
    x, _ = grid(TILE)
    wales = np.abs(np.sin(np.pi * 26 * x + 0.15 * smooth_noise(TILE, (2, 12), rng)))
    return field(0.26 * (wales - 0.62) + 0.05 * smooth_noise(TILE, (1, 1), rng))


def _pile(short: float, long: float) -> Callable[[np.random.Generator], Field]:
    def relief(rng: np.random.Generator) -> Field:
        return field(short * smooth_noise(TILE, (0.9, 1.4), rng) + long * smooth_noise(TILE, (14, 18), rng))

    return relief


def _jersey(rng: np.random.Generator) -> Field:
    x, y = grid(TILE)
    stitches = np.sin(2 * np.pi * 64 * x) * np.cos(2 * np.pi * 42 * y)
    return field(0.025 * stitches + 0.03 * smooth_noise(TILE, (1, 2), rng))


def _knit(rng: np.random.Generator) -> Field:
    x, y = grid(TILE)
    columns = 28 * x
    slope = np.abs((columns % 1.0) - 0.5) * 2  # V of a stitch
    stitches = np.sin(2 * np.pi * (40 * y + 0.5 * slope)) * 0.6 + 0.7 * (0.5 - np.abs(slope - 0.5)) * 2 - 0.4
    return field(0.09 * standardized(stitches) + 0.03 * smooth_noise(TILE, (1, 1), rng))


def _rib(rng: np.random.Generator) -> Field:
    x, y = grid(TILE)
    ribs = np.abs(np.sin(np.pi * 30 * x)) - 0.64
    return field(0.3 * ribs + 0.03 * np.sin(2 * np.pi * 60 * y) + 0.03 * smooth_noise(TILE, (1, 1), rng))


def _cable(rng: np.random.Generator) -> Field:
    x, y = grid(TILE)
    column = (4 * x) % 1.0
    twist = np.sin(2 * np.pi * 5 * y)
    left, right = (np.exp(-(((column - 0.5 + side * twist) / 0.1) ** 2)) for side in (-0.16, 0.16))
    rails = 0.8 * np.exp(-(((column - 0.08) / 0.04) ** 2)) + 0.8 * np.exp(-(((column - 0.92) / 0.04) ** 2))
    return field(0.22 * standardized(left + right + rails) + 0.4 * _knit(rng))


def _shearling(rng: np.random.Generator) -> Field:
    curls = np.abs(smooth_noise(TILE, (3.2, 3.2), rng))
    return field(0.2 * standardized(curls) + 0.06 * smooth_noise(TILE, (1, 1), rng))


def _fur(rng: np.random.Generator) -> Field:
    return field(0.2 * smooth_noise(TILE, (0.7, 6), rng) + 0.1 * smooth_noise(TILE, (9, 20), rng))


def _leather(rng: np.random.Generator) -> Field:
    return field(0.022 * smooth_noise(TILE, (1.1, 1.1), rng) + 0.02 * smooth_noise(TILE, (12, 12), rng))


def _grain(rng: np.random.Generator) -> Field:
    pebbles = -np.abs(smooth_noise(TILE, (2.2, 2.2), rng))
    light = wrapped_blur(pebbles, (0.8, 0.8))
    lit = light - np.roll(light, (1, 1), (0, 1))
    return field(0.045 * standardized(lit) + 0.02 * standardized(pebbles))


def _silk(rng: np.random.Generator) -> Field:
    return field(0.018 * smooth_noise(TILE, (0.6, 8), rng) + 0.012 * smooth_noise(TILE, (8, 0.6), rng))


def _nylon(rng: np.random.Generator) -> Field:
    crinkle = np.abs(smooth_noise(TILE, (7, 9), rng))
    return field(0.035 * standardized(crinkle) + 0.015 * smooth_noise(TILE, (0.7, 0.7), rng))


def _quilted(rng: np.random.Generator) -> Field:
    """Diamonds between crossed lines of stitching, pulled in along the lines."""
    x, y = grid(TILE)
    a, b = 5 * (x + y), 5 * (x - y)
    depth = np.minimum(np.abs(((a + 0.5) % 1.0) - 0.5), np.abs(((b + 0.5) % 1.0) - 0.5)) * 2
    pillow = np.sqrt(np.clip(depth, 0, 1))
    lit = wrapped_blur(pillow.astype(np.float32), (1.5, 1.5))
    slope = lit - np.roll(lit, (2, 2), (0, 1))
    return field(0.5 * slope + 0.16 * (pillow - 0.7) + 0.6 * _nylon(rng))


def _lace(rng: np.random.Generator) -> Field:
    x, y = grid(TILE)
    flowers = np.sin(2 * np.pi * 10 * x) * np.sin(2 * np.pi * 10 * y)
    net = np.sin(2 * np.pi * 50 * (x + y)) * np.sin(2 * np.pi * 50 * (x - y))
    return field(0.16 * np.sign(flowers) * np.abs(flowers) ** 0.4 + 0.09 * net)


def _mesh(rng: np.random.Generator) -> Field:
    x, y = grid(TILE)
    return field(0.16 * np.sin(2 * np.pi * 44 * (x + y)) * np.sin(2 * np.pi * 44 * (x - y)))


def _straw(rng: np.random.Generator) -> Field:
    x, y = grid(TILE)
    braid = np.sin(2 * np.pi * (16 * y + 0.25 * np.sign(np.sin(2 * np.pi * 16 * x))))
    return field(0.16 * braid + 0.06 * smooth_noise(TILE, (4, 0.8), rng))


_RELIEFS: dict[str, Callable[[np.random.Generator], Field]] = {
    "plain": _plain,
    "twill": _twill,
    "denim": _denim,
    "canvas": _canvas,
    "corduroy": _corduroy,
    "velvet": _pile(0.05, 0.07),
    "jersey": _jersey,
    "knit": _knit,
    "rib": _rib,
    "cable": _cable,
    "fleece": _pile(0.09, 0.05),
    "shearling": _shearling,
    "fur": _fur,
    "leather": _leather,
    "grain": _grain,
    "suede": _pile(0.035, 0.045),
    "silk": _silk,
    "satin": _silk,
    "nylon": _nylon,
    "quilted": _quilted,
    "lace": _lace,
    "mesh": _mesh,
    "straw": _straw,
    "cardboard": _plain,
}
