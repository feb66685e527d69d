"""Checks that join several values or files of a pack. Each notes every problem that it finds."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

from samplegen.domain.surfaces import PATTERNS, WEAVES
from samplegen.errors import TemplateError
from samplegen.templates.model import (
    FRACTION_TOLERANCE,
    LEVEL_SEPARATOR,
    MAX_INTEGER_DIGITS,
    SLOT,
    FakerWords,
    Line,
)
from samplegen.templates.problems import Problems
from samplegen.templates.template import SHAPES, Template, shape_path

MAX_CODE_CYCLE = 100_000  # codes come in cycles as long as the sum of the weights
MAX_COLOURWAYS = 64  # a style stays within one block of rows
_RESERVED_ENDINGS = (".example", ".test", ".invalid", ".localhost")
_RESERVED_HOSTS = ("example.com", "example.org", "example.net", "localhost")


def check_template(template: Template, problems: Problems, *, shapes: bool) -> None:
    """Note everything in a pack that does not fit together.

    Args:
        template: A pack whose files are valid one by one.
        problems: Where to note what is wrong.
        shapes: Whether to read every drawing too.
    """
    _check_settings(template, problems)
    _check_palette(template, problems)
    _check_materials(template, problems)
    _check_garments(template, problems)
    _check_lexicon(template, problems)
    for name, line in template.catalog.lines.items():
        _check_line(template, problems, name, line)
    _check_prices(template, problems)
    _check_shapes(template, problems)
    if shapes:
        _check_drawings(template, problems)


def one_of(found: str, allowed: Iterable[str]) -> str:
    """Say what was found and what is allowed, the nearest first where there are many."""
    names = sorted(allowed)
    if len(names) > 12:
        near = get_close_matches(found, names, n=3, cutoff=0.4) or names[:3]
        return f"found {found!r}; allowed are {len(names)} names such as {', '.join(near)}"
    return f"found {found!r}; allowed: {', '.join(names)}"


def is_reserved_host(host: str) -> bool:
    """Tell whether a host name is reserved for examples (RFC 2606), so that no real shop is ever called."""
    host = host.lower().rstrip(".")
    return host in _RESERVED_HOSTS or host.endswith(
        (*_RESERVED_ENDINGS, *(f".{name}" for name in _RESERVED_HOSTS))
    )


def _check_settings(template: Template, problems: Problems) -> None:
    path, settings = template.root / "template.yaml", template.settings
    total = sum(settings.splits.values())
    if abs(total - 1) > FRACTION_TOLERANCE:
        problems.add(path, ["splits"], f"the shares sum to {total:g}; let them sum to 1")
    for key, needed, allowed in (
        ("item", {"code"}, {"slug", "code"}),
        ("image", {"guid"}, {"slug", "code", "guid"}),
    ):
        _check_url(path, key, getattr(settings.urls, key), needed, allowed, problems)
        if not settings.urls.allow_real_hosts:
            _check_host(path, key, getattr(settings.urls, key), problems)
    _check_codes(template, path, problems)
    for count in settings.colourways:
        if not count.isdecimal() or not 1 <= int(count) <= MAX_COLOURWAYS:
            text = f"found {count!r}; allowed are whole numbers from 1 to {MAX_COLOURWAYS}"
            problems.add(path, ["colourways"], text)
    for step in settings.discounts.steps:
        if not re.fullmatch(r"0\.\d{1,4}", step) or float(step) == 0:
            problems.add(path, ["discounts", "steps"], f"found {step!r}; allowed are fractions such as 0.3")
    if not float(settings.euro_rate) > 0:
        problems.add(path, ["euro_rate"], f"found {settings.euro_rate!r}; allowed are rates above 0")


def _check_url(
    path: Path, key: str, url: str, needed: set[str], allowed: set[str], problems: Problems
) -> None:
    found = set(SLOT.findall(url))
    for name in sorted(found - allowed):
        problems.add(
            path,
            ["urls", key],
            f"found {{{name}}}; allowed: {', '.join(f'{{{a}}}' for a in sorted(allowed))}",
        )
    if not found & needed:
        problems.add(path, ["urls", key], f"found {url!r}; it needs {{{' or '.join(needed)}}}")
    if urlsplit(url).scheme not in ("http", "https"):
        problems.add(path, ["urls", key], f"found {url!r}; allowed are http:// and https://")


def _check_host(path: Path, key: str, url: str, problems: Problems) -> None:
    host = urlsplit(SLOT.sub("x", url)).hostname or ""
    if not is_reserved_host(host):
        allowed = "names that end in .example, .test or .invalid, localhost, example.com, .org and .net"
        problems.add(
            path, ["urls", key], f"found the host {host!r}; allowed: {allowed}; or set allow_real_hosts: true"
        )


def _check_codes(template: Template, path: Path, problems: Problems) -> None:
    codes = template.settings.codes
    prefixes = sorted(codes.prefixes)
    for prefix, weight in codes.prefixes.items():
        if codes.type == "integer" and not re.fullmatch(r"[1-9]\d{0,4}", prefix):
            problems.add(
                path, ["codes", "prefixes"], f"found {prefix!r}; allowed are digits, the first not 0"
            )
        if weight != int(weight):
            problems.add(
                path, ["codes", "prefixes"], f"{prefix!r} has weight {weight:g}; allowed are whole numbers"
            )
    if sum(codes.prefixes.values()) > MAX_CODE_CYCLE:
        text = (
            f"the weights sum to {sum(codes.prefixes.values()):g}; allowed are sums up to {MAX_CODE_CYCLE:,}"
        )
        problems.add(path, ["codes", "prefixes"], text)
    for first, second in pairwise(prefixes):
        if second.startswith(first):
            text = f"{second!r} begins with {first!r}, so that codes could meet; let no prefix begin with another"
            problems.add(path, ["codes", "prefixes"], text)
    for place in codes.marks:
        if not place.isdecimal() or not 0 < int(place) < codes.digits or codes.type == "integer":
            text = (
                f"found {place!r}; allowed are whole numbers above 0 and below digits, in string codes only"
            )
            problems.add(path, ["codes", "marks"], text)
    if codes.type == "integer" and codes.suffix and not codes.suffix.isdecimal():
        problems.add(path, ["codes", "suffix"], f"found {codes.suffix!r}; allowed are digits")
    longest = max(map(len, codes.prefixes)) + codes.digits + len(codes.suffix)
    if codes.type == "integer" and longest > MAX_INTEGER_DIGITS:
        text = f"codes have {longest} digits; an integer code has at most {MAX_INTEGER_DIGITS}"
        problems.add(path, ["codes", "digits"], text)


def _check_palette(template: Template, problems: Problems) -> None:
    path, palette = template.root / "palette.yaml", template.palette
    for name, weights in palette.palettes.items():
        _check_known(path, ["palettes", name], weights, palette.colours, problems)
    for pattern, schemes in palette.schemes.items():
        _check_known(path, ["schemes", pattern], [pattern], PATTERNS, problems)
        for number, scheme in enumerate(schemes):
            _check_known(path, ["schemes", pattern, number], scheme, palette.colours, problems)
    _check_known(path, ["hardware"], palette.hardware, palette.colours, problems)


def _check_materials(template: Template, problems: Problems) -> None:
    path = template.root / "materials.yaml"
    for name, material in template.materials.items():
        _check_known(path, [name, "weave"], [material.weave], WEAVES, problems)
        _check_known(path, [name, "trim"], [material.trim], template.materials, problems)
        palette = [material.palette] if material.palette else []
        _check_known(path, [name, "palette"], palette, template.palette.palettes, problems)


def _check_garments(template: Template, problems: Problems) -> None:
    path = template.root / "garments.yaml"
    for name, garment in template.garments.items():
        _check_known(path, [name, "materials"], garment.materials, template.materials, problems)
        _check_known(path, [name, "palette"], [garment.palette], template.palette.palettes, problems)
        _check_known(path, [name, "patterns"], garment.patterns, PATTERNS, problems)
        for said, meant in garment.wears.items():
            _check_known(path, [name, "as", said], [said, meant], template.materials, problems)


def _check_lexicon(template: Template, problems: Problems) -> None:
    path, lexicon = template.root / "lexicon.yaml", template.lexicon
    _check_known(path, ["materials"], lexicon.materials, template.materials, problems)
    _check_known(path, ["patterns"], lexicon.patterns, PATTERNS, problems)


def _check_line(template: Template, problems: Problems, name: str, line: Line) -> None:
    path, here = template.root / "catalog.yaml", ["lines", name]
    if line.shape not in template.garments:
        text = f"{one_of(line.shape, template.garments)}; to add one, describe it in garments.yaml"
        problems.add(path, [*here, "shape"], text)
    _check_known(path, [*here, "points"], [line.points], template.catalog.price_points, problems)
    for place in line.places:
        if len(place.split(LEVEL_SEPARATOR)) != 3:
            text = f"found {place!r}; allowed are three levels such as 'MAN > SHOES > BOOTS'"
            problems.add(path, [*here, "places", place], text)
    used = set()
    for form in line.forms:
        slots = SLOT.findall(form)
        used.update(slots)
        _check_known(path, [*here, "forms", form], slots, line.slots, problems)
        if re.search(r"[{}]", SLOT.sub("", form)):
            problems.add(path, [*here, "forms", form], "a brace has no partner; write slots as {name}")
    for slot in line.slots:
        if slot not in used:
            problems.add(path, [*here, "slots", slot], "no form uses this slot; use it or delete it")
    for slot, words in line.slots.items():
        if isinstance(words, FakerWords):
            try:
                template.slot_words(line, slot)
            except TemplateError as error:
                problems.add(path, [*here, "slots", slot], str(error))


def _check_prices(template: Template, problems: Problems) -> None:
    path, catalog = template.root / "catalog.yaml", template.catalog
    words = {
        word for line in catalog.lines.values() for slot in line.slots for word in template_words(line, slot)
    }
    for direction, effects in (
        ("dearer", catalog.price_effects.dearer),
        ("cheaper", catalog.price_effects.cheaper),
    ):
        for word in effects:
            if word not in words:
                problems.add(
                    path, ["price_effects", direction], f"{word!r} fills no slot; correct it or delete it"
                )
    for name, points in catalog.price_points.items():
        _check_points(path, ["price_points", name], points, problems)
    for name, line in catalog.lines.items():
        _check_points(path, ["lines", name, "prices"], line.prices or {}, problems)


def _check_points(path: Path, location: list[str | int], points: Iterable[str], problems: Problems) -> None:
    for point in points:
        if not re.fullmatch(r"\d{1,9}(\.\d{1,2})?", point) or float(point) <= 0:
            text = f"found {point!r}; allowed are prices above 0 with at most two decimals"
            problems.add(path, location, text)


def template_words(line: Line, slot: str) -> Mapping[str, float]:
    """Give the words that the pack itself writes for a slot; none where Faker makes them."""
    words = line.slots[slot]
    return {} if isinstance(words, FakerWords) else words


def _check_shapes(template: Template, problems: Problems) -> None:
    catalog = template.root / "catalog.yaml"
    for name, line in template.catalog.lines.items():
        if not shape_path(template.root, line.shape).is_file():
            text = f"found {line.shape!r}, but {SHAPES}/{line.shape}.svg is missing; draw it or name another shape"
            problems.add(catalog, ["lines", name, "shape"], text)


def _check_drawings(template: Template, problems: Problems) -> None:
    for path in sorted((template.root / SHAPES).glob("[!.]*.svg")):
        try:
            template.shape(path.stem)
        except TemplateError as error:
            for text in str(error).splitlines():
                problems.add_line(path, 0, text.removeprefix(f"{path}: "))


def _check_known(
    path: Path, location: list[str | int], found: Iterable[str], allowed: Iterable[str], problems: Problems
) -> None:
    known = set(allowed)
    for name in found:
        if name not in known:
            problems.add(path, location, one_of(name, known))
