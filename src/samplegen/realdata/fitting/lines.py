"""From generalised rows to product lines: places, title forms and the words of their slots."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count

from samplegen.realdata.fitting.pieces import ELIDED, Piece, without_loose_links
from samplegen.realdata.fitting.protection import Categories
from samplegen.realdata.fitting.titles import Parsed
from samplegen.realdata.fitting.vocabulary import COMMA, LINK, NOUN, key_of
from samplegen.templates.model import LEVEL_SEPARATOR

BLEND = 0.15
"""Most of a slot's weight that goes to words of other lines with the same noun or drawing, so that titles recombine."""
FORM_BLEND = 0.08
_LENT_WORDS = 5
_LENT_FORMS = 3
_MOST_SLOTS = 8
_DESCRIBING = re.compile(r"^\w*(?:ée?s?|vernis?|at[aeio]|ad[ao]s?)$", re.IGNORECASE)
"""Words for materials that describe and so cannot stand behind a link (en matelassé)."""
_VARYING = ("material", "colour", "pattern", "size", "style")
"""Kinds that make titles vary where nothing else does, the best first."""
Weights = dict[str, float]


@dataclass(frozen=True)
class Slot:
    """A form's slot: its name, and the kind whose words fill it."""

    name: str
    kind: str


@dataclass
class Line:
    """A product line as the pack will hold it."""

    key: tuple[str, str, Categories]
    """Drawing, noun and category triple."""
    rows: list[Parsed] = field(default_factory=list)
    forms: Weights = field(default_factory=dict)
    slots: dict[str, Weights] = field(default_factory=dict)
    price: float = 0.0
    spread: float = 0.0
    prices: Weights | None = None
    points: str = "main"
    weight: float = 0.0
    small: bool = False
    """Whether it has fewer rows than may be told of alone: then it says nothing that other lines do not say too."""

    @property
    def shape(self) -> str:
        """The drawing."""
        return self.key[0]

    @property
    def place(self) -> str:
        """The category levels as catalog.yaml has them."""
        return LEVEL_SEPARATOR.join(self.key[2])


def group_rows(parsed: Iterable[Parsed], *, min_count: int) -> list[Line]:
    """Group rows by drawing, noun and triple.

    Groups below `min_count` join the largest group of their drawing in the same triple. What is still small shares its
    rows evenly with the other small groups of the triple, so that no count below `min_count` can be read off.
    """
    groups: dict[tuple[str, str, Categories], list[Parsed]] = defaultdict(list)
    for entry in parsed:
        groups[entry.shape, entry.noun, entry.row.categories].append(entry)
    of_drawing: dict[tuple[str, Categories], list[Line]] = defaultdict(list)
    for key, rows in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        lines = of_drawing[key[0], key[2]]
        if lines and len(rows) < min_count:
            lines[0].rows += rows
        else:
            lines.append(Line(key, list(rows)))
    small: dict[Categories, list[Line]] = defaultdict(list)
    for line in (line for lines in of_drawing.values() for line in lines):
        line.weight, line.small = float(len(line.rows)), len(line.rows) < min_count
        if line.small:
            small[line.key[2]].append(line)
    for of_triple in small.values():
        for line in of_triple:
            line.weight = sum(len(other.rows) for other in of_triple) / len(of_triple)
    every = [line for lines in of_drawing.values() for line in lines]
    return sorted(every, key=lambda line: (-line.weight, line.key))


@dataclass(frozen=True)
class Grammar:
    """How titles of a language are put together."""

    head: str = "last"
    """Where the noun stands, first or last."""
    of: str = ""
    """The word between a noun and its material (en, in, de)."""
    material: Callable[[str], str] = lambda noun: ""
    """Gives the material that a noun names itself, or nothing (Ledermantel)."""

    def around(self, noun: str, kind: str) -> str:
        """Give a form of a noun and one slot."""
        if self.head == "last":
            return f"{{{kind}}} {noun}".strip()
        between = self.of if noun and kind == "material" else ""
        return " ".join(part for part in (noun, between, f"{{{kind}}}") if part)


