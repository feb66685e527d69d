"""What a run is told: typed, frozen, plain values."""

from finetune.config.adapters import LoraSettings
from finetune.config.data import (
    TEMPLATE_PREFIX,
    Columns,
    DataConfig,
    MixtureConfig,
    PromptConfig,
    ScheduleConfig,
    SourceConfig,
    Split,
    SplitConfig,
    parse_source,
    schedule_weights,
)
from finetune.config.run import EvaluationConfig, OptimConfig, RunConfig, load_run

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
