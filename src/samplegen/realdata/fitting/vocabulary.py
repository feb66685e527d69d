"""What words of a price list mean, in several languages: nouns to drawings, other words to kinds."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from samplegen.errors import FitError
from samplegen.templates.model import Lexicon
from samplegen.templates.pack_yaml import PackYamlError, read_yaml

LANGUAGES = ("en", "fr", "it", "de", "es")
NOUN, LINK, STYLE = "noun", "link", "style"
COMMA = ","
UNDRAWN = "undrawn"
"""What nouns of products mean that samplegen cannot draw; they show the closed box, whatever their category."""
Key = tuple[str, ...]
"""A phrase as it is compared: folded words."""

_ELIDED = re.compile(r"^(?:d|l|qu|j|n|s|un|dell|all|nell)'(?=\w)")


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a phrase stands in a pack's lexicon: section, key (of a variant: axis and choice)."""

    section: str
    key: str
    choice: str = ""


@dataclass
class Words:
    """The words of one language, as its file has them."""

    language: str
    head: str
    of: str
    """The word between a noun and its material."""
    after: frozenset[str]
    links: dict[str, str]
    nouns: dict[Key, str]
    open: Mapping[str, Mapping[str, Any]]
    categories: dict[Key, str]
    compounds: Mapping[str, Any] = field(default_factory=dict)
    """How words are put together, where the language does so; see `Compounds`."""
    kinds: dict[Key, str] = field(default_factory=dict)
    entries: dict[Key, list[Entry]] = field(default_factory=dict)
    colours: dict[Key, tuple[int, int, int]] = field(default_factory=dict)
    public: dict[str, list[str]] = field(default_factory=dict)
    """Kind to phrases that may stand in for rare ones."""
    public_nouns: dict[str, list[str]] = field(default_factory=dict)
    """Drawing to nouns."""


@lru_cache(maxsize=100_000)
def fold(word: str) -> str:
    """Give a word as words are compared: lower case, no accents, no plural, no comma at its end."""
    word = word.replace("\u2019", "'").casefold().strip(',.;:!?"()')
    if "'" in word:
        word = _ELIDED.sub("", word)
    if not word.isascii():
        word = "".join(s for s in unicodedata.normalize("NFKD", word) if not unicodedata.combining(s))
        word = word.replace("\u0153", "oe")
    return word[:-1] if len(word) > 3 and word[-1] in "sx" else word


def trimmed(word: str) -> str:
    """Give a word of a title without the signs that only part it from others."""
    return word.strip(",;#*") or word


def split_title(title: str, *, commas: bool) -> list[str]:
    """Give the words of a title; commas behind them as words of their own, or not at all."""
    words = []
    for word in title.split():
        words.append(trimmed(word))
        if commas and word.endswith(COMMA) and word != COMMA:
            words.append(COMMA)
    return words


def key_of(phrase: str) -> Key:
    """Give a phrase as phrases are compared."""
    return tuple(fold(word) or word for word in phrase.split())


def is_elided(word: str) -> bool:
    """Tell whether a word begins with an article or preposition that lost its vowel (d'agneau)."""
    return bool(_ELIDED.match(word.replace("\u2019", "'").casefold()))


@cache
def load_words(language: str) -> Words:
    """Read the words of a language that come with samplegen."""
    path = Path(str(files("samplegen"))) / "realdata" / "fitting" / "words" / f"{language}.yaml"
    content: Any = read_yaml(path)
    words = Words(
        language=language,
        head=content["head"],
        of=content.get("of", ""),
        after=frozenset(map(fold_link, content["after"])),
        links={fold_link(link): link for link in content["links"]},
        nouns=dict(_by_key(content["nouns"].items())),
        open=content["open"],
        categories=dict(_by_key(content["categories"].items())),
        compounds=content.get("compounds", {}),
        public_nouns={shape: list(nouns) for shape, nouns in content["nouns"].items()},
    )
    words.public["style"] = list(content["samples"])
    lexicon = Lexicon.model_validate({k: content[k] for k in Lexicon.model_fields if k in content})
    add_lexicon(words, lexicon)
    return words


def fold_link(word: str) -> str:
    """Give a link as links are compared: accents count, since they tell words apart (a and à)."""
    return word.replace("\u2019", "'").casefold()


def _by_key(items: Iterable[tuple[str, Sequence[str]]]) -> Iterator[tuple[Key, str]]:
    for meaning, phrases in items:
        for phrase in phrases:
            yield key_of(phrase), meaning


def add_lexicon(words: Words, lexicon: Lexicon, *, public: bool = True) -> None:
    """Add a pack's lexicon: the kinds of its phrases, and where each stands.

    Where a phrase stands in several sections, the slot that the pack names for it is its kind, then material,
    pattern, colour and last what it says about the cut.
    """
    for phrase, kind, entry in reversed(list(lexicon_entries(lexicon))):
        key = key_of(phrase)
        words.kinds[key] = kind
        if entry not in (entries := words.entries.setdefault(key, [])):
            entries.insert(0, entry)
    for name, rgb in lexicon.colours.items():
        words.colours[key_of(name)] = rgb
    if public:
        for phrase, kind, _ in lexicon_entries(lexicon):
            if phrase not in (phrases := words.public.setdefault(kind, [])):
                phrases.append(phrase)


def lexicon_entries(lexicon: Lexicon) -> Iterator[tuple[str, str, Entry]]:
    """Give every phrase of a lexicon with its kind and its place, what decides the kind first."""
    for kind, phrases in lexicon.words.items():
        for phrase in phrases:
            yield phrase, kind, Entry("words", kind)
    for section, kind in (("materials", "material"), ("patterns", "pattern")):
        for key, phrases in getattr(lexicon, section).items():
            for phrase in phrases:
                yield phrase, kind, Entry(section, key)
    for name in lexicon.colours:
        yield name, "colour", Entry("colours", name)
    for axis, choices in lexicon.variants.items():
        kind = {"size": "size", "trim_pattern": "detail"}.get(axis, "cut")
        for choice, phrases in choices.items():
            for phrase in phrases:
                yield phrase, kind, Entry("variants", axis, choice)


def merged_rules(rules: Sequence[Mapping[str, str | Sequence[str]]]) -> dict[str, str | Sequence[str]]:
    """Join what several languages say about an open noun; the first language's usual drawing counts."""
    merged: dict[str, str | Sequence[str]] = {}
    for rule in rules:
        for shape, words in rule.items():
            known = merged.setdefault(shape, words)
            if known is not words and shape != "usual":
                merged[shape] = [*known, *words]
    return merged


def read_shapes(path: Path) -> dict[Key, str]:
    """Read a mapping from words to drawings that a user completed; empty values are skipped.

    Raises:
        FitError: If it cannot be read or holds anything else.
    """
    try:
        content = read_yaml(path)
    except (OSError, PackYamlError) as error:
        raise FitError(f"{path}: cannot be read: {error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(v, str | None) for v in content.values()):
        raise FitError(f"{path}: found {content!r:.80}; allowed are lines such as 'poncho: cape'.")
    return {key_of(str(word)): shape for word, shape in content.items() if shape}
