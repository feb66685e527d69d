"""From a table to a pack, start to end."""

import copy
import os
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from samplegen.errors import FitError
from samplegen.realdata.fitting import rates
from samplegen.realdata.fitting.budget import Budget, Spent
from samplegen.realdata.fitting.catalog import write_catalog, write_settings
from samplegen.realdata.fitting.compounds import Compounds
from samplegen.realdata.fitting.facts import gather_facts
from samplegen.realdata.fitting.lines import Grammar, Line, group_rows, learn_forms, name_of
from samplegen.realdata.fitting.pictures import UNDRAWN, Wardrobe, open_wardrobe, picture_files
from samplegen.realdata.fitting.prices import PriceModel, fit_prices
from samplegen.realdata.fitting.private import learn_privately
from samplegen.realdata.fitting.protection import Generalizer
from samplegen.realdata.fitting.readme import how_section, write_readme, write_shapes
from samplegen.realdata.fitting.spelling import detect_language, unify_spelling
from samplegen.realdata.fitting.staging import Staged, check_folder, move_into_place, write_files
from samplegen.realdata.fitting.table import PriceTable, read_table
from samplegen.realdata.fitting.titles import Parsed, TitleParser
from samplegen.realdata.fitting.vocabulary import (
    LANGUAGES,
    Key,
    Words,
    add_lexicon,
    load_words,
    read_shapes,
)
from samplegen.sampling import Sampler
from samplegen.templates import Template, load_template
from samplegen.templates.pack_yaml import MAX_BYTES

DELTA = 1e-6
"""Of a fit with epsilon: the chance that noise lets a category through that few rows hold."""
_EVERYWHERE = "en"
"""The language whose words lists in all others use too: sneakers, tote, denim."""
_JOINED_AT_LEAST = 2
_CALIBRATION_ROWS = 4000
_STEPS = 20
_NEAR = 0.02
"""How far the number of different titles per row may lie above the table's."""


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """Settings of a fit.

    Attributes:
        min_count: No value that fewer rows hold is written, at least 1.
        epsilon: Budget of differential privacy; None for none.
        seed: Same seed, same pack; None for 0, or with `epsilon` for one that nobody knows.
        base: Pack whose lexicon, drawings and constant columns are taken; None for samplegen's own words and drawings.
        shapes: File that names a drawing for words that samplegen does not know.
        language: One of `LANGUAGES`; None to find it out.
        overwrite: Replace a pack that stands in the folder.
    """

    min_count: int = 5
    epsilon: float | None = None
    seed: int | None = None
    base: str | os.PathLike[str] | None = None
    shapes: str | os.PathLike[str] | None = None
    language: str | None = None
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.min_count < 1:
            raise FitError(f"--min-count is {self.min_count}; give a whole number above 0.")
        if self.epsilon is not None and not 0 < self.epsilon < 1000:
            raise FitError(f"--epsilon is {self.epsilon:g}; give a number above 0, such as 1.")
        if self.language is not None and self.language not in LANGUAGES:
            raise FitError(f"--language is {self.language!r}; allowed are {', '.join(LANGUAGES)}.")


@dataclass(frozen=True)
class Learnt:
    """What was learned, however it was: all that the pack's files are written from."""

    lines: list[Line]
    prices: PriceModel
    how: str
    """The section of template.yaml about how the pack came about."""
    unmapped: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Words without a drawing: a place where they stand, and how many rows."""
    guesses: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    """Words that name no known product, with the drawing taken from their categories, those, and how many rows."""
    spent: tuple[Spent, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    """What it knows better than the table's plain facts."""


@dataclass(frozen=True)
class FitReport:
    """What a fit found."""

    folder: Path
    rows: int
    left_out: dict[str, int]
    language: str
    lines: int
    places: int
    unmapped_rows: int
    assumed: tuple[str, ...]
    """What the table does not say and the pack therefore assumes."""


