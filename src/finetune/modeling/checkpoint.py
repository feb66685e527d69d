"""The files of a published checkpoint: config.json, safetensors shards and their index; checked before they are read."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError, safe_open

from finetune.errors import CheckpointError
from finetune.model_folder import read_json
from finetune.modeling.config import Phi3VisionConfig

ADAPTER = "adapter_config.json"
WEIGHTS, INDEX, CONFIG = "model.safetensors", "model.safetensors.index.json", "config.json"
_TIED_COPY, _TIED = "model.vision_embed_tokens.wte.weight", "model.embed_tokens.weight"
REDUNDANT = (
    r"^model\.vision_embed_tokens\.wte\.weight$",
    r"\.embeddings\.position_ids$",
    r"\.rotary_emb\.inv_freq$",
)
"""Tensors that some checkpoints carry beside the published ones; they follow from others."""
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_SHOWN = 8


class TensorInfo(NamedTuple):
    """What a safetensors header says of one tensor."""

    shape: tuple[int, ...]
    dtype: str
    """As safetensors names it: BF16, F32 ..."""
    file: str


def read_config(folder: Path) -> Phi3VisionConfig:
    """Read config.json.

    Raises:
        CheckpointError: If it is missing, no JSON, or of another kind of model.
    """
    if (folder / ADAPTER).is_file() and not (folder / CONFIG).is_file():
        base = read_json(folder / ADAPTER).get("base_model_name_or_path")
        advice = f"of {base}; give that" if base else "alone; give the model that they were trained on"
        raise CheckpointError(f"{folder}: this holds adapters {advice}.")
    values = read_json(folder / CONFIG)
    if values.get("model_type") != Phi3VisionConfig.model_type:
        raise CheckpointError(
            f"{folder / CONFIG}: model_type is {values.get('model_type')!r}; "
            f"allowed is {Phi3VisionConfig.model_type!r}, as in Phi-3-vision and Phi-3.5-vision."
        )
    try:
        config: Phi3VisionConfig = Phi3VisionConfig.from_dict(values)
        config.validate()
        _refuse_unknown_forms(values)
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, StrictDataclassError) as error:
        # The libraries' own words may be as short as the name of a key.
        raise CheckpointError(f"{folder / CONFIG}: {type(error).__name__}: {error}") from error
    return config


def _refuse_unknown_forms(values: Mapping[str, Any]) -> None:
    if values.get("tie_word_embeddings"):
        raise ValueError("tie_word_embeddings is true; Phi-3-Vision has a head of its own")
    if values.get("transformers_weights"):
        raise ValueError(
            "transformers_weights names other files; weights are read under their published names"
        )


def read_headers(folder: Path) -> dict[str, TensorInfo]:
    """Read the names, shapes and types of a checkpoint's tensors, not the tensors.

    Raises:
        CheckpointError: If weights are missing, pickled, damaged, or differ from their index.
    """
    tensors: dict[str, TensorInfo] = {}
    for file in _weight_files(folder):
        with _opened(folder / file) as shard:
            for name in shard.keys():  # noqa: SIM118  # not a dict
                if name in tensors:
                    raise CheckpointError(
                        f"{folder}: tensor {name} is in {tensors[name].file} and in {file}."
                    )
                part = shard.get_slice(name)
                tensors[name] = TensorInfo(tuple(part.get_shape()), part.get_dtype(), file)
    _check_index(folder, tensors)
    return tensors


def check_tensors(folder: Path, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Hold a checkpoint's tensors to those that the model has.

    Raises:
        CheckpointError: Naming every tensor that is missing, unexpected or of another shape.
    """
    found = read_headers(folder)
    extra = {
        name for name in found.keys() - shapes.keys() if not any(re.search(form, name) for form in REDUNDANT)
    }
    problems = [
        *_listed(
            "no floating-point numbers",
            [name for name in shapes if name in found and found[name].dtype[0] in "IU"],
        ),
        *_listed("missing", sorted(shapes.keys() - found.keys())),
        *_listed("unexpected", sorted(extra)),
        *_listed(
            "of another shape",
            [
                f"{name} is {found[name].shape}, config.json gives {tuple(shape)}"
                for name, shape in shapes.items()
                if name in found and found[name].shape != shape
            ],
        ),
    ]
    if problems:
        raise CheckpointError(f"{folder}: the tensors are not those of config.json.\n" + "\n".join(problems))
    _check_tied_copy(folder, found)


