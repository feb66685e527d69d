"""Rotary positions that switch from the short to the long factors for each sequence of a batch on its own."""

from typing import Any

import torch
from torch import Tensor
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.phi3.modeling_phi3 import Phi3RotaryEmbedding


class Phi3VisionRotaryEmbedding(Phi3RotaryEmbedding):
    """Phi-3's rotary embedding; a sequence takes the long factors once it is longer than 4,096 tokens.

    The stock class decides for the whole batch by its longest sequence, so that a short sequence would read
    differently beside a long one.
    """

    def forward(self, x: Tensor, position_ids: Tensor) -> tuple[Tensor, Tensor]:
        """Return cosine and sine, ``(batch, token, head_dim)`` in the dtype of `x`."""
        if self.rope_type != "longrope":
            stock: tuple[Tensor, Tensor] = super().forward(x, position_ids)
            return stock
        limit = self.config.original_max_position_embeddings
        is_long = _longest_position(position_ids) >= limit
        frequencies = torch.where(
            is_long[..., None], self._frequencies(x.device, limit + 1), self._frequencies(x.device)
        )
        angles = position_ids[..., None].float() * frequencies
        both = torch.cat((angles, angles), dim=-1)
        cos, sin = both.cos() * self.attention_scaling, both.sin() * self.attention_scaling
        return cos.to(x.dtype), sin.to(x.dtype)

    def _frequencies(self, device: torch.device, length: int | None = None) -> Tensor:
        """Give the inverse frequencies for a length in tokens: short factors up to 4,096, long ones beyond."""
        known: dict[Any, Tensor] = self.__dict__.setdefault("_known_frequencies", {})
        if (device, length) not in known:
            known[device, length], _ = ROPE_INIT_FUNCTIONS["longrope"](self.config, device, seq_len=length)
        return known[device, length]


def _longest_position(position_ids: Tensor) -> Tensor:
    """Give for each token the highest position of its sample; in packed rows each sample begins at 0."""
    sample = (position_ids == 0).long().cumsum(-1)
    highest = position_ids.new_zeros(len(position_ids), position_ids.shape[-1] + 1)
    return highest.scatter_reduce(-1, sample, position_ids, "amax").gather(-1, sample)
