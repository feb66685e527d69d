"""From the product to its picture: every value that the renderer needs is decided here.

What colourways of a style share (cut, pattern, variants) comes from the style's stream; pose, light and camera from
the row's own.
"""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.random import Generator, SeedSequence, default_rng

from samplegen.domain.sample import Product
from samplegen.domain.scene import Colour, Pose, Proportions, Scene, Studio, Surface
from samplegen.domain.shape import Shape

_STYLE, _ROW = 1, 2  # spawn keys of the two kinds of stream

SIZES = {"mini": 0.62, "small": 0.74, "medium": 0.85, "large": 0.88}
"""Share of the picture's side that a product of a size covers, so that the picture tells the size."""
FITS = {"slim": 0.92, "regular": 1.0, "wide": 1.09}
AUDIENCES = {"MAN": (1.03, 1.0), "WOMAN": (0.96, 1.0), "KIDS": (1.08, 0.9)}
"""Width and length relative to the drawing."""

USUAL_SHARE = 0.55  # how often a variant is the drawing's first choice when the title does not say
_OFF = ("no", "none")


class Wardrobe(Protocol):
    """What this module needs of a template."""

    def shape(self, name: str) -> Shape:
        """Return the shape of a name."""


def draw_scene(product: Product, seed: int, index: int, template: Wardrobe) -> Scene:
    """Decide the picture of row `index`: same product, seed and index, same scene."""
    shape = template.shape(product.garment)
    style = default_rng(SeedSequence(seed, spawn_key=(_STYLE, product.style)))
    row = default_rng(SeedSequence(seed, spawn_key=(_ROW, index)))
    return Scene(
        shape=shape.name,
        variants=_variants(product, shape, style),
        surfaces=_surfaces(product, shape, style, row),
        proportions=_proportions(product, shape, style, row),
        pose=_pose(product, shape, row),
        studio=_studio(row),
        seed=int(row.integers(2**31)),
    )


def _variants(product: Product, shape: Shape, rng: Generator) -> dict[str, str]:
    """Choose what the title asks for, else mostly what is usual."""
    asked = {"fit": product.silhouette, "size": product.size, **product.details}
    return {axis: _choice(choices, asked.get(axis), rng) for axis, choices in shape.variants.items()}


def _choice(choices: tuple[str, ...], asked: str | None, rng: Generator) -> str:
    roll, other = rng.random(), int(rng.integers(max(len(choices) - 1, 1)))
    if asked in choices:
        return str(asked)
    if asked == "yes":
        on = [choice for choice in choices if choice not in _OFF]
        return on[other % len(on)] if on else choices[0]
    if roll < USUAL_SHARE or len(choices) == 1:
        return choices[0]
    return choices[1 + other]


def _surfaces(product: Product, shape: Shape, style: Generator, row: Generator) -> dict[str, Surface]:
    """Dress every role of the shape."""
    pattern_seed, scale = int(style.integers(1 << 16)), float(style.uniform(0.6, 1.25))
    colours = tuple(colour.rgb for colour in product.colours)
    main = Surface(product.weave, product.pattern, colours, scale, pattern_seed)
    trim = Surface(product.trim_weave, "plain", (product.trim.rgb,))
    accent = _accent(product, main)
    metal = Surface("metal", "plain", (colours[0] if product.weave == "metal" else product.hardware.rgb,))
    cosmetic = "content" in shape.roles
    outfit: Mapping[str, Surface] = {
        "main": Surface("plastic", "plain", (product.trim.rgb,)) if cosmetic else main,
        "second": accent or _second(main, trim, style),
        "trim": accent or _trim(main, trim, style),
        "lining": _lining(main, style),
        "sole": Surface("rubber", "plain", (_pick(_SOLES, colours[0], style),)),
        "lace": Surface("plain", "plain", (_pick(_LACES, colours[0], style),)),
        "button": _button(metal, colours[0], style),
        "hardware": metal,
        "lens": Surface("glass", "plain", (_LENSES[int(row.integers(len(_LENSES)))],)),
        "glass": Surface("glass", "plain", (_mix(colours[0], (236, 240, 242), 0.6),)),
        "cap": metal if style.random() < 0.5 else Surface("plastic", "plain", (product.trim.rgb,)),
        "content": Surface("glass" if "glass" in shape.roles else "satin", "plain", colours[:1]),
        "gem": Surface("glass", "plain", (_GEMS[int(row.integers(len(_GEMS)))],)),
    }
    return {role: outfit[role] for role in shape.roles}


_SOLES: tuple[Colour | None, ...] = (
    (240, 237, 230),
    (240, 237, 230),
    (36, 34, 34),
    (172, 124, 82),
    (92, 64, 46),
    None,
)
_LACES: tuple[Colour | None, ...] = ((244, 242, 238), (34, 33, 34), None)
_LENSES: tuple[Colour, ...] = ((52, 46, 44), (40, 42, 48), (96, 72, 52), (74, 84, 78), (120, 96, 92))
_GEMS: tuple[Colour, ...] = (
    (214, 224, 234),
    (232, 228, 220),
    (120, 20, 40),
    (32, 60, 120),
    (30, 92, 70),
    (240, 236, 226),
)


