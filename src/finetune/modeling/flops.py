"""How many floating-point operations a model needs for its samples, and how many a GPU can do.

A product of an ``(n, k)`` and a ``(k, m)`` matrix is ``2 * n * k * m`` operations; all else is left out. Counted is what
the samples need: their real tokens, real crops and the answers' logits; neither padding nor what is computed anew. As in
appendix B of "PaLM" (Chowdhery et al., 2022), whose 6 N for each token (N weights: 2 forward, 2 for the gradients of
the activations, 2 for those of the weights) is 4 N here where weights are frozen below adapters. Unlike there, attention
is counted as causal: half the square. The adapters' own products are left out.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from finetune.modeling.config import Phi3VisionConfig

PEAK_FLOPS: Mapping[str, float] = {
    "H100 PCIe": 756e12,
    "H100 NVL": 835e12,
    "H100": 989e12,
    "H200": 989e12,
    "GH200": 989e12,
    "B200": 2250e12,
    "GB200": 2500e12,
    "A100": 312e12,
    "L40S": 362e12,
    "L40": 181e12,
    "L4": 121e12,
    "RTX 4090": 165e12,
    "RTX 3090": 71e12,
}
"""Dense bf16 operations a second by words of the GPU's name, from the makers' data sheets; the first that fits counts."""


def peak_flops(device_name: str) -> float | None:
    """Give a GPU's dense bf16 operations a second; None if it is not known."""
    return next((peak for part, peak in PEAK_FLOPS.items() if re.search(rf"\b{part}\b", device_name)), None)


@dataclass(frozen=True, slots=True)
class Training:
    """Which parts learn how: frozen parts below adapters need gradients of activations, not of weights."""

    text: str = "adapters"
    """``frozen``, ``adapters`` or ``weights``; the same for the others."""
    projector: str = "adapters"
    vision: str = "frozen"


@dataclass(frozen=True, slots=True)
class Work:
    """What a batch really holds."""

    sample_tokens: Sequence[int]
    """Of each sample."""
    answer_tokens: int
    picture_tokens: int
    crops: int
    """Global views too."""


def training_flops(config: Phi3VisionConfig, work: Work, training: Training) -> float:
    """Count the operations of one forward and backward pass."""
    width, layers = config.hidden_size, config.num_hidden_layers
    head_width = width // config.num_attention_heads
    kv_width = head_width * config.num_key_value_heads
    weights = layers * (2 * width * width + 2 * width * kv_width + 3 * width * config.intermediate_size)
    products = 2.0 * weights * sum(work.sample_tokens) + 2.0 * width * config.vocab_size * work.answer_tokens
    scores = 2.0 * layers * width * _squares(work.sample_tokens)
    reached = [part != "frozen" for part in (training.text, training.projector, training.vision)]
    text = _passes(products, scores, learns=training.text, reached=any(reached))
    return text + _picture_flops(config, work, training)


def _picture_flops(config: Phi3VisionConfig, work: Work, training: Training) -> float:
    width, vision = config.hidden_size, config.vision_config
    tower_width, patches = vision.hidden_size, (vision.image_size // vision.patch_size) ** 2
    first = 2.0 * 4 * tower_width * width * work.picture_tokens
    second = 2.0 * width * width * work.picture_tokens
    in_tower = training.vision != "frozen"
    projector = _passes(first, 0, learns=training.projector, reached=in_tower)
    projector += _passes(
        second, 0, learns=training.projector, reached=in_tower or training.projector != "frozen"
    )
    # The features are those of the last layer but one.
    layers = vision.num_hidden_layers - 1
    weights = layers * (4 * tower_width**2 + 2 * tower_width * vision.intermediate_size)
    products = 2.0 * weights * (patches + 1) + 2.0 * 3 * vision.patch_size**2 * tower_width * patches
    scores = 4.0 * layers * tower_width * (patches + 1) ** 2
    tower = _passes(products, scores, learns=training.vision, reached=in_tower)
    return projector + tower * work.crops


def _passes(products: float, scores: float, *, learns: str, reached: bool) -> float:
    """Forward; then activations' gradients, where they are reached; then weights' gradients, where they learn.

    Scores are products of two activations, so both have gradients.
    """
    backward = (products + 2 * scores if reached else 0.0) + (products if learns == "weights" else 0.0)
    return products + scores + backward


def _squares(lengths: Iterable[int]) -> float:
    return float(sum(length * length for length in lengths))
