"""How fast a model trains: samples and tokens a second, use of the GPU and memory, beside the plain way in one run."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from finetune.config import LoraSettings
from finetune.data.pictures import CROP_PX, MAX_CROPS, token_count
from finetune.errors import FinetuneError
from finetune.modeling import Phi3VisionForCausalLM, attention
from finetune.modeling.adapters import add_adapters, speed_up
from finetune.modeling.flops import Training, Work, peak_flops, training_flops
from finetune.modeling.parts import checkpoint_layers, compile_layers, train_parts
from finetune.modeling.sizes import SIZES, new_config
from finetune.vocabulary import BOS, IGNORED_LABEL, PAD

METHODS = ("lora", "full")
PLAIN_ACCUMULATED = 4
"""Batches of one that the plain way reads before it steps: a step for each would be slower still."""
_PROMPT_TOKENS, _ANSWER_TOKENS = 24, 40
"""Of a sample, without its picture: as the default prompt and answer have."""
_MULTIPLE = 64
"""Packs are padded to a multiple of it, which suits the GPU's products."""
_LEARNING_RATE = 1e-5

Step = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Case:
    """One case: what was run, and what came of it."""

    way: str
    """``plain`` or ``packed``, and what else was done."""
    crops: int
    batch: int
    """Samples of one step."""
    samples: float
    """A second."""
    tokens: float
    """A second, padding not counted."""
    mfu: float | None
    """Share of the GPU's peak that the samples' own operations had; None if the peak is not known."""
    peak_memory: int | None
    """Bytes on the GPU; None on the CPU."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What is measured."""

    size: str = "full"
    method: str = "lora"
    device: str = "cuda"
    crops: Sequence[int] = (1, 4)
    batches: Sequence[int] = (4, 8, 16, 32)
    compiled: bool = True
    warm_up: int = 2
    """Optimizer steps of a case before those that are timed."""
    timed: int = 5
    time_limit: float = 420.0
    """Seconds; cases that would begin later are left out."""
    lora: LoraSettings = field(default_factory=lambda: LoraSettings(vision=False))


@dataclass
class _Bench:
    plan: Plan
    on_case: Callable[[Case], None]
    on_note: Callable[[str], None]
    start: float
    model: Phi3VisionForCausalLM
    trained: nn.Module
    optimizer: torch.optim.Optimizer

    @property
    def device(self) -> torch.device:
        return torch.device(self.plan.device)

    @property
    def training(self) -> Training:
        if self.plan.method == "full":
            return Training("weights", "weights", "weights")
        return Training("adapters", "adapters" if self.plan.lora.projector else "frozen", "frozen")


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
        case = _measured(bench, _plain_step(bench, crops), "plain", crops, 1, PLAIN_ACCUMULATED)
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
) -> _Bench:
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
    return _Bench(plan, on_case, on_note, start, model, trained, optimizer)


def _sweep(bench: _Bench, crops: int) -> list[Case]:
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
                case = _measured(bench, _packed_step(bench, crops, batch), way, crops, batch, batch)
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


def _measured(bench: _Bench, step: Step, way: str, crops: int, batch: int, samples: int) -> Case | None:
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
    flops = training_flops(bench.model.config, _work(crops, 1), bench.training)
    case = Case(
        way=way,
        crops=crops,
        batch=batch,
        samples=rate,
        tokens=rate * _sample_tokens(crops),
        mfu=None if peak is None else rate * flops / peak,
        peak_memory=torch.cuda.max_memory_allocated() if on_gpu else None,
    )
    bench.on_case(case)
    return case


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def _side(crops: int) -> int:
    return CROP_PX * int(crops**0.5)


def _sample_tokens(crops: int) -> int:
    return token_count(_side(crops), _side(crops)) + _PROMPT_TOKENS + _ANSWER_TOKENS


def _work(crops: int, samples: int) -> Work:
    return Work(
        [_sample_tokens(crops)] * samples,
        answer_tokens=_ANSWER_TOKENS * samples,
        picture_tokens=token_count(_side(crops), _side(crops)) * samples,
        crops=(1 + crops) * samples,
    )


