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

__all__ = (
    "TEMPLATE_PREFIX",
    "Columns",
    "DataConfig",
    "LoraSettings",
    "MixtureConfig",
    "PromptConfig",
    "ScheduleConfig",
    "SourceConfig",
    "Split",
    "SplitConfig",
    "parse_source",
    "schedule_weights",
)
