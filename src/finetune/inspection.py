"""What a model's files hold, and what running and training it takes; read from headers, without its weights."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isqrt, prod
from pathlib import Path
from typing import Any

from finetune.config import LoraSettings
from finetune.errors import FinetuneError
from finetune.modeling.checkpoint import TensorInfo, check_tensors, read_config, read_headers
from finetune.modeling.config import Phi3VisionConfig
from finetune.modeling.model import shapes_of
from finetune.modeling.parts import ADAPTED, part_of
from finetune.picture_tokens import picture_tokens

PARTS = {
    "separators": ("glb_GN", "sub_GN"),
    "projection": (".img_projection.",),
    "vision tower": (".img_processor.",),
    "word embeddings": ("model.embed_tokens.", ".wte."),
    "head": ("lm_head.",),
    "decoder": ("",),
}
"""Part to what the names of its tensors contain; the first that fits counts."""
BYTES = {"F64": 8, "F32": 4, "BF16": 2, "F16": 2, "F8_E4M3": 1, "F8_E5M2": 1}
"""Of a number, by its type in a safetensors header."""
_MOST_CROPS = 16
_TEXT_TOKENS = 64
"""Of a question and an answer."""
TOKENS = picture_tokens(isqrt(_MOST_CROPS), isqrt(_MOST_CROPS)) + _TEXT_TOKENS
"""Of one square picture in 16 crops, with a question and an answer."""
_COMPUTE_BYTES = 2
"""bf16."""
_LEARNING_BYTES = 12
"""For each trained weight beside itself, in float32: its gradient and Adam's two moments."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a model."""

    name: str
    parameters: int
    dtypes: tuple[str, ...]
    file_bytes: int


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model's parts, and the memory that it takes."""

    parts: tuple[Part, ...]
    tensors: int
    copies: tuple[str, ...]
    """Tensors of the files that follow from others and are not counted."""
    inference_bytes: int
    """bf16 weights, and keys and values of one sequence of `TOKENS`."""
    lora_bytes: int
    """bf16 weights, float32 adapters with Adam, activations of one sequence with layers computed anew."""
    full_bytes: int
    """float32 weights with Adam, activations as for LoRA."""
    adapter_parameters: int

    @property
    def parameters(self) -> int:
        """Of all parts."""
        return sum(part.parameters for part in self.parts)


