"""An experiment: every run trained and tested, one after another; what is finished is not done again."""

import gc
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from finetune.answers import parse_answer
from finetune.arms.plan import Arm, ArmRun, held_out_sources
from finetune.arms.summary import ArmAnswers, ArmSummary, summarise
from finetune.config.reading import plain
from finetune.config.run import NOT_COMPARED, RunConfig
from finetune.data.examples import Product
from finetune.errors import ConfigError
from finetune.evaluation.baselines import Baseline, baselines
from finetune.evaluation.bootstrap import Interval
from finetune.evaluation.evaluate import EvaluationSettings, OpenedSource, open_sources
from finetune.evaluation.generation import AnswerCache, generate_answers
from finetune.evaluation.scores import judge
from finetune.files import replace_file
from finetune.loading import choose_device, load_model
from finetune.model_folder import check_writable
from finetune.training.preparing import resolved_precision
from finetune.training.run import train

RESULT = "answers.json"


@dataclass(frozen=True, slots=True)
class Experiment:
    """What an experiment found.

    Attributes:
        arms: In order of their share of synthetic samples.
        baselines: By name; the majority baseline, learned from the training products of the sources tested on.
        products: How many products all were tested on.
        styles: Of how many styles.
        steps: Optimizer steps of every run.
        tested_on: Names of the sources.
    """

    arms: Sequence[ArmSummary]
    baselines: dict[str, dict[str, Interval]]
    products: int
    styles: int
    steps: int
    tested_on: Sequence[str]


def run_experiment(
    config: RunConfig,
    runs: Sequence[ArmRun],
    *,
    settings: EvaluationSettings,
    on_run: Callable[[ArmRun, bool], None] = lambda run, finished: None,
) -> Experiment:
    """Train and test every run that has not been, and summarise all.

    Args:
        config: What the runs share.
        runs: Of `plan_runs`.
        settings: How answers are generated and scored.
        on_run: Called before each run, with whether it is finished already.

    Raises:
        ConfigError: If a finished run was told something else.
        FinetuneError: As of training and evaluation.
    """
    for folder in sorted({Path(run.config.out).parent for run in runs}):
        check_writable(folder)
    form = config.data.prompt.build()
    sources = open_sources(held_out_sources(config), form, settings)
    products = [product for source in sources for product in source.test]
    # All are looked at before the first is trained: what is at odds is said at once.
    finished = [_finished(run, products) for run in runs]
    for run, is_finished in zip(runs, finished, strict=True):
        on_run(run, is_finished)
        if not is_finished:
            _train_and_test(run, sources, settings)
            gc.collect()
    arms: dict[Arm, ArmAnswers] = {}
    for run in runs:
        texts = json.loads(_result(run).read_text(encoding="utf-8"))["texts"]
        own, shuffled = (
            judge(products, [parse_answer(text, form) for text in texts[kind]], fields=form.fields)
            for kind in ("own", "shuffled")
        )
        known = arms.setdefault(run.arm, ArmAnswers(run.arm.name, run.arm.ratio, [], []))
        arms[run.arm] = replace(known, own=[*known.own, own], shuffled=[*known.shuffled, shuffled])
    return Experiment(
        arms=summarise([*arms.values()], draws=settings.draws, seed=settings.seed),
        baselines=_baselines(sources, form.fields, settings),
        products=len(products),
        styles=len({product.group for product in products}),
        steps=config.steps,
        tested_on=[source.config.name for source in sources],
    )


def _result(run: ArmRun) -> Path:
    return Path(run.config.out) / RESULT


def _told(run: ArmRun, products: Sequence[Product]) -> dict[str, Any]:
    config = {name: value for name, value in plain(run.config).items() if name not in NOT_COMPARED}
    config["precision"] = resolved_precision(run.config, choose_device(run.config.device))
    keys = json.dumps([(product.source, product.key, product.title) for product in products])
    # As JSON gives it back: there is no tuple in it.
    told: dict[str, Any] = json.loads(
        json.dumps({"config": config, "products": hashlib.sha256(keys.encode()).hexdigest()})
    )
    return told


def _finished(run: ArmRun, products: Sequence[Product]) -> bool:
    """Tell whether a run has its answers.

    Raises:
        ConfigError: If they are of other settings.
    """
    path = _result(run)
    if not path.is_file():
        return False
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
        earlier = written["told"]
    except (ValueError, KeyError, TypeError):
        earlier = None
    if earlier != _told(run, products):
        raise ConfigError(
            f"{path}: is of a run with other settings or other products to test on. "
            "Give those of that experiment, or another out."
        )
    return True


def _train_and_test(run: ArmRun, sources: Sequence[OpenedSource], settings: EvaluationSettings) -> None:
    # The last weights, not the best: so that all runs have equal steps.
    weights = train(run.config, resume=True).final
    form = run.config.data.prompt.build()
    adapter = weights if run.config.uses_adapters else None
    loaded = load_model(
        run.config.model if adapter else weights,
        adapter=adapter,
        device=choose_device(run.config.device),
        num_crops=run.config.data.num_crops,
    )
    cache = AnswerCache()
    texts = {
        name: [
            text
            for source in sources
            for text in generate_answers(
                loaded.model,
                loaded.processor,
                source.test,
                form=form,
                batch_size=settings.batch_size,
                max_new_tokens=settings.max_new_tokens,
                picture=picture,  # type: ignore[arg-type]  # one of the literals
                seed=settings.seed,
                cache=cache,
            )
        ]
        for name, picture in (("own", "as is"), ("shuffled", "shuffled"))
    }
    products = [product for source in sources for product in source.test]
    values = {"told": _told(run, products), "texts": texts}
    replace_file(_result(run), json.dumps(values, ensure_ascii=False))


def _baselines(
    sources: Sequence[OpenedSource], fields: Sequence[str], settings: EvaluationSettings
) -> dict[str, dict[str, Interval]]:
    train = [product for source in sources for product in source.train]
    test = [product for source in sources for product in source.test]
    if not train:
        return {}
    found: dict[str, Baseline] = baselines(train, test, None, fields=fields)
    return {
        name: judge(test, baseline.answers, fields=baseline.fields).intervals(
            draws=settings.draws, seed=settings.seed
        )
        for name, baseline in found.items()
    }
