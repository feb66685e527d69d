"""Batches for training, made in loader workers: batch number b is a pure function of the settings, the seed and b.

So the order depends neither on the number of workers nor on what was read before, and a run resumes from one
integer, the number of batches that it has had.
"""

import os
from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset

from finetune.config import DataConfig
from finetune.data.batches import BadSamples, Batch, join_batch
from finetune.data.encoding import EncodedExample, check_form, encode_example
from finetune.data.held_out import HeldOutStream
from finetune.data.mixture import Draw, Mixture
from finetune.data.processor import Phi3VisionProcessor
from finetune.data.sources import open_sources
from finetune.errors import BadSampleError, DataError, FinetuneError

_ATTEMPTS = 100


class TrainStream(Dataset[Batch | FinetuneError | None]):
    """Batches by number.

    Args:
        config: Sources, mixture, prompt, limits.
        processor: Of the model that is trained.
        batch_size: Samples of one batch of one process; with packing they take fewer rows.
        rank: This process, 0 to `world` - 1.
        world: How many processes share the draws.
        pad_to: Rows are padded to a multiple of this, in tokens.

    Raises:
        DataError: If a source is missing, empty, or lacks a column.
    """

    def __init__(
        self,
        config: DataConfig,
        processor: Phi3VisionProcessor,
        *,
        batch_size: int,
        rank: int = 0,
        world: int = 1,
        pad_to: int = 1,
    ) -> None:
        if batch_size < 1:
            raise DataError(f"batch_size is {batch_size}; allowed are samples above 0.")
        self.config = config
        self.form = config.prompt.build()
        check_form(processor, self.form)
        self.sources = open_sources(config)
        self.source_names = [source.name for source in config.sources]
        self.mixture = Mixture(config, [source.size for source in self.sources])
        self._processor = processor
        self._batch_size, self._rank, self._world = batch_size, rank, world
        self._pad_to = pad_to
        self._walk: tuple[int, Iterator[Draw]] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_walk": None}

    @property
    def samples_per_step(self) -> int:
        """How many draws all processes take together for one batch each."""
        return self._batch_size * self._world

    def batches(self, limit: int) -> int:
        """Count the batches of this process until the mixture stops, at most `limit`.

        The last batch may be smaller; fewer draws than processes are left out.
        """
        whole, rest = divmod(self.mixture.length(limit * self.samples_per_step), self.samples_per_step)
        return whole + (rest >= self._world)

    def __getitem__(self, number: int) -> Batch | FinetuneError | None:
        """Make batch `number`, from 0 on; None after the last. An error is returned, for the process that counts."""
        try:
            return self._batch(number)
        except FinetuneError as error:
            return error

    def _batch(self, number: int) -> Batch | None:
        # Draws go round the processes, so that each sees the whole mixture.
        first = number * self.samples_per_step
        draws = self._draws(first)
        if len(draws) < self._world:
            return None
        examples: list[EncodedExample] = []
        bad: list[BadSampleError] = []
        for draw in draws[self._rank :: self._world]:
            example, unusable = self._example(draw)
            examples.append(example)
            bad += unusable
        return join_batch(
            examples, bad, config=self.config, source_names=self.source_names, pad_to=self._pad_to
        )

    def _draws(self, first: int) -> list[Draw]:
        """Give the draws of one step; walking on from the last step where that is possible."""
        if self._walk is None or self._walk[0] > first:
            self._walk = first, self.mixture.draws(first)
        at, walk = self._walk
        drawn = []
        for draw in walk:
            if draw.number >= first:
                drawn.append(draw)
            if draw.number + 1 >= first + self.samples_per_step:
                break
        self._walk = (max(at, first + len(drawn)), walk)
        return drawn

    def _example(self, draw: Draw) -> tuple[EncodedExample, list[BadSampleError]]:
        bad: list[BadSampleError] = []
        for row in self._candidates(draw):
            try:
                product = self.sources[draw.source][row]
                return (
                    encode_example(
                        self._processor, self.form, product, self.config.num_crops, self.config.max_length
                    ),
                    bad,
                )
            except BadSampleError as error:
                bad.append(error)
        size = self.sources[draw.source].size
        rows = (
            f"{_ATTEMPTS} rows in turn" if size is None or size > _ATTEMPTS else f"all {size} training rows"
        )
        raise DataError(f"source {self.source_names[draw.source]}: {rows} are unusable, such as {bad[-1]}.")

    def _candidates(self, draw: Draw) -> Iterator[int]:
        """Yield a draw's row, then those in its place; of a small source in the end each, for chance may miss one."""
        yield draw.row
        for attempt in range(1, _ATTEMPTS):
            yield self.mixture.replacement(draw, attempt)
        size = self.sources[draw.source].size
        if size is not None and size <= _ATTEMPTS:
            yield from range(size)


def train_batches(
    stream: TrainStream | HeldOutStream,
    *,
    first: int = 0,
    last: int | None = None,
    workers: int = 0,
    bad: BadSamples | None = None,
    prefetch: int = 2,
) -> Iterator[Batch]:
    """Yield batches of a stream in order, made by worker processes; the same for any number of them.

    Args:
        stream: What makes them.
        first: Batch to begin with: how many this run has had.
        last: Batch to end before; None for no end, or the mixture's.
        workers: Processes that make batches; 0 for this one.
        bad: Counts unusable rows; None for a count of its own.
        prefetch: Batches that each worker makes ahead.

    Raises:
        DataError: If more rows are unusable than `max_bad` of the configuration.
    """
    counted = BadSamples(stream.config.max_bad) if bad is None else bad
    if workers:
        # The tokenizer's threads do not survive a fork; samples are divided among processes anyway.
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    loader = DataLoader(
        stream,
        batch_size=None,
        sampler=_Numbers(first, last),
        num_workers=workers,
        prefetch_factor=prefetch if workers else None,
        # A loader draws a seed for its workers, from the global generator unless it has one: training would see it.
        generator=torch.Generator().manual_seed(0),
    )
    for made in loader:
        if made is None:
            return
        if isinstance(made, FinetuneError):
            raise made
        for error in made.bad:
            counted.add(error)
        if made.samples:
            yield made


class _Numbers:
    """Batch numbers from `first` to before `last`, or without end."""

    def __init__(self, first: int, last: int | None) -> None:
        self._first, self._last = first, last

    def __iter__(self) -> Iterator[int]:
        number = self._first
        while self._last is None or number < self._last:
            yield number
            number += 1
