"""Configurations of new models: the published shape, and two smaller ones of the same make."""

import math
from collections.abc import Mapping
from typing import Any

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


def new_config(size: str) -> Phi3VisionConfig:
    """Give the configuration of a new model: ``tiny``, ``mini`` or ``full``."""
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
    """Give factors for a model that was trained on none: short ones leave the positions as they are.

    Long ones stretch the slow rotations, whose period is longer than the trained context, by the ratio of the
    contexts, and the fast ones not at all, with a ramp on the logarithm between (as in YaRN's first proposal).
    """
    stretch = POSITIONS / TRAINED_POSITIONS
    periods = [2 * math.pi * 10_000.0 ** (k / count) for k in range(count)]
    ramp = [
        min(1.0, max(0.0, math.log(period / 128) / math.log(TRAINED_POSITIONS / 128))) for period in periods
    ]
    return {"short_factor": [1.0] * count, "long_factor": [stretch**part for part in ramp]}
