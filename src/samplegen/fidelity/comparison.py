"""Joins the measures: loads the datasets, computes every score and its floor."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from threadpoolctl import threadpool_limits

from samplegen.errors import FidelityError
from samplegen.fidelity import columns, pictures, prices, privacy, rules, titles, two_sample, utility
from samplegen.fidelity.measures import MEASURES
from samplegen.fidelity.pictures import Gallery
from samplegen.fidelity.result import MAX_PICTURES, MAX_ROWS, Comparison, Settings
from samplegen.fidelity.scores import NotMeasurable, Outcome, Score, attempt
from samplegen.fidelity.tables import Source, load_source, take_rows

STAGES, HOLDOUT_STAGES = 6, 3
"""How often `compare` calls ``on_stage``, and how often more with a holdout."""

_NEED_ALL = ("distance_to_closest", "closer_to_real", "membership_auc")
_OF_TABLES = [
    name
    for name in MEASURES
    if name not in (*pictures.FAMILIES, "picture_distance", "rule_adherence", *_NEED_ALL)
]

OnStage = Callable[[str], None]
Measured = dict[str, Outcome]


def compare(
    real: str | Path,
    synthetic: str | Path,
    holdout: str | Path | None = None,
    *,
    seed: int = 0,
    max_rows: int = MAX_ROWS,
    max_pictures: int = MAX_PICTURES,
    on_stage: OnStage | None = None,
) -> Comparison:
    """Measure how close a synthetic dataset comes to a real one.

    Args:
        real: The real dataset, best the rows that the synthetic ones were learned from: a folder or file in any
            format that samplegen writes, JSON lines, or a folder of pictures alone.
        synthetic: The dataset to judge.
        holdout: Real rows that were not learned from. Each score is computed of them too, in place of the
            synthetic ones: that is the floor, what real data would get. Some measures of privacy need it.
        seed: Chooses sub-samples, folds and permutations.
        max_rows: Larger tables are sub-sampled to so many rows; 1 or more.
        max_pictures: How many pictures of each dataset are compared; 0 for none.
        on_stage: Called with the name of each stage before it begins, so that progress can be shown.

    Returns:
        The scores. All tables are compared at the size of the smallest, since most measures depend on it; only
        models that are trained on a table get all its rows, up to ``max_rows``.

    Raises:
        FidelityError: If a dataset cannot be read, or the two have nothing in common.
    """
    if max_rows < 1 or max_pictures < 0:
        raise FidelityError(
            f"max_rows is {max_rows} and max_pictures {max_pictures}; at least 1 and 0 are needed."
        )
    settings = Settings(seed, max_rows, max_pictures)
    stage = on_stage or (lambda name: None)
    paths = {"real": real, "synthetic": synthetic} | ({"holdout": holdout} if holdout is not None else {})
    stage("reading")
    sources = {
        role: load_source(Path(path), seed=seed, max_pictures=max_pictures) for role, path in paths.items()
    }
    _check_common(sources)
    counts = [source.rows for source in sources.values() if source.rows]
    rows = min([*counts, max_rows]) if counts else 0
    frames = {role: take_rows(source.frame, rows, seed=seed, name=role) for role, source in sources.items()}
    stage("pictures")
    galleries = {role: pictures.describe(source.photos) for role, source in sources.items()}
    sides = {
        role: _Side(
            frames[role],
            take_rows(source.frame, max_rows, seed=seed, name=role),
            galleries[role],
            source,
        )
        for role, source in sources.items()
    }
    # The matrices are small: threads would mostly wait for each other, and sums depend on their number.
    with threadpool_limits(limits=1):
        found = {
            role: _measure(sides["real"], side, role, seed, stage)
            for role, side in sides.items()
            if role != "real"
        }
        stage("privacy")
        found["synthetic"] |= _privacy(frames, found)
    scores = {
        name: Score(measure, found["synthetic"][name], found.get("holdout", {}).get(name))
        for name, measure in MEASURES.items()
    }
    notes = _notes(sources, rows, settings)
    return Comparison(scores, sources, rows, notes, settings, frames, galleries)


@dataclass(frozen=True)
class _Side:
    """What the measures see of a dataset."""

    rows: pd.DataFrame
    """As many as of every other side."""
    all_rows: pd.DataFrame
    """As many as there are, up to the limit: what a model is trained on."""
    gallery: Gallery
    source: Source


def _measure(real_side: _Side, other_side: _Side, role: str, seed: int, stage: OnStage) -> Measured:
    """Compute every measure of one dataset against the real one, but for those that need all three."""
    found = _measure_tables(real_side, other_side, role, seed, stage)
    source, galleries = other_side.source, (real_side.gallery, other_side.gallery)
    found["rule_adherence"] = attempt(rules.rule_adherence, source.table, rules.euro_rate_of(source.path))
    for family in pictures.FAMILIES:
        found[family] = attempt(pictures.picture_family, *galleries, family)
    found["picture_distance"] = attempt(pictures.picture_distance, *galleries, seed)
    return found


def _measure_tables(real_side: _Side, other_side: _Side, role: str, seed: int, stage: OnStage) -> Measured:
    real, other = real_side.rows, other_side.rows
    stage(f"columns and titles, {role}")
    if absence := _absence(real, other):
        return dict.fromkeys(_OF_TABLES, Outcome(value=None, reason=absence))
    found = {
        function.__name__: attempt(function, real, other)
        for function in (
            columns.column_shapes,
            columns.pair_trends,
            columns.correlations,
            columns.category_triples,
            prices.price_by_category,
            titles.title_length,
            titles.title_words_covered,
            titles.title_words_known,
            titles.title_ngrams,
            titles.distinct_titles,
            titles.title_repeats,
            titles.titles_copied,
            privacy.rows_copied,
        )
    }
    stage(f"telling apart, {role}")
    for test in (two_sample.auc_table, two_sample.auc_titles):
        found[test.__name__] = attempt(test, real, other, seed)
    stage(f"training, {role}")
    found["price_r2"] = attempt(utility.price_r2, real_side.all_rows, other_side.all_rows)
    try:
        found |= utility.category(real_side.all_rows, other_side.all_rows)
    except NotMeasurable as reason:
        found |= dict.fromkeys(
            ("category_accuracy", "category_macro_f1"), Outcome(value=None, reason=str(reason))
        )
    return found


def _privacy(frames: Mapping[str, pd.DataFrame], found: Mapping[str, Measured]) -> Measured:
    """Compute what needs distances between rows; the floor of the distance goes to the holdout's measures."""
    if absence := _absence(frames["real"], frames["synthetic"]):
        return dict.fromkeys(_NEED_ALL, Outcome(value=None, reason=absence))
    names = [
        name for name in ("real", "synthetic", "holdout") if name != "holdout" or len(frames.get(name, ()))
    ]
    alone = Outcome(value=None, reason="needs a holdout: real rows that were not learned from")
    try:
        distances = privacy.closest([frames[name] for name in names])
    except NotMeasurable as reason:
        missing = Outcome(value=None, reason=str(reason))
        return dict.fromkeys(_NEED_ALL, missing)
    measured = {"distance_to_closest": privacy.distance_to_closest(distances[1, 0])}
    if "holdout" not in names:
        return measured | {"closer_to_real": alone, "membership_auc": alone}
    found["holdout"]["distance_to_closest"] = privacy.distance_to_closest(distances[2, 0])
    return measured | {
        "closer_to_real": privacy.closer_to_real(distances[1, 0], distances[1, 2]),
        "membership_auc": privacy.membership_auc(distances[0, 1], distances[2, 1]),
    }


