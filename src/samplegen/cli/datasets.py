"""Commands that make a dataset, and those that look at one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from samplegen.cli.app import (
    INTERRUPTED,
    DatasetArgument,
    RowsOption,
    SeedOption,
    TemplateOption,
    app,
    show_progress,
    whole,
)
from samplegen.errors import SamplegenError

DEFAULT_TEMPLATE = "burberry"


def _default_workers() -> int:
    if hasattr(os, "sched_getaffinity"):  # a container or a batch system may allow fewer cores than there are
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@app.command()
def make(
    rows: RowsOption = 3040,
    out: Annotated[Path | None, typer.Option(help="Folder; default ./samplegen-TEMPLATE-ROWS.")] = None,
    seed: SeedOption = 0,
    template: TemplateOption = DEFAULT_TEMPLATE,
    image_size: Annotated[
        int, typer.Option(parser=whole, metavar="<int>", help="Side of the pictures in px, 64 to 2048.")
    ] = 512,
    format: Annotated[
        str, typer.Option("--format", help="parquet, csv, imagefolder or webdataset.")
    ] = "parquet",
    workers: Annotated[
        int,
        typer.Option(
            parser=whole,
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
    from samplegen.templates import load_template

    recipe = Recipe(
        rows=rows,
        seed=seed,
        template=template,
        image_size=None if no_images else image_size,
        annotations=annotations,
        splits=None if splits is None else parse_splits(splits),
    )
    pack = load_template(template)
    if pack.undrawn_share and not no_images:
        typer.echo(
            f"{pack.undrawn_share:.1%} of the rows have no drawing and show a closed box; "
            f"{pack.root / 'shapes.yaml'} says which words need one",
            err=True,
        )
    folder = out or Path(f"samplegen-{Path(template).name}-{rows}")
    with show_progress(rows) as advance, _stopped_politely():
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
    rows: Annotated[
        int | None,
        typer.Option(
            "--rows",
            "-n",
            parser=whole,
            metavar="<int>",
            help="How many rows, above 0; not with --pick one-per-shape.",
            show_default="48",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="The file: .png or .jpg.")] = Path("contact-sheet.png"),
    seed: SeedOption = 0,
    template: TemplateOption = DEFAULT_TEMPLATE,
    columns: Annotated[int, typer.Option(help="Pictures side by side.", min=1)] = 8,
    pick: Annotated[
        str,
        typer.Option(
            help="first: the first rows; one-per-shape: a row of each shape; what is too rare to be met is named."
        ),
    ] = "first",
) -> None:
    """Draw a contact sheet: pictures with titles and prices."""
    from samplegen.pipeline import Recipe
    from samplegen.pipeline.preview import write_contact_sheet

    if pick not in ("first", "one-per-shape"):
        raise SamplegenError(f"--pick is {pick!r}; allowed are first and one-per-shape.")
    if out.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise SamplegenError(f"--out is {out}; give a file name that ends in .png or .jpg.")
    if pick == "one-per-shape" and rows is not None:
        raise SamplegenError(
            "--pick one-per-shape shows a row of each shape, however many; leave out --rows."
        )
    recipe = Recipe(rows=48 if rows is None else rows, seed=seed, template=template)
    unmet = write_contact_sheet(recipe, out, columns=columns, one_per_shape=pick == "one-per-shape")
    if unmet:
        typer.echo(f"too rare to be met: {', '.join(unmet)}", err=True)
    typer.echo(out)


@app.command()
def validate(
    dataset: DatasetArgument,
    strict: Annotated[
        bool, typer.Option("--strict", help="Hold a collected list to the rules of made ones, too.")
    ] = False,
) -> None:
    """Check a dataset: schema, price rules, unique codes, splits, pictures, digests. Exit code 1 with findings."""
    from samplegen.export.manifest import MANIFEST
    from samplegen.pipeline.checking import check_dataset

    rows, findings = check_dataset(dataset, strict=strict)
    for finding in findings:
        typer.echo(finding)
    if findings:
        typer.echo(f"{dataset}: {rows} rows, {len(findings)} findings", err=True)
        raise typer.Exit(1)
    typer.echo(f"{dataset}: {rows} rows, no findings")
    if dataset.is_dir() and not (dataset / MANIFEST).is_file():
        typer.echo(
            f"There is no {MANIFEST}, so the files were held to no digests and no number of rows.", err=True
        )


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


def parse_splits(text: str) -> dict[str, float]:
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
