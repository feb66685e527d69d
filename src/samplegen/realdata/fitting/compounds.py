"""Words put together (Ledermantel): the noun that the end is, and the material that the part before it names."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from samplegen.realdata.fitting.vocabulary import Words, fold, key_of

_SHORTEST_END = 4
_SHORTEST_FRONT = 3
"""Letters before a noun; fewer are mostly a part of another word (Barock is no Rock)."""
_HYPHEN = "-"


@dataclass(frozen=True)
class Compounds:
    """How a language puts words together; of one that does not, nothing is found.

    All words are folded.
    """

    ends: Mapping[str, str]
    """Nouns that words may end with, and what each means."""
    weak: frozenset[str]
    """Those of them that other words end with too, as Garderobe with Robe: only behind a material are they the noun."""
    others: frozenset[str]
    """Words that are no nouns whatever their end."""
    materials: Mapping[str, str]
    """Words for materials as they stand before a noun, and their key."""
    joints: tuple[str, ...]
    """What may stand between two parts; nothing may too."""

    @classmethod
    def of(cls, words: Words) -> Self:
        """Give the rules of a language, from its word lists."""
        rules = words.compounds
        if not rules:
            return cls({}, frozenset(), frozenset(), {}, ())
        unsaid = {fold(word) for word in rules["unsaid"]}
        known = {
            key[0]: entry.key
            for key, entries in words.entries.items()
            for entry in entries[:1]
            if len(key) == 1 and entry.section == "materials" and key[0] not in unsaid
        }
        short = {fold(word): material for material, found in rules["materials"].items() for word in found}
        return cls(
            ends={key[0]: meaning for key, meaning in words.nouns.items() if len(key) == 1},
            weak=frozenset(map(fold, rules["weak"])),
            others=frozenset(map(fold, rules["others"])) | {key[0] for key in words.kinds if len(key) == 1},
            materials=known | short,
            joints=("", *rules["joints"]),
        )

    def meaning(self, word: str) -> str:
        """Give what the longest noun means that a folded word ends with; empty if it ends with none."""
        front, end = next(self._parted(word), ("", ""))
        if not end or word in self.others:
            return ""
        if len(end) < _SHORTEST_END or end in self.weak:
            return self.ends[end] if self._of_front(front) else ""
        clear = len(front) >= _SHORTEST_FRONT or front.endswith(_HYPHEN)
        return self.ends[end] if clear else ""

    def material(self, noun: str) -> str:
        """Give the key of the material that a noun names itself; empty if it names none."""
        word = key_of(noun)[-1] if noun.strip() else ""
        return next(filter(None, (self._of_front(front) for front, _ in self._parted(word))), "")

    def _parted(self, word: str) -> Iterator[tuple[str, str]]:
        """Give a word as what stands before a noun and that noun, the longest noun first."""
        return ((word[:at], word[at:]) for at in range(1, len(word)) if word[at:] in self.ends)

    def _of_front(self, front: str) -> str:
        """Give the material that a front is or ends with (Damenleder-)."""
        front = front.rstrip(_HYPHEN)
        for at in (0, *range(_SHORTEST_FRONT, len(front))):
            for joint in self.joints:
                tail = front[at:]
                if tail.endswith(joint) and (found := self.materials.get(tail.removesuffix(joint))):
                    return found
        return ""
