"""How fast a model trains: samples and tokens a second, use of the GPU and memory, beside the plain way in one run."""

import time
from collections.abc import Callable

import torch
from torch import nn

from finetune.bench.steps import (
    PLAIN_ACCUMULATED,
    Bench,
    Case,
    Plan,
    Step,
    packed_step,
    plain_step,
    sample_tokens,
    work_of,
)
from finetune.data.pictures import MAX_CROPS
from finetune.errors import FinetuneError
from finetune.modeling import Phi3VisionForCausalLM, attention
from finetune.modeling.adapters import add_adapters, speed_up
from finetune.modeling.flops import peak_flops, training_flops
from finetune.modeling.parts import checkpoint_layers, compile_layers, train_parts
from finetune.modeling.sizes import SIZES, new_config

METHODS = ("lora", "full")
_LEARNING_RATE = 1e-5


def measure_training(
    plan: Plan,
    *,
    on_case: Callable[[Case], None] = lambda case: None,
    on_note: Callable[[str], None] = lambda note: None,
) -> list[Case]:
    """Measure the training of a model with random weights on pictures of noise.

    Args:
        plan: What is measured.
        on_case: Called after each case.
        on_note: Called with what should be known besides: cases left out, and why.

    Raises:
        FinetuneError: If the size or method is not known, or the GPU has too little memory for the weights.
    """
    start = time.monotonic()
    _check(plan)
    bench = _prepare(plan, on_case, on_note, start)
    cases = []
    for crops in plan.crops:
        case = _measured(bench, plain_step(bench, crops), "plain", crops, 1, PLAIN_ACCUMULATED)
        cases += [case] if case else []
    speed_up(bench.trained)
    _check_attention(bench)
    if plan.compiled:
        compile_layers(bench.model)
    for crops in plan.crops:
        cases += _sweep(bench, crops)
    return cases


def _check(plan: Plan) -> None:
    if plan.size not in SIZES:
        raise FinetuneError(f"size is {plan.size!r}; allowed are {', '.join(SIZES)}.")
    if plan.method not in METHODS:
        raise FinetuneError(f"method is {plan.method!r}; allowed are {', '.join(METHODS)}.")
    for crops in plan.crops:
        if int(crops**0.5) ** 2 != crops or not 1 <= crops <= MAX_CROPS:
            raise FinetuneError(f"crops is {crops}; the pictures are square, so allowed are 1, 4, 9 and 16.")
    if not plan.batches or min(plan.batches) < 1:
        raise FinetuneError(f"batches are {plan.batches}; allowed are whole numbers from 1 on.")


def _prepare(
    plan: Plan, on_case: Callable[[Case], None], on_note: Callable[[str], None], start: float
) -> Bench:
    on_gpu = plan.device == "cuda"
    try:
        with torch.device(plan.device):
            model = Phi3VisionForCausalLM._from_config(
                new_config(plan.size), dtype=torch.bfloat16 if on_gpu else torch.float32
            )
        model.train()
        trained: nn.Module = model
        if plan.method == "lora":
            # Adapters in peft's own way first, for the plain way; `speed_up` comes after it.
            trained = add_adapters(model, plan.lora, fast=False)
        else:
            train_parts(model, ("vision", "projector", "text"))
        weights = [weight for weight in trained.parameters() if weight.requires_grad]
        optimizer = torch.optim.AdamW(weights, lr=_LEARNING_RATE, betas=(0.9, 0.95), eps=1e-7, fused=on_gpu)
    except torch.OutOfMemoryError as error:
        raise FinetuneError(f"the GPU has too little memory for size {plan.size}: {error}") from error
    number = sum(weight.numel() for weight in weights)
    on_note(f"{number / 1e6:,.1f} M trained parameters; model made in {time.monotonic() - start:.0f} s")
    return Bench(plan, on_case, on_note, start, model, trained, optimizer)


