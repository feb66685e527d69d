"""Scene to pixels: parts are painted from the lowest up, each with its fabric and its light."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from samplegen.domain.scene import Scene
from samplegen.domain.shape import Dot, Line, Part, Shape
from samplegen.errors import RenderingError
from samplegen.rendering import details
from samplegen.rendering.geometry import Placed, place
from samplegen.rendering.ground import Image, film, ground, white_balanced
from samplegen.rendering.patterns import TILE as PATTERN_TILE
from samplegen.rendering.patterns import TILED, pattern_tile
from samplegen.rendering.shading import Shade, part_mask, shade
from samplegen.rendering.weaves import DIRECTIONAL, SMOOTH, TILE_PICTURE, Finish, finish_of, weave_sheet

COARSE, FINE = 4, 2  # pixels of the picture per pixel of the light, usually and for small things
MIN_SIZE, MAX_SIZE = 32, 4096
GRAIN_STEP = 30  # degrees; fabrics are turned in steps, so that few tiles are made

_GATHERED = 30_000  # points that OpenCV gathers at a time; it takes no wider pictures
_NO_FRACTIONS = np.empty(0, np.uint16)  # OpenCV's second map, which whole pixels leave empty


class Renderer:
    """Draws scenes. Same scene and size, same pixels; keeps only tiles and shapes between calls."""

    def __init__(self, shapes: Callable[[str], Shape]) -> None:
        """Take a function that gives the shape of a name."""
        self._shape = shapes

    def render(self, scene: Scene, size: int = 512) -> Image:
        """Return the picture, ``(size, size, 3)`` RGB.

        Raises:
            RenderingError: If the size is out of range or the scene lacks a surface that its shape wears.
        """
        shape = self._checked(scene, size)
        divisor = FINE if shape.fine else COARSE
        side = -(-size // divisor) * divisor
        scene = white_balanced(scene)
        placed = place(shape, scene, size)
        shades, silhouette = shade(placed, scene, side, divisor)
        canvas = ground(silhouette, shape, scene, side)
        blank = film(scene, side)
        ink = blank.copy()
        for index, item in enumerate(placed):
            if index in shades:
                _paint(canvas, ink, blank, item, shades[index], scene, divisor)
            elif isinstance(item.element, Line):
                details.draw_line(canvas, ink, item, scene)
            elif isinstance(item.element, Dot):
                details.draw_dot(canvas, ink, item, scene)
        cv2.multiply(canvas, cv2.cvtColor(ink, cv2.COLOR_GRAY2RGB), dst=canvas, scale=1 / details.NEUTRAL)
        return np.ascontiguousarray(canvas[:size, :size])

    def part_mask(self, scene: Scene, size: int = 512) -> tuple[NDArray[np.uint8], list[str]]:
        """Return which part each pixel shows, 0 for the ground, and the parts' names from 1 on."""
        shape = self._checked(scene, size)
        parts = [item for item in place(shape, scene, size) if isinstance(item.element, Part)]
        mask = np.zeros((size, size), np.uint8)
        for number, item in enumerate(parts, start=1):
            mask[part_mask(item, (0, 0, size, size)) > 127] = number
        return mask, [item.element.name for item in parts]

    def _checked(self, scene: Scene, size: int) -> Shape:
        if not MIN_SIZE <= size <= MAX_SIZE:
            raise RenderingError(f"image size is {size}; allowed are {MIN_SIZE} to {MAX_SIZE} pixels")
        shape = self._shape(scene.shape)
        missing = [role for role in shape.roles if role not in scene.surfaces]
        if missing:
            raise RenderingError(
                f"scene of shape {shape.name!r} has no surface for {', '.join(missing)}; "
                f"it has {', '.join(scene.surfaces)}"
            )
        return shape


def _paint(
    canvas: Image,
    ink: details.Ink,
    blank: details.Ink,
    item: Placed,
    light: Shade,
    scene: Scene,
    divisor: int,
) -> None:
    """Paint one part onto the canvas, wipe the ink beneath it and draw its rim."""
    part = item.element
    assert isinstance(part, Part)
    left, top, right, bottom = box = tuple(v * divisor for v in light.box)
    mask = part_mask(item, (left, top, right, bottom))
    surface = scene.surfaces[part.role]
    weave = part.weave or surface.weave
    tone = _tone(light, weave, part, scene, box, canvas.shape[0])
    if surface.pattern in TILED:
        fabric = _patterned(tone, light, part, scene, box, canvas.shape[0])
    else:
        fabric = _tinted(tone, surface.colours[0], finish_of(weave))
    _blend(canvas[top:bottom, left:right], fabric, mask, part.opacity)
    cv2.copyTo(blank[top:bottom, left:right], mask, ink[top:bottom, left:right])
    if not part.stroke:
        details.outline(ink, item)


def _tone(
    light: Shade, weave: str, part: Part, scene: Scene, box: tuple[int, ...], side: int
) -> NDArray[np.uint8]:
    """Return light times the weave's relief over the part's box; 128 is the material's own colour."""
    left, top, right, bottom = box
    size = (right - left, bottom - top)
    coarse = cv2.convertScaleAbs(light.light, alpha=128)
    smooth = cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR)
    if weave in SMOOTH:
        return np.asarray(smooth, np.uint8)
    angle = round(part.grain / GRAIN_STEP) * GRAIN_STEP % 180 if weave in DIRECTIONAL else 0
    sheet, play = weave_sheet(weave, angle, side)
    dx, dy = scene.seed % play, scene.seed // 7 % play
    relief = sheet[dy : dy + size[1], dx : dx + size[0]]
    return np.asarray(cv2.multiply(smooth, relief, scale=1 / 128), np.uint8)


