"""What a fitted pack says about itself: README.md, how it came about, and the mapping that a user completes."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from samplegen.realdata.fitting.budget import Spent
from samplegen.realdata.fitting.catalog import Facts
from samplegen.realdata.fitting.pictures import Wardrobe
from samplegen.realdata.fitting.writing import _key

if TYPE_CHECKING:
    from samplegen.realdata.fitting.fit import FitOptions, Learnt


def how_section(
    *,
    rows: int,
    min_count: int,
    seed: int | None = None,
    epsilon: float | None = None,
    delta: float = 0.0,
    spent: Sequence[Spent] = (),
) -> str:
    """Write the section of template.yaml that says how the pack came about; a seed of noise is never told."""
    text = f"fitted:  # by samplegen fit; see README.md\n  rows: {rows}\n  min_count: {min_count}\n"
    if epsilon is None:
        return f"{text}  seed: {seed}\n"
    text += (
        f"  epsilon: {_decimal(epsilon)}  # the sum of the queries'\n  delta: {_decimal(delta)}\n  queries:\n"
    )
    for query in spent:
        text += (
            f"    - {{name: {query.name}, epsilon: {_decimal(query.epsilon)}, "
            f"sensitivity: {query.sensitivity}, delta: {_decimal(query.delta)}}}\n"
        )
    return text


def _decimal(value: float) -> str:
    return f"{value:.15f}".rstrip("0") + ("0" if value == int(value) else "")


def command_of(table: Path, out: Path, options: "FitOptions") -> str:
    """Write the command that makes the pack again."""
    parts = [f"samplegen fit {table.name} --out {out.name}"]
    if options.base is not None:
        parts.append(f"--base {Path(options.base).name}")
    parts.append(f"--min-count {options.min_count}")
    if options.epsilon is not None:
        parts.append(f"--epsilon {options.epsilon:g}")
    if options.seed and options.epsilon is None:
        parts.append(f"--seed {options.seed}")
    if options.language:
        parts.append(f"--language {options.language}")
    if options.shapes:
        parts.append(f"--shapes {Path(options.shapes).name}")
    return " ".join(parts)


def write_readme(table: Path, out: Path, options: "FitOptions", learnt: "Learnt", facts: Facts) -> str:
    """Write README.md of a fitted pack."""
    places = len({line.key[2] for line in learnt.lines})
    again = (
        "and the same command on the same table makes the same files again."
        if options.epsilon is None
        else "with noise from a seed that is not told here."
    )
    return f"""# {facts.name}

{facts.title}. {facts.description}

It has {places} category triples and {len(learnt.lines)} product lines, learned from a real table by

```bash
{command_of(table, out, options)}
```

{again}

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
have at most 15% of a slot's weight, so that titles recombine: no title of the table stands here as a whole.
Drawings, patterns and colours are samplegen's own; hosts of URLs are reserved names.

## What of the table is here

{_privacy(options, learnt)}"""


def _privacy(options: "FitOptions", learnt: "Learnt") -> str:
    if options.epsilon is None and options.min_count <= 1:
        return (
            "With `--min-count 1` every word, price and category of the table may stand here, also those of single rows:\n"
            "the table must be one that anybody may see.\n"
        )
    if options.epsilon is None:
        return (
            f"No word, phrase, category, price point, discount or code prefix that fewer than {options.min_count} rows hold.\n"
            "Rare words gave way to parts of them, to common words of the table, or to public words of the same kind; rare\n"
            "categories to their neighbours in the tree; rare prices to round ones. Combinations of common values are not\n"
            "hidden, and a number here may change a little with a single row: only `--epsilon` bounds what that tells.\n"
        )
    text = (
        f"All that depends on single rows was asked with noise: together the answers are (epsilon, delta)-differentially\n"
        f"private for one row more or less, with epsilon {options.epsilon:g} and delta {sum(q.delta for q in learnt.spent):g}.\n"
        "Taken as public are: the constant columns, the euro rate, the language, and whether codes are numbers.\n\n"
        "| question | epsilon | sensitivity | delta |\n|---|---|---|---|\n"
    )
    for query in learnt.spent:
        text += f"| {query.name} | {query.epsilon:.4g} | {query.sensitivity} | {query.delta:.2g} |\n"
    return (
        text
        + f"| all | {sum(q.epsilon for q in learnt.spent):.4g} | | {sum(q.delta for q in learnt.spent):.2g} |\n"
    )


def write_shapes(learnt: "Learnt", wardrobe: Wardrobe, options: "FitOptions") -> str:
    """Write the mapping of words without a drawing for the user to complete; rare words are only counted.

    Words that got the drawing of their category stand behind it as comments, for the user to correct.
    """
    unmapped = learnt.unmapped
    listed = {w: found for w, found in unmapped.items() if w and found[1] >= options.min_count}
    text = (
        "# Words of titles or categories that samplegen has no drawing for. Until they have one, their products are shown\n"
        "# as a closed box. Write the name of a drawing after each word, then run the same command with\n"
        "# --shapes and this file. Words that you know better may be added.\n"
        f"# Drawings: {', '.join(sorted(wardrobe.shapes))}\n"
    )
    for word, (place, count) in sorted(listed.items(), key=lambda item: (-item[1][1], item[0])):
        text += f"{_key(word)}: ~  # {count} rows, as in {place}\n"
    rare = sum(count for _, count in unmapped.values()) - sum(count for _, count in listed.values())
    text += f"# Rows with rarer words: {rare}.\n" if rare else ""
    if learnt.guesses:
        text += (
            "\n# Words that name no product that samplegen knows: their categories named the drawing. Where it is wrong,\n"
            "# write the line anew without the sign in front, and with another drawing.\n"
        )
    for (word, shape, place), count in sorted(learnt.guesses.items(), key=lambda item: (-item[1], item[0])):
        text += f"# {_key(word)}: {shape}  # {count} rows, as in {place}\n"
    return text
