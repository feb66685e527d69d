"""Prompts, pictures and text to tensors."""

from finetune.data.processor import Phi3VisionProcessor

__all__ = ("Phi3VisionProcessor",)
