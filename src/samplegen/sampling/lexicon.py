"""Reads a title: what its words say about material, pattern, variants, colour and style line."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from samplegen.domain.scene import Colour
from samplegen.templates.model import Lexicon

MATERIAL, PATTERN, COLOUR, STYLE = "material", "pattern", "colour", "style"
_SPOTS = ("emblem", "lettering")
"""Motifs on one spot: a pattern that covers the cloth outranks them."""
_Meaning = tuple[str, str]
"""What is said (a variant axis, or one of the names above), and the choice."""


@dataclass(slots=True)
class Reading:
    """What a title says; empty where it says nothing."""

    materials: list[str] = field(default_factory=list)
    """In the order of the title: the first is the main material, the next its trim."""
    pattern: str | None = None
    colour: tuple[str, Colour] | None = None
    variants: dict[str, str] = field(default_factory=dict)
    style_line: list[str] = field(default_factory=list)


class TitleReader:
    """Reads titles from left to right, the longest known phrase first."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._colours = lexicon.colours
        self._meanings: dict[tuple[str, ...], list[_Meaning]] = {}
        for key, phrases in lexicon.materials.items():
            self._learn(MATERIAL, key, phrases)
        for key, phrases in lexicon.patterns.items():
            self._learn(PATTERN, key, phrases)
        for axis, choices in lexicon.variants.items():
            for choice, phrases in choices.items():
                self._learn(f"variant {axis}", choice, phrases)
        for name in lexicon.colours:
            self._learn(COLOUR, name, [name])
        for kind, phrases in lexicon.words.items():
            for phrase in phrases:
                self._learn(kind, phrase, [phrase])
        self._longest = max(map(len, self._meanings), default=0)

    def _learn(self, kind: str, choice: str, phrases: Iterable[str]) -> None:
        for phrase in phrases:
            self._meanings.setdefault(tuple(phrase.split()), []).append((kind, choice))

    def read(self, title: str) -> Reading:
        """Give what a title says; where two phrases contradict, the first counts, a cloth's pattern before a motif."""
        reading = Reading()
        for kind, choice in self._heard(title.split()):
            if kind == MATERIAL:
                reading.materials.append(choice)
            elif kind == PATTERN:
                if reading.pattern is None or (reading.pattern in _SPOTS and choice not in _SPOTS):
                    reading.pattern = choice
            elif kind == COLOUR:
                reading.colour = reading.colour or (choice, self._colours[choice])
            elif kind == STYLE:
                reading.style_line.append(choice)
            elif kind.startswith("variant "):
                reading.variants.setdefault(kind.removeprefix("variant "), choice)
        return reading

    def _heard(self, words: list[str]) -> Iterator[_Meaning]:
        place = 0
        while place < len(words):
            for length in range(min(self._longest, len(words) - place), 0, -1):
                meanings = self._meanings.get(tuple(words[place : place + length]))
                if meanings:
                    yield from meanings
                    place += length
                    break
            else:
                place += 1
