"""Batches of held-out products, each once and in order, for losses along a run."""

from typing import Any

from torch.utils.data import Dataset

from finetune.config import DataConfig, Split
from finetune.data.batches import Batch, join_batch
from finetune.data.encoding import EncodedExample, check_form, encode_example
from finetune.data.processor import Phi3VisionProcessor
from finetune.data.sources import open_sources
from finetune.errors import BadSampleError, DataError, FinetuneError


class HeldOutStream(Dataset[Batch | FinetuneError | None]):
    """Batches of a split by number; unusable rows are left out and counted.

    Args:
        config: Sources, prompt, limits; the mixture is not used.
        processor: Of the model.
        split: Which products, such as ``validation``.
        batch_size: Samples of a batch.
        limit: At most how many products of each source; an endless source needs it.
        pad_to: Rows are padded to a multiple of this, in tokens.

    Raises:
        DataError: If a source is missing, or has no product in the split.
    """

    def __init__(
        self,
        config: DataConfig,
        processor: Phi3VisionProcessor,
        *,
        split: Split,
        batch_size: int,
        limit: int | None = None,
        pad_to: int = 1,
    ) -> None:
        self.config = config
        self.form = config.prompt.build()
        check_form(processor, self.form)
        self.sources = open_sources(config, split)
        self.source_names = [source.name for source in config.sources]
        self._processor, self._batch_size, self._pad_to = processor, batch_size, pad_to
        self._rows: list[tuple[int, int]] = []
        for number, source in enumerate(self.sources):
            size = limit if source.size is None else min(source.size, limit or source.size)
            if size is None:
                raise DataError(f"source {source.name} has no end; say how many products to take.")
            self._rows += [(number, row) for row in range(size)]

    def __len__(self) -> int:
        return (len(self._rows) + self._batch_size - 1) // self._batch_size

    def __getitem__(self, number: int) -> Batch | FinetuneError | None:
        """Make batch `number`, from 0 on; None after the last. An error is returned, for the process that counts."""
        rows = self._rows[number * self._batch_size :][: self._batch_size]
        if not rows:
            return None
        examples: list[EncodedExample] = []
        bad: list[BadSampleError] = []
        limits: dict[str, Any] = {"num_crops": self.config.num_crops, "max_length": self.config.max_length}
        for source, row in rows:
            try:
                product = self.sources[source][row]
                examples.append(encode_example(self._processor, self.form, product, **limits))
            except BadSampleError as error:
                bad.append(error)
            except FinetuneError as error:
                return error
        return join_batch(
            examples, bad, config=self.config, source_names=self.source_names, pad_to=self._pad_to
        )
