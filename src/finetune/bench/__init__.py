"""How fast a model reads and writes, and how fast it trains beside the plain way in the same run."""

from finetune.bench.model import Measurement, measure_model
from finetune.bench.steps import Case, Plan
from finetune.bench.training import measure_training

__all__ = ("Case", "Measurement", "Plan", "measure_model", "measure_training")
