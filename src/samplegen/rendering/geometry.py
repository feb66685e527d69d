"""Where every outline of a scene lies in the picture: the shape's points deformed, posed and fitted."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from samplegen.domain.scene import Scene
from samplegen.domain.shape import CANVAS, Dot, Element, Part, Shape

SUBPIXEL_BITS = 4  # OpenCV draws at fractions of 1/16 pixel
SUBPIXELS = 1 << SUBPIXEL_BITS

# Share of the ground below a standing product, so that it stands a little under the middle.
STANDING_DROP = 0.03


@dataclass(frozen=True, slots=True)
class Placed:
    """An element where it lies in the picture, and the drawing's scale there.

    Attributes:
        contours: Each ``(n, 2)``, in `SUBPIXELS` of a pixel, as OpenCV draws them.
    """

    element: Element
    contours: tuple[NDArray[np.int32], ...]
    pixels_per_unit: float

    def box(self, size: int, margin: int) -> tuple[int, int, int, int]:
        """Return left, top, right and bottom in pixels, grown by `margin` and cut to the picture."""
        stroke = self.element.stroke * self.pixels_per_unit / 2 if isinstance(self.element, Part) else 0.0
        grown = margin + round(stroke)
        x, y, width, height = cv2.boundingRect(np.concatenate(self.contours))
        left, top = max((x >> SUBPIXEL_BITS) - grown, 0), max((y >> SUBPIXEL_BITS) - grown, 0)
        right, bottom = (x + width >> SUBPIXEL_BITS) + 1 + grown, (y + height >> SUBPIXEL_BITS) + 1 + grown
        return left, top, max(min(right, size), left), max(min(bottom, size), top)


@dataclass(frozen=True, slots=True, eq=False)
class _Layout:
    """The visible elements of a shape under one choice of variants, their points in one array."""

    elements: tuple[Element, ...]
    points: NDArray[np.float64]
    cuts: tuple[tuple[int, int], ...]
    """First and last (exclusive) point of every contour."""
    pivots: NDArray[np.float64]
    """``(n, 2)``: what each point swings about; its own place where it does not swing."""
    extent: NDArray[np.bool_]
    """Which points count when the product is fitted into the picture."""


@lru_cache(maxsize=512)
def _layout(shape: Shape, choices: tuple[tuple[str, str], ...]) -> _Layout:
    elements = tuple(element for element in shape.elements if element.visible(dict(choices)))
    contours = [(element, contour) for element in elements for contour in element.contours]
    points = np.concatenate([contour for _, contour in contours]).astype(np.float64)
    pivots = np.concatenate([np.tile(e.pivot, (len(c), 1)) if e.pivot else c for e, c in contours])
    extent = np.concatenate([np.full(len(c), isinstance(e, Part | Dot)) for e, c in contours])
    ends = np.cumsum([len(contour) for _, contour in contours]).tolist()
    return _Layout(elements, points, tuple(pairwise([0, *ends])), pivots, extent)


def place(shape: Shape, scene: Scene, size: int) -> list[Placed]:
    """Return the visible elements of the scene in painting order, in pixels of a `size` x `size` picture."""
    layout = _layout(shape, tuple(scene.variants.items()))
    points = _deform(layout, scene)
    fitted, scale = _fit(points, points[layout.extent], shape, scene, size)
    fixed = np.rint(fitted * SUBPIXELS).astype(np.int32)
    contours = (fixed[start:stop] for start, stop in layout.cuts)
    return [Placed(e, tuple(next(contours) for _ in e.contours), scale) for e in layout.elements]


def _deform(layout: _Layout, scene: Scene) -> NDArray[np.float64]:
    """Change proportions, swing limbs and let outlines wander, in units of the drawing."""
    middle = CANVAS / 2
    points = _swing(layout.points, layout.pivots, scene)
    points = (points - middle) * (scene.proportions.width, scene.proportions.length) + middle
    return points + _wander(points, scene)


def _swing(points: NDArray[np.float64], pivots: NDArray[np.float64], scene: Scene) -> NDArray[np.float64]:
    outwards = np.where(pivots[:, 0] < CANVAS / 2, 1.0, -1.0)  # the left limb swings clockwise on the page
    angle = np.radians(scene.pose.swing) * outwards
    offset = (points - pivots) * scene.proportions.limb
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = offset.T
    return np.asarray(pivots + np.stack([cos * x - sin * y, sin * x + cos * y], axis=1))


def _wander(points: NDArray[np.float64], scene: Scene) -> NDArray[np.float64]:
    """Displace smoothly, so that neighbouring parts stay together while no outline stays symmetric."""
    rng = np.random.default_rng(scene.seed)
    waves = rng.normal(0, 2 * np.pi / 420, (2, 6))  # wave lengths of about 0.4 of the drawing
    ripples = np.sin((points @ waves + rng.uniform(0, 2 * np.pi, 6)).astype(np.float32))
    drift = np.stack([ripples[:, :3].sum(axis=1), ripples[:, 3:].sum(axis=1)], axis=1)
    return np.asarray(drift * (scene.proportions.unevenness * CANVAS * 0.58))


def _fit(
    points: NDArray[np.float64], extent: NDArray[np.float64], shape: Shape, scene: Scene, size: int
) -> tuple[NDArray[np.float64], float]:
    """Rotate, flip, scale to the wanted coverage and centre; returns pixels and pixels per unit."""
    pose = scene.pose
    angle = -np.radians(pose.rotation)  # y points down: counter-clockwise on the page
    mirror = -1.0 if pose.flip else 1.0
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.diag(
        [mirror, 1.0]
    )
    turned, rim = points @ turn.T, extent @ turn.T
    low, high = rim.min(axis=0), rim.max(axis=0)
    scale = pose.coverage * size / float(max(high - low))
    centre = np.array([0.5, 0.5 + (STANDING_DROP if shape.stance == "stand" else 0.0)]) + pose.offset
    return (turned - (low + high) / 2) * scale + centre * size, scale
