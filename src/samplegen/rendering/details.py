"""Small things drawn over parts: seams, stitches, zips, laces, buttons, gems and motifs."""

import cv2
import numpy as np
from numpy.typing import NDArray

from samplegen.domain.scene import Colour, Scene
from samplegen.domain.shape import Dot, Line
from samplegen.rendering.geometry import SUBPIXEL_BITS, SUBPIXELS, Placed
from samplegen.rendering.ground import Image
from samplegen.rendering.motifs import draw_motif

Ink = NDArray[np.uint8]
"""``(height, width)``; multiplies the picture, 128 is neutral, less darkens."""

NEUTRAL = 128


def outline(ink: Ink, item: Placed, darkness: float = 0.3) -> None:
    """Draw the thin dark rim of a part."""
    thickness = max(1, round(ink.shape[0] / 512))
    value = round(NEUTRAL * (1 - darkness))
    cv2.polylines(ink, item.contours, True, value, thickness, cv2.LINE_AA, SUBPIXEL_BITS)


def draw_line(canvas: Image, ink: Ink, item: Placed, scene: Scene) -> None:
    """Draw one line of a shape; creases were already pressed into the light."""
    line = item.element
    assert isinstance(line, Line)
    width = max(1, round(line.width * item.pixels_per_unit))
    colour = scene.surfaces[line.role].colours[0]
    if line.kind in ("seam", "rib"):
        value = 84 if line.kind == "seam" else 104
        cv2.polylines(ink, item.contours, False, value, width, cv2.LINE_AA, SUBPIXEL_BITS)
    elif line.kind == "stitch":
        dark_cloth = sum(colour) < 240
        dashes = _dashes(item, 5 * item.pixels_per_unit * 2, 0.6)
        cv2.polylines(ink, dashes, False, 190 if dark_cloth else 88, 1, cv2.LINE_AA, SUBPIXEL_BITS)
    elif line.kind == "zip":
        _zip(canvas, item, width, colour)
    elif line.kind == "lace":
        _cord(canvas, item, width, colour)


def _dashes(item: Placed, period: float, share: float) -> list[NDArray[np.int32]]:
    """Cut contours into dashes of `period` pixels, `share` of it drawn."""
    dashes = []
    for fixed in item.contours:
        contour = fixed / SUBPIXELS
        steps = np.hypot(*np.diff(contour, axis=0).T)
        along = np.concatenate([[0.0], np.cumsum(steps)])
        starts = np.arange(0, along[-1], max(period, 2.0))
        ends = np.minimum(starts + period * share, along[-1])
        both = np.stack([starts, ends], axis=1)
        xy = np.stack([np.interp(both, along, contour[:, axis]) for axis in (0, 1)], axis=2)
        dashes.extend(np.rint(xy * SUBPIXELS).astype(np.int32))
    return dashes


