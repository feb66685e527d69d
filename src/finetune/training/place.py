"""The folder of a run: whether it may be written to, and which checkpoint a run goes on from."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from finetune.config import RunConfig
from finetune.config.run import differences
from finetune.errors import CheckpointError
from finetune.loading import choose_device
from finetune.training.checkpoints import checkpoints, read_state
from finetune.training.preparing import resolved_precision

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None  # type: ignore[assignment]

CONFIG, FINAL, BEST, RUNNING = "config.yaml", "final", "best", ".running"
MARK = "# Every setting of a run of finetune; its folder is known by this line."


def check_place(out: Path) -> None:
    """Refuse a folder that holds something else than a run, or that cannot be written to.

    Raises:
        CheckpointError: Saying what is there.
    """
    made: list[Path] = []
    try:
        found = {path.name for path in out.iterdir()} - {RUNNING} if out.is_dir() else set()
        if found and not _is_run(out):
            raise CheckpointError(
                f"{out}: holds other files than a run's, such as {min(found)}. Give a new folder as out."
            )
        made = [folder for folder in (out, *out.parents) if not folder.exists()]
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise CheckpointError(
            f"{out}: no run can be written there: {error.strerror or error}. Give another out."
        ) from error
    finally:
        for folder in made:
            with suppress(OSError):
                folder.rmdir()


@contextmanager
def alone_in(out: Path) -> Iterator[None]:
    """Hold a run's folder against a second run; a process that is killed lets go of it.

    Raises:
        CheckpointError: If another process makes a run there.
    """
    if fcntl is None:
        yield
        return
    path = out / RUNNING
    with path.open("w") as held:
        try:
            fcntl.lockf(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            raise CheckpointError(
                f"{out}: another run is being made there now. Wait until it ends, or give another out."
            ) from None
        except OSError:
            pass  # a file system without locks
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _is_run(out: Path) -> bool:
    if checkpoints(out):
        return True
    config = out / CONFIG
    return config.is_file() and config.read_bytes().startswith(MARK.encode())


def starting_point(config: RunConfig, out: Path, *, resume: bool) -> Path | None:
    """Find the checkpoint to go on from; None to begin.

    Raises:
        CheckpointError: If there is a run already, its checkpoints are gone, or its settings are others.
    """
    found = checkpoints(out)
    if not resume:
        if found or (out / FINAL).exists():
            raise CheckpointError(f"{out}: holds a run already. Resume it, or give another out.")
        return None
    if not found:
        if (out / FINAL).exists():
            raise CheckpointError(
                f"{out}: the run is over, and has no checkpoints to go on from. Give another out to train anew."
            )
        return None
    state = read_state(found[-1])
    _check_precision(found[-1], state, config)
    earlier = {**state["config"], "precision": config.precision} if "precision" in state else state["config"]
    other = differences(earlier, config)
    if other:
        raise CheckpointError(
            f"{found[-1]}: is of another configuration: {'; '.join(other[:5])}. "
            "Give the settings of that run (its config.yaml), or another out."
        )
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if state["processes"] != world:
        raise CheckpointError(
            f"{found[-1]}: was written by {state['processes']} processes, here are {world}; the batches would differ."
        )
    return found[-1]


def _check_precision(checkpoint: Path, state: Mapping[str, Any], config: RunConfig) -> None:
    """Hold what is computed in to what was computed in; earlier checkpoints know their setting alone.

    Raises:
        CheckpointError: If it is another.
    """
    device = choose_device(config.device)
    here = resolved_precision(config, device)
    there = state.get("precision", here)
    if there != here:
        raise CheckpointError(
            f"{checkpoint}: was computed in {there}; precision={config.precision} is {here} on this device "
            f"({device.type}). Set precision={there} to go on, or give another out."
        )