def fit_template(
    table: str | os.PathLike[str], out: str | os.PathLike[str], options: FitOptions | None = None
) -> FitReport:
    """Learn a pack from a table and write it to a folder; same table and options, same bytes.

    Args:
        table: A CSV, Parquet or JSON-lines file, or the folder of a dataset, with columns of titles and of prices.
        out: Folder of the pack, which has its name; must not exist, or be empty, unless `options.overwrite`.
        options: None for the defaults of `FitOptions`.

    Raises:
        FitError: If the table cannot be used or the folder is in the way; nothing is written then.
        TemplateError: If the base pack is wrong.
    """
    table, out, options = Path(table), Path(out), options or FitOptions()
    check_folder(out, overwrite=options.overwrite)
    wardrobe = open_wardrobe(None if options.base is None else os.fspath(options.base))
    read = read_table(table)
    if len(read.rows) < options.min_count:
        raise FitError(
            f"{table}: {len(read.rows)} usable rows; with --min-count {options.min_count} nothing of them may be "
            "written. Give a larger table, or a lower --min-count if its rows are public."
        )
    words = _languages(read, options, wardrobe)
    mapping = read_shapes(Path(options.shapes)) if options.shapes else {}
    for word, shape in mapping.items():
        if shape not in wardrobe.shapes:
            raise FitError(
                f"{options.shapes}: {' '.join(word)!r} names the drawing {shape!r}; allowed are "
                f"{', '.join(sorted(wardrobe.shapes))}."
            )
    learned = _learn_privately if options.epsilon is not None else _learn
    learnt = learned(read, words, mapping, wardrobe, options)
    base_facts, assumed = gather_facts(
        name_of(out.name),
        read,
        wardrobe,
        words[0].language,
        min_count=options.min_count,
        learn=not options.epsilon,
    )
    facts = replace(base_facts, **learnt.facts)
    files = {
        "catalog.yaml": write_catalog(learnt.lines, learnt.prices).encode(),
        "template.yaml": write_settings(facts, learnt.how).encode(),
        "README.md": write_readme(table, out, options, learnt, facts).encode(),
        **picture_files(wardrobe, learnt.lines, words),
    }
    if len(files["catalog.yaml"]) > MAX_BYTES:
        raise FitError(
            f"{table}: catalog.yaml would have {len(files['catalog.yaml']):,} bytes; a file of a pack holds at most "
            f"{MAX_BYTES:,}. Give a part of the rows, or a higher --min-count."
        )
    if learnt.unmapped or learnt.guesses:
        files["shapes.yaml"] = write_shapes(learnt, wardrobe, options).encode()
    with Staged(out) as staged:
        write_files(staged, files)
        if options.epsilon is None:
            colourways = _colourways(load_template(staged), read, options.min_count)
            facts = replace(facts, colourways=colourways)
            write_files(staged, {"template.yaml": write_settings(facts, learnt.how).encode()})
        load_template(staged, check_shapes=True)
        move_into_place(staged, out)
    return FitReport(
        folder=out,
        rows=len(read.rows),
        left_out=dict(read.left_out),
        language=words[0].language,
        lines=len(learnt.lines),
        places=len({line.key[2] for line in learnt.lines}),
        unmapped_rows=sum(count for _, count in learnt.unmapped.values()),
        assumed=assumed,
    )


