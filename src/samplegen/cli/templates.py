"""Commands on template packs."""

from pathlib import Path
from typing import Annotated

import typer

from samplegen.cli.app import app

templates_app = typer.Typer(no_args_is_help=True, help="List, show or copy template packs.")
app.add_typer(templates_app, name="templates")


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
