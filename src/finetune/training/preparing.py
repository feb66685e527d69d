"""The model of a run, ready to learn; what cannot work is refused before it is loaded."""

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from finetune.config import RunConfig
from finetune.errors import FinetuneError
from finetune.inspection import TrainingPlan, estimate_training
from finetune.loading import choose_device, free_memory
from finetune.modeling import Phi3VisionForCausalLM
from finetune.modeling.adapters import add_adapters
from finetune.modeling.flops import Training
from finetune.modeling.parts import PARTS, checkpoint_layers, compile_layers, part_of, unused_parameters
from finetune.training.sharding import check_sharding


@dataclass(frozen=True, slots=True)
class Prepared:
    """A model that can learn."""

    model: Any
    """`Phi3VisionForCausalLM`, or that in peft's wrapper."""
    base: Phi3VisionForCausalLM
    training: Training


def check_run(config: RunConfig, folder: Path) -> torch.device:
    """Refuse what cannot work on this machine, before anything long begins.

    Returns:
        The device.

    Raises:
        FinetuneError: If a package, a GPU, a login or memory is missing.
    """
    device = choose_device(config.device)
    if config.shard:
        check_sharding(config.method)
    if config.method == "qlora":
        _check_qlora(device)
    if config.track == "tensorboard" and find_spec("tensorboard") is None:
        raise FinetuneError(
            "track is tensorboard, which is not installed; pip install 'samplegen[finetune]'."
        )
    if config.track == "wandb":
        _check_wandb()
    _check_memory(config, folder, device)
    return device


def _check_qlora(device: torch.device) -> None:
    if device.type != "cuda":
        raise FinetuneError(
            "method is qlora, whose 4-bit weights need a CUDA GPU; torch finds none here, or the device is cpu. "
            "Take method=lora."
        )
    if find_spec("bitsandbytes") is None:
        raise FinetuneError("method is qlora, which needs bitsandbytes; pip install 'samplegen[qlora]'.")


def _check_wandb() -> None:
    if find_spec("wandb") is None:
        raise FinetuneError("track is wandb, which is not installed; pip install 'samplegen[wandb]'.")
    import wandb

    if os.environ.get("WANDB_MODE", "online") == "online" and not wandb.api.api_key:
        raise FinetuneError(
            "track is wandb, but there is no login. Run 'wandb login', set WANDB_API_KEY, or set WANDB_MODE=offline."
        )


def _check_memory(config: RunConfig, folder: Path, device: torch.device) -> None:
    free = free_memory(device)
    if free is None:
        return
    plan = training_plan(config, device)
    needed = estimate_training(folder, plan)
    if needed <= free:
        return
    fits = [
        f"{words} ({estimate_training(folder, other) / 1e9:.1f} GB)"
        for words, other in plan.smaller()
        if estimate_training(folder, other) <= free
    ]
    advice = "It would fit with " + ", or ".join(fits[:3]) if fits else "No smaller way would fit either"
    raise FinetuneError(
        f"{folder}: training takes about {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free ({device.type}). {advice}."
    )


def training_plan(config: RunConfig, device: torch.device) -> TrainingPlan:
    """Give what a run's memory depends on."""
    return TrainingPlan(
        method=config.method,
        lora=config.lora,
        parts=config.trained_parts,
        samples=config.batch_size,
        crops=config.data.num_crops,
        checkpoint_text=config.checkpoint_text,
        checkpoint_vision=config.checkpoint_vision,
        half=is_half(config, device),
        # Processes on the CPU share its memory.
        shards=int(os.environ.get("WORLD_SIZE", "1")) if config.shard and device.type == "cuda" else 1,
    )


def resolved_precision(config: RunConfig, device: torch.device) -> Literal["bf16", "float32"]:
    """Tell what a run computes in: ``auto`` is bf16 on a GPU, else float32."""
    if config.precision == "auto":
        return "bf16" if device.type == "cuda" else "float32"
    return config.precision


def is_half(config: RunConfig, device: torch.device) -> bool:
    """Tell whether a run computes in bf16."""
    return resolved_precision(config, device) == "bf16"


def prepare(config: RunConfig, folder: Path, device: torch.device) -> Prepared:
    """Load a model, and let learn what is to learn.

    Frozen weights are bf16 where the run computes in it; what learns is float32.
    """
    half = is_half(config, device)
    options: dict[str, Any] = {"dtype": torch.bfloat16 if half else torch.float32}
    if config.method == "qlora":
        options |= {"quantization_config": _four_bits(), "device_map": {"": torch.cuda.current_device()}}
    base = Phi3VisionForCausalLM.from_pretrained(folder, **options)
    base.config.use_cache = False
    unused = set(unused_parameters(base))
    own = [
        weight
        for name, weight in base.named_parameters()
        if part_of(name) in config.trained_parts and name not in unused
    ]
    base.requires_grad_(False)
    model: Any = base
    if config.uses_adapters:
        model = add_adapters(base, config.lora, dora=config.method == "dora")
    for weight in own:
        weight.data = weight.data.float()
        weight.requires_grad_(True)
    checkpoint_layers(base, text=config.checkpoint_text, vision=config.checkpoint_vision)
    if config.compile:
        compile_layers(base)
    return Prepared(model, base, _training(config))


def _four_bits() -> Any:
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
        llm_int8_skip_modules=["lm_head", "vision_embed_tokens"],
    )


def _training(config: RunConfig) -> Training:
    def learns(part: str) -> str:
        if part in config.trained_parts:
            return "weights"
        return "adapters" if config.uses_adapters and getattr(config.lora, part) else "frozen"

    return Training(**{part: learns(part) for part in PARTS})


def parameter_groups(model: nn.Module, config: RunConfig) -> list[dict[str, Any]]:
    """Group what learns by its learning rate and its decay; norms and biases have none."""
    groups: dict[tuple[str, bool], list[nn.Parameter]] = {}
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            groups.setdefault((part_of(name), weight.ndim > 1), []).append(weight)
    optim = config.optim
    return [
        {
            "params": weights,
            "lr": optim.learning_rate if getattr(optim, part) is None else getattr(optim, part),
            "weight_decay": optim.weight_decay if decays else 0.0,
            "part": part,
        }
        for (part, decays), weights in groups.items()
    ]
