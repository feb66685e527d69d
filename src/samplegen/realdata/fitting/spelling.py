"""Which language titles are in, and how their phrases are spelled."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from samplegen.realdata.fitting.pieces import Piece
from samplegen.realdata.fitting.titles import Parsed, TitleParser
from samplegen.realdata.fitting.vocabulary import LANGUAGES, LINK, NOUN, Key, fold, fold_link, load_words

_LONGEST_CODE = 3


def detect_language(titles: Sequence[str]) -> str:
    """Give the language whose nouns and small words the titles hold most; English if none does."""
    scores = {}
    for language in LANGUAGES:
        words = load_words(language)
        parser = TitleParser([words], {})
        score = 0.0
        for title in titles:
            tokens = title.split()
            folded = [fold(token) for token in tokens]
            score += parser.find_noun(tokens, folded) is not None
            score += 0.5 * sum(fold_link(token) in words.links and token.isalpha() for token in tokens)
            score += 0.25 * sum((word,) in words.kinds for word in folded)
        scores[language] = score
    return max(LANGUAGES, key=lambda language: scores[language])


def unify_spelling(parsed: Sequence[Parsed]) -> list[Parsed]:
    """Write every phrase as it is written most often, so that capitals and plurals do not part what is one."""
    spellings: dict[tuple[str, Key], Counter[str]] = {}
    for entry in parsed:
        for piece in entry.pieces:
            spellings.setdefault(_identity(piece), Counter())[piece.text] += 1
    best = {
        identity: min(found, key=lambda text: (-found[text], text)) for identity, found in spellings.items()
    }
    return [
        replace(entry, pieces=tuple(replace(p, text=best[_identity(p)]) for p in entry.pieces))
        for entry in parsed
    ]


def _identity(piece: Piece) -> tuple[str, Key]:
    """Give what spellings of one phrase have in common; plural and singular stay apart, since both are right."""
    if piece.kind in (NOUN, LINK):
        return piece.kind, tuple(word.casefold() for word in piece.text.split())
    return piece.kind, tuple(word if _is_short_code(word) else word.casefold() for word in piece.text.split())


def _is_short_code(word: str) -> bool:
    """Tell whether a word is a name of capitals, such as the sizes PM and MM; capitals part it from other words."""
    return len(word) <= _LONGEST_CODE and word.isalpha() and word.isupper()
