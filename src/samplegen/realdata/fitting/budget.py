"""Differential privacy: noise for counts and sums, and an account of what every question cost.

Two tables are neighbours if one has one row that the other has not. Each answer gets discrete Laplace noise, whose
spread is sensitivity / epsilon; by composition the whole pack is (epsilon, delta)-private, with the sums of all.
"""

import math
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.random import Generator, default_rng

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Spent:
    """What one question cost."""

    name: str
    epsilon: float
    sensitivity: int
    delta: float = 0.0


@dataclass
class Budget:
    """A budget of epsilon and delta, and what was spent of it.

    Args:
        epsilon: In all.
        delta: In all, for questions whose answers' keys are not public.
        seed: Of the noise; whoever knows it can take the noise off again, so it is as secret as the table.
    """

    epsilon: float
    delta: float
    seed: int
    spent: list[Spent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rng = default_rng(self.seed)

    def public_counts(
        self,
        name: str,
        found: Mapping[Key, int],
        domain: Iterable[Key],
        *,
        share: float,
        sensitivity: int = 1,
    ) -> dict[Key, int]:
        """Count over keys that are public, so that every one of them has an answer, also those that no row has.

        Args:
            name: For the account.
            found: The true counts (or whole-number sums).
            domain: The public keys, in a fixed order.
            share: Part of the epsilon.
            sensitivity: How much one row adds to all counts together, at most.
        """
        epsilon = self._spend(name, share, sensitivity, 0.0)
        return {key: found.get(key, 0) + discrete_laplace(self._rng, epsilon / sensitivity) for key in domain}

    def found_counts(
        self, name: str, found: Mapping[Key, int], *, share: float, delta_share: float, min_count: int
    ) -> dict[Key, int]:
        """Count over keys that the table brings, one a row; only those that are clearly common are told.

        A key is told if it has `min_count` rows and its noisy count reaches `min_count` plus a margin that noise
        exceeds with a probability of delta at most; so whether a single row brought a key can hardly be seen.
        """
        delta = self.delta * delta_share
        epsilon = self._spend(name, share, 1, delta)
        limit = min_count + margin(epsilon, delta)
        told = {}
        for key in sorted(found, key=repr):
            noisy = found[key] + discrete_laplace(self._rng, epsilon)
            if found[key] >= min_count and noisy >= limit:
                told[key] = noisy
        return told

    def _spend(self, name: str, share: float, sensitivity: int, delta: float) -> float:
        epsilon = self.epsilon * share
        self.spent.append(Spent(name, epsilon, sensitivity, delta))
        left = self.epsilon - sum(query.epsilon for query in self.spent)
        if left < -1e-9 * self.epsilon:
            raise AssertionError(f"{name} overdraws the budget by {-left:g}")
        return epsilon


def discrete_laplace(rng: Generator, scale_inverse: float) -> int:
    """Draw whole-number noise with P(x) proportional to exp(-|x| * scale_inverse): the difference of two geometrics."""
    chance = -math.expm1(-scale_inverse)
    first, second = rng.geometric(chance, 2)
    return int(first) - int(second)


def margin(epsilon: float, delta: float) -> int:
    """Give the smallest number that discrete Laplace noise reaches with a probability of at most `delta`."""
    ratio = math.exp(-epsilon)
    return max(0, math.ceil(math.log(delta * (1 + ratio)) / -epsilon))


def clear_counts(counts: Mapping[Key, int], epsilon: float, sensitivity: int = 1) -> dict[Key, int]:
    """Leave out counts that may well be noise alone; this looks at noisy counts only, and costs nothing."""
    limit = math.log(max(len(counts), 2)) * sensitivity / epsilon
    return {key: count for key, count in counts.items() if count > limit}


def total(counts: Mapping[Key, int]) -> int:
    """Add counts up."""
    return int(np.sum(list(counts.values()))) if counts else 0
