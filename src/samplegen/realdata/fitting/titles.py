"""Takes titles apart: the noun, the phrases that fill slots by kind, the small words between them."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from samplegen.realdata.fitting.compounds import Compounds
from samplegen.realdata.fitting.pieces import (
    Piece,
    is_measure,
    joined_kinds,
    with_measures,
    without_loose_links,
)
from samplegen.realdata.fitting.table import NO_LEVEL, Row
from samplegen.realdata.fitting.vocabulary import (
    COMMA,
    LINK,
    NOUN,
    STYLE,
    UNDRAWN,
    Key,
    Words,
    fold,
    fold_link,
    key_of,
    merged_rules,
    split_title,
)

_AND = re.compile(r"\s+(?:et|e|y|and)\s+|\s*[&,/]\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A row whose title is taken apart."""

    row: Row
    pieces: tuple[Piece, ...]
    shape: str
    """The drawing; empty where neither title nor categories name one that is known."""
    unknown: str = ""
    """What a user is asked to name a drawing for, where there is none."""
    guess: str = ""
    """A word that names no product, of which the drawing is that of its category."""

    @property
    def noun(self) -> str:
        """The noun, or nothing where the title has none that is known."""
        return next((piece.text for piece in self.pieces if piece.kind == NOUN), "")

    @property
    def slots(self) -> list[Piece]:
        """The pieces that fill slots."""
        return [piece for piece in self.pieces if piece.kind not in (NOUN, LINK)]


