"""The validation split along a run: its loss, the scores of its answers, and the best evaluation so far."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from accelerate.utils import send_to_device

from finetune.config import RunConfig
from finetune.data import BadSamples
from finetune.data.held_out import HeldOutStream
from finetune.data.loading import train_batches
from finetune.training.batches import COUNTED, model_inputs
from finetune.training.meter import SourceLosses
from finetune.training.sharding import put_away

Evaluate = Callable[[int], Mapping[str, float]]
"""Answers some products with the weights as they are after a step; gives scores."""


@dataclass
class Best:
    """The best evaluation so far."""

    value: float | None = None
    step: int = 0
    worse: int = 0
    """Evaluations since without a better one."""

    def is_beaten_by(self, value: float | None, step: int, *, lower_is_better: bool) -> bool:
        """Take over a better value; count one that is not."""
        better = (
            value is not None
            and math.isfinite(value)
            and (self.value is None or (value < self.value if lower_is_better else value > self.value))
        )
        if better:
            self.value, self.step, self.worse = value, step, 0
        else:
            self.worse += 1
        return better


class Validation:
    """What is measured at each evaluation.

    Args:
        config: The run.
        stream: Makes the batches; None for a run without evaluations.
        bad: Counts the split's unusable rows.
        answer: Answers some products; called by every process, and the first one's scores count.
    """

    def __init__(
        self, config: RunConfig, stream: HeldOutStream | None, bad: BadSamples, answer: Evaluate
    ) -> None:
        self._config, self.stream, self.bad, self._answer = config, stream, bad, answer

    def measure(self, model: Any, accelerator: Any, step: int) -> dict[str, float]:
        """Give ``eval_loss``, by source too, and the scores of answers; every process has to call it."""
        losses = self._losses(model, accelerator)
        scores: list[Mapping[str, float]] = [{}]
        if self._config.evaluation.answers:
            scores = [self._answer(step)]
        put_away(model)
        if accelerator.num_processes > 1:
            torch.distributed.broadcast_object_list(scores, src=0)
        return {f"eval_{name}": value for name, value in {**losses, **scores[0]}.items()}

    def _losses(self, model: Any, accelerator: Any) -> dict[str, float]:
        if self.stream is None:
            raise ValueError("this run has no validation split to measure")
        losses = SourceLosses([source.name for source in self._config.data.sources], accelerator.device)
        rank, world = accelerator.process_index, accelerator.num_processes
        model.eval()
        batches = train_batches(self.stream, last=len(self.stream), bad=self.bad)
        while shares := list(islice(batches, world)):
            # Who has no batch left reads the last one along: sharded weights are there for all or for none.
            inputs = send_to_device(model_inputs(shares[min(rank, len(shares) - 1)]), accelerator.device)
            source_ids, _ = inputs.pop("source_ids"), inputs.pop(COUNTED)
            with torch.no_grad(), accelerator.autocast():
                outputs = model(**inputs, answers_only=True)
            if rank < len(shares):
                losses.add(outputs, source_ids)
        return losses.means(accelerator.reduce(losses.sums))