def _learn(
    read: PriceTable, words: list[Words], mapping: dict[Key, str], wardrobe: Wardrobe, options: FitOptions
) -> Learnt:
    """Learn lines from rows whose rare values were replaced."""
    min_count = options.min_count
    parser = TitleParser(words, mapping)
    parser.learn_joined([row.title for row in read.rows], at_least=max(_JOINED_AT_LEAST, min_count))
    parsed = unify_spelling([_drawable(parser.parse(row), wardrobe) for row in read.rows])
    generalizer = Generalizer(
        words[0], parsed, wardrobe.source.garments, min_count=min_count, rng=Random(options.seed or 0)
    )
    general = unify_spelling([generalizer.apply(entry) for entry in parsed])
    drawn = [entry if entry.shape else replace(entry, shape=UNDRAWN) for entry in general]
    lines = group_rows(drawn, min_count=min_count)
    learn_forms(
        lines, generalizer.public, Grammar(words[0].head, words[0].of, Compounds.of(words[0]).material)
    )
    unmapped: dict[str, tuple[str, int]] = {}
    for entry in general:
        if not entry.shape:
            where, count = unmapped.get(entry.unknown, (" > ".join(entry.row.categories), 0))
            unmapped[entry.unknown] = where, count + 1
    guesses = Counter((e.guess, e.shape, " > ".join(e.row.categories)) for e in general if e.guess)
    guesses = Counter({guess: count for guess, count in guesses.items() if count >= min_count})
    how = how_section(rows=len(read.rows), min_count=min_count, seed=options.seed or 0)
    return Learnt(lines, fit_prices(lines, min_count=min_count), how, unmapped=unmapped, guesses=guesses)


def _learn_privately(
    read: PriceTable, words: list[Words], mapping: dict[Key, str], wardrobe: Wardrobe, options: FitOptions
) -> Learnt:
    """Learn lines from noisy answers alone."""
    seed = options.seed if options.seed is not None else secrets.randbits(64)
    budget = Budget(options.epsilon or 1.0, DELTA, seed)
    parser = TitleParser(words, mapping)
    parsed = [_drawable(parser.parse(row), wardrobe) for row in read.rows]
    model = learn_privately(parsed, words[0], wardrobe.garments, budget, min_count=options.min_count)
    how = how_section(
        rows=max(model.rows, 0),
        min_count=options.min_count,
        epsilon=options.epsilon,
        delta=DELTA,
        spent=budget.spent,
    )
    facts = {
        "discount_share": model.discount_share,
        "discount_steps": model.discount_steps,
        "colourways": {"1": 9.0, "2": 1.0},
        "title_keeps_price": 0.75,
    }
    return Learnt(model.lines, model.prices, how, spent=tuple(budget.spent), facts=facts)


def _languages(read: PriceTable, options: FitOptions, wardrobe: Wardrobe) -> list[Words]:
    titles = sorted({row.title for row in read.rows})
    main = options.language or detect_language(titles[:2000])
    words = copy.deepcopy(load_words(main))
    if wardrobe.own:
        add_lexicon(words, wardrobe.source.lexicon)
    return [words] if main == _EVERYWHERE else [words, load_words(_EVERYWHERE)]


def _drawable(entry: Parsed, wardrobe: Wardrobe) -> Parsed:
    """Take back a drawing that the wardrobe does not have."""
    if not entry.shape or entry.shape in wardrobe.shapes:
        return entry
    return replace(entry, shape="", unknown=entry.noun or entry.row.title.split()[0])


def _colourways(template: Template, read: PriceTable, min_count: int) -> dict[str, float]:
    """Find how much of the table's colourway counts gives about as many different titles as the table has.

    Titles repeat on their own where a line has few of them; colourways add the rest. As few of them as will do: rows of
    one style share a place, so that colourways make the shares of places rougher.
    """
    rows = range(min(len(read.rows), _CALIBRATION_ROWS))
    wanted = rates.distinct_share([row.title for row in read.rows[: len(rows)]])
    sizes = rates.colourway_sizes(read.rows, min_count)
    colourways = rates.colourways_between(sizes, 0.0)
    for step in range(_STEPS + 1):
        colourways = rates.colourways_between(sizes, step / _STEPS)
        settings = template.settings.model_copy(update={"colourways": colourways})
        titles = Sampler(replace(template, settings=settings), seed=0).draw(rows).table()["title"]
        if rates.distinct_share(titles.to_pylist()) <= wanted + _NEAR:
            break
    return colourways
