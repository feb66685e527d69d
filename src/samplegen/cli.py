"""The command line: parse, call, print. Heavy modules are imported inside the commands, so help is quick."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samplegen import __version__
from samplegen.errors import SamplegenError

if TYPE_CHECKING:
    from samplegen.pipeline import Recipe

BAD_INPUT, INTERRUPTED = 2, 130
DEFAULT_TEMPLATE = "burberry"

app = typer.Typer(
    name="samplegen",
    help="Sample data for products: pictures and matching price-list rows, ready for Hugging Face datasets.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
templates_app = typer.Typer(no_args_is_help=True, help="List, show or copy template packs.")
app.add_typer(templates_app, name="templates")


def _whole(text: str) -> int:
    """Read a whole number; the error shows what was found."""
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a whole number.") from None


RowsOption = Annotated[
    int, typer.Option("--rows", "-n", parser=_whole, metavar="<int>", help="How many rows, above 0.")
]
SeedOption = Annotated[int, typer.Option(parser=_whole, metavar="<int>", help="Same seed, same bytes.")]
TemplateOption = Annotated[str, typer.Option(help="Name of a template pack, or the path of your own.")]
DatasetArgument = Annotated[Path, typer.Argument(metavar="DATASET", help="Folder of a dataset, or one file.")]


def _default_workers() -> int:
    return os.cpu_count() or 1


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


@app.command()
def make(
    rows: RowsOption = 3040,
    out: Annotated[Path | None, typer.Option(help="Folder; default ./samplegen-TEMPLATE-ROWS.")] = None,
    seed: SeedOption = 0,
    template: TemplateOption = DEFAULT_TEMPLATE,
    image_size: Annotated[
        int, typer.Option(parser=_whole, metavar="<int>", help="Side of the pictures in px, 64 to 2048.")
    ] = 512,
    format: Annotated[
        str, typer.Option("--format", help="parquet, csv, imagefolder or webdataset.")
    ] = "parquet",
    workers: Annotated[
        int,
        typer.Option(
            parser=_whole,
            metavar="<int>",
            help="Processes; the bytes do not depend on it.",
            show_default="one per core",
        ),
    ] = _default_workers(),
    splits: Annotated[
        str | None,
        typer.Option(help="Shares such as train=0.9,validation=0.1; default: the template's own."),
    ] = None,
    no_images: Annotated[bool, typer.Option("--no-images", help="The price list alone.")] = False,
    annotations: Annotated[
        bool, typer.Option("--annotations", help="Add attributes, part mask, box and caption.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Complete a run that was stopped.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a dataset that samplegen made.")
    ] = False,
) -> None:
    """Write a dataset of ROWS products with pictures and prices."""
    from samplegen.pipeline import Recipe, write_dataset

    recipe = Recipe(
        rows=rows,
        seed=seed,
        template=template,
        image_size=None if no_images else image_size,
        annotations=annotations,
        splits=None if splits is None else _parse_splits(splits),
    )
    folder = out or Path(f"samplegen-{Path(template).name}-{rows}")
    with _progress(rows) as advance, _stopped_politely():
        write_dataset(
            recipe,
            folder,
            format=format,
            workers=workers,
            resume=resume,
            overwrite=overwrite,
            on_rows=advance,
        )
    typer.echo(folder)


@app.command()
def preview(
    rows: RowsOption = 48,
    out: Annotated[Path, typer.Option(help="The file: .png or .jpg.")] = Path("contact-sheet.png"),
    seed: SeedOption = 0,
    template: TemplateOption = DEFAULT_TEMPLATE,
    columns: Annotated[int, typer.Option(help="Pictures side by side.", min=1)] = 8,
    pick: Annotated[
        str, typer.Option(help="first: the first rows; one-per-shape: a row of each shape.")
    ] = "first",
) -> None:
    """Draw a contact sheet: pictures with titles and prices."""
    from samplegen.pipeline.preview import write_contact_sheet

    if pick not in ("first", "one-per-shape"):
        raise SamplegenError(f"--pick is {pick!r}; allowed are first and one-per-shape.")
    if out.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise SamplegenError(f"--out is {out}; give a file name that ends in .png or .jpg.")
    recipe = _recipe(rows, seed, template)
    write_contact_sheet(recipe, out, columns=columns, one_per_shape=pick == "one-per-shape")
    typer.echo(out)


def _recipe(rows: int, seed: int, template: str) -> "Recipe":
    from samplegen.pipeline import Recipe

    return Recipe(rows=rows, seed=seed, template=template)


@app.command()
def validate(dataset: DatasetArgument) -> None:
    """Check a dataset: schema, price rules, unique codes, splits, pictures, digests. Exit code 1 with findings."""
    from samplegen.pipeline.checking import check_dataset

    rows, findings = check_dataset(dataset)
    for finding in findings:
        typer.echo(finding)
    if findings:
        typer.echo(f"{dataset}: {rows} rows, {len(findings)} findings", err=True)
        raise typer.Exit(1)
    typer.echo(f"{dataset}: {rows} rows, no findings")


@app.command()
def card(dataset: DatasetArgument) -> None:
    """Write the dataset card and croissant.json of a dataset again."""
    from samplegen.pipeline.checking import describe_dataset

    for path in describe_dataset(dataset):
        typer.echo(path)


@app.command()
def push(
    dataset: DatasetArgument,
    repository: Annotated[
        str, typer.Argument(metavar="REPOSITORY", help="On the Hub, such as name/dataset.")
    ],
    private: Annotated[bool, typer.Option("--private", help="Not for everyone.")] = False,
) -> None:
    """Upload a finished dataset to the Hugging Face Hub."""
    from samplegen.export.hub import push_folder

    typer.echo(push_folder(dataset, repository, private=private))


@templates_app.command("list")
def list_templates() -> None:
    """List the installed template packs."""
    from samplegen.templates import find_templates, load_template

    for name in find_templates():
        typer.echo(f"{name}\t{load_template(name).settings.title}")


@templates_app.command("show")
def show_template(name: Annotated[str, typer.Argument(help="Name or path of a pack.")]) -> None:
    """Show what a template pack holds; all its errors, if it has any."""
    from samplegen.templates import load_template

    template = load_template(name, check_shapes=True)
    typer.echo(f"{template.name}: {template.settings.title}")
    typer.echo(template.settings.description)
    typer.echo(f"folder: {template.root}")
    typer.echo(f"digest: {template.digest}")
    typer.echo(f"product lines: {len(template.catalog.lines)}")
    typer.echo(f"shapes: {', '.join(template.shape_names)}")


@templates_app.command("copy")
def copy_template(
    name: Annotated[str, typer.Argument(help="Name or path of a pack.")],
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
) -> None:
    """Copy a template pack, as a start for one of your own."""
    from samplegen.pipeline.packs import copy_pack

    typer.echo(copy_pack(name, folder))


def _parse_splits(text: str) -> dict[str, float]:
    """Read ``train=0.9,validation=0.1``."""
    splits: dict[str, float] = {}
    for entry in text.split(","):
        name, _, share = entry.partition("=")
        name = name.strip()
        try:
            number = float(share)
        except ValueError:
            raise SamplegenError(f"--splits: {entry!r} is not NAME=SHARE, such as train=0.9.") from None
        if name in splits:
            raise SamplegenError(f"--splits: {name!r} stands twice.")
        splits[name] = number
    return splits


@contextmanager
def _stopped_politely() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        typer.echo("samplegen: stopped; the same command with --resume completes the dataset.", err=True)
        raise typer.Exit(INTERRUPTED) from None


@contextmanager
def _progress(rows: int) -> Iterator[Any]:
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