class TitleParser:
    """Takes titles of one table apart, by the words of its language and those of the user."""

    def __init__(self, languages: Sequence[Words], mapping: Mapping[Key, str]) -> None:
        self._languages = languages
        self._mapping = mapping
        main = languages[0]
        self.head, self._after, self._links = main.head, main.after, main.links
        self._compounds = Compounds.of(main)
        self._nouns: dict[Key, str] = {}
        self._categories: dict[Key, str] = {}
        self._kinds: dict[Key, str] = {}
        for words in reversed(languages):
            self._nouns |= _beside(words.nouns, main) if words is not main else words.nouns
            self._kinds |= _beside(words.kinds, main) if words is not main else words.kinds
            self._categories |= words.categories
        names = {name for words in languages for name in words.open}
        of_main = {*main.nouns.values()} - {*main.open}  # what a noun of the main language means is not open
        self._open = {
            name: merged_rules([words.open.get(name, {}) for words in languages]) for name in names - of_main
        }
        self._nouns |= mapping
        self._longest_noun = max(map(len, self._nouns))
        self._longest_phrase = max(map(len, self._kinds))
        self._joined: set[tuple[str, str]] = set()

    def learn_joined(self, titles: Iterable[str], *, at_least: int) -> None:
        """Learn which unknown words make one phrase, as they mostly stand together (Thomas Bear)."""
        words: Counter[str] = Counter()
        pairs: Counter[tuple[str, str]] = Counter()
        for title in titles:
            folded = [fold(token) for token in title.split()]
            known = [(word,) in self._kinds or bool(self._meaning((word,))) for word in folded]
            links = [self._is_link(token) for token in title.split()]
            words.update({word for word in folded})
            for (first, second), k, link in zip(
                pairwise(folded), pairwise(known), pairwise(links), strict=True
            ):
                if not any(k) and not any(link) and not any(map(_numeric, (first, second))):
                    pairs[first, second] += 1
        self._joined = {
            pair
            for pair, count in pairs.items()
            if count >= at_least and count >= 0.7 * min(words[pair[0]], words[pair[1]])
        }

    def parse(self, row: Row) -> Parsed:
        """Take the title of a row apart."""
        tokens = with_measures(split_title(row.title, commas=self.head == "first"))
        folded = [fold(token) for token in tokens]
        span = self.find_noun(tokens, folded, names_behind=bool(self._compounds.ends))
        shape, unknown = self._shape(row, folded, span)
        open_to_guess = self.head == "first" and not self._mapped(row, folded)
        guessed = open_to_guess and span is None and bool(shape)
        if open_to_guess and span and self._begins_with_name(tokens, folded, span[0]):
            of_category = self._of_levels(_levels(row), folded)
            if of_category not in ("", UNDRAWN, shape):  # the later noun only describes: Keepall Bandoulière
                shape, span, guessed = of_category, None, True
        if span is None:
            pieces = [*self._pieces(tokens, folded, 0, len(tokens))]
        else:
            noun = Piece(NOUN, " ".join(tokens[span[0] : span[1]]))
            before = self._pieces(tokens, folded, 0, span[0])
            pieces = [*before, noun, *self._pieces(tokens, folded, span[1], len(tokens))]
        if not shape:
            named = next((piece.text for piece in pieces if piece.kind == NOUN), "")
            unknown = unknown or named or self._likely_noun(pieces) or row.title.split()[0]
        guess = self._likely_noun(pieces) if guessed else ""
        return Parsed(row, tuple(joined_kinds(without_loose_links(pieces))), shape, unknown, guess)

    def _begins_with_name(self, tokens: list[str], folded: list[str], noun_at: int) -> bool:
        """Tell whether a title whose noun should come first begins with words that mean nothing instead."""
        before = (i for i in range(noun_at) if (folded[i],) not in self._kinds)
        return any(self._unknown_kind(tokens, folded, i) == STYLE for i in before)

    def find_noun(
        self, tokens: list[str], folded: list[str], *, names_behind: bool = False
    ) -> tuple[int, int] | None:
        """Give where the noun begins and ends among a title's words, if it has one that is known.

        With `names_behind`, an unknown word behind a noun that stands last otherwise is a name (Stiefel Anna). A
        compound is taken so always: a language that puts words together does not put a second noun behind them.
        """
        stop = next(
            (i for i, t in enumerate(tokens) if i and (t == COMMA or fold_link(t) in self._after)),
            len(tokens),
        )
        if self.head == "last":
            return self._match_last(folded[:stop], names_behind=names_behind)
        return self._match_first(folded, stop)

    def _match_last(self, folded: list[str], *, names_behind: bool) -> tuple[int, int] | None:
        for end in range(len(folded), 0, -1):
            for start in range(max(0, end - self._longest_noun), end):
                if tuple(folded[start:end]) in self._nouns:
                    return (start, end) if names_behind or self._all_known(folded[end:]) else None
            if self._meaning((folded[end - 1],)):
                return end - 1, end
        return None

    def _meaning(self, key: Key) -> str:
        """Give what a noun means, be it known as a whole or by its end; empty if it is none."""
        if key in self._nouns:
            return self._nouns[key]
        return self._compounds.meaning(key[0]) if len(key) == 1 and key not in self._kinds else ""

    def _all_known(self, folded: list[str]) -> bool:
        """Tell whether words behind a noun describe it; an unknown one may be the noun itself (Bear Print Bodysuit)."""
        return not folded or (folded[-1],) in self._kinds or _numeric(folded[-1]) or self._is_link(folded[-1])

    def _match_first(self, folded: list[str], stop: int) -> tuple[int, int] | None:
        for start in range(stop):
            for end in range(min(len(folded), start + self._longest_noun), start, -1):
                if tuple(folded[start:end]) in self._nouns:
                    return start, end
        return None

    def _shape(self, row: Row, folded: list[str], span: tuple[int, int] | None) -> tuple[str, str]:
        levels = _levels(row)
        if mapped := self._mapped(row, folded):
            return mapped, ""
        if span is not None:
            shape = self._opened(self._meaning(tuple(folded[span[0] : span[1]])), folded, levels)
            return ("" if shape == UNDRAWN else shape), ""
        shape = self._of_levels(levels, folded)
        return ("" if shape == UNDRAWN else shape), ""

    def _mapped(self, row: Row, folded: list[str]) -> str:
        """Give the drawing that the user named for words of the title, else of the categories."""
        for phrase in [" ".join(folded), *_levels(row)]:
            for key in _phrases(key_of(phrase), 6):
                if key in self._mapping:
                    return self._mapping[key]
        return ""

    def _of_levels(self, levels: list[str], folded: list[str]) -> str:
        """Give the drawing that the lowest level which names just one product names, if any does."""
        for level in levels:
            if self.head == "first" and self._holds_more(level):
                continue
            words = [fold(word) for word in re.split(r"[\s/&,>-]+", level) if word]
            found = {self._opened(name, folded, levels) for name in self._named_in(words)}
            if len(found) == 1:
                return found.pop()
        return ""

    def _holds_more(self, level: str) -> bool:
        """Tell whether a category joins products of which not all are known (CEINTURES ET ZORGLUBS)."""
        parts = [[fold(word) for word in re.split(r"[\s>-]+", part) if word] for part in _AND.split(level)]
        return len(parts) > 1 and not all(self._named_in(part) for part in parts)

    def _named_in(self, words: list[str]) -> set[str]:
        """Give what the nouns in the words of a category mean, the longest first."""
        named, place = set(), 0
        while place < len(words):
            for end in range(min(len(words), place + self._longest_noun), place, -1):
                key = tuple(words[place:end])
                meaning = self._categories.get(key) or self._nouns.get(key)
                if meaning:
                    named.add(meaning)
                    place = end
                    break
            else:
                place += 1
        return named

    def _opened(self, name: str, folded: list[str], levels: list[str]) -> str:
        """Give the drawing of a noun that leaves it open, by other words of the title, then of the categories."""
        rules = self._open.get(name)
        if not rules:
            return name
        for words in (folded, *([*map(fold, re.split(r"[\s/&,>]+", level))] for level in levels)):
            phrases = set(_phrases(tuple(words), 4))
            for shape, triggers in rules.items():
                if shape != "usual" and any(key_of(trigger) in phrases for trigger in triggers):
                    return shape
        return str(rules["usual"])

    def _pieces(self, tokens: list[str], folded: list[str], start: int, stop: int) -> Iterator[Piece]:
        place = start
        while place < stop:
            for end in range(min(stop, place + self._longest_phrase), place, -1):
                kind = self._kinds.get(tuple(folded[place:end]))
                if kind and (end > place + 1 or not self._is_link(tokens[place])):
                    yield Piece(kind, " ".join(tokens[place:end]))
                    place = end
                    break
            else:
                end = self._end_of_unknown(tokens, folded, place, stop)
                yield Piece(self._unknown_kind(tokens, folded, place), " ".join(tokens[place:end]))
                place = end

    def _end_of_unknown(self, tokens: list[str], folded: list[str], place: int, stop: int) -> int:
        if self._is_link(tokens[place]):
            return place + 1
        end = place + 1
        while (
            end < stop and (folded[end - 1], folded[end]) in self._joined and not self._is_link(tokens[end])
        ):
            end += 1
        return end

    def _unknown_kind(self, tokens: list[str], folded: list[str], place: int) -> str:
        word = tokens[place]
        if self._is_link(word):
            return LINK
        if is_measure(word):
            return "volume"
        if _numeric(word):
            return "number"
        return "detail" if self._meaning((folded[place],)) else STYLE

    def _is_link(self, token: str) -> bool:
        return token == COMMA or fold_link(token) in self._links

    def _likely_noun(self, pieces: Sequence[Piece]) -> str:
        unknown = [piece.text for piece in pieces if piece.kind == STYLE]
        return (unknown[-1] if self.head == "last" else unknown[0]) if unknown else ""


def _levels(row: Row) -> list[str]:
    return [level for level in reversed(row.categories) if level != NO_LEVEL]


def _beside(words: Mapping[Key, str], main: Words) -> dict[Key, str]:
    """Give the words of another language that cannot be taken for words of the main one (rouge, compact)."""
    known = {*main.kinds, *main.nouns, *((link,) for link in main.links)}
    return {key: meaning for key, meaning in words.items() if key not in known and sum(map(len, key)) > 3}


def _phrases(words: Key, longest: int) -> Iterator[Key]:
    for length in range(min(longest, len(words)), 0, -1):
        for start in range(len(words) - length + 1):
            yield words[start : start + length]


def _numeric(word: str) -> bool:
    return any(sign.isdigit() for sign in word)
