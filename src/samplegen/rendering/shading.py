"""Light at low resolution: for every part its relief, the light on it and the shadow of what lies above it.

Nobody sees that light is coarse, and it costs a sixteenth. Values are relative: 1 is the material's own colour.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from samplegen.domain.scene import Scene, Studio
from samplegen.domain.shape import Line, Part
from samplegen.rendering.folds import BANK, FIELD, fold_field
from samplegen.rendering.geometry import SUBPIXEL_BITS, Placed
from samplegen.rendering.weaves import Finish, finish_of

Light = NDArray[np.float32]
"""``(height, width)`` of a box at shading resolution; 1 is neutral."""

AMBIENT = 0.42  # share of the light that comes from everywhere, after a studio's soft boxes
ELEVATION = np.radians(48)
OCCLUSION = 0.62  # how much of the light what lies above can take away
FOLD_DEPTH = 0.011  # of the picture's side
TINY = 160  # pixels of the light in a part's box
TINY_RISE = 1.6  # height of a tiny part's bump, in pixels of the light
ROUNDING = 0.17  # the largest radius of a rounded edge, of the picture's side


@dataclass(frozen=True, slots=True)
class Shade:
    """The light on one part.

    Attributes:
        box: Left, top, right and bottom at shading resolution.
        light: ``(height, width)`` of the box.
        slope: The relief's gradient along x and along y, which fabrics follow.
    """

    box: tuple[int, int, int, int]
    light: Light
    slope: tuple[Light, Light]


def shade(
    placed: list[Placed], scene: Scene, size: int, divisor: int
) -> tuple[dict[int, Shade], NDArray[np.uint8]]:
    """Return the light on every part, by its place in `placed`, and the product's silhouette.

    Works from the uppermost part down, so that each part knows what lies above it.
    """
    side = size // divisor
    above = np.zeros((side, side), np.float32)
    silhouette = np.zeros((side, side), np.uint8)
    toward_light = _toward_light(scene.studio)
    shades: dict[int, Shade] = {}
    for index in reversed(range(len(placed))):
        item = placed[index]
        element = item.element
        if isinstance(element, Line) and element.kind == "crease":
            _press_crease(above, item, divisor)
        if not isinstance(element, Part):
            continue
        box = _coarse_box(item, size, divisor)
        if box[0] >= box[2] or box[1] >= box[3]:
            continue
        mask = part_mask(item, box, divisor)
        finish = finish_of(element.weave or scene.surfaces[element.role].weave)
        height = _relief(mask, element, finish, item, scene, side)
        slope = _slope(height)
        light = _lambert(slope, toward_light, scene.studio.contrast * finish.contrast)
        left, top, right, bottom = box
        light *= 1 - OCCLUSION * above[top:bottom, left:right]
        covered = silhouette[top:bottom, left:right]
        np.maximum(covered, mask, out=covered)
        shades[index] = Shade(box, light, slope)
        _cast(above, mask, box, element.lift * element.opacity, toward_light, side)
    return shades, silhouette


def part_mask(item: Placed, box: tuple[int, int, int, int], divisor: int = 1) -> NDArray[np.uint8]:
    """Draw the part into a box, anti-aliased, 255 inside; box and mask are in pixels of 1/`divisor` of the picture.

    The divisor is a power of two: the same points are then drawn with a finer fraction.
    """
    left, top, right, bottom = box
    mask = np.zeros((bottom - top, right - left), np.uint8)
    bits = SUBPIXEL_BITS + divisor.bit_length() - 1
    corner = np.array([left << bits, top << bits], np.int32)
    contours = [contour - corner for contour in item.contours]
    part = item.element
    if isinstance(part, Part) and part.stroke:
        width = max(1, round(part.stroke * item.pixels_per_unit / divisor))
        cv2.polylines(mask, contours, False, 255, width, cv2.LINE_AA, bits)
    else:
        cv2.fillPoly(mask, contours, 255, cv2.LINE_AA, bits)
    return mask


def soften(mask: NDArray[np.uint8], sigma: float) -> NDArray[np.uint8]:
    """Blur a mask about as a Gaussian of `sigma` pixels would, at a cost that does not grow with it."""
    # Two boxes make a triangle, as stackBlur does; but that one's pixels depend on the number of threads.
    side = max(1, round(1.7 * sigma)) + 1
    once = cv2.boxFilter(mask, -1, (side, side), anchor=(0, 0))
    return np.asarray(cv2.boxFilter(once, -1, (side, side), anchor=(side - 1, side - 1)), np.uint8)


def _coarse_box(item: Placed, size: int, divisor: int) -> tuple[int, int, int, int]:
    left, top, right, bottom = item.box(
        size, margin=divisor
    )  # a rim of empty pixels, to measure distances from
    return left // divisor, top // divisor, -(-right // divisor), -(-bottom // divisor)


def _toward_light(studio: Studio) -> NDArray[np.float32]:
    angle = np.radians(studio.light_angle)
    flat = np.cos(ELEVATION)
    return np.array([np.cos(angle) * flat, -np.sin(angle) * flat, np.sin(ELEVATION)], np.float32)


def _relief(
    mask: NDArray[np.uint8], part: Part, finish: Finish, item: Placed, scene: Scene, side: int
) -> NDArray[np.float32]:
    """Return the part's height over its box: rounded towards its edge, with folds."""
    height = np.zeros(mask.shape, np.float32)
    if part.volume:
        height += _rounded(mask, part.volume, side)
    if part.folds != "none" and finish.softness:
        stiff = finish.softness if part.folds not in ("baffle", "pleats") else 1.0
        depth = part.fold_depth * stiff * FOLD_DEPTH * side
        height += depth * _folds(mask.shape, part, item, scene, side)
    return height


