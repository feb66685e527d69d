"""What a run is told: typed, frozen, plain values."""

from finetune.config.adapters import LoraSettings
from finetune.config.data import (
    DataConfig,
    MixtureConfig,
    PromptConfig,
    ScheduleConfig,
    SplitConfig,
    schedule_weights,
)
from finetune.config.run import EvaluationConfig, OptimConfig, RunConfig, load_run
from finetune.config.sources import TEMPLATE_PREFIX, Columns, SourceConfig, Split, parse_source

__all__ = (
    "TEMPLATE_PREFIX",
    "Columns",
    "DataConfig",
    "EvaluationConfig",
    "LoraSettings",
    "MixtureConfig",
    "OptimConfig",
    "PromptConfig",
    "RunConfig",
    "ScheduleConfig",
    "SourceConfig",
    "Split",
    "SplitConfig",
    "load_run",
    "parse_source",
    "schedule_weights",
)
