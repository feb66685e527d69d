"""Commands that train a model and fold adapters in."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated

import typer

from finetune.cli.app import app

_SHELLS = 128
"""Shells give that, and the number of the signal, as the exit code of what a signal ended."""


@app.command()
def train(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.yaml", help="Settings of the run.")],
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE, such as optim.learning_rate=1e-4; any number."),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(help="NAME=PATH:WEIGHT, in place of the file's sources; once for each source."),
    ] = None,
    track: Annotated[str | None, typer.Option(help="tensorboard, wandb or none.")] = None,
    resume: Annotated[
        bool, typer.Option(help="Go on from the run's last checkpoint, if it has one.")
    ] = False,
) -> None:
    """Train a model on products; one process, or several with torchrun or accelerate launch.

    The run's folder gets config.yaml with every setting, metrics.jsonl, answers/ with a table for each evaluation,
    checkpoints/, best/ (by evaluation.metric) and final/: adapters that peft opens, or a model.
    """
    import os

    from torch import distributed

    from finetune.config import load_run
    from finetune.training.bad_rows import BAD
    from finetune.training.progress import TrainingProgress
    from finetune.training.run import train as train_run

    run = load_run(config, changes=changes or (), sources=data or (), track=track)
    first = os.environ.get("RANK", "0") == "0"
    # A launcher ends its processes itself, some while they wait for others.
    alone = "RANK" not in os.environ
    shown = (TrainingProgress(warmup_steps=run.optim.warmup_steps),) if first else ()
    try:
        with _sigterm_interrupts() if alone else nullcontext():
            outcome = train_run(run, resume=resume, callbacks=shown)
    except KeyboardInterrupt as interrupt:
        if first:
            typer.echo(f"finetune: stopped; {_where_it_was(Path(run.out))}", err=True)
        raise typer.Exit(_SHELLS + (interrupt.args or (signal.SIGINT,))[0]) from None
    if first:
        typer.echo(f"{outcome.steps} steps; last weights: {outcome.final}")
        if outcome.best is not None:
            name = run.evaluation.metric
            typer.echo(
                f"best {name}, {outcome.best_value:.4f}, after step {outcome.best_step}: {outcome.best}"
            )
        if outcome.bad:
            source, row, reason = outcome.bad[0]
            rows = "1 row" if len(outcome.bad) == 1 else f"{len(outcome.bad)} rows"
            typer.echo(
                f"{rows} unusable, all in {Path(run.out) / BAD}; the first: {source}, {row}: {reason}",
                err=True,
            )
    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()  # or a process that ends before the others may crash


@contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    """Let SIGTERM, of whoever manages jobs, end a run as Ctrl-C does."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt(number)

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _where_it_was(out: Path) -> str:
    from finetune.training.checkpoints import checkpoints

    found = checkpoints(out)
    if not found:
        return "there is no checkpoint yet, so the same command begins anew."
    return f"the last checkpoint is {found[-1]}; the same command with --resume goes on from there."


@app.command()
def merge(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Folder of a model, or its name on the Hub.")],
    adapter: Annotated[Path, typer.Option(help="Folder of adapters that were trained on it.")],
    out: Annotated[Path, typer.Option(help="A new folder.")],
    tolerance: Annotated[
        float, typer.Option(help="By how much probabilities of next tokens may differ.", min=0)
    ] = 0.02,
) -> None:
    """Fold adapters into a model, check that its outputs are preserved, and write it in the published layout."""
    from finetune.training.merging import merge_adapter

    merged = merge_adapter(model, adapter, out, tolerance=tolerance)
    typer.echo(f"{out}: {merged.modules} modules; probabilities differ by at most {merged.difference:.2e}")
