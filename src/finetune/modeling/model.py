"""Phi-3-Vision: transformers' Phi-3 and CLIP, with pictures placed in the sequence of embeddings."""

import copy
import os
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn
from transformers import Phi3ForCausalLM
from transformers.modeling_outputs import CausalLMOutputWithPast

from finetune.errors import CheckpointError
from finetune.model_folder import local_folder
from finetune.modeling.checkpoint import REDUNDANT, check_tensors, read_config, remove_stale_weights
from finetune.modeling.config import Phi3VisionConfig
from finetune.modeling.decoder import Phi3VisionModel
from finetune.modeling.generation import PictureGeneration
from finetune.modeling.loss import AnswerLoss, answer_loss
from finetune.vocabulary import IGNORED_LABEL, PAD, STOP_IDS


class Phi3VisionForCausalLM(PictureGeneration, Phi3ForCausalLM):
    """Phi-3-Vision with its language-model head.

    The tree of modules is named as the published checkpoints name their tensors, so files are read and written as
    they are. Reading is stricter than transformers' own; see `from_pretrained`.
    """

    config_class = Phi3VisionConfig
    _keys_to_ignore_on_load_unexpected = list(REDUNDANT)  # noqa: RUF012
    _no_split_modules = ["Phi3DecoderLayer", "CLIPEncoderLayer", "CLIPVisionEmbeddings"]  # noqa: RUF012

    def __init__(self, config: Phi3VisionConfig) -> None:
        super(Phi3ForCausalLM, self).__init__(config)  # its own would make a decoder without pictures
        self.model = Phi3VisionModel(config)
        self.vocab_size = config.vocab_size
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()
        stop_on_chat_tokens(self)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        pixel_values: Tensor | None = None,
        image_sizes: Tensor | None = None,
        labels: Tensor | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int | Tensor = 0,
        answers_only: bool = False,
        answer_tokens: Tensor | int | None = None,
        **kwargs: Any,
    ) -> CausalLMOutputWithPast | AnswerLoss:
        """Predict the next token at every position.

        Args:
            input_ids: ``(batch, token)``; ``-k`` marks the slots of the k-th picture of its row.
            attention_mask: ``(batch, token)``, 0 at padding.
            position_ids: ``(batch, token)``; by default counted from the first token that is not padding.
            inputs_embeds: ``(batch, token, hidden)`` in place of `input_ids` and pictures.
            pixel_values: ``(picture, crop, 3, 336, 336)``, the pictures of all rows one after another.
            image_sizes: ``(picture, 2)``: height and width in px.
            labels: ``(batch, token)``; below 0, as at picture slots, nothing is learned.
            use_cache: Whether to return keys and values for the next tokens.
            logits_to_keep: How many last positions get logits, 0 for all; or their indices.
            answers_only: Whether to give the loss of the labels and no logits: for training, see `AnswerLoss`. Rows
                may then be packed, see `Phi3VisionModel.read`.
            answer_tokens: What the sum of that loss is divided by; by default the number of labels.
            **kwargs: As for ``Phi3ForCausalLM``.

        Returns:
            ``logits`` ``(batch, token, vocabulary)``, ``loss`` where labels are given, and the cache; or the loss
            alone.

        Raises:
            PictureSlotError: If slots and pictures do not match.
        """
        if labels is not None:
            labels = labels.masked_fill(labels < 0, IGNORED_LABEL)
        if answers_only and labels is not None and input_ids is not None:
            hidden = self.model.read(input_ids, attention_mask, position_ids, pixel_values, image_sizes)
            return answer_loss(hidden, labels, self.lm_head, position_ids=position_ids, count=answer_tokens)
        if pixel_values is not None or image_sizes is not None:
            kwargs.update(pixel_values=pixel_values, image_sizes=image_sizes)
        return super().forward(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
            labels=labels,
            use_cache=use_cache,
            logits_to_keep=logits_to_keep,
            **kwargs,
        )

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        config: Phi3VisionConfig | None = None,
        revision: str | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        token: str | bool | None = None,
        local_files_only: bool = False,
        force_download: bool = False,
        **kwargs: Any,
    ) -> Self:
        """Load a model from a folder or the Hugging Face Hub, in the published layout.

        Args:
            pretrained_model_name_or_path: Folder, or name on the Hub.
            config: Use this instead of the folder's config.json.
            revision: Branch, tag or commit on the Hub.
            cache_dir: Where downloads are kept.
            token: For private repositories.
            local_files_only: Whether to look at downloads alone.
            force_download: Whether to download again.
            **kwargs: As for transformers: ``dtype``, ``device_map``, ``attn_implementation``,
                ``quantization_config`` ...; not ``subfolder`` and ``variant``.

        Raises:
            CheckpointError: If files are missing, hold pickled weights, or their tensors are not the model's:
                each missing, unexpected or misshapen one is named.
        """
        _refuse_options(kwargs)
        folder = local_folder(
            pretrained_model_name_or_path,
            revision=revision,
            cache_dir=cache_dir,
            token=token,
            local_files_only=local_files_only,
            force_download=force_download,
        )
        config = config or read_config(folder)
        check_tensors(folder, shapes_of(config))
        loaded = super().from_pretrained(folder, config=config, use_safetensors=True, **kwargs)
        stop_on_chat_tokens(loaded[0] if kwargs.get("output_loading_info") else loaded)
        return loaded  # type: ignore[no-any-return]

    def save_pretrained(
        self, save_directory: str | os.PathLike[str], *, max_shard_size: int | str = "5GB", **kwargs: Any
    ) -> None:
        """Write config.json and safetensors under their published names, in shards as published.

        Args:
            save_directory: The folder.
            max_shard_size: Bytes, or such as ``"5GB"``; a larger model is split, with an index.
            **kwargs: As for transformers.
        """
        super().save_pretrained(save_directory, max_shard_size=max_shard_size, **kwargs)
        remove_stale_weights(Path(save_directory))


def _refuse_options(options: dict[str, Any]) -> None:
    """Take out what is never done, and refuse it where it is asked for."""
    if options.pop("trust_remote_code", False):
        raise CheckpointError("trust_remote_code: no code of a checkpoint is ever run. Leave it out.")
    if options.pop("use_safetensors", True) is False:
        raise CheckpointError("use_safetensors=False: reading a pickle can run any code. Leave it out.")
    for name in ("subfolder", "variant"):
        if options.pop(name, None):
            raise CheckpointError(
                f"{name}: files are read from the folder itself, under their published names."
            )


def shapes_of(config: Phi3VisionConfig) -> dict[str, torch.Size]:
    """Give the shape of every tensor of a model of this configuration, without making it.

    Raises:
        CheckpointError: If no model can be made of the configuration.
    """
    try:
        with torch.device("meta"):
            model = Phi3VisionForCausalLM(copy.deepcopy(config))
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        AssertionError,
        ArithmeticError,
        RuntimeError,
    ) as error:
        raise CheckpointError(
            f"config.json: no model can be made of it: {error!r}. Correct its values."
        ) from error
    return {name: tensor.shape for name, tensor in model.state_dict().items()}


def stop_on_chat_tokens(model: Phi3VisionForCausalLM) -> None:
    """Let generation end on ``<|endoftext|>`` and ``<|end|>``, and on what else the model's files name."""
    named = model.generation_config.eos_token_id
    others = set(named if isinstance(named, list) else [named]) - {None, model.config.eos_token_id}
    model.generation_config.eos_token_id = sorted({*STOP_IDS, *others})
    model.generation_config.pad_token_id = PAD