def _ids(crops: int, number: int) -> tuple[Tensor, Tensor]:
    """Give one sample's token ids and labels; its picture is the row's `number`-th."""
    slots = torch.full((token_count(_side(crops), _side(crops)),), -number)
    prompt = torch.arange(300, 299 + _PROMPT_TOKENS)
    answer = torch.arange(400, 400 + _ANSWER_TOKENS)
    ids = torch.cat([torch.tensor([BOS]), slots, prompt, answer])
    labels = torch.full_like(ids, IGNORED_LABEL)
    labels[-_ANSWER_TOKENS:] = answer
    return ids, labels


def _pictures(bench: _Bench, crops: int, pictures: int, room: int) -> dict[str, Tensor]:
    generator = torch.Generator(bench.device).manual_seed(0)
    values = torch.zeros(
        pictures, 1 + room, 3, CROP_PX, CROP_PX, device=bench.device, dtype=bench.model.dtype
    )
    values[:, : 1 + crops].normal_(generator=generator)
    return {"pixel_values": values, "image_sizes": torch.full((pictures, 2), _side(crops))}


def _packed_step(bench: _Bench, crops: int, batch: int) -> Step:
    """One step on one row that holds all samples; only their real crops are encoded."""
    samples = [_ids(crops, number) for number in range(1, batch + 1)]
    padding = -sum(len(ids) for ids, _ in samples) % _MULTIPLE
    rows = {
        "input_ids": [*(ids for ids, _ in samples), torch.full((padding,), PAD)],
        "labels": [*(labels for _, labels in samples), torch.full((padding,), IGNORED_LABEL)],
        "position_ids": [*(torch.arange(len(ids)) for ids, _ in samples), torch.arange(padding)],
    }
    inputs = {name: torch.cat(parts)[None].to(bench.device) for name, parts in rows.items()}
    inputs |= _pictures(bench, crops, batch, crops)

    def step() -> None:
        bench.trained(**inputs, answers_only=True).loss.backward()
        _update(bench)

    return step


def _update(bench: _Bench) -> None:
    weights = [weight for group in bench.optimizer.param_groups for weight in group["params"]]
    torch.nn.utils.clip_grad_norm_(weights, 1.0)
    bench.optimizer.step()
    bench.optimizer.zero_grad(set_to_none=True)


def _plain_step(bench: _Bench, crops: int) -> Step:
    """One step of batches of one, as the published code has them.

    All 17 views are encoded, the zeros of the padding too; logits are those of all tokens; adapters are peft's own, in
    float32 under autocast.
    """
    ids, labels = (part[None].to(bench.device) for part in _ids(crops, 1))
    inputs = _pictures(bench, crops, 1, MAX_CROPS)
    mask = torch.ones_like(ids)
    autocast: Any = torch.autocast(bench.device.type, torch.bfloat16, enabled=bench.device.type == "cuda")

    def step() -> None:
        for _ in range(PLAIN_ACCUMULATED):
            with autocast:
                embeddings = _embed_plainly(bench.model, ids, **inputs)
                loss = bench.trained(inputs_embeds=embeddings, attention_mask=mask, labels=labels).loss
            (loss / PLAIN_ACCUMULATED).backward()
        _update(bench)

    return step


def _embed_plainly(
    model: Phi3VisionForCausalLM, ids: Tensor, pixel_values: Tensor, image_sizes: Tensor
) -> Tensor:
    parts = model.model.vision_embed_tokens
    height, width = image_sizes[0].tolist()
    rows, columns = height // CROP_PX, width // CROP_PX
    views = parts._merged(parts.img_processor(pixel_values[0]))[: 1 + rows * columns]
    picture = parts.img_projection(parts._arranged(views, rows, columns))
    embeddings = model.model.embed_tokens(ids.clamp(min=0))
    placed: Tensor = embeddings.masked_scatter((ids < 0)[..., None], picture.to(embeddings.dtype))
    return placed


def _check_attention(bench: _Bench) -> None:
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
