"""A model brought into memory to answer, with its adapters; refused before that where it would not fit."""

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers.utils import logging

from finetune.data.processor import Phi3VisionProcessor
from finetune.errors import CheckpointError, FinetuneError
from finetune.inspection import inspect_model
from finetune.model_folder import local_folder, read_json
from finetune.modeling import Phi3VisionForCausalLM
from finetune.modeling.checkpoint import read_config, read_headers

ADAPTER_CONFIG, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_READ = 2**22
_ROOM = 1.1
"""Beside the weights: activations and the keys and values of a batch."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that is ready to answer."""

    model: Any
    """`Phi3VisionForCausalLM`, or that in peft's wrapper."""
    processor: Phi3VisionProcessor
    digest: str
    """Of all weights, so that kept answers are never taken for another model's."""


def choose_device(name: str = "auto") -> torch.device:
    """Give the device: ``auto`` is CUDA where there is one.

    Raises:
        FinetuneError: If CUDA is asked for and absent, or the name is another.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise FinetuneError(f"device is {name!r}; allowed are auto, cpu and cuda.")
    if name == "cuda" and not torch.cuda.is_available():
        raise FinetuneError("device is cuda, but torch finds no CUDA GPU here. Take --device cpu.")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def load_model(
    name: str | os.PathLike[str],
    *,
    adapter: Path | None = None,
    device: torch.device,
    num_crops: int | None = None,
) -> LoadedModel:
    """Load a model to answer: bf16 on a GPU, in its files' own type on the CPU.

    Args:
        name: Folder, or name on the Hub.
        adapter: Folder of adapters that were trained on this model.
        device: Of `choose_device`.
        num_crops: 1 to 16; None for the processor's own.

    Raises:
        CheckpointError: If files are missing or damaged, or the adapters belong to another model.
        FinetuneError: If there is not enough memory.
    """
    folder = local_folder(name)
    if adapter is not None:
        check_adapter(adapter, folder)
    _check_memory(folder, device)
    processor = Phi3VisionProcessor.from_pretrained(folder, num_crops=num_crops)
    dtype = torch.bfloat16 if device.type == "cuda" else read_config(folder).dtype or torch.float32
    with _bars_on_terminals_alone():
        model: Any = Phi3VisionForCausalLM.from_pretrained(folder, dtype=dtype)
    if adapter is not None:
        from peft import PeftModel

        try:
            model = PeftModel.from_pretrained(model, adapter)
        except (ValueError, KeyError, RuntimeError, OSError) as error:
            raise CheckpointError(f"{adapter}: cannot be put on {folder}: {error}") from error
    return LoadedModel(model.to(device).eval(), processor, _digest(folder, adapter))


@contextmanager
def _bars_on_terminals_alone() -> Iterator[None]:
    shown = logging.is_progress_bar_enabled()
    if not sys.stderr.isatty():
        logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def check_adapter(adapter: Path, folder: Path) -> None:
    """Hold adapters to the model that they are to be put on, by the names and shapes of their tensors.

    Raises:
        CheckpointError: If files are missing, or the adapters belong to another model.
    """
    if not adapter.is_dir():
        raise CheckpointError(f"{adapter}: there is no such folder. Give the folder that training wrote.")
    read_json(adapter / ADAPTER_CONFIG)
    if not (adapter / ADAPTER_WEIGHTS).is_file():
        raise CheckpointError(f"{adapter}: has no {ADAPTER_WEIGHTS}; adapters are read as safetensors alone.")
    from safetensors import SafetensorError, safe_open

    weights = {name.removesuffix(".weight"): info.shape for name, info in read_headers(folder).items()}
    try:
        with safe_open(adapter / ADAPTER_WEIGHTS, framework="pt") as file:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{adapter / ADAPTER_WEIGHTS}: cannot be read: {error}") from error
    for name, shape in shapes.items():
        module, _, kind = name.removeprefix("base_model.model.").partition(".lora_")
        if not kind or kind[:2] not in ("A.", "B."):
            continue
        wanted = weights.get(module)
        side = -1 if kind.startswith("A") else 0
        if wanted is None or wanted[side] != shape[side]:
            found = "does not have" if wanted is None else f"has with shape {wanted}"
            raise CheckpointError(
                f"{adapter}: adapts {module} with {shape}, which {folder} {found}. "
                "The adapters were trained on another model; give that one."
            )


def _check_memory(folder: Path, device: torch.device) -> None:
    info = inspect_model(folder)
    size = info.inference_bytes if device.type == "cuda" else sum(part.file_bytes for part in info.parts)
    wanted, free = size * _ROOM, free_memory(device)
    if free is not None and wanted > free:
        fits = (
            "a GPU with more memory, or --device cpu"
            if device.type == "cuda"
            else "a machine with more memory"
        )
        raise FinetuneError(
            f"{folder}: answering takes about {wanted / 1e9:.1f} GB, {free / 1e9:.1f} GB are free "
            f"({device.type}). It would fit on {fits}."
        )


def free_memory(device: torch.device) -> int | None:
    """Give the bytes that are free on a device; None where the system does not say."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(found[0]) * 1024 if found else None


def _digest(folder: Path, adapter: Path | None) -> str:
    digest = hashlib.sha256()
    for place in (folder, adapter):
        for path in sorted([*place.glob("*.safetensors"), *place.glob("*config.json")]) if place else ():
            digest.update(path.name.encode())
            with path.open("rb") as file:
                while block := file.read(_READ):
                    digest.update(block)
    return digest.hexdigest()
