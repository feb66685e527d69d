"""All that a training run is told."""

import math
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from finetune.config.adapters import LoraSettings
from finetune.config.data import DataConfig
from finetune.config.reading import build, plain, read_yaml, set_value
from finetune.config.sources import parse_source
from finetune.errors import ConfigError

Method = Literal["lora", "dora", "qlora", "full"]
PartName = Literal["vision", "projector", "text"]
_MOST_WORKERS = 1024
"""Above, they would take the machine down before they are found to be too many."""
_MOST = 1e30
"""Above, AdamW's own products leave float32."""


@dataclass(frozen=True, kw_only=True)
class OptimConfig:
    """AdamW with warm-up.

    Attributes:
        learning_rate: Peak, of all parts that have none of their own.
        vision: Peak of the vision tower's weights or adapters; None for `learning_rate`.
        projector: The same for the layers between tower and decoder, and the separators.
        text: The same for decoder, embeddings and head.
        weight_decay: Of matrices; norms and biases have none.
        beta1: Of the mean of gradients.
        beta2: Of the mean of their squares.
        epsilon: Added to the root of that.
        warmup_steps: Optimizer steps from 0 to the peak.
        schedule: What follows: ``cosine`` or ``linear`` to 0, or ``constant``.
        clip: Largest norm of all gradients together; 0 for none.
    """

    learning_rate: float = 2e-4
    vision: float | None = None
    projector: float | None = None
    text: float | None = None
    weight_decay: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.95
    epsilon: float = 1e-7
    warmup_steps: int = 50
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    clip: float = 1.0

    def __post_init__(self) -> None:
        rates = {
            "learning_rate": self.learning_rate,
            "vision": self.vision,
            "projector": self.projector,
            "text": self.text,
        }
        for name, rate in rates.items():
            if rate is not None and not 0 <= rate <= _MOST:
                raise ConfigError(f"optim.{name} is {rate}; allowed are numbers from 0 to {_MOST:g}.")
        for name in ("warmup_steps", "clip", "weight_decay"):
            value = getattr(self, name)
            if not 0 <= value <= _MOST:
                raise ConfigError(f"optim.{name} is {value}; allowed are numbers from 0 to {_MOST:g}.")
        if not (0 <= self.beta1 < 1 and 0 <= self.beta2 < 1 and 0 < self.epsilon < math.inf):
            raise ConfigError("optim: beta1 and beta2 are from 0 to below 1, epsilon is above 0.")


