"""From what a model wrote to the fields of a product, led by the form that its answers were trained on."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from finetune.forms import PromptForm

_ENDS = re.compile(r"<\|(?:end|endoftext|assistant|user|system)\|>")
_SPACE = re.compile(r"\s+")
_EDGES = " \t\r\n,;|"
_SIGN = r"(?<![\d.,])(-\s?)?[^\w\s.,-]?\s?"
_DIGITS = r"((?:(?<!\w)\.)?\d(?:[\d.,'\u2019]|[ \u00a0\u202f](?=\d{3}(?!\d)))*(?:e[+-]?\d+)?)"
_NUMBER = re.compile(_SIGN + _DIGITS, re.IGNORECASE)
"""A minus, a sign of a currency, then digits in groups."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was understood of one answer; None where there was nothing to understand."""

    title: str | None = None
    category: str | None = None
    price: float | None = None
    """In the list's own currency, 0 or above."""


def parse_answer(text: str, form: PromptForm) -> Answer:
    """Read the fields of a generated text.

    A field goes from its label to the next label that the text has, so that commas may stand in titles and labels
    may be missing. The text ends at the first special token.

    Returns:
        None for each field that is missing, empty or, for a price, no number.
    """
    text = _ENDS.split(text, maxsplit=1)[0]
    values = _by_pattern(text, form) or dict(_by_labels(text, form))
    return Answer(
        title=as_words(values.get("title", "")),
        category=as_words(values.get("category", "")),
        price=parse_price(values.get("price", "")),
    )


def parse_price(text: str) -> float | None:
    """Read the first price of a text: ``1290.0``, ``1,290.00``, ``$1290``, ``1.290,00``, ``1 290``.

    One point is a decimal point, as Python prints numbers; one comma before three digits parts thousands, and so do
    points or commas that stand before each three digits.

    Returns:
        None if there is no number, one below 0, or one like ``1.2.3``: a price that cannot be read is unknown, not 0.
    """
    found = _NUMBER.search(text)
    if not found or found[1]:
        return None
    mantissa, _, exponent = found[2].lower().partition("e")
    digits = re.sub(r"[^\d.,]", "", mantissa).rstrip(".,")
    number = _with_decimal_point(digits)
    price = float("inf" if number is None else f"{number}e{exponent or 0}")
    return price if price < float("inf") else None


def _with_decimal_point(digits: str) -> str | None:
    """Give digits as Python reads them; None where points and commas are neither of thousands nor of decimals."""
    last = max(digits.rfind("."), digits.rfind(","))
    if last < 0:
        return digits
    mark, before, after = digits[last], digits[:last], digits[last + 1 :]
    alone = "." not in before and "," not in before
    if mark in before or (mark == "," and alone and before and len(after) == 3):
        return _without_marks(digits)
    whole = _without_marks(before)
    return None if whole is None else f"{whole or 0}.{after}"


def _without_marks(digits: str) -> str | None:
    """Join groups of three digits that one mark parts; None if they are parted otherwise."""
    groups = re.split("[.,]", digits)
    marks = set(digits) & set(".,")
    grouped = 1 <= len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])
    return "".join(groups) if not marks or (len(marks) == 1 and grouped) else None


@lru_cache(maxsize=32)
def _pattern(form: PromptForm) -> re.Pattern[str]:
    """A text that follows the form in full; spaces may be more or fewer."""
    pieces = form.pieces
    pattern = _literal(pieces[0])
    for field, after in zip(pieces[1::2], pieces[2::2], strict=True):
        pattern += f"(?P<{field}>.*?){_literal(after)}"
    return re.compile(rf"\s*{pattern}\s*", re.DOTALL)


def _literal(text: str) -> str:
    return r"\s*".join(re.escape(piece) for piece in _SPACE.split(text))


def _by_pattern(text: str, form: PromptForm) -> dict[str, str] | None:
    found = _pattern(form).fullmatch(text)
    return found.groupdict() if found else None


def _by_labels(text: str, form: PromptForm) -> Iterator[tuple[str, str]]:
    """Yield the fields whose labels the text has, in whatever order; one without a label is not looked for."""
    places = []
    for before, field in zip(form.pieces[::2], form.pieces[1::2], strict=False):
        label = before.strip(_EDGES)
        if label and (found := re.search(_literal(label), text, re.IGNORECASE)):
            places.append((found.start(), found.end(), field))
    places.sort()
    ends = [start for start, _, _ in places[1:]] + [len(text)]
    for (_, start, field), end in zip(places, ends, strict=False):
        yield field, text[start:end]


def as_words(text: str) -> str | None:
    """Join runs of spaces and take separators off both ends; None if nothing is left."""
    return _SPACE.sub(" ", text).strip(_EDGES) or None
