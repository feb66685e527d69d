"""The measures: names, scales, and one plain sentence each on how to read them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from samplegen.errors import FidelityError


class Direction(StrEnum):
    """Which end of a measure's scale is good."""

    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One number that tells how close two tables are.

    Attributes:
        name: As in the JSON file and after ``--fail-under``.
        title: As on the page.
        group: The part of the page that explains it.
        best: The value when nothing tells the tables apart.
        worst: A value that could hardly be worse; with ``best`` it spans the bar on the page.
        reading: One plain sentence on how to read it.
    """

    name: str
    title: str
    group: str
    best: float = 1
    worst: float = 0
    reading: str

    @property
    def direction(self) -> Direction:
        """Whether higher values are better."""
        return Direction.HIGHER if self.best > self.worst else Direction.LOWER

    def closeness(self, value: float) -> float:
        """Place a value between the worst (0) and the best (1); ends count, values beyond are cut off."""
        return min(1.0, max(0.0, (value - self.worst) / (self.best - self.worst)))

    def is_met(self, value: float, threshold: float) -> bool:
        """Whether a value is at least as good as a threshold."""
        return value >= threshold if self.direction is Direction.HIGHER else value <= threshold


_COLUMNS, _TITLES, _TELLING, USE = "Columns", "Titles", "Telling them apart", "Use"
_RULES, PRIVACY, _PICTURES = "Rules", "Privacy", "Pictures"
GROUPS = (_COLUMNS, _TITLES, _TELLING, USE, _RULES, PRIVACY, _PICTURES)

_ALL = (
    Measure(
        name="column_shapes",
        title="Column shapes",
        group=_COLUMNS,
        reading="Mean overlap of each column's distribution: TVComplement of codes, KSComplement of numbers.",
    ),
    Measure(
        name="pair_trends",
        title="Pair trends",
        group=_COLUMNS,
        reading="Mean ContingencySimilarity of every two columns, prices cut at their deciles: do values keep the same company?",
    ),
    Measure(
        name="correlations",
        title="Correlations",
        group=_COLUMNS,
        reading="Mean CorrelationSimilarity of every two numbers, prices as logarithms.",
    ),
    Measure(
        name="category_triples",
        title="Category triples",
        group=_COLUMNS,
        reading="1 - total variation of the three category levels taken together.",
    ),
    Measure(
        name="price_by_category",
        title="Prices within categories",
        group=_COLUMNS,
        reading="KSComplement of the full price within each second-level category, weighted by the category's real share.",
    ),
    Measure(
        name="title_length",
        title="Title length",
        group=_TITLES,
        reading="KSComplement of the titles' number of characters.",
    ),
    Measure(
        name="title_words_covered",
        title="Real words covered",
        group=_TITLES,
        reading="Share of the distinct words of real titles that occur in synthetic ones.",
    ),
    Measure(
        name="title_words_known",
        title="Synthetic words known",
        group=_TITLES,
        reading="Share of the words in synthetic titles that occur in real ones.",
    ),
    Measure(
        name="title_ngrams",
        title="Title n-grams",
        group=_TITLES,
        reading="1 - total variation of n-gram counts, mean of words, word pairs and runs of three characters.",
    ),
    Measure(
        name="distinct_titles",
        title="Distinct titles",
        group=_TITLES,
        reading="Distinct titles per row at equal size: the smaller of the two tables' over the larger.",
    ),
    Measure(
        name="title_repeats",
        title="Title repeats",
        group=_TITLES,
        reading="TVComplement of how many rows share a row's title (colourways of a style).",
    ),
    Measure(
        name="auc_table",
        title="Two-sample AUC, codes and price",
        group=_TELLING,
        best=0.5,
        worst=1,
        reading="How well boosted trees tell real rows from synthetic ones: 0.5 is a coin toss, 1 is always.",
    ),
    Measure(
        name="auc_titles",
        title="Two-sample AUC, titles",
        group=_TELLING,
        best=0.5,
        worst=1,
        reading="How well a linear model of n-grams tells real titles from synthetic ones: 0.5 is a coin toss, 1 is always.",
    ),
    Measure(
        name="price_r2",
        title="Price R²",
        group=USE,
        reading="Share of the variance of real log prices that a model explains which has seen only synthetic rows. Tested on held-out rows, if given; the floor has seen REAL.",
    ),
    Measure(
        name="category_accuracy",
        title="Category accuracy",
        group=USE,
        reading="Share of the same rows whose second-level category a model names that has seen only synthetic rows.",
    ),
    Measure(
        name="category_macro_f1",
        title="Category macro-F1",
        group=USE,
        reading="The same model's F1, each real category counting alike, however rare.",
    ),
    Measure(
        name="rule_adherence",
        title="Rule adherence",
        group=_RULES,
        reading="The price list's rules that can be checked: the smallest share of rows that keep a rule. Aim at 1.",
    ),
    Measure(
        name="titles_copied",
        title="Titles copied",
        group=PRIVACY,
        best=0,
        worst=1,
        reading="Share of titles that stand word for word in the real table. Real rows repeat titles too: see the floor.",
    ),
    Measure(
        name="rows_copied",
        title="Rows copied",
        group=PRIVACY,
        best=0,
        worst=1,
        reading="Share of rows with a title that equal a real row in categories, title and price.",
    ),
    Measure(
        name="distance_to_closest",
        title="Distance to closest record",
        group=PRIVACY,
        reading="Mean distance of a row to the nearest real row, 0 (equal) to 1 (nothing in common). Well below the floor means copying.",
    ),
    Measure(
        name="closer_to_real",
        title="Closer to real than to holdout",
        group=PRIVACY,
        best=0.5,
        worst=1,
        reading="Share of synthetic rows nearer to a real row than to one held out; above 0.5 they lean on rows they learned from.",
    ),
    Measure(
        name="membership_auc",
        title="Membership AUC",
        group=PRIVACY,
        best=0.5,
        worst=1,
        reading="How well distance to the synthetic rows tells real rows from held-out ones: 0.5 gives nothing away.",
    ),
    Measure(
        name="picture_colour",
        title="Picture colour",
        group=_PICTURES,
        reading="Mean KSComplement of lightness, contrast, saturation and tint.",
    ),
    Measure(
        name="picture_edges",
        title="Picture edges",
        group=_PICTURES,
        reading="Mean KSComplement of edge strength, edge share and direction.",
    ),
    Measure(
        name="picture_spectrum",
        title="Picture spectrum",
        group=_PICTURES,
        reading="Mean KSComplement of how power falls with spatial frequency: fine texture, blur, noise.",
    ),
    Measure(
        name="picture_foreground",
        title="Picture foreground",
        group=_PICTURES,
        reading="Mean KSComplement of the product's area, proportions and place, and of how plain the ground is.",
    ),
    Measure(
        name="picture_distance",
        title="Picture kernel distance",
        group=_PICTURES,
        best=0,
        worst=2,
        reading="Unbiased squared MMD of the picture statistics (polynomial kernel, not Inception): 0 is no difference.",
    ),
)
MEASURES: Mapping[str, Measure] = MappingProxyType({measure.name: measure for measure in _ALL})


def check_thresholds(thresholds: Mapping[str, float]) -> None:
    """Refuse thresholds of measures that do not exist, and those that no table could meet.

    Raises:
        FidelityError: With the names or values that are allowed.
    """
    for name, threshold in thresholds.items():
        if name not in MEASURES:
            raise FidelityError(f"there is no measure {name!r}; allowed are {', '.join(MEASURES)}.")
        measure = MEASURES[name]
        if measure.direction is Direction.HIGHER and threshold > measure.best:
            raise FidelityError(f"{name} cannot reach {threshold:g}; it is {measure.best:g} at best.")
