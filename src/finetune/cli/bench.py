"""Commands that measure speed and memory."""

from typing import TYPE_CHECKING, Annotated

import typer

from finetune.cli.app import SizeOption, app, show_bytes
from finetune.errors import FinetuneError

if TYPE_CHECKING:
    from finetune.bench import Case, Measurement

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


@bench_app.command("train")
def bench_train(
    size: SizeOption = "full",
    method: Annotated[str, typer.Option(help="lora (text and projector) or full (all weights).")] = "lora",
    crops: Annotated[
        str, typer.Option(help="Crops of the square pictures, with commas: 1, 4, 9, 16.")
    ] = "1,4",
    batches: Annotated[
        str, typer.Option(help="Samples of one step, with commas; a sweep ends where memory does.")
    ] = "4,8,16,32",
    compiled: Annotated[
        bool, typer.Option("--compile/--no-compile", help="Whether layers are compiled.")
    ] = True,
    time_limit: Annotated[
        float, typer.Option(help="Seconds after which no further case begins.", min=1)
    ] = 420.0,
) -> None:
    """Measure training: samples and tokens a second, MFU and peak memory on a CUDA GPU, beside the plain way.

    The plain way is batch 1, all 16 padded crops encoded, logits of all tokens. Without a CUDA GPU the tiny model is
    trained on the CPU instead.
    """
    import os

    # Packs differ in size; memory is not to break up into pieces.
    os.environ.setdefault("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")
    import torch

    from finetune.bench import Plan, measure_training

    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        typer.echo(f"No CUDA GPU here: the tiny model on the CPU, float32, instead of size {size} in bf16.")
        size, batches, compiled = "tiny", "2,4", False
    else:
        typer.echo(
            f"{torch.cuda.get_device_name()}, size {size}, {method}, bf16, PyTorch {torch.__version__}"
        )
    plan = Plan(
        size=size,
        method=method,
        device=device,
        crops=_numbers("--crops", crops),
        batches=_numbers("--batches", batches),
        compiled=compiled,
        time_limit=time_limit,
    )
    for line in (_TERMS if device == "cuda" else _TERMS_ON_CPU).get(method, ()):
        typer.echo(line)
    plain: dict[int, float] = {}

    def show(case: "Case") -> None:
        plain.setdefault(case.crops, case.samples)
        _print_training(case, case.samples / plain[case.crops])

    typer.echo("crops  batch  samples/s  tokens/s     MFU  peak memory  x plain  way")
    measure_training(plan, on_case=show, on_note=lambda note: typer.echo(f"# {note}"))


_FLOPS = (
    "# MFU: operations of real tokens and real crops (2 N a token forward, causal attention, answers' logits; PaLM,",
    "# appendix B) by the GPU's dense bf16 peak; nothing for padding, adapters' own products or what is computed anew.",
)
_TERMS = {
    "lora": (
        *_FLOPS,
        "# LoRA: 4 N a token, not 6 N: frozen weights have no gradients. Rank 64 on text and projector in float32,",
        "# weights bf16, vision tower frozen (forward only, 2 N a patch), AdamW on the adapters.",
    ),
    "full": (
        *_FLOPS,
        "# full: 6 N a token and patch. Weights, gradients and both AdamW moments in bf16 (8 bytes a parameter, 33 GB),",
        "# without a float32 copy of the weights: it fits 80 GB, but small updates are lost to rounding.",
    ),
}
_TERMS_ON_CPU = {
    "lora": (
        "# LoRA: rank 64 on text and projector, vision tower frozen, AdamW on the adapters; all in float32, not compiled.",
    ),
    "full": (
        "# full: all weights, gradients and both AdamW moments in float32 (16 bytes a parameter), not compiled.",
    ),
}


def _numbers(option: str, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise FinetuneError(f"{option} is {text!r}; give whole numbers with commas, such as 1,4.") from None


def _print_training(case: "Case", times_plain: float) -> None:
    memory = "-" if case.peak_memory is None else show_bytes(case.peak_memory)
    mfu = "-" if case.mfu is None else f"{case.mfu:.1%}"
    typer.echo(
        f"{case.crops:>5}  {case.batch:>5}  {case.samples:>9.2f}  {case.tokens:>8,.0f}  {mfu:>6}  {memory:>11}"
        f"  {times_plain:>7.2f}  {case.way}"
    )
