"""Metrics as they come: lines of JSON always, TensorBoard or Weights & Biases beside them."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers.trainer_callback import TrainerCallback

from finetune.config import RunConfig
from finetune.config.reading import plain
from finetune.files import replace_file

METRICS = "metrics.jsonl"
_UNTOLD = (
    "epoch",
    "total_flos",
    "train_runtime",
    "train_samples_per_second",
    "train_steps_per_second",
    "train_loss",
)


class JsonLines(TrainerCallback):
    """Writes each line of metrics at once; after a resumption lines of later steps are written anew.

    Args:
        path: The file.
        step: After which the run goes on.
    """

    def __init__(self, path: Path, *, step: int = 0) -> None:
        self._path = path
        if path.is_file():
            kept = [
                line for line in path.read_text(encoding="utf-8").splitlines() if _step(line, step) <= step
            ]
            replace_file(path, "".join(line + "\n" for line in kept if line))

    def on_log(
        self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> None:
        """Write a line."""
        if logs and _told(logs) and state.is_world_process_zero:
            with self._path.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps({"step": state.global_step, **_finite(_told(logs))}) + "\n")


def _told(logs: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what the Trainer counts for itself: epochs of a stream without end, and the speed of the whole run."""
    return {name: value for name, value in logs.items() if name not in _UNTOLD}


def _finite(values: Mapping[str, Any]) -> dict[str, Any]:
    """Write null for what is no number; JSON has none of the others."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in values.items()
    }


def _step(line: str, last: int) -> int:
    """Give a line's step; one that was cut off counts as later."""
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return last + 1


class Board(TrainerCallback):
    """Writes to TensorBoard.

    Args:
        folder: Of the event files.
        step: After which the run goes on.
    """

    def __init__(self, folder: Path, *, step: int = 0) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(folder), purge_step=step + 1 if step else None)

    def on_log(
        self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> None:
        """Write scalars, those of evaluations in a group of their own."""
        for name, value in _told(logs or {}).items() if state.is_world_process_zero else ():
            group, _, rest = ("eval", "", name[5:]) if name.startswith("eval_") else ("train", "", name)
            self._writer.add_scalar(f"{group}/{rest}", value, state.global_step)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Close the files."""
        self._writer.close()

    def table(self, step: int, rows: list[dict[str, Any]], pictures: list[Any]) -> None:
        """Write pictures, each with its truth and answer."""
        import numpy as np

        for number, (row, picture) in enumerate(zip(rows, pictures, strict=True)):
            tag = f"answers/{row['source']}-{number}"
            self._writer.add_image(tag, np.asarray(picture), step, dataformats="HWC")
            self._writer.add_text(tag, f"truth: {row['truth']}\n\nanswer: {row['text']}", step)


class Wandb(TrainerCallback):
    """Writes to Weights & Biases; with ``WANDB_MODE=offline`` into the run's folder alone.

    Args:
        config: The run.
    """

    def __init__(self, config: RunConfig) -> None:
        import wandb

        self._wandb = wandb
        self._run: Any = wandb.init(
            project="finetune",
            name=Path(config.out).name,
            dir=config.out,
            config=plain(config),
            resume="allow",
        )

    def on_log(
        self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> None:
        """Write a line."""
        if logs and state.is_world_process_zero:
            self._run.log(_told(logs), step=state.global_step)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Close the run."""
        self._run.finish()

    def table(self, step: int, rows: list[dict[str, Any]], pictures: list[Any]) -> None:
        """Write a table of pictures, truths and answers."""
        columns: list[str | int] = ["picture", *(rows[0] if rows else ())]
        table = self._wandb.Table(columns=columns)
        for row, picture in zip(rows, pictures, strict=True):
            table.add_data(self._wandb.Image(picture), *(str(value) for value in row.values()))
        self._run.log({"answers": table}, step=step)


def trackers(config: RunConfig, *, step: int) -> list[Any]:
    """Make what the run writes its metrics to."""
    out = Path(config.out)
    made: list[Any] = [JsonLines(out / METRICS, step=step)]
    if config.track == "tensorboard":
        made.append(Board(out / "tensorboard", step=step))
    elif config.track == "wandb":
        made.append(Wandb(config))
    return made
