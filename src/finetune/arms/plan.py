"""Which runs an experiment has: an arm for each share of synthetic samples, each from several seeds."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from finetune.config import MixtureConfig, SourceConfig
from finetune.config.run import RunConfig
from finetune.errors import ConfigError

ARMS = ("real", "synthetic", "mixed")
RATIOS = (0.0, 0.25, 0.5, 0.75, 1.0)
SEEDS = 3
RUN_FOLDERS = "ratio-*-seed-*"
"""Where runs are, in an experiment's folder."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One share of synthetic samples."""

    name: str
    """``real``, ``synthetic``, or such as ``mixed 25%``."""
    ratio: float
    """Share of synthetic samples, 0 to 1."""


@dataclass(frozen=True, slots=True)
class ArmRun:
    """One training of an arm."""

    arm: Arm
    seed: int
    config: RunConfig
    """All that the training is told; its folder is one of its own."""


def plan_arms(arms: Sequence[str], ratios: Sequence[float]) -> list[Arm]:
    """Give the arms in order of their share: ``real`` is ratio 0, ``synthetic`` 1, ``mixed`` those between.

    Raises:
        ConfigError: If an arm is unknown, a ratio out of range, or nothing is left to do.
    """
    unknown = [arm for arm in arms if arm not in ARMS]
    if unknown or not arms:
        raise ConfigError(f"arms: found {', '.join(unknown) or 'none'}; allowed are {', '.join(ARMS)}.")
    wrong = [ratio for ratio in ratios if not (math.isfinite(ratio) and 0 <= ratio <= 1)]
    if wrong:
        raise ConfigError(
            f"ratios: found {wrong[0]:g}; allowed are shares of synthetic samples from 0 (all real) to 1."
        )
    kinds = {0.0: "real", 1.0: "synthetic"}
    wanted = {0.0 for arm in arms if arm == "real"} | {1.0 for arm in arms if arm == "synthetic"}
    if "mixed" in arms:
        between = {ratio for ratio in ratios if 0 < ratio < 1}
        if not between:
            raise ConfigError("ratios: the arm mixed needs at least one between 0 and 1, such as 0.5.")
        wanted |= between
    return [Arm(kinds.get(ratio) or f"mixed {100 * ratio:g}%", ratio) for ratio in sorted(wanted)]


def plan_runs(
    config: RunConfig, arms: Sequence[Arm], *, seeds: int, out: str | os.PathLike[str]
) -> list[ArmRun]:
    """Give the runs: each arm from each seed, with equal steps; sources keep their weights within their kind.

    Args:
        config: What all runs share. Its sources must be real and synthetic ones; its schedule is not used.
        arms: Of `plan_arms`.
        seeds: How many; they run on from the seed of `config`.
        out: Folder of the experiment.

    Raises:
        ConfigError: If a kind of source that an arm needs is missing, or `seeds` is below 1.
    """
    if seeds < 1:
        raise ConfigError(f"seeds is {seeds}; allowed are whole numbers from 1 on.")
    runs = []
    for arm in arms:
        sources = _weighted(config.data.sources, arm)
        for seed in range(config.seed, config.seed + seeds):
            data = replace(
                config.data,
                sources=sources,
                mixture=MixtureConfig(exhausted=config.data.mixture.exhausted),
                seed=seed,
            )
            folder = Path(out) / f"ratio-{arm.ratio:g}-seed-{seed}"
            runs.append(ArmRun(arm, seed, replace(config, data=data, seed=seed, out=str(folder))))
    return runs


def held_out_sources(config: RunConfig) -> list[SourceConfig]:
    """Give the sources that all arms are tested on: the real ones, or all where none is real."""
    real = [source for source in config.data.sources if not source.is_synthetic]
    return real or list(config.data.sources)


def _weighted(sources: Sequence[SourceConfig], arm: Arm) -> tuple[SourceConfig, ...]:
    """Leave out the kind whose share is 0; let the weights of the two kinds sum to their shares."""
    weighted = []
    for synthetic, share in ((False, 1 - arm.ratio), (True, arm.ratio)):
        kind = [source for source in sources if source.is_synthetic == synthetic]
        total = sum(source.weight for source in kind)
        if share and not total > 0:
            raise ConfigError(
                f"arm {arm.name}: the config has no {'synthetic' if synthetic else 'real'} source with a weight "
                "above 0. Add one; 'synthetic: true' says of a source that it is made."
            )
        if share:
            weighted += [
                replace(source, weight=share * source.weight / total) for source in kind if source.weight
            ]
    return tuple(weighted)