@dataclass(frozen=True, kw_only=True)
class EvaluationConfig:
    """What is measured along the run, on the validation split.

    Attributes:
        every: Steps from one evaluation to the next; 0 for none.
        products: At most how many products of each source the loss is measured on.
        answers: At most how many products of each source are answered, scored and shown in a table; 0 for none.
        max_new_tokens: Longest answer.
        metric: What the best weights are chosen by: ``loss``, or a score such as ``category_exact``.
        patience: Evaluations without a better one after which the run stops; 0 for no early stop.
    """

    every: int = 200
    products: int = 200
    answers: int = 16
    max_new_tokens: int = 64
    metric: str = "loss"
    patience: int = 0

    def __post_init__(self) -> None:
        for name in ("every", "answers", "patience"):
            if getattr(self, name) < 0:
                raise ConfigError(f"evaluation.{name} is {getattr(self, name)}; allowed are 0 and above.")
        if self.products < 1 or self.max_new_tokens < 1:
            raise ConfigError("evaluation: products and max_new_tokens are 1 or above.")
        if self.metric != "loss" and not self.answers:
            raise ConfigError(
                f"evaluation.metric is {self.metric!r}, which needs answers; set evaluation.answers."
            )


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """A training run.

    Attributes:
        model: Folder, or name on the Hub. Path objects become text.
        out: Folder of the run; the same.
        data: What is trained on.
        method: ``lora``, ``dora``, ``qlora`` (4-bit weights below adapters; CUDA alone) or ``full``.
        lora: Adapters; not used by ``full``.
        train: With ``full``, the parts that learn, of vision, projector and text; the others are frozen. With adapters,
            `lora` says which parts get them.
        optim: Optimizer and its schedule.
        steps: Optimizer steps.
        batch_size: Samples that one process reads at a time.
        accumulate: Batches of one step.
        precision: ``bf16`` or ``float32``; ``auto`` is bf16 on a GPU.
        checkpoint_text: Whether the decoder's layers are computed anew for the gradients, which saves memory.
        checkpoint_vision: The same for the vision tower.
        shard: Whether weights, gradients and the optimizer's moments are divided among the processes (FSDP), in place of
            each process having all (DDP); ``accelerate launch --use_fsdp --fsdp_version 2`` sets it.
        compile: Whether layers are compiled; pays on a GPU from some hundred steps on.
        evaluation: What is measured along the run.
        save_every: Steps from one checkpoint to the next; 0 for one at the end alone.
        keep: How many checkpoints are kept.
        log_every: Steps from one line of metrics to the next.
        track: ``tensorboard``, ``wandb`` or ``none``; lines of JSON are always written.
        workers: Processes that make batches; 0 for the run's own.
        seed: Of new adapters and of dropout; samples are drawn by data.seed.
        device: ``auto`` (a GPU where there is one), ``cpu`` or ``cuda``.
    """

    model: str
    out: str
    data: DataConfig
    method: Method = "lora"
    lora: LoraSettings = field(default_factory=LoraSettings)
    train: tuple[PartName, ...] = ("vision", "projector", "text")
    optim: OptimConfig = field(default_factory=OptimConfig)
    steps: int = 1000
    batch_size: int = 8
    accumulate: int = 1
    precision: Literal["auto", "bf16", "float32"] = "auto"
    checkpoint_text: bool = False
    checkpoint_vision: bool = False
    shard: bool = False
    compile: bool = False
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    save_every: int = 200
    keep: int = 2
    log_every: int = 10
    track: Literal["tensorboard", "wandb", "none"] = "tensorboard"
    workers: int = 2
    seed: int = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"

    def __post_init__(self) -> None:
        for name in ("model", "out"):
            object.__setattr__(self, name, os.fspath(getattr(self, name)))
            if not getattr(self, name).strip() or "\0" in getattr(self, name):
                raise ConfigError(f"{name} is {getattr(self, name)!r}; give a folder.")
        for name, least in (
            ("steps", 1), ("batch_size", 1), ("accumulate", 1), ("keep", 1), ("log_every", 1),
            ("save_every", 0), ("workers", 0), ("seed", 0),
        ):  # fmt: skip
            if getattr(self, name) < least:
                raise ConfigError(
                    f"{name} is {getattr(self, name)}; allowed are whole numbers from {least} on."
                )
        if self.workers > _MOST_WORKERS:
            raise ConfigError(
                f"workers is {self.workers}; allowed are 0 to {_MOST_WORKERS}, and more than cores are of no use."
            )
        if self.seed >= 2**32:
            raise ConfigError(f"seed is {self.seed}; allowed are 0 to 2**32 - 1.")
        if not self.train:
            raise ConfigError("train: no part learns. Name vision, projector or text.")

    @property
    def uses_adapters(self) -> bool:
        """Whether adapters learn."""
        return self.method != "full"

    @property
    def trained_parts(self) -> tuple[PartName, ...]:
        """Parts whose own weights learn."""
        return () if self.uses_adapters else self.train


def load_run(
    path: str | os.PathLike[str],
    *,
    changes: Sequence[str] = (),
    sources: Sequence[str] = (),
    track: str | None = None,
) -> RunConfig:
    """Read a run's settings.

    Args:
        path: A YAML file.
        changes: ``KEY=VALUE`` each, as of ``--set``.
        sources: ``NAME=PATH:WEIGHT`` each; they stand in for those of the file.
        track: In place of the file's.

    Raises:
        ConfigError: Naming the setting that is unknown, of another type or out of range.
    """
    path = Path(path)
    values = read_yaml(path)
    for change in changes:
        set_value(values, change)
    if sources:
        data = values.setdefault("data", {})
        if not isinstance(data, dict):
            raise ConfigError(f"{path}: data is no mapping.")
        data["sources"] = [plain(parse_source(text)) for text in sources]
    if track is not None:
        values["track"] = track
    return build(RunConfig, values)


NOT_COMPARED = ("out", "workers", "device", "track", "keep")
"""Settings that do not make another run of one. What `device` may decide is the precision, which is compared as resolved."""


def differences(earlier: dict[str, Any], now: RunConfig) -> list[str]:
    """Say which settings of an earlier run are not those of this one; what it did not know yet has its default."""
    with suppress(ConfigError):
        earlier = plain(build(RunConfig, earlier))
    before, after = _flat(earlier), _flat(plain(now))
    return [
        f"{key} is {before.get(key)!r} there, {after.get(key)!r} here"
        for key in sorted(before.keys() | after.keys())
        if key.split(".")[0] not in NOT_COMPARED and before.get(key) != after.get(key)
    ]


def _flat(values: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(values, dict | list):
        items = values.items() if isinstance(values, dict) else enumerate(values)
        return {
            key: value
            for name, inner in items
            for key, value in _flat(inner, f"{prefix}.{name}" if prefix else str(name)).items()
        }
    return {prefix: values}
