"""What a picture shows, fully decided: a `Scene` holds every value that the renderer needs.

Lengths are fractions of the picture's side, angles degrees (counter-clockwise), colours sRGB bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

Colour = tuple[int, int, int]
"""Red, green and blue, each 0 to 255, sRGB."""


@dataclass(frozen=True, slots=True)
class Surface:
    """What one role of a product (main, trim, sole ...) is made of.

    Attributes:
        weave: A name from `samplegen.domain.surfaces.WEAVES`, such as ``twill`` or ``leather``.
        pattern: A name from `samplegen.domain.surfaces.PATTERNS`, such as ``plain`` or ``check``.
        colours: The base colour first, then the pattern's colours.
        scale: Size of the pattern's repeat relative to the usual one, above 0.
        seed: Chooses among the invented variants of the pattern (a check's sett, a print's motif).
    """

    weave: str
    pattern: str
    colours: tuple[Colour, ...]
    scale: float = 1.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Proportions:
    """How the product departs from its drawing; 1.0 is as drawn."""

    width: float = 1.0
    length: float = 1.0
    limb: float = 1.0
    unevenness: float = 0.004
    """Amplitude of the smooth noise on outlines, as a fraction of the picture's side."""


@dataclass(frozen=True, slots=True)
class Pose:
    """How the product lies in the picture."""

    rotation: float = 0.0
    swing: float = 0.0
    """How far limbs (parts with a pivot) swing outwards, in degrees."""
    flip: bool = False
    coverage: float = 0.84
    """Longer side of the product as a fraction of the picture's side."""
    offset: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Studio:
    """Light, ground and camera."""

    light_angle: float = 125.0
    """Where the key light comes from: 90 is above, 180 the left."""
    contrast: float = 1.0
    shadow: float = 0.35
    """Darkness of the contact shadow, 0 (none) to 1."""
    ground: Colour = (244, 243, 241)
    warmth: float = 0.0
    """White balance, -1 (cool) to 1 (warm)."""
    exposure: float = 1.0
    noise: float = 1.0
    """Standard deviation of the camera's noise, in levels of 255."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture before it is drawn: same scene and size, same pixels."""

    shape: str
    variants: Mapping[str, str]
    """One choice for every variant axis of the shape, such as ``{"hood": "yes"}``."""
    surfaces: Mapping[str, Surface]
    """One surface for every role of the shape."""
    proportions: Proportions = Proportions()
    pose: Pose = Pose()
    studio: Studio = Studio()
    seed: int = 0
    """Seeds folds, outline noise and camera noise."""