def remove_stale_weights(folder: Path) -> None:
    """Leave the weights that were written last where a folder was written to twice, in one file and in shards."""
    index, whole = folder / INDEX, folder / WEIGHTS
    if index.is_file() and whole.is_file():
        older = min(index, whole, key=lambda path: path.stat().st_mtime_ns)
        stale = (
            [older]
            if older == whole
            else [index, *(folder / file for file in set(_weight_map(folder).values()))]
        )
        for path in stale:
            path.unlink(missing_ok=True)


def _listed(what: str, names: list[str]) -> Iterator[str]:
    if names:
        more = f" ... and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        yield f"  {what} ({len(names)}): " + ", ".join(names[:_SHOWN]) + more


def _check_tied_copy(folder: Path, found: Mapping[str, TensorInfo]) -> None:
    """Some fine-tunes carry the word embeddings twice; it must not matter which of the two is read."""
    if _TIED_COPY not in found:
        return
    copies = [_tensor(folder / found[name].file, name) for name in (_TIED, _TIED_COPY)]
    dtype = torch.promote_types(*(copy.dtype for copy in copies))
    if copies[0].shape != copies[1].shape or not torch.equal(*(copy.to(dtype) for copy in copies)):
        raise CheckpointError(
            f"{folder}: {_TIED_COPY} differs from {_TIED}. The model has one table of word embeddings; "
            "remove the copy that is not meant."
        )


def _tensor(path: Path, name: str) -> torch.Tensor:
    with _opened(path) as shard:
        tensor: torch.Tensor = shard.get_tensor(name)
        return tensor


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with safe_open(path, framework="pt") as shard:
            yield shard
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path}: cannot be read as safetensors: {error}. Copy or download it again."
        ) from error


def _weight_files(folder: Path) -> list[str]:
    if (folder / ADAPTER).is_file():
        raise CheckpointError(
            f"{folder}: holds an adapter ({ADAPTER}). Load the model from its own folder and the adapter onto it, with peft."
        )
    if (folder / INDEX).is_file() and (folder / WEIGHTS).is_file():
        raise CheckpointError(
            f"{folder}: holds {WEIGHTS} and {INDEX} with its shards. Remove the one that is not meant."
        )
    if (folder / INDEX).is_file():
        files = sorted(set(_weight_map(folder).values()))
        outside = [file for file in files if Path(file).name != file or file in ("", "..") or len(file) > 255]
        if outside:
            raise CheckpointError(
                f"{folder / INDEX}: names {outside[0]!r}; allowed are files of the folder itself."
            )
        missing = [file for file in files if not (folder / file).is_file()]
        if missing:
            raise CheckpointError(
                f"{folder}: {', '.join(missing)} of the index is missing. Copy or download it again."
            )
        return files
    if (folder / WEIGHTS).is_file():
        return [WEIGHTS]
    pickled = [path.name for form in _PICKLED for path in sorted(folder.glob(form))]
    if pickled:
        raise CheckpointError(
            f"{folder}: holds pickled weights only ({', '.join(pickled[:_SHOWN])}). Reading a pickle can run any code, "
            "so only safetensors is read. Convert the file with safetensors' own converter, where you trust it."
        )
    raise CheckpointError(f"{folder}: no weights; looked for {WEIGHTS} and {INDEX}.")


def _weight_map(folder: Path) -> dict[str, str]:
    index = read_json(folder / INDEX)
    found = index.get("weight_map")
    if not isinstance(found, dict) or not found or not all(isinstance(file, str) for file in found.values()):
        raise CheckpointError(f"{folder / INDEX}: has no weight_map of tensor names to file names.")
    if not isinstance(index.get("metadata"), dict):
        raise CheckpointError(
            f'{folder / INDEX}: has no "metadata", which transformers reads. Add an empty one: {{}}.'
        )
    return found


def _check_index(folder: Path, tensors: Mapping[str, TensorInfo]) -> None:
    if not (folder / INDEX).is_file():
        return
    planned = _weight_map(folder)
    wrong: Iterable[str] = sorted(
        name
        for name in planned.keys() | tensors.keys()
        if planned.get(name) != (tensors[name].file if name in tensors else None)
    )
    problems = list(_listed("in the index or in a shard alone, or in another shard", list(wrong)))
    if problems:
        raise CheckpointError(f"{folder}: {INDEX} and its shards differ.\n" + "\n".join(problems))
