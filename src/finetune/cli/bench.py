"""Commands that measure speed and memory."""

from typing import TYPE_CHECKING

import typer

from finetune.cli.app import SizeOption, app, show_bytes

if TYPE_CHECKING:
    from finetune.bench import Measurement

bench_app = typer.Typer(no_args_is_help=True, help="Measure speed and memory on this machine.")
app.add_typer(bench_app, name="bench")


@bench_app.command("model")
def bench_model(size: SizeOption = "full") -> None:
    """Measure reading and writing: tokens a second, and peak memory in bf16 on a CUDA GPU.

    Without a CUDA GPU the tiny model is measured on the CPU instead.
    """
    import torch

    from finetune.bench import measure_model
    from finetune.modeling.sizes import check_size

    check_size(size)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        typer.echo(f"No CUDA GPU here: the tiny model on the CPU, float32, instead of size {size} in bf16.")
        size = "tiny"
    else:
        typer.echo(f"{torch.cuda.get_device_name()}, size {size}, bf16")
    typer.echo("batch  crops  prompt tokens  read tokens/s  written tokens/s  peak memory")
    measure_model(size, device=device, on_case=_print_case)


def _print_case(case: "Measurement") -> None:
    memory = "-" if case.peak_memory is None else show_bytes(case.peak_memory)
    typer.echo(
        f"{case.batch:>5}  {case.crops:>5}  {case.prompt_tokens:>13,}  {case.forward:>13,.0f}"
        f"  {case.generation:>16,.0f}  {memory:>11}"
    )
