"""Learns lines under differential privacy: a coarser model, of noisy counts over public words, drawings and prices.

Titles are read with public words only, and spelled as those are; what no public word names counts as a style, which
public invented names stand for. So only categories come from the table itself, where many rows share them.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from samplegen.realdata.fitting.budget import Budget, clear_counts, total
from samplegen.realdata.fitting.lines import Line
from samplegen.realdata.fitting.pieces import ELIDED
from samplegen.realdata.fitting.prices import PriceModel, price_text, round_prices
from samplegen.realdata.fitting.protection import Categories
from samplegen.realdata.fitting.table import NO_LEVEL, Row
from samplegen.realdata.fitting.titles import Parsed
from samplegen.realdata.fitting.vocabulary import Words, key_of
from samplegen.templates.model import Garment

Levels = tuple[str, ...]
SHARES = {
    "first levels": 0.08,
    "level pairs": 0.2,
    "category triples": 0.14,
    "drawings by level pair": 0.18,
    "title forms": 0.05,
    "words": 0.1,
    "logarithms of prices by drawing": 0.17,
    "price points": 0.05,
    "discounts": 0.03,
}
"""Part of the budget that each question gets; they sum to 1."""
_WORDS_A_ROW = 3
_CENTRE, _RADIUS = math.log(300.0), math.log(12.0)
"""Prices are clipped to 300 times or divided by 12: from 25 to 3,600."""
_UNIT = 1000
"""Sums of logarithms are whole numbers of thousandths, so that noise is discrete too."""
_ALL = "every drawing"
_PRIOR = 0.6
"""Standard deviation of the mean logarithm between drawings, a public guess."""
_FORMS = {
    "last": (
        "{pattern} {material} NOUN", "{material} NOUN", "{pattern} NOUN", "{style} NOUN", "{size} {style} NOUN",
        "{cut} {material} NOUN", "{material} {style} NOUN", "{colour} NOUN", "{detail} {material} NOUN",
        "{pattern} {material} {style} NOUN", "{cut} {pattern} {material} NOUN", "{style} {pattern} {material} NOUN",
    ),
    "first": (
        "NOUN {style}", "NOUN {material}", "NOUN {style} {material}", "NOUN {size} {style}", "NOUN {pattern}",
        "NOUN {cut} {material}", "NOUN {colour}", "NOUN {material} {colour}", "NOUN {detail}",
        "NOUN {style} {size} {material}", "NOUN {cut} {material} {pattern}", "NOUN {style} {material} {colour}",
    ),
}  # fmt: skip
_STEPS = ("0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7")
_KINDS = ("material", "pattern", "cut", "size", "colour", "detail")
_MOST_WORDS = 12


@dataclass(frozen=True)
class PrivateModel:
    """What is learned: lines, prices, discounts and a noisy number of rows."""

    lines: list[Line]
    prices: PriceModel
    discount_share: float
    discount_steps: dict[str, float]
    rows: int


def learn_privately(
    parsed: Sequence[Parsed],
    words: Words,
    garments: Mapping[str, Garment],
    budget: Budget,
    *,
    min_count: int,
) -> PrivateModel:
    """Learn lines from titles that were taken apart with public words alone.

    Args:
        parsed: The rows.
        words: The public words of the language.
        garments: The drawings that there are, and what each can be made of; public.
        budget: What may be spent; all of it is.
        min_count: See `Budget.found_counts`.
    """
    rows = [entry.row for entry in parsed]
    shapes = sorted(garments)
    tree = _categories(rows, budget, min_count)
    pairs = sorted({triple[:2] for triple in tree})
    cells = _drawings(parsed, pairs, shapes, budget)
    forms = _forms(parsed, words.head, budget)
    slots = _slots(parsed, words, budget)
    means, spread = _prices(parsed, shapes, cells, total(tree), budget)
    points = _points(rows, budget)
    share, steps = _discounts(rows, budget)
    lines = []
    for triple, count in sorted(tree.items(), key=lambda item: (-item[1], item[0])):
        inside = {shape: weight for (pair, shape), weight in cells.items() if pair == triple[:2]}
        for shape, weight in sorted(inside.items(), key=lambda item: (-item[1], item[0])):
            noun = _noun(words, shape)
            line = Line((shape, noun, triple), weight=round(max(count * weight / total(inside), 0.1), 1))
            worn = {**slots, "material": _worn(slots["material"], words, garments[shape])}
            fitting = {form: n for form, n in forms.items() if worn["material"] or "{material}" not in form}
            line.forms = {form.replace("NOUN", noun): float(n) for form, n in fitting.items()} or {
                f"{{style}} {noun}": 1.0
            }
            line.slots = {
                kind: worn[kind] for kind in worn if any(f"{{{kind}}}" in form for form in line.forms)
            }
            line.price, line.spread = means.get(shape, means[_ALL]), spread
            lines.append(line)
    return PrivateModel(lines, PriceModel({}, {"main": points}), share, steps, total(tree))


def _categories(rows: Sequence[Row], budget: Budget, min_count: int) -> dict[Categories, int]:
    """Give noisy counts of triples; what is not told in detail stays with the levels above."""

    def told(name: str, keys: Iterable[Levels]) -> dict[Levels, int]:
        return budget.found_counts(
            name, Counter(keys), share=SHARES[name], delta_share=1 / 3, min_count=min_count
        )

    firsts = told("first levels", (row.categories[:1] for row in rows))
    pairs = told("level pairs", (row.categories[:2] for row in rows))
    triples = told("category triples", (row.categories for row in rows))
    tree: dict[Categories, int] = {(a, b, c): count for (a, b, c), count in triples.items()}
    for levels, count in [*pairs.items(), *firsts.items()]:
        rest = count - sum(n for triple, n in tree.items() if triple[: len(levels)] == levels)
        if rest > 0:
            first, second, third = (*levels, NO_LEVEL, NO_LEVEL)[:3]
            tree[first, second, third] = tree.get((first, second, third), 0) + rest
    return tree or {(NO_LEVEL, NO_LEVEL, NO_LEVEL): 1}


def _drawings(
    parsed: Sequence[Parsed], pairs: Sequence[tuple[str, str]], shapes: Sequence[str], budget: Budget
) -> dict[tuple[tuple[str, str], str], int]:
    """Count drawings in each told pair of levels; rows of other pairs count under the open one."""
    known = set(pairs)

    def told(row: Row) -> tuple[str, str]:
        first, second = row.categories[:2]
        if (first, second) in known:
            return first, second
        return (first, NO_LEVEL) if (first, NO_LEVEL) in known else (NO_LEVEL, NO_LEVEL)

    name = "drawings by level pair"
    domain = [(pair, shape) for pair in pairs for shape in shapes]
    counts = Counter((told(entry.row), entry.shape) for entry in parsed)
    noisy = budget.public_counts(name, counts, domain, share=SHARES[name])
    clear = clear_counts(noisy, budget.epsilon * SHARES[name])
    for pair in pairs:
        if not any(of == pair for of, _ in clear):
            best = max((cell for cell in domain if cell[0] == pair), key=lambda cell: (noisy[cell], cell))
            clear[best] = max(noisy[best], 1)
    return clear


def _forms(parsed: Sequence[Parsed], head: str, budget: Budget) -> dict[str, int]:
    """Count the public form that is nearest to each title."""
    forms = _FORMS[head]
    kinds = {form: {part[1:-1] for part in form.split() if part != "NOUN"} for form in forms}

    def nearest(entry: Parsed) -> str:
        found = {piece.kind.removesuffix(ELIDED) for piece in entry.slots}
        return max(forms, key=lambda form: len(kinds[form] & found) - len(kinds[form] - found))

    noisy = budget.public_counts(
        "title forms", Counter(map(nearest, parsed)), forms, share=SHARES["title forms"]
    )
    clear = clear_counts(noisy, budget.epsilon * SHARES["title forms"])
    return clear or {forms[0]: 1}


def _slots(parsed: Sequence[Parsed], words: Words, budget: Budget) -> dict[str, dict[str, float]]:
    """Count public phrases; of a row only the first few count, so that no row weighs more than others."""
    spelled = {
        (kind, key_of(phrase)): phrase for kind in _KINDS for phrase in reversed(words.public.get(kind, []))
    }
    counts: Counter[tuple[str, str]] = Counter()
    for entry in parsed:
        found = ((piece.kind, key_of(piece.text)) for piece in entry.slots)
        counts.update(list(dict.fromkeys((k[0], spelled[k]) for k in found if k in spelled))[:_WORDS_A_ROW])
    domain = sorted({(kind, phrase) for (kind, _), phrase in spelled.items()})
    noisy = budget.public_counts("words", counts, domain, share=SHARES["words"], sensitivity=_WORDS_A_ROW)
    slots: dict[str, dict[str, float]] = {}
    for kind in _KINDS:
        mine = {phrase: count for (of, phrase), count in noisy.items() if of == kind and count > 0}
        best = sorted(mine.items(), key=lambda item: (-item[1], item[0]))[:_MOST_WORDS]
        slots[kind] = {phrase: float(count) for phrase, count in best} or {words.public[kind][0]: 1.0}
    slots["style"] = dict.fromkeys(words.public["style"], 1.0)
    return slots


def _prices(
    parsed: Sequence[Parsed],
    shapes: Sequence[str],
    cells: Mapping[tuple[tuple[str, str], str], int],
    rows: int,
    budget: Budget,
) -> tuple[dict[str, float], float]:
    """Give the mean price of each drawing and of all, and a usual spread.

    A mean is drawn to that of all where few rows or much noise stand behind it.
    """
    name = "logarithms of prices by drawing"
    sums: Counter[str] = Counter()
    for entry in parsed:
        off = math.log(entry.row.full / 100) - _CENTRE
        clipped = round(_UNIT * min(max(off, -_RADIUS), _RADIUS))
        sums[_ALL] += clipped
        sums[entry.shape] += clipped
    sensitivity = 2 * math.ceil(_UNIT * _RADIUS)  # a row counts for its drawing and for all
    noisy = budget.public_counts(name, sums, [_ALL, *shapes], share=SHARES[name], sensitivity=sensitivity)
    counts: Counter[str] = Counter()
    for (_, shape), count in cells.items():
        counts[shape] += count
    overall = min(max(noisy[_ALL] / _UNIT / max(rows, 1), -_RADIUS), _RADIUS)
    noise = 2 * (sensitivity / (budget.epsilon * SHARES[name]) / _UNIT) ** 2
    means = {_ALL: math.exp(_CENTRE + overall)}
    for shape, count in counts.items():
        trust = 1 / (1 + noise / (max(count, 1) * _PRIOR) ** 2)
        mean = overall + trust * (noisy[shape] / _UNIT / max(count, 1) - overall)
        means[shape] = math.exp(_CENTRE + min(max(mean, -_RADIUS), _RADIUS))
    return means, 0.4


def _points(rows: Sequence[Row], budget: Budget) -> dict[str, float]:
    """Count prices at a fixed grid of round numbers."""
    grid = list(round_prices(1_000, 9_000_000))
    counts = Counter(min(grid, key=lambda cents: abs(math.log(cents / row.full))) for row in rows)
    noisy = budget.public_counts("price points", counts, grid, share=SHARES["price points"])
    clear = clear_counts(noisy, budget.epsilon * SHARES["price points"])
    low, high = (min(clear), max(clear)) if clear else (grid[0], grid[-1])
    return {price_text(cents): float(max(noisy[cents], 1)) for cents in grid if low <= cents <= high}


def _discounts(rows: Sequence[Row], budget: Budget) -> tuple[float, dict[str, float]]:
    """Count rows by the nearest of a few fractions that are taken off, or none."""

    def step(row: Row) -> str:
        if row.paid >= row.full:
            return "none"
        return min(_STEPS, key=lambda name: abs(float(name) - (1 - row.paid / row.full)))

    noisy = budget.public_counts(
        "discounts", Counter(map(step, rows)), ("none", *_STEPS), share=SHARES["discounts"]
    )
    clear = clear_counts(noisy, budget.epsilon * SHARES["discounts"])
    off = {name: float(clear[name]) for name in _STEPS if name in clear}
    return (sum(off.values()) / max(sum(clear.values()), 1), off) if off else (0.0, {})


def _worn(materials: Mapping[str, float], words: Words, garment: Garment) -> dict[str, float]:
    """Give the words for materials that a garment can be of."""
    known = {*garment.materials, *garment.wears}
    return {
        phrase: count
        for phrase, count in materials.items()
        if any(entry.section == "materials" and entry.key in known for entry in words.entries[key_of(phrase)])
    }


def _noun(words: Words, shape: str) -> str:
    """Give the first public noun of a drawing."""
    names = [shape, *(name for name, rules in words.open.items() if rules["usual"] == shape)]
    noun = next((words.public_nouns[name][0] for name in names if name in words.public_nouns), "")
    return noun[:1].upper() + noun[1:]
