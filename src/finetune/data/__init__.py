"""Prompts, pictures and text to tensors; sources of products, their mixture, and batches for training."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from finetune.data.processor import Phi3VisionProcessor

if TYPE_CHECKING:
    from finetune.data.batches import BadSamples, Batch
    from finetune.data.collator import collate
    from finetune.data.encoding import EncodedExample, encode_example
    from finetune.data.examples import Product
    from finetune.data.held_out import HeldOutStream
    from finetune.data.loading import TrainStream, train_batches
    from finetune.data.mixture import Draw, Mixture
    from finetune.data.sources import Source, open_source, open_sources, products_of

__all__ = (
    "BadSamples",
    "Batch",
    "Draw",
    "EncodedExample",
    "HeldOutStream",
    "Mixture",
    "Phi3VisionProcessor",
    "Product",
    "Source",
    "TrainStream",
    "collate",
    "encode_example",
    "open_source",
    "open_sources",
    "products_of",
    "train_batches",
)

_HOMES = {
    "batches": ("BadSamples", "Batch"),
    "collator": ("collate",),
    "encoding": ("EncodedExample", "encode_example"),
    "examples": ("Product",),
    "held_out": ("HeldOutStream",),
    "loading": ("TrainStream", "train_batches"),
    "mixture": ("Draw", "Mixture"),
    "sources": ("Source", "open_source", "open_sources", "products_of"),
}


def __getattr__(name: str) -> Any:  # a module holds anything
    """Import a name on first use: reading datasets takes pyarrow, which pictures and prompts do not need."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"finetune.data.{home}"), name)
    raise AttributeError(f"module 'finetune.data' has no attribute {name!r}")
