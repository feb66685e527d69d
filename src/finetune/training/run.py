"""A training run from its settings to its exports; one that was killed goes on from its last checkpoint."""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from accelerate.utils import gather_object
from transformers import TrainingArguments, set_seed
from transformers.trainer_callback import TrainerCallback
from transformers.utils import logging as transformers_logging

from finetune.config import RunConfig
from finetune.config.reading import write_yaml
from finetune.data import BadSamples, Phi3VisionProcessor, TrainStream
from finetune.data.held_out import HeldOutStream
from finetune.errors import ConfigError, DataError
from finetune.evaluation import METRICS
from finetune.model_folder import local_folder
from finetune.training.answering import Answering, chosen_products
from finetune.training.bad_rows import BAD, add_bad, joined, write_bad
from finetune.training.batches import TrainLoader
from finetune.training.checkpoints import (
    FOLDER,
    WEIGHTS,
    read_state,
    remove_unfinished,
    restore_weights,
)
from finetune.training.exports import count_parameters, export, model_card, whole_weights
from finetune.training.place import BEST, CONFIG, FINAL, MARK, alone_in, check_place, starting_point
from finetune.training.preparing import Prepared, check_run, is_half, prepare
from finetune.training.sharding import launched_with_fsdp, shard
from finetune.training.tracking import trackers
from finetune.training.trainer import AnswerTrainer
from finetune.training.validation import Best, Validation

