"""Phi-3-Vision composed of transformers' parts, in the layout of the published checkpoints."""

from transformers import AutoConfig, AutoModelForCausalLM

from finetune.modeling.config import Phi3VisionConfig
from finetune.modeling.model import Phi3VisionForCausalLM

AutoConfig.register(Phi3VisionConfig.model_type, Phi3VisionConfig, exist_ok=True)
AutoModelForCausalLM.register(Phi3VisionConfig, Phi3VisionForCausalLM, exist_ok=True)

__all__ = ("Phi3VisionConfig", "Phi3VisionForCausalLM")
