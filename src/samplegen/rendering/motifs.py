"""Invented motifs for a chest, a cap or a bag: emblems and lettering. None is a real house's mark."""

import cv2
import numpy as np
from numpy.typing import NDArray

from samplegen.domain.scene import Surface
from samplegen.rendering.geometry import SUBPIXEL_BITS, SUBPIXELS

WORDS = ("NORVIK", "ALDER", "MAREN", "OSTRA", "LUMEN", "HALVOR", "TIDE", "FJELL")


def draw_motif(
    canvas: NDArray[np.uint8], surface: Surface, centre: NDArray[np.floating], radius: float
) -> None:
    """Draw the surface's emblem or lettering, about `radius` pixels around `centre`."""
    colour = surface.colours[1] if len(surface.colours) > 1 else tuple(255 - v for v in surface.colours[0])
    if surface.pattern == "lettering":
        _word(canvas, WORDS[surface.seed % len(WORDS)], centre, radius, colour)
        return
    for outline in _emblem(surface.seed):
        points = np.rint((centre + radius * outline) * SUBPIXELS).astype(np.int32)
        cv2.fillPoly(canvas, [points], colour, cv2.LINE_AA, SUBPIXEL_BITS)


def _word(
    canvas: NDArray[np.uint8], word: str, centre: NDArray[np.floating], radius: float, colour: tuple[int, ...]
) -> None:
    font, thickness = cv2.FONT_HERSHEY_DUPLEX, max(1, round(radius / 14))
    (width, height), _ = cv2.getTextSize(word, font, 1.0, thickness)
    zoom = 2 * radius / width
    corner = (round(float(centre[0]) - radius), round(float(centre[1]) + height * zoom / 2))
    cv2.putText(canvas, word, corner, font, zoom, colour, thickness, cv2.LINE_AA)


def _emblem(seed: int) -> list[NDArray[np.float64]]:
    """Return outlines within the unit circle: leaves, rays or shields, by seed."""
    kind, count = seed % 3, 3 + seed // 3 % 4
    if kind == 0:
        return [_turned(_leaf(0.95), 360 / count * k - 90) for k in range(count)]
    if kind == 1:
        rays = np.radians(np.arange(0, 360, 180 / (count + 2)))
        reach = np.where(np.arange(len(rays)) % 2, 0.42, 0.95)
        return [np.stack([reach * np.cos(rays), reach * np.sin(rays)], axis=1)]
    shield = np.array([[-0.7, -0.85], [0.7, -0.85], [0.7, 0.1], [0.0, 0.95], [-0.7, 0.1]])
    return [shield]


def _leaf(length: float) -> NDArray[np.float64]:
    t = np.linspace(0, np.pi, 14)
    upper = np.stack([length * (1 - np.cos(t)) / 2, 0.24 * length * np.sin(t)], axis=1)
    return np.concatenate([upper, upper[::-1] * (1, -1)])


def _turned(points: NDArray[np.float64], degrees: float) -> NDArray[np.float64]:
    a = np.radians(degrees)
    return np.asarray(points @ np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]))
