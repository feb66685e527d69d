"""The application itself, and what its commands share."""

import sys
import warnings
from typing import Annotated

import typer

from finetune.errors import FinetuneError, FinetuneWarning
from samplegen import __version__

BAD_INPUT = 2
_EXTRA = (
    "accelerate", "jinja2", "peft", "rapidfuzz", "safetensors", "sklearn", "tokenizers", "torch", "transformers",
)  # fmt: skip
_FORMAT = warnings.formatwarning

app = typer.Typer(
    name="finetune",
    help="Phi-3-Vision on product pictures: train it, merge adapters, measure and compare, or make new small models.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

SizeOption = Annotated[str, typer.Option(help="tiny (4 M parameters), mini (76 M) or full (4.15 B).")]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"finetune {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def show_bytes(number: int) -> str:
    """Write a number of bytes as people read it."""
    return f"{number / 1e9:.2f} GB" if number >= 1e8 else f"{number / 1e6:.1f} MB"


def _format_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    if issubclass(category, FinetuneWarning):
        return f"finetune: {message}\n"
    return _FORMAT(message, category, filename, lineno, line)


def main() -> None:
    """Run the command line; an error that a user can cause becomes one message and exit code 2."""
    warnings.formatwarning = _format_warning
    try:
        app(standalone_mode=True)
    except FinetuneError as error:
        typer.echo(f"finetune: {error}", err=True)
        sys.exit(BAD_INPUT)
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        typer.echo(f"finetune: {error.name} is not installed; pip install 'samplegen[finetune]'", err=True)
        sys.exit(BAD_INPUT)
