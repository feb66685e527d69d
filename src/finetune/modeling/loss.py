"""Cross-entropy over the tokens of answers alone: logits exist for a few hundred of them at a time."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint
from transformers.modeling_outputs import ModelOutput

from finetune.vocabulary import IGNORED_LABEL

CHUNK = 256
"""Tokens whose logits exist at once: 33 MB in float32 with the published vocabulary."""


@dataclass
class AnswerLoss(ModelOutput):
    """The loss of a batch, and of each token of its answers."""

    loss: Tensor | None = None
    """Mean over the answers' tokens; 0 if there is none."""
    losses: Tensor | None = None
    """``(answer token,)``, float32, without gradients."""
    places: Tensor | None = None
    """``(answer token,)``: where each stands in the flattened ``(batch, token)`` of the labels."""


def answer_loss(
    hidden: Tensor,
    labels: Tensor,
    head: Callable[[Tensor], Tensor],
    *,
    position_ids: Tensor | None = None,
    count: Tensor | int | None = None,
    chunk: int = CHUNK,
) -> AnswerLoss:
    """Predict each answer's tokens from what stands before them.

    Args:
        hidden: ``(batch, token, hidden)``, of the decoder.
        labels: ``(batch, token)``, -100 off the answers.
        head: From hidden states to logits.
        position_ids: ``(batch, token)`` of packed rows: a sample's first token is not predicted from another sample.
        count: What to divide the sum by in place of the number of answer tokens.
        chunk: How many tokens have logits at once; they are computed anew for the gradients.
    """
    wanted = labels != IGNORED_LABEL
    wanted[:, 0] = False
    if position_ids is not None:
        wanted &= position_ids != 0
    places = wanted.flatten().nonzero().flatten()
    states, targets = hidden.flatten(0, 1)[places - 1], labels.flatten()[places]
    parts = [
        checkpoint(_losses, head, part, target, use_reentrant=False)
        for part, target in zip(torch.split(states, chunk), torch.split(targets, chunk), strict=True)
    ]
    losses = torch.cat(parts)  # of no answer token too: the head then learns nothing, but takes part
    total = losses.sum()
    loss = total / (max(len(places), 1) if count is None else count)
    return AnswerLoss(loss=loss, losses=losses.detach(), places=places)


def _losses(head: Callable[[Tensor], Tensor], states: Tensor, targets: Tensor) -> Tensor:
    return cross_entropy(head(states).float(), targets, reduction="none")