def _zip(canvas: Image, item: Placed, width: int, metal: Colour) -> None:
    tape = tuple(int(0.35 * v) for v in metal)
    cv2.polylines(canvas, item.contours, False, tape, max(2, width), cv2.LINE_AA, SUBPIXEL_BITS)
    teeth = _dashes(item, max(2.5, 0.7 * width), 0.5)
    cv2.polylines(canvas, teeth, False, metal, max(1, width // 2), cv2.LINE_AA, SUBPIXEL_BITS)


def _cord(canvas: Image, item: Placed, width: int, colour: Colour) -> None:
    rim = tuple(int(0.55 * v) for v in colour)
    shine = tuple(int(v + 0.3 * (255 - v)) for v in colour)
    for thickness, tone in ((width + 2, rim), (width, colour), (max(1, width // 3), shine)):
        cv2.polylines(canvas, item.contours, False, tone, max(1, thickness), cv2.LINE_AA, SUBPIXEL_BITS)


def draw_dot(canvas: Image, ink: Ink, item: Placed, scene: Scene) -> None:
    """Draw one small round thing."""
    dot = item.element
    assert isinstance(dot, Dot)
    centre = item.contours[0][0] / SUBPIXELS
    radius = dot.radius * item.pixels_per_unit
    surface = scene.surfaces[dot.role]
    if dot.kind == "emblem":
        if surface.pattern in ("emblem", "lettering"):
            draw_motif(canvas, surface, centre, radius)
        return
    angle = np.radians(scene.studio.light_angle)
    toward = np.array([np.cos(angle), -np.sin(angle)])
    _disc(ink, centre - toward * radius * 0.25, radius * 1.15, 92)
    _DOTS[dot.kind](canvas, centre, radius, surface.colours[0], toward)


def _disc(
    canvas: NDArray[np.uint8], centre: NDArray[np.floating], radius: float, colour: Colour | int
) -> None:
    unit = SUBPIXELS
    x, y = (round(float(v) * unit) for v in centre)
    cv2.circle(canvas, (x, y), max(1, round(radius * unit)), colour, -1, cv2.LINE_AA, SUBPIXEL_BITS)


def _tone(colour: Colour, factor: float) -> Colour:
    """Darken (below 1) or move towards white (above 1)."""
    if factor <= 1:
        return (int(colour[0] * factor), int(colour[1] * factor), int(colour[2] * factor))
    white = factor - 1
    red, green, blue = (int(v + white * (255 - v)) for v in colour)
    return (red, green, blue)


def _button(
    canvas: Image, centre: NDArray[np.floating], radius: float, colour: Colour, toward: NDArray[np.floating]
) -> None:
    _disc(canvas, centre, radius, _tone(colour, 0.7))
    _disc(canvas, centre + toward * radius * 0.12, radius * 0.86, _tone(colour, 1.18))
    _disc(canvas, centre - toward * radius * 0.06, radius * 0.62, _tone(colour, 0.92))
    if radius >= 3:
        for dx, dy in ((-1, -1), (1, -1), (-1, 1), (1, 1)):
            _disc(canvas, centre + np.array([dx, dy]) * radius * 0.2, radius * 0.1, _tone(colour, 0.3))


def _stud(
    canvas: Image, centre: NDArray[np.floating], radius: float, colour: Colour, toward: NDArray[np.floating]
) -> None:
    _disc(canvas, centre, radius, _tone(colour, 0.5))
    _disc(canvas, centre + toward * radius * 0.1, radius * 0.8, colour)
    _disc(canvas, centre + toward * radius * 0.35, radius * 0.35, _tone(colour, 1.75))


def _eyelet(
    canvas: Image, centre: NDArray[np.floating], radius: float, colour: Colour, toward: NDArray[np.floating]
) -> None:
    _disc(canvas, centre, radius, _tone(colour, 0.75))
    _disc(canvas, centre + toward * radius * 0.1, radius * 0.85, _tone(colour, 1.25))
    _disc(canvas, centre, radius * 0.5, (24, 22, 22))


def _gem(
    canvas: Image, centre: NDArray[np.floating], radius: float, colour: Colour, toward: NDArray[np.floating]
) -> None:
    unit = SUBPIXELS
    _disc(canvas, centre, radius, _tone(colour, 0.55))
    for step in range(8):
        a = np.radians(45 * step + 22.5 + np.array([-22.5, 22.5]))
        rim = centre + 0.92 * radius * np.stack([np.cos(a), np.sin(a)], axis=1)
        facet = np.rint(np.concatenate([[centre], rim]) * unit).astype(np.int32)
        middle = np.array([np.cos(a.mean()), np.sin(a.mean())])
        cv2.fillPoly(
            canvas,
            [facet],
            _tone(colour, 1.0 + 0.5 * float(middle @ toward) + 0.12 * (step % 2)),
            cv2.LINE_AA,
            SUBPIXEL_BITS,
        )
    _disc(canvas, centre, radius * 0.42, _tone(colour, 1.35))
    _disc(canvas, centre + toward * radius * 0.45, radius * 0.14, (255, 255, 255))


def _pearl(
    canvas: Image, centre: NDArray[np.floating], radius: float, colour: Colour, toward: NDArray[np.floating]
) -> None:
    for share, tone in ((1.0, 0.72), (0.86, 0.9), (0.62, 1.15), (0.3, 1.6)):
        _disc(canvas, centre + toward * radius * (1 - share) * 0.75, radius * share, _tone(colour, tone))


_DOTS = {"button": _button, "stud": _stud, "eyelet": _eyelet, "gem": _gem, "pearl": _pearl}
