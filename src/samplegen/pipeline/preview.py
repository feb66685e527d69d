"""The contact sheet: pictures in a grid with title and price beneath."""

import io
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from samplegen.domain.sample import SampleSpec
from samplegen.errors import RecipeError
from samplegen.export.files import write_file
from samplegen.pipeline.making import Recipe, RowMaker

CELL, GAP, CAPTION = 240, 20, 62
"""Side of a picture, space between pictures and height of the text beneath, in px."""
MARGIN = 32
PAPER, INK, GREY = (255, 255, 255), (28, 28, 28), (118, 118, 118)
_OVERSAMPLING = 2
_MOST_LINES = 200
"""Lines of pictures of `CELL` px: JPEG's longest side is 65,500 px, and nobody scrolls further."""
_LOOKED_THROUGH = 20_000
"""Rows among which one of each shape is sought."""
_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_SYSTEM_FONTS = (
    "LiberationSans-Regular.ttf",
    "Arial.ttf",
    "segoeui.ttf",
    "NotoSans-Regular.ttf",
    "DejaVuSans.ttf",
)
"""Fonts with the signs of many languages, the first that is there is taken."""


class _Fonts(NamedTuple):
    title: _Font
    price: _Font
    has_accents: bool


def write_contact_sheet(
    recipe: Recipe, out: Path, *, columns: int = 8, one_per_shape: bool = False, cell: int = CELL
) -> list[str]:
    """Draw the recipe's rows on one sheet and return the shapes that were sought in vain.

    Args:
        recipe: The rows; its image size does not matter.
        out: The file, JPEG if it ends in .jpg or .jpeg, else PNG.
        columns: Pictures side by side.
        one_per_shape: Show the first row of each shape of the template instead of the first rows; a shape so rare
            that no row among many shows it is left out.
        cell: Side of a picture in px.
    """
    if not one_per_shape:
        _check_size(recipe.rows, columns, cell, out)
    maker = RowMaker(recipe)
    if one_per_shape:
        met = _one_per_shape(maker)
        specs = [met[shape] for shape in sorted(met)]
        unmet = [shape for shape in maker.template.shape_names if shape not in met]
    else:
        specs, unmet = [maker.spec(index) for index in range(recipe.rows)], []
    columns = min(columns, len(specs))
    lines = -(-len(specs) // columns)
    width = 2 * MARGIN + columns * (cell + GAP) - GAP
    height = 2 * MARGIN + lines * (cell + CAPTION + GAP) - GAP
    sheet = Image.new("RGB", (width, height), PAPER)
    fonts = _fonts([spec.listing.title for spec in specs])
    for number, spec in enumerate(specs):
        left = MARGIN + number % columns * (cell + GAP)
        top = MARGIN + number // columns * (cell + CAPTION + GAP)
        sheet.paste(_picture(maker, spec, cell), (left, top))
        _caption(ImageDraw.Draw(sheet), spec, (left, top + cell + 8), cell, fonts)
    file = io.BytesIO()
    if out.suffix.lower() in (".jpg", ".jpeg"):
        sheet.save(file, format="JPEG", quality=88, optimize=True)
    else:
        sheet.save(file, format="PNG", optimize=True)
    write_file(out.absolute().parent, out.name, file.getvalue())
    return unmet


def _check_size(pictures: int, columns: int, cell: int, out: Path) -> None:
    lines = -(-pictures // columns)
    most = _MOST_LINES * CELL // cell
    if lines > most:
        raise RecipeError(
            f"{out}: {pictures:,} pictures, {columns} side by side, make {lines:,} lines; a sheet holds at most {most}. "
            f"Take fewer rows or more columns."
        )


def _one_per_shape(maker: RowMaker) -> dict[str, SampleSpec]:
    """Find the first row of each shape."""
    found: dict[str, SampleSpec] = {}
    wanted = set(maker.template.shape_names)
    for index in range(_LOOKED_THROUGH):
        if wanted <= found.keys():
            break
        spec = maker.spec(index)
        found.setdefault(spec.scene.shape, spec)
    return found


def _picture(maker: RowMaker, spec: SampleSpec, cell: int) -> Image.Image:
    large = Image.fromarray(maker.renderer.render(spec.scene, cell * _OVERSAMPLING))
    return large.resize((cell, cell), Image.Resampling.LANCZOS)


def _caption(
    draw: ImageDraw.ImageDraw, spec: SampleSpec, at: tuple[int, int], width: int, fonts: _Fonts
) -> None:
    listing = spec.listing
    left, top = at
    title = listing.title if fonts.has_accents else _drawable(listing.title)
    lines = _wrapped(draw, title, width, fonts.title)
    for number, line in enumerate(lines):
        draw.text((left, top + 17 * number), line, font=fonts.title, fill=INK)
    price = f"{listing.price:,.2f}".removesuffix(".00")
    below = top + 17 * len(lines) + 2
    draw.text((left, below), f"{listing.currency_code} {price}", font=fonts.price, fill=GREY)


def _fonts(titles: Sequence[str]) -> _Fonts:
    """Give Pillow's own font, unless it lacks signs of the titles and the system has one with more."""
    for name in () if all(_drawable(title) == title for title in titles) else _SYSTEM_FONTS:
        try:
            return _Fonts(ImageFont.truetype(name, 13), ImageFont.truetype(name, 12), has_accents=True)
        except OSError:
            continue
    return _Fonts(ImageFont.load_default(13), ImageFont.load_default(12), has_accents=False)


def _drawable(text: str) -> str:
    """Give text in signs that Pillow's font has: letters without accents, a hyphen for a dash."""
    plain = text.replace("\u2013", "-").replace("\u2014", "-").replace("\u0153", "oe")
    return "".join(sign for sign in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(sign))


def _wrapped(draw: ImageDraw.ImageDraw, text: str, width: int, font: _Font) -> Sequence[str]:
    """Break a title in at most two lines; what does not fit ends in an ellipsis."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and draw.textlength(longer, font=font) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    if len(lines) > 2:
        lines = [lines[0], " ".join(lines[1:])]
    return [_shortened(draw, line, width, font) for line in lines]


def _shortened(draw: ImageDraw.ImageDraw, line: str, width: int, font: _Font) -> str:
    if draw.textlength(line, font=font) <= width:
        return line
    while line and draw.textlength(line + "...", font=font) > width:
        line = line[:-1]
    return line.rstrip() + "..."
