"""What is trained on: the mixture of sources, prompts, limits. Plain values that YAML holds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from finetune.config.sources import SourceConfig, check_weight
from finetune.errors import ConfigError
from finetune.forms import (
    CHAT_ENDING,
    CHAT_PROMPT,
    FIELDS,
    QUESTION,
    SOURCE_ENDING,
    SOURCE_PROMPT,
    PromptForm,
    labelled_answer,
)


@dataclass(frozen=True, kw_only=True)
class ScheduleConfig:
    """How shares change along the run.

    Attributes:
        kind: ``constant``: the sources' weights throughout. ``warmup``: `start` for `draws` samples, then `end`.
            ``linear``: from `start` to `end` along `draws` samples, then `end`.
        draws: In samples, above 0; not used by ``constant``.
        start: Weights by name; None for the synthetic sources alone, in their weights' ratio.
        end: Weights by name; None for the real sources alone, in their weights' ratio.
    """

    kind: Literal["constant", "warmup", "linear"] = "constant"
    draws: int = 0
    start: Mapping[str, float] | None = None
    end: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        if self.kind not in ("constant", "warmup", "linear"):
            raise ConfigError(f"schedule: found {self.kind!r}; allowed are constant, warmup and linear.")
        if self.kind != "constant" and self.draws < 1:
            raise ConfigError(
                f"schedule: {self.kind} needs draws, its length in samples, above 0; found {self.draws}."
            )


@dataclass(frozen=True, kw_only=True)
class MixtureConfig:
    """How sources are mixed.

    Attributes:
        exhausted: What happens when a source has been read to its end: ``oversample`` reads it again in another
            order, ``stop`` ends the stream there.
        schedule: How shares change.
    """

    exhausted: Literal["oversample", "stop"] = "oversample"
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)

    def __post_init__(self) -> None:
        if self.exhausted not in ("oversample", "stop"):
            raise ConfigError(f"exhausted: found {self.exhausted!r}; allowed are oversample and stop.")


@dataclass(frozen=True, kw_only=True)
class PromptConfig:
    """What is asked and answered.

    Attributes:
        form: ``source``: the prompt that the project's source document trains on. ``chat``: the official template.
        question: Stands after the picture.
        fields: Fields of the answer, in order, each with its label.
        answer: Template of the answer in place of `fields`, such as ``"{title} costs {full_price}"``.
        prompt: Template of all before the answer in place of the form's, with ``<|image_1|>`` once.
        ending: What closes the answer, in place of the form's.
    """

    form: Literal["source", "chat"] = "source"
    question: str = QUESTION
    fields: tuple[str, ...] = FIELDS
    answer: str | None = None
    prompt: str | None = None
    ending: str | None = None

    def __post_init__(self) -> None:
        if self.form not in ("source", "chat"):
            raise ConfigError(f"form: found {self.form!r}; allowed are source and chat.")
        self.build()

    def build(self) -> PromptForm:
        """Make the form.

        Raises:
            ConfigError: If a template is not usable.
        """
        prompt, ending = (
            (SOURCE_PROMPT, SOURCE_ENDING) if self.form == "source" else (CHAT_PROMPT, CHAT_ENDING)
        )
        return PromptForm(
            prompt=prompt if self.prompt is None else self.prompt,
            answer=labelled_answer(self.fields) if self.answer is None else self.answer,
            ending=ending if self.ending is None else self.ending,
            question=self.question,
        )


@dataclass(frozen=True, kw_only=True)
class SplitConfig:
    """Which share of the styles is held out; the same rule for every source.

    Attributes:
        validation: Share of the styles, 0 or above.
        test: Share of the styles, 0 or above; with `validation` below 1.
        seed: Another seed holds out others. Apart from the run's seed, so that runs of several seeds are measured
            on the same products.
    """

    validation: float = 0.1
    test: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        for name, share in (("validation", self.validation), ("test", self.test)):
            if not (math.isfinite(share) and 0 <= share < 1):
                raise ConfigError(f"splits: {name} is {share}; allowed are shares from 0 to below 1.")
        if not 0 <= self.seed < 2**63:
            raise ConfigError(f"splits: seed is {self.seed}; allowed are 0 to 2**63 - 1.")
        if self.validation + self.test >= 1:
            raise ConfigError(
                f"splits: validation {self.validation} and test {self.test} leave nothing to train on."
            )


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """All that decides which tensors a run sees, in which order.

    Attributes:
        sources: At least one; names differ, weights sum to more than 0.
        mixture: How they are mixed.
        prompt: What is asked and answered.
        splits: What is held out.
        num_crops: At most how many crops a picture is cut into, 1 to 16.
        max_length: Longest sample in tokens, those of the picture included.
        packing: Whether several samples share a row.
        row_tokens: With `packing`, most tokens of a row of several samples; None for `max_length`.
        max_bad: How many different rows may be unusable before the run stops.
        seed: Same seed, same samples in the same order.
    """

    sources: tuple[SourceConfig, ...]
    mixture: MixtureConfig = field(default_factory=MixtureConfig)
    prompt: PromptConfig = field(default_factory=PromptConfig)
    splits: SplitConfig = field(default_factory=SplitConfig)
    num_crops: int = 4
    max_length: int = 4096
    packing: bool = False
    row_tokens: int | None = None
    max_bad: int = 50
    seed: int = 0

    def __post_init__(self) -> None:
        _check_sources(self.sources)
        if not 1 <= self.num_crops <= 16:
            raise ConfigError(f"num_crops is {self.num_crops}; allowed are 1 to 16.")
        if self.max_length < 1:
            raise ConfigError(f"max_length is {self.max_length}; allowed are tokens above 0.")
        if self.row_tokens is not None and self.row_tokens < 1:
            raise ConfigError(f"row_tokens is {self.row_tokens}; allowed are tokens above 0.")
        if self.max_bad < 0:
            raise ConfigError(f"max_bad is {self.max_bad}; allowed are 0 and above.")
        if not 0 <= self.seed < 2**63:
            raise ConfigError(f"seed is {self.seed}; allowed are 0 to 2**63 - 1.")
        schedule_weights(self.sources, self.mixture.schedule)


def _check_sources(sources: Sequence[SourceConfig]) -> None:
    if not sources:
        raise ConfigError("data.sources: there is no source. Give at least one, such as real=PATH:0.3.")
    names = [source.name for source in sources]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"data: {', '.join(twice)} is the name of two sources. Give each its own.")
    if len(sources) > 100:
        raise ConfigError(f"data: found {len(sources)} sources; allowed are 100.")


def schedule_weights(
    sources: Sequence[SourceConfig], schedule: ScheduleConfig
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Give the sources' weights at the start and at the end of a schedule.

    Raises:
        ConfigError: If weights sum to 0 or name a source that is not there.
    """
    own = {source.name: source.weight for source in sources}
    if schedule.kind == "constant":
        return (_summing(own, own, "the sources' weights"),) * 2
    synthetic = {source.name: source.weight for source in sources if source.is_synthetic}
    real = {source.name: source.weight for source in sources if not source.is_synthetic}
    start = synthetic if schedule.start is None else schedule.start
    end = real if schedule.end is None else schedule.end
    return _summing(own, start, f"{schedule.kind}: start"), _summing(own, end, f"{schedule.kind}: end")


def _summing(own: Mapping[str, float], weights: Mapping[str, float], where: str) -> tuple[float, ...]:
    for name, weight in weights.items():
        if name not in own:
            raise ConfigError(f"{where}: there is no source {name!r}; there are {', '.join(own)}.")
        check_weight(f"{where}: {name}", weight)
    if not sum(weights.values()) > 0:
        found = ", ".join(f"{name}={weight:g}" for name, weight in weights.items()) or "no source"
        raise ConfigError(
            f"{where}: found {found}, which sum to 0. Give at least one source a weight above 0; schedules tell "
            "synthetic sources by 'synthetic: true', a path template:NAME or a name that begins with synth."
        )
    return tuple(weights.get(name, 0.0) for name in own)
