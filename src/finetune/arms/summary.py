"""What the arms of an experiment show: each metric over seeds and styles, and against the first arm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from finetune.evaluation.bootstrap import DRAWS, Interval, drawn_values, interval_of
from finetune.evaluation.scores import METRICS, Judged


@dataclass(frozen=True, slots=True)
class ArmSummary:
    """One arm, all seeds together.

    Attributes:
        name: Of the arm.
        ratio: Share of synthetic samples.
        seeds: How many runs.
        values: By metric the mean over seeds, with an interval over seeds and styles.
        spread: By metric the lowest and the highest seed.
        gain: By metric what the arm gains from its pictures, over those of other products.
        against: By metric the difference to the first arm, turned so that more is better; empty for the first.
    """

    name: str
    ratio: float
    seeds: int
    values: Mapping[str, Interval]
    spread: Mapping[str, tuple[float, float]]
    gain: Mapping[str, Interval]
    against: Mapping[str, Interval]


@dataclass(frozen=True, slots=True)
class ArmAnswers:
    """What the runs of an arm answered on the held-out set, one entry for each seed."""

    name: str
    ratio: float
    own: Sequence[Judged]
    shuffled: Sequence[Judged]


def summarise(arms: Sequence[ArmAnswers], *, draws: int = DRAWS, seed: int = 0) -> list[ArmSummary]:
    """Summarise arms that were tested on the same products.

    Each draw of the bootstrap takes styles, the same for all arms, and for each arm seeds with replacement: so an
    interval says what other styles and other seeds of the same kind would give.
    """
    drawn = {arm.name: _drawn(arm.own, draws, seed, stream) for stream, arm in enumerate(arms)}
    without = {arm.name: _drawn(arm.shuffled, draws, seed, stream) for stream, arm in enumerate(arms)}
    first = drawn[arms[0].name] if arms else {}
    return [
        ArmSummary(
            name=arm.name,
            ratio=arm.ratio,
            seeds=len(arm.own),
            values=_intervals(drawn[arm.name]),
            spread=_spread(arm.own),
            gain=_intervals(_differences(drawn[arm.name], without[arm.name])),
            against=_intervals(_differences(drawn[arm.name], first)) if arm is not arms[0] else {},
        )
        for arm in arms
    ]


Drawn = Mapping[str, NDArray[np.float64]]
"""By metric ``(1 + draw,)``: the value of all, then of each draw."""


def _drawn(runs: Sequence[Judged], draws: int, seed: int, stream: int) -> Drawn:
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream, len(runs))))
    chosen = rng.integers(len(runs), size=(draws, len(runs)))
    means = {}
    for metric in METRICS:
        of_runs = np.stack(
            [
                drawn_values(partial(run.measure, metric.name), run.groups, draws=draws, seed=seed)
                for run in runs
            ]
        )
        of_draws = of_runs[chosen, 1 + np.arange(draws)[:, None]].mean(axis=1)
        means[metric.name] = np.concatenate([of_runs[:, 0].mean(keepdims=True), of_draws])
    return means


def _differences(better: Drawn, worse: Drawn) -> Drawn:
    """Turned so that more is better."""
    signs = {metric.name: -1 if metric.lower_is_better else 1 for metric in METRICS}
    return {name: signs[name] * (values - worse[name]) for name, values in better.items()}


def _intervals(drawn: Drawn) -> dict[str, Interval]:
    found = {name: interval_of(values) for name, values in drawn.items()}
    return {name: interval for name, interval in found.items() if interval}


def _spread(runs: Sequence[Judged]) -> dict[str, tuple[float, float]]:
    scores = [run.scores().as_dict() for run in runs]
    names = set.intersection(*(set(values) for values in scores))
    return {
        name: (min(values[name] for values in scores), max(values[name] for values in scores))
        for name in sorted(names)
    }