def form_of(pieces: Sequence[Piece], noun: str, *, head: str = "last") -> tuple[str, list[tuple[Slot, str]]]:
    """Give the form of a title, and what fills its slots; the line's noun stands for the title's own."""
    words: list[str] = []
    filled: list[tuple[Slot, str]] = []
    used: Counter[str] = Counter()
    for piece in pieces:
        if piece.kind == NOUN:
            words.append(noun)
        elif piece.kind == LINK:
            words.append(piece.text)
        elif len(filled) < _MOST_SLOTS:
            used[piece.kind] += 1
            name = piece.kind + (str(used[piece.kind]) if used[piece.kind] > 1 else "")
            filled.append((Slot(name, piece.kind), piece.text))
            words.append(f"{{{name}}}")
    if noun and not any(piece.kind == NOUN for piece in pieces):
        words.insert(0 if head == "first" else len(words), noun)
    return " ".join(word for word in words if word).replace(f" {COMMA}", COMMA), filled


def learn_forms(
    lines: Sequence[Line], public: Callable[[str, str], Piece | None], grammar: Grammar = Grammar()
) -> None:
    """Learn every line's forms and slots: its own, and some that lines of the same noun and drawing lend.

    Args:
        lines: The lines; their `forms` and `slots` are set.
        public: Gives a phrase of a kind that suits a drawing, for a line whose titles could not vary otherwise.
        grammar: How titles of the language are put together.
    """
    own = [_own_forms(line, grammar) for line in lines]
    capital = grammar.head == "first" and _begin_with_capitals(lines)
    lent_words: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    lent_forms: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for line, (forms, words) in zip(lines, own, strict=True):
        for slot, counts in words.items():
            lent_words[line.shape, slot.kind] += counts
            lent_words[line.key[1] + "\0" + line.shape, slot.kind] += _tripled(counts)
        lent_forms[line.shape, line.key[1]] += forms
    for line, (forms, words) in zip(lines, own, strict=True):
        pool_forms = lent_forms[line.shape, line.key[1]]
        line.forms = blend({} if line.small else forms, pool_forms, FORM_BLEND, _LENT_FORMS)
        kinds = {slot.name: slot.kind for slot in words}
        for form in line.forms:
            for name in re.findall(r"{(\w+)}", form):
                kind = kinds.get(name) or name.rstrip("0123456789")
                mine = Counter() if line.small else words.get(Slot(name, kind), Counter())
                pool = lent_words[line.shape, kind] + lent_words[line.key[1] + "\0" + line.shape, kind]
                if kind == "material" and grammar.material(line.key[1]):
                    pool = Counter()  # words of other nouns could contradict it: Ledermantel aus Wolle
                line.slots[name] = blend(mine, pool, BLEND, _LENT_WORDS)
        _let_titles_vary(line, public, grammar)
        if capital:
            line.forms = {form[:1].upper() + form[1:]: weight for form, weight in line.forms.items()}


def _begin_with_capitals(lines: Iterable[Line]) -> bool:
    """Tell whether most titles begin with a capital."""
    begins = [entry.row.title[0].isupper() for line in lines for entry in line.rows]
    return sum(begins) > len(begins) / 2


def _own_forms(line: Line, grammar: Grammar) -> tuple[Counter[str], dict[Slot, Counter[str]]]:
    forms: Counter[str] = Counter()
    words: dict[Slot, Counter[str]] = defaultdict(Counter)
    noun, says_material = line.key[1], bool(grammar.material(line.key[1]))
    for entry in line.rows:
        borrowed = says_material and key_of(noun)[-1] not in key_of(entry.row.title)
        pieces = _without_material(entry.pieces) if borrowed else entry.pieces
        form, filled = form_of(pieces, noun, head=grammar.head)
        if not filled and (grammar.head == "last" or not form or " " in form):
            continue  # where nouns begin titles, one of a single word is a title; longer ones are never written whole
        forms[form] += 1
        for slot, text in filled:
            words[slot][text] += 1
    return forms, words