def _sweep(bench: Bench, crops: int) -> list[Case]:
    """Measure packs of more and more samples, computing layers anew once they no longer fit otherwise."""
    cases: list[Case] = []
    text_anew = False
    for batch in bench.plan.batches:
        case = None
        while case is None:
            if time.monotonic() - bench.start > bench.plan.time_limit:
                bench.on_note(f"{crops} crops, batch {batch} and more: left out, the time limit is reached")
                return cases
            # The tower's activations are many for what they save: one picture of 4 crops has 2,885 patches.
            checkpoint_layers(bench.model, text=text_anew, vision=bench.plan.method == "full")
            way = "packed, layers anew" if text_anew else "packed"
            try:
                case = _measured(bench, packed_step(bench, crops, batch), way, crops, batch, batch)
            except Exception as error:  # whatever the compiler raises
                if not bench.plan.compiled or not _stop_compiling(bench.model):
                    raise
                bench.on_note(f"layers could not be compiled, so they run as they are: {str(error)[:300]}")
                continue
            if case is None and text_anew:
                bench.on_note(f"{crops} crops, batch {batch} and more: too little memory")
                return cases
            if case is None:
                bench.on_note(f"{crops} crops, batch {batch}: too little memory, layers are computed anew")
                text_anew = True
        cases.append(case)
    return cases


def _stop_compiling(model: nn.Module) -> bool:
    """Let layers run as they are; tell whether any was compiled."""
    compiled = [module for module in model.modules() if module._compiled_call_impl is not None]
    for module in compiled:
        module._compiled_call_impl = None
    return bool(compiled)


def _measured(bench: Bench, step: Step, way: str, crops: int, batch: int, samples: int) -> Case | None:
    """Time a step of so many samples; None if memory does not suffice."""
    on_gpu = bench.device.type == "cuda"
    if on_gpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    try:
        for _ in range(bench.plan.warm_up):
            step()
        _wait(bench.device)
        start = time.perf_counter()
        for _ in range(bench.plan.timed):
            step()
        _wait(bench.device)
    except torch.OutOfMemoryError:
        bench.optimizer.zero_grad(set_to_none=True)
        return None
    rate = samples * bench.plan.timed / (time.perf_counter() - start)
    peak = peak_flops(torch.cuda.get_device_name()) if on_gpu else None
    flops = training_flops(bench.model.config, work_of(crops, 1), bench.training)
    case = Case(
        way=way,
        crops=crops,
        batch=batch,
        samples=rate,
        tokens=rate * sample_tokens(crops),
        mfu=None if peak is None else rate * flops / peak,
        peak_memory=torch.cuda.max_memory_allocated() if on_gpu else None,
    )
    bench.on_case(case)
    return case


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def _check_attention(bench: Bench) -> None:
    """Hold packed attention to attention by rows on this very machine before it is timed."""
    if not attention.has_one_call(bench.device, bench.model.dtype):
        bench.on_note("packed attention: one call for each sample (no torch.nn.attention.varlen here)")
        return
    heads, width = 4, 96
    lengths = (70, 300, 130)
    query, key, value = torch.randn(3, 1, sum(lengths), heads, width, device=bench.device).to(
        bench.model.dtype
    )
    positions = torch.cat([torch.arange(length) for length in lengths])[None].to(bench.device)
    try:
        one = attention.attend(query, key, value, attention.find_samples(positions, one_call=True))
        each = attention.attend(query, key, value, attention.find_samples(positions, one_call=False))
        difference = float((one - each).abs().max())
        if not difference < 0.05:
            raise FinetuneError(f"it differs by {difference:.3f}")
    except (RuntimeError, TypeError, ValueError, FinetuneError) as error:  # what kernels raise
        bench.on_note(f"packed attention in one call does not work here: {str(error)[:300]}")
        attention.avoid_one_call()
        return
    bench.on_note(
        f"packed attention: one call (torch.nn.attention.varlen); differs from one call for each by {difference:.4f}"
    )
