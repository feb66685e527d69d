"""The command that measures how close synthetic data come to real data."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from samplegen.cli.app import SeedOption, app, show_stages, whole
from samplegen.errors import FidelityError
from samplegen.fidelity.settings import MAX_PICTURES, MAX_ROWS

if TYPE_CHECKING:
    from samplegen.fidelity import Comparison


@app.command()
def compare(
    real: Annotated[
        Path,
        typer.Argument(
            metavar="REAL", help="Real data: a dataset's folder, one file, or a folder of pictures alone."
        ),
    ],
    synthetic: Annotated[Path, typer.Argument(metavar="SYNTHETIC", help="The data to judge, likewise.")],
    holdout: Annotated[
        Path | None,
        typer.Option(help="Real rows that the synthetic ones were not learned from: they give the floor."),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="The page; the numbers go beside it, with .json in place of .html.")
    ] = Path("report.html"),
    fail_under: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-under",
            metavar="NAME=VALUE",
            help="Exit code 1 if a score is worse than VALUE (higher, where low is good); may be repeated.",
        ),
    ] = None,
    seed: SeedOption = 0,
    max_rows: Annotated[
        int,
        typer.Option(parser=whole, metavar="<int>", help="Larger tables are sub-sampled, above 0."),
    ] = MAX_ROWS,
    max_pictures: Annotated[
        int, typer.Option(parser=whole, metavar="<int>", help="How many pictures of each side, 0 for none.")
    ] = MAX_PICTURES,
    no_images: Annotated[bool, typer.Option("--no-images", help="Compare the price lists alone.")] = False,
    no_samples: Annotated[
        bool,
        typer.Option("--no-samples", help="Show no titles and pictures, so that the page can be shared."),
    ] = False,
) -> None:
    """Measure how close SYNTHETIC comes to REAL: a page, and every number as JSON. Exit code 1 with --fail-under."""
    from samplegen.fidelity.measures import check_thresholds
    from samplegen.fidelity.target import check_target

    thresholds = _thresholds(fail_under or [])
    check_thresholds(thresholds)
    check_target(out)
    from samplegen.fidelity import compare as measure  # seconds of imports
    from samplegen.fidelity.comparison import HOLDOUT_STAGES, STAGES

    with show_stages(STAGES + 1 + (HOLDOUT_STAGES if holdout else 0)) as stage:
        comparison = measure(
            real,
            synthetic,
            holdout,
            seed=seed,
            max_rows=max_rows,
            max_pictures=0 if no_images else max_pictures,
            on_stage=stage,
        )
        stage("writing")
        page, numbers = comparison.write(out, samples=not no_samples)
    _print_summary(comparison)
    typer.echo(page)
    typer.echo(numbers)
    if failures := comparison.failures(thresholds):
        for failure in failures:
            typer.echo(f"worse than --fail-under: {failure}", err=True)
        raise typer.Exit(1)


def _thresholds(entries: list[str]) -> dict[str, float]:
    """Read ``column_shapes=0.9``."""
    thresholds: dict[str, float] = {}
    for entry in entries:
        name, _, text = entry.partition("=")
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not math.isfinite(value):
            raise FidelityError(f"--fail-under: {entry!r} is not NAME=VALUE, such as column_shapes=0.9.")
        if name.strip() in thresholds:
            raise FidelityError(f"--fail-under: {name.strip()!r} stands twice.")
        thresholds[name.strip()] = value
    return thresholds


def _print_summary(comparison: "Comparison") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("measure", "score", "floor", "best"):
        table.add_column(heading, justify="left" if heading == "measure" else "right")
    for name, score in comparison.scores.items():
        if score.synthetic.value is None:
            continue
        floor = score.floor.value if score.floor else None
        table.add_row(
            name,
            f"{score.synthetic.value:.3f}",
            "" if floor is None else f"{floor:.3f}",
            f"{score.measure.best:g}",
        )
    console = Console(highlight=False)
    console.print(table)
    reasons: dict[str, list[str]] = {}
    for name, score in comparison.scores.items():
        if score.synthetic.value is None:
            reasons.setdefault(score.synthetic.reason, []).append(name)
    for reason, names in reasons.items():
        console.print(f"not computed: {', '.join(names)}: {reason}", markup=False, soft_wrap=True)
    for remark in comparison.remarks():
        console.print(f"note: {remark}", markup=False, soft_wrap=True)
