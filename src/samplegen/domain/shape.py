"""A garment type as drawn by a designer: named parts, lines and dots in the order they are painted.

Coordinates are those of the drawing, a square of `CANVAS` units with y downwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

CANVAS = 1000.0
"""Side of the square that every shape is drawn in, in units."""

FOLDS = ("none", "hang", "limb", "crumple", "gather", "pleats", "baffle", "ripple")
LINE_KINDS = ("seam", "stitch", "crease", "zip", "rib", "lace")
ROLES = (
    "main",
    "second",
    "trim",
    "lining",
    "sole",
    "lace",
    "button",
    "hardware",
    "lens",
    "glass",
    "cap",
    "content",
    "gem",
)
"""What parts wear: the main cloth, contrast panels, collars and straps, insides ... down to the stones."""
DOT_KINDS = ("button", "stud", "eyelet", "gem", "pearl", "emblem")

Points = NDArray[np.float32]
"""``(n, 2)`` x and y, in units of the drawing."""


@dataclass(frozen=True, slots=True, eq=False)
class Element:
    """What parts, lines and dots have in common.

    Attributes:
        name: The ``id`` in the drawing, such as ``sleeve-left``.
        role: The surface it wears, such as ``main``, ``trim`` or ``hardware``.
        when: Variant choices under which it is painted, axis -> allowed choices; empty for always.
        pivot: The point that it swings about, such as a shoulder, or None.
    """

    name: str
    role: str
    contours: tuple[Points, ...]
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pivot: tuple[float, float] | None = None

    def visible(self, variants: Mapping[str, str]) -> bool:
        """Tell whether the element is painted under these variant choices."""
        return all(variants.get(axis) in choices for axis, choices in self.when.items())


@dataclass(frozen=True, slots=True, eq=False)
class Part(Element):
    """A surface with an outline, filled by the even-odd rule; or, with `stroke`, a tube along its lines.

    Attributes:
        volume: Roundness, -1 (hollow) to 1 (round); 0 is flat.
        folds: One of `FOLDS`.
        fold_depth: Strength of the folds, 1 is usual.
        grain: Direction of the fabric in degrees, 0 as woven, counter-clockwise.
        lift: How far it stands off what lies beneath, 0 (none) to 1: decides the shadow it casts.
        weave: Replaces the weave of its surface, such as ``rib`` for a cuff, or None.
        opacity: 1 is opaque.
        stroke: Width of the tube in units, 0 for a filled outline.
    """

    volume: float = 0.4
    folds: str = "none"
    fold_depth: float = 1.0
    grain: float = 0.0
    lift: float = 0.3
    weave: str | None = None
    opacity: float = 1.0
    stroke: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Line(Element):
    """A drawn line: one of `LINE_KINDS`, `width` units wide."""

    kind: str = "seam"
    width: float = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Dot(Element):
    """A small round thing: one of `DOT_KINDS`; its one contour is its centre, `radius` in units."""

    kind: str = "button"
    radius: float = 8.0


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A garment type.

    Attributes:
        name: The garment type, such as ``trench_coat``; the file's name without its ending.
        elements: In the order they are painted.
        variants: Every variant axis with its choices, the usual one first.
        stance: ``lay`` (photographed from above, hung or floating) or ``stand`` (on a table).
        fine: True for small things (jewellery, frames), which are shaded at a higher resolution.
    """

    name: str
    elements: tuple[Element, ...]
    variants: Mapping[str, tuple[str, ...]]
    stance: str = "lay"
    fine: bool = False

    @property
    def roles(self) -> tuple[str, ...]:
        """Every role that the shape's elements wear, in the order they first appear."""
        return tuple(dict.fromkeys(element.role for element in self.elements))
