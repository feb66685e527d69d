"""What a model's files hold, and what running and training it takes; read from headers, without its weights."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import isqrt, prod
from pathlib import Path
from typing import Any

from finetune.config import LoraSettings
from finetune.errors import FinetuneError
from finetune.modeling.checkpoint import TensorInfo, check_tensors, read_config, read_headers
from finetune.modeling.config import Phi3VisionConfig
from finetune.modeling.model import shapes_of

PARTS = {
    "separators": ("glb_GN", "sub_GN"),
    "projection": (".img_projection.",),
    "vision tower": (".img_processor.",),
    "word embeddings": ("model.embed_tokens.", ".wte."),
    "head": ("lm_head.",),
    "decoder": ("",),
}
"""Part to what the names of its tensors contain; the first that fits counts."""
BITS = {
    "F64": 64,
    "F32": 32,
    "BF16": 16,
    "F16": 16,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
    "I64": 64,
    "I32": 32,
    "I8": 8,
    "U8": 8,
}
ADAPTED = (
    "qkv_proj", "o_proj", "gate_up_proj", "down_proj", "lm_head", "q_proj", "k_proj", "v_proj", "out_proj", "fc1",
    "fc2", "img_projection.0", "img_projection.2",
)  # fmt: skip
"""The modules that the published fine-tuning recipe gives adapters."""
TOKENS = 2509 + 64
"""Of one square picture in 16 crops, with a question and an answer."""
_COMPUTE_BYTES = 2
"""bf16."""
_ADAM_BYTES = 16
"""For each trained weight, mixed precision: float32 weight, gradient and Adam's two moments."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a model."""

    name: str
    parameters: int
    dtypes: tuple[str, ...]
    size: int
    """Bytes in the files."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model's parts, and bytes of memory that it takes."""

    parts: tuple[Part, ...]
    tensors: int
    inference: int
    """bf16 weights, and keys and values of one sequence of `TOKENS`."""
    lora: int
    """bf16 weights, adapters with Adam, activations of one sequence with gradient checkpointing."""
    full: int
    """All weights with Adam, activations as for LoRA."""
    adapter_parameters: int

    @property
    def parameters(self) -> int:
        """Of all parts."""
        return sum(part.parameters for part in self.parts)


def inspect_model(folder: Path, *, rank: int = 64) -> ModelInfo:
    """Describe a model's folder.

    Args:
        folder: In the published layout.
        rank: Of the LoRA adapters whose training is estimated, on the modules of `ADAPTED`.

    Raises:
        CheckpointError: If the folder is not a whole model of its config.json.
    """
    if rank < 1:
        raise FinetuneError(f"rank is {rank}; allowed are whole numbers from 1 on.")
    config = read_config(folder)
    check_tensors(folder, shapes_of(config))
    headers = read_headers(folder)
    parts = _parts(headers)
    parameters = sum(part.parameters for part in parts)
    adapters = sum(
        rank * sum(info.shape)
        for name, info in headers.items()
        if len(info.shape) == 2 and name.removesuffix(".weight").endswith(ADAPTED)
    )
    weights, activations = parameters * _COMPUTE_BYTES, _activations(config)
    return ModelInfo(
        parts=parts,
        tensors=len(headers),
        inference=weights + _cache(config),
        lora=weights + adapters * _ADAM_BYTES + activations,
        full=parameters * _ADAM_BYTES + activations,
        adapter_parameters=adapters,
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
        yield "these and batch_size=1", replace(saving, samples=1)
        if self.method == "full":
            adapters = replace(saving, method="lora", parts=(), samples=1)
            yield "these, batch_size=1 and method=lora", adapters
        if self.half and self.method != "qlora":
            yield "these, batch_size=1 and method=qlora", replace(saving, method="qlora", parts=(), samples=1)


def estimate_training(folder: Path, plan: TrainingPlan) -> int:
    """Estimate the bytes that training takes: weights, what learns with Adam, activations.

    Raises:
        CheckpointError: If the folder is not a whole model of its config.json.
    """
    config = read_config(folder)
    shapes = shapes_of(config)
    check_tensors(folder, shapes)
    width = 2 if plan.half else 4
    weights = trained = 0.0
    for name, shape in shapes.items():
        part = (
            "vision"
            if ".img_processor." in name
            else "projector"
            if ".vision_embed_tokens." in name
            else "text"
        )
        number, learns = prod(shape), part in plan.parts
        four_bits = plan.method == "qlora" and ".layers." in name and part == "text" and len(shape) == 2
        weights += number * (4 if learns else 0.55 if four_bits else width)
        trained += number if learns else 0
        adapted = "head" if name == "lm_head.weight" else part
        if (
            plan.method != "full"
            and len(shape) == 2
            and getattr(plan.lora, adapted)
            and name.removesuffix(".weight").endswith(ADAPTED)
        ):
            trained += plan.lora.rank * sum(shape)
            weights += 4 * plan.lora.rank * sum(shape)
    # Gradients and Adam's two moments, in float32.
    return int((weights + 12 * trained) / plan.shards + _plan_activations(config, plan, width))


def _plan_activations(config: Phi3VisionConfig, plan: TrainingPlan, width: int) -> float:
    vision = config.vision_config
    side = isqrt(plan.crops)
    tokens = (side * side + 1) * 144 + 1 + (side + 1) * 12 + 64
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
        sizes[part] += prod(info.shape) * BITS.get(info.dtype, 32) // 8
        dtypes.setdefault(part, set()).add(info.dtype)
    return tuple(
        Part(part, number, tuple(sorted(dtypes[part])), sizes[part]) for part, number in numbers.most_common()
    )


def _cache(config: Phi3VisionConfig) -> int:
    """Bytes of keys and values of `TOKENS` tokens."""
    head_width = config.hidden_size // config.num_attention_heads
    of_token: int = 2 * config.num_hidden_layers * config.num_key_value_heads * head_width * _COMPUTE_BYTES
    return of_token * TOKENS


def _activations(config: Phi3VisionConfig) -> int:
    """Bytes that one sequence of `TOKENS` keeps with gradient checkpointing.

    The input of each layer, one layer computed anew (its inner activations are about 10 widths and 3 MLP widths),
    and the same for the tower at 17 views of a picture. Logits are those of 64 answer tokens, in float32.
    """
    vision = config.vision_config
    patches: int = 17 * ((vision.image_size // vision.patch_size) ** 2 + 1)
    decoder: int = config.hidden_size * (config.num_hidden_layers + 10) + 3 * config.intermediate_size
    tower: int = vision.hidden_size * (vision.num_hidden_layers + 10) + 3 * vision.intermediate_size
    logits: int = 64 * config.vocab_size * 4
    return (TOKENS * decoder + patches * tower) * _COMPUTE_BYTES + logits
