"""Writes catalog.yaml and template.yaml of a fitted pack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from samplegen.realdata.fitting.identifiers import CodeForms
from samplegen.realdata.fitting.lines import Line, line_names
from samplegen.realdata.fitting.prices import PriceModel
from samplegen.realdata.fitting.writing import flow, number, scalar, weights


@dataclass(frozen=True)
class Facts:
    """What template.yaml says, beside how the pack came about."""

    name: str
    title: str
    description: str
    columns: Mapping[str, str]
    item_url: str
    image_url: str
    codes: CodeForms
    euro_rate: str
    colourways: Mapping[str, float]
    title_keeps_price: float
    discount_share: float
    discount_steps: Mapping[str, float]
    splits: Mapping[str, float]
    locale: str


def write_catalog(lines: Sequence[Line], model: PriceModel) -> str:
    """Write catalog.yaml."""
    text = (
        "# Product lines, learned from a table: where they stand in the list (category levels: [rows, price of a title\n"
        "# without priced words]), the forms of their titles, and the words that fill each slot, with counts; words that\n"
        "# other lines lend have fractions. `spread` is the standard deviation of the logarithm of the price around base\n"
        "# and word effects.\n"
        "lines:\n"
    )
    for name, line in zip(line_names(lines), lines, strict=True):
        text += _line(name, line)
    text += "\n# What a word adds to, or takes from, the logarithm of the price.\nprice_effects:\n"
    used = {word for line in lines for words in line.slots.values() for word in words}
    ordered = sorted(model.effects.items(), key=lambda item: (-abs(item[1]), item[0]))
    effects = [(word, value) for word, value in ordered if word in used]
    text += f"  dearer: {_effects({word: value for word, value in effects if value > 0})}\n"
    text += f"  cheaper: {_effects({word: -value for word, value in effects if value < 0})}\n"
    text += "\n# Prices that tags carry, with the number of rows at each: of the whole list, and of parts of it.\nprice_points:\n"
    for name, points in model.points.items():
        if name == "main" or any(line.points == name for line in lines):
            text += f"  {name}: {weights(points)}\n"
    return text


def _effects(values: Mapping[str, float]) -> str:
    return weights(values) if values else "{}"


def _line(name: str, line: Line) -> str:
    place = flow({line.place: f"[{number(line.weight)}, {price_number(line.price)}]"})
    forms = flow({form: number(weight) for form, weight in line.forms.items()})
    text = f"  {name}:\n    shape: {line.shape}\n    places: {place}\n    forms: {forms}\n"
    if line.slots:
        text += "    slots:\n"
        for slot, words in line.slots.items():
            text += f"      {slot}: {weights(words)}\n"
    if line.prices:
        text += f"    prices: {weights(line.prices)}\n"
    elif line.points != "main":
        text += f"    points: {line.points}\n"
    return text + f"    spread: {line.spread:.2f}\n"


def price_number(price: float) -> str:
    """Write a base price with three digits."""
    return f"{float(f'{price:.3g}'):.10g}" if price < 1000 else f"{price:.0f}"


def write_settings(facts: Facts, how: str) -> str:
    """Write template.yaml; `how` is its section about how the pack came about."""
    columns = "".join(f"  {name}: {_text(name, value)}\n" for name, value in facts.columns.items())
    codes = facts.codes
    marks = (
        f"  marks: {flow({str(at): scalar(text) for at, text in codes.marks.items()})}\n"
        if codes.marks
        else ""
    )
    steps = weights(facts.discount_steps or {"0.3": 1.0})
    return (
        f"name: {facts.name}\n"
        f"title: {scalar(facts.title)}\n"
        f"description: {scalar(facts.description)}\n\n"
        f"columns:  # the same in every row\n{columns}\n"
        "urls:  # hosts are reserved names, so that no shop is ever called\n"
        f"  item: {scalar(facts.item_url) if ' ' in facts.item_url else facts.item_url}\n"
        f"  image: {facts.image_url}\n\n"
        "codes:  # prefix + digits + suffix, every code once\n"
        f"  type: {codes.type}\n"
        f"  prefixes: {weights({p: float(w) for p, w in codes.prefixes.items()})}\n"
        f"  digits: {codes.digits}\n"
        f"  suffix: {_quoted(codes.suffix)}\n{marks}\n"
        f'euro_rate: "{facts.euro_rate}"  # euros for one unit of the currency; cut off at cents\n\n'
        f"colourways: {weights(facts.colourways)}  # rows of one style: weight\n"
        f"title_keeps_price: {facts.title_keeps_price:.2f}  # share of the styles that cost what their title costs\n"
        f"discounts: {{share: {facts.discount_share:.4f}, steps: {_in_flow(steps)}}}\n"
        f"splits: {flow({name: f'{share:g}' for name, share in facts.splits.items()})}\n"
        f"locale: {facts.locale}\n\n{how}"
    )


def _text(name: str, value: str) -> str:
    return f'"{value}"' if name == "competence_date" else scalar(value)


def _quoted(text: str) -> str:
    return f'"{text}"' if not text or not text.isalpha() else scalar(text)


def _in_flow(text: str) -> str:
    return f'"{text}"' if "," in text and not text.startswith(("{", '"')) else text
