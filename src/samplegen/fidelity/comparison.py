"""Joins the measures: loads the datasets, computes every score and its floor."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, partial
from operator import itemgetter
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd
import pyarrow as pa
from threadpoolctl import threadpool_limits

from samplegen.errors import FidelityError
from samplegen.fidelity import columns, pictures, prices, privacy, rules, titles, two_sample, utility
from samplegen.fidelity.measures import GROUPS, MEASURES
from samplegen.fidelity.pictures import Gallery
from samplegen.fidelity.result import Comparison
from samplegen.fidelity.scores import NotMeasurable, Outcome, Score, attempt
from samplegen.fidelity.settings import MAX_PICTURES, MAX_ROWS, MAX_SEED, Settings
from samplegen.fidelity.tables import Source, load_source, take_rows

STAGES, HOLDOUT_STAGES = 2 + len(GROUPS), len(GROUPS)
"""How often `compare` calls ``on_stage``, and how often more with a holdout."""

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
        seed: Chooses sub-samples, folds and permutations; 0 to 4,294,967,295.
        max_rows: Larger tables are sub-sampled to so many rows; 1 or more.
        max_pictures: How many pictures of each dataset are compared; 0 for none.
        on_stage: Called with the name of each stage before it begins, so that progress can be shown.

    Returns:
        The scores. All tables are compared at the size of the smallest, since most measures depend on it; only
        models that are trained on a table get all its rows, up to ``max_rows``, and copies are looked for in all
        rows of ``real``. Models are tested on ``holdout`` where there is one, else on ``real``.

    Raises:
        FidelityError: If a dataset cannot be read, or the two have nothing in common.
    """
    for name, value, least, most in (
        ("seed", seed, 0, MAX_SEED),
        ("max_rows", max_rows, 1, math.inf),
        ("max_pictures", max_pictures, 0, math.inf),
    ):
        if not least <= value <= most:
            allowed = f"{least} or more" if most == math.inf else f"{least} to {most}"
            raise FidelityError(f"{name} is {value}; allowed is {allowed}.")
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
        found = {role: _measure(_Case(sides, role, seed), stage) for role in sides if role != "real"}
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
    """As many as there are, up to the limit: what a model is trained and tested on."""
    gallery: Gallery
    source: Source


