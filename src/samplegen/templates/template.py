"""A template pack in memory: its settings, catalog, words and colours, and its shapes on demand."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from samplegen.domain.shape import Shape
from samplegen.errors import TemplateError
from samplegen.templates.model import Catalog, FakerWords, Garment, Lexicon, Line, Material, Palette, Settings

SHAPES = "shapes"
FILES = ("template.yaml", "catalog.yaml", "lexicon.yaml", "palette.yaml", "materials.yaml", "garments.yaml")
UNDRAWN = "parcel"
"""The drawing of products that have none: a closed box."""
FAKER_SEED = 20231117  # fixed: a pack's words do not depend on a run's seed
PackOrigin = Literal["samplegen", "installed", "folder"]
"""Whether a pack is samplegen's own, another package's, or a folder that was named."""


@dataclass(frozen=True, eq=False)
class Template:
    """A checked pack; see `load_template`."""

    root: Path
    origin: PackOrigin
    settings: Settings = field(repr=False)
    catalog: Catalog = field(repr=False)
    lexicon: Lexicon = field(repr=False)
    palette: Palette = field(repr=False)
    materials: Mapping[str, Material] = field(repr=False)
    garments: Mapping[str, Garment] = field(repr=False)
    _shapes: dict[str, Shape] = field(default_factory=dict, repr=False)
    _faker_words: dict[FakerWords, dict[str, float]] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """The name that stands in template.yaml."""
        return self.settings.name

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the names and bytes of the pack's files: equal packs, equal digest."""
        digest = hashlib.sha256()
        for path in sorted(pack_files(self.root), key=lambda path: path.relative_to(self.root).as_posix()):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(self.root).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
        return digest.hexdigest()

    @property
    def shape_names(self) -> tuple[str, ...]:
        """Every shape that a product line draws, in alphabetical order."""
        return tuple(sorted({line.shape for line in self.catalog.lines.values()}))

    @property
    def undrawn_share(self) -> float:
        """Share of the rows whose product has no drawing, so that a closed box stands for it."""
        weights = [
            (line.shape, weight) for line in self.catalog.lines.values() for weight, _ in line.places.values()
        ]
        boxed = sum(weight for shape, weight in weights if shape == UNDRAWN)
        return boxed / sum(weight for _, weight in weights)

    def shape(self, name: str) -> Shape:
        """Read a shape of the pack; the second call gives the same object.

        Raises:
            TemplateError: If the pack has no such shape, or its file is unsafe or wrong.
        """
        from samplegen.templates.svg import read_shape

        if name not in self._shapes:
            path = shape_path(self.root, name)
            if not path.is_file():
                raise TemplateError(f"{path}: missing; draw the shape {name!r} there")
            self._shapes[name] = read_shape(path)
        return self._shapes[name]

    def slot_words(self, line: Line, slot: str) -> Mapping[str, float]:
        """Give the words of a line's slot with their weights; Faker's are made here, always the same."""
        words = line.slots[slot]
        if not isinstance(words, FakerWords):
            return words
        if words not in self._faker_words:
            self._faker_words[words] = make_faker_words(words, self.settings.locale)
        return self._faker_words[words]


def pack_files(root: Path) -> list[Path]:
    """List the files that make up a pack, hidden ones left out."""
    names = [
        path for path in root.iterdir() if path.suffix in (".yaml", ".md") and not path.name.startswith(".")
    ]
    shapes = root / SHAPES
    return [*names, *(shapes.glob("[!.]*.svg") if shapes.is_dir() else ())]


def shape_path(root: Path, name: str) -> Path:
    """Give the file that a shape is drawn in."""
    return root / SHAPES / f"{name}.svg"


def make_faker_words(words: FakerWords, locale: str) -> dict[str, float]:
    """Let Faker make different words, in a fixed order.

    Raises:
        TemplateError: If Faker has no such provider, or not so many different words.
    """
    from faker import Faker

    try:
        faker = Faker(locale)
    except AttributeError as error:
        raise TemplateError(
            f"Faker does not know the locale {locale!r}; allowed is one such as 'en_US'"
        ) from error
    faker.seed_instance(FAKER_SEED)
    provider = getattr(faker, words.faker, None)
    if provider is None or not isinstance(provider(), str):
        raise TemplateError(
            f"Faker has no {words.faker!r} of text for {locale}; allowed is one such as 'last_name' or 'city'"
        )
    faker.seed_instance(FAKER_SEED)
    made: dict[str, float] = {}
    for _ in range(50 * words.count):
        made.setdefault(" ".join(str(provider()).split()), 1.0)  # one line, whatever Faker gives
        if len(made) == words.count:
            return made
    raise TemplateError(
        f"Faker makes only {len(made)} different words of {words.faker!r}; found count {words.count}"
    )
