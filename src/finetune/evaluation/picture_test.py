"""Whether answers come from the pictures: the same answers again with pictures shuffled, and blanked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from finetune.errors import DataError
from finetune.evaluation.bootstrap import DRAWS, Interval, drawn_values, interval_of
from finetune.evaluation.scores import HEADLINES, METRICS, Judged, Metric
from finetune.evaluation.wording import show_gain

FEW_STYLES = 10
"""With fewer, a model that does read may fail to show it, and one that does not may seem to."""


def shuffled_order(groups: Sequence[str], *, seed: int) -> list[int]:
    """Give each row another row whose picture it gets: a permutation that leaves none in its place.

    The other row is of another style, unless one style holds more than half of the rows.

    Args:
        groups: Each row's style.
        seed: Same seed, same order.

    Raises:
        DataError: If there are fewer than two rows.
    """
    if len(groups) < 2:
        raise DataError(
            f"the picture test gives each product the picture of another; found {len(groups)}, so take at least 2."
        )
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(len(groups),)))
    names, number, sizes = np.unique(list(groups), return_inverse=True, return_counts=True)
    # Rows in order of their style, styles in random order: a step as wide as the largest style leaves each style.
    ranks = rng.permutation(len(names))
    order = np.lexsort((rng.permutation(len(groups)), ranks[number]))
    other = np.empty(len(groups), np.int64)
    other[order] = np.roll(order, -int(min(sizes.max(), len(groups) - 1)))
    return [int(place) for place in other]


@dataclass(frozen=True, slots=True)
class PictureGain:
    """What a model gains from its pictures, each metric turned so that more is better.

    Attributes:
        shuffled: By metric the gain over the pictures of other products.
        blank: The gain over grey pictures of the same size; a metric without value there is left out.
        same_answers: Whether all answers were the same, word for word, whatever the picture.
        styles: How many styles were compared.
    """

    shuffled: Mapping[str, Interval]
    blank: Mapping[str, Interval]
    same_answers: bool
    styles: int

    @property
    def gained(self) -> tuple[Metric, ...]:
        """The headline metrics whose gain over shuffled pictures has an interval above zero."""
        return tuple(metric for metric in self._headlines if self.shuffled[metric.name].low > 0)

    @property
    def reads(self) -> bool:
        """Whether the model reads what its pictures show: it gains over shuffled and over blank ones."""
        return any(metric.name not in self.blank or self.blank[metric.name].low > 0 for metric in self.gained)

    @property
    def verdict(self) -> str:
        """The result in plain words."""
        details = "; ".join(show_gain(metric, self.shuffled[metric.name]) for metric in self._headlines)
        count = "is only 1 style" if self.styles == 1 else f"are only {self.styles} styles"
        few = f" There {count}: {{}}. Test with more." if self.styles < FEW_STYLES else ""
        if self.reads:
            return (
                f"This model reads its pictures. Against pictures of other products: {details}."
                + few.format("this may be chance")
            )
        if self.gained:
            return (
                "This model ignores what its pictures show: grey pictures of the same size do as well. "
                f"Against pictures of other products: {details}."
            )
        if self.same_answers:
            return "This model ignores its pictures: it wrote the same answers whatever the picture."
        return (
            "This model ignores its pictures: with those of other products it does as well as with their own "
            f"({details})." + few.format("a gain may have gone unseen")
        )

    @property
    def _headlines(self) -> tuple[Metric, ...]:
        return tuple(m for m in METRICS if m.name in HEADLINES.values() and m.name in self.shuffled)


def picture_gain(
    own: Judged,
    shuffled: Judged,
    blank: Judged,
    *,
    same_answers: bool = False,
    draws: int = DRAWS,
    seed: int = 0,
) -> PictureGain:
    """Compare answers to the same products with their own, with shuffled and with blank pictures, in pairs."""
    return PictureGain(
        shuffled=gains(own, shuffled, draws=draws, seed=seed),
        blank=gains(own, blank, draws=draws, seed=seed),
        same_answers=same_answers,
        styles=len(np.unique(own.groups)),
    )


def gains(better: Judged, worse: Judged, *, draws: int = DRAWS, seed: int = 0) -> dict[str, Interval]:
    """Give for each metric how much better `better` is, with intervals over styles that both are measured on."""
    found = {}
    for metric in METRICS:
        ours, theirs = (
            drawn_values(partial(judged.measure, metric.name), judged.groups, draws=draws, seed=seed)
            for judged in (better, worse)
        )
        interval = interval_of(theirs - ours if metric.lower_is_better else ours - theirs)
        if interval:
            found[metric.name] = interval
    return found
