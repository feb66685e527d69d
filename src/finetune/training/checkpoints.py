"""Checkpoints of a run: safetensors and JSON alone, and each is there as a whole or not at all.

A checkpoint is written beside its place and then renamed, so a run that is killed while it writes still has the one
before. Nothing in it is a pickle: reading one can run no code.
"""

import json
import random
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from finetune.errors import CheckpointError
from finetune.model_folder import read_json
from finetune.training.sharding import divided_as

FOLDER, WEIGHTS, OPTIMIZER, GENERATORS, STATE, TRAINER_STATE = (
    "checkpoints",
    "weights.safetensors",
    "optimizer.safetensors",
    "generators.safetensors",
    "state.json",
    "trainer_state.json",
)
_NAME = re.compile(r"step-(\d+)")
_UNFINISHED = re.compile(r"\.(best|final|step-\d{8})-[a-z0-9_]{8}")
"""As `write_folder` names them; a user's own hidden folders are no concern of a run."""
_OLD = "old"
"""Where `write_folder` puts the earlier folder for as long as the new one takes its place."""
_KINDS: dict[str, type] = {
    "step": int, "config": dict, "processes": int, "optimizer": dict, "scheduler": dict, "best": dict, "bad": list,
}  # fmt: skip


def write_folder(place: Path, write: Any) -> None:
    """Let `write` fill a new folder that then takes its place whole, instead of an earlier one of that name."""
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    try:
        write(unfinished)
        unfinished.chmod(0o755)
        if place.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
            place.rename(old / _OLD)
            unfinished.rename(place)
            shutil.rmtree(old)
        else:
            unfinished.rename(place)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def remove_unfinished(folder: Path) -> None:
    """Remove what a killed run was about to write; what it had taken away before that is put back."""
    for path in [*folder.iterdir()] if folder.is_dir() else ():
        found = _UNFINISHED.fullmatch(path.name)
        if not found or not path.is_dir():
            continue
        place, old = folder / found[1], path / _OLD
        if old.is_dir() and not place.exists():  # killed between the two renames of `write_folder`
            old.rename(place)
        shutil.rmtree(path, ignore_errors=True)


def checkpoint_path(run: Path, step: int) -> Path:
    """Give the folder of the checkpoint after `step` optimizer steps."""
    return run / FOLDER / f"step-{step:08d}"


def checkpoints(run: Path) -> list[Path]:
    """Give a run's checkpoints, the earliest first."""
    folder = run / FOLDER
    found = [path for path in folder.iterdir() if _NAME.fullmatch(path.name)] if folder.is_dir() else []
    return sorted(found)


def write_checkpoint(
    run: Path,
    state: Mapping[str, Any],
    tensors: Mapping[str, Mapping[str, Tensor]],
    *,
    trainer: Callable[[str], None],
) -> None:
    """Write a checkpoint, whole or not at all.

    Args:
        run: Folder of the run.
        state: As `read_state` gives it back.
        tensors: Of each file, by its name.
        trainer: Writes the Trainer's own state to the path that it is given.
    """

    def write(folder: Path) -> None:
        for name, values in tensors.items():
            save_weights(values, folder / name)
        (folder / STATE).write_text(json.dumps(state), encoding="utf-8")
        trainer(str(folder / TRAINER_STATE))

    write_folder(checkpoint_path(run, state["step"]), write)


def remove_old(run: Path, keep: int) -> None:
    """Keep the last `keep` checkpoints."""
    for path in checkpoints(run)[:-keep]:
        shutil.rmtree(path, ignore_errors=True)


