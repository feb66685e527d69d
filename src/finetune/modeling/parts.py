"""The parts of the model that are frozen, trained or computed anew, each on its own."""

from collections.abc import Mapping
from functools import partial
from typing import Literal

from torch import nn
from torch.utils.checkpoint import checkpoint

from finetune.modeling.model import Phi3VisionForCausalLM

Part = Literal["vision", "projector", "text"]
PARTS: tuple[Part, ...] = ("vision", "projector", "text")
ADAPTED: Mapping[Part, tuple[str, ...]] = {
    "text": ("qkv_proj", "o_proj", "gate_up_proj", "down_proj"),
    "projector": ("img_projection.0", "img_projection.2"),
    "vision": ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"),
}
"""Ends of the names of the modules that may get adapters."""


def part_of(name: str) -> Part:
    """Tell which part a parameter belongs to, from its name; the separators of pictures go with the projector."""
    if ".img_processor." in name:
        return "vision"
    return "projector" if ".vision_embed_tokens." in name else "text"


def unused_parameters(model: Phi3VisionForCausalLM) -> list[str]:
    """Name the parameters that no gradient reaches: CLIP's last layer and the norm after it, 18 tensors."""
    last = len(clip_layers(model)) - 1
    marks = (f".vision_model.encoder.layers.{last}.", ".vision_model.post_layernorm.")
    return [name for name, _ in model.named_parameters() if any(mark in name for mark in marks)]


def clip_layers(model: Phi3VisionForCausalLM) -> nn.ModuleList:
    """Give all layers of the vision tower; the last is not used."""
    layers: nn.ModuleList = model.model.vision_embed_tokens.img_processor.vision_model.encoder.layers
    return layers


def train_parts(model: Phi3VisionForCausalLM, parts: tuple[Part, ...]) -> None:
    """Let gradients reach these parts and no other; never what is not used."""
    unused = set(unused_parameters(model))
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(part_of(name) in parts and name not in unused)


def checkpoint_layers(model: Phi3VisionForCausalLM, *, text: bool, vision: bool) -> None:
    """Choose whose layers keep their inputs alone and compute the rest anew for the gradients."""
    for layers, wanted in ((model.model.layers, text), (clip_layers(model), vision)):
        for layer in layers:
            layer.gradient_checkpointing = wanted
            layer._gradient_checkpointing_func = partial(checkpoint, use_reentrant=False)


def compile_layers(model: Phi3VisionForCausalLM) -> None:
    """Compile the layers of decoder and tower: each kind once, for batches of any size."""
    for layer in (*model.model.layers, *clip_layers(model)[:-1]):
        layer.compile(dynamic=True)