def _absence(real: pd.DataFrame, other: pd.DataFrame) -> str:
    """Say which side has no price list; nothing where both have one."""
    for frame, side in ((real, "real"), (other, "compared")):
        if frame.empty:
            return f"the {side} data have no price list"
    return ""


def _check_common(sources: Mapping[str, Source]) -> None:
    real, synthetic = sources["real"], sources["synthetic"]
    for source in sources.values():
        if not source.rows and not source.picture_count:
            raise FidelityError(f"{source.path}: has no rows, so there is nothing to compare.")
    columns_shared = set(real.frame.columns) & set(synthetic.frame.columns)
    if not columns_shared and not (real.photos and synthetic.photos):
        raise FidelityError(
            f"{real.path} and {synthetic.path} have nothing to compare: no column of the price list "
            f"(category1_code, category2_code, category3_code, title, prices) and no pictures on both sides."
        )


def _notes(sources: Mapping[str, Source], rows: int, settings: Settings) -> tuple[str, ...]:
    notes = []
    for role, source in sources.items():
        if not source.rows:
            notes.append(
                f"The {role} data have no price list." if source.photos else f"The {role} data have no rows."
            )
        elif source.rows > rows:
            notes.append(f"Of {source.rows:,} {role} rows {rows:,} were compared, chosen by the seed.")
        if source.picture_count > len(source.photos) + len(source.unreadable) and settings.max_pictures:
            notes.append(
                f"Of {source.picture_count:,} {role} pictures {len(source.photos):,} were compared, chosen by the seed."
            )
        if source.unreadable:
            notes.append(
                f"{len(source.unreadable)} {role} pictures were left out, the first because: {source.unreadable[0]}"
            )
    real = sources["real"]
    if "holdout" in sources and sources["holdout"].path.resolve() == real.path.resolve():
        notes.append("The holdout is the real table itself, so what stands as the floor is no floor.")
    for role, source in sources.items():
        if role == "real" or not source.rows or not real.rows:
            continue
        missing = [name for name in real.table.column_names if name not in source.table.column_names]
        extra = [name for name in source.table.column_names if name not in real.table.column_names]
        if missing:
            notes.append(f"Only the real table has {', '.join(missing)}; the {role} one does not.")
        if extra:
            notes.append(f"Only the {role} table has {', '.join(extra)}; the real one does not.")
    return tuple(notes)
