"""Where every outline of a scene lies in the picture: the shape's points deformed, posed and fitted."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from samplegen.domain.scene import Scene
from samplegen.domain.shape import CANVAS, Dot, Element, Part, Points, Shape

SUBPIXEL_BITS = 4  # OpenCV draws at fractions of 1/16 pixel

# Share of the ground below a standing product, so that it stands a little under the middle.
STANDING_DROP = 0.03


@dataclass(frozen=True, slots=True)
class Placed:
    """An element with its contours in pixels of the picture, and the drawing's scale there."""

    element: Element
    contours: tuple[Points, ...]
    pixels_per_unit: float

    def scaled(self, factor: float) -> list[NDArray[np.int32]]:
        """Return contours at `factor` times the picture's size, in OpenCV's fixed point."""
        shift = factor * (1 << SUBPIXEL_BITS)
        return [np.rint(contour * shift).astype(np.int32) for contour in self.contours]

    def box(self, size: int, margin: int = 2) -> tuple[int, int, int, int]:
        """Return left, top, right and bottom in pixels, grown by `margin` and cut to the picture."""
        stroke = self.element.stroke * self.pixels_per_unit / 2 if isinstance(self.element, Part) else 0.0
        grown = margin + round(stroke)
        x, y, width, height = cv2.boundingRect(np.concatenate(self.contours))
        left, top = max(x - grown, 0), max(y - grown, 0)
        return left, top, max(min(x + width + grown, size), left), max(min(y + height + grown, size), top)


def place(shape: Shape, scene: Scene, size: int) -> list[Placed]:
    """Return the visible elements of the scene in painting order, in pixels of a `size` x `size` picture."""
    elements = [element for element in shape.elements if element.visible(scene.variants)]
    points = np.concatenate([contour for element in elements for contour in element.contours])
    limb_of = _limb_index(elements)
    points = _deform(points.astype(np.float64), elements, limb_of, scene)
    extent = _extent_mask(elements)
    fitted, scale = _fit(points, points[extent], shape, scene, size)
    cuts = np.cumsum([len(contour) for element in elements for contour in element.contours])[:-1]
    contours = iter(np.split(fitted.astype(np.float32), cuts))
    return [Placed(e, tuple(next(contours) for _ in e.contours), scale) for e in elements]


def _repeat(elements: list[Element]) -> Iterator[tuple[Element, int]]:
    for element in elements:
        for contour in element.contours:
            yield element, len(contour)


def _limb_index(elements: list[Element]) -> NDArray[np.bool_]:
    return np.concatenate([np.full(n, element.pivot is not None) for element, n in _repeat(elements)])


def _extent_mask(elements: list[Element]) -> NDArray[np.bool_]:
    return np.concatenate([np.full(n, isinstance(element, Part | Dot)) for element, n in _repeat(elements)])


def _deform(
    points: NDArray[np.float64], elements: list[Element], limb: NDArray[np.bool_], scene: Scene
) -> NDArray[np.float64]:
    """Change proportions, swing limbs and let outlines wander, in units of the drawing."""
    if limb.any():
        pivots = np.concatenate(
            [np.tile(element.pivot or (0.0, 0.0), (n, 1)) for element, n in _repeat(elements)]
        )
        points = np.where(limb[:, None], _swing(points, pivots, scene), points)
    middle = CANVAS / 2
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
    waves = rng.normal(0, 2 * np.pi / 420, (2, 4, 2))  # wave lengths of about 0.4 of the drawing
    phases = rng.uniform(0, 2 * np.pi, (2, 4))
    field = np.sin(np.einsum("pd,xwd->pxw", points, waves) + phases).sum(axis=2)
    wandered: NDArray[np.float64] = field * scene.proportions.unevenness * CANVAS / 2
    return wandered


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
