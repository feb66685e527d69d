"""Draw number n of a run: which source, which of its rows. A pure function of the settings, the seed and n."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from finetune.config import DataConfig, schedule_weights
from finetune.data.shares import Shares, source_of_draws


class Draw(NamedTuple):
    """One draw of a mixture."""

    number: int
    """From 0 on; the only state there is."""
    source: int
    """Place of the source in the configuration."""
    occurrence: int
    """How many draws of this source came before."""
    row: int
    """Row in the source's split."""


@dataclass(frozen=True)
class _Member:
    name: str
    size: int | None


class Mixture:
    """The order in which sources and their rows are drawn.

    Args:
        config: Weights, schedule, what happens at a source's end, seed.
        sizes: How many rows each source has; None for one without end.
    """

    def __init__(self, config: DataConfig, sizes: Sequence[int | None]) -> None:
        schedule = config.mixture.schedule
        start, end = schedule_weights(config.sources, schedule)
        self._shares = Shares(start, end, kind=schedule.kind, draws=schedule.draws)
        self._stops = config.mixture.exhausted == "stop"
        self._seed = config.seed
        self._members = [
            _Member(source.name, size) for source, size in zip(config.sources, sizes, strict=True)
        ]
        self._orders: dict[int, tuple[int, NDArray[np.int64]]] = {}

    def draws(self, first: int = 0) -> Iterator[Draw]:
        """Yield draw number `first` and all after it; without end, unless sources stop at theirs."""
        for number, (source, occurrence) in enumerate(source_of_draws(self._shares, first), start=first):
            size = self._members[source].size
            if self._stops and size is not None and occurrence >= size:
                return
            yield Draw(number, source, occurrence, self._row(source, occurrence))

    def length(self, limit: int) -> int:
        """Count the draws until the mixture stops, at most `limit`."""
        if not self._stops or all(member.size is None for member in self._members):
            return limit
        for number, (source, occurrence) in zip(range(limit), source_of_draws(self._shares), strict=False):
            size = self._members[source].size
            if size is not None and occurrence >= size:
                return number
        return limit

    def replacement(self, draw: Draw, attempt: int) -> int:
        """Give another row of the same source for a draw whose row is unusable; `attempt` from 1 on.

        It depends on the draw and the attempt alone, so no other draw moves.
        """
        size = self._members[draw.source].size
        text = f"{self._seed} {self._members[draw.source].name} {draw.occurrence} {attempt}"
        value = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
        return value % (2**30 if size is None else size)

    def _row(self, source: int, occurrence: int) -> int:
        size = self._members[source].size
        if size is None:
            return occurrence
        epoch, place = divmod(occurrence, size)
        kept = self._orders.get(source)
        if kept is None or kept[0] != epoch:
            kept = epoch, self._order(source, epoch, size)
            self._orders[source] = kept
        return int(kept[1][place])

    def _order(self, source: int, epoch: int, size: int) -> NDArray[np.int64]:
        # By name: another source in the configuration changes no order.
        name = hashlib.blake2b(self._members[source].name.encode(), digest_size=4).digest()
        key = (int.from_bytes(name, "little"), epoch)
        return np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=key)).permutation(size)
