"""Configurations of new models: the published shape, and two smaller ones of the same make."""

from collections.abc import Mapping
from typing import Any

from finetune.errors import CheckpointError
from finetune.modeling.config import Phi3VisionConfig

POSITIONS, TRAINED_POSITIONS = 131_072, 4096
_SMALL_VISION: dict[str, Any] = {"image_size": 336, "patch_size": 14, "hidden_act": "quick_gelu"}
SIZES: Mapping[str, dict[str, Any]] = {
    "tiny": {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "vision_config": {
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            **_SMALL_VISION,
        },
    },
    "mini": {
        "hidden_size": 512,
        "intermediate_size": 1536,
        "num_hidden_layers": 8,
        "num_attention_heads": 8,
        "vision_config": {
            "hidden_size": 384,
            "intermediate_size": 1536,
            "num_hidden_layers": 8,
            "num_attention_heads": 6,
            **_SMALL_VISION,
        },
    },
    "full": {},
}
"""What differs from the published configuration: tiny for tests, mini to train from nothing on one GPU."""


def check_size(size: str) -> None:
    """Refuse a size that is not one of `SIZES`.

    Raises:
        CheckpointError: Naming those that are.
    """
    if size not in SIZES:
        raise CheckpointError(f"size is {size!r}; allowed are {', '.join(SIZES)}.")


def new_config(size: str) -> Phi3VisionConfig:
    """Give the configuration of a new model.

    Args:
        size: One of `SIZES`.

    Raises:
        CheckpointError: If there is no such size.
    """
    check_size(size)
    values = SIZES[size]
    hidden, heads = values.get("hidden_size", 3072), values.get("num_attention_heads", 32)
    return Phi3VisionConfig(
        **values,
        max_position_embeddings=POSITIONS,
        original_max_position_embeddings=TRAINED_POSITIONS,
        sliding_window=POSITIONS,
        eos_token_id=2,
        rope_theta=10_000.0,
        rope_scaling={"type": "su", **_rope_factors(hidden // heads // 2)},
        dtype="bfloat16" if size == "full" else "float32",
    )


def _rope_factors(count: int) -> dict[str, list[float]]:
    """Give factors for a model that was trained on none.

    Short ones leave the positions as they are; long ones press all into the trained context (position interpolation,
    Chen et al. 2023).
    """
    return {"short_factor": [1.0] * count, "long_factor": [POSITIONS / TRAINED_POSITIONS] * count}
