"""The folder of a run: whether it may be written to, and which checkpoint a run goes on from."""

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from finetune.config import RunConfig
from finetune.config.run import differences
from finetune.errors import CheckpointError, FinetuneWarning
from finetune.loading import choose_device
from finetune.training.checkpoints import checkpoints, read_state
from finetune.training.preparing import resolved_precision

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None  # type: ignore[assignment]

CONFIG, FINAL, BEST, RUNNING = "config.yaml", "final", "best", ".running"
MARK = "# Every setting of a run of finetune; its folder is known by this line."


_held: set[IO[bytes]] = set()
"""Lock files of this process's runs."""


def _close_copies() -> None:
    for lock in _held:
        lock.close()


if fcntl is not None:
    # The processes that make batches are forked, and a lock lasts until its last copy is closed.
    os.register_at_fork(after_in_child=_close_copies)


def check_place(out: Path) -> None:
    """Refuse a folder that holds something else than a run.

    Raises:
        CheckpointError: Saying what is there.
    """
    with _clear_errors(out):
        found = {path.name for path in out.iterdir()} - {RUNNING} if out.is_dir() else set()
        if found and not _is_run(out):
            raise CheckpointError(
                f"{out}: holds other files than a run's, such as {min(found)}. Give a new folder as out."
            )


@contextmanager
def alone_in(out: Path) -> Iterator[None]:
    """Make a run's folder and hold it against a second run; a process that is killed lets go of it.

    A new folder that nothing came into is gone afterwards. Where files cannot be locked, a `FinetuneWarning` says so.

    Raises:
        CheckpointError: If it cannot be written to, or another run is being made there.
    """
    made: list[Path] = []
    try:
        with _clear_errors(out):
            made = [folder for folder in (out, *out.parents) if not folder.exists()]
            lock = _lock(out)
        _held.add(lock)
        try:
            yield
        finally:
            # While it is locked: the next moment it may be another run's.
            (out / RUNNING).unlink(missing_ok=True)
            _held.discard(lock)
            lock.close()
    finally:
        for folder in made:
            with suppress(OSError):
                folder.rmdir()


@contextmanager
def _clear_errors(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CheckpointError(
            f"{out}: no run can be written there: {error.strerror or error}. Give another out."
        ) from error


def _lock(out: Path) -> IO[bytes]:
    """Open and lock the folder's lock file; it is closed already where files cannot be locked."""
    path = out / RUNNING
    while True:
        out.mkdir(parents=True, exist_ok=True)
        lock = path.open("ab")
        if fcntl is None:
            break
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(lock.fileno()), path.stat()):
                return lock
        except (BlockingIOError, PermissionError):
            lock.close()
            raise CheckpointError(
                f"{out}: another run is being made there now. Wait until it ends, or give another out."
            ) from None
        except FileNotFoundError:
            pass
        except OSError:
            break
        # A run that ended between opening and locking took the file away: what is locked holds nothing.
        lock.close()
    lock.close()
    warnings.warn(
        f"{out}: files cannot be locked there, so a second run in this folder would not be noticed.",
        FinetuneWarning,
        stacklevel=2,
    )
    return lock


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
