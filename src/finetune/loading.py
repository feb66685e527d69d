"""A model brought into memory to answer, with its adapters; refused before that where it would not fit."""

import hashlib
import json
import os
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers.utils import logging

from finetune.data.processor import Phi3VisionProcessor
from finetune.errors import CheckpointError, FinetuneError, FinetuneWarning
from finetune.inspection import inspect_model
from finetune.model_folder import local_folder, read_json
from finetune.modeling import Phi3VisionForCausalLM
from finetune.modeling.checkpoint import REDUNDANT, read_config, read_headers

ADAPTER_CONFIG, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
BASE = "base_model.json"
"""Beside adapters: the digest of the model that they were trained on."""
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
        raise FinetuneError("device is cuda, but torch finds no CUDA GPU here. Take device=cpu.")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def load_model(
    name: str | os.PathLike[str],
    *,
    adapter: str | os.PathLike[str] | None = None,
    device: str | torch.device = "auto",
    num_crops: int | None = None,
) -> LoadedModel:
    """Load a model to answer: bf16 on a GPU, in its files' own type on the CPU.

    Args:
        name: Folder, or name on the Hub. Of a folder that holds adapters alone, the model that they name is loaded too.
        adapter: Folder of adapters that were trained on this model.
        device: ``auto`` (a GPU where there is one), ``cpu`` or ``cuda``; or torch's own.
        num_crops: 1 to 16; None for the processor's own.

    Raises:
        CheckpointError: If files are missing or damaged, or the adapters belong to another model.
        FinetuneError: If there is not enough memory.
    """
    adapter = None if adapter is None else Path(adapter)
    if isinstance(device, str):
        device = choose_device(device)
    if adapter is None and _holds_adapters_alone(Path(name)):
        adapter = Path(name)
        folder = base_of_adapter(adapter)
    else:
        folder = local_folder(name)
    if adapter is not None:
        check_adapter(adapter, folder)
    _check_memory(folder, device)
    processor = Phi3VisionProcessor.from_pretrained(folder, num_crops=num_crops)
    dtype = torch.bfloat16 if device.type == "cuda" else read_config(folder).dtype or torch.float32
    with bars_on_terminals_alone():
        model: Any = Phi3VisionForCausalLM.from_pretrained(folder, dtype=dtype)
    if adapter is not None:
        model = put_adapter(model, adapter)
    return LoadedModel(model.to(device).eval(), processor, _digest(folder, adapter))


def put_adapter(model: Phi3VisionForCausalLM, adapter: Path) -> Any:
    """Put adapters on a model, which is changed; give it in peft's wrapper.

    Raises:
        CheckpointError: If peft cannot.
    """
    from peft import PeftModel

    try:
        with warnings.catch_warnings():
            # peft asks for an attribute under the name that transformers is about to change.
            warnings.simplefilter("ignore", FutureWarning)
            return PeftModel.from_pretrained(model, str(adapter))
    except (ValueError, KeyError, RuntimeError, OSError) as error:
        raise CheckpointError(f"{adapter}: cannot be put on the model: {error}") from error


def _holds_adapters_alone(place: Path) -> bool:
    return (place / ADAPTER_CONFIG).is_file() and not (place / "config.json").is_file()


def base_of_adapter(adapter: Path) -> Path:
    """Find the folder of the model that adapters say they were trained on.

    Raises:
        CheckpointError: If they say none, or it is not there.
    """
    name = read_json(adapter / ADAPTER_CONFIG).get("base_model_name_or_path")
    advice = f"Name the model they were trained on, with {adapter} as its adapter."
    if not isinstance(name, str) or not name:
        raise CheckpointError(f"{adapter}: holds adapters that name no model. {advice}")
    try:
        return local_folder(name)
    except CheckpointError as error:
        raise CheckpointError(
            f"{adapter}: holds adapters of a model that is not here: {error} {advice}"
        ) from error


@contextmanager
def bars_on_terminals_alone() -> Iterator[None]:
    """Keep loading bars of transformers out of pipes and files."""
    shown = logging.is_progress_bar_enabled()
    if not sys.stderr.isatty():
        logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def check_adapter(adapter: Path, folder: Path) -> None:
    """Hold adapters to the model that they are to be put on: names and shapes of tensors, and the noted digest.

    Adapters of plain peft note no digest; then names and shapes alone are compared, and a `FinetuneWarning` says so
    unless they name this model.

    Raises:
        CheckpointError: If files are missing, or the adapters belong to another model.
    """
    if not adapter.is_dir():
        raise CheckpointError(f"{adapter}: there is no such folder. Give the folder that training wrote.")
    if (adapter / "config.json").is_file() and not (adapter / ADAPTER_CONFIG).is_file():
        raise CheckpointError(
            f"{adapter}: holds a whole model, no adapters. Give it as the model, without an adapter."
        )
    named = read_json(adapter / ADAPTER_CONFIG).get("base_model_name_or_path")
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
    noted = read_json(adapter / BASE).get("digest") if (adapter / BASE).is_file() else None
    if noted is None and not _is_named(folder, named):
        warnings.warn(
            f"{adapter}: only names and shapes of its tensors were held to {folder}, as it notes no digest of the model "
            f"that it was trained on. Its {ADAPTER_CONFIG} names {named or 'none'}; on another model its answers are "
            "worth nothing.",
            FinetuneWarning,
            stacklevel=2,
        )
    elif noted is not None and noted != base_digest(folder):
        raise CheckpointError(
            f"{adapter}: was trained on a model with other weights than those of {folder}, though of the same shapes. "
            "Give the model that it was trained on."
        )


def _is_named(folder: Path, name: object) -> bool:
    """Tell whether a folder is the model of that name: the same folder, or the Hub's cache of it."""
    if not isinstance(name, str) or not name:
        return False
    return Path(name).resolve() == folder.resolve() or f"models--{name.replace('/', '--')}" in folder.parts


def note_base(adapter: Path, base: str) -> None:
    """Note beside adapters which model they were trained on; nothing where its files are no longer there."""
    try:
        digest = base_digest(local_folder(base, local_files_only=True))
    except CheckpointError:
        return
    (adapter / BASE).write_text(json.dumps({"digest": digest}) + "\n", encoding="utf-8")


def base_digest(folder: Path) -> str:
    """Tell a model's weights from those of others by the first row of each tensor, rounded to bf16.

    So little is read that it takes no time, and a copy in another type or in other files counts as the same.

    Raises:
        CheckpointError: If weights are missing or damaged.
    """
    from safetensors import safe_open

    headers = read_headers(folder)
    digest = hashlib.sha256()
    with ExitStack() as stack:
        opened: dict[str, Any] = {
            file: stack.enter_context(safe_open(folder / file, framework="pt"))
            for file in {info.file for info in headers.values()}
        }
        for name, info in sorted(headers.items()):
            if any(re.search(form, name) for form in REDUNDANT):
                continue
            part = opened[info.file].get_slice(name)
            row = part[:1] if info.shape else opened[info.file].get_tensor(name)
            digest.update(name.encode())
            digest.update(row.to(torch.bfloat16).contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _check_memory(folder: Path, device: torch.device) -> None:
    info = inspect_model(folder)
    size = info.inference_bytes if device.type == "cuda" else sum(part.file_bytes for part in info.parts)
    wanted, free = size * _ROOM, free_memory(device)
    if free is not None and wanted > free:
        fits = (
            "a GPU with more memory, or device=cpu" if device.type == "cuda" else "a machine with more memory"
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
