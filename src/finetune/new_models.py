"""New models with random weights, so that every command runs where no weights can be downloaded."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch

from finetune.data.processor import Phi3VisionProcessor
from finetune.data.tokenizer import build_tokenizer
from finetune.errors import CheckpointError
from finetune.loading import bars_on_terminals_alone
from finetune.modeling.model import Phi3VisionForCausalLM, shapes_of
from finetune.modeling.sizes import new_config
from samplegen import make

NUM_CROPS = 4
_TEXT_ROWS = 4000
_SPARE = 1.05
"""Room on the disk beside the tensors themselves."""


def new_model(size: str, out: str | os.PathLike[str], *, seed: int = 0) -> Path:
    """Write a model with random weights, its tokenizer and its processor, in the published layout.

    Args:
        size: ``tiny`` (4 M parameters), ``mini`` (76 M) or ``full`` (4.15 B, bf16, 8.3 GB).
        out: A folder that does not exist yet.
        seed: Of the weights: same seed and size, same files.

    Returns:
        The folder.

    Raises:
        CheckpointError: If the size is not known, the folder exists, or the disk has no room.
    """
    out = Path(out)
    config = new_config(size)
    if out.exists():
        raise CheckpointError(f"{out}: exists already. Give a new folder.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CheckpointError(
            f"{out.parent}: cannot be made: {error.strerror}. Give another folder."
        ) from error
    _check_room(
        out.parent, sum(shape.numel() for shape in shapes_of(config).values()) * config.dtype.itemsize
    )
    processor = Phi3VisionProcessor(build_tokenizer(_texts()), num_crops=NUM_CROPS)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Phi3VisionForCausalLM._from_config(config, dtype=config.dtype)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        with bars_on_terminals_alone():
            model.save_pretrained(unfinished)
        processor.save_pretrained(unfinished)
        # Temporary folders, and the weights that are written through them, are for their owner alone.
        unfinished.chmod(0o755)
        for path in unfinished.iterdir():
            path.chmod(0o644)
        unfinished.rename(out)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return out


def _check_room(folder: Path, wanted: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < wanted * _SPARE:
        raise CheckpointError(
            f"{folder}: {free / 1e9:.1f} GB are free, the model takes {wanted / 1e9:.1f} GB. Choose another disk or size."
        )


def _texts() -> Iterator[str]:
    """Yield what the tokenizer learns its words from: questions and answers of the training task."""
    yield "What is shown in this image?"
    for template in ("burberry", "starter"):
        for row in make(_TEXT_ROWS, template=template, images=False):
            yield f"Product: {row['title']}, Category: {row['category3_code']}, Full Price: {row['full_price']}"
