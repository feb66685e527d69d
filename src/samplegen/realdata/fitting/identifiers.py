"""The forms of product codes and URLs: what stands in all of them, and where digits and titles go."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from samplegen.domain.pricelist import slug, url_code
from samplegen.realdata.fitting.protection import common_values
from samplegen.realdata.fitting.table import Row
from samplegen.templates.checks import is_reserved_host

_GUID = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}|[0-9a-f]{32,40}")
_MOST_PREFIXES = 40
_LARGEST_SHARE = 1000
MAX_CODE_DIGITS = 12
_LONGEST_MARK, _LONGEST_SUFFIX = 12, 8


@dataclass(frozen=True)
class CodeForms:
    """What the pack's `codes` will be."""

    type: str
    prefixes: dict[str, int]
    digits: int
    suffix: str = ""
    marks: Mapping[int, str] = field(default_factory=dict)
    """Text between the digits: after how many of them, and what."""


def learn_codes(codes: Sequence[str], min_count: int, *, string_codes: bool) -> CodeForms:
    """Learn prefixes, number of digits and suffix of codes; without codes they are made up."""
    codes = [code for code in codes if code]
    if not codes:
        return CodeForms("string", {"P": 1}, 8) if string_codes else CodeForms("integer", {"1": 1}, 7)
    if string_codes:
        return _string_codes(codes, min_count)
    length = Counter(map(len, codes)).most_common(1)[0][0]
    same_length = [code for code in codes if len(code) == length]
    suffix = _common_suffix(same_length, min_count)
    head = max(1, min(2, length - len(suffix) - 1))
    prefixes = common_values(Counter(code[:head] for code in same_length), min_count)
    prefixes = {prefix: count for prefix, count in prefixes.items() if prefix[0] != "0"}
    digits = max(1, min(MAX_CODE_DIGITS, length - head - len(suffix)))
    return CodeForms("integer", _shares(prefixes or {"1" * head: 1}), digits, suffix)


def _string_codes(codes: Sequence[str], min_count: int) -> CodeForms:
    """Keep the text that most codes begin and end with, and have between their digits.

    Where most begin with a digit, that digit is the prefix, since a prefix is never empty.
    """
    numeric = sum(code[0].isdecimal() for code in codes) > len(codes) / 2
    parted = [_part_code(code, 1 if numeric else 0) for code in codes]
    form, count = Counter((digits, marks, tail) for _, digits, marks, tail in parted).most_common(1)[0]
    if count < max(min_count, 0.3 * len(codes)):
        form = (
            Counter(len(code) - len(parts[0]) for code, parts in zip(codes, parted, strict=True)).most_common(
                1
            )[0][0],
            (),
            "",
        )
    digits, marks, suffix = form
    heads = Counter(parts[0] for parts in parted if not form[1] or parts[1:] == form)
    digits = max(1, min(MAX_CODE_DIGITS, digits))
    prefixes = _prefix_free(common_values(heads, min_count))
    kept = {place: text for place, text in marks if 0 < place < digits and len(text) <= _LONGEST_MARK}
    suffix = suffix if len(suffix) <= _LONGEST_SUFFIX else ""
    return CodeForms("string", _shares(prefixes or {"P": 1}), digits, suffix, kept)


def _part_code(code: str, begin: int) -> tuple[str, int, tuple[tuple[int, str], ...], str]:
    """Give the text before a code's digits, the number of digits, the text between them, and after the last.

    The first `begin` signs belong to the text before.
    """
    first, *runs = re.findall(r"^\D*|\d+|\D+", code[begin:])
    head = code[:begin] + first
    digits, marks = 0, []
    for run in runs:
        if run[0].isdecimal():
            digits += len(run)
        else:
            marks.append((digits, run))
    tail = marks.pop()[1] if marks and marks[-1][0] == digits else ""
    return head, digits, tuple(marks), tail


def _prefix_free(prefixes: dict[str, int]) -> dict[str, int]:
    """Leave out a prefix that another begins with, and the empty one."""
    kept: dict[str, int] = {}
    for prefix, count in sorted(prefixes.items(), key=lambda item: (-item[1], item[0])):
        plain = prefix.isprintable() and prefix.strip() == prefix and prefix
        if plain and not any(prefix.startswith(o) or o.startswith(prefix) for o in kept):
            kept[prefix] = count
    return kept


def _common_suffix(codes: Sequence[str], min_count: int) -> str:
    last, count = Counter(code[-1] for code in codes).most_common(1)[0]
    return last if count >= max(min_count, 0.95 * len(codes)) and len(codes[0]) > 3 else ""


def _shares(prefixes: dict[str, int]) -> dict[str, int]:
    """Give whole weights, the common first, that keep the cycle of codes short."""
    common = sorted(prefixes.items(), key=lambda item: (-item[1], item[0]))[:_MOST_PREFIXES]
    total = sum(count for _, count in common)
    scale = min(1.0, _LARGEST_SHARE / total)
    return {prefix: max(1, round(count * scale)) for prefix, count in common}


def learn_url(urls: Iterable[tuple[str, Row]], fallback: str, min_count: int, needed: tuple[str, ...]) -> str:
    """Give the URL form that most rows follow, on a reserved host; `fallback` where none is common."""
    forms = Counter(form for url, row in urls if (form := _form(url, row)))
    if not forms:
        return fallback
    form, count = forms.most_common(1)[0]
    if count < min_count or not any(f"{{{name}}}" in form for name in needed):
        return fallback
    if "code" in needed and "{slug}" not in form:  # by the price list's rules an item's URL has both
        form = form.replace("{code}", "{slug}-{code}", 1)
    return form


def _form(url: str, row: Row) -> str | None:
    """Put placeholders where the title, the code and identifiers stand in a URL."""
    written = url_code(row.code)
    url = url.replace(row.code, written) if row.code else url
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or not re.fullmatch(r"[\w./:%~,=+-]+", url):
        return None
    path = parts.path
    name = slug(row.title)
    if row.code:
        path = path.replace(written, "{code}")
    if name:
        path = path.replace(name, "{slug}")
    path = _GUID.sub("{guid}", path)
    return f"https://{reserved_host(host)}{path}"


def reserved_host(host: str) -> str:
    """Give a host of a reserved name that resembles a real one: us.shop.com becomes us.shop.example."""
    if is_reserved_host(host):
        return host
    labels = [label for label in host.split(".") if re.fullmatch(r"[a-z0-9-]{1,60}", label)]
    kept = labels[:-1] if len(labels) > 1 else labels
    return ".".join([*(kept or ["shop"]), "example"])
