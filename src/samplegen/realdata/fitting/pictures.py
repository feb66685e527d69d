"""What a fitted pack needs to be drawn: drawings, garments, materials, palette and the lexicon of its words."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files

from samplegen.realdata.fitting.compounds import Compounds
from samplegen.realdata.fitting.lines import Line
from samplegen.realdata.fitting.pieces import is_measure
from samplegen.realdata.fitting.vocabulary import Entry, Key, Words, key_of
from samplegen.realdata.fitting.writing import flow, words
from samplegen.templates import Template, load_template
from samplegen.templates.model import Garment
from samplegen.templates.template import SHAPES, UNDRAWN, shape_path

_SOURCE = "burberry"
_UNDRAWN_GARMENT = f"{UNDRAWN}: {{materials: card 1, palette: cards}}"
_COPIED = ("lexicon.yaml", "palette.yaml", "materials.yaml", "garments.yaml")


@dataclass(frozen=True)
class Wardrobe:
    """Where drawings and all that belongs to them come from: a base pack, or the pack that has most."""

    source: Template
    own: bool
    """Whether the user named it: then its files are copied as they stand."""

    @cached_property
    def shapes(self) -> frozenset[str]:
        """The drawings that there are."""
        found = {path.stem for path in (self.source.root / SHAPES).glob("[!.]*.svg")}
        return frozenset(found & {*self.source.garments})

    @cached_property
    def garments(self) -> dict[str, Garment]:
        """What each drawing can be made of."""
        return {name: self.source.garments[name] for name in sorted(self.shapes)}


def open_wardrobe(base: str | None) -> Wardrobe:
    """Open the base pack, or the installed pack with the most drawings."""
    return Wardrobe(load_template(base or _SOURCE), own=base is not None)


def parcel_drawing() -> bytes:
    """Give the drawing of a closed box."""
    return (files("samplegen") / "realdata" / "fitting" / "drawings" / f"{UNDRAWN}.svg").read_bytes()


def picture_files(wardrobe: Wardrobe, lines: Sequence[Line], language: Sequence[Words]) -> dict[str, bytes]:
    """Give the files of a pack that say how products look: path within the pack to content."""
    root = wardrobe.source.root
    used = {line.shape for line in lines}
    made: dict[str, bytes] = {}
    if wardrobe.own:
        made |= {name: (root / name).read_bytes() for name in _COPIED}
        made |= {f"{SHAPES}/{p.name}": p.read_bytes() for p in sorted((root / SHAPES).glob("[!.]*.svg"))}
        if UNDRAWN in used and UNDRAWN not in wardrobe.shapes:
            made["garments.yaml"] += f"{_placeholder_garment(wardrobe.source)}\n".encode()
    else:
        made["palette.yaml"] = (root / "palette.yaml").read_bytes()
        made["materials.yaml"] = (root / "materials.yaml").read_bytes()
        made["garments.yaml"] = _garments(wardrobe.source, used).encode()
        made["lexicon.yaml"] = _lexicon(lines, language).encode()
        made |= {
            f"{SHAPES}/{name}.svg": shape_path(root, name).read_bytes() for name in sorted(used - {UNDRAWN})
        }
    if UNDRAWN in used:
        made.setdefault(f"{SHAPES}/{UNDRAWN}.svg", parcel_drawing())
    return made


def _placeholder_garment(source: Template) -> str:
    """Give the garment of the closed box in whatever a pack has that comes nearest to cardboard."""
    card = next((name for name, m in source.materials.items() if m.weave == "cardboard"), None)
    material = card or next(iter(source.materials))
    palette = "cards" if "cards" in source.palette.palettes else next(iter(source.palette.palettes))
    return f"{UNDRAWN}: {{materials: {material} 1, palette: {palette}}}"


def _garments(source: Template, used: Iterable[str]) -> str:
    text = "# What a garment is made of where its title does not say, and the palette it wears; see docs/templates.md.\n"
    for name in sorted(used):
        text += f"{_UNDRAWN_GARMENT if name == UNDRAWN else _garment(name, source.garments[name])}\n"
    return text


def _garment(name: str, garment: Garment) -> str:
    materials = ", ".join(f"{material} {weight:g}" for material, weight in garment.materials.items())
    parts = {"materials": f'"{materials}"', "palette": garment.palette}
    if garment.wears:
        parts["as"] = flow(garment.wears)
    return f"{name}: {flow(parts)}"


def _lexicon(lines: Sequence[Line], languages: Sequence[Words]) -> str:
    """Write what the words of the catalog say about pictures; only words that stand there."""
    sections: dict[str, dict[str, dict[str, list[str]]]] = {
        "materials": {},
        "patterns": {},
        "variants": {},
        "words": {},
    }
    colours: dict[str, tuple[int, int, int]] = {}
    for phrase, entry, rgb in _known_phrases(lines, languages):
        if entry.section == "colours":
            if rgb:
                colours[phrase] = rgb
            continue
        found = sections[entry.section].setdefault(entry.key, {}).setdefault(entry.choice, [])
        if phrase not in found:
            found.append(phrase)
    text = (
        "# What the words of a title say about the product, as far as samplegen knows them.\n"
        "# A title is read from left to right, the longest phrase first.\n"
    )
    for section in ("materials", "patterns"):
        text += f"{section}:" + ("\n" if sections[section] else " {}\n")
        for key, choices in sorted(sections[section].items()):
            text += f"  {key}: {words(sorted(choices['']))}\n"
    text += "variants:" + ("\n" if sections["variants"] else " {}\n")
    for axis, choices in sorted(sections["variants"].items()):
        text += f"  {axis}: {flow({c: words(sorted(p)) for c, p in sorted(choices.items())})}\n"
    text += "colours:" + ("\n" if colours else " {}\n")
    for name, rgb in sorted(colours.items()):
        text += f"  {words([name])[1:-1]}: {list(rgb)}\n"
    text += "words:" + ("\n" if sections["words"] else " {}\n")
    for key, choices in sorted(sections["words"].items()):
        text += f"  {key}: {words(sorted(choices['']))}\n"
    return text


def _known_phrases(
    lines: Sequence[Line], languages: Sequence[Words]
) -> Iterator[tuple[str, Entry, tuple[int, int, int] | None]]:
    compounds, nouns = Compounds.of(languages[0]), {line.key[1] for line in lines}
    for noun in sorted(noun for noun in nouns if compounds.material(noun)):
        yield noun.split()[-1], Entry("materials", compounds.material(noun)), None
    longest = 5
    fillers = {word for line in lines for slot in line.slots.values() for word in slot}
    fillers = {filler for filler in fillers if not is_measure(filler)}
    for filler in sorted(fillers):
        tokens, place = filler.split(), 0
        keys = [key_of(token)[0] for token in tokens]
        while place < len(tokens):
            for end in range(min(len(tokens), place + longest), place, -1):
                found = _lookup(tuple(keys[place:end]), languages)
                if found:
                    phrase = " ".join(tokens[place:end])
                    yield from ((phrase, entry, rgb) for entry, rgb in found)
                    place = end
                    break
            else:
                place += 1


def _lookup(key: Key, languages: Sequence[Words]) -> list[tuple[Entry, tuple[int, int, int] | None]]:
    for number, language in enumerate(languages):
        entries = language.entries.get(key)
        if entries and (number == 0 or sum(map(len, key)) > 3):
            return [(entry, language.colours.get(key)) for entry in entries]
    return []


__all__ = ["UNDRAWN", "Wardrobe", "open_wardrobe", "picture_files"]
