"""The studio around the product: its ground with the product's soft shadow, and the camera."""

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from samplegen.domain.scene import Colour, Scene
from samplegen.domain.shape import Shape
from samplegen.rendering.shading import soften

Image = NDArray[np.uint8]
"""``(height, width, 3)`` RGB."""


def ground(silhouette: NDArray[np.uint8], shape: Shape, scene: Scene, size: int) -> Image:
    """Return the lit ground with the shadow of a coarse silhouette, ready to paint the product on."""
    side = silhouette.shape[0]
    lightness = _backdrop(scene, side) * (1 - _shadow(silhouette, shape, scene))
    coarse = cv2.merge([cv2.convertScaleAbs(lightness, alpha=level) for level in scene.studio.ground])
    return np.asarray(cv2.resize(coarse, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)


def _backdrop(scene: Scene, side: int) -> NDArray[np.float32]:
    """Return light that falls off away from the lamp and towards the corners."""
    axis = np.linspace(-1, 1, side, dtype=np.float32)
    angle = np.radians(scene.studio.light_angle)
    across = 0.018 * np.cos(angle) * axis - 0.02 * axis**2
    down = -0.018 * np.sin(angle) * axis - 0.02 * axis**2
    return np.asarray(1 + across[None, :] + down[:, None], np.float32)


def _shadow(silhouette: NDArray[np.uint8], shape: Shape, scene: Scene) -> NDArray[np.float32]:
    """Return how much light the product takes from the ground, 0 to 1."""
    side = silhouette.shape[0]
    if shape.stance == "stand":
        return _pool(silhouette, scene, side)
    angle = np.radians(scene.studio.light_angle)
    near = _moved(silhouette, -np.cos(angle) * 0.006 * side, np.sin(angle) * 0.006 * side)
    far = _moved(silhouette, -np.cos(angle) * 0.022 * side, np.sin(angle) * 0.022 * side)
    shadow = cv2.addWeighted(
        soften(near, 0.008 * side), 0.5, soften(far, 0.035 * side), 0.6, 0.0, dtype=cv2.CV_32F
    )
    return np.asarray(shadow * np.float32(scene.studio.shadow / 255), np.float32)


def _pool(silhouette: NDArray[np.uint8], scene: Scene, side: int) -> NDArray[np.float32]:
    """Return the shadow of a standing product: its lower edge, flattened onto the table."""
    pool = np.zeros((side, side), np.float32)
    columns = np.flatnonzero((silhouette > 127).any(axis=0))
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
    return np.asarray((contact + 1.4 * spread) * scene.studio.shadow, np.float32)


def _moved(mask: NDArray[np.uint8], dx: float, dy: float) -> NDArray[np.uint8]:
    moved = cv2.warpAffine(mask, np.array([[1, 0, dx], [0, 1, dy]], np.float32), mask.shape[::-1])
    return np.asarray(moved, np.uint8)


def white_balanced(scene: Scene) -> Scene:
    """Return the scene with exposure and white balance applied to every colour, so that no pass is spent on them."""
    studio = scene.studio
    red_gain, blue_gain = 1 + 0.035 * studio.warmth, 1 - 0.045 * studio.warmth

    def seen(colour: Colour) -> Colour:
        red, green, blue = (value * studio.exposure for value in colour)
        return (min(int(red * red_gain), 255), min(int(green), 255), min(int(blue * blue_gain), 255))

    surfaces = {
        role: replace(surface, colours=tuple(seen(colour) for colour in surface.colours))
        for role, surface in scene.surfaces.items()
    }
    return replace(scene, surfaces=surfaces, studio=replace(studio, ground=seen(studio.ground)))


def film(scene: Scene, side: int) -> NDArray[np.uint8]:
    """Return the camera's noise, ``(side, side)``: multiplies the picture, 128 is neutral."""
    level = round(scene.studio.noise * 4)
    sheet = _noise_sheet(level, side)
    play = sheet.shape[0] - side
    dx, dy = scene.seed % play, scene.seed // 11 % play
    return sheet[dy : dy + side, dx : dx + side]


@lru_cache(maxsize=8)
def _noise_sheet(level: int, side: int) -> NDArray[np.uint8]:
    """Return noise around 128 of a standard deviation of `level` quarters of a grey level near white."""
    rng = np.random.default_rng([977, level])
    noise = rng.standard_normal((side + 64, side + 64), dtype=np.float32) * (level / 4 * 128 / 240)
    return np.asarray(np.clip(np.rint(128 + noise), 0, 255), np.uint8)


def silhouette_box(mask: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom (exclusive) of what is not 0 in a mask."""
    ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(ys):
        return 0, 0, 0, 0
    return int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1
