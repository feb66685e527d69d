"""Adapters (LoRA, DoRA) by peft, on modules that are named exactly, so that no rule leaks from text into CLIP."""

import warnings
from types import MethodType
from typing import Any, cast

from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import Linear
from torch import Tensor, nn
from torch.nn.functional import linear

from finetune.config.adapters import LoraSettings
from finetune.modeling.model import Phi3VisionForCausalLM
from finetune.modeling.parts import ADAPTED, part_of, unused_parameters


def adapted_modules(model: Phi3VisionForCausalLM, settings: LoraSettings) -> list[str]:
    """Name the modules that get adapters, in full: ``model.layers.0.self_attn.qkv_proj`` ..."""
    unused = {name.rpartition(".")[0] for name in unused_parameters(model)}
    names = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear)
        and getattr(settings, part_of(name))
        and name.endswith(ADAPTED[part_of(name)])
        and name not in unused
    ]
    return [*names, "lm_head"] if settings.head else names


def add_adapters(
    model: Phi3VisionForCausalLM, settings: LoraSettings, *, dora: bool = False, fast: bool = True
) -> PeftModel:
    """Give a model new adapters; its own weights no longer learn.

    Args:
        model: Is changed.
        settings: Rank, scale and places.
        dora: Whether each adapted weight also learns its magnitude (DoRA).
        fast: Whether to use `speed_up`.

    Returns:
        The model in peft's wrapper, whose ``save_pretrained`` writes the adapters alone.
    """
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=cast("int", settings.alpha),  # any number is fine
        lora_dropout=settings.dropout,
        target_modules=adapted_modules(model, settings),
        use_dora=dora,
        task_type="CAUSAL_LM",
    )
    with warnings.catch_warnings():
        # peft asks for an attribute under the name that transformers is about to change.
        warnings.simplefilter("ignore", FutureWarning)
        adapted = get_peft_model(model, config)
    if fast:
        speed_up(adapted)
    return adapted


def speed_up(model: nn.Module) -> None:
    """Let adapters of a plain kind compute in the type of their input, and add to the result in place.

    peft itself turns the input of every adapted layer into the adapter's float32 and back, and keeps two more
    copies of its result: on a GPU that takes as long as the adapters' products.
    """
    for module in model.modules():
        if type(module) is Linear and type(module.base_layer) is nn.Linear:
            module.__dict__["forward"] = MethodType(_forward, module)


def _forward(self: Linear, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    active = [name for name in self.active_adapters if name in self.lora_A]
    if self.disable_adapters or self.merged or len(active) != 1 or args or kwargs or self.lora_variant:
        return Linear.forward(self, x, *args, **kwargs)
    (name,) = active
    rows = x.reshape(-1, x.shape[-1])
    result = cast("nn.Linear", self.base_layer)(rows)
    first, second = (cast("nn.Linear", part[name]).weight for part in (self.lora_A, self.lora_B))
    narrow = linear(self.lora_dropout[name](rows.to(result.dtype)), first.to(result.dtype))
    result.addmm_(narrow * self.scaling[name], second.to(result.dtype).t())
    whole: Tensor = result.view(*x.shape[:-1], -1)
    return whole
