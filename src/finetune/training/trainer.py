"""The Hugging Face Trainer with this project's loss, batches, checkpoints and evaluation."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import torch
from accelerate.utils import gather_object
from torch import Tensor, nn
from transformers import Trainer, TrainingArguments, get_scheduler
from transformers.trainer_callback import PrinterCallback, TrainerCallback

from finetune.config import RunConfig
from finetune.config.reading import plain
from finetune.errors import FinetuneError
from finetune.training.batches import COUNTED, TrainLoader
from finetune.training.checkpoints import (
    GENERATORS,
    OPTIMIZER,
    WEIGHTS,
    checkpoints,
    generator_states,
    join_optimizer,
    load_tensors,
    read_state,
    remove_old,
    restore_generators,
    restore_weights,
    split_optimizer,
    trained_weights,
    write_checkpoint,
)
from finetune.training.meter import SourceLosses, SpeedMeter
from finetune.training.preparing import Prepared, parameter_groups, resolved_precision
from finetune.training.sharding import gathered, is_sharded
from finetune.training.validation import Best, Validation

_RUN_AWAY = (
    "Start anew in another out with a smaller optim.learning_rate, more optim.warmup_steps, or optim.clip=1."
)
_AT_ONCE = (
    "Nothing was learned yet: the model's own weights give it. Take precision=float32, or another model."
)


class AnswerTrainer(Trainer):
    """Trains on the tokens of answers.

    Args:
        config: The run.
        prepared: Its model.
        loader: Its batches.
        validation: What is measured at each evaluation.
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
        validation: Validation,
        *,
        save_best: Callable[[Mapping[str, float]], None],
        lower_is_better: bool,
        arguments: TrainingArguments,
        callbacks: list[TrainerCallback],
    ) -> None:
        self.control: Any
        self.optimizer: Any
        self.lr_scheduler: Any
        super().__init__(
            model=prepared.model, args=arguments, eval_dataset=validation.stream, callbacks=callbacks
        )
        self.model_accepts_loss_kwargs = True  # the loss is divided by the answers' tokens of the whole step
        self._config, self._loader, self._validation = config, loader, validation
        self._save_best, self._lower_is_better = save_best, lower_is_better
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
        for name in ("loss", "eval_loss"):
            if not math.isfinite(logs.get(name, 0.0)):
                self._stop(f"{name} is {logs[name]}", self.state.global_step)

    def _get_grad_norm(self, model: nn.Module, grad_norm: Any = None) -> float:
        """Stop before a step that would spoil the weights.

        To read the norm is to wait for the device, as the forward pass does several times a batch.
        """
        norm = super()._get_grad_norm(model, grad_norm=grad_norm)
        norm = float(gathered({"norm": norm}, keep=True)["norm"])
        if not math.isfinite(norm):
            # All processes have the same norm, so all come here.
            losses = self._losses.means(self.accelerator.reduce(self._losses.sums))
            del losses["loss"]
            wrong = [f"{name} is {loss}" for name, loss in losses.items() if not math.isfinite(loss)]
            seen = ", ".join(name.removeprefix("loss_") for name in losses)
            found = ", ".join(wrong) or f"the losses of samples from {seen} are finite"
            self._stop(
                f"the gradients' norm is {norm}, {found}; the step was not taken", self.state.global_step + 1
            )
        return norm

    def _stop(self, found: str, step: int) -> NoReturn:
        """End a run that learns nothing any more; its checkpoints and best weights are from before.

        Raises:
            FinetuneError: Always.
        """
        rates = ", ".join(sorted({f"{rate:g}" for rate in self._rates.values()}))
        kept = checkpoints(Path(self._config.out))
        before = f"The last checkpoint, {kept[-1]}, is from before. " if kept else ""
        advice = _RUN_AWAY if self.state.global_step else _AT_ONCE
        raise FinetuneError(f"step {step}, learning rate {rates}: {found}. {before}{advice}")

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Measure the validation split; keep the best weights."""
        metrics = self._validation.measure(self.model, self.accelerator, self.state.global_step)
        self._speed.reset()
        self.latest = metrics
        self.log(dict(metrics))
        evaluation = self._config.evaluation
        value = metrics.get(f"eval_{evaluation.metric}")
        if self.best.is_beaten_by(value, self.state.global_step, lower_is_better=self._lower_is_better):
            self._save_best(metrics)
        elif evaluation.patience and self.best.worse >= evaluation.patience:
            self.control.should_training_stop = True
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _determine_best_metric(self, metrics: Any, trial: Any) -> bool:
        return False  # `evaluate` did

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        step, first = self.state.global_step, self.is_world_process_zero()
        generators = gather_object([generator_states()])
        bad = gather_object([self._loader.bad.state()])
        weights = gathered(trained_weights(self._unwrapped()), keep=first)
        if not all(bool(weight.isfinite().all()) for weight in weights.values()):
            self._stop("a weight is no finite number", step)
        moments, rest = split_optimizer(self.optimizer.state_dict())
        moments = gathered(moments, keep=first)
        if first:
            state = {
                "step": step,
                "config": plain(self._config),
                "precision": resolved_precision(self._config, self.args.device),
                "processes": self.accelerator.num_processes,
                "optimizer": rest,
                "scheduler": self.lr_scheduler.state_dict(),
                "best": vars(self.best),
                "bad": bad,
                "bad_held_out": self._validation.bad.state(),
            }
            run = Path(self._config.out)
            tensors = {WEIGHTS: weights, OPTIMIZER: moments}
            tensors |= {f"{number}-{GENERATORS}": states for number, states in enumerate(generators)}
            write_checkpoint(run, state, tensors, trainer=self.state.save_to_json)
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
