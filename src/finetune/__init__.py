"""Fine-tune Phi-3-Vision on product pictures: the model on current transformers, without remote code."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from finetune.errors import FinetuneError
from samplegen import __version__ as __version__

if TYPE_CHECKING:
    from finetune.answers import parse_answer
    from finetune.config import RunConfig, SourceConfig, load_run
    from finetune.data import Phi3VisionProcessor, open_source
    from finetune.evaluation import generate_answers
    from finetune.evaluation.evaluate import EvaluationSettings, evaluate
    from finetune.evaluation.predict import open_pictures, predict_pictures
    from finetune.evaluation.report import write_report
    from finetune.inspection import inspect_model
    from finetune.loading import load_model
    from finetune.modeling import Phi3VisionConfig, Phi3VisionForCausalLM
    from finetune.new_models import new_model
    from finetune.training.merging import merge_adapter
    from finetune.training.run import train

__all__ = [
    "EvaluationSettings",
    "FinetuneError",
    "Phi3VisionConfig",
    "Phi3VisionForCausalLM",
    "Phi3VisionProcessor",
    "RunConfig",
    "SourceConfig",
    "evaluate",
    "generate_answers",
    "inspect_model",
    "load_model",
    "load_run",
    "merge_adapter",
    "new_model",
    "open_pictures",
    "open_source",
    "parse_answer",
    "predict_pictures",
    "train",
    "write_report",
]

_HOMES = {
    "Phi3VisionConfig": "finetune.modeling",
    "Phi3VisionForCausalLM": "finetune.modeling",
    "Phi3VisionProcessor": "finetune.data",
    "RunConfig": "finetune.config",
    "SourceConfig": "finetune.config",
    "load_run": "finetune.config",
    "open_source": "finetune.data",
    "train": "finetune.training.run",
    "merge_adapter": "finetune.training.merging",
    "load_model": "finetune.loading",
    "new_model": "finetune.new_models",
    "inspect_model": "finetune.inspection",
    "generate_answers": "finetune.evaluation",
    "evaluate": "finetune.evaluation.evaluate",
    "EvaluationSettings": "finetune.evaluation.evaluate",
    "open_pictures": "finetune.evaluation.predict",
    "predict_pictures": "finetune.evaluation.predict",
    "write_report": "finetune.evaluation.report",
    "parse_answer": "finetune.answers",
}


def __getattr__(name: str) -> Any:  # a module holds anything
    """Import a public name on first use: torch and transformers take seconds to load."""
    if name not in _HOMES:
        raise AttributeError(f"module 'finetune' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
