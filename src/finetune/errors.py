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
