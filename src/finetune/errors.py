"""The errors that finetune raises on purpose: one base, one subclass per layer.

Each message says where, what was found, what is allowed and what to do.
"""


class FinetuneError(Exception):
    """Base of every error that a user can cause."""


class CheckpointError(FinetuneError):
    """A model folder that is missing, unsafe, or not the published layout."""


class ProcessingError(FinetuneError):
    """A picture or a prompt that cannot become tensors."""


class PictureSlotError(FinetuneError):
    """Picture slots of a prompt and the pictures given with it do not match."""


class ConfigError(FinetuneError):
    """A setting that is out of range, unknown, or at odds with another."""


class DataError(FinetuneError):
    """A source of products that is missing, empty, or without what the answers need."""


class FinetuneWarning(UserWarning):
    """What a user should know and may be fine."""


class BadSampleError(FinetuneError):
    """One row that cannot be trained on.

    Attributes:
        source: Name of the row's source.
        row: The row's key in it.
        reason: What is wrong, to stand after "source, row: ".
    """

    def __init__(self, source: str, row: str, reason: str) -> None:
        super().__init__(source, row, reason)  # all three, so that it can go from process to process
        self.source, self.row, self.reason = source, row, reason

    def __str__(self) -> str:
        return f"{self.source}, {self.row}: {self.reason}"
