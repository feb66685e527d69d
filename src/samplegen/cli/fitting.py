"""The command that learns a template pack from a real table."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samplegen.cli.app import app, whole

if TYPE_CHECKING:
    from samplegen.realdata.fitting import FitReport


@app.command()
def fit(
    real: Annotated[
        Path, typer.Argument(metavar="REAL", help="Table: CSV, Parquet or JSON lines, or a dataset's folder.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the new pack, such as templates/mine.")],
    min_count: Annotated[
        int,
        typer.Option(parser=whole, metavar="<int>", help="No value that fewer rows hold is written."),
    ] = 5,
    epsilon: Annotated[
        float | None,
        typer.Option(help="Budget of differential privacy for all counts and prices; default: none."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            parser=whole,
            metavar="<int>",
            help="Same seed, same pack; default 0, with --epsilon one that nobody knows.",
        ),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(help="Pack to take words, drawings and constant columns from, by name or path."),
    ] = None,
    shapes: Annotated[
        Path | None, typer.Option(help="File that names drawings for words; fit writes one to complete.")
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="en, fr, it, de or es; default: found out from the titles.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the pack in the folder.")] = False,
) -> None:
    """Learn a template pack from the table REAL."""
    from samplegen.realdata.fitting import FitOptions, fit_template

    options = FitOptions(
        min_count=min_count,
        epsilon=epsilon,
        seed=seed,
        base=base,
        shapes=shapes,
        language=language,
        overwrite=overwrite,
    )
    _describe(fit_template(real, out, options))
    typer.echo(out)


def _describe(report: "FitReport") -> None:
    """Say on stderr what was learned, what was left out and what the user may want to add."""
    lines = [
        f"{report.rows} rows in {report.language}: {report.places} category triples, {report.lines} product lines"
    ]
    lines += [f"{count} rows left out: {reason}" for reason, count in report.left_out.items()]
    if report.assumed:
        lines.append(f"not in the table, so assumed in template.yaml: {', '.join(report.assumed)}")
    if report.unmapped_rows:
        lines.append(
            f"{report.unmapped_rows} rows have no drawing and show a closed box; complete "
            f"{report.folder / 'shapes.yaml'} and run again with --shapes"
        )
    for line in lines:
        typer.echo(line, err=True)
