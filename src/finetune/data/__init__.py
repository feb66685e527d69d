"""Prompts, pictures and text to tensors; sources of products, their mixture, and batches for training."""

from finetune.data.collator import collate
from finetune.data.encoding import EncodedExample, encode_example
from finetune.data.examples import Product
from finetune.data.loading import BadSamples, Batch, TrainStream, open_sources, train_batches
from finetune.data.mixture import Draw, Mixture
from finetune.data.processor import Phi3VisionProcessor
from finetune.data.sources import Source, open_source, products_of

__all__ = (
    "BadSamples",
    "Batch",
    "Draw",
    "EncodedExample",
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
