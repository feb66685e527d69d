"""Settings of adapters."""

import math
from dataclasses import dataclass

from finetune.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class LoraSettings:
    """Low-rank adapters, and which parts of the model get them."""

    rank: int = 64
    alpha: float = 128.0
    """Adapters are scaled by alpha / rank."""
    dropout: float = 0.0
    text: bool = True
    """qkv_proj, o_proj, gate_up_proj and down_proj of each decoder layer."""
    projector: bool = True
    """Both layers between the vision tower and the decoder."""
    vision: bool = True
    """q_proj, k_proj, v_proj, out_proj, fc1 and fc2 of each layer of CLIP that is used."""
    head: bool = False
    """lm_head."""

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise ConfigError(f"lora.rank is {self.rank}; allowed are whole numbers from 1 on.")
        if not (math.isfinite(self.alpha) and self.alpha > 0):
            raise ConfigError(f"lora.alpha is {self.alpha}; allowed are numbers above 0.")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"lora.dropout is {self.dropout}; allowed are shares from 0 to below 1.")
        if not (self.text or self.projector or self.vision or self.head):
            raise ConfigError("lora: no part gets adapters. Set text, projector, vision or head.")