def _rounded(mask: NDArray[np.uint8], volume: float, side: int) -> NDArray[np.float32]:
    """Return a height that rises like a circle from the edge, and ends inside the mask."""
    if mask.size <= TINY:  # one bump, at a fifth of the cost
        return np.asarray(cv2.blur(mask, (3, 3)), np.float32) * np.float32(volume * TINY_RISE / 255)
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
    radius = max(1.5, min(abs(volume) * float(distance.max()), ROUNDING * side))
    rise = np.minimum(distance / radius, 1.0)
    height = radius * 0.62 * np.sqrt(rise * (2 - rise))
    sigma = max(0.9, radius * 0.22)
    window = 2 * round(2 * sigma) + 1  # twice the deviation to each side: light forgives the cut-off tail
    smooth = np.asarray(cv2.GaussianBlur(height, (window, window), sigma), np.float32)
    return smooth if volume > 0 else -smooth


def _folds(shape: tuple[int, ...], part: Part, item: Placed, scene: Scene, side: int) -> NDArray[np.float32]:
    """Cut folds from the bank, turned along the part."""
    salt = scene.seed * 31 + sum(part.name.encode())
    field = fold_field(part.folds, salt % BANK)
    angle = _axis(item) if part.folds == "limb" else -part.grain
    zoom = 128 / side  # a fold keeps its share of the picture whatever the resolution
    offset = np.array([salt % FIELD, salt // FIELD % FIELD], np.float64)
    cos, sin = np.cos(np.radians(angle)) * zoom, np.sin(np.radians(angle)) * zoom
    matrix = np.array([[cos, -sin, offset[0]], [sin, cos, offset[1]]])
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    turned = cv2.warpAffine(field, matrix, (shape[1], shape[0]), flags=how, borderMode=cv2.BORDER_WRAP)
    return np.asarray(turned, np.float32)


def _axis(item: Placed) -> float:
    """Return how far the part's long axis leans from the vertical, in degrees, clockwise on the page."""
    points = np.concatenate(item.contours)
    centred = points - points.mean(axis=0)
    xx, yy = (centred**2).mean(axis=0)
    xy = float((centred[:, 0] * centred[:, 1]).mean())
    return float(np.degrees(0.5 * np.arctan2(2 * xy, yy - xx)))


def _slope(height: NDArray[np.float32]) -> tuple[Light, Light]:
    """Return the gradient along x and y; Scharr's weights sum to 32."""
    along_x = cv2.Scharr(height, cv2.CV_32F, 1, 0, scale=1 / 32)
    along_y = cv2.Scharr(height, cv2.CV_32F, 0, 1, scale=1 / 32)
    return np.asarray(along_x, np.float32), np.asarray(along_y, np.float32)


def _lambert(slope: tuple[Light, Light], toward_light: NDArray[np.float32], contrast: float) -> Light:
    """Light a relief: Lambert's cosine law over a share of ambient light, 1 where the surface is flat."""
    x, y = slope
    length = np.sqrt(1 + x * x + y * y)
    direct = (toward_light[2] - x * toward_light[0] - y * toward_light[1]) / (length * toward_light[2])
    lit = AMBIENT + (1 - AMBIENT) * np.maximum(direct, 0)
    light: Light = 1 + contrast * (lit - 1)
    return light


def _cast(
    above: NDArray[np.float32],
    mask: NDArray[np.uint8],
    box: tuple[int, int, int, int],
    lift: float,
    toward_light: NDArray[np.float32],
    side: int,
) -> None:
    """Add the soft shadow of a part to what lies beneath it; higher parts cast wider shadows."""
    if lift <= 0:
        return
    spread = (0.006 + 0.022 * lift) * side
    margin = int(3 * spread) + 1
    left, top, right, bottom = box
    x0, y0, x1, y1 = (
        max(left - margin, 0),
        max(top - margin, 0),
        min(right + margin, side),
        min(bottom + margin, side),
    )
    canvas = np.zeros((y1 - y0, x1 - x0), np.uint8)
    drop = spread * 0.9
    dx, dy = round(-toward_light[0] * drop), round(-toward_light[1] * drop)
    ax, ay = left - x0 + dx, top - y0 + dy
    cut = canvas[max(ay, 0) : ay + mask.shape[0], max(ax, 0) : ax + mask.shape[1]]
    cut[:] = mask[max(-ay, 0) :, max(-ax, 0) :][: cut.shape[0], : cut.shape[1]]
    soft = soften(canvas, spread)
    strength = (0.55 + 0.45 * lift) / 255
    region = above[y0:y1, x0:x1]
    np.maximum(region, soft * np.float32(strength), out=region)


def _press_crease(above: NDArray[np.float32], item: Placed, divisor: int) -> None:
    """Darken a soft groove along a line."""
    line = item.element
    assert isinstance(line, Line)
    groove = np.zeros(above.shape, np.uint8)
    width = max(1, round(line.width * item.pixels_per_unit / divisor))
    bits = SUBPIXEL_BITS + divisor.bit_length() - 1
    cv2.polylines(groove, item.contours, False, 150, width, cv2.LINE_AA, bits)
    soft = soften(groove, 0.8 + 0.4 * width)
    np.maximum(above, soft * np.float32(1 / 255), out=above)