def inspect_model(folder: str | os.PathLike[str], *, rank: int = 64) -> ModelInfo:
    """Describe a model's folder.

    Args:
        folder: In the published layout.
        rank: Of the LoRA adapters whose training is estimated, on the modules that training adapts, and the head.

    Raises:
        CheckpointError: If the folder is not a whole model of its config.json.
    """
    folder = Path(folder)
    if rank < 1:
        raise FinetuneError(f"rank is {rank}; allowed are whole numbers from 1 on.")
    config = read_config(folder)
    shapes = shapes_of(config)
    check_tensors(folder, shapes)
    headers = read_headers(folder)
    parts = _parts({name: headers[name] for name in shapes})
    everywhere = LoraSettings(rank=rank, text=True, projector=True, vision=True, head=True)
    lora = TrainingPlan(
        method="lora",
        lora=everywhere,
        samples=1,
        crops=_MOST_CROPS,
        checkpoint_text=True,
        checkpoint_vision=True,
    )
    full = replace(lora, method="full", parts=("text", "projector", "vision"))
    return ModelInfo(
        parts=parts,
        tensors=len(shapes),
        copies=tuple(sorted(headers.keys() - shapes.keys())),
        inference_bytes=sum(part.parameters for part in parts) * _COMPUTE_BYTES + _cache(config),
        lora_bytes=_training_bytes(config, shapes, lora),
        full_bytes=_training_bytes(config, shapes, full),
        adapter_parameters=sum(_adapter_size(name, shape, lora) for name, shape in shapes.items()),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingPlan:
    """What the memory of a training run depends on."""

    method: str
    lora: LoraSettings
    parts: tuple[str, ...] = ()
    """Whose own weights learn."""
    samples: int
    """Of one batch."""
    crops: int
    """At most that many to a picture."""
    checkpoint_text: bool = False
    checkpoint_vision: bool = False
    half: bool = True
    """Whether bf16, else float32."""
    shards: int = 1
    """GPUs that weights, gradients and moments are divided among."""

    def smaller(self) -> Iterator[tuple[str, "TrainingPlan"]]:
        """Yield ways that take less, the nearest first, each in words."""
        saving = replace(self, checkpoint_text=True, checkpoint_vision=True)
        yield "checkpoint_text=true and checkpoint_vision=true", saving
        yield "checkpoint_text=true, checkpoint_vision=true and batch_size=1", replace(saving, samples=1)
        if self.method == "full":
            adapters = replace(saving, method="lora", parts=(), samples=1)
            yield "checkpoint_text=true, checkpoint_vision=true, batch_size=1 and method=lora", adapters
        if self.half and self.method != "qlora":
            yield (
                "checkpoint_text=true, checkpoint_vision=true, batch_size=1 and method=qlora",
                replace(saving, method="qlora", parts=(), samples=1),
            )


def estimate_training(folder: str | os.PathLike[str], plan: TrainingPlan) -> int:
    """Estimate the bytes that training takes: weights, what learns with Adam, activations.

    Raises:
        CheckpointError: If the folder is not a whole model of its config.json.
    """
    folder = Path(folder)
    config = read_config(folder)
    shapes = shapes_of(config)
    check_tensors(folder, shapes)
    return _training_bytes(config, shapes, plan)


def _training_bytes(config: Phi3VisionConfig, shapes: Mapping[str, Sequence[int]], plan: TrainingPlan) -> int:
    width = _COMPUTE_BYTES if plan.half else 4
    weights = trained = 0.0
    for name, shape in shapes.items():
        number, part, adapter = prod(shape), part_of(name), _adapter_size(name, shape, plan)
        learns = part in plan.parts
        four_bits = plan.method == "qlora" and ".layers." in name and part == "text" and len(shape) == 2
        weights += number * (4 if learns else 0.55 if four_bits else width) + 4 * adapter
        trained += (number if learns else 0) + adapter
    divided = (weights + _LEARNING_BYTES * trained) / plan.shards
    return int(divided + _activations(config, plan, width))


def _adapter_size(name: str, shape: Sequence[int], plan: TrainingPlan) -> int:
    """Give how many parameters the adapter of one tensor has; 0 if it gets none."""
    if name == "lm_head.weight":
        adapted = plan.lora.head
    else:
        part = part_of(name)
        fits = len(shape) == 2 and name.removesuffix(".weight").endswith(ADAPTED[part])
        adapted = fits and getattr(plan.lora, part)
    return plan.lora.rank * sum(shape) if adapted and plan.method != "full" else 0


def _activations(config: Phi3VisionConfig, plan: TrainingPlan, width: int) -> float:
    vision = config.vision_config
    side = isqrt(plan.crops)
    tokens = picture_tokens(side, side) + _TEXT_TOKENS
    patches = (1 + plan.crops) * ((vision.image_size // vision.patch_size) ** 2 + 1)
    decoder = _layer_activations(config, plan.checkpoint_text)
    in_tower = "vision" in plan.parts or (plan.method != "full" and plan.lora.vision)
    # A tower that does not learn keeps nothing.
    tower = _layer_activations(vision, plan.checkpoint_vision) if in_tower else 2 * vision.hidden_size
    logits: float = 256 * config.vocab_size * 8
    activations: float = plan.samples * (tokens * decoder + patches * tower) * width
    return activations + logits


def _layer_activations(config: Any, anew: bool) -> int:
    """Numbers that all layers keep of one token; or their inputs, and all of one layer, which is computed anew."""
    inner: int = 12 * config.hidden_size + 4 * config.intermediate_size
    layers: int = config.num_hidden_layers
    return layers * config.hidden_size + inner if anew else layers * inner


def _parts(headers: Mapping[str, TensorInfo]) -> tuple[Part, ...]:
    numbers: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    dtypes: dict[str, set[str]] = {}
    for name, info in headers.items():
        part = next(part for part, marks in PARTS.items() if any(mark in name for mark in marks))
        numbers[part] += prod(info.shape)
        sizes[part] += prod(info.shape) * BYTES[info.dtype]
        dtypes.setdefault(part, set()).add(info.dtype)
    return tuple(
        Part(part, number, tuple(sorted(dtypes[part])), sizes[part]) for part, number in numbers.most_common()
    )


def _cache(config: Phi3VisionConfig) -> int:
    """Bytes of keys and values of `TOKENS` tokens."""
    head_width = config.hidden_size // config.num_attention_heads
    of_token: int = 2 * config.num_hidden_layers * config.num_key_value_heads * head_width * _COMPUTE_BYTES
    return of_token * TOKENS
