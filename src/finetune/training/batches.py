"""The stream of batches as the Trainer reads it: from any step on, with what is counted of each batch."""

from collections.abc import Iterator
from typing import Any

from finetune.data.batches import BadSamples, Batch
from finetune.data.loading import TrainStream, train_batches
from finetune.vocabulary import IGNORED_LABEL

COUNTED = "counts"
_UNUSED = ("sequence_ids",)


class TrainLoader:
    """Batches of this process.

    Args:
        stream: What makes them.
        bad: Counts unusable rows.
        workers: Processes that make batches.
        first: Batch to begin with.
        last: Batch to end before.
    """

    def __init__(
        self, stream: TrainStream, bad: BadSamples, *, workers: int, first: int = 0, last: int | None = None
    ) -> None:
        self._stream, self.bad, self._workers = stream, bad, workers
        self.first, self._last = first, last

    def __iter__(self) -> Iterator[dict[str, Any]]:
        batches = train_batches(
            self._stream, first=self.first, last=self._last, workers=self._workers, bad=self.bad
        )
        return (model_inputs(batch) for batch in batches)


def model_inputs(batch: Batch) -> dict[str, Any]:
    """Give a batch's tensors, and under `COUNTED` its numbers; packed rows need no mask."""
    packed = "position_ids" in batch.inputs
    inputs = {
        name: value
        for name, value in batch.inputs.items()
        if name not in _UNUSED and not (packed and name == "attention_mask")
    }
    counts = {
        "samples": batch.samples,
        "tokens": batch.tokens,
        "crops": batch.crops,
        "answer_tokens": int((inputs["labels"] != IGNORED_LABEL).sum()),
        "picture_tokens": int((inputs["input_ids"] < 0).sum()),
    }
    return {**inputs, COUNTED: counts}
