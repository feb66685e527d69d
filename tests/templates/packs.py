"""A pack of a few lines that tests change to their liking."""

from pathlib import Path

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 1000">'
    '<path id="body" data-role="main" d="M 200 200 H 800 V 800 H 200 Z"/></svg>'
)

FILES = {
    "template.yaml": """\
name: mini
title: Mini
description: One line of socks.
columns: {website_name: Mini, competence_date: "2024-01-01", country_code: GBR, currency_code: GBP, brand: MINI}
urls: {item: "https://mini.example/{slug}-p{code}", image: "https://img.mini.test/{guid}"}
codes: {type: integer, prefixes: "80 3, 40 1", digits: 3, suffix: "1"}
euro_rate: "1.17"
colourways: 1 3, 2 1
discounts: {share: 0.5, steps: "0.2 1, 0.5 1"}
splits: {train: 0.8, validation: 0.2}
locale: en_GB
""",
    "catalog.yaml": """\
lines:
  socks:
    shape: socks
    places: {"MAN > SOCKS > N.A.": [3, 12], "WOMAN > SOCKS > N.A.": [1, 14]}
    forms: {"{pattern} {material} Socks": 3, "{maker} Socks": 1}
    slots:
      pattern: Striped 3, Plain 1
      material: [Wool, Cotton]
      maker: {faker: last_name, count: 5}
    spread: 0.2
price_effects: {dearer: Wool 0.3, cheaper: Plain 0.1}
price_points: {main: "8 1, 10 3, 12 4, 14 2, 18.5 1"}
""",
    "lexicon.yaml": """\
materials: {wool: [Wool], cotton: [Cotton]}
patterns: {stripe: [Striped]}
variants: {length: {short: [Ankle]}}
""",
    "palette.yaml": """\
colours: {red: [200, 20, 30], ink: [20, 20, 30], brass: [180, 140, 80]}
palettes: {all: red 2, accents: ink 1}
schemes: {check: [[red, ink]]}
hardware: {brass: 1}
""".replace("{all: red 2, accents: ink 1}", '{all: "red 2, ink 1"}'),
    "materials.yaml": "wool: {weave: knit, trim: wool}\ncotton: {weave: jersey, trim: cotton}\n",
    "garments.yaml": "socks: {materials: cotton 1, palette: all}\n",
    "shapes/socks.svg": SVG,
}


def write_pack(folder: Path, **changes: tuple[str, str]) -> Path:
    """Write the pack; `catalog=("old", "new")` changes text in catalog.yaml."""
    for name, text in FILES.items():
        stem = Path(name).stem
        if stem in changes and name.endswith(".yaml"):
            old, new = changes[stem]
            assert old in text, f"{old!r} is not in {name}"
            text = text.replace(old, new)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder
