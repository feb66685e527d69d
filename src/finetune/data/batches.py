"""What a loader hands over: tensors, what they were made of, and which rows were unusable."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from finetune.config import DataConfig
from finetune.data.collator import collate
from finetune.data.encoding import EncodedExample
from finetune.errors import BadSampleError, DataError


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One batch of one process.

    Attributes:
        inputs: As `collate` gives them.
        samples: How many samples.
        tokens: Their tokens, without padding.
        crops: Their crops and global views, without padding.
        keys: Source and row of each sample, as drawn.
        bad: Rows that were drawn and found unusable; another row of their source took their place.
    """

    inputs: dict[str, Any]
    samples: int
    tokens: int
    crops: int
    keys: tuple[tuple[str, str], ...]
    bad: tuple[BadSampleError, ...] = ()


def join_batch(
    examples: Sequence[EncodedExample],
    bad: Sequence[BadSampleError],
    *,
    config: DataConfig,
    source_names: Sequence[str],
    pad_to: int,
) -> Batch:
    """Join samples to a batch; one without samples has no inputs."""
    inputs = {}
    if examples:
        inputs = collate(
            examples,
            source_names=source_names,
            packing=config.packing,
            row_tokens=config.row_tokens or config.max_length,
            pad_to=pad_to,
        )
    return Batch(
        inputs=inputs,
        samples=len(examples),
        tokens=sum(len(example) for example in examples),
        crops=sum(len(example.crops.values) for example in examples),
        keys=tuple((example.source, example.key) for example in examples),
        bad=tuple(bad),
    )


class BadSamples:
    """The unusable rows that a run has met, each counted once.

    Args:
        most: How many are allowed.
        met: Those of an earlier part of the run, as of `state`.
        note: Called with each new one, before it may be one too many.
    """

    def __init__(
        self,
        most: int,
        met: Sequence[Sequence[str]] = (),
        *,
        note: Callable[[BadSampleError], None] = lambda error: None,
    ) -> None:
        self._most, self._note = most, note
        self._met = {(source, row): reason for source, row, reason in met}

    def __len__(self) -> int:
        return len(self._met)

    def add(self, error: BadSampleError) -> bool:
        """Count a row; tell whether it is new.

        Raises:
            DataError: If there are now more than allowed; the message names some.
        """
        key = (error.source, error.row)
        new = key not in self._met
        if new:
            self._met[key] = error.reason
            self._note(error)
        if len(self._met) > self._most:
            shown = "\n".join(f"  {source}, {row}: {reason}" for source, row, reason in self.state()[-5:])
            raise DataError(
                f"{len(self._met)} rows are unusable, more than max_bad, {self._most}. The last:\n{shown}\n"
                "Mend or remove them, or raise max_bad."
            )
        return new

    def state(self) -> list[list[str]]:
        """Give source, row and reason of each, as plain lists."""
        return [[source, row, reason] for (source, row), reason in self._met.items()]
