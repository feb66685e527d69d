"""The product behind a row: what its title says, completed by what its garment usually is, and coloured."""

from collections.abc import Iterator

from samplegen.domain.sample import NamedColour, Product
from samplegen.sampling.choices import Choice
from samplegen.sampling.lexicon import Reading, TitleReader
from samplegen.sampling.streams import row_uniforms
from samplegen.templates import Template
from samplegen.templates.model import Garment

ACCENTS = "accents"
"""The palette, where a pack has it, of the further colours of a pattern."""
_PLAIN = "plain"


class ProductMaker:
    """Makes the products of one template and seed."""

    def __init__(self, template: Template, seed: int) -> None:
        self._template, self._seed = template, seed
        self._reader = TitleReader(template.lexicon)
        self._readings: dict[str, Reading] = {}
        self._palettes = {name: Choice(weights) for name, weights in template.palette.palettes.items()}
        self._hardware = Choice(template.palette.hardware)
        self._materials = {name: Choice(garment.materials) for name, garment in template.garments.items()}
        self._patterns = {name: Choice(garment.patterns) for name, garment in template.garments.items()}

    def make(
        self, *, index: int, style: int, line: str, categories: tuple[str, str, str], title: str
    ) -> Product:
        """Make the product of row `index`: the style decides what it is, the row its colours."""
        reading = self._readings.get(title)
        if reading is None:
            reading = self._readings[title] = self._reader.read(title)
        shape = self._template.catalog.lines[line].shape
        garment = self._template.garments[shape]
        of_style = iter(row_uniforms(self._seed, "style's look", style, 4 + len(garment.variants)))
        material, trim = self._cloths(reading, shape, next(of_style))
        pattern = reading.pattern or self._patterns[shape].pick(next(of_style))
        details = {axis: Choice(choices).pick(next(of_style)) for axis, choices in garment.variants.items()}
        details |= reading.variants
        of_row = iter(row_uniforms(self._seed, "row's colours", index, 16))
        colours = self._colours(reading, garment, material, pattern, of_row)
        return Product(
            style=style,
            line=line,
            audience=categories[0],
            categories=categories,
            garment=shape,
            silhouette=details.get("fit", "regular"),
            size=details.get("size", "medium"),
            material=material,
            weave=self._template.materials[material].weave,
            trim_material=trim,
            trim_weave=self._template.materials[trim].weave,
            pattern=pattern,
            colours=colours,
            trim=self._trim(trim, material, colours[0], of_row),
            hardware=self._named(self._hardware.pick(next(of_row))),
            details=details,
            style_line=" ".join(reading.style_line),
        )

    def _cloths(self, reading: Reading, shape: str, u: float) -> tuple[str, str]:
        wears = self._template.garments[shape].wears
        said = [wears.get(name, name) for name in reading.materials]
        material = said[0] if said else self._materials[shape].pick(u)
        trim = said[1] if len(said) > 1 else self._template.materials[material].trim
        return material, trim

    def _colours(
        self, reading: Reading, garment: Garment, material: str, pattern: str, u: Iterator[float]
    ) -> tuple[NamedColour, ...]:
        palette = self._palettes[self._template.materials[material].palette or garment.palette]
        main = NamedColour(*reading.colour) if reading.colour else self._named(palette.pick(next(u)))
        if pattern == _PLAIN:
            return (main,)
        schemes = self._template.palette.schemes.get(pattern)
        if schemes:
            scheme = [self._named(name) for name in schemes[int(next(u) * len(schemes))]]
            return (main, *scheme[1:]) if reading.colour else tuple(scheme)
        others = self._palettes.get(ACCENTS, palette)
        names = dict.fromkeys(others.pick(next(u)) for _ in range(4))
        accents = [self._named(name) for name in names if name != main.name]
        return (main, *(accents or [self._contrast(main)])[:3])

    def _trim(self, trim: str, material: str, main: NamedColour, u: Iterator[float]) -> NamedColour:
        palette = self._template.materials[trim].palette
        if palette:
            return self._named(self._palettes[palette].pick(next(u)))
        # Mostly the same colour; leather on cloth, and a contrast now and then.
        if next(u) < 0.7 and trim == material:
            return main
        return self._named(self._palettes.get(ACCENTS, next(iter(self._palettes.values()))).pick(next(u)))

    def _named(self, name: str) -> NamedColour:
        return NamedColour(name, self._template.palette.colours[name])

    def _contrast(self, main: NamedColour) -> NamedColour:
        """Give the palette's colour that differs most from the main one."""
        colours = self._template.palette.colours
        far = max(
            colours, key=lambda name: sum(abs(a - b) for a, b in zip(colours[name], main.rgb, strict=True))
        )
        return self._named(far)
