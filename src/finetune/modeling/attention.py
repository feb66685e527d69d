"""Attention over whole samples, whether each has a row or several are packed in one, without a dense mask.

The fast kernels of PyTorch take no mask but "causal". Rows that are padded on the right need no other: no real token
ever looks at what follows it. Packed rows need each sample to see itself alone; one call for each sample does that
everywhere, and on a CUDA GPU one call of PyTorch's own attention for sequences of many lengths.
"""

import inspect
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers.models.phi3.modeling_phi3 import Phi3Attention, apply_rotary_pos_emb


def _one_call() -> tuple[Callable[..., Tensor] | None, dict[str, Any]]:
    """Find PyTorch's attention to samples of many lengths, and how it is told to be causal."""
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:  # before 2.10
        return None, {}
    if "is_causal" in inspect.signature(varlen_attn).parameters:  # 2.10
        return cast("Callable[..., Tensor]", varlen_attn), {"is_causal": True}
    return cast("Callable[..., Tensor]", varlen_attn), {"window_size": (-1, 0)}


_ONE_CALL, _CAUSAL = _one_call()
_STEP = 256
"""The longest sample is rounded up to a multiple of it, so that compiled code serves many packs."""


class Samples(NamedTuple):
    """Where the samples of a batch begin and end, all rows one after another."""

    lengths: tuple[int, ...]
    """In tokens; empty if each row is one sample, or `starts` says it all."""
    starts: Tensor | None
    """``(sample + 1,)``, int32, on the GPU: where each begins, and the end of all."""
    longest: int
    """In tokens, or a little more."""


ROWS = Samples((), None, 0)
"""Each row is one sample."""


def find_samples(position_ids: Tensor, *, one_call: bool) -> Samples:
    """Find the samples of packed rows: each begins where positions begin anew at 0.

    Args:
        position_ids: ``(batch, token)``.
        one_call: Whether attention to all samples is one call; see `has_one_call`.
    """
    begins = (position_ids.flatten() == 0).nonzero().flatten().tolist()
    if len(begins) == len(position_ids):
        return ROWS
    edges = [*begins, position_ids.numel()]
    lengths = tuple(stop - start for start, stop in pairwise(edges))
    if not one_call:
        return Samples(lengths, None, max(lengths))
    starts = torch.tensor(edges, dtype=torch.int32, device=position_ids.device)
    return Samples((), starts, -(-max(lengths) // _STEP) * _STEP)


def has_one_call(device: torch.device, dtype: torch.dtype) -> bool:
    """Tell whether PyTorch has one call for samples of many lengths on this device."""
    return _ONE_CALL is not None and device.type == "cuda" and dtype in (torch.bfloat16, torch.float16)


def avoid_one_call() -> None:
    """Let each sample have its own call from now on, where the one call does not work."""
    global _ONE_CALL
    _ONE_CALL = None


def attend(query: Tensor, key: Tensor, value: Tensor, samples: Samples) -> Tensor:
    """Let each token look at itself and at what stands before it in its own sample.

    Args:
        query: ``(batch, token, head, width)``.
        key: As `query`, of as many heads or fewer.
        value: As `key`.
        samples: Of all rows.

    Returns:
        ``(batch, token, head, width)``.
    """
    # Under autocast the rotation leaves float32 where weights are.
    query, key = query.to(value.dtype), key.to(value.dtype)
    if key.shape[2] != query.shape[2]:
        shared = query.shape[2] // key.shape[2]
        key, value = (tensor.repeat_interleave(shared, 2) for tensor in (key, value))
    if samples.starts is not None and _ONE_CALL is not None:
        flat = [tensor.flatten(0, 1).contiguous() for tensor in (query, key, value)]
        ends = (samples.starts, samples.starts, samples.longest, samples.longest)
        return _ONE_CALL(*flat, *ends, **_CAUSAL).reshape(query.shape)
    if not samples.lengths:
        return _attend_whole(query, key, value)
    parts = zip(
        *(
            torch.split(tensor.flatten(0, 1)[None], list(samples.lengths), 1)
            for tensor in (query, key, value)
        ),
        strict=True,
    )
    return torch.cat([_attend_whole(*part) for part in parts], dim=1).reshape(query.shape)


def _attend_whole(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Let each row be one sample; shapes as of `attend`."""
    query, key, value = query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)
    return scaled_dot_product_attention(query, key, value, is_causal=True).transpose(1, 2)


class SampleAttention(Phi3Attention):
    """Phi-3's attention, which `Samples` may stand in for a mask."""

    @classmethod
    def replace(cls, attention: Phi3Attention) -> None:
        """Turn a stock attention into this one; the weights stay where they are."""
        attention.__class__ = cls

    def forward(
        self,
        hidden_states: Tensor,
        position_embeddings: tuple[Tensor, Tensor],
        attention_mask: Tensor | None = None,
        samples: Samples | None = None,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend; arguments as of ``Phi3Attention``. With `samples` there is neither mask nor cache."""
        if samples is None:
            stock: tuple[Tensor, Tensor | None] = super().forward(
                hidden_states,
                position_embeddings=position_embeddings,
                attention_mask=attention_mask,
                **kwargs,
            )
            return stock
        width, heads = self.head_dim, self.config.num_attention_heads
        split = [heads * width, *[self.num_key_value_heads * width] * 2]
        query, key, value = (
            part.unflatten(-1, (-1, width)) for part in self.qkv_proj(hidden_states).split(split, dim=-1)
        )
        query, key = apply_rotary_pos_emb(query, key, *position_embeddings, unsqueeze_dim=2)
        return self.o_proj(attend(query, key, value, samples).flatten(2)), None