class _Case:
    """One dataset, synthetic or held out, against the real one; what several measures need is computed once."""

    def __init__(self, sides: Mapping[str, _Side], role: str, seed: int) -> None:
        self.sides, self.role, self.seed = sides, role, seed
        self.real, self.other = sides["real"], sides[role]
        holdout = sides.get("holdout")
        self.holdout = holdout if holdout is not None and len(holdout.rows) else None

    def check_tables(self) -> None:
        for side, name in ((self.real, "real"), (self.other, "compared")):
            if side.rows.empty:
                raise NotMeasurable(f"the {name} data have no price list")

    def rows(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Give as many rows of both: for what depends on the size."""
        self.check_tables()
        return self.real.rows, self.other.rows

    def rows_and_seed(self) -> tuple[pd.DataFrame, pd.DataFrame, int]:
        return *self.rows(), self.seed

    def all_real(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Give every real row, so that no copy goes unseen."""
        self.check_tables()
        return self.real.source.frame, self.other.rows

    def train_and_test(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Give what models learn from and are tested on: rows that no generator has seen, where there are some."""
        self.check_tables()
        learned = self.real if self.role == "holdout" else self.other
        return learned.all_rows, (self.holdout or self.real).all_rows

    @cached_property
    def _categories(self) -> Mapping[str, Outcome]:
        return utility.category(*self.train_and_test())

    def categories(self) -> tuple[Mapping[str, Outcome]]:
        return (self._categories,)

    @cached_property
    def space(self) -> privacy.Space:
        """Give the same distances to scores and floors: words weigh as they do in all tables together."""
        self.check_tables()
        others = [side.rows for role, side in self.sides.items() if role != "real" and len(side.rows)]
        return privacy.Space([self.real.source.frame, *others])

    def distances(self) -> tuple[privacy.Distances]:
        return (self.space.closest(self.other.rows, self.real.source.frame),)

    def to_real_and_holdout(self) -> tuple[privacy.Distances, privacy.Distances]:
        real, holdout = self._three()
        return self.space.closest(self.other.rows, real), self.space.closest(self.other.rows, holdout)

    def from_real_and_holdout(self) -> tuple[privacy.Distances, privacy.Distances]:
        real, holdout = self._three()
        return self.space.closest(real, self.other.rows), self.space.closest(holdout, self.other.rows)

    def whole_table(self) -> tuple[pa.Table, Fraction | None]:
        return self.other.source.table, rules.euro_rate_of(self.other.source.path)

    def galleries(self) -> tuple[Gallery, Gallery]:
        return self.real.gallery, self.other.gallery

    def galleries_and_seed(self) -> tuple[Gallery, Gallery, int]:
        return *self.galleries(), self.seed

    def _three(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        self.check_tables()
        if self.holdout is None:
            raise NotMeasurable("needs a holdout: real rows that were not learned from")
        return self.real.rows, self.holdout.rows


_COMPUTED: Mapping[str, tuple[Callable[..., Outcome], Callable[[_Case], tuple[Any, ...]]]] = MappingProxyType(
    {
        "column_shapes": (columns.column_shapes, _Case.rows),
        "pair_trends": (columns.pair_trends, _Case.rows),
        "correlations": (columns.correlations, _Case.rows),
        "category_triples": (columns.category_triples, _Case.rows),
        "price_by_category": (prices.price_by_category, _Case.rows),
        "title_length": (titles.title_length, _Case.rows),
        "title_words_covered": (titles.title_words_covered, _Case.rows),
        "title_words_known": (titles.title_words_known, _Case.rows),
        "title_ngrams": (titles.title_ngrams, _Case.rows),
        "distinct_titles": (titles.distinct_titles, _Case.rows),
        "title_repeats": (titles.title_repeats, _Case.rows),
        "auc_table": (two_sample.auc_table, _Case.rows_and_seed),
        "auc_titles": (two_sample.auc_titles, _Case.rows_and_seed),
        "price_r2": (utility.price_r2, _Case.train_and_test),
        "category_accuracy": (itemgetter("category_accuracy"), _Case.categories),
        "category_macro_f1": (itemgetter("category_macro_f1"), _Case.categories),
        "rule_adherence": (rules.rule_adherence, _Case.whole_table),
        "titles_copied": (titles.titles_copied, _Case.all_real),
        "rows_copied": (privacy.rows_copied, _Case.all_real),
        "distance_to_closest": (privacy.distance_to_closest, _Case.distances),
        "closer_to_real": (privacy.closer_to_real, _Case.to_real_and_holdout),
        "membership_auc": (privacy.membership_auc, _Case.from_real_and_holdout),
        **{
            family: (partial(pictures.picture_family, family=family), _Case.galleries)
            for family in pictures.FAMILIES
        },
        "picture_distance": (pictures.picture_distance, _Case.galleries_and_seed),
    }
)
"""How each measure is computed, and of what."""
_NO_FLOOR = ("closer_to_real", "membership_auc")
"""What compares the synthetic rows with the held-out ones themselves."""


def _measure(case: _Case, stage: OnStage) -> Measured:
    """Compute every measure of one dataset."""
    found: Measured = {}
    for group in GROUPS:
        stage(f"{group.lower()}, {case.role}")
        for name, measure in MEASURES.items():
            if measure.group == group and not (case.role == "holdout" and name in _NO_FLOOR):
                found[name] = attempt(_compute, name, case)
    return found


def _compute(name: str, case: _Case) -> Outcome:
    function, inputs = _COMPUTED[name]
    return function(*inputs(case))


def _check_common(sources: Mapping[str, Source]) -> None:
    real, synthetic = sources["real"], sources["synthetic"]
    for source in sources.values():
        if not source.rows and not source.picture_count:
            raise FidelityError(f"{source.path}: has no rows, so there is nothing to compare.")
        if source.unreadable and not source.rows and not source.photos:
            raise FidelityError(
                f"{source.path}: none of its pictures that were tried ({len(source.unreadable):,}) can be read; the "
                f"first: {source.unreadable[0]}"
            )
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
                f"{role.capitalize()} pictures that cannot be read and were left out: {len(source.unreadable):,}."
            )
    real = sources["real"]
    holdout = sources.get("holdout")
    if holdout and (
        holdout.path.resolve() == real.path.resolve() or (real.rows and holdout.table.equals(real.table))
    ):
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
