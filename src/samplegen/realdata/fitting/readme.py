"""What a fitted pack says about itself: README.md, how it came about, and the mapping that a user completes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from samplegen.realdata.fitting.catalog import Facts
from samplegen.realdata.fitting.lines import Line
from samplegen.realdata.fitting.pictures import Wardrobe
from samplegen.realdata.fitting.table import PriceTable
from samplegen.realdata.fitting.titles import Parsed
from samplegen.realdata.fitting.writing import _key

if TYPE_CHECKING:
    from samplegen.realdata.fitting.fit import FitOptions


def how_section(options: "FitOptions", table: PriceTable) -> str:
    """Write the section of template.yaml that says how the pack came about."""
    return (
        "fitted:  # by samplegen fit; see README.md\n"
        f"  rows: {len(table.rows)}\n"
        f"  min_count: {options.min_count}\n"
        f"  seed: {options.seed}\n"
    )


def command_of(table: Path, out: Path, options: "FitOptions") -> str:
    """Write the command that makes the pack again."""
    parts = [f"samplegen fit {table.name} --out {out.name}"]
    if options.base is not None:
        parts.append(f"--base {Path(options.base).name}")
    parts.append(f"--min-count {options.min_count}")
    if options.epsilon is not None:
        parts.append(f"--epsilon {options.epsilon:g}")
    if options.seed:
        parts.append(f"--seed {options.seed}")
    if options.language:
        parts.append(f"--language {options.language}")
    if options.shapes:
        parts.append(f"--shapes {options.shapes.name}")
    return " ".join(parts)


def write_readme(
    table: Path,
    out: Path,
    options: "FitOptions",
    read: PriceTable,
    facts: Facts,
    lines: Sequence[Line],
    language: str,
) -> str:
    """Write README.md of a fitted pack."""
    places = len({line.key[2] for line in lines})
    return f"""# {facts.name}

{facts.title}. {facts.description}

Learned from {len(read.rows):,} rows: {places} category triples, {len(lines)} product lines. It was made by

```bash
{command_of(table, out, options)}
```

and the same command on the same table makes the same files again.

| file | holds |
|---|---|
| `template.yaml` | values that are the same in every row, URL forms, product codes, euro rate, colourways, how the pack was made |
| `catalog.yaml` | lines: where they stand in the list, title forms, slot words, price spread and points; what words add to a price |
| `lexicon.yaml` | what title words say: material, pattern, variants of the drawing, colour |
| `materials.yaml`, `garments.yaml`, `palette.yaml` | what pictures show where titles are silent |
| `shapes/` | one drawing for each garment type |

How a row comes about: its style has a place (line and category triple), drawn so that shares are met within few rows;
a title form of the line; a word for each slot. The price is the place's base, plus what the words add, plus noise with
the line's `spread` (all in logarithms), snapped to price points. Words that other lines of the same noun or drawing lend
have 15% of a slot's weight, so that titles recombine: no title of the table stands here as a whole.
"""


def write_shapes(
    unmapped: Mapping[str, int], rows: Sequence[Parsed], wardrobe: Wardrobe, options: "FitOptions"
) -> str:
    """Write the mapping of words without a drawing for the user to complete; rare words are only counted."""
    where: dict[str, Counter[str]] = {}
    for entry in rows:
        if not entry.shape:
            where.setdefault(entry.unknown, Counter())[" > ".join(entry.row.categories)] += 1
    listed = {w: n for w, n in unmapped.items() if w and n >= options.min_count}
    text = (
        "# Words of titles or categories that samplegen has no drawing for. Until they have one, their products are shown\n"
        "# as a closed box. Write the name of a drawing after each word, then run the same command with\n"
        "# --shapes and this file. Words that you know better may be added.\n"
        "# Drawings: " + ", ".join(sorted(wardrobe.shapes)) + "\n"
    )
    for word, count in sorted(listed.items(), key=lambda item: (-item[1], item[0])):
        place = where[word].most_common(1)[0][0]
        text += f"{_key(word)}: ~  # {count} rows, most in {place}\n"
    rare = sum(unmapped.values()) - sum(listed.values())
    if rare:
        text += f"# {rare} further rows have rarer words.\n"
    return text
