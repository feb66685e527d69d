"""A bar and the latest losses on a terminal; where output is piped nothing but what is amiss with the steps."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from transformers.trainer_callback import TrainerCallback


class TrainingProgress(TrainerCallback):
    """Shows how far a run is.

    Args:
        warmup_steps: Of the run; as many as it has steps, or more, are told.
    """

    def __init__(self, *, warmup_steps: int = 0) -> None:
        self._warmup_steps = warmup_steps
        self._bar: Progress | None = None
        self._task: Any = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Show the bar."""
        console = Console(stderr=True)
        if self._warmup_steps >= state.max_steps:
            console.print(
                f"finetune: optim.warmup_steps is {self._warmup_steps} and the run has {state.max_steps} steps, so "
                "the learning rate rises until the end. Set fewer warm-up steps.",
                soft_wrap=True,
                highlight=False,
            )
        if not console.is_terminal:
            return
        self._bar = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[said]}"),
            console=console,
        )
        self._task = self._bar.add_task("", total=state.max_steps, completed=state.global_step, said="")
        self._bar.start()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.update(self._task, completed=state.global_step)

    def on_log(
        self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> None:
        """Show the latest loss."""
        shown = [f"{name} {logs[name]:.4f}" for name in ("loss", "eval_loss") if logs and name in logs]
        if self._bar is not None and shown:
            self._bar.update(self._task, said=", ".join(shown))

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.stop()
