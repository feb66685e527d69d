"""How fast a model runs: tokens a second of reading and of writing, and the memory that takes."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from finetune.data.pictures import Crops, crop_picture, token_count
from finetune.errors import FinetuneError
from finetune.modeling import Phi3VisionForCausalLM
from finetune.modeling.sizes import new_config
from finetune.vocabulary import BOS

CROPS = (1, 4, 16)
BATCHES = (1, 8)
NEW_TOKENS = 64
_TEXT_TOKENS = 32
_REPEATS = 3


@dataclass(frozen=True, slots=True)
class Measurement:
    """One case: what was run, and what it took."""

    batch: int
    crops: int
    """At most that many to a picture."""
    prompt_tokens: int
    """Of one row, those of the picture included."""
    forward: float
    """Tokens read in a second, all rows together: median of three runs."""
    generation: float
    """Tokens written in a second after the prompt, all rows together."""
    peak_memory: int | None
    """Bytes on the GPU; None on the CPU."""


def measure_model(
    size: str, *, device: str, on_case: Callable[[Measurement], None] = lambda case: None
) -> list[Measurement]:
    """Measure a model with random weights, which runs as fast as one with trained weights.

    Args:
        size: ``tiny``, ``mini`` or ``full``.
        device: ``cuda`` (bf16) or ``cpu`` (float32).
        on_case: Called after each case.

    Raises:
        FinetuneError: If the GPU has too little memory for the weights.
    """
    on_gpu = device == "cuda"
    model = _new_model(size, device, torch.bfloat16 if on_gpu else torch.float32)
    cases = [
        (batch, crops)
        for crops in (CROPS if on_gpu else CROPS[:2])
        for batch in (BATCHES if on_gpu else (1,))
    ]
    measured = []
    for batch, crops in cases:
        measured.append(_measure(model, batch, crops))
        on_case(measured[-1])
    return measured


def _new_model(size: str, device: str, dtype: torch.dtype) -> Phi3VisionForCausalLM:
    try:
        with torch.device(device):
            model = Phi3VisionForCausalLM._from_config(new_config(size), dtype=dtype)
    except torch.OutOfMemoryError as error:
        raise FinetuneError(f"the GPU has too little memory for size {size}: {error}") from error
    return model.eval()  # type: ignore[no-any-return]


def _measure(model: Phi3VisionForCausalLM, batch: int, crops: int) -> Measurement:
    inputs = _inputs(model, batch, crops)
    tokens = inputs["input_ids"].numel()
    if model.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    with torch.inference_mode():
        read = _median_seconds(lambda: model(**inputs, use_cache=False, logits_to_keep=1), model.device)
        # The same with one token and with many: what lies between is writing alone.
        first = _median_seconds(lambda: _generate(model, inputs, 1), model.device)
        written = _median_seconds(lambda: _generate(model, inputs, 1 + NEW_TOKENS), model.device)
    on_gpu = model.device.type == "cuda"
    return Measurement(
        batch=batch,
        crops=crops,
        prompt_tokens=tokens // batch,
        forward=tokens / read,
        generation=batch * NEW_TOKENS / max(written - first, 1e-9),
        peak_memory=torch.cuda.max_memory_allocated() if on_gpu else None,
    )


def _inputs(model: Phi3VisionForCausalLM, batch: int, crops: int) -> dict[str, Tensor]:
    pixels = np.random.default_rng(0).integers(0, 256, (512, 512, 3), np.uint8)
    picture: Crops = crop_picture(pixels, crops)
    slots = torch.full((token_count(picture.height, picture.width),), -1)
    row = torch.cat([torch.full((1,), BOS), slots, torch.arange(300, 300 + _TEXT_TOKENS)])
    return {
        "input_ids": row.repeat(batch, 1).to(model.device),
        "attention_mask": torch.ones(batch, len(row), dtype=torch.long, device=model.device),
        "pixel_values": picture.values.repeat(batch, 1, 1, 1, 1).to(model.device, model.dtype),
        "image_sizes": torch.tensor([[picture.height, picture.width]] * batch),
    }


def _generate(model: Phi3VisionForCausalLM, inputs: dict[str, Tensor], new_tokens: int) -> Tensor:
    written: Tensor = model.generate(
        **inputs, max_new_tokens=new_tokens, min_new_tokens=new_tokens, do_sample=False
    )
    return written


def _median_seconds(run: Callable[[], object], device: torch.device) -> float:
    seconds = []
    for _ in range(1 + _REPEATS):
        start = time.perf_counter()
        run()
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    return sorted(seconds[1:])[_REPEATS // 2]  # the first run warms up