def save_weights(weights: Mapping[str, Tensor], path: Path) -> None:
    """Write tensors; copies of what shares memory."""
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}, path)


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Read tensors.

    Raises:
        CheckpointError: If the file is missing or damaged.
    """
    try:
        tensors: dict[str, Tensor] = load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path}: cannot be read: {error}. Remove this checkpoint; the run then goes on from the one before."
        ) from error
    return tensors


def trained_weights(model: nn.Module) -> dict[str, Tensor]:
    """Give what learns, by name."""
    return {name: weight for name, weight in model.named_parameters() if weight.requires_grad}


def restore_weights(model: nn.Module, path: Path) -> None:
    """Put a checkpoint's weights into a model.

    Raises:
        CheckpointError: If names or shapes are not those of what learns.
    """
    saved, wanted = load_tensors(path), trained_weights(model)
    wrong = sorted(
        name
        for name in saved.keys() | wanted.keys()
        if name not in saved or name not in wanted or saved[name].shape != wanted[name].shape
    )
    if wrong:
        raise CheckpointError(
            f"{path}: holds other weights than those that learn here, such as {', '.join(wrong[:3])}. "
            "It is a checkpoint of another configuration or model."
        )
    with torch.no_grad():
        for name, weight in wanted.items():
            weight.copy_(divided_as(saved[name], weight))


def split_optimizer(state: Mapping[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Divide an optimizer's state into tensors, and what JSON holds."""
    tensors, values = {}, {}
    for number, entry in state["state"].items():
        for name, value in entry.items():
            if isinstance(value, Tensor):
                tensors[f"{number}.{name}"] = value
            else:
                values[f"{number}.{name}"] = value
    return tensors, {"groups": state["param_groups"], "values": values}


def join_optimizer(
    tensors: Mapping[str, Tensor], rest: Mapping[str, Any], weights: Sequence[Tensor]
) -> dict[str, Any]:
    """Undo `split_optimizer`; what belongs to a weight that is divided among processes is divided as that is."""
    state: dict[int, dict[str, Any]] = {}
    items: Iterable[tuple[str, Any]] = [*tensors.items(), *rest["values"].items()]
    for key, value in items:
        number, _, name = key.partition(".")
        part = divided_as(value, weights[int(number)]) if isinstance(value, Tensor) else value
        state.setdefault(int(number), {})[name] = part
    return {"state": state, "param_groups": rest["groups"]}


def generator_states() -> dict[str, Tensor]:
    """Give the states of all generators of this process."""
    version, numbers, rest = random.getstate()
    _, keys, place, has_gauss, gauss = np.random.get_state(legacy=True)
    states = {
        "torch": torch.get_rng_state(),
        "python": torch.tensor([version, *numbers], dtype=torch.int64),
        "python_gauss": torch.tensor([float("nan") if rest is None else rest], dtype=torch.float64),
        "numpy": torch.tensor([*np.asarray(keys).tolist(), place, has_gauss], dtype=torch.int64),
        "numpy_gauss": torch.tensor([gauss], dtype=torch.float64),
    }
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    return states


def restore_generators(states: Mapping[str, Tensor]) -> None:
    """Undo `generator_states`."""
    version, *numbers = states["python"].tolist()
    gauss = float(states["python_gauss"])
    random.setstate((version, tuple(numbers), None if gauss != gauss else gauss))  # noqa: PLR0124  # NaN
    *keys, place, has_gauss = states["numpy"].tolist()
    np.random.set_state(
        ("MT19937", np.array(keys, np.uint32), place, has_gauss, float(states["numpy_gauss"]))
    )
    torch.set_rng_state(states["torch"])
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(states["cuda"])


def read_state(checkpoint: Path) -> dict[str, Any]:
    """Read what a checkpoint holds besides tensors.

    Raises:
        CheckpointError: If the file is missing or damaged.
    """
    state = read_json(checkpoint / STATE)
    wrong = [name for name, kind in _KINDS.items() if not isinstance(state.get(name), kind)]
    if wrong:
        raise CheckpointError(
            f"{checkpoint / STATE}: has no usable {', '.join(wrong)}. Remove this checkpoint; the run then goes on "
            "from the one before."
        )
    return state
