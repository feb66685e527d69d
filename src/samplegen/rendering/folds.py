"""Folds of cloth: a bank of relief fields, made once a process and turned to the limb they lie on.

A field is ``(FIELD, FIELD)`` at shading resolution, standard deviation 1; folds run along the y axis.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from samplegen.rendering.noise import Field, field, grid, smooth_noise, standardized, wrapped_blur

FIELD = 192
BANK = 6
"""Variants of each kind of fold; a scene's seed picks one and where to cut it."""


@lru_cache(maxsize=64)
def fold_field(kind: str, variant: int) -> Field:
    """Return one variant of a kind of fold (`samplegen.domain.shape.FOLDS`, ``none`` excepted)."""
    rng = np.random.default_rng([sum(kind.encode()), variant % BANK])
    return standardized(_KINDS[kind](rng))


def _ridges(noise: Field) -> Field:
    """Sharpen the crests and widen the valleys, as cloth does."""
    return field(1 - np.sqrt(np.abs(noise) + 0.05))


def _hang(rng: np.random.Generator) -> Field:
    return field(_ridges(smooth_noise(FIELD, (7, 70), rng)) + 0.9 * smooth_noise(FIELD, (12, 40), rng))


def _limb(rng: np.random.Generator) -> Field:
    """Run down the limb with slanting wrinkles across it."""
    x, y = grid(FIELD)
    slant = np.sin(2 * np.pi * (5 * y + x + 0.22 * smooth_noise(FIELD, (22, 22), rng)))
    patches = np.clip(smooth_noise(FIELD, (24, 24), rng), 0, None)
    return field(0.9 * smooth_noise(FIELD, (8, 50), rng) + 0.7 * slant * patches)


def _crumple(rng: np.random.Generator) -> Field:
    return field(_ridges(smooth_noise(FIELD, (11, 14), rng)) + 0.6 * smooth_noise(FIELD, (20, 24), rng))


def _gather(rng: np.random.Generator) -> Field:
    return _ridges(smooth_noise(FIELD, (3.2, 40), rng))


def _pleats(rng: np.random.Generator) -> Field:
    x, _ = grid(FIELD)
    saw = (14 * x + 0.03 * smooth_noise(FIELD, (30, 60), rng)) % 1.0
    return wrapped_blur(saw.astype(np.float32), (0.8, 0.8))


def _baffle(rng: np.random.Generator) -> Field:
    """Stack stuffed tubes across the limb, pinched at their seams."""
    _, y = grid(FIELD)
    tubes = np.sqrt(np.abs(np.sin(np.pi * (9 * y + 0.06 * smooth_noise(FIELD, (30, 30), rng))) + 0.02))
    pinches = smooth_noise(FIELD, (3, 4), rng) * (1 - tubes)
    return field(tubes + 0.25 * pinches + 0.06 * smooth_noise(FIELD, (5, 5), rng))


def _ripple(rng: np.random.Generator) -> Field:
    x, _ = grid(FIELD)
    return np.sin(2 * np.pi * (4 * x + 0.5 * smooth_noise(FIELD, (40, 40), rng))).astype(np.float32)


_KINDS: dict[str, Callable[[np.random.Generator], Field]] = {
    "hang": _hang,
    "limb": _limb,
    "crumple": _crumple,
    "gather": _gather,
    "pleats": _pleats,
    "baffle": _baffle,
    "ripple": _ripple,
}
