"""Keeps rare values out: rows are generalised until every value that they hold was seen often enough.

What is learned from generalised rows holds no rare value, whatever is done with them afterwards.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random

from samplegen.realdata.fitting.compounds import Compounds
from samplegen.realdata.fitting.pieces import ELIDED, Piece
from samplegen.realdata.fitting.table import NO_LEVEL
from samplegen.realdata.fitting.titles import Parsed
from samplegen.realdata.fitting.vocabulary import (
    COMMA,
    LINK,
    NOUN,
    STYLE,
    Words,
    key_of,
    split_title,
    trimmed,
)
from samplegen.templates.model import Garment

Categories = tuple[str, str, str]
_SUIT_ALL = ("style", "colour", "size")
"""Kinds whose public phrases suit every product."""


@dataclass(frozen=True)
class Seen:
    """How many rows hold a word or a run of words, by the titles as they stand in the table."""

    titles: Sequence[str]
    at_least: int

    @cached_property
    def _runs(self) -> Counter[str]:
        counts: Counter[str] = Counter()
        for title in self.titles:
            tokens = [trimmed(token) for token in title.split()]
            counts.update(
                {
                    " ".join(tokens[start:end])
                    for start in range(len(tokens))
                    for end in range(start + 1, min(len(tokens), start + 12) + 1)
                }
            )
            counts[COMMA] += any(COMMA in split_title(word, commas=True) for word in title.split())
        return counts

    @cached_property
    def _rare_words(self) -> frozenset[str]:
        words: Counter[str] = Counter()
        for title in self.titles:
            words.update({trimmed(word).casefold() for word in title.split()})
        return frozenset(word for word, count in words.items() if count < self.at_least)

    @cached_property
    def _whole(self) -> frozenset[str]:
        return frozenset(" ".join(title.split()).casefold() for title in self.titles)

    def often(self, phrase: str) -> bool:
        """Tell whether a phrase may be written."""
        return self.at_least <= 1 or self._runs[phrase] >= self.at_least

    def free(self, phrase: str) -> bool:
        """Tell whether a public phrase holds no word that only a few rows have."""
        if self.at_least <= 1:
            return True
        return self.often(phrase) or not self._rare_words & {word.casefold() for word in phrase.split()}

    def is_title(self, phrase: str) -> bool:
        """Tell whether a phrase of several words is a whole title of the table."""
        return " " in phrase and phrase.casefold() in self._whole


class Generalizer:
    """Replaces what is rare in rows by what is common, or by public words of the same kind."""

    def __init__(
        self,
        words: Words,
        parsed: Sequence[Parsed],
        garments: Mapping[str, Garment],
        *,
        min_count: int,
        rng: Random,
    ) -> None:
        self._words, self._garments, self._rng, self._min_count = words, garments, rng, min_count
        self._material = Compounds.of(words).material
        self.seen = Seen([entry.row.title for entry in parsed], min_count)
        self._style = _case_style([entry.row.title for entry in parsed])
        self._name_style = _case_style([entry.row.title for entry in parsed], names=True)
        self._common = _common_phrases(parsed, self.seen)
        self._public: dict[tuple[str, str], list[str]] = {}
        self._nouns = Counter(
            (entry.shape, entry.noun) for entry in parsed if entry.noun and self.seen.often(entry.noun)
        )
        self._places = _PlaceRoads(parsed, min_count)

    def apply(self, entry: Parsed) -> Parsed:
        """Give a row without rare values: categories, noun and phrases."""
        if self._min_count <= 1:
            return replace(entry, pieces=tuple(self._split_title(entry.pieces)))
        pieces: list[Piece] = []
        for piece in self._split_title(entry.pieces):
            made = self._piece(piece, entry.shape)
            if made is None:  # the link before it links nothing now
                while pieces and pieces[-1].kind == LINK:
                    pieces.pop()
            else:
                pieces.append(made)
        while pieces and pieces[-1].kind == LINK:
            pieces.pop()
        row = replace(entry.row, categories=self._places.of(entry))
        unknown = entry.unknown if self.seen.often(entry.unknown) else ""
        guess = entry.guess if self.seen.often(entry.guess) else ""
        return replace(entry, row=row, pieces=tuple(pieces), unknown=unknown, guess=guess)

    def _split_title(self, pieces: Iterable[Piece]) -> list[Piece]:
        """Part a phrase that is a whole title of the table, so that titles are only ever put together."""
        parted = []
        for piece in pieces:
            if piece.kind not in (NOUN, LINK) and self.seen.is_title(piece.text):
                parted += [replace(piece, text=word) for word in piece.text.split()]
            else:
                parted.append(piece)
        return parted

    def _piece(self, piece: Piece, shape: str) -> Piece | None:
        if self.seen.often(piece.text):
            return piece
        if piece.kind == LINK:
            return None
        if piece.kind == NOUN:
            return self._noun(piece, shape)
        return self._part(piece, shape) or self.public(piece.kind, shape, len(piece.text.split()))

    def _part(self, piece: Piece, shape: str) -> Piece | None:
        """Give the longest part of a phrase that is common and of the same kind (Poplin of Stretch Poplin).

        Where the drawing has a common phrase with that part and as many words, that one (Cotton Poplin).
        """
        words = piece.text.split()
        for length in range(len(words) - 1, 0, -1):
            for start in range(len(words) - length, -1, -1):
                part = " ".join(words[start : start + length])
                kind = self._words.kinds.get(key_of(part), STYLE)
                if self.seen.often(part) and kind == piece.kind.removesuffix(ELIDED):
                    common = self._common.get((piece.kind, shape), [])
                    alike = [p for p in common if f" {part} " in f" {p} " and len(p.split()) == len(words)]
                    return replace(piece, text=self._rng.choice(alike) if alike else part)
        return None

    def _noun(self, piece: Piece, shape: str) -> Piece | None:
        """Give another noun for the same drawing: one of the table that is common, else a public one.

        One of as many words, if there is any, so that titles keep their length; and if it can be, none that names
        another material (Ledermantel for Wollmantel).
        """
        length, said = len(piece.text.split()), {"", self._material(piece.text)}
        common = {noun: count for (of, noun), count in self._nouns.items() if of == shape}
        names = [shape, *(name for name, rules in self._words.open.items() if rules["usual"] == shape)]
        public = [n for name in names for n in self._words.public_nouns.get(name, []) if self.seen.free(n)]
        for anyhow in (False, True):
            if nouns := [noun for noun in common if anyhow or self._material(noun) in said]:
                best = max(_of_length(nouns, length), key=lambda noun: (common[noun], noun))
                return replace(piece, text=best)
            if nouns := [noun for noun in public if anyhow or self._material(noun) in said]:
                return replace(piece, text=self._style(_of_length(nouns, length)[0]))
        return None

    def public(self, kind: str, shape: str = "", length: int = 1) -> Piece | None:
        """Give a phrase of a kind that suits a drawing: a public one, or one that the table has often.

        Args:
            kind: See `Piece`.
            shape: The drawing.
            length: Words that the phrase should have; those come first that come near it.
        """
        base = kind.removesuffix(ELIDED)
        common = self._common.get((kind, shape), [])
        public = self._suiting(base, shape) if kind == base else []
        if base in _SUIT_ALL or (public and self._rng.random() < 0.5):
            common = public or common
        phrases = _of_length(common or public, length)
        return Piece(kind, self._rng.choice(phrases)) if phrases else None

    def _suiting(self, kind: str, shape: str) -> list[str]:
        """Give the public phrases of a kind that suit a drawing and may be written."""
        if (kind, shape) not in self._public:
            styled = (
                (self._name_style if kind == STYLE else self._style)(phrase)
                for phrase in self._words.public.get(kind, [])
                if self._suits(phrase, kind, shape)
            )
            free = [phrase for phrase in styled if self.seen.free(phrase) and not self.seen.is_title(phrase)]
            self._public[kind, shape] = free
        return self._public[kind, shape]

    def _suits(self, phrase: str, kind: str, shape: str) -> bool:
        """Tell whether a garment can be of a material; cuts belong to single garments, so none suits unseen."""
        if kind in ("cut", "detail"):
            return False
        garment = self._garments.get(shape)
        if kind != "material" or garment is None:
            return True
        keys = {
            entry.key for entry in self._words.entries.get(key_of(phrase), []) if entry.section == "materials"
        }
        return bool(keys & {*garment.materials, *garment.wears})


def _of_length(phrases: Iterable[str], length: int) -> list[str]:
    """Give the phrases whose number of words is nearest to `length`."""
    off = [(abs(len(phrase.split()) - length), phrase) for phrase in phrases]
    least = min(off, default=(0, ""))[0]
    return [phrase for away, phrase in off if away == least]


def _common_phrases(parsed: Iterable[Parsed], seen: Seen) -> dict[tuple[str, str], list[str]]:
    """Give the common phrases by kind and drawing, each as often as rows have it."""
    common: dict[tuple[str, str], list[str]] = {}
    for entry in parsed:
        for piece in entry.slots:
            if seen.often(piece.text) and not seen.is_title(piece.text):
                common.setdefault((piece.kind, entry.shape), []).append(piece.text)
    return common


def _case_style(titles: Sequence[str], *, names: bool = False) -> Callable[[str], str]:
    """Give the function that writes a phrase in capitals as the titles are written.

    Names keep theirs among small letters (Sac Solène), unless titles do not even begin with one.
    """
    words = [word for title in titles for word in title.split()[1:] if len(word) > 3 and word.isalpha()]
    upper = sum(word.isupper() for word in words)
    lower = sum(word.islower() for word in words)
    if words and upper > len(words) / 2:
        return str.upper
    small = sum(title[:1].islower() for title in titles) > len(titles) / 2
    if words and lower > len(words) / 2 and (small or not names):
        return str.lower
    return lambda phrase: phrase


class _PlaceRoads:
    """Leads rare category triples to common ones: the nearest in the tree, or a level that is left open."""

    def __init__(self, parsed: Sequence[Parsed], min_count: int) -> None:
        self._min_count = min_count
        self._counts = Counter(entry.row.categories for entry in parsed)
        self._common = {triple for triple, count in self._counts.items() if count >= min_count}
        self._shapes = Counter((entry.row.categories, entry.shape) for entry in parsed)
        rare = [entry.row.categories for entry in parsed if entry.row.categories not in self._common]
        self._firsts = Counter(triple[0] for triple in rare)
        self._seconds = Counter(triple[:2] for triple in rare)

    def of(self, entry: Parsed) -> Categories:
        """Give the common triple for a row."""
        triple = entry.row.categories
        if triple in self._common:
            return triple
        first, second, third = triple
        near = [t for t in self._common if t[:2] == triple[:2]]
        if near:
            return self._best(near, entry.shape)
        if self._seconds[first, second] >= self._min_count:
            return (first, second, NO_LEVEL)
        near = [t for t in self._common if t[0] == first and t[2] == third != NO_LEVEL]
        near = near or [t for t in self._common if t[0] == first and self._shapes[t, entry.shape]]
        near = near or [t for t in self._common if t[0] == first]
        if near:
            return self._best(near, entry.shape)
        if self._firsts[first] >= self._min_count:
            return (first, NO_LEVEL, NO_LEVEL)
        return (NO_LEVEL, NO_LEVEL, NO_LEVEL)

    def _best(self, triples: Iterable[Categories], shape: str) -> Categories:
        return max(triples, key=lambda t: (self._shapes[t, shape], self._counts[t], t))


def common_values(counts: Mapping[str, int], min_count: int) -> dict[str, int]:
    """Give the values that at least `min_count` rows hold."""
    return {value: count for value, count in counts.items() if count >= min_count}
