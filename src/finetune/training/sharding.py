"""A model whose weights are divided among the processes (PyTorch's FSDP2), and the places that need them whole.

accelerate is not asked to divide it: it would give the head a group of its own, which exchanges gradients at each call.
The loss calls the head once for every 256 tokens of answers, so processes with other numbers of them would wait for each
other for ever. Here the layers are the groups, and all else is the root's: whole from the first layer to the end of the
gradients.
"""

import os
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import (
    FSDPModule,
    MixedPrecisionPolicy,
    fully_shard,
    register_fsdp_forward_method,
)
from torch.distributed.tensor import DTensor, distribute_tensor

from finetune.errors import FinetuneError

_ASKED = "ACCELERATE_USE_FSDP"
_REFUSED = {
    "FSDP_OFFLOAD_PARAMS": "weights are not kept off the GPU; leave --fsdp_offload_params out",
    "FSDP_ACTIVATION_CHECKPOINTING": "say checkpoint_text=true and checkpoint_vision=true in its place",
}


def launched_with_fsdp() -> bool:
    """Tell whether ``accelerate launch --use_fsdp`` started this process.

    Raises:
        FinetuneError: If it asks for FSDP 1, or for what is done in another way here.
    """
    if not _is_true(_ASKED):
        return False
    if os.environ.get("FSDP_VERSION", "1") != "2":
        raise FinetuneError(
            "FSDP of version 1 is asked for; allowed is 2. Add --fsdp_version 2, or take shard=true."
        )
    for name, advice in _REFUSED.items():
        if _is_true(name):
            raise FinetuneError(f"{name} is true: {advice}.")
    return True


def _is_true(name: str) -> bool:
    return os.environ.get(name, "").lower() in ("1", "true")


def check_sharding(method: str) -> None:
    """Refuse weights that cannot be divided.

    Raises:
        FinetuneError: If there is but one process that no launcher started, or weights are of 4 bits.
    """
    if method == "qlora":
        raise FinetuneError(
            "shard is true, but weights of 4 bits cannot be divided. Take method=lora, or shard=false."
        )
    if "WORLD_SIZE" not in os.environ:
        raise FinetuneError(
            "shard is true, but no launcher started this process. Take torchrun or accelerate launch, or shard=false."
        )


def shard(model: Any, device: torch.device, *, half: bool) -> None:
    """Divide a model's weights among all processes.

    Args:
        model: `Phi3VisionForCausalLM`, or that in peft's wrapper; is changed.
        device: Of this process.
        half: Whether layers compute in bf16; gradients are summed in float32.
    """
    os.environ.pop(_ASKED, None)  # or accelerate divides it again
    mesh = init_device_mesh(device.type, (torch.distributed.get_world_size(),))
    # Inputs stay as they are: autocast decides, as it does without sharding.
    policy = (
        MixedPrecisionPolicy(torch.bfloat16, torch.float32, cast_forward_inputs=False)
        if half
        else MixedPrecisionPolicy()
    )
    for module in list(model.modules()):
        if type(module).__name__ in model._no_split_modules:
            fully_shard(module, mesh=mesh, mp_policy=policy)
    fully_shard(model, mesh=mesh, mp_policy=policy, reshard_after_forward=False)
    register_fsdp_forward_method(model, "generate")
    model._is_accelerate_prepared = True  # no DDP around it


def is_sharded(model: nn.Module) -> bool:
    """Tell whether `shard` divided a model's weights."""
    return isinstance(model, FSDPModule)


def put_away(model: nn.Module) -> None:
    """Leave the parts of the weights alone, which a forward pass without gradients does not."""
    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.reshard()


def gathered(tensors: Mapping[str, Tensor], *, keep: bool) -> dict[str, Tensor]:
    """Put tensors together again, one at a time; every process has to call it with the same names.

    Args:
        tensors: Whole ones are given back as they are.
        keep: Whether this process wants those that were divided, on the CPU; else it has none of them.
    """
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if not isinstance(tensor, DTensor):
            found[name] = tensor
            continue
        joined = tensor.full_tensor().detach()
        if keep:
            found[name] = joined.cpu()
    return found


def divided_as(tensor: Tensor, example: Tensor) -> Tensor:
    """Give this process its part of a tensor, if the example is divided; every process has to call it."""
    if not isinstance(example, DTensor) or tensor.shape != example.shape:
        return tensor
    return distribute_tensor(tensor.to(example.device), example.device_mesh, example.placements)
