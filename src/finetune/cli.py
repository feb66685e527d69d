"""The command line: parse, call, print. Heavy modules are imported inside the commands, so help is quick."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from finetune.errors import FinetuneError

if TYPE_CHECKING:
    from finetune.bench import Measurement
    from finetune.inspection import ModelInfo

BAD_INPUT = 2
_EXTRA = ("torch", "transformers", "safetensors", "tokenizers")

app = typer.Typer(
    name="finetune",
    help="Phi-3-Vision on product pictures: new models, what a model holds, how fast it runs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
bench_app = typer.Typer(no_args_is_help=True, help="Measure speed and memory on this machine.")
app.add_typer(bench_app, name="bench")

SizeOption = Annotated[str, typer.Option(help="tiny (4 M parameters), mini (76 M) or full (4.15 B).")]


@app.callback()
def _group() -> None:
    pass


@app.command("new-model")
def write_new_model(
    out: Annotated[Path, typer.Option(help="A new folder.")],
    size: SizeOption = "mini",
    seed: Annotated[int, typer.Option(help="Same seed, same weights.", min=0)] = 0,
) -> None:
    """Write a model with random weights and its tokenizer, in the published layout.

    tiny is for tests, mini for training from nothing on one GPU, full has the published shape (8.3 GB).
    """
    from finetune.new_model import new_model

    typer.echo(new_model(size, out, seed=seed))


@app.command()
def info(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a model.")],
    rank: Annotated[int, typer.Option(help="Of the LoRA adapters whose training is estimated.", min=1)] = 64,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
) -> None:
    """Show a model's parameters by part, and the memory that running and training it takes.

    Every tensor's name and shape is held to config.json; weights are not loaded.
    """
    from finetune.inspection import inspect_model

    model = inspect_model(folder, rank=rank)
    if as_json:
        typer.echo(json.dumps(asdict(model) | {"parameters": model.parameters}))
    else:
        _print_info(model, rank)


def _print_info(model: "ModelInfo", rank: int) -> None:
    for part in model.parts:
        share = part.parameters / model.parameters
        typer.echo(
            f"{part.name:<16} {part.parameters:>13,}  {share:>4.0%}  {_bytes(part.size):>8}  {', '.join(part.dtypes)}"
        )
    typer.echo(f"{'all':<16} {model.parameters:>13,}        {_bytes(sum(p.size for p in model.parts)):>8}")
    typer.echo(f"{model.tensors} tensors, all as config.json has them\n")
    typer.echo("Memory, estimated for one picture of 16 crops (2,573 tokens), bf16:")
    typer.echo(f"  inference           {_bytes(model.inference):>8}")
    typer.echo(
        f"  LoRA, rank {rank:<8} {_bytes(model.lora):>8}  ({model.adapter_parameters:,} trained parameters)"
    )
    typer.echo(f"  full training       {_bytes(model.full):>8}")


def _bytes(number: int) -> str:
    return f"{number / 1e9:.2f} GB" if number >= 1e8 else f"{number / 1e6:.1f} MB"


@bench_app.command("model")
def bench_model(size: SizeOption = "full") -> None:
    """Measure reading and writing: tokens a second, and peak memory in bf16 on a CUDA GPU.

    Without a CUDA GPU the tiny model is measured on the CPU instead.
    """
    import torch

    from finetune.bench import measure_model

    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        typer.echo(f"No CUDA GPU here: the tiny model on the CPU, float32, instead of size {size} in bf16.")
        size = "tiny"
    else:
        typer.echo(f"{torch.cuda.get_device_name()}, size {size}, bf16")
    typer.echo("batch  crops  prompt tokens  read tokens/s  written tokens/s  peak memory")
    measure_model(size, device=device, on_case=_print_case)


def _print_case(case: "Measurement") -> None:
    memory = "-" if case.peak_memory is None else _bytes(case.peak_memory)
    typer.echo(
        f"{case.batch:>5}  {case.crops:>5}  {case.prompt_tokens:>13,}  {case.forward:>13,.0f}"
        f"  {case.generation:>16,.0f}  {memory:>11}"
    )


def main() -> None:
    """Run the command line; an error that a user can cause becomes one message and exit code 2."""
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
