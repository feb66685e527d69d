"""One step of training: on packed samples, and the plain way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from finetune.config import LoraSettings
from finetune.data.pictures import MAX_CROPS, token_count
from finetune.modeling import Phi3VisionForCausalLM
from finetune.modeling.flops import Training, Work
from finetune.picture_tokens import CROP_PX
from finetune.vocabulary import BOS, IGNORED_LABEL, PAD

PLAIN_ACCUMULATED = 4
"""Batches of one that the plain way reads before it steps: a step for each would be slower still."""
_PROMPT_TOKENS, _ANSWER_TOKENS = 24, 40
"""Of a sample, without its picture: as the default prompt and answer have."""
_MULTIPLE = 64
"""Packs are padded to a multiple of it, which suits the GPU's products."""

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
class Bench:
    """A model and its optimizer, ready to be measured."""

    plan: Plan
    on_case: Callable[[Case], None]
    on_note: Callable[[str], None]
    start: float
    """Of `time.monotonic`."""
    model: Phi3VisionForCausalLM
    trained: nn.Module
    optimizer: torch.optim.Optimizer

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return torch.device(self.plan.device)

    @property
    def training(self) -> Training:
        """Which parts learn how."""
        if self.plan.method == "full":
            return Training("weights", "weights", "weights")
        return Training("adapters", "adapters" if self.plan.lora.projector else "frozen", "frozen")


def _side(crops: int) -> int:
    return CROP_PX * int(crops**0.5)


def sample_tokens(crops: int) -> int:
    """Count a sample's tokens."""
    return token_count(_side(crops), _side(crops)) + _PROMPT_TOKENS + _ANSWER_TOKENS


def work_of(crops: int, samples: int) -> Work:
    """Say what samples hold."""
    return Work(
        [sample_tokens(crops)] * samples,
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


def _pictures(bench: Bench, crops: int, pictures: int, room: int) -> dict[str, Tensor]:
    generator = torch.Generator(bench.device).manual_seed(0)
    values = torch.zeros(
        pictures, 1 + room, 3, CROP_PX, CROP_PX, device=bench.device, dtype=bench.model.dtype
    )
    values[:, : 1 + crops].normal_(generator=generator)
    return {"pixel_values": values, "image_sizes": torch.full((pictures, 2), _side(crops))}


def packed_step(bench: Bench, crops: int, batch: int) -> Step:
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


def _update(bench: Bench) -> None:
    weights = [weight for group in bench.optimizer.param_groups for weight in group["params"]]
    torch.nn.utils.clip_grad_norm_(weights, 1.0)
    bench.optimizer.step()
    bench.optimizer.zero_grad(set_to_none=True)


def plain_step(bench: Bench, crops: int) -> Step:
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
