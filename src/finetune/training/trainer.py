"""The Hugging Face Trainer with this project's loss, batches, checkpoints and evaluation."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import gather_object
from torch import Tensor, nn
from transformers import Trainer, TrainingArguments, get_scheduler
from transformers.trainer_callback import PrinterCallback, TrainerCallback

from finetune.config import RunConfig
from finetune.config.reading import plain
from finetune.data.batches import BadSamples
from finetune.data.loading import train_batches
from finetune.training.batches import COUNTED, TrainLoader, model_inputs
from finetune.training.checkpoints import (
    GENERATORS,
    OPTIMIZER,
    STATE,
    WEIGHTS,
    checkpoint_path,
    generator_states,
    join_optimizer,
    load_tensors,
    read_state,
    remove_old,
    restore_generators,
    restore_weights,
    save_weights,
    split_optimizer,
    trained_weights,
    write_folder,
    write_json,
)
from finetune.training.meter import SourceLosses, SpeedMeter, check_finite
from finetune.training.preparing import Prepared, parameter_groups
from finetune.training.sharding import gathered, is_sharded, put_away

TRAINER_STATE = "trainer_state.json"
Evaluate = Callable[[int], Mapping[str, float]]
"""Answers some products with the weights as they are after a step; gives scores."""


@dataclass
class Best:
    """The best evaluation so far."""

    value: float | None = None
    step: int = 0
    worse: int = 0
    """Evaluations since without a better one."""


class AnswerTrainer(Trainer):
    """Trains on the tokens of answers.

    Args:
        config: The run.
        prepared: Its model.
        loader: Its batches.
        held_out: Makes the batches of the validation split.
        bad_held_out: Counts that split's unusable rows.
        answer: Answers some products; called by every process, and the first one's scores count.
        save_best: Called by every process with the metrics of an evaluation that is the best so far.
        lower_is_better: Whether the metric that decides is better when it is lower.
        arguments: Of the Trainer.
        callbacks: What writes metrics.
    """

    def __init__(
        self,
        config: RunConfig,
        prepared: Prepared,
        loader: TrainLoader,
        held_out: Any,
        *,
        bad_held_out: BadSamples,
        answer: Evaluate,
        save_best: Callable[[Mapping[str, float]], None],
        lower_is_better: bool,
        arguments: TrainingArguments,
        callbacks: list[TrainerCallback],
    ) -> None:
        self.control: Any
        self.optimizer: Any
        self.lr_scheduler: Any
        super().__init__(model=prepared.model, args=arguments, eval_dataset=held_out, callbacks=callbacks)
        self.model_accepts_loss_kwargs = True  # the loss is divided by the answers' tokens of the whole step
        self._config, self._base, self._loader, self._held_out = config, prepared.base, loader, held_out
        self._answer, self._save_best, self._lower_is_better = answer, save_best, lower_is_better
        self._bad_held_out = bad_held_out
        names = [source.name for source in config.data.sources]
        self._losses = SourceLosses(names, self.args.device)
        self._speed = SpeedMeter(prepared.base.config, prepared.training, self.args.device)
        self.best = Best()
        self.latest: Mapping[str, float] = {}
        self._rates: dict[str, float] = {}
        self.remove_callback(PrinterCallback)

    def _move_model_to_device(self, model: nn.Module, device: torch.device) -> None:
        if not is_sharded(model):  # it is there already
            super()._move_model_to_device(model, device)

    def get_train_dataloader(self) -> Any:
        """Give the batches; they are divided among processes already."""
        return self._loader

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """Count nothing: `SpeedMeter` does."""
        return 0

    def training_step(self, *args: Any, **kwargs: Any) -> Tensor:
        """Note the rates of this step; the Trainer logs after the schedule has gone on."""
        self._rates = {f"learning_rate_{group['part']}": group["lr"] for group in self.optimizer.param_groups}
        loss: Tensor = super().training_step(*args, **kwargs)
        return loss

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """Sum the losses of the answers' tokens, divided by the tokens of the whole step, all processes together."""
        source_ids, counts = inputs.pop("source_ids"), inputs.pop(COUNTED)
        with self.accelerator.autocast():
            outputs = model(**inputs, answers_only=True, answer_tokens=num_items_in_batch)
        self._losses.add(outputs, source_ids)
        self._speed.add(counts)
        # Gradients are averaged over the processes; the division above is by all their tokens.
        loss = outputs.loss * self.accelerator.num_processes
        return (loss, outputs) if return_outputs else loss

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """Make AdamW with a learning rate for each part."""
        if self.optimizer is None:
            optim = self._config.optim
            self.optimizer = torch.optim.AdamW(
                parameter_groups(self.model if model is None else model, self._config),
                betas=(optim.beta1, optim.beta2),
                eps=optim.epsilon,
                fused=self.args.device.type == "cuda",
            )
        optimizer: torch.optim.Optimizer = self.optimizer
        return optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """Make warm-up and what follows it."""
        if self.lr_scheduler is None:
            optim = self._config.optim
            name = "constant_with_warmup" if optim.schedule == "constant" else optim.schedule
            self.lr_scheduler = get_scheduler(
                name,
                optimizer=self.optimizer if optimizer is None else optimizer,
                num_warmup_steps=min(optim.warmup_steps, num_training_steps),
                num_training_steps=num_training_steps,
            )
            self._created_lr_scheduler = True
        return self.lr_scheduler

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Add losses by source, learning rates by part and speed to the Trainer's own values."""
        if "loss" in logs:
            sums = self.accelerator.reduce(self._losses.sums)
            logs.update(self._losses.means(sums))
            logs.update(self._speed.rates(self.accelerator.num_processes))
            logs.update(self._rates)
            logs["bad_samples"] = len(self._loader.bad)
            self._losses.reset()
            self._speed.reset()
        super().log(logs, *args, **kwargs)
        check_finite({name: logs.get(name, 0.0) for name in ("loss", "eval_loss")}, self.state.global_step)

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Measure the loss of the validation split, and answers; keep the best weights."""
        losses = SourceLosses(self._losses.names, self.args.device)
        self.model.eval()
        rank, world = self.accelerator.process_index, self.accelerator.num_processes
        batches = train_batches(self._held_out, last=len(self._held_out), workers=0, bad=self._bad_held_out)
        while shares := list(islice(batches, world)):
            # Who has no batch left reads the last one along: sharded weights are there for all or for none.
            inputs = self._prepare_inputs(model_inputs(shares[min(rank, len(shares) - 1)]))
            source_ids, _ = inputs.pop("source_ids"), inputs.pop(COUNTED)
            with torch.no_grad(), self.accelerator.autocast():
                outputs = self.model(**inputs, answers_only=True)
            if rank < len(shares):
                losses.add(outputs, source_ids)
        sums = self.accelerator.reduce(losses.sums)
        scores: list[Mapping[str, float]] = [{}]
        if self._config.evaluation.answers:
            scores = [self._answer(self.state.global_step)]
        put_away(self.model)
        if world > 1:
            torch.distributed.broadcast_object_list(scores, src=0)
        metrics = {f"eval_{name}": value for name, value in {**losses.means(sums), **scores[0]}.items()}
        self._speed.reset()
        self.latest = metrics
        self.log(dict(metrics))
        self._judge(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _judge(self, metrics: Mapping[str, float]) -> None:
        value = metrics.get(f"eval_{self._config.evaluation.metric}")
        best = self.best
        better = (
            value is not None
            and math.isfinite(value)
            and (best.value is None or (value < best.value if self._lower_is_better else value > best.value))
        )
        if better:
            self.best = Best(value, self.state.global_step)
            self._save_best(metrics)
        else:
            best.worse += 1
            patience = self._config.evaluation.patience
            if patience and best.worse >= patience:
                self.control.should_training_stop = True

    def _determine_best_metric(self, metrics: Any, trial: Any) -> bool:
        return False  # `_judge` did

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        generators = gather_object([generator_states()])
        bad = gather_object([self._loader.bad.state()])
        first = self.is_world_process_zero()
        weights = gathered(trained_weights(self._unwrapped()), keep=first)
        finite = all(bool(weight.isfinite().all()) for weight in weights.values())
        check_finite({"a weight": 0.0 if finite else math.nan}, self.state.global_step)
        tensors, rest = split_optimizer(self.optimizer.state_dict())
        tensors = gathered(tensors, keep=first)
        if not first:
            self.accelerator.wait_for_everyone()
            return
        step = self.state.global_step
        state = {
            "step": step,
            "config": plain(self._config),
            "processes": self.accelerator.num_processes,
            "optimizer": rest,
            "scheduler": self.lr_scheduler.state_dict(),
            "best": vars(self.best),
            "bad": bad,
            "bad_held_out": self._bad_held_out.state(),
        }

        def write(folder: Path) -> None:
            save_weights(weights, folder / WEIGHTS)
            save_weights(tensors, folder / OPTIMIZER)
            for number, states in enumerate(generators):
                save_weights(
                    {name: value.contiguous() for name, value in states.items()},
                    folder / f"{number}-{GENERATORS}",
                )
            write_json(folder / STATE, state)
            self.state.save_to_json(str(folder / TRAINER_STATE))

        run = Path(self._config.out)
        write_folder(checkpoint_path(run, step), write)
        remove_old(run, self._config.keep)
        self.accelerator.wait_for_everyone()

    def _unwrapped(self) -> nn.Module:
        model: nn.Module = self.accelerator.unwrap_model(self.model)
        return model

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        restore_weights(self._unwrapped(), Path(resume_from_checkpoint) / WEIGHTS)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None:
            return
        folder = Path(checkpoint)
        state = read_state(folder)
        weights = [weight for group in self.optimizer.param_groups for weight in group["params"]]
        joined = join_optimizer(load_tensors(folder / OPTIMIZER), state["optimizer"], weights)
        self.optimizer.load_state_dict(joined)
        self.lr_scheduler.load_state_dict(state["scheduler"])
        self.best = Best(**state["best"])

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            number = self.accelerator.process_index
            restore_generators(load_tensors(Path(checkpoint) / f"{number}-{GENERATORS}"))

    def _load_scaler(self, checkpoint: str | None) -> None:
        pass  # bf16 needs none