def _without_material(pieces: Sequence[Piece]) -> list[Piece]:
    """Leave materials out, with the links before them: the noun that stands in for the title's own names another."""
    kept: list[Piece] = []
    for piece in pieces:
        if piece.kind.removesuffix(ELIDED) != "material":
            kept.append(piece)
        else:
            while kept and kept[-1].kind == LINK:
                kept.pop()
    return without_loose_links(kept)


def _tripled(counts: Counter[str]) -> Counter[str]:
    return Counter({word: 2 * times for word, times in counts.items()})


def blend(own: Mapping[str, float], pool: Mapping[str, float], share: float, most: int) -> Weights:
    """Give a line's own weights with some of the pool's; the pool's come to `share` of all at most.

    None weighs more than in the pool, so that a word that only one row has stays rare in a line of many rows.
    """
    weights = {w: float(times) for w, times in sorted(own.items(), key=lambda item: (-item[1], item[0]))}
    lent = {word: times for word, times in pool.items() if word not in own}
    best = sorted(lent.items(), key=lambda item: (-item[1], item[0]))[: most if weights else 3 * most]
    total, of_lent = sum(weights.values()), sum(times for _, times in best)
    scale = min(total * share / (1 - share) / max(of_lent, 1), 1.0) if total else 1.0
    for word, times in best:
        weights[word] = max(round(times * scale, 2), 0.01)
    return weights


def _let_titles_vary(line: Line, public: Callable[[str, str], Piece | None], grammar: Grammar) -> None:
    """See to it that a line has forms with slots, and more than one title."""
    noun = line.key[1]
    varying = [kind for kind in _VARYING if kind != "material" or not grammar.material(noun)]
    if not line.slots:
        for kind in varying:
            phrases = _some(public, kind, line.shape)
            if grammar.head == "first" and kind == "material":
                phrases = [phrase for phrase in phrases if not _DESCRIBING.search(phrase)]
            if phrases:
                line.forms[grammar.around(noun, kind)] = max(round(BLEND * sum(line.forms.values()), 2), 1.0)
                line.slots = {kind: dict.fromkeys(phrases, 1.0)}
                break
    if max(map(len, line.slots.values()), default=0) > 1 or len(line.forms) > 1:
        return
    for kind in (kind for kind in varying if kind in line.slots):
        more = {phrase: 0.25 for phrase in _some(public, kind, line.shape) if phrase not in line.slots[kind]}
        if more:
            line.slots[kind] |= more
            return


def _some(public: Callable[[str, str], Piece | None], kind: str, shape: str) -> list[str]:
    """Give a few public phrases of a kind, in alphabetical order."""
    found = (public(kind, shape) for _ in range(12))
    return sorted({piece.text for piece in found if piece})[:4]


def line_names(lines: Sequence[Line]) -> list[str]:
    """Give every line a readable name of its own: first level, noun, last level where needed."""
    names: list[str] = []
    taken: set[str] = set()
    for line in lines:
        first, second, third = line.key[2]
        noun = line.key[1] or line.shape or "product"
        tries = [(first, noun), (first, noun, third), (first, noun, second, third)]
        options = [name_of(" ".join(parts)) for parts in tries]
        numbered = (f"{options[-1][:52]}_{number}" for number in count(2))
        name = next(option for option in chain(options, numbered) if option not in taken)
        taken.add(name)
        names.append(name)
    return names


def name_of(text: str) -> str:
    """Give the text as a name of a pack: letters, digits and underscores of ASCII, at most 60."""
    plain = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    return (name if name[:1].isalpha() else f"line_{name}").rstrip("_")[:58]


__all__ = ["ELIDED", "Line", "blend", "form_of", "group_rows", "learn_forms", "line_names", "name_of"]
