"""Generation over a sequence that holds pictures: what transformers' own way would forget, tear apart or mistake."""

from typing import Any

import torch
from torch import Tensor
from transformers import LogitsProcessorList, StoppingCriteriaList
from transformers.generation import GenerationMixin

from finetune.errors import PictureSlotError
from finetune.modeling.slots import pictures_of_rows, refuse_other_number
from finetune.vocabulary import UNKNOWN

_CACHE_NAMES = ("past_key_values", "cache")
"""The second is the first's name from transformers 5.24 on."""


class PictureGeneration(GenerationMixin):
    """Hooks of ``generate`` for a model whose token ids below 0 are slots of pictures."""

    def prepare_inputs_for_generation(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        pixel_values: Tensor | None = None,
        image_sizes: Tensor | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Give the inputs of one step: pictures with their slots, the cache while it is valid.

        Raises:
            PictureSlotError: If embeddings in place of token ids are continued past 4,096 tokens.
        """
        limit = self.config.original_max_position_embeddings
        past, given = _past_tokens(kwargs), 0 if inputs_embeds is None else inputs_embeds.shape[1]
        now = given + input_ids.shape[1]
        if given and _some_row_crosses(limit, given, now, attention_mask):
            # The embeddings of the tokens written so far are not at hand when all has to be computed anew.
            raise PictureSlotError(
                f"inputs_embeds cannot be continued past {limit} tokens, where the positions change. Pass input_ids."
            )
        if past and (_some_row_crosses(limit, past, now, attention_mask) or _has_slots(input_ids[:, past:])):
            # The cached keys were turned by the short factors, or a new picture is numbered after cached ones: all is
            # computed anew, once.
            kwargs.update({_cache_name(kwargs): None, "next_sequence_length": None})
            past = 0
        inputs: dict[str, Any] = super().prepare_inputs_for_generation(
            input_ids, attention_mask=attention_mask, inputs_embeds=inputs_embeds, **kwargs
        )
        if not past and (pixel_values is not None or image_sizes is not None):
            # They go on even where the prompt has no slots, so that they are refused, not forgotten.
            inputs.update(pixel_values=pixel_values, image_sizes=image_sizes)
        return inputs

    def _expand_inputs_for_generation(
        self,
        expand_size: int = 1,
        is_encoder_decoder: bool = False,
        input_ids: Tensor | None = None,
        **kwargs: Any,
    ) -> tuple[Tensor | None, dict[str, Any]]:
        """Repeat each row `expand_size` times, with all its pictures; the stock way would tear them apart."""
        pictures = {name: kwargs.pop(name) for name in ("pixel_values", "image_sizes") if name in kwargs}
        if expand_size > 1 and input_ids is not None and pictures.get("pixel_values") is not None:
            rows = pictures_of_rows(input_ids)
            refuse_other_number(sum(map(len, rows)), len(pictures["pixel_values"]))
            order = torch.tensor([number for row in rows for _ in range(expand_size) for number in row])
            pictures = {name: tensor[order.to(tensor.device)] for name, tensor in pictures.items()}
        expanded, others = super()._expand_inputs_for_generation(
            expand_size=expand_size, is_encoder_decoder=is_encoder_decoder, input_ids=input_ids, **kwargs
        )
        return expanded, {**others, **pictures}

    def _validate_model_kwargs(self, model_kwargs: dict[str, Any]) -> None:
        # The stock check reads signatures, and the cache is among the keywords that ours hand on.
        super()._validate_model_kwargs(
            {name: value for name, value in model_kwargs.items() if name not in _CACHE_NAMES}
        )

    def _get_logits_processor(self, *args: Any, **kwargs: Any) -> LogitsProcessorList:
        # Those that look at the prompt (such as repetition_penalty) look tokens up by id.
        return _LogitsOfText(super()._get_logits_processor(*args, **kwargs))

    def _get_stopping_criteria(self, *args: Any, **kwargs: Any) -> StoppingCriteriaList:
        return _StopsOfText(super()._get_stopping_criteria(*args, **kwargs))

    def _get_candidate_generator(
        self, generation_config: Any, input_ids: Tensor, *args: Any, **kwargs: Any
    ) -> Any:
        if generation_config.prompt_lookup_num_tokens is not None and _has_slots(input_ids):
            raise PictureSlotError(
                "prompt_lookup_num_tokens proposes pieces of the prompt, and this prompt holds pictures. Leave it out."
            )
        return super()._get_candidate_generator(generation_config, input_ids, *args, **kwargs)


class _LogitsOfText(LogitsProcessorList):
    """Logits processors to which picture slots look like the unknown token."""

    def __call__(self, input_ids: Tensor, scores: Tensor, **kwargs: Any) -> Tensor:
        changed: Tensor = super().__call__(_as_text(input_ids), scores, **kwargs)
        return changed


class _StopsOfText(StoppingCriteriaList):
    """Stopping criteria to which picture slots look like the unknown token."""

    def __call__(self, input_ids: Tensor, scores: Tensor, **kwargs: Any) -> Tensor:
        stopped: Tensor = super().__call__(_as_text(input_ids), scores, **kwargs)
        return stopped


def _as_text(input_ids: Tensor) -> Tensor:
    return input_ids.where(input_ids >= 0, UNKNOWN)


def _has_slots(input_ids: Tensor) -> bool:
    return bool((input_ids < 0).any())


def _cache_name(kwargs: dict[str, Any]) -> str:
    return "cache" if "cache" in kwargs else "past_key_values"


def _past_tokens(kwargs: dict[str, Any]) -> int:
    cache = kwargs.get(_cache_name(kwargs))
    return 0 if cache is None else int(cache.get_seq_length())


def _some_row_crosses(limit: int, before: int, now: int, attention_mask: Tensor | None) -> bool:
    """Tell whether some row has at most `limit` of its first `before` tokens and more of its first `now`.

    Padding is not counted; transformers leaves out a mask that would hide nothing.
    """
    if attention_mask is None or attention_mask.ndim != 2:
        return before <= limit < now
    first, all_ = attention_mask[:, :before].sum(-1), attention_mask[:, :now].sum(-1)
    return bool(((first <= limit) & (all_ > limit)).any())
