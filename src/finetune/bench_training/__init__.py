"""How fast a model trains, beside the plain way in the same run."""

from finetune.bench_training.measuring import measure_training
from finetune.bench_training.steps import Case, Plan

__all__ = ("Case", "Plan", "measure_training")
