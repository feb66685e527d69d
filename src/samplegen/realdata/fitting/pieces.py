"""Parts of titles: what each is, and which of them belong together."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from samplegen.realdata.fitting.vocabulary import LINK, NOUN, fold_link, is_elided

ELIDED = "_of"
"""Ending of the kinds whose phrases begin with an elided word; they fit after a noun, not after another link."""
_MERGED = {"material", "pattern", "cut", "detail", "colour"}
"""Kinds of which two that stand together are one phrase: Monogram Motif Vintage Check."""
_JOINING = {"de", "di", "du", "d'"}
_UNITS = r"(?:ml|cl|cm|mm|g|kg|oz|l)"
_MEASURE = re.compile(rf"\d+(?:[.,]\d+)?\s?{_UNITS}", re.IGNORECASE)
_PARTED_MEASURE = re.compile(rf"\d+(?:[.,]\d+)? {_UNITS}", re.IGNORECASE)
_LONGEST_MERGED = 5


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a title: its kind (a slot's name, or noun or link) and its words."""

    kind: str
    text: str


def is_measure(phrase: str) -> bool:
    """Tell whether a phrase is a number with its unit (50ml, 40 mm)."""
    return bool(_MEASURE.fullmatch(phrase))


def with_measures(tokens: Sequence[str]) -> list[str]:
    """Join a number and the unit behind it, so that "40 mm" is not taken for a size MM."""
    joined: list[str] = []
    for token in tokens:
        if joined and _PARTED_MEASURE.fullmatch(f"{joined[-1]} {token}"):
            joined[-1] += f" {token}"
        else:
            joined.append(token)
    return joined


def without_loose_links(pieces: Iterable[Piece]) -> list[Piece]:
    """Drop links that link nothing: at the beginning and at the end."""
    kept = list(pieces)
    while kept and kept[-1].kind == LINK:
        kept.pop()
    while len(kept) > 1 and kept[0].kind == LINK:
        kept.pop(0)
    return kept


def joined_kinds(pieces: list[Piece]) -> Iterator[Piece]:
    """Make one piece of those of one kind that stand together, or are joined by a link (toile de coton)."""
    merged: list[Piece] = []
    for piece in pieces:
        last = merged[-1] if merged else None
        if last and piece.kind in _MERGED and last.kind == piece.kind and _fits(last, piece):
            merged[-1] = replace(last, text=f"{last.text} {piece.text}")
        elif (
            len(merged) > 1
            and piece.kind in _MERGED
            and last
            and last.kind == LINK
            and fold_link(last.text) in _JOINING
            and merged[-2].kind == piece.kind
            and _fits(merged[-2], piece)
        ):
            merged[-2:] = [replace(piece, text=f"{merged[-2].text} {last.text} {piece.text}")]
        else:
            merged.append(piece)
    for piece in merged:
        elided = piece.kind not in (NOUN, LINK) and is_elided(piece.text.split()[0])
        yield replace(piece, kind=piece.kind + ELIDED) if elided else piece


def _fits(first: Piece, second: Piece) -> bool:
    return len(first.text.split()) + len(second.text.split()) < _LONGEST_MERGED
