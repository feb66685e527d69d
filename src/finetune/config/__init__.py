"""Settings of a run: frozen dataclasses of plain values, read from YAML and written as YAML."""

from finetune.config.adapters import LoraSettings

__all__ = ("LoraSettings",)
