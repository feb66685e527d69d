"""What is counted between two lines of metrics: losses by source, samples, tokens, operations."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from finetune.modeling.config import Phi3VisionConfig
from finetune.modeling.flops import Training, Work, peak_flops, training_flops
from finetune.modeling.loss import AnswerLoss

COUNTS = ("samples", "tokens", "crops", "answer_tokens", "picture_tokens")


@dataclass
class SourceLosses:
    """Sums of losses by source, on the device until they are asked for."""

    names: Sequence[str]
    device: torch.device
    sums: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self.sums = torch.zeros(2, len(self.names), dtype=torch.float64, device=self.device)

    def add(self, outputs: AnswerLoss, source_ids: Tensor) -> None:
        """Add a batch's losses; `source_ids` ``(batch, token)``."""
        if outputs.losses is None or outputs.places is None or not len(outputs.places):
            return
        sources = source_ids.flatten().to(self.device)[outputs.places].long()
        self.sums[0].index_add_(0, sources, outputs.losses.double())
        self.sums[1].index_add_(0, sources, torch.ones_like(outputs.losses, dtype=torch.float64))

    def means(self, sums: Tensor) -> dict[str, float]:
        """Give ``loss`` and ``loss_NAME`` of each source that was seen."""
        totals, counts = sums.tolist()
        means = {
            f"loss_{name}": total / count
            for name, total, count in zip(self.names, totals, counts, strict=True)
            if count
        }
        return {"loss": sum(totals) / max(sum(counts), 1), **means}


class SpeedMeter:
    """Samples and tokens a second and MFU since the last line.

    Args:
        config: Of the model.
        training: Which parts learn how.
        device: Whose peak counts.
    """

    def __init__(self, config: Phi3VisionConfig, training: Training, device: torch.device) -> None:
        self._config, self._training = config, training
        self._peak = peak_flops(torch.cuda.get_device_name(device)) if device.type == "cuda" else None
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self._start = time.perf_counter()
        self._flops = self._samples = self._tokens = 0.0

    def add(self, counts: dict[str, Any]) -> None:
        """Add a batch's real samples, tokens and crops."""
        samples, tokens = counts["samples"], counts["tokens"]
        self._samples += samples
        self._tokens += tokens
        work = Work(
            # Lengths within a batch are alike; their mean stands for each.
            [tokens // samples] * samples,
            answer_tokens=counts["answer_tokens"],
            picture_tokens=counts["picture_tokens"],
            crops=counts["crops"],
        )
        self._flops += training_flops(self._config, work, self._training)

    def rates(self, world: int) -> dict[str, float]:
        """Give ``samples_per_second`` and ``tokens_per_second`` of all processes, and ``mfu`` where it is known."""
        seconds = max(time.perf_counter() - self._start, 1e-9)
        rates = {
            "samples_per_second": self._samples * world / seconds,
            "tokens_per_second": self._tokens * world / seconds,
        }
        return rates if self._peak is None else {**rates, "mfu": self._flops / seconds / self._peak}
