"""The studio around the product: its ground with the product's soft shadow, and the camera."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from samplegen.domain.scene import Scene
from samplegen.domain.shape import Part, Shape
from samplegen.rendering.geometry import Placed
from samplegen.rendering.shading import coarse_mask

Image = NDArray[np.uint8]
"""``(height, width, 3)`` RGB."""

NOISE_SHEETS = 8


def ground(placed: list[Placed], shape: Shape, scene: Scene, size: int, divisor: int) -> Image:
    """Return the lit ground with the product's shadow, ready to paint the product on."""
    side = size // divisor
    lightness = _backdrop(scene, side) * (1 - _shadow(placed, shape, scene, side, 1 / divisor))
    coarse = np.clip(lightness * 128, 0, 255).astype(np.uint8)
    fine = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_LINEAR)
    table = np.clip(np.arange(256)[:, None] / 128 * np.array(scene.studio.ground), 0, 255)
    return cv2.LUT(cv2.cvtColor(fine, cv2.COLOR_GRAY2RGB), table.astype(np.uint8)[None])


def _backdrop(scene: Scene, side: int) -> NDArray[np.float32]:
    """Return light that falls off away from the lamp and towards the corners."""
    axis = np.linspace(-1, 1, side, dtype=np.float32)
    angle = np.radians(scene.studio.light_angle)
    tilt = 0.018 * (np.cos(angle) * axis[None, :] - np.sin(angle) * axis[:, None])
    vignette = 0.02 * (axis[None, :] ** 2 + axis[:, None] ** 2)
    backdrop: NDArray[np.float32] = 1 + tilt - vignette
    return backdrop


def _shadow(
    placed: list[Placed], shape: Shape, scene: Scene, side: int, factor: float
) -> NDArray[np.float32]:
    """Return how much light the product takes from the ground, 0 to 1."""
    box = (0, 0, side, side)
    silhouette = np.zeros((side, side), np.uint8)
    for item in placed:
        if isinstance(item.element, Part):
            np.maximum(silhouette, coarse_mask(item, box, factor), out=silhouette)
    if shape.stance == "stand":
        return _pool(silhouette, scene, side)
    angle = np.radians(scene.studio.light_angle)
    near = _moved(silhouette, -np.cos(angle) * 0.006 * side, np.sin(angle) * 0.006 * side)
    far = _moved(silhouette, -np.cos(angle) * 0.022 * side, np.sin(angle) * 0.022 * side)
    close = cv2.GaussianBlur(near, (0, 0), 0.008 * side).astype(np.float32)
    wide = cv2.GaussianBlur(far, (0, 0), 0.035 * side).astype(np.float32)
    return (0.5 * close + 0.6 * wide) * np.float32(scene.studio.shadow / 255)


def _pool(silhouette: NDArray[np.uint8], scene: Scene, side: int) -> NDArray[np.float32]:
    """Return the shadow of a standing product: its lower edge, flattened onto the table."""
    pool = np.zeros((side, side), np.float32)
    columns = np.flatnonzero(silhouette.any(axis=0))
    if not len(columns):
        return pool
    lowest = side - 1 - np.argmax(silhouette[::-1] > 127, axis=0)
    floor = int(lowest[columns].max())
    close_to_floor = np.zeros(side, np.float32)
    close_to_floor[columns] = np.clip(1 - (floor - lowest[columns]) / (0.07 * side), 0, 1)
    thick = max(1, round(0.012 * side))
    pool[max(floor - thick, 0) : floor + thick] = close_to_floor
    contact = cv2.GaussianBlur(pool, (0, 0), sigmaX=0.012 * side, sigmaY=0.008 * side)
    spread = cv2.GaussianBlur(pool, (0, 0), sigmaX=0.05 * side, sigmaY=0.022 * side)
    return (1.0 * contact + 1.4 * spread) * np.float32(scene.studio.shadow)


def _moved(mask: NDArray[np.uint8], dx: float, dy: float) -> NDArray[np.uint8]:
    return cv2.warpAffine(mask, np.array([[1, 0, dx], [0, 1, dy]], np.float32), mask.shape[::-1])


def expose(image: Image, scene: Scene) -> Image:
    """Apply exposure, white balance and sensor noise."""
    studio = scene.studio
    gain = np.array([1 + 0.035 * studio.warmth, 1.0, 1 - 0.045 * studio.warmth]) * studio.exposure
    table = np.clip(np.arange(256)[:, None] * gain, 0, 255).astype(np.uint8)[None]
    exposed = cv2.LUT(image, table)
    if studio.noise <= 0:
        return exposed
    height, width = image.shape[:2]
    sheet = _noise_sheet(scene.seed % NOISE_SHEETS, max(height, width))
    return cv2.addWeighted(exposed, 1.0, sheet[:height, :width], studio.noise / 8, -128 * studio.noise / 8)


@lru_cache(maxsize=NOISE_SHEETS)
def _noise_sheet(variant: int, size: int) -> Image:
    """Return noise of standard deviation 8 around 128, mostly the same in all channels."""
    rng = np.random.default_rng([977, variant])
    grey = rng.standard_normal((size, size, 1)) * 7.2
    colour = rng.standard_normal((size, size, 3)) * 3.5
    return np.clip(128 + grey + colour, 0, 255).astype(np.uint8)


def silhouette_box(mask: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom (exclusive) of what is not 0 in a mask."""
    ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(ys):
        return 0, 0, 0, 0
    return int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1

