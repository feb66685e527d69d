"""One evaluation: products of each source, answers with and without their pictures, baselines, all scored."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np

from finetune.answers import Answer, parse_answer
from finetune.config import SourceConfig, Split, SplitConfig
from finetune.data.examples import Product
from finetune.data.processor import Phi3VisionProcessor
from finetune.data.sources import open_source
from finetune.errors import DataError
from finetune.evaluation.baselines import baselines
from finetune.evaluation.bootstrap import DRAWS, Interval
from finetune.evaluation.choosing import choose_products, choose_untested, usable_products
from finetune.evaluation.generation import MAX_NEW_TOKENS, AnswerCache, generate_answers
from finetune.evaluation.picture_test import PictureGain, picture_gain
from finetune.evaluation.scores import Judged, judge
from finetune.forms import PromptForm

TRAIN_LIMIT = 2000
OWN, SHUFFLED, BLANK = "own pictures", "pictures of others", "grey pictures"
_CHOICES = {OWN: "as is", SHUFFLED: "shuffled", BLANK: "blank"}


@dataclass(frozen=True, kw_only=True)
class EvaluationSettings:
    """How an evaluation is done.

    Attributes:
        split: Which part of each source is asked about.
        limit: At most how many of its products, drawn by `seed`; None for all (500 of a live source).
        train_limit: At most how many products of the train split the baselines learn from, of styles that are not
            tested.
        batch_size: Pictures at a time.
        num_crops: 1 to 16; None for the processor's own.
        max_new_tokens: At most how long an answer is.
        max_bad: How many unusable products of a source are passed over before the evaluation stops.
        draws: Of the bootstrap.
        seed: Same seed, same result.
        rule: How styles are divided into splits.
    """

    split: Split = "test"
    limit: int | None = None
    train_limit: int = TRAIN_LIMIT
    batch_size: int = 8
    num_crops: int | None = None
    max_new_tokens: int = MAX_NEW_TOKENS
    max_bad: int = 50
    draws: int = DRAWS
    seed: int = 0
    rule: SplitConfig = field(default_factory=SplitConfig)

    def __post_init__(self) -> None:
        lowest = {"train_limit": 0, "batch_size": 1, "max_new_tokens": 1, "max_bad": 0, "draws": 1, "seed": 0}
        for name, least in lowest.items():
            if getattr(self, name) < least:
                raise DataError(
                    f"{name} is {getattr(self, name)}; allowed are whole numbers from {least} on."
                )
        if self.split not in get_args(Split):
            raise DataError(f"split is {self.split!r}; allowed are {', '.join(get_args(Split))}.")
        if self.limit is not None and self.limit < 2:
            raise DataError(f"limit is {self.limit}; the picture test needs at least 2 products.")


@dataclass(frozen=True, kw_only=True)
class Run:
    """Answers of one kind to the products of a source.

    Attributes:
        answers: One for each product.
        texts: What was written; empty for baselines.
        judged: The answers held to the truth.
        intervals: Metrics, each with its interval.
    """

    answers: Sequence[Answer]
    texts: Sequence[str] = ()
    judged: Judged
    intervals: Mapping[str, Interval]


@dataclass(frozen=True, kw_only=True)
class SourceResult:
    """What was found on one source.

    Attributes:
        name: Of the source.
        path: Where it is.
        synthetic: Whether samplegen made its pictures, as far as the source says.
        products: What was asked about.
        skipped: Products that could not be used, each with the reason.
        runs: The model's with `OWN`, `SHUFFLED` and `BLANK` pictures.
        baselines: By name.
        train_rows: How many products the baselines learned from.
        baselines_note: Says why there are no baselines; empty where there are.
        gain: What the model gains from its pictures.
    """

    name: str
    path: str
    synthetic: bool
    products: Sequence[Product]
    skipped: Sequence[str]
    runs: Mapping[str, Run]
    baselines: Mapping[str, Run]
    train_rows: int
    baselines_note: str
    gain: PictureGain

    @property
    def styles(self) -> int:
        """How many styles the products are of."""
        return len(np.unique(self.runs[OWN].judged.groups))


@dataclass(frozen=True, kw_only=True)
class OpenedSource:
    """A source whose products are known, and are enough."""

    config: SourceConfig
    test: Sequence[Product]
    train: Sequence[Product]
    skipped: Sequence[str]
    untaught: str = "there are no training products"
    """Why `train` is empty, where it is."""


def open_sources(
    configs: Sequence[SourceConfig], form: PromptForm, settings: EvaluationSettings
) -> list[OpenedSource]:
    """Open the sources of an evaluation and choose their products; no picture is kept.

    Raises:
        DataError: If a source is missing or empty, has not what the answers need, or too many unusable products; or two
            have one name.
    """
    if not configs:
        raise DataError("there is nothing to evaluate on; give data, at least one NAME=PATH.")
    names = [config.name for config in configs]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(
            f"data: two sources are named {', '.join(twice)}; write NAME=PATH to tell them apart."
        )
    return [_open(config, form, settings) for config in configs]


def _open(config: SourceConfig, form: PromptForm, settings: EvaluationSettings) -> OpenedSource:
    source = open_source(
        config, split=settings.split, rule=settings.rule, needs=form.fields, seed=settings.seed
    )
    chosen = choose_products(source, settings.limit, settings.seed)
    test, skipped = usable_products(chosen, form, config, settings.max_bad)
    if len(test) < 2:
        raise DataError(
            f"source {config.name}: {len(test)} of {len(chosen)} products of split {settings.split!r} can be used; "
            "the picture test needs at least 2."
        )
    train, untaught = _to_learn_from(config, chosen, form, settings)
    return OpenedSource(config=config, test=test, train=train, untaught=untaught, skipped=skipped)


def _to_learn_from(
    config: SourceConfig, tested: Sequence[Product], form: PromptForm, settings: EvaluationSettings
) -> tuple[Sequence[Product], str]:
    """Choose what the baselines learn from, or say why there is nothing."""
    if not settings.train_limit:
        return (), "train_limit is 0"
    try:
        known = open_source(config, split="train", rule=settings.rule, needs=form.fields, seed=settings.seed)
    except DataError:  # such as a set of test products alone: it can be evaluated, without baselines
        return (), "there are no training products"
    if settings.split in ("test", "validation"):  # of other styles than the training products, by the rule
        chosen = choose_products(known, settings.train_limit, settings.seed)
    else:
        chosen = choose_untested(known, tested, settings.train_limit, settings.seed)
        if not chosen:
            return (), f"every training product is of a style that is tested (split {settings.split!r})"
    train, _ = usable_products(chosen, form, config, settings.max_bad)
    return train, "no training product can be used"


def evaluate(
    model: Any,
    processor: Phi3VisionProcessor,
    source: OpenedSource,
    *,
    form: PromptForm,
    settings: EvaluationSettings,
    cache: AnswerCache | None = None,
    on_rows: Callable[[int], None] = lambda rows: None,
) -> SourceResult:
    """Ask a model about a source's products, and measure its answers.

    Args:
        model: `Phi3VisionForCausalLM`, or that with adapters.
        processor: Its processor.
        source: Of `open_sources`.
        form: What is asked, and how answers are written.
        settings: See there.
        cache: Answers of earlier runs.
        on_rows: Called with the number of pictures that are done since the last call; see `pictures_to_see`.
    """
    cache = AnswerCache() if cache is None else cache
    products = source.test
    runs = {}
    for name, choice in _CHOICES.items():
        texts = generate_answers(
            model,
            processor,
            products,
            form=form,
            num_crops=settings.num_crops,
            batch_size=settings.batch_size,
            max_new_tokens=settings.max_new_tokens,
            picture=choice,  # type: ignore[arg-type]  # one of the literals
            seed=settings.seed,
            cache=cache,
            on_rows=on_rows,
        )
        runs[name] = _run(
            products, [parse_answer(text, form) for text in texts], form.fields, settings, texts
        )
    learned = (
        baselines(
            source.train,
            products,
            model,
            fields=form.fields,
            batch_size=settings.batch_size,
            on_rows=on_rows,
        )
        if source.train
        else {}
    )
    return SourceResult(
        name=source.config.name,
        path=source.config.path,
        synthetic=source.config.is_synthetic,
        products=products,
        skipped=source.skipped,
        runs=runs,
        baselines={
            name: _run(products, baseline.answers, baseline.fields, settings)
            for name, baseline in learned.items()
        },
        train_rows=len(source.train),
        baselines_note="" if learned else f"There are no baselines: {source.untaught}.",
        gain=picture_gain(
            *(runs[name].judged for name in (OWN, SHUFFLED, BLANK)),
            same_answers=len({text for run in runs.values() for text in run.texts}) == 1,
            draws=settings.draws,
            seed=settings.seed,
        ),
    )


def pictures_to_see(source: OpenedSource) -> int:
    """Count what `evaluate` reports to `on_rows` in all."""
    rows = len(source.test)
    return len(_CHOICES) * rows + (len(source.train) + rows if source.train else 0)


def _run(
    products: Sequence[Product],
    answers: Sequence[Answer],
    fields: Sequence[str],
    settings: EvaluationSettings,
    texts: Sequence[str] = (),
) -> Run:
    judged = judge(products, answers, fields=fields)
    return Run(
        answers=answers,
        texts=texts,
        judged=judged,
        intervals=judged.intervals(draws=settings.draws, seed=settings.seed),
    )
