"""Configuration of Phi-3-Vision, read and written as published (`model_type: phi3_v`)."""

from typing import Any, ClassVar

from transformers import CLIPVisionConfig, Phi3Config, PreTrainedConfig

CLIP_VIT_L_14_336: dict[str, Any] = {
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "image_size": 336,
    "patch_size": 14,
    "projection_dim": 768,
    "hidden_act": "quick_gelu",
    "layer_norm_eps": 1e-5,
}
"""The vision tower of both published models, from openai/clip-vit-large-patch14-336; their config.json omits it."""

_PUBLISHED_ROPE, _STOCK_ROPE = "su", "longrope"
_FIXED: dict[str, dict[str, Any]] = {
    "embd_layer": {
        "embedding_cls": "image",
        "hd_transform_order": "sub_glb",
        "projection_cls": "mlp",
        "use_hd_transform": True,
        "with_learnable_separator": True,
    },
    "img_processor": {
        "image_dim_out": 1024,
        "model_name": "openai/clip-vit-large-patch14-336",
        "name": "clip_vision_model",
        "num_img_tokens": 144,
    },
}
"""What both published models say of their picture part, and the only form that is implemented."""
_CHOICES_THAT_MATTER = {
    "embd_layer": ("hd_transform_order", "projection_cls", "use_hd_transform", "with_learnable_separator"),
    "img_processor": ("name", "num_img_tokens"),
}


class Phi3VisionConfig(Phi3Config):
    """Phi-3's configuration, and a vision tower.

    Args:
        vision_config: Settings of the CLIP tower; those of ViT-L/14-336 where none are given. An object of that name
            in ``config.json`` overrides them, for small models.
        **kwargs: As for ``Phi3Config``. ``rope_scaling`` may be of the published type ``su``.

    Raises:
        ValueError: If the configuration asks for another way to place pictures than the published one.
    """

    model_type = "phi3_v"
    sub_configs: ClassVar[dict[str, type[PreTrainedConfig]]] = {"vision_config": CLIPVisionConfig}
    vision_config: Any = None  # a CLIPVisionConfig once the configuration is made
    embd_layer: dict[str, Any] | None = None
    img_processor: dict[str, Any] | None = None

    def __post_init__(self, **kwargs: Any) -> None:
        # The published files ask for FlashAttention, which is not everywhere; `attn_implementation` asks for it here.
        kwargs.pop("_attn_implementation", None)
        for name, published in _FIXED.items():
            given = {**published, **(getattr(self, name) or {})}
            for choice in _CHOICES_THAT_MATTER[name]:
                if given[choice] != published[choice]:
                    raise ValueError(
                        f"{name}.{choice} is {given[choice]!r}; "
                        f"implemented is {published[choice]!r}, as in the published models."
                    )
            setattr(self, name, given)
        if not isinstance(self.vision_config, PreTrainedConfig):
            self.vision_config = CLIPVisionConfig(**{**CLIP_VIT_L_14_336, **(self.vision_config or {})})
        super().__post_init__(**kwargs)
        if self.rope_parameters.get("rope_type") == _STOCK_ROPE:
            # The published files say the trained context elsewhere and leave the ratio of the contexts to be worked
            # out; transformers wants both said here.
            trained = self.original_max_position_embeddings
            self.rope_parameters["original_max_position_embeddings"] = trained
            self.rope_parameters.setdefault("factor", self.max_position_embeddings / trained)

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as the published config.json has it; reading that back gives an equal one."""
        values: dict[str, Any] = super().to_dict()
        rope = values.pop("rope_parameters", None)
        if rope:
            values["rope_theta"] = rope["rope_theta"]
        if rope and rope.get("rope_type") == _STOCK_ROPE:
            # The published code accepts these three keys and no others.
            factors = {name: rope[name] for name in ("short_factor", "long_factor")}
            values["rope_scaling"] = {"type": _PUBLISHED_ROPE, **factors}
        tower = values.pop("vision_config")
        if any(tower.get(name) != value for name, value in CLIP_VIT_L_14_336.items()):
            values["vision_config"] = {name: tower[name] for name in CLIP_VIT_L_14_336}
        values["architectures"] = ["Phi3VForCausalLM"]
        return values

    def to_diff_dict(self) -> dict[str, Any]:
        """Return what is written to config.json: `to_dict` without defaults."""
        values: dict[str, Any] = super().to_diff_dict()
        if "dtype" in values:
            values["torch_dtype"] = values.pop("dtype")  # its name when the published code was written
        return values
