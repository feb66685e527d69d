"""Phi-3's decoder over text and pictures, and its fast way through whole samples."""

from typing import Any

import torch
from torch import Tensor, nn
from transformers import Phi3Model
from transformers.modeling_outputs import BaseModelOutputWithPast

from finetune.errors import PictureSlotError
from finetune.modeling.attention import ROWS, SampleAttention, find_samples, has_one_call
from finetune.modeling.config import Phi3VisionConfig
from finetune.modeling.pictures import PictureEmbedding
from finetune.modeling.rope import Phi3VisionRotaryEmbedding
from finetune.modeling.slots import find_slots


class Phi3VisionModel(Phi3Model):
    """Phi-3's decoder, whose sequence may hold pictures: token id ``-k`` is a slot of the prompt's k-th picture."""

    config_class = Phi3VisionConfig

    def __init__(self, config: Phi3VisionConfig) -> None:
        super().__init__(config)
        self.vision_embed_tokens = PictureEmbedding(config)
        self.rotary_emb = Phi3VisionRotaryEmbedding(config)
        for layer in self.layers:
            SampleAttention.replace(layer.self_attn)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, PictureEmbedding):
            nn.init.zeros_(module.glb_GN)
            nn.init.zeros_(module.sub_GN)

    def embed(
        self, input_ids: Tensor, pixel_values: Tensor | None = None, image_sizes: Tensor | None = None
    ) -> Tensor:
        """Turn token ids and pictures into one sequence of embeddings.

        Args:
            input_ids: ``(batch, token)``; ``-k`` marks the slots of the k-th picture of its row, from 1 on.
            pixel_values: ``(picture, crop, 3, 336, 336)``, the pictures of all rows one after another.
            image_sizes: ``(picture, 2)``: height and width in px.

        Returns:
            ``(batch, token, hidden)``.

        Raises:
            PictureSlotError: If pictures are missing, left over or of another number of tokens than their slots.
        """
        embeddings: Tensor = self.embed_tokens(input_ids.clamp(min=0))
        if pixel_values is None or image_sizes is None or not len(pixel_values):
            _refuse_missing_pictures(input_ids, pixel_values, image_sizes)
            return embeddings
        pictures = self.vision_embed_tokens(pixel_values, image_sizes)
        positions, order = find_slots(input_ids, [len(picture) for picture in pictures])
        values = torch.cat([pictures[number] for number in order]).to(embeddings)
        flat = embeddings.flatten(0, 1).index_copy(0, positions.to(embeddings.device), values)
        return flat.view_as(embeddings)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        pixel_values: Tensor | None = None,
        image_sizes: Tensor | None = None,
        **kwargs: Any,
    ) -> BaseModelOutputWithPast:
        """Run the decoder over text and pictures; arguments as of `embed` and of ``Phi3Model``.

        Raises:
            PictureSlotError: If slots and pictures do not match, or pictures come with `inputs_embeds`.
            ValueError: If both or neither of `input_ids` and `inputs_embeds` are given.
        """
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("give either input_ids or inputs_embeds.")
        if input_ids is not None:
            inputs_embeds = self.embed(input_ids, pixel_values, image_sizes)
        elif pixel_values is not None or image_sizes is not None:
            raise PictureSlotError(
                "pictures came with inputs_embeds, which has no slots for them. Pass input_ids, or embed both first."
            )
        if position_ids is None and attention_mask is not None and attention_mask.ndim == 2:
            # Padding counts for nothing, on whichever side it stands.
            position_ids = (attention_mask.long().cumsum(-1) - 1).clamp(min=0)
            if inputs_embeds is not None:
                position_ids = position_ids[:, -inputs_embeds.shape[1] :]
        return super().forward(
            inputs_embeds=inputs_embeds, attention_mask=attention_mask, position_ids=position_ids, **kwargs
        )

    def read(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        pixel_values: Tensor | None = None,
        image_sizes: Tensor | None = None,
    ) -> Tensor:
        """Read whole samples for training: as `forward` without a cache, but fast on packed and on padded rows.

        Args:
            input_ids: As of `embed`.
            attention_mask: ``(batch, token)``, 0 at padding; not used where `position_ids` are given.
            position_ids: ``(batch, token)``; packed rows, whose positions begin anew at 0 with each sample. Padding is
                a sample of its own.
            pixel_values: As of `embed`.
            image_sizes: As of `embed`.

        Returns:
            ``(batch, token, hidden)``; what it holds at padding means nothing.
        """
        embeddings = self.embed(input_ids, pixel_values, image_sizes)
        if position_ids is None and attention_mask is not None and _padded_on_the_left(attention_mask):
            stock: Tensor = self(inputs_embeds=embeddings, attention_mask=attention_mask).last_hidden_state
            return stock
        samples = ROWS
        if position_ids is None:
            position_ids = torch.arange(input_ids.shape[1], device=embeddings.device).expand_as(input_ids)
        else:
            samples = find_samples(
                position_ids, one_call=has_one_call(embeddings.device, _compute_dtype(embeddings))
            )
        turned = self.rotary_emb(embeddings, position_ids=position_ids)
        hidden = embeddings
        for layer in self.layers:
            hidden = layer(hidden, position_embeddings=turned, samples=samples)
        read: Tensor = self.norm(hidden)
        return read


def _padded_on_the_left(attention_mask: Tensor) -> bool:
    return bool((attention_mask[:, :-1] < attention_mask[:, 1:]).any())


def _compute_dtype(tensor: Tensor) -> torch.dtype:
    kind = tensor.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else tensor.dtype


def _refuse_missing_pictures(
    input_ids: Tensor, pixel_values: Tensor | None, image_sizes: Tensor | None
) -> None:
    if (pixel_values is None) != (image_sizes is None):
        given, missing = (
            ("pixel_values", "image_sizes") if image_sizes is None else ("image_sizes", "pixel_values")
        )
        raise PictureSlotError(
            f"{given} came without {missing}: the pictures could not be placed. Pass both, as the processor gives them."
        )
    slots = int((input_ids < 0).sum())
    if slots:
        raise PictureSlotError(
            f"input_ids holds {slots} picture slots, but no pictures were given. "
            "Pass pixel_values and image_sizes, as the processor gives them."
        )
