"""Fine-tune Phi-3-Vision on product pictures: the model on current transformers, without remote code."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from finetune.errors import FinetuneError
from samplegen import __version__ as __version__

if TYPE_CHECKING:
    from finetune.data import Phi3VisionProcessor
    from finetune.modeling import Phi3VisionConfig, Phi3VisionForCausalLM

__all__ = ["FinetuneError", "Phi3VisionConfig", "Phi3VisionForCausalLM", "Phi3VisionProcessor"]

_HOMES = {
    "Phi3VisionConfig": "finetune.modeling",
    "Phi3VisionForCausalLM": "finetune.modeling",
    "Phi3VisionProcessor": "finetune.data",
}


def __getattr__(name: str) -> Any:  # a module holds anything
    """Import a public name on first use: torch and transformers take seconds to load."""
    if name not in _HOMES:
        raise AttributeError(f"module 'finetune' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
