"""Settings of adapters."""

from dataclasses import dataclass


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
    vision: bool = False
    """q_proj, k_proj, v_proj, out_proj, fc1 and fc2 of each layer of CLIP that is used."""
    head: bool = False
    """lm_head."""
