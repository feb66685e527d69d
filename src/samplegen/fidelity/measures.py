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


@dataclass(frozen=True, slots=True)
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
    best: float
    worst: float
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


_COLUMNS, _TITLES, _TELLING, _USE = "Columns", "Titles", "Telling them apart", "Use"
_RULES, PRIVACY, _PICTURES = "Rules", "Privacy", "Pictures"
GROUPS = (_COLUMNS, _TITLES, _TELLING, _USE, _RULES, PRIVACY, _PICTURES)

_ALL = (
    Measure(
        "column_shapes",
        "Column shapes",
        _COLUMNS,
        1,
        0,
        "Mean overlap of each column's distribution: TVComplement of codes, KSComplement of numbers.",
    ),
    Measure(
        "pair_trends",
        "Pair trends",
        _COLUMNS,
        1,
        0,
        "Mean ContingencySimilarity of every two columns, prices cut at their deciles: do values keep the same company?",
    ),
    Measure(
        "correlations",
        "Correlations",
        _COLUMNS,
        1,
        0,
        "Mean CorrelationSimilarity of every two numbers, prices as logarithms.",
    ),
    Measure(
        "category_triples",
        "Category triples",
        _COLUMNS,
        1,
        0,
        "1 - total variation of the three category levels taken together.",
    ),
    Measure(
        "price_by_category",
        "Prices within categories",
        _COLUMNS,
        1,
        0,
        "KSComplement of the full price within each second-level category, weighted by the category's real share.",
    ),
    Measure(
        "title_length",
        "Title length",
        _TITLES,
        1,
        0,
        "KSComplement of the titles' number of characters.",
    ),
    Measure(
        "title_words_covered",
        "Real words covered",
        _TITLES,
        1,
        0,
        "Share of the distinct words of real titles that occur in synthetic ones.",
    ),
    Measure(
        "title_words_known",
        "Synthetic words known",
        _TITLES,
        1,
        0,
        "Share of the words in synthetic titles that occur in real ones.",
    ),
    Measure(
        "title_ngrams",
        "Title n-grams",
        _TITLES,
        1,
        0,
        "1 - total variation of n-gram counts, mean of words, word pairs and runs of three characters.",
    ),
    Measure(
        "distinct_titles",
        "Distinct titles",
        _TITLES,
        1,
        0,
        "Distinct titles per row at equal size: the smaller of the two tables' over the larger.",
    ),
    Measure(
        "title_repeats",
        "Title repeats",
        _TITLES,
        1,
        0,
        "TVComplement of how many rows share a row's title (colourways of a style).",
    ),
    Measure(
        "auc_table",
        "Two-sample AUC, codes and price",
        _TELLING,
        0.5,
        1,
        "How well boosted trees tell real rows from synthetic ones: 0.5 is a coin toss, 1 is always.",
    ),
    Measure(
        "auc_titles",
        "Two-sample AUC, titles",
        _TELLING,
        0.5,
        1,
        "How well a linear model of n-grams tells real titles from synthetic ones: 0.5 is a coin toss, 1 is always.",
    ),
    Measure(
        "price_r2",
        "Price R²",
        _USE,
        1,
        0,
        "Share of the variance of real log prices that a model explains which has seen only synthetic rows, all of them.",
    ),
    Measure(
        "category_accuracy",
        "Category accuracy",
        _USE,
        1,
        0,
        "Share of real rows whose second-level category a model names that has seen only synthetic rows.",
    ),
    Measure(
        "category_macro_f1",
        "Category macro-F1",
        _USE,
        1,
        0,
        "The same model's F1, each real category counting alike, however rare.",
    ),
    Measure(
        "rule_adherence",
        "Rule adherence",
        _RULES,
        1,
        0,
        "The price list's rules that can be checked: the smallest share of rows that keep a rule. Aim at 1.",
    ),
    Measure(
        "titles_copied",
        "Titles copied",
        PRIVACY,
        0,
        1,
        "Share of rows whose title stands word for word in the real table. Real rows repeat titles too: see the floor.",
    ),
    Measure(
        "rows_copied",
        "Rows copied",
        PRIVACY,
        0,
        1,
        "Share of rows that equal a real row in categories, title and price.",
    ),
    Measure(
        "distance_to_closest",
        "Distance to closest record",
        PRIVACY,
        1,
        0,
        "Mean distance of a row to the nearest real row, 0 (equal) to 1 (nothing in common). Well below the floor means copying.",
    ),
    Measure(
        "closer_to_real",
        "Closer to real than to holdout",
        PRIVACY,
        0.5,
        1,
        "Share of synthetic rows nearer to a real row than to one held out; above 0.5 they lean on rows they learned from.",
    ),
    Measure(
        "membership_auc",
        "Membership AUC",
        PRIVACY,
        0.5,
        1,
        "How well distance to the synthetic rows tells real rows from held-out ones: 0.5 gives nothing away.",
    ),
    Measure(
        "picture_colour",
        "Picture colour",
        _PICTURES,
        1,
        0,
        "Mean KSComplement of lightness, contrast, saturation and tint.",
    ),
    Measure(
        "picture_edges",
        "Picture edges",
        _PICTURES,
        1,
        0,
        "Mean KSComplement of edge strength, edge share and direction.",
    ),
    Measure(
        "picture_spectrum",
        "Picture spectrum",
        _PICTURES,
        1,
        0,
        "Mean KSComplement of how power falls with spatial frequency: fine texture, blur, noise.",
    ),
    Measure(
        "picture_foreground",
        "Picture foreground",
        _PICTURES,
        1,
        0,
        "Mean KSComplement of the product's area, proportions and place, and of how plain the ground is.",
    ),
    Measure(
        "picture_distance",
        "Picture kernel distance",
        _PICTURES,
        0,
        2,
        "Unbiased squared MMD of the picture statistics (polynomial kernel, not Inception): 0 is no difference.",
    ),
)
MEASURES: Mapping[str, Measure] = MappingProxyType({measure.name: measure for measure in _ALL})


def check_names(names: Mapping[str, float]) -> None:
    """Refuse measures that do not exist.

    Raises:
        FidelityError: With the names that are allowed.
    """
    for name in names:
        if name not in MEASURES:
            raise FidelityError(f"there is no measure {name!r}; allowed are {', '.join(MEASURES)}.")
