"""What a run leaves: adapters that plain peft opens, or a model in the published layout; each with a model card."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from peft import PeftModel
from torch import Tensor, nn

from finetune.loading import note_base
from finetune.training.checkpoints import trained_weights, write_folder
from finetune.training.sharding import gathered, is_sharded

CARD = "README.md"
_KEPT = ("*.json", "*.jinja")
_WEIGHTS = ("model.safetensors.index.json", "config.json", "generation_config.json")


def export(
    model: Any,
    processor: Any,
    place: Path,
    *,
    base: str,
    card: str,
    weights: Mapping[str, Tensor] | None = None,
) -> None:
    """Write weights as they are now: a folder that is there as a whole or not at all.

    Args:
        model: Of one in peft's wrapper, the adapters alone are written.
        processor: Is written too, so that the folder of a whole model is complete.
        place: Is replaced.
        base: The model that adapters belong to.
        card: Text of README.md.
        weights: Of `whole_weights`, where the model's own are divided among processes.
    """
    given: dict[str, Any] = {} if weights is None else {"state_dict": dict(weights)}

    def write(folder: Path) -> None:
        if isinstance(model, PeftModel):
            model.peft_config["default"].base_model_name_or_path = base
            model.save_pretrained(str(folder), safe_serialization=True, save_embedding_layers=False, **given)
            note_base(folder, base)
        else:
            model.save_pretrained(folder, **given)
        processor.save_pretrained(folder)
        (folder / CARD).write_text(card, encoding="utf-8")

    write_folder(place, write)


def whole_weights(model: Any, *, keep: bool) -> dict[str, Tensor] | None:
    """Put together what `export` writes of weights that are divided among processes; None where they are not.

    Args:
        model: The same in every process, each of which has to call it.
        keep: Whether this process wants them.
    """
    if not is_sharded(model):
        return None
    parts = trained_weights(model) if isinstance(model, PeftModel) else model.state_dict()
    return gathered(parts, keep=keep)


def model_card(
    title: str, facts: Mapping[str, object], scores: Mapping[str, float], *, adapter: bool, base: str
) -> str:
    """Write a model card: what was trained on what, how it is used, what was measured."""
    header = [
        "---",
        f"base_model: {base}",
        f"library_name: {'peft' if adapter else 'transformers'}",
        "pipeline_tag: image-text-to-text",
        "---",
        f"# {title}",
        "",
    ]
    use = (
        "from peft import PeftModel\nfrom finetune import Phi3VisionForCausalLM\n\n"
        f'model = PeftModel.from_pretrained(Phi3VisionForCausalLM.from_pretrained("{base}"), "THIS_FOLDER")'
        if adapter
        else 'from finetune import Phi3VisionForCausalLM\n\nmodel = Phi3VisionForCausalLM.from_pretrained("THIS_FOLDER")'
    )
    lines = [
        *header,
        f"{'Adapters for' if adapter else 'Trained from'} `{base}`, made with `finetune train`.",
        "",
        "## Use",
        "",
        f"```python\n{use}\n```",
        "",
        "## Training",
        "",
        *(f"- {name}: {value}" for name, value in facts.items()),
        "",
    ]
    if scores:
        lines += ["## Measured on the validation split", "", "| metric | value |", "|---|---|"]
        lines += [f"| {name} | {value:.4f} |" for name, value in scores.items()]
        lines += [
            "",
            "Whether the model reads its pictures, `finetune evaluate` tells; these numbers do not.",
        ]
    return "\n".join(lines) + "\n"


def copy_processor(folder: Path, out: Path) -> None:
    """Copy tokenizer and preprocessor files of a model's folder; not those that its weights bring."""
    for form in _KEPT:
        for path in folder.glob(form):
            if path.name not in _WEIGHTS and not (out / path.name).exists():
                shutil.copyfile(path, out / path.name)


def count_parameters(model: nn.Module) -> int:
    """Count what learns."""
    return sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