__all__ = ("BEST", "CONFIG", "FINAL", "Outcome", "train")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to."""

    steps: int
    final: Path
    """The last weights."""
    best: Path | None
    """The weights of the best evaluation; None where none was made."""
    best_step: int
    best_value: float | None
    bad: tuple[tuple[str, str, str], ...] = ()
    """Source, row and reason of each row that was unusable, as in ``bad.jsonl``."""


def train(config: RunConfig, *, resume: bool = False, callbacks: tuple[TrainerCallback, ...] = ()) -> Outcome:
    """Train.

    Args:
        config: The run.
        resume: Whether to go on from the last checkpoint of `config.out`, where there is one.
        callbacks: Of the Trainer, besides the run's own.

    Raises:
        FinetuneError: If something is missing or at odds; before anything long begins where that can be known.
    """
    with ExitStack() as held:
        return _train(config, held, resume=resume, callbacks=callbacks)


def _train(
    config: RunConfig, held: ExitStack, *, resume: bool, callbacks: tuple[TrainerCallback, ...]
) -> Outcome:
    if launched_with_fsdp():
        config = replace(config, shard=True)
    out = Path(config.out)
    rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    if rank == 0:  # for the others it may be in the first one's hands already
        check_place(out)
        held.enter_context(alone_in(out))
    at = starting_point(config, out, resume=resume)
    _check_metric(config)
    folder = local_folder(config.model)
    device = check_run(config, folder)
    processor = Phi3VisionProcessor.from_pretrained(folder)
    stream = TrainStream(config.data, processor, batch_size=config.batch_size, rank=rank, world=world)
    steps = stream.batches(config.steps * config.accumulate) // config.accumulate
    if not steps:
        raise ConfigError(f"data: the mixture stops before one step of {config.batch_size} samples.")
    state: dict[str, Any] = read_state(at) if at else {"step": 0, "bad": []}
    bad_held_out = BadSamples(config.data.max_bad, state.get("bad_held_out", ()))
    held_out: HeldOutStream | None = None
    products = []
    if config.evaluation.every:
        held_out = _held_out(config, processor)
        products = chosen_products(config, bad_held_out) if config.evaluation.answers else []
    note_bad = partial(add_bad, out / BAD)
    if rank == 0:
        remove_unfinished(out / FOLDER)
        remove_unfinished(out)
        write_yaml(config, out / CONFIG, heading=MARK)
        write_bad(out / BAD, joined(*state["bad"], bad_held_out.state()))
        bad_held_out = BadSamples(config.data.max_bad, bad_held_out.state(), note=note_bad)
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()  # the command shows its own
    set_seed(config.seed)
    prepared = prepare(config, folder, device)
    bad_rows = state["bad"][rank] if rank < len(state["bad"]) else []
    loader = TrainLoader(
        stream,
        BadSamples(config.data.max_bad, bad_rows, note=note_bad),
        workers=config.workers,
        first=state["step"] * config.accumulate,
        last=steps * config.accumulate,
    )
    writers = trackers(config, step=state["step"]) if rank == 0 else []
    boards = [writer for writer in writers if hasattr(writer, "table")]
    answering = Answering(config, processor, products, boards, writes=rank == 0)

    def save(place: Path, step: int, scores: Mapping[str, float]) -> None:
        weights = whole_weights(prepared.model, keep=rank == 0)
        if rank == 0:
            card = _card(config, prepared, step, scores)
            export(prepared.model, processor, place, base=config.model, card=card, weights=weights)

    arguments = _arguments(config, steps=steps, device=device.type, half=is_half(config, device))
    if config.shard:
        shard(prepared.model, arguments.device, half=is_half(config, device))

    trainer = AnswerTrainer(
        config,
        prepared,
        loader,
        Validation(config, held_out, bad_held_out, lambda step: answering(prepared.model, step)),
        save_best=lambda metrics: save(out / BEST, trainer.state.global_step, metrics),
        lower_is_better=_lower_is_better(config),
        arguments=arguments,
        callbacks=[*writers, *callbacks],
    )
    if at is not None and _is_over(config, state, steps):
        restore_weights(prepared.model, at / WEIGHTS)
        trainer.state.global_step, trainer.best = state["step"], Best(**state["best"])
    else:
        trainer.train(resume_from_checkpoint=None if at is None else str(at))
    best = trainer.best
    save(out / FINAL, trainer.state.global_step, trainer.latest)
    bad = joined(gather_object(loader.bad.state()), bad_held_out.state())
    if rank == 0:
        write_bad(out / BAD, bad)
    trainer.accelerator.wait_for_everyone()
    return Outcome(
        steps=trainer.state.global_step,
        final=out / FINAL,
        best=out / BEST if best.value is not None else None,
        best_step=best.step,
        best_value=best.value,
        bad=bad,
    )


def _held_out(config: RunConfig, processor: Phi3VisionProcessor) -> HeldOutStream:
    try:
        return HeldOutStream(
            config.data,
            processor,
            split="validation",
            batch_size=config.batch_size,
            limit=config.evaluation.products,
        )
    except DataError as error:
        raise DataError(f"{error} Without evaluations (evaluation.every=0) none is needed.") from error


def _is_over(config: RunConfig, state: Mapping[str, Any], steps: int) -> bool:
    patience = config.evaluation.patience
    return bool(state["step"] >= steps or (patience and state["best"]["worse"] >= patience))


def _check_metric(config: RunConfig) -> None:
    names = ["loss", *(metric.name for metric in METRICS)]
    if config.evaluation.metric not in names:
        raise ConfigError(
            f"evaluation.metric is {config.evaluation.metric!r}; allowed are {', '.join(names)}."
        )


def _lower_is_better(config: RunConfig) -> bool:
    lower = {metric.name for metric in METRICS if metric.lower_is_better} | {"loss"}
    return config.evaluation.metric in lower


def _arguments(config: RunConfig, *, steps: int, device: str, half: bool) -> TrainingArguments:
    every = config.evaluation.every
    return TrainingArguments(
        output_dir=config.out,
        max_steps=steps,
        per_device_train_batch_size=config.batch_size,
        per_device_eval_batch_size=config.batch_size,
        gradient_accumulation_steps=config.accumulate,
        max_grad_norm=config.optim.clip,
        logging_steps=config.log_every,
        logging_nan_inf_filter=False,
        eval_strategy="steps" if every else "no",
        eval_steps=every or None,
        save_strategy="steps",
        save_steps=min(config.save_every or steps, steps),
        bf16=half,
        use_cpu=device == "cpu",
        report_to="none",
        remove_unused_columns=False,
        ignore_data_skip=True,
        disable_tqdm=True,
        ddp_find_unused_parameters=False,
        seed=config.seed,
        label_names=["labels"],
    )


def _card(config: RunConfig, prepared: Prepared, step: int, scores: Mapping[str, float]) -> str:
    facts = {
        "data": ", ".join(f"{source.name} ({source.weight:g})" for source in config.data.sources),
        "method": config.method,
        "trained parameters": f"{count_parameters(prepared.model):,}",
        "optimizer steps": f"{step:,} of {config.batch_size * config.accumulate} samples",
        "learning rate": f"{config.optim.learning_rate:g}",
        "prompt": f"`{config.data.prompt.build().prompt_text!r}`",
    }
    title = f"{Path(config.out).name}: products from pictures"
    return model_card(title, facts, scores, adapter=config.uses_adapters, base=config.model)
