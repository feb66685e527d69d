"""Adapters folded into the model that they were trained on."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor

from finetune.errors import CheckpointError
from finetune.loading import bars_on_terminals_alone, check_adapter, put_adapter
from finetune.model_folder import check_writable, local_folder
from finetune.modeling import Phi3VisionForCausalLM
from finetune.modeling.checkpoint import read_config
from finetune.training.checkpoints import write_folder
from finetune.training.exports import CARD, copy_processor, model_card
from finetune.vocabulary import BOS

_TEXT_TOKENS = 24
_SHARE = 0.05
"""Of what adapters change in log probabilities, by how much sums in float32 may miss it."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge came to."""

    modules: int
    """With adapters."""
    difference: float
    """Largest difference of a probability of a next token, 0 to 1."""


def merge_adapter(
    model: str | os.PathLike[str],
    adapter: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    tolerance: float = 0.02,
) -> Merged:
    """Fold adapters into a model's weights and write it in the published layout.

    Sums are made in float32 and rounded once, to the type of the model's files. A picture and a text are read with
    the adapters, without them, with the sums, and with the rounded sums. The sums have to keep what the adapters
    change, to a twentieth of it; rounding may take as much as `tolerance`, and less than the adapters change.

    Args:
        model: Folder, or name on the Hub.
        adapter: Folder of adapters that were trained on it.
        out: A folder that does not exist yet.
        tolerance: By how much probabilities may differ; rounding to bf16 alone takes about 0.01.

    Raises:
        CheckpointError: If files are missing, the adapters belong to another model, or outputs are not preserved; then
            nothing is written.
    """
    adapter, out = Path(adapter), Path(out)
    if out.exists():
        raise CheckpointError(f"{out}: exists already. Give a new folder.")
    folder = local_folder(model)
    check_adapter(adapter, folder)
    check_writable(out)
    dtype = read_config(folder).dtype or torch.float32
    with bars_on_terminals_alone():
        base = Phi3VisionForCausalLM.from_pretrained(folder, dtype=torch.float32)
    adapted = put_adapter(base, adapter).eval()
    with adapted.disable_adapter():
        plain = _log_probabilities(adapted)
    wanted = _log_probabilities(adapted)
    modules = sum(hasattr(module, "lora_A") for module in adapted.modules())
    merged = adapted.merge_and_unload(safe_merge=True)
    effect, folded = _largest(wanted - plain), _largest(_log_probabilities(merged) - wanted)
    if not folded <= _SHARE * effect:
        raise CheckpointError(
            f"{adapter}: the adapters change log probabilities of next tokens by {effect:.3g}; with them folded in, "
            f"those differ by {folded:.3g}, more than {_SHARE:.0%} of that. Nothing was written."
        )
    found = _log_probabilities(merged.to(dtype))
    difference, rounded = _largest(found.exp() - wanted.exp()), _largest(found - wanted)
    if not difference <= tolerance:
        raise CheckpointError(
            f"{adapter}: with the adapters folded in, probabilities of next tokens differ by {difference:.3g}, more "
            f"than tolerance={tolerance:g}. Nothing was written."
        )
    if rounded > effect:
        raise CheckpointError(
            f"{adapter}: the adapters change log probabilities of next tokens by {effect:.3g}, rounding to {dtype} by "
            f"{rounded:.3g}: nothing of them would be left. Nothing was written; use them beside the model, as its adapter."
        )

    def write(place: Path) -> None:
        with bars_on_terminals_alone():
            merged.save_pretrained(place)
        copy_processor(folder, place)
        facts = {"adapters": adapter.name, "largest difference of a probability": f"{difference:.2e}"}
        card = model_card(f"{out.name}: adapters folded in", facts, {}, adapter=False, base=str(model))
        (place / CARD).write_text(card, encoding="utf-8")

    write_folder(out, write)
    return Merged(modules, difference)


def _largest(differences: Tensor) -> float:
    return float(differences.abs().max())


def _log_probabilities(model: torch.nn.Module) -> Tensor:
    """Read a picture of noise and a text; give the log probabilities of each text token's next."""
    base: Any = model.get_base_model() if isinstance(model, PeftModel) else model
    parts = base.model.vision_embed_tokens
    generator = torch.Generator().manual_seed(0)
    side = parts.crop_px
    pictures = torch.randn(1, 2, 3, side, side, generator=generator)
    slots = torch.full((parts.token_count(side, side),), -1)
    text = torch.randint(3, 32_000, (_TEXT_TOKENS,), generator=generator)
    ids = torch.cat([torch.tensor([BOS]), slots, text])[None]
    with torch.inference_mode():
        logits: Tensor = model(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            pixel_values=pictures,
            image_sizes=torch.tensor([[side, side]]),
            logits_to_keep=_TEXT_TOKENS,
        ).logits
    return logits.float().log_softmax(-1)
