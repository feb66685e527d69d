"""The application itself, and what its commands share: options, the progress bar, how it ends."""

import itertools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from samplegen import __version__
from samplegen.errors import SamplegenError

BAD_INPUT, INTERRUPTED = 2, 130

app = typer.Typer(
    name="samplegen",
    help="Sample data for products: pictures and matching price-list rows, ready for Hugging Face datasets.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def whole(text: str) -> int:
    """Read a whole number; the error shows what was found."""
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a whole number.") from None


RowsOption = Annotated[
    int, typer.Option("--rows", "-n", parser=whole, metavar="<int>", help="How many rows, above 0.")
]
SeedOption = Annotated[int, typer.Option(parser=whole, metavar="<int>", help="Same seed, same bytes.")]
TemplateOption = Annotated[str, typer.Option(help="Name of a template pack, or the path of your own.")]
DatasetArgument = Annotated[Path, typer.Argument(metavar="DATASET", help="Folder of a dataset, or one file.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"samplegen {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@contextmanager
def show_progress(rows: int) -> Iterator[Any]:
    """Show a bar with rows/s and the time left on a terminal; show nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda count: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("left"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("rows", total=rows, rate="")

        def advance(count: int) -> None:
            progress.advance(task, count)
            speed = progress.tasks[0].speed
            progress.update(task, rate=f"{speed:,.0f} rows/s" if speed else "")

        yield advance


@contextmanager
def show_stages(count: int) -> Iterator[Any]:
    """Show on a terminal which of so many stages is at work; show nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda name: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("starting", total=count)
        finished = itertools.count()

        def begin(name: str) -> None:
            progress.update(task, description=name, completed=next(finished))

        yield begin


def main() -> None:
    """Run the command line; an error that a user can cause becomes one message and exit code 2."""
    try:
        app(standalone_mode=True)
    except SamplegenError as error:
        typer.echo(f"samplegen: {error}", err=True)
        sys.exit(BAD_INPUT)
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  # the reader of a pipe went away; say nothing
        sys.exit(1)