def _tinted(tone: NDArray[np.uint8], colour: tuple[int, int, int], finish: Finish) -> Image:
    return np.asarray(cv2.applyColorMap(tone, _tone_table(colour, finish)), np.uint8)


@lru_cache(maxsize=256)
def _tone_table(colour: tuple[int, int, int], finish: Finish) -> NDArray[np.uint8]:
    """Return ``(256, 1, 3)``: what a material of a colour looks like at each tone."""
    value = np.arange(256, dtype=np.float64) / 128
    if finish.bands:
        value = value + 0.28 * np.sin(2 * np.pi * finish.bands * (value - 0.93))
    base = np.maximum(np.array(colour, np.float64), 14)  # no cloth is black in a studio
    diffuse = base * np.maximum(value, 0)[:, None]
    glint = np.clip((value - 1.04) / 0.55, 0, 1) ** 1.6
    mirrored = (finish.gloss * glint)[:, None]
    mixed = np.clip(diffuse + mirrored * (255 - np.minimum(diffuse, 255)), 0, 255)
    return np.asarray(mixed[:, None], np.uint8)


def _patterned(
    tone: NDArray[np.uint8],
    light: Shade,
    part: Part,
    scene: Scene,
    box: tuple[int, ...],
    side: int,
) -> Image:
    """Lay the pattern over the part: turned to its grain, bent by its relief, then lit."""
    surface = scene.surfaces[part.role]
    pattern = pattern_tile(surface.pattern, surface.seed)
    labels = _laid(pattern.labels, light, part, scene, box, side)
    colours = cv2.blur(cv2.applyColorMap(labels, pattern.palette(surface.colours)), (2, 2))
    finish = finish_of(part.weave or surface.weave)
    lit = cv2.cvtColor(cv2.LUT(tone, _grey_table(finish)), cv2.COLOR_GRAY2RGB)
    return np.asarray(cv2.multiply(colours, lit, scale=1 / 128), np.uint8)


@lru_cache(maxsize=64)
def _grey_table(finish: Finish) -> NDArray[np.uint8]:
    """Return ``(256,)``: how a pattern's colours are lit, 128 is as they are; their shine is part of the print."""
    return np.ascontiguousarray(
        _tone_table((128, 128, 128), replace(finish, gloss=finish.gloss * 0.7))[:, 0, 0]
    )


def _laid(
    labels: NDArray[np.uint8],
    light: Shade,
    part: Part,
    scene: Scene,
    box: tuple[int, ...],
    side: int,
) -> NDArray[np.uint8]:
    """Look up labels for every pixel of the box, computing where at the light's resolution."""
    left, top, right, bottom = box
    rows, columns = light.light.shape
    xs = np.linspace(left, right, columns, endpoint=False, dtype=np.float32)
    ys = np.linspace(top, bottom, rows, endpoint=False, dtype=np.float32)
    angle = np.radians(part.grain + scene.pose.rotation)
    zoom = TILE_PICTURE / side / scene.surfaces[part.role].scale
    cos, sin = float(np.cos(angle)) * zoom, float(np.sin(angle)) * zoom
    bend = 7.0 * zoom  # pixels of shift per unit of slope
    salt = sum(part.name.encode())
    u = (
        cos * xs[None, :]
        - sin * ys[:, None]
        + (scene.seed + 61 * salt) % PATTERN_TILE
        + bend * light.slope[0]
    )
    v = (
        sin * xs[None, :]
        + cos * ys[:, None]
        + (scene.seed // 5 + 37 * salt) % PATTERN_TILE
        + bend * light.slope[1]
    )
    size = (right - left, bottom - top)
    # Whole pixels at the light's resolution, interpolated as whole pixels: enough for labels, at half the cost.
    where = cv2.resize(np.rint(cv2.merge([u, v])).astype(np.int16), size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(
        cv2.remap(labels, where, _NO_FRACTIONS, cv2.INTER_NEAREST, borderMode=cv2.BORDER_WRAP), np.uint8
    )


def _blend(canvas: Image, fabric: Image, mask: NDArray[np.uint8], opacity: float) -> None:
    """Copy the fabric where the mask is full and mix it along the anti-aliased rim."""
    if opacity < 1:
        fabric = np.asarray(cv2.addWeighted(fabric, opacity, canvas, 1 - opacity, 0), np.uint8)
    found = cv2.findNonZero(cv2.inRange(mask, 1, 254))
    if found is None:
        cv2.copyTo(fabric, mask, canvas)
        return
    rim = np.asarray(found, np.int32).reshape(-1, 2)  # OpenCV 4 and 5 differ in its shape
    pieces = (rim[start : start + _GATHERED] for start in range(0, len(rim), _GATHERED))
    mixed = [_mixed(canvas, fabric, mask, points) for points in pieces]
    cv2.copyTo(fabric, mask, canvas)
    canvas[rim[:, 1], rim[:, 0]] = np.concatenate(mixed)


def _mixed(
    canvas: Image, fabric: Image, mask: NDArray[np.uint8], points: NDArray[np.int32]
) -> NDArray[np.uint8]:
    """Return ``(n, 3)``: the fabric over the canvas at points of the mask; gathered by OpenCV, a third faster."""
    where = points.reshape(1, -1, 2).astype(np.int16)
    under, over, share = (
        cv2.remap(source, where, _NO_FRACTIONS, cv2.INTER_NEAREST) for source in (canvas, fabric, mask)
    )
    weight = cv2.cvtColor(share, cv2.COLOR_GRAY2RGB)
    above = cv2.multiply(over, weight, scale=1 / 255)
    return np.asarray(
        cv2.add(above, cv2.multiply(under, cv2.bitwise_not(weight), scale=1 / 255))[0], np.uint8
    )