def _pick(choices: tuple[Colour | None, ...], own: Colour, rng: Generator) -> Colour:
    """Return one of the colours; None stands for the product's own."""
    return choices[int(rng.integers(len(choices)))] or own


def _accent(product: Product, main: Surface) -> Surface | None:
    """Return the cloth of collars, panels and ribs where the title gives them a pattern (``Check Trim``)."""
    pattern = product.details.get("trim_pattern")
    if pattern is None:
        return None
    base = product.trim.rgb
    shades = (_mix(base, (0, 0, 0), 0.55), _mix(base, (255, 255, 255), 0.6), main.colours[0])
    return Surface("plain", pattern, (base, *shades), 0.5, main.seed)


def _trim(main: Surface, trim: Surface, rng: Generator) -> Surface:
    """Collars, straps and piping contrast, are cut from the main cloth, or only share its colour."""
    roll = rng.random()
    if roll < 0.22:
        return trim
    return main if roll < 0.6 else Surface(trim.weave, "plain", main.colours[:1])


def _second(main: Surface, trim: Surface, rng: Generator) -> Surface:
    """Contrast panels are in the trim, or in a shade of the main cloth."""
    if rng.random() < 0.45:
        return trim
    shade = _mix(main.colours[0], (0, 0, 0) if sum(main.colours[0]) > 300 else (255, 255, 255), 0.16)
    return Surface(main.weave, "plain", (shade,))


def _lining(main: Surface, rng: Generator) -> Surface:
    roll, lining_seed = rng.random(), int(rng.integers(1 << 16))
    if roll < 0.2:
        return Surface(
            "satin",
            "check",
            ((196, 178, 148), (72, 92, 84), (238, 232, 220), (176, 128, 72)),
            0.7,
            lining_seed,
        )
    return Surface("satin", "plain", (_mix(main.colours[0], (128, 118, 106), 0.35 + 0.3 * roll),))


def _button(metal: Surface, base: Colour, rng: Generator) -> Surface:
    roll = rng.random()
    if roll < 0.2:
        return metal
    horn: Colour = (74, 52, 38) if roll < 0.55 else (30, 29, 30)
    return Surface("plastic", "plain", (horn if roll < 0.75 else _mix(base, (255, 255, 255), 0.2),))


def _mix(first: Colour, second: Colour, share: float) -> Colour:
    """Return the colour `share` of the way from the first to the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return (red, green, blue)


def _proportions(product: Product, shape: Shape, style: Generator, row: Generator) -> Proportions:
    width, length = AUDIENCES.get(product.audience, (1.0, 1.0))
    width *= FITS.get(product.silhouette, 1.0) * style.uniform(0.95, 1.05)
    length *= style.uniform(0.95, 1.05)
    return Proportions(
        width=float(width),
        length=float(length),
        limb=float(style.uniform(0.97, 1.03)),
        unevenness=float(row.uniform(0.002, 0.006)) * (0.1 if _rigid(product, shape) else 1.0),
    )


def _rigid(product: Product, shape: Shape) -> bool:
    """Tell whether the product keeps its drawn outline: metal, glass and plastic do, cloth never."""
    return (
        shape.fine or "content" in shape.roles or product.weave in ("metal", "glass", "plastic", "cardboard")
    )


def _pose(product: Product, shape: Shape, rng: Generator) -> Pose:
    standing = shape.stance == "stand"
    return Pose(
        rotation=float(rng.normal(0, 0.5 if standing else 1.6)),
        swing=float(rng.uniform(-12, 7)),
        flip=bool(rng.random() < 0.25),
        coverage=float(SIZES.get(product.size, 0.85) * rng.uniform(0.96, 1.03)),
        offset=(float(rng.normal(0, 0.008)), float(rng.normal(0, 0.008))),
    )


def _studio(rng: Generator) -> Studio:
    lightness, tint = rng.uniform(236, 248), rng.normal(0, 0.7)
    if rng.random() < 0.08:
        lightness -= 16
    ground = tuple(int(np.clip(lightness + step * tint, 0, 255)) for step in (1, 0, -1))
    return Studio(
        light_angle=float(rng.uniform(100, 150)),
        contrast=float(rng.uniform(0.85, 1.15)),
        shadow=float(rng.uniform(0.22, 0.46)),
        ground=(ground[0], ground[1], ground[2]),
        warmth=float(rng.normal(0, 0.15)),
        exposure=float(rng.uniform(0.97, 1.03)),
        noise=float(rng.uniform(0.5, 1.4)),
    )
