"""Commands on models: new ones, and what one holds."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from finetune.cli.app import SizeOption, app, show_bytes

if TYPE_CHECKING:
    from finetune.inspection import ModelInfo


@app.command("new-model")
def write_new_model(
    out: Annotated[Path, typer.Option(help="A new folder.")],
    size: SizeOption = "mini",
    seed: Annotated[int, typer.Option(help="Same seed, same weights.", min=0, max=2**63 - 1)] = 0,
) -> None:
    """Write a model with random weights and its tokenizer, in the published layout.

    tiny is for tests, mini for training from nothing on one GPU, full has the published shape (8.3 GB).
    """
    from finetune.new_models import new_model

    typer.echo(new_model(size, out, seed=seed))


@app.command()
def info(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a model.")],
    rank: Annotated[int, typer.Option(help="Of the LoRA adapters whose training is estimated.", min=1)] = 64,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
) -> None:
    """Show a model's parameters by part, and the memory that running and training it takes.

    Every tensor's name and shape is held to config.json, from the headers of the files.
    """
    from finetune.inspection import inspect_model

    model = inspect_model(folder, rank=rank)
    if as_json:
        typer.echo(json.dumps(asdict(model) | {"parameters": model.parameters}))
    else:
        _print_info(model, rank)


def _print_info(model: "ModelInfo", rank: int) -> None:
    from finetune.inspection import TOKENS

    for part in model.parts:
        share = part.parameters / model.parameters
        typer.echo(
            f"{part.name:<16} {part.parameters:>13,}  {share:>4.0%}  {show_bytes(part.file_bytes):>8}  {', '.join(part.dtypes)}"
        )
    typer.echo(
        f"{'all':<16} {model.parameters:>13,}        {show_bytes(sum(p.file_bytes for p in model.parts)):>8}"
    )
    typer.echo(f"{model.tensors} tensors, all as config.json has them")
    if model.copies:
        typer.echo(f"beside them copies that are not used: {', '.join(model.copies)}")
    typer.echo(f"\nMemory, estimated for one picture of 16 crops ({TOKENS:,} tokens), layers computed anew:")
    typer.echo(f"  inference, bf16     {show_bytes(model.inference_bytes):>8}")
    typer.echo(
        f"  LoRA, rank {rank:<8} {show_bytes(model.lora_bytes):>8}  ({model.adapter_parameters:,} trained parameters)"
    )
    typer.echo(f"  full, float32 Adam  {show_bytes(model.full_bytes):>8}")
